"""A decision as annotations of GitHub Actions: lines that a step prints, shown beside the policy's own lines.

Source: GitHub Docs, Workflow commands for GitHub Actions,
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. What is escaped, and
how: actions/toolkit, packages/core/src/command.ts, https://github.com/actions/toolkit.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.core.governance.decision import Decision, Ruled, Standing
from wattmark.reports.ci.words import file_of, line_of, one_line, why, with_the_whole, worst_first

MOST = 10
"""Annotations of one level that GitHub shows of one step."""
COMMANDS = (
    ("error", (Standing.FAILED, Standing.INCOMPLETE)),
    ("warning", (Standing.WARNING,)),
    ("notice", (Standing.WAIVED,)),
)


def github_annotations(decision: Decision) -> str:
    """At most ten errors, ten warnings and ten notices, the worst first; the tenth says how many are left."""
    lines = []
    for command, standings in COMMANDS:
        shown, left = chosen(decision, standings)
        lines += [_line(command, rule, decision) for rule in shown]
        if left:
            lines.append(_rest(command, left, decision))
    return "".join(f"{line}\n" for line in lines)


def chosen(decision: Decision, standings: Sequence[Standing]) -> tuple[list[Ruled], list[Ruled]]:
    """The rules that get a line of their own, and those that share the last one."""
    rules = worst_first(with_the_whole(decision).rules)
    found = [rule for rule in rules if rule.standing in standings]
    return (found, []) if len(found) <= MOST else (found[: MOST - 1], found[MOST - 1 :])


def _line(command: str, rule: Ruled, decision: Decision) -> str:
    place = {
        "file": file_of(rule, decision),
        "line": str(line_of(rule)),
        "title": one_line(f"wattmark {rule.standing}: {rule.id}", 200),
    }
    reason = why(rule)
    return _command(command, place, one_line(f"{rule.title}: {reason}" if reason else rule.title, 3000))


def _rest(command: str, left: Sequence[Ruled], decision: Decision) -> str:
    place = {"file": file_of(left[0], decision), "title": f"wattmark: {len(left)} more"}
    return _command(command, place, one_line(f"{len(left)} more: {', '.join(r.id for r in left)}", 3000))


def _command(command: str, place: dict[str, str], message: str) -> str:
    told = ",".join(f"{name}={escaped_property(value)}" for name, value in place.items())
    return f"::{command} {told}::{escaped_data(message)}"


def escaped_data(text: str) -> str:
    """A message, so that it stays one command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escaped_property(text: str) -> str:
    """A property, so that it neither ends nor begins another."""
    return escaped_data(text).replace(":", "%3A").replace(",", "%2C")
