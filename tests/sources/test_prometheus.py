"""A Prometheus that is asked over HTTP: what is read, merged, left out, and said when it goes wrong."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.sources.prometheus_server import Served, serving
from wattmark.core.errors import ConfigError, EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import Subject
from wattmark.core.telemetry import Samples
from wattmark.ports import Source
from wattmark.sources import prometheus
from wattmark.sources.catalog import Asked
from wattmark.sources.identity import host_of
from wattmark.sources.prometheus_api import PASSWORD, TOKEN, USER, Api, Reply, open_api
from wattmark.testing.source_suite import SourceSuite, SourceWorld

T = 1_790_000_000
"""A moment in 2026; a multiple of no page, on purpose."""
N1 = {"job": "dcgm", "instance": "n1:9400", "Hostname": "n1"}
GPU = {**N1, "UUID": "GPU-1", "gpu": "0", "modelName": "NVIDIA L40S"}
RAPL = {"job": "node", "instance": "n1:9100", "index": "0", "path": "/sys/class/powercap/intel-rapl:0"}
ENERGY, POWER = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_POWER_USAGE"


def read(
    *served: Served, asked: Asked | None = None, until: float = T + 3600, **settings: str
) -> list[Imported]:
    """All portions of the hour after T."""
    given = {"start": str(T), "end": str(until), **settings}
    source = prometheus.open_source(
        [s.url for s in served], asked or Asked(settings=given), environment={}, now=lambda: until
    )
    return list(source.read())


def samples_of(portions: list[Imported]) -> list[Samples]:
    return [s for p in portions for s in p.samples]


def notes_of(portions: list[Imported]) -> str:
    return "\n".join(n for p in portions for n in p.notes)


def joules(portions: list[Imported], **wanted: object) -> float:
    """Energy of the streams that have these fields."""
    return (
        sum(
            sum(s.energy_uj)
            for s in samples_of(portions)
            if all(getattr(s.stream, k) == v for k, v in wanted.items())
        )
        / 1e6
    )


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(Served()) as server:
        yield server


class PrometheusWorld:
    """A server with a GPU's counter, a processor's raw counter and one zone that is none of ours."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.served = stack.enter_context(serving(Served()))
        self._to = 40
        self._fill(0, self._to)

    def _fill(self, first: int, last: int) -> None:
        for i in range(first, last):
            self.served.add(ENERGY, T + 15 * i, 1_000_000 + i * 1_500_000, **GPU)
            self.served.add("node_rapl_package_joules_total", T + 15 * i, 100 + i * 750, **RAPL)
            self.served.add("kepler_node_cpu_joules_total", T + 15 * i, i, node_name="n2", zone="core")

    @property
    def rows(self) -> int:
        return self.served.rows

    @property
    def named(self) -> str:
        return self.served.url

    def open(self) -> Source:
        asked = Asked(settings={"start": str(T), "end": str(T + 3600)})
        return prometheus.open_source([self.served.url], asked, environment={}, open_server=impatient)

    def grow(self) -> None:
        self._fill(self._to, self._to + 10)

    def move(self) -> None:
        samples = self.served.samples
        self.served = self._stack.enter_context(serving(Served(samples)))

    def damage(self) -> str:
        key = next(k for k in self.served.samples if dict(k)["__name__"] == ENERGY)
        at, _ = self.served.samples[key][5]
        self.served.samples[key][5] = (at, "a lot")
        return ENERGY

    def garble(self) -> None:
        self.served.garbage = b"<html><body>Welcome to nginx!</body></html>"

    def remove(self) -> None:
        self.served.port = 9  # discard: nothing listens there


def impatient(url: str, environment: Mapping[str, str], **settings: object) -> Api:
    """A server that is not waited for between two tries."""
    api = open_api(url, environment, **settings)  # type: ignore[arg-type]
    api.pause = lambda _seconds: None
    return api


class TestPrometheus(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self) -> Iterator[SourceWorld]:
        with ExitStack() as stack:
            yield PrometheusWorld(stack)


# --- what is read ------------------------------------------------------------------------------------


