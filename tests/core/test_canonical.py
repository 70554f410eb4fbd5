"""Values as JSON in one spelling."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.canonical import MOST, canonical

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MOST, MOST) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


def test_keys_are_sorted_and_nothing_is_blank() -> None:
    """Two objects with the same members are one text."""
    assert (
        canonical({"b": [1, True, None], "a": {"y": "", "x": -2}})
        == '{"a":{"x":-2,"y":""},"b":[1,true,null]}'
    )


def test_only_what_must_be_is_escaped() -> None:
    """The example of RFC 8785, 3.2.2.2: control letters short where JSON has a short form, else by number."""
    text = '€$\x0f\nA\'B"\\\\"/'
    assert canonical(text) == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


def test_keys_are_sorted_by_utf_16() -> None:
    """RFC 8785, 3.2.3: a face (surrogates from D83D) stands before U+FB33, though its code is larger."""
    assert canonical({"\ufb33": 1, "\U0001f600": 2, "1": 3}) == '{"1":3,"\U0001f600":2,"\ufb33":1}'


@given(VALUES)
def test_every_json_reader_reads_it_back(value: object) -> None:
    """And it is what Python writes, but for keys beyond the first plane."""
    assert json.loads(canonical(value)) == value  # type: ignore[arg-type]


@given(st.dictionaries(TEXTS, TEXTS))
def test_the_order_of_members_does_not_matter(value: dict[str, str]) -> None:
    """One content, one text."""
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize("value", [0.5, b"x", {1, 2}])
def test_what_has_no_one_spelling_is_refused(value: object) -> None:
    """Fractions first of all."""
    with pytest.raises(TypeError, match="no canonical form"):
        canonical(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [MOST + 1, -MOST - 1])
def test_numbers_that_some_read_as_others_are_refused(value: int) -> None:
    """2^53 and 2^53 + 1 are one number to a reader that knows only doubles."""
    with pytest.raises(ValueError, match="too large"):
        canonical(value)
