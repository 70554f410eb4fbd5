"""``wattmark grid zones`` and ``wattmark grid sources``: what is known without asking anybody."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii
from wattmark.core.carbon import BASES, Intensity
from wattmark.core.errors import UsageError
from wattmark.grid.places import PROVIDERS, CloudPlace, cloud_places
from wattmark.grid.yearly import WORLD, YearlyRow, yearly_rows
from wattmark.grid.zones import closest, meant
from wattmark.reports.as_json import document
from wattmark.reports.as_text import bar, table
from wattmark.wiring.places import tables_folder

BAR = 8
"""Columns of the bars beside figures."""


@click.command()
@click.argument("text", required=False)
@click.option("--source", metavar="PROVIDER", help="Those of a live provider, which is asked for them.")
@click.option("--signal", help="Of WattTime: co2_moer or co2_aoer.")
@click.option("--base-url", "base", metavar="URL", help="Ask another address, such as a proxy.")
@click.option("--regions", is_flag=True, help="Cloud regions only, with the sources of their rows.")
@json_option
def zones(
    text: str | None, source: str | None, signal: str | None, base: str | None, regions: bool, as_json: bool
) -> None:
    """List zones and cloud regions whose code, name or country holds TEXT, with their newest figures.

    Lifecycle and direct figures stand apart: they are never compared or added, and Scope 2 wants direct ones.
    """
    if source is not None:
        _of_provider(source, signal, base, text, as_json=as_json)
        return
    mine = tables_folder()
    found = _by_zone(yearly_rows(mine))
    places = cloud_places(mine)
    if text is not None:
        named = {zone: rows[0].name for zone, rows in found.items()} | {p.region: p.name for p in places}
        code = meant(text, named)
        found = {z: rows for z, rows in found.items() if _holds(text, z, rows[0].name) or z == code}
        places = tuple(p for p in places if _holds(text, p.provider, p.region, p.name) or p.country == code)
        if not found and not places:
            near = closest(text, named)
            raise UsageError(f"no zone or region is like {text!r}{f'; perhaps {near}' if near else ''}")
    if regions:
        found = {}
        if not places:
            raise UsageError(f"no cloud region is like {text!r}: without --regions, zones are searched too")
    if as_json:
        body = {
            "zones": [_zone_body(zone, rows) for zone, rows in sorted(found.items())],
            "regions": [_place_body(p) for p in places],
        }
        click.echo(document("grid-zones", 1, body))
        return
    if found:
        shown = ("zone", "name", "what", "g/kWh lifecycle", "", "source", "g/kWh direct", "", "source")
        tops = _tops(found.values())
        click.echo(table(shown, [_zone_row(zone, rows, tops) for zone, rows in sorted(found.items())]))
    if places:
        click.echo(f"{chr(10) if found else ''}Cloud regions")
        heads = ("region", "provider", "place", "country", "subregion", "PUE", "carbon-free share")
        click.echo(table(heads, [_place_row(p) for p in places]))
    if regions:
        click.echo("\nSources")
        for said, count in Counter(s for p in places for s in (p.place_source, p.pue_source) if s).items():
            click.echo(f"  {said}: {count} of {len(places)} regions")


def _of_provider(
    source: str, signal: str | None, base: str | None, text: str | None, *, as_json: bool
) -> None:
    from wattmark.grid.catalog import Asked
    from wattmark.wiring.grid import zones_of

    told = zones_of(Asked(name=source, signal=signal, base=base), os.environ)
    found = {code: name for code, name in told.items() if text is None or _holds(text, code, name)}
    if not found:
        near = ", ".join(difflib.get_close_matches((text or "").upper(), told, n=3))
        raise UsageError(f"{source} has no zone like {text!r}{f'; perhaps {near}' if near else ''}")
    if as_json:
        rows = [{"zone": code, "name": name or None} for code, name in found.items()]
        click.echo(document("grid-provider-zones", 1, {"provider": source, "zones": rows}))
    else:
        click.echo(table(("zone", "name"), list(found.items())))


@click.command()
@json_option
def sources(as_json: bool) -> None:
    """List the tables that are built in or your own, and the providers that can be asked."""
    from wattmark.grid.catalog import PROVIDERS as LIVE

    mine = tables_folder()
    found = _sources(mine)
    if as_json:
        live = [
            {
                "provider": name,
                "signals": list(row.signals),
                "forecasts": row.forecasts,
                "keys": list(row.keys),
                "what": row.text,
            }
            for name, row in LIVE.items()
        ]
        click.echo(document("grid-sources", 1, {"tables": found, "live": live}))
        return
    every = [year for one in found for year in one["years"]]
    heads = ("source", "zones of", "basis", "years", _axis(every), "zones", "whose", "licence")
    rows = [
        (
            one["source"],
            one["what"],
            ", ".join(one["bases"]),
            _span(one["years"]),
            _drawn(one["years"], every),
            one["zones"],
            "own" if one["own"] else "shipped",
            one["licence"],
        )
        for one in found
    ]
    click.echo(table(heads, rows))
    click.echo("\nLive, asked only when a command names one")
    asked = [
        (name, row.text, ", ".join(row.signals), ", ".join(row.keys) or "none needed")
        for name, row in LIVE.items()
    ]
    click.echo(table(("provider", "what", "signals", "keys"), asked))
    click.echo(
        "\nUsed in this order, the finest zone first: what you state, a live source, these tables; then "
        "an error. The world's mean is used on request only."
    )


def _axis(every: Sequence[int]) -> str:
    """The head of a line of years, one character for each: ``2019..26``."""
    return f"{min(every)}..{max(every) % 100:02d}" if every else ""


def _drawn(years: Sequence[int], every: Sequence[int]) -> str:
    """A mark for each year that there is, a dot for each that there is not."""
    mark, gap = ("#", ".") if only_ascii() else ("█", "·")
    return "".join(mark if year in years else gap for year in range(min(every), max(every) + 1))


def _sources(mine: Path) -> list[dict[str, Any]]:
    from wattmark import tables

    grouped: dict[str, list[YearlyRow]] = {}
    for row in yearly_rows(mine):
        grouped.setdefault(row.table.name, []).append(row)
    return [
        {
            "table": name,
            "source": rows[0].intensity.source,
            "what": rows[0].table.what,
            "bases": sorted({row.intensity.basis for row in rows}),
            "years": sorted({row.intensity.year for row in rows if row.intensity.year}),
            "zones": len({row.zone for row in rows}),
            "own": rows[0].own,
            "licence": tables.meta(name, mine if rows[0].own else None).licence,
        }
        for name, rows in grouped.items()
    ]


def _span(years: Sequence[int]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"


def _by_zone(rows: Iterable[YearlyRow]) -> dict[str, list[YearlyRow]]:
    """Zone -> its figures: of the table that is used first, the newest first."""
    found: dict[str, list[YearlyRow]] = {}
    for row in rows:
        if row.zone != WORLD:
            found.setdefault(row.zone, []).append(row)
    for ours in found.values():
        order = list(dict.fromkeys(row.table.name for row in ours))
        ours.sort(key=lambda row: (order.index(row.table.name), -(row.intensity.year or 0)))
    return found


def _holds(text: str, *words: str) -> bool:
    return any(text.strip().casefold() in word.casefold() for word in words)


def _newest(rows: Sequence[YearlyRow], basis: str) -> Intensity | None:
    return next((row.intensity for row in rows if row.intensity.basis == basis), None)


def _tops(zones: Iterable[Sequence[YearlyRow]]) -> dict[str, float]:
    """Basis -> the highest figure that is shown; bars of two bases have scales of their own."""
    shown = [(basis, _newest(rows, basis)) for rows in zones for basis in BASES]
    known = [(basis, one.grams_per_kwh) for basis, one in shown if one is not None]
    return {basis: max((g for b, g in known if b == basis), default=0.0) for basis in BASES}


def _zone_row(zone: str, rows: Sequence[YearlyRow], tops: Mapping[str, float]) -> tuple[str, ...]:
    cells = [zone, rows[0].name, rows[0].table.what]
    for basis in BASES:
        one = _newest(rows, basis)
        drawn = "" if one is None else bar(one.grams_per_kwh / tops[basis], BAR, ascii_only=only_ascii())
        cells += [f"{one.grams_per_kwh:g}", drawn, f"{one.source} {one.year}"] if one else ["", "", ""]
    return tuple(cells)


def _zone_body(zone: str, rows: Sequence[YearlyRow]) -> dict[str, Any]:
    newest = [one for basis in BASES if (one := _newest(rows, basis))]
    return {
        "zone": zone,
        "name": rows[0].name,
        "what": rows[0].table.what,
        "figures": [
            {
                "grams_per_kwh": one.grams_per_kwh,
                "accounting": one.accounting,
                "basis": one.basis,
                "granularity": one.granularity,
                "year": one.year,
                "source": one.source,
                "relative_error": one.relative_error,
                "note": one.note or None,
            }
            for one in newest
        ],
    }


def _place_row(place: CloudPlace) -> tuple[str, ...]:
    share = "" if place.carbon_free_share is None else f"{place.carbon_free_share:.0%}"
    return (
        place.region,
        PROVIDERS.get(place.provider, place.provider),
        place.name,
        place.country,
        place.subregion,
        f"{place.pue.value:g} ({place.pue_year})" if place.pue else "",
        f"{share} ({place.carbon_free_year})" if share else "",
    )


def _place_body(place: CloudPlace) -> dict[str, Any]:
    pue = place.pue
    return {
        "provider": place.provider,
        "region": place.region,
        "name": place.name,
        "country": place.country,
        "subregion": place.subregion or None,
        "place_source": place.place_source,
        "pue": None
        if pue is None
        else {
            "value": pue.value,
            "kind": pue.kind,
            "year": place.pue_year,
            "relative_error": pue.relative_error,
            "source": place.pue_source,
        },
        "pue_years": {str(one.year): one.pue.value for one in place.years},
        "electricity_maps_zone": place.electricity_maps_zone or None,
        "watttime_region": place.watttime_region or None,
        "carbon_free_share": place.carbon_free_share,
        "carbon_free_year": place.carbon_free_year,
    }