def test_a_counter_in_millijoules_gives_its_joules(served: Served) -> None:
    """100 W for an hour are 360 000 J: DCGM counts millijoules, whatever its name says."""
    served.series(ENERGY, T, 30, [7e6 + i * 3e6 for i in range(121)], **GPU)
    portions = read(served)
    stream = samples_of(portions)[0].stream
    assert joules(portions) == 360_000
    assert (stream.device_id, stream.component, stream.grade, stream.method) == (
        "GPU-1",
        "gpu",
        Grade.B,
        Method.HARDWARE_COUNTER,
    )
    assert stream.host_id == host_of("n1")
    assert stream.max_watts == 2000


@pytest.mark.parametrize("name", [POWER, "DCGM_FI_DEV_BOARD_POWER_WATTS"])
def test_old_and_new_names_are_one_metric(served: Served, name: str) -> None:
    """Field 155 was renamed in DCGM 4.6; power is integrated and graded C."""
    served.series(name, T, 10, [200.0] * 7, **GPU)
    portions = read(served)
    assert joules(portions) == 200 * 60
    assert samples_of(portions)[0].stream.grade is Grade.C


def test_a_sensor_that_looks_a_quarter_of_the_time_is_less_certain(served: Served) -> None:
    """A100 and H100: duty 0.25, and 25 % at 95 %."""
    served.series(POWER, T, 10, [200.0] * 7, **{**GPU, "modelName": "NVIDIA H100 80GB HBM3"})
    stream = samples_of(read(served))[0].stream
    assert stream.sensor_duty == 0.25
    assert set(stream.errors.values()) == {0.25}


def test_the_counter_goes_before_the_power_of_its_device(served: Served) -> None:
    """Both are read; only the counter's energy is brought in, and the power's samples are ignored."""
    served.series(ENERGY, T, 30, [i * 3e6 for i in range(11)], **GPU)
    served.series(POWER, T, 30, [101.0] * 11, **GPU)
    portions = read(served)
    assert joules(portions) == 100 * 300
    assert sum(p.ignored for p in portions) == 11
    assert "says" not in notes_of(portions)


def test_power_fills_what_the_counter_does_not_see(served: Served) -> None:
    """The counter is reset at 150 s: a gap of 30 s in it, and 30 s of power for it."""
    served.series(ENERGY, T, 30, [i * 3e6 for i in range(6)] + [i * 3e6 for i in range(5)], **GPU)
    served.series(POWER, T, 30, [110.0] * 11, **GPU)
    portions = read(served)
    assert joules(portions, grade=Grade.B) == 9 * 3000
    assert joules(portions, grade=Grade.C) == 3300
    assert "a gap: the counter was reset" in notes_of(portions)


def test_sources_that_differ_by_more_than_their_errors_are_told_of(served: Served) -> None:
    """100 W and 130 W: 23 % apart where 11 % are allowed; both figures are named."""
    served.series(ENERGY, T, 30, [i * 3e6 for i in range(11)], **GPU)
    served.series("nvidia_smi_power_draw_watts", T, 30, [130.0] * 11, uuid="1", instance="n1:9835")
    portions = read(served)
    said = notes_of(portions)
    assert "says 30000 J" in said
    assert "says 39000 J of the same 300 s: 23% apart, their stated errors allow 11%" in said
    assert {s.stream.device_id for s in samples_of(portions)} == {"GPU-1"}


def test_gaudi_milliwatts_in_a_metric_of_watts_are_found(served: Served) -> None:
    """350 000 "watts" are taken as milliwatts, and it is said; OpenShift's true watts of the name stay."""
    served.series("accelerator_power_usage_watts", T, 15, [350_000.0] * 5, UUID="01P0", instance="n2:9003")
    served.series("accelerator_power_usage_watts", T, 15, [350.0] * 5, UUID="GPU-7", instance="n1:9400")
    portions = read(served)
    assert {s.stream.device_id: sum(s.energy_uj) / 1e6 for s in samples_of(portions)} == {
        f"gpu:{host_of('n2')}/01P0": 21_000,
        "GPU-7": 21_000,
    }
    assert "taken in its other unit (x 0.001)" in notes_of(portions)


