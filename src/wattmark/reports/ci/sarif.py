"""A decision as SARIF 2.1.0 (OASIS, 2020, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).

Results are what somebody has to look at: broken rules, missing evidence, warnings, and what a waiver lets
through, which carries its suppression. Rules that pass are listed as rules only, because GitHub shows every
result as an alert, whatever its kind. An alert stays the same while its rule keeps its id: lines may move.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from wattmark.core.governance.decision import Decision, Ruled, Shown, Standing
from wattmark.core.governance.level import Level
from wattmark.reports.as_json import finite
from wattmark.reports.ci.naming import gate_parts
from wattmark.reports.ci.outputs import output_values
from wattmark.reports.ci.words import (
    file_of,
    headline,
    line_of,
    one_line,
    stable_id,
    waiver_words,
    why,
    with_the_whole,
    worst_first,
)
from wattmark.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 5000
"""GitHub keeps this many results of a run (GitHub Docs, SARIF support for code scanning,
Validating your SARIF file, https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support)."""
MOST_RULES = 20_000
"""Below GitHub's 25,000 rules of a run (the same page)."""
MOST_TEXT = 1000
"""GitHub cuts descriptions at 1,024 characters (the same page)."""
MOST_ID = 200
HELP = (
    "What to do: look at the figure and its interval; make the model cheaper, repeat the measurement, or ask "
    "for a waiver with an owner, a cap and an end."
)
LEVELS = {
    Standing.FAILED: "error",
    Standing.INCOMPLETE: "error",
    Standing.WARNING: "warning",
    # With a suppression beside it; readers that know none must not see an error where the gate passed.
    Standing.WAIVED: "note",
}


def sarif(decision: Decision) -> str:
    """One run with one result for each rule that does not simply pass, the worst first."""
    rules = worst_first(with_the_whole(decision).rules)
    shown = [rule for rule in rules if rule.standing in LEVELS]
    ids = list(dict.fromkeys(rule_id(rule, decision) for rule in rules))[:MOST_RULES]
    place = {name: index for index, name in enumerate(ids)}
    first = {rule_id(rule, decision): rule for rule in reversed(rules)}
    results = []
    seen: Counter[str] = Counter()
    for rule in shown[:MOST_RESULTS]:
        mark = fingerprint(rule, decision)
        seen[mark] += 1
        results.append(_result(rule, decision, place, f"{mark[:16]}:{seen[mark]}"))
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "wattmark",
                "version": __version__,
                "rules": [_descriptor(name, first[name]) for name in ids],
            }
        },
        "automationDetails": {"id": _category(decision)},
        "invocations": [_invocation(decision, len(shown) - len(results))],
        "results": results,
        "properties": {name: value for name, value in output_values(decision).items() if value},
    }
    return (
        json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, allow_nan=False) + "\n"
    )


def rule_id(rule: Ruled, decision: Decision) -> str:
    """The rule's stable id, as SARIF takes it."""
    return one_line(f"wattmark/{stable_id(rule, decision)}", MOST_ID)


def _category(decision: Decision) -> str:
    """What GitHub tells analyses apart by: each replaces the one before it of the same category.

    ``upload-sarif`` leaves it as it is, whatever its ``category`` says.
    """
    names = gate_parts(decision) or ("default",)
    return "/".join(("wattmark-gate", *(quote(name, safe="") for name in names), ""))


def fingerprint(rule: Ruled, decision: Decision) -> str:
    """The same for the same policy, rule and matter, wherever the rule stands in its file."""
    name = stable_id(rule, decision)
    title = rule.title if rule.kind.value == "budget" else ""
    parts = (rule.kind.value, name, title, *gate_parts(decision))
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def _descriptor(name: str, rule: Ruled) -> dict[str, Any]:
    title = one_line(rule.title, MOST_TEXT)
    reason = one_line(rule.why or rule.title, MOST_TEXT)
    help_text = one_line(f"{title}. {rule.why and rule.why + '. '}{HELP}", MOST_TEXT)
    return {
        "id": name,
        "name": name.removeprefix("wattmark/"),
        "shortDescription": {"text": title},
        "fullDescription": {"text": reason},
        "help": {"text": help_text},
        "defaultConfiguration": {
            "enabled": rule.level is not Level.OFF,
            "level": "error" if rule.level is Level.ERROR else "warning",
        },
        "properties": {"tags": ["energy", "carbon", rule.kind.value], "precision": "high"},
    }


def _result(rule: Ruled, decision: Decision, place: dict[str, int], mark: str) -> dict[str, Any]:
    name = rule_id(rule, decision)
    reason = why(rule)
    uri = quote(file_of(rule, decision), safe="/")
    made: dict[str, Any] = {
        "ruleId": name,
        **({"ruleIndex": place[name]} if name in place else {}),
        "level": LEVELS[rule.standing],
        "kind": "fail",  # only a failure may have a level (SARIF 2.1.0, 3.27.10)
        "message": {"text": one_line(f"{rule.title}: {reason}" if reason else rule.title, 4 * MOST_TEXT)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": line_of(rule)},
                }
            }
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": mark,
            "wattmarkRule/v1": fingerprint(rule, decision),
        },
        "properties": _properties(rule),
    }
    if rule.standing is Standing.WAIVED and rule.waiver is not None:
        made["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": waiver_words(rule.waiver)}
        ]
    return made


def _properties(rule: Ruled) -> dict[str, Any]:
    told: dict[str, Any] = {"standing": rule.standing.value, "kpi": rule.kpi}
    for name in ("value", "baseline", "compared"):
        shown: Shown | None = getattr(rule, name)
        if shown is not None:
            told[name] = shown_json(shown)
    if rule.bound is not None:
        told |= {"bound": finite(rule.bound), "boundKind": rule.bound_kind}
    return {name: value for name, value in told.items() if value != ""}


def shown_json(shown: Shown) -> dict[str, Any]:
    """A figure for JSON; what is infinite or no number is null."""
    ends = [None if end is None else finite(end) for end in (shown.low, shown.high)]
    return {
        "value": finite(shown.value),
        "unit": shown.unit,
        "interval_95": ends,
        "grade": shown.grade or None,
        "coverage": None if shown.coverage is None else finite(shown.coverage),
    }


def _invocation(decision: Decision, left_out: int) -> dict[str, Any]:
    notes = [headline(decision), *(one_line(note) for note in decision.notes)]
    if left_out:
        notes.append(f"{left_out} more results are left out: readers keep {MOST_RESULTS}")
    return {
        "executionSuccessful": True,
        "exitCode": decision.exit_code,
        "endTimeUtc": decision.decided_at,
        "toolExecutionNotifications": [
            {"level": "note", "message": {"text": note[: 4 * MOST_TEXT]}} for note in notes[:100]
        ],
    }
