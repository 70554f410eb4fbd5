"""From the energy of a group to carbon: each part meets its own PUE and its own grid, then they are added.

How energy becomes carbon is said in core.carbon alone; here it is only applied to parts that met one table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from wattmark.core.carbon import Intensity, Pue, energy_for_carbon, operational_carbon
from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, Missing, exact, total
from wattmark.core.known import Boundary
from wattmark.core.parts import LEVELS, NO_ENERGY, Group, Part, bare_energy, joined

ROUNDING = 1e-11
"""Sums of floating-point numbers in another order differ by less."""
NO_GRID = Missing(
    "grid intensity", "give the zone a factor with [[grid]] in ledger.toml, or say the country of the runs"
)
NO_PUE = Missing("pue", "--pue where the runs are measured, or `pue` of the [[site]] in ledger.toml")


@dataclass(frozen=True, slots=True)
class _Met:
    """Parts of one boundary that met the same tables, their energy, and what it met."""

    parts: tuple[Part, ...]
    level: Boundary
    used: int
    energy: Figure
    """At the widest boundary that is known."""
    pue: Figure | Missing
    intensity: Figure | Missing
    """The mean over the energy as it stands in ``energy``."""

    def plain_intensity(self) -> Figure | Missing:
        """The mean over the energy as it was read."""
        return _mean_intensity(self.parts, self.used, with_pue=False)


def _met(group: Group) -> list[_Met]:
    found: dict[tuple[int, int, int], list[Part]] = {}
    for part in group.parts:  # tables are told apart as objects: two that are equal make an equal sum
        found.setdefault((part.reach, id(part.intensity), id(part.pue)), []).append(part)
    return [_met_by(tuple(some), group) for some in found.values()]


def _met_by(parts: tuple[Part, ...], group: Group) -> _Met:
    level = LEVELS[parts[0].reach]
    used = sum(p.energy_uj + p.gap_uj for p in parts)
    pue = mean_pue(parts, used)
    multiplied = level is Boundary.NODE and isinstance(pue, Figure)
    widest = energy_for_carbon(bare_energy(parts, group), pue)
    assert isinstance(widest, Figure)  # bare energy states its boundary
    intensity = _mean_intensity(parts, used, with_pue=multiplied)
    return _Met(parts, level, used, widest, pue, intensity)


def mean_pue(parts: Sequence[Part], used: int) -> Figure | Missing:
    """The PUE that parts of one table met, on average."""
    told = parts[0].pue
    if told is None:
        return NO_PUE
    mean = mean_of(told.value, math.fsum(p.by_pue for p in parts), used)
    own = _figure(told)
    if mean == told.value:
        return own
    # The error is that of the table, whatever the mean: one site's meters read all of it.
    return replace(
        replace(told, value=mean).figure(), errors={n: e * mean / own.value for n, e in own.errors.items()}
    )


def _mean_intensity(parts: Sequence[Part], used: int, *, with_pue: bool) -> Figure | Missing:
    told = parts[0].intensity
    if told is None:
        return NO_GRID
    over = math.fsum(p.by_pue for p in parts) if with_pue else float(used)
    met = math.fsum(p.by_both if with_pue else p.by_grid for p in parts)
    mean = mean_of(told.grams_per_kwh, met, over)
    return _figure(told) if mean == told.grams_per_kwh else replace(told, grams_per_kwh=mean).figure()


@lru_cache(maxsize=1024)
def _figure(told: Intensity | Pue) -> Figure:
    """Few tables are met by many groups."""
    return told.figure()


def mean_of(told: float, met: float, over: float) -> float:
    """The mean that was met; what was told where they differ by the rounding of sums alone."""
    mean = met / over if over else told
    return told if math.isclose(mean, told, rel_tol=ROUNDING) else mean


def carbon_of(group: Group, energy: Figure | Missing) -> tuple[Figure | Missing, Figure | None, int]:
    """Carbon of a group whose energy is this, carbon of what met a factor, the microjoules that met none."""
    if isinstance(energy, Missing):
        return energy, None, 0
    all_met = _met(group)
    without = sum(m.used for m in all_met if isinstance(m.intensity, Missing))
    found = [operational_carbon(m.energy, m.intensity) for m in all_met if isinstance(m.intensity, Figure)]
    if not found:
        return NO_GRID, None, without
    try:
        known = sum_of(found).with_notes(*energy.notes)
    except NotComparable as refusal:
        return Missing("carbon on equal terms", str(refusal)), None, without
    return (NO_GRID if len(found) < len(all_met) else known), known, without


@dataclass(frozen=True, slots=True, order=True)
class CarbonTerms:
    """What grams must have in common to be added."""

    accounting: str
    """location, market or marginal."""
    basis: str
    """lifecycle or direct."""
    inventory: str
    """scope 2, scope 3.1, ..."""


def carbon_by_terms(group: Group) -> dict[CarbonTerms, Figure]:
    """Operational gCO2e of a group, apart for each accounting, basis and inventory, in their order.

    Energy that met no factor is in none of them. Each figure is of its own energy alone: its coverage and
    grades are those of that energy.
    """
    found: dict[CarbonTerms, list[Figure]] = {}
    for met in _met(group):
        if isinstance(met.intensity, Figure):
            carbon = operational_carbon(met.energy, met.intensity)
            said = carbon.terms
            terms = CarbonTerms(said["accounting"], said["basis"], said["inventory"])
            found.setdefault(terms, []).append(carbon)
    return {terms: sum_of(found[terms]) for terms in sorted(found)}


def facility_of(group: Group) -> Figure | Missing:
    """All energy at the facility's meter: what has no way there makes it Missing."""
    all_met = _met(group)
    if not all_met:
        return NO_ENERGY
    if any(m.level is Boundary.DEVICE for m in all_met):
        return Missing("energy of whole nodes", "some machines were read at device boundary only")
    if any(m.energy.terms["boundary"] != Boundary.FACILITY for m in all_met):
        return NO_PUE
    return sum_of([m.energy for m in all_met])


