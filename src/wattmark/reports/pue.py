"""Measured PUE over time, and which PUE holds when, for a terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.core.figure import Undefined
from wattmark.core.pue_series import CATEGORIES, PueInterval, PueSeries
from wattmark.core.site import SitePue
from wattmark.reports.as_text import bar, table
from wattmark.reports.grid_series import utc

ROWS = 48
"""Lines of a plot; more intervals are put together, energies added up."""
WIDTH = 40
SHOWN_PROBLEMS = 5


def series_text(series: PueSeries, *, ascii_only: bool = False) -> str:
    """A bar for each stretch, the whole, and what to know about it."""
    return "\n".join(_lines(series, ascii_only))


def series_body(series: PueSeries) -> dict[str, Any]:
    """The body of a JSON document."""
    pue = series.pue
    return {
        "site": series.site,
        "pue": None if isinstance(pue, Undefined) else pue,
        "facility_kwh": series.facility_kwh,
        "it_kwh": series.it_kwh,
        "category": series.category,
        "relative_error": series.relative_error,
        "source": series.source,
        "notes": list(series.notes),
        "intervals": [
            {
                "from": utc(i.start_us),
                "to": utc(i.end_us),
                "pue": i.pue,
                "facility_kwh": i.facility_kwh,
                "it_kwh": i.it_kwh,
                "covered_seconds": i.covered_us / 1e6,
                "problem": i.problem or None,
            }
            for i in series.intervals
        ],
    }


def _lines(series: PueSeries, ascii_only: bool) -> Iterator[str]:
    where = CATEGORIES[series.category] if series.category else "nobody said where IT energy is measured"
    name = f"PUE{series.category}" if series.category else "category not stated"
    yield f"{series.site}: measured PUE, {name} ({where})"
    rows = _thinned(series.intervals)
    top = max((row.pue - 1 for row in rows if row.pue is not None), default=0.0)
    for row in rows:
        if row.pue is None:
            yield f"{utc(row.start_us)[:16]}Z       ? {row.problem}"
            continue
        drawn = bar((row.pue - 1) / top if top else 0.0, WIDTH, ascii_only=ascii_only)
        yield f"{utc(row.start_us)[:16]}Z {row.pue:7.3f} {drawn}".rstrip()
    yield "bars begin at 1.0: what cooling and power distribution take on top"
    pue = series.pue
    if not isinstance(pue, Undefined):
        yield (
            f"PUE {pue:.4f} +/- {series.relative_error:.1%}: {series.facility_kwh:.6g} kWh of the facility "
            f"over {series.it_kwh:.6g} kWh of IT, {len(series.used)} of {len(series.intervals)} intervals"
        )
        yield f"{utc(series.intervals[0].start_us)} to {utc(series.intervals[-1].end_us)}, {series.source}"
    wrong = [i for i in series.intervals if i.problem]
    for interval in wrong[:SHOWN_PROBLEMS]:
        yield f"tells no PUE: {utc(interval.start_us)}, {interval.problem}"
    if len(wrong) > SHOWN_PROBLEMS:
        yield f"... and {len(wrong) - SHOWN_PROBLEMS} more; --json lists them"
    yield from series.notes


def _thinned(intervals: Sequence[PueInterval]) -> list[PueInterval]:
    """At most ROWS stretches, their energies added up; one without any PUE keeps its problem."""
    size = max(1, math.ceil(len(intervals) / ROWS))
    rows = []
    for at in range(0, len(intervals), size):
        group = intervals[at : at + size]
        used = [i for i in group if not i.problem]
        rows.append(
            PueInterval(
                start_us=group[0].start_us,
                end_us=group[-1].end_us,
                facility_kwh=math.fsum(i.facility_kwh for i in used),
                it_kwh=math.fsum(i.it_kwh for i in used),
                covered_us=sum(i.covered_us for i in used),
                problem="" if used else group[0].problem,
            )
        )
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SitesView:
    """What is stated and what was measured, by site."""

    where: str
    """The file or ledger that says so."""
    stated: tuple[SitePue, ...]
    measured: tuple[PueSeries, ...]


def sites_text(view: SitesView) -> str:
    """A line for each PUE that is stated, and one for each measured series."""
    heads = ("site", "PUE", "kind", "from", "to", "+/-", "source")
    rows = [
        (
            p.site,
            f"{p.pue:.4g}",
            p.kind,
            "" if p.start_us is None else utc(p.start_us),
            "" if p.end_us is None else utc(p.end_us),
            f"{p.relative_error:.1%}",
            p.source,
        )
        for p in view.stated
    ]
    for series in view.measured:
        pue = series.pue
        intervals = f"{len(series.used)} of {len(series.intervals)} intervals"
        rows.append(
            (
                series.site,
                "?" if isinstance(pue, Undefined) else f"{pue:.4g}",
                "measured",
                utc(series.intervals[0].start_us),
                utc(series.intervals[-1].end_us),
                f"{series.relative_error:.1%}",
                f"{series.said}, {intervals}",
            )
        )
    if not rows:
        return f"{view.where} states no PUE of any site: [[site]], or `wattmark pue measure`"
    return (
        table(heads, sorted(rows)) + "\n\nMeasured goes first; what is stated holds where none was measured."
    )


def sites_body(view: SitesView) -> dict[str, Any]:
    """The body of a JSON document."""
    return {
        "where": view.where,
        "stated": [
            {
                "site": p.site,
                "pue": p.pue,
                "kind": p.kind,
                "from": None if p.start_us is None else utc(p.start_us),
                "to": None if p.end_us is None else utc(p.end_us),
                "relative_error": p.relative_error,
                "source": p.source or None,
            }
            for p in view.stated
        ],
        "measured": [
            {
                "site": s.site,
                "pue": None if isinstance(s.pue, Undefined) else s.pue,
                "from": utc(s.intervals[0].start_us),
                "to": utc(s.intervals[-1].end_us),
                "facility_kwh": s.facility_kwh,
                "it_kwh": s.it_kwh,
                "intervals": len(s.intervals),
                "used": len(s.used),
                "category": s.category,
                "relative_error": s.relative_error,
                "source": s.source,
            }
            for s in view.measured
        ],
    }
