"""Where the audit log is, and how one thing goes into it: a deed about a waiver, a baseline, an anchor."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from wattmark.core.baseline import Baseline
from wattmark.core.errors import UsageError
from wattmark.core.given import Given
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.rules import AuditRules
from wattmark.hashing import sha256
from wattmark.ledger.auditlog import AuditLog, open_log
from wattmark.ledger.replayfile import encoded_side

LOG_VARIABLE = "WATTMARK_AUDIT_LOG"
"""Names the log where a job has it elsewhere than the policy says."""
NO_LOG = "the policy requires an audit log ([audit] required) and names none: write `log` under [audit]"
TRIED = "tried"
"""In what the log keeps that a gate was told: what it said of earlier gates."""


def log_of(
    rules: AuditRules, folder: Path, asked: str | None = None, environ: Mapping[str, str] = os.environ
) -> AuditLog | None:
    """The log that was asked for, else that of WATTMARK_AUDIT_LOG, else that of the policy; None for none.

    ``folder`` is that of the policy. Nothing is read or written yet. Raises UsageError where the policy
    requires a log of its own and another one is asked for: it would be a way around it.
    """
    own = str(folder / rules.log) if rules.log and "://" not in rules.log else rules.log
    named = asked or environ.get(LOG_VARIABLE, "").strip() or own
    if rules.required and own and _whole(named) != _whole(own):
        raise UsageError(
            f"the policy requires the audit log {rules.log!r}: leave {LOG_VARIABLE} unset, and name no other"
        )
    return open_log(named) if named else None


def log_to_write(rules: AuditRules, folder: Path, asked: str | None = None) -> AuditLog | None:
    """The log of :func:`log_of`, before anything is done that it must tell.

    Raises UsageError where the policy requires one and names none, LedgerError for one that cannot be read.
    """
    log = log_of(rules, folder, asked)
    if log is not None:
        log.head()
    elif rules.required:
        raise UsageError(NO_LOG)
    return log


def _whole(place: str) -> str:
    return place.rstrip("/") if "://" in place else os.path.realpath(place)


def record(
    log: AuditLog,
    action: Action,
    *,
    actor: Identity,
    subject: str,
    at: str = "",
    policy_digest: str = "",
    objects: Mapping[str, bytes] | None = None,
    kept: Mapping[str, str] | None = None,
    decision: str = "",
    detail: Mapping[str, str] | None = None,
) -> Entry:
    """Log one thing that was done, with what it refers to (role -> content, kept by hash); the sealed entry.

    ``kept``: role -> hash of what the log has already. ``at`` is UTC, ISO 8601 with a trailing Z; empty:
    now. Raises LedgerError, EvidenceError where it cannot be written.
    """
    held = {**(kept or {}), **{role: log.keep(content) for role, content in (objects or {}).items()}}
    return log.append(
        Entry(
            seq=0,
            at=at or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            action=action,
            actor=actor,
            subject=subject,
            policy_digest=policy_digest,
            objects=held,
            decision=decision,
            detail=dict(detail or {}),
        )
    )


def side_of_baseline(baseline: Baseline) -> bytes:
    """A kept baseline as gates will keep it: its SHA-256 says whether two gates met the same one."""
    givens: list[Given] = []
    baseline.repeats(givens.append)
    return encoded_side(baseline.name, baseline.runs, givens, as_one=baseline.as_one, kept=baseline.name)[0]


def record_baseline(
    log: AuditLog,
    baseline: Baseline,
    *,
    actor: Identity,
    at: str = "",
    detail: Mapping[str, str] | None = None,
) -> Entry:
    """Log that a baseline was set; ``detail`` says why, and who approved it (``reason``, ``approved_by``)."""
    side = side_of_baseline(baseline)
    return record(
        log,
        Action.BASELINE_SET,
        actor=actor,
        subject=baseline.name,
        at=at,
        objects={"baseline": side},
        decision="set",
        detail={
            **(detail or {}),
            "baseline": baseline.name,
            "baseline_digest": sha256(side).hexdigest(),
            "evidence_sha256": baseline.evidence_sha256,
        },
    )
