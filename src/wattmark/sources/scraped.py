"""From scraped series to samples, portion by portion: each device once, the best series of it, and notes.

Of the series of one target and device a counter goes before a power, which then only fills its gaps.
Series of different targets are all brought in: a ledger counts each moment of a device once, and names
who lost. Sources that differ by more than their stated errors are told of.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.imported import BadRow, Imported
from wattmark.core.intervals import Intervals
from wattmark.core.run import Subject
from wattmark.core.tags import TAGS
from wattmark.core.telemetry import Samples, Stream
from wattmark.sources.portions import Notes
from wattmark.sources.scraped_series import (
    Scraped,
    added_up,
    common_energy,
    counts_added_up,
    counts_of,
    in_other_unit,
    intervals_of,
    longest_gap_us,
    one_of_replicas,
    outside_of,
    period_us,
)
from wattmark.sources.scraped_streams import Binder, Bound, LeftOut

PLATFORM_SHARE = 0.9
"""A platform counter (psys) below 90 % of what it contains is not maintained by its board."""
LEAST_COMPARED_US = 5_000_000
MOST_NOTES = 20
Point = tuple[int, float, Subject | None]


@dataclass(slots=True)
class Track:
    """What is remembered of one series, or of one device's merged ones, from portion to portion."""

    period: int | None = None
    tail: list[Point] = field(default_factory=list)


@dataclass(slots=True)
class Channel:
    """Series that tell of one device, share or work in one way, in this portion."""

    bound: Bound
    members: dict[str, list[tuple[Bound, Scraped]]] = field(default_factory=dict)
    subjects: list[Subject] = field(default_factory=list)
    """Of each interval; empty: that of the channel."""
    found: Intervals = field(default_factory=Intervals)
    taken: int = 0
    ignored: int = 0


@dataclass(slots=True)
class Compared:
    """Two series of one device over the time that both observed."""

    names: tuple[str, str]
    errors: tuple[float, float]
    first_uj: float = 0.0
    second_uj: float = 0.0
    together_us: int = 0


