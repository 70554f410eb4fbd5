"""What an autoscaler is told of a model that several nodes serve: aggregates, or why there is none.

A metric that is missing is told as missing, never as 0: an autoscaler that is told 0 removes replicas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.errors import UsageError
from wattmark.core.figure import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLoad:
    """One device of a node over the last window."""

    device_id: str
    component: str
    utilisation: float | None
    """Share of the time in which it worked; None: its meter does not tell."""
    signal: str = ""
    idle_watts: float | None = None
    """Its energy with no request active, over the whole window's seconds."""
    power_watts: float | None = None
    coverage: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoad:
    """One model on a node over the last window."""

    model: str
    requests: float | None
    """None: its engine counts none."""
    output_tokens: float | None
    joules: float | None
    """With the idle energy that it is charged; None: not known."""
    terms: Mapping[str, str]
    """On which the joules stand: boundary, attribution rule."""

    @property
    def asked_for(self) -> bool:
        """Whether anybody asked for it; where that is not known, it may be."""
        amount = self.output_tokens if self.requests is None else self.requests
        return amount is None or amount > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLoad:
    """One node over the last window."""

    name: str
    """As the cluster calls it, or where its agent was asked."""
    seconds: float
    devices: tuple[DeviceLoad, ...]
    models: tuple[ModelLoad, ...]
    in_engines: float | None = None
    """Requests that engines work on or hold waiting now; None: not known."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value for an autoscaler."""

    value: float
    seconds: float
    """The window that it is of; 0 for a value of this moment."""


Metric = Callable[[Sequence[NodeLoad], str, str], Told | Missing]


@dataclass(frozen=True, slots=True)
class ScaleMetric:
    """One metric that autoscalers may ask for."""

    name: str
    unit: str
    total: bool
    """True: a sum over replicas, for targets of the kind AverageValue; False: a ratio, for Value."""
    what: str
    of: Metric


def metric_named(name: str) -> ScaleMetric:
    """The metric of this name. Raises UsageError with the names there are."""
    if name not in METRICS:
        raise UsageError(f"there is no metric {name!r}; known: {', '.join(METRICS)}")
    return METRICS[name]


def serving(nodes: Sequence[NodeLoad], model: str) -> list[NodeLoad]:
    """The nodes that serve a model; all of them for an empty name."""
    return [node for node in nodes if not model or any(m.model == model for m in node.models)]


def signals_of(nodes: Sequence[NodeLoad], component: str) -> list[DeviceLoad]:
    """The devices that tell how busy they are: of one component, else accelerators before processors."""
    devices = [device for node in nodes for device in node.devices]
    wanted = (component,) if component else ("gpu", "module", "cpu")
    for kind in wanted:
        found = [device for device in devices if device.component == kind]
        if found:
            return found
    return []


def _busy(nodes: Sequence[NodeLoad], model: str, component: str) -> tuple[float, int, float] | Missing:
    """Busy devices, how many there are, and the window."""
    serving_it = serving(nodes, model)
    devices = signals_of(serving_it, component)
    if not devices:
        return Missing("devices", f"no node tells of a {component or 'processor or accelerator'} for it")
    signals = {device.signal for device in devices}
    if len(signals) > 1:
        return Missing("one signal", f"nodes tell how busy they are by {', '.join(sorted(signals))}")
    silent = [device.device_id for device in devices if device.utilisation is None]
    if silent:
        return Missing(f"utilisation of {silent[0]}", "its meter does not tell how busy it is")
    seconds = max(node.seconds for node in serving_it)
    return math.fsum(d.utilisation or 0.0 for d in devices), len(devices), seconds


def utilisation(nodes: Sequence[NodeLoad], model: str, component: str) -> Told | Missing:
    """Busy devices over all devices."""
    busy = _busy(nodes, model, component)
    return busy if isinstance(busy, Missing) else Told(busy[0] / busy[1], busy[2])


