"""Looks of MLflow's system metrics, and the energy between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low
from typing import Any

from wattmark.core.run import MOST_COUNT

USUAL_PERIOD = 10.0
"""Seconds between looks, unless MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL says otherwise."""
PERIODS = 2.0
"""Two looks further apart than so many periods have a gap between them (kpis.md, coverage)."""
WINDOW_SECONDS = 300.0
US = 1000.0

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Looks:
    """One metric over time."""

    seconds: tuple[float, ...]
    """Since the run began, ascending, each once."""
    values: tuple[float | None, ...]
    """None: it was not a number."""

    def within(self, duration: float) -> Looks:
        """Those of the run itself: MLflow's last look may come after its end."""
        kept = [(t, v) for t, v in zip(self.seconds, self.values, strict=True) if 0.0 <= t <= duration]
        return Looks(tuple(t for t, _ in kept), tuple(v for _, v in kept))

    @property
    def period(self) -> float:
        """Seconds from look to look: the middle step, of two the shorter, of one no more than is usual.

        A gap among a few looks is none of their period.
        """
        steps = [t1 - t0 for t0, t1 in pairwise(self.seconds)]
        return median_low(steps) if len(steps) > 1 else min([*steps, USUAL_PERIOD])

    def integrated(self, most_watts: float) -> tuple[float, list[Span], list[tuple[float, float]]]:
        """Joules between looks, the stretches that were observed, and the energy at each look.

        A look that is no number, negative or more than ``most_watts`` is none.
        """
        good = [
            (t, v)
            for t, v in zip(self.seconds, self.values, strict=True)
            if v is not None and 0.0 <= v <= most_watts
        ]
        longest = PERIODS * self.period
        joules, observed, course = 0.0, list[Span](), [(good[0][0], 0.0)] if good else []
        for (t0, w0), (t1, w1) in pairwise(good):
            if t1 - t0 <= longest:
                joules += (w0 + w1) / 2 * (t1 - t0)
                if observed and observed[-1][1] == t0:
                    observed[-1] = (observed[-1][0], t1)
                else:
                    observed.append((t0, t1))
            course.append((t1, joules))
        return joules, observed, course


def looks_of(name: str, rows: list[Any], start_ms: int) -> Looks:
    """The history of a metric as looks. Raises ValueError for rows that are none."""
    found: dict[float, float | None] = {}
    for row in rows:
        at = row.get("timestamp") if isinstance(row, dict) else None
        if not isinstance(at, int):
            raise ValueError(f"{name}: timestamp {at!r:.40} is not milliseconds since 1970")
        try:
            found[(at - start_ms) / US] = number(row.get("value"))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    ordered = sorted(found.items())
    return Looks(tuple(t for t, _ in ordered), tuple(v for _, v in ordered))


def gaps_of(observed: list[Span], duration: float) -> list[tuple[float, float, str]]:
    """What lies between and around the stretches that were observed, and why."""
    if not observed:
        return [(0.0, duration, "fewer than two looks at its power")] if duration > 0 else []
    edges = [(0.0, 0.0), *observed, (duration, duration)]
    reasons = [
        "before the first look",
        *["looks further apart than two periods"] * (len(observed) - 1),
        "after the last look",
    ]
    return [
        (a[1], b[0], reason) for (a, b), reason in zip(pairwise(edges), reasons, strict=True) if b[0] > a[1]
    ]


def means_of_windows(found: list[Looks]) -> tuple[float, ...]:
    """Means of successive whole five-minute windows over several devices, as shares of 1."""
    end = min((looks.seconds[-1] for looks in found if looks.seconds), default=0.0)
    means = []
    for number in range(int(end // WINDOW_SECONDS)):
        inside = [
            v
            for looks in found
            for t, v in zip(looks.seconds, looks.values, strict=True)
            if v is not None and number * WINDOW_SECONDS <= t < (number + 1) * WINDOW_SECONDS
        ]
        if not inside:
            return ()
        means.append(math.fsum(inside) / len(inside) / 100.0)
    return tuple(means)


def number(value: Any) -> float | None:
    """A number as MLflow's JSON has it; None for NaN and infinities. Raises ValueError for anything else.

    Its SQL store keeps infinity as the largest float (mlflow/store/tracking/sqlalchemy_store.py, MLflow 3):
    what is larger than any count is none of ours.
    """
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r:.40} is no number")
    return float(value) if abs(value) <= MOST_COUNT else None
