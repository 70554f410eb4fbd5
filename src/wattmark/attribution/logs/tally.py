"""What became of the rows of a log: taken, ignored, told twice, or bad, with the place of each bad one."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattmark.core.imported import BadRow

MOST_KEPT = 1000
"""So many bad rows are kept with their places; the rest is counted."""


@dataclass(slots=True)
class Tally:
    """Counts of rows; they add up to the rows of the log."""

    name: str
    """The log, as places name it."""
    taken: int = 0
    """Requests."""
    ignored: int = 0
    """Rows that tell of no request that ended: other events, what a proxy answered itself."""
    repeated: int = 0
    """Rows that tell of a request again: same id, same start, same end."""
    bad_rows: int = 0
    bad: list[BadRow] = field(default_factory=list)
    """The first of the bad rows."""
    notes: dict[str, None] = field(default_factory=dict)
    """What a reader must know of these requests, each once."""

    @property
    def rows(self) -> int:
        """All rows of the log so far; empty lines are none."""
        return self.taken + self.ignored + self.repeated + self.bad_rows

    def refuse(self, row: int, reason: str) -> None:
        """Count a bad row in. The reason never repeats what the row says: it might be text or a secret."""
        self.bad_rows += 1
        if len(self.bad) < MOST_KEPT:
            self.bad.append(BadRow(f"{self.name}:{row}", reason))

    def note(self, said: str) -> None:
        """Something a reader must know."""
        self.notes[said] = None
