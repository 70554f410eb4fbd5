"""Which OpenTelemetry metrics and attributes mean what in a ledger: one table, and what follows from it.

Names and units: OpenTelemetry semantic conventions, hardware (``hw.*``, status Development in 1.44.0) and
GenAI (``gen_ai.*``, Development, in a repository of its own since 1.42). Attributes that are not in these
tables are not kept; they only tell series apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import Hardware, Place, SourceId, Subject
from wattmark.core.tags import TAGS
from wattmark.core.telemetry import JOULES, Stream
from wattmark.hashing import sha256
from wattmark.sources.catalog import Asked
from wattmark.sources.identity import host_of
from wattmark.sources.otlp_points import Attributes, Kind, Metric, Temporality, Value
from wattmark.sources.stated import errors_of, place_of, subject_of

SOURCE = "otlp"
OURS = "wattmark"
"""Name of the instrumentation scope of wattmark's own exporter, whose counters begin at zero."""

TAG_OF: Mapping[str, tuple[str, ...]] = {
    # unified tag -> attributes that state it, the first one there is taken; wattmark.TAG goes before them all
    "project": ("service.name",),
    "model": ("gen_ai.request.model", "gen_ai.response.model"),
    "model_version": ("gen_ai.response.model",),
    "task": ("gen_ai.operation.name",),
    "environment": ("deployment.environment.name", "deployment.environment"),
    "region": ("cloud.region",),
}
LABELS = (
    "service.namespace",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.job.name",
    "k8s.cronjob.name",
    "cloud.provider",
    "cloud.account.id",
    "cloud.availability_zone",
    "gen_ai.provider.name",
    "gen_ai.system",
    "gen_ai.token.modality",
)
"""Attributes that become free labels under their own names; a ledger's ``[tags]`` can turn them into tags."""
HOST = ("k8s.node.name", "host.name", "host.id")
"""The machine: in a pod ``host.name`` is the pod's."""
HOST_ID = "wattmark.host.id"
"""A machine's id as wattmark itself writes it, taken as it is."""

COMPONENT_OF: Mapping[str, str] = {
    # hw.type -> component; what is not here holds or feeds other components
    "cpu": "cpu",
    "gpu": "gpu",
    "memory": "dram",
    "network": "network",
    "disk_controller": "storage",
    "physical_disk": "storage",
    "tape_drive": "storage",
    "fan": "rest_of_node",
    # wattmark's own words, where the conventions have none
    "dram": "dram",
    "storage": "storage",
    "module": "module",
    "rest_of_node": "rest_of_node",
}
MOST_WATTS: Mapping[str, float] = {
    # far above any device of today, so that a reading in milliwatts is not taken for watts
    "cpu": 2_000.0,
    "gpu": 5_000.0,
    "module": 10_000.0,
    "dram": 2_000.0,
    "network": 2_000.0,
    "storage": 2_000.0,
    "rest_of_node": 5_000.0,
    "node": 20_000.0,
}
ENERGY_UNITS: Mapping[str, float] = {
    # unit (UCUM, and common spellings) -> microjoules
    "J": 1e6, "": 1e6, "kJ": 1e9, "MJ": 1e12, "mJ": 1e3, "uJ": 1.0, "µJ": 1.0,
    "W.h": 3.6e9, "Wh": 3.6e9, "kW.h": 3.6e12, "kWh": 3.6e12,
}  # fmt: skip
POWER_UNITS: Mapping[str, float] = {"W": 1.0, "": 1.0, "kW": 1e3, "mW": 1e-3, "uW": 1e-6, "µW": 1e-6}
TOKEN_UNITS: Mapping[str, float] = dict.fromkeys(("{token}", "{tokens}", "token", "tokens", "1", ""), 1.0)

