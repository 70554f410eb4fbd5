"""What a ledger says was used, as budgets count it: by the ledger's own totals, each moment counted once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING

from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.periods import HOUR, MONTH, WEEK, Period, midnight
from wattmark.core.governance.uses import Use
from wattmark.core.rollup import Total
from wattmark.wiring.budget_runs import EPOCH, quarter_around
from wattmark.wiring.ledger import OpenLedger, ask

if TYPE_CHECKING:
    from wattmark.core.run import Run
    from wattmark.ledger.engine import Engine
    from wattmark.ledger.question import Question
    from wattmark.ledger.snapshot import Snapshot

KEPT_OUT = Missing(
    "energy in quarantine", "it is counted once its tags are right: `wattmark ledger tags` says whose it is"
)
PARTS_ALONE = Missing(
    "energy of whole machines",
    "the meter of a run's machine was never read, and only its parts stand for it: "
    "`wattmark ledger lost` says which",
)
NO_READING = Missing("energy", "a run left no reading of any meter; `wattmark doctor` says why")
_Question = tuple[object, ...]


@dataclass(slots=True)
class Books:
    """A ledger at one version with an engine that adds up; what was asked once is not asked again."""

    ledger: OpenLedger
    snapshot: Snapshot
    engine: Engine
    basis: str = "lifecycle"
    """Of location-based carbon."""
    _asked: dict[_Question, list[Total]] = field(default_factory=dict)
    _kept_out: dict[_Question, int] = field(default_factory=dict)
    _silent: tuple[str, ...] | None = None
    _stood_for: tuple[str, ...] | None = None

    @property
    def zone(self) -> tzinfo:
        """Of the ledger's calendar."""
        return self.ledger.settings.zone

    def uses(
        self, budget: Budget, period: Period, now: datetime, records: Collection[str] | None = None
    ) -> list[Use]:
        """What was used in a period up to now, by the tags that a budget asks for; of some runs alone."""
        by = tuple(dict.fromkeys((*budget.scope.patterns, *budget.by)))
        accounting = budget.accounting if budget.carbon else "location"
        found: list[Use] = []
        for total in self._totals(by, accounting, period, now, records):
            tags = {tag: value for tag, value in total.group.items() if value}
            at = self._at(period, total.period)
            found += [Use(at=at, tags=tags, figure=f, share=share) for f, share in _amounts(budget, total)]
        if records is None:
            found += self._quarantined(budget, by, accounting, period, now)
            found += self._unread(by, period, now, self._without_energy(), NO_READING)
            found += self._unread(by, period, now, self._in_parts(), PARTS_ALONE)
        return found

    def counted(self, records: Collection[str]) -> dict[str, Run | None]:
        """Which of these runs are in its totals already, as it has them; None: its document was purged."""
        from wattmark.ledger.documents import documents, run_of
        from wattmark.ledger.engines.duckdb import quoted

        if not records:
            return {}
        self.engine.attach("runs", self.snapshot)
        named = ", ".join(quoted(record) for record in sorted(records))
        rows = self.engine.rows(
            "SELECT record_id, content FROM runs "
            f"WHERE COALESCE(quarantined, '') = '' AND record_id IN ({named})"
        )
        contents = {str(record): str(content) for record, content in rows}
        found: dict[str, Run | None] = dict.fromkeys(contents)
        for record, document in documents(self.ledger.store, self.snapshot.version, contents):
            found[record] = run_of(record, document)
        return found

    def alone(self, records: Collection[str]) -> frozenset[str]:
        """Which of these runs were the only ones to read their machines meanwhile."""
        from wattmark.ledger.engines.duckdb import quoted

        if not records:
            return frozenset()
        for table in ("runs", "counted"):
            self.engine.attach(table, self.snapshot)
        named = ", ".join(quoted(record) for record in sorted(records))
        rows = self.engine.rows(
            f"SELECT r.record_id FROM runs r WHERE r.record_id IN ({named}) AND NOT EXISTS (SELECT 1 FROM "
            "counted c WHERE c.host_id = r.host_id AND c.record_id <> r.record_id "
            "AND c.start_us < r.end_us AND c.end_us > r.start_us)"
        )
        return frozenset(str(row[0]) for row in rows)

    def _totals(
        self,
        by: tuple[str, ...],
        accounting: str,
        period: Period,
        now: datetime,
        records: Collection[str] | None,
    ) -> list[Total]:
        key = (by, accounting, period, now, None if records is None else tuple(sorted(records)))
        if key not in self._asked:
            question = _question(by, period, now, records, self.ledger.settings.time_zone)
            found: list[Total] = []
            if question is not None:
                rollup = ask(
                    self.ledger.settings, self.snapshot, question, self.engine, self._terms(accounting)
                )
                found = [total for total in rollup.totals if total.found.parts]
                self._kept_out[key] = self._out(question)
            self._asked[key] = found
        return self._asked[key]

    def _terms(self, accounting: str) -> tuple[str, str]:
        from wattmark.wiring.market import basis_meant

        if accounting == "location":
            return accounting, self.basis
        return accounting, basis_meant(self.ledger.settings, accounting)

    def _out(self, question: Question) -> int:
        """Microjoules that quarantine keeps out of these totals."""
        from wattmark.ledger.apart import apart_from
        from wattmark.ledger.quarantine import EvidenceQuarantine

        rules = self.ledger.settings.tags
        quarantine = EvidenceQuarantine(self.ledger.store, self.snapshot.version, rules)
        apart = apart_from(self.engine, question, rules, quarantine)
        return sum(one.energy_uj for one in apart if one.what == "quarantined")

    def _quarantined(
        self, budget: Budget, by: tuple[str, ...], accounting: str, period: Period, now: datetime
    ) -> Iterator[Use]:
        """What may belong to it and has wrong tags."""
        energy = self._kept_out.get((by, accounting, period, now, None), 0)
        if energy > 0 and by:
            at = period.start or EPOCH
            yield Use(at=at, figure=KEPT_OUT if budget.carbon else Figure(energy / 1e6, "J"))

    def _unread(
        self, by: tuple[str, ...], period: Period, now: datetime, records: tuple[str, ...], lacking: Missing
    ) -> Iterator[Use]:
        """Runs of which not all energy is counted: what they used is not known, and is not nothing."""
        question = _question(by, period, now, records, self.ledger.settings.time_zone) if records else None
        if question is None:
            return
        key = (by, lacking.field, period, now)
        if key not in self._asked:
            terms = self._terms("location")
            rollup = ask(self.ledger.settings, self.snapshot, question, self.engine, terms)
            self._asked[key] = [total for total in rollup.totals if total.runs.runs]
        for total in self._asked[key]:
            tags = {tag: value for tag, value in total.group.items() if value}
            yield Use(at=self._at(period, total.period), tags=tags, figure=lacking)

    def _without_energy(self) -> tuple[str, ...]:
        """Runs that leave none, nor do other ranks of theirs, on machines of which nothing was read then."""
        if self._silent is None:
            for table in ("runs", "counted", "lost"):
                self.engine.attach(table, self.snapshot)
            rows = self.engine.rows(
                "WITH told AS (SELECT record_id FROM counted UNION SELECT record_id FROM lost), "
                "silent AS MATERIALIZED (SELECT record_id, host_id, start_us, end_us FROM runs "
                "WHERE COALESCE(quarantined, '') = '' AND NOT COALESCE(stated, FALSE) "
                "AND COALESCE(attempt, record_id) NOT IN (SELECT COALESCE(o.attempt, o.record_id) "
                "FROM runs o JOIN told ON told.record_id = o.record_id)) "
                "SELECT s.record_id FROM silent s WHERE NOT EXISTS (SELECT 1 FROM counted c "
                "WHERE c.host_id = s.host_id AND c.start_us < s.end_us AND c.end_us > s.start_us)"
            )
            self._silent = tuple(sorted(str(row[0]) for row in rows))
        return self._silent

    def _in_parts(self) -> tuple[str, ...]:
        """Runs of which only parts of a machine were read."""
        from wattmark.ledger.parts_alone import in_parts

        if self._stood_for is None:
            self._stood_for = in_parts(self.engine, self.snapshot)
        return self._stood_for

    def _at(self, period: Period, name: str) -> datetime:
        """The first moment of a step by the name that the ledger gives it."""
        match period.step:
            case step if step == HOUR:
                at = datetime.fromisoformat(name).astimezone(UTC)
            case step if step == WEEK:
                year, week = name.split("-W")
                at = midnight(date.fromisocalendar(int(year), int(week), 1), self.zone)
            case step:
                at = midnight(date.fromisoformat(f"{name}-01" if step == MONTH else name), self.zone)
        return at if period.start is None else max(at, period.start)


def _question(
    by: tuple[str, ...], period: Period, now: datetime, records: Collection[str] | None, time_zone: str
) -> Question | None:
    """What is asked of the ledger; None where nothing can be in it yet."""
    from wattmark.ledger.question import Question

    end = quarter_around(now)
    if period.end is not None:
        end = min(end, period.end)
    if period.start is not None and period.start >= end:
        return None
    return Question(
        by=by,
        period=period.step,
        start=period.start,
        end=end,
        where={} if records is None else {"run": tuple(sorted(records))},
        time_zone=time_zone,
    )


def _amounts(budget: Budget, total: Total) -> Iterator[tuple[Figure | Missing, float]]:
    """Figures of one group with the share of its energy that is in them; what is missing beside."""
    for component in total.never_read_seconds:
        yield Missing(f"energy of {component}", "no reading succeeded, and its power limit is not known"), 1.0
    if not budget.carbon:
        yield total.energy, 1.0
        return
    used = total.observed_uj + total.gap_uj
    share = 1.0 - total.without_factor_uj / used if used else 1.0
    known = total.carbon_by_terms
    for figure in known.values():
        yield figure, share
    if not known and isinstance(total.carbon, Missing):
        yield total.carbon, 0.0
