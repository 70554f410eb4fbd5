"""The most efficient model that is good enough, and what it costs to be wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.stars.results import GAIN, INVALID, a_key, a_result, a_row, joules, quality, seconds
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.result import RepeatFigure, Result
from wattmark.core.figure import Figure
from wattmark.core.known import Grade
from wattmark.core.stars.select import Choice, Selection, Wanted, difference, select
from wattmark.core.stats import t_cdf


def chosen(results: list[Result], **wanted: Any) -> Selection:
    return select(results, Wanted(**{"task": "text_generation", **wanted}))


def only(results: list[Result], **wanted: Any) -> Choice:
    (choice,) = chosen(results, **wanted).choices
    return choice


def test_the_least_energy_that_is_good_enough_is_chosen() -> None:
    """10 J answers too badly, 20 J well enough, 40 J better than need be."""
    results = [
        a_result("small", 10, quality=quality(0.5)),
        a_result("middle", 20, quality=quality(0.8)),
        a_result("large", 40, quality=quality(0.9)),
    ]
    found = chosen(results, min_quality=0.75)
    (choice,) = found.choices
    assert choice.chosen.result.model.id == "middle"
    assert [rival.candidate.result.model.id for rival in choice.rivals] == ["large"]
    assert [(r.model.id, why) for r, why in found.left_out] == [
        ("small", "accuracy 0.5, at least 0.75 is asked for")
    ]
    assert choice.upgrade is not None
    assert choice.upgrade.candidate.result.model.id == "large"
    assert choice.upgrade.extra.value == 20.0


def test_less_is_better_for_word_errors() -> None:
    """At most 0.1: 0.05 is good enough, 0.2 is not; 0.02 is the better quality."""
    results = [
        a_result("a", 10, quality=quality(0.2, higher_is_better=False)),
        a_result("b", 20, quality=quality(0.05, 0.03, 0.12, higher_is_better=False)),
        a_result("c", 30, quality=quality(0.02, higher_is_better=False)),
    ]
    choice = only(results, min_quality=0.1)
    assert choice.chosen.unsure == "accuracy 0.05 may be 0.12, at most 0.1 is asked for"
    assert choice.upgrade is not None
    assert choice.upgrade.candidate.result.model.id == "c"


def test_what_a_shared_meter_errs_by_cancels() -> None:
    """20 and 22 J by a meter that may err by 20 %: 2 J between them, give or take 0.4 J of gain alone."""
    results = [a_result("a", 20, gain=0.2, noise=0.0), a_result("b", 22, gain=0.2, noise=0.0)]
    (rival,) = only(results).rivals
    assert rival.extra.errors == {GAIN: pytest.approx(0.4)}
    assert rival.told_apart
    assert rival.better < 1e-9
    assert rival.worst_loss == 0.0


def test_two_meters_do_not_cancel() -> None:
    """Each errs by 20 % on its own: 4 and 4.4 J, together 5.9 J, against 2 J between them."""
    one = a_result("a", 20, gain=0.2, noise=0.0)
    other = a_result("b", 22, energy=joules(22, noise=0.2, of="another meter"))
    (rival,) = only([one, other]).rivals
    assert not rival.told_apart
    assert rival.extra.half_width == pytest.approx(5.946, abs=1e-3)
    assert rival.worst_loss == pytest.approx(3.946, abs=1e-3)


def test_being_wrong_costs_half_a_normal_where_two_are_equal() -> None:
    """Equal energies, 10 % of noise each: even odds, 0.4 standard deviations of the difference on average."""
    results = [a_result("a", 20, noise=0.098), a_result("b", 20, noise=0.098)]
    (rival,) = only(results).rivals
    assert rival.better == pytest.approx(0.5)
    assert rival.expected_loss == pytest.approx(0.3989 * 1.0 * 2**0.5, rel=1e-3)
    assert rival.worst_loss == pytest.approx(1.96 * 2**0.5, rel=1e-3)


def repeated(model: str, spent: float, half: float, *, profile: str, repeats: int) -> Result:
    """Whose only error is the noise of its repeats, so wide at 95 %."""
    figure = Figure(spent, "J/query", errors={f"repeats:id-{model}": half}, grades={Grade.B: spent})
    told = tuple(
        RepeatFigure(repeat=n, joules_per_query=spent, queries=1, seconds=60.0) for n in range(repeats)
    )
    return a_result(model, energy=figure, profile=profile, repeats=told)


@pytest.mark.parametrize(
    ("profile", "repeats", "t975", "t90", "df"),
    [
        ("standard", 3, 4.30265, 1.88562, 2),
        ("standard", 8, 4.30265, 1.88562, 2),
        ("own", 5, 2.77645, 1.53321, 4),
    ],
)
def test_the_noise_of_few_repeats_is_students(
    profile: str, repeats: int, t975: float, t90: float, df: int
) -> None:
    """A half width of t times 1 J, and a difference that one in ten exceeds: the tail of t, not of a normal.

    What it costs is the area under the tail from there on.
    """
    sure = repeated("a", 20.0, 1e-9, profile=profile, repeats=repeats)
    noisy = repeated("b", 20.0 + t90, t975, profile=profile, repeats=repeats)
    (rival,) = only([sure, noisy], include_unrated=True).rivals
    assert rival.better == pytest.approx(0.1, abs=1e-5)
    beyond = sum(t_cdf(-(t90 + 0.1 * (n + 0.5)), df) for n in range(4000)) * 0.1
    assert rival.expected_loss == pytest.approx(beyond, rel=0.02)


def test_a_meter_and_repeats_lie_between_normal_and_student() -> None:
    """Half of the variance is a meter's (no end of freedom), half that of three repeats (2): 8 together."""
    errors = {"repeats:id-b": 4.30265, "nvml:GPU-2:gain": 1.95996}
    figure = Figure(20.0 + 1.39682 * 2**0.5, "J/query", errors=errors, grades={Grade.B: 20.0})
    told = tuple(RepeatFigure(repeat=n, joules_per_query=20.0, queries=1, seconds=60.0) for n in range(3))
    sure = repeated("a", 20.0, 0.001, profile="standard", repeats=3)
    noisy = a_result("b", energy=figure, profile="standard", repeats=told)
    (rival,) = only([sure, noisy]).rivals
    assert rival.better == pytest.approx(0.1, abs=1e-4)


