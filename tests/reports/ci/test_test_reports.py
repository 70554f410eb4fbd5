"""What test reporters and code scanners make of a decision: JUnit, SARIF, code quality, TAP."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

from tests.reports.ci.decisions import gates_side_by_side, hostile, many, shut, tagged
from wattmark.core.governance.decision import Decision, Standing
from wattmark.reports.ci.azure import azure_commands
from wattmark.reports.ci.github import github_annotations
from wattmark.reports.ci.gitlab_codequality import codequality_json
from wattmark.reports.ci.junit import junit_xml
from wattmark.reports.ci.sarif import MOST_RESULTS, sarif
from wattmark.reports.ci.tap import tap
from wattmark.reports.ci.words import waiver_words
from wattmark.testing.decisions import WAIVER, every_standing


def _cases(decision: Decision) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(junit_xml(decision).encode())
    return {case.attrib["name"]: case for case in root.iter("testcase")}


def _run(decision: Decision) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(sarif(decision))["runs"][0]
    return run


def test_each_rule_is_a_case_of_its_kind() -> None:
    """Failed: failure. Without evidence: error. Waived and not applicable: skipped. A warning passes."""
    kinds = {name: [child.tag for child in case] for name, case in _cases(every_standing()).items()}
    assert kinds == {
        "energy": ["system-out"],
        "carbon": ["skipped", "system-out"],
        "utilisation": ["system-out"],
        "queries": ["failure"],
        "renewable": ["error"],
        "vision": ["skipped"],
        "quarter": ["system-out"],
    }


def test_a_gate_that_no_rule_shuts_is_nowhere_green() -> None:
    """Exit code 3 although every rule passes: each report has an error that says what was noted."""
    decision, said = shut(), "the audit log is required and could not be written"
    cases = _cases(decision)
    assert [child.tag for child in cases["gate"]] == ["error"]
    assert cases["gate"][0].attrib["message"].startswith(f"The gate as a whole: {said}")
    root = ElementTree.fromstring(junit_xml(decision).encode())
    assert (root.attrib["errors"], root.attrib["tests"]) == ("1", str(len(decision.rules) + 1))
    found = _run(decision)["results"][0]
    assert (found["ruleId"], found["level"]) == ("wattmark/gate", "error")
    (quality,) = json.loads(codequality_json(decision))
    assert (quality["severity"], said in quality["description"]) == ("major", True)
    assert "not ok 1 - gate: The gate as a whole" in tap(decision)
    assert github_annotations(decision).startswith("::error file=wattmark-policy.toml,line=1,")
    assert azure_commands(decision).startswith("##vso[task.logissue type=error;")


def test_a_case_says_how_its_figure_is_known_and_who_let_it_through() -> None:
    """Interval, grade, share observed; the waiver with its owner, ticket, end and approver."""
    skipped = _cases(every_standing())["carbon"].find("skipped")
    assert skipped is not None
    said = skipped.attrib["message"]
    for part in (
        "1.20 gCO2e/inference [1.10 .. 1.30], grade B, 99 % observed",
        "waiver W-7 (expiring, until 2026-12-10, GREEN-12)",
        "approved by board@example.org (ssh signature)",
    ):
        assert part in said


def test_whom_nobody_approved_nobody_is_called_unverified() -> None:
    """A request that waits lacks approvals, not proofs; a typed approval lacks proof."""
    waits = replace(WAIVER, state="pending", approved_by=(), verified=False)
    assert "approved by nobody: moves" in waiver_words(waits)
    typed = replace(waits, approved_by=("board@example.org (unverified)",))
    assert "approved by board@example.org (unverified); identities are not verified" in waiver_words(typed)


def test_a_suite_counts_and_states_no_time() -> None:
    """7 rules: 1 failure, 1 error, 2 skipped; nobody took a time, so none is stated."""
    root = ElementTree.fromstring(junit_xml(every_standing()).encode())
    suite = root[0]
    told = [suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")]
    assert told == ["7", "1", "1", "2"]
    assert "time" not in suite.attrib
    values = {p.attrib["name"]: p.attrib["value"] for p in suite.iter("property")}
    assert values["wattmark.score"] == "92"
    assert "wattmark.carbon_g" not in values


def test_cases_of_one_budget_in_many_teams_have_names_of_their_own() -> None:
    """Two rules of one id: they are counted."""
    sample = every_standing()
    budget = sample.rules[-1]
    twice = replace(sample, rules=(budget, replace(budget, title="500 kgCO2e of team vision")))
    assert len(_cases(twice)) == 2


def test_a_budget_of_every_run_keeps_its_name_from_run_to_run() -> None:
    """Its rules end in ids of records, which are new each time: names and fingerprints do not."""
    sample = every_standing()
    budget = replace(sample.rules[-1], standing=Standing.FAILED)

    def judged(*records: str) -> Decision:
        rules = tuple(replace(budget, id=f"per-run.{record}") for record in records)
        return replace(sample, rules=rules, candidate=replace(sample.candidate, record_ids=records))

    first, later = judged("aa", "bb"), judged("cc", "dd")
    assert list(_cases(first)) == list(_cases(later)) == ["per-run", "per-run (2)"]
    assert json.loads(codequality_json(first)) == json.loads(codequality_json(later))
    marks = [[r["partialFingerprints"] for r in _run(d)["results"]] for d in (first, later)]
    assert marks[0] == marks[1]
    assert len({m["primaryLocationLineHash"] for m in marks[0]}) == 2
    assert [r["id"] for r in _run(first)["tool"]["driver"]["rules"]] == ["wattmark/per-run"]


def test_sarif_lists_what_must_be_looked_at_the_worst_first() -> None:
    """Passed and not applicable rules are rules only; a waived one is a note with its suppression."""
    run = _run(every_standing())
    found = [(r["ruleId"], r["level"], "suppressions" in r) for r in run["results"]]
    assert found == [
        ("wattmark/queries", "error", False),
        ("wattmark/renewable", "error", False),
        ("wattmark/utilisation", "warning", False),
        ("wattmark/quarter", "warning", False),
        ("wattmark/carbon", "note", True),
    ]
    assert len(run["tool"]["driver"]["rules"]) == 7
    accepted = run["results"][-1]["suppressions"][0]
    assert (accepted["kind"], accepted["status"]) == ("external", "accepted")
    assert "moves to the new cluster in December" in accepted["justification"]


def test_sarif_points_at_the_policy_and_survives_moved_lines() -> None:
    """The place is the rule's line; the fingerprint does not change with it, but with the rule."""
    sample = every_standing()
    moved = replace(sample, rules=tuple(replace(r, line=(r.line or 0) + 30) for r in sample.rules))
    first, later = _run(sample)["results"], _run(moved)["results"]
    region = first[0]["locations"][0]["physicalLocation"]
    assert (region["artifactLocation"]["uri"], region["region"]["startLine"]) == ("wattmark-policy.toml", 28)
    assert [r["partialFingerprints"] for r in first] == [r["partialFingerprints"] for r in later]
    assert len({r["partialFingerprints"]["wattmarkRule/v1"] for r in first}) == len(first)
    assert all(r["ruleIndex"] == _index(_run(sample), r["ruleId"]) for r in first)


