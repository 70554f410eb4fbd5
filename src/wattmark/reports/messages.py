"""Decisions as messages: what people are told in a chat, a mail, an issue, an alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wattmark.core.governance.decision import Decision, Kind, Ruled, Standing
from wattmark.core.governance.message import Listing, Message, Severity, Topic
from wattmark.core.kpis import CATALOG
from wattmark.reports.as_markdown import inert, markdown_table
from wattmark.reports.as_text import table
from wattmark.reports.ci.words import (
    STANDING_WORDS,
    found_words,
    headline,
    known_words,
    waiver_words,
    worst_first,
)

TOPICS: Mapping[Standing, Topic] = {
    Standing.FAILED: Topic.FAILED,
    Standing.INCOMPLETE: Topic.INCOMPLETE,
    Standing.WAIVED: Topic.WAIVED,
    Standing.WARNING: Topic.WARNING,
}
FOLD = dict.fromkeys(range(1, 8), 44)
"""Letters after which a cell goes on in the next line of a terminal."""


def decision_message(decision: Decision, link: str = "") -> Message:
    """What a gate said, worst first. Its key names policy and model, so the next decision updates it."""
    broken = {rule.standing for rule in decision.rules} | {decision.standing}  # a gate may be shut by no rule
    topics = tuple(topic for standing, topic in TOPICS.items() if standing in broken)
    if any(r.kind is Kind.BUDGET and r.standing in TOPICS for r in decision.rules):
        topics = (*topics, Topic.BUDGET)
    if decision.standing is Standing.PASS:
        topics = (*topics, Topic.PASSED)
    tables = tuple(t for t in (_rules(decision), _budgets(decision), _figures(decision)) if t.rows)
    message = Message(
        key=decision_key(decision),
        title=headline(decision),
        markdown="",
        severity=_severity(decision.standing, Standing.WAIVED in broken),
        resolved=decision.standing is Standing.PASS and Standing.WAIVED not in broken,
        topics=topics,
        facts=_facts(decision),
        tables=tables,
        notes=_notes(decision),
        link=link,
        labels=decision.candidate.matter,
        at=decision.decided_at,
    )
    return with_markdown(message)


def decision_key(decision: Decision) -> str:
    """The matter: which policy, and which model at which stage."""
    told = [f"{name}={text}" for name, text in decision.candidate.matter.items()]
    if "model" not in decision.candidate.tags:
        told.append(f"name={decision.candidate.name}")
    return "/".join(("gate", decision.policy.id or decision.policy.file, *told))


def with_markdown(message: Message) -> Message:
    """The same message, its Markdown written from its parts."""
    return replace(message, markdown=markdown_of(message))


def markdown_of(message: Message) -> str:
    """Title, facts and tables as GitHub-flavoured Markdown; nothing in them formats, links or notifies."""
    parts = [f"### {inert(message.title)}"]
    parts.append("\n".join(f"- {inert(name)}: **{inert(value)}**" for name, value in message.facts))
    for listing in message.tables:
        parts.append(f"#### {inert(listing.title)}")
        if listing.rows:
            parts.append(markdown_table([inert(name) for name in listing.columns], listing.rows))
        parts += [inert(note) for note in listing.notes]
    parts += [inert(note) for note in message.notes]
    if message.at:
        parts.append(f"<sub>{inert(message.at)}</sub>")
    return "\n\n".join(part for part in parts if part) + "\n"


def message_text(message: Message) -> str:
    """Everything for the terminal."""
    parts = [message.title, "\n".join(f"{name}: {value}" for name, value in message.facts)]
    for listing in message.tables:
        lines = [listing.title]
        lines += [table(listing.columns, listing.rows, fold=FOLD)] if listing.rows else []
        parts.append("\n".join([*lines, *listing.notes]))
    return "\n\n".join(part for part in [*parts, *message.notes] if part)


def _result(decision: Decision) -> str:
    """Its standing; a pass that rests on a waiver never looks like a plain one."""
    waived = any(rule.standing is Standing.WAIVED for rule in decision.rules)
    return STANDING_WORDS[decision.standing] + (" (waived)" if waived and not decision.exit_code else "")


def _severity(standing: Standing, waived: bool) -> Severity:
    if standing in (Standing.FAILED, Standing.INCOMPLETE):
        return Severity.ERROR
    return Severity.WARNING if waived or standing is Standing.WARNING else Severity.INFO


def _facts(decision: Decision) -> tuple[tuple[str, str], ...]:
    candidate, baseline = decision.candidate, decision.baseline
    facts = [
        ("Result", _result(decision)),
        ("Judged", f"{candidate.name}, {_runs(candidate.repeats)}"),
    ]
    if baseline is not None:
        facts.append(("Held against", f"{baseline.name}, {_runs(baseline.repeats)}"))
    if decision.score is not None:
        facts.append(("Score", known_words(decision.score)))
    if decision.stars:
        facts.append(("Stars", decision.stars))
    policy = decision.policy
    facts.append(("Policy", f"{policy.id or policy.file} ({policy.digest[:12]})"))
    return tuple(facts)


def _runs(count: int) -> str:
    return f"{count} run{'s' if count != 1 else ''}"


def _rules(decision: Decision) -> Listing:
    rules = [r for r in decision.rules if r.kind is not Kind.BUDGET]
    shown = [r for r in rules if r.standing is not Standing.NOT_APPLICABLE]
    left = len(rules) - len(shown)
    notes = (f"{left} more {'is' if left == 1 else 'are'} not for these runs",) if left else ()
    return Listing(title="Rules", columns=("", "rule", "found", "why"), rows=_rows(shown), notes=notes)


def _budgets(decision: Decision) -> Listing:
    rules = [r for r in decision.rules if r.kind is Kind.BUDGET]
    return Listing(title="Budgets", columns=("", "budget", "used", "why"), rows=_rows(rules))


def _rows(rules: Sequence[Ruled]) -> tuple[tuple[str, ...], ...]:
    return tuple((STANDING_WORDS[r.standing], r.title, found_words(r), _why(r)) for r in worst_first(rules))


def _figures(decision: Decision) -> Listing:
    rows = tuple(
        (CATALOG[kpi].title if kpi in CATALOG else kpi, known_words(shown))
        for kpi, shown in decision.figures.items()
    )
    return Listing(title="Figures", columns=("KPI", "value"), rows=rows)


def _why(rule: Ruled) -> str:
    told = [rule.reason, waiver_words(rule.waiver) if rule.waiver else "", rule.advice]
    if rule.runs_needed is not None:
        told.append(f"{rule.runs_needed} runs would decide")
    return "; ".join(filter(None, told))


def _notes(decision: Decision) -> tuple[str, ...]:
    notes = list(decision.notes)
    if decision.audit_head:
        number = "" if decision.audit_seq is None else f" {decision.audit_seq}"
        notes.append(f"Audit log, entry{number}: {decision.audit_head}")
    return tuple(notes)
