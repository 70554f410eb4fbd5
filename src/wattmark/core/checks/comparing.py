"""Mistakes of putting runs side by side that were not measured alike."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from wattmark.core.checks.finding import Case, Check, Named, Seen, Severity, boundary_of, whole_rows
from wattmark.core.known import Method
from wattmark.core.run import Run

CONTRAST = 1.5
"""Sampling rates that differ by more than this are told."""


def mixed_sources(case: Case) -> Iterator[Seen]:
    """One component is read by different methods or meters in different runs."""
    by_component: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for n in case.runs:
        ways: dict[str, set[str]] = defaultdict(set)
        for row in whole_rows(n.run):
            calibrated = ", calibrated" if row.calibration_id else ""
            ways[row.component].add(f"{row.source.name} ({row.method}{calibrated})")
        for component, how in ways.items():
            by_component[component][" + ".join(sorted(how))].append(n.name)
    for component, groups in sorted(by_component.items()):
        if len(groups) > 1:
            yield Seen(text=f"{component} is read by {_told(groups)}", runs=_all(groups))


def mixed_components(case: Case) -> Iterator[Seen]:
    """Processor, memory or rest of node is counted in some runs and not in others."""
    groups: dict[str, list[str]] = defaultdict(list)
    for n in case.runs:
        counted = {r.component for r in whole_rows(n.run)} & {"cpu", "dram", "rest_of_node", "node"}
        if n.run.energies:
            groups[" + ".join(sorted(counted)) or "neither processor nor node"].append(n.name)
    if len(groups) > 1:
        yield Seen(text=f"counted: {_told(groups)}", runs=_all(groups))


def mixed_sampling(case: Case) -> Iterator[Seen]:
    """Sampled power was looked at more often in one run than in another."""
    rates = {
        n.name: n.run.overhead.reads / n.run.duration_seconds
        for n in case.runs
        if n.run.overhead and n.run.overhead.reads and n.run.duration_seconds > 0
        if any(r.method is Method.INTEGRATED_POWER for r in n.run.energies)
    }
    if len(rates) > 1 and max(rates.values()) > CONTRAST * min(rates.values()):
        slow, fast = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
        yield Seen(
            text=f"{slow} was read every {1 / rates[slow]:.3g} s, {fast} every {1 / rates[fast]:.3g} s",
            runs=(slow, fast),
        )


def mixed_boundary(case: Case) -> Iterator[Seen]:
    """Device energy stands beside node or facility energy."""
    groups: dict[str, list[str]] = defaultdict(list)
    for n in case.runs:
        boundary = boundary_of(n.run)
        if boundary is not None:
            groups[boundary.value].append(n.name)
    if len(groups) > 1:
        yield Seen(text=f"boundaries: {_told(groups)}", runs=_all(groups))


def missing_rank(case: Case) -> Iterator[Seen]:
    """A distributed run of which some ranks left no evidence."""
    jobs: dict[str, list[Named]] = defaultdict(list)
    for n in case.runs:
        if n.run.rank is not None and n.run.world_size:
            jobs[n.run.parent or n.run.solution_id or n.run.record_id].append(n)
    for members in jobs.values():
        size = max(n.run.world_size or 0 for n in members)
        lacking = sorted(set(range(size)) - {n.run.rank for n in members})
        if lacking:
            told = ", ".join(str(rank) for rank in lacking[:8]) + (" ..." if len(lacking) > 8 else "")
            yield Seen(
                text=f"{size - len(lacking)} of {size} ranks are here; missing: {told}",
                runs=tuple(n.name for n in members),
            )


def counted_twice(case: Case) -> Iterator[Seen]:
    """Two runs hold the whole of one device for the same moments."""
    for a, b in combinations(case.runs, 2):
        if a.run.record_id == b.run.record_id:
            continue
        shared = {r.device_id for r in whole_rows(a.run)} & {r.device_id for r in whole_rows(b.run)}
        seconds = _overlap(a.run, b.run) if shared else 0.0
        if seconds > 0:
            yield Seen(
                text=f"{seconds:.3g} s of {', '.join(sorted(shared))} are in both", runs=(a.name, b.name)
            )


def _overlap(a: Run, b: Run) -> float:
    """Seconds that two runs of one machine have in common."""
    if a.host.id != b.host.id:
        return 0.0
    one_clock = a.host.boot_id == b.host.boot_id
    if one_clock and a.started_monotonic_seconds is not None and b.started_monotonic_seconds is not None:
        start_a, start_b = a.started_monotonic_seconds, b.started_monotonic_seconds
    else:
        start_a, start_b = (datetime.fromisoformat(r.started_at).timestamp() for r in (a, b))
    end = min(start_a + a.duration_seconds, start_b + b.duration_seconds)
    return max(0.0, math.fsum((end, -max(start_a, start_b))))


def _told(groups: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{what} in {', '.join(runs)}" for what, runs in groups.items())


def _all(groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(name for runs in groups.values() for name in runs)


CHECKS = (
    Check(
        code="WM102",
        title="Mixed sources",
        severity=Severity.ERROR,
        fix="measure all runs by the same meters (--meter), or compare only those that share them",
        of=mixed_sources,
    ),
    Check(
        code="WM103",
        title="Mixed sampling",
        severity=Severity.WARNING,
        fix="use one sampling period for all runs (period_seconds under [measure])",
        of=mixed_sampling,
    ),
    Check(
        code="WM111",
        title="Different components counted",
        severity=Severity.WARNING,
        fix="read the same components in every run, or compare per component",
        of=mixed_components,
    ),
    Check(
        code="WM207",
        title="Device energy beside node energy",
        severity=Severity.ERROR,
        fix="bring all runs to one boundary: cover the rest of the node in each, or compare device energies",
        of=mixed_boundary,
    ),
    Check(
        code="WM209",
        title="Ranks are missing",
        severity=Severity.ERROR,
        fix="hand over the run files of all ranks; a rank that died leaves its last checkpoint",
        of=missing_rank,
    ),
    Check(
        code="WM210",
        title="One device in two runs at once",
        severity=Severity.WARNING,
        fix="give them to wattmark together, which counts each moment of a device once; never add by hand",
        of=counted_twice,
    ),
)
