"""Which power sensors look only part of the time."""

from __future__ import annotations

import pytest

from wattmark.core.sensor_duty import power_duty


@pytest.mark.parametrize(
    ("name", "duty"),
    [
        ("NVIDIA A100-SXM4-80GB", 0.25),
        ("NVIDIA H100 80GB HBM3", 0.25),
        ("NVIDIA GH200 480GB", 0.25),
        ("NVIDIA GeForce RTX 4090", 1.0),
        ("", 1.0),
    ],
)
def test_data_centre_cards_look_a_quarter_of_the_time(name: str, duty: float) -> None:
    """25 ms of every 100 ms, where it was measured; the others look all the time."""
    assert power_duty(name) == duty
