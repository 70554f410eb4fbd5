"""What the audit log tells of earlier gates of the same: measured again, or held against another bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from wattmark.core.errors import EvidenceError
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.decision import Decision, Standing
from wattmark.ledger.auditlog import RUN, AuditLog
from wattmark.ledger.decisionfile import parse_decision
from wattmark.ledger.replayfile import decoded_side

MOST_BACK = 1000
"""So many of the newest entries are looked at."""


@dataclass(frozen=True)
class Judging:
    """What a gate is about to log."""

    decision: Decision
    policy: str
    """What the log calls the policy."""
    baseline: Callable[[], str]
    """SHA-256 of the baseline as it is kept; empty where there is none."""
    runs: Callable[[], frozenset[str]]
    """SHA-256 of the candidate's runs as they are kept."""

    @cached_property
    def kept(self) -> frozenset[str]:
        """Of the candidate's runs, worked out once."""
        return self.runs()


def attempts(log: AuditLog, now: Judging) -> str:
    """A note on earlier gates, out of the newest entries; empty where there is nothing to tell.

    In which order runs were named, and whether one was named twice, makes them no others. Raises
    EvidenceError, LedgerError.
    """
    gates = [e for e in islice(log.newest_first(), MOST_BACK) if e.action is Action.GATE_EVALUATED]
    told = _measured_again(log, gates, now), _barred_anew(log, gates, now)
    return "; ".join(filter(None, told))


def _measured_again(log: AuditLog, gates: Sequence[Entry], now: Judging) -> str:
    """How often the same was gated by the same policy with other runs.

    Whoever measures again until a gate passes takes the luckiest of many: so everybody sees how many.
    """
    mine = (now.policy, now.decision.candidate.name)
    found = [
        entry
        for entry in gates
        if (entry.detail.get("policy"), entry.subject) == mine and not _same_content(log, entry, now)
    ]
    if not found:
        return ""
    came = Counter(entry.decision for entry in found)
    words = ", ".join(f"{count} {standing}" for standing, count in sorted(came.items()))
    return f"gated before with other runs: {words} (since {found[-1].at})"


def _barred_anew(log: AuditLog, gates: Sequence[Entry], now: Judging) -> str:
    """That the very same runs failed before, against another baseline or under another policy.

    Setting the bar anew is a way to ship what failed: so everybody sees it.
    """
    if now.decision.standing is Standing.FAILED:
        return ""
    failed = [e for e in gates if e.decision == Standing.FAILED.value and same_records(log, e, now.decision)]
    if not failed:
        return ""
    against = now.baseline()
    found = {
        "against another baseline": [e for e in failed if e.objects.get("baseline", "") != against],
        "under another policy": [e for e in failed if e.policy_digest != now.decision.policy.digest],
    }
    told = [f"{how} (entry {entries[0].seq})" for how, entries in found.items() if entries]
    return f"the same runs failed {' and '.join(told)}" if told else ""


def _same_content(log: AuditLog, entry: Entry, now: Judging) -> bool:
    """Whether a gate judged these very runs, as they are."""
    if entry.detail.get("candidate_evidence") == now.decision.candidate.evidence_sha256:
        return True
    if not now.kept or not now.kept <= set(entry.objects.values()):
        return False
    try:
        side = decoded_side(log.kept(entry.objects.get("candidate", "")), f"entry {entry.seq}")
    except EvidenceError:  # lost or altered: `verify` says so, and what nobody can read was another one
        return False
    return frozenset(side.runs) == now.kept


def same_records(log: AuditLog, entry: Entry, decision: Decision) -> bool:
    """Whether a gate judged these very runs, in whatever state."""
    mine = set(decision.candidate.record_ids)
    if not mine or any(f"{RUN}{record}" not in entry.objects for record in mine):
        return False
    try:
        then = parse_decision(log.kept(entry.objects.get("decision", "")), f"entry {entry.seq}")
    except EvidenceError:  # lost or altered: `verify` says so; its roles say that these were among its runs
        return True
    return set(then.candidate.record_ids) == mine
