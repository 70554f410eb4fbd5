"""Entries go in, windows of serving come out: the same whether an entry is of this moment or of the journal.

The book knows no file and no clock. Whoever keeps it writes each entry to the journal before it goes in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmark.agent.entries import FORMAT, Entry, FileMark, Head, LastReading, Looked, Ticked, Told
from wattmark.agent.gauges import Gauge
from wattmark.agent.placing import Expected, placements_for
from wattmark.agent.standing_in import PRACTICE_US, StandIns
from wattmark.agent.timeline import Timeline
from wattmark.core.calibration import Calibration
from wattmark.core.known import Method, model_errors
from wattmark.core.readings import CounterReading, Device, Gap, PowerReading
from wattmark.core.serving import attributing
from wattmark.core.serving.attributing import Attributor, Batch
from wattmark.core.serving.calibrated_node import CalibratedNode, errors_of, is_calibrated, parts_of
from wattmark.core.serving.disjoint import Part, Piece, Remainder, clipped
from wattmark.core.serving.dividing import Piece as Used
from wattmark.core.serving.engine import EngineReading
from wattmark.core.serving.line import Started
from wattmark.core.serving.request import Placement, Request, Rule
from wattmark.core.serving.rest_errors import with_rests
from wattmark.core.serving.weights import Weighing
from wattmark.core.serving.window import ServingWindow
from wattmark.core.units import Energy, Power

MOST_REMEMBERED = 20_000
"""Requests that are remembered, so that one that is told again is not counted again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSettings:
    """How windows are made."""

    host_id: str
    boot: str | None
    run: str = ""
    """Tells this process from an agent before it."""
    period_seconds: float = 1.0
    look_seconds: float = 5.0
    workload: str = "inference"
    weighing: Weighing = field(default_factory=Weighing)
    waiting: attributing.Settings = field(default_factory=attributing.Settings)
    engines: tuple[Expected, ...] = ()
    calibration: Calibration | None = None
    """Of this machine, where it fits the devices that are read."""


