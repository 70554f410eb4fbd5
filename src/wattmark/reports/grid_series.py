"""Grid intensity over time for a terminal, as JSON and as CSV: every point with how it is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wattmark.core.carbon import Intensity
from wattmark.core.figure import Missing, Undefined
from wattmark.core.grid_series import KINDS, MEASURED, GridPoint, GridSeries
from wattmark.core.hourly import HourlyCarbon
from wattmark.core.readings import Gap
from wattmark.core.units import JOULES_PER_KWH
from wattmark.reports.as_csv import csv_text
from wattmark.reports.as_text import bar
from wattmark.reports.quantities import quantity

ROWS = 48
"""Lines of a plot; more points are put together."""
HEADS = ("zone", "from", "to", "grams_per_kwh", "kind", "accounting", "basis", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """What was asked for and what came of it."""

    provider: str
    signal: str
    series: GridSeries
    grade: str
    holes: tuple[tuple[int, int], ...] = ()
    failure: str | None = None
    yearly: Intensity | None = None
    """The yearly figure that was asked for; it stands in the holes."""
    run: HourlyCarbon | Missing | Undefined | Gap | None = None
    """The carbon of a run, hour by hour."""


def series_text(view: SeriesView, *, ascii_only: bool = False) -> str:
    """A head, a bar per stretch, and what to know about it."""
    return "\n".join(_lines(view, ascii_only))


def series_csv(view: SeriesView) -> str:
    """One row per point."""
    series = view.series
    terms = series.accounting, series.basis, series.source
    rows = (
        (series.zone, utc(p.start_us), utc(p.end_us), p.grams_per_kwh, p.kind, *terms) for p in series.points
    )
    return csv_text(HEADS, rows)


def series_body(view: SeriesView) -> dict[str, Any]:
    """The body of a JSON document."""
    series = view.series
    return {
        "zone": series.zone,
        "provider": view.provider,
        "signal": view.signal,
        "accounting": series.accounting,
        "basis": series.basis,
        "inventory": series.enters,
        "unit": "gCO2e/kWh",
        "source": series.source,
        "licence": series.licence,
        "note": series.note,
        "grade": view.grade,
        "mean": series.mean(),
        "shares": dict(series.shares()),
        "points": [
            {"from": utc(p.start_us), "to": utc(p.end_us), "grams_per_kwh": p.grams_per_kwh, "kind": p.kind}
            for p in series.points
        ],
        "issued": None if series.issued_us is None else utc(series.issued_us),
        "holes": [{"from": utc(start), "to": utc(end)} for start, end in view.holes],
        "failure": view.failure,
        "yearly": _yearly_body(view.yearly),
        "run": _run_body(view.run),
    }


def utc(at_us: int) -> str:
    """A moment in ISO 8601, UTC."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _lines(view: SeriesView, ascii_only: bool) -> Iterator[str]:
    series = view.series
    accounting = "marginal" if series.accounting == "marginal" else f"{series.accounting}-based"
    yield f"{series.zone}: {series.source}, {accounting}, {series.basis}, gCO2e/kWh"
    rows = _thinned(series.points)
    top = max((p.grams_per_kwh for p in rows), default=0.0)
    for point in rows:
        drawn = bar(point.grams_per_kwh / top if top else 0.0, 40, ascii_only=ascii_only)
        said = "" if point.kind == MEASURED else point.kind
        yield f"{utc(point.start_us)[:16]}Z {point.grams_per_kwh:7.1f} {drawn:<40} {said}".rstrip()
    if series.points:
        low = min(series.points, key=lambda p: p.grams_per_kwh)
        high = max(series.points, key=lambda p: p.grams_per_kwh)
        yield (
            f"mean {series.mean():.1f}, lowest {low.grams_per_kwh:.1f} ({utc(low.start_us)[:16]}Z), "
            f"highest {high.grams_per_kwh:.1f} ({utc(high.start_us)[:16]}Z)"
        )
        shares = ", ".join(f"{kind} {share:.0%}" for kind, share in series.shares().items())
        yield f"{shares}; data quality {view.grade}"
    if series.issued_us is not None:
        yield f"forecast made {utc(series.issued_us)[:16]}Z"
    yield from (f"not known: {utc(start)} to {utc(end)}" for start, end in view.holes)
    if view.yearly is not None:
        yearly = view.yearly
        role = "used instead there" if view.holes else "yearly figure beside it"
        source = f"{yearly.source} {yearly.year or ''}".rstrip()
        yield f"{role}: {yearly.grams_per_kwh:g}, {source}; data quality D"
    yield from filter(None, (series.note, series.licence and f"licence: {series.licence}"))
    if view.run is not None:
        yield from _run_lines(view.run)


def _thinned(points: tuple[GridPoint, ...]) -> list[GridPoint]:
    """At most ROWS stretches, each the mean of its points, as good as the worst of them."""
    size = max(1, math.ceil(len(points) / ROWS))
    rows = []
    for at in range(0, len(points), size):
        group = points[at : at + size]
        whole = GridSeries(zone="", points=group, basis="", source="")
        worst = max((p.kind for p in group), key=KINDS.index)
        mean = whole.mean() or 0.0
        rows.append(
            GridPoint(start_us=group[0].start_us, end_us=group[-1].end_us, grams_per_kwh=mean, kind=worst)
        )
    return rows


def _run_lines(run: HourlyCarbon | Missing | Undefined | Gap) -> Iterator[str]:
    match run:
        case HourlyCarbon():
            kwh = run.joules / JOULES_PER_KWH
            shares = ", ".join(f"{kind} {share:.0%}" for kind, share in run.shares.items())
            energy, carbon = quantity(kwh, "kWh"), quantity(run.grams, "gCO2e")
            yield f"the run: {energy} hour by hour are {carbon} ({shares})"
            if isinstance(run.difference, float) and run.yearly_grams is not None:
                yield (
                    f"with the yearly factor: {quantity(run.yearly_grams, 'gCO2e')}; "
                    f"hour by hour is {run.difference:+.1%} from it"
                )
        case Gap(reason):
            yield f"the run: no figure hour by hour: {reason}"
        case _:
            yield f"the run: {run}"


def _run_body(run: HourlyCarbon | Missing | Undefined | Gap | None) -> dict[str, Any] | None:
    match run:
        case None:
            return None
        case HourlyCarbon():
            return {
                "status": "known",
                "energy_joules": run.joules,
                "grams": run.grams,
                "shares": dict(run.shares),
                "yearly_grams": run.yearly_grams,
                "difference": run.difference if isinstance(run.difference, float) else None,
            }
        case Gap(reason):
            return {"status": "unknown", "reason": reason}
        case _:
            return {"status": "unknown", "reason": str(run)}


def _yearly_body(yearly: Intensity | None) -> dict[str, Any] | None:
    if yearly is None:
        return None
    return {
        "grams_per_kwh": yearly.grams_per_kwh,
        "zone": yearly.zone,
        "year": yearly.year,
        "source": yearly.source,
        "accounting": yearly.accounting,
        "basis": yearly.basis,
        "grade": "D",
    }
