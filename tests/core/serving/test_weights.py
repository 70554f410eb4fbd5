"""What requests weigh."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.serving.serving_cases import a_request
from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Phase, Request, Rule, Service
from wattmark.core.serving.weights import (
    HEAVIEST,
    MOST_WORK,
    SCALE,
    UNIT,
    Means,
    Weighed,
    Weighing,
    declared,
    rate,
)

CHAT, CODE = Service(model="chat"), Service(model="code")
SECOND = 1_000_000


def told(**said: Any) -> Request:
    """4 s: a second of reading 100 tokens, three of writing 60."""
    facts: dict[str, Any] = {
        "service": CHAT,
        "start_us": 0,
        "first_token_us": SECOND,
        "end_us": 4 * SECOND,
        "input_tokens": 100,
        "output_tokens": 60,
    }
    return Request(**{**facts, **said})


def weights(request: Request, rule: Rule = Rule.TOKENS, means: Means | None = None) -> list[float]:
    """In tokens per second."""
    return [part.weight / SCALE for part in Weighing(rule).weighed(request, means or Means())]


def test_reading_weighs_input_and_writing_weighs_output_tokens_per_second() -> None:
    """100 tokens in 1 s, then 60 in 3 s."""
    assert Weighing().weighed(told(), Means()) == (
        Weighed(Phase.PREFILL, 0, SECOND, 100 * SCALE),
        Weighed(Phase.DECODE, SECOND, 4 * SECOND, 20 * SCALE),
    )


def test_tokens_that_a_cache_spared_weigh_nothing() -> None:
    """Of 100 tokens 70 were cached: 30 in 1 s."""
    assert weights(told(cached_input_tokens=70)) == [30, 20]


@pytest.mark.parametrize("first", [None, 0, 4 * SECOND])
def test_a_request_without_two_phases_is_one_stretch_with_all_its_tokens(first: int | None) -> None:
    """160 tokens in 4 s, whether the first token is not known or a phase has no length."""
    assert Weighing().weighed(told(first_token_us=first), Means()) == (
        Weighed(Phase.WHOLE, 0, 4 * SECOND, 40 * SCALE),
    )


def test_a_request_without_length_has_no_stretch() -> None:
    """Nothing passes while it runs."""
    assert Weighing().weighed(told(end_us=0, first_token_us=0), Means()) == ()


def test_an_input_token_weighs_what_it_is_declared_to_cost() -> None:
    """At a quarter of an output token 100 weigh as much as 25."""
    parts = Weighing(input_cost=0.25).weighed(told(), Means())
    assert [part.weight for part in parts] == [25 * SCALE, 20 * SCALE]


@pytest.mark.parametrize("cost", [-0.1, 65.0, float("nan")])
def test_an_impossible_cost_is_refused(cost: float) -> None:
    """It lies between 0 and 64."""
    with pytest.raises(UsageError, match="between 0 and 64"):
        Weighing(input_cost=cost)


def test_a_rule_without_requests_is_refused() -> None:
    """An engine's counters divide among models, not among requests."""
    with pytest.raises(UsageError, match="take request_tokens"):
        Weighing(Rule.ENGINE)


def test_the_same_for_each_is_the_same_in_both_phases() -> None:
    """EQUAL looks at nothing but time."""
    assert weights(told(), Rule.EQUAL) == [1, 1]
    assert weights(told(output_tokens=None), Rule.EQUAL) == [1, 1]


def test_a_declared_weight_holds_in_both_phases() -> None:
    """3 is thrice 1; a declared 0 is next to nothing, and not nothing."""
    assert weights(told(weight=3), Rule.WEIGHT) == [3, 3]
    assert declared(0) == 1


def test_nobody_weighs_nothing() -> None:
    """No new token read, none written: still active, so its time is not idle time."""
    parts = Weighing().weighed(told(cached_input_tokens=100, output_tokens=0), Means())
    assert [part.weight for part in parts] == [1, 1]


