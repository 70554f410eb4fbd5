"""Which field of a row says what of a request, and how rows become columns of parsed values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from wattmark.attribution.logs.values import (
    UNITS,
    Bad,
    Parser,
    aborted,
    count_of,
    earlier_tries_parser,
    flag_of,
    number_of,
    said,
    span_parser,
    stamp_parser,
    status_of,
    unit_of_stamp,
    zone_named,
)
from wattmark.core.errors import UsageError

STAMPS = ("start", "end", "first_token")
SPANS = {
    "duration": "From start to end.",
    "queue": "Waiting before the work, from the start on.",
    "earlier": "Tries of other servers before the one that answered.",
    "work": "The engine's own time, from the end of the queue on.",
    "to_first_token": "From the start, waiting included.",
    "to_first_byte": "From the begin of the work.",
    "decode": "From the first token to the end.",
}
COUNTS = ("input_tokens", "cached_input_tokens", "output_tokens", "weight", "status")
SAID = ("error", "reached", "aborted", "completed")
"""Only whether they say anything: an error, an upstream that was reached, an end that is an abort, an answer
that is complete."""
ABSENT_MEANS = ("reached", "completed")
"""Where these say nothing that means something, so that a log without the column must not be read so."""
NAMES = ("model", "model_version", "tenant", "target")
TARGETS = (*STAMPS, *SPANS, *COUNTS, "failed", *SAID, "event", *NAMES, "request_id")
MAPPED = tuple(t for t in TARGETS if t not in ("earlier", "event"))
ENDED, NOT_ENDED = ("end", "request.finished"), ("start", "request.received")
"""Words for the event of a row: a request that is over, and one that is not."""
"""What a column may be named for."""
SUFFIXES = {
    "_ns": "ns",
    "_us": "us",
    "_ms": "ms",
    "_s": "s",
    "_seconds": "s",
    "_secs": "s",
    "_millis": "ms",
    "_micros": "us",
    "_nanos": "ns",
    "_milliseconds": "ms",
    "_microseconds": "us",
    "_nanoseconds": "ns",
}

Path = tuple[str, ...]
Candidates = Mapping[str, Sequence[tuple[str, str]]]
"""Target -> the fields that may hold it, in order, each with its unit (empty: to be found out)."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where one value of a request stands in a row."""

    target: str
    path: Path
    unit: str
    parse: Parser | None
    """None: a name, kept as text."""
    sample: Any = None
    """A value of it; None where the first rows tell none."""

    def of(self, row: Mapping[str, Any]) -> Any:
        """Its value in a row; None when it is not there."""
        value: Any = row
        for key in self.path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The fields of a log, and what holds for all of its rows."""

    fields: tuple[Field, ...]
    constants: Mapping[str, str] = field(default_factory=dict)
    """Names that the log does not tell."""
    zone: tzinfo | None = None
    tolerance_us: int = 1_000
    """How far rounding may set a first token outside of its request: the resolution of the log's times."""

    def field(self, target: str) -> Field | None:
        """Where a target stands; None when the log does not tell it."""
        return next((f for f in self.fields if f.target == target), None)


def layout_for(
    candidates: Candidates,
    rows: Sequence[Mapping[str, Any]],
    options: Mapping[str, str],
    where: str,
    *,
    tolerance_us: int = 1_000,
) -> Layout:
    """The layout of a log, from its format's candidates, its first rows and what was asked for.

    Raises UsageError for a column that no row has, for a time whose unit cannot be told, and when the fields
    do not say from when until when requests lasted.
    """
    zone = zone_named(options.get("zone"))
    chosen = dict(candidates)
    for key, value in options.items():
        kind, _, target = key.partition(".")
        if kind == "column":
            if target not in MAPPED:
                raise UsageError(f"-o {key}: requests have {', '.join(MAPPED)}")
            if _path(value, rows) is None:
                raise UsageError(f"{where}: no row has a column {value!r}{_known(rows, value)}")
            chosen[target] = [(value, "")]
    asked = {key.partition(".")[2]: unit for key, unit in options.items() if key.startswith("unit.")}
    found: dict[str, Field] = {}
    for target in TARGETS:
        for name, unit in chosen.get(target, ()):
            path = _path(name, rows)
            if path is not None:
                found[target] = _field(target, path, asked.get(target, unit), rows, zone, where)
                break
    if stray := set(asked) - set(found):
        raise UsageError(f"-o unit.{min(stray)}: the log has no such column")
    if len(found.keys() & {"start", "end", "duration"}) < 2:
        raise UsageError(
            f"{where}: its rows do not say from when until when a request lasted: name the columns of start "
            f"and end, or of one of them and a duration, with -o column.start=NAME{_known(rows)}"
        )
    constants = {name: options[name] for name in NAMES if options.get(name)}
    later = _unseen(chosen, found, zone)
    return Layout(
        fields=tuple(f for f in (*found.values(), *later) if f.target not in constants),
        constants=constants,
        zone=zone,
        tolerance_us=tolerance_us,
    )


