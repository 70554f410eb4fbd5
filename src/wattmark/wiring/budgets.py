"""How the budgets of a policy stand: what was used, out of a ledger or a folder of run files."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wattmark.config import Config
from wattmark.core.errors import UsageError
from wattmark.core.figure import Missing
from wattmark.core.governance.budget import Budget, BudgetStanding, BudgetState, base_limit
from wattmark.core.governance.budgets import Course, alone, course_of
from wattmark.core.governance.periods import NAMED, RUN, Period, check_period, period_at
from wattmark.core.governance.scope import Applies
from wattmark.core.governance.uses import Key, Use, belongs, keys_of
from wattmark.core.holes import unread_components
from wattmark.core.policy import Policy
from wattmark.core.ranks import attempt_of
from wattmark.core.run import Run
from wattmark.core.totals import latest
from wattmark.ledger.runfile import SUFFIX, LoadedRun
from wattmark.measure.environment import OUT
from wattmark.wiring.budget_runs import (
    TICK,
    Normal,
    RunBook,
    amounts_of,
    as_it_is,
    end_of,
    quarter_around,
    reaches,
    start_of,
    tags_by_stage,
    told_apart,
    unknown_of,
    unread_of,
)
from wattmark.wiring.configuration import ledger_named
from wattmark.wiring.given import Stated
from wattmark.wiring.runs import read_runs

if TYPE_CHECKING:
    from wattmark.core.run import Subject
    from wattmark.wiring.budget_ledger import Books

RUNS = "wattmark-runs"
"""Folder that `wattmark measure` writes to when nobody says where."""
NOWHERE = Missing(
    "a ledger or a folder of runs",
    "name a ledger: WATTMARK_LEDGER, or `url` under [ledger] in wattmark.toml; "
    "or a folder: WATTMARK_OUT, or `folder` under [output]",
)


def courses_of(
    policy: Policy,
    config: Config,
    stated: Stated,
    candidate_runs: Sequence[Run],
    now: datetime,
    *,
    here: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    ledger: str | None = None,
    folder: Path | None = None,
    waived: Collection[str] = (),
    as_one: bool = False,
    say: Callable[[str], None] = lambda remark: None,
) -> tuple[Course, ...]:
    """How each budget stands that these runs draw on, and how it came to that; without runs: all of them.

    A ledger is asked where one is configured (or given), else the run files of a folder are read; a candidate
    is counted once, also where it lies there already. ``now`` has a time zone; ``waived`` are record ids
    that waivers let through; ``as_one`` takes all candidates as one solution. Empty for a policy without
    budgets.

    Raises UsageError, EvidenceError, LedgerError.
    """
    if not policy.budgets:
        return ()
    candidates = latest(candidate_runs)
    asked = _Asked(config, stated, candidates, now.astimezone(UTC), frozenset(waived), as_one)
    found: list[Course] = []
    lasting = [budget for budget in policy.budgets if budget.period != RUN]
    place = _Place(here or Path.cwd(), environ, ledger, folder, say)
    with _evidence(asked, place) if lasting else nullcontext(None) as evidence:
        for budget in policy.budgets:
            if budget.period == RUN:
                found += _of_runs(budget, asked)
            elif evidence is None:
                found += _unknown(budget, asked)
            else:
                found += _of_periods(budget, asked, evidence)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Asked:
    config: Config
    stated: Stated
    candidates: Sequence[Run]
    now: datetime
    waived: frozenset[str]
    as_one: bool


@dataclass(frozen=True, slots=True)
class _Place:
    here: Path
    environ: Mapping[str, str]
    ledger: str | None
    folder: Path | None
    say: Callable[[str], None]


class Evidence(Protocol):
    """Where consumption is known from."""

    @property
    def zone(self) -> tzinfo:
        """Of the calendar."""
        ...

    def used(self, budget: Budget, period: Period) -> list[Use]:
        """All that was used in a period, by the tags that a budget asks for."""
        ...

    def waived(self, budget: Budget, period: Period) -> list[Use]:
        """What of it waivers let through."""
        ...

    def normal(self, subject: Subject) -> Subject:
        """Tags as they are meant."""
        ...


def _of_periods(budget: Budget, asked: _Asked, evidence: Evidence) -> Iterator[Course]:
    """One course for each period and each combination of tags that is meant."""
    touching = [r for r in asked.candidates if _may_be(budget, (), r, evidence) is not Applies.NO]
    if asked.candidates and not touching:
        return
    for period in _periods(budget, asked.now, touching, evidence.zone):
        uses = evidence.used(budget, period)
        waived = evidence.waived(budget, period)
        keys = [k for k in keys_of(budget, uses) if not touching or _touched(budget, k, touching, evidence)]
        if not keys:
            keys = [
                tuple((tag, "") for tag in budget.by)
            ]  # nobody states them: what there is may be anybody's
        for key in keys:
            yield course_of(budget, period, uses, asked.now, evidence.zone, key=key, waived=waived)


def _periods(budget: Budget, now: datetime, runs: Sequence[Run], zone: tzinfo) -> list[Period]:
    """Of runs all periods that they reach into; without runs that of today, a named one once it has begun."""
    check_period(budget.period)
    spans = [(start_of(run), max(start_of(run), end_of(run) - TICK)) for run in runs]
    if NAMED.fullmatch(budget.period):
        named = period_at(budget.period, now, zone)
        begun = named.start is not None and now >= named.start
        return [named] if any(reaches(named, *span) for span in spans) or (begun and not runs) else []
    found: dict[str, Period] = {}
    for start, last in spans or [(now, now)]:
        period = period_at(budget.period, start, zone)
        found[period.name] = period
        while period.end is not None and period.end <= last:
            period = period_at(budget.period, period.end, zone)
            found[period.name] = period
    return [found[name] for name in sorted(found)]


def _may_be(budget: Budget, key: Key, run: Run, evidence: Evidence) -> Applies:
    """Whether anything of a run is counted in a budget: each of its stages may be in another one."""
    return _worst(belongs(budget, key, tags) for tags in tags_by_stage(run, evidence.normal))


def _worst(answers: Iterable[Applies]) -> Applies:
    found = set(answers)
    return next((one for one in (Applies.YES, Applies.UNKNOWN) if one in found), Applies.NO)


def _touched(budget: Budget, key: Key, runs: Sequence[Run], evidence: Evidence) -> bool:
    return any(_may_be(budget, key, run, evidence) is not Applies.NO for run in runs)


def _of_runs(budget: Budget, asked: _Asked) -> Iterator[Course]:
    """A budget for each run: every solution among the candidates by itself, all its attempts."""
    solutions: dict[str, list[Run]] = {}
    for run in asked.candidates:
        name = asked.candidates[0].record_id if asked.as_one else run.solution_id or attempt_of(run)
        solutions.setdefault(name, []).append(run)
    for name, runs in solutions.items():
        amounts = amounts_of(runs, budget, asked.config, asked.stated)
        uses = [Use(at=start_of(runs[0]), tags=tags, figure=figure) for tags, figure in amounts]
        by_stage = [use for use in uses if budget.scope.of(use.tags) is not Applies.NO]
        named = [use.tags for use in by_stage if budget.scope.of(use.tags) is Applies.YES]
        for tags in [*named, *(use.tags for use in by_stage)][:1]:
            standing = alone(budget, name, tags, by_stage)
            if standing is not None:
                period = Period(name=standing.period, kind=RUN)
                yield Course(standing=standing, period=period, limit=base_limit(budget))


def _unknown(budget: Budget, asked: _Asked) -> Iterator[Course]:
    """Neither a ledger nor runs: nobody knows what was used."""
    touching = [
        r for r in asked.candidates if _worst(map(budget.scope.of, tags_by_stage(r))) is not Applies.NO
    ]
    if touching or not asked.candidates:
        for period in _periods(budget, asked.now, touching, UTC):
            standing = BudgetStanding(
                budget=budget,
                state=BudgetState.UNDECIDED,
                used=NOWHERE,
                more=None,
                period=period.name,
                elapsed=period.elapsed(asked.now),
                reason=str(NOWHERE),
            )
            yield Course(standing=standing, period=period, limit=base_limit(budget))


@contextmanager
def _evidence(asked: _Asked, place: _Place) -> Iterator[Evidence | None]:
    url = ledger_named(place.ledger, asked.config, place.environ, place.here)
    if url is not None and place.folder is None:
        with _open_ledger(url, asked, place) as ledger:
            yield ledger
        return
    folder = place.folder or _folder(asked.config, place)
    if folder is None:
        yield None
        return
    kept = latest(item.run for item in _kept_in(folder))
    numbers = {(run.record_id, run.seq) for run in asked.candidates}  # of other numbers the highest counts
    same = {run.record_id: run for run in kept if (run.record_id, run.seq) in numbers}
    unlike = tuple(told_apart(asked.candidates, same))
    yield FolderEvidence(*_books_of(asked, [*kept, *asked.candidates]), unlike)


def _kept_in(folder: Path) -> list[LoadedRun]:
    """The runs of a folder; none of an empty one, where nothing was measured yet, or nothing has ended.

    A recording that goes on has a hidden folder there, and Git keeps an empty one by a hidden file. One that
    holds something else, such as folders of runs, is refused: what they used would not be counted.
    """
    from wattmark.wiring.bundles import bundles_in, is_bundle

    if not folder.is_dir() or any(folder.glob(f"*{SUFFIX}")) or is_bundle(folder) or bundles_in(folder):
        return read_runs([folder])
    if all(item.name.startswith(".") for item in folder.iterdir()):
        return []
    raise UsageError(
        f"{folder}: holds no run files (*{SUFFIX}), by which budgets are counted, and folders in it are not "
        f"looked into: name the one that holds the runs ({OUT}, `folder` under [output] in wattmark.toml), "
        "or a ledger"
    )


def _folder(config: Config, place: _Place) -> Path | None:
    """The folder of run files that is meant; None where there is none."""
    named = place.environ.get(OUT) or config.output.folder
    folder = place.here / (named or RUNS)
    if folder.is_dir() and (any(folder.iterdir()) or named):
        return folder
    if named and not folder.is_dir():
        meant = f"{OUT} names" if place.environ.get(OUT) else "[output] of wattmark.toml names"
        raise UsageError(
            f"{named}: there is no such folder of runs, which {meant} and budgets count by: "
            "make it, name another, or name a ledger"
        )
    return None


@contextmanager
def _open_ledger(url: str, asked: _Asked, place: _Place) -> Iterator[Evidence]:
    from wattmark.wiring.budget_ledger import Books
    from wattmark.wiring.ledger import engine_named, open_ledger, read_ledger

    ledger = open_ledger(url)
    snapshot = read_ledger(ledger, int(datetime.now(UTC).timestamp() * 1e6), place.say)
    basis = asked.stated.basis or asked.config.place.intensity_basis
    with engine_named("duckdb") as engine:
        books = Books(ledger, snapshot, engine, basis)
        there = books.counted({run.record_id for run in asked.candidates})
        beside = [run for run in asked.candidates if run.record_id not in there]
        unlike = tuple(told_apart(asked.candidates, there))
        partly = {run.record_id: run for run in asked.candidates if unread_components([run])}
        unread = tuple(partly[record] for record in sorted(books.alone(partly.keys() & there.keys())))
        beside_books = _books_of(asked, beside, ledger.settings.tags.normalise)
        yield LedgerEvidence(asked, books, *beside_books, unlike, unread)


@dataclass(frozen=True, slots=True)
class LedgerEvidence:
    """What a ledger counted, and candidates that it does not hold yet."""

    asked: _Asked
    books: Books
    beside: RunBook
    beside_waived: RunBook
    unlike: tuple[Run, ...] = ()
    """Candidates that it holds in another state."""
    unread: tuple[Run, ...] = ()
    """Candidates with devices that nothing read."""

    @property
    def zone(self) -> tzinfo:
        """Of the ledger."""
        return self.books.zone

    def used(self, budget: Budget, period: Period) -> list[Use]:
        """By the ledger's own totals; what is beside by its own place."""
        mine = self.beside.uses(budget, period, self.zone)
        unlike = unknown_of(self.unlike, period, self.normal)
        unread = unread_of(self.unread, period, self.normal)
        return [*self.books.uses(budget, period, self.asked.now), *mine, *unlike, *unread]

    def waived(self, budget: Budget, period: Period) -> list[Use]:
        """Of runs that it holds, and of those beside."""
        there = self.asked.waived - {run.record_id for run in self.beside.runs}
        kept = self.books.uses(budget, period, self.asked.now, there) if there else []
        return [*kept, *self.beside_waived.uses(budget, period, self.zone)]

    def normal(self, subject: Subject) -> Subject:
        """By the ledger's rules."""
        return self.books.ledger.settings.tags.normalise(subject)


