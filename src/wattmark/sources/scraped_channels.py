"""One device, share or count of work from the series that tell of it, portion by portion.

Series of one device repeat each other (replicas, MIG instances, pods that share a GPU) or add up (Kepler's
modes); series of shares and of work add up. The last sample of each is kept for the next portion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.intervals import Intervals
from wattmark.core.run import Subject
from wattmark.core.tags import TAGS
from wattmark.sources.portions import Notes
from wattmark.sources.scraped_series import (
    Counts,
    Scraped,
    added_up,
    counts_added_up,
    counts_of,
    intervals_of,
    longest_gap_us,
    one_of_replicas,
    period_us,
)
from wattmark.sources.scraped_streams import Bound

Point = tuple[int, float, Subject | None]
Pairs = list[tuple[Bound, Scraped]]


@dataclass(slots=True)
class Track:
    """What is remembered of one series, or of one device's merged ones, from portion to portion."""

    period: int | None = None
    tail: list[Point] = field(default_factory=list)


@dataclass(slots=True)
class Channel:
    """Series that tell of one device, share or work in one way, in this portion."""

    bound: Bound
    members: dict[str, Pairs] = field(default_factory=dict)
    subjects: list[Subject] = field(default_factory=list)
    """Of each interval; empty: that of the channel."""
    found: Intervals = field(default_factory=Intervals)
    taken: int = 0
    ignored: int = 0


