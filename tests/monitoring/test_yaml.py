"""Our YAML is read back as what it was by a reader that others wrote."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wattmark.monitoring.yaml import dump

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "a\nb",
        "a \nb",
        " a\nb",
        "a\n\nb",
        "a\nb\n",
        "no",
        "1e3",
        "~",
        "- x",
        "{{ $x }}",
        'say "so"',
        "# x",
        "a: b\n- c",
    ]
)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts | st.floats(-1e6, 1e6)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(documents)
def test_what_is_written_is_read_again(value: object) -> None:
    """Every document, whatever is in its texts and keys."""
    assert yaml.safe_load(dump(value)) == value


def test_an_expression_of_several_lines_is_a_block() -> None:
    """People read rule files."""
    assert dump({"expr": "a\n/ b"}) == "expr: |-\n  a\n  / b\n"


def test_a_header_is_a_comment() -> None:
    """Each of its lines."""
    assert dump({"a": 1}, header="one\n\ntwo") == "# one\n#\n# two\na: 1\n"


def test_what_is_no_number_is_refused() -> None:
    """YAML has words for it that others read as text."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump({"a": float("nan")})
