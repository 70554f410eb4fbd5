"""Of several series of one device the best; what the others say beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from wattmark.core.intervals import Intervals
from wattmark.sources.portions import Notes
from wattmark.sources.scraped_channels import Channel
from wattmark.sources.scraped_series import common_energy, outside_of
from wattmark.sources.scraped_streams import Binder, Bound

PLATFORM_SHARE = 0.9
"""A platform counter (psys) below 90 % of what it contains is not maintained by its board."""
LEAST_COMPARED_US = 5_000_000


@dataclass(slots=True)
class Compared:
    """Two series of one device over the time that both observed."""

    names: tuple[str, str]
    errors: tuple[float, float]
    first_uj: float = 0.0
    second_uj: float = 0.0
    together_us: int = 0


@dataclass(slots=True)
class Chooser:
    """Knows which devices there are, and compares what is told of them over the whole import."""

    binder: Binder
    notes: Notes
    devices: set[tuple[str, str]] = field(default_factory=set)
    _compared: dict[tuple[object, ...], Compared] = field(default_factory=dict)
    _dead: set[str] = field(default_factory=set)

    def prefer(self, channels: Sequence[Channel]) -> None:
        """Of one target's series of a device the best; compare the others, and those of other targets."""
        groups: dict[tuple[object, ...], list[Channel]] = {}
        for channel in channels:
            b = channel.bound
            key = (*b.device, b.instance, "" if b.whole else b.subject_key)
            groups.setdefault(key, []).append(channel)
        best_of: dict[tuple[str, str], list[Channel]] = {}
        for group in groups.values():
            group.sort(key=lambda c: (c.bound.grade.value, c.bound.metric.rank))
            best, counted = group[0], group[0].found
            if best.bound.whole:
                best_of.setdefault(best.bound.device, []).append(best)
            for other in group[1:]:
                if best.bound.whole:
                    self._compare(best, other)
                _restrict(other, outside_of(other.found, counted))
                counted = _both(counted, other.found)
        for bests in best_of.values():
            bests.sort(key=lambda c: (c.bound.grade.value, c.bound.metric.rank))
            for other in bests[1:]:
                self._compare(bests[0], other)

    def _compare(self, a: Channel, b: Channel) -> None:
        first, second, together = common_energy(a.found, b.found)
        if not together:
            return
        key = (a.bound.channel, b.bound.channel)
        if key not in self._compared:
            self._compared[key] = Compared((a.bound.said, b.bound.said), (self._error(a), self._error(b)))
        said = self._compared[key]
        said.first_uj += first
        said.second_uj += second
        said.together_us += together

    def _error(self, channel: Channel) -> float:
        stream = self.binder.stream(channel.bound, channel.bound.subject, self.around(channel.bound))
        return math.hypot(*stream.errors.values())

    def mark_dead_platforms(self, channels: Sequence[Channel]) -> None:
        """A platform counter that shows less than what it contains would replace it by almost nothing."""
        for channel in channels:
            if not channel.bound.device_id.endswith("/psys"):
                continue
            inside = [
                c for c in channels if c.bound.whole and self.around(c.bound) == channel.bound.device_id
            ]
            best: dict[str, tuple[float, float]] = {}
            for part in sorted(inside, key=lambda c: c.bound.metric.rank, reverse=True):
                platform, energy, together = common_energy(channel.found, part.found)
                if together:
                    best[part.bound.device_id] = (platform, energy)
            platform = max((p for p, _ in best.values()), default=0.0)
            parts = sum(e for _, e in best.values())
            if parts and platform < PLATFORM_SHARE * parts:
                channel.found.observed = [False] * len(channel.found.observed)
                channel.found.energy_uj = [0] * len(channel.found.energy_uj)
                if channel.bound.member in self._dead:
                    continue
                self._dead.add(channel.bound.member)
                self.notes.add(
                    f"the platform counter shows {platform / 1e6:.4g} J where what lies inside it used"
                    f" {parts / 1e6:.4g} J: its board does not maintain it, and it is not counted",
                    channel.bound.said,
                )

    def around(self, bound: Bound) -> str | None:
        """The nearest device around this one that is there; none is: the nearest there may be."""
        for device_id in bound.around:
            if (bound.host_id, device_id) in self.devices:
                return device_id
        return bound.around[0] if bound.around else None

    def differing(self) -> list[str]:
        said = []
        for c in self._compared.values():
            most = max(c.first_uj, c.second_uj)
            if c.together_us < LEAST_COMPARED_US or most <= 0:
                continue
            apart, allowed = abs(c.first_uj - c.second_uj) / most, math.hypot(*c.errors)
            if apart > allowed:
                said.append(
                    f"{c.names[0]} says {c.first_uj / 1e6:.6g} J and {c.names[1]} says"
                    f" {c.second_uj / 1e6:.6g} J of the same {c.together_us / 1e6:.4g} s: {apart:.0%} apart,"
                    f" their stated errors allow {allowed:.0%}"
                )
        return said


def _restrict(channel: Channel, keep: Sequence[bool]) -> None:
    """Only these intervals; a channel of which nothing is left was read for comparison alone."""
    found = channel.found
    if not all(keep):
        found.start_us = [v for v, k in zip(found.start_us, keep, strict=True) if k]
        found.end_us = [v for v, k in zip(found.end_us, keep, strict=True) if k]
        found.energy_uj = [v for v, k in zip(found.energy_uj, keep, strict=True) if k]
        found.observed = [v for v, k in zip(found.observed, keep, strict=True) if k]
        if channel.subjects:
            channel.subjects = [v for v, k in zip(channel.subjects, keep, strict=True) if k]
    if not found.start_us:
        channel.ignored += channel.taken
        channel.taken = 0


def _both(a: Intervals, b: Intervals) -> Intervals:
    """What either observed, in order of time."""
    rows = sorted(
        (start, end, uj)
        for found in (a, b)
        for start, end, uj, seen in zip(
            found.start_us, found.end_us, found.energy_uj, found.observed, strict=True
        )
        if seen
    )
    merged = Intervals()
    for start, end, uj in rows:
        merged.add(start, end, uj)
    return merged
