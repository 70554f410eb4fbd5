"""From evidence to facts: what counts, at which boundary, how well known, and what a gap may hide."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import HOST, a_row, a_run
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import RefusedError
from wattmark.core.facts import Answer, Embodied, Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.gaps import Fill
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.kpis import CATALOG
from wattmark.core.kpis.hardware_utilisation_efficiency import mean_utilisation
from wattmark.core.run import (
    REFRESH,
    Dataset,
    EnergyRow,
    Hardware,
    OutcomeGoal,
    Overhead,
    Place,
    Quality,
    Run,
    Status,
    Subject,
    Utilisation,
    Window,
    Work,
)
from wattmark.core.totals import facts_of, latest

GIVEN = Given()
SHARE = Given(scope=Scope.SHARE)
NODE = {"device_id": "node:h", "component": "node", "boundary": Boundary.NODE}
REST = {"device_id": "rest:h", "component": "rest_of_node", "grade": Grade.D, "method": Method.MODELLED}
GPU = {"device_id": "GPU-1", "component": "gpu", "errors": {"nvml:GPU-1:gain": 0.05}}


def energy(*runs: Run, given_: Given = GIVEN, fill: Fill = Fill.MEAN) -> Figure:
    found = facts_of(runs, given_, fill).energy
    assert isinstance(found, Figure), found
    return found


def missing(*runs: Run, given_: Given = GIVEN) -> str:
    found = facts_of(runs, given_).energy
    assert isinstance(found, Missing)
    return str(found)


def with_rows(*rows: EnergyRow, **changes: Any) -> Run:
    return a_run(energies=rows, **changes)


def later(run: Run, seconds: float, **changes: Any) -> Run:
    """The same run again, so many seconds later."""
    begun = (run.started_monotonic_seconds or 0.0) + seconds
    fields = {"record_id": f"later-{seconds}", "started_monotonic_seconds": begun, **changes}
    return replace(run, **fields)


# --- energy -----------------------------------------------------------------------------------------


def test_a_run_of_one_row_is_that_row() -> None:
    """90 J, 5 % at 95 %, grade B, all of it seen, device boundary, and where it comes from."""
    found = energy(a_run())
    assert (found.value, found.unit, found.grade, found.coverage) == (90.0, "J", Grade.B, 1.0)
    assert found.half_width == pytest.approx(4.5)
    assert found.terms == {"boundary": "device", "scope": "whole", "attribution_rule": "whole_device"}
    assert (found.sources, found.notes) == (("rapl 1",), ())


def test_without_rows_energy_is_missing() -> None:
    """Never zero; and the hint says who knows why."""
    assert missing(with_rows()) == "missing: energy (no meter gave a reading; `wattmark doctor` says why)"


def test_attempts_add_up() -> None:
    """Two runs of 90 J are 180 J in 20 s and two attempts; the shared meter's error stays 5 %."""
    facts = facts_of([a_run(), later(a_run(), 100.0)], GIVEN)
    assert isinstance(facts.energy, Figure)
    assert facts.energy.value == 180.0
    assert facts.energy.relative == pytest.approx(0.05)
    assert (facts.duration_seconds, facts.attempts) == (20.0, 2)


def test_the_latest_of_a_record_counts() -> None:
    """A run that was read twice, open and closed, is one run."""
    older = replace(a_run(), seq=1, status=Status.OPEN)
    newer = replace(a_run(), seq=2)
    assert latest([newer, older]) == [newer]
    assert energy(older, newer).value == 90.0


def test_grades_are_kept_apart() -> None:
    """90 J of grade B and 10 J of grade D: the D holds a tenth, so the sum is D."""
    found = energy(with_rows(a_row(), a_row(**REST, energy_joules=10.0)))
    assert found.grades == {Grade.B: 90.0, Grade.D: 10.0}
    assert found.grade is Grade.D


def test_a_shared_meters_gain_cancels_in_a_ratio_and_not_against_a_limit() -> None:
    """Twice as much on the same meter is a ratio of 2 exactly, and each stays 5 % uncertain."""
    small = energy(a_run())
    large = energy(with_rows(a_row(energy_joules=180.0)))
    assert large.over(small, "1").interval == pytest.approx((2.0, 2.0))
    assert large.interval == pytest.approx((171.0, 189.0))


def test_meters_of_two_machines_do_not_cancel() -> None:
    """Their errors have different names."""
    other = with_rows(a_row(errors={"rapl:other:gain": 0.05}))
    assert energy(a_run()).over(energy(other), "1").half_width == pytest.approx(0.05 * math.sqrt(2))


