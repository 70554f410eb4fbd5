"""What noise, or one model less, does to stars."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.stars.results import a_key, a_result, a_row
from wattmark.core.bench.result import Result
from wattmark.core.stars.stability import GroupStability, simulate
from wattmark.core.stars.thresholds import Entry, Member, Thresholds


def simulated(
    results: list[Result], noise: float = 0.05, draws: int = 400, **more: object
) -> list[GroupStability]:
    """With a seed, so that it is the same every time."""
    draw = random.Random(7)
    return simulate(results, lambda: draw.gauss(0.0, 1.0), noises=(noise,), draws=draws, **more)


def test_a_row_in_the_middle_of_its_band_keeps_its_star() -> None:
    """10, 55 and 100 Wh: the middle one lies half a band from any edge, 9 Wh; 1 % of noise is 0.55 Wh."""
    (group,) = simulated([a_row("a", "10"), a_row("b", "55"), a_row("c", "100")], noise=0.01)
    assert [row.noises[0].aies for row in group.rows] == [0.0, 0.0, 0.0]
    assert group.aies_rate(0) == 0.0
    assert group.trial


def test_a_row_on_an_edge_flips_about_half_the_time() -> None:
    """28 Wh lies on the first edge between 10 and 100 Wh."""
    (group,) = simulated([a_row("a", "10"), a_row("b", "28"), a_row("c", "100")], noise=0.01)
    rate = group.rows[1].noises[0].aies
    assert rate is not None
    assert 0.4 < rate < 0.6
    assert group.aies_rate(0) == pytest.approx(rate / 3)


def test_anchored_shows_both_stars_there_and_keeps_its_word() -> None:
    """The median of the group, 28 Wh, is the trial reference: 19.8 to 39.6 Wh are 3 stars, 20 Wh hardly."""
    rows = [a_row("a", "10"), a_row("b", "20"), a_row("c", "28"), a_row("d", "70"), a_row("e", "100")]
    (group,) = simulated(rows, noise=0.05)
    assert group.rows[1].noises[0].shown == (3, 4)
    assert group.rows[2].noises[0].shown == (3, 3)
    assert max(group.single(0)) <= 0.05


@settings(max_examples=25)
@given(
    st.lists(st.floats(1.0, 1000.0), min_size=5, max_size=8, unique=True),
    st.sampled_from([0.02, 0.05, 0.10, 0.25]),
)
def test_what_anchored_shows_is_contradicted_in_five_percent_at_most(
    energies: list[float], noise: float
) -> None:
    """By construction, for every energy and noise; 400 draws may show 5 % as 8.5 % once in a thousand."""
    rows = [a_row(f"m{i}", repr(energy)) for i, energy in enumerate(energies)]
    for group in simulated(rows, noise=noise):
        assert all(row.noises[0].anchored <= 0.085 for row in group.rows)


def test_errors_of_our_own_results_widen_what_is_shown() -> None:
    """70 J beside a reference of 100 J, noise of 0.1 %: its meter's 5 % reach over the edge at 70.7 J."""
    members = tuple(Member(model=f"m{i}", energy_joules=98.0 + i) for i in range(5))
    frozen = Thresholds(id="house", effective="2026-11-22", entries=(Entry(key=a_key(), members=members),))
    (group,) = simulated([a_result(spent=70, gain=0.05, noise=0.001)], noise=0.001, thresholds=frozen)
    assert group.rows[0].noises[0].shown == (3, 4)
    assert not group.trial


def test_without_spread_there_is_nothing_to_flip() -> None:
    """One row has no stars by the published formula."""
    (group,) = simulated([a_row("a", "10")])
    assert group.rows[0].aies_stars is None
    assert group.rows[0].noises[0].aies is None
    assert group.aies_rate(0) is None


def test_taking_the_worst_away_tells_how_much_one_outlier_sets() -> None:
    """1, 2, 3 and 100: three have 5 stars; without the last one they have 5, 3 and 1."""
    (group,) = simulated([a_row("a", "1"), a_row("b", "2"), a_row("c", "3"), a_row("d", "100")])
    assert [row.aies_stars for row in group.rows] == [5, 5, 5, 1]
    assert [row.without_worst for row in group.rows] == [5, 3, 1, None]
    assert (group.worst, group.restarred) == ((3,), 2)


def test_a_result_without_gpu_energy_is_drawn_by_what_is_rated() -> None:
    """A processor's energy has stars of the anchored kind; without any energy there is nothing to draw."""
    cpu, none = a_result("cpu", gpu_energy=None), a_result("none", gpu_energy=None, energy=None)
    (group,) = simulated([cpu, none])
    assert [row.place for row in group.rows] == [0]


def test_a_row_of_digits_alone_is_drawn_too() -> None:
    """Its table states no energy but in Wh."""
    (group,) = simulated([a_row("a", "1", energy=None), a_row("b", "2", energy=None)])
    assert [row.aies_stars for row in group.rows] == [5, 1]
