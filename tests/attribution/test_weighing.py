"""Columns of requests weigh what each of them weighs alone."""

from dataclasses import replace

from hypothesis import given

from tests.core.serving.exact import learned
from tests.core.serving.serving_cases import some_requests
from wattmark.attribution.columns import of
from wattmark.attribution.weighing import estimated, learn, stretches, weights
from wattmark.core.serving.request import Phase, Request, Rule, Service
from wattmark.core.serving.weights import HEAVIEST, SCALE, Means, Weighing

RULES = (Rule.TOKENS, Rule.EQUAL, Rule.WEIGHT)


@given(some_requests())
def test_to_the_last_digit_by_every_rule(requests: list[Request]) -> None:
    """Whole numbers have no rounding to differ in: means, weights, and who is weighed by a mean."""
    columns = of(requests)
    for rule in RULES:
        weighing = Weighing(rule, input_cost=0.3)
        parts, means, alone = stretches(columns, weighing), Means(), learned(requests, weighing)
        learn(columns, parts, means)
        first, second = weights(columns, parts, means, rule)
        missing = estimated(columns, parts, rule)
        for i, request in enumerate(requests):
            by_one = [part.weight for part in weighing.weighed(request, alone)]
            if by_one:
                assert [first[i], second[i]] == (by_one if len(by_one) == 2 else [*by_one, 0])
            assert bool(missing[i]) == weighing.estimated(request)
        for service in columns.services:
            for phase in Phase:
                assert means.rate_of(service, phase) == alone.rate_of(service, phase)
            assert means.weight_of(service) == alone.weight_of(service)


def test_those_that_were_turned_away_teach_nothing() -> None:
    """Of 20 tokens a second, and a hundred that no model saw: the mean stays 20."""
    known = Request(service=Service(), start_us=0, end_us=10**6, input_tokens=0, output_tokens=20, weight=3)
    away = replace(known, failed=True, output_tokens=0, weight=0)
    columns, means = of([known, *[away] * 100]), Means()
    learn(columns, stretches(columns, Weighing()), means)
    assert means.rate_of(Service(), Phase.WHOLE) == 20 * SCALE
    assert means.weight_of(Service()) == 3 * SCALE


def test_absurd_amounts_stay_within_64_bits() -> None:
    """A billion tokens in a microsecond and a weight of a trillion are the heaviest there is."""
    silly = Request(
        service=Service(), start_us=0, end_us=1, input_tokens=0, output_tokens=10**9, weight=10**12
    )
    columns = of([silly])
    parts = stretches(columns, Weighing())
    for rule in (Rule.TOKENS, Rule.WEIGHT):
        first, _ = weights(columns, parts, Means(), rule)
        assert first[0] == Weighing(rule).weighed(silly, Means())[0].weight <= HEAVIEST
