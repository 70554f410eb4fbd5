"""Reports of repeats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reports.sample import GIVEN, a_real_run
from tests.reports.test_as_html import visible
from wattmark.core.figure import Figure, Undefined
from wattmark.core.kpis import CATALOG
from wattmark.core.repeats import repeats_of
from wattmark.reports.as_html import html_report
from wattmark.reports.assembling import answer_over, baseline_of, middle_of, report_of
from wattmark.reports.sections import comparisons

OURS = [a_real_run(scale, record_id=f"our-{scale}") for scale in (0.9, 1.0, 1.2)]
THEIRS = [a_real_run(scale, record_id=f"their-{scale}") for scale in (1.8, 2.0, 2.4)]


def test_the_repeat_of_middle_energy_is_shown_and_the_others_are_listed() -> None:
    """Charts and energy of the middle one, key figures of all, and the page says so."""
    repeats = repeats_of(OURS, GIVEN)
    data = report_of(repeats, OURS)
    assert middle_of(repeats).record_ids == ("our-1.0",)
    assert [r.record_id for r in data.runs] == ["our-1.0"]
    assert [r.record_id for r in data.other_runs] == ["our-0.9", "our-1.2"]
    text = visible(html_report(data))
    assert "3 repeats: key figures are their geometric means" in text
    assert "our-1.2" in text
    assert "3 runs" in text


def test_key_figures_are_means_over_repeats_with_their_noise() -> None:
    """The geometric mean of 0.9, 1.0 and 1.2 times an energy, and wider than any one of them."""
    data = report_of(repeats_of(OURS, GIVEN), OURS)
    mean = data.answers["energy_to_solution"]
    one = CATALOG["energy_to_solution"].answer(data.facts)
    assert isinstance(mean, Figure)
    assert isinstance(one, Figure)
    assert mean.value == pytest.approx(one.value * (0.9 * 1.0 * 1.2) ** (1 / 3))
    assert mean.relative > one.relative


def test_the_noise_of_the_two_sides_never_cancels_in_a_ratio() -> None:
    """Both sides spread alike; that is chance, not a common error, for KPIs of the score and all others."""
    baseline = baseline_of(repeats_of(THEIRS, GIVEN), THEIRS, "before")
    data = report_of(repeats_of(OURS, GIVEN), OURS, baseline=baseline)
    ratios = {c.row.id: c.line.ratio for c in comparisons(data)}
    ratio = ratios["energy_to_solution"]
    assert isinstance(ratio, Figure)
    assert ratio.value == pytest.approx(2.0)
    noisy = {n for n, e in ratio.errors.items() if abs(e) > 0.1}
    assert {"repeats:candidate:1", "repeats:baseline:1"} <= noisy


def test_one_run_is_no_repeat() -> None:
    """No remark, and the figures are the run's own."""
    data = report_of(repeats_of(OURS[:1], GIVEN), OURS[:1])
    assert data.remarks == ()
    assert data.answers["energy_to_solution"] == CATALOG["energy_to_solution"].answer(data.facts)


def test_repeats_on_different_terms_have_no_mean() -> None:
    """One repeat saw the node and one only devices: undefined, with the terms that differ."""
    whole = repeats_of(OURS[:1], GIVEN)[0].facts
    assert isinstance(whole.energy, Figure)
    part = replace(whole, energy=whole.energy.with_terms(boundary="device"))
    told = answer_over(CATALOG["energy_to_solution"], [whole, part], "candidate")
    assert isinstance(told, Undefined)
    assert "boundary" in told.reason
