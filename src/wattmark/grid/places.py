"""Places: what a cloud region's name tells of country, grid, PUE and carbon-free share, each with its source.

The table is ours, put together from what providers publish. What a user states goes before all of it:
a country, a PUE or an intensity under ``[place]``, ``[[site]]`` and ``[[grid]]`` in ``ledger.toml``,
or a table of their own (``wattmark data update cloud_regions``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from wattmark import tables
from wattmark.core.carbon import CLOUD, Intensity, Pue, check_pue
from wattmark.core.errors import ConfigError, RefusedError, UsageError
from wattmark.grid.bundled import STALE_YEARS, yearly
from wattmark.grid.yearly import LIFECYCLE, number_in

TABLE = "cloud_regions"
PUE_TABLE = "cloud_pue"
"""Published PUE of earlier years."""
PROVIDERS: Mapping[str, str] = {"aws": "AWS", "google": "Google Cloud", "azure": "Azure"}
PREFIXES: Mapping[str, str] = {"gcp": "google", "amazon": "aws", "microsoft": "azure"}
PUE_SCOPES: Mapping[str, tuple[str, float]] = {
    "provider": ("mean of its data centres", 0.10),
    "geography": ("mean of its data centres there", 0.05),
    "region": ("mean of its data centres in the region", 0.05),
    "campus": ("its campus there", 0.03),
}
"""Scope of a published PUE -> how it is said, and our allowance for one region in one hour (95 %)."""
ZONE_LETTER = re.compile(r"(?<=\d)-?[a-z]$")
"""Of an availability zone: us-east-1a, us-central1-a."""


@dataclass(frozen=True, slots=True)
class YearPue:
    """What was published for one year."""

    year: int
    pue: Pue
    source: str
    """Address or title, with what was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudPlace:
    """One region of one provider, or a site that somebody states."""

    provider: str
    """aws, google or azure; empty for a site that is no cloud region."""
    region: str
    name: str
    country: str
    """ISO 3166 alpha-3."""
    subregion: str = ""
    """Of eGRID, in the United States; empty where the place lies near an edge."""
    zone: str = ""
    """Grid zone, where somebody states one."""
    moved: bool = False
    """Somebody states another country, subregion or zone: the provider's own figure is not of there."""
    pue: Pue | None = None
    pue_stated: bool = False
    """The PUE is of a [[site]]: it goes before what runs recorded."""
    pue_year: int | None = None
    carbon_free_share: float | None = None
    """Of the provider's electricity there, hour by hour, as published; a market-based figure."""
    carbon_free_year: int | None = None
    place_source: str
    pue_source: str = ""
    electricity_maps_zone: str = ""
    watttime_region: str = ""
    """What live providers call the place, where a table of the user's own says so."""
    years: tuple[YearPue, ...] = ()
    """Its PUE as published for each year that is known, the oldest first; ``pue`` is the newest."""

    @property
    def label(self) -> str:
        """As messages name it."""
        if not self.provider:
            return f"site {self.region}"
        return f"{PROVIDERS.get(self.provider, self.provider)} {self.region}, {self.name}"

    def in_year(self, year: int | None) -> CloudPlace:
        """With the PUE of a year: of that year, else of the last one before it, else of the first one.

        The place itself without a year, and where somebody stated its PUE.
        """
        if year is None or self.pue_stated or not self.years:
            return self
        told = next((one for one in reversed(self.years) if one.year <= year), self.years[0])
        return replace(self, pue=told.pue, pue_year=told.year, pue_source=told.source)


def cloud_places(mine: Path | None = None) -> tuple[CloudPlace, ...]:
    """Every known region; out of the user's own table where there is one. Raises ConfigError."""
    if mine is None or not mine.joinpath(f"{TABLE}.csv").is_file():
        return _shipped()
    rows, said = tables.rows(TABLE, mine), f", own table {tables.meta(TABLE, mine).version}"
    return _places(rows, said, older_pues(mine, shipped=False))


@cache
def _shipped() -> tuple[CloudPlace, ...]:
    return _places(tables.rows(TABLE), "", older_pues())


Older = Mapping[tuple[str, str, str], tuple[YearPue, ...]]
"""Provider, region and scope; a row without a region is of every region of the provider."""


def older_pues(mine: Path | None = None, *, shipped: bool = True) -> Older:
    """PUE of earlier years; out of the user's own table where there is one. Raises ConfigError."""
    own = mine is not None and mine.joinpath(f"{PUE_TABLE}.csv").is_file()
    if not own and not shipped:
        return {}
    said = f", own table {tables.meta(PUE_TABLE, mine).version}" if own else ""
    found: dict[tuple[str, str, str], list[YearPue]] = {}
    for number, row in enumerate(tables.rows(PUE_TABLE, mine if own else None), start=1):
        year = int(number_in(row, "year", PUE_TABLE, number))
        told = YearPue(year, _pue(row, number, year, said, PUE_TABLE), row["pue_source"])
        found.setdefault((row["provider"], row["region"], row["pue_scope"]), []).append(told)
    return {key: tuple(rows) for key, rows in found.items()}


