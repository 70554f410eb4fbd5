"""Where evidence goes while a benchmark is under way: what is told here survives a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wattmark.core.bench.evidence import Evidence, Phase, QueryRecord, StateLook

UNFINISHED = "unfinished"
"""``failed`` of a phase that has begun and not ended yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one device said at one moment."""

    device_id: str
    at_us: int
    energy_uj: int | None = None
    """What the counter showed; None for a power sensor and where there was a gap."""
    watts: float | None = None
    """What the sensor showed; None for a counter and where there was a gap."""
    gap: str = ""
    """Why it gave nothing."""


class Store(Protocol):
    """Takes evidence in the order in which it comes up, from several threads, and keeps it."""

    def begin(self, head: Evidence) -> None:
        """Everything that is known once the model is loaded; columns, phases and queries are empty.

        Told again where the benchmark is resumed, with notes added.
        """
        ...

    def looks(self, looks: Sequence[Look]) -> None:
        """What the devices said at one moment."""
        ...

    def states(self, states: Sequence[StateLook]) -> None:
        """How devices were at one moment."""
        ...

    def phase(self, phase: Phase) -> None:
        """A phase that has begun (``failed`` is UNFINISHED) or ended.

        One with the same name, repeat and start takes the place of the one before.
        """
        ...

    def queries(self, records: Sequence[QueryRecord]) -> None:
        """The queries of a phase that has ended, scored."""
        ...


class Forgetful:
    """Keeps nothing: for callers that want the evidence alone."""

    def begin(self, head: Evidence) -> None:
        """Nothing is kept."""

    def looks(self, looks: Sequence[Look]) -> None:
        """Nothing is kept."""

    def states(self, states: Sequence[StateLook]) -> None:
        """Nothing is kept."""

    def phase(self, phase: Phase) -> None:
        """Nothing is kept."""

    def queries(self, records: Sequence[QueryRecord]) -> None:
        """Nothing is kept."""