def test_a_raw_counter_that_starts_again_has_wrapped(served: Served) -> None:
    """262 143.3 J, then 600 J: 700 J more, not a reset; a value without a known range near it is one."""
    served.series("node_rapl_package_joules_total", T, 10, [262_043.32885, 262_093.32885, 50, 100], **RAPL)
    portions = read(served)
    assert joules(portions) == pytest.approx(200, abs=1e-6)
    assert samples_of(portions)[0].observed == ()


def test_zones_that_overlap_are_linked_and_never_added(served: Served) -> None:
    """psys > package > core: core is left out, the package is a part of psys."""
    for zone, watts in (("psys", 100), ("package", 60), ("core", 40), ("dram", 10)):
        served.series(
            "kepler_node_cpu_joules_total", T, 5, [i * 5 * watts for i in range(7)], node_name="n1", zone=zone
        )
    portions = read(served)
    host = host_of("n1")
    assert {
        (s.stream.device_id, s.stream.part_of, sum(s.energy_uj) // 10**6) for s in samples_of(portions)
    } == {
        (f"cpu:{host}/psys", None, 3000),
        (f"cpu:{host}/package", f"cpu:{host}/psys", 1800),
        (f"dram:{host}/package", f"cpu:{host}/psys", 300),
    }
    assert "core, uncore and other zones lie inside the package" in notes_of(portions)


def test_a_platform_counter_that_its_board_does_not_maintain_is_a_gap(served: Served) -> None:
    """psys with 1 W around a package of 60 W would replace it by almost nothing."""
    for zone, watts in (("psys", 1), ("package", 60)):
        served.series(
            "kepler_node_cpu_joules_total", T, 5, [i * 5 * watts for i in range(7)], node_name="n1", zone=zone
        )
    portions = read(served)
    assert joules(portions, device_id=f"cpu:{host_of('n1')}/psys") == 0
    assert joules(portions, device_id=f"cpu:{host_of('n1')}/package") == 1800
    assert "its board does not maintain it" in notes_of(portions)


def test_shares_of_pods_are_shares_with_their_rule(served: Served) -> None:
    """Two pods of one team add up in one stream of the package; containers inside them are not taken too."""
    for pod, watts in (("a", 10), ("b", 20)):
        served.series(
            "kepler_pod_cpu_joules_total",
            T,
            5,
            [i * 5 * watts for i in range(7)],
            node_name="n1",
            zone="package",
            pod_name=pod,
            pod_namespace="ml",
            state="running",
        )
    served.series("kepler_container_cpu_joules_total", T, 5, [1.0] * 7, node_name="n1", zone="package")
    portions = read(served)
    shares = samples_of(portions)
    assert {(s.stream.scope, s.stream.attribution_rule) for s in shares} == {(Scope.SHARE, "kepler_cpu_time")}
    assert {s.stream.device_id for s in shares} == {f"cpu:{host_of('n1')}/package"}
    assert sorted(s.stream.subject.labels["pod"] for s in shares) == ["a", "b"]
    assert joules(portions) == 900
    assert "container level: pod is taken" in notes_of(portions)


def test_modes_of_the_older_kepler_add_up(served: Served, tmp_path: Path) -> None:
    """dynamic 20 W + idle 30 W = 50 W of the package."""
    for mode, watts in (("dynamic", 20), ("idle", 30)):
        served.series(
            "kepler_node_package_joules_total",
            T,
            3,
            [i * 3 * watts for i in range(11)],
            instance="n1",
            mode=mode,
        )
    portions = read(served)
    assert joules(portions) == 1500
    assert len(samples_of(portions)) == 1


def test_a_part_that_is_gone_leaves_no_whole(served: Served) -> None:
    """Idle vanishes after the first hour: what is left of the package is a gap, not its energy."""
    for i in range(481):
        served.add("kepler_node_package_joules_total", T + 15 * i, i * 300, instance="n1", mode="dynamic")
        if i <= 240:
            served.add("kepler_node_package_joules_total", T + 15 * i, i * 450, instance="n1", mode="idle")
    portions = read(served, until=T + 7200)
    assert joules(portions) == 240 * 750
    assert sum(list(s.observed).count(False) for s in samples_of(portions)) == 240


def test_a_model_of_kepler_stays_a_model(served: Served) -> None:
    """Where the machine shows no counters Kepler guesses: grade D."""
    served.series(
        "kepler_node_package_joules_total",
        T,
        3,
        [i * 60.0 for i in range(11)],
        instance="n1",
        mode="dynamic",
        source="trained_power_model",
    )
    assert {s.stream.grade for s in samples_of(read(served))} == {Grade.D}


def test_a_node_is_a_node_and_no_better_than_its_controller_says(served: Served) -> None:
    """IPMI states no accuracy: grade C, boundary node."""
    served.series("ipmi_dcmi_power_consumption_watts", T, 60, [500.0] * 11, instance="bmc-1:9290")
    stream = samples_of(read(served))[0].stream
    assert (stream.boundary, stream.grade, stream.method) == (Boundary.NODE, Grade.C, Method.BMC)
    assert stream.device_id == f"node:{host_of('bmc-1')}"


def test_zero_watts_of_a_whole_machine_is_no_reading(served: Served) -> None:
    """A sensor that does not work says 0: a gap, never a zero."""
    labels = {"chip": "lnxsybus:00_acpi000d:00", "sensor": "power1", "instance": "n1:9100"}
    served.series("node_hwmon_power_average_watt", T, 15, [0.0] * 5, **labels)
    samples = samples_of(read(served))
    assert [list(s.observed) for s in samples] == [[False] * 4]


def test_a_counter_that_stands_still_is_dead(served: Served) -> None:
    """The second die of an MI250 counts nothing: gaps, not zero joules."""
    labels = {"gpu_id": "1", "serial_number": "S", "hostname": "n1", "instance": "n1:5000"}
    served.series("amd_gpu_energy_consumed", T, 15, [5e9] * 9, **labels)
    portions = read(served)
    assert [list(s.observed) for s in samples_of(portions)] == [[False] * 8]
    assert "the counter stood still" in notes_of(portions)


def test_partitions_that_always_show_zero_are_left_out(served: Served) -> None:
    """Only the first partition of an AMD GPU has a power sensor."""
    for partition, watts in (("0", 700.0), ("1", 0.0)):
        served.series(
            "gpu_package_power", T, 15, [watts] * 5, gpu_id=partition, partition_id=partition, hostname="n1"
        )
    portions = read(served)
    assert joules(portions) == 42_000
    assert "a partition that is not the first shows 0 always" in notes_of(portions)


def test_mig_instances_repeat_their_gpu_and_count_once(served: Served) -> None:
    """Three instances with three pods: one energy, and of their tags what all have in common."""
    for instance in ("3", "5", "6"):
        labels = {**GPU, "GPU_I_ID": instance, "exported_pod": f"p{instance}", "exported_namespace": "ml"}
        served.series(ENERGY, T, 30, [i * 3e6 for i in range(11)], **labels)
    portions = read(served)
    assert joules(portions) == 30_000
    assert {tuple(sorted(s.stream.subject.labels.items())) for s in samples_of(portions)} == {
        (("namespace", "ml"),)
    }
    assert sum(p.taken for p in portions) == 11
    assert sum(p.ignored for p in portions) == 22


def test_a_gpu_that_changes_hands_loses_nothing(served: Served) -> None:
    """Pod a until 60 s, pod b from 90 s: the 30 s between belong to the GPU, and to neither."""
    for pod, first, last in (("a", 0, 3), ("b", 3, 6)):
        for i in range(first, last):
            served.add(ENERGY, T + 30 * i, i * 3e6, **GPU, exported_pod=pod, exported_namespace="ml")
    portions = read(served)
    by_pod = {s.stream.subject.labels.get("pod"): sum(s.energy_uj) / 1e6 for s in samples_of(portions)}
    assert by_pod == {"a": 6000, None: 3000, "b": 6000}


def test_replicas_of_a_pair_count_once_and_fill_each_other(served: Served) -> None:
    """Two servers scrape the same GPU at other moments; one of them was down for a while."""
    for i in range(13):
        if not 4 <= i <= 8:
            served.add(ENERGY, T + 30 * i, i * 3e6, **GPU, prometheus_replica="a")
        served.add(ENERGY, T + 30 * i + 10, (i + 1 / 3) * 3e6, **GPU, prometheus_replica="b")
    portions = read(served)
    assert joules(portions) == pytest.approx(360 * 100)
    assert all(s.observed == () for s in samples_of(portions))
    assert "is there from several replicas, and counted once" in notes_of(portions)


def test_an_hour_without_samples_is_a_gap_and_no_zero(served: Served) -> None:
    """A target that vanished: one interval that nobody observed, energy on both sides of it."""
    for i in [*range(10), *range(130, 140)]:
        served.add(POWER, T + 15 * i, 100.0, **GPU)
    portions = read(served)
    gaps = [
        (a - T * 10**6, b - T * 10**6)
        for s in samples_of(portions)
        for a, b, seen in zip(s.start_us, s.end_us, s.observed or [True] * len(s), strict=True)
        if not seen
    ]
    assert gaps == [(135_000_000, 1_950_000_000)]
    assert joules(portions) == 2 * 9 * 1500


def test_nan_ends_a_stretch(served: Served) -> None:
    """An exporter without a reading: unobserved on both sides of it, also for a counter."""
    served.series(POWER, T, 15, [100.0, 100.0, float("nan"), 100.0, 100.0], **GPU)
    served.series(
        "nv_energy_consumption", T, 15, [0, 1500, float("nan"), 4500, 6000], gpu_uuid="GPU-2", instance="n"
    )
    found = {s.stream.device_id: s for s in samples_of(read(served))}
    assert list(found["GPU-1"].observed) == [True, False, False, True]
    assert list(found["GPU-2"].observed) == [True, False, True]


def test_mixed_sampling_rates_are_told_of(served: Served) -> None:
    """Each series keeps its own rate, and its own longest gap."""
    served.series(POWER, T, 15, [100.0] * 9, **GPU)
    served.series("ipmi_dcmi_power_consumption_watts", T, 60, [500.0] * 9, instance="n1:9290")
    portions = read(served)
    assert all(s.observed == () for s in samples_of(portions))
    assert "mixed sampling rates: every 15 s: DCGM_FI_DEV_POWER_USAGE; every 60 s: ipmi" in notes_of(portions)


def test_impossible_readings_are_gaps(served: Served) -> None:
    """More than a GPU can draw, and less than nothing."""
    served.series(POWER, T, 15, [100.0, 9e9, 100.0, -5.0, 100.0, 100.0], **GPU)
    samples = samples_of(read(served))
    assert [list(s.observed) for s in samples] == [[False, False, False, False, True]]


def test_unknown_metrics_that_read_like_energy_are_named(served: Served) -> None:
    """Nothing is lost in silence; limits and capacities are no readings."""
    served.series("rack_pdu_power_watts", T, 15, [100.0] * 3)
    served.series("nvidia_smi_power_limit_watts", T, 15, [100.0] * 3, uuid="1")
    served.series("habanalabs_energy", T, 15, [100.0] * 3, UUID="1")
    said = notes_of(read(served))
    assert "left out although the names read like energy or power: rack_pdu_power_watts\n" in said
    assert "habanalabs_energy: left out: its unit is not documented" in said
    assert "has none of the metrics that are known" in said


def test_counts_of_work_come_by_the_same_table(served: Served) -> None:
    """Tokens of two replicas of one model add up; a restart is not known, and not negative."""
    for engine, values in (("0", [0, 100, 200, 300]), ("1", [50, 60, 0, 10])):
        served.series(
            "vllm:generation_tokens_total",
            T,
            15,
            list(map(float, values)),
            engine=engine,
            model_name="m",
            instance="n1:8000",
        )
    samples = samples_of(read(served))
    assert {(s.stream.unit, s.stream.subject.model, s.stream.device_id) for s in samples} == {
        ("output_tokens", "m", "")
    }
    assert [list(s.count) for s in samples] == [[110, 100, 110]]


# --- tags and machines -------------------------------------------------------------------------------


def test_labels_of_pods_become_tags(served: Served, tmp_path: Path) -> None:
    """kube_pod_labels says the team; a mapping file says what is meant by it."""
    served.series(
        ENERGY, T, 30, [i * 3e6 for i in range(5)], **GPU, exported_pod="llm-1", exported_namespace="serving"
    )
    served.series(
        "kube_pod_labels",
        T,
        30,
        [1.0] * 5,
        namespace="serving",
        pod="llm-1",
        label_team="Search",
        label_app_kubernetes_io_name="llm",
        label_app_kubernetes_io_version="7",
    )
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        '[tags]\nmodel = ["label app.kubernetes.io/name"]\n'
        '[values.team]\n"Sea*" = "search"\n[values.model]\nllm = "Llama"\n'
    )
    asked = Asked(
        subject=Subject(stage="inference", team="nobody"),
        settings={"start": str(T), "end": str(T + 3600), "mapping": str(mapping)},
    )
    subject = samples_of(read(served, asked=asked))[0].stream.subject
    assert (subject.team, subject.model, subject.stage) == ("search", "Llama", "inference")
    assert subject.labels == {"app": "llm", "namespace": "serving", "pod": "llm-1"}


