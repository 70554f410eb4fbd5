"""``nvidia-smi --query-gpu=timestamp,...,power.draw --format=csv -l 1``: sampled power, a stream per GPU.

Each line is one look at one GPU; lines of several GPUs alternate. Units stand in the header and, unless
``nounits`` was asked for, in the cells. Times are local and name no zone. Field names as of
``nvidia-smi --help-query-gpu`` of driver 580.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import SourceId
from wattmark.core.sensor_duty import power_duty
from wattmark.core.telemetry import Stream
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of
from wattmark.sources.lines import files_of, table_of
from wattmark.sources.moments import moment_us, zone_of
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.series import Series, reading_of
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "nvidia-smi"
OPTIONS: Mapping[str, str] = {
    "time_zone": "Zone of the timestamps, e.g. Europe/Paris [UTC]: nvidia-smi writes local time without it.",
    "columns": "Names of the columns, for files without a header: what --query-gpu was given.",
    "power": "Column of power to take [power.draw.average, power.draw, or power.draw.instant].",
}
STAMP = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(\.\d{1,6})?")
POWERS = ("power.draw.average", "power.draw", "power.draw.instant")
"""In this order: the mean over the second before tells more of the time between samples than one moment."""
LIMITS = ("power.limit", "enforced.power.limit", "power.max_limit", "power.default_limit")
ALSO = {
    "gpu_uuid": "uuid",
    "gpu_name": "name",
    "gpu_bus_id": "pci.bus_id",
    "gpu_serial": "serial",
}
"""Other names of the same fields."""
ROWS = 100_000
"""Looks at all GPUs in one portion."""
HEADROOM = 1.3
"""A reading above 1.3 x the limit the hardware states is nonsense."""
GENEROUS_WATTS = 2000.0
"""The bound for a GPU that states no limit."""
FAILED = ("err!", "gpu requires reset", "insufficient permissions", "not found", "unknown")
NO_ZONE = "timestamps name no zone and are read as UTC: -o time_zone=Europe/Paris names another"
NO_MACHINE = (
    "the file names GPUs and not their machine: beside other readings of these GPUs give --host, so that "
    "each is counted once"
)


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on files of nvidia-smi, or on folders of ``*.csv``."""
    zone = zone_of(asked.settings.get("time_zone"))
    given = asked.settings.get("columns")
    columns = _names(given.split(",")) if given else None
    if columns is not None:
        _columns(columns, asked.settings.get("power"), "-o columns")
    return NvidiaSmi(tuple(files_of(inputs, "*.csv")), asked, zone, columns)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which cell holds what."""

    names: list[str]
    powers: tuple[str, ...]

    def row(self, cells: list[str]) -> Mapping[str, str]:
        """Cells by name. Raises ValueError when there are more or fewer than names."""
        if len(cells) != len(self.names):
            raise ValueError(f"has {len(cells)} cells where {len(self.names)} are named")
        return dict(zip(self.names, cells, strict=True))


@dataclass(slots=True)
class _Gpu:
    """One GPU of the files."""

    series: Series
    power: str
    """Its column of power."""
    floor_us: int = -1
    """Where the file before this one ended."""


@dataclass(slots=True)
class NvidiaSmi:
    """Reads looks at GPUs as samples of power, integrated between looks."""

    files: tuple[Path, ...]
    asked: Asked
    zone: tzinfo
    columns: list[str] | None = None
    _gpus: dict[str, _Gpu] = field(default_factory=dict)

    def read(self) -> Iterator[Imported]:
        """The samples of all files, portion by portion."""
        self._gpus, notes = {}, Notes()
        if "time_zone" not in self.asked.settings:
            notes.add(NO_ZONE)
        portion = Portion()
        for path in self.files:
            for gpu in self._gpus.values():
                gpu.floor_us = gpu.series.last_us or -1
            for place, columns, cells in self._rows(path, portion):
                self._take(place, columns, cells, portion, notes)
                if portion.taken >= ROWS:
                    yield self._brought(portion)
                    portion = Portion()
        yield self._brought(portion, notes)

    def _rows(self, path: Path, portion: Portion) -> Iterator[tuple[str, _Columns, list[str]]]:
        asked_power = self.asked.settings.get("power")
        columns = _columns(self.columns, asked_power, str(path)) if self.columns else None
        for line, cells in table_of(path):
            names = _names(cells)
            if columns is None or "timestamp" in names:
                portion.ignored += columns is not None  # nvidia-smi was started again into the same file
                columns = _columns(names, asked_power, str(path))
                continue
            yield f"{path}:{line}", columns, cells
        if columns is None:
            raise EvidenceError(str(path), "is empty: nvidia-smi writes a header of columns first")

    def _take(self, place: str, columns: _Columns, cells: list[str], portion: Portion, notes: Notes) -> None:
        try:
            row = columns.row(cells)
            stamp = row["timestamp"]
            at = moment_us(stamp.replace("/", "-"), self.zone) if STAMP.fullmatch(stamp) else None
            if at is None:
                raise ValueError(f"{stamp[:40]!r} is not a time like 2026/11/21 12:00:00.000")
            gpu = self._gpu(row, columns, notes)
            if at <= gpu.floor_us:
                portion.ignored += 1
                notes.add("rows that an earlier file has already brought are ignored")
                return
            gpu.series.add(at, _watts(row[gpu.power]))
        except ValueError as error:
            portion.refuse(place, str(error))
        else:
            portion.taken += 1

    def _gpu(self, row: Mapping[str, str], columns: _Columns, notes: Notes) -> _Gpu:
        key = row.get("uuid") or row.get("pci.bus_id") or row.get("index") or row.get("serial") or "0"
        if key not in self._gpus:
            power = _readable(row, columns.powers)
            notes.add(f"power is that of the column {power}, sampled and integrated", key)
            if self.asked.host is None:
                notes.add(NO_MACHINE)
            stream, most = self._stream(row)
            self._gpus[key] = _Gpu(Series(stream=stream, counter=False, most_watts=most), power)
        return self._gpus[key]

    def _stream(self, row: Mapping[str, str]) -> tuple[Stream, float]:
        """What is known of a GPU, and the most that it can draw."""
        device, host = self._device(row)
        duty = power_duty(row.get("name", ""))
        limit = next((w for name in LIMITS if (w := _watts_or_none(row.get(name, "")))), None)
        stream = Stream(
            source=SourceId(name=NAME, version=row.get("driver_version", "")),
            host_id=host,
            device_id=device,
            component="gpu",
            method=Method.INTEGRATED_POWER,
            boundary=Boundary.DEVICE,
            grade=GRADE_OF_METHOD[Method.INTEGRATED_POWER],
            errors=errors_of(Method.INTEGRATED_POWER, f"nvidia-smi:{device}", duty=duty),
            sensor_duty=duty,
            subject=subject_of(self.asked),
            place=place_of(self.asked),
            max_watts=limit,
        )
        return stream, HEADROOM * limit if limit else GENEROUS_WATTS

    def _device(self, row: Mapping[str, str]) -> tuple[str, str]:
        """Device and host id. A UUID is one GPU's in all the world; a number or a bus is its machine's."""
        uuid, host = row.get("uuid", ""), self.asked.host
        if uuid.startswith(("GPU-", "MIG-")):
            return uuid, host_of(host or f"gpu {uuid}")
        if host is None:
            raise EvidenceError(
                str(self.files[0]),
                "names no GPU by its UUID: name the machine with --host (and query uuid, too)",
            )
        number = row.get("index") or row.get("pci.bus_id") or row.get("serial") or "0"
        return f"gpu:{host_of(host)}/nvml-{number}", host_of(host)

    def _brought(self, portion: Portion, notes: Notes | None = None) -> Imported:
        parts = (gpu.series.taken() for gpu in self._gpus.values())
        portion.samples = [part for part in parts if part is not None]
        return portion.brought(notes)


def _names(cells: list[str]) -> list[str]:
    """Names of the fields without their units: ``power.draw [W]`` is power.draw."""
    names = (cell.partition("[")[0].strip().lower() for cell in cells)
    return [ALSO.get(name, name) for name in names]


def _columns(names: list[str], power: str | None, where: str) -> _Columns:
    if power is not None and power not in names:
        raise UsageError(f"{where}: there is no column {power!r}; it has {', '.join(names)}")
    powers = (power,) if power is not None else tuple(p for p in POWERS if p in names)
    if "timestamp" not in names or not powers:
        raise EvidenceError(
            where,
            "is not what nvidia-smi --query-gpu writes: it names no timestamp with power.draw; a file "
            "without a header needs -o columns=timestamp,uuid,power.draw",
        )
    return _Columns(names, powers)


def _readable(row: Mapping[str, str], powers: tuple[str, ...]) -> str:
    """The first column of power that this GPU answers for, else the first."""
    return next((name for name in powers if _watts_or_none(row[name]) is not None), powers[0])


def _watts(cell: str) -> float | None:
    """Watts in a cell, None for what could not be read. Raises ValueError for anything else."""
    text = cell.strip().strip("[]").strip()
    if text.lower() in FAILED:
        return None
    return reading_of(text.removesuffix("W"))


def _watts_or_none(cell: str) -> float | None:
    try:
        return _watts(cell)
    except ValueError:
        return None
