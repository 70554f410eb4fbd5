"""Ranks of distributed runs: which of them belong together, and which left no evidence."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.core.run import Run


def attempt_of(run: Run) -> str:
    """Ranks of one job (the parent they name) are one attempt; every other run is one of its own."""
    return run.parent if run.rank is not None and run.parent is not None else run.record_id


def rank_coverage(runs: Sequence[Run]) -> float:
    """Share of the ranks of distributed runs that left evidence, of the job that left least."""
    return min((present / size for present, size in _jobs(runs).values()), default=1.0)


def missing_per_present(runs: Sequence[Run]) -> dict[str, float]:
    """How many ranks are missing for each one that left evidence, by job, where any are."""
    return {job: (size - present) / present for job, (present, size) in _jobs(runs).items() if size > present}


def _jobs(runs: Sequence[Run]) -> dict[str, tuple[int, int]]:
    """Ranks that left evidence, and how many there were, per job."""
    jobs: dict[str, tuple[set[int], int]] = {}
    for run in runs:
        if run.rank is not None and run.world_size:
            ranks, size = jobs.setdefault(attempt_of(run), (set(), run.world_size))
            ranks.add(run.rank)
            jobs[attempt_of(run)] = ranks, max(size, run.world_size)
    return {job: (len(ranks), max(size, len(ranks))) for job, (ranks, size) in jobs.items()}