def test_the_exporters_own_pod_is_nobodys_workload(served: Served) -> None:
    """`pod` and `namespace` without exported_ are the target's own where they name an exporter."""
    labels = {**GPU, "pod": "dcgm-exporter-x7", "namespace": "monitoring", "container": "exporter"}
    served.series(ENERGY, T, 30, [i * 3e6 for i in range(5)], **labels)
    assert samples_of(read(served))[0].stream.subject.labels == {}


def test_one_machine_has_one_id_in_all_exporters(served: Served) -> None:
    """node_uname_info says whose address it is; so do kube_node_info and kube_pod_info."""
    served.series("node_uname_info", T, 15, [1.0] * 5, instance="10.0.0.5:9100", nodename="n1")
    served.series(
        "node_rapl_package_joules_total",
        T,
        15,
        [i * 150.0 for i in range(5)],
        **{**RAPL, "instance": "10.0.0.5:9100"},
    )
    served.series(ENERGY, T, 15, [i * 1.5e6 for i in range(5)], **GPU)
    served.series("kube_node_info", T, 15, [1.0] * 5, internal_ip="10.0.0.6", node="n1")
    served.series("kube_pod_info", T, 15, [1.0] * 5, pod_ip="10.1.0.7", node="n1", pod="dcgm-x")
    for address in ("10.0.0.6", "10.1.0.7"):
        labels = {
            "instance": f"{address}:9400",
            "Hostname": "dcgm-x",
            "pod": "dcgm-x",
            "UUID": f"GPU-{address}",
        }
        served.series(ENERGY, T, 15, [i * 1.5e6 for i in range(5)], **labels)
    assert {s.stream.host_id for s in samples_of(read(served))} == {host_of("n1")}


