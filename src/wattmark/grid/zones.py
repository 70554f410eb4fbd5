"""Names of grid zones: codes as the tables have them, other codes and names that mean the same."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache

from wattmark import tables

COUNTRIES = "grid/countries"
ALIASES: Mapping[str, str] = {
    "UK": "GBR",
    "GREAT BRITAIN": "GBR",
    "EL": "GRC",
    "US": "USA",
    "EUROPEAN UNION": "EU",
    "EU27": "EU",
    "EU-27": "EU",
}
"""Codes that people and statistics offices use, which ISO 3166 does not have."""
CLOSEST = 3


@cache
def countries() -> Mapping[str, str]:
    """ISO 3166 alpha-3 -> name."""
    return {row["iso3"]: row["name"] for row in tables.rows(COUNTRIES)}


@cache
def alpha2(iso3: str) -> str | None:
    """ISO 3166 alpha-2 of an alpha-3 code; None for a code that is none."""
    wanted = iso3.strip().upper()
    return next((row["iso2"] for row in tables.rows(COUNTRIES) if row["iso3"] == wanted), None)


@cache
def _other_names() -> Mapping[str, str]:
    found = {}
    for row in tables.rows(COUNTRIES):
        found[row["name"].upper()] = row["iso3"]
        found[row["iso2"]] = row["iso3"]
    return {**found, **ALIASES}


def meant(text: str, known: Iterable[str]) -> str | None:
    """The zone among the known ones that a text means; None when it means none.

    A zone's own code goes first, in any case; then ISO 3166 alpha-2, the English name, usual other codes.
    """
    wanted = text.strip().upper()
    codes = {code.upper(): code for code in known}
    if wanted in codes:
        return codes[wanted]
    other = _other_names().get(wanted, "")
    return codes.get(other)


def closest(text: str, named: Mapping[str, str]) -> str:
    """The zones whose code or name is most like a text, as a message lists them; "" for none."""
    wanted = text.strip().upper()
    if not wanted:
        return ""
    exact = meant(text, named)
    if exact is not None:
        return f"{exact} ({named[exact]})"
    words = {code.upper(): code for code in named} | {name.upper(): code for code, name in named.items()}
    found = [words[word] for word in difflib.get_close_matches(wanted, words, n=2 * CLOSEST, cutoff=0.6)]
    return ", ".join(f"{code} ({named[code]})" for code in [*dict.fromkeys(found)][:CLOSEST])
