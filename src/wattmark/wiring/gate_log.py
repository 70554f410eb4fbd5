"""A gate in the audit log, with everything a replay needs, and with what nobody had logged before it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath

from wattmark.core.errors import EvidenceError, LedgerError, UsageError, without_paths
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.budget import BudgetStanding
from wattmark.core.governance.decision import EXIT_CODES, Decision, Standing
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.core.policy import Policy
from wattmark.hashing import sha256
from wattmark.ledger.auditlog import DIGESTS, RUN, AuditLog
from wattmark.ledger.baselinefile import evidence_hash
from wattmark.ledger.replayfile import KeptRun, Told, encoded, encoded_side
from wattmark.reports.decision_json import decision_json
from wattmark.version import __version__
from wattmark.wiring.attempts import Judging, attempts
from wattmark.wiring.auditing import NO_LOG, TRIED, log_of, record
from wattmark.wiring.decisions import Group

NOTICED = "a gate; nobody had logged it"
GUARDS = ("allowed_signers", "codeowners", "keys")
"""Roles of files that say who is who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEvidence:
    """What a gate decided by, as it was handed to ``deciding.decide``: enough to decide again."""

    policy: Policy
    policy_text: str
    """The policy file, letter by letter."""
    candidate: Group
    baseline: Group | None = None
    judged: tuple[JudgedWaiver, ...] = ()
    waivers_text: str = ""
    """The waiver file, letter by letter."""
    standings: tuple[BudgetStanding, ...] = ()
    """Of budgets, as they stood."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What else was asked for or known."""
    rated_by: Mapping[str, str] = field(default_factory=dict)
    """By what scores and stars were given: ``rubric``, ``thresholds``, ``results``, where there are any."""


