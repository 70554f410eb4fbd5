"""What trackers are told: names, numbers that can be checked in the head, and words for what is not known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row, a_run
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Missing, NotReached
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade, Scope
from wattmark.core.run import GapSpan, Series
from wattmark.core.totals import facts_of
from wattmark.core.tracked import (
    carbon_of,
    line_of,
    live_numbers,
    powers_now,
    told_of,
    told_of_decision,
)
from wattmark.testing.decisions import every_standing

GPU = a_row(device_id="GPU-1", component="gpu", energy_joules=200.0)
DRAM = a_row(device_id="dram:1", component="dram", energy_joules=10.0, part_of=a_row().device_id)
GRID = Given(intensity=Intensity(grams_per_kwh=400.0, zone="FRA", source="declared"))


def series(device: str, *points: tuple[float, float]) -> Series:
    """Cumulative joules of a device."""
    t, joules = zip(*points, strict=True)
    return Series(device_id=device, component="x", t_seconds=t, energy_joules=joules)


def test_energy_adds_devices_and_never_a_part_to_its_whole() -> None:
    """90 J of a package and 200 J of a GPU are 290 J; the 10 J of DRAM lie inside the package."""
    found = live_numbers(a_run(energies=(a_row(), DRAM, GPU)))
    assert found["wattmark/energy_joules"] == 290.0
    assert found["wattmark/cpu_energy_joules"] == 90.0
    assert found["wattmark/gpu_energy_joules"] == 200.0
    assert found["wattmark/dram_energy_joules"] == 10.0
    assert found["wattmark/elapsed_seconds"] == 10.0
    assert found["wattmark/unobserved_seconds"] == 0.0


def test_shares_of_processes_are_no_energy_of_their_own() -> None:
    """A share divides a whole: it is not shown beside it."""
    share = a_row(scope=Scope.SHARE, party="own", energy_joules=50.0)
    assert live_numbers(a_run(energies=(a_row(), share)))["wattmark/energy_joules"] == 90.0


def test_power_is_that_of_the_last_second() -> None:
    """12 J in the last second are 12 W; both devices have it, so the sum of 12 and 20 W is there too."""
    lines = (series(a_row().device_id, (0, 0), (9, 78), (10, 90)), series("GPU-1", (9, 180), (10, 200)))
    found = live_numbers(a_run(energies=(a_row(), GPU), series=lines))
    assert found["wattmark/cpu_power_watts"] == 12.0
    assert found["wattmark/power_watts"] == 32.0


def test_power_is_never_that_of_a_moment() -> None:
    """A steady 12 W, by a counter renewed every 100 ms: 4 ms hold none of it, or 1.2 J, which is no 300 W."""
    for behind in (90.0, 88.8):
        lines = (series(a_row().device_id, (8, 66), (9, 78), (9.996, behind), (10, 90)),)
        found = live_numbers(a_run(energies=(a_row(),), series=lines))
        assert found["wattmark/power_watts"] == 12.0
    close = (series(a_row().device_id, (9.996, 90), (10, 90)),)
    begun = live_numbers(a_run(energies=(a_row(),), series=close))
    assert "wattmark/power_watts" not in begun
    assert begun["wattmark/energy_joules"] == 90.0
    assert begun["wattmark/unobserved_seconds"] == 0.0


def test_power_of_all_is_not_known_where_one_device_has_none() -> None:
    """A GPU without two readings is a gap: the CPU's 12 W are not the machine's."""
    lines = (series(a_row().device_id, (9, 78), (10, 90)), series("GPU-1", (10, 200), (10, 200)))
    found = live_numbers(a_run(energies=(a_row(), GPU), series=lines))
    assert "wattmark/power_watts" not in found
    assert found["wattmark/cpu_power_watts"] == 12.0


def test_what_was_not_read_is_time_and_no_energy() -> None:
    """3 of 10 s were not read: they are told, and add nothing."""
    found = live_numbers(a_run(energies=(a_row(observed_seconds=7.0),)))
    assert (found["wattmark/unobserved_seconds"], found["wattmark/energy_joules"]) == (3.0, 90.0)


def test_a_device_that_was_never_read_has_neither_energy_nor_power() -> None:
    """A GPU that answers to nothing: its 10 s are told, the CPU's 90 J stand, and no 0 for the GPU."""
    dead = replace(GPU, energy_joules=0.0, observed_seconds=0.0)
    lines = (series(a_row().device_id, (9, 78), (10, 90)), series("GPU-1", (9, 0), (10, 0)))
    found = live_numbers(a_run(energies=(a_row(), dead), series=lines))
    assert (found["wattmark/energy_joules"], found["wattmark/cpu_power_watts"]) == (90.0, 12.0)
    assert found["wattmark/unobserved_seconds"] == 10.0
    assert found.keys().isdisjoint({"wattmark/gpu_energy_joules", "wattmark/gpu_power_watts"})
    assert "wattmark/power_watts" not in found


