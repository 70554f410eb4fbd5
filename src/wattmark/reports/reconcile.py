"""Our carbon of clouds beside their providers', for a terminal, as JSON and as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.core.listed import some
from wattmark.core.reconcile import REST, Beside, Ours, Reconciled, Theirs, Verdict
from wattmark.reports.as_csv import csv_text
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import bar, bulleted, interval_text, quantity, table
from wattmark.reports.ledger_lists import Head

J_PER_KWH = 3.6e6
BAR = 32
COLUMNS = (
    "provider",
    "region",
    "month",
    "verdict",
    "energy_kwh",
    "ours_gco2e",
    "theirs_location_gco2e",
    "theirs_market_gco2e",
    "theirs_compute_scope_2_gco2e",
    "remainder_gco2e",
    "implied_gco2e_per_kwh",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileView:
    """What was asked for and what came of it."""

    head: Head
    span: str
    told: Reconciled
    findings: tuple[str, ...] = ()


def reconcile_text(view: ReconcileView, *, ascii_only: bool = False) -> str:
    """Every region and month, the way from ours to theirs over all that can be compared, and what to know."""
    rows = view.told.rows
    if not rows:
        nothing = "neither cloud energy nor a provider's statements are here: `wattmark import` brings both"
        return "\n".join([nothing, *bulleted(view.findings), "", str(view.head)])
    asked = f" ({view.span})" if view.span else ""
    notes = dict.fromkeys([*view.findings, *_row_notes(rows)])
    blocks = [
        _table(rows),
        "\n".join(_way(rows, ascii_only)),
        "\n".join(bulleted(notes)),
        f"{_count(rows)}; {view.head}{asked}",
    ]
    return "\n\n".join(filter(None, blocks))


def _table(rows: Sequence[Beside]) -> str:
    cells = []
    for row in rows:
        ours, theirs = row.ours, row.theirs
        carbon = ours.carbon if ours else None
        cells.append(
            (
                f"{row.spot.provider} {row.spot.region or '(no region)'}",
                row.spot.month,
                quantity(ours.energy_joules / J_PER_KWH, "kWh") if ours else "",
                f"{_grams(carbon.value)} {interval_text(carbon)}".rstrip() if carbon else "",
                _grams(theirs.location if theirs else None),
                _grams(theirs.compute if theirs else None),
                _grams(row.steps[-1].grams if row.steps else None),
                f"{row.implied:.0f}" if row.implied is not None else "",
                row.verdict.value,
            )
        )
    heads = (
        "region",
        "month",
        "our energy",
        "ours",
        "theirs",
        "of it compute",
        "remainder",
        "g/kWh",
        "verdict",
    )
    return table(heads, cells)


def _grams(value: float | None) -> str:
    return "" if value is None else quantity(value, "gCO2e")


def _way(rows: Sequence[Beside], ascii_only: bool) -> Iterator[str]:
    """From ours to theirs, added up over the rows that can be compared."""
    compared = [row for row in rows if row.steps]
    if not compared:
        return
    ours = math.fsum(row.ours.carbon.value for row in compared if row.ours and row.ours.carbon)
    theirs = math.fsum(row.theirs.location or 0.0 for row in compared if row.theirs)
    steps: dict[str, list[float]] = {}
    for row in compared:
        for step in row.steps:
            steps.setdefault(step.what, []).append(step.grams)
    ends = [("ours, location-based", ours), ("theirs, location-based", theirs)]
    middle = [(what, math.fsum(found)) for what, found in steps.items() if what != REST]
    lines = [ends[0], *middle, (REST, math.fsum(steps[REST])), ends[1]]
    top = max(abs(value) for _, value in lines) or 1.0
    yield f"from ours to theirs, {some(len(compared), 'row')} that can be compared"
    for what, value in lines:
        sign = " " if (what, value) in ends else ("+" if value >= 0 else "-")
        drawn = bar(abs(value) / top, BAR, ascii_only=ascii_only)
        yield f"  {sign} {what:<26} {quantity(abs(value), 'gCO2e'):>14}  {drawn}".rstrip()


def _row_notes(rows: Sequence[Beside]) -> Iterator[str]:
    """What is said of single rows: each note once, with where it holds."""
    found: dict[str, list[str]] = {}
    for row in rows:
        spot = f"{row.spot.region or row.spot.provider} {row.spot.month}"
        likely = [f"remainder: {row.steps[-1].why}"] if row.verdict is Verdict.DIFFER else []
        for note in (*likely, *filter(None, row.notes)):
            found.setdefault(note, []).append(spot)
    for note, spots in found.items():
        more = f" and {len(spots) - 3} more" if len(spots) > 3 else ""
        yield f"{', '.join(spots[:3])}{more}: {note}"


def _count(rows: Sequence[Beside]) -> str:
    counts = {verdict: sum(row.verdict is verdict for row in rows) for verdict in Verdict}
    return ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)


def reconcile_csv(view: ReconcileView) -> str:
    """A line per region and month; an empty cell is not known, never 0."""
    lines = []
    for row in view.told.rows:
        ours, theirs = row.ours, row.theirs
        lines.append(
            (
                *(row.spot.provider, row.spot.region, row.spot.month, row.verdict.value),
                ours.energy_joules / J_PER_KWH if ours else None,
                ours.carbon.value if ours and ours.carbon else None,
                theirs.location if theirs else None,
                theirs.market if theirs else None,
                theirs.compute if theirs else None,
                row.steps[-1].grams if row.steps else None,
                row.implied,
            )
        )
    return csv_text(COLUMNS, lines)


def reconcile_body(view: ReconcileView) -> dict[str, Any]:
    """The body of a JSON document."""
    return {
        "ledger": view.head.ledger,
        "version": view.head.version,
        "span": view.span,
        "explained_share": view.told.explained_share,
        "rows": [_row_body(row) for row in view.told.rows],
        "findings": list(view.findings),
    }


def _row_body(row: Beside) -> Mapping[str, Any]:
    return {
        "provider": row.spot.provider,
        "region": row.spot.region,
        "month": row.spot.month,
        "verdict": row.verdict.value,
        "ours": _ours_body(row.ours) if row.ours else None,
        "theirs": _theirs_body(row.theirs) if row.theirs else None,
        "steps": [{"what": step.what, "gco2e": step.grams, "why": step.why} for step in row.steps],
        "implied_gco2e_per_kwh": row.implied,
        "notes": list(filter(None, row.notes)),
    }


def _ours_body(ours: Ours) -> Mapping[str, Any]:
    return {
        "energy_joules": ours.energy_joules,
        "boundary": ours.boundary,
        "by_grade": dict(ours.by_grade),
        "carbon": answer_json(ours.carbon) if ours.carbon else None,
        "missing": ours.missing,
    }


def _theirs_body(theirs: Theirs) -> Mapping[str, Any]:
    return {
        "location_gco2e": theirs.location,
        "scopes": list(theirs.scopes),
        "market_gco2e": theirs.market,
        "unsplit_gco2e": theirs.unsplit,
        "scope_1_gco2e": theirs.scope_1,
        "scope_2_location_gco2e": theirs.scope_2,
        "scope_3_gco2e": theirs.scope_3,
        "compute_scope_2_gco2e": theirs.compute,
        "other_scope_2_gco2e": theirs.elsewhere,
        "services": list(theirs.services),
        "versions": list(theirs.versions),
        "restated": theirs.restated,
    }
