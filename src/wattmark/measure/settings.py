"""Everything that a recording can be told, in one frozen object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wattmark.core.run import Place, Subject, Work

if TYPE_CHECKING:
    from wattmark.core.outcome import Goal
    from wattmark.measure.budget import Budget

CHECKPOINT_SECONDS = 30.0


class Settings(NamedTuple):
    """How one recording is made."""

    name: str = "run"
    subject: Subject = Subject()
    place: Place = Place()
    out: Path | None = None
    """Folder for the run file; None: nothing is written, or only to the ledger."""
    ledger: str | None = None
    """Folder or address of the ledger that the run goes to."""
    exports: tuple[str, ...] = ()
    """Where the run is shown while it goes on, each as NAME:TARGET."""
    export_period_seconds: float = 15.0
    solution_id: str | None = None
    parent: str | None = None
    rank: int | None = None
    world_size: int | None = None
    goal: Goal | None = None
    work: tuple[Work, ...] = ()
    """Work declared beforehand."""
    budget: Budget | None = None
    period_seconds: float = 1.0
    most_windows: int = 1000
    """Windows kept one by one; later ones are only counted, so that a run file stays small."""
    checkpoint_seconds: float = CHECKPOINT_SECONDS
