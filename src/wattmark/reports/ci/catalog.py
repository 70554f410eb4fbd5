"""Every form of a decision by name. A form is imported when it is asked for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from wattmark.core.errors import UsageError
from wattmark.core.governance.decision import Decision


class Format(NamedTuple):
    """One form: where its function is, which file name is usual, and what it is for."""

    where: str
    file: str
    what: str

    def render(self, decision: Decision) -> str:
        """The decision in this form."""
        module, _, function = self.where.partition(":")
        made: Callable[[Decision], str] = getattr(importlib.import_module(module), function)
        return made(decision)


_CI = "wattmark.reports.ci"
FORMATS: Mapping[str, Format] = {
    "json": Format(
        "wattmark.reports.decision_json:decision_json",
        "wattmark-decision.json",
        "the decision itself, from which every other form follows",
    ),
    "text": Format(f"{_CI}.text:decision_text", "wattmark-decision.txt", "lines for a terminal"),
    "markdown": Format(
        f"{_CI}.summary:step_summary",
        "wattmark-gate.md",
        "Markdown for the summary of a step or job: at most 1 MiB",
    ),
    "comment": Format(
        f"{_CI}.comment:comment_markdown",
        "wattmark-comment.md",
        "Markdown for a pull or merge request, with its hidden marker",
    ),
    "junit": Format(
        f"{_CI}.junit:junit_xml", "wattmark-junit.xml", "JUnit XML: Jenkins, GitLab, Azure, CircleCI"
    ),
    "sarif": Format(f"{_CI}.sarif:sarif", "wattmark.sarif", "SARIF 2.1.0: code scanning, with suppressions"),
    "github": Format(
        f"{_CI}.github:github_annotations",
        "wattmark-annotations.txt",
        "annotations of GitHub Actions, to be printed",
    ),
    "outputs": Format(
        f"{_CI}.outputs:github_outputs", "wattmark-outputs.txt", "name=value lines for $GITHUB_OUTPUT"
    ),
    "dotenv": Format(
        f"{_CI}.outputs:dotenv", "wattmark.env", "WATTMARK_NAME=value lines, GitLab's dotenv report"
    ),
    "codequality": Format(
        f"{_CI}.gitlab_codequality:codequality_json",
        "gl-code-quality-report.json",
        "Code Quality report of GitLab",
    ),
    "openmetrics": Format(
        f"{_CI}.openmetrics:openmetrics", "metrics.txt", "OpenMetrics: metrics report of GitLab"
    ),
    "azure": Format(
        f"{_CI}.azure:azure_commands",
        "wattmark-azure.txt",
        "logging commands of Azure Pipelines, to be printed",
    ),
    "badge": Format(f"{_CI}.badge:badge_endpoint", "wattmark-badge.json", "endpoint badge of shields.io"),
    "badge-svg": Format(f"{_CI}.badge:badge_svg", "wattmark-badge.svg", "a badge, drawn"),
    "tap": Format(f"{_CI}.tap:tap", "wattmark.tap", "Test Anything Protocol 14"),
    "ndjson": Format(f"{_CI}.ndjson:ndjson", "wattmark-decision.ndjson", "a line of JSON per rule"),
}


def format_named(name: str) -> Format:
    """The form of that name. Raises UsageError that names the known ones."""
    if name in FORMATS:
        return FORMATS[name]
    close = difflib.get_close_matches(name, FORMATS, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise UsageError(f"there is no format {name!r}; {meant}known: {', '.join(FORMATS)}")
