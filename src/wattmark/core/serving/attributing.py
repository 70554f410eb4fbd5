"""The attributor of a node: readings and requests go in as they come, minute windows come out.

How to use it (times are microseconds since 1970, UTC)::

    attributor = Attributor(host_id, [Device(...), ...], placements, start_us=now)
    attributor.reading("gpu:0", Piece(t0, t1, joules))   # each reading, in order, one device at a time
    attributor.started("req-1", service, start_us)       # a request is in flight: its moments wait for it
    attributor.ended(request)                            # it is over; also without a start
    batch = attributor.advance(now)                      # as often as you like: windows that are due
    batch = attributor.finish(now)                       # at the end: whatever is left, as it is known

A minute is divided once it is over for ``lateness_us``, every request that is known to be in flight in it
has ended (or was in flight for ``horizon_us``), and each device has told of it (or was silent for
``patience_us``). What comes later than that changes no window: the request counts as work, its energy stays
where it was charged, and the next window says so. No time is asked for here: ``now`` is what the caller says,
so that the same calls give the same windows.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.dividing import Part, Piece, busy_us, checked, divide
from wattmark.core.serving.placing import Places, no_overbooking
from wattmark.core.serving.request import Phase, Placement, Request, Rule, Service
from wattmark.core.serving.summing import RequestEnergy, WindowSums
from wattmark.core.serving.weights import Means, Weighed, Weighing
from wattmark.core.serving.window import DeviceUse, ServingWindow

SECOND = 1_000_000
MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What is known of a device whatever it used: see DeviceUse."""

    device_id: str
    component: str
    source: str
    method: Method
    grade: Grade
    boundary: Boundary = Boundary.DEVICE
    errors: Mapping[str, float] = field(default_factory=dict)
    sensor_duty: float = 1.0
    busy_signal: str = ""
    """What the busy time of its readings is; empty: time in which requests are active stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long to wait for what, in microseconds. Raises UsageError for lengths that cannot work."""

    window_us: int = MINUTE
    """Windows are aligned to multiples of it."""
    lateness_us: int = 10 * SECOND
    """How much later than it ends a request may be told when nobody told of its start."""
    patience_us: int = 30 * SECOND
    """How long a silent device is waited for; then its time is a gap."""
    horizon_us: int = 15 * MINUTE
    """How long a request in flight is waited for; then it is divided by the mean of its service."""
    lost_us: int = 240 * MINUTE
    """After so long in flight without a word a request is taken to have failed."""
    most_in_flight: int = 200_000
    """No more starts are remembered than that."""

    def __post_init__(self) -> None:
        if min(self.window_us, self.horizon_us, self.lost_us, self.most_in_flight) <= 0:
            raise UsageError("a window, a horizon and what may be in flight are above 0")
        if min(self.lateness_us, self.patience_us) < 0:
            raise UsageError("lateness and patience are not below 0")


@dataclass(frozen=True, slots=True)
class Batch:
    """What became due: windows in order, and the requests that are wholly divided with them."""

    windows: tuple[ServingWindow, ...] = ()
    requests: tuple[RequestEnergy, ...] = ()


@dataclass(slots=True)
class _Active:
    """A request from when it is known to when it is divided."""

    service: Service
    start_us: int
    energy: RequestEnergy
    request: Request | None = None
    """None while it is in flight."""
    parts: tuple[tuple[Weighed, tuple[int, ...]], ...] = ()
    """Once it is over: its stretches with their weights by each rule."""


