"""The contents of a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_row, a_run
from tests.reports.sample import GIVEN, a_bare_report, a_real_run, a_report
from wattmark.core.carbon import Intensity
from wattmark.core.errors import RefusedError
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, NotReached, Undefined, exact
from wattmark.core.known import Grade, Scope
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import Aggregation, Limit
from wattmark.core.run import OutcomeGoal, Overhead, Status, Window
from wattmark.core.totals import facts_of
from wattmark.core.verdict import Finding, Ruling
from wattmark.reports import sections


def test_every_kpi_of_the_catalog_has_an_answer() -> None:
    """Also for a run without any reading: then each says what is missing."""
    assert list(sections.answers_of(a_report().facts)) == list(CATALOG)
    assert not any(isinstance(a, Figure) for a in a_bare_report().answers.values())


def test_a_refusal_is_an_answer_that_says_why() -> None:
    """A KPI that refuses to mislead does not end the report."""

    def refuse(facts: Facts) -> Answer:
        raise RefusedError("this would mislead; give the node's energy")

    kpi = replace(CATALOG["pue"], of=refuse)
    told = sections.answers_of(a_report().facts, {"pue": kpi})
    assert told == {"pue": Undefined("this would mislead; give the node's energy")}


def test_a_figure_of_devices_alone_says_so_in_its_name() -> None:
    """A CPU counter is not the machine."""
    run = a_run(outcome=OutcomeGoal(condition="done", reached=True))
    rows = sections.kpi_rows(sections.answers_of(facts_of([run], GIVEN)))
    titles = {row.id: row.title for row in rows}
    assert titles["energy_to_solution"] == "Energy-to-Solution (devices only)"
    assert titles["pue"] == "Power Usage Effectiveness"


def test_why_not_says_the_matter_and_the_fix() -> None:
    """What is unknown is told apart by kind."""
    assert sections.why_not(Missing("pue", "give --pue")) == ("missing: pue", "give --pue")
    assert sections.why_not(Missing("pue")) == ("missing: pue", "give pue")
    assert sections.why_not(Undefined("no work")) == ("undefined: no work", "")
    matter, fix = sections.why_not(NotReached("accuracy>=0.95", exact(3.6e6, "J")))
    assert matter == "not reached: accuracy>=0.95; spent without reaching it: 3.60 MJ"
    assert fix
    assert sections.why_not(exact(1, "1")) == ("", "")


def test_errors_that_cancel_leave_no_interval() -> None:
    """A half width that is only floating point is not an interval of 1.60 to 1.60."""
    assert sections.interval_words(Figure(1.6, "1", errors={"gain": 1e-16})) == ""
    assert sections.interval_words(Figure(1000.0, "J", errors={"gain": 50.0})) == "0.950 to 1.05 kJ"


def test_named_sources_share_the_variance() -> None:
    """3 and 4 make 5: 36 % and 64 % of the variance; a source of nothing is not listed."""
    found = sections.error_shares(Figure(10.0, "J", errors={"pue": 3.0, "gain": -4.0, "none": 0.0}))
    assert [(e.source, e.half_width, e.share) for e in found] == [
        ("gain", 4.0, pytest.approx(0.64)),
        ("pue", 3.0, pytest.approx(0.36)),
    ]


def test_comparisons_hold_the_grid_at_the_baseline() -> None:
    """A grid ten times dirtier today does not make the model look worse."""
    data = a_report()
    assert GIVEN.intensity is not None
    dirty = Intensity(grams_per_kwh=560.0, zone="FRA", source="Ember", year=2025, relative_error=0.1)
    facts = replace(data.facts, intensity=dirty.figure())
    held = {c.row.id: c.value.value for c in sections.comparisons(replace(data, facts=facts))}
    clean = {c.row.id: c.value.value for c in sections.comparisons(data)}
    assert held == pytest.approx(clean)


def test_comparisons_hold_the_hours_of_a_baselines_repeats_too() -> None:
    """A second repeat of the baseline at ten times the grid does not make the candidate look better."""
    data = replace(a_report(), score=None)
    before = data.baseline
    assert before is not None
    dirty = Intensity(grams_per_kwh=560.0, zone="FRA", source="Ember", year=2025, relative_error=0.1)
    hours = before.facts, replace(before.facts, intensity=dirty.figure())
    ratios = []
    for repeats in (hours, (before.facts, before.facts)):
        found = sections.comparisons(replace(data, baseline=replace(before, repeats=repeats)))
        ratios.append({c.row.id: c.line.used for c in found})
    assert ratios[0] == pytest.approx(ratios[1])


def test_ratios_above_one_are_better_whichever_way_a_kpi_counts() -> None:
    """The baseline used 1.6 times as much: every ratio of energy is 1.6."""
    ratios = {c.row.id: c.line.ratio for c in sections.comparisons(a_report())}
    for key in ("energy_to_solution", "performance_per_watt"):
        ratio = ratios[key]
        assert isinstance(ratio, Figure)
        assert ratio.value == pytest.approx(1.6)


def test_without_a_baseline_nothing_is_compared() -> None:
    """No section rather than an empty one."""
    assert sections.comparisons(replace(a_report(), baseline=None)) == []


def test_what_was_not_seen_lists_gaps_and_cut_off_runs() -> None:
    """The named blind spots, the gap with its reason, and an end that nobody saw; each once."""
    run = a_real_run(status=Status.INTERRUPTED)
    told = sections.not_seen([run, run])
    assert ("network switches", "no meter reaches them") in told
    assert any(what == "gpu, 4.00 s from 30.0 s" and "the driver was reloaded" in why for what, why in told)
    assert ("run 3f6d1c8e after its last checkpoint", "the process was cut off") in told
    assert len(told) == len(set(told))
    assert sections.not_seen([a_run(status=Status.OPEN)]) == [
        ("run 00000000 from now on", "it has not ended")
    ]


def test_stage_bands_are_the_outermost_stages() -> None:
    """A stage inside a stage is part of it; without stages the windows below the root are shown."""
    outer = Window(id=1, name="train", stage="training", t0_seconds=0, duration_seconds=8)
    inner = Window(id=2, parent=1, name="eval", stage="evaluation", t0_seconds=4, duration_seconds=1)
    assert sections.stage_bands(a_run(windows=(outer, inner))) == [("training", 0, 8)]
    root = Window(id=1, name="run", t0_seconds=0, duration_seconds=9)
    child = Window(id=2, parent=1, name="load", t0_seconds=2, duration_seconds=3)
    assert sections.stage_bands(a_run(windows=(root, child))) == [("load", 2, 5)]


def test_devices_add_up_over_stretches_and_shares_stay_apart() -> None:
    """Two stretches of 90 J are one line of 180 J; the own share is another line."""
    share = a_row(scope=Scope.SHARE, party="own", energy_joules=40.0)
    run = a_run(energies=(a_row(), a_row(t0_seconds=10.0, observed_seconds=5.0), share))
    found = sections.devices([run])
    assert [(d.row.scope, d.energy_joules, d.coverage) for d in found] == [
        (Scope.WHOLE, 180.0, 0.75),
        (Scope.SHARE, 40.0, 1.0),
    ]


def test_observed_energy_leaves_out_parts_and_shares() -> None:
    """A core inside its package is not added to it, nor is a share; nothing read is said."""
    whole = a_row(device_id="package")
    part = a_row(device_id="core", part_of="package")
    share = a_row(device_id="package", scope=Scope.SHARE)
    assert sections.observed_energy(a_run(energies=(whole, part, share))) == "90.0 J"
    assert sections.observed_energy(a_run(energies=())) == "none read"


def test_the_cost_of_measuring_is_told_as_a_share_where_it_can_be() -> None:
    """1 s of 100 s is 1 %; without the work's own CPU time only the seconds are told."""
    cost = Overhead(cpu_seconds=1.0, workload_cpu_seconds=100.0, reads=60)
    assert "1.00 s of CPU time for 60 looks" in sections.overhead_text([a_run(overhead=cost)])
    assert "1 % of the CPU time" in sections.overhead_text([a_run(overhead=cost)])
    assert "%" not in sections.overhead_text([a_run(overhead=Overhead(cpu_seconds=1.0))])
    assert sections.overhead_text([a_run()]) == ""