def test_no_name_of_a_machine_is_stored(served: Served) -> None:
    """Streams hold hashes: neither the machine's name nor its address."""
    served.series(
        ENERGY, T, 15, [i * 3e6 for i in range(5)], **{**GPU, "Hostname": "secret", "instance": "secret:9400"}
    )
    assert "secret" not in repr([s.stream for s in samples_of(read(served))])


def test_a_series_that_names_no_machine_needs_one(served: Served) -> None:
    """The error names the series and the option."""
    served.series("gpu_package_power", T, 15, [100.0] * 5, gpu_id="0")
    with pytest.raises(EvidenceError, match=r"gpu_package_power.*names no machine: give it with --host"):
        read(served)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[tags]\nteams = ['x']\n", "tags.teams"),
        ("[tag]\n", "tag"),
        ("[tags]\nteam = 5\n", "tags.team"),
        ("hosts = 5\n", "hosts"),
        ("tags = 5\n", "tags"),
        ("[", "is not TOML"),
    ],
)
def test_a_wrong_mapping_names_the_place(tmp_path: Path, text: str, place: str) -> None:
    """File and key."""
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"mapping.toml: {place}|{place}"):
        prometheus.open_source(["http://localhost"], Asked(settings={"mapping": str(path)}), environment={})


# --- pages and repetition ----------------------------------------------------------------------------