def _index(run: dict[str, Any], rule: str) -> int:
    return [r["id"] for r in run["tool"]["driver"]["rules"]].index(rule)


def test_gates_side_by_side_close_no_alerts_of_each_other() -> None:
    """GitHub replaces an analysis by the next of its category: that of one policy, stage, file or team."""
    sample = every_standing()
    named = {sarif_category(gate): marks_of(gate) for gate in gates_side_by_side()}
    assert list(named) == [
        "wattmark-gate/green/language/sorter/inference/",
        "wattmark-gate/board%2Fenergy/language/sorter/inference/",
        "wattmark-gate/green/language/sorter/training/",
        "wattmark-gate/ci%2Fenergy.toml/language/sorter/inference/",
        "wattmark-gate/green/vision/sorter/inference/",
    ]
    assert all(named.values())
    assert len(set.union(*named.values())) == sum(map(len, named.values()))
    usual = replace(sample, policy=replace(sample.policy, id=""))
    assert sarif_category(usual) == "wattmark-gate/language/sorter/inference/"
    assert sarif_category(tagged(usual, {})) == "wattmark-gate/default/"


def test_the_next_version_of_a_model_takes_the_place_of_the_last() -> None:
    """One gate, whatever the version: its alerts close."""
    newer = tagged(every_standing(), {**every_standing().candidate.tags, "model_version": "9.9"})
    assert sarif_category(newer) == sarif_category(every_standing())
    assert marks_of(newer) == marks_of(every_standing())


