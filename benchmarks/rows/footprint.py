"""What installing a tool brings in: distributions (itself included), and megabytes of 10^6 bytes."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.results import Measurement, rounded


def measure(context: Context) -> Iterator[Measurement]:
    """Counted from each environment's own record of what was installed; exact, so one sample."""
    for one in context.installed:
        found = one.environment
        yield Measurement("distributions", one.tool.name, "", (float(len(found.versions)),))
        yield Measurement("installed-size", one.tool.name, "MB", rounded([found.megabytes], 2))
