"""Whether a decision file is what a gate decided: held against the audit log, which has the decision too.

A decision is a file that anybody can write. What no log has is nobody's word; what a log has, whoever may
write there said, and a replay says whether it follows from its evidence.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from wattmark.core.baseline import without_plots
from wattmark.core.errors import EvidenceError, LedgerError, without_paths
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.decision import Decision, Standing
from wattmark.core.governance.promotion import NO_EVIDENCE, VIOLATION, Refusal, Shelved
from wattmark.ledger.auditlog import DIGESTS, RUN, AuditLog
from wattmark.ledger.baselinefile import evidence_hash
from wattmark.ledger.decisionfile import parse_decision
from wattmark.ledger.policyfile import find_policy
from wattmark.ledger.replayfile import run_kept
from wattmark.wiring.audit_check import aside
from wattmark.wiring.auditing import NO_LOG, log_of
from wattmark.wiring.governing import AT_ONCE, TOLD, PolicyHere, policy_here
from wattmark.wiring.rejoining import HASH
from wattmark.wiring.waivers import waivers_of


def nearest(start: Path) -> PolicyHere | None:
    """The policy that holds in a folder; None where none does. Raises ConfigError."""
    found = find_policy(start)
    return None if found is None else policy_here(found, start)


def required_proof(decision: Decision, rules: PolicyHere | None, asked: str | None = None) -> Refusal | None:
    """Why a policy that requires a log cannot take this decision for one of a gate; None where it can.

    ``asked``: the log that was asked for. Raises UsageError for one that is not the policy's.
    """
    if rules is None or not rules.policy.audit.required:
        return None
    log = log_of(rules.policy.audit, rules.folder, asked)
    why = NO_LOG if log is None else unlogged(decision, log)
    return Refusal(f"the policy requires an audit log, and {why}", NO_EVIDENCE) if why else None


def told_the_time(rules: PolicyHere | None, now: datetime) -> Refusal | None:
    """Why a policy that requires a log lets nothing be promoted as of another time; None where it is now.

    A waiver that has lapsed would hold again that way.
    """
    if rules is None or not rules.policy.audit.required or abs(now - datetime.now(UTC)) <= AT_ONCE:
        return None
    said = f"the policy requires an audit log, and nothing is promoted as of {now:%Y-%m-%dT%H:%M:%SZ}"
    return Refusal(f"{said}: leave --now out", NO_EVIDENCE)


def waivers_gone(decision: Decision, rules: PolicyHere | None, today: date) -> Refusal | None:
    """Why a waiver that let a decision through holds no more, as the policy's waivers stand on a day.

    A decision says how they stood when the gate ran; since then somebody may have ended one. None where all
    hold, and where no policy says which waivers there are. Raises ConfigError.
    """
    used = [rule.waiver for rule in decision.rules if rule.standing is Standing.WAIVED and rule.waiver]
    if rules is None or not used:
        return None
    known = {(one.waiver.id, one.digest): one for one in waivers_of(rules.policy, rules.folder, today)}
    for waiver in used:
        one = known.get((waiver.id, waiver.digest))
        if one is None:
            said = f"{rules.policy.waivers.file} does not hold waiver {waiver.id} as it was approved"
            return Refusal(f"{said}: run the gate again", NO_EVIDENCE)
        if not one.holds:
            said = f"waiver {waiver.id} let it pass, and is {one.state} now"
            return Refusal(f"{said}: {one.reason}: run the gate again", VIOLATION)
    return None


def other_evidence(decision: Decision, version: Shelved, log: AuditLog | None) -> Refusal | None:
    """Why a version's runs are others than those that a gate judged, among more or in another order.

    A decision has one hash over all its runs as it names them. Those of a version are in the log that kept
    them; without it, or where it keeps digests, nobody can tell. None where they are the same.
    """
    alike = version.record_ids == decision.candidate.record_ids
    if log is None or decision.audit_seq is None or alike or not version.evidence_sha256:
        return None  # the same runs in one order have the same hash, which `not_of` asks for
    try:
        entry = _entry(log, decision.audit_seq, decision.audit_head)
        kept = {} if entry is None or entry.detail.get("keep") == DIGESTS else entry.objects
        roles = [f"{RUN}{record}" for record in version.record_ids]
        if not roles or any(role not in kept for role in roles):
            return None
        runs = tuple(run_kept(log.kept(kept[role]), role) for role in roles)
    except (LedgerError, EvidenceError) as error:
        return Refusal(f"the evidence that was judged cannot be read: {without_paths(error)}", NO_EVIDENCE)
    found = evidence_hash(without_plots(runs))
    if found == version.evidence_sha256:
        return None
    return Refusal(
        f"the evidence of {version} was {version.evidence_sha256[:12]} when it was logged, and the gate "
        f"judged {found[:12]} under the same record ids",
        NO_EVIDENCE,
    )


def unlogged(decision: Decision, log: AuditLog) -> str:
    """Why a log does not show that a gate decided this, letter by letter; empty: it does."""
    if decision.audit_seq is None or not decision.audit_head:
        return "the decision names no entry of it: it was made with --no-log, or by hand"
    named = f"entry {decision.audit_seq}, head {decision.audit_head[:12]}"
    try:
        entry = _entry(log, decision.audit_seq, decision.audit_head)
        if entry is None or entry.action is not Action.GATE_EVALUATED:
            return f"the log has no gate at {named}: it is another log, or the decision was made by hand"
        kept = parse_decision(log.kept(entry.objects.get("decision", "")), f"entry {entry.seq}")
    except (LedgerError, EvidenceError) as error:
        return f"{named} cannot be read: {without_paths(error)}"
    if kept != replace(decision, audit_seq=None, audit_head=""):
        return f"the decision is not the one that {named} keeps: it was altered"
    if aside(entry) or TOLD in kept.notes:
        return f"the gate was told that it is {decision.decided_at} (--now), and {named} is of {entry.at}"
    return ""


def _entry(log: AuditLog, seq: int, hashed: str) -> Entry | None:
    """By number and hash; else where it stands since another branch was brought in."""
    if seq in log.numbers() and (found := log.entry(seq)).hash == hashed:
        return found
    return next((one for one in log.newest_first() if one.detail.get(HASH) == hashed), None)
