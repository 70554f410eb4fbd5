"""From scores of queries to one quality."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.bench.evidence import QueryRecord
from wattmark.core.bench.quality import average_precision, mean, quality_of, ranks, ratio, spearman, wilson
from wattmark.core.bench.task import TASKS


def records(*scores: Any, failed: str = "") -> tuple[QueryRecord, ...]:
    return tuple(
        QueryRecord(repeat=0, turn=0, index=i, start_us=i, end_us=i + 1, score=s, failed=failed)
        for i, s in enumerate(scores)
    )


def close(told: tuple[float | None, ...]) -> Any:
    return pytest.approx(told, abs=1e-4)


def test_accuracy_is_a_share_with_wilsons_interval() -> None:
    """8 of 10: 0.49 to 0.94, as the textbook's formula gives it."""
    found = quality_of(TASKS["text_classification"], records(*[1] * 8, 0, 0))
    assert found is not None
    assert (found.name, found.value, found.queries, found.higher_is_better) == ("accuracy", 0.8, 10, True)
    assert (found.low, found.high) == close((0.4902, 0.9433))


def test_all_or_none_right_is_still_uncertain() -> None:
    """10 of 10: at least 72 %; 0 of 10: at most 28 %."""
    assert wilson(10, 10) == close((1.0, 0.7225, 1.0))
    assert wilson(0, 10) == close((0.0, 0.0, 0.2775))


def test_a_mean_has_students_interval() -> None:
    """0.4, 0.5 and 0.6: 0.5 and 4.303 x 0.1 / sqrt(3); one alone has none."""
    value, low, high = mean([0.4, 0.5, 0.6])
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert [value, low, high] == pytest.approx([0.5, 0.5 - half, 0.5 + half])
    assert mean([0.4]) == (0.4, None, None)


def test_word_error_rate_is_a_ratio_of_sums() -> None:
    """1 of 10 and 5 of 20 words wrong: 6 of 30. Lower is better."""
    found = quality_of(TASKS["speech_recognition"], records([1, 10], [5, 20]))
    assert found is not None
    assert (found.name, found.value, found.higher_is_better) == ("word_error_rate", 0.2, False)
    # residuals -1 and +1: s^2 = 2, so that the half width is 12.706 x sqrt(2 x 2) / 30
    assert found.high == pytest.approx(0.2 + 12.7062 * 2 / 30, rel=1e-5)
    assert found.low == 0.0
    assert ratio([[1, 10]]) == (0.1, None, None)
    assert ratio([[0, 0], [0, 0]]) is None


def test_rank_correlation() -> None:
    """The same order is 1, the opposite is -1, whatever the distances."""
    assert spearman([[1, 10], [2, 20], [50, 21], [60, 99]]) == (1.0, None, None)
    assert spearman([[1, 4], [2, 3], [3, 2]]) == (-1.0, None, None)
    assert spearman([[1, 1], [2, 1], [3, 1]]) is None
    assert spearman([[1, 1], [1, 2], [1, 3]]) is None


def test_ties_share_their_ranks() -> None:
    """Two second places are both 2.5."""
    assert ranks([1.0, 5.0, 5.0, 9.0]) == [1.0, 2.5, 2.5, 4.0]
    # x: 1, 2.5, 2.5, 4; y: 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5
    value, low, high = spearman([[1, 1], [5, 2], [5, 3], [9, 4]]) or (0, None, None)
    assert value == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    half = 1.959964 * math.sqrt(1 + value**2 / 2)
    assert low == pytest.approx(math.tanh(math.atanh(value) - half), rel=1e-5)
    assert high == pytest.approx(math.tanh(math.atanh(value) + half), rel=1e-5)


def picture(gold: dict[str, int], *found: tuple[str, float, bool]) -> dict[str, Any]:
    return {"gold": gold, "found": [list(f) for f in found]}


def test_average_precision_by_hand() -> None:
    """Two cats, found by the first and third of three: 1/2 x 1 + 1/2 x 2/3; the dog is found at once."""
    scores = [
        picture({"cat": 1, "dog": 1}, ("cat", 0.9, True), ("dog", 0.6, True)),
        picture({"cat": 1}, ("cat", 0.8, False), ("cat", 0.7, True)),
    ]
    value, low, high = average_precision(scores) or (0, 0, 0)
    assert value == pytest.approx((5 / 6 + 1) / 2)
    assert (low, high) == (None, None)


def test_precision_is_made_monotone() -> None:
    """A miss first, then both hits: at either recall the best precision to the right of it is 2/3."""
    scores = [picture({"cat": 2}, ("cat", 0.9, False), ("cat", 0.8, True), ("cat", 0.7, True))]
    assert average_precision(scores) == close((2 / 3, None, None))


def test_what_was_not_found_and_what_is_not_there() -> None:
    """Nothing found is 0; a class without a gold box does not count; no gold at all tells nothing."""
    assert average_precision([picture({"cat": 2})]) == (0.0, None, None)
    assert average_precision([picture({"cat": 1, "dog": 0}, ("cat", 0.9, True), ("dog", 0.9, False))]) == (
        1.0,
        None,
        None,
    )
    assert average_precision([picture({}, ("cat", 0.9, False))]) is None


def test_equal_confidences_come_in_together() -> None:
    """One hit and one miss at the same confidence: precision 1/2, whichever is written first."""
    for found in ((True, False), (False, True)):
        scores = [picture({"cat": 1}, *(("cat", 0.5, hit) for hit in found))]
        assert average_precision(scores) == (0.5, None, None)


def test_failed_and_unscored_queries_have_no_quality() -> None:
    """They are neither right nor wrong."""
    task = TASKS["text_classification"]
    assert quality_of(task, records(1, 1, failed="timeout")) is None
    assert quality_of(task, records(None, None)) is None
    found = quality_of(task, records(1, None, 0))
    assert found is not None
    assert (found.value, found.queries) == (0.5, 2)
    assert quality_of(TASKS["speech_recognition"], records([0, 0])) is None


def test_a_quality_may_be_named() -> None:
    found = quality_of(TASKS["training"], records(0.9, 0.9), "accuracy")
    assert found is not None
    assert found.name == "accuracy"


scores = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=30)


@given(scores, st.randoms(use_true_random=False))
def test_the_order_of_queries_changes_no_quality(pairs: list[tuple[int, int]], random: Random) -> None:
    """Of any rule."""
    shuffled = list(pairs)
    random.shuffle(shuffled)
    for rule in (spearman, ratio):
        assert rule(shuffled) == pytest.approx(rule(pairs))
    boxes = [picture({"c": a}, ("c", b / 10, b > 4)) for a, b in pairs]
    other = [picture({"c": a}, ("c", b / 10, b > 4)) for a, b in shuffled]
    assert average_precision(other) == pytest.approx(average_precision(boxes))
    assert mean([a for a, _ in shuffled]) == pytest.approx(mean([a for a, _ in pairs]))


@given(st.integers(1, 200), st.data())
def test_an_interval_holds_its_value(n: int, data: st.DataObject) -> None:
    """And stays within what a share can be."""
    good = data.draw(st.integers(0, n))
    value, low, high = wilson(good, n)
    assert low is not None
    assert high is not None
    assert 0.0 <= low <= value <= high <= 1.0