def sarif_category(decision: Decision) -> str:
    """What GitHub tells analyses apart by."""
    return str(_run(decision)["automationDetails"]["id"])


def marks_of(decision: Decision) -> set[str]:
    """What GitLab tells findings apart by."""
    return {found["fingerprint"] for found in json.loads(codequality_json(decision))}


def test_sarif_carries_intervals_and_no_path_of_a_machine() -> None:
    """Figures with both ends and a grade; a policy given by its whole path is shown by its name."""
    sample = every_standing()
    away = replace(sample, rules=tuple(replace(r, file="/home/somebody/p/policy.toml") for r in sample.rules))
    run = _run(away)
    known = next(r for r in run["results"] if r["ruleId"] == "wattmark/carbon")["properties"]["value"]
    assert known["interval_95"] == [1.1, 1.3]
    assert known["grade"] == "B"
    assert "somebody" not in sarif(away)
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "policy.toml"


def test_ten_thousand_rules_keep_the_one_that_failed() -> None:
    """GitHub keeps 5,000 results: the worst are first, and the file says how many are left out."""
    run = _run(many())
    assert len(run["results"]) == MOST_RESULTS
    assert run["results"][0]["ruleId"] == "wattmark/the-one-that-fails"
    notes = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]
    assert any("more results are left out" in note for note in notes)
    assert len(run["tool"]["driver"]["rules"]) <= 25_000


def test_code_quality_has_a_fingerprint_for_every_finding() -> None:
    """Also where rules share an id; severities follow the standing."""
    found = json.loads(codequality_json(every_standing()))
    assert Counter(f["severity"] for f in found) == {"critical": 1, "major": 1, "minor": 2, "info": 1}
    assert found[0]["location"] == {"path": "wattmark-policy.toml", "lines": {"begin": 28}}
    sample = every_standing()
    twice = json.loads(codequality_json(replace(sample, rules=sample.rules * 2)))
    assert len({f["fingerprint"] for f in twice}) == len(twice) == 10


def test_tap_marks_what_a_waiver_lets_through() -> None:
    """A waived rule is not ok, and TODO: harnesses do not count it as a failure."""
    lines = tap(every_standing()).splitlines()
    assert lines[:2] == ["TAP version 14", "1..7"]
    points = [line for line in lines if line.startswith(("ok ", "not ok "))]
    assert [p.startswith("not ok") for p in points] == [False, True, False, True, True, False, False]
    assert points[1].endswith("# TODO waived by W-7")
    assert points[5].endswith("# SKIP for vision-batch")


def test_a_name_cannot_add_a_point_or_a_directive_to_tap() -> None:
    """One line per point; a # in a name is escaped."""
    made = hostile()
    points = [p for p in tap(made).splitlines() if p.startswith(("ok ", "not ok "))]
    assert len(points) == len(made.rules)
    unskipped = [r for r in made.rules if r.standing not in (Standing.WAIVED, Standing.NOT_APPLICABLE)]
    assert sum(" # " not in p.replace("\\#", "") for p in points) == len(unskipped)
