"""The score: ratios to a baseline that scores 100."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.decisions import ENERGY, QUALITY, SMALL_CATALOG, a_facts, joules
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import NotComparable, RefusedError
from wattmark.core.facts import Embodied, Facts
from wattmark.core.figure import Figure, Missing, NotReached, Undefined, exact
from wattmark.core.known import Grade
from wattmark.core.kpis import CATALOG, Better
from wattmark.core.repeats import Repeat
from wattmark.core.rubric import Aggregation, Factors, Rubric, Weighted
from wattmark.core.score import (
    Score,
    assemble,
    held_at,
    rankings_differ,
    score,
    score_line,
    score_repeats,
    score_through_gaps,
)

HALVES = Rubric(
    id="halves",
    version="1",
    kpis=(Weighted(kpi="energy", weight=0.5), Weighted(kpi="quality", weight=0.5)),
)


def value(answer: Figure | Missing) -> float:
    """The points of a score that exists."""
    assert isinstance(answer, Figure)
    return answer.value


def test_the_baseline_scores_100() -> None:
    """Against itself every ratio is 1, in both aggregations, and nothing is uncertain."""
    s = score(a_facts(), a_facts(), HALVES, SMALL_CATALOG)
    assert value(s.arithmetic) == pytest.approx(100.0)
    assert value(s.geometric) == pytest.approx(100.0)
    assert isinstance(s.arithmetic, Figure)
    assert s.arithmetic.half_width == pytest.approx(0.0)
    assert not s.disputed


def test_half_the_energy_at_equal_quality() -> None:
    """r = 2 and 1: 150 points, or 100 x sqrt(2) geometrically."""
    s = score(a_facts(1.8e6), a_facts(), HALVES, SMALL_CATALOG)
    assert value(s.arithmetic) == pytest.approx(150.0)
    assert value(s.geometric) == pytest.approx(100 * math.sqrt(2))
    assert s.value is s.arithmetic
    assert not s.lines[0].saturated


def test_the_rubric_chooses_the_aggregation() -> None:
    """`aggregation = "geometric"` makes the geometric score the score."""
    rubric = replace(HALVES, aggregation=Aggregation.GEOMETRIC)
    s = score(a_facts(1.8e6), a_facts(), rubric, SMALL_CATALOG)
    assert s.value is s.geometric


def test_a_ratio_above_two_is_saturated_and_shown_unclipped() -> None:
    """A quarter of the energy counts as 2; unclipped it is 4, and 4 give or take 7 % is 2 for certain."""
    s = score(a_facts(joules(0.9e6, source="other")), a_facts(), HALVES, SMALL_CATALOG)
    line = s.lines[0]
    assert line.saturated
    assert isinstance(line.ratio, Figure)
    assert line.ratio.value == pytest.approx(4.0)
    assert value(s.arithmetic) == pytest.approx(150.0)
    assert value(s.unclipped) == pytest.approx(250.0)
    assert line.ratio.half_width == pytest.approx(4 * math.hypot(0.05, 0.05))
    assert isinstance(s.arithmetic, Figure)
    assert isinstance(s.geometric, Figure)
    assert s.arithmetic.interval == pytest.approx((150.0, 150.0))
    assert s.geometric.interval == pytest.approx((100 * math.sqrt(2), 100 * math.sqrt(2)))


def test_the_ends_of_an_interval_are_clipped_as_the_ratio_is() -> None:
    """A ratio of 1.9 give or take 7 %: 1.77 to 2, and never above 200 points."""
    s = score(a_facts(joules(3.6e6 / 1.9, source="other")), a_facts(), HALVES, SMALL_CATALOG)
    low = 1.9 * (1 - math.hypot(0.05, 0.05))
    assert isinstance(s.arithmetic, Figure)
    assert isinstance(s.geometric, Figure)
    assert not s.saturated
    assert s.arithmetic.interval == pytest.approx((50 * (low + 1), 150.0))
    assert s.arithmetic.half_width == pytest.approx(50 * (1.9 - low))
    assert s.geometric.interval == pytest.approx((100 * math.sqrt(low), 100 * math.sqrt(2)))


def test_nothing_where_lower_is_better_counts_as_two() -> None:
    """x = 0 gives 2, marked saturated; there is no unclipped score, because it has no upper end."""
    s = score(a_facts(energy=joules(0.0)), a_facts(), HALVES, SMALL_CATALOG)
    assert s.lines[0].used == 2.0
    assert s.lines[0].saturated
    assert value(s.arithmetic) == pytest.approx(150.0)
    assert value(s.geometric) == pytest.approx(100 * math.sqrt(2))
    assert isinstance(s.unclipped, Missing)


@pytest.mark.parametrize("base", [0.0, -1.0])
def test_a_baseline_of_zero_or_less_gives_no_score(base: float) -> None:
    """There is nothing to be relative to."""
    line = score_line(ENERGY, 1.0, exact(base, "kWh"), exact(1.0, "kWh"))
    assert isinstance(line.ratio, Undefined)
    assert line.used is None
    assert "nothing to be relative to" in line.reason


def test_below_zero_where_lower_is_better_gives_no_score() -> None:
    """A negative energy is nonsense, and is neither good nor bad."""
    assert score_line(ENERGY, 1.0, exact(1.0, "kWh"), exact(-1.0, "kWh")).used is None


def test_below_zero_where_higher_is_better_counts_nothing() -> None:
    """The ratio is clipped at 0."""
    assert score_line(QUALITY, 1.0, exact(1.0, "1"), exact(-1.0, "1")).used == 0.0


def test_an_outcome_not_reached_counts_nothing() -> None:
    """NotReached is a known failure: half of the points are gone, and geometrically all."""
    lines = [
        score_line(ENERGY, 0.5, exact(1.0, "kWh"), NotReached("accuracy>=0.95", exact(9.0, "kWh"))),
        score_line(QUALITY, 0.5, exact(0.9, "1"), exact(0.9, "1")),
    ]
    s = assemble(lines, HALVES, Factors.BASELINE)
    assert value(s.arithmetic) == pytest.approx(50.0)
    assert value(s.geometric) == 0.0


def test_a_missing_kpi_gives_no_score_and_names_the_field() -> None:
    """The weights are not spread over what is left."""
    s = score(a_facts(quality=Missing("quality", "log it")), a_facts(), HALVES, SMALL_CATALOG)
    assert isinstance(s.value, Missing)
    assert "quality (missing: quality (log it))" in s.value.field
    assert s.lines[0].used == pytest.approx(1.0)
    assert s.geometric is s.arithmetic
    assert not rankings_differ([s])


@pytest.mark.parametrize(
    ("baseline", "candidate", "words"),
    [
        (Missing("outcome"), exact(1.0, "kWh"), "baseline: outcome"),
        (Undefined("no work"), exact(1.0, "kWh"), "baseline: no work"),
        (NotReached("a>=1", exact(1.0, "kWh")), exact(1.0, "kWh"), "baseline: not reached: a>=1"),
        (exact(1.0, "kWh"), Undefined("no work"), "undefined: no work"),
        (exact(1.0, "kWh", boundary="node"), exact(1.0, "kWh", boundary="device"), "boundary: node"),
    ],
)
def test_whatever_lacks_an_answer_says_why(baseline: object, candidate: object, words: str) -> None:
    """Baseline or candidate, missing, undefined or on other terms."""
    line = score_line(ENERGY, 1.0, baseline, candidate)  # type: ignore[arg-type]
    assert line.used is None
    assert not line.saturated
    assert words in line.reason


def test_a_kpi_that_refuses_gives_no_score() -> None:
    """A refusal is an answer: it is told, and it stops nothing else."""

    def refuse(facts: Facts) -> Figure:
        raise RefusedError("a PUE of 0.5 is impossible")

    catalog = {**SMALL_CATALOG, "energy": replace(ENERGY, of=refuse)}
    s = score(a_facts(), a_facts(), HALVES, catalog)
    assert "a PUE of 0.5 is impossible" in s.lines[0].reason
    assert s.lines[1].used == 1.0


def test_a_shared_meter_cancels_and_a_foreign_one_does_not() -> None:
    """5 % gain on both sides: exact when it is one meter, sqrt(2) x 5 % when there are two."""
    same = score(a_facts(1.8e6), a_facts(), HALVES, SMALL_CATALOG)
    other = score(a_facts(energy=joules(1.8e6, source="other")), a_facts(), HALVES, SMALL_CATALOG)
    assert isinstance(same.arithmetic, Figure)
    assert isinstance(other.arithmetic, Figure)
    assert same.arithmetic.half_width == pytest.approx(0.0, abs=1e-9)
    assert other.arithmetic.half_width == pytest.approx(50 * 2 * math.hypot(0.05, 0.05))


def test_sources_add_with_their_sign_over_kpis() -> None:
    """A gain that raises one ratio and lowers the other by as much leaves the score certain."""
    up = Figure(1.0, "1", {"gain": 0.1})
    rubric = Rubric(
        id="r", version="1", kpis=(Weighted(kpi="quality", weight=0.5), Weighted(kpi="energy", weight=0.5))
    )
    lines = [
        score_line(QUALITY, 0.5, exact(1.0, "1"), up),
        score_line(ENERGY, 0.5, exact(1.0, "1"), up),
    ]
    s = assemble(lines, rubric, Factors.BASELINE)
    for figure in (s.arithmetic, s.geometric):
        assert isinstance(figure, Figure)
        assert figure.half_width == pytest.approx(0.0, abs=1e-12)


def test_the_score_says_how_it_is_known() -> None:
    """The worst grade of 5 % of the weight, and the least coverage."""
    s = score(a_facts(energy=joules(3.6e6, coverage=0.97)), a_facts(), HALVES, SMALL_CATALOG)
    assert isinstance(s.arithmetic, Figure)
    assert s.arithmetic.grade is Grade.B
    assert s.arithmetic.coverage == 0.97


def test_a_dirtier_hour_is_no_worse_model() -> None:
    """The candidate's grid is 10 times dirtier: held at the baseline's it scores 100, as it was 10."""
    rubric = Rubric(
        id="carbon", version="1", kpis=(Weighted(kpi="carbon_per_inference_operational", weight=1.0),)
    )
    dirty = a_facts(intensity=Intensity(grams_per_kwh=1000.0, zone="POL", source="test").figure())
    assert value(score(dirty, a_facts(), rubric, CATALOG).value) == pytest.approx(100.0)
    actual = score(dirty, a_facts(), rubric, CATALOG, Factors.ACTUAL)
    assert value(actual.value) == pytest.approx(10.0)


def test_the_hours_of_a_baselines_own_repeats_are_held_too() -> None:
    """A first repeat at 800 g beside two at 100 g: a candidate of the same energy scores 100, surely."""
    rubric = Rubric(
        id="carbon", version="1", kpis=(Weighted(kpi="carbon_per_inference_operational", weight=1.0),)
    )
    grids = [Intensity(grams_per_kwh=g, zone="FRA", source="test").figure() for g in (800.0, 100.0, 100.0)]
    found = score_repeats([a_facts()] * 3, [a_facts(intensity=g) for g in grids], rubric, CATALOG)
    assert value(found.value) == pytest.approx(100.0)
    assert isinstance(found.value, Figure)
    assert found.value.half_width == pytest.approx(0.0)


def test_embodied_factors_are_the_baselines_and_hours_the_candidates() -> None:
    """The hardware's footprint is a factor; how long it was reserved is what the candidate did."""
    base = a_facts(embodied=Embodied(total_grams=1000, lifespan_hours=10, reserved_hours=5))
    cand = a_facts(embodied=Embodied(total_grams=9000, lifespan_hours=99, reserved_hours=2))
    assert held_at(base, cand).embodied == Embodied(total_grams=1000, lifespan_hours=10, reserved_hours=2)
    assert held_at(a_facts(), cand).embodied == a_facts().embodied


