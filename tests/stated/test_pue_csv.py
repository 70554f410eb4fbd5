"""The CSV of a measured PUE: what is written comes back, and what was altered by hand is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import ConfigError
from wattmark.core.pue_series import HOUR_US, PueInterval, PueSeries
from wattmark.stated.pue_csv import parse_pue_csv, pue_csv


def interval(hour: int, facility: float, it: float, problem: str = "") -> PueInterval:
    """One hour since 1970."""
    return PueInterval(
        start_us=hour * HOUR_US,
        end_us=(hour + 1) * HOUR_US,
        facility_kwh=facility,
        it_kwh=it,
        covered_us=HOUR_US,
        problem=problem,
    )


A_SERIES = PueSeries(
    site="paris-1",
    intervals=(interval(0, 12.0, 10.0), interval(1, 9.0, 10.0, "impossible: it is"), interval(2, 13.0, 10.0)),
    category=2,
    relative_error=0.03,
    source="dcim, hall 1",
)


def test_what_is_written_comes_back() -> None:
    """Energies to the last digit, problems too; the order is that of time."""
    text = pue_csv([A_SERIES])
    assert text.splitlines()[1] == (
        'paris-1,1970-01-01T00:00:00Z,1970-01-01T01:00:00Z,12.0,10.0,3600.0,1.2,2,0.03,,"dcim, hall 1"'
    )
    assert parse_pue_csv(text.encode(), "f") == (A_SERIES,)


@given(st.lists(st.tuples(st.floats(1e-6, 1e6), st.floats(0, 1e6)), min_size=1, max_size=10))
def test_no_digit_is_lost(told: list[tuple[float, float]]) -> None:
    """Whatever was measured."""
    hours = tuple(interval(n, it + more, it) for n, (it, more) in enumerate(told))
    series = replace(A_SERIES, intervals=hours)
    assert parse_pue_csv(pue_csv([series]).encode(), "f") == (series,)


def test_two_ways_of_measuring_are_two_series() -> None:
    """Their errors are not the same."""
    other = replace(A_SERIES, intervals=(interval(5, 2.0, 1.0),), category=3)
    assert parse_pue_csv(pue_csv([A_SERIES, other]).encode(), "f") == (A_SERIES, other)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("site,from", "place,from", "line 1: must be the names site, from, to"),
        (",12.0,10.0,", ",12.0,", r"line 2: has 10 columns, not 11"),
        (",12.0,10.0,", ",8.0,10.0,", "line 2, it_kwh: is 10 of 8 kWh, which no PUE can be of"),
        (",12.0,10.0,", ",12.0,0.0,", "line 2, it_kwh"),
        (",12.0,10.0,", ",much,10.0,", "line 2, facility_kwh: 'much' is no number"),
        (",12.0,10.0,", ",-12.0,10.0,", "line 2, facility_kwh: -12 is impossible"),
        ("1970-01-01T00:00:00Z,1970-01-01T01", "soon,1970-01-01T01", "line 2, from: 'soon' is no time"),
        ("T00:00:00Z,1970-01-01T01", "T00:00:00,1970-01-01T01", "states no offset from UTC"),
        ("T00:00:00Z,1970-01-01T01", "T01:00:00Z,1970-01-01T01", "line 2, to: must lie after"),
        ("T02:00:00Z,1970-01-01T03", "T00:30:00Z,1970-01-01T03", "line 4, from: begins before"),
        ("1970-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "line 2, from: '0001.* is no time"),
        ("1970-01-01T01:00:00Z", "9999-12-31T23:00:00Z", "line 2, to: '9999.* is no time"),
        ("paris-1,", ",", "line 2, site: is empty"),
        (",1.2,2,", ",1.2,4,", "line 2, category: '4' is none of 1, 2, 3"),
    ],
)
def test_what_was_altered_names_its_line(before: str, after: str, said: str) -> None:
    """Line and column, and what writes the file again."""
    text = pue_csv([A_SERIES]).replace(before, after, 1)
    with pytest.raises(ConfigError, match=said):
        parse_pue_csv(text.encode(), "f")


def test_a_file_in_another_encoding_is_refused() -> None:
    """A site whose name is half read would be met by no run, and nobody would know."""
    series = replace(A_SERIES, site="zürich")
    assert parse_pue_csv(pue_csv([series]).encode(), "f") == (series,)
    with pytest.raises(ConfigError, match="line 2: is not UTF-8"):
        parse_pue_csv(pue_csv([series]).encode("latin-1"), "f")


def test_an_empty_file_is_none() -> None:
    """Not a site without intervals."""
    with pytest.raises(ConfigError, match="line 1"):
        parse_pue_csv(b"", "f")