def test_bounds_of_gaps_widen_whatever_else_errs() -> None:
    """1.96 J of bounds and 1.96 J of a gain are two standard deviations of 1 J, added up."""
    errors = {"gap:GPU-1": 1.95996, "nvml:GPU-2:gain": 1.95996}
    noisy = a_result("b", energy=Figure(22.0, "J/query", errors=errors, grades={Grade.B: 22.0}))
    (rival,) = only([a_result("a", 20, noise=1e-9), noisy]).rivals
    assert rival.better == pytest.approx(0.15866, abs=1e-4)


def test_nothing_is_to_be_wrong_about_where_all_errors_are_shared() -> None:
    """The same energy by the same meter, nothing else errs: even, and it costs nothing."""
    same = [a_result(model, 20, gain=0.1, noise=0.0) for model in ("a", "b")]
    (rival,) = only(same).rivals
    assert (rival.better, rival.expected_loss, rival.worst_loss) == (0.5, 0.0, 0.0)
    offset = {"offset": 1.0}
    figures = [joules(20, noise=0.0), joules(30, noise=0.0)]
    shifted = [
        a_result(f"m{i}", energy=type(f)(f.value, f.unit, errors=offset, grades=f.grades))
        for i, f in enumerate(figures)
    ]
    (apart,) = only(shifted).rivals
    assert (apart.better, apart.told_apart) == (0.0, True)


