"""Whether a benchmark that was cut off may go on here: the same work, model, machine and versions, or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from wattmark.core.bench.evidence import Evidence
from wattmark.core.errors import UsageError


def require_same(earlier: Evidence, now: Evidence) -> None:
    """Raise UsageError, naming the fields, unless both heads are of one benchmark."""
    found = [f"{name} was {_said(a)} and is {_said(b)}" for name, a, b in _differing(earlier, now)]
    if found:
        raise UsageError(
            "this benchmark cannot be resumed, it would not be the same one any more: " + "; ".join(found)
        )


def _differing(a: Evidence, b: Evidence) -> Iterator[tuple[str, Any, Any]]:
    yield from _fields("profile", a.profile, b.profile)
    yield from _fields("pinned", a.pinned, b.pinned)
    yield from _fields("model", a.model, b.model)
    for name in ("id", "fingerprint"):
        yield from _pair(f"host.{name}", getattr(a.host, name), getattr(b.host, name))
    yield from _pair("devices", [d.id for d in a.devices], [d.id for d in b.devices])
    for name in sorted({*a.environment, *b.environment}):
        yield from _pair(f"environment.{name}", a.environment.get(name), b.environment.get(name))
    yield from _pair("simulated", a.simulated, b.simulated)


def _fields(name: str, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    for f in fields(a):
        left, right = getattr(a, f.name), getattr(b, f.name)
        if f.name == "dataset":
            yield from _fields(f"{name}.{f.name}", left, right)
        elif isinstance(left, Mapping):
            yield from _pair(f"{name}.{f.name}", dict(left), dict(right))
        else:
            yield from _pair(f"{name}.{f.name}", left, right)


def _pair(name: str, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    if a != b:
        yield name, a, b


def _said(value: Any) -> str:
    text = "not there" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
