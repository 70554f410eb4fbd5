"""The final answer of a text that reasons."""

from __future__ import annotations

import pytest

from wattmark.bench.scoring.final_answer import exact_match, final_answer, thought_aloud


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("5 boxes of 16 are 80, so the answer is 80.", "80"),
        ("<think>maybe 7, the answer is 7</think> It is 42.", "42"),
        (r"First 3, then \boxed{1,234}. Check: 9", "1234"),
        ("Work.\n#### 18", "18"),
        ("Answer: 3.50 euros", "3.5"),
        ("there were 4, then 6", "6"),
        ("-12.0 degrees", "-12"),
        ("The answer is Paris.", "paris"),
        ("thinking</think>12", "12"),
    ],
)
def test_finds_the_answer(text: str, answer: str) -> None:
    """Marked answers come before the last number, and thoughts do not count."""
    assert final_answer(text) == answer


@pytest.mark.parametrize("text", ["<think>it is 42, the answer is 42", "", "<think>x</think>"])
def test_there_may_be_none(text: str) -> None:
    """A thought that never ended, and silence, have no answer."""
    assert final_answer(text) is None


def test_numbers_match_by_value() -> None:
    """1,000 is 1000.0, and GSM8K's references are read the same way; 10 is not 100."""
    assert exact_match("so 990 + 10 = <<990+10=1000>>\n#### 1,000", "It is 1000.0") == 1.0
    assert exact_match("10", "100") == 0.0
    assert exact_match("10", "<think>10") == 0.0


@pytest.mark.parametrize(
    ("text", "aloud"),
    [
        ("<think>hm</think> 4", True),
        ("hm</think> 4", True),
        ("<think>hm", True),
        ("<think>\n\n</think> 4", False),
        ("4", False),
    ],
)
def test_tells_whether_there_was_a_thought(text: str, aloud: bool) -> None:
    """An empty pair of marks is how models say that they do not think."""
    assert thought_aloud(text) is aloud
