"""Rows of a CSV file: all of them, or an error that names the line."""

from __future__ import annotations

import csv
import io
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import ConfigError
from wattmark.stated.csv_rows import csv_rows, micros

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=5)


@given(st.lists(st.lists(CELL, min_size=2, max_size=3), min_size=1, max_size=5))
def test_no_cell_is_lost(rows: list[list[str]]) -> None:
    """Quotes, commas and line ends within cells among them."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    assert [cells for _, cells in csv_rows(out.getvalue().encode("utf-8-sig"), "f")] == rows


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("a\nü\n".encode("latin-1"), "f: line 2: is not UTF-8"),
        ("a\n".encode("utf-16"), "f: line 1: is not UTF-8"),
        (b"a\nb\n\0\n", "f: line 3: is no text"),
        (b'a\n"b\nc\n', "is no whole CSV file"),
        (b'a\n"b"c\n', "is no whole CSV file"),
        (b"x" * 200_000, "is no whole CSV file"),
    ],
)
def test_half_a_file_is_none(data: bytes, said: str) -> None:
    """The line is named."""
    with pytest.raises(ConfigError, match=said):
        csv_rows(data, "f")


def test_a_moment_is_in_its_zone_or_in_that_of_the_file() -> None:
    """13:00 in Paris is noon in Greenwich in winter."""
    paris = ZoneInfo("Europe/Paris")
    noon = micros("1970-01-02T12:00Z")
    assert noon == 36 * 3_600_000_000
    assert micros("1970-01-02T13:00", paris) == micros("1970-01-02T13:00+01:00") == noon
    assert micros("1970-01-02", UTC) == 24 * 3_600_000_000


@pytest.mark.parametrize(
    "text", ["", "soon", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "2026-06-30T23:59:60Z"]
)
def test_an_impossible_moment_is_refused(text: str) -> None:
    """Years that no calendar of ours can be moved from, seconds that no clock here has."""
    with pytest.raises(ValueError, match=r"iso|day|time|second"):
        micros(text, UTC)


def test_without_a_zone_an_offset_is_needed() -> None:
    """Nobody knows which moment is meant."""
    with pytest.raises(ValueError, match="states no offset"):
        micros("2026-01-01T00:00")
