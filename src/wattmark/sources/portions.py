"""What an import has gathered since it last gave something away, and what its reader should be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattmark.core.imported import BadRow, Imported
from wattmark.core.run import Run
from wattmark.core.telemetry import Samples

ROWS = 1000
"""Rows of one portion of runs."""


@dataclass(slots=True)
class Portion:
    """Counts each row of the input once: as taken, as bad or as ignored."""

    runs: list[Run] = field(default_factory=list)
    samples: list[Samples] = field(default_factory=list)
    taken: int = 0
    bad: list[BadRow] = field(default_factory=list)
    ignored: int = 0

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return self.taken + len(self.bad) + self.ignored

    def refuse(self, place: str, reason: str) -> None:
        """One row that cannot be taken."""
        self.bad.append(BadRow(place, reason))

    def take(self, run: Run, seen: set[tuple[str, int]]) -> None:
        """One run, unless its record was seen before: the same row twice counts once."""
        key = run.record_id, run.seq
        if key in seen:
            self.ignored += 1
            return
        seen.add(key)
        self.taken += 1
        self.runs.append(run)

    def brought(self, notes: Notes | None = None) -> Imported:
        """The portion as a source gives it."""
        return Imported(
            runs=tuple(self.runs),
            samples=tuple(self.samples),
            taken=self.taken,
            bad=tuple(self.bad),
            ignored=self.ignored,
            notes=notes.said() if notes is not None else (),
        )


@dataclass(slots=True)
class Notes:
    """Remarks, each said once: with the first place it is about, and how many more there are."""

    places: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, remark: str, place: str = "") -> None:
        """One remark; the place is left out where it is about the whole input."""
        self.counts[remark] = self.counts.get(remark, 0) + 1
        if place:
            self.places.setdefault(remark, [place])

    def said(self) -> tuple[str, ...]:
        """The sentences, in the order in which they came up."""
        return tuple(self._one(remark, count) for remark, count in self.counts.items())

    def _one(self, remark: str, count: int) -> str:
        if remark not in self.places:
            return remark
        more = f" and {count - 1} more" if count > 1 else ""
        return f"{self.places[remark][0]}{more}: {remark}"