class Gatherer:
    """Takes series portion by portion and gives samples; remembers where each series stood."""

    def __init__(self, binder: Binder, *, longest_gap_us: int | None = None) -> None:
        self._binder = binder
        self._longest_us = longest_gap_us
        self._tracks: dict[tuple[object, ...], Track] = {}
        self._notes = Notes()
        self._left: Counter[tuple[str, str]] = Counter()
        self._devices: set[tuple[str, str]] = set()
        self._compared: dict[tuple[object, ...], Compared] = {}
        self._periods: dict[tuple[str, str], int] = {}

    def portion(self, series: Iterable[Scraped], bad: Sequence[BadRow] = ()) -> Imported:
        """The samples of the next stretch of time of all series."""
        channels, ignored = self._channels(series)
        for channel in channels:
            if channel.bound.whole:
                self._whole(channel)
            elif channel.bound.metric.energy:
                self._share(channel)
        samples = [s for c in channels if not c.bound.metric.energy for s in self._work(c)]
        energy = [c for c in channels if c.bound.metric.energy]
        self._mark_dead_platforms(energy)
        self._prefer(energy)
        samples += [s for c in energy for s in self._samples(c)]
        return Imported(
            samples=tuple(samples),
            taken=sum(c.taken for c in channels),
            ignored=ignored + sum(c.ignored for c in channels),
            bad=tuple(bad),
        )

    def notes(self, more: Sequence[str] = ()) -> tuple[str, ...]:
        """What the reader should know of the whole import."""
        said = [*more, *self._sampling(), *self._differing(), *self._notes.said()]
        left = [
            f"{name}: {count} series left out: {reason}"
            for (name, reason), count in sorted(self._left.items())
        ]
        return (*said, *left[:MOST_NOTES], *_rest(left))

    def remark(self, text: str, place: str = "") -> None:
        """One more note."""
        self._notes.add(text, place)

    # --- what belongs together -------------------------------------------------------------------------

    def _channels(self, series: Iterable[Scraped]) -> tuple[list[Channel], int]:
        found: dict[tuple[object, ...], Channel] = {}
        ignored = 0
        for one in series:
            bound = self._binder.bind(one)
            if isinstance(bound, LeftOut):
                ignored += len(one.times_us)
                if self._first_time(str(one)):
                    self._left[one.name, bound.reason] += 1
                continue
            if bound.whole:
                self._devices.add(bound.device)
            channel = found.setdefault(bound.channel, Channel(bound))
            channel.members.setdefault(bound.member, []).append((bound, one))
            if in_other_unit(bound.metric, one.values) and self._first_time(f"unit {one}"):
                self._notes.add(
                    f"taken in its other unit (x {bound.metric.or_factor:g}): as it stands it would be"
                    f" more than the {bound.metric.most_watts:g} W that are possible",
                    str(one),
                )
        return list(found.values()), ignored

    def _first_time(self, key: str) -> bool:
        track = (key, "seen")
        if track in self._tracks:
            return False
        self._tracks[track] = Track()
        return True

    def _member(
        self, channel: Channel, key: tuple[object, ...], pairs: list[tuple[Bound, Scraped]]
    ) -> list[Point]:
        """The new samples of one series, those of its replicas once."""
        pairs.sort(key=lambda p: p[0].replica)
        bound = pairs[0][0]
        track = self._tracks.setdefault(key, Track())
        track.period = period_us(pairs[0][1].times_us) or track.period
        read = sum(len(s.times_us) for _, s in pairs)
        if len(pairs) > 1:
            after = track.tail[-1][0] if track.tail else -1
            times, values = one_of_replicas([s for _, s in pairs], after, self._longest(track))
            if self._first_time(f"replica {bound.member}"):
                self._notes.add("is there from several replicas, and counted once", bound.said)
        else:
            times, values = pairs[0][1].times_us, pairs[0][1].values
        after = track.tail[-1][0] if track.tail else -1
        points: list[Point] = [(t, v, bound.subject) for t, v in zip(times, values, strict=True) if t > after]
        channel.taken += len(points)
        channel.ignored += read - len(points)
        return points

    def _longest(self, track: Track) -> int:
        return self._longest_us or longest_gap_us(track.period)

    # --- whole devices ---------------------------------------------------------------------------------

    def _whole(self, channel: Channel) -> None:
        """The intervals of one device: its series repeat each other, except for parts that add up."""
        parts: dict[tuple[str, ...], dict[str, list[tuple[Bound, Scraped]]]] = {}
        for member, pairs in channel.members.items():
            parts.setdefault(pairs[0][0].part, {})[member] = pairs
        done = [self._part(channel, part, members) for part, members in sorted(parts.items())]
        if len(done) == 1:
            channel.found, channel.subjects = done[0]
            return
        channel.found = added_up([found for found, _ in done], all_needed=True)
        self._gaps(channel, channel.found)

    def _part(
        self, channel: Channel, part: tuple[str, ...], members: dict[str, list[tuple[Bound, Scraped]]]
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
                    self._notes.add(
                        "its series of one moment differ; the largest value is taken", _said(channel)
                    )
                best = max(other[1], point[1]) if not math.isnan(other[1]) else point[1]
                at[point[0]] = (point[0], best, _common(other[2], point[2]))
        return [at[t] for t in sorted(at)]

    # --- shares and work -------------------------------------------------------------------------------

    def _share(self, channel: Channel) -> None:
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

    def _work(self, channel: Channel) -> list[Samples]:
        parts = []
        for name, pairs in sorted(channel.members.items()):
            points, _ = self._following(channel, name, pairs)
            times, values = [t for t, _, _ in points], [v for _, v, _ in points]
            parts.append(counts_of(times, values, channel.bound.metric.factor))
        counts = counts_added_up(parts)
        if not counts.start_us:
            return []
        return [
            Samples(
                stream=self._binder.stream(channel.bound, channel.bound.subject, None),
                start_us=counts.start_us,
                end_us=counts.end_us,
                count=counts.count,
                observed=() if all(counts.observed) else counts.observed,
            )
        ]

    def _following(
        self, channel: Channel, name: str, pairs: list[tuple[Bound, Scraped]]
    ) -> tuple[list[Point], Track]:
        key = (*channel.bound.channel, "member", name)
        new = self._member(channel, key, pairs)
        track = self._tracks[key]
        points = [*track.tail, *new]
        track.tail = _kept(points)
        self._period(channel.bound, track)
        return points, track

    # --- which count -----------------------------------------------------------------------------------

    def _prefer(self, channels: Sequence[Channel]) -> None:
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
            self._compared[key] = Compared((_said(a), _said(b)), (self._error(a), self._error(b)))
        said = self._compared[key]
        said.first_uj += first
        said.second_uj += second
        said.together_us += together

    def _error(self, channel: Channel) -> float:
        stream = self._binder.stream(channel.bound, channel.bound.subject, self._around(channel.bound))
        return math.hypot(*stream.errors.values())

    def _mark_dead_platforms(self, channels: Sequence[Channel]) -> None:
        """A platform counter that shows less than what it contains would replace it by almost nothing."""
        for channel in channels:
            if not channel.bound.device_id.endswith("/psys"):
                continue
            inside = [
                c for c in channels if c.bound.whole and self._around(c.bound) == channel.bound.device_id
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
                self._notes.add(
                    f"the platform counter shows {platform / 1e6:.4g} J where what lies inside it used"
                    f" {parts / 1e6:.4g} J: its board does not maintain it, and it is not counted",
                    _said(channel),
                )

    def _around(self, bound: Bound) -> str | None:
        """The nearest device around this one that is there; none is: the nearest there may be."""
        for device_id in bound.around:
            if (bound.host_id, device_id) in self._devices:
                return device_id
        return bound.around[0] if bound.around else None

    def _samples(self, channel: Channel) -> list[Samples]:
        found, bound = channel.found, channel.bound
        if not found.start_us:
            return []
        part_of = self._around(bound)
        if not channel.subjects:
            return [_column(self._binder.stream(bound, bound.subject, part_of), found)]
        by: dict[str, tuple[Subject, Intervals]] = {}
        for index, subject in enumerate(channel.subjects):
            _, mine = by.setdefault(repr(subject), (subject, Intervals()))
            mine.start_us.append(found.start_us[index])
            mine.end_us.append(found.end_us[index])
            mine.energy_uj.append(found.energy_uj[index])
            mine.observed.append(found.observed[index])
        return [_column(self._binder.stream(bound, subject, part_of), mine) for subject, mine in by.values()]

    # --- what is told ----------------------------------------------------------------------------------

    def _gaps(self, channel: Channel, found: Intervals) -> None:
        for _, reason in found.remarks:
            self._notes.add(f"a gap: {_plain(reason)}", _said(channel))

    def _period(self, bound: Bound, track: Track) -> None:
        if track.period:
            self._periods[bound.name, bound.instance] = track.period

    def _sampling(self) -> list[str]:
        """Mixed sampling rates, where there are any."""
        rates: dict[str, dict[str, None]] = {}
        for (name, _), period in sorted(self._periods.items(), key=lambda item: item[1]):
            rates.setdefault(_seconds(period), {})[name] = None
        if len(rates) < 2:
            return []
        said = [
            f"every {rate} s: {', '.join(list(names)[:4])}{' ...' if len(names) > 4 else ''}"
            for rate, names in rates.items()
        ]
        return [f"mixed sampling rates: {'; '.join(said)}"]

    def _differing(self) -> list[str]:
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
        return [*said[:MOST_NOTES], *_rest(said)]


def _rest(said: Sequence[str]) -> tuple[str, ...]:
    return (f"and {len(said) - MOST_NOTES} more of this kind",) if len(said) > MOST_NOTES else ()


def _said(channel: Channel) -> str:
    """The first series of a channel, as a person finds it again."""
    return channel.bound.said


def _plain(reason: str) -> str:
    """A reason without its numbers, so that alike ones are told once."""
    if reason.startswith("no sample for"):
        return "no sample for longer than two periods"
    return re.sub(r"^[\d.e+-]+ W is more", "more power", reason)


def _seconds(us: int) -> str:
    """A period as people say it: to a tenth of a second, whole seconds from 5 on."""
    return f"{round(us / 1e6) if us >= 5_000_000 else round(us / 1e6, 1):g}"


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


def _column(stream: Stream, found: Intervals) -> Samples:
    return Samples(
        stream=stream,
        start_us=found.start_us,
        end_us=found.end_us,
        energy_uj=found.energy_uj,
        observed=() if all(found.observed) else found.observed,
    )
