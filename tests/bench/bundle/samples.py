"""Evidence for tests of bundles: small, complete, with numbers that can be checked in the head."""

from __future__ import annotations

from typing import Any

from tests.builders import HOST
from wattmark.core.bench.evidence import (
    DeviceLooks,
    Evidence,
    Phase,
    PhaseName,
    QueryRecord,
    StateLook,
)
from wattmark.core.bench.pinned import DatasetPin, ModelFacts, Pinned
from wattmark.core.bench.profile import PROFILES
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import Device
from wattmark.core.units import Power

GPU = Device(
    id="GPU-1",
    component="gpu",
    source="nvml",
    method=Method.HARDWARE_COUNTER,
    grade=Grade.B,
    max_power=Power(400.0),
    relative_error=0.05,
    update_seconds=0.1,
    name="NVIDIA H100 80GB HBM3",
)
NODE = Device(
    id=f"node:{HOST.id}",
    component="node",
    source="hwmon",
    method=Method.INTEGRATED_POWER,
    grade=Grade.C,
    max_power=Power(2000.0),
    relative_error=0.1,
    boundary=Boundary.NODE,
    reads="power",
)
SECOND = 1_000_000


def head(**changes: Any) -> Evidence:
    """What is known before anything is seen."""
    fields: dict[str, Any] = {
        "id": "11111111-1111-4111-8111-111111111111",
        "started_at": "2026-11-01T12:00:00.000000Z",
        "profile": PROFILES["quick"],
        "pinned": Pinned(
            task="text_classification",
            dataset=DatasetPin(
                name="synthetic/text_classification",
                revision="1",
                sha256="a" * 64,
                rows=2,
                synthetic=True,
            ),
            queries=2,
            seed=7,
        ),
        "model": ModelFacts(id="example/tiny", parameters=1000, random_weights=True),
        "host": HOST,
        "devices": (GPU, NODE),
        "looks": (),
        "period_us": SECOND,
        "phases": (),
        "queries": (),
        "hardware": ("NVIDIA H100 80GB HBM3",),
        "environment": {"python": "3.11", "driver": "570"},
        "simulated": True,
    }
    return Evidence(**{**fields, **changes})


def phases() -> tuple[Phase, ...]:
    """Idle for 2 s, warm-up for 2 s, three repeats of 2 s each, idle for 2 s."""
    found = [
        Phase(name=PhaseName.IDLE_BEFORE, start_us=0, end_us=2 * SECOND),
        Phase(name=PhaseName.WARM_UP, start_us=2 * SECOND, end_us=4 * SECOND),
    ]
    found += [
        Phase(
            name=PhaseName.MEASURE,
            repeat=repeat,
            start_us=(4 + 2 * repeat) * SECOND,
            end_us=(6 + 2 * repeat) * SECOND,
            rated=True,
        )
        for repeat in range(3)
    ]
    return (*found, Phase(name=PhaseName.IDLE_AFTER, start_us=10 * SECOND, end_us=12 * SECOND))


def queries() -> tuple[QueryRecord, ...]:
    """Two queries of a second each in every repeat; every first one right."""
    return tuple(
        QueryRecord(
            repeat=repeat,
            turn=0,
            index=index,
            start_us=(4 + 2 * repeat + index) * SECOND,
            end_us=(5 + 2 * repeat + index) * SECOND,
            input_tokens=12,
            score=1.0 - index,
            output_sha256="b" * 64,
        )
        for repeat in range(3)
        for index in range(2)
    )


def evidence(**changes: Any) -> Evidence:
    """A GPU at 100 W by its counter and a machine at 300 W by its sensor, whose reading at 3 s failed."""
    fields: dict[str, Any] = {
        "looks": (
            DeviceLooks(
                device_id=GPU.id,
                at_us=tuple(s * SECOND for s in range(13)),
                energy_uj=tuple(s * 100 * SECOND for s in range(13)),
            ),
            DeviceLooks(
                device_id=NODE.id,
                at_us=tuple(s * SECOND for s in range(13)),
                watts=tuple(None if s == 3 else 300.0 for s in range(13)),
                gaps={"3": "the sensor did not answer"},
            ),
        ),
        "phases": phases(),
        "queries": queries(),
        "states": (
            StateLook(device_id=GPU.id, at_us=4 * SECOND, celsius=50.0, throttle_known=True),
            StateLook(device_id=GPU.id, at_us=10 * SECOND, celsius=60.0, throttle_known=True),
        ),
    }
    return head(**{**fields, **changes})