def test_overlapping_ranges_give_the_same_intervals(served: Served) -> None:
    """What a ledger counts once: the same stream, start, end and energy, whichever range was read."""
    served.series(ENERGY, T, 30, [i * 3e6 + i * i for i in range(121)], **GPU)

    def found(start: float, end: float) -> set[tuple[str, int, int, int]]:
        portions = read(served, start=str(start), end=str(end))
        return {
            (repr(s.stream), a, b, uj)
            for s in samples_of(portions)
            for a, b, uj in zip(s.start_us, s.end_us, s.energy_uj, strict=True)
        }

    early, late = found(T, T + 2400), found(T + 1200, T + 3600)
    assert len(early) == 80
    assert len(early | late) == 120
    assert len(early & late) == 40


def test_a_server_that_refuses_much_is_asked_for_less(served: Served) -> None:
    """Pages become shorter until the server answers; nothing is missing or twice."""
    served.series(ENERGY, T, 5, [i * 5e5 for i in range(721)], **GPU)
    served.most_samples = 100
    portions = read(served)
    assert joules(portions) == 360_000
    assert sum(p.taken for p in portions) == 721


def test_a_server_for_which_nothing_is_little_enough(served: Served) -> None:
    """The error says what to narrow."""
    served.series(ENERGY, T, 1, [i * 1e5 for i in range(100)], **GPU)
    served.most_samples = 1
    with pytest.raises(UsageError, match="narrow it"):
        read(served)


