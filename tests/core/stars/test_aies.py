"""Stars as AI Energy Score gives them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.stars.results import H100, INVALID, a_key, a_result, a_row, joules
from wattmark.core.bench.result import Result
from wattmark.core.known import Grade
from wattmark.core.stars.aies import RECOMPUTED, groups_of, rate_aies, reproduced, stars_of

WHS = st.lists(st.decimals("0.001", "99999", places=4), min_size=2, max_size=12).map(
    lambda found: [str(value) for value in found]
)


def stars(*whs: str) -> list[int | None]:
    """Of one group with these energies."""
    return [rating.stars for rating in rate_aies([a_row(f"m{i}", wh) for i, wh in enumerate(whs)])]


def test_bands_have_equal_width_between_the_least_and_the_most() -> None:
    """From 10 to 60 a band is 10 Wh wide: 10 to 20 is 5 stars, 20 to 30 is 4 ..., 50 to 60 is 1."""
    assert stars("10", "15", "25", "35", "45", "55", "60") == [5, 5, 4, 3, 2, 1, 1]


def test_a_row_on_an_edge_has_the_worse_star() -> None:
    """floor(1.0) is 1: what lies on an edge belongs to the band above it."""
    assert stars("1", "2", "3", "4", "5", "6") == [5, 4, 3, 2, 1, 1]


def test_edges_are_kept_where_binary_floats_lose_them() -> None:
    """From 0.1 to 0.6 the bands end at 0.2, 0.3, 0.4 and 0.5; as floats (0.4 - 0.1) / 0.1 is above 3 and
    (0.3 - 0.1) / 0.1 below 2."""
    assert stars("0.1", "0.2", "0.3", "0.4", "0.5", "0.6") == [5, 4, 3, 2, 1, 1]
    assert (0.3 - 0.1) / ((0.6 - 0.1) / 5) < 2


def test_no_spread_is_no_rating() -> None:
    """Two of the same, and one alone."""
    for rating in rate_aies([a_row("a", "5"), a_row("b", "5.0"), a_row("c", "5", cohort="Feb 25")]):
        assert rating.stars is None
        assert rating.reason == "unrated: no spread"


def test_classes_count_for_text_generation_and_reasoning_alone() -> None:
    """Class B of text generation is a group of its own; pictures have one group whatever a table says."""
    texts = [
        a_row("a", "1"),
        a_row("b", "9"),
        a_row("c", "5", model_class="B"),
        a_row("d", "6", model_class="B"),
    ]
    assert [r.stars for r in rate_aies(texts)] == [5, 1, 5, 1]
    key = a_key(task="image_classification")
    pictures = [a_row("a", "1", key=key), a_row("b", "9", key=key), a_row("c", "5", key=key, model_class="B")]
    assert [r.stars for r in rate_aies(pictures)] == [5, 1, 3]


def test_a_task_nobody_knows_keeps_its_name_and_is_rated() -> None:
    """Case and spaces do not part a group."""
    rows = [a_row("a", "1", task="Translation", cohort="DEC  25"), a_row("b", "9", task="translation")]
    ratings = rate_aies(rows)
    assert [(r.task, r.stars) for r in ratings] == [("Translation", 5), ("translation", 1)]


def test_cohorts_are_rated_apart() -> None:
    """The same energies are the least of one cohort and the most of the other."""
    rows = [
        a_row("a", "1"),
        a_row("b", "2"),
        a_row("a", "2", cohort="Feb 26"),
        a_row("b", "9", cohort="Feb 26"),
    ]
    assert [r.stars for r in rate_aies(rows)] == [5, 1, 5, 1]


def test_tables_say_that_nobody_checked() -> None:
    """A star of a table is arithmetic, and has no interval."""
    rating = rate_aies([a_row("a", "1"), a_row("b", "2")])[0]
    assert (rating.evidence, rating.interval, rating.energy_interval) == (RECOMPUTED, None, None)
    assert rating.wh_per_1000 == 1.0


def test_a_published_result_without_gpu_energy_has_no_stars() -> None:
    """What is rated is the energy of the GPUs."""
    rating = rate_aies([a_row("a", "1", gpu_energy=None, stated={})])[0]
    assert rating.reason == "unrated: no energy of the GPUs is stated"
    assert rating.wh_per_1000 is None


def test_published_stars_are_set_beside_ours() -> None:
    """Two are stated, one of them is right."""
    rows = [a_row("a", "1", stars=5), a_row("b", "2", stars=3), a_row("c", "1.1")]
    found = reproduced(rows, rate_aies(rows))
    assert (found.stated, found.same, found.differing) == (2, 1, ((1, 3, 1),))


@given(WHS, st.integers(1, 1000))
def test_the_formula_is_about_ratios_and_order(whs: list[str], factor: int) -> None:
    """The least has 5, the most 1; more energy never more stars; another unit changes nothing."""
    assume(len(set(map(float, whs))) > 1)
    found = stars(*whs)
    pairs = sorted(zip((Fraction(w) for w in whs), found, strict=True), key=lambda p: (p[0], -(p[1] or 0)))
    assert (pairs[0][1], pairs[-1][1]) == (5, 1)
    assert [s for _, s in pairs] == sorted((s or 0 for s in found), reverse=True)
    assert (
        stars(*(str(Fraction(w).numerator * factor) + "e-4" if "." not in w else w for w in whs)) is not None
    )
    scaled = [Fraction(w) * factor for w in whs]
    assert [stars_of(e, min(scaled), max(scaled)) for e in scaled] == found


def cohort(*energies: float, **changes: object) -> list[Result]:
    """Valid results of our own."""
    return [a_result(f"m{i}", energy, **changes) for i, energy in enumerate(energies)]


def test_our_own_results_are_rated_with_their_interval() -> None:
    """36 J to 186 J: bands of 30 J. 60 J lies in the first alone, 66 J on its edge, 126 J on the fourth's."""
    ratings = rate_aies(cohort(36, 60, 66, 126, 186, noise=0.01))
    assert [r.stars for r in ratings] == [5, 5, 4, 2, 1]
    assert [r.interval for r in ratings] == [(5, 5), (5, 5), (4, 5), (2, 3), (1, 1)]
    assert ratings[2].shown == "4-5"
    assert ratings[0].evidence == "valid"


