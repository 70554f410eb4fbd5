"""A policy: the limits that a gate knows. Plain numbers, one KPI each; nothing is ever evaluated as code."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.errors import UsageError
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.level import Level
from wattmark.core.governance.rules import (
    AuditRules,
    BaselineRules,
    CharterRules,
    IdentityRules,
    PolicyAbout,
    WaiverRules,
)
from wattmark.core.governance.scope import Scope
from wattmark.core.known import Grade
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.rubric import Factors

COVERAGE = 0.95
"""Share of the time that must have been observed, unless a limit says otherwise (kpis.md, Gaps)."""
GRADE_ABSOLUTE = Grade.C
"""Needed for an absolute limit, unless it says otherwise (kpis.md, Grades)."""
GRADE_SAME_HOST = Grade.D
"""Needed for a limit relative to a baseline of the same host fingerprint."""


class IfLacking(StrEnum):
    """What a limit says when its evidence, or the baseline it needs, is not there."""

    FAIL = "fail"
    """Not enough evidence: exit code 3."""
    WARN = "warn"
    PASS = "pass"


class Aggregation(StrEnum):
    """What is held against the bound when there are several repeats.

    There is no ``best``: the best of many noisy runs is good by chance.
    """

    MEAN = "mean"
    """The geometric mean with the interval of the mean."""
    MEDIAN = "median"
    """The middle repeat, with an interval from order statistics where there are enough repeats."""
    WORST = "worst"
    """The worst repeat must pass."""


class OnUndecided(StrEnum):
    """What a limit says when it lies inside the interval of a complete measurement."""

    FAIL = "fail"
    WARN = "warn"
    PASS = "pass"


BOUNDS = ("max", "min", "max_increase", "max_decrease")
"""Kinds of limits; each limit gives exactly one."""


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
    id: str = ""
    """Stable name, for waivers and reports; made from what the limit says when the file gives none."""
    level: Level = Level.ERROR
    scope: Scope = field(default_factory=Scope)
    """Runs it is for, by patterns on their tags."""
    statistic: str | None = None
    """Of a KPI that has several: ``p10`` or ``mean`` of utilisation. None: the KPI's own."""
    aggregation: Aggregation = Aggregation.MEAN
    tolerance: float = 0.0
    """Share by which an absolute bound may be passed; a relative limit is its own tolerance."""
    if_missing: IfLacking = IfLacking.FAIL
    if_no_baseline: IfLacking = IfLacking.FAIL
    unit: str = ""
    """The unit that the bound is in; figures in another one are not enough evidence. Empty: not checked."""
    target: float | None = None
    """Where the KPI should come to, in its own unit: shown and followed, never enforced."""
    line: int | None = None
    """Line of its file where it begins."""
    digest: str = ""
    """SHA-256 of its content: a waiver is for this content."""

    @property
    def relative(self) -> bool:
        """True when the limit needs a baseline."""
        return self.max_increase is not None or self.max_decrease is not None

    @property
    def bound_kind(self) -> str:
        """Which of the four bounds was given: ``max``, ``min``, ``max_increase``, ``max_decrease``."""
        return next(name for name in BOUNDS if getattr(self, name) is not None)

    @property
    def bound(self) -> float:
        """The number that was given."""
        number: float = getattr(self, self.bound_kind)
        return number

    @property
    def allowed(self) -> float:
        """The number that is held against: the bound, with the tolerance of an absolute one."""
        wider = abs(self.bound) * self.tolerance
        return self.bound - wider if self.min is not None else self.bound + wider

    @property
    def above_is_bad(self) -> bool:
        """Whether what is too large breaks it."""
        return self.max is not None or self.max_increase is not None

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
    about: PolicyAbout = field(default_factory=PolicyAbout)
    budgets: tuple[Budget, ...] = ()
    waivers: WaiverRules = field(default_factory=WaiverRules)
    identity: IdentityRules = field(default_factory=IdentityRules)
    baseline: BaselineRules = field(default_factory=BaselineRules)
    audit: AuditRules = field(default_factory=AuditRules)
    charter: CharterRules | None = None
    """None: no charter is asked for."""
    digest: str = ""
    """SHA-256 over the content of the file: comments and layout do not change it."""


def check_limit(limit: Limit, catalog: Mapping[str, Kpi]) -> None:
    """Raise UsageError for a limit that makes no sense: what is wrong and what to write instead."""
    if limit.kpi not in catalog:
        close = difflib.get_close_matches(limit.kpi, catalog, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"unknown KPI {limit.kpi!r}; {meant}`wattmark kpis list` names them all")
    given = [name for name in BOUNDS if getattr(limit, name) is not None]
    if len(given) != 1:
        found = f"has {' and '.join(given)}" if given else "has no bound"
        raise UsageError(f"{found}: give exactly one of {', '.join(BOUNDS)}")
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
    if not 0.0 <= limit.tolerance <= 1.0:
        raise UsageError(f"tolerance is {limit.tolerance:g}: give a share from 0 to 1, 0.02 for 2 %")
    if limit.relative and limit.tolerance:
        raise UsageError(f"a relative limit is its own tolerance: say it with {given[0]}")
    check_unit(limit, catalog)
    known = catalog[limit.kpi].statistics
    if limit.statistic is not None and limit.statistic not in known:
        named = f"has {', '.join(known)}" if known else "has one way to be told: leave statistic out"
        raise UsageError(f"unknown statistic {limit.statistic!r}: {limit.kpi} {named}")


def check_unit(limit: Limit, catalog: Mapping[str, Kpi]) -> None:
    """Raise UsageError when a KPI is not in the unit that a limit believes it is in.

    Where a KPI is per unit of work, any word will do for that; the gate holds it against what was counted.
    """
    unit, known = limit.unit, catalog[limit.kpi].unit
    pattern = re.escape(known).replace("unit", "[a-z][a-z ]*")
    if unit and not re.fullmatch(pattern, unit):
        raise UsageError(f"unit is {unit!r}, and {limit.kpi} is in {known!r}: give the bound in that")