class Book:
    """All that is known of a node's serving from one moment on. Not thread-safe."""

    def __init__(
        self, devices: Sequence[Device], settings: BookSettings, timeline: Timeline, done_us: int
    ) -> None:
        self._settings = settings
        self.timeline = timeline
        self.devices = tuple(devices)
        self.gauges = {d.id: Gauge(d, settings.period_seconds, timeline) for d in devices}
        self.parts = parts_of(settings.calibration, devices)
        self._node = None if settings.calibration is None else CalibratedNode(settings.calibration)
        self._plain_parts = [p for p in self.parts if not is_calibrated(settings.calibration, p)]
        self._rests = {part.of: (part, Remainder(part.less)) for part in self.parts if part.less}
        self._plain = {part.of: part.device.id for part in self.parts if not part.less}
        self._order = [d.id for d in devices]
        self.flying: dict[str, Started] = {}
        self.marks: dict[str, FileMark] = {}
        self._known: dict[tuple[str, int, int], None] = {}
        self.repeated = 0
        """Requests that were told again, word for word."""
        self._notes: dict[str, None] = {}
        self._stand_ins = StandIns(
            settings.engines,
            waiting=settings.waiting,
            look_seconds=settings.look_seconds,
            rule=settings.weighing.rule,
            note=self.note,
        )
        self.now_us = done_us
        self.fresh = False
        """Nothing was before: time begins with the first reading."""
        self._early: list[Request] = []
        """Requests that were told before it."""
        self._attributor = self._new_attributor(done_us)

    def _new_attributor(self, start_us: int) -> Attributor:
        return Attributor(
            self._settings.host_id,
            [_described(part, self._settings, self.devices) for part in self.parts],
            self._placements(),
            start_us=start_us,
            weighing=self._settings.weighing,
            settings=self._settings.waiting,
        )

    def _placements(self) -> tuple[Placement, ...]:
        return placements_for(self._settings.engines, self._stand_ins.models, self.parts)

    @property
    def divided_us(self) -> int:
        """All before is in windows that came out."""
        return self._attributor.divided_us

    @property
    def in_flight(self) -> int:
        """Requests of which only the start is known."""
        return len(self.flying)

    def due_us(self, end_us: int) -> int:
        """When a request that ends then is divided wholly, at the earliest."""
        waiting = self._settings.waiting
        length = waiting.window_us
        return max(-(-end_us // length), self.divided_us // length + 1) * length + waiting.lateness_us

    def told_end_us(self, request_id: str) -> int | None:
        """When a request ended that was told lately; None when none of this id was."""
        return next((end_us for told, _, end_us in reversed(self._known) if told == request_id), None)

    def head(self) -> Head:
        """What a journal's next file begins with."""
        return Head(
            format=FORMAT,
            boot=self._settings.boot,
            run=self._settings.run,
            offset_us=self.timeline.offset_us,
            devices=self._order,
            last=[
                LastReading(g.device.id, g.last.total.joules, g.last.at)
                for g in self.gauges.values()
                if g.last
            ],
            debts={of: rest.debt for of, (_, rest) in self._rests.items()},
            flying=list(self.flying.values()),
            files=list(self.marks.values()),
            looks=self._stand_ins.looks,
            heard=self._stand_ins.heard_since(self.now_us - PRACTICE_US),
            stood_us=self._stand_ins.stood_us,
            rule=self._stand_ins.rule.value,
        )

    def resume(self, head: Head) -> None:
        """Go on from where a file of the journal begins."""
        for started in head.flying:
            self._begun(started)
        for mark in head.files:
            self.marks[mark.path] = mark
        for look in head.looks:
            self._looked(look)
        self._stand_ins.resume(head.heard, head.stood_us, Rule(head.rule) if head.rule else None)
        if head.boot is None or head.boot != self._settings.boot:
            return
        for last in head.last:
            if (gauge := self.gauges.get(last.device_id)) is not None:
                gauge.resume(CounterReading(Energy(last.joules), last.at))
        for of, debt in head.debts.items():
            if of in self._rests:
                self._rests[of][1].debt = debt

    def taken_over(self) -> None:
        """Another process reads the meters from here on: counters that do not outlive one begin anew."""
        for gauge in self.gauges.values():
            gauge.taken_over()

    def take(self, entry: Entry, devices: Sequence[str] | None = None) -> Batch | None:
        """Take in an entry; gives windows that had to be closed for it, where time jumped.

        ``devices`` names those that the readings of an older entry are of.
        """
        match entry:
            case Ticked():
                return self._ticked(entry, self._order if devices is None else devices)
            case Told():
                self.told(entry)
            case Looked(reading):
                self._looked(reading)
        return None

    def _ticked(self, entry: Ticked, devices: Sequence[str]) -> Batch | None:
        batch = None
        if self.timeline.observe(entry.at, entry.utc_us):
            batch = self._jumped(entry)
        self.now_us = max(self.now_us, self.timeline.at(entry.at))
        if self.fresh:
            self._first_reading(entry)
        for position, device_id in enumerate(devices):
            gauge = self.gauges.get(device_id)
            if gauge is None:
                continue
            value, at = entry.values[position], entry.ats[position]
            if value is None:
                gauge.take(Gap(entry.reasons.get(position, "not read")))
            elif gauge.device.reads == "power":
                self._used(device_id, gauge.take(PowerReading(Power(value), at)))
            else:
                self._used(device_id, gauge.take(CounterReading(Energy(value), at)))
        if self._node is not None:
            for piece in self._node.ready():
                self._used(self._node.id, piece)
        for part, rest in self._rests.values():
            for piece in rest.ready():
                self._give(part.device.id, piece)
        self._settle()
        return batch

    def _first_reading(self, entry: Ticked) -> None:
        """Time begins; what was told before waits for it."""
        self.fresh = False
        read = [at for at, value in zip(entry.ats, entry.values, strict=True) if value is not None]
        first_us = self.timeline.at(min(read, default=entry.at))
        self._attributor = self._new_attributor(max(self.divided_us, first_us))
        for started in self.flying.values():
            self._attributor.started(started.request_id, started.service, started.start_us)
        for request in self._early:
            self._attributor.ended(request)
        self._early.clear()

    def _used(self, device_id: str, piece: Piece | None) -> None:
        if piece is None:
            return
        if self._node is not None:
            self._node.take(device_id, piece)
        if (plain := self._plain.get(device_id)) is not None:
            self._give(plain, piece)
        if device_id in self._rests:
            self._rests[device_id][1].outer(piece)
        for _, rest in self._rests.values():
            if rest.of(device_id):
                rest.inner(device_id, piece)

    def _give(self, part_id: str, piece: Piece) -> None:
        """To the attributor, but for what is in a window already."""
        cut = clipped(piece, self._attributor.divided_us, piece.end_us)
        if cut is None:
            return
        if cut.joules is None:
            self.note(f"{part_id}: {cut.reason}")
            self._attributor.reading(part_id, Used(cut.start_us, cut.end_us, 0.0, observed=False))
        else:
            self._attributor.reading(part_id, Used(cut.start_us, cut.end_us, cut.joules))

    def told(self, entry: Told, *, counted: bool = False) -> None:
        """Requests that were told; ``counted``: what ended in windows that came out is in them already."""
        for started in entry.begun:
            self._begun(started)
        for request in entry.over:
            if self._is_repeated(request):
                continue
            self.flying.pop(request.request_id, None)
            self._stand_ins.heard(request.service, max(self.now_us, request.end_us))
            if self.fresh:
                self._early.append(request)
            elif not counted or request.end_us > self._attributor.divided_us:
                self._attributor.ended(request)
        if entry.mark is not None:
            self.marks[entry.mark.path] = entry.mark

    def _is_repeated(self, request: Request) -> bool:
        """Who got no answer tells a request again: the same id and times are the same request."""
        if not request.request_id:
            return False
        key = request.request_id, request.start_us, request.end_us
        if key in self._known:
            self.repeated += 1
            return True
        self._known[key] = None
        if len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        return False

    def _begun(self, started: Started) -> None:
        self._stand_ins.heard(started.service, max(self.now_us, started.start_us))
        if len(self.flying) < self._settings.waiting.most_in_flight:
            self.flying[started.request_id] = started
        self._attributor.started(started.request_id, started.service, started.start_us)

    def _looked(self, reading: EngineReading) -> None:
        if self._stand_ins.looked(reading):
            self._attributor.place(self._placements())

    def _settle(self) -> None:
        """Let counters stand for requests, once it is clear that nobody tells these."""
        for request in self._stand_ins.settled(self.now_us, self.divided_us):
            self._attributor.ended(request)

    def powers(self) -> dict[str, float]:
        """Device of a window -> watts between its last two readings, where these are known."""
        found = {self._plain[of]: gauge.watts for of, gauge in self.gauges.items() if of in self._plain}
        return {device_id: watts for device_id, watts in found.items() if watts is not None}

    def gaps(self) -> dict[str, str]:
        """Device -> why its last reading failed."""
        return {device_id: gauge.gap for device_id, gauge in self.gauges.items() if gauge.gap}

    def note(self, text: str) -> None:
        """Something that readers of the next window must know."""
        if len(self._notes) < 20:
            self._notes[text] = None

    def due(self) -> Batch:
        """The windows that are due, with the requests that are divided in them."""
        self._forget_lost()
        self._settle()
        unsettled_us = self._stand_ins.unsettled_us(self.now_us)
        return self._finished(self._attributor.advance(self.now_us, unsettled_us))

    def finish(self) -> Batch:
        """All that is known until now, as windows."""
        for request in self._stand_ins.rest(self.divided_us):
            self._attributor.ended(request)
        read = max((gauge.until_us or 0 for gauge in self.gauges.values()), default=0)
        return self._finished(
            self._attributor.finish(read if read + 1_000_000 > self.now_us else self.now_us)
        )

    def _jumped(self, entry: Ticked) -> Batch:
        """The wall clock was set ahead: close what is open, and begin at the new time."""
        batch = self.finish()
        self.note("the wall clock was set ahead: a stretch of time is in no window")
        for gauge in self.gauges.values():
            gauge.begin_anew()
        if self._settings.calibration is not None:
            self._node = CalibratedNode(self._settings.calibration)
        self._rests = {
            of: (part, Remainder(part.less, rest.debt)) for of, (part, rest) in self._rests.items()
        }
        self._attributor = self._new_attributor(self.timeline.at(entry.at))
        for started in self.flying.values():
            self._attributor.started(started.request_id, started.service, started.start_us)
        return batch

    def _finished(self, batch: Batch) -> Batch:
        if not batch.windows:
            return batch
        windows: list[ServingWindow] = []
        for window in batch.windows:
            notes = tuple(self._notes)
            self._notes.clear()
            made = with_rests(self._stand_ins.corrected(window), self._plain_parts)
            windows.append(replace(made, notes=(*made.notes, *notes)) if notes else made)
        self._stand_ins.forget(batch.windows[-1].end_us)
        told = tuple(e for e in batch.requests if not self._stand_ins.was_stood_in(e.request))
        return Batch(tuple(windows), told)

    def _forget_lost(self) -> None:
        lost = self.now_us - self._settings.waiting.lost_us
        for request_id in [r for r, started in self.flying.items() if started.start_us < lost]:
            del self.flying[request_id]


def _described(part: Part, settings: BookSettings, devices: Sequence[Device]) -> attributing.Device:
    device = part.device
    name = f"{device.source}:{device.id}"
    errors: Mapping[str, float]
    if settings.calibration is not None and is_calibrated(settings.calibration, part):
        errors = errors_of(settings.calibration, part, devices, settings.workload)
    elif device.method is Method.MODELLED:
        errors = model_errors(name, device.relative_error, settings.workload)
    else:
        errors = {f"{name}:gain": device.relative_error}
    return attributing.Device(
        device_id=device.id,
        component=device.component,
        source=device.source,
        method=device.method,
        grade=device.grade,
        boundary=device.boundary,
        errors=errors,
        sensor_duty=device.sensor_duty,
    )