def _unseen(chosen: Candidates, found: Mapping[str, Field], zone: tzinfo | None) -> Iterator[Field]:
    """Fields that the first rows do not have and later ones may: a failure, the first token of a stream."""
    stamped = next(found[t] for t in ("start", "end") if t in found)
    for target, names in chosen.items():
        if target in found or target in ("start", "end", "duration", *ABSENT_MEANS) or not names:
            continue
        name, unit = names[0]
        path = tuple(name.split(".")) if "." in name else (name,)
        if target in STAMPS:
            unit = unit or stamped.unit
            yield Field(target, path, unit, stamp_parser(unit, zone), stamped.sample)
        elif target not in SPANS or unit:
            yield Field(target, path, unit, _parser(target, unit, zone))


def _path(name: str, rows: Sequence[Mapping[str, Any]]) -> Path | None:
    """Where a field stands: a name with dots is a key as it is, or leads into nested objects."""
    for path in ((name,), tuple(name.split("."))):
        for row in rows:
            value: Any = row
            for key in path:
                value = value.get(key, _NOT_THERE) if isinstance(value, Mapping) else _NOT_THERE
            if value is not _NOT_THERE:
                return path
    return None


_NOT_THERE = object()


def _known(rows: Sequence[Mapping[str, Any]], meant: str = "") -> str:
    names = dict.fromkeys(key for row in rows for key in row)
    shown = [name for name in names if name.isprintable() and len(name) <= 64]
    close = difflib.get_close_matches(meant, shown, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; it has {', '.join(shown[:30])}" if shown else ""


def _field(
    target: str,
    path: Path,
    unit: str,
    rows: Sequence[Mapping[str, Any]],
    zone: tzinfo | None,
    where: str,
) -> Field:
    probe = Field(target, path, unit, None)
    sample = next((value for row in rows if (value := probe.of(row)) is not None), None)
    if unit and target in (*STAMPS, *SPANS) and unit not in (*UNITS, "text"):
        raise UsageError(f"-o unit.{target}={unit}: the units of times are {', '.join(UNITS)}")
    if target in STAMPS:
        unit = unit or _stamp_unit(probe, rows, zone, where)
    elif target in SPANS:
        unit = unit or _span_unit(probe, where)
        if unit == "iso":
            raise UsageError(f"-o unit.{target}=iso: a length of time has a unit of s, ms, us or ns")
    return Field(target, path, unit, _parser(target, unit, zone), sample)


def _parser(target: str, unit: str, zone: tzinfo | None) -> Parser | None:
    """What reads the values of a target; None for texts."""
    if target in STAMPS:
        return stamp_parser(unit, zone)
    if target in SPANS:
        return earlier_tries_parser(unit) if target == "earlier" else span_parser(unit)
    if target == "aborted":
        return aborted
    if target in SAID:
        return said
    others: Mapping[str, Parser] = {"status": status_of, "failed": flag_of}
    return others.get(target, count_of if target in COUNTS else None)


def _stamp_unit(probe: Field, rows: Iterable[Mapping[str, Any]], zone: tzinfo | None, where: str) -> str:
    """The unit of a column of times, from the first of them that says it."""
    name = ".".join(probe.path)
    for row in rows:
        value = probe.of(row)
        try:
            number = number_of(value)
        except Bad:
            if isinstance(value, str):
                _refuse_zoneless(value, zone, where, name)
                return "iso"
            continue
        if number is None:
            continue
        unit = unit_of_stamp(float(number))
        if unit is None:
            raise UsageError(
                f"{where}: {name} holds numbers that are no times since 1970 in s, ms, us or ns, from 2001 "
                "to 2100: what they count from is not known, so they meet no power; log the time of day"
            )
        return unit
    return "iso"


def _refuse_zoneless(value: str, zone: tzinfo | None, where: str, name: str) -> None:
    parse = stamp_parser("iso", zone)
    try:
        parse(value)
    except Bad as error:
        if "zone" in str(error):
            raise UsageError(
                f"{where}: {name} {error} (Europe/Paris): the same clock time is another moment elsewhere"
            ) from None


def _span_unit(probe: Field, where: str) -> str:
    """The unit of a length of time, from the name of its column."""
    name = ".".join(probe.path)
    for suffix, unit in SUFFIXES.items():
        if name.lower().endswith(suffix):
            return unit
    raise UsageError(
        f"{where}: {name} does not say in which unit it is: say -o unit.{probe.target}=s (or ms, us, ns)"
    )
