"""A decision as text for a terminal."""

from __future__ import annotations

from wattmark.core.governance.decision import Decision
from wattmark.reports.ci.words import (
    STANDING_WORDS,
    counted,
    known_words,
    one_line,
    why,
    worst_first,
)

_WIDTH = max(map(len, STANDING_WORDS.values()))


def decision_text(decision: Decision) -> str:
    """Verdict, score, every rule with what was found and how it is known, what decided."""
    candidate, baseline = decision.candidate, decision.baseline
    against = f", against {one_line(baseline.name)} ({baseline.repeats} runs)" if baseline else ""
    head = f"{one_line(candidate.name)} ({candidate.repeats} runs){against}"
    parts = [head, ""]
    for rule in worst_first(decision.rules):
        said = f"{STANDING_WORDS[rule.standing]:<{_WIDTH}}  {one_line(rule.id)}: {one_line(rule.title)}"
        parts += [said, *([f"{'':<{_WIDTH}}  {found}"] if (found := why(rule)) else [])]
    parts.append("")
    parts.append(f"{STANDING_WORDS[decision.standing]}: {counted(decision)} (exit code {decision.exit_code})")
    if decision.score is not None:
        parts.append(f"score: {known_words(decision.score)}, rubric {one_line(decision.rubric)}")
    if decision.stars:
        parts.append(f"stars: {one_line(decision.stars)}")
    parts += [f"note: {one_line(note)}" for note in decision.notes]
    parts.append(f"decided {decision.decided_at} by {policy_words(decision)}")
    if decision.audit_head:
        parts.append(f"audit log: entry {decision.audit_seq}, head {one_line(decision.audit_head)}")
    return "\n".join(parts) + "\n"


def policy_words(decision: Decision) -> str:
    """``wattmark-policy.toml (sha256 0101...)``."""
    policy = decision.policy
    return f"{one_line(policy.file)} (sha256 {one_line(policy.digest)[:16]})"