TOKENS: Mapping[str, str] = {
    # counters of tokens -> unit of work; cached and reasoning tokens are parts of the first two: never added
    "gen_ai.client.inference.usage.input_tokens": "input_tokens",
    "gen_ai.client.inference.usage.output_tokens": "output_tokens",
    "gen_ai.client.inference.usage.cache_read.input_tokens": "cache_read_input_tokens",
    "gen_ai.client.inference.usage.cache_write.input_tokens": "cache_write_input_tokens",
    "gen_ai.client.inference.usage.reasoning.output_tokens": "reasoning_output_tokens",
}
TOKEN_HISTOGRAM = "gen_ai.client.token.usage"
TOKEN_TYPES: Mapping[str, str] = {
    # gen_ai.token.type -> unit of work; "completion" and "prompt" are older words
    "input": "input_tokens", "prompt": "input_tokens",
    "output": "output_tokens", "completion": "output_tokens",
}  # fmt: skip
REQUESTS = "gen_ai.server.request.duration"
ENERGY = ("hw.energy", "hw.host.energy")
POWER = ("hw.power", "hw.host.power")
WANTED = frozenset((*ENERGY, *POWER, *TOKENS, TOKEN_HISTOGRAM, REQUESTS))
"""Every metric that is taken."""
STATEMENTS = "ecologits_"
"""Estimates of EcoLogits as gauges: statements, which ``wattmark import ecologits`` reads."""

_PACKAGE = re.compile(r"package-\d+(-die-\d+)?")
_PREFIXED = re.compile(r"(cpu|gpu|dram|network|storage|rest_of_node|node|module):\S+|(GPU|MIG)-\S+")


class Role(StrEnum):
    """What the values of a series are."""

    POWER = "power"
    ENERGY = "energy"
    WORK = "work"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One series of points, and what it is in a ledger."""

    key: str
    """Hash of all that tells it apart, also of attributes that are not kept."""
    resource: str
    """Hash of its resource."""
    role: Role
    delta: bool = False
    scale: float = 1.0
    """The value times this is microjoules, watts or units of work."""
    of_counts: bool = False
    """A histogram's count is the value, and not its sum."""
    from_start: bool = False
    """A counter that was zero when it began: what its first point holds was used or done since then."""
    most_watts: float | None = None
    repeats: bool = False
    """Says what the newer counters of tokens say too: not counted beside them."""
    stream: Stream


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the points of a series are not taken."""

    reason: str
    ours: bool = True
    """False: they are none of ours, and that is no fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What whoever receives adds to what the sender states."""

    asked: Asked
    keep: tuple[str, ...] = ()
    """More attributes to keep as labels."""
    method: Method | None = None
    """How the sender's readings are known, where it does not say so itself."""
    from_start: bool = False
    """Counters of energy were zero when they began."""
    refusal: Callable[[Subject], str] = lambda _: ""
    """Why nothing of a subject is taken; empty: it is."""


def describe(metric: Metric, attributes: Attributes, naming: Naming) -> Series | Refusal:
    """What a series is, from its metric and the attributes of its points."""
    told = {**metric.resource.items, **metric.scope.attributes, **attributes.items}
    make = _hardware if metric.name in ENERGY or metric.name in POWER else _work
    series = make(metric, attributes, told, naming)
    if isinstance(series, Series) and (reason := naming.refusal(series.stream.subject)):
        return Refusal(f"{metric.name}: {reason}")
    return series


