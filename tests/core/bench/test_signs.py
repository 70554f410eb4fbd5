"""Characters that do something where they are shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.bench.signs import first_odd, shown_json


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"model": {"id": "gpt2\x1b[2J"}}, "$.model.id"),
        ({"notes": ["fine", "two\nlines"]}, "$.notes[1]"),
        ({"hardware": "abc\u202egpj.exe"}, "$.hardware"),
        ({"hardware": "\x9b2J"}, "$.hardware"),
        ({"stated": {"a\tb": "c"}}, "$.stated"),
        ({"stated": {"a" * 2001: "c"}}, "$.stated"),
        ({"model": {"id": "M" * 2001}}, "$.model.id"),
    ],
)
def test_a_text_that_cannot_be_shown_is_named(value: Any, place: str) -> None:
    """The place of the first one."""
    found = first_odd(value)
    assert found is not None
    assert found[0] == place


def test_names_of_all_languages_can_be_shown() -> None:
    """Also numbers and what is not there."""
    assert first_odd({"id": "模型 ü \u202f é", "long": "x" * 2000, "n": 1.5, "none": None, "l": [1]}) is None


def test_json_is_made_fit_to_be_shown() -> None:
    """A space for each line end, a question mark for all else; escaped quotes and backslashes stay."""
    text = json.dumps({"a": 'x\ny\tz\x1b[2J\x7f\u202e\\n"'}, ensure_ascii=False, indent=1)
    assert json.loads(shown_json(text)) == {"a": 'x y z?[2J??\\n"'}


def test_other_json_stays_as_it_is() -> None:
    """Its own line ends too."""
    text = json.dumps({"a": [1, "ü"]}, ensure_ascii=False, indent=1)
    assert shown_json(text) == text


@given(st.text(), st.sampled_from([None, 1]))
def test_nothing_odd_is_left(text: str, indent: int | None) -> None:
    """Whatever it was, it can be shown, and is as long as before."""
    shown = json.loads(shown_json(json.dumps([text], ensure_ascii=False, indent=indent)))[0]
    assert len(shown) == len(text)
    assert first_odd(shown) is None