def test_a_selector_narrows_what_is_read(served: Served) -> None:
    """-o match goes into every question, with or without braces."""
    served.series(ENERGY, T, 15, [i * 3e6 for i in range(5)], **GPU)
    read(served, match='{cluster="a",job=~"d.*"}')
    assert any("cluster%3D%22a%22%2Cjob%3D~%22d.%2A%22%7D%5B" in asked for asked in served.asked)


# --- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"404 page not found\n", "the address must be the one before /api/v1"),
        (302, b"", "redirect to http://elsewhere.invalid/, which is not followed"),
        (401, b"Unauthorized", TOKEN),
        (403, b"", "~/.netrc"),
        (200, b"<html>", "is it a Prometheus?"),
        (200, b'{"status":"success","data":["a"', "breaks off"),
        (200, b'{"status":"success","data":5}', "in another form"),
        (400, b'{"status":"error","errorType":"bad_data","error":"parse error"}', "parse error"),
    ],
)
def test_an_answer_that_is_none_names_the_address_and_what_to_try(
    served: Served, status: int, body: bytes, said: str
) -> None:
    """One sentence with the URL, no traceback."""
    served.failures = [(status, body)] * 8
    with pytest.raises(EvidenceError) as caught:
        read(served)
    assert said in str(caught.value)
    assert served.url in str(caught.value)


def test_a_server_that_is_busy_is_asked_again(served: Served) -> None:
    """Three times at most, with pauses that double."""
    served.series(ENERGY, T, 15, [i * 1.5e6 for i in range(5)], **GPU)
    served.failures = [(503, b"busy"), (502, b"")]
    pauses: list[float] = []

    def patient(url: str, environment: Mapping[str, str], **settings: object) -> Api:
        api = open_api(url, environment, **settings)  # type: ignore[arg-type]
        api.pause = pauses.append
        return api

    asked = Asked(settings={"start": str(T), "end": str(T + 60)})
    source = prometheus.open_source([served.url], asked, environment={}, open_server=patient)
    assert joules(list(source.read())) == 6000
    assert pauses == [0.5, 1.0]


