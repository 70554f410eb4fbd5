"""The last good state of one figure: what it should be under a load, and how far it may stray from that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from wattmark.monitoring.detection.features import COVARIATES, covariates, features, figure
from wattmark.monitoring.detection.row import Row, Terms

MARGIN = 0.10
"""A load may lie so far (in logarithms, about 10 %) beyond what the baseline has seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A fitted model of the logarithm of a figure."""

    metric: str
    terms: Terms
    since: float
    until: float
    rows: int
    releases: tuple[str, ...]
    centre: tuple[float, ...]
    seasonal: bool
    coefficients: tuple[float, ...]
    floor_variance: float
    """Of the residual, however many requests are in it."""
    request_variance: float
    """What is added, divided by the number of requests."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    """Covariates that the baseline has seen, without the outermost ones."""
    effect: float
    """The rise, in logarithms, that the test is made for: the least that matters, or what stands out of the
    slow wandering that this figure has by itself."""
    threshold: float
    """Of the test for a rise."""
    fall_threshold: float
    slow_deviation: float = 0.0
    """Standard deviation of the means of hours, beyond what the noise of single rows explains."""

    def expected(self, row: Row) -> float:
        """The logarithm of what the figure should be under this load."""
        return self.at(covariates(row), row.end)

    def at(self, x: tuple[float, ...], end: float) -> float:
        """The same for covariates."""
        terms = features(x, self.centre, end, self.seasonal)
        return sum(c * term for c, term in zip(self.coefficients, terms, strict=True))

    def residual(self, row: Row) -> float | None:
        """Logarithm of what the figure is over what it should be."""
        found = figure(row, self.metric)
        return None if found is None else math.log(found) - self.expected(row)

    def deviation(self, row: Row) -> float:
        """Standard deviation of the residual of such a row."""
        return math.sqrt(self.floor_variance + self.request_variance / max(row.requests, 1.0))

    def outside(self, row: Row) -> tuple[str, ...]:
        """Which covariates lie where the baseline has not been."""
        rows = zip(COVARIATES, covariates(row), self.low, self.high, strict=True)
        return tuple(name for name, x, low, high in rows if not low - MARGIN <= x <= high + MARGIN)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Baseline:
        """Read what ``as_dict`` gave. Raises KeyError, TypeError or ValueError for anything else."""
        lists = {name: tuple(value) for name, value in found.items() if isinstance(value, list | tuple)}
        terms = Terms(str(found["terms"]["rule"]), tuple(map(str, found["terms"]["known"])))
        return cls(**{**found, **lists, "terms": terms})
