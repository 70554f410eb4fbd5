"""Digests out of the ledger, the budgets, the waivers and the audit log; and which are due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.agenda import Agenda
from wattmark.core.governance.digest import (
    Digest,
    Used,
    before,
    largest_first,
)
from wattmark.core.governance.periods import Period
from wattmark.core.known import Boundary
from wattmark.core.rollup import Total
from wattmark.ledger.apart import apart_from
from wattmark.ledger.quarantine import EvidenceQuarantine
from wattmark.ledger.question import Question
from wattmark.ledger.rollup import Rollup
from wattmark.ledger.snapshot import Snapshot
from wattmark.wiring.ledger import OpenLedger, ask, engine_named
from wattmark.wiring.lookback import MOST_PARTS, used_of, with_agenda
from wattmark.wiring.portfolio_books import Books


@dataclass(frozen=True, slots=True)
class Weeks:
    """The books of a ledger, asked period by period."""

    books: Books

    @property
    def zone(self) -> tzinfo:
        """Of its calendar."""
        return self.books.ledger.settings.zone

    def teams(self, period: Period) -> tuple[str, ...]:
        """Teams that used something in a period."""
        totals = self._asked(period, ("team",), {}).totals
        return tuple(total.group["team"] for total in totals if total.group["team"] and total.found.parts)

    def digest(self, team: str, period: Period, at: str, agenda: Agenda | str) -> Digest:
        """One period of a team, or of everybody; ``agenda`` is why there is none where there is none."""
        where = {"team": (team,)} if team else {}
        by = "model" if team else "team"
        earlier = before(period, self.zone)
        then, now = self._asked(earlier, (by,), where), self._asked(period, (by,), where)
        untagged = self._untagged(period, by, where)  # of the cells that were asked for last
        past = {total.group[by]: total for total in then.totals}
        groups = [
            _used(total.group[by] or f"no {by} stated", total, past.get(total.group[by]))
            for total in now.totals
            if total.found.parts
        ]
        parts, left = largest_first(groups, MOST_PARTS)
        made = Digest(
            team=team,
            period=period,
            before=earlier,
            at=at,
            whole=_used(team or "everybody", now.whole, then.whole),
            runs=now.whole.runs.runs,
            parts=parts,
            left_out=left,
            untagged=untagged,
            findings=(*now.findings, *self.books.snapshot.findings()),
            source=f"{self.books.ledger.settings.name or 'ledger'}, version {now.version}",
        )
        return with_agenda(made, agenda)

    def _asked(self, period: Period, by: tuple[str, ...], where: Mapping[str, tuple[str, ...]]) -> Rollup:
        settings = self.books.ledger.settings
        question = Question(
            by=by, start=period.start, end=period.end, where=where, boundary=Boundary.NODE,
            time_zone=settings.time_zone,
        )  # fmt: skip
        return ask(settings, self.books.snapshot, question, self.books.engine)

    def _untagged(
        self, period: Period, by: str, where: Mapping[str, tuple[str, ...]]
    ) -> tuple[tuple[str, float], ...]:
        settings, snapshot = self.books.ledger.settings, self.books.snapshot
        quarantine = EvidenceQuarantine(self.books.ledger.store, snapshot.version, settings.tags)
        question = Question(
            by=(by,), start=period.start, end=period.end, where=where, time_zone=settings.time_zone
        )
        apart = apart_from(self.books.engine, question, settings.tags, quarantine)
        return tuple((a.what, a.energy_uj / 1e6) for a in apart if a.energy_uj)


def _used(name: str, now: Total, then: Total | None) -> Used:
    return used_of(name, _both(now), _both(then) if then is not None and then.found.parts else None)


def _both(total: Total) -> tuple[Answer, Answer]:
    return _known(total, total.energy), _known(total, total.carbon)


def _known(total: Total, answer: Answer) -> Answer:
    """Nothing that was seen is no zero."""
    if not total.found.parts and isinstance(answer, Figure) and not answer.value:
        return Missing("energy", "no run states this in the period")
    return answer


@contextmanager
def weeks_of(ledger: OpenLedger, snapshot: Snapshot) -> Iterator[Weeks]:
    """The books of an opened ledger, with an engine for as long as the block lasts."""
    with engine_named("duckdb") as engine:
        yield Weeks(Books(ledger, snapshot, engine))
