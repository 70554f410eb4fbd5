"""Claims for tests, and what counting them must give by the rules said plainly, one microsecond at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from wattmark.core.claims import Claim, Line

GPU, NODE = "gpu-0", "node:h"


def a_line(**changes: Any) -> Line:
    """A whole GPU, by a counter of grade B, of attempt `a`."""
    record = changes.get("record_id", "a")
    grade, coverage = changes.pop("grade", "B"), changes.pop("coverage", 1.0)
    place, source = changes.pop("priority", 0), changes.pop("source", "nvml")
    fields: dict[str, Any] = {
        "record_id": record,
        "device_id": GPU,
        "component": "gpu",
        "party": record,
        "rank": (grade, -coverage, place, source, record),
        "subject_id": f"subject of {record}",
        "place_id": "here",
        "known_id": f"{grade} by {source}",
    }
    return Line(**{**fields, **changes})


def a_claim(start_us: int = 0, end_us: int = 10, energy_uj: int = 90, **line: Any) -> Claim:
    """90 uJ in 10 us, observed all the time."""
    return Claim(a_line(**line), start_us, end_us, energy_uj, end_us - start_us)


def a_gap(start_us: int = 0, end_us: int = 10, **line: Any) -> Claim:
    """A stretch in which the device was not read."""
    return Claim(a_line(**line), start_us, end_us, 0, 0)


def by_hand(claims: Sequence[Claim], start_us: int, end_us: int) -> Counter[tuple[Any, ...]]:
    """Microjoules by device, record, subject, allocation and hidden_from: the rules, moment by moment."""
    found: Counter[tuple[Any, ...]] = Counter()
    moments = {
        t: _winners([c for c in claims if c.start_us <= t < c.end_us]) for t in range(start_us, end_us)
    }
    outer: dict[str, set[str]] = {}
    for claim in claims:
        if claim.start_us < end_us and claim.end_us > start_us:
            outer.setdefault(claim.line.device_id, set()).update(filter(None, [claim.line.part_of]))
    for t, winners in moments.items():
        for device_id, (whole, owner, shares) in winners.items():
            if whole is None:
                for share in shares:
                    hidden = _hidden(share.line, winners, outer)
                    key = device_id, share.line.record_id, share.line.subject_id, "share", hidden
                    found[key] += share.energy(t, t + 1)
                continue
            hidden = _hidden(whole.line, winners, outer)
            energy = whole.energy(t, t + 1)
            if not shares:
                whose = owner if owner.party else _alone(whole.line, winners, outer) or owner
                found[device_id, whole.line.record_id, whose.subject_id, "whole", hidden] += energy
                continue
            wanted = [s.energy(t, t + 1) for s in shares]
            if whole.observed_us and sum(wanted) > energy:
                sums = [sum(wanted[:n]) * energy // sum(wanted) for n in range(len(wanted) + 1)]
                wanted = [after - before for before, after in pairwise(sums)]
            for share, amount in zip(shares, wanted, strict=True):
                key = device_id, share.line.record_id, share.line.subject_id, "share", hidden
                found[key] += amount
            rest = max(0, energy - sum(wanted))
            found[device_id, whole.line.record_id, "", "unallocated", hidden] += rest
    return +found


def _winners(active: Sequence[Claim]) -> dict[str, tuple[Any, Any, list[Claim]]]:
    return {
        d: _winner([c for c in active if c.line.device_id == d]) for d in {c.line.device_id for c in active}
    }


def _winner(active: Sequence[Claim]) -> tuple[Claim | None, Line | None, list[Claim]]:
    """The whole that counts, whose it is, and the shares that count beside it."""

    def better(c: Claim) -> tuple[Any, ...]:
        line = c.line
        said = -c.energy_uj, line.subject_id, line.known_id
        return c.observed_us == 0, line.rank, c.start_us, c.end_us, *said

    wholes = sorted([c for c in active if not c.line.share], key=better)
    shares = sorted([c for c in active if c.line.share], key=better)
    whole = wholes[0] if wholes else None
    owned = [c for c in wholes if c.line.party]
    owner = (owned[0] if owned else whole).line if whole else None
    whose = {c.line.party for c in active if c.line.party}
    if owned and len(whose) == 1:
        return whole, owner, []
    kept = []
    for party in sorted({c.line.party for c in shares}):
        mine = [c for c in shares if c.line.party == party]
        seats = sorted({c.line.seat for c in mine})
        seats = [""] if "" in seats else seats
        kept += [next(c for c in mine if c.line.seat == seat) for seat in seats]
    if whole is not None and whole.observed_us:
        kept = [c for c in kept if c.observed_us]
    return whole, owner, kept


def _hidden(line: Line, winners: dict[str, Any], outer: dict[str, set[str]]) -> int:
    """The least boundary of what holds this device and counts at this moment; 3 when nothing does."""
    party = line.party if line.share else None
    found = [3]
    for whole, _, shares in winners.values():
        lines = [whole.line] if whole else [s.line for s in shares if s.line.party == party]
        for other in lines:
            if _holds(other, line, outer):
                found.append(other.boundary)
    return min(found)


def _holds(other: Line, line: Line, outer: dict[str, set[str]]) -> bool:
    if other.device_id == line.device_id:
        return False
    named = _inside(line.device_id, other.device_id, outer) and other.place >= line.place
    return named or other.place > line.place or _stands_instead(other, line)


def _alone(wide: Line, winners: dict[str, Any], outer: dict[str, set[str]]) -> Line | None:
    """The run that was on the machine when nobody else was, by its best reading inside a wide one."""
    there = [
        line
        for whole, owner, shares in winners.values()
        for line in (*(s.line for s in shares), *([owner] if owner else []))
        if line.of_run and _holds(wide, line, outer)
    ]
    if len({line.party for line in there}) != 1:
        return None
    return min(there, key=lambda line: (line.rank, line.subject_id, line.place_id))


def _stands_instead(other: Line, line: Line) -> bool:
    """Of two sources: a model of the node, and the better reading of a component that one only stands for."""
    if other.rank[3] == line.rank[3]:
        return False
    if other.component == "node" and other.modelled and other.boundary == 1 and line.component == "cpu":
        return True
    if other.component != line.component or not (line.modelled or line.device_id.endswith("/unnamed")):
        return False

    def how_good(one: Line) -> tuple[Any, ...]:
        unnamed = one.modelled or one.device_id.endswith("/unnamed")
        return one.rank[0], unnamed, one.rank[3], one.device_id

    return how_good(other) < how_good(line)


def _inside(device_id: str, wider: str, outer: dict[str, set[str]]) -> bool:
    """True when `part_of` leads from one device to the other; in a circle the lower id is outside."""

    def leads(a: str, b: str, seen: frozenset[str]) -> bool:
        return any(n == b or (n not in seen and leads(n, b, seen | {n})) for n in outer.get(a, ()))

    if not leads(device_id, wider, frozenset()):
        return False
    return not leads(wider, device_id, frozenset()) or wider < device_id
