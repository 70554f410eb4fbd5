"""Rules of Prometheus as small types: what is recorded, what raises an alert, and in which group."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.errors import UsageError

RECORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
ALERT = re.compile(r"[A-Z][A-Za-z0-9]*")
UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A series that is worked out at each evaluation and kept under its own name."""

    record: str
    """Level, metric and operation, with colons between (Prometheus Authors, Recording rules, 2024,
    https://prometheus.io/docs/practices/rules/)."""
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    what: str = ""
    """What it says, with its unit; for the documentation."""

    def __post_init__(self) -> None:
        if not RECORD.fullmatch(self.record):
            raise UsageError(f"{self.record!r} is no name of a series")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """A condition that, once it has held for long enough, tells somebody."""

    alert: str
    expr: str
    hold: float = 0.0
    """Seconds for which it must be true."""
    keep: float = 0.0
    """Seconds for which it goes on firing after the condition is gone (Prometheus 2.42 and later)."""
    severity: str
    """``page``: somebody is woken. ``ticket``: somebody looks on a working day."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not ALERT.fullmatch(self.alert):
            raise UsageError(f"{self.alert!r} is no name of an alert")
        if self.severity not in SEVERITIES:
            raise UsageError(f"{self.alert}: severity is one of {', '.join(SEVERITIES)}")


SEVERITIES = ("page", "ticket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated one after the other, so that later ones see what earlier ones recorded."""

    name: str
    interval: float
    """Seconds."""
    rules: Sequence[Recording | Alerting]


def duration(seconds: float) -> str:
    """As Prometheus writes it: ``90s``, ``1h30m``, ``500ms``. Raises UsageError below a millisecond."""
    whole = round(seconds * 1000)
    if seconds == 0:
        return "0s"
    if whole < 1:
        raise UsageError(f"{seconds!r} s is too short for a rule: a millisecond is the least")
    rest, milliseconds = divmod(whole, 1000)
    text = ""
    for unit, length in UNITS:
        count, rest = divmod(rest, length)
        text += f"{count}{unit}" if count else ""
    return text + (f"{milliseconds}ms" if milliseconds else "")


def document(groups: Sequence[Group]) -> dict[str, object]:
    """The groups as a rule file holds them."""
    return {"groups": [_group(group) for group in groups]}


def _group(group: Group) -> dict[str, object]:
    return {
        "name": group.name,
        "interval": duration(group.interval),
        "rules": [_recording(r) if isinstance(r, Recording) else _alerting(r) for r in group.rules],
    }


def _recording(rule: Recording) -> dict[str, object]:
    made: dict[str, object] = {"record": rule.record, "expr": rule.expr}
    return made | ({"labels": dict(rule.labels)} if rule.labels else {})


def _alerting(rule: Alerting) -> dict[str, object]:
    made: dict[str, object] = {"alert": rule.alert, "expr": rule.expr}
    if rule.hold:
        made["for"] = duration(rule.hold)
    if rule.keep:
        made["keep_firing_for"] = duration(rule.keep)
    made["labels"] = {"severity": rule.severity, **rule.labels}
    made["annotations"] = dict(rule.annotations)
    return made