def factors_of(group: Group) -> tuple[Figure | Missing, Figure | Missing]:
    """Effective PUE and intensity of all parts together: the carbon is energy x PUE x intensity.

    The PUE holds from the node on: with some energy at device boundary the whole stays there (core.boundary),
    and no PUE multiplies it. Energy of a facility's own meter has met it already, which is a PUE of 1.
    """
    all_met = _met(group)
    if not all_met:
        return NO_PUE, NO_GRID
    narrowest = min(LEVELS.index(m.level) for m in all_met)
    pue = _effective_pue(all_met)
    multiplied = LEVELS[narrowest] is Boundary.NODE and isinstance(pue, Figure)
    weighted: list[tuple[float, Figure]] = []
    for met in all_met:
        intensity = met.intensity if multiplied else met.plain_intensity()
        if isinstance(intensity, Missing):
            return pue, intensity
        weighted.append((met.energy.value if multiplied else float(met.used), intensity))
    try:
        return pue, _mean(weighted)
    except NotComparable as refusal:
        return pue, Missing("grid intensity on equal terms", str(refusal))


def _effective_pue(all_met: Sequence[_Met]) -> Figure | Missing:
    if all(m.level is Boundary.FACILITY for m in all_met):
        return NO_PUE
    weighted: list[tuple[float, Figure]] = []
    for met in all_met:
        pue = exact(1.0, "1") if met.level is Boundary.FACILITY else met.pue
        if isinstance(pue, Missing):
            return pue
        weighted.append((float(met.used), pue))
    return _mean(weighted)


def _mean(weighted: Sequence[tuple[float, Figure]]) -> Figure:
    """Mean of figures by weights; each named error with its share. Raises NotComparable."""
    whole = math.fsum(w for w, _ in weighted)
    if len(weighted) == 1 or whole <= 0:
        return weighted[0][1]
    unit = weighted[0][1].unit
    shares = [figure.scaled(weight / whole, unit) for weight, figure in weighted]
    return total(_on_common_terms(shares, ("pue_kind",)))


def sum_of(figures: Sequence[Figure], also: Sequence[str] = ()) -> Figure:
    """Sum of figures whose kinds of boundary, scope and PUE may differ: their terms then name all of them.

    So may the terms named in ``also``.

    Raises NotComparable when accounting, basis or inventory differ: such grams are never added.
    """
    return total(_on_common_terms(figures, ("boundary", "scope", "attribution_rule", "pue_kind", *also)))


def _on_common_terms(figures: Sequence[Figure], names: Sequence[str]) -> Sequence[Figure]:
    """The figures with each of these terms naming what any of them says, where they do not say the same."""
    mixed = {}
    for name in names:
        said = {f.terms.get(name) for f in figures}
        if len(said) > 1:
            mixed[name] = joined(word or "none" for word in said)
    return [f.with_terms(**mixed) for f in figures] if mixed else figures
