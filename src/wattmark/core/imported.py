"""What an importer brings: good records, and every bad one with its place."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.core.run import Run
from wattmark.core.telemetry import Samples


@dataclass(frozen=True, slots=True)
class BadRow:
    """Something that could not be taken, where it stands, and why."""

    place: str
    """``emissions.csv:12``, ``http://localhost:9090 DCGM_FI_DEV_POWER_USAGE{gpu="0"}``."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One portion of an import. Importing the same input again gives the same records.

    Nothing is lost in silence: over all portions ``taken``, ``bad`` and ``ignored`` add up to the rows of the
    input.
    """

    runs: tuple[Run, ...] = ()
    samples: tuple[Samples, ...] = ()
    taken: int = 0
    """Rows of the input (lines, samples, documents) that went into the runs and samples."""
    bad: tuple[BadRow, ...] = ()
    ignored: int = 0
    """Rows that are none of ours: other metrics, comments, repeated headers."""
    notes: tuple[str, ...] = ()
    """What the reader should know: sources that disagree, mixed sampling rates, mapped units."""
