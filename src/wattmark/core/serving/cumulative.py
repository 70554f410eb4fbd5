"""Windows of serving, added up since the agent began: what Prometheus and OpenTelemetry call counters.

Nothing here ever falls. A restart begins at 0, which both take for what it is: the ledger keeps the history.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.core.units import JOULES_PER_KWH

OTHER = "other"
"""Stands for the tenants, and then the services, that came when there were too many to show each."""
EVERY_OTHER = Service(model=OTHER, model_version=OTHER, tenant=OTHER, target=OTHER)
MOST_TENANTS = 100
MOST_SERVICES = 400
QUIET_US = 24 * 3600 * 1_000_000
"""A service that did nothing and was charged nothing for so long makes way when there are too many."""
LOOK_AGAIN_US = 60 * 1_000_000
"""While there are too many, how often quiet ones are looked for: not at every request."""
NODE_LEVEL = ("node", "rest_of_node")
"""Components that make what they are counted with the energy of a node: the PUE may meet it."""

JOULES_BUCKETS = tuple(step * 10.0**power for power in range(-2, 5) for step in (1.0, 2.5, 5.0))
"""Upper bounds of the histogram of joules per request: 0.01 J to 50 kJ, three to a decade."""


@dataclass(frozen=True, slots=True)
class CarbonRate:
    """What a kilowatt-hour costs in carbon during a window."""

    accounting: str
    basis: str
    grams_per_kwh: float | None
    """None: not known for this window; its energy then is counted as energy without carbon."""
    pue: float | None = None
    """Met by energy at the boundary of a node alone (kpis.md, Boundary)."""
    granularity: str = ""
    """``hour`` or ``year``; empty where none is known."""


@dataclass(frozen=True, slots=True)
class Known:
    """How the joules of a series are known. Different rules and grades are never added unseen."""

    rule: Rule
    boundary: Boundary
    grade: Grade


@dataclass(slots=True)
class Joules:
    """What one service was charged."""

    succeeded: float = 0.0
    failed: float = 0.0
    idle: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    whole: float = 0.0
    """Of requests whose first token is not known: in neither phase."""
    rule_error: float = 0.0


@dataclass(slots=True)
class Done:
    """What one service did. None: not known in any window yet."""

    requests: float | None = None
    failed: float | None = None
    input_tokens: float | None = None
    cached_input_tokens: float | None = None
    output_tokens: float | None = None
    request_seconds: float | None = None
    without_input: float = 0.0
    """Requests, failed ones included, of windows that do not know the input tokens."""
    without_output: float = 0.0


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device and how it is read."""

    device_id: str
    component: str
    source: str
    method: Method
    grade: Grade
    boundary: Boundary


@dataclass(slots=True)
class DeviceTotals:
    """One device since the agent began."""

    energy: float = 0.0
    idle: float = 0.0
    unallocated: float = 0.0
    unobserved: float = 0.0
    """Seconds."""
    busy: dict[str, float] = field(default_factory=dict)
    """Signal -> seconds in which the device worked."""
    watched: dict[str, float] = field(default_factory=dict)
    """Signal -> observed seconds of the windows that tell it: over these, busy is the utilisation."""
    last_watts: float | None = None
    """Mean of the last window; None where nothing of it was observed."""
    last_utilisation: dict[str, float] = field(default_factory=dict)
    """Signal -> share of the observed time of the last window."""


@dataclass(frozen=True, slots=True)
class CarbonKey:
    """A series of carbon: whose, how its joules are known, and by which kind of factor."""

    service: Service
    known: Known
    """Its boundary is what the carbon counts: facility where a PUE is in it."""
    accounting: str
    basis: str
    granularity: str = ""
    """``hour`` or ``year``: different ones are never added unseen."""


@dataclass(slots=True)
class Grams:
    """Operational carbon of what a service was charged, gCO2e."""

    succeeded: float = 0.0
    failed: float = 0.0
    idle: float = 0.0


