"""How steady stars are: what noise in the measurement, or one model less, does to them.

In mode ``aies`` every star hangs on the least and the most of its group, so noise in those two moves all.
In mode ``anchored`` a star is shown alone only where the 95 % interval lies within its band; measured again
with that noise, what was shown is contradicted in at most 5 % of cases.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.core.figure import LOG_ABOVE, Figure
from wattmark.core.stars.aies import BANDS, Group, exact_wh, groups_of, stars_of
from wattmark.core.stars.anchored import EDGES, stars_at
from wattmark.core.stars.thresholds import Thresholds

NOISES = (0.02, 0.05, 0.10)
"""Relative standard deviation of a measurement."""
TWO_SIDED_95 = 1.959963984540054
"""Quantile of the normal distribution at 0.975."""
Gauss = Callable[[], float]
"""Gives one standard normal number, e.g. ``lambda: random.Random(seed).gauss(0, 1)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtNoise:
    """One row at one noise."""

    noise: float
    aies: float | None
    """Share of draws in which its stars by mode ``aies`` are others; None where it has none."""
    shown: tuple[int, int]
    """Worst and best stars that mode ``anchored`` shows with an interval of this noise."""
    anchored: float
    """Share of draws whose star lies outside of what is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStability:
    """One result."""

    place: int
    """Its number among the results."""
    aies_stars: int | None
    noises: tuple[AtNoise, ...]
    without_worst: int | None = None
    """Its stars by mode ``aies`` once the worst model is gone; None: unrated, or it is the worst itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStability:
    """The rows of one group together."""

    group: Group
    rows: tuple[RowStability, ...]
    trial: bool
    """Whether the median of the group itself stood in for a frozen reference."""
    worst: tuple[int, ...] = ()
    """Places of the rows with the most energy."""

    def aies_rate(self, at: int) -> float | None:
        """Mean share of rows whose stars flip in mode ``aies``, at the noise of this number."""
        known = [rate for row in self.rows if (rate := row.noises[at].aies) is not None]
        return statistics.fmean(known) if known else None

    def single(self, at: int) -> list[float]:
        """Flip rates in mode ``anchored`` of the rows that show one star."""
        each = [row.noises[at] for row in self.rows]
        return [noise.anchored for noise in each if noise.shown[0] == noise.shown[1]]

    @property
    def restarred(self) -> int:
        """How many of the others change stars when the worst model is taken away."""
        return sum(row.without_worst != row.aies_stars for row in self.rows if row.place not in self.worst)


def simulate(
    results: Sequence[Result],
    gauss: Gauss,
    *,
    noises: Sequence[float] = NOISES,
    draws: int = 2000,
    thresholds: Thresholds | None = None,
) -> list[GroupStability]:
    """Draw every group again and again; results without energy are left out."""
    return [
        _group(results, group, known, gauss, noises, draws, thresholds)
        for group, places in groups_of(results).items()
        if (known := {p: wh for p in places if (wh := _wh(results[p])) is not None})
    ]


def _wh(result: Result) -> Fraction | None:
    """Of the GPUs where it is known, else what is rated."""
    if (exact := exact_wh(result)) is not None:
        return exact
    return None if result.energy is None else Fraction(wh_per_1000(result.energy).value)


def _group(
    results: Sequence[Result],
    group: Group,
    known: dict[int, Fraction],
    gauss: Gauss,
    noises: Sequence[float],
    draws: int,
    thresholds: Thresholds | None,
) -> GroupStability:
    base = _stars(known)
    most = max(known.values())
    rest = _stars({place: wh for place, wh in known.items() if wh < most})
    entry = None if thresholds is None else thresholds.entry_for(results[next(iter(known))].key)
    reference = (
        statistics.median(float(wh) for wh in known.values()) if entry is None else entry.e_ref_joules / 3.6
    )
    by_noise = [_drawn(results, known, base, reference, noise, draws, gauss) for noise in noises]
    return GroupStability(
        group=group,
        rows=tuple(
            RowStability(
                place=place,
                aies_stars=base.get(place),
                noises=tuple(each[place] for each in by_noise),
                without_worst=rest.get(place),
            )
            for place in known
        ),
        trial=entry is None,
        worst=tuple(place for place, wh in known.items() if wh == most),
    )


def _stars(known: dict[int, Fraction]) -> dict[int, int]:
    """Stars by the formula; none where there is no spread."""
    least, most = min(known.values(), default=Fraction()), max(known.values(), default=Fraction())
    return {} if least == most else {place: stars_of(wh, least, most) for place, wh in known.items()}


def _drawn(
    results: Sequence[Result],
    known: dict[int, Fraction],
    base: dict[int, int],
    reference: float,
    noise: float,
    draws: int,
    gauss: Gauss,
) -> dict[int, AtNoise]:
    places = list(known)
    values = [float(known[place]) for place in places]
    shown = [_shown(results[p], value, noise, reference) for p, value in zip(places, values, strict=True)]
    bounds = [_bounds(worst, best, reference) for worst, best in shown]
    stars = [base.get(place) for place in places]
    flips, outside = [0] * len(places), [0] * len(places)
    grown = TWO_SIDED_95 * noise > LOG_ABOVE
    for _ in range(draws):
        factors = [noise * gauss() for _ in values]
        if grown:
            again = [value * math.exp(f) for value, f in zip(values, factors, strict=True)]
        else:
            again = [value * (1.0 + f) for value, f in zip(values, factors, strict=True)]
        least, most = min(again), max(again)
        width = (most - least) / BANDS or 1.0
        for i, value in enumerate(again):
            flips[i] += BANDS - min(BANDS - 1, int((value - least) / width)) != stars[i]
            low, high = bounds[i]
            outside[i] += not low <= value < high
    return {
        place: AtNoise(
            noise=noise,
            aies=flips[i] / draws if stars[i] is not None else None,
            shown=shown[i],
            anchored=outside[i] / draws,
        )
        for i, place in enumerate(places)
    }


def _shown(result: Result, wh: float, noise: float, reference: float) -> tuple[int, int]:
    """What mode ``anchored`` shows of a measurement with this noise beside its own errors."""
    own = {} if result.energy is None or result.origin.published else result.energy.errors
    scale = wh / result.energy.value if result.energy is not None else 1.0
    errors = {name: error * scale for name, error in own.items()}
    errors["noise that is tried"] = TWO_SIDED_95 * noise * wh
    low, high = Figure(value=wh, unit="Wh", errors=errors).interval
    return stars_at(high / reference), stars_at(max(0.0, low) / reference)


def _bounds(worst: int, best: int, reference: float) -> tuple[float, float]:
    """Energies between which the stars lie within these two."""
    edges = (0.0, *(edge * reference for edge in EDGES), math.inf)
    return -math.inf if best == BANDS else edges[BANDS - best], edges[BANDS + 1 - worst]
