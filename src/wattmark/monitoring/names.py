"""The series that rules and dashboards read, each with its labels: what `wattmark agent` shows.

Those of `wattmark.exporters` are the authority; a test holds this table against them. Prometheus adds
``job`` and ``instance`` to all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

SERVICE = ("model", "model_version", "tenant", "target")
KNOWN = ("attribution_rule", "boundary", "grade")
DEVICE = ("device", "component", "boundary", "grade")
SCRAPED = ("job", "instance")

ENERGY = "wattmark_energy_joules_total"
POWER = "wattmark_power_watts"
UNOBSERVED = "wattmark_unobserved_seconds_total"
DEVICE_IDLE = "wattmark_device_idle_joules_total"
DEVICE_UNALLOCATED = "wattmark_device_unallocated_joules_total"
UTILISATION = "wattmark_device_utilisation_ratio"
BUSY = "wattmark_device_busy_seconds_total"
WATCHED = "wattmark_device_watched_seconds_total"
INFERENCE_ENERGY = "wattmark_inference_energy_joules_total"
PHASE_ENERGY = "wattmark_inference_phase_energy_joules_total"
RULE_ERROR = "wattmark_inference_rule_error_joules_total"
REQUESTS = "wattmark_inference_requests_total"
INPUT_TOKENS = "wattmark_inference_input_tokens_total"
CACHED_TOKENS = "wattmark_inference_cached_input_tokens_total"
OUTPUT_TOKENS = "wattmark_inference_output_tokens_total"
NO_TOKENS = "wattmark_inference_requests_without_tokens_total"
REQUEST_SECONDS = "wattmark_inference_request_seconds_total"
CARBON = "wattmark_inference_carbon_grams_total"
NO_CARBON = "wattmark_inference_energy_without_carbon_joules_total"
REQUEST_ENERGY = "wattmark_inference_request_energy_joules"
PUE = "wattmark_pue_ratio"
INTENSITY = "wattmark_grid_intensity_grams_per_kilowatt_hour"
ENGINE_UP = "wattmark_engine_up"
ENGINE_RUNNING = "wattmark_engine_requests_running"
ENGINE_WAITING = "wattmark_engine_requests_waiting"
ENGINE_KV = "wattmark_engine_kv_cache_usage_ratio"
ENGINE_FAILURES = "wattmark_engine_look_failures_total"
WORKLOAD = "wattmark_workload_energy_joules_total"
WORKLOAD_UNALLOCATED = "wattmark_workload_unallocated_joules_total"
REGRESSION_ACTIVE = "wattmark_regression_active"
REGRESSION_RATIO = "wattmark_regression_ratio"
AGENT_INFO = "wattmark_agent_info"
AGENT_CPU = "wattmark_agent_cpu_seconds_total"
AGENT_MEMORY = "wattmark_agent_resident_bytes"
WINDOWS = "wattmark_agent_windows_total"
LAST_WINDOW = "wattmark_agent_last_window_end_timestamp_seconds"
LAST_LANDED = "wattmark_agent_last_landed_timestamp_seconds"
SPOOL_BYTES = "wattmark_agent_spool_bytes"
SPOOL_FILES = "wattmark_agent_spool_files"
RECEIVED = "wattmark_agent_requests_received_total"
REFUSED = "wattmark_agent_requests_refused_total"
CONSERVATION = "wattmark_agent_conservation_error_ratio"
LIMIT = "wattmark_agent_limit_reached"
HIDDEN = "wattmark_agent_hidden_joules_total"

SERIES: Mapping[str, tuple[str, ...]] = {
    ENERGY: ("device", "component", "part_of", "boundary", "method", "grade", "source"),
    POWER: ("device", "component"),
    UNOBSERVED: ("device",),
    DEVICE_IDLE: DEVICE,
    DEVICE_UNALLOCATED: DEVICE,
    UTILISATION: ("device", "component", "signal"),
    BUSY: ("device", "component", "signal"),
    WATCHED: ("device", "component", "signal"),
    INFERENCE_ENERGY: (*SERVICE, *KNOWN, "outcome"),
    PHASE_ENERGY: (*SERVICE, *KNOWN, "phase"),
    RULE_ERROR: (*SERVICE, *KNOWN),
    REQUESTS: (*SERVICE, "outcome"),
    INPUT_TOKENS: SERVICE,
    CACHED_TOKENS: SERVICE,
    OUTPUT_TOKENS: SERVICE,
    NO_TOKENS: (*SERVICE, "tokens"),
    REQUEST_SECONDS: SERVICE,
    CARBON: (*SERVICE, *KNOWN, "outcome", "accounting", "basis", "granularity"),
    NO_CARBON: (*SERVICE, *KNOWN, "outcome", "accounting", "basis"),
    f"{REQUEST_ENERGY}_bucket": (*SERVICE, *KNOWN, "le"),
    f"{REQUEST_ENERGY}_sum": (*SERVICE, *KNOWN),
    f"{REQUEST_ENERGY}_count": (*SERVICE, *KNOWN),
    PUE: ("kind",),
    INTENSITY: ("accounting", "basis", "source", "zone", "granularity", "data_quality"),
    ENGINE_UP: ("target", "engine"),
    ENGINE_RUNNING: ("target", "engine", "model"),
    ENGINE_WAITING: ("target", "engine", "model"),
    ENGINE_KV: ("target", "engine", "model"),
    ENGINE_FAILURES: ("target", "reason"),
    WORKLOAD: ("kind", "name", "namespace", "pod", "container", "component", *KNOWN, "use"),
    WORKLOAD_UNALLOCATED: ("component", *KNOWN),
    REGRESSION_ACTIVE: ("model", "model_version", "metric"),
    REGRESSION_RATIO: ("model", "model_version", "metric"),
    AGENT_INFO: ("version",),
    AGENT_CPU: (),
    AGENT_MEMORY: (),
    WINDOWS: (),
    LAST_WINDOW: (),
    LAST_LANDED: (),
    SPOOL_BYTES: (),
    SPOOL_FILES: (),
    RECEIVED: ("how",),
    REFUSED: ("reason",),
    CONSERVATION: (),
    LIMIT: ("limit",),
    HIDDEN: (),
}
