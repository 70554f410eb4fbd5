"""From readings to energy: arithmetic where it is allowed, a gap where it is not, never a zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.readings import CounterReading, Device, Gap, PowerReading, Reading
from wattmark.core.units import Energy, Power
from wattmark.measure.accumulate import Accumulator, Piece
from wattmark.testing.fakes import a_device

CPU = a_device()  # 100 W at most, never wraps
SMALL_COUNTER = a_device(wraps_at=Energy(100.0), max_power=Power(10.0))  # lasts 10 s at full power
SENSOR = a_device("gpu:test", component="gpu", reads="power")


def counter(joules: float, at: float) -> CounterReading:
    return CounterReading(Energy(joules), at)


def power(watts: float, at: float) -> PowerReading:
    return PowerReading(Power(watts), at)


def piece_of(device: Device, *readings: Reading, period: float = 1.0, until: float | None = None) -> Piece:
    """One piece over these readings, cut at the last one's time."""
    accumulator = Accumulator(device, period, 0.0)
    for reading in readings:
        accumulator.add(reading)
    times = [r.at for r in readings if not isinstance(r, Gap)]
    return accumulator.cut(times[-1] if until is None else until)


def reasons(piece: Piece) -> list[str]:
    return [gap.reason for gap in piece.gaps]


# --- counters ---------------------------------------------------------------------------------------


def test_a_counter_is_subtracted() -> None:
    """From 5 J to 90 J are 85 J, all of it seen."""
    piece = piece_of(CPU, counter(5.0, 0.0), counter(90.0, 2.0))
    assert piece == Piece(0.0, 2.0, 85.0, 2.0, ())


def test_a_wrapped_counter_goes_on() -> None:
    """90 J, a wrap at 100 J, then 5 J: 15 J."""
    piece = piece_of(SMALL_COUNTER, counter(90.0, 0.0), counter(5.0, 2.0))
    assert piece.joules == pytest.approx(15.0)
    assert piece.gaps == ()


def test_a_reset_is_a_gap() -> None:
    """A counter that never wraps and shows less than before has been reset: nobody knows what was used."""
    piece = piece_of(CPU, counter(90.0, 0.0), counter(5.0, 2.0), counter(25.0, 3.0))
    assert piece.joules == pytest.approx(20.0)
    assert piece.observed_seconds == pytest.approx(1.0)
    assert reasons(piece) == ["the counter was reset or reads nonsense"]


def test_an_unreadable_counter_is_bridged_within_its_wrap_time() -> None:
    """10 J, nothing, 40 J: 30 J and coverage 1, for the counter counted on."""
    piece = piece_of(SMALL_COUNTER, counter(10.0, 0.0), Gap("permission denied"), counter(40.0, 5.0))
    assert piece == Piece(0.0, 5.0, 30.0, 5.0, ())


def test_a_counter_left_alone_for_longer_than_a_wrap_is_a_gap() -> None:
    """After 10 s it may have wrapped, even though it went up."""
    piece = piece_of(SMALL_COUNTER, counter(10.0, 0.0), Gap("busy"), counter(40.0, 10.0))
    assert (piece.joules, piece.observed_seconds) == (0.0, 0.0)
    assert reasons(piece) == ["busy"]


def test_an_impossible_jump_is_a_gap() -> None:
    """262 294 J in a second is not what a 100 W package used."""
    piece = piece_of(CPU, counter(0.0, 0.0), counter(262_294.0, 1.0), counter(262_344.0, 2.0))
    assert piece.joules == pytest.approx(50.0)
    assert piece.gaps[0].end == 1.0


def test_what_vanishes_is_a_gap_from_its_last_reading() -> None:
    """A GPU that falls off the bus after 2 s of 5 s was seen for 2 s."""
    piece = piece_of(CPU, counter(0.0, 0.0), counter(60.0, 2.0), Gap("GPU is lost"), until=5.0)
    assert (piece.joules, piece.observed_seconds, piece.seconds) == (60.0, 2.0, 5.0)
    assert (piece.gaps[0].start, piece.gaps[0].end, piece.gaps[0].reason) == (2.0, 5.0, "GPU is lost")


def test_what_never_answers_has_no_energy_and_no_zero() -> None:
    """Nothing seen is a gap over all of the piece."""
    piece = piece_of(CPU, Gap("permission denied"), until=3.0)
    assert (piece.observed_seconds, piece.seconds) == (0.0, 3.0)
    assert reasons(piece) == ["permission denied"]