def find_place(text: str | None, mine: Path | None = None) -> CloudPlace | None:
    """The region of this name, also as ``aws:us-east-1``, ``East US`` or with an availability zone's letter.

    None for anything else: a region may as well be a room in a cellar.
    """
    wanted = re.sub(r"\s", "", text or "").lower()
    prefix, sign, rest = wanted.partition(":")
    provider = PREFIXES.get(prefix, prefix) if sign else ""
    name = rest if sign else wanted
    known = {p.region: p for p in cloud_places(mine) if not provider or p.provider == provider}
    return known.get(name) or known.get(ZONE_LETTER.sub("", name))


def the_place(text: str, mine: Path | None = None) -> CloudPlace:
    """The region that was asked for. Raises UsageError, naming the closest ones."""
    found = find_place(text, mine)
    if found is None:
        near = difflib.get_close_matches(text.strip().lower(), [p.region for p in cloud_places(mine)], n=3)
        said = f"; perhaps {', '.join(near)}" if near else ""
        raise UsageError(
            f"{text!r} is no cloud region that is known{said}: `wattmark grid zones` lists them, or say "
            "--country and --pue"
        )
    return found


def intensity_at(
    place: CloudPlace, basis: str = LIFECYCLE, *, year: int | None = None, mine: Path | None = None
) -> Intensity:
    """The yearly figure for a region: the provider's own, else the subregion's, else the country's.

    A finer figure that is older than STALE_YEARS gives way to a newer one. Raises RefusedError when no figure
    on this basis is known.
    """
    own = place.region if place.provider == "google" and not place.moved else ""
    zones = (place.zone, own, place.subregion, place.country)
    found = []
    refusal: RefusedError | None = None
    for zone in filter(None, zones):
        try:
            found.append(yearly(zone, basis, year=year, mine=mine))
        except RefusedError as error:
            refusal = error
    if not found:
        raise refusal or RefusedError(f"no intensity is known at {place.label}: give one with --intensity")
    wanted = year or max(one.year or 0 for one in found)
    fresh = [one for one in found if abs(wanted - (one.year or 0)) <= STALE_YEARS]
    best = (fresh or found)[0]
    said = f"by its {'cloud region' if place.provider else 'site'} ({place.label})"
    inventory = CLOUD if place.provider else best.inventory
    return replace(best, inventory=inventory, note=f"{best.note}; {said}" if best.note else said)


def _places(rows: list[dict[str, str]], own: str, older: Older) -> tuple[CloudPlace, ...]:
    return tuple(_place(row, number, own, older) for number, row in enumerate(rows, start=1))


def _place(row: dict[str, str], number: int, own: str, older: Older) -> CloudPlace:
    share = number_in(row, "carbon_free_share", TABLE, number) if row["carbon_free_share"] else None
    if share is not None and not 0 <= share <= 1:
        raise ConfigError(f"{TABLE}.csv", f"row {number}", f"carbon_free_share is {share:g}, not 0 to 1")
    pue_year = int(number_in(row, "pue_year", TABLE, number)) if row["pue"] else None
    pue = _pue(row, number, pue_year, own, TABLE) if row["pue"] else None
    return CloudPlace(
        provider=row["provider"],
        region=row["region"],
        name=row["name"],
        country=row["country"],
        subregion=row["subregion"],
        pue=pue,
        pue_year=pue_year,
        carbon_free_share=share,
        carbon_free_year=int(row["carbon_free_year"]) if row["carbon_free_year"] else None,
        place_source=row["place_source"],
        pue_source=row["pue_source"],
        electricity_maps_zone=row.get("electricity_maps_zone", ""),
        watttime_region=row.get("watttime_region", ""),
        years=_years(row, pue, pue_year, older),
    )


def _years(row: dict[str, str], pue: Pue | None, year: int | None, older: Older) -> tuple[YearPue, ...]:
    """A region's own years; those of the provider's mean where no more is known of the region."""
    if pue is None or year is None:
        return ()
    scope = row["pue_scope"]
    found = {one.year: one for one in older.get((row["provider"], "", scope), ()) if scope == "provider"}
    for (provider, region, _), rows in older.items():
        if (provider, region) == (row["provider"], row["region"]):
            found |= {one.year: one for one in rows}
    found[year] = YearPue(year, pue, row["pue_source"])
    return tuple(found[at] for at in sorted(found) if at <= year)


def _pue(row: dict[str, str], number: int, year: int | None, own: str, table: str) -> Pue:
    value = number_in(row, "pue", table, number)
    try:
        said, error = PUE_SCOPES[row["pue_scope"]]
        check_pue(value)
    except KeyError:
        known = ", ".join(PUE_SCOPES)
        problem = f"pue_scope is {row['pue_scope']!r}; known: {known}"
        raise ConfigError(f"{table}.csv", f"row {number}", problem) from None
    except RefusedError as refusal:
        raise ConfigError(f"{table}.csv", f"row {number}", str(refusal)) from None
    provider = PROVIDERS.get(row["provider"], row["provider"])
    return Pue(
        value=value,
        kind="provider_year",
        relative_error=error,
        source=f"{provider}, {said}, {year}{own}",
    )
