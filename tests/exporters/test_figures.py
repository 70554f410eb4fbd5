"""What every live exporter shows of a run."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row, a_run
from tests.measure.machine import Machine
from wattmark.core.known import Scope
from wattmark.core.run import Run, Series, Subject, Window, Work
from wattmark.exporters.figures import (
    ATTRIBUTED,
    ENERGY,
    FAILED_WORK,
    FAMILIES,
    POWER,
    UNOBSERVED,
    WORK,
    Point,
    figures_of,
)
from wattmark.measure.timeline import Timeline

watts = st.sampled_from([2.0, 50.0, 90.0])
seconds = st.floats(0.0, 2.0)


def named(run: Run, name: str) -> list[Point]:
    return [p for p in figures_of(run) if p.name == name]


def test_energy_says_how_it_is_known() -> None:
    """Method, grade and boundary are labels, so that an estimate never passes for a measurement."""
    (point,) = named(a_run(subject=Subject(team="search", model="ranker", stage="training")), ENERGY)
    assert point.value == 90.0
    assert {k: point.labels[k] for k in ("component", "method", "grade", "boundary", "stage", "team")} == {
        "component": "cpu",
        "method": "hardware_counter",
        "grade": "B",
        "boundary": "device",
        "stage": "training",
        "team": "search",
    }


def test_a_tag_that_is_not_stated_is_no_label() -> None:
    """Nothing is invented."""
    (point,) = named(a_run(), ENERGY)
    assert "team" not in point.labels
    assert point.labels["stage"] == "unstaged"


def test_rows_of_one_stage_add_up_and_stages_stay_apart() -> None:
    """A run through data preparation and training gives a series for each."""
    run = a_run(
        windows=(
            Window(id=1, name="load", stage="data_preparation", t0_seconds=0, duration_seconds=10),
            Window(id=2, name="fit", stage="training", t0_seconds=10, duration_seconds=20),
        ),
        energies=(a_row(), a_row(t0_seconds=10.0), a_row(t0_seconds=20.0)),
        duration_seconds=30.0,
    )
    assert {p.labels["stage"]: p.value for p in named(run, ENERGY)} == {
        "data_preparation": 90.0,
        "training": 180.0,
    }


def test_time_that_was_not_read_is_shown_and_adds_no_energy() -> None:
    """4 of 10 seconds were not observed."""
    run = a_run(energies=(a_row(energy_joules=54.0, observed_seconds=6.0),))
    assert [p.value for p in named(run, UNOBSERVED)] == [4.0]
    assert [p.value for p in named(run, ENERGY)] == [54.0]


def test_shares_have_a_name_of_their_own() -> None:
    """A sum over the energy of devices never holds a share too."""
    share = a_row(scope=Scope.SHARE, party="own", attribution_rule="cpu_time", energy_joules=30.0)
    run = a_run(energies=(a_row(), share))
    assert [p.value for p in named(run, ENERGY)] == [90.0]
    (point,) = named(run, ATTRIBUTED)
    assert (point.value, point.labels["party"], point.labels["attribution_rule"]) == (30.0, "own", "cpu_time")


def test_power_is_that_of_the_last_two_readings() -> None:
    """From 10 s to 12 s the device used 100 J: 50 W."""
    series = Series(device_id="gpu", component="gpu", t_seconds=(0, 10, 12), energy_joules=(0, 10, 110))
    assert [p.value for p in named(a_run(series=(series,)), POWER)] == [50.0]


def test_a_device_that_is_read_no_more_has_no_power() -> None:
    """Its last reading was at 4 s of 10: a level line is a gap, and no 0 W."""
    row = a_row(duration_seconds=4.0, observed_seconds=4.0)
    level = Series(device_id=row.device_id, component="cpu", t_seconds=(0, 9, 10), energy_joules=(0, 90, 90))
    assert named(a_run(energies=(row,), series=(level,)), POWER) == []


def test_one_reading_gives_no_power() -> None:
    """Nor do two at the same moment."""
    one = Series(device_id="a", component="gpu", t_seconds=(0,), energy_joules=(0,))
    same = Series(device_id="b", component="gpu", t_seconds=(1, 1), energy_joules=(0, 5))
    assert named(a_run(series=(one, same)), POWER) == []


def test_work_and_failed_work_are_counted_by_unit() -> None:
    """Units are labels."""
    run = a_run(work=(Work(unit="images", count=7, failed=2), Work(unit="images", count=3)))
    assert [(p.labels["unit"], p.value) for p in named(run, WORK)] == [("images", 10.0)]
    assert [p.value for p in named(run, FAILED_WORK)] == [2.0]


def test_work_that_was_declared_is_not_shown_as_done() -> None:
    """A hundred announced, seven counted: seven."""
    run = a_run(work=(Work(unit="images", count=100, declared=True), Work(unit="images", count=7)))
    assert [p.value for p in named(run, WORK)] == [7.0]
    assert named(a_run(work=(Work(unit="images", count=100, declared=True),)), WORK) == []


@given(
    st.lists(
        st.tuples(st.sampled_from([0.3, 1.0, 2.5]), watts, seconds, seconds, st.booleans(), st.booleans())
    )
)
def test_what_is_shown_as_a_counter_never_falls(
    looks: list[tuple[float, float, float, float, bool, bool]],
) -> None:
    """Whatever the power, whoever used the CPU, whether a device could be read: a fall would be a reset."""
    machine = Machine()
    timeline = Timeline(machine.meters, machine.cpu.as_clock(), machine.clock, 1.0)
    before: dict[object, float] = {}
    for lasted, power, own, idle, lost, edge in looks:
        machine.clock.advance(lasted)
        machine.cpu.spend(own, 0.0, idle)
        machine.meter.watts = dict.fromkeys(machine.meter.watts, power)
        machine.meter.broken = dict.fromkeys(machine.meter.watts, "lost") if lost else {}
        (timeline.cut if edge else timeline.tick)()
        for point in figures_of(a_run(energies=timeline.rows(), series=timeline.series())):
            if FAMILIES[point.name].counter:
                series = point.name, tuple(point.labels.items())
                assert point.value >= before.get(series, 0.0) - 1e-9
                before[series] = point.value


def test_runs_are_told_apart() -> None:
    """Two runs of one program on one host never share a series."""
    one = a_run()
    two = replace(one, record_id="11111111-0000-4000-8000-000000000001")
    assert named(one, ENERGY)[0].labels["run"] != named(two, ENERGY)[0].labels["run"]
