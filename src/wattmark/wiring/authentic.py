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
from wattmark.hashing import sha256
from wattmark.ledger.auditlog import DIGESTS, RUN, AuditLog
from wattmark.ledger.baselinefile import evidence_hash
from wattmark.ledger.decisionfile import parse_decision
from wattmark.ledger.policyfile import find_policy
from wattmark.ledger.replayfile import run_kept
from wattmark.wiring.attempts import same_records
from wattmark.wiring.audit_check import aside
from wattmark.wiring.auditing import NO_LOG, log_of
from wattmark.wiring.gate_log import GUARDS, guards_of
from wattmark.wiring.governing import AT_ONCE, TOLD, PolicyHere, policy_here
from wattmark.wiring.rejoining import HASH
from wattmark.wiring.waivers import waivers_of

NOT_PASSED = (Standing.FAILED.value, Standing.INCOMPLETE.value)
"""What the log says of a gate that let nothing through."""


def nearest(start: Path) -> PolicyHere | None:
    """The policy that holds in a folder; None where none does. Raises ConfigError."""
    found = find_policy(start)
    return None if found is None else policy_here(found, start)


def required_proof(
    decision: Decision, rules: PolicyHere | None, asked: str | None = None, *, by_name: bool = False
) -> Refusal | None:
    """Why a policy that requires a log cannot take this decision for one of a gate; None where it can.

    A pass must also be by this very policy, and no later gate of the same may have come to less. ``asked``:
    the log that was asked for. ``by_name``: nothing but its name tells which version the decision is about.
    Raises UsageError for a log that is not the policy's.
    """
    if rules is None or not rules.policy.audit.required:
        return None
    log = log_of(rules.policy.audit, rules.folder, asked)
    why = NO_LOG if log is None else unlogged(decision, log)
    if log is not None and not why and not decision.exit_code:
        why = (
            _other_policy(decision, rules)
            or _gated_later(decision, log, by_name)
            or _other_people(decision, rules, log)
        )
    return Refusal(f"the policy requires an audit log, and {why}", NO_EVIDENCE) if why else None


def pass_refused(decision: Decision, rules: PolicyHere | None) -> Refusal | None:
    """Why a pass is not to be told to anybody; None where it is, and where no policy requires a log."""
    if rules is None or not rules.policy.audit.required:
        return None
    forged = required_proof(decision, rules, by_name=True)
    return forged or waivers_gone(decision, rules, datetime.now(UTC).date())


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


def _other_policy(decision: Decision, rules: PolicyHere) -> str:
    """Why a pass is by another policy than the one that is in force here; empty: it is by this one."""
    if decision.policy.digest == rules.policy.digest:
        return ""
    met, mine = decision.policy.digest[:12] or "one that it does not name", rules.policy.digest[:12]
    return (
        f"the decision is by another policy than {rules.policy.name} as it is now ({met} against {mine}): "
        "run the gate again, by this one"
    )


def _other_people(decision: Decision, rules: PolicyHere, log: AuditLog) -> str:
    """Why nobody knows who approved a baseline: its gate knew others for who they are than this folder does.

    A copy of the policy elsewhere has the same digest, and may lie beside a list of signers of one's own.
    Empty: the same, or no approval was asked for. Waivers are judged anew: ``waivers_gone``.
    """
    if not rules.policy.baseline.approvers or decision.baseline is None:
        return ""
    try:
        own = _entry(log, decision.audit_seq or 0, decision.audit_head)
    except (LedgerError, EvidenceError) as error:
        return f"by whom its baseline was approved is not known: {without_paths(error)}"
    kept = {} if own is None else own.objects
    then = {role: digest for role, digest in kept.items() if role.partition(":")[0] in GUARDS}
    here = {role: sha256(data).hexdigest() for role, data in guards_of(rules.policy, rules.folder).items()}
    other = sorted(role for role in {*then, *here} if then.get(role) != here.get(role))
    if not other:
        return ""
    return (
        f"its baseline was approved by another {' and '.join(other)} than the one beside "
        f"{rules.policy.name}: run the gate again, here"
    )


def _gated_later(decision: Decision, log: AuditLog, by_name: bool) -> str:
    """Why a pass is not the log's last word: the same policy judged the same later, and it did not pass.

    The same are these very runs, and what has the same name: a name with a version, or any where nothing else
    tells what is meant. The training and the inference of a version, or what two teams make of it, have one
    name and are not the same. Empty: no later gate says otherwise.
    """
    by_name = by_name or bool(decision.candidate.tags.get("model_version"))
    try:
        own = _entry(log, decision.audit_seq or 0, decision.audit_head)
        found = None if own is None else _not_passed(decision, own, log, by_name)
    except (LedgerError, EvidenceError) as error:
        return f"whether a later gate failed is not known: {without_paths(error)}"
    if found is None:
        return ""
    return (
        f"{decision.candidate.name} was gated later, at {found.at}, and came to {found.decision} "
        f"(entry {found.seq}): run the gate again, and take what it says then"
    )


def _not_passed(decision: Decision, own: Entry, log: AuditLog, by_name: bool) -> Entry | None:
    for entry in log.newest_first():
        if entry.seq <= own.seq and HASH not in own.detail:
            return None
        if (
            entry.action is Action.GATE_EVALUATED
            and entry.decision in NOT_PASSED
            and entry.policy_digest == decision.policy.digest
            and _after(entry, own)
            and ((by_name and _may_be_it(entry, decision, log)) or same_records(log, entry, decision))
        ):
            return entry
    return None


def _may_be_it(entry: Entry, decision: Decision, log: AuditLog) -> bool:
    """Whether a gate judged what has this name, and no tag that both state tells the two apart."""
    if entry.subject != decision.candidate.name:
        return False
    try:
        kept = parse_decision(log.kept(entry.objects.get("decision", "")), f"entry {entry.seq}")
    except EvidenceError:  # lost or altered: `verify` says so; its name is all that is left of it
        return True
    then = kept.candidate.matter
    return all(then.get(tag, value) == value for tag, value in decision.candidate.matter.items())


def _after(entry: Entry, own: Entry) -> bool:
    """By the chain; what was brought in from another branch stands behind its time."""
    return entry.at > own.at if {HASH} & {*entry.detail, *own.detail} else entry.seq > own.seq


def _entry(log: AuditLog, seq: int, hashed: str) -> Entry | None:
    """By number and hash; else where it stands since another branch was brought in."""
    if seq in log.numbers() and (found := log.entry(seq)).hash == hashed:
        return found
    return next((one for one in log.newest_first() if one.detail.get(HASH) == hashed), None)
