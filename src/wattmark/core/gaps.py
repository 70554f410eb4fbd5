"""What was used while nothing was observed: estimates at grade D with worst-case bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.figure import LARGEST_EXPONENT, LOG_ABOVE, Missing
from wattmark.core.merge import ROUNDING, Observation
from wattmark.core.run import REFRESH, EnergyRow


class Fill(StrEnum):
    """What to put where nothing was observed."""

    MEAN = "mean"
    """Mean power of the device, with the worst case as its uncertainty: what figures show."""
    LEAST = "least"
    """Idle power: the least that can have been used. Gates judge both ends."""
    MOST = "most"
    """The most power that the device can draw."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Joules in the unobserved part of a row: likely, least, most, and the worst-case half width."""

    mean: float
    least: float
    most: float
    half_width: float

    def joules(self, fill: Fill) -> float:
        """The end that is asked for."""
        return {Fill.MEAN: self.mean, Fill.LEAST: self.least, Fill.MOST: self.most}[fill]


Means = Mapping[tuple[str, str], float]
"""Mean power in watts by clock and device, over everything that was observed of it."""


def mean_powers(observations: Sequence[Observation]) -> Means:
    """The mean power of every device of which anything was observed."""
    rows: dict[tuple[str, str], list[EnergyRow]] = {}
    for o in observations:
        if o.row.observed_seconds > 0:
            rows.setdefault((o.clock, o.row.device_id), []).append(o.row)
    return {
        key: math.fsum(r.energy_joules for r in group) / math.fsum(r.observed_seconds for r in group)
        for key, group in rows.items()
    }


def gap_estimate(o: Observation, means: Means) -> Estimate | Missing | None:
    """What a row used while it was not observed; None when it was observed all the time.

    The estimate is the mean power of the row's own observed part, else of the device. The upper end
    is the most the device could have used, as its meter might have shown it; the lower end its idle
    power (kpis.md, Gaps).
    """
    row = o.row
    missing = row.duration_seconds - row.observed_seconds
    if missing <= 1e-9 * max(1.0, row.duration_seconds):
        return None
    if row.observed_seconds > 0:
        mean: float | None = row.energy_joules / row.observed_seconds
    else:
        mean = means.get((o.clock, row.device_id))
    if mean is None:
        if row.max_watts is None:
            return Missing(
                f"energy of {row.device_id}", "no reading succeeded, and its power limit is not known"
            )
        mean = (row.max_watts + (row.idle_watts or 0.0)) / 2
    most = max(row.max_watts if row.max_watts is not None else 2 * mean, mean)
    least = min(row.idle_watts or 0.0, mean)
    half = worst_case(mean, least, most, shown_as(row.errors))
    return Estimate(mean * missing, least * missing, most * missing, half * missing)


def shown_as(errors: Mapping[str, float]) -> float:
    """How many times of what is there a meter with these relative errors may show.

    Above 30 % intervals are logarithmic (kpis.md, Uncertainty), so the bound must be too.
    """
    relative = math.hypot(*(e for name, e in errors.items() if not name.endswith(REFRESH)))
    return 1 + relative if relative <= LOG_ABOVE else math.exp(min(relative, LARGEST_EXPONENT))


def worst_case(mean: float, least: float, most: float, shown: float) -> float:
    """How far an estimate may be off, where a meter may have shown so many times the most."""
    return max(most * shown - mean, mean - least)


def refresh_errors(kept: Sequence[Observation], means: Means) -> dict[str, float]:
    """What the edges of rows may have got wrong, in joules, because sensors update only so often.

    One update interval at the device's power, per stretch and not per row: what one row lost at an edge
    the next one gained, so that cutting a run into windows does not make its whole less certain. Each run
    has edges of its own: in a ratio of two runs they do not cancel as the sensor's gain does.
    """
    edges: dict[str, list[tuple[str, float, float, float]]] = {}
    for o in kept:
        row = o.row
        own = row.energy_joules / row.observed_seconds if row.observed_seconds > 0 else 0.0
        watts = max(own, means.get((o.clock, row.device_id), 0.0))
        if row.observed_seconds < row.duration_seconds and row.max_watts is not None:
            watts = max(watts, row.max_watts)
        for name, relative in row.errors.items():
            if name.endswith(REFRESH):
                joules = relative * row.duration_seconds * watts
                edges.setdefault(f"{name}:{o.record_id}", []).append((o.clock, o.start, o.end, joules))
    return {name: _over_stretches(sorted(found)) for name, found in edges.items()}


def _over_stretches(rows: Sequence[tuple[str, float, float, float]]) -> float:
    stretches: list[float] = []
    before: tuple[str, float] | None = None
    for clock, start, end, joules in rows:
        if before is not None and before[0] == clock and start - before[1] <= ROUNDING:
            stretches[-1] = max(stretches[-1], joules)
        else:
            stretches.append(joules)
        before = clock, end
    return math.hypot(*stretches)
