"""Claims are cut exactly, and their gaps are filled within bounds."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.core.claims import a_claim, a_gap, a_line
from wattmark.core.claims import Claim, Course, Estimates, at_rate, estimates_of

MOMENTS = st.lists(st.integers(0, 10_000), min_size=2, max_size=6, unique=True).map(sorted)


@given(MOMENTS, st.integers(0, 10**12), st.integers(0, 10_000))
def test_pieces_sum_exactly_to_their_claim(cuts: list[int], energy: int, seen: int) -> None:
    """Energy and observed time alike, wherever it is cut."""
    start, end = cuts[0], cuts[-1]
    claim = Claim(a_line(), start, end, energy, min(seen, end - start))
    pieces = list(pairwise(cuts))
    assert sum(claim.energy(a, b) for a, b in pieces) == energy
    assert sum(claim.observed(a, b) for a, b in pieces) == claim.observed_us


@given(MOMENTS)
def test_a_course_is_kept_at_its_points_and_exact_between(cuts: list[int]) -> None:
    """Three points: what lies between two cuts is the difference of one rising whole number."""
    start, end = cuts[0], cuts[-1] + 2
    middle = start + 1
    claim = Claim(a_line(), start, end, 100, end - start, Course((start, middle, end), (0, 70, 100)))
    assert claim.energy(start, middle) == 70
    assert claim.energy(middle, end) == 30
    pieces = list(pairwise(cuts))
    assert sum(claim.energy(a, b) for a, b in pieces) == claim.energy(cuts[0], cuts[-1])


@given(MOMENTS, st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_rate_adds_up(cuts: list[int], uj: int, us: int) -> None:
    """Neighbouring stretches at one power are together the whole stretch."""
    pieces = pairwise(cuts)
    assert sum(at_rate((uj, us), a, b) for a, b in pieces) == at_rate((uj, us), cuts[0], cuts[-1])


def test_a_gap_takes_the_mean_of_its_own_record_first() -> None:
    """9 W of its own before 20 W of the device; idle 2 W at least, 100 W at most."""
    line = {"mean": (9, 1), "idle_uw": 2_000_000, "max_uw": 100_000_000}
    assert estimates_of(a_gap(**line), (20, 1)) == Estimates((9, 1), (2_000_000, 10**6), (10**8, 10**6))


def test_without_a_mean_it_is_the_middle_between_idle_and_most() -> None:
    """2 and 100 W: 51 W."""
    found = estimates_of(a_gap(idle_uw=2_000_000, max_uw=100_000_000), None)
    assert found is not None
    assert found.likely == (102_000_000, 2_000_000)


def test_bounds_never_cross_the_estimate() -> None:
    """A mean below idle or above the limit is its own bound; an unknown limit is twice the mean."""
    assert estimates_of(a_gap(idle_uw=9_000_000), (5, 1)) == Estimates((5, 1), (5, 1), (10, 1))
    assert estimates_of(a_gap(max_uw=3_000_000), (5, 1)) == Estimates((5, 1), (0, 10**6), (5, 1))


def test_nothing_is_said_where_nothing_is_known() -> None:
    """No mean and no limit: no estimate."""
    assert estimates_of(a_gap(), None) is None


def test_a_claim_observed_in_part_has_its_gap_in_every_moment() -> None:
    """A quarter unobserved: a quarter of the power at each moment."""
    claim = a_claim()._replace(end_us=40, observed_us=30)
    found = estimates_of(claim, (8, 1))
    assert found is not None
    assert at_rate(found.likely, 0, 40) == 80
