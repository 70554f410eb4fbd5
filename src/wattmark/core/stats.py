"""The statistics of repeated runs: Student's t, Welch's test, power, bootstrap.

Standard library only. Everything works on the logarithms of positive values, because energies
scale (a machine that draws 10 % more does so for every run) and because an effect is then a ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

LEVEL = 0.95
"""Two-sided confidence of every interval of the project (kpis.md, Uncertainty)."""
POWER = 0.80
"""Chance of seeing a difference that is there; the convention of Cohen 1988, section 2.4."""
BOOTSTRAP_FROM = 20
"""Fewer values per side make a percentile bootstrap lie: its coverage is 76 % at n = 3 (kpis.md)."""
MOST_RUNS = 10_000
"""Nobody repeats a run more often; beyond this the answer is "no number of runs would decide"."""


class Picker(Protocol):
    """Gives whole numbers below a bound; ``random.Random(seed)`` is one."""

    def randrange(self, stop: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of a few values."""

    n: int
    mean: float
    sd: float
    """With n - 1 in the denominator; 0 for a single value, where it is not known."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of means with what is needed to say how sure it is."""

    estimate: float
    standard_error: float
    df: float
    """Degrees of freedom of the t distribution."""
    method: str
    """``welch``, ``paired`` or ``borrowed``."""

    def half_width(self, level: float = LEVEL) -> float:
        """Half of the confidence interval of the difference."""
        return t_quantile(0.5 + level / 2, self.df) * self.standard_error


