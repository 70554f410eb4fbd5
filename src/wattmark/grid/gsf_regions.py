"""Cloud_Region_Metadata.csv of the Green Software Foundation, as a user has downloaded it, into our columns.

Repository: https://github.com/Green-Software-Foundation/real-time-cloud. Its data grants no licence to
pass it on, so nothing of it is shipped. What it says of a region goes over our own row where it is as new;
what it leaves empty stays ours.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.errors import ConfigError

FILE = "Cloud_Region_Metadata.csv"
LICENCE = "Green Software Foundation, real-time-cloud: all rights reserved, as is; not to be passed on"
SOURCE = "Green Software Foundation, Cloud_Region_Metadata.csv"
NEEDED = (
    "year",
    "cloud-provider",
    "cloud-region",
    "em-zone-id",
    "wt-region-id",
    "location",
    "provider-cfe-hourly",
    "power-usage-effectiveness",
)
PROVIDERS: Mapping[str, str] = {
    "Amazon Web Services": "aws",
    "Google Cloud": "google",
    "Microsoft Azure": "azure",
    "Oracle Cloud Infrastructure": "oracle",
}
SCOPES: Mapping[str, str] = {"azure": "geography"}
"""Azure publishes by geography or continent; others by region."""
MORE = ("electricity_maps_zone", "watttime_region")
PUE_HEADS = ("provider", "region", "year", "pue", "pue_scope", "pue_source")
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Converted:
    """Two tables in our columns, and what was left out."""

    regions: bytes
    pues: bytes
    left_out: tuple[str, ...]
    """Regions without a country that can be told."""


def converted(text: str, ours: Sequence[Row], countries: Mapping[str, str]) -> Converted:
    """The file in the columns of ``cloud_regions`` and ``cloud_pue``.

    ``ours`` are the rows of our own table, ``countries`` tell alpha-3 codes by alpha-2. Raises ConfigError
    that names the line and the column.
    """
    told = _rows(text)
    known = {(row["provider"], row["region"]): dict(row) for row in ours}
    found = {key: {**row, **dict.fromkeys(MORE, "")} for key, row in known.items()}
    left: dict[str, None] = {}
    pues: list[tuple[str, ...]] = []
    for line, row in sorted(told, key=lambda one: int(one[1]["year"])):  # the newest last: it stays
        provider = PROVIDERS.get(row["cloud-provider"], row["cloud-provider"].strip().lower())
        key = provider, row["cloud-region"].strip().lower()
        if key not in found:
            country = countries.get(row["em-zone-id"][:2].upper(), "")
            if not country:
                left[f"{row['cloud-provider']} {key[1]}"] = None
                continue
            found[key] = _new(key, row, country)
        if pue := _pue(row, line, provider):
            pues.append((*key, row["year"], *pue))
        _put(found[key], row, line, pue)
    heads = tuple(next(iter(found.values())))
    regions = [tuple(row[head] for head in heads) for row in found.values()]
    return Converted(_text(heads, regions), _text(PUE_HEADS, pues), tuple(left))


def _new(key: tuple[str, str], row: Row, country: str) -> dict[str, str]:
    provider, region = key
    return {
        "provider": provider,
        "region": region,
        "name": row["location"].strip() or region,
        "country": country,
        "subregion": "",
        "pue": "",
        "pue_year": "",
        "pue_scope": "",
        "carbon_free_share": "",
        "carbon_free_year": "",
        "place_source": f"{SOURCE} (country of its Electricity Maps zone {row['em-zone-id']})",
        "pue_source": "",
        **dict.fromkeys(MORE, ""),
    }


def _pue(row: Row, line: int, provider: str) -> tuple[str, str, str] | None:
    """Value, scope and source; None where the cell is empty."""
    value = row["power-usage-effectiveness"].strip()
    if not value:
        return None
    _number(value, line, "power-usage-effectiveness", 1.0, 1000.0)
    return value, SCOPES.get(provider, "region"), f"{SOURCE} ({row['year']})"


def _put(mine: dict[str, str], row: Row, line: int, pue: tuple[str, str, str] | None) -> None:
    year = row["year"]
    if pue is not None and year >= mine["pue_year"]:
        mine.update(pue=pue[0], pue_year=year, pue_scope=pue[1], pue_source=pue[2])
    if share := row["provider-cfe-hourly"].strip():
        _number(share, line, "provider-cfe-hourly", 0.0, 1.0)
        if year >= mine["carbon_free_year"]:
            mine.update(carbon_free_share=share, carbon_free_year=year)
    for ours, theirs in zip(MORE, ("em-zone-id", "wt-region-id"), strict=True):
        mine[ours] = row[theirs].strip() or mine[ours]


def _rows(text: str) -> list[tuple[int, Row]]:
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    lacking = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if lacking:
        problem = f"lacks {', '.join(lacking)}: is it {FILE} of {SOURCE.partition(',')[0]}?"
        raise ConfigError(FILE, "line 1", problem)
    found: list[tuple[int, Row]] = []
    for row in reader:
        line = reader.line_num
        if None in row or None in row.values():
            raise ConfigError(FILE, f"line {line}", "has more or fewer cells than the header")
        _number(row["year"], line, "year", 1990, 2200)
        found.append((line, row))
    return found


def _number(text: str, line: int, column: str, least: float, most: float) -> None:
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(FILE, f"line {line}", f"{column} is {text!r:.40}, not a number") from None
    if not least <= value <= most:
        raise ConfigError(FILE, f"line {line}", f"{column} is {value:g}, not {least:g} to {most:g}")


def _text(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return out.getvalue().encode()
