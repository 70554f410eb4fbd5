"""A row of evidence with its error sources."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.core.bench.benchmarks import a_gpu
from wattmark.core.known import Grade, Method
from wattmark.core.readings import Device
from wattmark.core.rows import Stretch, row_of
from wattmark.core.run import EnergyRow
from wattmark.core.units import Power


def row(device: Device, seconds: float = 10.0, **changes: Any) -> EnergyRow:
    seen = Stretch(t0_seconds=5.0, seconds=seconds, joules=90.0, observed_seconds=seconds, **changes)
    return row_of(device, seen, "gpt2/text_generation/inference")


def test_a_row_says_how_it_is_known() -> None:
    """90 J in 10 s of a counter without a refresh: its gain is all that it errs by."""
    found = row(a_gpu(idle_power=Power(20.0)))
    assert (found.t0_seconds, found.duration_seconds, found.energy_joules) == (5.0, 10.0, 90.0)
    assert found.errors == {"nvml:GPU-1:gain": 0.05}
    assert (found.idle_watts, found.max_watts, found.note) == (20.0, 1000.0, "")
    boundless = row(a_gpu(max_power=Power(math.inf)))
    assert (boundless.idle_watts, boundless.max_watts) == (None, None)


def test_edges_and_refresh_go_in_quadrature() -> None:
    """A sensor 0.3 s behind and looks 0.4 s away: 0.5 s of ten; less than a thousandth is nothing."""
    assert row(a_gpu(update_seconds=0.3)).errors["nvml:GPU-1:refresh"] == 0.03
    both = row(a_gpu(update_seconds=0.3), edge_seconds=0.4)
    assert both.errors["nvml:GPU-1:refresh"] == pytest.approx(0.05)
    assert "nvml:GPU-1:refresh" not in row(a_gpu(), edge_seconds=0.01).errors


def test_a_model_has_no_sensor_that_could_be_late() -> None:
    """Its gain and its load are sources; the edges of its phases are too."""
    model = a_gpu(method=Method.MODELLED, grade=Grade.D, relative_error=0.5, update_seconds=1.0)
    assert set(row(model).errors) == {
        "nvml:GPU-1:gain",
        "nvml:GPU-1:load:gpt2/text_generation/inference",
    }
    assert row(model, edge_seconds=1.0).errors["nvml:GPU-1:refresh"] == 0.1


def test_a_short_row_of_a_slow_sensor_says_so() -> None:
    """Fewer than ten updates."""
    found = row(a_gpu(update_seconds=0.1), seconds=0.5)
    assert found.note == "0.5 s is short for a sensor that updates every 0.1 s"
