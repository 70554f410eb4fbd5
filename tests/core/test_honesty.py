"""The shortest window that deserves trust follows the rules for valid results."""

from __future__ import annotations

from typing import Any

import pytest

from wattmark.core.honesty import honest_window
from wattmark.core.known import Grade, Method
from wattmark.core.readings import Device
from wattmark.core.units import Power


def _device(**changes: Any) -> Device:
    fields: dict[str, Any] = {
        "id": "d",
        "component": "gpu",
        "source": "nvml",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
        "max_power": Power(100.0),
        "relative_error": 0.05,
    }
    return Device(**{**fields, **changes})


@pytest.mark.parametrize(("update", "seconds"), [(0.001, 5.0), (0.1, 10.0), (1.0, 100.0)])
def test_a_counter_needs_five_seconds_and_a_hundred_ticks(update: float, seconds: float) -> None:
    """A counter that ticks every 100 ms needs 10 s; a fast one still needs 5 s."""
    assert honest_window(_device(update_seconds=update), 1.0) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("period", "update", "seconds"), [(0.1, 0.1, 60.0), (2.0, 0.1, 120.0), (1.0, 5.0, 300.0)]
)
def test_sampled_power_needs_a_minute_and_sixty_samples(period: float, update: float, seconds: float) -> None:
    """Sixty samples at the slower of our period and the sensor's own."""
    device = _device(reads="power", method=Method.INTEGRATED_POWER, update_seconds=update)
    assert honest_window(device, period) == pytest.approx(seconds)
