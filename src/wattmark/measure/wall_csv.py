"""Read a wall meter's recording: a CSV file with a column of times and one of power."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wattmark.core.errors import EvidenceError
from wattmark.core.wall_series import WallSample

TIME_WORDS = ("timestamp", "datetime", "time", "date", "zeit", "elapsed", "seconds")
POWER_WORDS = ("power", "watt", "leistung", "puissance", "load")
OTHER_POWERS = ("factor", "apparent", "reactive")
"""Columns beside the real power that some meters write."""
POWER_UNITS = {"w": 1.0, "watts": 1.0, "watt": 1.0, "kw": 1e3, "mw": 1e-3}
"""``mW`` is milliwatts: no wall plug carries megawatts."""
EPOCH_SECONDS_FROM = 1e8
"""Numbers above this are seconds since 1970 (1e8 is 1973); below, seconds since the recording began."""
EPOCH_MILLISECONDS_FROM = 1e11
MOST_TIME = 1e14
"""The year 5138 in milliseconds."""
MOST_WATTS = 1e9
"""No wall meter shows more, in any unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WallRecording:
    """What the meter wrote, and how its file was understood."""

    samples: tuple[WallSample, ...]
    time_column: str
    power_column: str
    unit: str
    skipped: int
    """Lines without a usable value; they are left out, never zero."""
    notes: tuple[str, ...] = ()


def read_wall_csv(
    path: Path,
    run_started_at: str,
    *,
    time_column: str | None = None,
    power_column: str | None = None,
    unit: str | None = None,
) -> WallRecording:
    """Read a recording and put its times on a run's scale (seconds from the run's start).

    Times may be ISO 8601 (local to this machine when they name no zone), seconds or milliseconds since
    1970, or seconds since the recording began. Raises EvidenceError that names what was looked for.
    """
    header, lines, delimiter = _table(path)
    when = _column(path, header, time_column, TIME_WORDS, "--time-column")
    power = _column(path, header, power_column, POWER_WORDS, "--power-column")
    scale, unit_name = _unit(path, power, unit)
    try:
        start = datetime.fromisoformat(run_started_at).timestamp()
    except (ValueError, OverflowError):
        raise EvidenceError(str(path), f"the run's start {run_started_at[:40]!r} is not a time") from None
    notes: dict[str, None] = {}
    samples: list[WallSample] = []
    skipped = 0
    for line in lines:
        at = _seconds(line.get(when), start, notes)
        watts = _number(line.get(power), decimal_comma=delimiter == ";")
        if at is None or watts is None:
            skipped += 1
        else:
            samples.append(WallSample(at, watts * scale))
    if not samples:
        raise EvidenceError(
            str(path), f"no line has a time in {when!r} and a number in {power!r}: name other columns"
        )
    return WallRecording(
        samples=tuple(samples),
        time_column=when,
        power_column=power,
        unit=unit_name,
        skipped=skipped,
        notes=tuple(notes),
    )


def _table(path: Path) -> tuple[Sequence[str], list[Mapping[str, str | None]], str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(str(path), f"cannot be read as text: {error}") from None
    first = text.partition("\n")[0]
    delimiter = max((";", "\t", ","), key=first.count)
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise EvidenceError(str(path), f"is not a CSV file: {error}") from None
    if len(header) < 2:
        raise EvidenceError(
            str(path), "has no header with a column of times and one of power in its first line"
        )
    reader.fieldnames = header
    try:
        return header, [dict(line) for line in reader], delimiter
    except csv.Error as error:
        raise EvidenceError(str(path), f"is not a CSV file after line {reader.line_num}: {error}") from None


def _column(path: Path, header: Sequence[str], asked: str | None, words: Sequence[str], option: str) -> str:
    found = _column_found(path, header, asked, words, option)
    if header.count(found) > 1:
        raise EvidenceError(
            str(path), f"has {header.count(found)} columns named {found!r}: rename all but one"
        )
    return found


def _column_found(
    path: Path, header: Sequence[str], asked: str | None, words: Sequence[str], option: str
) -> str:
    if asked is not None:
        if asked not in header:
            raise EvidenceError(str(path), f"has no column {asked!r}; it has {', '.join(header)}")
        return asked
    for word in words:
        found = [n for n in header if word in n.lower() and not any(w in n.lower() for w in OTHER_POWERS)]
        if found:
            return found[0]
    raise EvidenceError(
        str(path), f"none of its columns ({', '.join(header)}) is known: name it with {option}"
    )


def _unit(path: Path, column: str, asked: str | None) -> tuple[float, str]:
    if asked is not None:
        if asked.lower() not in POWER_UNITS:
            raise EvidenceError(str(path), f"{asked!r} is not a unit of power: use W, kW or mW")
        return POWER_UNITS[asked.lower()], asked
    words = "".join(c if c.isalnum() else " " for c in column.lower()).split()
    for word in words:
        if word in POWER_UNITS and word not in ("watt", "watts"):
            return POWER_UNITS[word], {"kw": "kW", "mw": "mW", "w": "W"}[word]
    return 1.0, "W"


def _number(text: str | None, *, decimal_comma: bool) -> float | None:
    if text is None:
        return None
    cleaned = text.strip().replace(",", ".") if decimal_comma else text.strip()
    try:
        value = float(cleaned)
    except ValueError:
        return None
    return value if 0 <= value <= MOST_WATTS else None


def _seconds(text: str | None, start: float, notes: dict[str, None]) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        return _moment(text.strip(), start, notes)
    if not abs(number) <= MOST_TIME:
        return None
    if number >= EPOCH_MILLISECONDS_FROM:
        return number / 1000 - start
    if number >= EPOCH_SECONDS_FROM:
        return number - start
    notes["times count from the start of the recording, which is laid at the run's start"] = None
    return number


def _moment(text: str, start: float, notes: dict[str, None]) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1970 < moment.year < 9000:
        return None
    if moment.tzinfo is None:
        notes["times name no zone and are read as local time of this machine"] = None
        moment = moment.astimezone()
    return moment.timestamp() - start
