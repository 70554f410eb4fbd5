"""Whether a version of a model may be promoted by a decision: it passes, is of this version, and is fresh.

A registry keeps what was decided as tags of the version. They are a summary that anybody with the right to
write there can change; the decision itself, its hash, and the audit log are what holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from wattmark.core.governance.decision import EXIT_CODES, Decision, Ruled, Standing, whole_standing

PREFIX = "wattmark."
GATE = f"{PREFIX}gate"
DECISION = f"{PREFIX}decision_sha256"
DECIDED_AT = f"{PREFIX}decided_at"
POLICY = f"{PREFIX}policy_digest"
WAIVERS = f"{PREFIX}waivers"
WAIVED_UNTIL = f"{PREFIX}waived_until"
AUDIT_HEAD = f"{PREFIX}audit_head"
AUDIT_SEQ = f"{PREFIX}audit_seq"
WAIVED = "waived"
PASSED = (Standing.PASS.value, Standing.WARNING.value, WAIVED)
"""What a gate's tag says of a version that may be served."""
MAX_AGE_DAYS = 30.0
FUTURE_SECONDS = 300.0
"""Clocks of two machines may differ by so much."""
NO_EVIDENCE = EXIT_CODES[Standing.INCOMPLETE]
VIOLATION = EXIT_CODES[Standing.FAILED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A version of a model as its registry knows it."""

    name: str
    version: str
    record_ids: tuple[str, ...] = ()
    """Runs of ours that the version comes from; empty: the registry does not say."""
    evidence_sha256: str = ""
    """Over these runs."""
    as_one: bool = False
    """Whether these runs are parts of one whole: their energy adds up, a mean of them means nothing."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not."""

    reason: str
    exit_code: int
    """1: it breaks a rule; 3: there is not enough to go by."""


def refusal(
    decision: Decision, version: Shelved, now: datetime, max_age_days: float = MAX_AGE_DAYS
) -> Refusal | None:
    """Why this decision does not let this version pass; None where it does. ``now`` in UTC."""
    return (
        untellable(decision, version, now)
        or _not_passed(decision)
        or stale(decision.decided_at, now, max_age_days)
        or _lapsed(waived_until(decision), now.date())
    )


def untellable(decision: Decision, version: Shelved, now: datetime) -> Refusal | None:
    """Why the version's tags must not say what this decision says, whatever that is; None where they may.

    It is about something else, a later one stands there, it was altered, or it is of no time that has been:
    one of next year would overtake every true one until then.
    """
    return (
        not_of(decision, version)
        or overtaken(decision, version)
        or _unsound(decision)
        or _premature(decision.decided_at, now)
    )


def not_of(decision: Decision, version: Shelved) -> Refusal | None:
    """Why the decision is not about this version: other runs, other evidence, another name; None where it is.

    Runs go before names. Where the registry knows the runs, the decision must be about all of them.
    """
    judged = decision.candidate
    if version.record_ids:
        if missing := [r for r in version.record_ids if r not in judged.record_ids]:
            about = ", ".join(judged.record_ids) or "runs that it does not name"
            return Refusal(
                f"the decision is about {about}, and {version} comes from {', '.join(missing)}", NO_EVIDENCE
            )
        if version.as_one and judged.repeats > 1 and set(version.record_ids) == set(judged.record_ids):
            return Refusal(
                f"the runs behind {version} are parts of one whole, and the decision took them for "
                f"{judged.repeats} repeats: run the gate with --as-one",
                NO_EVIDENCE,
            )
        same = version.record_ids == judged.record_ids  # the hash is over them in their order
        if same and version.evidence_sha256 and version.evidence_sha256 != judged.evidence_sha256:
            return Refusal(
                f"the evidence of {version} was {version.evidence_sha256[:12]} when it was logged, and the "
                f"decision is about {judged.evidence_sha256[:12] or 'none that it names'}",
                NO_EVIDENCE,
            )
        return None
    named = judged.tags.get("model"), judged.tags.get("model_version")
    if named == (version.name, version.version):
        return None
    said = "/".join(word or "?" for word in named)
    return Refusal(
        f"nothing ties the decision to {version}: its run names no record of wattmark, and the decision is "
        f"about {said}",
        NO_EVIDENCE,
    )


def overtaken(decision: Decision, version: Shelved) -> Refusal | None:
    """Why a version's tags know a later decision than this one: an earlier pass undoes no failure."""
    told = version.tags.get(DECIDED_AT, "")
    try:
        later = _moment(told) > _moment(decision.decided_at)
    except ValueError:
        return None  # a tag that holds no time tells of no decision
    if not later:
        return None
    return Refusal(
        f"{version} was gated later, at {told} ({version.tags.get(GATE, 'no word')}), than by this decision, "
        f"which is of {decision.decided_at}: run the gate again",
        NO_EVIDENCE,
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def stale(decided_at: str, now: datetime, max_age_days: float) -> Refusal | None:
    """Why a decision of this moment counts no more; None where it does."""
    if (early := _premature(decided_at, now)) is not None:
        return early
    age = (now - _moment(decided_at)).total_seconds()
    if age > max_age_days * 86400.0:
        return Refusal(
            f"the decision is {age / 86400.0:.0f} days old, and at most {max_age_days:g} days are allowed: "
            "run the gate again",
            NO_EVIDENCE,
        )
    return None


def _premature(decided_at: str, now: datetime) -> Refusal | None:
    try:
        at = _moment(decided_at)
    except ValueError:
        return Refusal(f"{decided_at!r:.40} is no time: nobody knows how old the decision is", NO_EVIDENCE)
    if (now - at).total_seconds() < -FUTURE_SECONDS:
        return Refusal(f"the decision is of {decided_at}, which is yet to come", NO_EVIDENCE)
    return None


def gate_word(decision: Decision) -> str:
    """What came of it, in a word: a pass that a waiver made is ``waived``."""
    passed = decision.standing in (Standing.PASS, Standing.WARNING)
    return WAIVED if passed and _waived(decision) else decision.standing.value


def waived_until(decision: Decision) -> str:
    """The first day on which a waiver that let it through lapses (ISO); empty: none, or never."""
    days = [r.waiver.expires for r in _waived(decision) if r.waiver is not None and r.waiver.expires]
    return min(days, default="")


def tags_of_version(decision: Decision, decision_sha256: str) -> dict[str, str | None]:
    """A version's tags; None where an older decision may have left something that this one does not say."""
    score = decision.score
    ends = None if score is None else (score.low, score.high)
    interval = f"{ends[0]:.1f} .. {ends[1]:.1f}" if ends and None not in ends else None
    waivers = [r.waiver.id for r in _waived(decision) if r.waiver is not None]
    seq = decision.audit_seq
    return {
        GATE: gate_word(decision),
        f"{PREFIX}score": None if score is None else f"{score.value:.1f}",
        f"{PREFIX}score_interval": interval,
        f"{PREFIX}stars": decision.stars or None,
        f"{PREFIX}evidence_sha256": decision.candidate.evidence_sha256 or None,
        POLICY: decision.policy.digest or None,
        f"{PREFIX}policy": decision.policy.id or None,
        DECIDED_AT: decision.decided_at,
        DECISION: decision_sha256,
        WAIVERS: ", ".join(dict.fromkeys(waivers)) or None,
        WAIVED_UNTIL: waived_until(decision) or None,
        AUDIT_HEAD: decision.audit_head or None,
        AUDIT_SEQ: None if seq is None else str(seq),
    }


def tags_refusal(
    version: Shelved, now: datetime, max_age_days: float = MAX_AGE_DAYS, policy_digest: str = ""
) -> Refusal | None:
    """Why a version's tags do not show a gate that holds; None where they do."""
    gate = version.tags.get(GATE)
    if gate is None:
        return Refusal(f"{version} has met no gate: it has no tag {GATE}", NO_EVIDENCE)
    if gate == Standing.FAILED.value:
        return Refusal(f"{version} failed its gate", VIOLATION)
    if gate not in PASSED:
        return Refusal(f"{version} did not pass its gate: {GATE} is {gate!r:.40}", NO_EVIDENCE)
    met = version.tags.get(POLICY, "")
    if policy_digest and met != policy_digest:
        return Refusal(
            f"{version} met another policy than this one: {met[:12] or 'none that it names'} against "
            f"{policy_digest[:12]}",
            NO_EVIDENCE,
        )
    return stale(version.tags.get(DECIDED_AT, ""), now, max_age_days) or _lapsed(
        version.tags.get(WAIVED_UNTIL, ""), now.date()
    )


def _unsound(decision: Decision) -> Refusal | None:
    """A decision whose whole is better than its rules was altered."""
    worst = whole_standing(tuple(rule.standing for rule in decision.rules))
    if _RANK[worst] > _RANK[decision.standing]:
        return Refusal(
            f"the decision says {decision.standing} and its rules come to {worst}: it was altered",
            NO_EVIDENCE,
        )
    return None


_RANK: Mapping[Standing, int] = {
    Standing.PASS: 0,
    Standing.NOT_APPLICABLE: 0,
    Standing.WAIVED: 0,
    Standing.WARNING: 1,
    Standing.INCOMPLETE: 2,
    Standing.FAILED: 3,
}


def _not_passed(decision: Decision) -> Refusal | None:
    if decision.standing in (Standing.PASS, Standing.WARNING) and decision.exit_code == 0:
        return None
    bad = [r for r in decision.rules if r.standing in (Standing.FAILED, Standing.INCOMPLETE)]
    why = "; ".join(f"{r.title}: {r.reason or r.standing.value}" for r in bad[:3])
    more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
    code = NO_EVIDENCE if decision.standing is Standing.INCOMPLETE else VIOLATION
    said = f" ({why}{more})" if why else ""
    return Refusal(f"its gate says {decision.standing}, exit code {decision.exit_code}{said}", code)


def _lapsed(until: str, today: date) -> Refusal | None:
    """A waiver holds to the end of its last day, in UTC."""
    if not until:
        return None
    try:
        last = date.fromisoformat(until)
    except ValueError:
        return Refusal(f"{until!r:.40} is no day: nobody knows how long its waiver holds", NO_EVIDENCE)
    if last < today:
        return Refusal(f"a waiver let it pass, and that lapsed on {until}: run the gate again", VIOLATION)
    return None


def _waived(decision: Decision) -> list[Ruled]:
    return [rule for rule in decision.rules if rule.standing is Standing.WAIVED]
