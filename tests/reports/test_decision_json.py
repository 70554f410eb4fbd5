"""The JSON of a decision: a contract that readers elsewhere rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from wattmark.ledger.decisionfile import read_decision
from wattmark.reports.ci.ndjson import ndjson
from wattmark.reports.decision_json import decision_json
from wattmark.testing.decisions import every_standing


def test_the_keys_of_version_1_are_frozen() -> None:
    """New keys may come with a default; none goes, and none means something else."""
    told = json.loads(decision_json(every_standing()))
    assert (told["schema"], told["schema_version"]) == ("wattmark.decision", 1)
    assert sorted(told) == [
        "audit_head", "audit_seq", "baseline", "candidate", "decided_at", "exit_code", "figures", "notes",
        "policy", "rubric", "rules", "schema", "schema_version", "score", "standing", "stars",
    ]  # fmt: skip
    rules = {key for rule in told["rules"] for key in rule}
    assert rules >= {
        "id", "kind", "title", "level", "ruling", "standing", "value", "compared", "bound", "bound_kind",
        "reason", "why", "advice", "waiver", "file", "line",
    }  # fmt: skip
    waived = next(rule for rule in told["rules"] if "waiver" in rule)
    assert waived["value"] == {
        "value": 1.2, "unit": "gCO2e/inference", "low": 1.1, "high": 1.3, "grade": "B", "coverage": 0.99,
    }  # fmt: skip
    assert sorted(waived["waiver"]) == [
        "approved_by", "cap", "digest", "expires", "id", "owner", "reason", "requested_by", "state", "ticket",
        "verified",
    ]  # fmt: skip


def test_the_keys_of_lines_are_frozen() -> None:
    """Of schema wattmark.decision_line version 1: each line stands for itself."""
    whole, rule, *_ = (json.loads(line) for line in ndjson(every_standing()).splitlines())
    common = {"schema", "schema_version", "decided_at", "candidate", "policy_digest", "type"}
    assert set(whole) == common | {"standing", "exit_code", "counts", "score", "stars", "tags", "figures"}
    assert set(rule) >= common | {"id", "title", "ruling", "standing"}


def test_a_name_that_is_no_utf_8_can_be_written_and_read(tmp_path: Path) -> None:
    """As file systems hold some: what cannot be said is a question mark, not a file that nobody can read."""
    sample = every_standing()
    odd = replace(sample, candidate=replace(sample.candidate, name="run-\udcff", tags={"model": "ü"}))
    file = tmp_path / "decision.json"
    file.write_text(decision_json(odd))
    assert read_decision(file).candidate.name == "run-?"
    assert read_decision(file).candidate.tags == {"model": "ü"}
