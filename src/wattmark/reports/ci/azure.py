"""A decision as logging commands of Azure Pipelines: issues, and variables for later steps.

Source: Microsoft Learn, Logging commands,
https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands.
"""

from __future__ import annotations

from wattmark.core.governance.decision import Decision, Standing
from wattmark.reports.ci.github import chosen
from wattmark.reports.ci.outputs import output_values
from wattmark.reports.ci.words import file_of, line_of, one_line, why

ISSUES = (
    ("error", (Standing.FAILED, Standing.INCOMPLETE)),
    ("warning", (Standing.WARNING, Standing.WAIVED)),
)


def azure_commands(decision: Decision) -> str:
    """``task.logissue`` for what must be looked at, ``task.setvariable`` for the values of the decision."""
    lines = []
    for kind, standings in ISSUES:
        shown, left = chosen(decision, standings)
        for rule in shown:
            place = (
                f"type={kind};sourcepath={_property(file_of(rule, decision))};linenumber={line_of(rule)};"
                f"code={_property(one_line(rule.id, 200))};"
            )
            reason = why(rule)
            said = f"{rule.title}: {reason}" if reason else rule.title
            told = one_line(f"{rule.standing}: {said}", 3000)
            lines.append(f"##vso[task.logissue {place}]{_message(told)}")
        if left:
            told = one_line(f"{len(left)} more: {', '.join(rule.id for rule in left)}", 3000)
            lines.append(f"##vso[task.logissue type={kind};]{_message(told)}")
    for name, value in output_values(decision).items():
        lines.append(f"##vso[task.setvariable variable=wattmark_{name};isOutput=true]{_message(value)}")
    return "".join(f"{line}\n" for line in lines)


def _message(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(";", "%3B").replace("]", "%5D")
