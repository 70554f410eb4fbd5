"""Measured PUE put together: meters of a file, a Prometheus or a Redfish service, cut at calendar edges."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as clock_time
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.pue_series import METER_ERROR, MeterSeries, PueSeries, error_of, measured_pue
from wattmark.meters.redfish import Get, https_get
from wattmark.meters.redfish_facility import Shown, shown
from wattmark.sources.facility_csv import Columns, meters_of
from wattmark.sources.facility_forms import Reading
from wattmark.sources.facility_prometheus import queried
from wattmark.sources.prometheus_api import open_api
from wattmark.stated.pue_csv import moment_text
from wattmark.wiring.meters import bmc_account

STEPS: Mapping[str, int] = {"15min": 900_000_000, "hour": 3_600_000_000}
"""Microseconds; their edges are those of UTC."""
CALENDAR = ("day", "month")
"""Their edges are those of a time zone."""
POLLED = ("time", "facility", "it", "facility_form", "it_form")
"""Columns of the file that polled readings go to."""
MOST_INTERVALS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a measured PUE is to be."""

    site: str
    step: str = "hour"
    zone: tzinfo = UTC
    """Of calendar days and months, and of times that name none."""
    category: int | None = None
    facility_error: float = METER_ERROR
    it_error: float = METER_ERROR
    source: str = ""
    span: tuple[int | None, int | None] = (None, None)
    """Only of this time, microseconds since 1970."""


def pue_of_meters(facility: MeterSeries, it: MeterSeries, wanted: Wanted, source: str) -> PueSeries:
    """The series of two meters. Raises RefusedError where they cannot be of one building and time."""
    pieces = (*facility.pieces, *it.pieces)
    if not facility.pieces or not it.pieces:
        which = "facility" if not facility.pieces else "IT"
        raise EvidenceError(
            source, f"the {which} meter tells no energy: {'; '.join((*facility.notes, *it.notes))}"
        )
    first, last = min(p.start_us for p in pieces), max(p.end_us for p in pieces)
    start, end = wanted.span
    edges = edges_over(first, last, wanted.step, wanted.zone)
    chosen = [e for e in edges if (start is None or e >= start) and (end is None or e <= end)]
    if len(chosen) < 2:
        raise UsageError(f"no whole {wanted.step} lies in the time that was asked for: ask for a longer one")
    return measured_pue(
        wanted.site,
        facility,
        it,
        chosen,
        category=wanted.category,
        relative_error=error_of(wanted.category, wanted.facility_error, wanted.it_error),
        source=wanted.source or source,
    )


def edges_over(first_us: int, last_us: int, step: str, zone: tzinfo) -> list[int]:
    """Edges of whole quarters, hours, days or months around a stretch. Raises UsageError for too many."""
    if step in STEPS:
        length = STEPS[step]
        start = first_us // length * length
        count = -(-(last_us - start) // length)
        if count > MOST_INTERVALS:
            raise UsageError(f"{count} intervals are too many: say --step day, or a shorter time")
        return [start + n * length for n in range(count + 1)]
    at = datetime.fromtimestamp(first_us / 1e6, zone).date()
    at = at.replace(day=1) if step == "month" else at
    edges = [_midnight(at, zone)]
    while edges[-1] < last_us:
        at = (
            (at.replace(day=28) + timedelta(days=4)).replace(day=1)
            if step == "month"
            else at + timedelta(days=1)
        )
        edges.append(_midnight(at, zone))
    return edges


def _midnight(day: date, zone: tzinfo) -> int:
    return round(datetime.combine(day, clock_time(), zone).timestamp()) * 1_000_000


def from_csv(paths: Sequence[Path], columns: Columns, reading: Reading, wanted: Wanted) -> PueSeries:
    """Of a DCIM's export. Raises EvidenceError with file and line."""
    facility, it = meters_of(paths, columns, reading)
    return pue_of_meters(facility, it, wanted, ", ".join(path.name for path in paths))


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Two queries of one Prometheus."""

    url: str
    facility: str
    it: str
    facility_as: str | None = None
    it_as: str | None = None
    resolution_seconds: int = 60
    cafile: str | None = None


def from_prometheus(
    asked: Queries, reading: Reading, wanted: Wanted, environ: Mapping[str, str] = os.environ
) -> PueSeries:
    """Of the time in ``wanted.span``, which must have both ends. Raises EvidenceError that names the URL."""
    start, end = wanted.span
    if start is None or end is None:
        raise UsageError("a Prometheus is asked for a stretch of time: give --from and --to, or --in")
    api = open_api(asked.url, environ, cafile=asked.cafile)
    sides = (
        (asked.facility, asked.facility_as, "--facility"),
        (asked.it, asked.it_as, "--it"),
    )
    facility, it = (
        queried(api, query, (start, end), asked.resolution_seconds, said, option, reading)
        for query, said, option in sides
    )
    return pue_of_meters(facility, it, wanted, f"Prometheus: {asked.facility} / {asked.it}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How a Redfish service is asked."""

    url: str
    facility: tuple[str, ...]
    it: tuple[str, ...]
    file: Path
    times: int = 1
    every_seconds: float = 60.0
    cafile: str | None = None


def poll(
    asked: Polling,
    *,
    get: Get | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Look some times, and keep every look in the file at once; says how many looks it holds now.

    Raises MeterUnavailable for a resource that does not answer; what was kept before stays.
    """
    ask = get or https_get(asked.url, *bmc_account(asked.url), asked.cafile)
    count = _kept_looks(asked.file)
    for number in range(asked.times):
        if number:
            pause(asked.every_seconds)
        facility, it = shown(ask, asked.facility), shown(ask, asked.it)
        _keep(asked.file, (moment_text(round(now().timestamp() * 1e6)), *_cells(facility, it)), new=not count)
        count += 1
    return count


def from_polled(file: Path, reading: Reading, wanted: Wanted) -> PueSeries:
    """Of what polling has kept so far. Raises EvidenceError with file and line."""
    forms = _forms(file)
    columns = Columns(facility=("facility",), it=("it",), time="time", facility_as=forms[0], it_as=forms[1])
    facility, it = meters_of([file], columns, reading)
    return pue_of_meters(facility, it, wanted, f"Redfish, polled into {file.name}")


def _cells(facility: Shown, it: Shown) -> tuple[str, ...]:
    forms = tuple("kWh-counter" if one.is_counter else "kW" for one in (facility, it))
    return repr(facility.value), repr(it.value), *forms


def _keep(file: Path, row: tuple[str, ...], *, new: bool) -> None:
    try:
        with file.open("a", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            if new:
                writer.writerow(POLLED)
            writer.writerow(row)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from None


def _kept_looks(file: Path) -> int:
    return len(_rows(file)) if file.is_file() else 0


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if tuple(reader.fieldnames or ()) not in ((), POLLED):
                raise EvidenceError(
                    str(file), f"is no file of polled readings ({', '.join(POLLED)}): give another --poll"
                )
            return list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(str(file), f"cannot be read: {error}") from None


def _forms(file: Path) -> tuple[str, str]:
    """Of all looks: a service that shows a counter now and power then cannot be read in one way."""
    found = {(row["facility_form"], row["it_form"]) for row in _rows(file)}
    if len(found) != 1:
        raise EvidenceError(str(file), "holds looks at counters and at power: begin another file with --poll")
    return found.pop()