# --- boundary ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "boundary", "joules"),
    [
        ([a_row(), a_row(**GPU)], "device", 180.0),
        ([a_row(), a_row(**REST)], "node", 180.0),
        ([a_row(part_of="node:h"), a_row(**NODE, energy_joules=150.0)], "node", 150.0),
        ([a_row(**GPU), a_row(**REST)], "device", 180.0),
        ([a_row(device_id="pdu", component="site", boundary=Boundary.FACILITY)], "facility", 90.0),
        (
            [a_row(device_id="psys:h", component="psys", energy_joules=120.0), a_row(part_of="psys:h")],
            "device",
            120.0,
        ),
    ],
)
def test_the_boundary_is_what_was_covered(rows: list[EnergyRow], boundary: str, joules: float) -> None:
    """RAPL and NVML are devices; a node needs a reading of it or an explicit rest; parts are not added."""
    found = energy(with_rows(*rows))
    assert (found.terms["boundary"], found.value) == (boundary, joules)


def test_components_stand_at_the_boundary_of_the_whole() -> None:
    """They are parts of one sum, and add up to it."""
    facts = facts_of([with_rows(a_row(), a_row(**REST))], GIVEN)
    assert {n: f.terms["boundary"] for n, f in facts.energy_by_component.items()} == {
        "cpu": "node",
        "rest_of_node": "node",
    }
    assert isinstance(facts.energy, Figure)
    assert math.fsum(f.value for f in facts.energy_by_component.values()) == facts.energy.value


# --- gaps -------------------------------------------------------------------------------------------


def test_a_gap_is_estimated_at_the_mean_power_with_worst_case_bounds() -> None:
    """45 J in 5 s seen of 10 s: 45 J more are likely; at most 105 W (100 W and its meter's 5 %) for 5 s."""
    run = with_rows(a_row(energy_joules=45.0, observed_seconds=5.0, idle_watts=3.0))
    found = energy(run)
    assert (found.value, found.coverage) == (90.0, 0.5)
    assert found.grades == {Grade.B: 45.0, Grade.D: 45.0}
    assert found.half_width == pytest.approx(0.05 * 45.0 + (105.0 - 9.0) * 5.0)
    assert "50.0% of the time not observed" in found.notes[0]
    assert energy(run, fill=Fill.LEAST).value == pytest.approx(45.0 + 15.0)
    assert energy(run, fill=Fill.MOST).value == pytest.approx(45.0 + 500.0)


def test_a_row_that_saw_nothing_is_estimated_by_the_devices_other_rows() -> None:
    """9 W before, 9 W assumed; each stage by the power of the whole run, so that stages add up."""
    windows = (
        Window(id=1, name="a", stage="training", t0_seconds=0.0, duration_seconds=10.0),
        Window(id=2, name="b", stage="inference", t0_seconds=10.0, duration_seconds=10.0),
    )
    blind = a_row(t0_seconds=10.0, energy_joules=0.0, observed_seconds=0.0)
    facts = facts_of([with_rows(a_row(), blind, duration_seconds=20.0, windows=windows)], GIVEN)
    assert isinstance(facts.energy, Figure)
    assert facts.energy.value == 180.0
    assert {s: f.value for s, f in facts.energy_by_stage.items()} == {"training": 90.0, "inference": 90.0}
    assert {s: f.coverage for s, f in facts.energy_by_stage.items()} == {"training": 1.0, "inference": 0.0}


def test_a_device_that_was_never_read_is_between_idle_and_full() -> None:
    """Nothing but its limits is known: (100 + 20) / 2 W, and both ends are possible."""
    found = energy(with_rows(a_row(energy_joules=0.0, observed_seconds=0.0, idle_watts=20.0)))
    assert found.value == 600.0
    low, high = found.interval
    assert low <= 200.0
    assert high >= 1000.0
    assert found.grade is Grade.D


def test_a_device_without_readings_and_without_limit_is_missing() -> None:
    """There is nothing to estimate with, and leaving it out would flatter."""
    blind = a_row(energy_joules=0.0, observed_seconds=0.0, max_watts=None)
    assert "energy of cpu:" in missing(with_rows(blind))
    facts = facts_of([with_rows(blind, a_row(**GPU))], GIVEN)
    assert isinstance(facts.energy, Missing)
    assert list(facts.energy_by_component) == ["gpu"]


def test_an_unknown_limit_is_taken_as_twice_the_mean() -> None:
    """So that there is a bound at all; gates do not accept it."""
    found = energy(with_rows(a_row(energy_joules=45.0, observed_seconds=5.0, max_watts=None)), fill=Fill.MOST)
    assert found.value == pytest.approx(45.0 + 90.0)


