"""A sequential test: has the mean of a stream risen since some moment, and since when?

The cumulative sum of log-likelihood ratios, held at zero from below (E. S. Page, Continuous inspection
schemes, Biometrika 41:100, 1954): of all tests with one false alarm in a given time it finds a shift of the
given size soonest (G. Moustakides, Annals of Statistics 14:1379, 1986). Rows count by what they tell: one of
many requests more than one of few.
"""

from __future__ import annotations

from dataclasses import dataclass

CLIPPED = 4.0
"""A single row counts for no more than so many standard deviations, or twice the effect if that is more."""


@dataclass(slots=True)
class Cusum:
    """The state of the test. The stream is residuals with their standard deviations."""

    effect: float
    value: float = 0.0
    since: float | None = None
    """Start of the first row of the present rise; None while there is none."""
    rows: int = 0
    """How many rows the present rise has."""

    def add(self, start: float, residual: float, deviation: float) -> float:
        """Take one row in; the value of the test after it."""
        most = max(CLIPPED * deviation, 2.0 * self.effect)
        step = self.effect / deviation**2 * (min(max(residual, -most), most) - self.effect / 2.0)
        self.value += step
        if self.value <= 0.0:
            self.reset()
        else:
            self.since = start if self.since is None else self.since
            self.rows += 1
        return self.value

    def reset(self) -> None:
        """Begin anew."""
        self.value, self.since, self.rows = 0.0, None, 0
