"""Tells people what the agent finds, in a thread of its own: neither windows nor the search wait for it.

What goes on is handed over at every look, and what is over once. Each route hears of a matter once, and that
it is over, also when the agent was started anew in between: the spool in its state folder remembers. A sink
that forgets (an Alertmanager) hears at every look. What cannot be told waits in the spool.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wattmark.config import AgentConfig, Config
from wattmark.core.errors import WattmarkError
from wattmark.core.governance.message import Message, Topic
from wattmark.exporters.sinks.catalog import open_sink
from wattmark.exporters.sinks.routing import Route
from wattmark.exporters.sinks.sink import World
from wattmark.exporters.sinks.spool import Spool
from wattmark.exporters.sinks.webhook import ALERTS
from wattmark.fields import Fields
from wattmark.webapi.api import Patience
from wattmark.wiring.alerting import Watched
from wattmark.wiring.notifying import Told, chosen, routes_of, tell, world_of

TOKEN = "WATTMARK_ALERTS_TOKEN"
FOLDER = "notify"
MOST = 200
"""Matters that may wait to be told; those beyond are dropped and counted."""
RETRY_SECONDS = 60.0
"""A route that failed is left alone for so long, and what waits is tried again so often."""
STOP_SECONDS = 10.0
"""How long the end waits for what is under way."""
LASTS_SECONDS = 600.0
"""What no look tells again for so long has ended for who forgets: the agent is gone."""
TAGS = ("organisation", "team", "project", "environment")
PATIENCE = Patience(timeout=5.0, attempts=3)
NAME = "[agent] alerts"
"""The route of the address in the agent's own settings."""

Say = Callable[[str], None]


