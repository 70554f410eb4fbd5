"""Totals of a ledger: what they hold, and the facts that KPIs take from them."""

from __future__ import annotations

import pytest

from tests.builders import a_row, a_run
from tests.core.ledger_parts import FRANCE, a_group, a_part, how
from wattmark.core.carbon import Pue
from wattmark.core.facts import Embodied, Operations, WorkDone
from wattmark.core.figure import Figure, Missing
from wattmark.core.given import Given
from wattmark.core.known import Boundary
from wattmark.core.kpis import CATALOG
from wattmark.core.kpis.embodied_carbon_amortisation import amortised
from wattmark.core.parts import Group, RunsOf
from wattmark.core.reserved import Reserved
from wattmark.core.rollup import facts_of_total, total_of
from wattmark.core.run import Overhead, Quality, Subject, Work
from wattmark.core.totals import facts_of

SERVER = Reserved(name="machine", total_grams=1000.0, lifespan_hours=100.0, hours=10.0)


def grams(*reserved: Reserved) -> float:
    """What KPIs make of reserved hours."""
    told = total_of(Group(reserved=reserved, parts=(a_part(),)))
    answer = amortised(facts_of_total(told, Given()))
    assert isinstance(answer, Figure), answer
    return answer.value


def test_embodied_carbon_goes_by_reserved_hours() -> None:
    """1000 g over a life of 100 h, 10 h of it reserved: 100 g."""
    assert grams(SERVER) == pytest.approx(100)


def test_a_fleet_may_be_reserved_for_longer_than_one_life() -> None:
    """250 h of devices that live 100 h each are those of three devices: 2500 g."""
    fleet = Reserved(name="gpu", total_grams=1000.0, lifespan_hours=100.0, hours=250.0)
    assert grams(fleet) == pytest.approx(2500)


def test_devices_of_several_kinds_carry_the_sum_of_theirs() -> None:
    """100 g of the machine and half of 2000 g x 5 h / 50 h of a GPU: 200 g."""
    gpu = Reserved(name="gpu", total_grams=2000.0, lifespan_hours=50.0, hours=5.0, reserved_share=0.5)
    assert grams(SERVER, gpu) == pytest.approx(200)


def test_embodied_carbon_that_nobody_stated_is_missing() -> None:
    """So is that of devices that were not in use."""
    assert isinstance(total_of(Group()).embodied, Missing)
    idle = Reserved(name="gpu", total_grams=1000.0, lifespan_hours=100.0, hours=0.0)
    assert str(total_of(Group(reserved=(idle,))).embodied).startswith("missing: reserved hours")


def test_a_share_of_nothing_carries_nothing() -> None:
    """Reserved resources of 0: 0 g, without an error of its own."""
    none = Reserved(name="gpu", total_grams=1000.0, lifespan_hours=100.0, hours=1.0, reserved_share=0.0)
    assert grams(none) == 0.0


def test_work_of_one_unit_adds_up() -> None:
    """What was stated for one part is said of the sum; precisions that differ are mixed."""
    done = (
        WorkDone(unit="flop", count=2.0, precision="fp16"),
        WorkDone(unit="flop", count=3.0, failed=1.0, declared=True, precision="bf16"),
        WorkDone(unit="flop", count=1.0, precision="bf16"),
        WorkDone(unit="images", count=1.0),
        WorkDone(unit="images", count=1.0),
    )
    assert total_of(Group(work=done)).work == {
        "flop": WorkDone(unit="flop", count=6.0, failed=1.0, declared=True, precision="mixed"),
        "images": WorkDone(unit="images", count=2.0),
    }


def test_a_group_without_energy_has_no_carbon_either() -> None:
    """All that hangs on energy is Missing."""
    told = total_of(Group(work=(WorkDone(unit="images", count=1.0),)))
    assert all(
        isinstance(f, Missing) for f in (told.energy, told.carbon, told.facility, told.pue, told.intensity)
    )
    assert told.energy_by_component == {}


def test_kpis_refuse_energy_of_which_a_part_was_never_read() -> None:
    """The total shows what was seen; a KPI of it would claim more."""
    blind = a_part(0, component="gpu", known=how("k2"), observed_us=0, gap_us=10, unfilled_us=10)
    facts = facts_of_total(total_of(a_group(a_part(), blind)), Given())
    assert isinstance(facts.energy, Missing)
    assert facts.energy.field == "energy of gpu"


