"""Tariffs: flat, by time of use and from lists; by the clock on the wall."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import UsageError
from wattmark.core.hourly import Slice
from wattmark.core.rate import MetRate, RateCourse, RatePoint, met
from wattmark.core.tariff import Band, Tariff, clock, course_of, in_force, listed_prices

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000_000
FLAT = Tariff(name="flat", place="DEU", currency="EUR", per_kwh=0.20, source="contract", zone=BERLIN)
PEAK = Band(name="peak", per_kwh=0.40, days=(0, 1, 2, 3, 4), start_minute=480, end_minute=1200)
NIGHT = Band(name="night", per_kwh=0.10, start_minute=0, end_minute=180)


def us(year: int, month: int, day: int, hour: int = 0, zone: object = BERLIN) -> int:
    """A moment by the clock on the wall, microseconds since 1970."""
    return round(datetime(year, month, day, hour, tzinfo=zone).timestamp()) * 1_000_000  # type: ignore[arg-type]


def day(tariff: Tariff, year: int, month: int, number: int) -> RateCourse:
    """One day of a tariff, by its own clock."""
    following = date(year, month, number) + timedelta(days=1)
    return course_of(tariff, us(year, month, number), us(following.year, following.month, following.day))


def hours_at(course: RateCourse, price: float) -> float:
    """How many hours of a course cost so much."""
    return sum(p.end_us - p.start_us for p in course.points if p.per_kwh == price) / HOUR


def test_a_flat_tariff_is_one_price() -> None:
    """All day."""
    assert day(FLAT, 2026, 5, 4).points == (RatePoint(us(2026, 5, 4), us(2026, 5, 5), 0.20),)
    assert FLAT.flat


def test_a_peak_holds_on_working_days() -> None:
    """Twelve hours of a Monday, none of a Sunday, none of a holiday that counts as one."""
    tariff = replace(FLAT, bands=(PEAK,), holidays=frozenset({date(2026, 5, 5)}))
    assert hours_at(day(tariff, 2026, 5, 4), 0.40) == 12
    assert hours_at(day(tariff, 2026, 5, 4), 0.20) == 12
    assert hours_at(day(tariff, 2026, 5, 3), 0.40) == 0
    assert hours_at(day(tariff, 2026, 5, 5), 0.40) == 0
    assert hours_at(day(replace(tariff, holidays_as=0), 2026, 5, 5), 0.40) == 12


def test_neighbours_of_one_price_are_one_stretch() -> None:
    """From Friday evening to Monday morning there is one price."""
    points = course_of(replace(FLAT, bands=(PEAK,)), us(2026, 5, 8, 12), us(2026, 5, 11, 12)).points
    assert [(p.label, (p.end_us - p.start_us) // HOUR) for p in points] == [
        ("peak", 8),
        ("", 60),
        ("peak", 4),
    ]


@pytest.mark.parametrize(
    ("month", "number", "long", "night"), [(3, 29, 23, 2), (10, 25, 25, 4), (6, 1, 24, 3)]
)
def test_a_day_on_which_clocks_change_has_23_or_25_hours(
    month: int, number: int, long: int, night: int
) -> None:
    """In Berlin 02:00 to 03:00 is skipped in March and comes twice in October: so does the night's price."""
    course = day(replace(FLAT, bands=(NIGHT,)), 2026, month, number)
    assert sum(p.end_us - p.start_us for p in course.points) == long * HOUR
    assert hours_at(course, 0.10) == night


def test_a_season_may_run_over_the_new_year() -> None:
    """From October to March a winter's price."""
    winter = Band(name="winter", per_kwh=0.30, season=((10, 1), (4, 1)))
    tariff = replace(FLAT, bands=(winter,))
    for month, number, price in ((1, 15, 0.30), (3, 31, 0.30), (4, 1, 0.20), (9, 30, 0.20), (10, 1, 0.30)):
        assert day(tariff, 2026, month, number).points[0].per_kwh == price
    summer = replace(winter, season=((4, 1), (10, 1)))
    assert day(replace(FLAT, bands=(summer,)), 2026, 7, 1).points[0].per_kwh == 0.30


def test_a_tariff_holds_from_when_to_when_it_says() -> None:
    """Outside there is nothing."""
    tariff = replace(FLAT, start_us=us(2026, 5, 2), end_us=us(2026, 5, 3), bands=(NIGHT,))
    found = course_of(tariff, us(2026, 5, 1), us(2026, 5, 9)).points
    assert (found[0].start_us, found[-1].end_us) == (us(2026, 5, 2), us(2026, 5, 3))
    assert course_of(tariff, us(2026, 6, 1), us(2026, 6, 2)).points == ()
    assert course_of(replace(tariff, bands=()), us(2026, 6, 1), us(2026, 6, 2)).points == ()


