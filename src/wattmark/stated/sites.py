"""``[[site]]``: where machines stand, their PUE over time, and what is to be said of a cloud region."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.site import PUE_KINDS, Site, SitePue, together
from wattmark.fields import Fields

KEYS = (
    "name",
    "country",
    "subregion",
    "zone",
    "region",
    "latitude",
    "longitude",
    "pue",
    "kind",
    "valid_from",
    "valid_to",
    "relative_error",
    "pue_file",
    "carbon_free_share",
    "carbon_free_year",
    "source",
)
PUE_ONLY = ("kind", "valid_from", "valid_to", "relative_error")
MOST_PUE = 1000.0


def sites(tables: Sequence[Fields], zone: tzinfo, folder: Path | None = None) -> tuple[Site, ...]:
    """The sites that tables state, one for each name; several tables may each state a part or a time.

    Days begin in ``zone``. ``folder`` is where a ``pue_file`` lies; a ledger, which finds the files of its
    sites by itself, gives none. Raises ConfigError, naming the file and the table.
    """
    found = []
    for at, table in enumerate(tables):
        found.append(_site(table, zone, folder))
        try:
            whole = together(found)
        except UsageError as error:
            raise table.refused(error) from None
        if at == len(tables) - 1:
            return whole
    return ()


def _site(table: Fields, zone: tzinfo, folder: Path | None) -> Site:
    table.only(*KEYS)
    name = table.named("name")
    source = table.text("source", "")
    latitude, longitude = _degrees(table, "latitude", 90.0), _degrees(table, "longitude", 180.0)
    if (latitude is None) != (longitude is None):
        raise table.wrong("latitude", "and longitude go together: give both, or none")
    country = table.text("country", "").strip().upper()
    if country and not (len(country) == 3 and country.isalpha()):
        raise table.wrong("country", f"must be an ISO 3166 alpha-3 code such as FRA, not {country!r:.40}")
    pues = () if _without_pue(table) else (_pue(table, name, source, zone),)
    site = Site(
        name=name,
        country=country,
        subregion=table.text("subregion", "").strip(),
        zone=table.text("zone", "").strip(),
        region=table.text("region", "").strip(),
        latitude=latitude,
        longitude=longitude,
        carbon_free_share=_share(table),
        carbon_free_year=table.whole("carbon_free_year", 1990, 2200),
        source=source,
        pues=pues,
        pue_file=_file(table, folder),
    )
    if len(table.values) == 1:
        raise ConfigError(
            table.file, table.place, f"says nothing of {name!r}: give pue, country, zone or region"
        )
    return site


def _without_pue(table: Fields) -> bool:
    if "pue" in table.values:
        return False
    for key in PUE_ONLY:
        if key in table.values:
            raise table.wrong(key, "is said of a PUE, and there is none: give `pue`, or leave it out")
    return True


def _pue(table: Fields, name: str, source: str, zone: tzinfo) -> SitePue:
    start, end = table.moment("valid_from", zone), table.moment("valid_to", zone)
    if start is not None and end is not None and end <= start:
        raise table.wrong("valid_to", "must lie after `valid_from`; it is the first moment that is not meant")
    return SitePue(
        site=name,
        start_us=start,
        end_us=end,
        pue=table.amount("pue", 1.0, MOST_PUE),
        kind=table.choice("kind", PUE_KINDS, "declared"),
        relative_error=table.amount("relative_error", 0.0, 1.0, 0.0),
        source=source,
    )


def _degrees(table: Fields, key: str, most: float) -> float | None:
    return table.amount(key, -most, most) if key in table.values else None


def _share(table: Fields) -> float | None:
    return table.amount("carbon_free_share", 0.0, 1.0) if "carbon_free_share" in table.values else None


def _file(table: Fields, folder: Path | None) -> str:
    named = table.text("pue_file", "").strip()
    if named and folder is None:
        raise table.wrong(
            "pue_file",
            "is not said in a ledger: `wattmark pue measure --into LEDGER` keeps the file where it is found",
        )
    return str(folder / named) if named and folder is not None else ""
