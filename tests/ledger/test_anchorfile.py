"""Heads of a log out of whatever kept them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from wattmark.core.errors import EvidenceError
from wattmark.core.governance.chain import Anchor
from wattmark.ledger.anchorfile import anchors_in, head_line, read_anchors
from wattmark.reports.ci.markdown import gate_markdown
from wattmark.reports.ci.outputs import dotenv, github_outputs
from wattmark.reports.ci.text import decision_text
from wattmark.reports.decision_json import decision_json
from wattmark.testing.decisions import every_standing

HASH = "23" * 32
OTHER = "45" * 32
HEAD = Anchor(hash=HASH, seq=41, source="job.log")


def test_a_decision_is_an_anchor() -> None:
    """Its ``audit_head`` and ``audit_seq``."""
    assert anchors_in(decision_json(every_standing()), "job.log") == [HEAD]


def test_a_decision_that_was_not_logged_is_none() -> None:
    """No head, no anchor."""
    decision = replace(every_standing(), audit_head="", audit_seq=None)
    assert anchors_in(decision_json(decision), "job.log") == []


def test_the_log_of_a_ci_job_is_searched() -> None:
    """Whatever stands around it: times, colours, other heads."""
    text = f"2026-11-20T09:30:00.1Z \x1b[32m{head_line(41, HASH)}\x1b[0m\nnoise\n{head_line(42, OTHER)}\n"
    assert anchors_in(text, "job.log") == [HEAD, Anchor(hash=OTHER, seq=42, source="job.log")]


def test_what_gates_print_is_searched() -> None:
    """As text, in a comment, as outputs of a step."""
    decision = every_standing()
    assert anchors_in(decision_text(decision), "job.log") == [HEAD]
    assert anchors_in(gate_markdown(decision), "job.log") == [HEAD]
    for told in (github_outputs(decision), dotenv(decision)):
        assert anchors_in(told, "job.log") == [HEAD]
    assert anchors_in(f"audit_head={HASH}\n", "job.log") == [replace(HEAD, seq=None)]


@pytest.mark.parametrize(
    "tags",
    [
        {"wattmark.audit_head": HASH, "wattmark.audit_seq": "41", "wattmark.gate": "pass"},
        {"model_version": {"tags": [
            {"key": "wattmark.audit_seq", "value": "41"}, {"key": "wattmark.audit_head", "value": HASH},
        ]}},
        {"audit_head": HASH, "audit_seq": 41},
    ],
)  # fmt: skip
def test_tags_of_a_registry_are_read(tags: object) -> None:
    """As an object, or as MLflow's REST API lists them; and what ``audit head --json`` prints."""
    assert anchors_in(json.dumps(tags), "job.log") == [HEAD]


def test_a_hash_alone_will_do() -> None:
    """Without the number it is searched for in the chain."""
    assert anchors_in(f"{HASH}\n", "job.log") == [replace(HEAD, seq=None)]


@pytest.mark.parametrize(
    "text", ["", "entry 41, head 2323", f"entry 41: {HASH}", '{"audit_head": "x"}', "[1]", "3"]
)
def test_what_holds_no_head_gives_none(text: str) -> None:
    """Nothing is guessed."""
    assert anchors_in(text, "job.log") == []


def test_a_file_without_a_head_is_an_error(tmp_path: Path) -> None:
    """Whoever names an anchor means one."""
    (tmp_path / "job.log").write_text("nothing")
    with pytest.raises(EvidenceError, match="holds no head"):
        read_anchors(tmp_path / "job.log")
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_anchors(tmp_path / "absent.log")


def test_a_plain_file_of_heads_is_read(tmp_path: Path) -> None:
    """A line for each."""
    (tmp_path / "heads.txt").write_text(f"{head_line(41, HASH)}\n{head_line(41, HASH)}\n")
    assert read_anchors(tmp_path / "heads.txt") == [replace(HEAD, source="heads.txt")]
