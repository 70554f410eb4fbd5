"""Targets of a portfolio: how much is allowed, how much it is so far, and what it will come to.

Too little evidence is never a good sign: a target is on track only when everything that was expected to be
seen was seen, and the whole interval of the projection lies within the limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.listed import some
from wattmark.core.portfolio import ENERGY, SCOPE2_LOCATION, SCOPE2_MARKET, SCOPE31, added
from wattmark.core.projection import COMPLETE, Projection, projection
from wattmark.core.units import short_of

CARBON_PER_UNIT, ENERGY_PER_UNIT = "carbon_per_unit", "energy_per_unit"
INTENSITIES = (CARBON_PER_UNIT, ENERGY_PER_UNIT)
WHATS = (ENERGY, SCOPE2_LOCATION, SCOPE2_MARKET, SCOPE31, *INTENSITIES)
"""What a target can be of."""
ENERGY_UNITS: Mapping[str, float] = {"J": 1.0, "kWh": 3.6e6, "MWh": 3.6e9, "GWh": 3.6e12}
CARBON_UNITS: Mapping[str, float] = {"gCO2e": 1.0, "kgCO2e": 1e3, "tCO2e": 1e6}
EVERY: Mapping[str, int] = {"day": 1, "week": 7, "month": 0}
"""How often there must be evidence, in days; months are the calendar's."""
FLAT, LINEAR = "flat", "linear"
DEFAULT_COVERAGE = 0.95
"""Below it a gate answers "not enough evidence" (kpis.md, Gaps)."""
WEEK = 7
MOST_NAMED = 3


class Standing(StrEnum):
    """What the evidence says of a target."""

    ON_TRACK = "on track"
    AT_RISK = "at risk"
    MISSED = "missed"
    NOT_ENOUGH = "not enough evidence"
    NOT_BEGUN = "not begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One ``[[target]]``."""

    name: str
    what: str
    """One of WHATS."""
    period: str
    """``2027`` or ``2027-Q2``: when it must hold; with a linear path the last year of it."""
    limit: float | None = None
    """In joules, grams, or per unit; None: a reduction is asked for."""
    reduction: float | None = None
    """Share of the baseline's figure, 0 to 1."""
    baseline: str = ""
    path: str = FLAT
    """flat: the limit holds in its period alone; linear: every year after the baseline's is allowed less."""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coverage: float = DEFAULT_COVERAGE
    every: str = "day"
    """One of EVERY: each such stretch of the time that passed must hold evidence."""
    functional_unit: str = ""
    """What carbon or energy is per, for the KPIs."""

    @property
    def cumulative(self) -> bool:
        """Whether amounts add up over the period; a KPI is a ratio that can fall again."""
        return self.what not in INTENSITIES

    @property
    def unit(self) -> str:
        """Of its limit."""
        plain = "J" if self.what in (ENERGY, ENERGY_PER_UNIT) else "gCO2e"
        return plain if self.cumulative else f"{plain}/{singular(self.functional_unit)}"


