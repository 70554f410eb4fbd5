"""The board's agenda, put together from policy, budgets, waivers, audit log, charters and ledger."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from wattmark.config import Config
from wattmark.core.errors import EvidenceError, UsageError, WattmarkError
from wattmark.core.figure import Figure
from wattmark.core.governance.agenda import (
    CHANGES,
    Agenda,
    Decided,
    Point,
    Trend,
    by_weight,
    pressing,
    reviews_due,
    trends_of,
)
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.budgets import Course
from wattmark.core.governance.chain import Findings
from wattmark.core.governance.decision import Decision
from wattmark.core.governance.showing import shown_answer
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import Policy
from wattmark.core.portfolio import COMPARED
from wattmark.core.rollup import facts_of_total
from wattmark.ledger.auditlog import AuditLog
from wattmark.ledger.charterfile import CHARTER_NAME, read_charter
from wattmark.ledger.decisionfile import parse_decision
from wattmark.wiring.audit_check import checked
from wattmark.wiring.auditing import log_of
from wattmark.wiring.budget_waived import waived_records
from wattmark.wiring.budgets import courses_of
from wattmark.wiring.configuration import ledger_named
from wattmark.wiring.given import Stated, given_from
from wattmark.wiring.governing import PolicyHere
from wattmark.wiring.ledger import ask, engine_named, open_ledger, read_ledger
from wattmark.wiring.portfolio import asked_of
from wattmark.wiring.portfolio_beside import not_measured
from wattmark.wiring.portfolio_books import Books, Span
from wattmark.wiring.waivers import waiver_file, waivers_of

Part = TypeVar("Part")
USUAL = ("carbon_per_inference_operational", "energy_to_solution", "inference_watts_per_query")
"""KPIs whose trends are shown where the policy limits none."""
NO_LOG = "no audit log: write `log` under [audit] in the policy, and gates are kept there"
NO_LEDGER = "no ledger is named: --ledger, WATTMARK_LEDGER, or `url` under [ledger] in wattmark.toml"
NO_BUDGETS = "the policy holds no [[budget]]"
TRENDS_BEFORE = timedelta(days=365)
"""How far trends go back: more than the time between two meetings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One meeting: when it is, what it looks back on, and where everything is."""

    rules: PolicyHere
    config: Config
    now: datetime
    since: date
    here: Path
    environ: Mapping[str, str]
    ledger: str | None = None
    folder: Path | None = None
    log: str | None = None
    anchors: Sequence[str] = ()
    charters: Sequence[Path] = ()
    stated: Stated = field(default_factory=Stated)
    say: Callable[[str], None] = lambda remark: None

    @property
    def policy(self) -> Policy:
        """That holds."""
        return self.rules.policy


def agenda_of(sitting: Sitting) -> Agenda:
    """Everything that a board has to look at. A part that cannot be made says why, and hides no other."""
    policy, parts = sitting.policy, _Parts((sitting.rules.folder, sitting.here))
    log = parts.made("decisions", lambda: _log(sitting))
    entries = parts.made("decisions", lambda: _entries(log)) if log is not None else None
    decided = (
        [Decided(entry=e, decision=_decision(log, e)) for e in entries or () if _is_gate(e)] if log else []
    )
    waivers = parts.made("waivers", lambda: _waivers(sitting))
    since = [one for one in entries or () if _lately(sitting, one)]
    trends, source = _trends(sitting, decided, parts)
    return Agenda(
        at=f"{sitting.now:%Y-%m-%dT%H:%M:%SZ}",
        since=sitting.since.isoformat(),
        policy=policy.about.id or Path(policy.name).name,
        owner=policy.about.owner,
        budgets=parts.made("budgets", lambda: _budgets(sitting)),
        decided=None if entries is None else by_weight(d for d in decided if _lately(sitting, d.entry)),
        waivers=None if waivers is None else pressing(waivers),
        waivers_held=sum(one.holds for one in waivers or ()),
        reviews=reviews_due(_reviews(sitting, parts), sitting.now.date()),
        changes=None if entries is None else tuple(one for one in since if one.action in CHANGES),
        trends=trends,
        trends_from=source,
        audit=parts.made("audit", lambda: _audit(sitting, log)) if log is not None else None,
        gaps=parts.made("coverage", lambda: _gaps(sitting)),
        absent=parts.absent,
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts that are there; why others are not."""

    folders: tuple[Path, ...]
    """Of this machine, which are nobody's business."""
    absent: dict[str, str] = field(default_factory=dict)

    def made(self, name: str, make: Callable[[], Part | None]) -> Part | None:
        """A part, or None with the reason why there is none."""
        try:
            return make()
        except WattmarkError as error:
            told = str(error)
            for folder in self.folders:
                told = told.replace(f"{folder.absolute()}{os.sep}", "")
            self.absent.setdefault(name, told)
            return None