def test_another_methodology_is_refused_with_its_fields() -> None:
    """Other task and, with actual factors, other kind of PUE."""
    with pytest.raises(NotComparable, match="task: digits against cifar"):
        score(a_facts(task="cifar"), a_facts(), HALVES, SMALL_CATALOG)
    measured = a_facts(pue=Pue(value=1.2, kind="measured").figure())
    score(measured, a_facts(), HALVES, SMALL_CATALOG)
    with pytest.raises(NotComparable, match="pue_kind"):
        score(measured, a_facts(), HALVES, SMALL_CATALOG, Factors.ACTUAL)


def a_score(*ratios: float) -> Score:
    """A score of equally weighted higher-is-better ratios."""
    weight = 1.0 / len(ratios)
    lines = [score_line(QUALITY, weight, exact(1.0, "1"), exact(r, "1")) for r in ratios]
    return assemble(lines, HALVES, Factors.BASELINE)


def test_a_dispute_between_the_aggregations_is_seen() -> None:
    """2 and 0.3: 115 arithmetically, 77 geometrically; better than the baseline, or worse."""
    s = a_score(2.0, 0.3)
    assert (round(value(s.arithmetic)), round(value(s.geometric))) == (115, 77)
    assert s.disputed
    assert rankings_differ([a_score(2.0, 1.1), a_score(1.52, 1.52)])
    assert not rankings_differ([a_score(1.5, 1.5), a_score(1.2, 1.2)])


