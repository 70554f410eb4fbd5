"""What a KPI is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from wattmark.core.errors import WattmarkError
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Undefined


class Better(StrEnum):
    """Which way is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One key performance indicator: its name, unit, direction and formula."""

    id: str
    title: str
    unit: str
    better: Better
    formula: str
    """The formula as a person reads it."""
    of: Callable[[Facts], Answer]
    """Computes it. Pure: the same facts give the same answer."""
    version: int = 1
    """Part of the methodology fingerprint; raised when the definition changes."""
    statistics: Mapping[str, Callable[[Facts], Answer]] = field(default_factory=dict)
    """Name -> formula, of a KPI that can be told in several ways; ``of`` is one of them."""

    def answer(self, facts: Facts) -> Answer:
        """As ``of``, but a refusal (figures on unequal terms) is Undefined with its reason."""
        try:
            return self.of(facts)
        except WattmarkError as refusal:
            return Undefined(str(refusal))

    def told_as(self, statistic: str | None) -> Kpi:
        """The same KPI by another of its statistics; as it is for None. Raises KeyError for one it lacks."""
        return self if statistic is None else replace(self, of=self.statistics[statistic])
