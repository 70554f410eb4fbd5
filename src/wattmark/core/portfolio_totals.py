"""The energy of one stretch of time with the factors of each kind that it met: what lines are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.carbon import PRODUCT_ONLY, Intensity, Pue
from wattmark.core.portfolio import UsedFactor
from wattmark.core.rollup import Total

CLOUD = "scope 3.1"
SCOPE2 = "scope 2"
OWN = (SCOPE2, PRODUCT_ONLY)
"""Inventories of electricity that we buy: as it enters Scope 2, and with lifecycle factors, not split."""
UJ_PER_KWH = 3.6e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """One stretch of time, with the factors of each kind."""

    location: Total
    """Location-based with direct factors: what was burnt for the electricity (Scope 2)."""
    lifecycle: Total
    """Location-based on lifecycle basis: what a purchased service causes, its whole chain."""
    market: Total | None = None
    """Market-based; None: nobody stated what was bought."""

    @property
    def scope2_uj(self) -> int:
        """Energy that Scope 2 should be of: what either basis counts there, and what met no factor at all."""
        known = max(energy_of(t, "location", OWN) for t in (self.location, self.lifecycle))
        return known + self.unknown_uj

    @property
    def scope31_uj(self) -> int:
        """Energy that Scope 3.1 should be of."""
        known = max(energy_of(t, "location", (CLOUD,)) for t in (self.location, self.lifecycle))
        return known + self.unknown_uj

    @property
    def unknown_uj(self) -> int:
        """Energy of which no factor tells to which inventory it belongs."""
        return min(self.location.without_factor_uj, self.lifecycle.without_factor_uj)


def energy_of(told: Total, accounting: str, inventories: Sequence[str]) -> int:
    """Microjoules, gaps estimated, that met a factor of this accounting and one of these inventories."""
    return sum(
        part.used_uj
        for part in told.found.parts
        if part.intensity is not None
        and part.intensity.accounting == accounting
        and part.intensity.inventory in inventories
    )


def used_factors(totals: Totals) -> tuple[UsedFactor, ...]:
    """Every factor that a line rests on, each table, zone and kind once, those of most energy first.

    What is bought as a service is of lifecycle factors, Scope 2 of direct ones.
    """
    found: dict[tuple[object, ...], tuple[Intensity | Pue, float, float]] = {}
    told = [totals.location, totals.lifecycle, *([totals.market] if totals.market else [])]
    for at, one in enumerate(told):
        for part in one.found.parts:
            met = part.intensity
            if met is not None and not (at == 0 and met.inventory == CLOUD):
                _met(found, met, part.used_uj, part.by_grid)
            if at == 0 and part.pue is not None:
                _met(found, part.pue, part.used_uj, part.by_pue)
    rows = [_used(*one) for one in found.values()]
    return tuple(sorted(rows, key=lambda r: (r.kind, -r.kwh, r.accounting, r.basis, r.zone, r.source)))


def _met(
    found: dict[tuple[object, ...], tuple[Intensity | Pue, float, float]],
    met: Intensity | Pue,
    used_uj: float,
    weighted: float,
) -> None:
    key = _key(met)
    _, before, sum_before = found.get(key, (met, 0.0, 0.0))
    found[key] = met, before + used_uj / UJ_PER_KWH, sum_before + weighted / UJ_PER_KWH


def _key(met: Intensity | Pue) -> tuple[object, ...]:
    if isinstance(met, Pue):
        return "pue", met.kind, met.source, met.value
    return met.zone, met.source, met.year, met.accounting, met.basis, met.inventory, met.granularity


def _used(met: Intensity | Pue, kwh: float, weighted: float) -> UsedFactor:
    if isinstance(met, Pue):
        return UsedFactor(
            kind="pue",
            value=weighted / kwh if kwh else met.value,
            source=met.source or met.kind,
            relative_error=met.relative_error,
            kwh=kwh,
        )
    return UsedFactor(
        kind="intensity",
        value=weighted / kwh if kwh else met.grams_per_kwh,
        source=met.source,
        zone=met.zone,
        year=met.year,
        accounting=met.accounting,
        basis=met.basis,
        inventory=met.inventory,
        granularity=met.granularity,
        relative_error=met.relative_error,
        kwh=kwh,
    )
