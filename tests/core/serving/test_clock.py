"""The clock that runs on energy."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.serving.serving_cases import ENERGIES
from wattmark.core.errors import UsageError
from wattmark.core.serving.clock import EnergyClock, Mark
from wattmark.core.serving.weights import HEAVIEST


def test_two_at_once_share_by_weight() -> None:
    """8 J alone, then 8 J with one of three times the weight: 8 + 2 = 10 J and 6 J."""
    clock = EnergyClock()
    one = clock.add(1)
    clock.advance(8.0, 4)
    other = clock.add(3)
    clock.advance(8.0, 4)
    assert clock.remove(3, other) == (6.0, 4)
    assert clock.remove(1, one) == (10.0, 8)


def test_energy_without_anybody_is_idle() -> None:
    """5 J before the first and 7 J after the last; a gap is no active time."""
    clock = EnergyClock()
    clock.advance(5.0, 10)
    mark = clock.add(2)
    clock.advance(1.0, 3)
    clock.advance(0.0, 0)
    clock.remove(2, mark)
    clock.advance(7.0, 10)
    assert (clock.idle_joules, clock.weight, clock.observed_us, clock.active_us) == (12.0, 0, 23, 3)


@pytest.mark.parametrize("weight", [1.0, 0, -1, True])
def test_only_whole_weights_above_0_are_taken(weight: int) -> None:
    """Floats would not add up to 0 again."""
    with pytest.raises(UsageError, match="whole number above 0"):
        EnergyClock().add(weight)


def test_no_more_ends_than_is_active() -> None:
    """A weight below 0 would turn energy round."""
    with pytest.raises(UsageError, match="more weight ends"):
        EnergyClock().remove(1, Mark(0.0, 0.0, 0))


def test_a_moment_of_next_to_nothing_spoils_no_other() -> None:
    """10 kJ to a weight of 1, then 1 J to the heaviest: 1 J, where a plain float shows 0."""
    clock = EnergyClock()
    light = clock.add(1)
    clock.advance(10_000.0, 1)
    clock.remove(1, light)
    heavy = clock.add(HEAVIEST)
    clock.advance(1.0, 1)
    assert clock.remove(HEAVIEST, heavy)[0] == pytest.approx(1.0, rel=1e-12)


@given(st.lists(st.tuples(st.integers(1, HEAVIEST), ENERGIES, st.booleans()), min_size=1, max_size=40))
def test_parts_and_idle_make_up_the_whole(steps: list[tuple[int, float, bool]]) -> None:
    """Whatever starts and ends in whatever order, to 1e-12."""
    clock = EnergyClock()
    active: list[tuple[int, Mark]] = []
    given_out: list[float] = []
    for weight, joules, oldest_ends in steps:
        clock.advance(joules, 1)
        if oldest_ends and active:
            given_out.append(clock.remove(*active.pop(0))[0])
        else:
            active.append((weight, clock.add(weight)))
    given_out += [clock.remove(*one)[0] for one in active]
    total = sum(Fraction(joules) for _, joules, _ in steps)
    parts = sum(map(Fraction, given_out)) + Fraction(clock.idle_joules)
    assert abs(parts - total) <= total / 10**12
    assert clock.weight == 0
