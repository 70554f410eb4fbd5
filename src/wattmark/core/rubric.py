"""A rubric: which KPIs make a score, how much each weighs, and how they are put together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.errors import UsageError
from wattmark.core.kpis.kpi import Kpi


class Aggregation(StrEnum):
    """How weighted ratios become one number."""

    ARITHMETIC = "arithmetic"
    """100 x sum of w x r: a good KPI can make up for a bad one."""
    GEOMETRIC = "geometric"
    """100 x exp(sum of w x ln r): a factor counts the same wherever it is won or lost."""


class Factors(StrEnum):
    """Whose grid, PUE and embodied factors the candidate is counted with."""

    BASELINE = "baseline"
    """Those of the baseline, so that a dirtier hour never looks like a worse model."""
    ACTUAL = "actual"
    """The candidate's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """One KPI of a rubric."""

    kpi: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """A versioned set of weighted KPIs."""

    id: str
    version: str
    title: str = ""
    aggregation: Aggregation = Aggregation.ARITHMETIC
    factors: Factors = Factors.BASELINE
    kpis: tuple[Weighted, ...]

    @property
    def label(self) -> str:
        """Id and version, as reports name it."""
        return f"{self.id} {self.version}"


def check_rubric(rubric: Rubric, catalog: Mapping[str, Kpi]) -> None:
    """Raise UsageError unless every KPI exists and is named once, and the weights sum to 1."""
    if not rubric.kpis:
        raise UsageError("names no KPI: add [[kpi]] tables with id and weight")
    seen: set[str] = set()
    for item in rubric.kpis:
        if item.kpi not in catalog:
            raise UsageError(f"unknown KPI {item.kpi!r}; known: {', '.join(catalog)}")
        if item.kpi in seen:
            raise UsageError(f"KPI {item.kpi!r} is named twice")
        seen.add(item.kpi)
        if not 0.0 < item.weight <= 1.0:
            raise UsageError(f"the weight of {item.kpi!r} is {item.weight:g}: give more than 0, at most 1")
    whole = math.fsum(item.weight for item in rubric.kpis)
    if abs(whole - 1.0) > 1e-9:
        raise UsageError(f"the weights sum to {whole:g}, and must sum to 1")
