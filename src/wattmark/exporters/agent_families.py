"""From the state of an agent to families of metrics: pure, and the same for every format.

What is not known has no series: a missing figure is not a 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wattmark.core.serving.cumulative import JOULES_BUCKETS, AgentTotals, Grams, Known
from wattmark.core.serving.request import Service
from wattmark.core.serving.workload import WorkloadTotals
from wattmark.exporters.agent_catalog import CATALOG, Row
from wattmark.exporters.agent_state import AgentState

MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram at one moment."""

    bounds: tuple[float, ...]
    counts: Sequence[int]
    """Of each bucket, the one above the last bound included; not cumulative."""
    total: float
    """Sum of what was observed."""


Labels = tuple[str, ...]
"""Values in the order of the family's labels; empty where one does not apply."""
Point = tuple[Labels, float | Buckets]


@dataclass(frozen=True, slots=True)
class Family:
    """One family with its points; there is at least one."""

    row: Row
    points: Sequence[Point]


def families(state: AgentState) -> list[Family]:
    """Everything an agent shows, in the order of the catalog; families without a point are left out."""
    totals = state.totals
    found: dict[str, list[Point]] = {name: [] for name in CATALOG}
    for name, labels, value in (
        *_of_devices(totals, state),
        *_of_energy(totals),
        *_of_work(totals),
        *_of_carbon(totals),
        *_of_surroundings(state),
        *_of_engines(state),
        *_of_workloads(state.workloads),
        *_of_agent(state),
    ):
        if value is not None:
            found[name].append((labels, value))
    return [Family(CATALOG[name], points) for name, points in found.items() if points]


_Told = tuple[str, Labels, float | Buckets | None]


def _service(service: Service) -> Labels:
    return service.model, service.model_version, service.tenant, service.target


def _known(known: Known) -> Labels:
    return known.rule.value, known.boundary.value, known.grade.value


def _of_devices(totals: AgentTotals, state: AgentState) -> Iterator[_Told]:
    for key, held in totals.devices.items():
        known = key.boundary.value, key.grade.value
        device, component = key.device_id, key.component
        yield (
            "wattmark_energy_joules",
            (device, component, "", known[0], key.method.value, known[1], key.source),
            held.energy,
        )
        yield "wattmark_device_idle_joules", (device, component, *known), held.idle
        yield "wattmark_device_unallocated_joules", (device, component, *known), held.unallocated
        for signal, ratio in held.last_utilisation.items():
            yield "wattmark_device_utilisation_ratio", (device, component, signal), ratio
        for signal, seconds in held.busy.items():
            yield "wattmark_device_busy_seconds", (device, component, signal), seconds
            yield "wattmark_device_watched_seconds", (device, component, signal), held.watched[signal]
    for (device, component), (unobserved, watts) in _by_device(totals).items():
        yield "wattmark_unobserved_seconds", (device,), unobserved
        yield "wattmark_power_watts", (device, component), state.powers.get(device, watts)


def _by_device(totals: AgentTotals) -> dict[tuple[str, str], tuple[float, float | None]]:
    """What has no label for how a device is read: the way may change while the agent runs."""
    found: dict[tuple[str, str], tuple[float, float | None]] = {}
    for key, held in totals.devices.items():
        name = key.device_id, key.component
        found[name] = found.get(name, (0.0, None))[0] + held.unobserved, held.last_watts
    return found


def _of_energy(totals: AgentTotals) -> Iterator[_Told]:
    energy, phases = "wattmark_inference_energy_joules", "wattmark_inference_phase_energy_joules"
    for (service, known), held in totals.joules.items():
        labels = (*_service(service), *_known(known))
        yield energy, (*labels, "success"), held.succeeded
        yield energy, (*labels, "failed"), held.failed
        yield energy, (*labels, "idle"), held.idle
        yield phases, (*labels, "prefill"), held.prefill
        yield phases, (*labels, "decode"), held.decode
        yield phases, (*labels, "whole"), held.whole
        yield "wattmark_inference_rule_error_joules", labels, held.rule_error
    for (service, known), histogram in totals.histograms.items():
        buckets = Buckets(JOULES_BUCKETS, histogram.counts, histogram.joules)
        yield "wattmark_inference_request_energy_joules", (*_service(service), *_known(known)), buckets


