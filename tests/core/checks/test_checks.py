"""Each common mistake is found with its numbers, and a sound run has none of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import HOST, a_row, a_run
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.checks import CHECKS, Case, Finding, Named, Severity, find
from wattmark.core.checks.finding import boundary_of
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import (
    Hardware,
    MeterChoice,
    Overhead,
    Place,
    Quality,
    Run,
    Statement,
    Status,
    Subject,
    Utilisation,
    Window,
    Work,
)

FRANCE = Intensity(grams_per_kwh=56, zone="FRA", source="test")
STATED = Given(intensity=FRANCE, pue=Pue(value=1.2))
CPU = f"cpu:{HOST.id}/package-0"


def sound(**changes: Any) -> Run:
    """A run of 100 s with both stages, work, quality and a covered node."""
    fields: dict[str, Any] = {
        "duration_seconds": 100.0,
        "energies": (row(), row(device_id=f"rest:{HOST.id}", component="rest_of_node", method=Method.BMC)),
        "windows": (window("training"), window("inference")),
        "work": (Work(unit="inferences", count=1000),),
        "quality": (Quality(name="accuracy", value=0.97),),
    }
    return a_run(**{**fields, **changes})


def row(**changes: Any) -> Any:
    return a_row(**{"duration_seconds": 100.0, "observed_seconds": 100.0, "energy_joules": 900.0, **changes})


def window(stage: str) -> Window:
    return Window(id=len(stage), name=stage, stage=stage, t0_seconds=0.0, duration_seconds=50.0)


def other(run: Run, **changes: Any) -> Run:
    """Another run on the same machine, an hour later."""
    fields = {"record_id": "00000000-0000-4000-8000-000000000002", "started_monotonic_seconds": 5000.0}
    return replace(run, **{**fields, **changes})


def findings(*runs: Run, given: Given = STATED, limits: tuple[str, ...] = ()) -> dict[str, Finding]:
    named = tuple(Named(f"run{i}", run) for i, run in enumerate(runs, start=1))
    return {f.code: f for f in find(Case(runs=named, given=given, absolute_limits=limits))}


def test_a_sound_run_has_no_findings() -> None:
    """Nothing is said when nothing is wrong."""
    assert findings(sound()) == {}


def test_two_sound_runs_compare() -> None:
    """The same meters on the same machine, one after the other."""
    first = sound()
    assert findings(first, other(first)) == {}


def test_codes_are_unique_and_every_check_says_how_to_mend_it() -> None:
    """A code keeps its meaning, so it may stand for one check only."""
    assert len(CHECKS) == 21
    assert all(check.fix and check.title for check in CHECKS.values())


def test_training_only() -> None:
    """Training without inference or evaluation."""
    found = findings(sound(windows=(window("training"),)))
    assert found["WM101"].seen == "stages measured: training; no inference, no evaluation"


def test_evaluation_beside_training_is_enough() -> None:
    """The evaluation is a use of the model."""
    run = sound(windows=(window("training"),), subject=Subject(stage="evaluation"))
    assert "WM101" not in findings(run)


def test_mixed_sources_name_who_read_what() -> None:
    """One run by counter, one by model: their difference is that of the methods."""
    first = sound()
    rest = first.energies[1]
    second = other(first, energies=(row(method=Method.MODELLED, grade=Grade.D), rest))
    found = findings(first, second)["WM102"]
    assert found.severity is Severity.ERROR
    assert found.seen == "cpu is read by rapl (hardware_counter) in run1; rapl (modelled) in run2"


def test_a_calibrated_run_beside_a_raw_one() -> None:
    """The same meter, corrected in one of the two."""
    first = sound()
    second = other(first, energies=(row(calibration_id="c1", raw_energy_joules=800.0), first.energies[1]))
    assert "rapl (hardware_counter, calibrated) in run2" in findings(first, second)["WM102"].seen


def test_different_components() -> None:
    """Memory in one run only makes that run look worse."""
    first = sound()
    second = other(first, energies=(*first.energies, row(device_id="dram:0", component="dram")))
    assert findings(first, second)["WM111"].runs == ("run1", "run2")


def test_mixed_sampling_tells_both_periods() -> None:
    """100 s with 100 reads against 100 s with 10."""
    rows = (row(component="gpu", device_id="GPU-1", method=Method.INTEGRATED_POWER),)
    first = sound(energies=rows, overhead=Overhead(cpu_seconds=0.1, reads=100))
    second = other(first, overhead=Overhead(cpu_seconds=0.1, reads=10))
    assert findings(first, second)["WM103"].seen == "run2 was read every 10 s, run1 every 1 s"


def test_sampling_does_not_matter_to_counters() -> None:
    """A counter read twice is as good as one read a hundred times."""
    first = sound(overhead=Overhead(cpu_seconds=0.1, reads=100))
    assert findings(first, other(first, overhead=Overhead(cpu_seconds=0.1, reads=2))) == {}


def test_kwh_without_carbon_says_how_many() -> None:
    """1800 J are 0.0005 kWh."""
    assert findings(sound(), given=Given(pue=Pue(value=1.2)))["WM104"].seen.startswith("0.0005 kWh")


def test_flop_alone() -> None:
    """FLOP are no use to anybody by themselves."""
    run = sound(work=(Work(unit="flop", count=1e12, precision="fp32"),), quality=())
    assert findings(run)["WM105"].seen == "work logged: flop alone, no quality"


def test_a_share_without_idle() -> None:
    """The share of a service's processes leaves its idle time to nobody."""
    run = sound(energies=(row(scope=Scope.SHARE, party="own"),))
    assert findings(run)["WM106"].severity is Severity.WARNING


