"""Rules about how it was measured: steady power, repeats that agree, rests, idle power.

Where looks failed, every number here is taken at its worst, so that a failed look never helps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from wattmark.core.bench.derived import Derived, IdleSpell, Seen
from wattmark.core.bench.evidence import PhaseName
from wattmark.core.bench.profile import promised
from wattmark.core.bench.reasons import because
from wattmark.core.bench.steady import cv_at_worst
from wattmark.core.bench.validity import Reason

MOST_CV = 0.05
"""Of power within a repeat, and of energy per query between repeats."""
MOST_CV_PROVISIONAL = 0.10
MOST_SLOPE = 0.02
LEAST_REPEATS = 3
MOST_FIRST_DIFFERENCE = 0.05
"""MLPerf Power: the testing run may not lie more than 5 % below the ranging run."""
COOL_DOWN_SECONDS = 5.0
IDLE_SECONDS = 30.0
MOST_IDLE_DIFFERENCE = 0.10
IDLE_COVERAGE = 0.99
ROUNDING = 1e-9


def steady(d: Derived) -> Iterator[Reason]:
    """Power over the middle 80 %; steady-state inference only."""
    if d.task is not None and not d.task.inference:
        return
    for repeat, found in zip(d.counted, d.steady, strict=True):
        name = f"repeat {repeat.number + 1}"
        if found is None or not math.isfinite(found.cv):
            yield because("steady_state_unknown", f"{name}: how even power was cannot be told")
        elif found.cv > MOST_CV:
            yield because("power_not_steady", f"{name}: power varied by {found.cv:.1%} of {MOST_CV:.0%}")
        if found is not None and math.isfinite(found.slope) and abs(found.slope) > MOST_SLOPE:
            text = f"{name}: power changed by {found.slope:+.1%}; within {MOST_SLOPE:.0%} is asked for"
            yield because("power_drifts", text)


def repeated(d: Derived) -> Iterator[Reason]:
    """Enough repeats that came to their end, and alike."""
    profile = d.evidence.profile
    least = max(LEAST_REPEATS, profile.min_repeats, promised(profile).min_repeats)
    if len(d.counted) < least:
        yield because("too_few_repeats", f"{len(d.counted)} repeats of {least} came to their end")
    if len(d.seen) < 2 or any(s.value <= 0.0 for s in d.seen):
        return
    cv = cv_at_worst([s.low for s in d.seen], [s.high for s in d.seen])
    text = f"energy per query varies by {cv:.1%} between repeats; {MOST_CV:.0%} is asked for"
    if cv > MOST_CV_PROVISIONAL:
        yield because("repeats_vary_much", text)
    elif cv > MOST_CV:
        yield because("repeats_vary", text)
    first = _apart(d.seen[0], d.seen[1])
    if first > MOST_FIRST_DIFFERENCE:
        text = f"the first two repeats differ by {first:.1%}; {MOST_FIRST_DIFFERENCE:.0%} is asked for"
        yield because("first_repeat_differs", text)


def _apart(a: Seen | IdleSpell, b: Seen | IdleSpell) -> float:
    """How far two numbers may differ, as a share of the smaller; infinite where that may be nothing."""
    least = min(a.low, b.low)
    return max(a.high - b.low, b.high - a.low) / least if least > 0.0 else math.inf


def rested(d: Derived) -> Iterator[Reason]:
    """Time to cool down between repeats."""
    spans = [(r.phases[0].start_us, r.phases[-1].end_us) for r in d.repeats]
    rests = [(b[0] - a[1]) / 1e6 for a, b in pairwise(spans)]
    short = [rest for rest in rests if rest < COOL_DOWN_SECONDS * (1 - ROUNDING)]
    if short:
        text = f"{min(short):.3g} s between two repeats; {COOL_DOWN_SECONDS:g} s are asked for"
        yield because("cool_down_short", text)


def idle(d: Derived) -> Iterator[Reason]:
    """Idle power before and after, and alike."""
    spells = {PhaseName.IDLE_BEFORE: d.idle_before, PhaseName.IDLE_AFTER: d.idle_after}
    lacking = [text for name, spell in spells.items() for text in _lacking(name, spell)]
    if lacking:
        yield because("idle_not_measured", "; ".join(lacking))
    before, after = d.idle_before, d.idle_after
    if before is None or after is None or before.watts is None or after.watts is None:
        return
    apart = 0.0 if (before.low, before.high) == (after.low, after.high) else _apart(before, after)
    if before.high == 0.0 and after.high == 0.0:
        return
    if apart > MOST_IDLE_DIFFERENCE:
        text = f"{before.watts:.4g} W before and {after.watts:.4g} W after"
        yield because("idle_differs", f"idle power was {text}; {MOST_IDLE_DIFFERENCE:.0%} is asked for")


def _lacking(name: PhaseName, spell: IdleSpell | None) -> Sequence[str]:
    if spell is None:
        return [f"no {name.value} phase"]
    if spell.seconds < IDLE_SECONDS * (1 - ROUNDING):
        return [f"{name.value} took {spell.seconds:.3g} s of {IDLE_SECONDS:g} s"]
    if spell.watts is None or spell.coverage < IDLE_COVERAGE:
        return [f"{name.value} was observed for {spell.coverage:.1%} of {IDLE_COVERAGE:.0%}"]
    return []


RULES = (steady, repeated, rested, idle)