def test_limits_and_findings_read_as_sentences() -> None:
    """The bound in its unit, then the value, what it was held against and what would decide."""
    assert sections.rule_text(Limit(kpi="pue", min=1.1)) == "Power Usage Effectiveness: at least 1.10"
    relative = Limit(kpi="energy_to_solution", max_increase=0.05, stage="training")
    assert sections.rule_text(relative) == (
        "Energy-to-Solution in stage training: at most 5 % more than the baseline"
    )
    per_answer = Limit(
        kpi="carbon_per_inference_operational",
        max=0.01,
        unit="gCO2e/inference",
        tolerance=0.1,
        aggregation=Aggregation.WORST,
    )
    assert sections.rule_text(per_answer) == (
        "Carbon per Inference, operational: at most 10.0 mgCO2e/inference (10 % tolerance), "
        "worst of the repeats"
    )
    busy = Limit(kpi="hardware_utilisation_efficiency", min=0.65, statistic="p10")
    assert sections.rule_text(busy).startswith("Hardware Utilisation Efficiency (p10): at least ")
    assert sections.rule_text(Limit(kpi="score", min=70.0)) == "Score: at least 70.0 points"
    finding = Finding(
        limit=relative,
        ruling=Ruling.UNDECIDED,
        value=Figure(0.001, "kWh", grades={Grade.B: 1.0}),
        interval=(-0.1, 0.2),
        reason="noise",
        runs_needed=4,
        tolerated=True,
    )
    assert sections.finding_text(finding) == (
        "1.00 Wh, grade B; change between -10 % and +20 %; noise; 4 runs per side would decide; "
        "let through, as the policy says"
    )


def test_a_limit_reads_as_it_was_stated() -> None:
    """12.5 % are not 12 %, and 1234 J are not 1230."""
    growth = Limit(kpi="energy_to_solution", max_increase=0.125)
    assert sections.rule_text(growth).endswith("at most 12.5 % more than the baseline")
    assert sections.rule_text(Limit(kpi="energy_to_solution", max=1.234)).endswith("at most 1.234 kWh")


def test_what_lies_beyond_a_bound_never_reads_as_the_bound() -> None:
    """1.0004 kWh break a limit of 1 kWh, and 5.02 % one of 5 %."""
    above = Finding(
        limit=Limit(kpi="energy_to_solution", max=1.0),
        ruling=Ruling.VIOLATION,
        value=Figure(1.001, "kWh"),
        interval=(1.0004, 1.2),
    )
    assert "between 1.0004 kWh and 1.2000 kWh" in sections.finding_text(above)
    grown = replace(
        above,
        limit=Limit(kpi="energy_to_solution", max_increase=0.05),
        interval=(0.0502, 0.07),
        baseline=None,
    )
    assert "change between +5.02 % and +7 %" in sections.finding_text(grown)
    fallen = replace(
        grown, limit=Limit(kpi="performance_per_watt", max_decrease=0.05), interval=(-0.07, -0.0502)
    )
    assert "change between -7 % and -5.02 %" in sections.finding_text(fallen)
