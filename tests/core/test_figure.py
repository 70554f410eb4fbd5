"""Figures: how errors combine, what a grade of a result is, and what may not be compared."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wattmark.core.errors import NotComparable
from wattmark.core.figure import (
    GAP_PREFIX,
    Figure,
    Missing,
    NotReached,
    Undefined,
    differing_terms,
    exact,
    require_same_terms,
    total,
)
from wattmark.core.known import Grade

positive = st.floats(min_value=1e-6, max_value=1e6)
share = st.floats(min_value=0.0, max_value=0.25)


def energy(value: float, gain: float = 0.1, source: str = "gain", **terms: str) -> Figure:
    """Joules with one named error, a share of the value."""
    return Figure(value, "J", errors={source: value * gain}, grades={Grade.B: value}, terms=terms)


def test_errors_of_different_sources_add_in_quadrature() -> None:
    """3 J and 4 J make 5 J."""
    assert Figure(100, "J", errors={"a": 3, "b": 4}).half_width == 5


def test_errors_of_one_source_add_with_their_sign() -> None:
    """Ten runs on one meter keep its 10 %: a long run does not become exact."""
    whole = total(energy(10) for _ in range(10))
    assert whole.value == 100
    assert whole.half_width == pytest.approx(10)


def test_bounds_of_gaps_add_up_on_top_of_the_quadrature() -> None:
    """Two gaps of 5 J and 6 J beside a gain of 3 J and an offset of 4 J: 11 J + 5 J."""
    errors = {f"{GAP_PREFIX}a": 5.0, f"{GAP_PREFIX}b": -6.0, "gain": 3.0, "offset": 4.0}
    assert Figure(100, "J", errors=errors).half_width == 16


def test_a_shared_meters_gain_cancels_in_a_ratio() -> None:
    """Two energies of one meter, each known to 10 %: their ratio does not depend on its gain."""
    ratio = energy(20).over(energy(10), "1")
    assert ratio.value == 2
    assert ratio.half_width == pytest.approx(0, abs=1e-12)


def test_the_gains_of_two_meters_do_not_cancel_in_a_ratio() -> None:
    """10 % and 10 % make 14 %."""
    ratio = energy(20, source="one").over(energy(10, source="other"), "1")
    assert ratio.relative == pytest.approx(math.hypot(0.1, 0.1))


def test_a_shared_meters_gain_does_not_cancel_against_an_absolute_limit() -> None:
    """A limit is an exact number: 20 J of 10 J keep their 10 %."""
    assert energy(20).over(exact(10, "J"), "1").relative == pytest.approx(0.1)


@given(positive, positive, share)
def test_a_shared_gain_cancels_in_any_ratio(a: float, b: float, gain: float) -> None:
    """Whatever the two energies and the gain are."""
    ratio = energy(a, gain).over(energy(b, gain), "1")
    assert ratio.half_width <= 1e-9 * ratio.value


@given(positive, positive, share, share)
def test_multiplying_and_dividing_again_gives_the_same_figure(
    a: float, b: float, ga: float, gb: float
) -> None:
    """a x b / b is a, in value and in error."""
    there = energy(a, ga).times(energy(b, gb, source="factor"), "J2")
    back = there.over(energy(b, gb, source="factor"), "J")
    assert back.value == pytest.approx(a)
    assert back.half_width == pytest.approx(a * ga, abs=1e-9 * a)


def test_a_product_of_two_figures_adds_their_relative_errors_in_quadrature() -> None:
    """3 % and 4 % make 5 %."""
    product = energy(10, 0.03).times(energy(10, 0.04, source="pue"), "J")
    assert product.relative == pytest.approx(0.05)


def test_a_small_uncertainty_gives_a_symmetric_interval() -> None:
    """100 +- 10."""
    assert Figure(100, "J", errors={"a": 10}).interval == (90, 110)


def test_an_uncertainty_above_thirty_percent_gives_an_interval_in_logarithms() -> None:
    """50 % of 100: from 100 / e^0.5 to 100 x e^0.5, never below zero."""
    low, high = Figure(100, "J", errors={"a": 50}).interval
    assert low == pytest.approx(100 * math.exp(-0.5))
    assert high == pytest.approx(100 * math.exp(0.5))


def test_a_negative_value_keeps_the_order_of_its_interval() -> None:
    """The low end is the lower number, also below zero."""
    low, high = Figure(-100, "J", errors={"a": 50}).interval
    assert low < -100 < high


def test_an_uncertain_zero_has_an_infinite_relative_error_and_a_plain_interval() -> None:
    """0 +- 5 has no logarithm."""
    zero = Figure(0, "J", errors={"a": 5})
    assert zero.relative == math.inf
    assert zero.interval == (-5, 5)


def test_a_count_is_exact() -> None:
    """No error, no grade, an interval of one point."""
    count = exact(7, "1", kind="count")
    assert (count.relative, count.grade, count.interval) == (0, None, (7, 7))
    assert count.terms == {"kind": "count"}


@given(positive, share, st.floats(min_value=1e-3, max_value=1e3))
def test_scaling_scales_value_and_error_alike(value: float, gain: float, factor: float) -> None:
    """A change of unit never changes how well a figure is known."""
    scaled = energy(value, gain).scaled(factor, "x")
    assert scaled.value == pytest.approx(value * factor)
    assert scaled.relative == pytest.approx(gain)
    assert scaled.unit == "x"


def test_scaling_scales_stated_ends_too() -> None:
    """3.6 MJ [1.8 .. 7.2] is 1 kWh [0.5 .. 2]; turned round, the lower end comes first still."""
    stated = Figure(3.6e6, "J", ends=(1.8e6, 7.2e6))
    assert stated.scaled(1 / 3.6e6, "kWh").interval == pytest.approx((0.5, 2.0))
    assert stated.scaled(-1.0, "J").interval == (-7.2e6, -1.8e6)


def test_a_part_scaled_down_weighs_less_in_the_grade_of_a_sum() -> None:
    """1000 J at D, of which a thousandth counts, beside 99 J at B: the sum is B."""
    modelled = Figure(1000, "J", grades={Grade.D: 1000})
    assert total([modelled.scaled(1e-3, "J"), Figure(99, "J", grades={Grade.B: 99})]).grade is Grade.B


def test_a_sum_keeps_the_worst_coverage_and_every_source_and_note_once() -> None:
    """Nothing that a reader must know gets lost in a sum."""
    one = Figure(1, "J", coverage=0.9, sources=("rapl",), notes=("x",))
    two = Figure(2, "J", coverage=0.8, sources=("rapl", "nvml"), notes=("x", "y"))
    whole = total([one, two])
    assert (whole.value, whole.coverage) == (3, 0.8)
    assert (whole.sources, whole.notes) == (("rapl", "nvml"), ("x", "y"))


def test_nothing_cannot_be_added_up() -> None:
    """An empty sum is not zero: nobody said what its unit is."""
    with pytest.raises(ValueError, match="nothing to add"):
        total([])


def test_device_and_node_energy_are_never_added() -> None:
    """The refusal names the boundary."""
    with pytest.raises(NotComparable, match="boundary: device against node"):
        total([energy(1, boundary="device"), energy(1, boundary="node")])


def test_figures_of_different_units_are_never_compared() -> None:
    """J beside kWh."""
    with pytest.raises(NotComparable, match="unit: J against kWh"):
        require_same_terms(energy(1), Figure(1, "kWh"))


def test_a_term_that_only_one_side_states_is_a_difference() -> None:
    """Silence about the accounting does not agree with anything."""
    assert differing_terms(energy(1, basis="direct"), energy(1)) == [("basis", "direct", None)]


def test_figures_on_equal_terms_are_compared() -> None:
    """No difference, no refusal."""
    require_same_terms(energy(1, boundary="node"), energy(2, boundary="node"))
    assert differing_terms(energy(1), energy(2)) == []


def test_a_product_states_the_terms_of_both() -> None:
    """Energy brings its boundary, the factor its accounting."""
    product = energy(1, boundary="node").times(Figure(1, "g/J", terms={"basis": "direct"}), "g")
    assert product.terms == {"boundary": "node", "basis": "direct"}


def test_a_product_of_figures_that_contradict_each_other_is_refused() -> None:
    """One term, two values."""
    with pytest.raises(NotComparable, match="basis"):
        energy(1, basis="direct").times(Figure(1, "g/J", terms={"basis": "lifecycle"}), "g")


@pytest.mark.parametrize(
    ("a", "b", "worst"),
    [({Grade.B: 1.0}, {Grade.D: 1.0}, Grade.D), ({Grade.D: 1.0}, {Grade.B: 1.0}, Grade.D)],
)
def test_a_product_has_the_grade_of_its_less_known_part(
    a: dict[Grade, float], b: dict[Grade, float], worst: Grade
) -> None:
    """Whichever side it stands on."""
    assert Figure(1, "J", grades=a).times(Figure(1, "1", grades=b), "J").grade is worst


def test_a_factor_without_energy_leaves_the_grade_alone() -> None:
    """A count has no grade, on either side."""
    assert energy(1).times(exact(2, "1"), "J").grade is Grade.B
    assert exact(2, "1").times(energy(1), "J").grade is Grade.B


def test_a_term_or_note_is_added_without_touching_the_figure() -> None:
    """Figures are facts; a changed one is a new one, and a remark is made once."""
    figure = energy(1)
    changed = figure.with_terms(boundary="node").with_notes("x", "x")
    assert (figure.terms, figure.notes) == ({}, ())
    assert (changed.terms, changed.notes) == ({"boundary": "node"}, ("x",))


def test_dividing_by_zero_is_an_error_of_the_caller() -> None:
    """KPIs answer Undefined before it comes to this."""
    with pytest.raises(ZeroDivisionError):
        energy(1).over(exact(0, "1"), "J")


def test_an_unknown_figure_says_what_is_missing_and_how_to_give_it() -> None:
    """With a hint in brackets, or without."""
    assert str(Missing("pue", "--pue 1.2")) == "missing: pue (--pue 1.2)"
    assert str(Missing("pue")) == "missing: pue"
    assert str(Undefined("no work")) == "undefined: no work"
    assert str(NotReached("accuracy>=0.9", Missing("energy"))) == "not reached: accuracy>=0.9"


@given(st.lists(st.tuples(positive, share), min_size=1, max_size=8))
def test_a_sum_is_never_known_worse_than_its_parts_laid_end_to_end(parts: list[tuple[float, float]]) -> None:
    """Independent meters: the width of a sum lies between its widest part and the sum of all widths."""
    figures = [energy(v, g, source=f"meter {i}") for i, (v, g) in enumerate(parts)]
    width = total(figures).half_width
    widths = [f.half_width for f in figures]
    assert max(widths) * (1 - 1e-9) <= width <= math.fsum(widths) * (1 + 1e-9)


@given(positive, st.floats(min_value=0.0, max_value=3.0))
def test_an_interval_of_a_positive_value_is_positive_and_holds_it(value: float, relative: float) -> None:
    """An energy is never shown as possibly negative."""
    assume(value > 0)
    low, high = Figure(value, "J", errors={"a": value * relative}).interval
    assert 0 < low <= value <= high