def test_a_device_that_is_read_no_more_has_no_power() -> None:
    """The GPU's last reading was at 4 s of 10: its 200 J stand, 6 s are told, and its power is not 0 W."""
    lost = replace(GPU, duration_seconds=4.0, observed_seconds=4.0)
    lines = (series(a_row().device_id, (9, 78), (10, 90)), series("GPU-1", (9, 200), (10, 200)))
    found = live_numbers(a_run(energies=(a_row(), lost), series=lines))
    assert (found["wattmark/energy_joules"], found["wattmark/gpu_energy_joules"]) == (290.0, 200.0)
    assert found["wattmark/unobserved_seconds"] == 6.0
    assert found.keys().isdisjoint({"wattmark/gpu_power_watts", "wattmark/power_watts"})


def test_a_device_without_a_row_leaves_the_power_of_all_unknown() -> None:
    """A GPU that was read once, and never again: the CPU's 12 W are not the machine's."""
    lines = (series(a_row().device_id, (9, 78), (10, 90)), series("GPU-1", (9, 0), (10, 0)))
    found = live_numbers(a_run(energies=(a_row(),), series=lines))
    assert "wattmark/power_watts" not in found
    assert found["wattmark/cpu_power_watts"] == 12.0


def test_power_over_a_gap_is_not_known() -> None:
    """Nothing was read from 9.2 to 9.8 s: the last second has no power."""
    hole = GapSpan(t0_seconds=9.2, duration_seconds=0.6, reason="not read")
    row = replace(a_row(), observed_seconds=9.4, gaps=(hole,))
    lines = (series(row.device_id, (9, 78), (10, 90)),)
    assert "wattmark/power_watts" not in live_numbers(a_run(energies=(row,), series=lines))


def test_a_look_takes_a_moment() -> None:
    """The reading at 9.9 s belongs to the look that ended at 10 s; 9.5 s would be the one before."""
    lines = (series(a_row().device_id, (9, 78), (10, 90)),)
    for end, there in ((9.9, True), (9.5, False)):
        row = replace(a_row(), duration_seconds=end, observed_seconds=end)
        assert ("wattmark/power_watts" in live_numbers(a_run(energies=(row,), series=lines))) is there


def test_energy_that_rises_was_read() -> None:
    """A series whose row does not stand yet: 20 W, from its two points."""
    assert powers_now(a_run(energies=(), series=(series("GPU-1", (9, 180), (10, 200)),))) == {"GPU-1": 20.0}


def test_without_a_reading_there_is_no_energy_rather_than_zero() -> None:
    """Only the time goes on."""
    assert live_numbers(a_run(energies=())) == {"wattmark/elapsed_seconds": 10.0}


def test_carbon_is_there_where_the_grid_is_known() -> None:
    """90 J x 400 g/kWh / 3.6e6 = 0.01 g."""
    run = a_run()
    assert live_numbers(run, facts_of([run], GRID))["wattmark/carbon_gco2e"] == pytest.approx(0.01)
    assert "wattmark/carbon_gco2e" not in live_numbers(run, facts_of([run], Given()))


def test_carbon_of_a_node_meets_the_pue_once() -> None:
    """90 J at node boundary x 1.5 are 135 J: 0.015 g."""
    run = a_run(energies=(a_row(boundary=Boundary.NODE, device_id="node:1", component="node"),))
    found = carbon_of(facts_of([run], replace(GRID, pue=Pue(value=1.5))))
    assert isinstance(found, Figure)
    assert found.value == pytest.approx(0.015)


