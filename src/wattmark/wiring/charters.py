"""Charters held against a policy, its budgets, and the runs that came of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from wattmark.config import Config
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.governance.audit import Action
from wattmark.core.governance.budget import BudgetStanding
from wattmark.core.governance.charter import Actual, Charter, Finding, checked, held, reached_by
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.rules import CharterRules
from wattmark.core.governance.scope import tags_of
from wattmark.core.policy import COVERAGE, Policy
from wattmark.core.repeats import repeats_of
from wattmark.core.run import Run
from wattmark.core.totals import latest
from wattmark.hashing import sha256
from wattmark.ledger.auditlog import AuditLog
from wattmark.ledger.charterfile import CHARTER_NAME, find_charter, read_charter
from wattmark.wiring.auditing import log_of, record
from wattmark.wiring.budgets import courses_of
from wattmark.wiring.given import Stated, given_from
from wattmark.wiring.runs import PREFIX, read_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCharter:
    """A charter and what was found of it."""

    charter: Charter
    findings: tuple[Finding, ...]
    standing: BudgetStanding | None = None
    """Of the budget that it falls under."""


def charter_at(path: Path | None, policy: Policy | None, folder: Path) -> Path:
    """The charter that is meant: named, that of the policy, or the nearest. Raises UsageError for none."""
    if path is not None:
        return path
    rules = policy.charter if policy is not None else None
    beside = folder / (rules.file if rules is not None else CHARTER_NAME)
    found = beside if beside.is_file() else find_charter(folder)
    if found is None:
        raise UsageError(f"there is no {beside.name} here: `wattmark charter init` writes one")
    return found


def check_charter(
    path: Path,
    policy: Policy,
    config: Config,
    now: datetime,
    *,
    here: Path,
    environ: Mapping[str, str] = os.environ,
    ledger: str | None = None,
    folder: Path | None = None,
    say: Callable[[str], None] = lambda remark: None,
) -> CheckedCharter:
    """A charter held against what the policy requires and what is left of its budget."""
    charter = read_charter(path)
    mine = tuple(budget for budget in policy.budgets if budget.id and budget.id == charter.budget)
    standings: Sequence[BudgetStanding] = ()
    if mine:
        only = Policy(limits=(), budgets=mine)
        courses = courses_of(
            only, config, Stated(), (), now, here=here, environ=environ, ledger=ledger, folder=folder, say=say
        )
        standings = [course.standing for course in courses]
    found = checked(charter, policy.charter, now.date(), policy.budgets, standings)
    tags = charter.tags
    standing = next((s for s in standings if all(tags.get(tag) == value for tag, value in s.key)), None)
    return CheckedCharter(charter=charter, findings=found, standing=standing)


def actual_of(
    charter: Charter, paths: Sequence[Path], config: Config, stated: Stated, rules: CharterRules | None
) -> Actual:
    """What all attempts took, beside the estimate. Without runs: those of the project in the ledger.

    Raises NotComparable where the two may not stand side by side, EvidenceError for runs that cannot be read.
    """
    wanted = list(paths) or [Path(f"{PREFIX}{_asked(charter)}")]
    runs = latest(item.run for item in read_runs(wanted))
    of_it = runs if paths else [run for run in runs if _may_be_of(charter, run)]
    elsewhere, runs = len(runs) - len(of_it), of_it
    if not runs:
        raise UsageError(
            f"{elsewhere} runs of project {charter.project} all state another model, team or task than the "
            "charter: name the runs that are meant"
        )
    others = sorted({run.subject.project or charter.project for run in runs} - {charter.project})
    if charter.project and others:  # what states no project may well be of this one
        raise NotComparable([("project", charter.project, ", ".join(others))], "charter and runs")
    (attempts,) = repeats_of(runs, given_from(config, stated, runs), as_one=True)
    told = held(charter, attempts, rules or CharterRules(), reached_by(charter, runs), COVERAGE)
    if not elsewhere:
        return told
    note = f"runs of the project that state another model, team or task, and are not counted: {elsewhere}"
    return replace(told, notes=(*told.notes, note))


def _asked(charter: Charter) -> str:
    """Which runs of a ledger are asked for: all of the project, else those with the charter's tags."""
    tags = {"project": charter.project} if charter.project else charter.tags
    return ",".join(f"{tag}={value}" for tag, value in tags.items())


def _may_be_of(charter: Charter, run: Run) -> bool:
    """Whether a run states nothing else than the charter: an attempt that leaves a tag out is one."""
    stated = tags_of(run.subject)
    return all(stated.get(tag, value) == value for tag, value in charter.tags.items())


def record_check(
    policy: Policy,
    folder: Path,
    path: Path,
    charter: Charter,
    outcome: str,
    actor: Identity,
    at: datetime,
    *,
    once: bool = False,
) -> int | None:
    """Log that a charter was checked; the number of the entry, None where there is no log.

    ``once``: what the log's newest entry about the project says already is not said again, for checks are
    run often, by hooks before each commit. Then it is None as well.
    """
    log = log_of(policy.audit, folder)
    if log is None:
        return None
    content = path.read_bytes()
    if once and _said(log, policy, path, charter, outcome) == sha256(content).hexdigest():
        return None
    entry = record(
        log,
        Action.CHARTER_CHECKED,
        actor=actor,
        subject=charter.project,
        at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        policy_digest=policy.digest,
        objects={"charter": content},
        decision=outcome,
        detail={"charter": path.name},
    )
    return entry.seq


def _said(log: AuditLog, policy: Policy, path: Path, charter: Charter, outcome: str) -> str:
    """SHA-256 of the charter in the newest entry about it, where that came to the same by the same policy."""
    mine = (
        entry
        for entry in log.newest_first()
        if entry.action is Action.CHARTER_CHECKED
        and (entry.subject, entry.detail.get("charter")) == (charter.project, path.name)
    )
    last = next(mine, None)
    if last is None or (last.decision, last.policy_digest) != (outcome, policy.digest):
        return ""
    return last.objects.get("charter", "")