def test_the_device_seen_least_sets_the_coverage() -> None:
    """A GPU that was seen half the time makes a total that was seen half the time."""
    half = a_row(**GPU, energy_joules=45.0, observed_seconds=5.0)
    assert energy(with_rows(a_row(), half)).coverage == 0.5


def test_a_run_without_length_missed_nothing() -> None:
    """Nothing was missed in no time."""
    row = a_row(duration_seconds=0.0, observed_seconds=0.0, energy_joules=0.0)
    assert energy(with_rows(row, duration_seconds=0.0)).coverage == 1.0


def test_a_whole_that_was_never_read_leaves_its_parts_and_no_coverage() -> None:
    """A node whose BMC was silent: the CPU's energy, a note, and no gate passes on it."""
    node = a_row(**NODE, energy_joules=0.0, observed_seconds=0.0)
    found = energy(with_rows(a_row(part_of="node:h"), node))
    assert (found.value, found.coverage) == (90.0, 0.0)
    assert "node:h was never read; its parts stand for it" in found.notes


# --- edges of rows ----------------------------------------------------------------------------------

SENSOR = f"nvml:GPU-1{REFRESH}"


def cut_row(pieces: int) -> list[EnergyRow]:
    """100 s of a GPU at 9 W whose counter moves every 0.1 s, cut into so many rows."""
    seconds = 100.0 / pieces
    return [
        a_row(
            **{**GPU, "errors": {"nvml:GPU-1:gain": 0.05, SENSOR: 0.1 / seconds}},
            t0_seconds=i * seconds,
            duration_seconds=seconds,
            observed_seconds=seconds,
            energy_joules=9.0 * seconds,
        )
        for i in range(pieces)
    ]


@pytest.mark.parametrize("pieces", [1, 10, 1000])
def test_cutting_a_run_into_windows_does_not_make_it_less_certain(pieces: int) -> None:
    """What one row lost at an edge the next one gained: 0.1 s at 9 W, however many rows."""
    found = energy(with_rows(*cut_row(pieces), duration_seconds=100.0))
    assert [e for name, e in found.errors.items() if name.startswith(SENSOR)] == [pytest.approx(0.9)]


def test_stretches_apart_have_edges_of_their_own() -> None:
    """Two separate runs of one GPU: their edges are independent."""
    run = with_rows(*cut_row(10), duration_seconds=100.0)
    found = energy(run, later(run, 1000.0))
    assert math.hypot(*(e for name, e in found.errors.items() if name.startswith(SENSOR))) == pytest.approx(
        0.9 * math.sqrt(2)
    )


def test_edges_of_two_runs_do_not_cancel_in_a_ratio() -> None:
    """The gain of the sensor does; when it last moved before each run began is chance."""
    run = with_rows(*cut_row(1), duration_seconds=100.0)
    ratio = energy(later(run, 1000.0)).over(energy(run), "1")
    assert ratio.half_width == pytest.approx(0.001 * math.sqrt(2))


def test_a_window_shorter_than_its_sensors_interval_is_no_certain_zero() -> None:
    """A counter that did not move in 20 ms: 0 J, and what the GPU uses in 0.1 s more or less."""
    short = a_row(
        **{**GPU, "errors": {SENSOR: 5.0}},
        t0_seconds=100.0,
        duration_seconds=0.02,
        observed_seconds=0.02,
        energy_joules=0.0,
    )
    stage = Window(id=1, name="q", stage="inference", t0_seconds=100.0, duration_seconds=0.02)
    run = with_rows(*cut_row(1), short, duration_seconds=100.02, windows=(stage,))
    found = facts_of([run], GIVEN).energy_by_stage["inference"]
    assert found.value == 0.0
    assert found.half_width == pytest.approx(0.9, rel=0.01)


# --- shares -----------------------------------------------------------------------------------------


def share(party: str, joules: float, **changes: Any) -> EnergyRow:
    fields = {"scope": Scope.SHARE, "party": party, "attribution_rule": "cpu_time", "energy_joules": joules}
    return a_row(**{**fields, **changes})


def shared_run(own: float = 30.0, **changes: Any) -> Run:
    rows = (a_row(), share("own", own), share("others", 20.0), share("idle", 70.0 - own))
    return with_rows(*rows, **changes)


def test_our_share_is_ours_alone() -> None:
    """30 of 90 J, and the rule says how they were told apart."""
    found = energy(shared_run(), given_=SHARE)
    assert found.value == 30.0
    assert found.terms["attribution_rule"] == "cpu_time"
    assert found.terms["scope"] == "share"
    assert energy(shared_run()).value == 90.0


