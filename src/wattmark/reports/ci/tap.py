"""A decision as TAP 14 (Test Anything Protocol, 2022, https://testanything.org/tap-version-14-specification.html).

A waived rule is ``not ok`` with ``# TODO``: known to fail, and not counted as a failure.
"""

from __future__ import annotations

from wattmark.core.governance.decision import Decision, Ruled, Standing
from wattmark.reports.ci.words import one_line, why, with_the_whole


def tap(decision: Decision) -> str:
    """One test point per rule, in the order of the policy."""
    rules = with_the_whole(decision).rules
    lines = ["TAP version 14", f"1..{len(rules)}"]
    for number, rule in enumerate(rules, start=1):
        lines.append(_point(number, rule))
        if reason := why(rule):
            lines.append(f"# {rule.standing}: {reason}")
    return "\n".join(lines) + "\n"


def _point(number: int, rule: Ruled) -> str:
    bad = rule.standing in (Standing.FAILED, Standing.INCOMPLETE, Standing.WAIVED)
    said = _escaped(one_line(f"{rule.id}: {rule.title}"))
    directive = ""
    if rule.standing is Standing.WAIVED:
        directive = f" # TODO waived by {_escaped(one_line(rule.waiver.id if rule.waiver else 'a waiver'))}"
    elif rule.standing is Standing.NOT_APPLICABLE:
        directive = f" # SKIP {_escaped(one_line(rule.reason or 'not applicable'))}"
    return f"{'not ok' if bad else 'ok'} {number} - {said}{directive}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("#", "\\#")
