"""Carbon intensity over time: points of an hour or less, each with how it is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from wattmark.core.carbon import ACCOUNTINGS, BASES, PRODUCT_ONLY
from wattmark.core.errors import RefusedError

MEASURED = "measured"
ESTIMATED = "estimated"
FORECAST = "forecast"
KINDS = (MEASURED, ESTIMATED, FORECAST)
"""Best first."""

HIGHEST = 5000.0
"""gCO2e/kWh. Lignite is at about 1,200 over its life cycle; what is far above is in another unit."""

GRAMS_PER_POUND = 453.59237
"""The international avoirdupois pound, exact by definition (1959)."""
KWH_PER_MWH = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPoint:
    """The intensity of one stretch of time."""

    start_us: int
    """Microseconds since 1970 UTC."""
    end_us: int
    """The first moment that is not meant."""
    grams_per_kwh: float
    kind: str = MEASURED
    """measured, estimated or forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSeries:
    """Points of one zone in order of time, without overlaps. There may be holes between them."""

    zone: str
    points: tuple[GridPoint, ...]
    accounting: str = "location"
    """location or marginal."""
    basis: str
    """lifecycle or direct."""
    source: str
    """Who says so, as figures name it."""
    licence: str = ""
    note: str = ""
    issued_us: int | None = None
    """When a forecast was made, microseconds since 1970 UTC; None: it is none, or its source does not say."""

    @property
    def inventory(self) -> str:
        """Whose electricity meets it: the reporter's own; a marginal factor enters no company inventory."""
        return PRODUCT_ONLY if self.accounting == "marginal" else "scope 2"

    @property
    def enters(self) -> str:
        """Where its carbon may enter as it stands: a lifecycle factor enters Scope 2 only split."""
        return PRODUCT_ONLY if self.basis == "lifecycle" else self.inventory

    def mean(self) -> float | None:
        """Mean over the time that the points cover, gCO2e/kWh; None without points."""
        lasted = sum(p.end_us - p.start_us for p in self.points)
        if not lasted:
            return None
        return math.fsum(p.grams_per_kwh * (p.end_us - p.start_us) for p in self.points) / lasted

    def shares(self) -> Mapping[str, float]:
        """Kind -> share of the covered time, 0 to 1; kinds that are not there are left out."""
        lasted = sum(p.end_us - p.start_us for p in self.points)
        return {
            kind: math.fsum(p.end_us - p.start_us for p in self.points if p.kind == kind) / lasted
            for kind in KINDS
            if any(p.kind == kind for p in self.points)
        }

    def holes(self, start_us: int, end_us: int) -> tuple[tuple[int, int], ...]:
        """Stretches between two moments that no point covers."""
        found, at = [], start_us
        for point in self.points:
            if point.end_us <= at:
                continue
            if point.start_us >= end_us:
                break
            if point.start_us > at:
                found.append((at, point.start_us))
            at = point.end_us
        if at < end_us:
            found.append((at, end_us))
        return tuple(found)


def ordered(points: Iterable[GridPoint]) -> tuple[GridPoint, ...]:
    """Points by time, what comes twice and is the same once.

    Raises RefusedError for an impossible value, a point without length, and two that hold at once.
    """
    found = sorted(set(points), key=lambda p: (p.start_us, p.end_us, p.grams_per_kwh))
    for point in found:
        if not 0.0 <= point.grams_per_kwh <= HIGHEST:
            raise RefusedError(
                f"an intensity of {point.grams_per_kwh:g} gCO2e/kWh is impossible: it lies from 0 to "
                f"{HIGHEST:g}; check the unit"
            )
        if point.end_us <= point.start_us:
            raise RefusedError("a point of grid intensity ends before it begins: check its times")
        if point.kind not in KINDS:
            raise RefusedError(f"{point.kind!r} is no kind of grid intensity: {', '.join(KINDS)}")
    for before, after in pairwise(found):
        if after.start_us < before.end_us:
            raise RefusedError(
                f"two points of grid intensity hold at once: {before.grams_per_kwh:g} and "
                f"{after.grams_per_kwh:g} gCO2e/kWh; keep one"
            )
    return tuple(found)


def checked(series: GridSeries) -> GridSeries:
    """The series itself. Raises RefusedError for terms that nobody knows."""
    if series.accounting not in ACCOUNTINGS:
        raise RefusedError(
            f"{series.accounting!r} is no accounting of an intensity: {', '.join(ACCOUNTINGS)}"
        )
    if series.basis not in BASES:
        raise RefusedError(f"{series.basis!r} is no basis of an intensity: {', '.join(BASES)}")
    return series


def grams_per_kwh(value: float, unit: str) -> float:
    """A value of a common unit in gCO2/kWh. Raises RefusedError for a unit that is none of UNITS."""
    if unit not in UNITS:
        raise RefusedError(f"{unit!r} is no unit of grid intensity: {', '.join(UNITS)}")
    return value * UNITS[unit]


UNITS: Mapping[str, float] = {
    "g/kWh": 1.0,
    "kg/kWh": 1000.0,
    "kg/MWh": 1000.0 / KWH_PER_MWH,
    "t/MWh": 1e6 / KWH_PER_MWH,
    "lb/MWh": GRAMS_PER_POUND / KWH_PER_MWH,
    "lb/kWh": GRAMS_PER_POUND,
    "g/MWh": 1.0 / KWH_PER_MWH,
}
"""Unit -> how many g/kWh one of it is."""
