"""Yearly intensity by country from the bundled Ember table: offline, sourced, lifecycle basis."""

from __future__ import annotations

from wattmark import tables
from wattmark.core.carbon import Intensity
from wattmark.core.errors import RefusedError

TABLE = "ember_yearly_country"
YEARLY_RELATIVE_ERROR = 0.10
"""A yearly mean stands for hours that differ; 10 % is our allowance for the factor itself."""
WORLD = "WORLD"


def country_intensity(country: str) -> Intensity:
    """The yearly mean of one country by ISO 3166 alpha-3 code. Raises RefusedError for an unknown one."""
    wanted = country.strip().upper()
    for row in tables.rows(TABLE):
        if wanted and row["iso3"] == wanted:
            if float(row["gco2e_per_kwh"]) <= 0:
                raise RefusedError(
                    f"{row['source']} prints {row['gco2e_per_kwh']} gCO2e/kWh for {row['name']}, and no grid "
                    "is at zero over its life cycle: give a figure with --intensity (gCO2e/kWh)"
                )
            return _intensity(row, "")
    raise RefusedError(
        f"no grid intensity is known for {country!r}: give an ISO 3166 alpha-3 code such as FRA, "
        "a figure with --intensity (gCO2e/kWh), or ask for --world-average"
    )


def world_intensity() -> Intensity:
    """The world mean, only ever on request and always flagged."""
    for row in tables.rows(TABLE):
        if not row["iso3"] and row["name"] == "World":
            return _intensity(row, "world average: the place is not known")
    raise RefusedError("the bundled table holds no world average: give --intensity (gCO2e/kWh)")


def _intensity(row: dict[str, str], note: str) -> Intensity:
    return Intensity(
        grams_per_kwh=float(row["gco2e_per_kwh"]),
        zone=row["iso3"] or WORLD,
        accounting="location",
        basis="lifecycle",
        granularity="year",
        source=f"{row['source']} yearly",
        year=int(row["year"]),
        relative_error=YEARLY_RELATIVE_ERROR if not note else 0.5,
        note=note,
    )
