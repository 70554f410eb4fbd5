"""Word errors: what counts as a word, and how many are wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.scoring.word_errors import normalised, word_errors


def test_case_punctuation_and_spaces_are_no_errors() -> None:
    """An apostrophe is taken away, a hyphen parts words."""
    assert normalised("  Don't  STOP - it's a well-known  song! ") == "dont stop its a well known song"


def test_one_wrong_one_missing_and_one_too_many_of_five() -> None:
    """the->a, cat gone, again added: 3 errors of 5 words."""
    pytest.importorskip("jiwer")
    assert word_errors("see the black cat run", "see a black run again") == (3, 5)


def test_silence_misses_every_word() -> None:
    """Nothing was written down."""
    assert word_errors("see the cat", " ... ") == (3, 3)


def test_nothing_can_be_told_without_a_word_that_was_said() -> None:
    """A reference of punctuation only."""
    assert word_errors("...", "hello") is None


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=6))
def test_the_reference_itself_has_no_errors(words: list[str]) -> None:
    """Whatever is said."""
    pytest.importorskip("jiwer")
    assert word_errors(" ".join(words), " ".join(words).upper() + ".") == (0, len(words))
