"""The figures of one period as inventories count them: Scope 2 by both methods, Scope 3, energy.

Lines of different accounting, basis or inventory are never added, and there is no grand total (kpis.md,
Conventions; GHG Protocol Scope 2 Guidance, 2015, chapter 7: both methods are reported, side by side).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.carbon import PRODUCT_ONLY, Intensity, Pue
from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, Missing, Undefined, total
from wattmark.core.given import Given
from wattmark.core.kpis.embodied_carbon_amortisation import amortised
from wattmark.core.methodology import Methodology
from wattmark.core.rollup import CarbonTerms, Part, Total, facts_of_total

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
CLOUD = "scope 3.1"
SCOPE2 = "scope 2"
OWN = (SCOPE2, PRODUCT_ONLY)
"""Inventories of electricity that we buy: as it enters Scope 2, and with lifecycle factors, not split."""
UJ_PER_KWH = 3.6e12
DIRECT, LIFECYCLE = "direct", "lifecycle"
MIXED = ("boundary", "scope", "attribution_rule", "pue_kind")
"""Terms that parts of one sum may state differently; the sum then names all of them."""
NO_MARKET = Missing(
    "market-based factors",
    "state what was bought as [[instrument]] and the rest of the grid as [[residual_mix]] in ledger.toml; "
    "the location-based figure is no substitute",
)
NO_SCOPE2 = Missing(
    "electricity that was bought",
    "no energy here met a direct factor of inventory scope 2: state one with [[grid]] in ledger.toml; a "
    "lifecycle factor holds upstream carbon too, which is Scope 3.3",
)
NO_LIFECYCLE = Missing(
    "lifecycle factors", "say where own sites are: yearly figures of countries are built in"
)
NO_CLOUD = Missing("energy of cloud places", "no energy here met a factor of inventory scope 3.1")
NO_STATEMENTS = Missing("carbon statements of providers", "`wattmark import` brings their exports in")
NO_PURCHASES = Missing(
    "hardware bought in the period", "list devices with their day of purchase in an inventory"
)
NO_UPSTREAM = Missing(
    "lifecycle and direct factors of one grid", "state both for the same zone with [[grid]] in ledger.toml"
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found of one period, before it is sorted into lines."""

    totals: Totals
    stated: Figure | Missing = NO_STATEMENTS
    """Carbon that providers state for the same cloud places."""
    bought: Figure | Missing = NO_PURCHASES
    """Embodied carbon of the hardware bought in the period, whole."""
    upstream: Figure | Missing = NO_UPSTREAM
    upstream_share: float = 0.0
    """Share of the Scope 2 energy of which upstream carbon is known."""
    days: int = 0
    """Of the period."""
    days_seen: int = 0
    """Of those, how many hold any evidence."""


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


def inventory_of(asked: Asked, found: Evidence, findings: Iterable[str] = ()) -> Inventory:
    """The lines of one period. Nothing is added across them."""
    totals = found.totals
    return Inventory(
        asked=asked,
        lines=(
            *(line_of(name, totals, asked.primary) for name in FROM_TOTALS),
            Line(
                id=SCOPE31_STATED,
                figure=found.stated,
                estimated=1.0,
                primary=asked.primary == FROM_STATEMENTS,
            ),
            Line(id=SCOPE32, figure=found.bought),
            Line(id=SCOPE33, figure=found.upstream, share=found.upstream_share, estimated=1.0),
            _unsplit_line(totals),
            _embodied_line(totals.location),
        ),
        factors=used_factors(totals),
        work={unit: done.count for unit, done in sorted(totals.location.work.items())},
        days_seen=found.days_seen,
        findings=(*_unseen(found), *findings),
    )


def _unseen(found: Evidence) -> Iterator[str]:
    lacking = found.days - found.days_seen
    if lacking > 0:
        yield (
            f"no evidence in {lacking} of {found.days} days: what was used then is in no figure; "
            "`wattmark coverage` names hosts and hours"
        )


FROM_TOTALS = (ENERGY, FACILITY, SCOPE2_LOCATION, SCOPE2_MARKET, SCOPE31)
"""Lines that every group of energy has."""


def line_of(name: str, totals: Totals, primary: str = FROM_ENERGY) -> Line:
    """One line of FROM_TOTALS. Raises KeyError for another one."""
    match name:
        case "energy":
            return _energy_line(ENERGY, totals.location, totals.location.energy)
        case "energy_facility":
            return _energy_line(FACILITY, totals.location, totals.location.facility)
        case "scope2_location":
            meant = totals.scope2_uj
            return carbon_line(SCOPE2_LOCATION, totals.location, "location", (SCOPE2,), NO_SCOPE2, meant)
        case "scope2_market":
            return _market_line(totals)
        case "scope31":
            meant = totals.scope31_uj
            line = carbon_line(SCOPE31, totals.lifecycle, "location", (CLOUD,), NO_CLOUD, meant)
            return replace(line, primary=primary == FROM_ENERGY)
        case _:
            raise KeyError(name)


