"""A run's KPIs are the same whether they are made from the run itself or from the ledger that counted it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import HOST, a_row, a_run
from tests.ledger.landing import NOW
from wattmark.core.carbon import Intensity, Pue, entering
from wattmark.core.facts import Embodied
from wattmark.core.figure import Figure
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.kpis import CATALOG
from wattmark.core.plain import plain
from wattmark.core.rollup import facts_of_total
from wattmark.core.run import EnergyRow, Overhead, Place, Quality, Run, Subject, Work
from wattmark.core.tags import TagRules
from wattmark.core.totals import facts_of
from wattmark.ledger.derive import refresh
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.factors import EmbodiedShare, Factors, GridFactor
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run
from wattmark.ledger.rollup import Question, roll_up
from wattmark.ledger.store import LocalStore

GRID = GridFactor(zone="FRA", grams_per_kwh=36.5, source="table", year=2025, relative_error=0.1)
TE_GRAMS, LIFE_HOURS = 1.2e6, 35064.0
LONG = 2 * 3600.0
"""Crosses the edges of quarters of an hour."""
NODE = a_row(
    device_id=f"node:{HOST.id}",
    component="node",
    boundary=Boundary.NODE,
    method=Method.BMC,
    grade=Grade.A,
    errors={f"bmc:{HOST.id}": 0.05},
    duration_seconds=LONG,
    observed_seconds=LONG,
    energy_joules=1234567.891,
    max_watts=900.0,
)
CPU = replace(a_row(), duration_seconds=LONG, observed_seconds=LONG, energy_joules=345678.9)
REST = replace(
    CPU,
    device_id=f"rest_of_node:{HOST.id}",
    component="rest_of_node",
    grade=Grade.D,
    method=Method.MODELLED,
    energy_joules=54321.0,
    errors={"model:rest": 0.5},
)
GAP = replace(NODE, observed_seconds=LONG * 0.9, energy_joules=1e6, idle_watts=100.0)


def a_long_run(*rows: EnergyRow, **changes: object) -> Run:
    """Two hours of serving in France."""
    return a_run(
        duration_seconds=LONG,
        energies=rows,
        subject=Subject(stage="inference", team="search", workload_class="classical"),
        place=Place(country="FRA", pue=1.25, pue_kind="measured"),
        work=(Work(unit="inferences", count=54321.0, failed=7.0),),
        quality=(Quality(name="accuracy", value=0.9),),
        overhead=Overhead(cpu_seconds=1.5, workload_cpu_seconds=5000.0),
        **changes,
    )


@pytest.mark.parametrize(
    "rows",
    [(NODE,), (NODE, CPU), (CPU, REST), (CPU,), (GAP,)],
    ids=["node", "node over cpu", "cpu and rest", "devices only", "with a gap"],
)
def test_kpis_from_the_ledger_are_those_of_the_run(tmp_path: Path, rows: tuple[EnergyRow, ...]) -> None:
    """Energy to a microjoule, KPIs to 1e-9, and every one on the same terms."""
    run = a_long_run(*rows)
    store = LocalStore(tmp_path)
    land_run(store, json.dumps(plain(run)).encode())
    fold(store, NOW)
    snapshot = refresh(store, TagRules())
    embodied = EmbodiedShare(name="machine", total_grams=TE_GRAMS, lifespan_hours=LIFE_HOURS)
    with DuckDbEngine() as engine:
        question = Question(by=("workload_class",))
        answer = roll_up(snapshot, question, Factors(grid=(GRID,), embodied=(embodied,)), engine)
    (told,) = answer.totals
    mine = facts_of_total(told, Given(lifetime_inferences=1e6))
    theirs = facts_of(
        [run],
        Given(
            pue=Pue(value=1.25, kind="measured"),
            intensity=entering(
                Intensity(
                    grams_per_kwh=GRID.grams_per_kwh,
                    zone="FRA",
                    source="table",
                    year=2025,
                    relative_error=0.1,
                )
            ),
            embodied=Embodied(
                total_grams=TE_GRAMS,
                lifespan_hours=LIFE_HOURS,
                reserved_hours=LONG / 3600,
                relative_error=0.3,
            ),
            lifetime_inferences=1e6,
        ),
    )
    assert isinstance(mine.energy, Figure)
    assert isinstance(theirs.energy, Figure)
    assert mine.energy.value == pytest.approx(theirs.energy.value, abs=1e-5)
    assert mine.energy.half_width == pytest.approx(theirs.energy.half_width, rel=1e-6)
    assert mine.energy.coverage == pytest.approx(theirs.energy.coverage)
    answered = 0
    for kpi in CATALOG.values():
        if kpi.id == "operational_overhead_score":
            continue  # the latency of a fold is the ledger's own
        ours, expected = kpi.answer(mine), kpi.answer(theirs)
        assert type(ours) is type(expected), (kpi.id, ours, expected)
        if isinstance(ours, Figure) and isinstance(expected, Figure):
            answered += 1
            assert ours.value == pytest.approx(expected.value, rel=1e-9), kpi.id
            assert ours.terms == expected.terms, kpi.id
            assert ours.grade == expected.grade, kpi.id
    assert answered >= 7


def test_work_of_an_evaluation_is_not_over_the_energy_of_serving_in_a_ledger_either(tmp_path: Path) -> None:
    """90 J and 1000 inferences served, 9000 in an evaluation: 90 W per thousand a second, as of the runs."""
    served = a_run(subject=Subject(stage="inference"), work=(Work(unit="inferences", count=1000.0),))
    tested = replace(
        served,
        record_id="00000000-0000-4000-8000-000000000002",
        started_at="2026-11-01T13:00:00.000000Z",
        started_monotonic_seconds=4600.0,
        subject=Subject(stage="evaluation"),
        work=(Work(unit="inferences", count=9000.0),),
    )
    store = LocalStore(tmp_path)
    for run in (served, tested):
        land_run(store, json.dumps(plain(run)).encode())
    fold(store, NOW)
    snapshot = refresh(store, TagRules())
    with DuckDbEngine() as engine:
        (told,) = roll_up(snapshot, Question(), Factors(), engine).totals
    mine, theirs = facts_of_total(told, Given()), facts_of([served, tested], Given())
    assert mine.work["inferences"].count == theirs.work["inferences"].count == 10_000
    for facts in (mine, theirs):
        answer = CATALOG["inference_watts_per_query"].answer(facts)
        assert isinstance(answer, Figure)
        assert answer.value == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("month", "team", "told"), [(11, "search", True), (10, "search", False), (11, "ads", False)]
)
def test_totals_tell_of_machines_of_which_only_parts_were_read(
    tmp_path: Path, month: int, team: str, told: bool
) -> None:
    """The meter of a node never answered and a GPU in it did: the rest of the node is in no total."""
    gpu = replace(CPU, device_id="gpu:0", component="gpu", part_of=NODE.device_id)
    run = a_long_run(gpu, replace(NODE, energy_joules=0.0, observed_seconds=0.0))
    store = LocalStore(tmp_path)
    land_run(store, json.dumps(plain(run)).encode())
    fold(store, NOW)
    snapshot = refresh(store, TagRules())
    start = datetime(2026, month, 1, tzinfo=UTC)
    question = Question(by=("team",), where={"team": (team,)}, start=start, end=start + timedelta(days=30))
    with DuckDbEngine() as engine:
        findings = roll_up(snapshot, question, Factors(), engine).findings
    assert [f.partition(":")[0] for f in findings if "never read" in f] == (
        ["of 1 run the meter of the machine was never read, and only its parts stand for it"] if told else []
    )
