"""What is known of a waiver when it is asked for, and what the log knows that its file no longer says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.waiver import Waiver
from wattmark.core.governance.waivers import digest, person, renewal_of
from wattmark.wiring.waiver_deeds import Office

DEEDS = {
    Action.WAIVER_REQUESTED: "request",
    Action.WAIVER_APPROVED: "approval",
    Action.WAIVER_REVOKED: "revocation",
}


def foreseen(office: Office, waiver: Waiver) -> tuple[str, ...]:
    """Why it would not hold even when approved as things are, each with what to do next; empty: it would."""
    return tuple(_foreseen(office, waiver))


def _foreseen(office: Office, waiver: Waiver) -> Iterator[str]:
    rules, identity = office.policy.waivers, office.policy.identity
    others = [one for one in office.judged() if one.waiver.id != waiver.id]
    count = renewal_of(waiver, others, rules, office.today)
    if count > rules.renewals:
        yield (
            f"it would be renewal {count} of its rule and scope, and the policy allows {rules.renewals}: "
            "mend what breaks the rule, or have the policy changed"
        )
    if rules.role in identity.roles:
        people = {person(name, identity) for name in identity.roles[rules.role]}
        able = people - ({person(waiver.requested_by.name, identity)} if rules.not_requester else set())
        if len(able) < rules.approvers:
            yield (
                f"{rules.approvers} must approve, and role {rules.role} has {len(able)} who may: name more "
                f"people under [roles] {rules.role}"
            )
    if not identity.allow_unverified:
        yield from _unverifiable(office)


def _unverifiable(office: Office) -> Iterator[str]:
    """Why nobody's approval could be verified."""
    identity = office.policy.identity
    if identity.issuers or identity.forge:
        return
    if not identity.allowed_signers:
        yield (
            "nobody can be verified: name a file of keys under [identity] allowed_signers (a line each: "
            "e-mail address, then the public key)"
        )
    elif not (office.folder / identity.allowed_signers).is_file():
        yield (
            f"nobody can be verified: there is no {identity.allowed_signers} beside the policy: write a line "
            "for each approver, e-mail address and public key"
        )


def gone(office: Office) -> tuple[str, ...]:
    """What the audit log has of waivers and the file no longer: requests, approvals, revocations, content.

    Raises LedgerError, EvidenceError, MissingExtra, UsageError where the log cannot be read.
    """
    from wattmark.wiring.auditing import log_of

    log = log_of(office.policy.audit, office.folder)
    if log is None:
        return ()
    entries = list(log.newest_first())
    whose = {e.policy_digest: e.detail["policy"] for e in entries if e.policy_digest and "policy" in e.detail}
    mine = office.policy.about.id or PurePath(office.policy.name).name
    ours = [e for e in reversed(entries) if e.action in DEEDS and whose.get(e.policy_digest, mine) == mine]
    return tuple(filter(None, (_gone(office, entry) for entry in ours)))


def _gone(office: Office, entry: Entry) -> str:
    found = office.found
    deeds = {
        Action.WAIVER_REQUESTED: found.requests,
        Action.WAIVER_APPROVED: found.approvals,
        Action.WAIVER_REVOKED: found.revocations,
    }[entry.action]
    about = f"{DEEDS[entry.action]} of {entry.subject} by {entry.actor.name}, {entry.at}"
    logged = f"entry {entry.seq} of the audit log"
    if not any((d.waiver, d.at, d.by) == (entry.subject, entry.at, entry.actor.name) for d in deeds):
        return f"the {about} is gone from {office.file.name}: {logged} has it"
    waiver = next((w for w in found.waivers if w.id == entry.subject), None)
    if waiver is None:
        return f"waiver {entry.subject} is gone from {office.file.name}: {logged} has it"
    if entry.action is Action.WAIVER_REQUESTED and digest(waiver) != entry.detail.get("digest"):
        return f"{entry.subject} does not say what was asked for: {logged} has another content"
    return ""