def logged(
    decision: Decision,
    evidence: GateEvidence,
    *,
    folder: Path,
    actor: Identity,
    asked: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Decision:
    """The decision after it was logged, with the head of the log; without a log as it was.

    Where the log cannot be written it says so in a note; where the policy requires the log, a decision that
    would have passed is then incomplete (exit code 3): a gate that leaves no trace does not open.
    """
    rules = evidence.policy.audit
    try:
        log = log_of(rules, folder, asked, environ)
        if log is None:
            return _closed(decision, NO_LOG) if rules.required else decision
        guards = guards_of(evidence.policy, folder)
        about = Judging(
            decision,
            policy_key(decision),
            partial(_baseline_digest, evidence),
            partial(_run_digests, evidence),
        )
        if tried := attempts(log, about):
            decision = replace(decision, notes=(*decision.notes, tried))
            evidence = replace(evidence, options={**evidence.options, TRIED: tried})
        entry = record_gate(log, decision, evidence, actor=actor, guards=guards)
    except (LedgerError, EvidenceError, UsageError) as error:
        text = f"the decision is not in the audit log: {without_paths(error)}"
        return _closed(decision, text) if rules.required else replace(decision, notes=(*decision.notes, text))
    return replace(decision, audit_head=entry.hash, audit_seq=entry.seq)


def guards_of(policy: Policy, folder: Path) -> dict[str, bytes]:
    """The files beside a policy that say who is who, by role: whoever edits them makes identities."""
    rules = policy.identity
    named = {"allowed_signers": rules.allowed_signers, "codeowners": rules.codeowners}
    named |= {f"keys:{issuer}": place for issuer, place in rules.issuers.items() if "://" not in place}
    found: dict[str, bytes] = {}
    for role, name in named.items():
        with suppress(OSError):  # one that cannot be read identifies nobody
            if name and (folder / name).is_file():
                found[role] = (folder / name).read_bytes()
    return found


def record_gate(
    log: AuditLog,
    decision: Decision,
    evidence: GateEvidence,
    *,
    actor: Identity,
    at: str = "",
    guards: Mapping[str, bytes] | None = None,
) -> Entry:
    """Log what a gate decided, with everything that a replay needs. ``at``: when it is logged; empty: now.

    First it logs what nobody has: a policy, a kept baseline, or a file that says who is who (``guards``),
    that is another one than in the log's newest entries. So none can be changed silently between two gates.
    """
    guards = guards or {}
    kept = _sides_kept(log, evidence)
    digest = kept.get("baseline", "") if evidence.baseline is not None and evidence.baseline.kept else ""
    _notice(log, decision, evidence, actor, digest, at)
    _notice_guards(log, decision, guards, actor, at)
    contents = {
        "policy": evidence.policy_text.encode(),
        "waivers": evidence.waivers_text.encode(),
        "given": encoded(
            Told(
                judged=evidence.judged,
                standings=evidence.standings,
                options=evidence.options,
                wattmark=__version__,
            )
        ),
        "decision": decision_json(decision).encode(),
        **guards,
        **{role: text.encode() for role, text in evidence.rated_by.items()},
    }
    return record(
        log,
        Action.GATE_EVALUATED,
        actor=actor,
        subject=decision.candidate.name,
        at=at,
        policy_digest=decision.policy.digest,
        objects={role: content for role, content in contents.items() if content},
        kept=kept,
        decision=decision.standing.value,
        detail=_gate_detail(decision, evidence, digest),
    )


def _sides_kept(log: AuditLog, evidence: GateEvidence) -> dict[str, str]:
    """Candidate, baseline and their runs, by role."""
    roles: dict[str, str] = {}
    for role, group in (("candidate", evidence.candidate), ("baseline", evidence.baseline)):
        if group is None:
            continue
        side, runs = _as_kept(group)
        roles[role] = log.keep(side)
        for run in runs:
            named = f"{RUN}{run.record_id}"
            if roles.setdefault(named, run.sha256) != run.sha256:  # one run, known in two states
                roles[f"{named}:{role}"] = run.sha256
            if evidence.policy.audit.keep != DIGESTS:
                log.keep(run.content)
    return roles


def _as_kept(group: Group) -> tuple[bytes, list[KeptRun]]:
    """Candidate or baseline as it is kept, with its runs."""
    return encoded_side(
        group.name,
        group.runs,
        group.givens,
        as_one=group.as_one,
        kept=group.kept,
        remarks=group.remarks,
    )


def _baseline_digest(evidence: GateEvidence) -> str:
    """SHA-256 of the baseline as it is kept; empty where there is none."""
    return "" if evidence.baseline is None else sha256(_as_kept(evidence.baseline)[0]).hexdigest()


def _run_digests(evidence: GateEvidence) -> frozenset[str]:
    """SHA-256 of the candidate's runs as they are kept."""
    return frozenset(run.sha256 for run in _as_kept(evidence.candidate)[1])


def policy_key(decision: Decision) -> str:
    """What a policy is called in the log: its id, else the name of its file."""
    return decision.policy.id or PurePath(decision.policy.file).name


def _notice(
    log: AuditLog,
    decision: Decision,
    evidence: GateEvidence,
    actor: Identity,
    baseline_digest: str,
    at: str,
) -> None:
    """Log a policy and a kept baseline that the log does not know in this state."""
    key, digest = policy_key(decision), decision.policy.digest
    name = evidence.baseline.kept if evidence.baseline is not None else ""
    old_policy, old_baseline = _last_seen(log, key, name)
    noticed = {"noticed_by": NOTICED}
    if old_policy != digest:
        record(
            log,
            Action.POLICY_CHANGED,
            actor=actor,
            subject=key,
            at=at,
            policy_digest=digest,
            objects={"policy": evidence.policy_text.encode()},
            decision="changed" if old_policy else "first seen",
            detail={"policy": key, "old_digest": old_policy, "new_digest": digest, **noticed},
        )
    if baseline_digest and old_baseline != baseline_digest and evidence.baseline is not None:
        record(
            log,
            Action.BASELINE_SET,
            actor=actor,
            subject=name,
            at=at,
            policy_digest=digest,
            objects={"baseline": _as_kept(evidence.baseline)[0]},
            decision="changed" if old_baseline else "first seen",
            detail={
                "baseline": name,
                "old_digest": old_baseline,
                "baseline_digest": baseline_digest,
                "evidence_sha256": evidence_hash(evidence.baseline.runs),
                **noticed,
            },
        )


def _notice_guards(
    log: AuditLog, decision: Decision, guards: Mapping[str, bytes], actor: Identity, at: str
) -> None:
    """Log files that say who is who where they are others than at the last gate by this policy.

    A policy that no gate met before is held against the last gate of all: another name hides no other keys.
    """
    key = policy_key(decision)
    last: Entry | None = None
    for entry in log.newest_first():
        if entry.action is Action.GATE_EVALUATED:
            mine = entry.detail.get("policy") == key
            last = entry if mine or last is None else last
            if mine:
                break
    if last is None:
        return
    before = {role: digest for role, digest in last.objects.items() if role.partition(":")[0] in GUARDS}
    for role in sorted({*before, *guards}):
        old, content = before.get(role, ""), guards.get(role)
        new = "" if content is None else sha256(content).hexdigest()
        if old != new:
            record(
                log,
                Action.POLICY_CHANGED,
                actor=actor,
                subject=role,
                at=at,
                policy_digest=decision.policy.digest,
                objects={} if content is None else {role: content},
                decision="gone" if not new else "changed" if old else "first seen",
                detail={"guard": role, "old_digest": old, "new_digest": new, "noticed_by": NOTICED},
            )


def _last_seen(log: AuditLog, key: str, baseline: str) -> tuple[str, str]:
    """Digests of a policy and of a kept baseline as the log last saw them; empty: never, or not asked for."""
    policy_digest, baseline_digest = "", "" if baseline else "not asked for"
    for entry in log.newest_first():
        if not policy_digest and entry.detail.get("policy") == key:
            policy_digest = entry.policy_digest
        if not baseline_digest and entry.detail.get("baseline") == baseline:
            baseline_digest = entry.detail.get("baseline_digest", "")
        if policy_digest and baseline_digest:
            break
    return policy_digest, baseline_digest


def _gate_detail(decision: Decision, evidence: GateEvidence, baseline_digest: str) -> dict[str, str]:
    said = {
        "policy": policy_key(decision),
        "decided_at": decision.decided_at,
        "exit_code": str(decision.exit_code),
        "candidate_evidence": decision.candidate.evidence_sha256,
        "baseline": decision.baseline.name if decision.baseline else "",
        "baseline_digest": baseline_digest,
        "waived": ", ".join(rule.id for rule in decision.rules if rule.standing is Standing.WAIVED),
        "wattmark": __version__,
        "keep": evidence.policy.audit.keep,
    }
    return {key: value for key, value in said.items() if value}


def _closed(decision: Decision, text: str) -> Decision:
    """The decision where a log is required and was not written: what would have passed is incomplete."""
    notes = (*decision.notes, text)
    if decision.standing is Standing.FAILED:
        return replace(decision, notes=notes)
    closed = Standing.INCOMPLETE
    return replace(decision, notes=notes, standing=closed, exit_code=EXIT_CODES[closed])
