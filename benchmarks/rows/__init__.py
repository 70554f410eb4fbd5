"""The measurements: one module each, offering `measure(context) -> Iterator[Measurement]`.

To add one, write the module, name it here, and give its row a line in `budgets.toml`.
A row of `budgets.toml` that nothing has measured is printed as "not measured in this run".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from benchmarks.context import Context
from benchmarks.results import Measurement

MODULES = {
    "footprint": "benchmarks.rows.footprint",
    "imports": "benchmarks.rows.imports",
    "commands": "benchmarks.rows.commands",
    "windows": "benchmarks.rows.windows",
    "tracking": "benchmarks.rows.tracking",
    "behaviour": "benchmarks.rows.behaviour",
    "network": "benchmarks.rows.network",
    "calibration": "benchmarks.rows.calibration",
    "ledger-listen": "benchmarks.rows.ledger_listen",
    "engines": "benchmarks.rows.engines",
}
"""Name on the command line, and the module that measures it, in the order they run."""

Measure = Callable[[Context], Iterator[Measurement]]


def load(name: str) -> Measure:
    """The `measure` function of one entry of `MODULES`."""
    measure: Measure = import_module(MODULES[name]).measure
    return measure
