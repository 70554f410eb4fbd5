"""Common mistakes in real runs: what was seen, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wattmark.core.checks import accounting, comparing, evidence, picture
from wattmark.core.checks.finding import Case, Check, Finding, Named, Seen, Severity

__all__ = ["CHECKS", "Case", "Check", "Finding", "Named", "Seen", "Severity", "find"]

CHECKS: Mapping[str, Check] = {
    check.code: check
    for check in sorted(
        (*picture.CHECKS, *comparing.CHECKS, *evidence.CHECKS, *accounting.CHECKS), key=lambda c: c.code
    )
}
"""Every check by its code. A code keeps its meaning for ever."""

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def find(case: Case, checks: Iterable[Check] | None = None) -> list[Finding]:
    """All mistakes found in the runs, the gravest first."""
    found = [
        Finding(
            code=check.code,
            title=check.title,
            severity=seen.severity or check.severity,
            seen=seen.text,
            runs=seen.runs,
            fix=check.fix,
        )
        for check in (CHECKS.values() if checks is None else checks)
        for seen in check.of(case)
    ]
    return sorted(found, key=lambda f: (_ORDER[f.severity], f.code, f.runs))
