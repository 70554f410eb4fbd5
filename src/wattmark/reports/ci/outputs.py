"""The few values of a decision that later steps of a pipeline ask for: one table, several spellings.

What is not known is empty, never 0.
"""

from __future__ import annotations

import hashlib
import math
import re

from wattmark.core.governance.budget import CARBON_UNITS, ENERGY_UNITS
from wattmark.core.governance.decision import Decision, Shown, Standing
from wattmark.reports.ci.words import counts, headline, one_line

_PLAIN = re.compile(r"[^\r\n\u0085\u2028\u2029]*")


def output_values(decision: Decision) -> dict[str, str]:
    """Name -> value, in a fixed order. Names are letters and underscores."""
    many, candidate = counts(decision), decision.candidate
    energy = in_unit(decision.figures.get("energy_to_solution"), "kWh", ENERGY_UNITS)
    carbon = in_unit(decision.figures.get("carbon_to_solution"), "gCO2e", CARBON_UNITS)
    return {
        "result": decision.standing.value,
        "exit_code": str(decision.exit_code),
        "summary": headline(decision),
        "candidate": one_line(candidate.name),
        **_spread("score", decision.score),
        "stars": one_line(decision.stars),
        **_spread("carbon_g", carbon),
        **_spread("energy_kwh", energy),
        "failed": str(many[Standing.FAILED]),
        "incomplete": str(many[Standing.INCOMPLETE]),
        "warnings": str(many[Standing.WARNING]),
        "waived": str(many[Standing.WAIVED]),
        "passed": str(many[Standing.PASS]),
        "policy_digest": one_line(decision.policy.digest),
        "evidence_sha256": one_line(candidate.evidence_sha256),
        "audit_head": one_line(decision.audit_head),
        "audit_seq": "" if decision.audit_seq is None else str(decision.audit_seq),
        "decided_at": one_line(decision.decided_at),
    }


def github_outputs(decision: Decision) -> str:
    """Lines for the file of ``$GITHUB_OUTPUT``: ``name=value``, or a delimited block for odd values.

    Source: GitHub Docs, Workflow commands for GitHub Actions, Setting an output parameter; Multiline strings,
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands.
    """
    return "".join(github_entry(name, value) for name, value in output_values(decision).items())


def github_entry(name: str, value: str) -> str:
    """One entry; its delimiter is a hash of the value, so that no value can end its own block."""
    if _PLAIN.fullmatch(value):
        return f"{name}={value}\n"
    mark = f"WATTMARK_{hashlib.sha256(value.encode(errors='replace')).hexdigest()[:32]}"
    return f"{name}<<{mark}\n{value}\n{mark}\n"


def dotenv(decision: Decision) -> str:
    """``WATTMARK_RESULT=failed`` and so on: a dotenv report of GitLab CI, whose values are single lines.

    Source: GitLab Docs, artifacts:reports:dotenv, https://docs.gitlab.com/ci/yaml/artifacts_reports/.
    """
    told = {name: value for name, value in output_values(decision).items() if name not in _LONG}
    return "".join(f"WATTMARK_{name.upper()}={one_line(value, 200)}\n" for name, value in told.items())


_LONG = ("summary",)
"""A dotenv report holds 5 KB; values of names that people choose are cut as well."""


def in_unit(shown: Shown | None, unit: str, sizes: dict[str, float]) -> Shown | None:
    """A figure in another unit of the same kind; None where there is none, or it is of another kind."""
    if shown is None or shown.unit not in sizes:
        return None
    times = sizes[shown.unit] / sizes[unit]
    low, high = (None if end is None else end * times for end in (shown.low, shown.high))
    return Shown(
        value=shown.value * times, unit=unit, low=low, high=high, grade=shown.grade, coverage=shown.coverage
    )


def _spread(name: str, shown: Shown | None) -> dict[str, str]:
    """A figure, both ends of its interval, and its grade."""
    if shown is None:
        return {name: "", f"{name}_low": "", f"{name}_high": "", f"{name}_grade": ""}
    return {
        name: plain_number(shown.value),
        f"{name}_low": plain_number(shown.low),
        f"{name}_high": plain_number(shown.high),
        f"{name}_grade": one_line(shown.grade),
    }


def plain_number(value: float | None) -> str:
    """A number with at most nine digits that count; empty for none, infinity and what is no number."""
    return "" if value is None or not math.isfinite(value) else f"{value:.9g}"