def _market_line(totals: Totals) -> Line:
    """Scope 2, market-based: never filled up with location-based grams."""
    if not totals.scope2_uj:
        return Line(id=SCOPE2_MARKET, figure=NO_SCOPE2)
    if totals.market is None:
        return Line(id=SCOPE2_MARKET, figure=NO_MARKET)
    meant = totals.scope2_uj
    return carbon_line(SCOPE2_MARKET, totals.market, "market", (SCOPE2,), NO_MARKET, meant)


def _unsplit_line(totals: Totals) -> Line:
    """Own electricity with lifecycle factors as they stand: no company inventory takes it (core.carbon)."""
    line = carbon_line(UNSPLIT, totals.lifecycle, "location", OWN, NO_LIFECYCLE, totals.scope2_uj)
    if isinstance(line.figure, Missing):
        return line
    return replace(line, figure=line.figure.with_terms(inventory=PRODUCT_ONLY))


def carbon_line(
    name: str, told: Total, accounting: str, inventories: Sequence[str], none: Missing, meant_uj: int
) -> Line:
    """The grams of one accounting that enter the first of some inventories, of energy that met a factor.

    ``meant_uj`` is the energy that it should be of.
    """
    found = {
        terms: figure
        for terms, figure in told.carbon_by_terms.items()
        if terms.accounting == accounting and terms.inventory in inventories
    }
    if not found:
        return Line(id=name, figure=none)
    bases = sorted({terms.basis for terms in found})
    if len(bases) > 1:
        told_bases = " and ".join(bases)
        return Line(
            id=name, figure=Missing("carbon on one basis", f"factors are {told_bases}: state one basis")
        )
    figure = added([one.with_terms(inventory=inventories[0]) for one in found.values()])
    met = energy_of(told, accounting, inventories)
    share = min(1.0, met / meant_uj) if meant_uj else 1.0
    if share < 1.0:
        figure = figure.with_notes(f"of {share:.1%} of the energy that it is about: the rest met no factor")
    return Line(id=name, figure=figure, share=share, estimated=_estimated(told.found.parts, found))


def energy_of(told: Total, accounting: str, inventories: Sequence[str]) -> int:
    """Microjoules, gaps estimated, that met a factor of this accounting and one of these inventories."""
    return sum(
        part.used_uj
        for part in told.found.parts
        if part.intensity is not None
        and part.intensity.accounting == accounting
        and part.intensity.inventory in inventories
    )


def _estimated(parts: Sequence[Part], terms: Collection[CarbonTerms]) -> float:
    """Of the energy of these terms: gaps, and of the rest what the source of its intensity estimated."""
    used = rests = 0.0
    for part in parts:
        met = part.intensity
        if met is not None and CarbonTerms(met.accounting, met.basis, met.inventory) in terms:
            used += part.used_uj
            rests += part.gap_uj + part.energy_uj * met.estimated_share
    return min(1.0, rests / used) if used else 0.0


def _energy_line(name: str, told: Total, figure: Figure | Missing) -> Line:
    used = told.observed_uj + told.gap_uj
    return Line(id=name, figure=figure, estimated=told.gap_uj / used if used else 0.0)


def _embodied_line(told: Total) -> Line:
    answer = amortised(facts_of_total(told, Given()))
    if isinstance(answer, Undefined):
        answer = Missing("embodied carbon", answer.reason)
    return Line(id=EMBODIED, figure=answer, estimated=1.0)


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


def upstream_of(pairs: Iterable[Totals]) -> tuple[Figure | Missing, float]:
    """Scope 3.3 of bought electricity: lifecycle less direct grams, place by place, and of what share it is.

    A place where either is not known, or where the direct figure is the larger one, is left out: the two
    tables do not fit together there (GHG Protocol Scope 2 Guidance, 2015, 5.2: what lies upstream of
    generation is category 3 of Scope 3).
    """
    parts: list[Figure] = []
    known = used = 0.0
    for pair in pairs:
        whole = carbon_line(SCOPE33, pair.lifecycle, "location", OWN, NO_SCOPE2, pair.scope2_uj)
        burnt = carbon_line(SCOPE33, pair.location, "location", (SCOPE2,), NO_SCOPE2, pair.scope2_uj)
        used += pair.scope2_uj
        if not (whole.complete and burnt.complete):
            continue
        assert isinstance(whole.figure, Figure)  # complete ones have one
        assert isinstance(burnt.figure, Figure)
        if whole.figure.value >= burnt.figure.value:
            parts.append(_less(whole.figure, burnt.figure))
            known += pair.scope2_uj
    if not parts:
        return NO_UPSTREAM, 0.0
    return added(parts), known / used


def _less(whole: Figure, burnt: Figure) -> Figure:
    """What lies between two figures of the same energy, each table with its own error."""
    errors = dict(whole.errors)
    for name, error in burnt.errors.items():
        errors[name] = errors.get(name, 0.0) - error
    return replace(
        whole,
        value=whole.value - burnt.value,
        errors=errors,
        terms={**whole.terms, "inventory": "scope 3.3", "basis": "lifecycle less direct"},
        sources=tuple(dict.fromkeys((*whole.sources, *burnt.sources))),
        notes=tuple(dict.fromkeys((*whole.notes, *burnt.notes))),
    )


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
