"""Measured PUE: facility energy over IT energy, added up and divided once, gaps left as gaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import RefusedError
from wattmark.core.figure import Undefined
from wattmark.core.pue_series import (
    CATEGORY_ERRORS,
    HOUR_US,
    Metered,
    MeterSeries,
    PueSeries,
    added,
    error_of,
    from_counter,
    from_intervals,
    from_power,
    measured_pue,
)

QUARTER = HOUR_US // 4


def hourly(*kwh: float | None, length: int = HOUR_US, first: int = 0) -> MeterSeries:
    """Energy of one stretch after another; None is a gap."""
    pieces = (
        Metered(first + n * length, first + (n + 1) * length, v) for n, v in enumerate(kwh) if v is not None
    )
    return MeterSeries(tuple(pieces))


def edges(count: int, length: int = HOUR_US) -> list[int]:
    """Of intervals from 1970 on."""
    return [n * length for n in range(count + 1)]


def series(facility: MeterSeries, it: MeterSeries, count: int, **changes: object) -> PueSeries:
    """Hours of a site."""
    return measured_pue("paris-1", facility, it, edges(count), **changes)  # type: ignore[arg-type]


def test_energies_are_added_and_divided_once() -> None:
    """120 of 100 kWh and 30 of 20: 150 / 120 is 1.25, and the mean of 1.2 and 1.5 would be 1.35."""
    found = series(hourly(120.0, 30.0), hourly(100.0, 20.0), 2)
    assert [i.pue for i in found.intervals] == [1.2, 1.5]
    assert found.pue == 1.25
    assert (found.facility_kwh, found.it_kwh) == (150.0, 120.0)


def test_a_counter_tells_what_lies_between_two_readings() -> None:
    """100, 110, 130 are 10 and 20 kWh."""
    found = from_counter([(HOUR_US, 110.0), (0, 100.0), (2 * HOUR_US, 130.0), (0, 100.0)], "main")
    assert [(p.start_us, p.kwh) for p in found.pieces] == [(0, 10.0), (HOUR_US, 20.0)]
    assert found.notes == ()
    assert found.kwh == 30.0


def test_a_counter_that_fell_leaves_a_gap() -> None:
    """Reset or exchanged: what it would have shown is not guessed."""
    found = from_counter([(0, 100.0), (1, 110.0), (2, 3.0), (3, 5.0)], "main")
    assert [(p.start_us, p.kwh) for p in found.pieces] == [(0, 10.0), (2, 2.0)]
    assert found.notes == ("main: the counter fell 1 times (reset or exchanged): a gap each",)


def test_power_is_straight_between_two_values() -> None:
    """2 kW that become 4 kW within an hour are 3 kWh; three hours without a value are a gap."""
    samples = [(0, 2.0), (HOUR_US, 4.0), (2 * HOUR_US, 4.0), (6 * HOUR_US, 4.0)]
    found = from_power(samples, "main")
    assert [p.kwh for p in found.pieces] == [3.0, 4.0]
    assert found.notes == ("main: 1 times not read for longer than 10800 s: a gap each",)
    assert [p.kwh for p in from_power(samples, "main", 4 * HOUR_US).pieces] == [3.0, 4.0, 16.0]


def test_an_interval_lasts_as_long_as_it_is_said_to() -> None:
    """Two quarters of an hour in the same hour leave the rest of it open; the time may be of the end."""
    samples = [(HOUR_US, 5.0), (HOUR_US + QUARTER, 6.0), (2 * HOUR_US, 7.0)]
    found = from_intervals(samples, "main")
    assert [(p.start_us, p.end_us - p.start_us) for p in found.pieces] == [
        (HOUR_US, QUARTER),
        (HOUR_US + QUARTER, QUARTER),
        (2 * HOUR_US, QUARTER),
    ]
    ended = from_intervals(samples, "main", QUARTER, at_end=True)
    assert ended.pieces[0] == Metered(HOUR_US - QUARTER, HOUR_US, 5.0)
    with pytest.raises(RefusedError, match="two intervals of 3600 s overlap"):
        from_intervals(samples, "main", HOUR_US)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_what_no_meter_can_show_is_refused(value: float) -> None:
    """Negative, infinite or no number at all."""
    with pytest.raises(RefusedError, match="impossible: leave out what could not be read"):
        from_power([(0, value), (1, 1.0)], "main")


def test_two_values_at_one_moment_are_refused() -> None:
    """There is no telling which is right."""
    with pytest.raises(RefusedError, match="shows 1 and 2 at one moment"):
        from_counter([(0, 1.0), (0, 2.0)], "main")


def test_one_reading_is_no_energy() -> None:
    """Of a counter or of power."""
    with pytest.raises(RefusedError, match="two readings are needed"):
        from_counter([(0, 1.0)], "main")


def test_several_meters_count_only_where_all_were_read() -> None:
    """10 + 5 kWh in the first hour; the second meter is silent in the second one."""
    whole = added([hourly(10.0, 10.0), hourly(5.0, None)])
    assert [(p.start_us, p.kwh) for p in whole.pieces] == [(0, 15.0)]
    assert added([hourly(10.0)]) == hourly(10.0)


def test_meters_that_are_read_at_other_moments_meet_where_they_overlap() -> None:
    """Half an hour later: two of three half hours are common to both; power is level within a reading."""
    facility = hourly(12.0, 12.0, length=HOUR_US, first=HOUR_US // 2)
    found = measured_pue("a", facility, hourly(10.0, 10.0, 10.0), [HOUR_US, 2 * HOUR_US])
    assert [i.pue for i in found.intervals] == [1.2]


def test_an_hour_that_was_hardly_read_tells_nothing() -> None:
    """Three quarters are less than nine tenths; the energies stay to be seen."""
    it = hourly(*[25.0] * 3, None, *[25.0] * 4, length=QUARTER)
    found = series(hourly(120.0, 120.0), it, 2)
    first, second = found.intervals
    assert (first.pue, first.problem) == (None, "both meters were read for only 75% of it")
    assert (first.facility_kwh, first.it_kwh) == (90.0, 75.0)
    assert second.pue == 1.2
    assert found.used == (second,)


def test_more_it_energy_than_facility_energy_is_impossible() -> None:
    """It is shown with its energies, and never used."""
    found = series(hourly(90.0, 120.0), hourly(100.0, 100.0), 2)
    assert found.intervals[0].problem == "impossible: 100 kWh of IT energy, 90 kWh in all"
    assert found.pue == 1.2


def test_a_site_without_it_energy_has_no_pue() -> None:
    """Nothing over nothing is nothing."""
    found = series(hourly(10.0, 12.0), hourly(0.0, 10.0), 2)
    assert found.intervals[0].problem == "no IT energy was metered"
    assert found.pue == 1.2


def test_meters_that_are_swapped_are_refused() -> None:
    """No interval is left, and the reason is plain."""
    with pytest.raises(RefusedError, match="are the two swapped, or in other units"):
        series(hourly(100.0), hourly(120.0), 1)
    with pytest.raises(RefusedError, match="no IT energy was metered; look at the readings"):
        series(hourly(100.0), hourly(0.0), 1)
    with pytest.raises(RefusedError, match="never read at the same time"):
        series(hourly(100.0, None), hourly(None, 100.0), 2)
    assert PueSeries(site="a", intervals=()).pue == Undefined("no interval tells a PUE")


def test_a_long_reading_is_not_cut_into_hours() -> None:
    """A facility that is read once a day tells nothing about its hours: one interval comes of them."""
    day = MeterSeries((Metered(0, 24 * HOUR_US, 2400.0),))
    found = series(day, hourly(*[80.0] * 24), 24)
    assert [(i.start_us, i.end_us, i.pue) for i in found.intervals] == [(0, 24 * HOUR_US, 1.25)]


def test_a_long_reading_stays_long_when_meters_are_added() -> None:
    """The other one's quarters of an hour do not tell when the first one's energy was used."""
    day = MeterSeries((Metered(0, 24 * HOUR_US, 2400.0),))
    whole = added([day, hourly(*[1.0] * 96, length=QUARTER)])
    assert len(series(whole, hourly(*[80.0] * 24), 24).intervals) == 1


def test_readings_that_are_a_little_late_are_cut() -> None:
    """Hourly looks that are five minutes late still tell hours."""
    late = hourly(*[12.0] * 4, first=HOUR_US // 12)
    assert len(measured_pue("a", late, late, edges(4)[1:4]).intervals) == 2


def test_both_gains_and_the_category_make_the_error() -> None:
    """3 % and 4 % are 5 % for category 3; who states no category gets the widest."""
    assert error_of(3, 0.03, 0.04) == pytest.approx(0.05)
    assert error_of(1, 0.0, 0.0) == error_of(None, 0.0, 0.0) == CATEGORY_ERRORS[1]
    with pytest.raises(RefusedError, match="4 is no category"):
        error_of(4)
    found = series(hourly(12.0), hourly(10.0), 1)
    assert found.relative_error == error_of(None)
    assert series(hourly(12.0), hourly(10.0), 1, category=3, relative_error=0.1).relative_error == 0.1


def test_it_is_a_measured_pue_with_its_source() -> None:
    """For a figure, and for the totals of a ledger; the category is part of the source."""
    found = series(hourly(12.0, 9.0), hourly(10.0, 10.0), 2, category=2, source="dcim.csv")
    assert found.said == "dcim.csv, PUE2"
    assert replace(found, category=None, source="").said == "category not stated"
    pue = found.as_pue(1.2)
    assert (pue.kind, pue.value, pue.source) == ("measured", 1.2, "dcim.csv, PUE2")
    (only,) = found.site_pues()
    assert (only.site, only.start_us, only.end_us, only.pue) == ("paris-1", 0, HOUR_US, 1.2)
    assert (only.kind, only.relative_error) == ("measured", found.relative_error)


def test_a_stretch_meets_the_sums_of_its_intervals() -> None:
    """Half of 120/100 and half of 30/20: 75 / 60 is 1.25. What was not measured is said."""
    found = series(hourly(120.0, 30.0, 9.0), hourly(100.0, 20.0, 10.0), 3)
    assert found.over(HOUR_US // 2, HOUR_US + HOUR_US // 2) == (1.25, 1.0)
    assert found.over(HOUR_US, 3 * HOUR_US) == (1.5, 0.5)
    assert found.over(2 * HOUR_US, 4 * HOUR_US) == (Undefined("nothing was measured in this time"), 0.0)
    assert found.over(0, HOUR_US) == (1.2, 1.0)


ENERGIES = st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(0.0, 1e4)), min_size=1, max_size=20)


@given(ENERGIES)
def test_the_whole_is_the_sum_of_facility_energy_over_the_sum_of_it_energy(
    told: Sequence[tuple[float, float]],
) -> None:
    """Whatever the hours are; and neither the whole nor any hour is below 1."""
    it, facility = [one for one, _ in told], [one + more for one, more in told]
    found = series(hourly(*facility), hourly(*it), len(told))
    assert found.pue == pytest.approx(math.fsum(facility) / math.fsum(it), rel=1e-12)
    assert found.pue >= 1.0  # type: ignore[operator]
    assert all(i.pue is not None and i.pue >= 1.0 for i in found.intervals)
    assert found.over(0, len(told) * HOUR_US)[0] == pytest.approx(found.pue, rel=1e-12)


@given(ENERGIES, st.integers(2, 6))
def test_cutting_readings_into_pieces_changes_nothing(
    told: Sequence[tuple[float, float]], pieces: int
) -> None:
    """The same power in shorter readings is the same PUE in each hour and over all."""
    it, facility = [one for one, _ in told], [one + more for one, more in told]
    whole = series(hourly(*facility), hourly(*it), len(told))
    finer = [kwh / pieces for kwh in it for _ in range(pieces)]
    cut = series(hourly(*facility), hourly(*finer, length=HOUR_US // pieces), len(told))
    assert cut.pue == pytest.approx(whole.pue, rel=1e-9)
    for one, other in zip(cut.intervals, whole.intervals, strict=True):
        assert one.it_kwh == pytest.approx(other.it_kwh, rel=1e-9)
        assert one.facility_kwh == pytest.approx(other.facility_kwh, rel=1e-9)


@given(ENERGIES)
def test_longer_intervals_keep_all_energy(told: Sequence[tuple[float, float]]) -> None:
    """One interval over all hours has the PUE of the whole."""
    it, facility = [one for one, _ in told], [one + more for one, more in told]
    whole = series(hourly(*facility), hourly(*it), len(told))
    one = measured_pue("a", hourly(*facility), hourly(*it), [0, len(told) * HOUR_US])
    assert one.pue == pytest.approx(whole.pue, rel=1e-12)


def test_only_the_time_that_was_asked_for_counts() -> None:
    """Readings go on before and after; a long one that leaves the stretch tells nothing of it."""
    both = hourly(*[12.0] * 6), hourly(*[10.0] * 6)
    found = measured_pue("a", *both, [HOUR_US, 2 * HOUR_US, 3 * HOUR_US])
    assert [i.start_us for i in found.intervals] == [HOUR_US, 2 * HOUR_US]
    long = MeterSeries((Metered(0, 6 * HOUR_US, 72.0),))
    with pytest.raises(RefusedError, match="longer than the time that is asked for"):
        measured_pue("a", long, both[1], [HOUR_US, 2 * HOUR_US, 3 * HOUR_US])


def test_intervals_may_differ_in_length() -> None:
    """A reading of two hours is long beside an hour, and not beside a day."""
    day = 24 * HOUR_US
    facility = MeterSeries(
        (
            Metered(0, HOUR_US, 12.0),
            *(Metered(HOUR_US + n * 2 * HOUR_US, HOUR_US + (n + 1) * 2 * HOUR_US, 24.0) for n in range(24)),
        )
    )
    it = hourly(*[10.0] * 49)
    found = measured_pue("a", facility, it, [0, HOUR_US, day, 2 * day])
    assert [i.end_us for i in found.intervals] == [HOUR_US, day, 2 * day]
    assert {i.pue for i in found.intervals} == {1.2}
