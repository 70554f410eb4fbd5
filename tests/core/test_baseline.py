"""A baseline holds all it takes to be used later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import a_run
from tests.core.decisions import ENERGY, QUALITY
from wattmark.core.baseline import (
    Baseline,
    methodology_of_repeats,
    require_unchanged,
    without_plots,
)
from wattmark.core.errors import NotComparable
from wattmark.core.facts import Embodied
from wattmark.core.figure import Figure
from wattmark.core.given import Given
from wattmark.core.methodology import Methodology
from wattmark.core.repeats import repeats_of
from wattmark.core.run import SampleFile, Series, Subject

RUNS = (a_run(record_id="a"), a_run(record_id="b", started_monotonic_seconds=5e3))
KPIS = [ENERGY, QUALITY]


def a_baseline(**changes: Any) -> Baseline:
    """Two runs of 90 J, set under two KPIs."""
    fields: dict[str, Any] = {
        "name": "default",
        "set_at": "2026-11-01T12:00:00Z",
        "runs": RUNS,
        "given": Given(),
        "terms": methodology_of_repeats(repeats_of(RUNS, Given()), KPIS),
    }
    return Baseline(**{**fields, **changes})


def test_its_runs_are_repeats_or_one_solution() -> None:
    """Two repeats of 90 J, or one solution of 180 J when all runs were said to be one."""
    assert [r.record_ids for r in a_baseline().repeats()] == [("a",), ("b",)]
    (one,) = a_baseline(as_one=True).repeats()
    assert isinstance(one.facts.energy, Figure)
    assert one.facts.energy.value == pytest.approx(180.0)
    assert a_baseline().record_ids == ("a", "b")


def test_each_repeat_has_its_own_hours_of_hardware() -> None:
    """10 h for both runs are 5 h each."""
    given = Given(embodied=Embodied(total_grams=1.0, lifespan_hours=1.0, reserved_hours=10.0))
    embodied = a_baseline(given=given).repeats()[0].facts.embodied
    assert isinstance(embodied, Embodied)
    assert (embodied.reserved_hours, embodied.utilised_hours) == (5.0, None)


def test_what_each_repeat_was_counted_with_is_told() -> None:
    """Half of the hours each, in the order of the repeats: whoever decides again needs them."""
    given = Given(embodied=Embodied(total_grams=1.0, lifespan_hours=1.0, reserved_hours=10.0))
    told: list[Given] = []
    baseline = a_baseline(given=given)
    assert baseline.repeats(told.append) == baseline.repeats()
    assert [one.embodied.reserved_hours for one in told if one.embodied is not None] == [5.0, 5.0]


def test_plots_are_left_out() -> None:
    """Series and sample files are no evidence that figures need."""
    run = a_run(
        series=(Series(device_id="d", component="cpu", t_seconds=(0.0,), energy_joules=(0.0,)),),
        samples=(SampleFile(path="x", sha256="y"),),
    )
    (kept,) = without_plots([run])
    assert (kept.series, kept.samples, kept.energies) == ((), (), run.energies)


def test_runs_on_different_terms_make_no_baseline() -> None:
    """Two tasks under one name are refused."""
    runs = [a_run(record_id="a", subject=Subject(task="x")), a_run(record_id="b", subject=Subject(task="y"))]
    with pytest.raises(NotComparable, match="runs of one baseline may not be compared: task: x against y"):
        methodology_of_repeats(repeats_of(runs, Given()), KPIS)


def test_a_new_definition_of_a_kpi_needs_a_new_baseline() -> None:
    """Only of a KPI in use; others may change."""
    newer = replace(ENERGY, version=2)
    require_unchanged(a_baseline(), KPIS)
    require_unchanged(a_baseline(), [QUALITY])
    with pytest.raises(NotComparable, match="kpi:energy: version 1 against version 2"):
        require_unchanged(a_baseline(), [newer])


def test_other_terms_than_when_it_was_set_are_refused() -> None:
    """For example after a change of how energy is totalled."""
    with pytest.raises(NotComparable, match="boundary: node against device"):
        require_unchanged(
            a_baseline(terms=Methodology({**a_baseline().terms.terms, "boundary": "node"})), KPIS
        )
