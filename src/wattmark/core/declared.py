"""What somebody states of a whole machine fills the time for which nothing better is known, and no more.

A bill's hours say what a machine may have used (grade E). Where the same machine was measured meanwhile, in
parts or as a whole, the measurement stands and the statement gives way, moment by moment. A better reading
of the whole machine has won over it before (core.contest); this is about readings of its parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from wattmark.core.claims import Claim, Line
from wattmark.core.contest import Loss, Moment
from wattmark.core.standins import INSIDE_A_NODE_MODEL

GPU = "gpu"


class _Better(NamedTuple):
    """When a part of the machine was read, how well, and by which record."""

    start_us: int
    end_us: int
    grade: str
    component: str
    device_id: str
    record_id: str


def states_a_machine(line: Line) -> bool:
    """Whether a reading is somebody's statement about a whole machine."""
    return line.declared and line.component == "node"


def superseded(
    moments: Mapping[str, Sequence[Moment]], claims: Iterable[Claim]
) -> tuple[Mapping[str, Sequence[Moment]], list[Loss]]:
    """The moments without those that were stated of a machine while a part of it was read better.

    The parts are CPU, memory and the rest of the node; and GPUs, unless the record that states the machine
    states its GPUs apart. ``claims`` are all there are, those that lost among them.
    """
    if not any(
        m.whole is not None and states_a_machine(m.whole.line) for line in moments.values() for m in line
    ):
        return moments, []
    apart = {c.line.record_id for c in claims if c.line.component == GPU}
    parts = sorted(_parts(moments))
    kept: dict[str, Sequence[Moment]] = {}
    losses: list[Loss] = []
    for device_id, line in moments.items():
        stays: list[Moment] = []
        for m in line:
            if m.whole is None or not states_a_machine(m.whole.line):
                stays.append(m)
                continue
            stays.extend(_left(m, m.whole, _inside(m.whole.line, parts, apart), losses))
        kept[device_id] = stays
    return kept, losses


def _parts(moments: Mapping[str, Sequence[Moment]]) -> Iterator[_Better]:
    for device_id, line in moments.items():
        for m in line:
            if m.whole is not None and m.whole.observed_us:
                of = m.whole.line
                yield _Better(m.start_us, m.end_us, of.rank[0], of.component, device_id, of.record_id)


def _inside(line: Line, parts: Sequence[_Better], apart: Collection[str]) -> list[_Better]:
    """Better readings of what a statement holds."""
    components = {*INSIDE_A_NODE_MODEL} | (set() if line.record_id in apart else {GPU})
    return [
        p
        for p in parts
        if p.component in components and p.grade < line.rank[0] and p.record_id != line.record_id
    ]


def _left(m: Moment, stated: Claim, parts: Sequence[_Better], losses: list[Loss]) -> Iterator[Moment]:
    """What is left of a moment beside better readings; each loss names the first that was there."""
    at = m.start_us
    for p in parts:
        left, right = max(p.start_us, at), min(p.end_us, m.end_us)
        if right <= left:
            continue
        if left > at:
            yield m._replace(start_us=at, end_us=left)
        of = stated.line
        lost = stated.energy(left, right)
        reason = f"stated, grade {of.rank[0]}; {p.device_id} was read, grade {p.grade}"
        losses.append(Loss(left, right, of.device_id, of.record_id, lost, p.record_id, reason))
        if m.shares:
            yield Moment(left, right, None, None, m.shares)
        at = right
    if at < m.end_us:
        yield m._replace(start_us=at)
