"""What becomes of the rows of a declared layout: a run each, or samples of many streams."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattmark.core.imported import Imported
from wattmark.core.intervals import Intervals
from wattmark.core.telemetry import Samples as Part
from wattmark.core.telemetry import Stream
from wattmark.sources.catalog import Asked
from wattmark.sources.generic_layout import Layout, Value
from wattmark.sources.generic_rows import (
    Row,
    device_of,
    joules_of,
    moment_of,
    plain_number,
    run_of,
    stream_of,
    stretch_of,
    text_of,
)
from wattmark.sources.identity import host_of
from wattmark.sources.portions import ROWS, Notes, Portion
from wattmark.sources.series import Series, reading_of

LOOKS = 100_000
"""Readings of all streams in one portion."""
US = 1_000_000
GENEROUS_WATTS = 1e9
"""The bound of a meter of which nobody says how much it can show: a large data centre."""
NO_MACHINE = (
    "no machine is named, so each run counts as one of its own: runs that shared a machine at the same time "
    "are counted twice, unless --host or the key host names it"
)


class Repeated(Exception):
    """A row that was there before."""


class Runs:
    """A run per row."""

    def __init__(self, layout: Layout, asked: Asked, notes: Notes) -> None:
        self._layout = layout
        self._asked = asked
        self._notes = notes
        self._seen: dict[tuple[str, int], int] = {}
        self.portion = Portion()

    def begin(self) -> None:
        """Another file: nothing changes."""

    @property
    def full(self) -> bool:
        """Time to give a portion away."""
        return self.portion.rows >= ROWS

    def take(self, row: Row) -> None:
        """One row. Raises ValueError for what cannot be, Repeated for what was there."""
        run = run_of(row, self._layout, self._asked)
        key, content = (run.record_id, run.seq), hash(run.started_at + repr(run.energies) + repr(run.work))
        if key in self._seen:
            if self._seen[key] == content:
                raise Repeated
            raise ValueError(
                "a row before it has the same device and time, or the same id, and states something else: "
                "name a column of what is a row's own with the key id"
            )
        self._seen[key] = content
        if self._layout.host is None and self._asked.host is None:
            self._notes.add(NO_MACHINE)
        self.portion.runs.append(run)

    def brought(self, *, last: bool = False) -> Imported:
        """The portion, and an empty one from now on."""
        portion, self.portion = self.portion, Portion()
        return portion.brought(self._notes if last else None)


class _Looks:
    """Looks at one meter."""

    def __init__(self, stream: Stream, layout: Layout) -> None:
        most = GENEROUS_WATTS if layout.max_watts is None else layout.max_watts
        self._series = Series(stream=stream, counter=layout.quantity == "counter", most_watts=most)

    @property
    def last_us(self) -> int | None:
        """When it was last looked at."""
        return self._series.last_us

    def add(self, _start: int, at: int, value: float | None) -> None:
        """One look."""
        self._series.add(at, value)

    def taken(self) -> Part | None:
        """The intervals between the looks so far."""
        return self._series.taken()


@dataclass(slots=True)
class _Stretches:
    """Energies of stretches of time of one stream since the last portion."""

    stream: Stream
    last_us: int | None = None
    """Where the latest stretch ends."""
    found: Intervals = field(default_factory=Intervals)

    def add(self, start: int, end: int, joules: float | None) -> None:
        """One stretch; None: a gap."""
        self.last_us = end
        self.found.add(start, end, None if joules is None else round(joules * 1e6), "it could not be read")

    def taken(self) -> Part | None:
        """What there is, and nothing from now on."""
        found, self.found = self.found, Intervals()
        if not found.start_us:
            return None
        return Part(
            stream=self.stream,
            start_us=found.start_us,
            end_us=found.end_us,
            energy_uj=found.energy_uj,
            observed=found.observed,
        )


class Samples:
    """Looks at meters, or energies of stretches of time, of any number of streams."""

    def __init__(self, layout: Layout, asked: Asked, notes: Notes) -> None:
        self._layout = layout
        self._asked = asked
        self._notes = notes
        self._streams: dict[tuple[str, ...], _Looks | _Stretches] = {}
        self._floors: dict[tuple[str, ...], int] = {}
        self._looks = 0
        self.portion = Portion()

    def begin(self) -> None:
        """Another file: what lies before the end of the one before it was there."""
        self._floors = {key: s.last_us for key, s in self._streams.items() if s.last_us is not None}

    @property
    def full(self) -> bool:
        """Time to give a portion away."""
        return self._looks >= LOOKS

    def take(self, row: Row) -> None:
        """One row, all of it or nothing. Raises ValueError when it cannot be, Repeated when it was there."""
        layout = self._layout
        if layout.time:
            start = end = moment_of(row[layout.time], layout)
        else:
            start, end = stretch_of(row, layout)
        keys = [self._key(row, value) for value in layout.values]
        values = [self._reading(row[value.column], end - start) for value in layout.values]
        if all(end <= self._floors.get(key, -1) for key in keys):
            raise Repeated
        streams = [self._streams[key] for key in keys]
        if any(s.last_us is not None and (end <= s.last_us or start < s.last_us) for s in streams):
            raise ValueError("its time does not come after that of the row before it")
        for stream, value in zip(streams, values, strict=True):
            stream.add(start, end, value)
        self._looks += len(streams)

    def _key(self, row: Row, value: Value) -> tuple[str, ...]:
        """Which stream a value belongs to; makes it when it is new."""
        host = text_of(self._layout.host, row) or self._asked.host
        if not host:
            raise ValueError("names no machine")
        device = device_of(row, value, self._layout, host_of(host))
        key = device.id, *(c.of(row) for c in (*self._layout.tags.values(), *self._layout.labels.values()))
        if key not in self._streams:
            stream = stream_of(row, device, self._layout, self._asked)
            self._streams[key] = _Looks(stream, self._layout) if self._layout.time else _Stretches(stream)
        return key

    def _reading(self, text: str, lasted_us: int) -> float | None:
        """Watts, microjoules of a counter, or joules of a stretch; None for what could not be read."""
        layout = self._layout
        said = reading_of(plain_number(text, layout))
        if said is None:
            return None
        if not layout.time:
            return joules_of(text, layout, lasted_us / US)
        return said * layout.factor * (1e6 if layout.quantity == "counter" else 1.0)

    def brought(self, *, last: bool = False) -> Imported:
        """The portion, and an empty one from now on."""
        portion, self.portion = self.portion, Portion()
        portion.samples = [part for s in self._streams.values() if (part := s.taken()) is not None]
        self._looks = 0
        return portion.brought(self._notes if last else None)
