"""An answer of a ledger, ready to be shown: what its text, its CSV and its JSON are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.expenses import Billed
from wattmark.core.facts import Answer
from wattmark.core.figure import Figure
from wattmark.core.listed import Apart
from wattmark.core.rollup import Total
from wattmark.reports import ledger_rates as rates

UJ_PER_J = 1e6
UNITS: Mapping[str, float] = {
    "J": 1.0,
    "Wh": 3.6e3,
    "kWh": 3.6e6,
    "MWh": 3.6e9,
    "GWh": 3.6e12,
    "MJ": 1e6,
    "GJ": 1e9,
}
"""What energy can be shown in, and its joules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsView:
    """An answer of the ledger, ready to be shown."""

    ledger: str
    version: int
    engine: str
    time_zone: str
    span: str
    """``from .. to``, as it was asked; empty: everything."""
    by: tuple[str, ...]
    period: str | None
    where: Mapping[str, tuple[str, ...]]
    boundary: str
    totals: Sequence[Total]
    whole: Total
    """All of them in one, so that shared errors add up as they should."""
    apart: Sequence[Apart] = ()
    without_factor: Mapping[str, int] = field(default_factory=dict)
    """Zone -> microjoules that met no grid factor; the empty zone: nobody said where they were used."""
    findings: Sequence[str] = ()
    remarks: Sequence[str] = ()
    """What is worth knowing of single runs; a person sees the first few."""
    runs_told: bool = True
    """Whether runs are told apart by what was asked for."""
    unit: str | None = None
    """One of UNITS; None: whichever fits."""
    kpis: tuple[str, ...] = ()
    answers: Sequence[Mapping[str, Answer]] = ()
    """The KPIs of each total, in their order."""
    whole_answers: Mapping[str, Answer] = field(default_factory=dict)
    cost: bool = False
    """Whether money has a column."""
    water: bool = False
    """Whether litres have columns."""
    billed: Sequence[Billed] = ()
    """What bills state for the same time, apart from all totals."""

    @property
    def rates(self) -> tuple[str, ...]:
        """The kinds of rates that have a column."""
        return rates.kinds_of((*self.totals, self.whole), cost=self.cost, water=self.water)


def by_grade(total: Total) -> dict[str, float]:
    """Grade -> joules, the best first; estimates for gaps are D. Every sum shows it."""
    grades = total.energy.grades if isinstance(total.energy, Figure) else {}
    return {grade.value: joules for grade, joules in sorted(grades.items()) if joules > 0}
