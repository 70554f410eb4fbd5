"""A policy: the limits that a gate knows. Plain numbers, one KPI each; nothing is ever evaluated as code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.errors import UsageError
from wattmark.core.known import Grade
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.rubric import Factors

COVERAGE = 0.95
"""Share of the time that must have been observed, unless a limit says otherwise (kpis.md, Gaps)."""
GRADE_ABSOLUTE = Grade.C
"""Needed for an absolute limit, unless it says otherwise (kpis.md, Grades)."""
GRADE_SAME_HOST = Grade.D
"""Needed for a limit relative to a baseline of the same host fingerprint."""


class OnUndecided(StrEnum):
    """What a limit says when it lies inside the interval of a complete measurement."""

    FAIL = "fail"
    WARN = "warn"
    PASS = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit on one KPI. Exactly one of the four bounds is given."""

    kpi: str
    max: float | None = None
    """Highest allowed value, in the KPI's unit."""
    min: float | None = None
    """Lowest allowed value, in the KPI's unit."""
    max_increase: float | None = None
    """Most it may grow against the baseline: 0.05 is 5 %. For KPIs where lower is better."""
    max_decrease: float | None = None
    """Most it may fall against the baseline. For KPIs where higher is better."""
    workload_class: tuple[str, ...] = ()
    """Applies to these classes only; empty: to all."""
    stage: str | None = None
    """Judge the energy of this stage alone."""
    grade: Grade | None = None
    """Grade the evidence needs; None: C for absolute limits, D against a baseline on the same host."""
    coverage: float = COVERAGE
    repeats: int = 1
    """Fewest repeats of the candidate, and of the baseline where one is needed."""
    on_undecided: OnUndecided = OnUndecided.FAIL
    reason: str = ""
    """Why the limit is there, shown when it is broken."""
    place: str = ""
    """Where it stands in its file."""

    @property
    def relative(self) -> bool:
        """True when the limit needs a baseline."""
        return self.max_increase is not None or self.max_decrease is not None

    @property
    def bound(self) -> float:
        """The number that was given."""
        given = (self.max, self.min, self.max_increase, self.max_decrease)
        return next(b for b in given if b is not None)

    def grade_needed(self, same_host: bool) -> Grade:
        """The worst grade of evidence that this limit accepts."""
        if self.grade is not None:
            return self.grade
        return GRADE_SAME_HOST if self.relative and same_host else GRADE_ABSOLUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All limits of one file."""

    limits: tuple[Limit, ...]
    factors: Factors = Factors.BASELINE
    """Whose grid, PUE and embodied factors relative limits use."""
    name: str = ""
    """The file it was read from."""


def check_limit(limit: Limit, catalog: Mapping[str, Kpi]) -> None:
    """Raise UsageError for a limit that makes no sense: what is wrong and what to write instead."""
    if limit.kpi not in catalog:
        raise UsageError(f"unknown KPI {limit.kpi!r}; `wattmark kpis list` names them all")
    bounds = {
        "max": limit.max,
        "min": limit.min,
        "max_increase": limit.max_increase,
        "max_decrease": limit.max_decrease,
    }
    given = [name for name, value in bounds.items() if value is not None]
    if len(given) != 1:
        found = f"has {' and '.join(given)}" if given else "has no bound"
        raise UsageError(f"{found}: give exactly one of {', '.join(bounds)}")
    better = catalog[limit.kpi].better
    if limit.max_increase is not None and better is Better.HIGHER:
        raise UsageError(f"a higher {limit.kpi} is better: limit its fall with max_decrease")
    if limit.max_decrease is not None and better is Better.LOWER:
        raise UsageError(f"a lower {limit.kpi} is better: limit its growth with max_increase")
    if limit.relative and limit.bound < 0:
        raise UsageError(f"{given[0]} is {limit.bound:g}: give a share from 0 up, 0.05 for 5 %")
    if limit.max_decrease is not None and limit.max_decrease >= 1:
        raise UsageError(f"max_decrease is {limit.max_decrease:g}: give a share below 1, 0.05 for 5 %")
    if limit.grade is Grade.E:
        raise UsageError("grade E is declared, not measured, and never passes a gate: ask for D or better")
    if limit.repeats < 1:
        raise UsageError(f"repeats is {limit.repeats}: give a whole number from 1 up")
    if not 0.0 < limit.coverage <= 1.0:
        raise UsageError(f"coverage is {limit.coverage:g}: give a share above 0, at most 1")
