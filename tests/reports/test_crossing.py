"""Stages cut into components."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.builders import a_run
from tests.reports.sample import a_bare_report, a_report
from wattmark.reports.crossing import joules_by_stage_and_component


def test_components_add_up_to_their_stage_and_to_their_own_total() -> None:
    """Rows and columns of the cross both give the figures of the tables, the gap's estimate included."""
    data = a_report()
    joules = joules_by_stage_and_component(data)
    assert list(joules) == list(data.facts.energy_by_stage)
    for stage, figure in data.facts.energy_by_stage.items():
        assert math.fsum(joules[stage].values()) == pytest.approx(figure.value)
    for component, figure in data.facts.energy_by_component.items():
        assert math.fsum(parts[component] for parts in joules.values()) == pytest.approx(figure.value)


def test_facts_of_other_runs_are_not_drawn() -> None:
    """A drawing never contradicts the table beside it."""
    assert joules_by_stage_and_component(replace(a_report(), runs=(a_run(),))) == {}
    assert joules_by_stage_and_component(a_bare_report()) == {}
