"""How much of a reference is in an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.scoring.overlap import rouge_l, squad_f1


@pytest.mark.slow
def test_rouge_l_by_hand() -> None:
    """Longest common subsequence of 3 words; 3 of 4 and 3 of 6: F = 2 x 3/4 x 1/2 / (3/4 + 1/2) = 0.6."""
    pytest.importorskip("rouge_score")
    assert rouge_l("the cat sat down", "the big cat then sat quietly") == pytest.approx(0.6)
    assert rouge_l("a b", "") == 0.0


@pytest.mark.parametrize(
    ("golds", "said", "f1"),
    [
        (["a potter"], "The potter!", 1.0),
        (["88 metres"], "88 metres high", 0.8),
        (["in 1874", "1874"], "1874", 1.0),
        (["Paris"], "London", 0.0),
        ([], "", 1.0),
        ([], "something", 0.0),
        (["the"], "", 1.0),
    ],
)
def test_squad_f1_by_hand(golds: list[str], said: str, f1: float) -> None:
    """2 words of 2 and of 3: 2 x 2 / 5 = 0.8; articles and signs count for nothing; the best gold counts."""
    assert squad_f1(golds, said) == pytest.approx(f1)


@given(st.lists(st.text(max_size=20), max_size=3), st.text(max_size=20))
def test_squad_f1_is_a_share(golds: list[str], said: str) -> None:
    """From 0 to 1; an answer that is a gold answer has 1."""
    assert 0.0 <= squad_f1(golds, said) <= 1.0
    assert squad_f1([*golds, said], said) == 1.0
