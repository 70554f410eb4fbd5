"""Waivers on a day: whose approval counts, what they are for, and how long they hold."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from wattmark.core.canonical import canonical
from wattmark.core.governance.identity import Identity, Proof
from wattmark.core.governance.rules import IdentityRules, WaiverRules
from wattmark.core.governance.scope import Applies, Scope
from wattmark.core.governance.waiver import EXPIRING_DAYS, Approval, JudgedWaiver, Waiver, WaiverState

WILD = frozenset("*?[")
HEADING = "wattmark waiver, version 1"


class Act(StrEnum):
    """What somebody signs."""

    REQUEST = "request"
    APPROVE = "approve"
    REVOKE = "revoke"


def content(waiver: Waiver) -> str:
    """What a waiver says, as canonical text: one line per field, in this order.

    All of them are always there but the policy, which older waivers do not name. Strings are quoted as in
    JSON, so that no text can pass for two fields. What came later (approvals, a revocation) and where it
    stands are not of it.
    """
    said = sorted((tag, sorted(set(patterns))) for tag, patterns in waiver.scope.patterns.items())
    scope = ", ".join(f"{canonical(tag)} in [{', '.join(map(canonical, of))}]" for tag, of in said)
    fields = {
        "id": canonical(waiver.id),
        "rule": canonical(waiver.rule),
        "rule_digest": canonical(waiver.rule_digest),
        **({"policy": canonical(waiver.policy)} if waiver.policy else {}),
        "scope": scope or "all",
        "cap": "none" if waiver.cap is None else repr(float(waiver.cap) + 0.0),
        "reason": canonical(waiver.reason),
        "owner": canonical(waiver.owner),
        "ticket": canonical(waiver.ticket),
        "requested_by": canonical(waiver.requested_by.name),
        "requested_at": canonical(waiver.requested_at),
        "granted": "on approval" if waiver.granted is None else waiver.granted.isoformat(),
        "expires": "never" if waiver.expires is None else waiver.expires.isoformat(),
        "evidence": "may be missing" if waiver.evidence else "needed",
    }
    return "".join(f"{line}\n" for line in (HEADING, *(f"{name}: {value}" for name, value in fields.items())))


def digest(waiver: Waiver) -> str:
    """SHA-256 of the content: what an approval is for. Any edit makes another."""
    return hashlib.sha256(content(waiver).encode("utf-8", "surrogatepass")).hexdigest()


def statement(act: Act, waiver: Waiver, by: str, *, role: str = "", at: str = "", reason: str = "") -> bytes:
    """What is signed: who does what to a waiver, and all that the waiver says.

    A signature under one waiver, act or name therefore fits no other.
    """
    said = {"act": act.value, "by": by, "role": role, "at": at, "reason": reason}
    lines = "".join(f"{name}: {canonical(value)}\n" for name, value in said.items())
    return (lines + content(waiver)).encode("utf-8", "surrogatepass")


def folded(name: str) -> str:
    """A name as names are compared: neither case, width nor blanks around it make another person."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).strip().casefold())


def person(name: str, identity: IdentityRules) -> str:
    """Under which of their names somebody is compared, by the policy's aliases; a login without its ``@``."""
    bare = {_bare(alias): _bare(named) for alias, named in identity.aliases.items()}
    seen = [_bare(name)]
    while (found := bare.get(seen[-1], seen[-1])) not in seen:
        seen.append(found)
    return min(seen[seen.index(found) :])  # more than one where aliases go around


def same_person(a: Identity, b: Identity, identity: IdentityRules) -> bool:
    """True when two identities share a name, by the policy's aliases too, or a key."""
    return person(a.name, identity) == person(b.name, identity) or (bool(a.key) and a.key == b.key)


def _bare(name: str) -> str:
    return folded(name).removeprefix("@")


def approval_problem(
    waiver: Waiver, approval: Approval, rules: WaiverRules, identity: IdentityRules, today: date
) -> str:
    """Why an approval does not count; empty when it does."""
    if approval.digest != digest(waiver):
        return f"it was edited since {approval.by.name} approved it"
    return author_problem(waiver.requested_by, approval, rules, identity, today)


def author_problem(
    requester: Identity, approval: Approval, rules: WaiverRules, identity: IdentityRules, today: date
) -> str:
    """Why somebody's approval of anything does not count; empty when it does."""
    who = approval.by
    if not who.verified and not identity.allow_unverified:
        return _unverified(who)
    if rules.not_requester and same_person(who, requester, identity):
        return f"the approver {who.name} is the requester"
    if who.proof is Proof.CI_TOKEN and rules.role not in identity.roles and not identity.subjects:
        return (
            f"{who.name} may be a job of anybody's: name the projects with [identity] subjects, or who may "
            f"approve under [roles] {rules.role}"
        )
    if not has_role(who, rules.role, identity):
        return f"{who.name} is not in role {rules.role}"
    day = _day(approval.at)
    if day is None:
        return f"the approval of {who.name} has no date"
    if day > today:
        return f"the approval of {who.name} is of {day}, which is to come"
    return ""


