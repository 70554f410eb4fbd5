"""Asking for, approving and revoking waivers: who speaks, whether it would count, and where it is kept."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from wattmark.core.errors import UsageError
from wattmark.core.governance.audit import Action
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.waiver import Approval, JudgedWaiver, Waiver, WaiverState
from wattmark.core.governance.waivers import (
    Act,
    approval_problem,
    content,
    digest,
    meet,
    rule_problem,
    statement,
)
from wattmark.core.policy import Limit, Policy
from wattmark.ledger.waiverfile import Deed, WaiverFile, read_waivers
from wattmark.ledger.waiverlines import append, deed_text, request_text
from wattmark.wiring.decisions import policy_for
from wattmark.wiring.identities import NAMESPACE, assembled, word_of
from wattmark.wiring.voices import Voice
from wattmark.wiring.waivers import digests_of, judged_of, waiver_file
from wattmark.wiring.witness import Witness, by_token, log_witness

ASIDE = timedelta(minutes=5)
"""How far from now a deed by an identity token may be said to be."""
ACTIONS = {
    Act.REQUEST: Action.WAIVER_REQUESTED,
    Act.APPROVE: Action.WAIVER_APPROVED,
    Act.REVOKE: Action.WAIVER_REVOKED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A policy with its waivers, at a moment."""

    policy: Policy
    folder: Path
    found: WaiverFile
    now: datetime

    @property
    def today(self) -> date:
        """In UTC."""
        return self.now.date()

    @property
    def file(self) -> Path:
        """Of waivers."""
        return waiver_file(self.policy, self.folder)

    @property
    def at(self) -> str:
        """The moment as files hold it."""
        return f"{self.now:%Y-%m-%dT%H:%M:%SZ}"

    def judged(self) -> tuple[JudgedWaiver, ...]:
        """All waivers as they stand."""
        return judged_of(self.found, self.policy, self.folder, self.today)

    def witness(self) -> Witness:
        """Who knows who is who."""
        return Witness(
            rules=self.policy.identity, folder=self.folder, today=self.today,
            logged=log_witness(self.policy, self.folder),
        )  # fmt: skip

    def waiver(self, name: str) -> Waiver:
        """A waiver by its id, with its requester as well known as can be. Raises UsageError."""
        one = next((w for w in assembled(self.found, self.witness()) if w.id == name), None)
        if one is None:
            raise UsageError(f"{self.file} holds no waiver {name!r}{_meant(name, self.found.ids)}")
        return one


def office_at(policy: Path | None, start: Path, now: datetime) -> Office:
    """The policy named, or the nearest one, with its waivers. Raises UsageError."""
    rules = policy_for(policy, start)
    folder = Path(rules.name).parent
    found = read_waivers(waiver_file(rules, folder))
    return Office(policy=rules, folder=folder, found=found, now=now.astimezone(UTC))


def request(office: Office, draft: Waiver, voice: Voice) -> tuple[Waiver, Identity]:
    """Put a waiver into the file, asked for by whoever speaks. Raises UsageError for what nobody may ask."""
    rule = rule_of(office.policy, draft.rule)
    name, token = _name(office, voice)
    waiver = replace(
        draft,
        id=draft.id or f"W-{secrets.token_hex(4)}",
        rule_digest=digests_of(office.policy)[draft.rule],
        policy=office.policy.about.id,
        requested_by=Identity(name=name),
        requested_at=office.at,
    )
    if waiver.id in office.found.ids:
        raise UsageError(f"{office.file} holds a waiver {waiver.id!r} already: give it another --id")
    if problem := request_problem(waiver, rule, office):
        raise UsageError(problem)
    deed, who = _said(office, Act.REQUEST, waiver, name, voice, token)
    _keep(office, waiver, deed, who, request_text(waiver, deed.signature, deed.token))
    return replace(waiver, requested_by=who), who


