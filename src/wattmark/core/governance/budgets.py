"""How budgets stand: what was used of them, how fast, and what it will come to. Decided on intervals.

Too little evidence is never a good sign. Energy that may belong to a budget and does not state the tags that
would tell is shown beside it, and as long as it could decide, the budget is undecided.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from wattmark.core.figure import GAP_PREFIX, Figure, Missing
from wattmark.core.governance.budget import (
    Budget,
    BudgetStanding,
    BudgetState,
    amount,
    base_limit,
    base_unit,
    key_words,
)
from wattmark.core.governance.decision import EXIT_CODES, Standing
from wattmark.core.governance.level import Level
from wattmark.core.governance.periods import DAY_SECONDS, Period, step_seconds, steps_of
from wattmark.core.governance.scope import Applies
from wattmark.core.governance.uses import Key, Sum, Use, added, sorted_out
from wattmark.core.projection import NONE, Projection, projection
from wattmark.core.units import digits_apart, short_of
from wattmark.core.verdict import OF_READINGS, Ruling

FAIL = "fail"
IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a budget stands, and how it came to that: for drawings."""

    standing: BudgetStanding
    period: Period
    limit: float
    """In J or gCO2e."""
    steps: tuple[tuple[datetime, float], ...] = ()
    """Moment -> how much was used since the period began, up to the end of what began then."""
    method: str = ""
    """Of the projection, in words."""


def course_of(
    budget: Budget,
    period: Period,
    uses: Sequence[Use],
    now: datetime,
    zone: tzinfo,
    *,
    key: Key = (),
    waived: Sequence[Use] = (),
) -> Course:
    """How one budget stands in one period. ``waived`` are those of the uses that waivers let through."""
    mine, maybe = sorted_out(budget, key, uses)
    through, _ = sorted_out(budget, key, waived)
    limit = base_limit(budget)
    known = added(mine)
    used = known.figure or known.lacking or _nothing(budget, key, period)
    loose = added(maybe)
    elapsed = period.elapsed(now)
    begun = min((use.at for use in uses), default=now)
    ahead = _projected(used, mine, begun, period, now, zone)
    standing = BudgetStanding(
        budget=budget,
        key=key,
        state=BudgetState.UNDECIDED,
        used=used,
        waived=added(through).figure,
        period=period.name,
        elapsed=elapsed,
        burn_rate=_burn_rate(used, limit, elapsed),
        projected=None if ahead is None else _as_figure(ahead, base_unit(budget)),
        untagged=loose.figure,
        more=_more(known, loose),
        hidden=_unread(mine) or loose.lacking is not None or loose.top > limit,
        days_left=_days_left(used, limit, period, now),
    )
    state, reason = _judged(standing, known, loose)
    if state in (BudgetState.WITHIN, BudgetState.WARNING) and maybe and budget.on_projection == FAIL:
        whole = added([*mine, *maybe])
        most = _projected(whole.figure or whole.lacking or used, [*mine, *maybe], begun, period, now, zone)
        if most is not None and not beyond_at_end(standing) and most.low + 2 * most.gaps > limit:
            state = BudgetState.UNDECIDED
            reason = (
                f"what does not state {_untold(budget)} decides whether it comes to more than "
                f"{budget.limit:g} {budget.unit} by the end of {standing.period}"
            )
    return Course(
        standing=replace(standing, state=state, reason=reason),
        period=period,
        limit=limit,
        steps=tuple(_steps(mine)),
        method=ahead.words if ahead else "",
    )


def alone(budget: Budget, name: str, tags: Mapping[str, str], uses: Sequence[Use]) -> BudgetStanding | None:
    """How a budget for each run stands for one solution; None where it is for others.

    ``tags`` are those of the solution. What of it does not state the tags that would tell (a stretch without
    a stage) is beside what does.
    """
    if budget.scope.of(tags) is Applies.NO:
        return None
    mine, maybe = sorted_out(budget, (), uses)
    if maybe and not mine:
        mine, maybe, lacking = maybe, [], ", ".join(budget.scope.unstated(maybe[0].tags))
    else:
        lacking = ""
    known, loose = added(mine), added(maybe)
    standing = BudgetStanding(
        budget=budget,
        key=tuple((tag, tags[tag]) for tag in budget.by if tag in tags),
        state=BudgetState.UNDECIDED,
        used=known.figure or known.lacking or Missing(f"energy of {name}"),
        untagged=loose.figure,
        more=_more(known, loose),
        hidden=_unread(mine) or loose.lacking is not None or loose.top > base_limit(budget),
        period=f"run {name}",
    )
    if lacking:
        return replace(standing, reason=f"the run does not state {lacking}: it may well be meant")
    state, reason = _judged(standing, known, loose)
    return replace(standing, state=state, reason=reason)


