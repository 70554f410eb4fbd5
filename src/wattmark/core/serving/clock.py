"""A clock that runs on energy: the energy of a request by two looks at it, whatever else runs beside it.

With W(t) the sum of the weights of all that is active and E(t) the energy of a device, the clock shows
F(t), the integral of dE / W. A request of weight w from s to e used w (F(e) - F(s)): one step per event and
no loop over what is active. (The same idea as virtual time in fair queueing: Parekh and Gallager, A
generalized processor sharing approach to flow control, IEEE/ACM Transactions on Networking 1 (3), 1993,
https://doi.org/10.1109/90.234856.)
"""

from __future__ import annotations

from typing import NamedTuple

from wattmark.core.errors import UsageError


class Mark(NamedTuple):
    """A look at the clock; kept with a request while it is active."""

    high: float
    low: float
    observed_us: int


class EnergyClock:
    """The clock of one device. Every event costs the same, however many requests are active.

    F is kept as the sum of two floats with the exact error of each addition (Knuth, The Art of Computer
    Programming 2, section 4.2.2, theorem B): a moment in which almost nothing was active moves F by
    so much that a plain float would lose the moments in which very much is.
    """

    __slots__ = ("_high", "_low", "active_us", "idle_joules", "observed_us", "weight")

    def __init__(self) -> None:
        self.weight = 0
        """Of all that is active; exactly 0 when nothing is."""
        self.idle_joules = 0.0
        """Energy that passed while nothing was active."""
        self.observed_us = 0
        """How much of the time was observed."""
        self.active_us = 0
        """How much of the observed time something was active in."""
        self._high = 0.0
        self._low = 0.0

    def advance(self, joules: float, observed_us: int) -> None:
        """Let energy pass, in time of which so much was observed, while nothing starts or ends."""
        self.observed_us += observed_us
        if self.weight == 0:
            self.idle_joules += joules
            return
        self.active_us += observed_us
        step = joules / self.weight
        high = self._high + step
        back = high - self._high
        self._low += (self._high - (high - back)) + (step - back)
        self._high = high

    def add(self, weight: int) -> Mark:
        """Something starts. Raises UsageError for a weight that is no whole number above 0."""
        if type(weight) is not int or weight <= 0:
            raise UsageError(f"a weight is a whole number above 0; here {weight!r}")
        self.weight += weight
        return Mark(self._high, self._low, self.observed_us)

    def remove(self, weight: int, mark: Mark) -> tuple[float, int]:
        """Something ends that started at the mark: its joules, and its microseconds that were observed.

        Raises UsageError when more ends than is active.
        """
        if weight > self.weight:
            raise UsageError("more weight ends than is active")
        self.weight -= weight
        joules = weight * ((self._high - mark.high) + (self._low - mark.low))
        return joules, self.observed_us - mark.observed_us