def approve(office: Office, name: str, voice: Voice) -> tuple[Waiver, Identity]:
    """Approve the content of a waiver as it is. Raises UsageError where the approval could never count."""
    waiver = office.waiver(name)
    if waiver.revoked:
        raise UsageError(f"waiver {name} is over: {waiver.revoked}")
    if waiver.expires is not None and waiver.expires < office.today:
        raise UsageError(f"waiver {name} expired on {waiver.expires}: ask for a new one")
    if gone := rule_problem(waiver, digests_of(office.policy), office.policy.about.id):
        raise UsageError(f"waiver {name} lets nothing through: {gone}: ask for a new one")
    if office.policy.about.id and not waiver.policy:
        said = f"waiver {name} names no policy, so it would hold wherever there is such a rule"
        raise UsageError(f"{said}: ask for a new one (`wattmark waiver request`)")
    who_name, token = _name(office, voice, digest(waiver))
    role = office.policy.waivers.role if office.policy.waivers.role in office.policy.identity.roles else ""
    deed, who = _said(office, Act.APPROVE, waiver, who_name, voice, token, role=role)
    # A name alone may still become more: by the signed commit that brings it in.
    rules = replace(office.policy.identity, allow_unverified=True)
    approval = Approval(waiver=name, digest=deed.digest, by=who, role=role, at=deed.at)
    if problem := approval_problem(waiver, approval, office.policy.waivers, rules, office.today):
        raise UsageError(f"this approval of {name} would not count: {problem}")
    _keep(office, waiver, deed, who, deed_text(deed))
    return waiver, who


def revoke(office: Office, name: str, reason: str, voice: Voice) -> tuple[Waiver, Identity]:
    """End a waiver before its time. Raises UsageError where it is over already."""
    waiver = office.waiver(name)
    if waiver.revoked:
        raise UsageError(f"waiver {name} is over already: {waiver.revoked}")
    who_name, token = _name(office, voice, digest(waiver))
    deed, who = _said(office, Act.REVOKE, waiver, who_name, voice, token, reason=reason)
    _keep(office, waiver, deed, who, deed_text(deed))
    return waiver, who


def rule_of(policy: Policy, name: str) -> Limit | Budget:
    """A rule by its id. Raises UsageError with the closest one."""
    rules: Sequence[Limit | Budget] = (*policy.limits, *policy.budgets)
    found = next((rule for rule in rules if rule.id == name), None)
    if found is None:
        raise UsageError(f"{policy.name} has no rule {name!r}{_meant(name, [rule.id for rule in rules])}")
    return found


def request_problem(waiver: Waiver, rule: Limit | Budget, office: Office) -> str:
    """Why nobody could approve this; empty: they could."""
    rules, today = office.policy.waivers, office.today
    if waiver.cap is None and not rules.uncapped:
        return "the policy allows no waiver without a cap: give the worst value it may let through with --cap"
    if waiver.cap is not None and not _widens(waiver.cap, rule):
        return f"--cap {waiver.cap:g} lets nothing through that rule {waiver.rule} does not allow anyway"
    if waiver.expires is None:
        return "" if rules.permanent else "the policy allows no waiver without an end: give --expires"
    if waiver.expires < today:
        return f"--expires {waiver.expires} is over: today is {today} (UTC)"
    first = waiver.granted or today
    days = (waiver.expires - first).days + 1
    if days < 1:
        return f"it would end on {waiver.expires}, before it begins on {first}"
    if days > rules.max_days:
        return (
            f"it would run for {days} days, {first} to {waiver.expires}: the policy allows {rules.max_days}"
        )
    return ""


def needed(office: Office, waiver: Waiver) -> str:
    """Who must approve it, in words."""
    rules, roles = office.policy.waivers, office.policy.identity.roles
    people = ", ".join(roles[rules.role]) if rules.role in roles else "anybody whose identity is verified"
    role = f"role {rules.role} ({people})" if rules.role in roles else people
    count = "1 approval" if rules.approvers == 1 else f"{rules.approvers} approvals of different people"
    other = f", other than {waiver.requested_by.name}" if rules.not_requester else ""
    return f"{count} by {role}{other}"


