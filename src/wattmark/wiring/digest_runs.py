"""Digests out of a folder of run files, where there is no ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from wattmark.config import Config
from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.agenda import Agenda
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.digest import Digest, Used, before, largest_first
from wattmark.core.governance.periods import Period
from wattmark.core.governance.uses import Use, added
from wattmark.wiring.budget_runs import RunBook, end_of, start_of
from wattmark.wiring.given import Stated
from wattmark.wiring.lookback import MOST_PARTS, used_of, with_agenda
from wattmark.wiring.runs import read_runs

ENERGY = Budget(id="energy", limit=1.0, unit="kWh", period="week")
CARBON = Budget(id="carbon", limit=1.0, unit="kgCO2e", period="week")


@dataclass(frozen=True, slots=True)
class RunWeeks:
    """Run files, asked period by period. Days are those of UTC."""

    book: RunBook
    source: str

    @property
    def zone(self) -> tzinfo:
        """Of its calendar."""
        return UTC

    def teams(self, period: Period) -> tuple[str, ...]:
        """Teams that used something in a period."""
        return tuple(
            sorted({name for use in self._uses(ENERGY, period) if (name := use.tags.get("team", ""))})
        )

    def digest(self, team: str, period: Period, at: str, agenda: Agenda | str) -> Digest:
        """One period of a team, or of everybody; ``agenda`` is why there is none where there is none."""
        by, earlier = "model" if team else "team", before(period, self.zone)
        now, then = (
            [self._uses(what, when, team) for what in (ENERGY, CARBON)] for when in (period, earlier)
        )
        names = sorted({use.tags.get(by, "") for use in now[0]})
        groups = [
            _used(
                name or f"no {by} stated", *([_of(uses, by, name) for uses in side] for side in (now, then))
            )
            for name in names
        ]
        parts, left = largest_first(groups, MOST_PARTS)
        bare = added(_of(now[0], by, "")).figure
        made = Digest(
            team=team,
            period=period,
            before=earlier,
            at=at,
            whole=_used(team or "everybody", now, then),
            runs=self._runs(period, team),
            parts=parts,
            left_out=left,
            untagged=((f"without {by}", bare.value),) if bare is not None else (),
            source=self.source,
        )
        return with_agenda(made, agenda)

    def _uses(self, what: Budget, period: Period, team: str = "") -> list[Use]:
        return [
            use for use in self.book.uses(what, period, self.zone) if not team or use.tags.get("team") == team
        ]

    def _runs(self, period: Period, team: str) -> int:
        """Runs that reach into a period."""
        start, end = period.start, period.end
        assert start is not None  # calendar periods have a beginning and an end
        assert end is not None
        return sum(
            start_of(run) < end and end_of(run) > start and (not team or run.subject.team == team)
            for run in self.book.runs
        )


def run_weeks(folder: Path, config: Config, stated: Stated) -> RunWeeks:
    """The run files of a folder. Raises EvidenceError for none."""
    runs = tuple({run.record_id: run for run in (item.run for item in read_runs([folder]))}.values())
    return RunWeeks(RunBook(runs, config, stated), f"run files of {folder.name or 'this folder'}")


def _of(uses: Sequence[Use], tag: str, value: str) -> list[Use]:
    return [use for use in uses if use.tags.get(tag, "") == value]


def _used(name: str, now: Sequence[Sequence[Use]], then: Sequence[Sequence[Use]]) -> Used:
    energy, carbon = now
    before = (_answer(then[0]), _answer(then[1])) if then[0] else None
    return used_of(name, (_answer(energy), _answer(carbon)), before)


def _answer(uses: Sequence[Use]) -> Answer:
    """The sum; what is missing of one is missing of all, and nothing that was seen is no zero."""
    found = added(uses)
    if found.lacking is not None:
        return found.lacking
    figure: Figure | None = found.figure
    return figure if figure is not None else Missing("energy", "no run states this in the period")