def test_shares_of_different_subjects_add_up() -> None:
    """Two ranks side by side on one package: 30 J and 20 J are 50 J; nobody lost."""
    found = energy(shared_run(), shared_run(own=20.0, record_id="other"), given_=SHARE)
    assert found.value == 50.0
    assert found.notes == ()


def test_a_share_inside_another_share_is_not_added() -> None:
    """Our part of the node holds our part of the CPU."""
    rows = (
        a_row(part_of="node:h"),
        a_row(**NODE),
        share("own", 30.0, part_of="node:h"),
        share("own", 50.0, **NODE),
    )
    assert energy(with_rows(*rows), given_=SHARE).value == 50.0


def test_a_device_without_a_share_makes_the_share_missing() -> None:
    """Leaving the GPU out would be a lie."""
    run = with_rows(*shared_run().energies, a_row(**GPU))
    assert (
        missing(run, given_=SHARE)
        == "missing: share of GPU-1 (no per-process reading there: use whole devices)"
    )


# --- stages -----------------------------------------------------------------------------------------


def test_energy_goes_to_the_innermost_stage() -> None:
    """Evaluation inside training is evaluation; a window without stage changes nothing."""
    windows = (
        Window(id=1, name="t", stage="training", t0_seconds=0.0, duration_seconds=30.0),
        Window(id=2, parent=1, name="e", stage="evaluation", t0_seconds=10.0, duration_seconds=10.0),
        Window(id=3, parent=1, name="step", t0_seconds=0.0, duration_seconds=10.0),
    )
    rows = [a_row(t0_seconds=10.0 * i) for i in range(4)]
    facts = facts_of([with_rows(*rows, duration_seconds=40.0, windows=windows)], GIVEN)
    assert {s: f.value for s, f in facts.energy_by_stage.items()} == {
        "training": 180.0,
        "evaluation": 90.0,
        "unstaged": 90.0,
    }


def test_outside_of_windows_the_runs_own_stage_holds() -> None:
    """A run tagged as training is training where no window says otherwise."""
    facts = facts_of([a_run(subject=Subject(stage="training"))], GIVEN)
    assert list(facts.energy_by_stage) == ["training"]


# --- ranks ------------------------------------------------------------------------------------------


def rank(n: int, of: int = 2, **changes: Any) -> Run:
    fields = {"record_id": f"rank-{n}", "rank": n, "world_size": of, "parent": "job-1-0"}
    return a_run(**{**fields, **changes})


def test_ranks_on_one_machine_count_each_device_once() -> None:
    """Two ranks watched the same package: 90 J, one attempt, ten seconds."""
    facts = facts_of([rank(0), rank(1)], GIVEN)
    assert isinstance(facts.energy, Figure)
    assert (facts.energy.value, facts.energy.coverage) == (90.0, 1.0)
    assert (facts.attempts, facts.duration_seconds) == (1, 10.0)
    assert "also watched by run rank-1, counted from run rank-0" in facts.energy.notes[0]


def test_ranks_on_two_machines_add_up() -> None:
    """Two hosts, two packages."""
    elsewhere = rank(1, host=replace(HOST, id="other"))
    assert energy(rank(0), elsewhere).value == 180.0


def test_a_missing_rank_lowers_coverage_and_widens_the_interval() -> None:
    """One of two left nothing: it can have used as much as the other one at full power."""
    found = energy(rank(0))
    assert (found.value, found.coverage) == (90.0, 0.5)
    assert found.interval[1] >= 90.0 + 1000.0
    assert "evidence of only 50% of the ranks" in found.notes
    assert energy(rank(0), fill=Fill.LEAST).value == 90.0
    assert energy(rank(0), fill=Fill.MOST).value == 90.0 + 1000.0
    unlimited = rank(0, energies=(a_row(max_watts=None),))
    assert energy(unlimited, fill=Fill.MOST).value == 90.0 + 180.0


def test_missing_ranks_of_one_job_say_nothing_of_others() -> None:
    """A megajoule of another run beside a job of 90 J that lacks a rank: 1000 J more at most, not 2 MJ."""
    other = a_run(record_id="other", host=replace(HOST, id="h2"), energies=(a_row(energy_joules=1e6),))
    most = energy(rank(0), other, fill=Fill.MOST).value
    assert most == 1e6 + 90.0 + 1000.0


