"""``[[notify]]``: who is told of what, where. Read strictly; secrets stand in it by name only."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.governance.message import Message, Severity, Topic
from wattmark.core.governance.scope import Applies, Scope
from wattmark.core.tags import TAGS
from wattmark.exporters.sinks.catalog import asked_for, module_of
from wattmark.fields import Fields

COMMON = ("name", "to", "on", "severity", "teams", "scope")
USUAL_TOPICS = (Topic.FAILED, Topic.INCOMPLETE, Topic.WAIVED, Topic.WARNING, Topic.BUDGET, Topic.ALERT)
KNOWN = (*TAGS, "budget", "metric", "node", "target", "tenant")
"""What messages are labelled with: tags of runs, and what budgets and alerts are of."""
GATE = frozenset({Topic.FAILED, Topic.INCOMPLETE, Topic.WAIVED, Topic.WARNING, Topic.PASSED})
"""Topics of a gate's decision."""


class Wanted(Enum):
    """What a route does with a message."""

    TELL = auto()
    RESOLVE = auto()
    """Only what it told before is of interest: that is over now, for this route."""
    LEAVE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One ``[[notify]]``, or one ``--to``."""

    name: str
    to: str
    """A sink of the catalogue."""
    table: Fields
    """The sink's own settings."""
    on: tuple[Topic, ...] = USUAL_TOPICS
    severity: Severity = Severity.INFO
    """Nothing milder is told."""
    scope: Scope = field(default_factory=Scope)
    asked: bool = False
    """It was asked for by ``--to``: it is told whatever there is."""


def read_routes(file: str, tables: Sequence[Mapping[str, Any]]) -> tuple[Route, ...]:
    """The routes of a configuration. Raises ConfigError that names the file, the table and the key."""
    found: dict[str, Route] = {}
    for n, values in enumerate(tables, start=1):
        route = _route(Fields(file, f"[[notify]] {n}", values))
        if route.name in found:
            raise ConfigError(file, f"[[notify]] {n} name", f"{route.name!r} is there already")
        found[route.name] = route
    return tuple(found.values())


def route_to(spec: str, routes: Iterable[Route]) -> Route:
    """What ``--to`` means: the name of a route, or SINK:TARGET. Raises UsageError for neither."""
    known = []
    for route in routes:
        if route.name == spec:
            return Route(name=route.name, to=route.to, table=route.table, asked=True)
        known.append(route.name)
    if known and ":" not in spec:
        raise UsageError(
            f"there is no route {spec!r:.60}: there are {', '.join(known)}; or write SINK:TARGET"
        )
    to, table = asked_for(spec)
    table.only(*module_of(to).KEYS)
    return Route(name=to, to=to, table=table, asked=True)


def wanted(route: Route, message: Message) -> Wanted:
    """Whether a route tells a message. A tag that the message does not state could be anything."""
    if route.asked:  # a gate that passes is news; an alert that ends is news to those who heard of it
        return Wanted.RESOLVE if message.resolved and Topic.ALERT in message.topics else Wanted.TELL
    about, chosen = set(message.topics), set(route.on)
    applies = route.scope.of(message.labels)
    if applies is Applies.NO or (applies is Applies.UNKNOWN and Topic.DIGEST in about):
        return Wanted.LEAVE  # the digest of everybody is for those who want to hear of everybody
    if about & chosen and message.severity.rank >= route.severity.rank and not message.resolved:
        return Wanted.TELL
    if Topic.PASSED in about & chosen:
        return Wanted.TELL
    family = GATE | {Topic.BUDGET} if about & GATE else about
    return Wanted.RESOLVE if family & chosen and Topic.DIGEST not in about else Wanted.LEAVE


def _route(table: Fields) -> Route:
    to = table.named("to")
    try:
        keys: tuple[str, ...] = tuple(module_of(to).KEYS)
    except UsageError as error:
        raise table.wrong("to", str(error)) from None
    table.only(*COMMON, *keys)
    name = table.named("name")
    if not name.isprintable() or ":" in name:
        raise table.wrong("name", f"{name!r:.60}: a name holds no colon and nothing unseen")
    values = {key: value for key, value in table.values.items() if key in keys}
    return Route(
        name=name,
        to=to,
        table=Fields(table.file, table.place, values),
        on=_topics(table),
        severity=Severity(table.choice("severity", tuple(Severity), Severity.INFO)),
        scope=_scope(table),
    )


def _topics(table: Fields) -> tuple[Topic, ...]:
    if "on" not in table.values:
        return USUAL_TOPICS
    known = tuple(topic.value for topic in Topic)
    for word in table.texts("on"):
        if word not in known:
            close = difflib.get_close_matches(word, known, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise table.wrong("on", f"{word!r:.40} is nothing to be told of{meant}")
    return tuple(Topic(word) for word in table.texts("on"))


def _scope(table: Fields) -> Scope:
    """``teams = [...]``, and ``scope = {model = "sort*"}`` for other tags."""
    patterns: dict[str, tuple[str, ...]] = {}
    inside = table.table("scope")
    for tag, value in inside.values.items():
        patterns[tag] = (value,) if isinstance(value, str) else inside.texts(tag)
        # Alerts have labels that an agent's configuration chose: only what is nearly a tag is a slip.
        close = difflib.get_close_matches(tag, KNOWN, n=1, cutoff=0.75)
        if tag not in KNOWN and close:
            raise inside.wrong(tag, f"is no tag; did you mean {close[0]!r}?")
        if not patterns[tag] or not all(patterns[tag]):
            raise inside.wrong(tag, "needs a pattern that is not empty; leave the tag out for any")
    if teams := table.texts("teams"):
        if "team" in patterns:
            raise table.wrong("teams", "stands beside scope.team: give one of them")
        patterns["team"] = teams
    return Scope(patterns)
