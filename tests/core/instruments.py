"""Instruments and loads for tests: whole hours, numbers that can be checked in the head."""

from __future__ import annotations

from typing import Any

from wattmark.core.instruments import HOUR_US, Instrument, ResidualMix
from wattmark.core.market import Year

YEARS = (Year("2026", 0, 1000 * HOUR_US), Year("2027", 1000 * HOUR_US, 2000 * HOUR_US))
"""Years of a thousand hours."""


def hours(*kwh: float, first: int = 0) -> dict[int, float]:
    """Hour after hour, kWh."""
    return {(first + n) * HOUR_US: one for n, one in enumerate(kwh)}


def an_instrument(name: str = "wind", **changes: Any) -> Instrument:
    """A contract for a plant in the EU over the first year; say kwh, hours or share."""
    fields: dict[str, Any] = {
        "id": name,
        "kind": "ppa",
        "market": "EU",
        "start_us": 0,
        "end_us": 1000 * HOUR_US,
        "renewable": True,
    }
    return Instrument(**{**fields, **changes})


def a_mix(grams: float = 500.0, **changes: Any) -> ResidualMix:
    """The residual mix of the EU over the first year."""
    fields: dict[str, Any] = {
        "market": "EU",
        "start_us": 0,
        "end_us": 1000 * HOUR_US,
        "grams_per_kwh": grams,
        "source": "issuing bodies",
        "year": 2026,
    }
    return ResidualMix(**{**fields, **changes})