def test_a_piece_begins_with_its_first_reading() -> None:
    """What the meter took to answer at the start is before the piece, not a gap in it."""
    piece = piece_of(CPU, counter(0.0, 0.004), counter(10.0, 1.0))
    assert piece.start == 0.004
    assert piece.gaps == ()


def test_a_late_first_reading_after_a_failure_leaves_a_gap() -> None:
    """The first second was not seen, and the next one was."""
    piece = piece_of(CPU, Gap("starting"), counter(0.0, 1.0), counter(10.0, 2.0))
    assert (piece.joules, piece.observed_seconds) == (10.0, 1.0)
    assert [(g.start, g.end) for g in piece.gaps] == [(0.0, 1.0)]


def test_neighbouring_gaps_of_one_reason_are_one() -> None:
    """Ten failures in a row are one stretch."""
    accumulator = Accumulator(CPU, 1.0, 0.0)
    accumulator.add(counter(10.0, 0.0))
    for at in (1.0, 2.0, 3.0):
        accumulator.add(counter(-at, at))
    piece = accumulator.cut(3.0)
    assert [(g.start, g.end) for g in piece.gaps] == [(0.0, 3.0)]


# --- sampled power ----------------------------------------------------------------------------------


def test_power_is_integrated_by_the_trapezoid_rule() -> None:
    """From 10 W to 30 W in a second: 20 J."""
    piece = piece_of(SENSOR, power(10.0, 0.0), power(30.0, 1.0))
    assert piece == Piece(0.0, 1.0, 20.0, 1.0, ())


def test_a_step_of_more_than_two_periods_is_a_gap() -> None:
    """At a period of 1 s nobody knows the power between readings 2.5 s apart."""
    piece = piece_of(SENSOR, power(10.0, 0.0), power(10.0, 2.5), power(10.0, 3.5))
    assert (piece.joules, piece.observed_seconds) == (10.0, 1.0)
    assert reasons(piece) == ["readings further apart than two periods"]


def test_a_step_of_two_periods_is_bridged() -> None:
    """One failed reading among good ones costs nothing."""
    piece = piece_of(SENSOR, power(10.0, 0.0), Gap("busy"), power(10.0, 2.0))
    assert (piece.joules, piece.observed_seconds) == (20.0, 2.0)


def test_a_slow_sensor_sets_the_longest_step() -> None:
    """A sensor that refreshes every 5 s is read well every 6 s."""
    slow = a_device(reads="power", update_seconds=5.0)
    piece = piece_of(slow, power(10.0, 0.0), power(10.0, 6.0))
    assert piece.joules == pytest.approx(60.0)


@pytest.mark.parametrize("nonsense", [-1.0, 101.0, math.nan, math.inf])
def test_an_implausible_power_is_no_reading(nonsense: float) -> None:
    """Negative, above the device's most, or no number at all: a gap that says so."""
    piece = piece_of(SENSOR, power(10.0, 0.0), power(nonsense, 3.0), until=3.0)
    assert piece.observed_seconds == 0.0
    assert reasons(piece)[0].startswith("the sensor reads nonsense")


def test_a_counter_that_is_no_number_is_a_gap() -> None:
    """NaN compares with nothing, so it can never pass for an energy."""
    piece = piece_of(CPU, counter(0.0, 0.0), counter(math.nan, 1.0), counter(5.0, 2.0))
    assert piece.joules == 0.0
    assert piece.observed_seconds == 0.0


def test_a_device_that_changes_its_kind_of_reading_starts_anew() -> None:
    """A counter and a power cannot be joined."""
    piece = piece_of(CPU, counter(0.0, 0.0), counter(10.0, 1.0), power(10.0, 2.0), power(10.0, 3.0))
    assert (piece.joules, piece.observed_seconds) == (20.0, 2.0)
    assert reasons(piece) == ["not read"]


# --- cuts -------------------------------------------------------------------------------------------


def test_a_cut_divides_energy_at_its_reading() -> None:
    """30 J before the edge, 50 J after it."""
    accumulator = Accumulator(CPU, 1.0, 0.0)
    accumulator.add(counter(0.0, 0.0))
    accumulator.add(counter(30.0, 1.0))
    first = accumulator.cut(1.0)
    accumulator.add(counter(80.0, 2.0))
    second = accumulator.cut(2.0)
    assert (first.joules, second.joules) == (30.0, 50.0)
    assert first.end == second.start == 1.0


