"""Work that was done: added up, told apart by stages, and when it was done in its run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wattmark.core.facts import INFERENCE, UNSTAGED, WorkDone
from wattmark.core.run import Run, Work

ROUNDING = 1e-6
"""Seconds by which the edges of work and of its window may differ through rounding alone."""


def work_together(done: Iterable[WorkDone]) -> dict[str, WorkDone]:
    """Unit -> how much of it all of this is together."""
    found: dict[str, WorkDone] = {}
    for one in done:
        found[one.unit] = found[one.unit].plus(one) if one.unit in found else replace(one, stage="")
    return found


def work_by_stage(done: Iterable[WorkDone]) -> dict[str, dict[str, WorkDone]]:
    """Stage -> unit -> how much of it was done there; what nobody named is ``unstaged``."""
    stages: dict[str, list[WorkDone]] = {}
    for one in done:
        stages.setdefault(one.stage or UNSTAGED, []).append(one)
    return {stage: work_together(some) for stage, some in stages.items()}


def when_done(run: Run, work: Work) -> tuple[float, float]:
    """Start and end of work in the run: as it says, else its window's, else the run's."""
    if work.duration_seconds is not None:
        return work.t0_seconds, work.t0_seconds + work.duration_seconds
    window = next((w for w in run.windows if w.id == work.window), None)
    if window is not None:
        return window.t0_seconds, window.t0_seconds + window.duration_seconds
    return work.t0_seconds, max(work.t0_seconds, run.duration_seconds)


def stage_of_work(run: Run, work: Work) -> str:
    """Stage of work: that of the innermost window that holds all of its time, else the run's own.

    Work of a whole run that served in a part of it is ``unstaged``: nobody said that it was done elsewhere.
    """
    start, end = when_done(run, work)
    staged = [w for w in run.windows if w.stage is not None]
    around = [
        w
        for w in staged
        if w.t0_seconds <= start + ROUNDING and end <= w.t0_seconds + w.duration_seconds + ROUNDING
    ]
    if around:
        return max(around, key=lambda w: (w.t0_seconds, w.id)).stage or UNSTAGED
    if any(w.stage == INFERENCE for w in staged):
        return UNSTAGED
    return run.subject.stage or UNSTAGED
