"""A decision as the summary of a step: Markdown for the file of ``$GITHUB_STEP_SUMMARY``, or a job's log.

GitHub refuses a summary of more than 1 MiB whole (GitHub Docs, Workflow commands, Step isolation and limits,
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands).
"""

from __future__ import annotations

from wattmark.core.governance.decision import Decision
from wattmark.reports.ci.markdown import fitting_markdown

MOST_BYTES = 1 << 20
ROOM = MOST_BYTES - (64 << 10)
"""Other commands of the same step may write as well."""


def step_summary(decision: Decision) -> str:
    """At most 960 KiB, the verdict first, details folded."""
    return fitting_markdown(decision, lambda text: len(text.encode()) <= ROOM)