@given(st.lists(st.floats(min_value=0.01, max_value=5.0), min_size=1, max_size=5))
def test_a_score_lies_between_0_and_200_and_geometric_below_arithmetic(ratios: list[float]) -> None:
    """Clipping bounds both; the geometric mean never exceeds the arithmetic one."""
    s = a_score(*ratios)
    assert 0.0 <= value(s.geometric) <= value(s.arithmetic) + 1e-9
    assert value(s.arithmetic) <= 200.0 + 1e-9


@given(st.floats(min_value=0.1, max_value=10), st.floats(min_value=1e-3, max_value=1e3))
def test_the_score_knows_no_units(ratio: float, scale: float) -> None:
    """Measuring both sides in another unit changes nothing."""
    one = score_line(ENERGY, 1.0, exact(1.0, "kWh"), exact(ratio, "kWh"))
    two = score_line(ENERGY, 1.0, exact(scale, "J"), exact(ratio * scale, "J"))
    assert one.used == pytest.approx(two.used)


def test_repeats_bring_their_noise_into_the_score() -> None:
    """Three repeats around half the energy: 2 for the ratio, and an interval from their spread alone."""
    repeats = [a_facts(1.8e6 * f) for f in (0.9, 1.0, 1 / 0.9)]
    s = score_repeats(repeats, [a_facts(), a_facts(), a_facts()], HALVES, SMALL_CATALOG)
    assert value(s.arithmetic) == pytest.approx(150.0)
    sd = math.log(1 / 0.9)
    assert isinstance(s.unclipped, Figure)
    assert s.unclipped.half_width == pytest.approx(100 * 4.302653 * sd / math.sqrt(3), rel=1e-5)


