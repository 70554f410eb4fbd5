"""What may be asked of a ledger, and the calendar's names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from wattmark.core.errors import UsageError
from wattmark.ledger.question import PERIODS, Question, period_of, zone_named

BERLIN = zone_named("Europe/Berlin")


def at(text: str) -> int:
    """Microseconds of a moment."""
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("period", "name"),
    [
        ("hour", "2026-12-31T23:00+01:00"),
        ("day", "2026-12-31"),
        ("week", "2026-W53"),
        ("month", "2026-12"),
        ("quarter", "2026-Q4"),
        ("year", "2026"),
        (None, ""),
    ],
)
def test_periods_are_those_of_the_zones_calendar(period: str | None, name: str) -> None:
    """22:45 UTC on New Year's Eve is 23:45 in Berlin, and still the old year."""
    assert period_of(at("2026-12-31T22:45:00+00:00"), period, BERLIN) == name


def test_a_year_begins_where_the_zone_says() -> None:
    """23:00 UTC is midnight in Berlin; its ISO week still belongs to the old year."""
    moment = at("2026-12-31T23:00:00+00:00")
    assert period_of(moment, "year", BERLIN) == "2027"
    assert period_of(moment, "week", BERLIN) == "2026-W53"
    assert period_of(moment, "year", UTC) == "2026"


def test_the_hour_that_clocks_repeat_is_two_hours() -> None:
    """On 25 October 2026 there are two hours from 2 to 3 in Berlin, of different offsets."""
    first = period_of(at("2026-10-25T00:15:00+00:00"), "hour", BERLIN)
    second = period_of(at("2026-10-25T01:15:00+00:00"), "hour", BERLIN)
    assert (first, second) == ("2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": ("temas",)}, "no key 'temas': did you mean 'team'"),
        ({"by": ("colour",)}, r"no key 'colour': give one of .*label\.<key>"),
        ({"by": ("label.",)}, "no key 'label.'"),
        ({"by": ("tenant",)}, "no key 'tenant': agents tell it as a label: label.tenant"),
        ({"where": {"target": ("x",)}}, "no key 'target': agents tell it as a label: label.target"),
        ({"where": {"who": ("x",)}}, "no key 'who'"),
        ({"by": ("team", "team")}, "asked for twice: team, team"),
        ({"period": "fortnight"}, "no period 'fortnight': give one of hour, day, week"),
        ({"source": "evidence"}, "totals come from 'cube' or 'counted'"),
        ({"time_zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus' is known here"),
        ({"start": datetime(2026, 1, 1)}, "names no time zone"),  # noqa: DTZ001
        ({"end": datetime(2026, 1, 1, 0, 7, tzinfo=UTC)}, "is not on a quarter of an hour"),
        (
            {"start": datetime(2026, 1, 2, tzinfo=UTC), "end": datetime(2026, 1, 1, tzinfo=UTC)},
            "nothing lies between",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(asked: dict[str, Any], said: str) -> None:
    """The message names the mistake and what to give instead."""
    with pytest.raises(UsageError, match=said):
        Question(**asked)


def test_only_hosts_devices_and_runs_need_every_row() -> None:
    """All else is answered from the cube, unless the rows are asked for."""
    assert Question(by=("team", "label.tier", "grade", "component", "site")).table == "cube"
    assert Question(by=("device",)).table == "counted"
    assert Question(where={"run": ("r1",)}).table == "counted"
    assert Question(source="counted").table == "counted"
    assert Question(by=("host", "team", "run")).extra == ("host", "run")


def test_start_and_end_bound_the_quarters_of_an_hour() -> None:
    """The start is in it, the end is not; zones other than UTC are counted over."""
    asked = Question(
        start=datetime.fromisoformat("2026-11-01T00:00+01:00"), end=datetime(2026, 11, 1, tzinfo=UTC)
    )
    assert asked.start_us == at("2026-10-31T23:00:00+00:00")
    assert asked.holds(at("2026-10-31T23:00:00+00:00"))
    assert not asked.holds(at("2026-10-31T22:45:00+00:00"))
    assert not asked.holds(at("2026-11-01T00:00:00+00:00"))
    assert Question().holds(0)
    assert "week" in PERIODS