@dataclass(slots=True)
class Merger:
    """Fills channels with the intervals of a portion; remembers where each series stood."""

    notes: Notes
    longest_us: int | None = None
    """Asked for; None: by each series' own period."""
    periods: dict[tuple[str, str], int] = field(default_factory=dict)
    """Metric and target -> usual distance of samples."""
    _tracks: dict[tuple[object, ...], Track] = field(default_factory=dict)
    _parts: dict[tuple[object, ...], set[tuple[str, ...]]] = field(default_factory=dict)
    _replicated: set[str] = field(default_factory=set)

    def whole(self, channel: Channel) -> None:
        """The intervals of one device: its series repeat each other, except for parts that add up."""
        parts: dict[tuple[str, ...], dict[str, Pairs]] = {}
        for member, pairs in channel.members.items():
            parts.setdefault(pairs[0][0].part, {})[member] = pairs
        done = [self._part(channel, part, members) for part, members in sorted(parts.items())]
        known = self._parts.setdefault(channel.bound.channel, set())
        known.update(parts)
        done += [(Intervals(), []) for _ in known - parts.keys()]  # a part that is gone leaves no whole
        if len(done) == 1:
            channel.found, channel.subjects = done[0]
            return
        channel.found = added_up([found for found, _ in done], all_needed=True)
        self._gaps(channel, channel.found)

    def _part(
        self, channel: Channel, part: tuple[str, ...], members: dict[str, Pairs]
    ) -> tuple[Intervals, list[Subject]]:
        key = (*channel.bound.channel, "part", *part)
        track = self._tracks.setdefault(key, Track())
        runs = [self._member(channel, (*key, name), pairs) for name, pairs in sorted(members.items())]
        points = runs[0] if len(runs) == 1 else self._united(channel, runs)
        points = [*track.tail, *(p for p in points if not track.tail or p[0] > track.tail[-1][0])]
        for name in members:
            self._tracks[(*key, name)].tail = points[-1:]
        track.period = period_us([t for t, _, _ in points]) or track.period
        times = [t for t, _, _ in points]
        found = intervals_of(
            channel.bound.metric, times, [v for _, v, _ in points], self._longest(track), whole=True
        )
        track.tail = _kept(points)
        self._period(channel.bound, track)
        self._gaps(channel, found)
        subjects = {id(s) for _, _, s in points}
        whose = _whose(found, points) if len(subjects) > 1 else []
        return found, whose

    def _united(self, channel: Channel, runs: Sequence[list[Point]]) -> list[Point]:
        """Samples of series that repeat one device's reading, each moment once."""
        at: dict[int, Point] = {}
        for run in runs:
            for point in run:
                other = at.get(point[0])
                if other is None:
                    at[point[0]] = point
                    continue
                channel.taken -= 1
                channel.ignored += 1
                if other[1] != point[1] and not (math.isnan(other[1]) or math.isnan(point[1])):
                    self.notes.add(
                        "its series of one moment differ; the largest value is taken", channel.bound.said
                    )
                best = max(other[1], point[1]) if not math.isnan(other[1]) else point[1]
                at[point[0]] = (point[0], best, _common(other[2], point[2]))
        return [at[t] for t in sorted(at)]

    def share(self, channel: Channel) -> None:
        """The intervals of one workload's share: its series add up."""
        parts = []
        for name, pairs in sorted(channel.members.items()):
            points, track = self._following(channel, name, pairs)
            if len(points) > 1:
                parts.append(
                    intervals_of(
                        channel.bound.metric,
                        [t for t, _, _ in points],
                        [v for _, v, _ in points],
                        self._longest(track),
                        whole=False,
                    )
                )
        channel.found = added_up(parts, all_needed=False) if parts else Intervals()

    def work(self, channel: Channel) -> Counts:
        """The counts of work between its samples."""
        parts = []
        for name, pairs in sorted(channel.members.items()):
            points, _ = self._following(channel, name, pairs)
            times, values = [t for t, _, _ in points], [v for _, v, _ in points]
            parts.append(counts_of(times, values, channel.bound.metric.factor))
        return counts_added_up(parts)

    def _following(self, channel: Channel, name: str, pairs: Pairs) -> tuple[list[Point], Track]:
        key = (*channel.bound.channel, "member", name)
        new = self._member(channel, key, pairs)
        track = self._tracks[key]
        points = [*track.tail, *new]
        track.tail = _kept(points)
        self._period(channel.bound, track)
        return points, track

    def _member(self, channel: Channel, key: tuple[object, ...], pairs: Pairs) -> list[Point]:
        """The new samples of one series, those of its replicas once."""
        pairs.sort(key=lambda p: p[0].replica)
        bound = pairs[0][0]
        track = self._tracks.setdefault(key, Track())
        track.period = period_us(pairs[0][1].times_us) or track.period
        read = sum(len(s.times_us) for _, s in pairs)
        if len(pairs) > 1:
            after = track.tail[-1][0] if track.tail else -1
            times, values = one_of_replicas([s for _, s in pairs], after, self._longest(track))
            if bound.member not in self._replicated:
                self._replicated.add(bound.member)
                self.notes.add("is there from several replicas, and counted once", bound.said)
        else:
            times, values = pairs[0][1].times_us, pairs[0][1].values
        after = track.tail[-1][0] if track.tail else -1
        points: list[Point] = [(t, v, bound.subject) for t, v in zip(times, values, strict=True) if t > after]
        channel.taken += len(points)
        channel.ignored += read - len(points)
        return points

    def _longest(self, track: Track) -> int:
        return self.longest_us or longest_gap_us(track.period)

    def _gaps(self, channel: Channel, found: Intervals) -> None:
        for _, reason in found.remarks:
            self.notes.add(f"a gap: {_plain(reason)}", channel.bound.said)

    def _period(self, bound: Bound, track: Track) -> None:
        if track.period:
            self.periods[bound.name, bound.instance] = track.period


def _kept(points: Sequence[Point]) -> list[Point]:
    """The last sample, and before it the last one with a reading."""
    if not points or math.isfinite(points[-1][1]):
        return list(points[-1:])
    good = next((p for p in reversed(points) if math.isfinite(p[1])), None)
    return [points[-1]] if good is None else [good, points[-1]]


def _whose(found: Intervals, points: Sequence[Point]) -> list[Subject]:
    """The subject of each interval: that of both its ends, else what the two have in common."""
    at: Mapping[int, Subject | None] = {t: s for t, _, s in points}
    return [_common(at[a], at[b]) for a, b in zip(found.start_us, found.end_us, strict=True)]


def _common(a: Subject | None, b: Subject | None) -> Subject:
    """The tags in which two subjects agree."""
    if a is None or b is None:
        return Subject()
    if a is b or a == b:
        return a
    agreed = {tag: getattr(a, tag) for tag in TAGS if getattr(a, tag) == getattr(b, tag)}
    labels = {k: v for k, v in a.labels.items() if b.labels.get(k) == v}
    return Subject(**agreed, labels=labels)


def _plain(reason: str) -> str:
    """A reason without its numbers, so that alike ones are told once."""
    if reason.startswith("no sample for"):
        return "no sample for longer than two periods"
    return re.sub(r"^[\d.e+-]+ W is more", "more power", reason)