def test_noise_does_not_cancel_between_kpis_of_different_directions() -> None:
    """A repeat that used more energy also did less per joule: both ratios fall together."""

    def units_per_joule(facts: Facts) -> Figure:
        assert isinstance(facts.energy, Figure)
        return exact(1e6, "1").over(facts.energy, "1/J")

    per_joule = replace(ENERGY, id="per_joule", better=Better.HIGHER, of=units_per_joule)
    rubric = replace(HALVES, kpis=(Weighted(kpi="energy", weight=0.5), Weighted(kpi="per_joule", weight=0.5)))
    ours, theirs = ([a_facts(e * f) for f in (0.9, 1.0, 1.2)] for e in (3.0e6, 3.6e6))
    both = score_repeats(ours, theirs, rubric, {**SMALL_CATALOG, "per_joule": per_joule})
    energy = replace(rubric, kpis=(Weighted(kpi="energy", weight=1.0),))
    alone = score_repeats(ours, theirs, energy, SMALL_CATALOG)
    assert isinstance(both.arithmetic, Figure)
    assert isinstance(alone.arithmetic, Figure)
    assert alone.arithmetic.half_width > 10.0
    assert both.arithmetic.half_width == pytest.approx(alone.arithmetic.half_width)


CASES = st.tuples(
    st.floats(min_value=0.05, max_value=4.0), st.floats(min_value=0.0, max_value=0.3), st.booleans()
)


