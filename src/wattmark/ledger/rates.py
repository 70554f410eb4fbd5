"""Prices and litres per kWh of a ledger: courses by kind and place, which energy meets like grid factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.rate import PRICE
from wattmark.core.tariff import EVERYWHERE, Tariff, course_of
from wattmark.core.water import WaterFactor
from wattmark.ledger.factors import Course, Factors, RateFactor, Stretch, course

Courses = Mapping[str, Course[RateFactor]]
"""Place -> its rate over time."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates that energy of one question can meet. Empty: nothing is joined."""

    by_kind: Mapping[str, Courses] = field(default_factory=dict)
    """Kind, ``price`` first -> courses."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """In the order of their numbers."""
        return tuple(self.by_kind)

    def met_at(self, zone: str, site: str, country: str) -> tuple[Course[RateFactor] | None, ...]:
        """For each kind what energy of a place meets: the site's goes first, what holds everywhere last."""
        places = [place for place in (site, zone, country, EVERYWHERE) if place]
        return tuple(
            next((courses[place] for place in places if place in courses), None)
            for courses in self.by_kind.values()
        )


def rates_over(factors: Factors, stretch: Stretch | None) -> Rates:
    """The rates of a ledger over the time that there is energy of; None: there is none.

    Raises UsageError, naming the place and the time, for two that hold at once.
    """
    if stretch is None or not (factors.tariffs or factors.water):
        return Rates()
    found: dict[str, dict[str, list[RateFactor]]] = {}
    for tariff in factors.tariffs:
        found.setdefault(PRICE, {}).setdefault(tariff.place, []).extend(_of_tariff(tariff, stretch))
    for water in sorted(factors.water, key=lambda w: w.rate.kind):
        found.setdefault(water.rate.kind, {}).setdefault(water.place, []).append(_of_water(water))
    return Rates(
        {
            kind: {place: course(_name(kind, place), some) for place, some in places.items()}
            for kind, places in found.items()
        }
    )


def _name(kind: str, place: str) -> str:
    where = "everywhere" if place == EVERYWHERE else place
    return f"the tariff of {where}" if kind == PRICE else f"{kind} of {where}"


def _of_tariff(tariff: Tariff, stretch: Stretch) -> Sequence[RateFactor]:
    if tariff.flat:
        rate = replace(tariff.rate, per_kwh=tariff.per_kwh or 0.0)
        return [RateFactor(start_us=tariff.start_us, end_us=tariff.end_us, rate=rate)]
    expanded = course_of(tariff, *stretch)
    return [
        RateFactor(start_us=p.start_us, end_us=p.end_us, rate=replace(expanded.rate, per_kwh=p.per_kwh))
        for p in expanded.points
    ]


def _of_water(water: WaterFactor) -> RateFactor:
    return RateFactor(start_us=water.start_us, end_us=water.end_us, rate=water.rate)
