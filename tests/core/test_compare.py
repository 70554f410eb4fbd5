"""Effects between groups of runs, and the three outcomes."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.decisions import joules
from wattmark.core.compare import (
    Effect,
    Outcome,
    centre,
    effect_of,
    judge,
    level_interval,
    over_both,
    over_repeats,
)
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.figure import Figure, Missing, Undefined, exact
from wattmark.core.known import Grade
from wattmark.core.kpis import Better


def group(*values: float, source: str = "meter:gain") -> list[Figure]:
    """Energies read by one meter of 5 %."""
    return [joules(v, source=source) for v in values]


def effect(base: list[Figure], candidate: list[Figure], **kwargs: object) -> Effect:
    """An effect that exists."""
    found = effect_of(base, candidate, **kwargs)  # type: ignore[arg-type]
    assert isinstance(found, Effect)
    return found


def test_welch_on_logarithms() -> None:
    """90, 100, 111.1 against twice as much: a ratio of 2, sd of logs 0.105, df 4, t 2.776."""
    base = group(90.0, 100.0, 100.0 / 0.9)
    e = effect(base, group(180.0, 200.0, 200.0 / 0.9))
    assert e.method == "welch"
    assert e.ratio == pytest.approx(2.0)
    half = 2.776445 * math.log(1 / 0.9) * math.sqrt(2 / 3)
    assert e.interval == (pytest.approx(2 * math.exp(-half)), pytest.approx(2 * math.exp(half)))
    assert e.smallest_detectable == pytest.approx(math.expm1((2.776445 + 0.940965) * half / 2.776445))


def test_a_meter_of_ones_own_stays_in_the_interval() -> None:
    """However many repeats: two meters of 5 % never agree better than 7.07 %."""
    base, other = group(*[100.0] * 30), group(*[100.0] * 30, source="other")
    assert effect(base, group(*[100.0] * 30)).interval == (1.0, 1.0)
    low, high = effect(base, other).log_interval
    assert (low, high) == (pytest.approx(-math.hypot(0.05, 0.05)), pytest.approx(math.hypot(0.05, 0.05)))


def test_single_runs_fall_back_to_the_measurement() -> None:
    """One run a side: what the meters leave uncertain, and no noise, no smallest difference, no run count."""
    e = effect(group(100.0), group(110.0, source="other"))
    assert (e.method, e.noise, e.smallest_detectable) == ("measurement", None, None)
    assert e.shared_out == pytest.approx(math.hypot(0.05, 0.05))
    assert e.runs_needed(Better.LOWER, 0.1) is None


def test_one_run_beside_repeats_borrows_their_noise() -> None:
    """In both directions; the number of runs is for noise of that size on both sides."""
    repeats = group(*[100 * math.exp(v) for v in (-0.03, 0.0, 0.03)])
    for e in (effect(repeats, group(102.0)), effect(group(102.0), repeats)):
        assert e.method == "borrowed"
        low, high = e.log_interval
        assert (high - low) / 2 == pytest.approx(4.302653 * 0.03 * math.sqrt(4 / 3))
    assert effect(repeats, group(102.0)).runs_needed(Better.LOWER, 0.05) == 18


def test_runs_that_share_blocks_are_compared_in_pairs() -> None:
    """Blocks of 100, 400, 900 J, each 10 % more: exactly 10 %, whatever lies between the blocks."""
    blocks = (["mon", "tue", "wed"], ["wed", "mon", "tue"])
    e = effect(group(100.0, 400.0, 900.0), group(990.0, 110.0, 440.0), blocks=blocks)
    assert e.method == "paired"
    assert e.interval == (pytest.approx(1.1), pytest.approx(1.1))
    assert e.runs_needed(Better.LOWER, 0.05) == 2


@pytest.mark.parametrize(
    "blocks",
    [
        ([None, "tue"], ["mon", "tue"]),
        (["mon", "mon"], ["mon", "tue"]),
        (["mon", "tue"], ["mon", "wed"]),
    ],
)
def test_blocks_that_do_not_pair_up_are_not_used(blocks: tuple[list[str | None], list[str | None]]) -> None:
    """A block missing, twice on a side, or on one side only: Welch's test."""
    assert effect(group(1.0, 2.0), group(1.0, 2.0), blocks=blocks).method == "welch"


def test_one_common_block_is_no_pairing() -> None:
    """A single pair has no spread."""
    e = effect(group(1.0), group(2.0), blocks=(["mon"], ["mon"]))
    assert e.method == "measurement"