def has_role(who: Identity, role: str, identity: IdentityRules) -> bool:
    """Whether somebody has a role; everybody has one that the policy does not name."""
    named = identity.roles.get(role)
    if named is None:
        return True
    alias = {folded(other): name for other, name in identity.aliases.items()}.get(folded(who.name), who.name)
    return bool({folded(who.name), folded(alias)} & {folded(name) for name in named})


def judged(
    waivers: Iterable[Waiver],
    rules: WaiverRules,
    identity: IdentityRules,
    digests: Mapping[str, str],
    today: date,
    *,
    policy: str = "",
) -> tuple[JudgedWaiver, ...]:
    """How each waiver stands on a day. ``digests`` are those of the policy's rules as they are, by id.

    ``policy`` is its own id; empty: it has none. The last day counts to its end in UTC. Whether a waiver that
    holds is used at all shows only once a gate has run: see :func:`stale`.
    """
    alone = [
        _alone(waiver, rules, identity, rule_problem(waiver, digests, policy), today) for waiver in waivers
    ]
    followed = _renewals(alone, rules)
    return tuple(_renewed(one, followed.get(at, 0), rules) for at, one in enumerate(alone))


def waivers_about(rule_id: str, tags: Mapping[str, str], found: Iterable[JudgedWaiver]) -> list[JudgedWaiver]:
    """All waivers of a rule whose scope these tags fit.

    Those that hold come first; among them the narrower, then those that last longer. A scope that names a
    tag which is not stated may mean others: it does not waive.
    """
    about = [one for one in found if one.waiver.rule == rule_id and one.waiver.scope.of(tags) is Applies.YES]
    return sorted(about, key=_preference)


def stale(
    found: Iterable[JudgedWaiver],
    *,
    used: Collection[str],
    broken: Collection[str],
    tags: Mapping[str, str],
) -> tuple[JudgedWaiver, ...]:
    """The waivers that hold for this subject and that nothing needs, as stale. Known after a gate ran.

    ``used`` are ids of waivers, ``broken`` those of rules that are broken or lack evidence.
    """
    return tuple(
        replace(one, state=WaiverState.STALE, reason=f"nothing breaks rule {one.waiver.rule} any more")
        for one in found
        if one.holds
        and one.waiver.id not in used
        and one.waiver.rule not in broken
        and one.waiver.scope.of(tags) is Applies.YES
    )


def _alone(
    waiver: Waiver, rules: WaiverRules, identity: IdentityRules, gone: str, today: date
) -> JudgedWaiver:
    """How it stands, all others aside. ``gone``: why its rule is no more what it was; empty: it is."""
    doubts = {a: approval_problem(waiver, a, rules, identity, today) for a in waiver.approvals}
    counted = different_people([a for a, doubt in doubts.items() if not doubt], rules.approvers, identity)
    begins = _begins(waiver, counted, rules)
    left = None if waiver.expires is None else (waiver.expires - today).days
    one = JudgedWaiver(
        waiver=waiver,
        state=WaiverState.ACTIVE,
        digest=digest(waiver),
        days_left=left,
        counted=tuple(a.by for a in counted),
        begins=begins,
    )
    if waiver.revoked:
        return replace(one, state=WaiverState.REVOKED, reason=waiver.revoked)
    if left is not None and left < 0:
        never = "" if begins else ", and was never approved"
        return replace(one, state=WaiverState.EXPIRED, reason=f"expired {_days(-left)} ago{never}")
    if gone:
        return replace(one, state=WaiverState.STALE, reason=gone)
    problems = _refusals(waiver, begins, rules, identity, today)
    if begins is None:
        short = f"{len(counted)} of {rules.approvers} approvals"
        problems = [*problems, *dict.fromkeys(filter(None, doubts.values())), short]
    if problems:
        return replace(one, state=WaiverState.PENDING, reason="; ".join(problems))
    return _holding(one)


def _holding(one: JudgedWaiver) -> JudgedWaiver:
    doubts = [f"{who.name} is unverified: a typed name" for who in _unverified_of(one)]
    left = one.days_left
    if left is None:
        return replace(one, state=WaiverState.PERMANENT, reason="; ".join(["never expires", *doubts]))
    when = "lapses today" if left == 0 else f"lapses in {_days(left)}"
    state = WaiverState.EXPIRING if left <= EXPIRING_DAYS else WaiverState.ACTIVE
    return replace(one, state=state, reason="; ".join([when, *doubts]))


def _unverified_of(one: JudgedWaiver) -> list[Identity]:
    return [who for who in (one.waiver.requested_by, *one.counted) if not who.verified]


def rule_problem(waiver: Waiver, digests: Mapping[str, str], policy: str = "") -> str:
    """Why the rule that it is for is no more what it was; empty when it is.

    ``digests`` and ``policy`` (its id) are those of today.
    """
    if waiver.policy and waiver.policy != policy:
        here = f"this one is {policy}" if policy else "this one has no id"
        return f"it is for rule {waiver.rule} of policy {waiver.policy}, and {here}"
    if waiver.rule not in digests:
        return f"rule {waiver.rule} is not in the policy"
    if not waiver.rule_digest:
        return f"it does not say which content of rule {waiver.rule} it is for: rule_digest is missing"
    if waiver.rule_digest != digests[waiver.rule]:
        return f"rule {waiver.rule} was changed since it was approved"
    return ""


