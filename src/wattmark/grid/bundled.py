"""Yearly intensity by zone from the bundled tables: offline, sourced, and never of another basis in silence.

Order in which a figure is looked for: what the user states, a live source (hourly), what is cached of it, the
yearly figure of the subregion, that of the country, and then an error: the world's mean only on request.
This module holds the yearly part of it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wattmark.core.carbon import Intensity, upstream_of
from wattmark.core.errors import RefusedError
from wattmark.grid.yearly import (
    EMBER,
    EU,
    LIFECYCLE,
    WORLD,
    YEARLY_RELATIVE_ERROR,
    rows_of,
    yearly_rows,
)
from wattmark.grid.zones import closest, countries, meant

__all__ = [
    "STALE_YEARS",
    "WORLD",
    "YEARLY_RELATIVE_ERROR",
    "country_intensity",
    "intensities",
    "scope_2",
    "split",
    "world_intensity",
    "yearly",
    "zone_names",
]

DIRECT = "direct"
STALE_YEARS = 3
"""Data older than this many years at the time of the work is said to be old, beside the figure."""
EU_NOTE = "the mean of the European Union, not of a country"


def zone_names(mine: Path | None = None) -> dict[str, str]:
    """Every zone that has a yearly figure, with its name; the world is none."""
    return {EU: "European Union"} | {
        row.zone: row.name for row in yearly_rows(mine) if row.zone not in (WORLD, EU)
    }


def intensities(zone: str, mine: Path | None = None) -> tuple[Intensity, ...]:
    """Every yearly figure of a zone: the table that is used first comes first, in it the newest year.

    Figures of both bases may be among them: they are never compared or added. ``mine`` is the folder of the
    user's own tables. Raises RefusedError for a zone that no table knows, naming the closest ones.
    """
    found = [row.intensity for row in yearly_rows(mine) if row.zone != WORLD]
    code = meant(zone, dict.fromkeys(one.zone for one in found))
    if code is None:
        raise RefusedError(_unknown(zone, zone_names(mine)))
    ours = [one for one in found if one.zone == code]
    sources = list(dict.fromkeys(one.source for one in ours))
    ours.sort(key=lambda one: (sources.index(one.source), -(one.year or 0)))
    return tuple(replace(one, note=_noted(one.note, EU_NOTE)) if code == EU else one for one in ours)


def yearly(
    zone: str, basis: str = LIFECYCLE, *, year: int | None = None, mine: Path | None = None
) -> Intensity:
    """The yearly figure of a zone that holds for a year, on one basis; without a year the newest.

    Of a table with several years it is the newest that is not later than ``year``, else the earliest. Where
    it is older than STALE_YEARS at that time it says so. Raises RefusedError for an unknown zone and for a
    zone of which only the other basis is known: the two are not exchanged.
    """
    every = intensities(zone, mine)
    ours = [one for one in every if one.basis == basis]
    if not ours:
        raise RefusedError(
            f"of {every[0].zone} only a {every[0].basis} figure is known ({every[0].source}), and it may not "
            f"stand for a {basis} one: give your own with --intensity or [[grid]], with its source"
        )
    first = [one for one in ours if one.source == ours[0].source]
    if year is None:
        return first[0]
    fitting = [one for one in first if (one.year or 0) <= year]
    return _aged(fitting[0] if fitting else first[-1], year)


def _aged(intensity: Intensity, year: int) -> Intensity:
    """With a note where its data is old, or later than the work."""
    if intensity.year is None or 0 <= year - intensity.year <= STALE_YEARS:
        return intensity
    age = year - intensity.year
    said = f"{age} years old" if age > 0 else "of a later year"
    return replace(intensity, note=_noted(intensity.note, f"the intensity data ({intensity.year}) is {said}"))


def scope_2(zone: str, *, year: int | None = None, mine: Path | None = None) -> Intensity:
    """The location-based factor for Scope 2: direct emissions of generation (GHG Protocol Scope 2 Guidance).

    Raises RefusedError where only a lifecycle figure is known: it holds upstream emissions, which are
    Scope 3 category 3.
    """
    return yearly(zone, DIRECT, year=year, mine=mine)


def split(zone: str, *, year: int | None = None, mine: Path | None = None) -> tuple[Intensity, Intensity]:
    """A lifecycle figure in two: direct emissions (Scope 2), and what is upstream of them (Scope 3.3).

    The upstream part is lifecycle less direct, of two sources; its uncertainty is that of both. Raises
    RefusedError where one is not known, or where the two do not fit together.
    """
    direct = scope_2(zone, year=year, mine=mine)
    whole = yearly(zone, LIFECYCLE, year=year, mine=mine)
    return direct, upstream_of(whole, direct)


def country_intensity(
    country: str, basis: str = LIFECYCLE, *, year: int | None = None, mine: Path | None = None
) -> Intensity:
    """The yearly mean of one country by ISO 3166 alpha-3 code, as ``yearly`` chooses it.

    Raises RefusedError for an unknown code, and where only the other basis is known.
    """
    wanted = country.strip().upper()
    if wanted in countries():
        if any(row.zone == wanted for row in yearly_rows(mine)):
            return yearly(wanted, basis, year=year, mine=mine)
        raise RefusedError(
            f"the table prints 0 gCO2e/kWh for {countries()[wanted]}, and no grid is at zero over its life "
            "cycle: give a figure with --intensity (gCO2e/kWh)"
        )
    raise RefusedError(_unknown(country, dict(countries())))


def world_intensity(mine: Path | None = None) -> Intensity:
    """The world mean, only ever on request and always flagged."""
    for row in rows_of(EMBER, mine):
        if row.zone == WORLD:
            note = "world average: the place is not known"
            return replace(row.intensity, relative_error=0.5, note=note)
    raise RefusedError("the table holds no world average: give --intensity (gCO2e/kWh)")


def _unknown(zone: str, named: dict[str, str]) -> str:
    near = closest(zone, named)
    return (
        f"no grid intensity is known for {zone!r}{f', perhaps {near}' if near else ''}: give an ISO 3166 "
        "alpha-3 code such as FRA, a figure with --intensity (gCO2e/kWh), or ask for --world-average"
    )


def _noted(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