def test_a_bootstrap_is_there_for_many_runs_and_refused_for_few() -> None:
    """20 a side, and near Welch's interval."""
    source = random.Random(3)
    base = group(*[math.exp(source.gauss(0, 0.1)) for _ in range(40)])
    candidate = group(*[math.exp(source.gauss(0.2, 0.1)) for _ in range(40)])
    e = effect(base, candidate, pick=random.Random(1))
    assert e.method == "bootstrap"
    assert e.interval == (
        pytest.approx(effect(base, candidate).interval[0], abs=0.01),
        pytest.approx(effect(base, candidate).interval[1], abs=0.01),
    )
    with pytest.raises(UsageError, match="20 runs on each side"):
        effect_of(group(1.0, 2.0), group(1.0, 2.0), pick=random.Random(1))


def test_a_value_of_zero_has_no_ratio() -> None:
    """Undefined, with the reason."""
    assert isinstance(effect_of(group(1.0), [joules(0.0)]), Undefined)


def test_figures_on_other_terms_are_refused() -> None:
    """Device energy is never set beside node energy."""
    with pytest.raises(NotComparable, match="boundary"):
        effect_of(group(1.0), [joules(1.0, terms={"boundary": "device"})])


@pytest.mark.parametrize(
    ("interval", "above_is_bad", "outcome"),
    [
        ((1.1, 1.2), True, Outcome.REGRESSED),
        ((0.9, 1.0), True, Outcome.PASS),
        ((0.9, 1.1), True, Outcome.UNDECIDED),
        ((1.0, 1.1), True, Outcome.UNDECIDED),
        ((0.8, 0.9), False, Outcome.REGRESSED),
        ((1.0, 1.1), False, Outcome.PASS),
        ((0.9, 1.1), False, Outcome.UNDECIDED),
    ],
)
def test_three_outcomes_at_a_limit_of_one(
    interval: tuple[float, float], above_is_bad: bool, outcome: Outcome
) -> None:
    """Regressed when all of it lies beyond, pass when all of it lies within, the edge belongs to pass."""
    assert judge(interval, 1.0, above_is_bad) is outcome


def test_the_direction_of_worse_follows_the_kpi() -> None:
    """10 % more regresses where lower is better and passes where higher is better."""
    e = effect(group(100.0, 100.0), group(110.0, 110.0))
    assert e.outcome(Better.LOWER, 0.05) is Outcome.REGRESSED
    assert e.outcome(Better.LOWER, 0.15) is Outcome.PASS
    assert e.outcome(Better.HIGHER, 0.05) is Outcome.PASS


def test_the_runs_that_would_decide() -> None:
    """A limit of 5 %, an effect of 2 %, sd 3 %: more runs than the three there are; on the limit, none."""
    base = group(*[100 * math.exp(v) for v in (-0.03, 0.0, 0.03)])
    candidate = group(*[102 * math.exp(v) for v in (-0.03, 0.0, 0.03)])
    e = effect(base, candidate)
    assert e.outcome(Better.LOWER, 0.05) is Outcome.UNDECIDED
    needed = e.runs_needed(Better.LOWER, 0.05)
    assert needed is not None
    assert needed > 3
    assert e.runs_needed(Better.LOWER, 0.02) is None


def test_no_number_of_runs_beats_two_meters() -> None:
    """What the meters do not share cannot be repeated away."""
    e = effect(group(100.0, 101.0), group(102.0, 103.0, source="other"))
    assert e.runs_needed(Better.LOWER, 0.05) is None


def test_the_worst_case_of_a_gap_is_on_top_of_noise_and_meters() -> None:
    """Noise and two meters in quadrature, and 3 % that may lie in a gap: 3 % more to either side.

    What such gaps hide comes off the distance that repeats must resolve.
    """
    before, after = group(98.0, 100.0, 102.0), group(98.0, 100.0, 102.0, source="other")
    holed = [replace(f, errors={**f.errors, f"gap:{i}": 0.03 * f.value}) for i, f in enumerate(after)]
    whole, less = effect(before, after), effect(before, holed)
    assert less.log_interval == pytest.approx((whole.log_interval[0] - 0.03, whole.log_interval[1] + 0.03))
    few, more = (e.runs_needed(Better.LOWER, 0.15) for e in (whole, less))
    assert few is not None
    assert more is not None
    assert few < more
    assert less.runs_needed(Better.LOWER, 0.02) is None