def _log(sitting: Sitting) -> AuditLog:
    log = log_of(sitting.policy.audit, sitting.rules.folder, sitting.log, sitting.environ)
    if log is None:
        raise UsageError(NO_LOG)
    return log


def _entries(log: AuditLog) -> tuple[Entry, ...]:
    """Every entry that can be read, in order; the check of the log says what is wrong with others."""
    return tuple(placed.entry for placed in log.placed() if placed.entry is not None)


def _is_gate(entry: Entry) -> bool:
    return entry.action is Action.GATE_EVALUATED


def _lately(sitting: Sitting, entry: Entry) -> bool:
    return entry.at[:10] >= sitting.since.isoformat()


def _decision(log: AuditLog, entry: Entry) -> Decision | None:
    try:
        return parse_decision(log.kept(entry.objects["decision"]), f"entry {entry.seq}")
    except (EvidenceError, KeyError):  # the check of the log names what is lost
        return None


def _waivers(sitting: Sitting) -> tuple[JudgedWaiver, ...]:
    if not waiver_file(sitting.policy, sitting.rules.folder).is_file():
        raise UsageError(f"there is no {sitting.policy.waivers.file}: nobody asked for a waiver")
    return waivers_of(sitting.policy, sitting.rules.folder, sitting.now.date())


def _budgets(sitting: Sitting) -> tuple[Course, ...]:
    policy = sitting.policy
    if not policy.budgets:
        raise UsageError(NO_BUDGETS)
    return courses_of(
        policy, sitting.config, sitting.stated, (), sitting.now,
        here=sitting.here, environ=sitting.environ, ledger=sitting.ledger, folder=sitting.folder,
        waived=waived_records(policy, sitting.rules.folder, sitting.log, sitting.environ), say=sitting.say,
    )  # fmt: skip


def _reviews(sitting: Sitting, parts: _Parts) -> Iterator[tuple[str, str, date | None]]:
    """The policy, and every charter that is beside it or in a folder there, or that was named."""
    about, rules = sitting.policy.about, sitting.policy.charter
    yield f"policy {about.id}".strip(), about.owner, about.review_by
    folder = sitting.rules.folder
    name = rules.file if rules is not None else CHARTER_NAME
    found = [folder / name, *sorted(folder.glob(f"*/{CHARTER_NAME}")), *sitting.charters]
    for path in dict.fromkeys(path for path in found if path.is_file() or path in sitting.charters):
        charter = parts.made(f"charter {path.name}", partial(read_charter, path))
        if charter is not None:
            yield f"charter {charter.project}", charter.owner, charter.review_by


def _audit(sitting: Sitting, log: AuditLog) -> Findings:
    """With what is to be said beside it: a tag that this log does not fit is the board's business."""
    notes: list[str] = []
    found = checked(log, sitting.anchors, sitting.rules.folder, say=notes.append)
    return replace(found, notes=(*found.notes, *notes))


