"""Who counts for one device, moment by moment, when several watched it.

Wholes compete: one of them wins each moment. Shares of different parties add up; those of one party
compete, but for the ranks of one job, which are different processes. A moment that one party has for itself
counts whole for it, and its shares are inside that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from wattmark.core.claims import Claim, Line


class Moment(NamedTuple):
    """A stretch of one device in which the same claims hold."""

    start_us: int
    end_us: int
    whole: Claim | None
    """Whose energy counts for the device; None when only shares are known."""
    owner: Line | None
    """Whose the whole is: the best reading that is somebody's, else the whole's own line."""
    shares: tuple[Claim, ...] = ()
    """What counts for each party of a shared device; the rest of the whole is nobody's."""


class Loss(NamedTuple):
    """Energy of a claim that was not counted, and what was counted instead."""

    start_us: int
    end_us: int
    device_id: str
    record_id: str
    energy_uj: int
    counted_from: str
    reason: str


Beaten = tuple[Claim, Claim]
"""A claim that lost, and the one it lost to."""
_TIMES = attrgetter("start_us", "end_us")
_Order = tuple[bool, tuple[object, ...], int, int, int, str, str, str]


def contest(claims: Sequence[Claim], start_us: int, end_us: int) -> tuple[list[Moment], list[Loss]]:
    """Resolve the claims on one device, one at least, all of which touch the time between two moments."""
    moments: list[Moment] = []
    losses: list[Loss] = []
    for group, until in _overlapping(sorted(claims, key=_TIMES)):
        if len(group) == 1:
            moments.append(_alone(group[0], max(group[0].start_us, start_us), min(until, end_us)))
        else:
            _sweep(group, start_us, end_us, moments, losses)
    return moments, losses


def _order(claim: Claim) -> _Order:
    """The best claim first: observed before a gap, then the rank; the rest only makes ties certain."""
    line = claim.line
    return (
        claim.observed_us == 0,
        line.rank,
        claim.start_us,
        claim.end_us,
        -claim.energy_uj,
        line.subject_id,
        line.known_id,
        line.place_id,
    )


def _overlapping(ordered: Sequence[Claim]) -> Iterator[tuple[list[Claim], int]]:
    """Claims in chains of which each overlaps with an earlier one, with the end of each; one at least."""
    group, until = [ordered[0]], ordered[0].end_us
    for claim in ordered[1:]:
        if claim.start_us >= until:
            yield group, until
            group, until = [claim], claim.end_us
        else:
            group.append(claim)
            until = max(until, claim.end_us)
    yield group, until


def _alone(claim: Claim, start_us: int, end_us: int) -> Moment:
    if claim.line.share:
        return Moment(start_us, end_us, None, None, (claim,))
    return Moment(start_us, end_us, claim, claim.line)


def _sweep(
    group: Sequence[Claim], start_us: int, end_us: int, moments: list[Moment], losses: list[Loss]
) -> None:
    edges = {min(max(edge, start_us), end_us) for c in group for edge in (c.start_us, c.end_us)}
    waiting = list(reversed(group))
    active: list[Claim] = []
    for left, right in pairwise(sorted(edges)):
        while waiting and waiting[-1].start_us <= left:
            active.append(waiting.pop())
        active = [c for c in active if c.end_us > left]
        if len(active) == 1:
            moments.append(_alone(active[0], left, right))
            continue
        whole, owner, shares, beaten = decide(active)
        moments.append(Moment(left, right, whole, owner, shares))
        for loser, winner in beaten:
            if loser.observed_us:
                losses.append(_loss(left, right, loser, winner))


def _loss(left: int, right: int, loser: Claim, winner: Claim) -> Loss:
    line = loser.line
    return Loss(
        left,
        right,
        line.device_id,
        line.record_id,
        loser.energy(left, right),
        winner.line.record_id,
        _why(loser, winner),
    )


def decide(active: Sequence[Claim]) -> tuple[Claim | None, Line | None, tuple[Claim, ...], list[Beaten]]:
    """Of the claims of one moment: the whole, whose it is, the shares that count, and who lost to whom."""
    wholes = sorted([c for c in active if not c.line.share], key=_order)
    beaten = [(loser, wholes[0]) for loser in wholes[1:]]
    whole = wholes[0] if wholes else None
    owned = next((c for c in wholes if c.line.party), whole)
    if len(wholes) == len(active) and owned is not None:
        return whole, owned.line, (), beaten
    parties = {c.line.party for c in active} - {""}
    if owned is not None and owned.line.party and len(parties) == 1:
        return whole, owned.line, (), beaten
    shares, outdone = _shares([c for c in active if c.line.share])
    if whole is not None and whole.observed_us:  # what an unread share used is inside the whole: nobody's
        shares = tuple(c for c in shares if c.observed_us)
    return whole, owned.line if owned else None, shares, beaten + outdone


def _shares(shares: Sequence[Claim]) -> tuple[tuple[Claim, ...], list[Beaten]]:
    """The best share of each party and, where the job as a whole has none, of each of its ranks."""
    seats: dict[str, dict[str, Claim]] = {}
    beaten: list[Beaten] = []
    for claim in sorted(shares, key=_order):
        best = seats.setdefault(claim.line.party, {}).setdefault(claim.line.seat, claim)
        if best is not claim:
            beaten.append((claim, best))
    kept: list[Claim] = []
    for _, taken in sorted(seats.items()):
        root = taken.get("")
        if root is None:
            kept.extend(claim for _, claim in sorted(taken.items()))
            continue
        kept.append(root)
        beaten.extend((claim, root) for seat, claim in sorted(taken.items()) if seat)
    return tuple(kept), beaten


def _why(loser: Claim, winner: Claim) -> str:
    if winner.line.share and loser.line.seat != winner.line.seat:
        return "is inside the share of its whole job"
    (grade, coverage, place, source, _), (better, more, before, first, _) = loser.line.rank, winner.line.rank
    if grade != better:
        return f"grade {grade}, the other {better}"
    if coverage != more:
        return f"coverage {-coverage:.3g}, the other {-more:.3g}"
    if place != before or source != first:
        return f"source {source}, after {first}"
    return "as good as the other, which has the lower id"