def test_a_list_holds_hour_by_hour_and_more_comes_on_top() -> None:
    """-0.02 from the market and 0.12 for the network are 0.10."""
    start = us(2026, 5, 4)
    listed = listed_prices([(start, 0.05), (start + HOUR, -0.02)])
    tariff = replace(FLAT, per_kwh=None, listed=listed, added_per_kwh=0.12)
    assert [p.per_kwh for p in day(tariff, 2026, 5, 4).points] == pytest.approx([0.17, 0.10])
    late = course_of(tariff, start + HOUR // 2, start + HOUR)
    assert late.points == (RatePoint(start + HOUR // 2, start + HOUR, 0.05 + 0.12),)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"bands": (PEAK, replace(PEAK, name="noon", start_minute=700, end_minute=800))},
            "both hold at 11:40",
        ),
        ({"bands": (PEAK,), "per_kwh": None}, "has no price at 00:00 on a mon"),
        ({"bands": (NIGHT, replace(NIGHT, start_minute=240, end_minute=1440)), "per_kwh": None}, "at 03:00"),
        ({"bands": (replace(NIGHT, end_minute=1000),), "per_kwh": None}, "has no price at 16:40"),
        ({"bands": (replace(NIGHT, end_minute=0),)}, "ends before it begins"),
        ({"per_kwh": None}, "states no price"),
        ({"currency": "EURO"}, "did you mean EUR"),
        ({"per_kwh": 28.0}, "in hundredths"),
        ({"added_per_kwh": 0.1}, "comes on top of a file"),
        ({"listed": (RatePoint(0, HOUR, 0.1),)}, "has a list and a price of its own"),
    ],
)
def test_what_is_no_tariff_is_refused(change: dict[str, object], said: str) -> None:
    """With the place and the minute."""
    with pytest.raises(UsageError, match=said):
        replace(FLAT, **change)  # type: ignore[arg-type]


def test_the_nearest_place_that_is_stated_holds() -> None:
    """A site's own, else its country's, else what holds everywhere; an empty name is no place."""
    lab, rest = replace(FLAT, place="lab"), replace(FLAT, place="*")
    every = (rest, FLAT, lab)
    assert in_force(every, ("lab", "DEU")) == (lab,)
    assert in_force(every, ("", "DEU")) == (FLAT,)
    assert in_force(every, ("FRA",)) == (rest,)
    assert in_force((FLAT,), ("FRA",)) == ()


def test_each_price_of_a_list_holds_until_the_next() -> None:
    """The last for as long as the one before it, and a single one for an hour; or to where it is said."""
    assert listed_prices([(0, 0.1), (HOUR, 0.2)])[-1].end_us == 2 * HOUR
    assert listed_prices([(0, 0.1)])[0].end_us == HOUR
    assert listed_prices([(0, 0.1)], last_us=HOUR // 2)[0].end_us == HOUR // 2
    assert listed_prices([]) == ()


def test_hours_may_become_quarters() -> None:
    """The European market went from hours to quarters of an hour on 1 October 2025."""
    quarter = HOUR // 4
    starts = [0, HOUR, 2 * HOUR, 2 * HOUR + quarter, 2 * HOUR + 2 * quarter]
    assert len(listed_prices([(at, 0.1) for at in starts])) == 5
    assert len(listed_prices([(at, 0.1) for at in (0, HOUR, HOUR + quarter)])) == 3


@pytest.mark.parametrize("starts", [[0, HOUR, 3 * HOUR], [0, 900, 1800, 3600, 4500], [0, 0], [HOUR, 0]])
def test_holes_and_disorder_in_a_list_are_refused(starts: list[int]) -> None:
    """An hour that is not there, a quarter that is not there, one twice, one too early."""
    unit = 1 if max(starts) >= HOUR else 1_000_000
    with pytest.raises(UsageError, match=r"there is no price between|comes twice or out of order"):
        listed_prices([(at * unit, 0.1) for at in starts])


def test_a_minute_as_people_read_it() -> None:
    """Of a day."""
    assert (clock(0), clock(485), clock(1440)) == ("00:00", "08:05", "24:00")


def test_the_rate_says_what_it_is_of() -> None:
    """Its meter, what it includes, and what is not in it."""
    rate = replace(FLAT, includes=("taxes", "energy"), pays="it", note="without VAT").rate
    assert rate.meter == "it"
    assert dict(rate.terms) == {"price_includes": "energy+taxes"}
    assert rate.note.startswith("without VAT; electricity by the kWh only")


def mean(course: RateCourse, slices: list[Slice]) -> float:
    found = met(slices, course)
    assert isinstance(found, MetRate)
    return found.rate.per_kwh


zones = st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")])
moments = st.integers(us(2024, 1, 1), us(2026, 12, 1)).map(lambda at: at - at % 60_000_000)


@given(moments, st.integers(1, 400), zones, st.lists(st.integers(1, 1439), max_size=4, unique=True))
def test_bands_of_one_price_are_flat(start: int, hours: int, zone: object, cuts: list[int]) -> None:
    """However the day is cut, and wherever clocks change: every moment has its price, once."""
    edges = [0, *sorted(cuts), 1440]
    bands = tuple(
        Band(name=str(n), per_kwh=0.20, start_minute=edges[n], end_minute=edges[n + 1])
        for n in range(len(edges) - 1)
    )
    end = start + hours * HOUR
    course = course_of(replace(FLAT, per_kwh=None, bands=bands, zone=zone), start, end)  # type: ignore[arg-type]
    assert course.points[0].start_us == start
    assert course.points[-1].end_us == end
    assert all(a.end_us == b.start_us for a, b in zip(course.points, course.points[1:], strict=False))
    assert mean(course, [Slice(start, end, 1.0)]) == 0.20


@given(moments, zones)
def test_a_moment_has_the_price_of_its_clock(at: int, zone: object) -> None:
    """As told by the zone itself, minute by minute."""
    tariff = replace(FLAT, bands=(PEAK, NIGHT), zone=zone)  # type: ignore[arg-type]
    local = datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone)  # type: ignore[arg-type]
    minute = local.hour * 60 + local.minute
    expected = 0.10 if minute < 180 else 0.40 if local.weekday() < 5 and 480 <= minute < 1200 else 0.20
    point = course_of(tariff, at, at + 60_000_000).at(at)
    assert point is not None
    assert point.per_kwh == expected
