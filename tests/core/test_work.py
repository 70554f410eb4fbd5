"""Work that was done, told apart by stages: what evaluation did is not over the energy of serving."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import HOST, a_row, a_run
from wattmark.core.facts import WorkDone
from wattmark.core.figure import Figure, Missing
from wattmark.core.given import Given
from wattmark.core.known import Boundary
from wattmark.core.kpis import CATALOG
from wattmark.core.run import Quality, Run, Subject, Window, Work
from wattmark.core.totals import facts_of
from wattmark.core.work import stage_of_work, when_done, work_by_stage, work_together

NODE = a_row(device_id=f"node:{HOST.id}", component="node", boundary=Boundary.NODE)
GIVEN = Given(lifetime_inferences=1e9)


def part(number: int, stage: str | None, inferences: float, **changes: object) -> Run:
    """90 J of one stage of a solution, and what it inferred."""
    fields: dict[str, object] = {
        "record_id": f"00000000-0000-4000-8000-{number:012d}",
        "started_monotonic_seconds": 1000.0 * number,
        "solution_id": "one",
        "subject": Subject(model="m", stage=stage),
        "energies": (NODE,),
        "work": (Work(unit="inferences", count=inferences),) if inferences else (),
        "quality": (Quality(name="accuracy", value=0.9),),
    }
    return a_run(**{**fields, **changes})


SERVED, EVALUATED = part(1, "inference", 1000.0), part(2, "evaluation", 9000.0)


@pytest.mark.parametrize("kpi", ["inference_watts_per_query", "performance_per_watt"])
def test_inferences_of_an_evaluation_do_not_share_the_energy_of_serving(kpi: str) -> None:
    """90 J for 1000 inferences are 0.09 J each, however many an evaluation made on energy of its own."""
    alone, together = (CATALOG[kpi].answer(facts_of(r, GIVEN)) for r in ([SERVED], [EVALUATED, SERVED]))
    assert isinstance(alone, Figure)
    assert isinstance(together, Figure)
    assert together.value == pytest.approx(alone.value)


def test_the_model_efficiency_ratio_counts_served_inferences_alone() -> None:
    """0.9 over 90 J for 1000 inferences (and next to nothing of training): 0.9 / 2.5e-5 kWh."""
    answer = CATALOG["model_efficiency_ratio"].answer(facts_of([EVALUATED, SERVED], GIVEN))
    assert isinstance(answer, Figure)
    assert answer.value == pytest.approx(36000, rel=1e-3)


def test_work_that_was_logged_in_no_stage_is_served_as_its_energy_is() -> None:
    """180 J of serving and of time outside any stage, 1500 inferences: 120 W per thousand a second."""
    facts = facts_of([SERVED, part(3, None, 500.0)], GIVEN)
    answer = CATALOG["inference_watts_per_query"].answer(facts)
    assert isinstance(answer, Figure)
    assert answer.value == pytest.approx(120.0)


@pytest.mark.parametrize(
    "kpi", ["inference_watts_per_query", "performance_per_watt", "model_efficiency_ratio"]
)
def test_work_of_other_stages_alone_is_missing_where_it_was_served(kpi: str) -> None:
    """Dividing the energy of serving by what an evaluation did would be a number about nothing."""
    answer = CATALOG[kpi].answer(facts_of([EVALUATED, part(1, "inference", 0.0)], GIVEN))
    assert isinstance(answer, Missing)
    assert answer.field == "work (inferences) of the inference stage"


def test_requests_that_were_served_stand_for_inferences_of_an_evaluation() -> None:
    """90 J for 100 requests: 900 W per thousand a second."""
    served = part(1, "inference", 0.0, work=(Work(unit="requests", count=100.0),))
    answer = CATALOG["inference_watts_per_query"].answer(facts_of([EVALUATED, served], GIVEN))
    assert isinstance(answer, Figure)
    assert answer.value == pytest.approx(900.0)


def test_work_is_of_the_innermost_window_that_holds_its_time() -> None:
    """By its window, by its time; else of the run's own stage."""
    outer = Window(id=1, name="all", stage="training", t0_seconds=0.0, duration_seconds=8.0)
    inner = Window(id=2, name="test", stage="evaluation", t0_seconds=4.0, duration_seconds=2.0)
    run = a_run(windows=(outer, inner), subject=Subject(stage="tuning"))
    timed = Work(unit="samples", count=1.0, t0_seconds=1.0, duration_seconds=1.0)
    assert stage_of_work(run, Work(unit="samples", count=1.0, window=2)) == "evaluation"
    assert stage_of_work(run, timed) == "training"
    assert stage_of_work(run, replace(timed, duration_seconds=9.0)) == "tuning"
    assert stage_of_work(a_run(), timed) == "unstaged"


def test_work_of_a_whole_run_that_served_in_a_part_of_it_is_of_no_stage() -> None:
    """``--work inferences=1000`` beside windows: nobody said that they were made in training."""
    run = a_run(
        windows=(
            Window(id=1, name="fit", stage="training", t0_seconds=0.0, duration_seconds=8.0),
            Window(id=2, name="serve", stage="inference", t0_seconds=8.0, duration_seconds=2.0),
        )
    )
    work = Work(unit="inferences", count=1000.0, declared=True)
    assert when_done(run, work) == (0.0, 10.0)
    assert stage_of_work(run, work) == "unstaged"


def test_work_is_added_up_and_told_apart() -> None:
    """Ten of a stage and five of none are fifteen; two precisions are a mixture."""
    ten = WorkDone(unit="flop", count=10.0, failed=1.0, precision="bf16", stage="training")
    five = WorkDone(unit="flop", count=5.0, declared=True, precision="fp32")
    assert work_together([ten, five]) == {
        "flop": WorkDone(unit="flop", count=15.0, failed=1.0, declared=True, precision="mixed")
    }
    assert work_by_stage([ten, five]) == {
        "training": {"flop": replace(ten, stage="")},
        "unstaged": {"flop": five},
    }
