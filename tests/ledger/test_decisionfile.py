"""Decision files: what was written is what is read; what is something else is refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wattmark.core.errors import EvidenceError
from wattmark.ledger.decisionfile import parse_decision, read_decision
from wattmark.reports.decision_json import decision_json
from wattmark.testing.decisions import every_standing


def test_a_decision_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Nothing is lost on the way: everything that is shown elsewhere is made from this file."""
    file = tmp_path / "decision.json"
    file.write_text(decision_json(every_standing()))
    assert read_decision(file) == every_standing()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("[]", "is no decision of wattmark"),
        ('{"schema": "wattmark.gate", "schema_version": 1}', "is no decision of wattmark"),
        ('{"schema": "wattmark.decision", "schema_version": 2}', "has version 2 of its schema"),
        ('{"schema": "wattmark.decision", "schema_version": 1}', "missing required field"),
    ],
)
def test_what_is_no_decision_is_refused(text: str, told: str) -> None:
    """The message names the file and what is wrong with it."""
    with pytest.raises(EvidenceError, match=told) as refused:
        parse_decision(text.encode(), "d.json")
    assert refused.value.file == "d.json"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As every other file that cannot be read."""
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_decision(tmp_path / "none.json")


def test_a_failure_with_the_exit_code_of_a_pass_is_refused() -> None:
    """`decision publish` would end with it, and a status would be green."""
    decision = every_standing()
    assert decision.exit_code == 1
    with pytest.raises(EvidenceError, match="says failed and exit code 0"):
        parse_decision(decision_json(replace(decision, exit_code=0)).encode(), "decision.json")
