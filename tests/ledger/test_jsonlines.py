"""Where something stands in a JSON document."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.ledger.jsonlines import lines_at

TEXT = """{
 "a": {"b": 1},
 "c}\\"[": [
  "x{",
  {
   "d": "e",
   "f": []
  }
 ],
 "g": {
 }
}"""


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ((), (2, 11)),
        (("a",), (2, 2)),
        (('c}"[',), (4, 8)),
        (('c}"[', 1), (6, 7)),
        (('c}"[', 1, "f"), (7, 7)),
        (('c}"[', 0), (0, 0)),
        (("g",), (10, 11)),
        (("a", "b"), (0, 0)),
        (("h",), (0, 0)),
    ],
)
def test_lines_of_what_lies_inside(path: tuple[str | int, ...], lines: tuple[int, int]) -> None:
    """Without the brackets' own lines; brackets and quotes within texts are none."""
    assert lines_at(TEXT, path) == lines


@given(st.text(), st.text())
def test_any_text_may_stand_in_it(key: str, value: str) -> None:
    """As a key or as a value."""
    text = json.dumps({key: [value, {key + "x": {"by": value}}]}, indent=1)
    (line,) = (n for n, said in enumerate(text.split("\n"), 1) if said.startswith('    "by"'))
    assert lines_at(text, (key, 1, key + "x")) == (line, line)
