"""Cost and water of runs as lines and as JSON, beside their energy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wattmark.core.expenses import Expenses, difference
from wattmark.core.figure import Figure, Missing
from wattmark.core.rate import MetRate
from wattmark.core.run import Statement
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import answer_text, figure_text
from wattmark.reports.quantities import number, percent


def expense_lines(found: Expenses) -> Iterator[tuple[str, str]]:
    """A name and a text for each amount and each remark; nothing where nobody stated a rate or a bill."""
    if not found.known:
        return
    for figure in found.cost.values():
        included = figure.terms.get("price_includes", "")
        at = figure.terms.get("boundary", "node")
        yield "cost", f"{figure_text(figure)}, for energy at the {at}'s meter ({included})"
    for one in found.met:
        yield "priced by", _price(one)
    if not found.cost:
        yield "cost", answer_text(found.no_cost)
    for kind, figure in found.water.items():
        yield water_name(kind), f"{figure_text(figure)} ({kind.rpartition(' ')[2]})"
    for said in found.billed:
        yield "billed", f"{_stated(said)}: stated, and apart from the cost above"
    notes = (note for figure in (*found.cost.values(), *found.water.values()) for note in figure.notes)
    for note in dict.fromkeys(notes):
        yield "", note


def _price(one: MetRate) -> str:
    rate = one.rate
    said = f"{rate.name} ({rate.source})" if rate.name != rate.source else rate.source
    share = "" if one.known_share >= 1 else f" for {percent(one.known_share)} of the energy"
    return f"{number(rate.per_kwh)} {rate.unit}/kWh on average{share}: {said}"


def water_name(kind: str) -> str:
    """``site water`` or ``source water``: the kind without what is counted."""
    return f"{kind.split()[1]} water"


def expense_text(found: Expenses) -> str:
    """The lines in columns; empty where there is nothing to show."""
    return "\n".join(f"{name:<16} {text}" for name, text in expense_lines(found))


def difference_lines(candidate: Expenses, baseline: Expenses) -> Iterator[str]:
    """What a candidate costs more or less than a baseline, each in one currency; and its water."""
    for name, mine, theirs in _pairs(candidate, baseline):
        found = difference(mine, theirs)
        if isinstance(found, Missing):
            yield f"{name}: {answer_text(found)}"
        else:
            word = "more" if found.value > 0 else "less"
            size = figure_text(found if found.value > 0 else found.scaled(-1.0, found.unit))
            yield f"{name}: {figure_text(mine)} against {figure_text(theirs)}: {size} {word}"


def expenses_body(found: Expenses) -> dict[str, Any]:
    """For JSON: cost by currency, water by kind, and what bills state apart from both."""
    return {
        "cost": {unit: answer_json(figure) for unit, figure in found.cost.items()},
        "prices": [
            {
                "per_kwh": one.rate.per_kwh,
                "currency": one.rate.unit,
                "tariff": one.rate.name,
                "source": one.rate.source,
                "paid_at": one.rate.meter,
                "share_of_energy": one.known_share,
                "mean_over_time": one.by_time,
            }
            for one in found.met
        ],
        "cost_missing": None if found.cost else answer_json(found.no_cost),
        "water": {kind: answer_json(figure) for kind, figure in found.water.items()},
        "billed": [_statement(said) for said in found.billed],
    }


def differences_body(candidate: Expenses, baseline: Expenses) -> dict[str, Any]:
    """Candidate less baseline, by currency and by kind of water."""
    return {name: answer_json(difference(mine, theirs)) for name, mine, theirs in _pairs(candidate, baseline)}


def _pairs(candidate: Expenses, baseline: Expenses) -> Iterator[tuple[str, Figure, Figure]]:
    sides: tuple[tuple[Mapping[str, Figure], Mapping[str, Figure], str], ...] = (
        (candidate.cost, baseline.cost, "cost in "),
        (candidate.water, baseline.water, ""),
    )
    for mine, theirs, prefix in sides:
        for unit in mine:
            if unit in theirs:
                yield f"{prefix}{unit}", mine[unit], theirs[unit]


def _stated(said: Statement) -> str:
    return " ".join(filter(None, (f"{said.value:g} {said.unit}", said.period and f"for {said.period}")))


def _statement(said: Statement) -> dict[str, Any]:
    return {"value": said.value, "unit": said.unit, "period": said.period, "basis": said.basis}