def test_missing_ranks_of_two_jobs_do_not_cancel_in_a_ratio() -> None:
    """What either job's missing ranks used is not known."""
    one, two = energy(rank(0)), energy(later(rank(0), 1000.0))
    assert two.over(one, "1").relative == pytest.approx(one.relative + two.relative, rel=0.01)


def test_taking_a_rank_away_never_moves_the_upper_end_inwards() -> None:
    """Four machines of one job at full power: without one of them, more is possible, not less."""
    runs = [
        rank(n, 4, host=replace(HOST, id=f"h{n}"), energies=(a_row(energy_joules=1000.0),)) for n in range(4)
    ]
    assert energy(*runs[:3]).interval[1] >= energy(*runs).interval[1]


def test_a_rank_without_a_job_stands_alone() -> None:
    """Nobody can tell which others belong to it."""
    alone = rank(0, parent=None)
    assert facts_of([alone, rank(1, parent=None)], GIVEN).attempts == 2


def test_device_hours_are_those_of_the_machine_whoever_watched() -> None:
    """Two ranks on a machine with two GPUs for an hour are 2 device-hours, not 4."""
    place = Place(hardware=(Hardware(component="gpu", name="H200", count=2.0),))
    hour = {"duration_seconds": 3600.0, "place": place}
    assert facts_of([rank(0, **hour), rank(1, **hour)], GIVEN).device_hours == 2.0
    again = rank(1, **hour, started_monotonic_seconds=1000.0 + 1800.0)
    assert facts_of([rank(0, **hour), again], GIVEN).device_hours == 3.0
    elsewhere = rank(1, **hour, host=replace(HOST, id="other"))
    assert facts_of([rank(0, **hour), elsewhere], GIVEN).device_hours == 4.0


def test_cpus_count_as_devices_where_there_are_no_accelerators() -> None:
    """A machine of one CPU for ten seconds; unknown hardware has no hours."""
    place = Place(hardware=(Hardware(component="cpu", name="EPYC"),))
    assert facts_of([a_run(place=place)], GIVEN).device_hours == pytest.approx(10.0 / 3600)
    assert facts_of([a_run()], GIVEN).device_hours is None


def test_runs_without_a_shared_clock_are_placed_by_the_wall_clock() -> None:
    """Imported runs have no boot: two that overlap in UTC are one device watched twice."""
    host = replace(HOST, boot_id=None)
    a = a_run(host=host)
    b = a_run(host=host, record_id="b", started_at="2026-11-01T12:00:05.000000Z")
    assert energy(a, b).value == pytest.approx(135.0)
    unclocked = a_run(record_id="c", started_monotonic_seconds=None)
    assert energy(a_run(), unclocked).value == 180.0


# --- what else is told ------------------------------------------------------------------------------


def test_open_and_interrupted_runs_are_said() -> None:
    """A figure over them is a figure so far."""
    runs = [a_run(status=Status.OPEN), later(a_run(status=Status.INTERRUPTED), 50.0)]
    assert energy(*runs).notes == ("1 of 2 runs still open", "1 of 2 runs interrupted")


def test_work_adds_up_and_counted_work_beats_declared() -> None:
    """Two runs of 10; what was stated beforehand gives way to what was counted, in the same run."""
    work = (
        Work(unit="inferences", count=100.0, declared=True),
        Work(unit="inferences", count=10.0, failed=1.0),
        Work(unit="flop", count=1e9, precision="fp16"),
        Work(unit="flop", count=1e9, precision="fp32"),
    )
    stated = Work(unit="inferences", count=5.0, declared=True)
    facts = facts_of([a_run(work=work), later(a_run(work=(stated,)), 50.0)], GIVEN)
    done = facts.work["inferences"]
    assert (done.count, done.failed, done.declared) == (15.0, 1.0, True)
    assert facts.work["flop"].precision == "mixed"
    assert facts.functional_unit == "inferences"
    assert facts_of([a_run()], Given(functional_unit="images")).functional_unit == "images"
    assert facts_of([a_run()], GIVEN).functional_unit is None


def quality_of(*qualities: Quality, **given_: Any) -> tuple[Figure | Missing, str | None]:
    facts = facts_of([a_run(quality=qualities)], Given(**given_))
    return facts.quality, facts.quality_name