def singular(unit: str) -> str:
    """One of a functional unit: inferences -> inference."""
    return unit.removesuffix("s") or "unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a reduction is counted from."""

    name: str
    figure: Figure | Missing
    """For the whole of its period."""
    first: date
    after: date
    """The first day that is no longer in it."""

    @property
    def days(self) -> int:
        """How long it is."""
        return (self.after - self.first).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The days of a period of which ``today`` is the first that is not whole yet."""

    name: str
    first: date
    after: date
    today: date

    @property
    def days(self) -> int:
        """Of the whole period."""
        return (self.after - self.first).days

    @property
    def passed(self) -> int:
        """Whole days of it that are over."""
        return max(0, min(self.days, (self.today - self.first).days))

    @property
    def over(self) -> bool:
        """Whether all of it has passed."""
        return self.passed == self.days


def limit_in(target: Target, calendar: Calendar, base: Base | None) -> float | Missing:
    """The limit for a year or a quarter, in the target's unit.

    A quarter, and a baseline of another length, take their share by days. On a linear path the reduction of
    a year is its share of the way from the baseline's year to the target's.
    """
    share = calendar.days / days_of(target.period) if target.cumulative else 1.0
    if target.limit is not None:
        return target.limit * share
    if base is None:
        return Missing(f"baseline {target.baseline!r}", "freeze one with `wattmark baseline freeze`")
    if isinstance(base.figure, Missing):
        return base.figure
    reduction = target.reduction or 0.0
    if target.path == LINEAR:
        years = year_of(target.period) - base.first.year
        gone = calendar.first.year - base.first.year
        reduction *= min(1.0, max(0.0, gone / years)) if years > 0 else 1.0
    length = calendar.days / base.days if target.cumulative else 1.0
    # A year and a leap year are each a year: only periods of another kind take their share by days.
    if target.cumulative and {calendar.days, base.days} <= {365, 366}:
        length = 1.0
    return base.figure.value * (1.0 - reduction) * length


def days_of(period: str) -> int:
    """Days of ``2027`` or ``2027-Q2``."""
    first, after = bounds_of(period)
    return (after - first).days


def year_of(period: str) -> int:
    """The year of a period."""
    return int(period[:4])


def bounds_of(period: str) -> tuple[date, date]:
    """First day, and first day after. Raises UsageError for what is no year and no quarter."""
    year, sign, quarter = period.partition("-Q")
    if not (len(year) == 4 and year.isdigit() and (not sign or quarter in ("1", "2", "3", "4"))):
        raise UsageError(f"{period!r} is no year and no quarter: write 2027 or 2027-Q2")
    if not sign:
        return date(int(year), 1, 1), date(int(year) + 1, 1, 1)
    month = 3 * int(quarter) - 2
    after = date(int(year) + 1, 1, 1) if quarter == "4" else date(int(year), month + 3, 1)
    return date(int(year), month, 1), after


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was found of one day."""

    figure: Figure
    """Joules or grams of the day."""
    share: float = 1.0
    """Share of its energy that met a factor."""
    work: float = 0.0
    """Successful functional units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How one target stands in one period."""

    target: Target
    calendar: Calendar
    limit: float | Missing
    so_far: Figure | Missing
    coverage: float
    """Least share of the time observed, x share of energy that met a factor, x share of days."""
    projected: Projection | None
    standing: Standing
    why: str

    @property
    def decides(self) -> bool:
        """Whether it is the target itself; quarters of a year's target are steps on the way."""
        return "-Q" not in self.calendar.name or self.calendar.name == self.target.period

    @property
    def elapsed(self) -> float:
        """Share of the period that has passed."""
        return self.calendar.passed / self.calendar.days

    @property
    def used(self) -> float | None:
        """So far as a share of the limit."""
        if isinstance(self.limit, Missing) or isinstance(self.so_far, Missing) or self.limit <= 0:
            return None
        return self.so_far.value / self.limit


def progress(
    target: Target,
    calendar: Calendar,
    days: Mapping[date, Day],
    limit: float | Missing,
    refused: NotComparable | None = None,
) -> Progress:
    """How a target stands, from the days with evidence. ``refused``: why the baseline does not fit."""
    end = min(calendar.today, calendar.after)
    seen = {at: day for at, day in days.items() if calendar.first <= at < end}
    so_far = _so_far(target, seen)
    unseen = _unseen(target, calendar, seen)
    coverage = _coverage(calendar, seen, unseen)
    projected = _projected(target, calendar, seen, so_far)
    standing, why = _judged(target, calendar, limit, so_far, projected, coverage, unseen, refused)
    return Progress(
        target=target,
        calendar=calendar,
        limit=limit,
        so_far=so_far,
        coverage=coverage,
        projected=projected,
        standing=standing,
        why=why,
    )


def _so_far(target: Target, seen: Mapping[date, Day]) -> Figure | Missing:
    if not seen:
        return Missing("evidence", "nothing of this was counted in the days that have passed")
    try:
        whole = added([seen[at].figure for at in sorted(seen)])
    except NotComparable as refusal:
        return Missing("figures on equal terms", str(refusal))
    if target.cumulative:
        return whole
    work = math.fsum(day.work for day in seen.values())
    if work <= 0:
        return Missing(f"work in {target.functional_unit}", "none was counted: log it with the runs")
    return whole.scaled(1 / work, target.unit)