def _trends(
    sitting: Sitting, decided: Sequence[Decided], parts: _Parts
) -> tuple[tuple[Trend, ...] | None, str]:
    """From the ledger, month by month, where one is there; else from what gates said."""
    wanted = (
        tuple(dict.fromkeys(limit.kpi for limit in sitting.policy.limits if limit.kpi in CATALOG)) or USUAL
    )
    if _url(sitting) is not None:
        found = parts.made("trends", lambda: trends_of(_from_ledger(sitting, wanted)))
        if found or not decided:
            return found, "months of the ledger, all runs of a model"
        # totals know of no outcome, so a KPI that needs one is told by gates alone
    if decided:
        return trends_of(_from_decisions(decided, wanted)), "what gates found of each candidate"
    parts.absent.setdefault("trends", f"neither a ledger nor a decision in the audit log; {NO_LEDGER}")
    return None, ""


def _from_decisions(decided: Sequence[Decided], wanted: Sequence[str]) -> Iterator[tuple[str, str, Point]]:
    """One point for each evidence, as the newest gate found it, at the time of the first one.

    Runs that were asked about again are not measured again: an old version does not become the newest by it.
    """
    in_order = sorted(decided, key=lambda one: one.entry.seq)
    newest = {_evidence(one): one for one in in_order}
    first = {_evidence(one): one.decision.decided_at for one in reversed(in_order) if one.decision}
    for evidence, one in newest.items():
        if one.decision is None:
            continue
        side = one.decision.candidate
        for kpi in wanted:
            shown = one.decision.figures.get(kpi)
            if shown is not None:
                point = Point(at=first[evidence], shown=shown)
                yield side.tags.get("model", side.name), kpi, point


def _evidence(one: Decided) -> str:
    """What a decision is about: the hash of its evidence, or the entry where the log keeps none."""
    return one.decision.candidate.evidence_sha256 if one.decision is not None else f"entry {one.entry.seq}"


def _from_ledger(sitting: Sitting, wanted: Sequence[str]) -> Iterator[tuple[str, str, Point]]:
    with _books(sitting) as books:
        today = sitting.now.date()  # its runs count: who has just begun has no others
        span = Span(name="trend", first=today - TRENDS_BEFORE, after=today + timedelta(days=1))
        question = span.question(asked_of(books.ledger), by=("model",), period="month")
        given = given_from(Config(project=sitting.config.project), sitting.stated)
        for total in ask(books.ledger.settings, books.snapshot, question, books.engine).totals:
            if not total.group["model"] or not total.found.parts:
                continue
            facts = facts_of_total(total, given)
            for kpi in wanted:
                answer = CATALOG[kpi].answer(facts)
                shown = shown_answer(answer)
                if shown is not None and isinstance(answer, Figure):
                    terms = {k: v for k, v in answer.terms.items() if k in COMPARED}
                    yield total.group["model"], kpi, Point(at=total.period, shown=shown, terms=terms)


def _gaps(sitting: Sitting) -> tuple[tuple[str, str], ...]:
    """What `wattmark coverage` finds of the time since the last meeting."""
    if _url(sitting) is None:
        raise UsageError(NO_LEDGER)
    with _books(sitting) as books:
        first, after = sitting.since, sitting.now.date() + timedelta(days=1)
        span = Span(name="since", first=min(first, after - timedelta(days=1)), after=after)
        now_us = int(sitting.now.timestamp() * 1e6)
        lacks = not_measured(books, span, asked_of(books.ledger), now_us)
    return tuple((f"{lack.where}: {lack.what}", lack.fix) for lack in lacks)


def _url(sitting: Sitting) -> str | None:
    return ledger_named(sitting.ledger, sitting.config, sitting.environ, sitting.here)


@contextmanager
def _books(sitting: Sitting) -> Iterator[Books]:
    ledger = open_ledger(_url(sitting) or "")
    snapshot = read_ledger(ledger, int(datetime.now(UTC).timestamp() * 1e6), sitting.say)
    with engine_named("duckdb") as engine:
        yield Books(ledger, snapshot, engine)