def busy_devices(nodes: Sequence[NodeLoad], model: str, component: str) -> Told | Missing:
    """Utilisation summed over devices."""
    busy = _busy(nodes, model, component)
    return busy if isinstance(busy, Missing) else Told(busy[0], busy[2])


@dataclass(frozen=True, slots=True)
class _Sum:
    requests: float | None
    tokens: float | None
    joules: float | None
    seconds: float


def _summed(nodes: Sequence[NodeLoad], model: str) -> _Sum | Missing:
    loads = [(n, m) for n in nodes for m in n.models if not model or m.model == model]
    if not loads:
        return Missing("requests", f"no node tells of the model {model!r}" if model else "no model is served")
    terms = {tuple(sorted(m.terms.items())) for _, m in loads if m.joules is not None}
    if len(terms) > 1:
        return Missing("one basis", "the nodes' energies stand on different boundaries or rules")
    seconds = max(node.seconds for node, _ in loads)
    return _Sum(
        _all_known(m.requests for _, m in loads),
        _all_known(m.output_tokens for _, m in loads),
        _all_known(m.joules for _, m in loads),
        seconds,
    )


def _all_known(amounts: Iterable[float | None]) -> float | None:
    each = list(amounts)
    return None if None in each else math.fsum(amount for amount in each if amount is not None)


def _ratio(over: str, under: str, turned: bool = False) -> Metric:
    """Joules per unit of work over all nodes, or the other way round."""

    def of(nodes: Sequence[NodeLoad], model: str, _: str) -> Told | Missing:
        found = _summed(nodes, model)
        if isinstance(found, Missing):
            return found
        joules: float | None = getattr(found, over)
        work: float | None = getattr(found, under)
        if joules is None or work is None:
            return Missing("energy" if joules is None else under, "a node does not tell it")
        above, below = (work, joules) if turned else (joules, work)
        if below <= 0:
            return Missing(under if not turned else over, "there was none in this window")
        return Told(above / below, found.seconds)

    return of


def requests_per_second(nodes: Sequence[NodeLoad], model: str, _: str) -> Told | Missing:
    """Requests that succeeded per second, over all nodes."""
    found = _summed(nodes, model)
    if isinstance(found, Missing):
        return found
    if found.seconds <= 0:
        return Missing("a window", "no minute is over yet")
    if found.requests is None:
        return Missing("requests", "a node's engine counts none")
    return Told(found.requests / found.seconds, found.seconds)


def requests_in_engines(nodes: Sequence[NodeLoad], model: str, _: str) -> Told | Missing:
    """Requests that engines work on or hold waiting, now, over all nodes that serve the model."""
    found = serving(nodes, model)
    held = [node.in_engines for node in found]
    if not held or None in held:
        return Missing("requests in engines", "a node's engine does not tell it")
    return Told(math.fsum(h for h in held if h is not None), 0.0)


METRICS: Mapping[str, ScaleMetric] = {
    metric.name: metric
    for metric in (
        ScaleMetric("wattmark-utilisation", "1", False, "busy devices over all devices", utilisation),
        ScaleMetric(
            "wattmark-busy-devices", "devices", True, "utilisation summed over devices", busy_devices
        ),
        ScaleMetric(
            "wattmark-output-tokens-per-joule",
            "token/J",
            False,
            "falls when there are more replicas than the traffic fills",
            _ratio("joules", "tokens", turned=True),
        ),
        ScaleMetric(
            "wattmark-joules-per-output-token",
            "J/token",
            False,
            "rises when there are more replicas than the traffic fills: to look at; HPA would add more still",
            _ratio("joules", "tokens"),
        ),
        ScaleMetric(
            "wattmark-joules-per-request", "J/request", False, "as above", _ratio("joules", "requests")
        ),
        ScaleMetric(
            "wattmark-requests-per-second", "1/s", True, "requests that succeeded", requests_per_second
        ),
        ScaleMetric(
            "wattmark-requests-in-engines", "requests", True, "running and waiting now", requests_in_engines
        ),
    )
}