def _hardware(
    metric: Metric, attributes: Attributes, told: Mapping[str, Value], naming: Naming
) -> Series | Refusal:
    energy = metric.name in ENERGY
    if wrong := _shape(metric, energy):
        return Refusal(f"{metric.name} {wrong}")
    scale = (ENERGY_UNITS if energy else POWER_UNITS).get(metric.unit)
    if scale is None:
        return Refusal(f"{metric.name} has the unit {metric.unit!r}: send it in {'J' if energy else 'W'}")
    host = _host(told, naming.asked)
    if host is None:
        return Refusal(
            f"{metric.name} does not say of which machine it is: set host.name (or k8s.node.name, host.id) "
            "as a resource attribute"
        )
    part = (
        _whole(told, host) if metric.name.startswith("hw.host.") else _part(metric, told, host, energy=energy)
    )
    if isinstance(part, Refusal):
        return part
    method = _method(metric.name, told, naming)
    if isinstance(method, Refusal):
        return method
    subject = _subject(told, naming)
    key = series_key(metric, attributes)
    workload = "/".join(filter(None, (subject.model, subject.task, subject.stage))) or key
    return Series(
        key=key,
        resource=_digest(_sorted(metric.resource.items)),
        role=Role.ENERGY if energy else Role.POWER,
        delta=metric.temporality is Temporality.DELTA,
        scale=scale,
        from_start=naming.from_start or metric.scope.name == OURS,
        most_watts=MOST_WATTS[part.component],
        stream=Stream(
            source=SourceId(name=SOURCE),
            instance=key[:16],
            host_id=host,
            device_id=part.device_id,
            part_of=part.part_of,
            component=part.component,
            unit=JOULES,
            method=method,
            boundary=part.boundary,
            grade=GRADE_OF_METHOD[method],
            errors=errors_of(method, f"{SOURCE}:{part.device_id}", workload=workload),
            subject=subject,
            place=_place(told, part.component, naming.asked),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """What hardware a reading is of."""

    device_id: str
    component: str
    boundary: Boundary
    part_of: str | None = None


def _whole(told: Mapping[str, Value], host: str) -> _Measured:
    """The machine itself."""
    named = _text(told, "hw.id")
    return _Measured(named if named.startswith("node:") else f"node:{host}", "node", Boundary.NODE)


def _part(metric: Metric, told: Mapping[str, Value], host: str, *, energy: bool) -> _Measured | Refusal:
    """One device in it, and the processor that this is in."""
    kind, name = _text(told, "hw.type"), _text(told, "hw.id")
    if not name:
        return Refusal(f"{metric.name} does not say of which device it is: it needs hw.id")
    if kind not in COMPONENT_OF:
        return Refusal(
            f"{metric.name} of hw.type {kind!r} holds or feeds other devices: send whole machines as "
            f"hw.host.{'energy' if energy else 'power'}",
            ours=not kind,
        )
    component, parent = COMPONENT_OF[kind], _text(told, "hw.parent")
    part_of = _device(host, parent, "cpu") if parent and parent != name else None
    return _Measured(_device(host, name, component), component, Boundary.DEVICE, part_of)


def _work(
    metric: Metric, attributes: Attributes, told: Mapping[str, Value], naming: Naming
) -> Series | Refusal:
    counted = metric.name in TOKENS
    if wrong := _shape(metric, energy=True) if counted else _histogram(metric):
        return Refusal(f"{metric.name} {wrong}")
    if metric.name == REQUESTS:
        unit = "failed_requests" if _text(told, "error.type") else "requests"
    else:
        if metric.unit not in TOKEN_UNITS:
            return Refusal(f"{metric.name} has the unit {metric.unit!r}: send it in {{token}}")
        kind = _text(told, "gen_ai.token.type")
        if not counted and kind not in TOKEN_TYPES:
            return Refusal(f"{metric.name} has the gen_ai.token.type {kind!r}: it is input or output")
        unit = TOKENS[metric.name] if counted else TOKEN_TYPES[kind]
    key = series_key(metric, attributes)
    return Series(
        key=key,
        resource=_digest(_sorted(metric.resource.items)),
        role=Role.WORK,
        delta=metric.temporality is Temporality.DELTA,
        of_counts=metric.name == REQUESTS,
        from_start=True,
        repeats=metric.name == TOKEN_HISTOGRAM,
        stream=Stream(
            source=SourceId(name=SOURCE),
            instance=key[:16],
            host_id=_host(told, naming.asked) or "",
            unit=unit,
            subject=_subject(told, naming, stage="inference"),
            place=naming.asked.place,
        ),
    )


def _shape(metric: Metric, energy: bool) -> str:
    """What is wrong with a counter (or a gauge of power); empty when nothing is."""
    if not energy:
        summed = metric.kind is Kind.SUM and not metric.monotonic
        if metric.kind is Kind.GAUGE or (summed and metric.temporality is Temporality.CUMULATIVE):
            return ""
        return f"is a {_word(metric)}: power is a gauge"
    if metric.kind is not Kind.SUM or not metric.monotonic:
        return f"is a {_word(metric)}: it must be a counter, that is a monotonic sum"
    return "" if metric.temporality else "does not say whether it is delta or cumulative"


def _histogram(metric: Metric) -> str:
    if metric.kind not in (Kind.HISTOGRAM, Kind.EXPONENTIAL_HISTOGRAM):
        return f"is a {_word(metric)}: it must be a histogram"
    return "" if metric.temporality else "does not say whether it is delta or cumulative"


def _word(metric: Metric) -> str:
    rising = " that may fall" if metric.kind is Kind.SUM and not metric.monotonic else ""
    return metric.kind.name.lower().replace("_", " ") + rising


def _method(name: str, told: Mapping[str, Value], naming: Naming) -> Method | Refusal:
    """How the reading is known: as the sender says, else as the receiver says, else what the metric implies.

    ``quality=estimated`` is how MetricsHub marks what it does not measure. No machine has a counter of its
    whole energy in hardware: ``hw.host.energy`` is power that somebody sampled and added up.
    """
    stated = _text(told, "wattmark.method")
    if stated:
        try:
            return Method(stated)
        except ValueError:
            return Refusal(f"wattmark.method is {stated!r}: use one of {', '.join(Method)}")
    if _text(told, "quality") == "estimated":
        return Method.MODELLED
    return naming.method or (Method.HARDWARE_COUNTER if name == "hw.energy" else Method.INTEGRATED_POWER)


def _host(told: Mapping[str, Value], asked: Asked) -> str | None:
    if known := _text(told, HOST_ID):
        return known
    name = _first(told, HOST) or asked.host
    return host_of(name) if name else None


def _device(host: str, name: str, component: str) -> str:
    """A device's id. What other sources call the same (a GPU's UUID, a processor package) is kept."""
    if _PREFIXED.fullmatch(name):
        return name
    if component in ("cpu", "dram") and _PACKAGE.fullmatch(name):
        return f"{component}:{host}/{name}"
    return f"hw:{host}/{name}"


def _subject(told: Mapping[str, Value], naming: Naming, stage: str = "") -> Subject:
    """The unified tags that the sender states; the rest as the receiver says."""
    tags = {tag: _first(told, (f"{OURS}.{tag}", *TAG_OF.get(tag, ()))) for tag in TAGS}
    tags["stage"] = tags["stage"] or naming.asked.subject.stage or stage
    if tags["model_version"] == tags["model"]:
        tags["model_version"] = ""
    labels = {key: text for key in (*LABELS, *naming.keep) if (text := _text(told, key))}
    return subject_of(naming.asked, labels=labels, **tags)


def series_key(metric: Metric, attributes: Attributes) -> str:
    """What tells a series apart (opentelemetry.io/docs/specs/otel/metrics/data-model): a hash, so that
    attributes that are not kept cannot be read from it."""
    scope = metric.scope
    return _digest(
        (
            _sorted(metric.resource.items),
            (scope.name, scope.version, _sorted(scope.attributes)),
            (metric.name, metric.unit, int(metric.kind), int(metric.temporality)),
            _sorted(attributes.items),
        )
    )


def _sorted(items: Mapping[str, Value]) -> tuple[tuple[str, Value], ...]:
    return tuple(sorted(items.items(), key=lambda pair: pair[0]))


def _digest(value: object) -> str:
    return sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _first(told: Mapping[str, Value], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := _text(told, key))), "")


def _place(told: Mapping[str, Value], component: str, asked: Asked) -> Place:
    name = _text(told, "hw.model") or _text(told, "hw.name")
    return place_of(asked, hardware=(Hardware(component=component, name=name),)) if name else asked.place


def _text(told: Mapping[str, Value], key: str) -> str:
    value = told.get(key)
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)