def _refusals(
    waiver: Waiver, begins: date | None, rules: WaiverRules, identity: IdentityRules, today: date
) -> list[str]:
    """What the policy does not allow, whoever approved it."""
    found = []
    if not waiver.requested_by.verified and not identity.allow_unverified:
        found.append(f"the requester {_unverified(waiver.requested_by)}")
    if waiver.cap is None and not rules.uncapped:
        found.append("it has no cap, which the policy does not allow")
    if waiver.expires is None and not rules.permanent:
        found.append("it never expires, which the policy does not allow")
    first = waiver.granted or begins
    if waiver.expires is not None and first is not None:
        term = (waiver.expires - first).days + 1
        if term < 1:
            found.append(f"it ends on {waiver.expires}, before it begins on {first}")
        elif term > rules.max_days:
            found.append(f"it runs for {_days(term)}, and the policy allows {_days(rules.max_days)}")
    if first is not None and first > today:
        found.append(f"it begins on {first}")
    return found


def different_people(approvals: Sequence[Approval], needed: int, identity: IdentityRules) -> list[Approval]:
    """The first approvals of as many different people as are needed, by their dates.

    Somebody who approves under two names, or with two keys under one, is one person; so are two whom a third
    approval shows to be one.
    """
    groups: list[list[Approval]] = []
    for approval in approvals:
        mine = [group for group in groups if any(same_person(approval.by, a.by, identity) for a in group)]
        groups = [
            *(group for group in groups if group not in mine),
            [*(a for group in mine for a in group), approval],
        ]
    first = sorted((min(group, key=lambda a: a.at) for group in groups), key=lambda a: a.at)
    return first[: max(needed, 1)]


def _begins(waiver: Waiver, counted: Sequence[Approval], rules: WaiverRules) -> date | None:
    if len(counted) < rules.approvers:
        return None
    if waiver.granted is not None:
        return waiver.granted
    days = [day for a in counted if (day := _day(a.at))]
    return max(days, default=_day(waiver.requested_at))


def renewal_of(waiver: Waiver, found: Sequence[JudgedWaiver], rules: WaiverRules, today: date) -> int:
    """How many of its rule a waiver would follow, were it approved today beside those that were judged.

    Those that were approved and have not begun yet count as if they had.
    """
    asked = JudgedWaiver(waiver=waiver, state=WaiverState.ACTIVE, digest="", begins=waiver.granted or today)
    beside = [
        replace(one, state=WaiverState.ACTIVE) if one.begins is not None and one.begins > today else one
        for one in found
    ]
    return _renewals([*beside, asked], rules)[len(beside)]


def _renewals(alone: Sequence[JudgedWaiver], rules: WaiverRules) -> dict[int, int]:
    """Of each waiver that was in force at some time: how many of its rule it follows.

    Their scopes must meet. One follows another that began before it, unless ``max_days`` lie between.
    """
    held = [
        (one.begins, at)
        for at, one in enumerate(alone)
        if one.begins is not None and one.state is not WaiverState.PENDING
    ]
    found: dict[int, int] = {}
    for begins, at in sorted(held):
        waiver = alone[at].waiver
        before = [
            count + 1
            for other, count in found.items()
            if count <= rules.renewals and _follows(waiver, begins, alone[other].waiver, rules)
        ]
        found[at] = max(before, default=0)
    return found


def _follows(waiver: Waiver, begins: date, other: Waiver, rules: WaiverRules) -> bool:
    if waiver.rule != other.rule or not meet(waiver.scope, other.scope):
        return False
    return other.expires is None or begins <= other.expires + timedelta(days=rules.max_days)


def meet(a: Scope, b: Scope) -> bool:
    """Whether something may lie in both scopes; where patterns cannot tell, it may."""
    return all(
        any(_may_meet(one, other) for one in a.patterns[tag] for other in b.patterns[tag])
        for tag in a.patterns
        if tag in b.patterns
    )


def _may_meet(a: str, b: str) -> bool:
    if WILD & set(a) and WILD & set(b):
        return True
    return fnmatchcase(a, b) or fnmatchcase(b, a)


def _renewed(one: JudgedWaiver, followed: int, rules: WaiverRules) -> JudgedWaiver:
    if followed > rules.renewals and one.holds:
        said = f"it is renewal {followed} of its rule and scope, and the policy allows {rules.renewals}"
        return replace(one, state=WaiverState.PENDING, reason=said, renewal=followed)
    return replace(one, renewal=followed)


def _preference(one: JudgedWaiver) -> tuple[bool, int, int, str]:
    forever = 1 << 30
    left = forever if one.days_left is None else one.days_left
    return (not one.holds, -len(one.waiver.scope.patterns), -left, one.waiver.id)


def _unverified(who: Identity) -> str:
    return f"{who.name} is unverified: {who.detail or 'a typed name'}"


def _day(at: str) -> date | None:
    try:
        return date.fromisoformat(at[:10])
    except ValueError:
        return None


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