def test_weights_stay_within_64_bits() -> None:
    """Ten billion tokens in a microsecond, and half a million requests like it."""
    assert rate(10**10 * UNIT, 1) == HEAVIEST
    assert HEAVIEST * 500_000 < 2**63
    assert MOST_WORK * 1_000_000 * (SCALE // UNIT) + 10**17 < 2**63


class TestMeans:
    """What a request does not tell is the mean of its service."""

    def test_of_the_service(self) -> None:
        """60 tokens in 3 s and 30 in 3 s are 15 per second; 100 and 200 in a second each are 150."""
        means = learned(told(), told(input_tokens=200, output_tokens=30), told(service=CODE))
        assert weights(told(input_tokens=None, output_tokens=None), means=means) == [150, 15]

    def test_of_a_request_whose_phases_are_not_known(self) -> None:
        """160 tokens in 4 s are 40 per second."""
        means = learned(told())
        assert weights(told(first_token_us=None, output_tokens=None), means=means) == [40]

    def test_what_is_told_in_one_phase_is_kept(self) -> None:
        """Output is known, input is not: only input is taken from the mean."""
        assert weights(told(input_tokens=None, output_tokens=6), means=learned(told())) == [100, 2]

    def test_of_all_services_when_its_own_tells_nothing(self) -> None:
        """Nobody ever told of the tokens of code: those of chat stand in."""
        request = told(service=CODE, output_tokens=None)
        assert weights(request, means=learned(request, told())) == [100, 20]

    def test_one_token_per_second_when_nobody_tells_anything(self) -> None:
        """An access log without tokens divides like EQUAL."""
        assert weights(told(input_tokens=None, output_tokens=None)) == [1, 1]

    def test_of_declared_weights(self) -> None:
        """2 and 3 are 2.5 on average; without any, 1."""
        means = learned(told(weight=2), told(weight=3), told())
        assert weights(told(), Rule.WEIGHT, means) == [2.5, 2.5]
        assert weights(told(service=CODE), Rule.WEIGHT, means) == [2.5, 2.5]
        assert weights(told(), Rule.WEIGHT) == [1, 1]

    def test_of_a_request_of_which_only_the_service_is_known(self) -> None:
        """160 tokens in 4 s, or its mean weight, or the same as all."""
        means = learned(told(weight=2))
        assert Weighing().mean(CHAT, means) == 40 * SCALE
        assert Weighing(Rule.WEIGHT).mean(CHAT, means) == 2 * SCALE
        assert Weighing().mean(CHAT, means, Rule.EQUAL) == SCALE

    @given(st.lists(a_request(), max_size=6), st.randoms(use_true_random=False))
    def test_do_not_depend_on_the_order(self, requests: list[Request], random: Any) -> None:
        """Whole numbers are added."""
        mixed = list(requests)
        random.shuffle(mixed)
        one, other = learned(*requests), learned(*mixed)
        for phase in Phase:
            assert one.rate_of(CHAT, phase) == other.rate_of(CHAT, phase)
        assert one.weight_of(CHAT) == other.weight_of(CHAT)


def learned(*requests: Request) -> Means:
    means = Means()
    for request in requests:
        Weighing().learn(request, means)
    return means


def test_a_request_says_when_a_mean_stands_in() -> None:
    """Only for what the rule looks at."""
    silent = told(output_tokens=None)
    assert Weighing().estimated(silent)
    assert not Weighing().estimated(told())
    assert not Weighing(Rule.EQUAL).estimated(silent)
    assert Weighing(Rule.WEIGHT).estimated(told())
    assert not Weighing(Rule.WEIGHT).estimated(told(weight=0))


def test_each_rule_is_held_against_others() -> None:
    """Tokens against equal and the other way round; declared weights against both."""
    assert Weighing().others == (Rule.EQUAL,)
    assert Weighing(Rule.EQUAL).others == (Rule.TOKENS,)
    assert Weighing(Rule.WEIGHT).others == (Rule.TOKENS, Rule.EQUAL)


@given(a_request(), st.sampled_from([Rule.TOKENS, Rule.EQUAL, Rule.WEIGHT]))
def test_stretches_make_up_the_time_and_weigh_whole_numbers(request: Request, rule: Rule) -> None:
    """From start to end without a hole, each with a weight that can be added exactly."""
    parts = Weighing(rule).weighed(request, Means())
    assert sum(p.end_us - p.start_us for p in parts) == request.end_us - request.start_us
    assert all(1 <= p.weight <= HEAVIEST and type(p.weight) is int for p in parts)


def test_requests_that_were_turned_away_teach_nothing() -> None:
    """A flood of them must not make those light that do not tell their tokens."""
    means = Means()
    Weighing().learn(told(weight=8), means)
    for _ in range(100):
        Weighing().learn(told(failed=True, input_tokens=0, output_tokens=0, weight=0), means)
    assert (means.rate_of(CHAT, Phase.PREFILL), means.rate_of(CHAT, Phase.DECODE)) == (
        100 * SCALE,
        20 * SCALE,
    )
    assert means.weight_of(CHAT) == 8 * SCALE


def test_a_request_that_was_turned_away_weighs_next_to_nothing() -> None:
    """A millionth of one with 20 tokens a second. One that succeeded without tokens is another matter."""
    away = told(failed=True, input_tokens=0, output_tokens=0)
    assert all(weight <= 1 / SCALE for weight in weights(away))
    assert away.turned_away
    assert not told(input_tokens=0, output_tokens=0).turned_away
    assert not told(failed=True).turned_away
    assert not told(failed=True, input_tokens=0).turned_away
