"""The same run in other places and at other hours, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.core.carbon import Intensity
from wattmark.core.figure import Figure, Missing
from wattmark.core.units import JOULES_PER_KWH
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import bar, quantity, table
from wattmark.reports.grid_series import utc

WIDTH = 16
HEADS = ("place", "from", "PUE", "g/kWh", "by", "location-based", "", "from the year", "market-based")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The run at one place from one moment on."""

    name: str
    """As it was asked for."""
    label: str
    """The place in words."""
    start_us: int
    end_us: int
    pue: Figure | Missing
    intensity: Intensity
    """Location-based."""
    carbon: Figure | Missing
    """Location-based, gCO2e."""
    by_hour: bool
    yearly: Intensity | None
    """The yearly figure on the same basis, where there is one."""
    reason: str = ""
    """Why it is not by the hour."""
    market: Figure | Missing
    """Market-based, gCO2e."""

    @property
    def difference(self) -> float | None:
        """How far the hours lie from the year, as a share of it; None where there is no hour or no year."""
        if not self.by_hour or self.yearly is None or not self.yearly.grams_per_kwh:
            return None
        return self.intensity.grams_per_kwh / self.yearly.grams_per_kwh - 1.0


def elsewhere_text(
    energy: Figure, rows: Sequence[Elsewhere], refused: Mapping[str, str], *, ascii_only: bool = False
) -> str:
    """A row for each place and moment with a bar, places without a figure, where figures come from."""
    return "\n".join(_lines(energy, rows, refused, ascii_only))


def _lines(
    energy: Figure, rows: Sequence[Elsewhere], refused: Mapping[str, str], ascii_only: bool
) -> Iterator[str]:
    boundary = energy.terms.get("boundary", "unknown")
    kwh = quantity(energy.value / JOULES_PER_KWH, "kWh")
    yield f"{quantity(energy.value, 'J')} ({kwh}) at {boundary} boundary, wherever it runs\n"
    top = max((row.carbon.value for row in rows if isinstance(row.carbon, Figure)), default=0.0)
    yield table(HEADS, [_cells(row, top, ascii_only) for row in rows])
    if refused:
        yield "\nnot known"
        yield from (f"  {name}: {reason}" for name, reason in refused.items())
    bases = {row.intensity.basis for row in rows}
    if len(bases) > 1:
        yield f"\ntwo bases stand here ({' and '.join(sorted(bases))}): they are not to be compared"
    flat = [row for row in rows if not row.by_hour]
    if flat:
        every = {row.start_us for row in rows}
        yield f"\nby the year: {', '.join(dict.fromkeys(row.name for row in flat))}" + (
            "; the hour cannot matter there" if len(every) > 1 else ""
        )
        yield from (f"  {reason}" for reason in dict.fromkeys(row.reason for row in flat if row.reason))
    yield "\nwhere the figures come from"
    for row in _first_of_each(rows):
        yield f"  {row.name}: {row.label}"
        yield from (f"    {said}" for said in _sources(row))


def _cells(row: Elsewhere, top: float, ascii_only: bool) -> tuple[str, ...]:
    grams = row.carbon.value if isinstance(row.carbon, Figure) else 0.0
    drawn = bar(grams / top if top else 0.0, WIDTH, ascii_only=ascii_only)
    return (
        row.name,
        f"{utc(row.start_us)[:16]}Z",
        f"{row.pue.value:.3g}" if isinstance(row.pue, Figure) else "not known",
        f"{row.intensity.grams_per_kwh:.4g}",
        "hour" if row.by_hour else "year",
        _grams(row.carbon),
        drawn,
        "" if row.difference is None else f"{row.difference:+.1%}",
        _grams(row.market),
    )


def _grams(answer: Figure | Missing) -> str:
    return quantity(answer.value, answer.unit) if isinstance(answer, Figure) else "not known"


def _first_of_each(rows: Sequence[Elsewhere]) -> list[Elsewhere]:
    return list({row.name: row for row in reversed(rows)}.values())[::-1]


def _sources(row: Elsewhere) -> Iterator[str]:
    told = row.intensity.figure()
    terms = f"location-based, {row.intensity.basis}, {row.intensity.inventory}"
    yield f"grid: {', '.join(told.sources)}; {terms}"
    yield from told.notes
    if isinstance(row.pue, Figure):
        yield from row.pue.sources
    else:
        yield f"PUE: {row.pue}"
    if isinstance(row.market, Figure):
        yield f"market: {row.market.sources[-1]}, {row.market.terms.get('basis', '')}"
        yield from row.market.notes
    else:
        yield f"market-based: {row.market}"


def elsewhere_body(energy: Figure, rows: Sequence[Elsewhere], refused: Mapping[str, str]) -> dict[str, Any]:
    """The body of a JSON document; ``refused`` are places without a figure, and why."""
    places = [_row_body(row) for row in rows]
    return {"energy": answer_json(energy), "places": places, "refused": dict(refused)}


def _row_body(row: Elsewhere) -> dict[str, Any]:
    one, year = row.intensity, row.yearly
    return {
        "name": row.name,
        "place": row.label,
        "from": utc(row.start_us),
        "to": utc(row.end_us),
        "pue": answer_json(row.pue),
        "intensity": {
            **answer_json(one.figure()),
            "zone": one.zone,
            "granularity": one.granularity,
            "data_quality": one.data_quality or ("D" if one.granularity == "year" else ""),
            "estimated_share": one.estimated_share,
        },
        "by_hour": row.by_hour,
        "reason": row.reason or None,
        "yearly_grams_per_kwh": None if year is None else year.grams_per_kwh,
        "yearly_source": None if year is None else year.source,
        "difference": row.difference,
        "location_based": answer_json(row.carbon),
        "market_based": answer_json(row.market),
    }
