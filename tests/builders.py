"""Records for tests: complete, small, and with numbers that can be checked in the head."""

from __future__ import annotations

from typing import Any

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import EnergyRow, Host, Run, SourceId, Status

HOST = Host(id="h" * 16, fingerprint="f" * 16, boot_id="b" * 16)


def a_row(**changes: Any) -> EnergyRow:
    """90 J of one CPU package over 10 s, fully observed, from a hardware counter."""
    fields: dict[str, Any] = {
        "device_id": f"cpu:{HOST.id}/package-0",
        "component": "cpu",
        "t0_seconds": 0.0,
        "duration_seconds": 10.0,
        "energy_joules": 90.0,
        "observed_seconds": 10.0,
        "method": Method.HARDWARE_COUNTER,
        "boundary": Boundary.DEVICE,
        "grade": Grade.B,
        "errors": {f"rapl:{HOST.id}:gain": 0.05},
        "source": SourceId(name="rapl", version="1"),
        "max_watts": 100.0,
    }
    return EnergyRow(**{**fields, **changes})


def a_run(**changes: Any) -> Run:
    """A closed run of 10 s that holds one row of 90 J."""
    fields: dict[str, Any] = {
        "record_id": "00000000-0000-4000-8000-000000000001",
        "status": Status.CLOSED,
        "started_at": "2026-11-01T12:00:00.000000Z",
        "started_monotonic_seconds": 1000.0,
        "duration_seconds": 10.0,
        "host": HOST,
        "energies": (a_row(),),
    }
    return Run(**{**fields, **changes})
