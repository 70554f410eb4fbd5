"""Files of prices: whole, in order, in one unit."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from wattmark.core.errors import ConfigError
from wattmark.core.rate import RatePoint
from wattmark.stated.price_csv import parse_price_csv

HOUR = 3_600_000_000
BERLIN = ZoneInfo("Europe/Berlin")


def read(text: str | bytes, zone: Any = UTC) -> tuple[RatePoint, ...]:
    """The prices of this text."""
    return parse_price_csv(text.encode() if isinstance(text, str) else text, "prices.csv", "EUR", zone)


def test_prices_per_mwh_become_prices_per_kwh() -> None:
    """84.30 EUR/MWh are 0.0843 EUR/kWh; below zero is a price. Other columns are left aside."""
    found = read("zone,start,per_mwh\nDE,2026-05-04T00:00Z,84.30\n\nDE,2026-05-04T01:00Z,-5.2\n")
    assert [p.per_kwh for p in found] == pytest.approx([0.0843, -0.0052])
    assert [p.end_us - p.start_us for p in found] == [HOUR, HOUR]


def test_prices_per_kwh_stay_as_they_are() -> None:
    """A byte order mark does no harm."""
    (found,) = read("\ufeffstart,per_kwh\n2026-05-04T00:00+02:00,0.30\n")
    assert found.per_kwh == 0.30
    assert found.start_us == 1_777_845_600_000_000


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    """In Berlin 02:00 of 25 October 2026 is named twice, and the second time is an hour later."""
    rows = "".join(f"2026-10-25T{hour}:00,0.1\n" for hour in ("01", "02", "02", "03"))
    found = read(f"start,per_kwh\n{rows}", BERLIN)
    assert {p.end_us - p.start_us for p in found} == {HOUR}
    assert len(found) == 4


def test_quarters_of_an_hour_that_come_twice_are_in_order() -> None:
    """02:00, 02:15, 02:30, 02:45, and once more."""
    quarters = [f"02:{minute:02d}" for minute in (0, 15, 30, 45)]
    rows = "".join(f"2026-10-25T{at},0.1\n" for at in ("01:45", *quarters, *quarters, "03:00"))
    assert {p.end_us - p.start_us for p in read(f"start,per_kwh\n{rows}", BERLIN)} == {HOUR // 4}


def test_the_hour_that_is_skipped_is_no_hole() -> None:
    """In Berlin 03:00 follows 01:00 on 29 March 2026, an hour later."""
    rows = "".join(f"2026-03-29T{hour}:00,0.1\n" for hour in ("00", "01", "03", "04"))
    assert len(read(f"start,per_kwh\n{rows}", BERLIN)) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "prices.csv: line 1: must name start and per_kwh or per_mwh, not nothing"),
        ("when,price\n", "must name start and per_kwh or per_mwh, not when, price"),
        ("start,per_kwh,per_mwh\n", "must name start and"),
        ("start,per_kwh\n", "line 2: is not there"),
        (
            "start,per_kwh\n2026-05-04T00:00Z,0.1\n2026-05-04T01",
            "line 3: has 1 columns, not 2: is this the whole",
        ),
        ("start,per_kwh\n2026-05-04T00:00Z,0.1\n2026-05-0,0.1", "line 3 start: '2026-05-0' is no time"),
        ("start,per_kwh\n2026-05-04T00:00Z,\n", "line 2: there is no price"),
        ("start,per_kwh\n2026-05-04T00:00Z,n/e\n", "line 2: 'n/e' is no price"),
        ("start,per_kwh\n2026-05-04T00:00Z,inf\n", "line 2: 'inf' is no price"),
        ('start,per_kwh\n2026-05-04T00:00Z,"0.1\n', "is no whole CSV file"),
        (b"start,per_kwh\n\xff", "is not UTF-8"),
        ("start,per_kwh\n2026-05-04T00:00Z,0.1\n2026-05-04T02:00Z,0.1\n", "there is no price between"),
        ("start,per_kwh\n2026-05-04T00:00Z,0.1\n2026-05-04T00:00Z,0.1\n", "comes twice or out of order"),
        ("start,per_kwh\n2026-05-04T00:00Z,84.3\n", "is the column per MWh"),
        ("start,per_mwh\n2026-05-04T00:00Z,0.3\n", "is the column per kWh"),
    ],
)
def test_half_a_file_or_another_unit_is_refused(text: str | bytes, said: str) -> None:
    """With the file and the line."""
    with pytest.raises(ConfigError, match=said) as told:
        read(text)
    assert str(told.value).startswith("prices.csv")
