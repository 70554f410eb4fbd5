"""Parts of a ledger's totals for tests: numbers that can be checked in the head."""

from __future__ import annotations

from typing import Any

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.known import Grade
from wattmark.core.parts import Group, HowKnown, Part

FRANCE = Intensity(grams_per_kwh=36.0, zone="FRA", source="table", year=2025, relative_error=0.1)
POLAND = Intensity(grams_per_kwh=720.0, zone="POL", source="table", year=2025, relative_error=0.1)
KWH = 3_600_000_000_000
"""Microjoules in a kilowatt-hour."""
SECOND = 1_000_000


def how(known_id: str = "k1", **changes: Any) -> HowKnown:
    """A hardware counter of grade B with 5 % of gain error."""
    fields: dict[str, Any] = {
        "known_id": known_id,
        "grade": Grade.B,
        "errors": {f"rapl:{known_id}:gain": 0.05},
        "source": "rapl 1",
    }
    return HowKnown(**{**fields, **changes})


def a_part(
    kwh: float = 1.0, intensity: Intensity | None = None, pue: Pue | None = None, **changes: Any
) -> Part:
    """One kWh of a node, fully observed for an hour; its weighted sums fit its factors."""
    fields: dict[str, Any] = {
        "known": how(),
        "component": "node",
        "stage": "training",
        "reach": 1,
        "energy_uj": round(kwh * KWH),
        "observed_us": 3600 * SECOND,
    }
    fields |= changes
    used = fields["energy_uj"] + fields.get("gap_uj", 0)
    times = pue.value if pue else 1.0
    grams = intensity.grams_per_kwh if intensity else 0.0
    fields |= {"by_pue": used * times, "by_grid": used * grams, "by_both": used * times * grams}
    return Part(intensity=intensity, pue=pue, **fields)


def a_group(*parts: Part, **changes: Any) -> Group:
    """A group of these parts."""
    return Group(group={"team": "a"}, parts=parts, **changes)
