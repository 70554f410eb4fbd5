"""The statistics agree with scipy and keep their own promises."""

from __future__ import annotations

import math
import random

import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.stats import (
    Spread,
    bootstrap,
    borrowed,
    incomplete_beta,
    paired,
    runs_to_decide,
    smallest_detectable,
    spread,
    t_cdf,
    t_quantile,
    welch,
)

DF = st.floats(min_value=0.5, max_value=5000)
VALUES = st.lists(st.floats(min_value=-10, max_value=10), min_size=2, max_size=12)


@given(
    st.floats(min_value=0.05, max_value=500),
    st.floats(min_value=0.05, max_value=500),
    st.floats(min_value=0, max_value=1),
)
def test_incomplete_beta_agrees_with_scipy(a: float, b: float, x: float) -> None:
    """To 1e-9 over the whole range that degrees of freedom can reach."""
    assert incomplete_beta(a, b, x) == pytest.approx(float(scipy.special.betainc(a, b, x)), abs=1e-9)


@given(st.floats(min_value=-60, max_value=60), DF)
def test_t_cdf_agrees_with_scipy(t: float, df: float) -> None:
    """To 1e-9."""
    assert t_cdf(t, df) == pytest.approx(float(scipy.stats.t.cdf(t, df)), abs=1e-9)


@given(st.floats(min_value=1e-4, max_value=1 - 1e-4), DF)
def test_t_quantile_agrees_with_scipy(p: float, df: float) -> None:
    """To 1e-9 of the value."""
    assert t_quantile(p, df) == pytest.approx(float(scipy.stats.t.ppf(p, df)), rel=1e-9, abs=1e-9)


def test_known_quantiles() -> None:
    """With 10 degrees of freedom 97.5 % lie below 2.228; the median is zero."""
    assert t_quantile(0.975, 10) == pytest.approx(2.2281388520, rel=1e-9)
    assert t_quantile(0.5, 3) == 0.0


@pytest.mark.parametrize(("p", "df"), [(0.0, 3), (1.0, 3), (0.5, 0)])
def test_no_quantile_outside_the_distribution(p: float, df: float) -> None:
    """p must lie strictly between 0 and 1, and there must be degrees of freedom."""
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(p, df)


def test_spread_by_hand() -> None:
    """1, 2, 3 have mean 2 and standard deviation 1; one value has none."""
    assert spread([1.0, 2.0, 3.0]) == Spread(3, 2.0, 1.0)
    assert spread([5.0]) == Spread(1, 5.0, 0.0)
    with pytest.raises(ValueError, match="no values"):
        spread([])


