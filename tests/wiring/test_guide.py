"""The guide meets this machine, the benchmarks and the policy."""

from __future__ import annotations

import json
from pathlib import Path

from wattmark.config import Config
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.policy import Limit, Policy
from wattmark.core.readings import Device
from wattmark.core.units import Power
from wattmark.wiring.guide import capabilities, capabilities_of, default_targets, measured_overhead, targets


def device(component: str, grade: Grade, boundary: Boundary = Boundary.DEVICE) -> Device:
    return Device(
        id=component,
        component=component,
        source="test",
        method=Method.HARDWARE_COUNTER,
        grade=grade,
        boundary=boundary,
        max_power=Power(100),
        relative_error=0.05,
    )


def test_the_best_grade_of_each_component_counts(tmp_path: Path) -> None:
    """Two meters of one CPU: the counter beats the model. No kernel file, no busy time."""
    here = capabilities_of(
        [device("cpu", Grade.D), device("cpu", Grade.B)], gpu_expected=False, stat=tmp_path / "stat"
    )
    assert dict(here.grades) == {"cpu": Grade.B}
    assert here.utilisation == ()


def test_a_module_holds_its_gpu_and_a_node_reading_covers_the_node(tmp_path: Path) -> None:
    """GH200 and a BMC."""
    (tmp_path / "stat").write_text("")
    devices = [device("module", Grade.B), device("psu", Grade.A, Boundary.NODE)]
    here = capabilities_of(devices, gpu_expected=False, stat=tmp_path / "stat")
    assert here.grades["gpu"] is Grade.B
    assert here.node
    assert here.utilisation == ("cpu_busy_time", "nvml_busy_time")


def test_a_gpu_that_is_expected_is_present(tmp_path: Path) -> None:
    """Present and not readable is another matter than absent."""
    here = capabilities_of([], gpu_expected=True, stat=tmp_path / "stat")
    assert here.gpu_present
    assert here.best is None


def test_this_machine_can_be_surveyed() -> None:
    """Something answers everywhere: the model of last resort at least."""
    assert capabilities(Config()).best is not None


def test_overhead_comes_from_the_newest_results(tmp_path: Path) -> None:
    """Median of 0.1, 0.2 and 0.3 ms per second: 0.02 % of one CPU."""
    for name, samples in (("2026-01", [9.0]), ("2026-02", [0.1, 0.3, 0.2])):
        row = {"row": "overhead-1hz", "tool": "wattmark", "samples": samples}
        (tmp_path / f"{name}.json").write_text(json.dumps({"measurements": [row]}))
    found = measured_overhead(tmp_path)
    assert found is not None
    assert found.share == 0.0002
    assert found.source == "benchmarks/results/2026-02.json"


def test_results_of_others_are_not_ours(tmp_path: Path) -> None:
    """A file without our row says nothing of us; what is packaged is a measurement or nothing."""
    row = {"row": "overhead-1hz", "tool": "codecarbon", "samples": [2.4]}
    (tmp_path / "2026-01.json").write_text(json.dumps({"measurements": [row]}))
    found = measured_overhead(tmp_path)
    assert found is None or 0 < found.share < 1


def test_limits_become_words() -> None:
    """In the KPI's unit; relative limits are no targets."""
    policy = Policy(
        limits=(
            Limit(kpi="a", min=0.65),
            Limit(kpi="b", max=10, workload_class=("classical", "vision-batch"), stage="inference"),
            Limit(kpi="c", max_increase=0.05),
        )
    )
    assert targets(policy) == {
        "a": "at least 0.65",
        "b": "at most 10 for classical, vision-batch in inference",
    }


def test_targets_that_are_switched_off_are_told_too() -> None:
    """They are common ones, and a reader of the guide asks for them."""
    assert default_targets()["hardware_utilisation_efficiency"] == "at least 0.65"
