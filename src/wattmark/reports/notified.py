"""What became of messages: as text, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from wattmark.core.governance.message import Message, Topic

SCHEMA, VERSION = "notified", 1


class Sketched(Protocol):
    """What would be sent."""

    @property
    def place(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def note(self) -> str: ...


class Told(Protocol):
    """What became of one message on one route."""

    @property
    def route(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def message(self) -> Message: ...
    @property
    def words(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def kept(self) -> bool: ...
    @property
    def sketch(self) -> Sketched | None: ...


def told_text(told: Sequence[Told]) -> str:
    """A line per route and message; of a dry run all that would be sent."""
    return "\n".join(_line(item) for item in told) or "nobody is to be told of this"


def told_json(told: Sequence[Told]) -> dict[str, Any]:
    """The body of the document."""
    return {"told": [_row(item) for item in told]}


def _line(item: Told) -> str:
    name = item.route if item.route == item.to else f"{item.route} ({item.to})"
    if item.sketch is not None:
        note = f"\n# {item.sketch.note}" if item.sketch.note else ""
        return f"# {name}: would be sent to {item.sketch.place}{note}\n{item.sketch.content.rstrip()}\n"
    said = [item.words] if item.words else ["not told"]
    said += [item.problem] if item.problem else []
    said += ["it waits, and is tried again the next time"] if item.kept else []
    over = "over: " if item.message.resolved and Topic.ALERT in item.message.topics else ""
    return f"{name}: {over}{item.message.title}: {'; '.join(said)}"


def _row(item: Told) -> dict[str, Any]:
    row: dict[str, Any] = {
        "route": item.route,
        "sink": item.to,
        "key": item.message.key,
        "title": item.message.title,
        "severity": item.message.severity.value,
        "resolved": item.message.resolved,
        "told": bool(item.words),
        "outcome": item.words,
        "problem": item.problem,
        "waits": item.kept,
    }
    if item.sketch is None:
        return row
    sketch = {"place": item.sketch.place, "content": item.sketch.content, "note": item.sketch.note}
    return row | {"would_send": sketch}
