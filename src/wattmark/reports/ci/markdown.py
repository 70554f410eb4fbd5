"""A decision as Markdown that fits: for a step's summary, a comment, a tracker.

Where it would be too long, rows go, never the verdict: the head says how many rules stand how, and each table
says how many of its rows are left out. The worst rows stay longest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from wattmark.core.governance.decision import Decision, Ruled, Shown, Standing
from wattmark.core.kpis import CATALOG
from wattmark.reports.as_markdown import folded, inert, markdown_table
from wattmark.reports.ci.words import (
    STANDING_WORDS,
    amount,
    caught_words,
    counted,
    found_words,
    known_words,
    one_line,
    worst_first,
)
from wattmark.reports.quantities import percent

SIGNS = {
    Standing.FAILED: "❌",
    Standing.INCOMPLETE: "❓",
    Standing.WARNING: "⚠️",
    Standing.WAIVED: "📝",
    Standing.PASS: "✅",
    Standing.NOT_APPLICABLE: "➖",
}
CLOSER = (Standing.FAILED, Standing.INCOMPLETE, Standing.WARNING, Standing.WAIVED)
_ROWS = (20_000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1, 0)
_MOST_NOTES = 20
_NAME, _CELL = 120, 400


def fitting_markdown(decision: Decision, fits: Callable[[str], bool], before: str = "") -> str:
    """As much of the decision as fits, after ``before``. With no row at all it is some 3,000 characters."""
    text = ""
    for rows in _ROWS:
        text = before + gate_markdown(decision, rows)
        if fits(text):
            break
    return text


def gate_markdown(decision: Decision, rows: int = _ROWS[0]) -> str:
    """The decision with at most so many rows in each of its tables. Headings begin at the third level."""
    ordered = worst_first(decision.rules)
    closer = [rule for rule in ordered if rule.standing in CLOSER]
    others = [rule for rule in ordered if rule.standing not in CLOSER]
    less = rows if rows == _ROWS[0] else rows // 10  # where room is scarce, what passes goes first
    parts = [
        f"### {SIGNS[decision.standing]} wattmark gate: {STANDING_WORDS[decision.standing]}",
        _sides(decision),
        _score(decision),
        _rules(closer, rows),
        _waivers([rule for rule in closer if rule.waiver is not None], rows),
        folded(_passing(len(others)), _rules(others, less)) if others else "",
        _figures(decision, rows),
        "\n".join(f"- {_cell(note)}" for note in decision.notes[: min(rows, _MOST_NOTES)]),
        _foot(decision),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _passing(many: int) -> str:
    return f"{many} rules that pass or do not apply" if many > 1 else "1 rule that passes or does not apply"


def _sides(decision: Decision) -> str:
    candidate, baseline = decision.candidate, decision.baseline
    told = f"**{_cell(candidate.name, _NAME)}** ({candidate.repeats} runs)"
    if baseline is not None:
        told += f", against {_cell(baseline.name, _NAME)} ({baseline.repeats} runs)"
    return f"{told}: {counted(decision)}. Exit code {decision.exit_code}."


def _score(decision: Decision) -> str:
    told = []
    if decision.score is not None:
        told.append(f"**Score {_cell(known_words(decision.score))}**")
        told.append(f"rubric {_cell(decision.rubric, _NAME)}" if decision.rubric else "")
    told.append(f"stars {_cell(decision.stars, 20)}" if decision.stars else "")
    return " · ".join(filter(None, told))


def _rules(rules: Sequence[Ruled], rows: int) -> str:
    if not rules:
        return ""
    if not rows:
        return _left_out(len(rules), "rules")
    lines = [
        (
            f"{SIGNS[rule.standing]} {STANDING_WORDS[rule.standing]}",
            f"{one_line(rule.title, _CELL)} ({_reference(rule)})",
            one_line(found_words(rule), _CELL) or "–",
            one_line("; ".join(filter(None, _because(rule))), _CELL),
        )
        for rule in rules[:rows]
    ]
    body = markdown_table(("", "Rule", "Found", "Why"), lines, _plain)
    return body + (f"\n\n{_left_out(len(rules) - rows, 'rules')}" if len(rules) > rows else "")


def _reference(rule: Ruled) -> str:
    # Not as code: names come from files, and a backtick in one would end it.
    return one_line(f"{rule.id}, line {rule.line}" if rule.line else rule.id, _NAME)


def _because(rule: Ruled) -> Iterable[str]:
    yield rule.reason
    if rule.waiver is not None:
        yield f"waiver {rule.waiver.id} is {rule.waiver.state}"
        yield rule.waiver.note
    if rule.standing in CLOSER:
        yield rule.why
        yield rule.advice
    if rule.runs_needed is not None:
        yield f"{rule.runs_needed} runs would decide"
    yield caught_words(rule)


def _waivers(rules: Sequence[Ruled], rows: int) -> str:
    if not rules or not rows:
        return _left_out(len(rules), "waivers") if rules else ""
    lines = [
        (
            f"{w.id}: {rule.id}",
            w.state,
            w.expires or "never",
            w.owner,
            w.ticket,
            (", ".join(w.approved_by) or "nobody") + ("" if w.verified else " – not verified"),
            w.reason,
        )
        for rule in rules[:rows]
        if (w := rule.waiver) is not None
    ]
    headers = ("Waiver", "State", "Expires", "Owner", "Ticket", "Approved by", "Reason")
    body = markdown_table(headers, [tuple(one_line(cell, _CELL) for cell in line) for line in lines], _plain)
    body += f"\n\n{_left_out(len(rules) - rows, 'waivers')}" if len(rules) > rows else ""
    return folded(f"{len(rules)} waiver{'s' if len(rules) > 1 else ''}", body)


def _figures(decision: Decision, rows: int) -> str:
    if not decision.figures or not rows:
        return ""
    known = list(decision.figures.items())
    body = markdown_table(
        ("KPI", "Value [95 % interval]", "Grade", "Observed"),
        [(_title(name), one_line(amount(s), _CELL), *_known(s)) for name, s in known[:rows]],
        _plain,
    )
    body += f"\n\n{_left_out(len(known) - rows, 'KPIs')}" if len(known) > rows else ""
    return folded(f"{len(known)} KPI{'s' if len(known) > 1 else ''} of the candidate", body)


def _title(name: str) -> str:
    return CATALOG[name].title if name in CATALOG else one_line(name, _NAME)


def _known(shown: Shown) -> tuple[str, str]:
    seen = percent(shown.coverage) if shown.coverage is not None else "–"
    return one_line(shown.grade, 20) or "–", seen


def _foot(decision: Decision) -> str:
    policy = decision.policy
    told = [
        f"decided {_cell(decision.decided_at, 40)}",
        f"policy {_cell(policy.file, _NAME)}, sha256 {_cell(policy.digest[:16], 16)}",
        f"owner {_cell(policy.owner, _NAME)}" if policy.owner else "",
        f"evidence sha256 {_cell(decision.candidate.evidence_sha256[:16], 16)}"
        if decision.candidate.evidence_sha256
        else "",
        f"audit log entry {decision.audit_seq}, head {_cell(decision.audit_head, 64)}"
        if decision.audit_head
        else "",
    ]
    return f"<sub>{' · '.join(filter(None, told))}</sub>"


def _left_out(many: int, what: str) -> str:
    return f"_{many} more {what} are left out here: the decision file has them._"


def _cell(text: object, most: int = _CELL) -> str:
    return _plain(one_line(text, most))


def _plain(text: object) -> str:
    """Escaped, backticks too: what a name holds is never code, so nothing in it escapes the escaping."""
    return inert(str(text).replace("`", "'"))