def test_quality_is_the_only_one_or_accuracy_or_the_named_one() -> None:
    """Of several without a name nobody can choose."""
    f1, accuracy = Quality(name="f1", value=0.8), Quality(name="accuracy", value=0.9)
    assert quality_of(f1)[1] == "f1"
    assert quality_of(f1, accuracy)[1] == "accuracy"
    assert quality_of(f1, accuracy, quality_name="f1")[1] == "f1"
    answer, name = quality_of(f1, Quality(name="bleu", value=0.3))
    assert "several are logged (f1, bleu)" in str(answer)
    assert name is None
    assert "quality 'top5'" in str(quality_of(f1, quality_name="top5")[0])
    assert str(quality_of()[0]).startswith("missing: quality (run.log")


def test_quality_must_lie_between_nothing_and_all() -> None:
    """Lower-is-better and larger scales need a mapping, which the message names."""
    wer = Quality(name="wer", value=0.2, higher_is_better=False)
    assert "wer is lower-is-better" in str(quality_of(wer)[0])
    assert "bleu is 40" in str(quality_of(Quality(name="bleu", value=40.0))[0])
    mapped, _ = quality_of(wer, quality_map=(1.0, 0.0))
    assert isinstance(mapped, Figure)
    assert mapped.value == pytest.approx(0.8)
    assert "two different values" in str(quality_of(wer, quality_map=(1.0, 1.0))[0])
    assert "is -1" in str(quality_of(wer, quality_map=(0.1, 0.0))[0])


def goal(reached: bool | None) -> dict[str, Any]:
    return {"outcome": OutcomeGoal(condition="accuracy>=0.9", reached=reached)}


@pytest.mark.parametrize(
    ("told", "reached", "count"),
    [
        ([True, False], True, 1),
        ([False, False], False, 0),
        ([None, False], None, None),
        ([None, True], True, None),
    ],
)
def test_one_attempt_that_reached_the_outcome_is_enough(
    told: list[bool | None], reached: bool | None, count: int | None
) -> None:
    """And an attempt that does not tell leaves the count open."""
    runs = [later(a_run(**goal(r)), 100.0 * i) for i, r in enumerate(told)]
    facts = facts_of(runs, GIVEN)
    assert (facts.condition, facts.reached, facts.attempts_reached) == ("accuracy>=0.9", reached, count)
    assert facts_of([a_run()], GIVEN).reached is None


def test_reaching_another_outcome_is_not_reaching_the_declared_one() -> None:
    """An attempt that was content with less says nothing of the goal that the next one missed."""
    easy = a_run(outcome=OutcomeGoal(condition="accuracy>=0.5", reached=True))
    facts = facts_of([easy, later(a_run(**goal(False)), 100.0)], GIVEN)
    assert (facts.condition, facts.reached, facts.attempts_reached) == ("accuracy>=0.9", False, None)


def test_what_was_given_is_passed_on_and_what_was_not_is_missing() -> None:
    """Each Missing names the option that gives it."""
    bare = facts_of([a_run()], GIVEN)
    assert all(isinstance(x, Missing) for x in (bare.pue, bare.intensity, bare.embodied))
    told = facts_of(
        [a_run()],
        Given(
            pue=Pue(value=1.2),
            intensity=Intensity(grams_per_kwh=50.0, zone="FRA", source="test"),
            embodied=Embodied(total_grams=1.0, lifespan_hours=1.0),
        ),
    )
    assert isinstance(told.pue, Figure)
    assert isinstance(told.intensity, Figure)
    assert isinstance(told.embodied, Embodied)
    with pytest.raises(RefusedError, match="impossible"):
        facts_of([a_run()], Given(pue=Pue(value=0.5)))


def test_attempts_side_by_side_on_one_machine_share_its_time() -> None:
    """Two runs of one CPU at once used 90 J in 10 s: 9 W, not 4.5 W. One after the other took 20 s."""
    first = a_run()
    assert facts_of([first, later(first, 0.0)], GIVEN).duration_seconds == pytest.approx(10.0)
    assert facts_of([first, later(first, 4.0)], GIVEN).duration_seconds == pytest.approx(14.0)
    assert facts_of([first, later(first, 50.0)], GIVEN).duration_seconds == pytest.approx(20.0)
    elsewhere = replace(later(first, 0.0), host=replace(HOST, id="other"))
    assert facts_of([first, elsewhere], GIVEN).duration_seconds == pytest.approx(20.0)


