"""Who set a baseline and who approved it, held against what the policy asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.core.baseline import Baseline, Endorsement
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.governance.audit import Action
from wattmark.core.governance.deciding import NOT_KEPT, NOT_SAID
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.rules import WaiverRules
from wattmark.core.governance.waiver import Approval
from wattmark.core.governance.waivers import author_problem, different_people
from wattmark.core.policy import Policy
from wattmark.hashing import sha256
from wattmark.ledger.baselinefile import parse_baselines
from wattmark.ledger.baselinewords import APPROVE, SET, baseline_content, baseline_statement
from wattmark.ledger.jsonlines import lines_at
from wattmark.wiring.voices import Voice
from wattmark.wiring.witness import Witness, Word, by_token, log_witness

if TYPE_CHECKING:
    from wattmark.wiring.decisions import Group

NAMESPACE = "wattmark-baseline"
"""Of signatures of baselines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A baseline with what was said of it last, and who that is known to be."""

    kept: Baseline
    said: Endorsement
    who: Identity
    digest: str
    """Of what was said, as a log has it."""


def baseline_doubt(policy: Policy, folder: Path, baseline: Group | None, today: date) -> str:
    """Why nothing may be held against these runs; empty: it may, or there are none.

    Where the policy asks for a reason or for approvals, only a baseline of a baseline file can have them.
    """
    if baseline is None or not policy.baseline.asks:
        return ""
    if baseline.frozen is None:
        return f"{NOT_KEPT}: nobody can have approved it (`wattmark baseline set`)"
    return "; ".join(problems(policy, folder, baseline.frozen, today))


def problems(policy: Policy, folder: Path, kept: Baseline, today: date) -> list[str]:
    """What the policy asks of a baseline and it has not."""
    rules, found = policy.baseline, []
    if rules.reason and not kept.reason:
        found.append(f"{NOT_SAID} why it was set")
    if rules.approvers == 0:
        return found
    setter, approvers = people(policy, folder, kept, today)
    if setter is None:
        return [*found, f"{NOT_SAID} who set it"]
    if not setter.verified and not policy.identity.allow_unverified:
        found.append(f"{setter.name}, who set it, is unverified: {setter.detail}")
    doubts = [doubt(policy, setter, who, said, today) for said, who in approvers]
    counted = [
        Approval(waiver="", digest="", by=who, at=said.at)
        for (said, who), why in zip(approvers, doubts, strict=True)
        if not why
    ]
    count = len(different_people(counted, rules.approvers, policy.identity))
    if count < rules.approvers:
        found += [*dict.fromkeys(filter(None, doubts)), f"{count} of {rules.approvers} approvals"]
    return found


def people(
    policy: Policy, folder: Path, kept: Baseline, today: date
) -> tuple[Identity | None, Sequence[tuple[Endorsement, Identity]]]:
    """Who set a baseline and who approved it, each known as well as can be."""
    logged = log_witness(policy, folder)
    witness = Witness(rules=policy.identity, folder=folder, today=today, logged=logged)
    setter = witness.identity(word_of(SET, kept, kept.set_by)) if kept.set_by is not None else None
    return setter, [(said, witness.identity(word_of(APPROVE, kept, said))) for said in kept.approvals]


def doubt(policy: Policy, setter: Identity, who: Identity, said: Endorsement, today: date) -> str:
    """Why an approval does not count; empty: it does."""
    rules = policy.baseline
    same = WaiverRules(role=rules.role, not_requester=rules.not_requester)
    approval = Approval(waiver="", digest="", by=who, role=said.role, at=said.at)
    return author_problem(setter, approval, same, policy.identity, today)


def set_by(
    policy: Policy | None, folder: Path, kept: Baseline, reason: str, now: datetime, voice: Voice
) -> Said:
    """The baseline with who set it and why. Raises UsageError."""
    name: str = voice.name
    token: Mapping[str, str] = {}
    if policy is not None:
        name, token = voice.of(policy.identity, folder, now, NAMESPACE)
    said = Endorsement(by=name, at=kept.set_at, token=token)
    kept = replace(kept, reason=reason, set_by=said, approvals=())
    said = replace(said, signature=voice.signature(baseline_statement(SET, kept, said), NAMESPACE))
    return _said(policy, folder, SET, replace(kept, set_by=said), said, now)


def approved_by(policy: Policy, folder: Path, kept: Baseline, now: datetime, voice: Voice) -> Said:
    """The baseline with one more approval. Raises UsageError for one that could never count."""
    rules = policy.baseline
    if kept.set_by is None:
        raise UsageError(f"baseline {kept.name!r} does not say who set it: set it again with --key or --as")
    name, token = voice.of(policy.identity, folder, now, NAMESPACE, approval_digest(kept))
    role = rules.role if rules.role in policy.identity.roles else ""
    said = Endorsement(by=name, role=role, at=f"{now:%Y-%m-%dT%H:%M:%SZ}", token=token)
    said = replace(said, signature=voice.signature(baseline_statement(APPROVE, kept, said), NAMESPACE))
    found = _said(policy, folder, APPROVE, replace(kept, approvals=(*kept.approvals, said)), said, now)
    if said.signature and not found.who.verified and not policy.identity.allow_unverified:
        raise UsageError(f"this would not count: {found.who.name} is unverified: {found.who.detail}")
    setter, _ = people(policy, folder, replace(kept, approvals=()), now.date())
    assert setter is not None
    # A name alone may still become more: by the signed commit or the review that brings it in.
    lax = replace(policy, identity=replace(policy.identity, allow_unverified=True))
    if why := doubt(lax, setter, found.who, said, now.date()):
        raise UsageError(f"this approval of baseline {kept.name!r} would not count: {why}")
    return found


def approval_digest(kept: Baseline) -> str:
    """SHA-256 of all that a baseline holds: what an identity token that approves it may be bound to."""
    return sha256(baseline_content(kept).encode("utf-8", "surrogatepass")).hexdigest()


def word_of(act: str, kept: Baseline, said: Endorsement) -> Word:
    """What somebody is said to have done to a baseline, which may be shown."""
    text = baseline_statement(act, kept, said)
    return Word(
        by=said.by,
        said=text,
        namespace=NAMESPACE,
        file=Path(kept.file) if kept.file else None,
        lines=lambda: _lines(act, kept, said),
        held=lambda data: _held(data, act, kept, said),
        signature=said.signature,
        token=said.token,
        approves=act == APPROVE,
        action=Action.BASELINE_SET,
        subject=kept.name,
        at=said.at,
        digest=sha256(text).hexdigest(),
    )


def _said(
    policy: Policy | None, folder: Path, act: str, kept: Baseline, said: Endorsement, now: datetime
) -> Said:
    word = word_of(act, kept, said)
    who = Identity(name=said.by, detail="a typed name")
    if said.token:
        who = by_token(said.by, said.token)
    elif policy is not None and said.signature:
        who = Witness(rules=policy.identity, folder=folder, today=now.date()).identity(word)
    return Said(kept=kept, said=said, who=who, digest=word.digest)


def _lines(act: str, kept: Baseline, said: Endorsement) -> tuple[int, int]:
    """Of somebody's word in the file that holds it: that of its time; others may read as they did before."""
    place = ("set_by",) if act == SET else ("approvals", kept.approvals.index(said))
    try:
        text = Path(kept.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return (0, 0)
    first, last = lines_at(text, ("baselines", kept.name, *place))
    lines = text.split("\n")
    at = [line for line in range(first, last + 1) if lines[line - 1].lstrip().startswith('"at":')]
    return (at[0], at[0]) if len(at) == 1 else (first, last)


def _held(data: bytes, act: str, kept: Baseline, said: Endorsement) -> bool:
    """Whether a baseline file said this at some time; one that was broken then said nothing."""
    then = _then(data).get(kept.name)
    if then is None or baseline_content(then) != baseline_content(kept):
        return False
    return then.set_by == said if act == SET else said in then.approvals


@lru_cache(maxsize=4)
def _then(data: bytes) -> dict[str, Baseline]:
    try:
        return parse_baselines(data, "then")
    except EvidenceError:
        return {}
