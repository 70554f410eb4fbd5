"""What a gate says in a terminal: the worst first, with what to do next."""

from __future__ import annotations

from wattmark.core.governance.decision import Decision, Kind, Ruled, Standing
from wattmark.core.verdict import Finding, Verdict
from wattmark.reports.ci.words import caught_words, known_words, one_line, waiver_words, worst_first
from wattmark.reports.sections import finding_text, rule_text

WORDS = {
    Standing.FAILED: "violation",
    Standing.INCOMPLETE: "not enough evidence",
    Standing.WARNING: "warning",
    Standing.WAIVED: "waived",
    Standing.PASS: "pass",
    Standing.NOT_APPLICABLE: "not applicable",
}


def gate_text(verdict: Verdict, decision: Decision) -> str:
    """One rule after the other, the worst first, then the verdict and what was written where."""
    limits = [rule for rule in decision.rules if rule.kind is Kind.LIMIT]
    findings = {id(rule): found for rule, found in zip(limits, verdict.findings, strict=True)}
    width = max((len(WORDS[rule.standing]) for rule in decision.rules), default=0)
    lines = []
    for rule in worst_first(decision.rules):
        finding = findings.get(id(rule))
        title = rule_text(finding.limit) if finding else one_line(rule.title)
        lines.append(f"{WORDS[rule.standing]:<{width}}  {title}")
        lines += [f"{'':<{width}}  {said}" for said in _said(rule, finding)]
    lines += ["", f"verdict: {WORDS[decision.standing]}{_tail(decision)}"]
    lines += [f"note: {one_line(note)}" for note in decision.notes]
    if decision.audit_head:
        lines.append(f"audit log: entry {decision.audit_seq}, head {decision.audit_head}")
    return "\n".join(lines)


def _said(rule: Ruled, finding: Finding | None) -> list[str]:
    """What was found; what lets it through or does not; what to do."""
    if finding is not None:
        found = finding_text(finding)
    else:
        found = "; ".join(
            filter(None, (known_words(rule.value) if rule.value else "", one_line(rule.reason)))
        )
    target = f"target {rule.target:g}" if rule.target is not None else ""
    seen = caught_words(rule)
    waiver = waiver_words(rule.waiver) if rule.waiver is not None and rule.kind is not Kind.WAIVER else ""
    next_ = f"next: {one_line(rule.advice)}" if rule.advice and rule.standing is not Standing.WAIVED else ""
    return list(filter(None, ("; ".join(filter(None, (found, seen, target))), waiver, next_)))


def _tail(decision: Decision) -> str:
    """How many are broken, waived or open, of how many."""
    rules = [rule for rule in decision.rules if rule.kind in (Kind.LIMIT, Kind.BUDGET)]
    if all(rule.standing is Standing.NOT_APPLICABLE for rule in rules):
        return " (no limit applies to these runs)"
    words = {
        Standing.FAILED: "broken",
        Standing.INCOMPLETE: "without enough evidence",
        Standing.WARNING: "with a warning",
        Standing.WAIVED: "waived",
    }
    counts = {word: sum(rule.standing is standing for rule in rules) for standing, word in words.items()}
    told = [f"{count} {word}" for word, count in counts.items() if count]
    return f" ({', '.join(told)} of {len(rules)})" if told else ""