class Attributor:
    """Divides the energy of a node's devices among requests as both become known; see the module.

    ``placements`` say which models run on which devices; without any, all run on all. Raises UsageError for
    readings that overlap, devices that are not known and reservations above the whole.
    """

    def __init__(
        self,
        host_id: str,
        devices: Iterable[Device],
        placements: Sequence[Placement] = (),
        *,
        start_us: int,
        weighing: Weighing | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._host_id = host_id
        self._weighing = weighing or Weighing()
        self._rules = (self._weighing.rule, *self._weighing.others)
        self._settings = settings or Settings()
        self._devices = {device.device_id: device for device in devices}
        self._pieces: dict[str, list[Piece]] = {device_id: [] for device_id in self._devices}
        self._told_until: dict[str, int] = dict.fromkeys(self._devices, start_us)
        self._means = Means()
        self._divided_us = start_us
        self._in_flight: dict[str, _Active] = {}
        self._ended: list[tuple[int, int, _Active]] = []
        self._order = count()
        self._notes: dict[str, int] = {}
        self._late: list[tuple[RequestEnergy, Request]] = []
        self._places = Places((), ())
        self.place(placements)

    @property
    def rule(self) -> Rule:
        """The rule by which it divides."""
        return self._weighing.rule

    @property
    def divided_us(self) -> int:
        """All before is divided and stays as it is."""
        return self._divided_us

    @property
    def in_flight(self) -> int:
        """Requests of which only the start is known."""
        return len(self._in_flight)

    @property
    def waiting(self) -> int:
        """Requests that are over and not yet divided."""
        return len(self._ended)

    def know(self, device: Device) -> None:
        """Take in a device that was not there before, or what is now known of one."""
        self._devices[device.device_id] = device
        self._pieces.setdefault(device.device_id, [])
        self._told_until.setdefault(device.device_id, self._divided_us)
        self.place(self._places.placements)

    def place(self, placements: Sequence[Placement]) -> None:
        """Say anew what runs where, from the next window on."""
        no_overbooking(placements)
        self._places = Places(placements, tuple(self._devices), self._places.seen)

    def reading(self, device_id: str, piece: Piece) -> None:
        """Take in what a device used over a stretch of time, after all that it told of before.

        Time between two readings is a gap. What lies before the last divided moment comes too late and is
        left out, which the next window says.
        """
        if device_id not in self._devices:
            raise UsageError(f"no device {device_id!r} is known; here are: {', '.join(self._devices)}")
        told = self._told_until[device_id]
        checked(piece, told if self._pieces[device_id] else None)
        self._told_until[device_id] = max(told, piece.end_us)
        if piece.start_us < self._divided_us:
            self._note(f"readings of {device_id} came too late and are in no window")
        if piece.end_us > self._divided_us:
            self._pieces[device_id].append(piece)

    def started(self, request_id: str, service: Service, start_us: int) -> None:
        """A request is in flight: no moment of it is divided before it ends, or the horizon has passed."""
        if not request_id or request_id in self._in_flight:
            return
        if len(self._in_flight) >= self._settings.most_in_flight:
            self._note("requests in flight were not waited for: too many")
            return
        energy = RequestEnergy(service=service, start_us=start_us)
        self._in_flight[request_id] = _Active(service, start_us, energy)

    def ended(self, request: Request) -> None:
        """A request is over, whether or not its start was told."""
        self._weighing.learn(request, self._means)
        active = self._in_flight.pop(request.request_id, None) if request.request_id else None
        if active is None:
            energy = RequestEnergy(service=request.service, start_us=request.start_us)
            active = _Active(request.service, request.start_us, energy)
        active.service = active.energy.service = request.service
        active.start_us = request.start_us
        active.request = active.energy.request = request
        undivided_from = max(request.start_us, self._divided_us)
        divided_us = min(request.end_us, undivided_from) - request.start_us
        active.energy.late_us = max(0, divided_us - active.energy.cut_us)
        if active.energy.late_us:
            self._note("requests were told too late: the energy of their time stays where it was charged")
        if self._weighing.estimated(request):
            active.energy.estimated = True
        if request.end_us <= self._divided_us:
            self._late.append((active.energy, request))
        else:
            heapq.heappush(self._ended, (undivided_from, next(self._order), active))

    def advance(self, now_us: int, settled_us: int | None = None) -> Batch:
        """The windows that are due now, and the requests that are wholly divided in them.

        ``settled_us``: what was active from there on is not settled yet, and waited for like a request.
        """
        if now_us - self._settings.lateness_us < self._edge():
            return Batch()
        self._give_up(now_us)
        return self._divide(self._due(now_us, settled_us), whole=True)

    def finish(self, now_us: int) -> Batch:
        """All until now, waiting for nothing; the last window may be shorter than the others."""
        return self._divide(max(now_us, self._divided_us), whole=False)

    def _edge(self) -> int:
        """Where the window that is divided next ends."""
        length = self._settings.window_us
        return (self._divided_us // length + 1) * length

    def _due(self, now_us: int, settled_us: int | None) -> int:
        """Until when everything that matters is known, or was waited for long enough."""
        held = self._settings
        due = now_us - held.lateness_us
        for told in self._told_until.values():
            due = min(due, max(told, now_us - held.patience_us))
        oldest = min((active.start_us for active in self._in_flight.values()), default=settled_us)
        if oldest is not None:
            oldest = oldest if settled_us is None else min(oldest, settled_us)
            due = min(due, max(oldest, now_us - held.horizon_us))
        return due

    def _give_up(self, now_us: int) -> None:
        """Take for failed what was in flight for so long that its end was lost."""
        until = min(now_us - self._settings.lost_us, self._divided_us)
        lost = [(key, active) for key, active in self._in_flight.items() if active.start_us < until]
        for key, active in lost:
            self._note("requests were taken to have failed: their end was never told")
            self.ended(
                Request(
                    request_id=key,
                    service=active.service,
                    start_us=active.start_us,
                    end_us=self._divided_us,
                    failed=True,
                )
            )

    def _divide(self, until_us: int, *, whole: bool) -> Batch:
        windows: list[ServingWindow] = []
        requests: list[RequestEnergy] = []
        while self._divided_us < until_us:
            edge = self._edge()
            if edge > until_us and whole:
                break
            window, done = self._window(min(edge, until_us))
            windows.append(window)
            requests += done
        return Batch(tuple(windows), tuple(requests))

    def _window(self, end_us: int) -> tuple[ServingWindow, list[RequestEnergy]]:
        """Divide everything until then, which makes one window."""
        start_us = self._divided_us
        actives = self._taken(end_us)
        flying = [active for active in self._in_flight.values() if active.start_us < end_us]
        sums = WindowSums(self._places, self._rules, start_us, end_us)
        parts: list[tuple[_Active, Phase, Part]] = []
        for active in actives:
            self._weigh(active)
            for piece, weights in active.parts:
                begin, end = max(start_us, piece.start_us), min(end_us, piece.end_us)
                if begin < end:
                    parts.append((active, piece.phase, Part(begin, end, weights)))
        for active in flying:
            weights = tuple(self._weighing.mean(active.service, self._means, rule) for rule in self._rules)
            begin = max(start_us, active.start_us)
            parts.append((active, Phase.WHOLE, Part(begin, end_us, weights)))
            active.energy.cut_us += end_us - begin
            active.energy.estimated = True
            self._note("requests in flight for long were divided by the mean of their service")
        for active, _, part in parts:
            sums.active(active.energy, part)
        uses = tuple(self._use(device, parts, sums) for device in self._devices)
        done = self._done(actives, end_us, sums)
        notes = tuple(f"{times} x {note}" for note, times in sorted(self._notes.items())) + sums.notes()
        self._notes.clear()
        self._divided_us = end_us
        window = ServingWindow(
            host_id=self._host_id,
            start_us=start_us,
            end_us=end_us,
            rule=self._weighing.rule,
            devices=uses,
            shares=sums.shares(),
            works=sums.works(),
            notes=notes,
        )
        return window, done

    def _taken(self, end_us: int) -> list[_Active]:
        """The requests that are over and that were active before the end of the window."""
        taken = []
        while self._ended and self._ended[0][0] < end_us:
            taken.append(heapq.heappop(self._ended)[2])
        return taken

    def _weigh(self, active: _Active) -> None:
        """Settle what a request weighs, the first time that it is divided."""
        if active.parts or active.request is None:
            return
        by_rule = [self._weighing.weighed(active.request, self._means, rule) for rule in self._rules]
        active.parts = tuple(
            (same[0], tuple(part.weight for part in same)) for same in zip(*by_rule, strict=True)
        )

    def _use(
        self, device_id: str, parts: Sequence[tuple[_Active, Phase, Part]], sums: WindowSums
    ) -> DeviceUse:
        """Divide one device over the window and forget the readings that are used up."""
        device = self._devices[device_id]
        here = [entry for entry in parts if device_id in self._places.devices_of(entry[0].service)]
        pieces = self._pieces[device_id]
        made = divide(pieces, [part for _, _, part in here], sums.start_us, sums.end_us, len(self._rules))
        for i, (active, phase, part) in enumerate(here):
            joules = tuple(by_rule[i] for by_rule in made.joules)
            sums.add(active.energy, device_id, phase, joules)
            active.energy.observe(made.observed_by_part_us[i], part.end_us - part.start_us)
        unallocated = sums.charge_idle(device_id, made.idle_joules)
        busy = busy_us(pieces, sums.start_us, sums.end_us) if device.busy_signal else None
        self._pieces[device_id] = [piece for piece in pieces if piece.end_us > sums.end_us]
        return DeviceUse(
            device_id=device_id,
            component=device.component,
            source=device.source,
            method=device.method,
            grade=device.grade,
            boundary=device.boundary,
            errors=device.errors,
            sensor_duty=device.sensor_duty,
            energy_joules=made.energy_joules,
            observed_seconds=made.observed_us / SECOND,
            idle_joules=made.idle_joules,
            unallocated_joules=unallocated,
            busy_seconds=(made.active_us if busy is None else busy) / SECOND,
            busy_signal="requests_active" if busy is None else device.busy_signal,
        )

    def _done(self, actives: Iterable[_Active], end_us: int, sums: WindowSums) -> list[RequestEnergy]:
        """Count the requests that ended; the others wait for the next window."""
        done, self._late = self._late, []
        for active in actives:
            if active.request is not None and active.request.end_us <= end_us:
                done.append((active.energy, active.request))
            else:
                heapq.heappush(self._ended, (end_us, next(self._order), active))
        for _, request in done:
            sums.count(request)
        return [energy for energy, _ in done]

    def _note(self, text: str) -> None:
        self._notes[text] = self._notes.get(text, 0) + 1
