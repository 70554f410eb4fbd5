"""A decision as a Code Quality report of GitLab: findings beside the lines of the policy in a merge request.

Source: GitLab Docs, Code Quality, Code Quality report format,
https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from wattmark.core.governance.decision import Decision, Ruled, Standing
from wattmark.reports.ci.sarif import fingerprint
from wattmark.reports.ci.words import (
    STANDING_WORDS,
    file_of,
    line_of,
    one_line,
    stable_id,
    why,
    with_the_whole,
    worst_first,
)

SEVERITIES = {
    Standing.FAILED: "critical",
    Standing.INCOMPLETE: "major",
    Standing.WARNING: "minor",
    Standing.WAIVED: "info",
}


def codequality_json(decision: Decision) -> str:
    """What does not simply pass, the worst first; a finding keeps its fingerprint when lines move."""
    seen: Counter[str] = Counter()
    found = []
    for rule in worst_first(with_the_whole(decision).rules):
        if rule.standing in SEVERITIES:
            mark = fingerprint(rule, decision)
            seen[mark] += 1
            # The same rule twice would be taken for one finding.
            found.append(_finding(rule, decision, mark if seen[mark] == 1 else f"{mark}-{seen[mark]}"))
    return json.dumps(found, indent=1, allow_nan=False) + "\n"


def _finding(rule: Ruled, decision: Decision, mark: str) -> dict[str, Any]:
    reason = why(rule)
    said = f"{STANDING_WORDS[rule.standing]}: {rule.title}" + (f": {reason}" if reason else "")
    return {
        "description": one_line(said, 2000),
        "check_name": one_line(f"wattmark/{stable_id(rule, decision)}", 200),
        "fingerprint": mark,
        "severity": SEVERITIES[rule.standing],
        "location": {"path": file_of(rule, decision), "lines": {"begin": line_of(rule)}},
    }
