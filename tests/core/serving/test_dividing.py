"""One device over one stretch of time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.serving.serving_cases import LENGTH_US, some_pieces
from wattmark.core.errors import UsageError
from wattmark.core.serving.dividing import Part, Piece, busy_us, checked, divide


def test_each_moment_is_shared_among_those_active_in_it() -> None:
    """10 J in 10 us. A from 0 to 4, B, thrice as heavy, from 2 to 8: 2.5, 5.5 and 2 J idle."""
    made = divide([Piece(0, 10, 10.0)], [Part(0, 4, (1,)), Part(2, 8, (3,))], 0, 10)
    assert made.joules == ((2.5, 5.5),)
    assert made.idle_joules == 2.0
    assert (made.energy_joules, made.observed_us, made.active_us) == (10.0, 10, 8)


def test_each_rule_divides_the_same_energy() -> None:
    """8 J between two: half each by one rule, a quarter and three by the other."""
    made = divide([Piece(0, 8, 8.0)], [Part(0, 8, (1, 1)), Part(0, 8, (1, 3))], 0, 8, 2)
    assert made.joules == ((4.0, 4.0), (2.0, 6.0))


def test_only_what_lies_inside_is_divided() -> None:
    """A reading of 10 us from -5 on holds half of its 10 J inside, one after the end nothing."""
    made = divide([Piece(5, 15, 10.0), Piece(30, 40, 9.0)], [], 10, 20)
    assert (made.energy_joules, made.idle_joules, made.observed_us) == (5.0, 5.0, 5)


def test_a_gap_is_no_energy_and_no_observed_time() -> None:
    """Read for 2 us, failed for 3, nothing at all for 3, read for 2: 4 us of 10 were observed."""
    pieces = [Piece(0, 2, 2.0), Piece(2, 5, 0.0, observed=False), Piece(8, 10, 2.0)]
    made = divide(pieces, [Part(0, 10, (1,)), Part(1, 9, (1,)), Part(3, 3, (1,))], 0, 10)
    assert made.joules == ((3.0, 1.0, 0.0),)
    assert made.observed_by_part_us == (4, 2, 0)
    assert (made.observed_us, made.active_us) == (4, 4)


@given(
    some_pieces(),
    st.lists(
        st.tuples(st.integers(0, LENGTH_US), st.integers(0, LENGTH_US), st.integers(1, 2**44)), max_size=12
    ),
)
def test_parts_and_idle_make_up_the_device(pieces: list[Piece], drawn: list[tuple[int, int, int]]) -> None:
    """To 1e-12 of it; and no part is of more time than it lasts."""
    parts = [Part(min(a, b), max(a, b), (w,)) for a, b, w in drawn]
    made = divide(pieces, parts, 0, LENGTH_US)
    assert math.isclose(made.energy_joules, math.fsum(p.joules for p in pieces), rel_tol=1e-12)
    assert math.isclose(math.fsum(made.joules[0]) + made.idle_joules, made.energy_joules, rel_tol=1e-12)
    for part, seen in zip(parts, made.observed_by_part_us, strict=True):
        assert 0 <= seen <= part.end_us - part.start_us


def test_busy_time_is_what_the_device_tells() -> None:
    """4 us of the first 10, half of which lie inside, and 3 of the next 5; a gap tells nothing."""
    pieces = [Piece(0, 10, 1.0, busy_us=4), Piece(10, 15, 1.0, busy_us=3), Piece(15, 16, 0.0, observed=False)]
    assert busy_us(pieces, 5, 20) == 5
    assert busy_us([*pieces, Piece(17, 18, 1.0)], 5, 20) is None
    assert busy_us([], 5, 20) is None


@pytest.mark.parametrize(
    ("piece", "problem"),
    [
        (Piece(5, 5, 1.0), "end after it starts"),
        (Piece(-1, 5, 1.0), "end after it starts"),
        (Piece(0, 5, -1.0), "from 0 on"),
        (Piece(0, 5, math.nan), "from 0 on"),
        (Piece(0, 5, math.inf), "from 0 on"),
        (Piece(0, 5, 1.0, observed=False), "a gap holds no energy"),
        (Piece(0, 5, 1.0), "overlaps the one before"),
    ],
)
def test_an_impossible_reading_is_refused(piece: Piece, problem: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(UsageError, match=problem):
        checked(piece, after_us=3)


def test_a_reading_may_follow_at_once() -> None:
    """It begins where the one before it ends, or nothing came before."""
    piece = Piece(3, 5, 1.0)
    assert checked(piece, after_us=3) is checked(piece) is piece