def test_a_busy_service_has_no_idle_to_ignore() -> None:
    """90 % in use is above what the default policy aims at."""
    use = Utilisation(component="gpu", signal="nvml_busy_time", mean=0.9)
    assert "WM106" not in findings(sound(place=Place(utilisation=(use,))))


def test_low_utilisation_of_a_service_is_told() -> None:
    """20 % busy: 80 % of the time it waited."""
    use = Utilisation(component="gpu", signal="nvml_busy_time", mean=0.2)
    found = findings(sound(place=Place(utilisation=(use,))))["WM106"]
    assert found.severity is Severity.NOTE
    assert "80%" in found.seen


def test_low_utilisation_of_training_is_another_matter() -> None:
    """Idle energy of a service is what this check is about."""
    use = Utilisation(component="gpu", signal="nvml_busy_time", mean=0.2)
    run = sound(windows=(window("training"), window("evaluation")), place=Place(utilisation=(use,)))
    assert "WM106" not in findings(run)


def test_cost_taken_for_energy() -> None:
    """A declared energy beside a bill, with nothing measured."""
    bill = Statement(quantity="cost", value=12.5, unit="USD")
    run = sound(energies=(row(method=Method.DECLARED, grade=Grade.E),), statements=(bill,))
    found = findings(run)["WM107"]
    assert found.severity is Severity.ERROR
    assert "12.5 USD" in found.seen


def test_a_bill_without_energy_is_a_warning() -> None:
    """There is no energy that could be wrong, and none that could be right."""
    bill = Statement(quantity="cost", value=12.5, unit="USD")
    found = findings(sound(energies=(), statements=(bill,)))["WM107"]
    assert found.severity is Severity.WARNING


def test_energy_in_money_is_an_error() -> None:
    """EUR is no unit of energy."""
    odd = Statement(quantity="energy", value=3, unit="EUR")
    assert findings(sound(statements=(odd,)))["WM107"].seen == "energy stated in money: 3 EUR"


def test_a_bill_beside_a_measurement_is_fine() -> None:
    """Statements are kept apart and harm nobody."""
    bill = Statement(quantity="cost", value=12.5, unit="USD")
    assert findings(sound(statements=(bill,))) == {}


def test_gpu_only() -> None:
    """The total is that of the GPU."""
    run = sound(energies=(row(component="gpu", device_id="GPU-1"),))
    assert "WM108" in findings(run)


def test_no_work_and_no_quality() -> None:
    """Two things that only the user can tell."""
    found = findings(sound(work=(), quality=()))
    assert {"WM109", "WM110"} <= set(found)


def test_a_gpu_that_nobody_read_is_named_with_the_reason() -> None:
    """The hardware list has one, the energies have none."""
    run = sound(
        place=Place(hardware=(Hardware(component="gpu", name="H100", count=8),)),
        meters=(MeterChoice(meter="nvml", chosen=False, reason="libnvidia-ml.so.1 not found"),),
    )
    assert (
        findings(run)["WM201"].seen
        == "8 x H100 provisioned, no energy of it (nvml: libnvidia-ml.so.1 not found)"
    )


@pytest.mark.parametrize("component", ["gpu", "module", "node"])
def test_a_gpu_inside_something_measured_is_seen(component: str) -> None:
    """A module or a node reading holds the GPU's energy already."""
    place = Place(hardware=(Hardware(component="gpu", name="GH200"),))
    run = sound(place=place, energies=(*sound().energies, row(component=component, device_id="x")))
    assert "WM201" not in findings(run)


def test_low_coverage_names_the_device() -> None:
    """60 of 100 s were observed."""
    rest = sound().energies[1]
    found = findings(sound(energies=(row(observed_seconds=60.0), rest)))["WM202"]
    assert f"{CPU} 60%" in found.seen