@given(st.lists(CASES, min_size=2, max_size=2), st.sampled_from(list(Aggregation)))
def test_an_interval_of_a_score_holds_the_score_and_lies_on_its_scale(
    cases: list[tuple[float, float, bool]], aggregation: Aggregation
) -> None:
    """0 to 200, whatever is clipped and whatever the ratios share."""
    rubric = replace(HALVES, aggregation=aggregation)
    lines = []
    for (ratio, error, shared), item in zip(cases, rubric.kpis, strict=True):
        name = "shared" if shared else item.kpi
        candidate = Figure(1 / ratio, "kWh", errors={name: error / ratio})
        lines.append(score_line(replace(ENERGY, id=item.kpi), item.weight, exact(1.0, "kWh"), candidate))
    figure = assemble(lines, rubric, Factors.BASELINE).value
    assert isinstance(figure, Figure)
    low, high = figure.interval
    assert 0.0 <= low <= figure.value + 1e-9
    assert figure.value - 1e-9 <= high <= 200.0


def test_repeats_of_another_task_are_refused() -> None:
    """Every repeat is checked, not only the first."""
    with pytest.raises(NotComparable, match="task"):
        score_repeats([a_facts(), a_facts(task="cifar")], [a_facts()], HALVES, SMALL_CATALOG)


def told(points: Figure | Missing) -> tuple[float, float]:
    """The interval of a score that exists."""
    assert isinstance(points, Figure)
    return points.interval


def test_gaps_hide_no_noise_from_a_score() -> None:
    """Two runs 5 % below and above 1 kWh. Of two that may have taken either the interval is no narrower.

    With one run there is no noise to hide, and what cannot be positive hides any.
    """
    base = [a_facts(), a_facts()]
    low, high = a_facts(3.6e6 * math.exp(-0.05)), a_facts(3.6e6 * math.exp(0.05))
    seen = score_repeats([low, high], base, HALVES, SMALL_CATALOG)
    ends = [([facts, facts], base) for facts in (low, high)]
    holed = score_repeats([a_facts()] * 2, base, HALVES, SMALL_CATALOG, gaps=ends)
    assert told(holed.value)[0] <= told(seen.value)[0] + 1e-9
    assert told(holed.value)[1] >= told(seen.value)[1] - 1e-9
    single = score_repeats([a_facts()], base[:1], HALVES, SMALL_CATALOG, gaps=[(ends[0][0][:1], base[:1])])
    assert told(single.value) == told(score(a_facts(), a_facts(), HALVES, SMALL_CATALOG).value)
    lone = score_repeats([a_facts()], base, HALVES, SMALL_CATALOG, gaps=[([a_facts()], ends[0][0])])
    assert told(lone.value)[0] < 100.0
    dark = score_repeats([a_facts()] * 2, base, HALVES, SMALL_CATALOG, gaps=[([a_facts(0.0)] * 2, base)])
    assert told(dark.value)[0] <= 50.0
    unsaid = [a_facts(quality=Missing("quality"))] * 2
    nothing = score_repeats(unsaid, base, HALVES, SMALL_CATALOG, gaps=ends)
    assert isinstance(nothing.value, Missing)


