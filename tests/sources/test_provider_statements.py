"""Months, versions and identity of what providers state."""

from __future__ import annotations

import calendar
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import UsageError
from wattmark.core.run import Place, Subject
from wattmark.core.statements import grams, only_states
from wattmark.sources.catalog import Asked
from wattmark.sources.portions import Notes
from wattmark.sources.provider_statements import (
    Month,
    Said,
    Statements,
    asked_at,
    emissions,
    file_time,
    fingerprint,
    month_of,
    names_in,
    run_of,
    span_of,
)

MONTHS = st.builds(Month, st.integers(1990, 2198), st.integers(1, 12))
MAY = Month(2026, 5)


def said(**changes: Any) -> Said:
    """One tonne of one account, region and service in May 2026."""
    fields: dict[str, Any] = {
        "place": "export.csv:2",
        "source": "acme",
        "provider": "acme",
        "account": "1",
        "region": "north",
        "service": "vm",
        "month": MAY,
        "statements": (emissions(1.0, "tCO2e", MAY, "location", ("scope 2",)),),
    }
    return Said(**{**fields, **changes})


@given(MONTHS)
def test_a_month_is_written_as_it_is_read(month: Month) -> None:
    """Also out of a longer time."""
    assert month_of(str(month)) == month_of(f"{month}-01 00:00:00Z") == month


@given(MONTHS)
def test_a_month_lasts_until_the_next_one(month: Month) -> None:
    """As many days as the calendar says."""
    days = calendar.monthrange(month.year, month.number)[1]
    assert month.after.start_us - month.start_us == days * 86_400_000_000
    assert list(month.until(month.after)) == [month, month.after]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01", "2026-12"),
        ("2026-05", "2026-05", "2026-05"),
        ("2025-11/2026-02", "2025-11", "2026-02"),
        ("2025..2026-02", "2025-01", "2026-02"),
    ],
)
def test_a_stretch_of_months(text: str, first: str, last: str) -> None:
    """A year, a month, or from one to another, both included."""
    assert span_of(text) == (month_of(first), month_of(last))


@pytest.mark.parametrize("text", ["export.csv", "2026-13", "2026-5", "26", "s3://b/2026", "1066"])
def test_what_is_no_stretch(text: str) -> None:
    """It is a file, then."""
    assert span_of(text) is None


def test_a_stretch_goes_forward() -> None:
    """From May to April is a mistake."""
    with pytest.raises(UsageError, match="ends before it begins"):
        span_of("2026-05/2026-04")


@given(st.floats(0, 1e9), st.sampled_from(["gCO2e", "kgCO2e", "tCO2e"]))
def test_a_figure_keeps_its_value_and_its_unit(value: float, unit: str) -> None:
    """Nothing is converted on the way in; grams are worked out."""
    (statement,) = run_of(
        said(statements=(emissions(value, unit, MAY, None, ("scope 1",)),)), Asked()
    ).statements
    assert (statement.value, statement.unit) == (value, unit)
    assert grams(statement) == value * {"gCO2e": 1.0, "kgCO2e": 1e3, "tCO2e": 1e6}[unit]


@given(st.floats(0, 1e9), st.text("0123456789.v", max_size=8), st.integers(0, 2_000_000_000))
def test_neither_figures_nor_versions_are_in_the_id(value: float, version: str, at: int) -> None:
    """A restatement is a version of the same record."""
    figure = emissions(value, "tCO2e", MAY, "location", ("scope 2",), version)
    other = said(statements=(figure,), version=version, stated_us=at * 1_000_000)
    assert run_of(other, Asked()).record_id == run_of(said(), Asked()).record_id


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "other"},
        {"source": "other"},
        {"account": "2"},
        {"region": "south"},
        {"service": "disk"},
        {"month": Month(2026, 6)},
        {"identity": ("1", "north", "vm")[:2]},
    ],
)
def test_what_it_is_about_is_in_the_id(changes: dict[str, Any]) -> None:
    """Another account, region, service, month or source is another record."""
    assert run_of(said(**changes), Asked()).record_id != run_of(said(), Asked()).record_id


def test_it_takes_the_tags_that_are_given_and_no_pue() -> None:
    """The provider's PUE is in its figures: another one would be multiplied in twice."""
    asked = Asked(
        subject=Subject(team="search", region="elsewhere", labels={"branch": "main"}),
        place=Place(country="IRL", pue=1.2, pue_kind="declared"),
    )
    run = run_of(said(), asked)
    assert (run.subject.team, run.subject.region, run.subject.labels["branch"]) == ("search", "north", "main")
    assert run.place == Place(country="IRL")
    assert only_states(run)


def test_when_it_was_asked() -> None:
    """As the setting says, else now; a file without it has no time."""
    at = Asked(settings={"at": "2026-11-01T12:00:00+01:00"})
    assert asked_at(at) == 1_793_530_800_000_000
    assert asked_at(Asked()) > asked_at(Asked(settings={"at": "2020-01-01T00:00:00Z"}))
    notes = Notes()
    assert file_time(at, notes) == asked_at(at)
    assert notes.said() == ()
    assert file_time(Asked(), notes) == 0
    assert "give -o at=" in notes.said()[0]


def test_names_are_separated_by_commas() -> None:
    """Spaces and empty ones do no harm."""
    assert names_in(Asked(settings={"account": "1, 2,,"}), "account") == {"1", "2"}
    assert names_in(Asked(), "account") == frozenset()


def test_a_hash_does_not_depend_on_the_order_of_keys() -> None:
    """JSON has none."""
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_an_impossible_figure_is_a_bad_row() -> None:
    """Infinite tonnes are refused before they land."""
    found = Statements(Asked())
    found.take(said(statements=(emissions(float("inf"), "tCO2e", MAY, None, ()),)), rows=3)
    portion = found.given()
    assert [b.place for b in portion.bad] == ["export.csv:2"]
    assert (portion.taken, portion.ignored) == (0, 2)
