"""The figures of one period as inventories count them: Scope 2 by both methods, Scope 3, energy.

Lines of different accounting, basis or inventory are never added, and there is no grand total (kpis.md,
Conventions; GHG Protocol Scope 2 Guidance, 2015, chapter 7: both methods are reported, side by side).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, Missing, total
from wattmark.core.methodology import Methodology

ENERGY = "energy"
FACILITY = "energy_facility"
SCOPE2_LOCATION = "scope2_location"
SCOPE2_MARKET = "scope2_market"
SCOPE31 = "scope31"
SCOPE31_STATED = "scope31_stated"
SCOPE32 = "scope32"
SCOPE33 = "scope33"
EMBODIED = "embodied_amortised"
UNSPLIT = "electricity_lifecycle"
TITLES: Mapping[str, str] = {
    ENERGY: "Energy",
    FACILITY: "Energy at the facility's meter",
    SCOPE2_LOCATION: "Scope 2, location-based",
    SCOPE2_MARKET: "Scope 2, market-based",
    SCOPE31: "Scope 3.1, cloud and APIs, from energy",
    SCOPE31_STATED: "Scope 3.1, cloud and APIs, as providers state",
    SCOPE32: "Scope 3.2, hardware bought",
    SCOPE33: "Scope 3.3, upstream of electricity",
    UNSPLIT: "Electricity of own sites, lifecycle, not split (product view)",
    EMBODIED: "Embodied carbon, amortised (product view)",
}
"""Lines of an inventory, in the order in which they are shown."""
FROM_ENERGY, FROM_STATEMENTS = "energy", "statements"
PRIMARIES = (FROM_ENERGY, FROM_STATEMENTS)
"""Which of the two estimates of Scope 3.1 stands for it; the other one is shown beside it."""
RULES = "1"
"""Version of the rules by which lines are made: part of every fingerprint."""
DIRECT, LIFECYCLE = "direct", "lifecycle"
MIXED = ("boundary", "scope", "attribution_rule", "pue_kind")
"""Terms that parts of one sum may state differently; the sum then names all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure of an inventory, or why there is none."""

    id: str
    figure: Figure | Missing
    share: float = 1.0
    """Share of the energy that it should be of and is of: less than 1 where some met no factor."""
    estimated: float = 0.0
    """Share of it that rests on estimates: gaps filled, and intensities that their source estimated."""
    primary: bool = True
    """False: another estimate of the same thing stands for it; the two are never added."""

    @property
    def title(self) -> str:
        """What it is called."""
        return TITLES[self.id]

    @property
    def complete(self) -> bool:
        """Whether there is a figure, of all that it should be of."""
        return isinstance(self.figure, Figure) and self.share >= 1.0 - 1e-9

    @property
    def coverage(self) -> float:
        """Share of the time observed, times the share of the energy that met a factor; 0 without a figure."""
        return self.figure.coverage * self.share if isinstance(self.figure, Figure) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedFactor:
    """A factor that energy met: what it is, where it comes from, and how much it decided."""

    kind: str
    """intensity or pue."""
    value: float
    """gCO2e/kWh, or facility over IT energy; the mean over the energy that met it."""
    source: str
    zone: str = ""
    year: int | None = None
    accounting: str = ""
    basis: str = ""
    inventory: str = ""
    granularity: str = ""
    relative_error: float = 0.0
    kwh: float = 0.0
    """Energy as it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an inventory is of: everything that must be equal before two are compared."""

    boundary: str = "node"
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Key -> values that count; empty: everything."""
    primary: str = FROM_ENERGY
    """One of PRIMARIES."""
    time_zone: str = "UTC"

    def methodology(self) -> Methodology:
        """The terms of all its lines together."""
        told = ";".join(f"{k}={','.join(sorted(v))}" for k, v in sorted(self.where.items()))
        return Methodology(
            {
                "asked_boundary": self.boundary,
                "scope2_basis": DIRECT,
                "where": told or "everything",
                "scope31_primary": self.primary,
                "time_zone": self.time_zone,
                "rules": RULES,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All lines of one period."""

    asked: Asked
    lines: tuple[Line, ...]
    factors: tuple[UsedFactor, ...] = ()
    work: Mapping[str, float] = field(default_factory=dict)
    """Unit -> successful units."""
    days_seen: int = 0
    """Days with any evidence."""
    findings: tuple[str, ...] = ()

    def line(self, name: str) -> Line:
        """One line by its id. Raises KeyError."""
        return {line.id: line for line in self.lines}[name]

    @property
    def terms(self) -> Methodology:
        """Terms of the inventory and of each of its figures."""
        found = dict(self.asked.methodology().terms)
        for line in self.lines:
            if isinstance(line.figure, Figure):
                found |= {f"{line.id}:{k}": v for k, v in line.figure.terms.items() if k in COMPARED}
        return Methodology(found)


COMPARED = ("accounting", "basis", "inventory", "boundary", "pue_kind", "embodied_mode")
"""Terms of a figure that must be equal before it is held against another one of another period."""


def added(figures: Sequence[Figure]) -> Figure:
    """The sum of figures whose boundary, scope or kind of PUE may differ: it then names all of them.

    Raises NotComparable when unit, accounting, basis or inventory differ, ValueError for nothing to add.
    """
    mixed = {}
    for name in MIXED:
        said = {word for f in figures for word in f.terms.get(name, "none").split("+")}
        if len({f.terms.get(name) for f in figures}) > 1:
            mixed[name] = "+".join(sorted(said))
    return total([f.with_terms(**mixed) for f in figures] if mixed else figures)


def require_comparable(line: Line, before: Mapping[str, str], here: Asked, there: Methodology) -> None:
    """Raise NotComparable unless a figure was made on the terms of a frozen one, which are ``before``."""
    found = here.methodology().differing(there)
    if isinstance(line.figure, Figure):
        now = {k: v for k, v in line.figure.terms.items() if k in COMPARED}
        then = {k: v for k, v in before.items() if k in COMPARED}
        found += Methodology(now).differing(Methodology(then))
    if found:
        raise NotComparable(found, f"figures of {line.title} and the baseline")