def test_operations_add_up_what_measuring_cost() -> None:
    """Own and workload CPU seconds; where one run does not tell, the sum is not known."""
    cost = Overhead(cpu_seconds=1.0, workload_cpu_seconds=50.0)
    declared = (Work(unit="inferences", count=1.0, declared=True), Work(unit="samples", count=1.0))
    ours = {"overhead": cost, "environment": {"wattmark": "1"}}
    runs = [a_run(work=declared, **ours), later(a_run(**ours), 50.0)]
    found = facts_of(runs, Given(manual_steps=2)).operations
    assert (found.own_cpu_seconds, found.workload_cpu_seconds) == (2.0, 100.0)
    assert (found.manual_steps, found.declared_share) == (2, 1 / 4)  # two devices, two counts
    untold = facts_of([*runs, later(a_run(overhead=Overhead(cpu_seconds=1.0)), 99.0)], GIVEN).operations
    assert (untold.own_cpu_seconds, untold.workload_cpu_seconds) == (3.0, None)
    silent = facts_of([*runs, later(a_run(), 99.0)], GIVEN).operations
    assert silent.own_cpu_seconds is None
    nothing = facts_of([a_run(energies=())], GIVEN).operations
    assert (nothing.own_cpu_seconds, nothing.workload_cpu_seconds, nothing.declared_share) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(("kept", "share"), [(12, 1.0), (11, 1.0), (5, 0.5), (None, 1 / 12)])
def test_utilisation_covers_the_time_of_every_run_that_has_the_device(kept: int | None, share: float) -> None:
    """An hour holds twelve windows, the last of which may be cut short; a run without GPUs misses none."""
    gpu = (Hardware(component="gpu", name="G"),)

    def hour(windows: int | None) -> Run:
        rows = [
            Utilisation(component="gpu", signal="nvml_busy_time", mean=0.5, windows_300s=(0.5,) * windows)
            for windows in (windows,)
            if windows is not None
        ]
        return a_run(duration_seconds=3600.0, place=Place(hardware=gpu, utilisation=tuple(rows)))

    runs = [hour(12), later(hour(kept), 5000.0), later(a_run(duration_seconds=3600.0), 9999.0)]
    found = facts_of(runs, GIVEN).utilisation_coverage
    assert found == {("gpu", "nvml_busy_time"): pytest.approx(share)}


def test_the_rest_is_taken_from_the_runs() -> None:
    """Data set of the last run that names one, class and task of the first, everybody's utilisation."""
    busy = Utilisation(component="cpu", signal="cpu_busy_time", mean=0.5)
    subject = Subject(workload_class="classical", task="digits")
    first = a_run(subject=subject, dataset=Dataset(name="a"), place=Place(utilisation=(busy,)))
    second = later(a_run(dataset=Dataset(name="b"), place=Place(utilisation=(busy,))), 50.0)
    facts = facts_of([first, second], GIVEN)
    assert (facts.workload_class, facts.task, facts.dataset) == ("classical", "digits", Dataset(name="b"))
    assert facts.utilisation == (busy, busy)


# --- taking readings away ---------------------------------------------------------------------------

DEVICES: dict[str, dict[str, Any]] = {
    "cpu": {"max_watts": 100.0, "idle_watts": 10.0, "part_of": "node:h"},
    "gpu": {**GPU, "max_watts": 700.0, "part_of": "node:h"},
    "node": {
        **NODE,
        "max_watts": 1000.0,
        "idle_watts": 50.0,
        "errors": {"bmc:gain": 0.5, f"bmc{REFRESH}": 0.1},
    },
}


@st.composite
def evidence(draw: st.DrawFn) -> Run:
    """A run of up to three devices and up to four rows each, every power within its device's limits."""
    names = draw(st.lists(st.sampled_from(sorted(DEVICES)), min_size=1, max_size=3, unique=True))
    lengths = draw(st.lists(st.floats(min_value=0.1, max_value=100.0), min_size=1, max_size=4))
    rows = []
    for name in names:
        at = 0.0
        for seconds in lengths:
            share_of_most = draw(st.floats(min_value=0.0, max_value=1.0))
            watts = DEVICES[name]["max_watts"] * share_of_most
            row = a_row(**DEVICES[name], t0_seconds=at, duration_seconds=seconds, observed_seconds=seconds)
            rows.append(replace(row, energy_joules=watts * seconds))
            at += seconds
    return with_rows(*rows, duration_seconds=at)


def taken(row: EnergyRow, part: float) -> EnergyRow:
    """The row with this part of its time not observed; power was the same throughout."""
    return replace(
        row, observed_seconds=row.observed_seconds * (1 - part), energy_joules=row.energy_joules * (1 - part)
    )


