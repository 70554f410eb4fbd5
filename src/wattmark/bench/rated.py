"""Results with their ratings: rated the same way wherever they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wattmark.bench.thresholds_file import read_thresholds, shipped
from wattmark.core.bench.result import Result
from wattmark.core.stars.aies import rate_aies
from wattmark.core.stars.anchored import rate_anchored
from wattmark.core.stars.rating import Rating

MODES = ("anchored", "aies")


def ratings_of(results: Sequence[Result], mode: str, thresholds: Path | None = None) -> list[Rating]:
    """A rating for each result, in their order; anchored ones by this threshold file, else the one shipped.

    Raises ConfigError for a threshold file that is wrong.
    """
    if mode == "aies":
        return rate_aies(results)
    return rate_anchored(results, shipped() if thresholds is None else read_thresholds(thresholds))
