"""What is asked of a ledger: time and tags as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from wattmark.cli.ledger_asked import keys_of, microseconds, span_of, span_text, where_of
from wattmark.core.errors import UsageError

PARIS = ZoneInfo("Europe/Paris")


def utc(*moment: int) -> datetime:
    """A moment in UTC."""
    return datetime(*moment, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026", utc(2026, 1, 1), utc(2027, 1, 1)),
        ("2026-Q4", utc(2026, 10, 1), utc(2027, 1, 1)),
        ("2026-12", utc(2026, 12, 1), utc(2027, 1, 1)),
        ("2026-W01", utc(2025, 12, 29), utc(2026, 1, 5)),
        ("2026-02-28", utc(2026, 2, 28), utc(2026, 3, 1)),
    ],
)
def test_a_period_is_its_first_moment_and_the_first_one_after_it(
    text: str, first: datetime, after: datetime
) -> None:
    """Weeks as in ISO 8601."""
    assert span_of(None, None, text, UTC) == (first, after)


def test_days_begin_where_the_ledger_is() -> None:
    """A day of 25 hours, when clocks are put back, included."""
    first, after = span_of(None, None, "2026-10-25", PARIS)
    assert (first, after) == (utc(2026, 10, 24, 22), utc(2026, 10, 25, 23))


def test_from_and_to_take_days_months_and_moments() -> None:
    """A moment without an offset is the ledger's; a month stands for its beginning."""
    assert span_of("2026-11", "2026-12", None, UTC) == (utc(2026, 11, 1), utc(2026, 12, 1))
    assert span_of("2026-11-01T06:00", None, None, PARIS) == (utc(2026, 11, 1, 5), None)
    assert span_of(None, "2026-11-01T06:00+00:00", None, PARIS) == (None, utc(2026, 11, 1, 6))
    assert span_of(None, None, None, UTC) == (None, None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("soon", None, None), "--from 'soon' is no time: write 2026, 2026-Q4"),
        ((None, "2026-13", None), "--to '2026-13' is no time"),
        (("2026-11-01T99", None, None), "is no time"),
        ((None, None, "2026-W60"), "--in '2026-W60' is no time"),
        (("2026-11", "2026-11", None), "nothing lies between"),
        (("2026-11", None, "2026"), "contradict each other"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: tuple[str | None, ...], said: str) -> None:
    """With the option's name and the forms that are understood."""
    with pytest.raises(UsageError, match=said):
        span_of(asked[0], asked[1], asked[2], UTC)


def test_where_takes_several_values_and_nothing() -> None:
    """An empty value is what nobody stated."""
    assert where_of(("team=search, ads", "stage=", "label.branch=main")) == {
        "team": ("search", "ads"),
        "stage": ("",),
        "label.branch": ("main",),
    }
    with pytest.raises(UsageError, match="is not KEY=VALUE"):
        where_of(("team",))
    with pytest.raises(UsageError, match="write team=ONE,OTHER"):
        where_of(("team=a", "team=b"))


def test_keys_come_one_by_one_or_together() -> None:
    """`--by team,model --by stage`."""
    assert keys_of(("team,model", "stage", "")) == ("team", "model", "stage")


def test_a_span_reads_as_it_was_asked() -> None:
    """Times of day only where there are some."""
    assert span_text((utc(2026, 11, 1), utc(2026, 12, 1))) == "2026-11-01 to 2026-12-01"
    assert span_text((utc(2026, 11, 1, 6), None)) == "from 2026-11-01T06:00"
    assert span_text((None, utc(2026, 11, 1))) == "until 2026-11-01"
    assert span_text((None, None)) == ""
    assert microseconds(utc(1970, 1, 2)) == 86_400_000_000
    assert microseconds(None) is None