def _widens(cap: float, rule: Limit | Budget) -> bool:
    if isinstance(rule, Budget):
        return cap > rule.limit
    return cap < rule.bound if rule.min is not None else cap > rule.bound


def _meant(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; it has: {', '.join(known[:20])}" if known else ""


def _name(office: Office, voice: Voice, about: str = "") -> tuple[str, Mapping[str, str]]:
    now = office.now
    if voice.token:  # an old one would be good again at a moment that somebody makes up
        now = datetime.now(UTC)
        if abs(now - office.now) > ASIDE:
            raise UsageError("an identity token shows who acts now: leave --now out")
    return voice.of(office.policy.identity, office.folder, now, NAMESPACE, about)


def _said(
    office: Office, act: Act, waiver: Waiver, name: str, voice: Voice, token: Mapping[str, str],
    *, role: str = "", reason: str = "",
) -> tuple[Deed, Identity]:  # fmt: skip
    """What is said, signed where there is a key, and who it is known to be by. Raises UsageError."""
    request = act is Act.REQUEST
    deed = Deed(
        act=act, waiver=waiver.id, digest="" if request else digest(waiver), by=name, role=role, at=office.at,
        reason=reason, token=token,
    )  # fmt: skip
    if token:
        return deed, by_token(name, token)
    if voice.key is None:
        return deed, Identity(name=name, detail="a typed name")
    text = statement(act, waiver, name, role=role, at=office.at, reason=reason)
    deed = replace(deed, signature=voice.signature(text, NAMESPACE))
    who = office.witness().identity(word_of(deed, waiver, office.file))
    if not who.verified and not office.policy.identity.allow_unverified:
        raise UsageError(f"this would not count: {who.name} is unverified: {who.detail}")
    return deed, who


def _keep(office: Office, waiver: Waiver, deed: Deed, who: Identity, block: str) -> None:
    """Into the file, and into the log where the policy has one. Raises UsageError, LedgerError."""
    from wattmark.wiring.auditing import log_to_write, record

    log = log_to_write(office.policy.audit, office.folder)
    append(office.file, block)
    if log is None:
        return
    detail = {
        "waiver": waiver.id, "rule": waiver.rule, "digest": digest(waiver),
        "cap": "none" if waiver.cap is None else f"{waiver.cap!r}",
        "expires": waiver.expires.isoformat() if waiver.expires else "never",
        "ticket": waiver.ticket,
        "token": deed.token.get("id", ""), "reason": deed.reason,
    }  # fmt: skip
    record(
        log,
        ACTIONS[deed.act],
        actor=who,
        subject=waiver.id,
        at=deed.at,
        policy_digest=office.policy.digest,
        objects={"waiver": content(waiver).encode(), "waivers": office.file.read_bytes()},
        decision={Act.REQUEST: "requested", Act.APPROVE: "approved", Act.REVOKE: "revoked"}[deed.act],
        detail={name: value for name, value in detail.items() if value},
    )


def open_matters(found: Sequence[JudgedWaiver], within: int | None = None) -> list[JudgedWaiver]:
    """Those that somebody must do something about, or that lapse within so many days.

    One that expired is done with once it was revoked, or another of its rule that meets its scope holds.
    """
    wrong = (WaiverState.PENDING, WaiverState.EXPIRED, WaiverState.STALE)
    return [
        one
        for one in found
        if (one.state in wrong and not _followed(one, found))
        or (within is not None and one.holds and one.days_left is not None and one.days_left <= within)
    ]


def _followed(one: JudgedWaiver, found: Sequence[JudgedWaiver]) -> bool:
    return one.state is not WaiverState.PENDING and any(
        other.holds and other.waiver.rule == one.waiver.rule and meet(other.waiver.scope, one.waiver.scope)
        for other in found
    )