@given(VALUES, VALUES)
def test_welch_agrees_with_scipy(a: list[float], b: list[float]) -> None:
    """Same interval as scipy's Welch test, wherever both sides vary."""
    base, candidate = spread(a), spread(b)
    if base.sd < 1e-6 or candidate.sd < 1e-6:
        return
    ours = welch(base, candidate)
    theirs = scipy.stats.ttest_ind(b, a, equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    assert ours.df == pytest.approx(theirs.df, rel=1e-9)
    assert ours.estimate - ours.half_width() == pytest.approx(low, rel=1e-9, abs=1e-9)
    assert ours.estimate + ours.half_width() == pytest.approx(high, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("unit", [1e-100, 1e-78, 1.0, 1e78, 1e100])
def test_welch_takes_runs_in_any_unit(unit: float) -> None:
    """Degrees of freedom are a ratio: they stay where squares would leave the range of floats."""
    d = welch(Spread(4, 0.0, 3 * unit), Spread(6, 0.0, unit))
    plain = welch(Spread(4, 0.0, 3.0), Spread(6, 0.0, 1.0))
    assert d.df == pytest.approx(plain.df)
    assert d.standard_error == pytest.approx(plain.standard_error * unit, rel=1e-9, abs=0.0)


def test_welch_of_runs_without_any_spread() -> None:
    """Equal runs on each side: the difference is exact, with the fewest degrees of freedom."""
    d = welch(spread([1.0, 1.0, 1.0]), spread([2.0, 2.0]))
    assert (d.estimate, d.half_width(), d.df) == (1.0, 0.0, 1.0)


def test_one_run_has_no_known_noise() -> None:
    """Neither test makes up a variance from a single value."""
    with pytest.raises(ValueError, match="two values on each side"):
        welch(spread([1.0]), spread([1.0, 2.0]))
    with pytest.raises(ValueError, match="two pairs"):
        paired([1.0])


def test_one_run_borrows_the_noise_of_repeats() -> None:
    """Beside 1, 2, 3 (sd 1) a single 5 differs by 3 with an error of sqrt(1/3 + 1), 2 degrees of freedom."""
    d = borrowed(spread([1.0, 2.0, 3.0]), spread([5.0]))
    assert (d.estimate, d.df, d.method) == (3.0, 2.0, "borrowed")
    assert d.standard_error == pytest.approx(math.sqrt(4 / 3))
    with pytest.raises(ValueError, match="no side"):
        borrowed(spread([1.0]), spread([5.0]))


def test_pairs_remove_what_the_blocks_share() -> None:
    """Runs of 1, 5, 9 against 2, 6, 10 differ by exactly 1 in each block."""
    d = paired([1.0, 1.0, 1.0])
    assert (d.estimate, d.standard_error, d.df, d.method) == (1.0, 0.0, 2.0, "paired")


@given(VALUES)
def test_paired_agrees_with_scipy(values: list[float]) -> None:
    """Same interval as scipy's one-sample test on the differences."""
    if spread(values).sd < 1e-6:
        return
    ours = paired(values)
    low, high = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert ours.estimate - ours.half_width() == pytest.approx(low, rel=1e-9, abs=1e-9)
    assert ours.estimate + ours.half_width() == pytest.approx(high, rel=1e-9, abs=1e-9)


def test_bootstrap_is_refused_for_a_few_runs() -> None:
    """Below 20 values on a side its interval would be too narrow."""
    with pytest.raises(ValueError, match="20 values"):
        bootstrap([1.0] * 19, [1.0] * 30, random.Random(1))


def test_bootstrap_comes_close_to_welch_when_there_are_many_runs() -> None:
    """With 60 values on each side the two intervals agree to a tenth of their width, and repeat exactly."""
    source = random.Random(7)
    base = [source.gauss(0.0, 1.0) for _ in range(60)]
    candidate = [source.gauss(0.5, 1.0) for _ in range(60)]
    low, high = bootstrap(base, candidate, random.Random(1))
    d = welch(spread(base), spread(candidate))
    assert low == pytest.approx(d.estimate - d.half_width(), abs=0.1 * d.half_width())
    assert high == pytest.approx(d.estimate + d.half_width(), abs=0.1 * d.half_width())
    assert (low, high) == bootstrap(base, candidate, random.Random(1))


def test_smallest_detectable_difference_by_hand() -> None:
    """Ten runs a side, sd 0.1: se 0.0447, df 18, (2.101 + 0.862) x se = 0.1325."""
    d = welch(Spread(10, 0.0, 0.1), Spread(10, 0.0, 0.1))
    assert d.df == pytest.approx(18)
    assert smallest_detectable(d) == pytest.approx(0.1325, abs=1e-4)


def test_runs_that_would_decide_agree_with_the_textbook() -> None:
    """A difference of one standard deviation needs 17 runs a side (Cohen 1988, table 2.4.1: 17)."""
    assert runs_to_decide(1.0, 1.0, 1.0) == 17


def test_an_effect_on_the_limit_is_never_decided() -> None:
    """No distance, or one too small for ten thousand runs: no number of runs helps."""
    assert runs_to_decide(0.1, 0.1, 0.0) is None
    assert runs_to_decide(0.0, 0.0, 0.0) is None
    assert runs_to_decide(1.0, 1.0, 1e-6) is None


def test_runs_without_noise_decide_at_once() -> None:
    """Two runs a side are the fewest that show there is no noise."""
    assert runs_to_decide(0.0, 0.0, 0.01) == 2


@given(
    st.floats(min_value=0.01, max_value=1),
    st.floats(min_value=0.0, max_value=1),
    st.floats(min_value=0.05, max_value=3),
)
def test_the_number_of_runs_is_the_smallest_that_decides(a: float, b: float, distance: float) -> None:
    """n runs show the distance, n - 1 do not."""
    n = runs_to_decide(a, b, distance)
    if n is None:
        return
    assert smallest_detectable(welch(Spread(n, 0.0, a), Spread(n, 0.0, b))) <= distance
    if n > 2:
        fewer = welch(Spread(n - 1, 0.0, a), Spread(n - 1, 0.0, b))
        assert smallest_detectable(fewer) > distance
    assert math.isfinite(distance)


@given(
    st.floats(min_value=0.01, max_value=1),
    st.floats(min_value=0.05, max_value=3),
    st.floats(min_value=0.0, max_value=3),
)
def test_what_no_repeat_removes_stays_in_the_interval_of_the_runs_that_decide(
    sd: float, distance: float, fixed: float
) -> None:
    """Half the interval, that part in quadrature, and what one estimate in five falls short by: no more."""

    def reaches(n: int) -> float:
        noise = welch(Spread(n, 0.0, sd), Spread(n, 0.0, sd))
        return math.hypot(noise.half_width(), fixed) + t_quantile(0.8, noise.df) * noise.standard_error

    n = runs_to_decide(sd, sd, distance, fixed)
    if n is None:
        assert reaches(10_000) > distance
    else:
        assert reaches(n) <= distance
        assert n == 2 or reaches(n - 1) > distance


def test_meters_that_nearly_fill_the_distance_take_more_runs() -> None:
    """Of 10 % between effect and limit the meters fill 9 %. Six runs leave 1.2 % of standard error.

    Half their interval is root(2.57^2 + 9^2) = 9.4 %, and one estimate in five falls short by 1.0 %.
    """
    assert runs_to_decide(0.02, 0.02, 0.10) == 3
    assert runs_to_decide(0.02, 0.02, 0.10, 0.09) == 10
    assert runs_to_decide(0.0, 0.0, 0.10, 0.09) == 2
    assert runs_to_decide(0.0, 0.0, 0.10, 0.11) is None
    assert runs_to_decide(0.02, 0.02, 0.10, 0.10) is None


def test_the_incomplete_beta_function_at_its_ends() -> None:
    """Nothing at 0 and all at 1, and whatever rounding leaves outside."""
    assert [incomplete_beta(2.0, 3.0, x) for x in (-1e-17, 0.0, 1.0, 1.0 + 1e-15)] == [0.0, 0.0, 1.0, 1.0]
