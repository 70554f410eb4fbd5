"""What a model costs per request and per token, from windows of serving.

Two kinds, never mixed (kpis.md, Shared machines): ``attributed`` is the energy of the time in which requests
of the model were active, ``service`` adds the idle energy that the model reserves. Failed requests count in
the energy of both and in the work of neither.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.carbon import energy_for_carbon
from wattmark.core.figure import Figure, Missing, Undefined, exact
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.core.units import JOULES_PER_KWH

Answer = Figure | Missing | Undefined

QUERIES = 1000
NODE_LEVEL = ("node", "rest_of_node")
NO_IDLE = Missing(
    "the idle energy of this part of a model",
    "idle energy is charged to models: ask for the model as a whole",
)
NOT_TOLD = Missing("tokens", "neither the requests nor the engine tell them")
NOT_COUNTED = Missing("requests", "they are known by the engine's counters, and it counts none")
NOT_APART = Missing("the energy of failed requests", "an engine's counters do not tell it apart")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """One figure in both kinds."""

    attributed: Answer
    service: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFigures:
    """What one group of requests did and cost."""

    service: Service
    """What all of the group have in common; empty where they differ or it is not known."""
    requests: float | None
    """None: not known."""
    failed: float | None
    input_tokens: float | None
    cached_input_tokens: float | None
    output_tokens: float | None
    mean_batch: float | None
    """Requests active at a time, on average over the windows."""
    energy: Kinds
    idle: Answer
    failed_energy: Answer
    prefill: Answer
    decode: Answer
    joules_per_request: Kinds
    joules_per_output_token: Kinds
    watts_per_1k_qps: Answer
    """Of the service kind: power includes idleness (kpis.md, Inference Watts per Query)."""
    grams_per_inference: Kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFigures:
    """What one device did over some windows."""

    device_id: str
    component: str
    source: str
    method: Method
    grade: Grade
    boundary: Boundary
    energy: Answer
    power_watts: float | None
    """Mean over what was observed; None when nothing was."""
    idle_share: Answer
    """Of its energy what passed with no request active on it."""
    unallocated_joules: float
    coverage: float
    utilisation: float | None
    """Share of the observed time in which it worked, by ``busy_signal``."""
    busy_signal: str


@dataclass(slots=True)
class _Device:
    """One device over the windows."""

    last: DeviceUse
    seconds: float = 0.0
    observed: float = 0.0
    energy: float = 0.0
    idle: float = 0.0
    unallocated: float = 0.0
    busy: float | None = 0.0
    errors: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Named error source -> half width in joules of what was observed."""

    def relative(self, name: str) -> float:
        """The half width of an error source as a share of the energy."""
        return self.errors[name] / self.energy if self.energy else self.last.errors.get(name, 0.0)

    @property
    def coverage(self) -> float:
        return min(1.0, self.observed / self.seconds)


@dataclass(slots=True)
class _Charged:
    """Joules of one group on one device."""

    succeeded: float = 0.0
    failed: float = 0.0
    idle: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    rule_error: float = 0.0

    def add(self, share: Share) -> None:
        self.succeeded += share.succeeded_joules
        self.failed += share.failed_joules
        self.idle += share.idle_joules
        self.prefill += share.prefill_joules
        self.decode += share.decode_joules
        self.rule_error += share.rule_error_joules


@dataclass(slots=True)
class _Group:
    """One group while it is gathered."""

    charged: dict[str, _Charged] = field(default_factory=lambda: defaultdict(_Charged))
    works: list[Work] = field(default_factory=list)
    services: set[Service] = field(default_factory=set)

    @property
    def joules(self) -> float:
        """All that it is charged."""
        return math.fsum(c.succeeded + c.failed + c.idle for c in self.charged.values())


def figures_by(
    windows: Sequence[ServingWindow],
    fields: Sequence[str],
    *,
    pue: Figure | Missing,
    intensity: Figure | Missing,
    most: int | None = None,
) -> tuple[ServiceFigures, ...]:
    """The figures of each group of services that agree in ``fields`` (of Service), in their order.

    A group that leaves tenants or releases apart has no figure of the service kind: idle energy belongs to
    the model. The windows are of one node and one rule. ``most``: so many groups, those with most energy.
    """
    if not windows:
        return ()
    devices = _devices_of(windows)
    groups: dict[tuple[str, ...], _Group] = defaultdict(_Group)
    for window in windows:
        for share in window.shares:
            group = groups[tuple(getattr(share.service, name) for name in fields)]
            group.charged[share.device_id].add(share)
            group.services.add(share.service)
        for work in window.works:
            group = groups[tuple(getattr(work.service, name) for name in fields)]
            group.works.append(work)
            group.services.add(work.service)
    whole = not {"tenant", "model_version"} & set(fields)
    seconds = math.fsum(window.seconds for window in windows)
    shared = _shared(groups.values())
    maker = _Maker(devices, windows[0].rule, seconds, pue, intensity, whole, shared)
    kept = sorted(groups, key=lambda key: (-groups[key].joules, key))[:most] if most else groups
    return tuple(maker.figures(groups[key]) for key in sorted(kept))