def ruling_of(standing: BudgetStanding) -> Ruling:
    """What a gate makes of it: spent is broken, and so is a projection wholly beyond, where that fails."""
    if standing.state is BudgetState.SPENT:
        return Ruling.VIOLATION
    if standing.state is BudgetState.UNDECIDED:
        return Ruling.UNDECIDED
    if standing.budget.on_projection == FAIL and beyond_at_end(standing):
        return Ruling.VIOLATION
    return Ruling.PASS


def beyond_at_end(standing: BudgetStanding) -> bool:
    """Whether the whole interval of what it will come to lies beyond the limit."""
    told = standing.projected
    return isinstance(told, Figure) and told.interval[0] > base_limit(standing.budget)


def _more(known: Sum, loose: Sum) -> float | None:
    """What may belong to it beyond the interval of what is known; None: there is no saying."""
    if known.lacking is not None or loose.lacking is not None:
        return None
    found = known.top + loose.top - (known.figure.interval[1] if known.figure is not None else 0.0)
    return max(0.0, found) if math.isfinite(found) else None


def _unread(uses: Iterable[Use]) -> bool:
    """Whether a reading is lacking, rather than something that somebody has to state."""
    return any(isinstance(u.figure, Missing) and u.figure.field.startswith(OF_READINGS) for u in uses)


def _nothing(budget: Budget, key: Key, period: Period) -> Missing:
    told = key_words(key) or f"scope {budget.scope}"
    if not all(value for _, value in key):
        return Missing(
            f"evidence of {told} in {period.name}",
            f"it is kept by {', '.join(budget.by)}, and no run states all of that: tag them",
        )
    return Missing(
        f"evidence of {told} in {period.name}",
        "nothing of it was counted; are tags spelt as runs spell them?",
    )


def _steps(uses: Sequence[Use]) -> Iterator[tuple[datetime, float]]:
    so_far = 0.0
    by_time: dict[datetime, float] = {}
    for use in uses:
        if isinstance(use.figure, Figure):
            by_time[use.at] = by_time.get(use.at, 0.0) + use.figure.value
    for at in sorted(by_time):
        so_far += by_time[at]
        yield at, so_far


def _burn_rate(used: Figure | Missing, limit: float, elapsed: float | None) -> float | None:
    if isinstance(used, Missing) or not elapsed or limit <= 0:
        return None
    return used.value / limit / elapsed


def _days_left(used: Figure | Missing, limit: float, period: Period, now: datetime) -> float | None:
    if isinstance(used, Missing) or period.start is None or period.end is None or now >= period.end:
        return None
    if used.value >= limit:
        return 0.0
    passed = (now - period.start).total_seconds() / DAY_SECONDS
    if passed <= 0 or used.value <= 0:
        return None
    return (limit - used.value) * passed / used.value


def _projected(
    used: Figure | Missing, mine: Sequence[Use], begun: datetime, period: Period, now: datetime, zone: tzinfo
) -> Projection | None:
    """What it will come to, by the steps since anything was counted: before that nobody looked."""
    if isinstance(used, Missing) or period.end is None:
        return None
    left = max(0.0, (period.end - now).total_seconds()) / step_seconds(period)
    spans = [(start, end) for start, end in steps_of(period, now, zone) if end > begun]
    inside: list[list[Use]] = [[] for _ in spans]
    starts = [start for start, _ in spans]
    for use in mine:
        at = bisect_right(starts, use.at) - 1
        if at >= 0 and use.at < spans[at][1]:
            inside[at].append(use)
    blocks = [added(some).figure or Figure(0.0, used.unit) for some in inside]
    return projection(used, blocks, left)


def _as_figure(told: Projection, unit: str) -> Figure | Missing:
    if told.method == NONE:
        return Missing("projection", told.words)
    errors = {f"{GAP_PREFIX}projection": told.gaps} if told.gaps else {}
    return Figure(told.value, unit, errors=errors, ends=(told.low, told.high), notes=(told.words,))


