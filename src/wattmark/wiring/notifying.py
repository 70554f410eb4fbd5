"""Tells messages along routes: what fails waits and is tried again, and never hides the others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wattmark.config import NOTIFY, Config
from wattmark.core.errors import DeliveryError, WattmarkError, without_paths
from wattmark.core.governance.message import Message, Severity, Topic
from wattmark.exporters.sinks.catalog import forgets, open_sink
from wattmark.exporters.sinks.routing import Route, Wanted, read_routes, route_to, wanted
from wattmark.exporters.sinks.sink import Sink, Sketch, World
from wattmark.exporters.sinks.spool import Spool
from wattmark.frames import claimed
from wattmark.measure.home import outbox_folder

NOT_TOLD = 4
"""Exit code of `notify` and `digest` when something was not told; never that of a gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one message on one route."""

    route: str
    to: str
    message: Message
    words: str = ""
    """``sent``, ``opened https://...``; empty when it was not told."""
    problem: str = ""
    """What went wrong, without secrets."""
    kept: bool = False
    """It waits, and is tried again the next time."""
    sketch: Sketch | None = None
    """What would be sent; nothing was."""


def routes_of(config: Config) -> tuple[Route, ...]:
    """The ``[[notify]]`` of a configuration. Raises ConfigError."""
    return read_routes(config.path or "wattmark.toml", config.tables.get(NOTIFY, ()))


def chosen(routes: Sequence[Route], asked: Sequence[str]) -> tuple[Route, ...]:
    """The routes that ``--to`` names, or all of them. Raises UsageError."""
    return tuple(route_to(spec, routes) for spec in asked) if asked else tuple(routes)


def world_of(environ: Mapping[str, str] = os.environ) -> World:
    """The real world: secrets out of the environment, else out of the keyring."""
    from wattmark.grid.keys import from_keyring

    return World(secret=lambda name: environ.get(name) or from_keyring(name))


def spool_of(config: Config, environ: Mapping[str, str] = os.environ) -> Spool:
    """Where messages of this configuration wait: one folder per configuration file, in the user's state."""
    where = str(Path(config.path).absolute()) if config.path else ""
    name = hashlib.sha256(where.encode()).hexdigest()[:16]
    return Spool(outbox_folder(environ).parent / "notify" / name)


def tell(
    messages: Iterable[Message],
    routes: Sequence[Route],
    world: World,
    spool: Spool,
    *,
    dry_run: bool = False,
    keep: bool = True,
    once: bool = False,
    resting: Mapping[str, str] | None = None,
) -> tuple[Told, ...]:
    """Each message along each route that wants it; what waits for a route goes first.

    What fails is kept for the next time unless ``keep`` is False. ``once``: what was told somewhere and is
    not over is not told there again, except to sinks that forget. ``resting``: routes that are not asked now,
    and why; what is for them is kept. Raises nothing for what a sink does.
    """
    found: list[Told] = []
    listed = tuple(messages)
    for route in routes:
        down = (resting or {}).get(route.name, "")
        teller = _Teller(route, world, spool, dry_run, keep, once, down=down)
        if not dry_run and not route.asked and not down:
            replaced = {message.key for message in listed if wanted(route, message) is not Wanted.LEAVE}
            found += teller.again(replaced)
        for message in listed:
            told = teller.tell(message)
            found += [] if told is None else [told]
    return tuple(found)


def tell_waiting(routes: Sequence[Route], world: World, spool: Spool) -> tuple[Told, ...]:
    """What waits, once more."""
    return tuple(told for route in routes for told in _Teller(route, world, spool).again(set()))


def trial(route: Route, at: str) -> Message:
    """A message that tells that messages arrive."""
    from wattmark.reports.messages import with_markdown

    return with_markdown(
        Message(
            key=f"test/{route.name}",
            title=f"wattmark can tell you here ({route.name})",
            markdown="",
            severity=Severity.INFO,
            topics=(Topic.ALERT,),
            facts=(("Route", route.name), ("Sink", route.to)),
            notes=("This is a test: nothing has happened.",),
            at=at,
        )
    )