def _of_work(totals: AgentTotals) -> Iterator[_Told]:
    for service, done in totals.done.items():
        labels = _service(service)
        yield "wattmark_inference_requests", (*labels, "success"), done.requests
        yield "wattmark_inference_requests", (*labels, "failed"), done.failed
        yield "wattmark_inference_input_tokens", labels, done.input_tokens
        yield "wattmark_inference_cached_input_tokens", labels, done.cached_input_tokens
        yield "wattmark_inference_output_tokens", labels, done.output_tokens
        yield "wattmark_inference_request_seconds", labels, done.request_seconds
        yield "wattmark_inference_requests_without_tokens", (*labels, "input"), done.without_input
        yield "wattmark_inference_requests_without_tokens", (*labels, "output"), done.without_output


def _of_carbon(totals: AgentTotals) -> Iterator[_Told]:
    for name, series, timed in (
        ("wattmark_inference_carbon_grams", totals.carbon, True),
        ("wattmark_inference_energy_without_carbon_joules", totals.uncounted, False),
    ):
        for key, held in series.items():
            before = (*_service(key.service), *_known(key.known))
            for outcome, amount in _outcomes(held):
                by_what = key.accounting, key.basis, *((key.granularity,) if timed else ())
                yield name, (*before, outcome, *by_what), amount


def _outcomes(held: Grams) -> tuple[tuple[str, float], ...]:
    return ("success", held.succeeded), ("failed", held.failed), ("idle", held.idle)


def _of_surroundings(state: AgentState) -> Iterator[_Told]:
    for pue in state.pues:
        yield "wattmark_pue_ratio", (pue.kind,), pue.value
    for grid in state.grids:
        graded = grid.granularity, grid.data_quality
        labels = (grid.accounting, grid.basis, grid.source, grid.zone, *graded)
        yield "wattmark_grid_intensity_grams_per_kilowatt_hour", labels, grid.grams_per_kwh
    for found in state.regressions:
        which = found.model, found.model_version, found.metric
        yield "wattmark_regression_active", which, float(found.active)
        yield "wattmark_regression_ratio", which, found.ratio


def _of_engines(state: AgentState) -> Iterator[_Told]:
    for engine in state.engines:
        at = engine.target, engine.engine
        yield "wattmark_engine_up", at, float(engine.up)
        for model in engine.models:
            labels = (*at, model.model)
            yield "wattmark_engine_requests_running", labels, model.running
            yield "wattmark_engine_requests_waiting", labels, model.waiting
            yield "wattmark_engine_kv_cache_usage_ratio", labels, model.kv_cache_usage
        for reason, count in engine.failures.items():
            yield "wattmark_engine_look_failures", (engine.target, reason), count


def _of_workloads(workloads: WorkloadTotals | None) -> Iterator[_Told]:
    if workloads is None:
        return
    for key, held in workloads.joules.items():
        who = key.workload
        labels = (
            *(who.kind.value, who.name, who.namespace, who.pod, who.container, key.component),
            *(key.rule, key.boundary.value, key.grade.value),
        )
        yield "wattmark_workload_energy_joules", (*labels, "busy"), held.busy
        yield "wattmark_workload_energy_joules", (*labels, "idle"), held.idle
    for left, joules in workloads.unallocated.items():
        known = left.rule, left.boundary.value, left.grade.value
        yield "wattmark_workload_unallocated_joules", (left.component, *known), joules


def _of_agent(state: AgentState) -> Iterator[_Told]:
    own, totals = state.own, state.totals
    ended = totals.last_window_end_us
    many_tenants, many_services = totals.full
    yield "wattmark_agent", (own.version,), 1.0
    yield "wattmark_agent_cpu_seconds", (), own.cpu_seconds
    yield "wattmark_agent_resident_bytes", (), own.resident_bytes
    yield "wattmark_agent_windows", (), totals.windows
    yield (
        "wattmark_agent_last_window_end_timestamp_seconds",
        (),
        None if ended is None else ended / MICROSECONDS,
    )
    yield "wattmark_agent_last_landed_timestamp_seconds", (), own.last_landed_seconds
    yield "wattmark_agent_spool_bytes", (), own.spool_bytes
    yield "wattmark_agent_spool_files", (), own.spool_files
    for how, count in own.received.items():
        yield "wattmark_agent_requests_received", (how,), count
    for reason, count in own.refused.items():
        yield "wattmark_agent_requests_refused", (reason,), count
    yield "wattmark_agent_conservation_error_ratio", (), totals.conservation_error
    yield "wattmark_agent_limit_reached", ("tenants",), float(many_tenants)
    yield "wattmark_agent_limit_reached", ("services",), float(many_services)
    yield "wattmark_agent_hidden_joules", (), totals.hidden_joules
