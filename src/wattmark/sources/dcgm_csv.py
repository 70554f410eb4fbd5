"""DCGM: the table that ``dcgmi dmon`` prints, and CSV files with DCGM's fields as columns.

Power is watts (fields 155 and 157), the energy counter millijoules (156, ``TOTEC``). The table has no
times: ``dcgmi dmon -e 155,156 | ts '%Y-%m-%dT%H:%M:%.S'`` puts them before each line; else somebody must say
when it began, and its delay. Field names before DCGM 4.6 and since (BOARD_POWER_WATTS) mean the same. Read
from dcgmi/DeviceMonitor.cpp and dcgmlib/src/dcgm_fields.cpp of NVIDIA/DCGM 2.0 to 4.6.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import chain
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import SourceId
from wattmark.core.standins import UNNAMED
from wattmark.core.telemetry import Stream
from wattmark.hashing import sha256
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of
from wattmark.sources.lines import files_of, lines_of, number_of
from wattmark.sources.moments import moment_us, zone_of
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.series import Series, reading_of
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "dcgm"
OPTIONS: Mapping[str, str] = {
    "start": "When dmon began, e.g. 2026-11-01T12:00:00Z, for a table without times.",
    "delay_ms": "The delay that dmon was given (-d) [1000], for a table without times.",
    "time_zone": "Zone of times without one, e.g. Europe/Paris [UTC].",
    "gpus": "UUIDs of GPU 0, 1, ... separated by commas: without them nothing joins these GPUs to those that "
    "other meters saw.",
}
COUNTER, POWER, INSTANT = "counter", "power", "instant"
FIELDS: Mapping[str, str] = {
    "totec": COUNTER,
    "156": COUNTER,
    "dcgm_fi_dev_total_energy_consumption": COUNTER,
    "total_energy_consumption": COUNTER,
    "power": POWER,
    "155": POWER,
    "dcgm_fi_dev_power_usage": POWER,
    "dcgm_fi_dev_board_power_watts": POWER,
    "power_usage": POWER,
    "powinst": INSTANT,
    "157": INSTANT,
    "dcgm_fi_dev_power_usage_instant": INSTANT,
    "dcgm_fi_dev_board_power_raw_watts": INSTANT,
    "power_usage_instant": INSTANT,
}
"""Column in small letters -> what it holds."""
BEST = (COUNTER, POWER, INSTANT)
TIME_COLUMNS = ("timestamp", "time", "datetime", "date", "ts")
GPU_COLUMNS = ("gpu", "gpu_id", "gpuid", "entity", "#entity", "device", "index")
UUID_COLUMNS = ("uuid", "gpu_uuid")
HOST_COLUMNS = ("hostname", "host", "node")
ENTITY = re.compile(r"^(.*?)\b(GPU-CI|GPU-I|vGPU|GPU|Switch|CPU Core|CPU|Link|NONE|UNKNOWN) +(\d+)\s+(.*)$")
NUMBERED = re.compile(r"(?:GPU ?)?(\d+)", re.IGNORECASE)
HEADER = re.compile(r"^(.*?)#\s*Entity\s+(.*)$")
DUTY = 0.25
"""The table names no card: the least share of time in which a sensor looks (A100, H100: arXiv 2312.02741)."""
MOST_WATTS = 2000.0
"""No GPU of 2026 draws more."""
UJ_PER_MJ = 1000.0
BLANK = 140737488355328.0
"""From here on DCGM's numbers stand for blanks: not supported, not permitted (dcgm_structs.h)."""
US = 1_000_000
LEAST_SECONDS, MOST_SECONDS = 6.3e8, 7.2e9
"""1990 to 2198: outside of these a number is no time in seconds."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One GPU at one moment."""

    key: str
    """Its number, or its UUID."""
    host: str
    at_us: int
    value: float | None


