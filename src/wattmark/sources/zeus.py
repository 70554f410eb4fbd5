"""Zeus: the windows that ZeusMonitor logs, and the power that PowerMonitor of zeus-ml 0.8 to 0.10 wrote.

A window is ``start_time,window_name,elapsed_time,gpu0_energy,...`` in seconds since 1970, seconds and joules.
It holds GPUs alone, also where CPUs and DRAM were measured, and 0 where nothing was read. Whether a GPU's
counter was read or its power was sampled is not said. Power is ``time,watts,watts,...`` without a header.
Read from zeus-ml 0.7 to 0.10 and zeus 0.11 to 0.16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import (
    REFRESH,
    EnergyRow,
    GapSpan,
    Host,
    NotSeen,
    Run,
    SourceId,
    Status,
    Window,
)
from wattmark.core.sound import first_fault
from wattmark.core.standins import UNNAMED
from wattmark.core.telemetry import Stream
from wattmark.hashing import sha256
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.lines import files_of, lines_of, number_of
from wattmark.sources.moments import written
from wattmark.sources.portions import ROWS, Notes, Portion
from wattmark.sources.series import Series, reading_of
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "zeus"
OPTIONS: Mapping[str, str] = {
    "method": "How the GPUs were read: counter (Volta and newer, without approx_instant_energy; grade B) or "
    "power (grade C) [power]: the log does not say.",
    "gpus": "UUIDs of the GPUs in the order of the columns, separated by commas: without them nothing joins "
    "these GPUs to those that other meters saw.",
}
METHODS = {"counter": Method.HARDWARE_COUNTER, "power": Method.INTEGRATED_POWER}
COLUMNS = ["start_time", "window_name", "elapsed_time"]
UPDATE_SECONDS = 0.1
"""NVML refreshes counter and power about every 100 ms (arXiv 2312.02741)."""
DUTY = 0.25
"""The log names no card: the least share of time in which a sensor looks (A100, H100: arXiv 2312.02741)."""
MOST_WATTS = 2000.0
"""No GPU of 2026 draws more."""
US = 1_000_000
LEAST_SECONDS, MOST_SECONDS = 6.3e8, 7.2e9
"""1990 to 2198: outside of these a number is no time in seconds."""
SOURCE = SourceId(name=NAME)
OTHERS = NotSeen(
    what="CPU, DRAM and rest of the node", reason="the log of ZeusMonitor holds the energy of GPUs only"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the files of an import are to be understood."""

    method: Method
    uuids: tuple[str, ...]
    asked: Asked


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on files of Zeus, or on folders of ``*.csv``. Raises UsageError for an impossible setting."""
    method = asked.settings.get("method", "power")
    if method not in METHODS:
        raise UsageError(f"method is {' or '.join(METHODS)}, not {method!r}")
    uuids = tuple(u.strip() for u in asked.settings.get("gpus", "").split(",") if u.strip())
    if len(set(uuids)) != len(uuids):
        raise UsageError("gpus names a GPU twice")
    return Zeus(tuple(files_of(inputs, "*.csv")), Reading(method=METHODS[method], uuids=uuids, asked=asked))


class Zeus:
    """Reads windows as runs, and power as samples."""

    def __init__(self, files: tuple[Path, ...], reading: Reading) -> None:
        self._files = files
        self._reading = reading

    def read(self) -> Iterator[Imported]:
        """The rows of all files, portion by portion."""
        notes = Notes()
        if "method" not in self._reading.asked.settings:
            notes.add(
                "the log does not say how the GPUs were read: taken as sampled power; "
                "-o method=counter for Volta and newer"
            )
        if self._reading.asked.host is None:
            notes.add("the file names no machine, so it counts as one of its own: --host changes it")
        for path in self._files:
            yield from self._file(path, notes)
        yield Portion().brought(notes)

    def _file(self, path: Path, notes: Notes) -> Iterator[Imported]:
        lines = ((n, line) for n, line in lines_of(path) if line.strip())
        first = next(lines, None)
        if first is None:
            raise EvidenceError(str(path), "is empty: Zeus writes a header of columns first")
        cells = [c.strip() for c in first[1].split(",")]
        if cells[:3] == COLUMNS:
            yield from _windows(path, _gpus(path, cells[3:]), lines, self._reading, notes)
        elif len(cells) > 1 and LEAST_SECONDS < (number_of(cells[0]) or 0) < MOST_SECONDS:
            yield from _power(path, first, lines, self._reading)
        else:
            raise EvidenceError(
                str(path),
                "is not a file of Zeus: its first line is neither start_time,window_name,elapsed_time,... "
                "nor a time and watts",
            )


def _gpus(path: Path, cells: list[str]) -> list[str]:
    """The numbers of the GPUs in the header; none where Zeus found none."""
    names = [c.removeprefix("gpu").removesuffix("_energy") for c in cells if c]
    if not all(name.isdigit() for name in names):
        raise EvidenceError(str(path), "is not a log of ZeusMonitor: its columns are not gpu0_energy, ...")
    return names


def _windows(
    path: Path, gpus: list[str], lines: Iterator[tuple[int, str]], reading: Reading, notes: Notes
) -> Iterator[Imported]:
    portion = Portion()
    host = ""
    for number, line in lines:
        host = host or _host(reading, line)
        place = f"{path}:{number}"
        try:
            run = _run(line, _devices(gpus, host, reading), host, reading)
        except ValueError as error:
            portion.refuse(place, str(error))
        else:
            portion.runs.append(run)
            portion.taken += 1
            for gap in (gap for row in run.energies for gap in row.gaps):
                notes.add(f"a gap, not 0: {gap.reason}", place)
        if portion.rows >= ROWS:
            yield portion.brought()
            portion = Portion()
    yield portion.brought()


def _host(reading: Reading, first_line: str) -> str:
    """The machine: as somebody says, else one of the file's own, which stays when the file grows."""
    return host_of(reading.asked.host or f"zeus file {sha256(first_line.encode()).hexdigest()}")