@dataclass(slots=True)
class _Teller:
    """One route; it is opened once, and left alone once it does not answer."""

    route: Route
    world: World
    spool: Spool
    dry_run: bool = False
    keep: bool = True
    once: bool = False
    sink: Sink | None = None
    down: str = ""

    def tell(self, message: Message) -> Told | None:
        """Tell it, or only that it is over; None when this route leaves it."""
        want = wanted(self.route, message)
        if want is Wanted.LEAVE:
            return None
        if want is Wanted.RESOLVE:
            message = replace(message, resolved=True)
            if not self._matters(message):
                self.spool.forget(self.route.name, message)  # what was never told need not be told any more
                return None
        elif self.once and self.spool.is_open(self._place(), message.key) and not forgets(self.route.to):
            self.spool.forget(self.route.name, message)  # that it was over waited, and it is not over
            return None
        return self._told(message)

    def again(self, replaced: set[str]) -> list[Told]:
        """What waits for this route, the oldest first; of matters that are told anew now nothing.

        What another process tells at this moment is left to it.
        """
        found: list[Told] = []
        for item in [w for w in self.spool.waiting() if w.route == self.route.name]:
            if item.message.key in replaced:
                continue
            with claimed(item.path) as ours:
                found += [self._told(item.message)] if ours else []
        return found

    def _matters(self, message: Message) -> bool:
        """Whether there can be something to resolve: it was told, or the sink looks for itself."""
        if self.spool.is_open(self._place(), message.key):
            return True
        problem, sink = self._opened()
        return bool(problem) or (sink is not None and sink.keeps)

    def _told(self, message: Message) -> Told:
        made = Told(route=self.route.name, to=self.route.to, message=message)
        problem, sink = self._opened()
        if sink is None:
            return self._kept(made, problem)
        if self.dry_run:
            return replace(made, sketch=sink.sketch(message))
        if self.down:
            return self._kept(made, self.down)
        try:
            delivered = sink.deliver(message)
        except DeliveryError as error:
            # Who does not answer one message is not kept waiting for with the next.
            self.down = str(error) if error.status is None or error.status >= 500 else ""
            return self._kept(made, str(error))
        except Exception as error:  # noqa: BLE001
            # The last door of a sink, which may come from another package: one that breaks in a way that
            # nobody thought of must not keep the others from being told. What broke is shown.
            return self._kept(made, f"{type(error).__name__}: {without_paths(error)}")
        return self._done(replace(made, words=delivered.words, problem=delivered.problem))

    def _done(self, told: Told) -> Told:
        try:
            self.spool.forget(self.route.name, told.message)
            lasts = self._lasting() or Topic.ALERT in told.message.topics
            if self.keep and lasts and Topic.DIGEST not in told.message.topics:
                self.spool.told(self._place(), told.message)
        except OSError as error:
            return replace(told, problem=told.problem or f"told, but not remembered: {error.strerror}")
        return told

    def _kept(self, told: Told, problem: str) -> Told:
        told = replace(told, problem=problem)
        if self.dry_run or not self.keep or not self._lasting():
            return told
        try:
            lost = self.spool.keep(self.route.name, told.message, problem)
        except OSError as error:
            return replace(told, problem=f"{problem}; it could not be kept either: {error.strerror}")
        more = f"; {lost} older ones had to go" if lost else ""
        return replace(told, problem=problem + more, kept=True)

    def _lasting(self) -> bool:
        """Whether the route will be known the next time: ``--to SINK:TARGET`` is not."""
        return self.route.table.file != "--to"

    def _place(self) -> str:
        """What it is remembered by; for ``--to SINK:TARGET`` this holds the target, and is only hashed."""
        if self._lasting():
            return self.route.name
        return f"--to {self.route.to} {sorted(map(str, self.route.table.values.items()))}"

    def _opened(self) -> tuple[str, Sink | None]:
        if self.sink is None:
            try:
                world = replace(self.world, pretend=True) if self.dry_run else self.world
                self.sink = open_sink(self.route.to, self.route.table, world)
            except WattmarkError as error:
                return str(error), None
        return "", self.sink


def failed(told: Iterable[Told]) -> bool:
    """Whether something was not told, or not as it should be."""
    return any(item.problem for item in told)