def test_the_centre_keeps_a_shared_gain_and_thins_a_runs_own_error() -> None:
    """Geometric mean of 100 and 400 is 200; a gain of 5 % stays 5 %, one run's 8 % counts half."""
    figures = [
        joules(100.0, errors={"gain": 5.0, "gap:a": 8.0}),
        joules(400.0, errors={"gain": 20.0}, grades={Grade.D: 1.0}, coverage=0.96),
    ]
    middle = centre(figures)
    assert middle.value == pytest.approx(200.0)
    assert middle.errors == {"gain": pytest.approx(10.0), "gap:a": pytest.approx(8.0)}
    assert (middle.grade, middle.coverage) == (Grade.D, 0.96)


def test_repeats_become_one_answer() -> None:
    """Their geometric mean with a source of noise for each; one alone is itself."""
    one = exact(5.0, "J")
    assert over_repeats([one], "candidate") is one
    both = over_repeats([exact(90.0, "J"), exact(100.0, "J"), exact(100 / 0.9, "J")], "candidate")
    assert isinstance(both, Figure)
    assert both.value == pytest.approx(100.0)
    assert both.half_width == pytest.approx(100 * 4.302653 * math.log(1 / 0.9) / math.sqrt(3), rel=1e-6)
    assert both.errors["repeats:candidate:1"] < 0 < both.errors["repeats:candidate:3"]
    assert both.errors["repeats:candidate:2"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("base", "new"), [((90.0, 100.0, 111.0), (50.0,)), ((90.0, 110.0), (50.0, 51.0, 55.0))]
)
def test_a_ratio_over_repeats_is_as_uncertain_as_their_comparison(
    base: tuple[float, ...], new: tuple[float, ...]
) -> None:
    """A score and a comparison of the same runs agree; a single run borrows the noise of the repeats."""
    sides = [exact(v, "J") for v in base], [exact(v, "J") for v in new]
    one, two = over_both(*sides)
    assert isinstance(one, Figure)
    assert isinstance(two, Figure)
    effect = effect_of(*sides)
    assert isinstance(effect, Effect)
    assert effect.noise is not None
    assert two.over(one, "1").relative == pytest.approx(effect.noise.half_width())


def test_two_single_runs_have_no_noise_to_show() -> None:
    """Nor have answers without a figure, or zeros."""
    one, two = exact(1.0, "J"), exact(2.0, "J")
    assert over_both([one], [two]) == (one, two)
    assert over_both([one, one], [Missing("work")]) == (one, Missing("work"))
    assert over_both([one, one], [exact(0.0, "J")]) == (one, exact(0.0, "J"))


def test_a_repeat_without_an_answer_is_not_averaged_away() -> None:
    """Missing stays missing; zeros have no mean with others, and are zero among themselves."""
    lacking = Missing("work")
    assert over_repeats([exact(1.0, "J"), lacking], "candidate") is lacking
    assert over_repeats([exact(0.0, "J"), exact(0.0, "J")], "candidate") == exact(0.0, "J")
    assert isinstance(over_repeats([exact(0.0, "J"), exact(1.0, "J")], "candidate"), Undefined)
    unequal = over_repeats([exact(1.0, "J", stage="a"), exact(1.0, "J", stage="b")], "candidate")
    assert "stage: a against b" in str(unequal)


def test_the_interval_of_a_level() -> None:
    """One run: the meter's 5 % in logarithms. Repeats: their noise too. Zero: its own interval."""
    assert level_interval(group(100.0)) == (
        pytest.approx(100 * math.exp(-0.05)),
        pytest.approx(100 * math.exp(0.05)),
    )
    low, high = level_interval(group(90.0, 100.0, 100 / 0.9))
    half = math.hypot(0.05, 4.302653 * math.log(1 / 0.9) / math.sqrt(3))
    assert (low, high) == (pytest.approx(100 * math.exp(-half)), pytest.approx(100 * math.exp(half)))
    assert level_interval([exact(0.0, "J"), exact(1.0, "J")]) == (0.0, 1.0)


@given(
    st.lists(st.floats(min_value=0.1, max_value=10), min_size=2, max_size=6),
    st.lists(st.floats(min_value=0.1, max_value=10), min_size=2, max_size=6),
)
def test_the_effect_of_going_back_is_the_inverse(a: list[float], b: list[float]) -> None:
    """Exchanging the sides inverts the ratio and mirrors the interval."""
    there, back = effect(group(*a), group(*b)), effect(group(*b), group(*a))
    assert there.ratio * back.ratio == pytest.approx(1.0)
    assert there.interval[0] * back.interval[1] == pytest.approx(1.0)