NEAR = st.floats(min_value=0.9, max_value=1.1)


@given(
    st.lists(NEAR, min_size=1, max_size=4),
    st.lists(NEAR, min_size=1, max_size=4),
    st.tuples(st.floats(min_value=0.95, max_value=1.0), st.floats(min_value=1.0, max_value=1.05)),
    st.lists(st.integers(min_value=0, max_value=1), min_size=8, max_size=8),
)
@settings(max_examples=50, deadline=None)
def test_whatever_runs_were_in_their_gaps_is_in_the_interval_of_their_score(
    ours: list[float], theirs: list[float], ends: tuple[float, float], took: list[int]
) -> None:
    """At its ends and its middle, the interval over all three reaches as far as of runs that were seen."""

    def facts(values: list[float], share: float) -> list[Facts]:
        return [a_facts(3.6e6 * value * share) for value in values]

    states = [
        (facts(ours, a), facts(theirs, b)) for a, b in ((1.0, 1.0), (ends[0], ends[1]), (ends[1], ends[0]))
    ]
    found = [
        told(score_repeats(*state, HALVES, SMALL_CATALOG, gaps=[s for s in states if s is not state]).value)
        for state in states
    ]
    shares = [ends[end] for end in took]
    seen = score_repeats(
        [a_facts(3.6e6 * v * share) for v, share in zip(ours, shares, strict=False)],
        [a_facts(3.6e6 * v * share) for v, share in zip(theirs, shares[4:], strict=False)],
        HALVES,
        SMALL_CATALOG,
    )
    low, high = told(seen.value)
    assert min(end for end, _ in found) <= low + 1e-9
    assert max(end for _, end in found) >= high - 1e-9


def test_a_score_has_the_interval_of_all_that_gaps_can_hold() -> None:
    """Two repeats that used 1 kWh if gaps were as the rest, or 0.8 to 1.6: at least 81 to 113 points."""
    base = [Repeat(facts=f, least=f, most=f) for f in (a_facts(), a_facts())]
    gaps = Repeat(facts=a_facts(), least=a_facts(2.88e6), most=a_facts(5.76e6))
    whole = score_through_gaps(base, base, HALVES, SMALL_CATALOG)
    assert whole == score_repeats([r.facts for r in base], [r.facts for r in base], HALVES, SMALL_CATALOG)
    for told in (
        (found := score_through_gaps([gaps, gaps], base, HALVES, SMALL_CATALOG)).arithmetic,
        found.geometric,
    ):
        assert isinstance(told, Figure)
        assert told.value == pytest.approx(100.0)
        low, high = told.interval
        assert low < 81.25
        assert high > 112.5


UNSAID = Missing("quality")


def test_a_score_that_an_end_of_gaps_does_not_have_may_be_any() -> None:
    """0 to 200 points; and none at all where the estimate has none."""
    base = [Repeat(facts=a_facts(), least=a_facts(), most=a_facts())]
    lost = Repeat(facts=a_facts(), least=replace(a_facts(), quality=UNSAID), most=a_facts())
    told = score_through_gaps([lost], base, HALVES, SMALL_CATALOG).arithmetic
    assert isinstance(told, Figure)
    assert told.interval == (0.0, 200.0)
    none = Repeat(facts=replace(a_facts(), quality=UNSAID), least=a_facts(), most=a_facts())
    assert isinstance(score_through_gaps([none], base, HALVES, SMALL_CATALOG).arithmetic, Missing)
