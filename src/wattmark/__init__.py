"""wattmark scores the energy and carbon of AI. Every number says how it is known.

>>> import wattmark
>>> with wattmark.track(stage="inference") as run:
...     run.log(work={"inferences": 1})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wattmark.version import __version__

if TYPE_CHECKING:
    from wattmark.attribution.attribute import attribute
    from wattmark.core.facts import Facts
    from wattmark.core.figure import Figure, Missing, NotReached, Undefined
    from wattmark.core.run import Dataset, Run
    from wattmark.core.totals import facts_of
    from wattmark.datasets.describe import dataset
    from wattmark.decide import compare, gate, score
    from wattmark.ledger.runfile import read_run
    from wattmark.live import Track, log, measured, track
    from wattmark.wiring.bench_python import benchmark

_HOME = {
    "track": "wattmark.live",
    "log": "wattmark.live",
    "measured": "wattmark.live",
    "attribute": "wattmark.attribution.attribute",
    "benchmark": "wattmark.wiring.bench_python",
    "score": "wattmark.decide",
    "compare": "wattmark.decide",
    "gate": "wattmark.decide",
    "Track": "wattmark.live",
    "Run": "wattmark.core.run",
    "Dataset": "wattmark.core.run",
    "Facts": "wattmark.core.facts",
    "Figure": "wattmark.core.figure",
    "Missing": "wattmark.core.figure",
    "Undefined": "wattmark.core.figure",
    "NotReached": "wattmark.core.figure",
    "dataset": "wattmark.datasets.describe",
    "facts_of": "wattmark.core.totals",
    "read_run": "wattmark.ledger.runfile",
}

__all__ = [
    "Dataset",
    "Facts",
    "Figure",
    "Missing",
    "NotReached",
    "Run",
    "Track",
    "Undefined",
    "__version__",
    "attribute",
    "benchmark",
    "compare",
    "dataset",
    "facts_of",
    "gate",
    "log",
    "measured",
    "read_run",
    "score",
    "track",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: importing wattmark costs next to nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'wattmark' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext wattmark``: the notebook magics."""
    from wattmark.integrations.notebook import load_ipython_extension as load

    load(shell)
