"""Stars against a frozen reference: they keep their meaning when other models come and go.

I = E / E_ref with the reference of the very same comparability key. 5 stars below 2^-1.5, 4 below 2^-0.5,
3 below 2^0.5, 2 below 2^1.5, else 1; on an edge the worse star: each star is a factor of two. The reference
is a plain number, so the whole uncertainty of E counts: the gain of a meter cancels between two results of
one meter, and not against a number that was frozen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from wattmark.core.bench.result import QualityScore, Result, wh_per_1000
from wattmark.core.bench.validity import Status
from wattmark.core.figure import Figure
from wattmark.core.known import Grade
from wattmark.core.stars.rating import Rating, against
from wattmark.core.stars.thresholds import QualityFloor, Thresholds

MODE = "anchored"
EDGES = (2**-1.5, 2**-0.5, 2**0.5, 2**1.5)
"""Between 5 and 4, 4 and 3, 3 and 2, 2 and 1 stars."""
ON_EDGE = 1e-12
"""Relative distance within which an index lies on an edge: what floating-point division leaves."""
HOW_TO_MAKE = "make one of five or more valid results: wattmark stars recalibrate RESULTS --out FILE"


def stars_at(index: float) -> int:
    """Stars of an index; on an edge the worse."""
    return 5 - sum(index >= edge * (1 - ON_EDGE) for edge in EDGES)


def rate_anchored(results: Sequence[Result], thresholds: Thresholds | None) -> list[Rating]:
    """A rating for each result, in their order. Without a reference for its key a result is unrated."""
    return [_rating(result, thresholds) for result in results]


def _rating(result: Result, thresholds: Thresholds | None) -> Rating:
    blank = replace(_blank(result), thresholds="" if thresholds is None else thresholds.label)
    if isinstance(energy := rateable(result), str):
        return replace(blank, reason=f"unrated: {energy}")
    entry = None if thresholds is None else thresholds.entry_for(result.key)
    if entry is None:
        return replace(blank, reason=f"unrated: {_no_reference(result, thresholds)}")
    if entry.quality_floor is not None and (short := _below(result, entry.quality_floor)):
        return replace(blank, reason=f"unrated: {short}")
    index = energy.value / entry.e_ref_joules
    low, high = energy.interval
    worst, best = stars_at(high / entry.e_ref_joules), stars_at(max(0.0, low) / entry.e_ref_joules)
    reason = "" if worst == best else f"the 95 % interval of its energy reaches from {worst} to {best} stars"
    return replace(blank, stars=worst, interval=(worst, best), index=index, reason=reason)


def rateable(result: Result) -> Figure | str:
    """The energy that stars are given for, or why it earns none by whatever reference."""
    if result.origin.published:
        return "published without evidence (grade E)"
    if result.validity.status is not Status.VALID:
        return against(result.validity)
    if result.energy is None:
        return "no energy is known"
    if (grade := result.energy.grade) is None or not grade.at_least(Grade.C):
        return f"grade {grade or 'unknown'}: stars need evidence of grade A to C"
    if result.energy.half_width == 0.0 or not math.isfinite(result.energy.half_width):
        return "its energy states no uncertainty"
    return result.energy


def _blank(result: Result) -> Rating:
    energy = None if result.energy is None else wh_per_1000(result.energy)
    return Rating(
        task=result.task,
        model=result.model.id,
        model_class=result.model.model_class,
        cohort=result.cohort,
        mode=MODE,
        wh_per_1000=None if energy is None else energy.value,
        energy_interval=None if energy is None else energy.interval,
        key=result.key.id,
        evidence="published, evidence not checked"
        if result.origin.published
        else str(result.validity.status),
    )


def _below(result: Result, floor: QualityFloor) -> str:
    """Why the quality does not reach the floor; empty where it does, for all that its interval says."""
    score = result.quality
    asked = f"{'at least' if floor.higher_is_better else 'at most'} {floor.value:g} {floor.name}"
    if score is None or score.name != floor.name or score.higher_is_better is not floor.higher_is_better:
        return f"quality {floor.name} is not known, and the reference asks for {asked}"
    if _reaches(_worst(score), floor):
        return ""
    if _reaches(score.value, floor):
        return f"quality {score.value:g} may be {_worst(score):g}, and the reference asks for {asked}"
    return f"quality {score.value:g} does not reach the floor: {asked}"


def _worst(score: QualityScore) -> float:
    end = score.low if score.higher_is_better else score.high
    return score.value if end is None else end


def _reaches(value: float, floor: QualityFloor) -> bool:
    return value >= floor.value if floor.higher_is_better else value <= floor.value


def _no_reference(result: Result, thresholds: Thresholds | None) -> str:
    nearest = None if thresholds is None else thresholds.nearest(result.key)
    if nearest is None:
        return f"no reference for this key ({result.key.id}); {HOW_TO_MAKE}"
    entry, fields = nearest
    said = "; ".join(f"{name}: {theirs} there, {ours} here" for name, theirs, ours in fields)
    return (
        f"no reference for this key ({result.key.id}); the nearest, {entry.key.id}, differs in {said}; "
        f"{HOW_TO_MAKE}"
    )
