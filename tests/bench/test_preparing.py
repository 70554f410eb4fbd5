"""The built-in pipeline: what goes, what stays, and tokens that are the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.preparing import alike, in_tokens, is_text, kept

LONG = "the quick brown fox jumps over the lazy dog near the old river bank every single morning in may"
OTHER = "seven tall ships sailed from the harbour with salt and silver for the towns beyond the northern sea"


def test_copies_go_and_the_first_stays() -> None:
    """Case and spaces make no difference."""
    assert kept([LONG, f"  {LONG.upper()} ", OTHER], 0) == [0, 2]


def test_a_text_with_one_word_less_is_a_near_copy() -> None:
    """Most runs of three words are shared."""
    words = LONG.split()
    shorter = " ".join(words[:9] + words[10:])
    assert kept([LONG, shorter, OTHER], 0) == [0, 2]


def test_short_texts_and_those_without_letters_are_rubbish() -> None:
    """Nine words; twenty numbers."""
    assert not is_text("one two three four five six seven eight nine")
    assert not is_text("12345 " * 20)
    assert is_text(LONG)


@given(st.lists(st.text(max_size=60), max_size=5))
def test_tokens_joined_again_are_the_text(texts: list[str]) -> None:
    """Nothing is lost, and every token has one number."""
    rows, tokens = in_tokens(texts)
    assert ["".join(tokens[number] for number in row) for row in rows] == texts
    assert len(set(tokens)) == len(tokens)


@given(st.text())
def test_making_alike_twice_changes_nothing_more_for_plain_letters(text: str) -> None:
    """Of ASCII; Unicode has letters whose small form is composed anew."""
    plain = text.encode("ascii", "ignore").decode()
    assert alike(alike(plain)) == alike(plain)


@given(st.integers(0, 50))
def test_what_stays_does_not_depend_on_the_seed(seed: int) -> None:
    """The hashes differ, the near copies are the same."""
    words = LONG.split()
    assert kept([LONG, " ".join(words[1:]), OTHER], seed) == [0, 2]