class Telling:
    """The routes and their thread. ``put`` never waits."""

    def __init__(
        self,
        routes: Sequence[Route],
        world: World,
        spool: Spool,
        say: Say,
        *,
        retry_seconds: float = RETRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dropped = 0
        """Messages that nobody will be told."""
        self._routes, self._world, self._spool, self._say = routes, world, spool, say
        self._retry, self._clock = retry_seconds, clock
        self._problems: dict[str, str] = {}
        self._due: dict[str, float] = {}
        self._waiting: dict[str, Message] = {}
        self._ending = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="wattmark-alerts", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Whom it could not tell and why, without secrets; empty when all is well."""
        said = [f"{route}: {problem}" for route, problem in sorted(self._problems.copy().items())]
        if self.dropped:
            said.append(f"{self.dropped} could not wait and were dropped")
        if not self._ending and not self._thread.is_alive():
            said.append("nobody is told any more: what tells has failed, and the log says how")
        return "; ".join(said)

    def told(self) -> tuple[Message, ...]:
        """What somebody was told, by this agent or one before it, and not that it is over."""
        return self._spool.alerts()

    def put(self, messages: Iterable[Message]) -> None:
        """What is to be told; a later message of the same matter takes the place of one that waits."""
        with self._change:
            before = self.dropped
            for message in messages:
                if message.key in self._waiting or len(self._waiting) < MOST:
                    self._waiting[message.key] = message
                else:
                    self.dropped += 1
            self._change.notify()
        if self.dropped > before:
            self._say(f"alerts: {MOST} wait already: {self.dropped} were dropped so far")

    def close(self, seconds: float = STOP_SECONDS) -> None:
        """Tell what waits, and end; what takes too long is left to the agent after this one."""
        with self._change:
            self._ending = True
            self._change.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._ending, self._retry)
                messages, self._waiting = list(self._waiting.values()), {}
                last = self._ending
            self._tell(messages)
            if last:
                return

    def _tell(self, messages: Sequence[Message]) -> None:
        now = self._clock()
        resting = {name: self._problems[name] for name, due in self._due.items() if now < due}
        try:
            told = tell(messages, self._routes, self._world, self._spool, once=True, resting=resting)
            lost = {item.message.key for item in told if item.problem and not (item.words or item.kept)}
            for message in messages:
                if message.resolved and message.key not in lost:  # who did not hear of the end has it waiting
                    self._spool.over(message.key)
        except (WattmarkError, OSError) as error:  # the state folder: sinks raise nothing here
            self._became({**self._problems, "what was told": str(error)})
            return
        self._due = {name: due for name, due in self._due.items() if name in resting}
        self._heard([item for item in told if item.route not in resting], resting)

    def _heard(self, asked: Sequence[Told], resting: Mapping[str, str] | None = None) -> None:
        """What became of messages on the routes that were asked."""
        failed = [item for item in asked if item.problem]
        self._due |= {item.route: self._clock() + self._retry for item in failed if not item.words}
        self._became({item.route: _problem(item) for item in failed} | dict(resting or {}))

    def _became(self, problems: Mapping[str, str]) -> None:
        for route, problem in problems.items():
            if self._problems.get(route) != problem:
                self._say(f"alerts: {route}: {problem}")
        for route in self._problems:
            if route not in problems:
                self._say(f"alerts: {route}: nothing waits any more")
        self._problems = dict(problems)


def telling_of(
    config: Config,
    state: Path,
    environ: Mapping[str, str],
    say: Say,
    to: Sequence[str] = (),
    *,
    world: World | None = None,
) -> Telling | None:
    """Who hears of alerts: ``[agent] alerts`` and the ``[[notify]]`` with ``alert``, or those of ``--to``.

    None where nobody does. Raises ConfigError, UsageError for what cannot be meant, also for an address;
    that a secret is not there is said, now and when it is needed, because measuring goes first.
    """
    routes = routes_for(config, to, environ)
    if not routes:
        return None
    world = world or replace(world_of(environ), patience=PATIENCE)
    for route in routes:
        open_sink(route.to, route.table, replace(world, pretend=True))
        try:
            open_sink(route.to, route.table, world)
        except WattmarkError as error:
            say(f"alerts: {route.name}: nobody could be told now: {error}")
    say(f"alerts go to {', '.join(route.name for route in routes)}")
    return Telling(routes, world, Spool(state / FOLDER), say)


def watched_by(config: Config, host_id: str) -> Watched:
    """Alerts of one node: its own matters, with the tags that choose routes."""
    tags = {name: getattr(config.tags, name) for name in TAGS}
    labels = {name: value for name, value in tags.items() if value}
    return Watched(node=host_id[:12], labels=labels, lasts_seconds=LASTS_SECONDS)


def routes_for(config: Config, to: Sequence[str], environ: Mapping[str, str]) -> tuple[Route, ...]:
    """The routes of an agent, each under a name by which it is known again."""
    listed = routes_of(config)
    if to:
        found = [_lasting(route) for route in chosen(listed, to)]
    else:
        found = [route for route in listed if Topic.ALERT in route.on]
    if config.agent.alerts is not None:
        found.append(_stated(config.agent, config.path or "wattmark.toml", environ))
    return tuple({route.name: route for route in found}.values())


def _lasting(route: Route) -> Route:
    """A route of ``--to``: it hears of every alert, and is remembered, its target by a hash."""
    name, table = route.name, route.table
    if table.file == "--to":
        told = repr(sorted(map(str, table.values.items())))
        name = f"--to {route.to} {hashlib.sha256(told.encode()).hexdigest()[:8]}"
        table = replace(table, file="wattmark agent --to")
    return replace(route, name=name, table=table, on=tuple(Topic), asked=False)


def _stated(asked: AgentConfig, file: str, environ: Mapping[str, str]) -> Route:
    """``alerts`` and ``alerts_form``."""
    values: dict[str, object] = {"url": asked.alerts}
    if environ.get(TOKEN, "").strip():
        values["token_env"] = TOKEN
    if asked.alerts_form != "alertmanager":
        values["form"] = ALERTS
    to = "webhook" if asked.alerts_form != "alertmanager" else "alertmanager"
    return Route(name=NAME, to=to, table=Fields(file, NAME, values), on=(Topic.ALERT,))


def _problem(item: Told) -> str:
    return f"{item.problem}; it waits" if item.kept else item.problem
