"""Error against a wall meter before and after `calibrate`, on simulated machines."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.calibration import measurements
from benchmarks.context import Context
from benchmarks.results import Measurement


def measure(_context: Context) -> Iterator[Measurement]:
    """Needs no tool and no meter; `python -m benchmarks.calibration --published` uses real ones."""
    yield from measurements()
