"""The families of metrics that an agent shows: names, units, labels, and what each claims.

Names are in base units, without the ``_total`` that counters end in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a family is, in the words of OpenMetrics."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Row:
    """One family."""

    name: str
    """Of a counter without ``_total``, of an info without ``_info``."""
    kind: Kind
    unit: str
    """UCUM, as OpenTelemetry wants it: J, W, s, By, 1, {request}, ..."""
    labels: tuple[str, ...]
    what: str
    """What it claims, as the help text and the docs say it."""

    @property
    def shown(self) -> str:
        """The name under which a query finds it."""
        return self.name + {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(self.kind, "")


SERVICE = ("model", "model_version", "tenant", "target")
KNOWN = ("attribution_rule", "boundary", "grade")
DEVICE = ("device", "component", "boundary", "grade")

_C, _G = Kind.COUNTER, Kind.GAUGE
ROWS: tuple[Row, ...] = (
    Row(
        "wattmark_energy_joules",
        _C,
        "J",
        ("device", "component", "part_of", "boundary", "method", "grade", "source"),
        "Observed energy of a device. Devices of an agent do not hold one another: they may be added.",
    ),
    Row(
        "wattmark_power_watts",
        _G,
        "W",
        ("device", "component"),
        "Power of a device between its last readings.",
    ),
    Row(
        "wattmark_unobserved_seconds",
        _C,
        "s",
        ("device",),
        "Time for which a device was not read; its energy then is not known and is in no figure.",
    ),
    Row(
        "wattmark_device_idle_joules",
        _C,
        "J",
        DEVICE,
        "Energy of a device while no request was active on it, whoever is charged for it.",
    ),
    Row(
        "wattmark_device_unallocated_joules",
        _C,
        "J",
        DEVICE,
        "Energy of a device that no model is charged for: nobody reserved it, or nobody told of the work.",
    ),
    Row(
        "wattmark_device_utilisation_ratio",
        _G,
        "1",
        ("device", "component", "signal"),
        "Share of the observed time of the last window in which a device worked, by this signal alone.",
    ),
    Row(
        "wattmark_device_busy_seconds",
        _C,
        "s",
        ("device", "component", "signal"),
        "Time in which a device worked, by this signal alone; over the watched time, its utilisation.",
    ),
    Row(
        "wattmark_device_watched_seconds",
        _C,
        "s",
        ("device", "component", "signal"),
        "Observed time in which the signal was told: what the busy time is a share of.",
    ),
    Row(
        "wattmark_inference_energy_joules",
        _C,
        "J",
        (*SERVICE, *KNOWN, "outcome"),
        "Energy a model is charged: success + failed is the attributed figure, with idle the service one.",
    ),
    Row(
        "wattmark_inference_phase_energy_joules",
        _C,
        "J",
        (*SERVICE, *KNOWN, "phase"),
        "Of the energy of requests: prefill, decode, and whole where the first token's time is not known.",
    ),
    Row(
        "wattmark_inference_rule_error_joules",
        _C,
        "J",
        (*SERVICE, *KNOWN),
        "Half width at 95 %: how far another rule of division would move the attributed energy.",
    ),
    Row(
        "wattmark_inference_requests",
        _C,
        "{request}",
        (*SERVICE, "outcome"),
        "Requests that ended, by outcome.",
    ),
    Row(
        "wattmark_inference_input_tokens",
        _C,
        "{token}",
        SERVICE,
        "Input tokens of all requests whose count is known, cached ones included.",
    ),
    Row(
        "wattmark_inference_cached_input_tokens",
        _C,
        "{token}",
        SERVICE,
        "Of the input tokens those that a cache spared the engine.",
    ),
    Row(
        "wattmark_inference_output_tokens",
        _C,
        "{token}",
        SERVICE,
        "Output tokens of all requests whose count is known.",
    ),
    Row(
        "wattmark_inference_requests_without_tokens",
        _C,
        "{request}",
        (*SERVICE, "tokens"),
        "Requests in windows whose input or output tokens are not known: a rate per token leaves them out.",
    ),
    Row(
        "wattmark_inference_request_seconds",
        _C,
        "s",
        SERVICE,
        "Sum of the times that requests were active: its rate is the mean number of them at a time.",
    ),
    Row(
        "wattmark_inference_carbon_grams",
        _C,
        "g",
        (*SERVICE, *KNOWN, "outcome", "accounting", "basis", "granularity"),
        "Operational carbon (CO2e) of that energy by the intensity of its time; facility: it met a PUE.",
    ),
    Row(
        "wattmark_inference_energy_without_carbon_joules",
        _C,
        "J",
        (*SERVICE, *KNOWN, "outcome", "accounting", "basis"),
        "Energy of times whose grid intensity was not known: it is in no figure of carbon.",
    ),
    Row(
        "wattmark_inference_request_energy_joules",
        Kind.HISTOGRAM,
        "J",
        (*SERVICE, *KNOWN),
        "Attributed energy of single requests that ended; idle energy is in none of them.",
    ),
    Row("wattmark_pue_ratio", _G, "1", ("kind",), "Facility energy over IT energy that carbon is made with."),
    Row(
        "wattmark_grid_intensity_grams_per_kilowatt_hour",
        _G,
        "g/kW.h",
        ("accounting", "basis", "source", "zone", "granularity", "data_quality"),
        "Carbon intensity of electricity (CO2e) that carbon is made with now.",
    ),
    Row(
        "wattmark_engine_up",
        _G,
        "1",
        ("target", "engine"),
        "1 when the last look at a serving engine got an answer, else 0.",
    ),
    Row(
        "wattmark_engine_requests_running",
        _G,
        "{request}",
        ("target", "engine", "model"),
        "Requests that an engine works on, as it says itself.",
    ),
    Row(
        "wattmark_engine_requests_waiting",
        _G,
        "{request}",
        ("target", "engine", "model"),
        "Requests that wait in an engine, as it says itself.",
    ),
    Row(
        "wattmark_engine_kv_cache_usage_ratio",
        _G,
        "1",
        ("target", "engine", "model"),
        "Share of an engine's key-value cache in use, as it says itself.",
    ),
    Row(
        "wattmark_engine_look_failures",
        _C,
        "{look}",
        ("target", "reason"),
        "Looks at an engine that failed: its counts of that time come late or not at all.",
    ),
    Row(
        "wattmark_workload_energy_joules",
        _C,
        "J",
        ("kind", "name", "namespace", "pod", "container", "component", *KNOWN, "use"),
        "Energy of CPU-side devices by workload, use busy or idle. Never added to the energy of inference.",
    ),
    Row(
        "wattmark_workload_unallocated_joules",
        _C,
        "J",
        ("component", *KNOWN),
        "Idle energy of CPU-side devices that no workload reserved.",
    ),
    Row(
        "wattmark_regression_active",
        _G,
        "1",
        ("model", "model_version", "metric"),
        "1 while a model is found to be worse than it was by this figure, else 0.",
    ),
    Row(
        "wattmark_regression_ratio",
        _G,
        "1",
        ("model", "model_version", "metric"),
        "The figure now over what it was.",
    ),
    Row("wattmark_agent", Kind.INFO, "1", ("version",), "The version of the agent."),
    Row(
        "wattmark_agent_cpu_seconds",
        _C,
        "s",
        (),
        "CPU time of the agent itself, measured by the agent.",
    ),
    Row("wattmark_agent_resident_bytes", _G, "By", (), "Memory of the agent itself."),
    Row(
        "wattmark_agent_windows",
        _C,
        "{window}",
        (),
        "Windows of serving that are in these figures.",
    ),
    Row(
        "wattmark_agent_last_window_end_timestamp_seconds",
        _G,
        "s",
        (),
        "When the last window ended that is in these figures, in Unix time.",
    ),
    Row(
        "wattmark_agent_last_landed_timestamp_seconds",
        _G,
        "s",
        (),
        "When the last window ended that is in the ledger, in Unix time.",
    ),
    Row("wattmark_agent_spool_bytes", _G, "By", (), "Evidence on this machine that waits for the ledger."),
    Row("wattmark_agent_spool_files", _G, "{file}", (), "Files of evidence that wait for the ledger."),
    Row(
        "wattmark_agent_requests_received",
        _C,
        "{request}",
        ("how",),
        "Requests that the agent was told of: socket, http, file.",
    ),
    Row(
        "wattmark_agent_requests_refused",
        _C,
        "{request}",
        ("reason",),
        "Lines about requests that were not understood or came too late.",
    ),
    Row(
        "wattmark_agent_conservation_error_ratio",
        _G,
        "1",
        (),
        "Largest difference in any window between a device and the sum of its parts, as a share of it.",
    ),
    Row(
        "wattmark_agent_limit_reached",
        _G,
        "1",
        ("limit",),
        "1 when there are more tenants or services than are shown each: new ones are shown as 'other'.",
    ),
    Row(
        "wattmark_agent_hidden_joules",
        _C,
        "J",
        (),
        "Energy that is shown under 'other' because of such a limit.",
    ),
)
CATALOG: Mapping[str, Row] = {row.name: row for row in ROWS}
