"""What a set of observations really covers: devices, whole machines, or the site.

Judged moment by moment: the rest of a node that was measured in one run says nothing about another
run on the same machine, and a stage is a node figure only while the whole node was covered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from wattmark.core.known import Boundary
from wattmark.core.merge import Observation

EDGE_SECONDS = 0.05
"""Meters of one machine are read one after the other: shorter stretches say nothing about the boundary."""


def boundary_of(observations: Sequence[Observation]) -> Boundary:
    """The narrowest boundary of any machine at any moment; device when there is nothing.

    Node needs a reading of the node, or the CPU with an explicit rest of the node (kpis.md, Boundary).
    """
    machines: dict[str, list[Observation]] = {}
    for o in observations:
        machines.setdefault(o.clock, []).append(o)
    found = {level for group in machines.values() for level in _levels(group)}
    return next((b for b in (Boundary.DEVICE, Boundary.NODE) if b in found), _site_or_device(found))


def _site_or_device(found: set[Boundary]) -> Boundary:
    return Boundary.FACILITY if found else Boundary.DEVICE


def _levels(group: Sequence[Observation]) -> set[Boundary]:
    """What was covered at each moment in which anything was."""
    start, end = min(o.start for o in group), max(o.end for o in group)
    shortest = min(EDGE_SECONDS, 0.01 * (end - start))
    changes = sorted(
        [(o.start, 1, kind) for o in group for kind in _kinds(o)]
        + [(o.end, -1, kind) for o in group for kind in _kinds(o)]
    )
    active: Counter[str] = Counter()
    levels: set[Boundary] = set()
    for (at, step, kind), (until, _, _) in pairwise(changes):
        active[kind] += step
        if until - at > shortest and active.total() > 0:
            levels.add(_level(k for k, count in active.items() if count > 0))
    return levels or {_level(kind for o in group for kind in _kinds(o))}


def _kinds(o: Observation) -> tuple[str, ...]:
    """The component, and the boundary of the reading where that is wider than a device."""
    row = o.row
    return (row.component,) if row.boundary is Boundary.DEVICE else (row.component, row.boundary.value)


def _level(kinds: Iterable[str]) -> Boundary:
    present = set(kinds)
    if Boundary.FACILITY.value in present:
        return Boundary.FACILITY
    if Boundary.NODE.value in present or {"cpu", "rest_of_node"} <= present:
        return Boundary.NODE
    return Boundary.DEVICE