@given(evidence(), st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=12, max_size=12), st.booleans())
@settings(max_examples=300, deadline=None)
def test_taking_readings_away_never_moves_the_upper_end_inwards(
    run: Run, parts: list[float], drop: bool
) -> None:
    """Rows half seen, rows unseen, rows left out: the most that can have been used never falls.

    A node that was never read at all leaves the sum of its parts, with a coverage of 0: nothing passes on it.
    """
    seen = zip(run.energies, parts, strict=False)
    rows = [taken(row, part) for row, part in seen if not (drop and part == 1.0)]
    lost = {r.device_id for r in run.energies} - {r.device_id for r in rows if r.observed_seconds > 0}
    whole = energy(run)
    if {r.device_id for r in run.energies} - {r.device_id for r in rows}:
        return  # a device of which no row is left is one that nothing can know of
    less = facts_of([replace(run, energies=tuple(rows))], GIVEN)
    assert isinstance(less.energy, Figure)
    if "node:h" in lost and len(lost) < len({r.device_id for r in run.energies}):
        assert less.energy.coverage == 0.0
        return
    assert less.energy.interval[1] >= whole.interval[1] * (1 - 1e-9)
    assert less.energy.coverage <= whole.coverage + 1e-12
    most = energy(replace(run, energies=tuple(rows)), fill=Fill.MOST)
    assert most.value >= whole.value * (1 - 1e-9)
    least = energy(replace(run, energies=tuple(rows)), fill=Fill.LEAST)
    assert least.value <= less.energy.value * (1 + 1e-9)


@given(evidence(), st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=12, max_size=12))
@settings(max_examples=200, deadline=None)
def test_stages_and_components_add_up_to_the_whole_whatever_is_missing(run: Run, parts: list[float]) -> None:
    """Estimated gaps included."""
    windows = (
        Window(id=1, name="t", stage="training", t0_seconds=0.0, duration_seconds=run.duration_seconds / 2),
    )
    rows = tuple(taken(row, part) for row, part in zip(run.energies, parts, strict=False))
    facts: Facts = facts_of([replace(run, energies=rows, windows=windows)], GIVEN)
    assert isinstance(facts.energy, Figure)
    for split in (facts.energy_by_stage, facts.energy_by_component):
        assert math.fsum(f.value for f in split.values()) == pytest.approx(facts.energy.value)


def test_what_a_model_was_tested_on_is_no_training_data() -> None:
    """0.8 over 1 TB, whatever a later evaluation read; on 3 TB more 0.2; the same data count once."""
    quality = (Quality(name="accuracy", value=0.8),)

    def part(number: int, stage: str, name: str, size: int | None) -> Run:
        return a_run(
            record_id=f"00000000-0000-4000-8000-{number:012d}",
            started_at=f"2026-11-01T{number:02d}:00:00.000000Z",
            started_monotonic_seconds=3600.0 * number,
            subject=Subject(stage=stage, task="t"),
            dataset=Dataset(name=name, unique_bytes=size, sha256=name * 64),
            quality=quality,
        )

    def score(*runs: Run) -> Answer:
        return CATALOG["data_efficiency_score"].answer(facts_of(runs, Given()))

    trained, tested = part(1, "training", "a", 10**12), part(9, "evaluation", "b", 10**9)
    again, tuned = part(2, "training", "a", 10**12), part(3, "fine_tuning", "c", 3 * 10**12)
    for found, expected in (
        (score(trained, tested), 0.8),
        (score(trained, again, tested), 0.8),
        (score(trained, tuned), 0.2),
        (score(tested), 800.0),
    ):
        assert isinstance(found, Figure)
        assert found.value == pytest.approx(expected)
    assert isinstance(score(trained, part(4, "training", "d", None)), Missing)


@pytest.mark.parametrize(("short", "expected"), [(900.0, 0.74), (0.0, 0.9)])
def test_a_mean_utilisation_weighs_runs_by_their_time(short: float, expected: float) -> None:
    """An hour at 90 % and a quarter of one at 10 % are 74 %, whatever windows of five minutes each kept."""

    def busy(number: int, mean: float, seconds: float) -> Run:
        used = Utilisation(component="gpu", signal="sm_activity", mean=mean)
        return a_run(
            record_id=f"00000000-0000-4000-8000-{number:012d}",
            started_monotonic_seconds=1e5 * number,
            duration_seconds=seconds,
            energies=(),
            place=Place(utilisation=(used,)),
        )

    facts = facts_of([busy(1, 0.9, 3600.0), busy(2, 0.1, short)], GIVEN)
    told = mean_utilisation(facts)
    assert isinstance(told, Figure)
    assert told.value == pytest.approx(expected)
    nothing = mean_utilisation(facts_of([busy(1, 0.9, 0.0), busy(2, 0.1, 0.0)], GIVEN))
    assert isinstance(nothing, Figure)
    assert nothing.value == pytest.approx(0.5)
