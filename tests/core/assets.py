"""Lines of an inventory for tests: numbers that can be checked in the head."""

from __future__ import annotations

from typing import Any

from wattmark.core.inventory import HOUR_US, Asset

START = 1_793_534_400_000_000
"""2026-11-01T12:00:00Z, when tests.builders.a_run begins."""


def an_asset(**changes: Any) -> Asset:
    """A machine of 1 kg, in service since ten hours before START, for 100 hours."""
    fields: dict[str, Any] = {
        "name": "server-1",
        "component": "machine",
        "hosts": frozenset({"h" * 16}),
        "total_grams": 1000.0,
        "relative_error": 0.5,
        "contains": frozenset({"cpu", "dram", "chassis"}),
        "purchased_us": START - 20 * HOUR_US,
        "start_us": START - 10 * HOUR_US,
        "lifespan_hours": 100.0,
        "source": "sheet",
        "place": "devices.csv:2",
    }
    return Asset(**{**fields, **changes})


def gpus(**changes: Any) -> Asset:
    """Four GPUs of 100 g each in that machine."""
    fields: dict[str, Any] = {
        "name": "gpus",
        "component": "gpu",
        "quantity": 4.0,
        "total_grams": 100.0,
        "contains": frozenset({"gpu"}),
        "place": "devices.csv:3",
    }
    return an_asset(**{**fields, **changes})