@dataclass(slots=True)
class _Clock:
    """Times of a table that has none: each round of entities comes one delay after the one before."""

    start_us: int | None
    delay_us: int
    seen: set[str] = field(default_factory=set)
    rounds: int = 0

    def at(self, entity: str) -> int:
        """When this entity was looked at. Raises ValueError when nobody says when the table began."""
        if self.start_us is None:
            raise ValueError("has no time: add -o start=2026-11-01T12:00:00Z, or put times before each line")
        if entity in self.seen:
            self.seen.clear()
            self.rounds += 1
        self.seen.add(entity)
        return self.start_us + self.rounds * self.delay_us


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on tables and CSV files, or on folders of ``*dcgm*``. Raises UsageError for a setting."""
    zone = zone_of(asked.settings.get("time_zone"))
    said = asked.settings.get("start")
    start_us = moment_us(said, zone) if said is not None else None
    if said is not None and start_us is None:
        raise UsageError(f"start is a time like 2026-11-01T12:00:00Z, not {said!r}")
    delay = number_of(asked.settings.get("delay_ms", "1000"))
    if delay is None or not 1 <= delay <= 1e8:
        raise UsageError(f"delay_ms is a number of milliseconds, not {asked.settings['delay_ms']!r}")
    return Dcgm(tuple(files_of(inputs, "*dcgm*")), zone, (start_us, round(delay * 1000)), asked)


class Dcgm:
    """Reads one series per GPU: the energy counter where it is there, else the power."""

    def __init__(
        self, files: tuple[Path, ...], zone: tzinfo, clock: tuple[int | None, int], asked: Asked
    ) -> None:
        self._files = files
        self._zone = zone
        self._clock = clock
        self._asked = asked
        self._uuids = [u.strip() for u in asked.settings.get("gpus", "").split(",") if u.strip()]

    def read(self) -> Iterator[Imported]:
        """The readings of all files, portion by portion."""
        notes = Notes()
        for path in self._files:
            yield from self._file(path, notes)
        yield Portion().brought(notes)

    def _file(self, path: Path, notes: Notes) -> Iterator[Imported]:
        lines = ((n, line) for n, line in lines_of(path))
        before: list[tuple[int, str]] = []
        for number, line in lines:
            before.append((number, line))
            if line.strip():
                break
        first = before[-1][1] if before else ""
        rows = chain(before, lines)
        if HEADER.match(first):
            yield from self._series(path, rows, _Table(self._zone, _Clock(*self._clock), notes).look, notes)
        elif any(FIELDS.get(c.strip().strip('"').lower()) for c in first.split(",")):
            yield from self._series(path, rows, _Csv(path, self._zone).look, notes)
        else:
            raise EvidenceError(
                str(path),
                "is neither a table of dcgmi dmon (#Entity ...) nor a CSV file with power or energy fields "
                "of DCGM",
            )

    def _series(
        self,
        path: Path,
        rows: Iterator[tuple[int, str]],
        look: Callable[[str], tuple[str, _Look] | None],
        notes: Notes,
    ) -> Iterator[Imported]:
        series: dict[tuple[str, str], Series] = {}
        portion = Portion()
        own_host = ""
        for number, line in rows:
            try:
                found = look(line)
                if found is None:
                    portion.ignored += 1
                    continue
                kind, seen = found
                own_host = own_host or f"dcgm file {sha256(line.encode()).hexdigest()}"
                key = seen.host, seen.key
                if key not in series:
                    host = host_of(seen.host or self._asked.host or own_host)
                    series[key] = Series(self._stream(seen.key, host, kind), kind == COUNTER, MOST_WATTS)
                    if not (seen.host or self._asked.host):
                        notes.add(
                            "the file names no machine, so it counts as one of its own: --host changes it"
                        )
                series[key].add(seen.at_us, seen.value)
            except ValueError as error:
                portion.refuse(f"{path}:{number}", str(error))
                continue
            portion.taken += 1
            if series[key].full:
                yield _given(portion, series)
                portion = Portion()
        for (_, name), one in series.items():
            if not one.read:
                notes.add(f"GPU {name} was never read: it has no energy, which is not 0", str(path))
        yield _given(portion, series)

    def _stream(self, key: str, host: str, kind: str) -> Stream:
        method = Method.HARDWARE_COUNTER if kind == COUNTER else Method.INTEGRATED_POWER
        device = key if key.startswith("GPU-") else f"gpu:{host}/{UNNAMED}-{key}"
        if key.isdigit() and int(key) < len(self._uuids):
            device = self._uuids[int(key)]
        duty = 1.0 if kind == COUNTER else DUTY
        return Stream(
            source=SourceId(name=NAME),
            host_id=host,
            device_id=device,
            component="gpu",
            method=method,
            boundary=Boundary.DEVICE,
            grade=GRADE_OF_METHOD[method],
            errors=errors_of(method, f"{NAME}:{device}", duty=duty),
            sensor_duty=duty,
            subject=subject_of(self._asked),
            place=place_of(self._asked),
            max_watts=MOST_WATTS,
        )


def _given(portion: Portion, series: dict[tuple[str, str], Series]) -> Imported:
    portion.samples = [samples for one in series.values() if (samples := one.taken()) is not None]
    return portion.brought()


class _Table:
    """Understands the lines of ``dcgmi dmon``."""

    def __init__(self, zone: tzinfo, clock: _Clock, notes: Notes) -> None:
        self._zone = zone
        self._clock = clock
        self._notes = notes
        self._columns: list[str] = []

    def look(self, line: str) -> tuple[str, _Look] | None:
        """What a line shows; None for headers and for entities that are no GPUs."""
        header = HEADER.match(line)
        if header is not None:
            self._columns = header[2].lower().split()
            if not any(c in FIELDS for c in self._columns):
                raise ValueError("names no power and no energy: dcgmi dmon -e 155,156 shows them")
            return None
        row = ENTITY.match(line)
        if row is None:
            if not line.strip() or _is_units(line) or "dmon was stopped" in line:
                return None
            raise ValueError("is no line of dcgmi dmon")
        if row[2] != "GPU":
            self._notes.add(f"rows of {row[2]} are left out: power and energy are those of whole GPUs")
            return None
        cells = row[4].split()
        if len(cells) != len(self._columns):
            raise ValueError(
                f"has {len(cells)} values for {len(self._columns)} columns: let dmon show numbers only"
            )
        kind = next(k for k in BEST if any(FIELDS.get(c) == k for c in self._columns))
        cell = next(c for name, c in zip(self._columns, cells, strict=True) if FIELDS.get(name) == kind)
        said = row[1].strip()
        at_us = _moment(said, self._zone) if said else self._clock.at(row[3])
        return kind, _Look(row[3], "", at_us, _value(cell, kind))


def _is_units(line: str) -> bool:
    """The second line of a header: ``ID`` and units, perhaps with a time before it."""
    words = line.split()
    return any(w.upper() == "ID" for w in words) and "GPU" not in words


class _Csv:
    """Understands the lines of a CSV file with DCGM's fields as columns."""

    def __init__(self, path: Path, zone: tzinfo) -> None:
        self._path = path
        self._zone = zone
        self._columns: list[str] = []

    def look(self, line: str) -> tuple[str, _Look] | None:
        """What a line shows; None for the header, a repeated one, and an empty line."""
        if not line.strip():
            return None
        try:
            cells = [c.strip() for c in next(csv.reader([line], skipinitialspace=True))]
        except csv.Error as error:
            raise ValueError(str(error)) from None
        lowered = [c.lower() for c in cells]
        if not self._columns:
            self._columns = lowered
            self._column(TIME_COLUMNS, "a time")
            return None
        if lowered == self._columns:
            return None
        if len(cells) != len(self._columns):
            raise ValueError(f"has {len(cells)} cells where the header names {len(self._columns)}")
        row = dict(zip(self._columns, cells, strict=True))
        kind = next(k for k in BEST if any(FIELDS.get(c) == k for c in self._columns))
        cell = next(row[c] for c in self._columns if FIELDS.get(c) == kind)
        said = _first(row, GPU_COLUMNS)
        number = NUMBERED.fullmatch(said)
        key = _first(row, UUID_COLUMNS) or (number[1] if number else said) or "0"
        at_us = _moment(row[self._column(TIME_COLUMNS, "a time")], self._zone)
        return kind, _Look(key, _first(row, HOST_COLUMNS), at_us, _value(cell, kind))

    def _column(self, names: tuple[str, ...], what: str) -> str:
        found = next((n for n in names if n in self._columns), None)
        if found is None:
            raise EvidenceError(
                f"{self._path}:1", f"names no column of {what}: one of {', '.join(names)} is needed"
            )
        return found


def _first(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((row[n] for n in names if row.get(n)), "")


def _moment(text: str, zone: tzinfo) -> int:
    """A time as ISO 8601 or seconds since 1970. Raises ValueError for another."""
    number = number_of(text)
    if number is not None and LEAST_SECONDS < number < MOST_SECONDS:
        return round(number * US)
    found = moment_us(text, zone)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a time in ISO 8601 or in seconds since 1970")
    return found


def _value(cell: str, kind: str) -> float | None:
    """Watts, or microjoules of the counter; None where DCGM could not read."""
    value = reading_of(cell)
    if value is None or value >= BLANK:
        return None
    if value < 0:
        raise ValueError(f"{value:g} is negative")
    return value * UJ_PER_MJ if kind == COUNTER else value