def test_carbon_names_what_is_missing() -> None:
    """Energy, then the grid, then the boundary."""
    energy = Figure(1.0, "J")
    assert carbon_of(Facts(energy=Missing("energy"))) == Missing("energy")
    assert carbon_of(Facts(energy=energy, intensity=Missing("grid"))) == Missing("grid")
    without = carbon_of(Facts(energy=energy, intensity=Figure(400.0, "gCO2e/kWh")))
    assert isinstance(without, Missing)
    assert without.field == "boundary of the energy"


def test_a_figure_is_told_with_both_ends_its_unit_and_how_it_is_known() -> None:
    """100 J +- 5 J, grade B, at device boundary."""
    figure = Figure(100.0, "J", {"gain": 5.0}, {Grade.B: 100.0}, terms={"boundary": "device"})
    numbers, words = told_of("energy", figure)
    assert numbers == {"wattmark/energy": 100.0, "wattmark/energy.low": 95.0, "wattmark/energy.high": 105.0}
    assert words == {
        "wattmark/energy.unit": "J",
        "wattmark/energy.grade": "B",
        "wattmark/energy.boundary": "device",
    }


def test_an_end_without_a_number_is_left_out() -> None:
    """Infinity is no number that a tracker could draw."""
    numbers, words = told_of("x", Figure(1.0, "1", ends=(0.0, math.inf)))
    assert numbers == {"wattmark/x": 1.0, "wattmark/x.low": 0.0}
    assert words == {"wattmark/x.unit": "1"}
    assert line_of("x", "X", "1", Figure(1.0, "1", ends=(0.0, math.inf))).high is None


def test_what_is_missing_is_words_and_no_number() -> None:
    """Never 0."""
    assert told_of("pue", Missing("pue", "--pue 1.2")) == (
        {},
        {"wattmark/pue.missing": "missing: pue (--pue 1.2)"},
    )
    assert line_of("pue", "PUE", "1", Missing("pue")).value is None


def test_what_was_spent_in_vain_is_told_apart() -> None:
    """90 J without reaching the outcome are no Energy-to-Solution."""
    numbers, words = told_of("ets", NotReached("accuracy>=0.9", Figure(90.0, "J")))
    assert numbers["wattmark/ets.spent"] == 90.0
    assert "wattmark/ets" not in numbers
    assert words["wattmark/ets.missing"] == "not reached: accuracy>=0.9"
    assert told_of("ets", NotReached("accuracy>=0.9", Missing("energy")))[0] == {}


def test_a_line_says_value_interval_grade_and_remarks() -> None:
    """As the table of a tracker shows it."""
    line = line_of("e", "Energy", "J", Figure(100.0, "J", {"gain": 5.0}, {Grade.B: 1.0}, notes=("a", "b")))
    assert (line.value, line.low, line.high, line.grade, line.remark) == (100.0, 95.0, 105.0, "B", "a; b")


def test_a_decision_is_told_with_every_rule() -> None:
    """Score 92 of 88 to 96, failed, and the waiver by name."""
    numbers, words = told_of_decision(every_standing())
    assert numbers == {"wattmark/score": 92.0, "wattmark/score.low": 88.0, "wattmark/score.high": 96.0}
    assert (words["wattmark/gate"], words["wattmark/stars"]) == ("failed", "3-4")
    assert (words["wattmark/rule.carbon"], words["wattmark/rule.carbon.waiver"]) == ("waived", "W-7")
    assert words["wattmark/policy"] == "green"


def test_a_decision_without_a_score_tells_none() -> None:
    """Nor empty words."""
    numbers, words = told_of_decision(replace(every_standing(), score=None, stars="", audit_head=""))
    assert numbers == {}
    assert not {"wattmark/stars", "wattmark/audit_head", "wattmark/score.grade"} & set(words)


@given(st.lists(st.floats(min_value=0.0, max_value=1e12), min_size=1, max_size=6))
def test_the_energy_of_devices_beside_one_another_is_their_sum(joules: list[float]) -> None:
    """And the energy of their component is the same."""
    rows = tuple(a_row(device_id=f"GPU-{i}", component="gpu", energy_joules=j) for i, j in enumerate(joules))
    found = live_numbers(a_run(energies=rows))
    assert found["wattmark/energy_joules"] == pytest.approx(math.fsum(joules))
    assert found["wattmark/gpu_energy_joules"] == math.fsum(joules)