def spread(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation. Raises ValueError when there is no value."""
    n = len(values)
    if n == 0:
        raise ValueError("no values")
    mean = math.fsum(values) / n
    if n == 1:
        return Spread(1, mean, 0.0)
    return Spread(n, mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1)))


def welch(base: Spread, candidate: Spread) -> Difference:
    """Difference of two means of unequal variance (Welch 1947, Biometrika 34:28; df by Satterthwaite).

    Raises ValueError with fewer than two values on a side: their noise is not known.
    """
    if base.n < 2 or candidate.n < 2:
        raise ValueError("Welch's test needs two values on each side")
    a, b = base.sd**2 / base.n, candidate.sd**2 / candidate.n
    if a + b == 0.0:
        df = float(min(base.n, candidate.n) - 1)
    else:
        # Only their ratio counts, and squares of the very small or large leave the range of floats.
        unit = 1.0 if 1e-150 < a + b < 1e150 else a + b
        x, y = a / unit, b / unit
        df = (x + y) ** 2 / (x**2 / (base.n - 1) + y**2 / (candidate.n - 1))
    return Difference(candidate.mean - base.mean, math.sqrt(a + b), df, "welch")


def borrowed(base: Spread, candidate: Spread) -> Difference:
    """Difference of two means where one side is a single value: it borrows the other side's variance.

    The usual prediction of one further value; n - 1 degrees of freedom of the side that has repeats.
    Raises ValueError when neither side has two values, so that there is no variance to borrow.
    """
    known = max(base, candidate, key=lambda s: s.n)
    if known.n < 2:
        raise ValueError("no side has two values")
    error = known.sd * math.sqrt(1 / base.n + 1 / candidate.n)
    return Difference(candidate.mean - base.mean, error, float(known.n - 1), "borrowed")


def paired(differences: Sequence[float]) -> Difference:
    """Mean of the differences within pairs. Raises ValueError with fewer than two pairs."""
    if len(differences) < 2:
        raise ValueError("a paired test needs two pairs")
    s = spread(differences)
    return Difference(s.mean, s.sd / math.sqrt(s.n), float(s.n - 1), "paired")


def bootstrap(
    base: Sequence[float],
    candidate: Sequence[float],
    pick: Picker,
    resamples: int = 4000,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Percentile interval of the difference of means (Efron 1979, Annals of Statistics 7:1).

    ``pick`` is seeded by the caller, so that the same runs give the same interval. Raises ValueError
    below 20 values on a side.
    """
    if min(len(base), len(candidate)) < BOOTSTRAP_FROM:
        raise ValueError(f"a bootstrap needs {BOOTSTRAP_FROM} values on each side")
    found = sorted(_resampled(candidate, pick) - _resampled(base, pick) for _ in range(resamples))
    tail = (1 - level) / 2
    return found[int(tail * resamples)], found[min(resamples - 1, math.ceil((1 - tail) * resamples) - 1)]


def _resampled(values: Sequence[float], pick: Picker) -> float:
    n = len(values)
    return math.fsum(values[pick.randrange(n)] for _ in range(n)) / n


def smallest_detectable(difference: Difference, level: float = LEVEL, power: float = POWER) -> float:
    """The smallest true difference that so many runs would show, with the given power.

    (t(1 - alpha/2) + t(power)) x standard error: the usual normal approximation with t quantiles
    (Bloom 1995, Evaluation Review 19:547).
    """
    return _multiplier(difference.df, level, power) * difference.standard_error


def runs_to_decide(
    base_sd: float,
    candidate_sd: float,
    distance: float,
    fixed: float = 0.0,
    *,
    level: float = LEVEL,
    power: float = POWER,
) -> int | None:
    """Runs per side after which a difference would lie clear of the limit, or None for "no number".

    ``distance`` is how far the effect seen so far lies from the limit, on the same scale as the standard
    deviations; ``fixed`` the part of the half interval that no repeat makes smaller: it goes in quadrature
    with the noise into the interval, and the effect that was seen holds it already. Found by closing in with
    t quantiles at each n, from what the normal distribution would need on: t asks for more.
    """
    distance = abs(distance)
    if base_sd == 0.0 and candidate_sd == 0.0:
        return 2 if distance > fixed else None
    room = math.sqrt(max(0.0, distance**2 - fixed**2))  # both parts of the noise in quadrature: it takes more
    root = math.inf if room == 0.0 else _least(level, power) * math.hypot(base_sd, candidate_sd) / room
    least = root * root if root <= MOST_RUNS else math.inf

    def decides(n: int) -> bool:
        noise = welch(Spread(n, 0.0, base_sd), Spread(n, 0.0, candidate_sd))
        short = t_quantile(power, noise.df) * noise.standard_error
        return math.hypot(noise.half_width(level), fixed) + short <= distance

    if least > MOST_RUNS or not decides(MOST_RUNS):
        return None
    low = max(1, math.ceil(least) - 1)
    high, step = low + 1, 1
    while not decides(high):
        step *= 2
        low, high = high, min(high + step, MOST_RUNS)
    while high - low > 1:
        middle = (low + high) // 2
        if decides(middle):
            high = middle
        else:
            low = middle
    return high


@cache
def _least(level: float, power: float) -> float:
    """What the multiplier of the standard error comes to with no end of runs; with fewer it is larger."""
    return _multiplier(1e9, level, power)


def _multiplier(df: float, level: float, power: float) -> float:
    return t_quantile(0.5 + level / 2, df) + t_quantile(power, df)


def t_cdf(t: float, df: float) -> float:
    """Chance that Student's t with ``df`` degrees of freedom stays below ``t``.

    Through the regularised incomplete beta function (Abramowitz and Stegun 1964, 26.7.1).
    """
    square = t * t
    if square < df:  # near the middle, where the tail is a small part of itself away from a half
        return 0.5 + math.copysign(0.5 * incomplete_beta(0.5, df / 2, square / (df + square)), t)
    tail = 0.5 * incomplete_beta(df / 2, 0.5, df / (df + square))
    return 1.0 - tail if t > 0 else tail


def t_quantile(p: float, df: float) -> float:
    """The t below which a share ``p`` of Student's distribution lies, by bisection of the tail.

    Raises ValueError unless 0 < p < 1 and df > 0.
    """
    if not (0.0 < p < 1.0 and df > 0.0):
        raise ValueError(f"no quantile for p={p:g}, df={df:g}")
    if p == 0.5:
        return 0.0
    tail = min(p, 1.0 - p)
    low, high = 0.0, 1.0
    while t_cdf(-high, df) > tail:
        low, high = high, 2.0 * high
    while high - low > 1e-13 * high:
        middle = 0.5 * (low + high)
        if t_cdf(-middle, df) > tail:
            low = middle
        else:
            high = middle
    t = 0.5 * (low + high)
    return t if p > 0.5 else -t


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), to about 1e-14.

    By its continued fraction (DLMF 8.17.22), on the side of the symmetry
    I_x(a, b) = 1 - I_{1-x}(b, a) where the fraction converges quickly.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1.0) / (a + b + 2.0):
        return math.exp(log_front) * _beta_fraction(a, b, x) / a
    return 1.0 - math.exp(log_front) * _beta_fraction(b, a, 1.0 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of DLMF 8.17.22, from the front (Lentz 1976, Applied Optics 15:668)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0), tiny)
    value = d
    m = 0
    while m == 0 or abs(c * d - 1.0) > 1e-15:
        m += 1
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _away_from_zero(1.0 + step * d, tiny)
            c = _away_from_zero(1.0 + step / c, tiny)
            value *= c * d
    return value


def median_rank(n: int, level: float = LEVEL) -> int | None:
    """The k for which the k-th smallest and k-th largest of n values hold the median with this confidence.

    Whatever the distribution, the k-th smallest lies above the median with the chance of fewer than k heads
    in n throws of a coin (David and Nagaraja 2003, Order Statistics, section 7.1). None: n is too small;
    at 95 % it takes 6 values.
    """
    tail, rank = 1, 0
    while 2 * tail <= (1.0 - level) * 2**n:
        rank += 1
        tail += math.comb(n, rank)
    return rank or None


def _away_from_zero(v: float, tiny: float) -> float:
    return v if abs(v) > tiny else tiny