def _judged(standing: BudgetStanding, known: Sum, loose: Sum) -> tuple[BudgetState, str]:
    """What the evidence says: beyond the limit for sure, within it whatever the rest was, or neither."""
    budget, used, limit = standing.budget, standing.used, base_limit(standing.budget)
    if isinstance(used, Missing):
        spends = loose.figure is not None and loose.top > limit
        told = f"; {_loose(loose, budget)}" if spends and known.lacking is None else ""
        return BudgetState.UNDECIDED, f"{used}{told}"
    low, high = used.interval
    size = base_limit(replace(budget, limit=1.0))
    digits = digits_apart(budget.limit, low / size, high / size, least=4)
    value, least, most = (amount(end, budget, digits) for end in (used.value, low, high))
    told = f"{value} [{least} .. {most}]"
    of = f"{budget.limit:g} {budget.unit}"
    if low > limit:
        return BudgetState.SPENT, f"{told}: the whole interval lies beyond {of}"
    if known.lacking is not None:
        return BudgetState.UNDECIDED, f"not all of it is known: {known.lacking}"
    if known.share < budget.coverage:
        share, needed = short_of(known.share, budget.coverage)
        return BudgetState.UNDECIDED, (
            f"only {share} of its energy met a {budget.accounting}-based factor, "
            f"of the {needed} that it needs"
        )
    if used.coverage < budget.coverage:
        seen, needed = short_of(used.coverage, budget.coverage)
        return BudgetState.UNDECIDED, f"coverage {seen} is below the {needed} that it needs"
    if loose.lacking is not None:
        return BudgetState.UNDECIDED, f"what may belong to it is not known: {loose.lacking}"
    if known.top > limit:
        return BudgetState.UNDECIDED, f"{told}: {of} lies inside the interval"
    if known.top + loose.top > limit:
        return BudgetState.UNDECIDED, f"{_loose(loose, budget)}: with it {of} may be spent"
    return _warned(standing, used, known.top + loose.top)


def _loose(loose: Sum, budget: Budget) -> str:
    return f"up to {amount(loose.top, budget)} may belong to it and does not state {_untold(budget)}"


def _untold(budget: Budget) -> str:
    return " or ".join(dict.fromkeys((*budget.scope.patterns, *budget.by)))


def _warned(standing: BudgetStanding, used: Figure, top: float) -> tuple[BudgetState, str]:
    """Within the limit: whether it should warn all the same."""
    budget, told, limit = standing.budget, standing.projected, base_limit(standing.budget)
    ahead = standing.elapsed is not None and standing.elapsed < 1.0 and budget.on_projection != IGNORE
    if ahead and isinstance(told, Figure) and told.value + told.gaps > limit:
        low = told.interval[0]
        if budget.on_projection == FAIL and low <= limit < low + 2 * told.gaps:
            return BudgetState.UNDECIDED, (
                f"what was not read decides whether it comes to more than {budget.limit:g} {budget.unit} "
                f"by the end of {standing.period}"
            )
        sure = "" if low > limit else "; the limit lies inside its interval"
        return BudgetState.WARNING, (
            f"at the rate so far it comes to {amount(told.value, budget)} by the end of {standing.period}"
            f"{sure}"
        )
    if top > budget.warn_at * limit:
        return (
            BudgetState.WARNING,
            f"{used.value / limit:.0%} of it is used: it warns from {budget.warn_at:.0%}",
        )
    return BudgetState.WITHIN, ""


def may_be_let_off(standing: BudgetStanding) -> bool:
    """Whether ``if_missing`` is for it: nothing tells what was used, though nothing was left out."""
    return not isinstance(standing.used, Figure) and not standing.hidden


def exit_code_of(standings: Iterable[BudgetStanding]) -> int:
    """1 where one is broken, else 3 where one cannot be judged; those that only warn count for nothing."""
    found = [s for s in standings if s.budget.level == Level.ERROR]
    if any(ruling_of(standing) is Ruling.VIOLATION for standing in found):
        return EXIT_CODES[Standing.FAILED]
    lacking = [
        s
        for s in found
        if ruling_of(s) is Ruling.UNDECIDED and (s.budget.if_missing == FAIL or not may_be_let_off(s))
    ]
    return EXIT_CODES[Standing.INCOMPLETE] if lacking else 0
