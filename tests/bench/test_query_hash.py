"""The hash of a set of queries tells sets apart by what is asked, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.asking import Query
from wattmark.bench.query_hash import encoded, query_set_sha256, value_sha256

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def asked(text: str, reference: Any = None, index: int = 0, part: str = "") -> Query:
    return Query(index=index, inputs={"text": text}, reference=reference, part=part)


def test_stays_what_it_was() -> None:
    """Results of different versions are compared by this hash: it may only change with its version."""
    assert query_set_sha256([asked("a", 1.5, 0, "one"), asked("b", ["x", None], 1)]) == (
        "e5f54a808be59c1ec64064b5007f38bf16a98e131ec22c1c9aed81c27222e4b4"
    )


def test_the_bytes_can_be_written_by_hand() -> None:
    """{"a": [1, True]} is a mapping of one, the text a, a list of two, the integer 1 and a yes."""
    assert b"".join(encoded({"a": [1, True]})) == b"m1:s1:al2:i1:1b1:1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([asked("ab"), asked("c", index=1)], [asked("a"), asked("bc", index=1)]),
        ([asked("a"), asked("b", index=1)], [asked("b"), asked("a", index=1)]),
        ([asked("a", 1)], [asked("a", True)]),
        ([asked("a", 1)], [asked("a", 1.0)]),
        ([asked("a", "1")], [asked("a", b"1")]),
        ([asked("a", None)], [asked("a", "")]),
        ([asked("a", part="x")], [asked("a", part="y")]),
        ([asked("a")], [asked("a"), asked("a", index=1)]),
    ],
)
def test_tells_different_sets_apart(one: list[Query], other: list[Query]) -> None:
    """Text moved between queries, another order, kind, dataset or number of queries: another hash."""
    assert query_set_sha256(one) != query_set_sha256(other)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_does_not_depend_on_the_order_of_keys(inputs: dict[str, Any]) -> None:
    """The same mapping built backwards has the same hash."""
    backwards = dict(reversed(list(inputs.items())))
    assert value_sha256(inputs) == value_sha256(backwards)


@given(VALUES, VALUES)
def test_equal_bytes_mean_equal_values(one: Any, other: Any) -> None:
    """No two values that differ have the same bytes (a tuple counts as a list, -0.0 is not 0.0)."""
    same = b"".join(encoded(one)) == b"".join(encoded(other))
    assert same == (repr_of_kinds(one) == repr_of_kinds(other))


def repr_of_kinds(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{k!r}:{repr_of_kinds(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(repr_of_kinds, value)) + "]"
    return repr(value)


def test_pictures_count_by_their_pixels_shape_and_palette() -> None:
    """2 x 1 and 1 x 2 black pixels differ; a picture and its copy do not."""
    image = pytest.importorskip("PIL.Image")
    wide, tall = image.new("RGB", (2, 1)), image.new("RGB", (1, 2))
    assert value_sha256(wide) == value_sha256(wide.copy())
    assert value_sha256(wide) != value_sha256(tall)
    red, green = image.new("P", (1, 1)), image.new("P", (1, 1))
    red.putpalette([255, 0, 0])
    green.putpalette([0, 255, 0])
    assert value_sha256(red) != value_sha256(green)


def test_sound_counts_by_its_samples_in_one_byte_order() -> None:
    """Big-endian and little-endian arrays of the same samples are the same; another type is not."""
    numpy = pytest.importorskip("numpy")
    little, big = numpy.array([0.5, -0.5], dtype="<f4"), numpy.array([0.5, -0.5], dtype=">f4")
    assert value_sha256(little) == value_sha256(big)
    assert value_sha256(little) != value_sha256(little.astype("<f8"))
    assert value_sha256(little) != value_sha256(little.reshape(2, 1))


def test_refuses_what_it_cannot_write_down() -> None:
    """A set or an object has no canonical bytes: TypeError, never a hash of its address."""
    with pytest.raises(TypeError, match="type set cannot be hashed"):
        value_sha256({1, 2})
    with pytest.raises(TypeError, match="text as keys"):
        value_sha256({1: 2})
