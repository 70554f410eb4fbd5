"""Facts and KPIs for the tests of scores and gates: numbers that can be checked in the head."""

from __future__ import annotations

from typing import Any

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.facts import Facts, WorkDone
from wattmark.core.figure import Figure, Missing, exact
from wattmark.core.known import Grade
from wattmark.core.kpis import Better, Kpi
from wattmark.core.units import JOULES_PER_KWH


def joules(value: float, gain: float = 0.05, *, source: str = "meter:gain", **changes: Any) -> Figure:
    """An energy at node boundary from one meter of grade B, 5 % uncertain, all observed."""
    fields: dict[str, Any] = {
        "value": value,
        "unit": "J",
        "errors": {source: value * gain},
        "grades": {Grade.B: value},
        "terms": {"boundary": "node", "scope": "whole", "attribution_rule": "whole_device"},
    }
    return Figure(**{**fields, **changes})


def a_facts(energy: float | Figure | Missing = 3.6e6, **changes: Any) -> Facts:
    """1 kWh, 1000 inferences, accuracy 0.9, PUE 1.2, 100 g/kWh."""
    fields: dict[str, Any] = {
        "energy": joules(energy) if isinstance(energy, float) else energy,
        "duration_seconds": 100.0,
        "work": {"inferences": WorkDone(unit="inferences", count=1000.0)},
        "functional_unit": "inferences",
        "quality": exact(0.9, "1", quality="accuracy"),
        "quality_name": "accuracy",
        "pue": Pue(value=1.2).figure(),
        "intensity": Intensity(grams_per_kwh=100.0, zone="FRA", source="test").figure(),
        "task": "digits",
    }
    return Facts(**{**fields, **changes})


def energy_kpi(facts: Facts) -> Figure | Missing:
    """The energy in kWh, whatever the outcome."""
    return (
        facts.energy if isinstance(facts.energy, Missing) else facts.energy.scaled(1 / JOULES_PER_KWH, "kWh")
    )


ENERGY = Kpi(id="energy", title="Energy", unit="kWh", better=Better.LOWER, formula="E", of=energy_kpi)
QUALITY = Kpi(
    id="quality", title="Quality", unit="1", better=Better.HIGHER, formula="Q", of=lambda f: f.quality
)
SMALL_CATALOG = {"energy": ENERGY, "quality": QUALITY}
