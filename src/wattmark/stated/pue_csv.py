"""The CSV of a measured PUE: a row per interval with both energies, as ``wattmark pue measure`` writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

from wattmark.core.errors import ConfigError, RefusedError
from wattmark.core.pue_series import PueInterval, PueSeries, error_of
from wattmark.stated.csv_rows import csv_rows, micros

HEADS = (
    "site",
    "from",
    "to",
    "facility_kwh",
    "it_kwh",
    "covered_seconds",
    "pue",
    "category",
    "relative_error",
    "problem",
    "source",
)
Row = tuple[str, ...]
Way = tuple[str, int | None, float, str]
"""Site, category, relative error and source."""
AGAIN = "`wattmark pue measure` writes it again"


def pue_csv(series: Iterable[PueSeries]) -> str:
    """The text of the file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADS)
    for one in series:
        writer.writerows(_row(one, interval) for interval in one.intervals)
    return out.getvalue()


def parse_pue_csv(data: bytes, file: str) -> tuple[PueSeries, ...]:
    """The series of a file: one for each site and way of measuring, in order of time.

    Raises ConfigError that names the line and the column. The PUE itself is worked out from the energies.
    """
    rows = csv_rows(data, file)
    if not rows or tuple(rows[0][1]) != HEADS:
        raise ConfigError(file, "line 1", f"must be the names {', '.join(HEADS)}: {AGAIN}")
    found: dict[Way, list[PueInterval]] = {}
    ways: dict[tuple[str, ...], Way] = {}
    ends: dict[str, int] = {}
    for number, row in rows[1:]:
        place = f"line {number}"
        if len(row) != len(HEADS):
            raise ConfigError(file, place, f"has {len(row)} columns, not {len(HEADS)}: {AGAIN}")
        cell = dict(zip(HEADS, row, strict=True))
        if not cell["site"].strip():
            raise ConfigError(file, f"{place}, site", f"is empty, and would be met by no run: {AGAIN}")
        interval = _interval(cell, file, place)
        if interval.start_us < ends.get(cell["site"], interval.start_us):
            problem = f"begins before the interval above it has ended: {AGAIN}"
            raise ConfigError(file, f"{place}, from", problem)
        ends[cell["site"]] = interval.end_us
        said = cell["site"], cell["category"], cell["relative_error"], cell["source"]
        if said not in ways:  # few ways and many rows
            ways[said] = _way(cell, file, place)
        found.setdefault(ways[said], []).append(interval)
    return tuple(
        PueSeries(
            site=site,
            intervals=tuple(intervals),
            category=category,
            relative_error=error,
            source=source,
        )
        for (site, category, error, source), intervals in found.items()
    )


def moment_text(at_us: int) -> str:
    """A moment in ISO 8601, UTC."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC).replace(microsecond=at_us % 1_000_000)
    return at.isoformat().replace("+00:00", "Z")


def _row(series: PueSeries, interval: PueInterval) -> Row:
    pue = interval.pue
    return (
        series.site,
        moment_text(interval.start_us),
        moment_text(interval.end_us),
        repr(interval.facility_kwh),
        repr(interval.it_kwh),
        repr(interval.covered_us / 1e6),
        "" if pue is None else f"{pue:.6g}",
        str(series.category or ""),
        repr(series.relative_error),
        interval.problem,
        series.source,
    )


def _interval(cell: dict[str, str], file: str, place: str) -> PueInterval:
    start, end = _micros(cell, "from", file, place), _micros(cell, "to", file, place)
    if end <= start:
        raise ConfigError(file, f"{place}, to", f"must lie after `from`: {AGAIN}")
    facility, it = _amount(cell, "facility_kwh", file, place), _amount(cell, "it_kwh", file, place)
    problem = cell["problem"]
    if not problem and not 0 < it <= facility * (1 + 1e-9):
        raise ConfigError(
            file,
            f"{place}, it_kwh",
            f"is {it:g} of {facility:g} kWh, which no PUE can be of: IT energy is a part of the facility's",
        )
    return PueInterval(
        start_us=start,
        end_us=end,
        facility_kwh=facility,
        it_kwh=it,
        covered_us=round(_amount(cell, "covered_seconds", file, place) * 1e6),
        problem=problem,
    )


def _way(cell: dict[str, str], file: str, place: str) -> Way:
    try:
        category = int(cell["category"]) if cell["category"] else None
        error_of(category)
    except (ValueError, RefusedError):
        raise ConfigError(file, f"{place}, category", f"{cell['category']!r} is none of 1, 2, 3") from None
    return cell["site"], category, _amount(cell, "relative_error", file, place), cell["source"]


def _amount(cell: dict[str, str], key: str, file: str, place: str) -> float:
    try:
        value = float(cell[key])
    except ValueError:
        raise ConfigError(file, f"{place}, {key}", f"{cell[key]!r:.40} is no number: {AGAIN}") from None
    if not 0 <= value < 1e15:
        raise ConfigError(file, f"{place}, {key}", f"{value:g} is impossible: {AGAIN}")
    return value


def _micros(cell: dict[str, str], key: str, file: str, place: str) -> int:
    try:
        return micros(cell[key])
    except ValueError as error:
        why = str(error) if "offset" in str(error) else f"{cell[key]!r:.40} is no time"
        raise ConfigError(file, f"{place}, {key}", f"{why}: {AGAIN}") from None