@dataclass(slots=True)
class Histogram:
    """How many requests used how much, each bucket apart."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(JOULES_BUCKETS) + 1))
    joules: float = 0.0

    def add(self, joules: float) -> None:
        """One request."""
        self.counts[bisect_left(JOULES_BUCKETS, joules)] += 1
        self.joules += joules

    def cumulative(self) -> list[int]:
        """Requests at or below each bound, and at last all of them."""
        found: list[int] = []
        for count in self.counts:
            found.append(count + (found[-1] if found else 0))
        return found


class AgentTotals:
    """Everything since the agent began, of a bounded number of services. Not thread-safe.

    Tenants beyond ``most_tenants`` are shown together as tenant ``other``; services beyond
    ``most_services`` as the service whose every name is ``other``. What is quiet for a day makes way first.
    """

    def __init__(self, most_tenants: int = MOST_TENANTS, most_services: int = MOST_SERVICES) -> None:
        self._most_tenants = most_tenants
        self._most_services = most_services
        self._active: dict[Service, int] = {}
        self._tenants: set[str] = set()
        self._look_again_us = 0
        self.joules: dict[tuple[Service, Known], Joules] = {}
        self.done: dict[Service, Done] = {}
        self.devices: dict[DeviceKey, DeviceTotals] = {}
        self.carbon: dict[CarbonKey, Grams] = {}
        self.uncounted: dict[CarbonKey, Grams] = {}
        """Joules, not grams: energy of windows whose factor was not known."""
        self.histograms: dict[tuple[Service, Known], Histogram] = {}
        self.windows = 0
        self.last_window_end_us: int | None = None
        self.conservation_error = 0.0
        """Largest difference in any window between a device and its parts, as a share of the device."""
        self.hidden_joules = 0.0
        """What is shown under ``other``."""

    def fold(self, window: ServingWindow, rates: Sequence[CarbonRate] = ()) -> None:
        """Add one window, with what electricity cost in carbon meanwhile."""
        uses = {use.device_id: use for use in window.devices}
        self._devices(window)
        level = levels(window, uses)
        for share in window.shares:
            service = self._shown(share.service, window.end_us)
            use = uses[share.device_id]
            known = Known(window.rule, use.boundary, use.grade)
            _charge(self.joules.setdefault((service, known), Joules()), share)
            if service != share.service:
                self.hidden_joules += max(0.0, share.service_joules)
            for rate in rates:
                self._carbon(service, known, level[share.service], rate, share)
        for work in window.works:
            _count(self.done.setdefault(self._shown(work.service, window.end_us), Done()), work)
        self.windows += 1
        self.last_window_end_us = max(window.end_us, self.last_window_end_us or 0)

    def observe(self, service: Service, known: Known, joules: float, at_us: int) -> None:
        """Put the energy of one finished request, which ended then, into the histogram."""
        shown = self._shown(service, at_us)
        self.histograms.setdefault((shown, known), Histogram()).add(max(0.0, joules))

    @property
    def full(self) -> tuple[bool, bool]:
        """Whether there are as many tenants, and as many services, as are shown each."""
        return len(self._tenants) >= self._most_tenants, len(self._active) >= self._most_services

    def _devices(self, window: ServingWindow) -> None:
        charged: dict[str, float] = defaultdict(float)
        for share in window.shares:
            charged[share.device_id] += share.service_joules
        for use in window.devices:
            key = DeviceKey(use.device_id, use.component, use.source, use.method, use.grade, use.boundary)
            _add_device(self.devices.setdefault(key, DeviceTotals()), use, window.seconds)
            if use.energy_joules > 0:
                off = abs(charged[use.device_id] + use.unallocated_joules - use.energy_joules)
                self.conservation_error = max(self.conservation_error, off / use.energy_joules)

    def _carbon(
        self, service: Service, known: Known, level: Boundary, rate: CarbonRate, share: Share
    ) -> None:
        meets = rate.pue is not None and level is Boundary.NODE
        counted = Known(known.rule, Boundary.FACILITY if meets else level, known.grade)
        key = CarbonKey(service, counted, rate.accounting, rate.basis, rate.granularity)
        if rate.grams_per_kwh is None:
            held, each = self.uncounted.setdefault(key, Grams()), 1.0
        else:
            held = self.carbon.setdefault(key, Grams())
            each = rate.grams_per_kwh * (rate.pue or 1.0 if meets else 1.0) / JOULES_PER_KWH
        held.succeeded += max(0.0, share.succeeded_joules) * each
        held.failed += max(0.0, share.failed_joules) * each
        held.idle += max(0.0, share.idle_joules) * each

    def _shown(self, service: Service, now_us: int) -> Service:
        """The service under whose name it is shown."""
        if service not in self._active:
            service = self._admitted(service, now_us)
        if service is not EVERY_OTHER:
            self._active[service] = max(now_us, self._active.get(service, 0))
        return service

    def _admitted(self, service: Service, now_us: int) -> Service:
        if any(self.full) and now_us >= self._look_again_us:
            self._look_again_us = now_us + LOOK_AGAIN_US
            self._forget_quiet(now_us)
        many_tenants, _ = self.full
        if many_tenants and service.tenant not in self._tenants:
            service = replace(service, tenant=OTHER)
        if service not in self._active and self.full[1]:
            return EVERY_OTHER
        if service.tenant != OTHER:
            self._tenants.add(service.tenant)
        return service

    def _forget_quiet(self, now_us: int) -> None:
        """Whatever was quiet for a day: its series end, and begin at 0 should it come back."""
        quiet = {service for service, at in self._active.items() if now_us - at > QUIET_US}
        if not quiet:
            return
        self._active = {s: at for s, at in self._active.items() if s not in quiet}
        self._tenants = {s.tenant for s in self._active} - {OTHER}
        self.joules = {key: kept for key, kept in self.joules.items() if key[0] not in quiet}
        self.done = {key: kept for key, kept in self.done.items() if key not in quiet}
        self.histograms = {key: kept for key, kept in self.histograms.items() if key[0] not in quiet}
        self.carbon = {key: kept for key, kept in self.carbon.items() if key.service not in quiet}
        self.uncounted = {key: kept for key, kept in self.uncounted.items() if key.service not in quiet}


def levels(window: ServingWindow, uses: dict[str, DeviceUse]) -> dict[Service, Boundary]:
    """What the devices that each service is charged for amount to: a node where its rest is among them."""
    found: dict[Service, Boundary] = {}
    for share in window.shares:
        use = uses[share.device_id]
        whole = use.boundary is Boundary.NODE and use.component in NODE_LEVEL
        if whole or share.service not in found:
            found[share.service] = Boundary.NODE if whole else Boundary.DEVICE
    return found


def _charge(held: Joules, share: Share) -> None:
    """Add a share. Parts that rounding left a trifle below 0 count as 0: a counter never falls."""
    held.succeeded += max(0.0, share.succeeded_joules)
    held.failed += max(0.0, share.failed_joules)
    held.idle += max(0.0, share.idle_joules)
    held.prefill += max(0.0, share.prefill_joules)
    held.decode += max(0.0, share.decode_joules)
    held.whole += max(0.0, share.requests_joules - share.prefill_joules - share.decode_joules)
    # Half widths of one rule add up linearly: the rule errs in the same direction in every window.
    held.rule_error += max(0.0, share.rule_error_joules)


def _count(held: Done, work: Work) -> None:
    held.requests = _more(held.requests, None if "requests" in work.untold else work.requests)
    held.failed = _more(held.failed, None if "failed" in work.untold else work.failed)
    held.input_tokens = _more(held.input_tokens, work.input_tokens)
    held.cached_input_tokens = _more(held.cached_input_tokens, work.cached_input_tokens)
    held.output_tokens = _more(held.output_tokens, work.output_tokens)
    held.request_seconds = _more(held.request_seconds, work.request_seconds)
    if work.input_tokens is None:
        held.without_input += work.requests + work.failed
    if work.output_tokens is None:
        held.without_output += work.requests + work.failed


def _more(held: float | None, came: float | None) -> float | None:
    return held if came is None else (held or 0.0) + came


def _add_device(held: DeviceTotals, use: DeviceUse, seconds: float) -> None:
    observed = use.observed_seconds
    held.energy += max(0.0, use.energy_joules)
    held.idle += max(0.0, use.idle_joules)
    held.unallocated += max(0.0, use.unallocated_joules)
    held.unobserved += max(0.0, seconds - observed)
    held.last_watts = use.energy_joules / observed if observed > 0 else None
    held.last_utilisation = {}
    if use.busy_seconds is not None and use.busy_signal and observed > 0:
        busy = min(use.busy_seconds, observed)
        held.busy[use.busy_signal] = held.busy.get(use.busy_signal, 0.0) + busy
        held.watched[use.busy_signal] = held.watched.get(use.busy_signal, 0.0) + observed
        held.last_utilisation[use.busy_signal] = busy / observed
