"""Which repeats there are already, and how many there are to be."""

from __future__ import annotations

from datetime import datetime

from wattmark.bench.keeping import Record
from wattmark.core.bench.evidence import Evidence, PhaseName
from wattmark.core.bench.lines import lines_of
from wattmark.core.bench.repeats import repeats_in
from wattmark.core.bench.stopping import Plan, needs_more

LATER_US = 1_000_000
"""What is resumed goes on at least so long after the last thing that was recorded."""
LATEST_US = 7 * 86_400 * 1_000_000
"""And at most: a clock that was wrong when it began (1970) would put it where no bundle can hold it."""


class Repeating:
    """The repeats of one benchmark, those before it was resumed included."""

    def __init__(self, record: Record, head: Evidence, begun_us: int) -> None:
        self._record = record
        self._head = head
        self._begun_us = begun_us

    @property
    def begun(self) -> int:
        """How many have begun, failed ones included."""
        return len(self._numbers())

    @property
    def number(self) -> int:
        """Of the next one; a failed one keeps its own."""
        return max(self._numbers(), default=-1) + 1

    @property
    def done(self) -> int:
        """How many have come to their end."""
        return sum(1 for p in self._record.phases if p.name is PhaseName.MEASURE and not p.failed)

    def plan(self, now_us: int) -> Plan:
        """How many there are to be in all."""
        profile, spent = self._head.profile, (now_us - self._begun_us) / 1e6
        evidence = self._record.evidence(self._head)
        figures = [r.energy_per_query for r in repeats_in(evidence, lines_of(evidence)) if not r.failed]
        energies = [f.value for f in figures if f is not None and f.value > 0]
        if len(energies) < len(figures):
            if figures and spent >= profile.budget_seconds:
                return Plan(repeats=len(figures), why=f"the budget of {profile.budget_seconds:g} s is spent")
            why = "their energy is not known, so that no interval can tell when to stop"
            return Plan(repeats=profile.min_repeats, why=why)
        return needs_more(energies, profile, spent)

    def _numbers(self) -> list[int]:
        measured = (p for p in self._record.phases if p.name is PhaseName.MEASURE)
        return [p.repeat for p in measured if p.repeat is not None]


def begin_us_of(earlier: Evidence, now: str) -> int:
    """When a benchmark goes on, counted from when it began: as much later as the wall clock says."""
    passed = datetime.fromisoformat(now) - datetime.fromisoformat(earlier.started_at)
    last = max(
        (
            *(p.end_us for p in earlier.phases),
            *(looks.at_us[-1] for looks in earlier.looks if looks.at_us),
            *(q.end_us for q in earlier.queries),
            *(s.at_us for s in earlier.states),
        ),
        default=0,
    )
    return min(max(round(passed.total_seconds() * 1e6), last + LATER_US), last + LATEST_US)
