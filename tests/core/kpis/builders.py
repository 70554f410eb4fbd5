"""Facts for KPI tests, in round numbers: 1 kWh, PUE 1.5, 100 g/kWh, 100 inferences."""

from __future__ import annotations

from typing import Any

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.facts import Embodied, Facts, Operations, PeakHardware, Renewables, WorkDone
from wattmark.core.figure import Figure, exact
from wattmark.core.known import Grade
from wattmark.core.kpis import CATALOG
from wattmark.core.run import Dataset, Utilisation

KWH = 3.6e6
GAIN = "rapl:h:gain"


def joules(value: float = KWH, *, boundary: str = "node", gain: float = 0.05, **terms: str) -> Figure:
    """An energy with one meter's gain as its only error, at grade B."""
    return Figure(
        value=value,
        unit="J",
        errors={GAIN: value * gain},
        grades={Grade.B: value},
        terms={"boundary": boundary, "scope": "whole", "attribution_rule": "whole_device", **terms},
        sources=("rapl 1",),
    )


def done(unit: str, count: float, **more: Any) -> dict[str, WorkDone]:
    """Work of one unit."""
    return {unit: WorkDone(unit=unit, count=count, **more)}


def some_facts(**changes: Any) -> Facts:
    """1 kWh of inference at node boundary for 100 inferences, PUE 1.5, 100 g/kWh."""
    energy = changes.pop("energy", joules())
    stages = {"inference": energy} if isinstance(energy, Figure) else {}
    given: dict[str, Any] = {
        "energy": energy,
        "energy_by_stage": stages,
        "work": done("inferences", 100),
        "functional_unit": "inferences",
        "pue": Pue(value=1.5).figure(),
        "intensity": Intensity(grams_per_kwh=100, zone="XX", source="table").figure(),
    }
    return Facts(**{**given, **changes})


def of(kpi_id: str, facts: Facts) -> Any:
    """The answer of one KPI of the catalog."""
    return CATALOG[kpi_id].of(facts)


EMBODIED = Embodied(total_grams=1000.0, lifespan_hours=100.0, reserved_hours=10.0, source="maker")
"""1 kg over 100 h, of which 10 h are reserved for this work: 100 g."""

PEAK = PeakHardware(name="X1", flops_per_second=1000.0, tdp_watts=10.0, precision="bf16", source="sheet")
"""1000 FLOP/s at 10 W: 100 FLOP/J."""

RENEWABLES = Renewables(load_kwh={"A": (2.0, 2.0)}, generation_kwh={"A": (4.0, 1.0)})
"""4 kWh of load: over the period all of it is covered, by the hour 3 kWh."""

OPERATIONS = Operations(
    latency_p95_seconds=0.0,
    own_cpu_seconds=0.0,
    workload_cpu_seconds=10.0,
    manual_steps=0,
    declared_share=0.0,
)
"""Nothing lost: 100 points."""

TRAINING_STAGES = {"training": joules(8 * KWH), "inference": joules(2 * KWH)}


def full_facts(**changes: Any) -> Facts:
    """Facts in which every KPI of the catalog has a figure."""
    given: dict[str, Any] = {
        "energy": joules(10 * KWH),
        "energy_by_stage": TRAINING_STAGES,
        "condition": "accuracy>=0.9",
        "reached": True,
        "work": {
            **done("inferences", 100),
            **done("flop", 1e12, precision="fp32"),
            **done("outcomes", 2),
        },
        "quality": exact(0.8, "1", quality="accuracy"),
        "quality_name": "accuracy",
        "task": "digits",
        "lifetime_inferences": 1000.0,
        "embodied": EMBODIED,
        "peak": PEAK,
        "dataset": Dataset(unique_bytes=10**12),
        "utilisation": (
            Utilisation(component="gpu", signal="sm_activity", mean=0.7, windows_300s=(0.7,) * 12),
        ),
        "device_hours": 4.0,
        "renewables": RENEWABLES,
        "operations": OPERATIONS,
        **changes,
    }
    return some_facts(**given)