def test_what_is_given_goes_before_the_ledgers_own_factors() -> None:
    """A stated PUE, intensity, unit or embodied share is the caller's question."""
    told = total_of(
        Group(
            group={"workload_class": "vision-batch", "task": "images"},
            parts=(a_part(intensity=FRANCE, pue=Pue(value=1.5)),),
            work=(WorkDone(unit="images", count=1.0), WorkDone(unit="inferences", count=2.0)),
            runs=RunsOf(runs=2, attempts=2, operations=Operations(own_cpu_seconds=1.0)),
        )
    )
    own = facts_of_total(told, Given())
    embodied = Embodied(total_grams=1.0, lifespan_hours=1.0)
    given = Given(
        pue=Pue(value=1.1), intensity=FRANCE, embodied=embodied, functional_unit="images", manual_steps=3
    )
    asked = facts_of_total(told, given)
    assert isinstance(own.pue, Figure)
    assert isinstance(asked.pue, Figure)
    assert (own.pue.value, asked.pue.value) == (1.5, 1.1)
    assert (own.functional_unit, asked.functional_unit) == ("inferences", "images")
    assert asked.embodied is embodied
    assert asked.operations == Operations(own_cpu_seconds=1.0, manual_steps=3)
    assert (asked.workload_class, asked.task, asked.attempts) == ("vision-batch", "images", 2)


def test_kpis_of_one_run_are_those_of_its_total() -> None:
    """No formula is written twice: what the ledger adds up gives what the run itself gives."""
    row = a_row(
        boundary=Boundary.NODE,
        component="node",
        device_id="node:h",
        errors={"rapl:k1:gain": 0.05},
        energy_joules=90.0,
    )
    run = a_run(
        energies=(row,),
        subject=Subject(stage="inference"),
        work=(
            Work(unit="inferences", count=1000.0, failed=10.0),
            Work(unit="flop", count=1e12, precision="bf16"),
        ),
        quality=(Quality(name="accuracy", value=0.9),),
        overhead=Overhead(cpu_seconds=0.1, workload_cpu_seconds=9.0),
    )
    given = Given(
        pue=Pue(value=1.3, relative_error=0.05),
        intensity=FRANCE,
        embodied=Embodied(total_grams=1e6, lifespan_hours=35064.0, reserved_hours=10 / 3600),
        lifetime_inferences=1e6,
        manual_steps=1,
    )
    group = Group(
        parts=(
            a_part(
                90 / 3.6e6,
                FRANCE,
                given.pue,
                stage="inference",
                observed_us=10_000_000,
            ),
        ),
        work=(
            WorkDone(unit="inferences", count=1000.0, failed=10.0),
            WorkDone(unit="flop", count=1e12, precision="bf16"),
        ),
        quality={"accuracy": run.quality[0]},
        runs=RunsOf(
            runs=1,
            attempts=1,
            duration_seconds=10.0,
            machine_hours=10 / 3600,
            operations=Operations(own_cpu_seconds=0.1, workload_cpu_seconds=9.0, declared_share=0.0),
        ),
        reserved=(Reserved(name="machine", total_grams=1e6, lifespan_hours=35064.0, hours=10 / 3600),),
    )
    mine = facts_of_total(total_of(group), Given(lifetime_inferences=1e6, manual_steps=1))
    theirs = facts_of([run], given)
    answered = 0
    for kpi in CATALOG.values():
        ours, expected = kpi.answer(mine), kpi.answer(theirs)
        assert type(ours) is type(expected), kpi.id
        if isinstance(ours, Figure) and isinstance(expected, Figure):
            answered += 1
            assert ours.value == pytest.approx(expected.value, rel=1e-9), kpi.id
            assert ours.half_width == pytest.approx(expected.half_width, rel=1e-9), kpi.id
            assert ours.terms == expected.terms, kpi.id
            assert ours.grade == expected.grade, kpi.id
    assert answered >= 8


def test_a_total_tells_what_it_is_of() -> None:
    """Its group, its period, and the whole numbers behind its figures."""
    part = a_part(gap_us=1, gap_uj=7)
    told = total_of(Group(group={"team": "a"}, period="2026-11", parts=(part, part)))
    assert (dict(told.group), told.period) == ({"team": "a"}, "2026-11")
    assert (told.observed_uj, told.gap_uj) == (2 * part.energy_uj, 14)
