"""Intervals of energy as a series: gaps stay gaps, and nothing is assumed about distances."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.attribution.power.intervals import series_of, series_of_samples
from wattmark.attribution.power.series import Kind, PowerSeries
from wattmark.core.errors import UsageError
from wattmark.core.known import Grade, Method, Scope
from wattmark.core.run import SourceId
from wattmark.core.telemetry import Samples, Stream

KNOWN = {
    "device_id": "gpu-0",
    "component": "gpu",
    "kind": Kind.INTERVAL,
    "method": Method.HARDWARE_COUNTER,
    "grade": Grade.B,
}


def made(*intervals: tuple[int, int, float, bool]) -> PowerSeries | None:
    """A series of intervals: start, end, joules, observed."""
    starts, ends, joules, observed = zip(*intervals, strict=True) if intervals else ((), (), (), ())
    return series_of(
        np.array(starts, np.int64),
        np.array(ends, np.int64),
        np.array(joules, np.float64),
        np.array(observed, np.bool_),
        **KNOWN,
    )


def test_intervals_in_any_order_become_one_series() -> None:
    """10 J, then a hole of 5 us that nobody observed, then 20 J."""
    series = made((15, 30, 20.0, True), (0, 10, 10.0, True))
    assert series is not None
    assert series.times_us.tolist() == [0, 10, 15, 30]
    assert series.joules.tolist() == [0, 10, 10, 30]
    assert series.observed.tolist() == [True, False, True]
    assert series.observed_seconds == pytest.approx(25e-6)


def test_a_gap_holds_no_energy_whatever_stands_there() -> None:
    """As telemetry has it."""
    series = made((0, 10, 10.0, True), (10, 20, 5.0, False))
    assert series is not None
    assert (series.joules.tolist(), series.observed.tolist()) == ([0, 10, 10], [True, False])


def test_an_interval_that_overlaps_another_is_left_out_and_named_and_a_repeated_one_is_not() -> None:
    """Whose energy would it be?"""
    series = made((0, 10, 10.0, True), (5, 15, 10.0, True), (20, 30, 1.0, True), (20, 30, 1.0, True))
    assert series is not None
    assert series.energy_joules == 11
    assert series.notes == ("1 intervals overlap others and are left out",)


def test_no_intervals_are_no_series() -> None:
    """And so are intervals without length."""
    assert made() is None
    assert made((5, 5, 1.0, True)) is None


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(0, 9), st.booleans()), min_size=1)
)
def test_intervals_that_lie_apart_are_all_in_the_series(parts: list[tuple[int, int, int, bool]]) -> None:
    """Whatever holes lie between them."""
    at, intervals = 0, []
    for hole, length, joules, seen in parts:
        intervals.append((at + hole, at + hole + length, float(joules), seen))
        at += hole + length
    series = made(*reversed(intervals))
    assert series is not None
    assert series.energy_joules == sum(j for _, _, j, seen in parts if seen)
    assert series.observed_seconds == pytest.approx(sum(length for _, length, _, seen in parts if seen) / 1e6)
    assert (series.times_us[0], series.times_us[-1]) == (intervals[0][0], intervals[-1][1])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(-5, 60), st.integers(1, 40))
def test_a_part_of_a_series_holds_the_stretches_that_touch_it(
    lengths: list[int], start: int, length: int
) -> None:
    """Whole stretches: their energy cannot be told apart."""
    ends = np.cumsum(lengths).tolist()
    series = made(*[(a, b, float(b - a), True) for a, b in pairwise([0, *ends])])
    assert series is not None
    cut = series.between(start, start + length)
    touching = [(a, b) for a, b in pairwise([0, *ends]) if b > start and a < start + length]
    assert (cut is None) == (not touching)
    if cut is not None:
        assert cut.times_us.tolist() == [touching[0][0], *[b for _, b in touching]]
        assert cut.energy_joules == sum(b - a for a, b in touching)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"times_us": [0, 10, 10]}, "moment 3 of the series is not after the one before it"),
        ({"joules": [0, 5, 4]}, "moment 3 of the series has less energy"),
        ({"joules": [0, 5, float("nan")]}, "is no finite number"),
        ({"observed": [True, False]}, "moment 3 of the series ends a gap in which energy was counted"),
        ({"observed": [True]}, "at least two moments"),
    ],
)
def test_what_no_series_may_be_is_refused(changed: dict[str, list[float]], says: str) -> None:
    """With the device, and the moment."""
    columns = {"times_us": [0, 10, 20], "joules": [0, 5, 6], "observed": [True, True]} | changed
    with pytest.raises(UsageError, match=f"gpu-0: .*{says}"):
        PowerSeries(
            **KNOWN,  # type: ignore[arg-type]
            times_us=np.array(columns["times_us"], np.int64),
            joules=np.array(columns["joules"], np.float64),
            observed=np.array(columns["observed"], np.bool_),
        )


def stream(**changed: object) -> Stream:
    """A GPU's counter of energy."""
    told: dict[str, object] = {
        "source": SourceId(name="dcgm"),
        "host_id": "h",
        "device_id": "gpu-0",
        "component": "gpu",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
    }
    return Stream(**(told | changed))  # type: ignore[arg-type]


def test_portions_of_one_stream_are_one_series() -> None:
    """An hour of it came in two portions, and the second has a gap."""
    one = Samples(stream=stream(), start_us=[0, 10], end_us=[10, 20], energy_uj=[1_000_000, 2_000_000])
    two = Samples(stream=stream(), start_us=[20], end_us=[30], energy_uj=[0], observed=[False])
    found = series_of_samples([two, one])
    assert [(s.device_id, s.energy_joules, s.observed.tolist()) for s in found] == [
        ("gpu-0", 3, [True, True, False])
    ]


def test_of_two_streams_of_one_device_the_better_known_one_is_taken() -> None:
    """A counter rather than sampled power; the other is named."""
    counter = Samples(stream=stream(), start_us=[0], end_us=[10], energy_uj=[5_000_000])
    power = Samples(
        stream=stream(method=Method.INTEGRATED_POWER, grade=Grade.C, source=SourceId(name="nvidia-smi")),
        start_us=[0],
        end_us=[10],
        energy_uj=[6_000_000],
    )
    (found,) = series_of_samples([power, counter])
    assert (found.grade, found.energy_joules) == (Grade.B, 5)
    assert found.notes == ("nvidia-smi also tells of gpu-0 (grade C) and is left out",)


def test_shares_of_devices_and_counts_of_work_are_no_power() -> None:
    """Nor is a portion without samples."""
    share = Samples(stream=stream(scope=Scope.SHARE), start_us=[0], end_us=[1], energy_uj=[1])
    work = Samples(stream=stream(unit="requests"), start_us=[0], end_us=[1], count=[1.0])
    empty = Samples(stream=stream(), start_us=[], end_us=[], energy_uj=[])
    assert series_of_samples([share, work, empty]) == []
