"""From the energy of a group to money and water: each part meets its own rate at its own meter.

Amounts of two currencies, of on-site and source water, of withdrawal and consumption stand beside each other;
they are never added.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.figure import Figure
from wattmark.core.known import Boundary
from wattmark.core.parts import LEVELS, Group, Part, RateMet, bare_energy
from wattmark.core.rate import FACILITY, PRICE, amount_of, energy_at
from wattmark.core.rollup_carbon import mean_of, mean_pue, sum_of
from wattmark.core.units import JOULES_PER_KWH

MICRO = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What the energy of a group came to by one kind of rate."""

    by_unit: Mapping[str, Figure] = field(default_factory=dict)
    """Unit (a currency, or L) -> amount of the energy that met a rate in it."""
    without_uj: int = 0
    """Energy that met none, gaps estimated: it is in no amount."""


NOTHING = Amounts()


def kinds_of(group: Group) -> tuple[str, ...]:
    """The kinds of rates that some of its energy met, in order."""
    return tuple(sorted({met.rate.kind for part in group.parts for met in part.rates}))


def amounts_of(group: Group, kind: str = PRICE) -> Amounts:
    """Energy x rate of a group, apart for each unit, and the energy that met no such rate.

    Each amount is of its own energy alone: its coverage and grades are those of that energy. Where a part of
    the energy met none, every amount says so.
    """
    together: dict[tuple[int, int, int], list[tuple[Part, RateMet]]] = {}
    without = 0
    for part in group.parts:
        met = next((m for m in part.rates if m.rate.kind == kind), None)
        if met is None or (met.rate.meter != FACILITY and LEVELS[part.reach] is Boundary.FACILITY):
            without += part.used_uj
        else:
            together.setdefault((part.reach, id(part.pue), id(met.rate)), []).append((part, met))
    found: dict[str, list[Figure]] = {}
    for some in together.values():
        found.setdefault(some[0][1].rate.unit, []).append(_amount(some, group))
    notes = _without_notes(without, kind)
    return Amounts(
        by_unit={unit: _added(found[unit]).with_notes(*notes) for unit in sorted(found)},
        without_uj=without,
    )


def _amount(some: Sequence[tuple[Part, RateMet]], group: Group) -> Figure:
    """Of parts that met one table of rates at one boundary."""
    parts = [part for part, _ in some]
    rate = some[0][1].rate
    used = sum(p.used_uj for p in parts)
    pue = mean_pue(parts, used)
    multiplied = (
        rate.meter == FACILITY and LEVELS[parts[0].reach] is Boundary.NODE and isinstance(pue, Figure)
    )
    energy = energy_at(bare_energy(parts, group), pue, rate.meter)
    assert isinstance(energy, Figure)  # bare energy states its boundary, and facility energy was left out
    over = math.fsum(p.by_pue for p in parts) if multiplied else float(used)
    products = math.fsum(m.by_pue if multiplied else m.plain for _, m in some)
    return amount_of(energy, replace(rate, per_kwh=mean_of(rate.per_kwh, products, over)))


def _added(figures: Sequence[Figure]) -> Figure:
    return sum_of(figures, ("price_includes",))


def _without_notes(without_uj: int, kind: str) -> Iterable[str]:
    if without_uj:
        what = "tariff" if kind == PRICE else f"figure of {kind}"
        yield f"{without_uj / MICRO / JOULES_PER_KWH:.4g} kWh without a {what} are not in it"
