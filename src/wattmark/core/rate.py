"""Rates: so much of something per kilowatt-hour. Money and water meet energy in the same way as carbon does.

A rate says at which meter its kilowatt-hours are counted: at the facility's, behind which cooling and losses
lie (node energy x PUE), or at the machines themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wattmark.core.carbon import energy_for_carbon
from wattmark.core.errors import RefusedError
from wattmark.core.figure import Figure, Missing
from wattmark.core.hourly import Slice
from wattmark.core.units import JOULES_PER_KWH

PRICE = "price"
FACILITY, IT = "facility", "it"
METERS = (FACILITY, IT)
NO_IT_ENERGY = Missing(
    "energy of the machines alone",
    "this was read at the facility's meter, and the rate is per kWh of the machines",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many units of something per kWh, and everything that a sum or a comparison needs to know."""

    kind: str
    """``price``, or a figure of water such as ``water site consumption``: other kinds are other questions."""
    per_kwh: float
    """May be negative: a market pays for electricity that nobody wants."""
    unit: str
    """A currency (ISO 4217), or L."""
    meter: str = FACILITY
    """facility or it: where its kilowatt-hours are counted."""
    name: str = ""
    """As people call it."""
    source: str
    relative_error: float = 0.0
    """Half width at 95 %, as a share."""
    terms: tuple[tuple[str, str], ...] = ()
    """What must be equal for a comparison."""
    note: str = ""

    def figure(self) -> Figure:
        """The rate as a figure per kWh, one named error source. Raises RefusedError for what is no number."""
        if not math.isfinite(self.per_kwh):
            raise RefusedError(f"a rate of {self.per_kwh:g} {self.unit} per kWh is impossible: give a number")
        if self.meter not in METERS:
            raise RefusedError(f"{self.meter!r} is no meter: give one of {', '.join(METERS)}")
        named = f"{self.name} ({self.source})" if self.name and self.name != self.source else self.source
        return Figure(
            value=self.per_kwh,
            unit=f"{self.unit}/kWh",
            errors={f"{self.kind}:{self.source}:{self.name}": self.per_kwh * self.relative_error},
            terms=dict(self.terms),
            sources=(named,),
            notes=(self.note,) if self.note else (),
        )

    @property
    def family(self) -> Rate:
        """Equal for rates that differ in their amount alone."""
        return replace(self, per_kwh=0.0)


@dataclass(frozen=True, slots=True)
class RatePoint:
    """A rate over one stretch of time."""

    start_us: int
    """Microseconds since 1970 UTC."""
    end_us: int
    """The first moment that is not meant."""
    per_kwh: float
    label: str = ""
    """The band of a tariff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCourse:
    """One rate over time, in order, without overlaps."""

    rate: Rate
    """All but the amount."""
    points: tuple[RatePoint, ...]

    def at(self, at_us: int) -> RatePoint | None:
        """What holds at a moment."""
        return next((p for p in self.points if p.start_us <= at_us < p.end_us), None)


@dataclass(frozen=True, slots=True)
class MetRate:
    """What energy met on average, and how."""

    rate: Rate
    known_share: float
    """Share of the energy that met a rate, 0 to 1."""
    by_time: bool = False
    """True: no course of the energy is known, and the mean over its time stands for it."""


def met(slices: Sequence[Slice], course: RateCourse, *, by_time: bool = False) -> MetRate | Missing:
    """The mean rate over energy: sum of E_h x rate_h / sum of E_h. Within a slice power counts as level.

    Missing where no stretch of the course covers any of it; what part it covers is told.
    """
    weights: list[float] = []
    products: list[float] = []
    points = course.points
    for piece in slices:
        for at in range(_first(points, piece.start_us), len(points)):
            point = points[at]
            lasted = min(piece.end_us, point.end_us) - max(piece.start_us, point.start_us)
            if lasted <= 0:
                break
            joules = piece.joules * lasted / (piece.end_us - piece.start_us)
            weights.append(joules)
            products.append(joules * point.per_kwh)
    whole = math.fsum(piece.joules for piece in slices)
    known = math.fsum(weights)
    if known <= 0 or whole <= 0:
        return Missing(f"{course.rate.kind} at the time of the run", f"{course.rate.name} does not hold then")
    prices = {p.per_kwh for p in points}
    mean = prices.pop() if len(prices) == 1 else math.fsum(products) / known
    return MetRate(replace(course.rate, per_kwh=mean), min(1.0, known / whole), by_time)


def _first(points: Sequence[RatePoint], at_us: int) -> int:
    low, high = 0, len(points)
    while low < high:
        middle = (low + high) // 2
        if points[middle].end_us <= at_us:
            low = middle + 1
        else:
            high = middle
    return low


def energy_at(energy: Figure, pue: Figure | Missing, meter: str) -> Figure | Missing:
    """The energy at the meter of a rate: node energy x PUE at the facility's, as it is at the machines'.

    Where the PUE is not known it stays at the node and says so; energy of a facility's meter has no way back.
    """
    if meter == FACILITY:
        return energy_for_carbon(energy, pue)
    if energy.terms.get("boundary") == FACILITY:
        return NO_IT_ENERGY
    return energy if energy.terms.get("boundary") == "node" else energy_for_carbon(energy, NO_IT_ENERGY)


def amount_of(energy: Figure, rate: Rate) -> Figure:
    """J / 3.6e6 x rate, in the unit of the rate. ``energy`` stands at the meter of the rate."""
    return energy.scaled(1 / JOULES_PER_KWH, "kWh").times(rate.figure(), rate.unit)


def together(rates: Iterable[tuple[float, Rate]]) -> Rate | None:
    """What a mean of several rates by weights is of; None where units, meters or terms differ.

    Its error is the largest of theirs: that a mean is better known, nobody said.
    """
    found = sorted(rates, key=lambda r: -r[0])
    longest = found[0][1]
    if len({(r.kind, r.unit, r.meter, r.terms) for _, r in found}) > 1:
        return None
    names = dict.fromkeys(r.name for _, r in found)
    sources = dict.fromkeys(r.source for _, r in found)
    return replace(
        longest,
        name=" + ".join(names),
        source=" + ".join(sources),
        relative_error=max(r.relative_error for _, r in found),
    )
