"""Titles, and what a comparison says when there is no ratio."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.builders import a_run
from tests.reports.sample import GIVEN, RUBRIC, a_real_run, a_report
from tests.reports.test_as_html import visible
from wattmark.core.figure import Figure
from wattmark.core.kpis import CATALOG
from wattmark.core.run import OutcomeGoal, Subject
from wattmark.core.score import score
from wattmark.core.totals import facts_of
from wattmark.reports.as_html import html_report
from wattmark.reports.as_markdown import markdown_report
from wattmark.reports.report_json import json_report
from wattmark.reports.sections import answers_of
from wattmark.reports.view import Baseline, ReportData, title_of


def beside(scale: float) -> ReportData:
    """The sample run scored against one that used ``scale`` times as much."""
    run, before = a_real_run(), a_real_run(scale, record_id="before")
    facts, earlier = facts_of([run], GIVEN), facts_of([before], GIVEN)
    return replace(
        a_report(),
        verdict=None,
        score=score(facts, earlier, RUBRIC, CATALOG),
        baseline=Baseline(facts=earlier, answers=answers_of(earlier), name="last month's <model>"),
    )


def test_a_title_says_what_was_run() -> None:
    """The model and its version, else project and task, else the record, else how many."""
    model = a_run(subject=Subject(model="m", model_version="2", project="p"))
    project = a_run(subject=Subject(project="p", task="t"))
    assert title_of((a_run(), model)) == "m 2"
    assert title_of((a_run(), project)) == "p t"
    assert title_of((a_run(),)) == "Run 00000000"
    assert title_of((a_run(), a_run())) == "2 runs"
    assert title_of(()) == "No runs"


def test_the_score_says_better_worse_or_neither() -> None:
    """By its interval, not by its middle; a score near 100 is not to be told apart from the baseline."""
    assert "Better than the baseline." in visible(html_report(beside(1.6)))
    assert "Worse than the baseline." in visible(html_report(beside(0.6)))
    assert "Not to be told apart from the baseline." in visible(html_report(beside(1.01)))


def test_a_ratio_that_was_clipped_is_marked() -> None:
    """Three times as good counts as twice, and says so in every form."""
    data = beside(3.0)
    assert "saturated" in visible(html_report(data))
    assert "saturated" in markdown_report(data)
    assert "last month&#39;s &lt;model&gt;" in html_report(data)


def test_a_clipped_score_has_an_interval_that_it_can_have() -> None:
    """Ratios of three: 200 whatever the error, and 300 before clipping, in every form of the report."""
    data = beside(3.0)
    assert "300 before ratios were clipped at 2." in visible(html_report(data))
    assert "**Score 200** (200 to 200, 300 before clipping)" in markdown_report(data)
    told = json.loads(json_report(data))["score"]
    assert told["score"]["interval_95"] == pytest.approx([200.0, 200.0])
    assert told["geometric"]["interval_95"] == pytest.approx([200.0, 200.0])
    assert told["unclipped"]["value"] == pytest.approx(300.0)


def test_an_outcome_that_was_not_reached_stays_nothing_however_good_the_rest() -> None:
    """0 for half of the weight and 2 for the other half: 100 points, and no interval that hides it."""
    missed = a_real_run(outcome=OutcomeGoal(condition="accuracy>=0.95", reached=False))
    facts, earlier = facts_of([missed], GIVEN), facts_of([a_real_run(3.0, record_id="before")], GIVEN)
    found = score(facts, earlier, RUBRIC, CATALOG).value
    assert isinstance(found, Figure)
    assert found.interval == pytest.approx((100.0, 100.0))


def test_figures_on_different_terms_have_a_reason_and_no_ratio() -> None:
    """Energy of the devices alone is not held against energy of the node."""
    data = beside(1.6)
    before = data.answers["energy_to_solution"]
    assert isinstance(before, Figure)
    other = Baseline(
        facts=data.facts, answers={"energy_to_solution": before.with_terms(boundary="device")}, name="other"
    )
    text = markdown_report(replace(data, score=None, baseline=other))
    assert "may not be compared: boundary: device against node" in text
    assert "may not be compared" in visible(html_report(replace(data, score=None, baseline=other)))


def test_a_time_that_is_none_stays_as_it_is() -> None:
    """An odd start is shown, not hidden."""
    assert "at noon" in visible(html_report(replace(a_report(), runs=(a_real_run(started_at="at noon"),))))
