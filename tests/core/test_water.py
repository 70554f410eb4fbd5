"""Figures of water: which there are, and which cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.water import WaterFactor

SITE = WaterFactor(place="lab", where="site", kind="usage", litres_per_kwh=0.5, source="meters")


def test_on_site_goes_by_the_machines_and_source_by_the_facility() -> None:
    """WUE is per kWh of the machines; a power plant's litres are per kWh that the building takes."""
    assert (SITE.rate.meter, SITE.rate.kind, SITE.rate.unit) == ("it", "water site usage", "L")
    plants = replace(SITE, where="source", kind="withdrawal")
    assert (plants.rate.meter, plants.rate.kind) == ("facility", "water source withdrawal")
    assert dict(plants.rate.terms) == {"water": "source", "water_kind": "withdrawal"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"where": "sea"}, "no place of water"),
        ({"kind": "waste"}, "no kind of water"),
        ({"where": "source"}, "is consumption or withdrawal"),
        ({"litres_per_kwh": -1.0}, "is impossible"),
        ({"litres_per_kwh": 5000.0}, "check the unit"),
        ({"litres_per_kwh": float("nan")}, "is impossible"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    """With what it should be."""
    with pytest.raises(UsageError, match=said):
        replace(SITE, **change)  # type: ignore[arg-type]
