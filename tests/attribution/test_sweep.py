"""The sweep over all that happens."""

import numpy as np
import pytest
from numpy.typing import NDArray

from wattmark.attribution.sweep import SORTABLE_BITS, active_weight, moments, observed_us, sweep
from wattmark.core.errors import UsageError
from wattmark.core.serving.weights import HEAVIEST


def longs(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def divided(
    start: list[int], end: list[int], weights: list[int], until: int, watts: float = 1.0
) -> list[float]:
    """Of 1 W, with nothing but whole requests; the idle energy is the last."""
    happens = moments(longs(*start), longs(*end), longs(*end), 0, until)
    first = longs(*weights)
    active = active_weight(happens, first, first, longs())
    swept = sweep(happens, happens.at_us.astype(np.float64), active, first, longs())
    return [*(float(joules) for joules in swept.first), swept.idle_joules]


def test_each_moment_is_shared_by_weight() -> None:
    """1 W for 10 us. A from 0 to 4, B, thrice as heavy, from 2 to 8: 2.5, 5.5 and 2 J idle."""
    assert divided([0, 2], [4, 8], [1, 3], 10) == [2.5, 5.5, 2.0]


def test_a_stretch_too_long_to_pack_gives_the_same() -> None:
    """Times of 62 bits leave no room beside them for the number of an event."""
    far = 1 << SORTABLE_BITS
    assert divided([0, 2], [4, 8], [1, 3], far)[:2] == [2.5, 5.5]


def test_nothing_at_all_is_idle() -> None:
    """No request: all of the energy."""
    assert divided([], [], [], 10) == [10.0]


def test_a_moment_of_next_to_nothing_spoils_no_other() -> None:
    """10 MJ to a weight of 1, then 1 J to the heaviest: 1 J, where a plain float shows 0."""
    light, heavy, idle = divided([0, 10_000_000], [10_000_000, 10_000_001], [1, HEAVIEST], 10_000_001)
    assert (light, idle) == (10_000_000, 0)
    assert heavy == pytest.approx(1.0, rel=1e-9)


def test_weights_that_do_not_fit_are_refused() -> None:
    """Half a million of the heaviest fit, three times as many do not; a wrong sum would be worse."""
    n = 3 << 19
    at = np.zeros(n, np.int64)
    happens = moments(at, at + 1, at + 1, 0, 1)
    first = np.full(n, HEAVIEST)
    with pytest.raises(UsageError, match="do not fit 64 bits"):
        active_weight(happens, first, first, longs())


def test_observed_time_is_read_off_at_start_and_end() -> None:
    """Only the first 5 us of 10 were watched: 3 of A's 4 us from 2 to 6, none of B's."""
    happens = moments(longs(2, 7), longs(6, 9), longs(6, 9), 0, 10)
    seen = np.minimum(happens.at_us, 5)
    assert list(observed_us(happens, seen)) == [3, 0]
