"""Money and water of runs, beside their energy and never instead of it.

Energy meets the rates of its own hours. What a bill states of the same hours is shown apart: the two are two
answers to one question, and their sum is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, Missing, require_same_terms, total
from wattmark.core.rate import MetRate, amount_of, energy_at
from wattmark.core.rollup_carbon import sum_of
from wattmark.core.run import Run, Statement

NO_TARIFF = Missing("price of electricity", "a [[tariff]] in wattmark.toml")
MEAN = "the run keeps no course of its energy: it met the mean price of its time"
BILLED = "cost"
"""The quantity of statements that bills make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """What bills of one source state together: evidence beside a total, never in it."""

    value: float
    currency: str
    kind: str
    """As the bill names it, such as unblended or amortised: kinds are never added."""
    source: str
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expenses:
    """What the energy of some runs came to."""

    cost: Mapping[str, Figure] = field(default_factory=dict)
    """Currency -> money for electricity; empty: see ``no_cost``."""
    no_cost: Missing = NO_TARIFF
    """Why there is none."""
    met: tuple[MetRate, ...] = ()
    """The prices that the energy met."""
    water: Mapping[str, Figure] = field(default_factory=dict)
    """Kind, such as ``water site consumption`` -> litres."""
    billed: tuple[Statement, ...] = ()
    """What bills of these runs state: apart from ``cost``, whatever it was for."""

    @property
    def known(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.cost or self.water or self.billed)


def spent(energy: Figure | Missing, pue: Figure | Missing, met: Sequence[MetRate]) -> dict[str, Figure]:
    """Energy x rate at the meter of each rate, added within one unit.

    Each rate is of its share of the energy. Where together they hold less than all of it, every amount says
    how much is not in it.
    """
    if isinstance(energy, Missing):
        return {}
    found: dict[str, list[Figure]] = {}
    for one in met:
        at_meter = energy_at(energy, pue, one.rate.meter)
        if isinstance(at_meter, Figure):
            part = at_meter if one.known_share >= 1 else at_meter.scaled(one.known_share, at_meter.unit)
            figure = amount_of(part, one.rate)
            found.setdefault(one.rate.unit, []).append(figure.with_notes(MEAN) if one.by_time else figure)
    left = 1 - sum(one.known_share for one in met)
    said = [f"{left:.1%} of the energy met no rate: it is not in it"] if left > 1e-9 else []
    return {unit: sum_of(some, ("price_includes",)).with_notes(*said) for unit, some in found.items()}


def billed(runs: Iterable[Run]) -> tuple[Statement, ...]:
    """The statements of cost that runs hold."""
    return tuple(s for run in runs for s in run.statements if s.quantity == BILLED)


def difference(candidate: Figure, baseline: Figure) -> Figure | Missing:
    """Candidate less baseline; errors that both share cancel. Missing, with the reason, on unequal terms."""
    try:
        require_same_terms(candidate, baseline)
    except NotComparable as refusal:
        return Missing("a difference on equal terms", str(refusal))
    return total([candidate, baseline.scaled(-1.0, baseline.unit)])