def test_what_a_failed_reading_at_a_cut_leaves_open_belongs_to_neither_side() -> None:
    """The 80 J between the good readings cannot be divided at the edge: two gaps, no guess."""
    accumulator = Accumulator(CPU, 1.0, 0.0)
    accumulator.add(counter(0.0, 0.0))
    accumulator.add(counter(30.0, 1.0))
    accumulator.add(Gap("busy"))
    first = accumulator.cut(2.0)
    accumulator.add(counter(110.0, 3.0))
    accumulator.add(counter(120.0, 4.0))
    second = accumulator.cut(4.0)
    assert (first.joules, first.observed_seconds, first.end) == (30.0, 1.0, 2.0)
    assert (second.joules, second.observed_seconds, second.start) == (10.0, 1.0, 2.0)
    assert [(g.start, g.end) for g in (*first.gaps, *second.gaps)] == [(1.0, 2.0), (2.0, 3.0)]


def test_a_look_does_not_close_the_piece() -> None:
    """Looking is free: the cut afterwards gives everything."""
    accumulator = Accumulator(CPU, 1.0, 0.0)
    accumulator.add(counter(0.0, 0.0))
    accumulator.add(counter(10.0, 1.0))
    assert accumulator.peek(1.0).joules == 10.0
    assert accumulator.cut(1.0).joules == 10.0


# --- properties -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """So many seconds pass at so many watts; then the meter is read, or fails, and perhaps a window ends."""

    seconds: float
    watts: float
    fails: bool
    cuts: bool


steps = st.builds(
    Step,
    seconds=st.floats(min_value=0.001, max_value=5.0),
    watts=st.floats(min_value=0.0, max_value=10.0),
    fails=st.booleans(),
    cuts=st.booleans(),
)


def walk(device: Device, script: list[Step], failing: bool) -> tuple[list[Piece], float, float]:
    """Pieces, the energy that was really used, and the moment of the last step."""
    at = used = 0.0
    accumulator = Accumulator(device, 1.0, 0.0)
    pieces: list[Piece] = []

    def look(fails: bool, watts: float) -> Reading:
        if fails and failing:
            return Gap("fails")
        if device.reads == "power":
            return power(watts, at)
        return counter(used % device.wraps_at.joules if device.wraps_at else used, at)

    accumulator.add(look(False, script[0].watts))
    for step in script:
        at += step.seconds
        used += step.watts * step.seconds
        accumulator.add(look(step.fails, step.watts))
        if step.cuts:
            pieces.append(accumulator.cut(at))
    pieces.append(accumulator.cut(at))
    return pieces, used, at


@given(st.lists(steps, min_size=1, max_size=30))
def test_pieces_of_a_counter_add_up_to_its_difference(script: list[Step]) -> None:
    """However often it wraps and is cut, nothing is lost and nothing is added."""
    pieces, used, _ = walk(SMALL_COUNTER, script, failing=False)
    assert math.fsum(p.joules for p in pieces) == pytest.approx(used, abs=1e-9)
    assert all(p.observed_seconds == pytest.approx(p.seconds) for p in pieces)


@given(st.lists(steps, min_size=1, max_size=30), st.sampled_from([CPU, SMALL_COUNTER, SENSOR]))
def test_pieces_tile_the_time_and_every_second_is_seen_or_a_gap(script: list[Step], device: Device) -> None:
    """Pieces follow each other without a hole; seen seconds and gaps are the whole, and never more."""
    pieces, _, end = walk(device, script, failing=True)
    assert all(a.end == b.start for a, b in pairwise(pieces))
    assert (pieces[0].start, pieces[-1].end) == (0.0, pytest.approx(end))
    for piece in pieces:
        gaps = math.fsum(g.end - g.start for g in piece.gaps)
        assert piece.observed_seconds <= piece.seconds + 1e-9
        assert piece.observed_seconds + gaps == pytest.approx(piece.seconds, abs=1e-6)
        assert all(piece.start - 1e-9 <= g.start < g.end <= piece.end + 1e-9 for g in piece.gaps)


@given(st.lists(steps, min_size=1, max_size=30), st.sampled_from([CPU, SMALL_COUNTER]))
def test_a_counter_is_never_said_to_have_counted_more_than_it_did(script: list[Step], device: Device) -> None:
    """With failures and wraps, what was observed is at most what was used."""
    pieces, used, _ = walk(device, script, failing=True)
    assert math.fsum(p.joules for p in pieces) <= used + 1e-6