def device_figures(windows: Sequence[ServingWindow]) -> tuple[DeviceFigures, ...]:
    """The figures of each device over the windows, in the order in which they stand there."""
    return tuple(_device_figures(device) for device in _devices_of(windows).values())


def _devices_of(windows: Iterable[ServingWindow]) -> dict[str, _Device]:
    found: dict[str, _Device] = {}
    for window in windows:
        for use in window.devices:
            device = found.setdefault(use.device_id, _Device(use))
            device.last = use
            device.seconds += window.seconds
            device.observed += use.observed_seconds
            device.energy += use.energy_joules
            device.idle += use.idle_joules
            device.unallocated += use.unallocated_joules
            for name, relative in use.errors.items():
                device.errors[name] += relative * use.energy_joules
            known = None not in (device.busy, use.busy_seconds)
            device.busy = (device.busy or 0.0) + (use.busy_seconds or 0.0) if known else None
    return found


def _shared(groups: Iterable[_Group]) -> frozenset[str]:
    """Devices on which requests of more than one group ran."""
    used = Counter(d for g in groups for d, c in g.charged.items() if c.succeeded + c.failed > 0)
    return frozenset(device_id for device_id, times in used.items() if times > 1)


def _device_figures(device: _Device) -> DeviceFigures:
    use, seen = device.last, device.observed
    idle: Answer = Undefined("it used no energy") if seen else Missing(f"readings of {use.device_id}")
    if device.energy > 0:
        idle = Figure(device.idle / device.energy, "1", coverage=device.coverage)
    return DeviceFigures(
        device_id=use.device_id,
        component=use.component,
        source=use.source,
        method=use.method,
        grade=use.grade,
        boundary=use.boundary,
        energy=_energy({use.device_id: device.energy}, {use.device_id: device}),
        power_watts=device.energy / seen if seen else None,
        idle_share=idle,
        unallocated_joules=device.unallocated,
        coverage=device.coverage,
        utilisation=min(1.0, device.busy / seen) if seen and device.busy is not None else None,
        busy_signal=use.busy_signal,
    )


def _energy(joules: Mapping[str, float], devices: Mapping[str, _Device]) -> Figure | Missing:
    """Joules on devices as one figure: what was observed, and an estimate for the gaps at the same power.

    The estimate is of grade D and may be nothing or twice as much (kpis.md, Gaps).
    """
    if not joules:
        return Missing("energy", "no device is known to work for it: state a placement")
    value, coverage = 0.0, 1.0
    errors: dict[str, float] = defaultdict(float)
    grades: dict[Grade, float] = defaultdict(float)
    sources: dict[str, None] = {}
    level = Boundary.DEVICE
    for device_id, observed in joules.items():
        device = devices[device_id]
        use = device.last
        if device.coverage <= 0:
            return Missing(f"readings of {device_id}", "it was not observed in this time")
        guessed = observed / device.coverage - observed
        value += observed + guessed
        grades[use.grade] += observed
        for name in device.errors:
            errors[name] += observed * device.relative(name)
        if guessed > 0:
            grades[Grade.D] += guessed
            errors[f"gap:{device_id}"] += guessed
        coverage = min(coverage, device.coverage)
        sources[use.source] = None
        if use.boundary is Boundary.NODE and use.component in NODE_LEVEL:
            level = Boundary.NODE
    terms = {"boundary": level.value}
    return Figure(value, "J", dict(errors), dict(grades), coverage, terms, tuple(sources))


