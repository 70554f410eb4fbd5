"""The table of metrics is whole, sourced, plausible, and finds the row that is meant."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from wattmark import tables
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Grade, Method
from wattmark.sources.metrics import (
    Metric,
    bundled_metrics,
    device_of,
    filled,
    levels_taken,
    looks_like_energy,
    metric_of,
)

METRICS = bundled_metrics()
TAKEN = [m for m in METRICS.rows if m.taken]
DEVICES = [m for m in TAKEN if m.energy]
DATA = Path(str(tables.bundled())) / "metrics"
COMPONENTS = {"cpu", "gpu", "dram", "module", "node", "network", "storage", "rest_of_node"}


def one(rows: list[Metric]) -> list[str]:
    return [f"{m.order} {m.names[0]}" for m in rows]


def test_the_description_holds_its_hash_and_explains_every_column() -> None:
    """A changed row needs a new version."""
    said = tomllib.loads((DATA / "prometheus.meta.toml").read_text())
    content = (DATA / "prometheus.csv").read_bytes()
    assert said["sha256"] == hashlib.sha256(content).hexdigest()
    assert set(said["columns"]) == set(tables.rows("metrics/prometheus")[0])


@pytest.mark.parametrize("metric", TAKEN, ids=lambda m: f"{m.order}-{m.names[0]}")
def test_a_row_is_sound(metric: Metric) -> None:
    """Kind, unit, how it is known, and no grade that is better than its method."""
    assert metric.kind in {"counter", "gauge"}
    assert metric.factor > 0
    if not metric.energy:
        assert metric.level in {"server", "client"}
        return
    assert metric.kind == ("counter" if metric.unit == "J" else "gauge")
    assert metric.device
    assert metric.most_watts is not None
    assert metric.component in COMPONENTS
    assert GRADE_OF_METHOD[Method(metric.method)].at_least(Grade(metric.grade))
    assert (Boundary(metric.boundary) is Boundary.NODE) == (metric.component == "node")
    assert 0 < metric.duty <= 1
    assert bool(metric.rule) == (metric.level != "")


def test_every_row_names_its_source() -> None:
    """A document or source file; what is left out says why."""
    assert one([m for m in METRICS.rows if not m.source]) == []
    assert one([m for m in METRICS.rows if not m.taken and len(m.note) < 8]) == []


def test_no_row_is_hidden_by_one_before_it() -> None:
    """The first row that fits counts: one without conditions ends its name's rows."""
    hidden = []
    for name in {n for m in METRICS.rows for n in m.names}:
        rows = [m for m in METRICS.rows if name in m.names]
        hidden += [m for i, m in enumerate(rows) if any(not r.where for r in rows[:i])]
    assert one(hidden) == []


def test_parts_are_parts_of_devices_of_the_table() -> None:
    """A part never hangs from something that no row measures."""
    devices = {m.device for m in DEVICES}
    assert {p for m in DEVICES for p in m.part_of.split()} <= devices


def test_shares_are_of_devices_of_the_table() -> None:
    """Whoever takes a share can find its whole."""
    wholes = {m.device for m in DEVICES if not m.rule}
    assert {m.device for m in DEVICES if m.rule} <= wholes


def test_counters_that_wrap_have_ranges_of_32_bits() -> None:
    """2^32 counts of 61 or 15.3 uJ, as the kernel rounds its units (intel_rapl_common.c)."""
    units = {61_035e-9, 15_258e-9, 15_300e-9}
    ranges = {w for m in METRICS.rows for w in m.wraps_at_joules}
    assert {round((2**32 - 1) * u, 3) for u in units} == {round(r, 3) for r in ranges}


def test_the_first_row_that_fits_counts() -> None:
    """By zone, by model, by what is absent."""
    find = METRICS.find
    package = find("kepler_node_cpu_joules_total", {"zone": "package"})
    assert package is not None
    assert package.device == "cpu:{host}/package"
    core = find("kepler_node_cpu_joules_total", {"zone": "core"})
    assert core is not None
    assert not core.taken
    module = find("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", {"modelName": "NVIDIA GH200 480GB"})
    assert module is not None
    assert module.component == "module"
    assert find("kepler_node_gpu_watts", {}) is None
    assert find("up", {}) is None


@pytest.mark.parametrize(
    ("template", "labels", "device"),
    [
        ("gpu:{host}/{UUID}", {"UUID": "GPU-AB"}, "GPU-ab"),
        ("gpu:{host}/GPU-{uuid}", {"uuid": "ab"}, "GPU-ab"),
        ("gpu:{host}/GPU-{uuid}", {"uuid": "GPU-ab"}, "GPU-ab"),
        ("gpu:{host}/{a/b}", {"b": "x"}, "gpu:h-1/x"),
        ("gpu:{host}/{a/b}", {"a": ""}, None),
        ("node:{host}", {}, "node:h-1"),
    ],
)
def test_devices_have_one_id_everywhere(template: str, labels: dict[str, str], device: str | None) -> None:
    """NVML's UUID, however it is written; other devices by their machine."""
    assert device_of(template, labels, "h-1") == device


def test_a_template_without_labels_is_itself() -> None:
    """Only what stands in braces is replaced."""
    assert filled("cpu", {}, "h-1") == "cpu"
    assert filled("{index}", {"index": "0"}, "h-1") == "0"


@pytest.mark.parametrize(
    "name",
    [
        "rack_power_watts",
        "x_energy_joules_total",
        "pdu_power",
        "shelly_watts",
        "meter_kwh",
        "a_power_mW",
        "gpu_energy",
    ],
)
def test_names_that_read_like_energy_are_noticed(name: str) -> None:
    """So that an unknown exporter is told of."""
    assert looks_like_energy(name)


@pytest.mark.parametrize(
    "name",
    [
        "nvidia_smi_power_limit_watts",
        "DCGM_FI_DEV_POWER_VIOLATION",
        "node_power_supply_info",
        "node_hwmon_power_cap_max_watt",
        "energy_price_total",
        "http_requests_total",
        "ipmi_power_state",
        "kilowatt_store_size_bytes",
        "empowered",
    ],
)
def test_limits_and_other_things_are_not(name: str) -> None:
    """A limit is no reading."""
    assert not looks_like_energy(name)


def test_one_level_of_shares_and_of_work_is_taken() -> None:
    """Pods before containers; servers before clients; what is asked for goes before."""
    names = [
        "kepler_pod_cpu_joules_total",
        "kepler_container_cpu_joules_total",
        "gen_ai_client_token_usage_sum",
    ]

    def auto(_what: str) -> str:
        return "auto"

    assert levels_taken(METRICS, names, auto) == {"pod", "client"}
    assert levels_taken(METRICS, [*names, "vllm:prompt_tokens_total"], auto) == {"pod", "server"}
    with pytest.raises(UsageError, match="give auto, pod, container"):
        levels_taken(METRICS, names, lambda _what: "pods")
    assert "container" in levels_taken(METRICS, names, {"shares": "container", "work": "none"}.__getitem__)


def test_a_wrong_row_names_the_metric() -> None:
    """A condition that is none, a number that is none."""
    row = next(r for r in tables.rows("metrics/prometheus") if r["metric"] == "kepler_node_cpu_joules_total")
    with pytest.raises(ConfigError, match="is no condition"):
        metric_of(0, {**row, "where": "zone"})
    with pytest.raises(ConfigError, match="kepler_node_cpu_joules_total"):
        metric_of(0, {**row, "factor": "many"})
