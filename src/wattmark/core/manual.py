"""Which figures somebody declared or brought in by hand (kpis.md, Operational Overhead Score)."""

from __future__ import annotations

from wattmark.core.known import Method
from wattmark.core.run import Run

TOOL = "wattmark"
"""The version of wattmark stands under this name in the environment of what it measured itself."""


def figures_by_hand(run: Run) -> tuple[int, int]:
    """How many figures of a run came by hand, and how many there are: its devices and its counts of work.

    Of an import all: whether a person or a timer started it, nobody can tell.
    """
    devices = {row.device_id: True for row in run.energies}
    for row in run.energies:
        devices[row.device_id] &= row.method is Method.DECLARED
    declared = [*devices.values(), *(work.declared for work in run.work)]
    return sum(declared) if TOOL in run.environment else len(declared), len(declared)
