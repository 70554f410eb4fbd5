"""Money and water of a ledger's totals, beside energy: what has no rate is shown, never dropped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from wattmark.core.expenses import Billed
from wattmark.core.figure import Missing
from wattmark.core.rate import PRICE
from wattmark.core.rollup import Total
from wattmark.core.rollup_rates import Amounts
from wattmark.core.units import JOULES_PER_KWH
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import figure_text
from wattmark.reports.quantities import percent, quantity

UJ_PER_KWH = JOULES_PER_KWH * 1e6
NO_TARIFF = Missing("tariff", "a [[tariff]] for the place, or for `*`, in ledger.toml")
NO_WATER = Missing("litres per kWh", "[[water]] for the place, with its source, in ledger.toml")
WATER = "water "


def kinds_of(totals: Sequence[Total], *, cost: bool, water: bool) -> tuple[str, ...]:
    """The columns: ``price`` where money is asked for, and the kinds of water that are known anywhere."""
    known = sorted({kind for total in totals for kind in total.water}) if water else []
    return (*((PRICE,) if cost else ()), *(known or ((WATER.strip(),) if water else ())))


def heads(kinds: Sequence[str]) -> list[str]:
    """As the columns are named."""
    named = (_named(kind) for kind in kinds)
    return [f"{name} ({what})" if what else name for name, what in named]


def cells(total: Total, kinds: Sequence[str]) -> list[str]:
    """One cell for each kind: every unit apart, and which share of the energy is not in it."""
    return [_cell(amounts(total, kind), total) for kind in kinds]


def amounts(total: Total, kind: str) -> Amounts:
    """What the energy of a total came to by one kind."""
    return total.cost if kind == PRICE else total.water.get(kind, Amounts(without_uj=_used(total)))


def _cell(found: Amounts, total: Total) -> str:
    if not found.by_unit:
        return "unknown" if found.without_uj else ""
    text = "; ".join(quantity(figure.value, unit) for unit, figure in found.by_unit.items())
    used = _used(total)
    without = f" ({percent(found.without_uj / used)} without)" if found.without_uj and used else ""
    return text + without


def lines(whole: Total, kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What stands below the table: each amount with interval and meter, and the energy without one."""
    for kind in kinds:
        found = amounts(whole, kind)
        name, what = _named(kind)
        for figure in found.by_unit.values():
            at = figure.terms.get("boundary", "node")
            said = figure.terms.get("price_includes") or what
            yield name, f"{figure_text(figure)}, by energy at the {at}{f' ({said})' if said else ''}"
        if found.without_uj:
            kwh = quantity(found.without_uj / UJ_PER_KWH, "kWh")
            share = percent(found.without_uj / max(1, _used(whole)))
            hint = (NO_TARIFF if kind == PRICE else NO_WATER).hint
            yield ("no tariff" if kind == PRICE else f"no {name}"), f"{kwh} ({share}): {hint}"


def _named(kind: str) -> tuple[str, str]:
    """``cost``; ``source water`` and what is counted."""
    if kind == PRICE:
        return "cost", ""
    _, _, rest = kind.partition(" ")
    where, _, what = rest.partition(" ")
    return f"{where} water".strip(), what


def billed_lines(billed: Sequence[Billed]) -> Iterator[tuple[str, str]]:
    """What bills state: apart from the cost above, for a bill of a machine holds its electricity."""
    for one in billed:
        kind = f"{one.kind}, " if one.kind else ""
        yield "billed", f"{quantity(one.value, one.currency)} ({kind}{one.source}): stated, in no cost above"


def billed_body(billed: Sequence[Billed]) -> list[dict[str, Any]]:
    """The same for JSON."""
    return [
        {
            "value": one.value,
            "currency": one.currency,
            "kind": one.kind,
            "source": one.source,
            "records": one.records,
        }
        for one in billed
    ]


def notes(whole: Total, kinds: Sequence[str]) -> list[str]:
    """What is to be known of them."""
    found = (f for kind in kinds for f in amounts(whole, kind).by_unit.values())
    return [note for figure in found for note in figure.notes if not note.endswith("are not in it")]


def rates_body(total: Total) -> dict[str, Any]:
    """For JSON, always whole: cost by currency and water by kind, with the energy that is in neither."""
    return {
        "cost": _body(total.cost, NO_TARIFF),
        "water": {kind: _body(found, NO_WATER) for kind, found in total.water.items()},
    }


def _body(found: Amounts, missing: Missing) -> dict[str, Any]:
    return {
        "by_unit": {unit: answer_json(figure) for unit, figure in found.by_unit.items()},
        "without_microjoules": found.without_uj,
        "missing": None if found.by_unit or not found.without_uj else answer_json(missing),
    }


def csv_heads(totals: Sequence[Total]) -> list[tuple[str, str, str]]:
    """Kind, unit and name of each column: only what is known anywhere has some."""
    found: dict[tuple[str, str], None] = {}
    for kind in kinds_of(totals, cost=True, water=True):
        for total in totals:
            found.update(dict.fromkeys((kind, unit) for unit in amounts(total, kind).by_unit))
    return [
        (kind, unit, f"{'cost' if kind == PRICE else kind.replace(' ', '_')}_{unit.lower()}")
        for kind, unit in sorted(found, key=lambda f: (f[0] != PRICE, f))
    ]


def csv_cells(total: Total, columns: Sequence[tuple[str, str, str]]) -> list[object]:
    """Amount, low and high end of each column, then the kWh that are in no cost; unknown is empty."""
    row: list[object] = []
    for kind, unit, _ in columns:
        figure = amounts(total, kind).by_unit.get(unit)
        row += ["", "", ""] if figure is None else [figure.value, *map(_finite, figure.interval)]
    return [*row, total.cost.without_uj / UJ_PER_KWH]


def _finite(end: float) -> object:
    return end if math.isfinite(end) else ""


def _used(total: Total) -> int:
    return sum(part.used_uj for part in total.found.parts)