def _devices(gpus: list[str], host: str, reading: Reading) -> list[str]:
    if reading.uuids and len(reading.uuids) != len(gpus):
        raise UsageError(f"gpus names {len(reading.uuids)} GPUs, the file has {len(gpus)}")
    return list(reading.uuids) or [f"gpu:{host}/{UNNAMED}-{number}" for number in gpus]


def _run(line: str, devices: list[str], host: str, reading: Reading) -> Run:
    """The run of one window. Raises ValueError for a row that cannot be."""
    first, _, rest = line.partition(",")
    cells = rest.rsplit(",", max(len(devices), 1) + 1)  # a window's name may hold commas, and is not quoted
    if len(cells) != max(len(devices), 1) + 2:
        raise ValueError(f"has too few cells for a time, a name, a duration and {len(devices)} energies")
    start, elapsed = number_of(first), number_of(cells[1])
    if start is None or not LEAST_SECONDS < start < MOST_SECONDS:
        raise ValueError(f"start_time {first[:40]!r} is not seconds since 1970")
    if elapsed is None or elapsed < 0:
        raise ValueError(f"elapsed_time {cells[1][:40]!r} is no duration: the clock may have been set back")
    rows = [_row(device, text, elapsed, reading) for device, text in zip(devices, cells[2:], strict=False)]
    unread = [gap.reason for row in rows for gap in row.gaps]
    if rows and len(unread) == len(rows) and not all(reason.startswith("0 J") for reason in unread):
        raise ValueError("; ".join(dict.fromkeys(unread)))
    run = Run(
        record_id=import_id(NAME, "", line),
        status=Status.CLOSED,
        started_at=written(round(start * US)),
        duration_seconds=elapsed,
        host=Host(id=host, fingerprint=NAME),
        subject=subject_of(reading.asked),
        windows=(Window(id=0, name=cells[0], t0_seconds=0.0, duration_seconds=elapsed),),
        energies=tuple(rows),
        place=place_of(reading.asked),
        not_seen=(OTHERS,) if rows else (NotSeen(what="GPU", reason="Zeus found none"), OTHERS),
    )
    if (fault := first_fault(run)) is not None:
        raise ValueError(f"{fault[1]} (at {fault[0]})")
    return run


