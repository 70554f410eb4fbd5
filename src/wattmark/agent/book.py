"""Entries go in, windows of serving come out: the same whether an entry is of this moment or of the journal.

The book knows no file and no clock. Whoever keeps it writes each entry to the journal before it goes in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmark.agent.entries import FORMAT, Entry, FileMark, Head, LastReading, Looked, Ticked, Told
from wattmark.agent.gauges import Gauge
from wattmark.agent.placing import Expected, placements_for
from wattmark.agent.timeline import Timeline
from wattmark.core.calibration import Calibration
from wattmark.core.known import Method, model_errors
from wattmark.core.readings import CounterReading, Device, Gap, PowerReading
from wattmark.core.serving import attributing
from wattmark.core.serving.attributing import Attributor, Batch
from wattmark.core.serving.by_engine import Telling, corrected, tellings
from wattmark.core.serving.calibrated_node import CalibratedNode, errors_of, is_calibrated, parts_of
from wattmark.core.serving.disjoint import Part, Piece, Remainder, clipped
from wattmark.core.serving.dividing import Piece as Used
from wattmark.core.serving.engine import EngineReading, difference
from wattmark.core.serving.line import Started
from wattmark.core.serving.request import Placement, Request, Rule, Service
from wattmark.core.serving.rest_errors import with_rests
from wattmark.core.serving.weights import Weighing
from wattmark.core.serving.window import ServingWindow
from wattmark.core.units import Energy, Power

TOLD_FOR_US = 15 * 60 * 1_000_000
"""A model whose requests were told so lately is told by request, and not by its engine's counters."""
LOOKS_WAITED = 3
"""A window waits for the next look at an engine for so many of their periods."""
PRACTICE_US = 24 * 3600 * 1_000_000
"""Where requests were told so lately, windows have the rule of requests."""
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
        self.looks: dict[str, EngineReading] = {}
        self._models: dict[str, set[str]] = {}
        self._told_us: dict[tuple[str, str], int] = {}
        self._known: dict[tuple[str, int, int], None] = {}
        self.repeated = 0
        """Requests that were told again, word for word."""
        self._held: list[Telling] = []
        self._untold: set[tuple[str, str]] = set()
        """Targets and models of which a request ended that nobody told."""
        self._stood_us = 0
        by_counter = [e.by_counter for e in settings.engines]
        self._rule = Rule.ENGINE if by_counter and all(by_counter) else settings.weighing.rule
        self._tellings: list[Telling] = []
        self._stood: dict[int, Request] = {}
        self._notes: dict[str, None] = {}
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
        return placements_for(self._settings.engines, self._models, self.parts)

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
            looks=list(self.looks.values()),
            heard=[(*k, at_us) for k, at_us in self._told_us.items() if at_us > self.now_us - PRACTICE_US],
            stood_us=self._stood_us,
            rule=self._rule.value,
        )

    def resume(self, head: Head) -> None:
        """Go on from where a file of the journal begins."""
        for started in head.flying:
            self._begun(started)
        for mark in head.files:
            self.marks[mark.path] = mark
        for look in head.looks:
            self._looked(look)
        self._told_us |= {(what, name): at_us for what, name, at_us in head.heard}
        self._stood_us = head.stood_us
        self._rule = Rule(head.rule) if head.rule else self._rule
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
        self._settle_tellings()
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
            self._heard(request.service, request.end_us)
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
        self._heard(started.service, started.start_us)
        if len(self.flying) < self._settings.waiting.most_in_flight:
            self.flying[started.request_id] = started
        self._attributor.started(started.request_id, started.service, started.start_us)

    def _looked(self, reading: EngineReading) -> None:
        before = self.looks.get(reading.target)
        self.looks[reading.target] = reading
        if reading.target not in {e.target for e in self._settings.engines if e.by_counter}:
            return
        known = self._models.setdefault(reading.target, set())
        if not known.issuperset(reading.models):
            known.update(reading.models)
            self._attributor.place(self._placements())
        if before is None:
            return
        delta = difference(before, reading)
        if isinstance(delta, Gap):
            self.note(f"{reading.target}: {delta.reason}")
            return
        for model, gap in delta.gaps.items():
            self.note(f"{reading.target}: {model}: {gap.reason}")
        stated = {e.target: e.model for e in self._settings.engines}[reading.target]
        names = {model: Service(model=stated or model, target=reading.target) for model in delta.counted}
        self._held += [t for t in tellings(delta, before, reading, names) if t.active]

    def _settle_tellings(self) -> None:
        """Let counters stand for requests, once it is clear that nobody tells these.

        It is clear when a request ended, by the counters, and nobody told of it in time; a long one is told
        at its end only. What comes after is not told either, until somebody does.
        """
        waiting = self._settings.waiting
        patient = waiting.lateness_us * 4 // 5
        self._held = [t for t in self._held if not self._is_told(t.service, t.start_us)]
        ripe = [telling for telling in self._held if telling.end_us + patient <= self.now_us]
        for telling in ripe:
            if telling.over or telling.start_us <= self.now_us - waiting.horizon_us:
                self._untold.add(_key(telling))
        for telling in ripe:
            if _key(telling) in self._untold:
                self._stand_in(telling)
        self._held = [
            t for t in self._held if _key(t) not in self._untold or t.end_us + patient > self.now_us
        ]

    def _unsettled_us(self) -> int | None:
        """From when on it is not clear yet what engines count, and whether somebody tells of it."""
        moments = [telling.start_us for telling in self._held]
        late_us = self.now_us - round(LOOKS_WAITED * self._settings.look_seconds * 1e6)
        for engine in self._settings.engines:
            look = self.looks.get(engine.target)
            if look is None or not engine.by_counter or look.at_us < late_us:
                continue
            services = [Service(model=engine.model or model, target=engine.target) for model in look.models]
            if not all(self._is_told(service, look.at_us) for service in services):
                moments.append(look.at_us)
        return min(moments, default=None)

    def _stand_in(self, telling: Telling) -> None:
        if telling.end_us <= self._attributor.divided_us:
            return  # it is in a window that came out, or came too late for it
        self._stood_us = max(self._stood_us, telling.end_us)
        self._warn_of_names(telling)
        request = telling.as_request()
        self._stood[id(request)] = request
        self._attributor.ended(request)
        self._tellings.append(telling)

    def _warn_of_names(self, telling: Telling) -> None:
        """Say where requests are told under a name that no engine gives: they may be the ones it counts."""
        model, target = telling.service.model, telling.service.target
        engines = {name for names in self._models.values() for name in names} | {
            e.model for e in self._settings.engines
        }
        for (what, name), at_us in self._told_us.items():
            if what == "free" and name not in engines and at_us > telling.start_us - TOLD_FOR_US:
                self.note(
                    f"{target} counts requests to {model}, and requests to {name} are told without a target: "
                    "if they are the same they count twice; tell the target, or state the model of the engine"
                )

    def _is_told(self, service: Service, start_us: int) -> bool:
        model, target = service.model, service.target
        named = [("target", target), ("model", model)]
        if not model:
            named = [("target", target), *(key for key in self._told_us if key[0] == "free")]
        return any(start_us < self._told_us.get(key, -TOLD_FOR_US) + TOLD_FOR_US for key in named)

    def _heard(self, service: Service, at_us: int) -> None:
        """Somebody tells of these requests. Who names no target may mean any engine that names no model."""
        at_us = max(self.now_us, at_us)
        self._untold = {key for key in self._untold if not _means(service, key)}
        if len(self._told_us) > MOST_REMEMBERED:
            recent = sorted(self._told_us, key=self._told_us.__getitem__)[MOST_REMEMBERED // 2 :]
            self._told_us = {key: self._told_us[key] for key in recent}
        self._told_us["model", service.model] = at_us
        if service.target:
            self._told_us["target", service.target] = at_us
        else:
            self._told_us["free", service.model] = at_us

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
        self._settle_tellings()
        return self._finished(self._attributor.advance(self.now_us, self._unsettled_us()))

    def finish(self) -> Batch:
        """All that is known until now, as windows."""
        for telling in self._held:
            if not self._is_told(telling.service, telling.start_us):
                self._stand_in(telling)
        self._held = []
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
            self._rule = self._rule_at(window.start_us)
            made = with_rests(corrected(window, self._tellings, self._rule), self._plain_parts)
            windows.append(replace(made, notes=(*made.notes, *notes)) if notes else made)
        self._tellings = [t for t in self._tellings if t.end_us > batch.windows[-1].end_us]
        told = tuple(e for e in batch.requests if self._stood.pop(id(e.request), None) is None)
        return Batch(tuple(windows), told)

    def _rule_at(self, at_us: int) -> Rule:
        """How the node is known; a window in which nothing happened is of the rule of those before it."""
        if max(self._told_us.values(), default=0) > at_us - PRACTICE_US:
            return self._settings.weighing.rule
        return Rule.ENGINE if self._stood_us > at_us - PRACTICE_US else self._rule

    def _forget_lost(self) -> None:
        lost = self.now_us - self._settings.waiting.lost_us
        for request_id in [r for r, started in self.flying.items() if started.start_us < lost]:
            del self.flying[request_id]


def _key(telling: Telling) -> tuple[str, str]:
    return telling.service.target, telling.service.model


def _means(service: Service, key: tuple[str, str]) -> bool:
    """Whether a request that is told may be one that an engine counts for this target and model."""
    target, model = key
    return service.target == target or service.model == model or (not model and not service.target)


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