class _Maker:
    """Makes the figures of groups that share their windows."""

    def __init__(
        self,
        devices: Mapping[str, _Device],
        rule: Rule,
        seconds: float,
        pue: Figure | Missing,
        intensity: Figure | Missing,
        whole: bool,
        shared: frozenset[str],
    ) -> None:
        self._devices = devices
        self._rule = rule
        self._seconds = seconds
        self._pue = pue
        self._intensity = intensity
        self._whole = whole
        self._shared = shared

    def figures(self, group: _Group) -> ServiceFigures:
        """All figures of one group."""
        charged = group.charged
        untold = {name for work in group.works for name in work.untold}
        requests = None if "requests" in untold else math.fsum(w.requests for w in group.works)
        tokens = _known_sum(w.output_tokens for w in group.works)
        active = _known_sum(w.request_seconds for w in group.works)
        used = self._sum({d: c.succeeded + c.failed for d, c in charged.items()})
        # Alone on a device, a group has all of its energy whatever the rule.
        moved = math.fsum(c.rule_error for d, c in charged.items() if d in self._shared)
        energy = Kinds(
            attributed=self._ruled(used, moved), service=self._ruled(self._service(charged), moved)
        )
        per_request = _per(energy, requests, "request", NOT_COUNTED)
        return ServiceFigures(
            service=_common(group.services),
            requests=requests,
            failed=None if "failed" in untold else math.fsum(w.failed for w in group.works),
            input_tokens=_known_sum(w.input_tokens for w in group.works),
            cached_input_tokens=_known_sum(w.cached_input_tokens for w in group.works),
            output_tokens=tokens,
            mean_batch=None if active is None else active / self._seconds,
            energy=energy,
            idle=self._sum({d: c.idle for d, c in charged.items()}) if self._whole else NO_IDLE,
            failed_energy=NOT_APART
            if "failed_joules" in untold
            else self._sum({d: c.failed for d, c in charged.items()}),
            prefill=self._phase({d: c.prefill for d, c in charged.items()}),
            decode=self._phase({d: c.decode for d, c in charged.items()}),
            joules_per_request=per_request,
            joules_per_output_token=_per(energy, tokens, "output token", NOT_TOLD),
            watts_per_1k_qps=_per_1k_qps(per_request.service),
            grams_per_inference=self._carbon(per_request),
        )

    def _sum(self, joules: Mapping[str, float]) -> Figure | Missing:
        made = _energy(joules, self._devices)
        return made if isinstance(made, Missing) else made.with_terms(attribution_rule=self._rule.value)

    def _ruled(self, energy: Figure | Missing, moved: float) -> Figure | Missing:
        """With the error of the rule, which moves energy from one model to another."""
        if isinstance(energy, Missing) or not moved:
            return energy
        return replace(energy, errors={**energy.errors, f"rule:{self._rule.value}": moved})

    def _service(self, charged: Mapping[str, _Charged]) -> Figure | Missing:
        if not self._whole:
            return NO_IDLE
        return self._sum({d: c.succeeded + c.failed + c.idle for d, c in charged.items()})

    def _phase(self, joules: Mapping[str, float]) -> Figure | Missing:
        if not any(joules.values()):
            return Missing("energy by phase", "no request tells when its first token came")
        return self._sum(joules)

    def _carbon(self, energy: Kinds) -> Kinds:
        return Kinds(attributed=self._grams(energy.attributed), service=self._grams(energy.service))

    def _grams(self, energy: Answer) -> Answer:
        if not isinstance(energy, Figure):
            return energy
        met = energy_for_carbon(energy, self._pue)
        if isinstance(met, Missing) or isinstance(self._intensity, Missing):
            return self._intensity if isinstance(met, Figure) else met
        kwh = met.scaled(1 / JOULES_PER_KWH, "kWh/request")
        return kwh.times(self._intensity, "gCO2e/request")


def _per(energy: Kinds, count: float | None, unit: str, unknown: Missing) -> Kinds:
    def one(answer: Answer) -> Answer:
        if not isinstance(answer, Figure):
            return answer
        if count is None:
            return unknown
        if count <= 0:
            return Undefined(f"no {unit} was finished")
        return answer.over(exact(count, unit), f"J/{unit}")

    return Kinds(attributed=one(energy.attributed), service=one(energy.service))


def _per_1k_qps(joules_per_request: Answer) -> Answer:
    if not isinstance(joules_per_request, Figure):
        return joules_per_request
    return joules_per_request.scaled(QUERIES, "W/kQPS")


def _known_sum(amounts: Iterable[float | None]) -> float | None:
    """The sum; None when any is not known, or there is none."""
    known = list(amounts)
    return math.fsum(a for a in known if a is not None) if known and None not in known else None


def _common(services: Iterable[Service]) -> Service:
    """What all of them say; empty where they differ."""
    each = list(services)

    def agreed(name: str) -> str:
        values = {getattr(service, name) for service in each}
        return values.pop() if len(values) == 1 else ""

    names = ("model", "model_version", "tenant", "target")
    return Service(**{name: agreed(name) for name in names})