def _unseen(target: Target, calendar: Calendar, seen: Mapping[date, Day]) -> list[date]:
    """First days of the stretches that have passed and hold no evidence."""
    found, at = [], calendar.first
    end = calendar.first + timedelta(days=calendar.passed)
    while at < end:
        step = EVERY[target.every]
        after = at + timedelta(days=step) if step else _next_month(at)
        if after > end and not calendar.over and at + timedelta(days=1) < after:
            break  # this one is not over yet
        after = min(after, end)
        if not any(at + timedelta(days=i) in seen for i in range((after - at).days)):
            found.append(at)
        at = after
    return found


def _next_month(at: date) -> date:
    return date(at.year + at.month // 12, at.month % 12 + 1, 1)


def _coverage(calendar: Calendar, seen: Mapping[date, Day], unseen: Sequence[date]) -> float:
    if not seen or not calendar.passed:
        return 0.0
    observed = min(day.figure.coverage * day.share for day in seen.values())
    return observed if not unseen else observed * len(seen) / calendar.passed


def _projected(
    target: Target, calendar: Calendar, seen: Mapping[date, Day], so_far: Figure | Missing
) -> Projection | None:
    if isinstance(so_far, Missing):
        return None
    if not target.cumulative:
        low, high = so_far.interval
        return Projection(so_far.value, low, high, COMPLETE if calendar.over else "run-rate", len(seen))
    blocks = _blocks(calendar, seen, so_far)
    return projection(so_far, blocks, (calendar.days - calendar.passed) / WEEK)


def _blocks(calendar: Calendar, seen: Mapping[date, Day], so_far: Figure) -> list[Figure]:
    """Whole weeks of seven days from the start of the period; a day without evidence adds nothing."""
    found = []
    for start in range(0, calendar.passed - WEEK + 1, WEEK):
        days = [calendar.first + timedelta(days=start + i) for i in range(WEEK)]
        parts = [seen[at].figure for at in days if at in seen]
        found.append(added(parts) if parts else Figure(0.0, so_far.unit))
    return found


def _judged(
    target: Target,
    calendar: Calendar,
    limit: float | Missing,
    so_far: Figure | Missing,
    projected: Projection | None,
    coverage: float,
    unseen: Sequence[date],
    refused: NotComparable | None,
) -> tuple[Standing, str]:
    if not calendar.passed:
        return Standing.NOT_BEGUN, f"the first whole day of it is {calendar.first}"
    if refused is not None:
        return Standing.NOT_ENOUGH, str(refused)
    if isinstance(limit, Missing):
        return Standing.NOT_ENOUGH, str(limit)
    if isinstance(so_far, Missing) or projected is None:
        return Standing.NOT_ENOUGH, str(so_far)
    low, high = so_far.interval
    if low > limit and (target.cumulative or calendar.over):
        return Standing.MISSED, "what was used is above the limit, its whole interval"
    if unseen:
        named = ", ".join(at.isoformat() for at in unseen[:MOST_NAMED])
        more = f" and {len(unseen) - MOST_NAMED} more" if len(unseen) > MOST_NAMED else ""
        return Standing.NOT_ENOUGH, (
            f"no evidence in {some(len(unseen), target.every)}: from {named}{more}. Bring it in; where work "
            "is rarer, say so with `evidence_every`"
        )
    if coverage < target.coverage:
        told, needed = short_of(coverage, target.coverage)
        return Standing.NOT_ENOUGH, f"coverage {told} is below the {needed} that it needs"
    if coverage < 1.0 and high > limit:
        return Standing.NOT_ENOUGH, "what was not read decides whether the limit is kept"
    if projected.high <= limit:
        return Standing.ON_TRACK, "the whole interval of the projection lies within the limit"
    if projected.low > limit:
        return Standing.AT_RISK, "the whole interval of the projection lies above the limit"
    return Standing.AT_RISK, "the limit lies inside the interval of the projection"
