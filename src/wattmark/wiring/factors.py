"""Built-in factors for the places of a ledger: yearly intensities of zones, and what cloud regions tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from wattmark.core.carbon import Intensity
from wattmark.core.errors import RefusedError
from wattmark.core.site import Site
from wattmark.grid.bundled import STALE_YEARS, intensities, zone_names
from wattmark.grid.places import CloudPlace, intensity_at
from wattmark.ledger.factors import GridFactor, SitePue
from wattmark.wiring.sites import region_of

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """What energy meets where the ledger says nothing of its own."""

    grid: tuple[GridFactor, ...] = ()
    pue: tuple[SitePue, ...] = ()
    places: tuple[Site, ...] = ()
    """Where the sites are: as stated, and what their cloud region tells besides."""


def of_zones(
    zones: Iterable[str], basis: str, own: frozenset[str], mine: Path | None = None
) -> tuple[GridFactor, ...]:
    """Figures of zones by their own code; none for a name that is no zone, or without one on this basis.

    Of a table with several years each year's energy meets the year's figure; beside figures of the ledger's
    ``own`` for some time only the newest fills what they leave.
    """
    known = zone_names(mine)
    found: list[GridFactor] = []
    for zone in sorted({*zones} & known.keys()):
        figures = _first_source([one for one in intensities(zone, mine) if one.basis == basis])
        found += _over_time(zone, figures[:1]) if zone in own else _aging(_over_time(zone, figures))
    return tuple(found)


def of_sites(
    sites: Iterable[str],
    basis: str,
    own: frozenset[str],
    with_pue: frozenset[str],
    mine: Path | None = None,
    stated: Sequence[Site] = (),
) -> BuiltIn:
    """What sites that are cloud regions tell: their grid, as a bought service, and their provider's PUE.

    The ledger's own figures for the region or its country (``own``) and its own PUE go first; what is
    ``stated`` of a site goes before what its region tells.
    """
    grid: list[GridFactor] = []
    pue: list[SitePue] = []
    places = {site.name: site for site in stated}
    for site in sorted({*sites}):
        said = places.get(site, Site(name=site))
        place = region_of(said, mine)
        if place is None:
            continue
        finer = place.subregion if place.subregion in own or place.country not in own else ""
        places[site] = replace(said, country=place.country, subregion=finer, bought=True)
        if not own & {said.zone, site, place.subregion, place.country}:
            grid += _aging(_over_time(site, _figures_at(place, basis, mine)))
        if site not in with_pue:
            pue += _pues_of(site, place)
    return BuiltIn(tuple(grid), tuple(pue), tuple(places.values()))


def _pues_of(site: str, place: CloudPlace) -> Iterable[SitePue]:
    """As published for each year: the first also before, the last also after."""
    starts = [_new_year(one.year) if at else None for at, one in enumerate(place.years)]
    for one, start, end in zip(place.years, starts, (*starts[1:], None), strict=False):
        told = one.pue
        yield SitePue(
            site=site,
            start_us=start,
            end_us=end,
            pue=told.value,
            kind=told.kind,
            relative_error=told.relative_error,
            source=told.source,
        )


def _figures_at(place: CloudPlace, basis: str, mine: Path | None) -> list[Intensity]:
    try:
        best = intensity_at(place, basis, mine=mine)
    except RefusedError:  # none on this basis: its energy is shown as without a factor
        return []
    years = [one for one in intensities(best.zone, mine) if (one.basis, one.source) == (basis, best.source)]
    return [replace(one, inventory=best.inventory, note=best.note) for one in years]


def _first_source(figures: Sequence[Intensity]) -> list[Intensity]:
    return [one for one in figures if one.source == figures[0].source]


def _over_time(zone: str, newest_first: Sequence[Intensity]) -> list[GridFactor]:
    """Each from its year on until that of the next one; the first also before, the last also after."""
    figures = [*reversed(newest_first)]
    starts = [_new_year(one.year) if at else None for at, one in enumerate(figures)]
    return [
        GridFactor(
            zone=zone,
            start_us=start,
            end_us=end,
            grams_per_kwh=one.grams_per_kwh,
            accounting=one.accounting,
            basis=one.basis,
            inventory=one.inventory,
            granularity=one.granularity,
            source=one.source,
            year=one.year,
            relative_error=one.relative_error,
            note=one.note,
            row=one.zone if one.zone != zone else "",
        )
        for one, start, end in zip(figures, starts, (*starts[1:], None), strict=False)
    ]


def _aging(factors: list[GridFactor]) -> list[GridFactor]:
    """The last one in two: from the day on from which its data is old, it says so."""
    last = factors[-1] if factors else None
    if last is None or last.year is None:
        return factors
    old = _new_year(last.year + STALE_YEARS + 1)
    said = f"the intensity data ({last.year}) is more than {STALE_YEARS} years old"
    note = f"{last.note}; {said}" if last.note else said
    return [*factors[:-1], replace(last, end_us=old), replace(last, start_us=old, note=note)]


def _new_year(year: int | None) -> int | None:
    return None if year is None else int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * MICRO