@pytest.mark.parametrize(
    ("method", "component", "seconds", "short"),
    [
        (Method.INTEGRATED_POWER, "gpu", 59.0, True),
        (Method.INTEGRATED_POWER, "gpu", 60.0, False),
        (Method.HARDWARE_COUNTER, "cpu", 4.0, True),
        (Method.HARDWARE_COUNTER, "cpu", 5.0, False),
        (Method.HARDWARE_COUNTER, "gpu", 9.0, True),
        (Method.MODELLED, "cpu", 0.1, False),
    ],
)
def test_a_window_too_short_for_its_sensor(
    method: Method, component: str, seconds: float, short: bool
) -> None:
    """60 s of sampled power, 5 s of a CPU counter, 10 s of a GPU counter; a model has no sensor."""
    rows = (row(method=method, component=component, duration_seconds=seconds, observed_seconds=seconds),)
    assert ("WM203" in findings(sound(energies=rows, duration_seconds=seconds))) is short


def test_whole_devices_on_a_shared_host() -> None:
    """Half of the busy time belonged to others."""
    run = sound(place=Place(others_share=0.5))
    assert "50%" in findings(run)["WM204"].seen
    assert "WM204" not in findings(run, given=replace(STATED, scope=Scope.SHARE))


def test_device_energy_beside_node_energy() -> None:
    """One run covers the node, the other a package."""
    first = sound()
    found = findings(first, other(first, energies=(row(),)))["WM207"]
    assert found.seen == "boundaries: node in run1; device in run2"


def test_an_estimate_against_an_absolute_limit() -> None:
    """Half of the energy is modelled, and the policy limits carbon per inference."""
    run = sound(energies=(row(), row(device_id="rest", component="rest_of_node", grade=Grade.D)))
    found = findings(run, limits=("carbon_per_inference_operational",))["WM208"]
    assert found.seen.startswith("50% of the energy is modelled")
    assert "WM208" not in findings(run)
    assert "WM208" not in findings(sound(), limits=("pue",))


def test_missing_ranks_are_listed() -> None:
    """Ranks 0 and 2 of four are here."""
    first = sound(rank=0, world_size=4, parent="job")
    found = findings(first, other(first, rank=2))["WM209"]
    assert found.seen == "2 of 4 ranks are here; missing: 1, 3"


def test_many_missing_ranks_are_cut_short() -> None:
    """The list stays readable."""
    assert findings(sound(rank=0, world_size=64))["WM209"].seen.endswith("7, 8 ...")


def test_all_ranks_are_fine() -> None:
    """Two of two."""
    first = sound(rank=0, world_size=2, parent="job")
    assert "WM209" not in findings(first, other(first, rank=1))


def test_one_device_in_two_runs_at_once() -> None:
    """The second starts 40 s before the first ends."""
    first = sound()
    found = findings(first, other(first, started_monotonic_seconds=1060.0))["WM210"]
    assert found.seen.startswith("40 s of ")


def test_another_boot_is_compared_by_the_wall_clock() -> None:
    """Monotonic clocks of two boots have nothing in common."""
    first = sound()
    later = other(first, host=replace(HOST, boot_id="c" * 16), started_at="2026-11-01T12:01:30Z")
    assert findings(first, later)["WM210"].seen.startswith("10 s of ")


def test_another_machine_or_the_same_record_is_no_overlap() -> None:
    """The same file named twice is one run; another host has other devices."""
    first = sound()
    elsewhere = other(first, host=replace(HOST, id="x" * 16), started_monotonic_seconds=1000.0)
    assert findings(first, elsewhere) == {}
    assert findings(first, first) == {}


def test_pue_missing_is_a_note() -> None:
    """The site is left out, and said to be."""
    assert findings(sound(), given=Given(intensity=FRANCE))["WM211"].severity is Severity.NOTE


def test_an_interrupted_run_is_no_result() -> None:
    """It counts as an attempt."""
    assert findings(sound(status=Status.INTERRUPTED))["WM212"].seen == "the run is interrupted"


def test_the_gravest_come_first() -> None:
    """Errors, then warnings, then notes."""
    first = sound(status=Status.OPEN)
    runs = (Named("a", first), Named("b", other(first, energies=(row(),))))
    order = [f.severity for f in find(Case(runs=runs, given=Given(intensity=FRANCE)))]
    assert order == sorted(order, key=["error", "warning", "note"].index)


def test_boundaries() -> None:
    """Nothing is known of a run without energy; a facility reading covers all."""
    assert boundary_of(sound(energies=())) is None
    assert boundary_of(sound(energies=(row(boundary=Boundary.FACILITY),))) is Boundary.FACILITY


def test_a_finding_names_its_page() -> None:
    """The page explains what the line cannot."""
    assert findings(sound(status=Status.OPEN))["WM212"].page == "docs/checks/WM212.md"
