"""The energy of a ledger's group: its value, errors, grades, coverage and what is said beside it."""

from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from tests.core.ledger_parts import KWH, SECOND, a_group, a_part, how
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Grade
from wattmark.core.parts import Group, RunsOf, energy_of_parts
from wattmark.core.rollup import total_of


def figure_of(group: Group) -> Figure:
    energy = energy_of_parts(group.parts, group)
    assert isinstance(energy, Figure)
    return energy


def test_a_part_becomes_joules_with_its_errors_and_grade() -> None:
    """1 kWh known to 5 % is 3.6 MJ +- 0.18 MJ of grade B."""
    energy = figure_of(a_group(a_part()))
    assert (energy.value, energy.unit) == (3.6e6, "J")
    assert energy.errors == {"rapl:k1:gain": pytest.approx(0.18e6)}
    assert energy.grades == {Grade.B: 3.6e6}
    assert energy.terms == {"boundary": "node", "scope": "whole", "attribution_rule": "whole_device"}
    assert (energy.coverage, energy.sources, energy.notes) == (1.0, ("rapl 1",), ())


def test_one_source_adds_up_and_different_sources_go_in_quadrature() -> None:
    """Two parts of one meter: 10 % of 3.6 MJ; of two meters: less."""
    same = figure_of(a_group(a_part(), a_part(stage="inference")))
    other = figure_of(a_group(a_part(), a_part(known=how("k2"))))
    assert same.half_width == pytest.approx(0.36e6)
    assert other.half_width == pytest.approx(0.18e6 * 2**0.5)


def test_a_gap_stands_by_its_estimate_at_grade_d_with_the_worst_case_as_its_bound() -> None:
    """0.5 kWh estimated, 0.1 to 0.8 possible, as a meter might show it that is 5 % off: 0.34 kWh above.

    But 0.4 kWh below, which is the bound; a third of the time was not seen.
    """
    part = a_part(gap_us=1800 * SECOND, gap_uj=KWH // 2, gap_least_uj=KWH // 10, gap_most_uj=KWH * 8 // 10)
    energy = figure_of(a_group(part))
    assert energy.value == 1.5 * 3.6e6
    assert energy.grades == {Grade.B: 3.6e6, Grade.D: 1.8e6}
    assert energy.errors["gap:/team=a:k1"] == pytest.approx(0.4 * 3.6e6)
    assert energy.coverage == pytest.approx(2 / 3)
    assert energy.notes == ("gaps estimated, 33.3% of the time not observed",)


def test_coverage_is_that_of_what_was_observed_least() -> None:
    """One device seen all the time does not make up for one seen half of it."""
    half = a_part(known=how("k2"), observed_us=1800 * SECOND, gap_us=1800 * SECOND)
    assert figure_of(a_group(a_part(), half)).coverage == 0.5
    assert figure_of(a_group(a_part(observed_us=0))).coverage == 1.0


def test_time_that_was_never_read_is_said_and_not_in_it() -> None:
    """No reading, no limit of power: nothing can be estimated, and the total does not pass for whole."""
    blind = a_part(
        0, component="gpu", known=how("k2"), observed_us=0, gap_us=7200 * SECOND, unfilled_us=7200 * SECOND
    )
    energy = figure_of(a_group(a_part(), blind))
    assert energy.value == 3.6e6
    assert energy.coverage == 0.0
    assert "2 h of gpu were not read and cannot be estimated: they are not in it" in energy.notes


def test_the_boundary_is_the_narrowest_and_the_share_of_device_energy_is_said() -> None:
    """One machine of four was read at its devices only."""
    energy = figure_of(a_group(a_part(3.0), a_part(1.0, reach=0, component="cpu")))
    assert energy.terms["boundary"] == "device"
    assert "25.0% of it is device energy: the rest of those machines is not in it" in energy.notes


def test_shares_and_rules_are_named_together() -> None:
    """Whole devices beside shares of others: both stand in the terms, so that neither is compared alone."""
    share = a_part(allocation="share", known=how("k2", attribution_rule="busy_time"))
    terms = figure_of(a_group(a_part(), share)).terms
    assert terms["scope"] == "share+whole"
    assert terms["attribution_rule"] == "busy_time+whole_device"


def test_edges_of_rows_are_errors_of_their_own() -> None:
    """A sensor's refresh is no gain: under two names it does not cancel between two meters."""
    one = how("k1", errors={"nvml:refresh": 0.01})
    two = how("k2", errors={"nvml:refresh": 0.01})
    errors = figure_of(a_group(a_part(known=one), a_part(known=two))).errors
    assert set(errors) == {"nvml:refresh:k1", "nvml:refresh:k2"}


def test_records_longer_than_a_day_are_told() -> None:
    """They are cut like any other, and nobody knows when they used more."""
    notes = figure_of(a_group(a_part(long_uj=5_000_000))).notes
    assert notes == (
        "5 J come from records longer than a day that state no course: they are spread evenly over their "
        "time, and met its mean factor",
    )


def test_missing_ranks_lower_the_coverage_and_bound_the_energy() -> None:
    """Three of four ranks left evidence: a third as much again may be missing, at twice the power."""
    runs = RunsOf(runs=3, attempts=1, rank_coverage=0.75)
    energy = figure_of(a_group(a_part(), runs=runs, missing_uj=KWH / 3))
    assert energy.coverage == 0.75
    assert energy.errors["gap:ranks of /team=a"] == pytest.approx(2.4e6)
    assert "evidence of only 75% of the ranks" in energy.notes


def test_open_and_interrupted_runs_are_told() -> None:
    """A run that still goes on will use more."""
    notes = figure_of(a_group(a_part(), runs=RunsOf(runs=3, open=1, interrupted=2))).notes
    assert notes == ("1 of 3 runs still open", "2 of 3 runs interrupted")


def test_what_a_group_says_stands_beside_its_energy() -> None:
    """Remarks of the engine's side are kept."""
    assert figure_of(a_group(a_part(), notes=("shared",))).notes == ("shared",)


def test_no_energy_is_missing_and_not_zero() -> None:
    """A group with work and without energy has no total."""
    energy = energy_of_parts((), Group())
    assert isinstance(energy, Missing)
    assert energy.field == "energy"
    assert Group().label == "all"
    assert Group(period="2026-11", group={"team": "a"}).label == "2026-11/team=a"


def test_stages_and_components_add_up_to_the_whole() -> None:
    """A stage that nobody named is unstaged; a component stands at the boundary of the whole."""
    group = a_group(
        a_part(1.0, stage="", component="cpu", reach=0), a_part(2.0), a_part(4.0, component="gpu", reach=1)
    )
    told = total_of(group)
    assert {name: f.value / 3.6e6 for name, f in told.energy_by_stage.items()} == {
        "training": 6,
        "unstaged": 1,
    }
    assert {name: f.value / 3.6e6 for name, f in told.energy_by_component.items()} == {
        "cpu": 1,
        "gpu": 4,
        "node": 2,
    }
    assert {f.terms["boundary"] for f in told.energy_by_component.values()} == {"device"}
    assert told.energy_by_stage["training"].terms["boundary"] == "node"


@examples(st.lists(st.integers(0, 2**62), min_size=1, max_size=8))
def test_energy_is_the_sum_of_whole_numbers(amounts: list[int]) -> None:
    """Microjoules are added exactly, and only the sum is turned into a floating-point number."""
    parts = [a_part(energy_uj=amount) for amount in amounts]
    told = total_of(a_group(*parts))
    assert told.observed_uj == sum(amounts)
    assert isinstance(told.energy, Figure)
    assert told.energy.value == sum(amounts) / 1e6