def _row(device: str, text: str, elapsed: float, reading: Reading) -> EnergyRow:
    joules = number_of(text)
    reason = _doubt(text, joules, elapsed)
    errors = errors_of(reading.method, f"{NAME}:{device}", duty=DUTY)
    if elapsed > 0 and UPDATE_SECONDS / elapsed > 1e-3:
        errors[f"{NAME}:{device}{REFRESH}"] = min(1.0, UPDATE_SECONDS / elapsed)
    gap = GapSpan(t0_seconds=0.0, duration_seconds=elapsed, reason=reason)
    return EnergyRow(
        device_id=device,
        component="gpu",
        t0_seconds=0.0,
        duration_seconds=elapsed,
        energy_joules=0.0 if reason or joules is None else joules,
        observed_seconds=0.0 if reason else elapsed,
        method=reading.method,
        boundary=Boundary.DEVICE,
        grade=GRADE_OF_METHOD[reading.method],
        errors=errors,
        sensor_duty=1.0 if reading.method is Method.HARDWARE_COUNTER else DUTY,
        source=SOURCE,
        gaps=(gap,) if reason else (),
        max_watts=MOST_WATTS,
    )


def _doubt(text: str, joules: float | None, elapsed: float) -> str:
    """Why an energy is not taken; empty when it is."""
    if joules is None:
        return f"{text.strip()[:40]!r} is no energy"
    if joules == 0:
        return "0 J says that no sensor was read, or that the window was shorter than the sensor's update"
    if joules < 0:
        return "a negative energy says that the counter was reset or wrapped"
    if joules > MOST_WATTS * (elapsed + 2 * UPDATE_SECONDS):
        return f"more than the {MOST_WATTS:g} W that a GPU can draw"
    return ""


def _power(
    path: Path, first: tuple[int, str], lines: Iterator[tuple[int, str]], reading: Reading
) -> Iterator[Imported]:
    host = _host(reading, first[1])
    devices = _devices([str(i) for i in range(first[1].count(","))], host, reading)
    series = [Series(_stream(device, host, reading), False, MOST_WATTS) for device in devices]
    portion = Portion()
    for number, line in chain([first], lines):
        try:
            _look(series, line)
        except ValueError as error:
            portion.refuse(f"{path}:{number}", str(error))
        else:
            portion.taken += 1
        if any(one.full for one in series):
            yield _given(portion, series)
            portion = Portion()
    yield _given(portion, series)


def _look(series: list[Series], line: str) -> None:
    """One row of power: a moment and the watts of each GPU. Raises ValueError for a row that cannot be."""
    cells = [c.strip() for c in line.split(",")]
    at = number_of(cells[0])
    if len(cells) != len(series) + 1 or at is None or not LEAST_SECONDS < at < MOST_SECONDS:
        raise ValueError(f"is not a time in seconds since 1970 and the watts of {len(series)} GPUs")
    watts = [reading_of(c) for c in cells[1:]]
    for one, value in zip(series, watts, strict=True):
        one.add(round(at * US), value)


def _given(portion: Portion, series: list[Series]) -> Imported:
    portion.samples = [samples for one in series if (samples := one.taken()) is not None]
    return portion.brought()


def _stream(device: str, host: str, reading: Reading) -> Stream:
    method = Method.INTEGRATED_POWER
    return Stream(
        source=SOURCE,
        host_id=host,
        device_id=device,
        component="gpu",
        method=method,
        boundary=Boundary.DEVICE,
        grade=GRADE_OF_METHOD[method],
        errors=errors_of(method, f"{NAME}:{device}", duty=DUTY),
        sensor_duty=DUTY,
        subject=subject_of(reading.asked),
        place=place_of(reading.asked),
        max_watts=MOST_WATTS,
    )