@dataclass(frozen=True, slots=True)
class FolderEvidence:
    """Run files of a folder, and the candidates: each once, by its record id."""

    book: RunBook
    book_waived: RunBook
    unlike: tuple[Run, ...] = ()
    """Of which the candidate says something else under the same number."""

    @property
    def zone(self) -> tzinfo:
        """A folder declares no calendar: UTC."""
        return UTC

    def used(self, budget: Budget, period: Period) -> list[Use]:
        """Of all runs."""
        return [*self.book.uses(budget, period, UTC), *unknown_of(self.unlike, period)]

    def waived(self, budget: Budget, period: Period) -> list[Use]:
        """Of those that waivers let through."""
        return self.book_waived.uses(budget, period, UTC)

    def normal(self, subject: Subject) -> Subject:
        """As they are."""
        return as_it_is(subject)


def _books_of(asked: _Asked, runs: Sequence[Run], normal: Normal = as_it_is) -> tuple[RunBook, RunBook]:
    """All of some runs, and those that waivers let through."""
    waived = [run for run in runs if run.record_id in asked.waived]
    until, whole = quarter_around(asked.now), frozenset(run.record_id for run in asked.candidates)
    return (
        RunBook(runs, asked.config, asked.stated, normal, until, whole),
        RunBook(waived, asked.config, asked.stated, normal, until, whole),
    )
