"""From scraped series to samples, portion by portion: each device once, the best series of it, and notes.

Of the series of one target and device a counter goes before a power, which then only fills its gaps.
Series of different targets are all brought in: a ledger counts each moment of a device once, and names
who lost. Sources that differ by more than their stated errors are told of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from wattmark.core.imported import BadRow, Imported
from wattmark.core.intervals import Intervals
from wattmark.core.run import Subject
from wattmark.core.telemetry import Samples, Stream
from wattmark.sources.portions import Notes
from wattmark.sources.scraped_channels import Channel, Merger
from wattmark.sources.scraped_choice import Chooser
from wattmark.sources.scraped_series import Scraped, in_other_unit
from wattmark.sources.scraped_streams import Binder, LeftOut

MOST_NOTES = 20


class Gatherer:
    """Takes series portion by portion and gives samples; remembers where each series stood."""

    def __init__(self, binder: Binder, *, longest_gap_us: int | None = None) -> None:
        self._binder = binder
        self._notes = Notes()
        self._merger = Merger(self._notes, longest_gap_us)
        self._chooser = Chooser(binder, self._notes)
        self._left: Counter[tuple[str, str]] = Counter()
        self._seen: set[str] = set()

    def portion(self, series: Iterable[Scraped], bad: Sequence[BadRow] = ()) -> Imported:
        """The samples of the next stretch of time of all series."""
        channels, ignored = self._channels(series)
        energy = [c for c in channels if c.bound.metric.energy]
        for channel in energy:
            if channel.bound.whole:
                self._merger.whole(channel)
            else:
                self._merger.share(channel)
        self._chooser.mark_dead_platforms(energy)
        self._chooser.prefer(energy)
        samples = [
            s for c in channels for s in (self._samples(c) if c.bound.metric.energy else self._work(c))
        ]
        return Imported(
            samples=tuple(samples),
            taken=sum(c.taken for c in channels),
            ignored=ignored + sum(c.ignored for c in channels),
            bad=tuple(bad),
        )

    def notes(self, more: Sequence[str] = ()) -> tuple[str, ...]:
        """What the reader should know of the whole import."""
        left = [
            f"{name}: {count} series left out: {reason}"
            for (name, reason), count in sorted(self._left.items())
        ]
        differing = self._chooser.differing()
        return (*more, *self._sampling(), *_few(differing), *self._notes.said(), *_few(left))

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
                self._chooser.devices.add(bound.device)
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
        first = key not in self._seen
        self._seen.add(key)
        return first

    def _samples(self, channel: Channel) -> list[Samples]:
        found, bound = channel.found, channel.bound
        if not found.start_us:
            return []
        part_of = self._chooser.around(bound)
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

    def _work(self, channel: Channel) -> list[Samples]:
        counts = self._merger.work(channel)
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

    def _sampling(self) -> list[str]:
        """Mixed sampling rates, where there are any."""
        rates: dict[str, dict[str, None]] = {}
        for (name, _), period in sorted(self._merger.periods.items(), key=lambda item: item[1]):
            rates.setdefault(_seconds(period), {})[name] = None
        if len(rates) < 2:
            return []
        said = [
            f"every {rate} s: {', '.join(list(names)[:4])}{' ...' if len(names) > 4 else ''}"
            for rate, names in rates.items()
        ]
        return [f"mixed sampling rates: {'; '.join(said)}"]


def _few(said: Sequence[str]) -> tuple[str, ...]:
    more = len(said) - MOST_NOTES
    return (*said[:MOST_NOTES], *((f"and {more} more of this kind",) if more > 0 else ()))


def _seconds(us: int) -> str:
    """A period as people say it: to a tenth of a second, whole seconds from 5 on."""
    return f"{round(us / 1e6) if us >= 5_000_000 else round(us / 1e6, 1):g}"


def _column(stream: Stream, found: Intervals) -> Samples:
    return Samples(
        stream=stream,
        start_us=found.start_us,
        end_us=found.end_us,
        energy_uj=found.energy_uj,
        observed=() if all(found.observed) else found.observed,
    )
