"""How the lines of an inventory are made, each from what it is of alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from wattmark.core.carbon import PRODUCT_ONLY
from wattmark.core.figure import Figure, Missing, Undefined
from wattmark.core.given import Given
from wattmark.core.kpis.embodied_carbon_amortisation import amortised
from wattmark.core.portfolio import (
    EMBODIED,
    ENERGY,
    FACILITY,
    FROM_ENERGY,
    FROM_STATEMENTS,
    SCOPE2_LOCATION,
    SCOPE2_MARKET,
    SCOPE31,
    SCOPE31_STATED,
    SCOPE32,
    SCOPE33,
    UNSPLIT,
    Asked,
    Inventory,
    Line,
    added,
)
from wattmark.core.portfolio_totals import CLOUD, OWN, SCOPE2, Totals, energy_of, used_factors
from wattmark.core.rollup import CarbonTerms, Part, Total, facts_of_total

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