def test_the_gain_of_a_shared_meter_moves_no_band() -> None:
    """A meter that errs by 25 % for all rows leaves every ratio as it is."""
    ratings = rate_aies(cohort(36, 60, 67, 127, 186, noise=0.001, gain=0.25))
    assert [r.interval for r in ratings] == [(5, 5), (5, 5), (4, 4), (2, 2), (1, 1)]


def pulled(name: str, energy: float, pull: float) -> Result:
    """A result that one source moves by so many joules."""
    return a_result(name, gpu_energy=replace(joules(energy), errors={"pull": pull}))


def test_an_error_that_pulls_both_ways_does_not_cancel() -> None:
    """An offset that makes one more and another less moves them against each other."""
    pulls = ((36, 0.01), (60, 0.01), (100, 8.0), (127, -8.0), (186, 0.01))
    results = [pulled(f"m{i}", energy, pull) for i, (energy, pull) in enumerate(pulls)]
    assert [r.interval for r in rate_aies(results)] == [(5, 5), (5, 5), (3, 4), (2, 3), (1, 1)]


def test_a_relative_rating_needs_five_models() -> None:
    """Four models, one of them twice."""
    results = [*cohort(36, 60, 66, 126), a_result("m0", 40, id="again")]
    assert rate_aies(results)[0].reason == (
        "unrated: a relative rating needs a cohort of 5 models, this one has 4"
    )


def test_five_equal_models_have_no_spread() -> None:
    """Nothing tells them apart."""
    assert rate_aies(cohort(5, 5, 5, 5, 5))[0].reason == "unrated: no spread"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"profile": "standard"}, "profile `standard`: this mode rates results of the profile `aies`"),
        ({"validity": INVALID}, "invalid: quick"),
        ({"gpu_energy": None}, "no energy of the GPUs is known"),
        ({"grade": Grade.D}, "grade D: stars need evidence of grade A to C"),
        (
            {"key": a_key(device_class="1 x NVIDIA A100")},
            "hardware differs: 1 x NVIDIA A100, the rating is of H100",
        ),
        ({"key": a_key(device_class="1 x NVIDIA H100 NVL")}, "hardware differs: 1 x NVIDIA H100 NVL"),
        ({"key": a_key(device_class=f"{H100} + 1 x NVIDIA A100")}, "hardware differs"),
        (
            {"key": a_key(device_class="2 x NVIDIA H100 80GB HBM3")},
            "hardware differs: 2 x NVIDIA H100 80GB HBM3, only class C runs on more than one",
        ),
    ],
)
def test_our_own_results_are_refused_with_the_reason(changes: dict[str, object], reason: str) -> None:
    """Whoever is refused counts for nobody's cohort."""
    rating = rate_aies([*cohort(36, 60, 66, 126, 186), a_result("odd", 300, **changes)])
    assert rating[5].stars is None
    assert rating[5].reason.startswith(f"unrated: {reason}")
    assert rating[4].stars == 1


def test_class_c_may_run_on_several_of_the_same_gpus() -> None:
    """Two and four H100s stand in one group."""
    keys = [a_key(device_class=f"{n} x NVIDIA H100 80GB HBM3") for n in (2, 4, 2, 4, 8)]
    energies = (36, 70, 100, 130, 186)
    results = [
        a_result(f"m{i}", energy, key=key, model_class="C", noise=0.001)
        for i, (energy, key) in enumerate(zip(energies, keys, strict=True))
    ]
    assert [r.stars for r in rate_aies(results)] == [5, 4, 3, 2, 1]


def test_evidence_and_published_figures_are_never_one_group() -> None:
    """A row of a table moves no band of results that were measured."""
    own = cohort(36, 60, 66, 126, 186)
    told = a_row("told", "1000", cohort="2026-11")
    assert len(groups_of([*own, told])) == 2
    assert [r.stars for r in rate_aies([*own, told])[:5]] == [r.stars for r in rate_aies(own)]


def test_a_model_without_a_class_is_a_group_of_its_own() -> None:
    """Nothing is guessed."""
    result = a_row("a", "1", model_class=None)
    assert next(iter(groups_of([result]))).model_class is None