def test_a_server_that_never_answers_is_given_up(served: Served) -> None:
    """The limit is the one that was asked for."""
    stop = threading.Event()
    served.series(ENERGY, T, 15, [1.0] * 5, **GPU)
    slow = served.answer

    def never(path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        stop.wait(60)
        return slow(path, query)

    served.answer = never  # type: ignore[method-assign]
    try:
        with pytest.raises((EvidenceError, UsageError), match=served.url):
            read(served, timeout="0.2")
    finally:
        stop.set()


def test_the_account_comes_from_the_environment(served: Served, tmp_path: Path) -> None:
    """A token, or user and password, or ~/.netrc; never the address."""
    served.series(ENERGY, T, 15, [1.0] * 2, **GPU)

    def header(environment: dict[str, str]) -> str | None:
        asked = Asked(settings={"start": str(T), "end": str(T + 60)})
        list(prometheus.open_source([served.url], asked, environment=environment).read())
        return served.headers[-1].get("Authorization")

    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    nowhere = {"NETRC": str(tmp_path / "none")}
    assert header({TOKEN: "abc"}) == "Bearer abc"
    assert header({USER: "me", PASSWORD: "secret"}) == "Basic bWU6c2VjcmV0"
    assert header({"NETRC": str(netrc)}) == "Basic bWU6c2VjcmV0"
    assert header(nowhere) is None


def test_an_account_in_the_clear_is_refused() -> None:
    """Neither in the address nor over http to another machine."""
    with pytest.raises(UsageError, match="would end up in logs") as caught:
        open_api("http://me:secret@host:9090", {})
    assert "secret" not in str(caught.value)
    with pytest.raises(UsageError, match="over https"):
        open_api("http://prometheus.example", {TOKEN: "abc"})
    with pytest.raises(UsageError, match="is no address"):
        open_api("prometheus:9090", {})


def test_a_certificate_that_is_not_accepted_is_not_tried_again() -> None:
    """The error says which setting helps."""
    tries = []

    def refuse(_request: object, _seconds: float) -> Reply:
        tries.append(1)
        raise URLError(ssl.SSLCertVerificationError("self-signed certificate"))

    with pytest.raises(EvidenceError, match="give its authority with -o ca=FILE"):
        Api(url="https://x", opener=refuse).names(0, 1)
    assert tries == [1]


def test_files_with_accounts_and_certificates_are_named(tmp_path: Path) -> None:
    """When they cannot be read."""
    broken = tmp_path / "netrc"
    broken.write_text("machine\n")
    with pytest.raises(UsageError, match=r"netrc cannot be read"):
        open_api("http://localhost:9090", {"NETRC": str(broken)})
    with pytest.raises(UsageError, match=r"none.pem holds no certificates"):
        open_api("https://localhost:9090", {}, cafile=str(tmp_path / "none.pem"), home=tmp_path)


def test_a_tenant_is_named_in_every_question(tmp_path: Path) -> None:
    """As Mimir and Cortex ask for it; the API's own path may be in the address."""
    api = open_api("https://host/prometheus/api/v1/", {}, tenant="team-a", home=tmp_path)
    assert (api.url, api.headers) == ("https://host/prometheus", {"X-Scope-OrgID": "team-a"})


def test_packed_answers_are_unpacked() -> None:
    """gzip is asked for, and read."""
    body = gzip.compress(json.dumps({"status": "success", "data": ["a"]}).encode())
    api = Api(
        url="http://x", opener=lambda _request, _seconds: Reply(200, {"content-encoding": "gzip"}, body)
    )
    assert api.names(0, 1) == ["a"]


def test_what_the_server_warns_of_is_passed_on(served: Served) -> None:
    """Partial answers of Thanos and Mimir come with a warning."""
    served.failures = [(200, b'{"status":"success","data":[],"warnings":["a store did not answer"]}')]
    assert "says: a store did not answer" in notes_of(read(served))


@pytest.mark.parametrize(
    "settings",
    [
        {"start": "yesterday"},
        {"end": "-1"},
        {"start": "2026-02-01", "end": "2026-01-01"},
        {"step": "0", "read": "range"},
        {"read": "all"},
        {"timeout": "soon"},
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, str]) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError):
        prometheus.open_source(
            ["http://localhost:9"], Asked(settings=settings), environment={}, now=lambda: T
        )