@given(st.floats(1, 1000), st.floats(1, 1000), st.floats(0.001, 0.3), st.floats(0.001, 0.3))
def test_losses_are_never_negative_and_the_choice_is_the_likelier(
    one: float, other: float, n1: float, n2: float
) -> None:
    """Expected at most the worst plus what lies beyond it; a difference turns its sign with its order."""
    choice = only([a_result("a", one, noise=n1), a_result("b", other, noise=n2)])
    (rival,) = choice.rivals
    assert 0.0 <= rival.better <= 0.5
    assert rival.expected_loss >= 0.0
    assert rival.worst_loss >= 0.0
    assert rival.told_apart == (rival.worst_loss == 0.0)
    back = difference(choice.chosen.energy, rival.candidate.energy)
    assert back.value == -rival.extra.value
    assert back.half_width == pytest.approx(rival.extra.half_width)


def test_unequal_keys_are_never_ranked_together() -> None:
    """A choice within each, though batch 8 uses less."""
    results = [a_result("a", 20), a_result("b", 5, key=a_key(batch_policy="batch 8"))]
    found = chosen(results)
    assert [c.chosen.result.model.id for c in found.choices] == ["a", "b"]
    assert all(not c.rivals for c in found.choices)


@pytest.mark.parametrize(
    ("result", "wanted", "reason"),
    [
        (a_result(key=a_key(task="reasoning")), {}, "task reasoning"),
        (a_result(), {"hardware": "A100"}, "hardware 1 x NVIDIA H100 80GB HBM3"),
        (a_result(key=a_key(tokens="unknown")), {}, "not known: tokens"),
        (a_result(), {"max_latency": 1.0}, "latency is not known"),
        (
            a_result(latency=seconds(2.0)),
            {"max_latency": 1.0},
            "latency 2 s (95 of 100), at most 1 s is asked for",
        ),
        (a_result(validity=INVALID), {}, "unrated: invalid: quick"),
        (a_result(energy=None), {"include_unrated": True}, "unrated: no energy is known"),
        (a_result(noise=0.0), {"include_unrated": True}, "unrated: its energy states no uncertainty"),
        (a_row("told", "1"), {}, "unrated: published without evidence (grade E)"),
        (a_result(), {"min_quality": 0.5}, "quality is not known"),
        (
            a_result(quality=quality(0.9), model=ModelFacts(id="r", random_weights=True)),
            {"min_quality": 0.5},
            "its weights are random: its quality means nothing",
        ),
    ],
)
def test_whoever_is_left_out_is_told_why(result: Result, wanted: dict[str, Any], reason: str) -> None:
    """And nobody is chosen instead."""
    found = chosen([result], **wanted)
    assert not found.choices
    assert [why for _, why in found.left_out] == [reason]


def test_what_fits_hardware_and_latency_is_chosen() -> None:
    """However the hardware is spelt."""
    assert only([a_result(latency=seconds(0.5))], hardware="h100", max_latency=0.5).chosen.unrated == ""


def test_unrated_results_come_in_when_asked_and_are_marked() -> None:
    """A try is chosen, and said to be one."""
    assert only([a_result(validity=INVALID)], include_unrated=True).chosen.unrated == "invalid: quick"


def test_the_latest_result_of_a_model_stands_for_it() -> None:
    """An older one is left out."""
    old, new = a_result("a", 10, date="2026-01-01", id="old"), a_result("a", 20, id="new")
    found = chosen([old, new])
    assert found.choices[0].chosen.result.id == "new"
    assert found.left_out == ((old, "a later result of the same model is there"),)


def test_without_better_quality_there_is_no_upgrade() -> None:
    """None known of the choice, and none better than its own."""
    assert only([a_result("a", 10), a_result("b", 20, quality=quality(0.9))]).upgrade is None
    assert (
        only([a_result("a", 10, quality=quality(0.9)), a_result("b", 20, quality=quality(0.9))]).upgrade
        is None
    )
