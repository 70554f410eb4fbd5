"""Which log is meant, and what becomes of a decision that could not be logged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import a_run
from wattmark.core.errors import UsageError
from wattmark.core.given import Given
from wattmark.core.governance.audit import Action
from wattmark.core.governance.decision import Standing
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.rules import AuditRules
from wattmark.core.policy import Policy
from wattmark.core.repeats import repeats_of
from wattmark.testing.decisions import every_standing
from wattmark.wiring.auditing import LOG_VARIABLE, log_of, record
from wattmark.wiring.decisions import Group
from wattmark.wiring.gate_log import GateEvidence, logged, record_gate

CI = Identity(name="ci@example.org")
RUN = a_run()
FAILED = every_standing()
PASSED = replace(FAILED, standing=Standing.PASS, exit_code=0)


def evidence(**rules: object) -> GateEvidence:
    """Of one run, under a policy with these audit rules."""
    group = Group(name="sorter", repeats=repeats_of([RUN], Given()), runs=(RUN,), givens=(Given(),))
    policy = Policy(limits=(), audit=AuditRules(**rules))  # type: ignore[arg-type]
    return GateEvidence(policy=policy, policy_text="# policy\n", candidate=group)


def test_a_log_is_beside_its_policy(tmp_path: Path) -> None:
    """A name that is no address counts from the policy's folder."""
    log = log_of(AuditRules(log="audit"), tmp_path, None, {})
    assert log is not None
    assert log.url == str(tmp_path / "audit")
    assert log_of(AuditRules(), tmp_path, None, {}) is None


def test_what_was_asked_for_goes_first(tmp_path: Path) -> None:
    """Then the environment, then the policy."""
    rules, environ = AuditRules(log="policy"), {LOG_VARIABLE: str(tmp_path / "environ")}
    asked = log_of(rules, tmp_path, str(tmp_path / "asked"), environ)
    told = log_of(rules, tmp_path, None, environ)
    assert asked is not None
    assert told is not None
    assert (Path(asked.url).name, Path(told.url).name) == ("asked", "environ")


def test_a_required_log_has_no_way_around(tmp_path: Path) -> None:
    """Another one is refused; the same by another name is not."""
    rules = AuditRules(log="audit", required=True)
    for asked, environ in ((str(tmp_path / "other"), {}), (None, {LOG_VARIABLE: "s3://other/audit"})):
        with pytest.raises(UsageError, match="requires the audit log 'audit'"):
            log_of(rules, tmp_path, asked, environ)
    assert log_of(rules, tmp_path, f"{tmp_path}/x/../audit", {}) is not None
    far = replace(rules, log="s3://board/audit")
    with pytest.raises(UsageError, match="requires the audit log"):
        log_of(far, tmp_path, "s3://mine/audit", {})


def test_a_decision_takes_the_head_with_it(tmp_path: Path) -> None:
    """Policy first, gate second: number 2."""
    found = logged(PASSED, evidence(log="audit"), folder=tmp_path, actor=CI, environ={})
    log = log_of(AuditRules(log="audit"), tmp_path, None, {})
    assert log is not None
    assert (found.audit_seq, found.audit_head) == (2, log.entry(2).hash)
    assert [entry.action for entry in log.newest_first()] == [Action.GATE_EVALUATED, Action.POLICY_CHANGED]


def test_without_a_log_nothing_changes(tmp_path: Path) -> None:
    """And nothing is written."""
    assert logged(PASSED, evidence(), folder=tmp_path, actor=CI, environ={}) == PASSED
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_is_a_note(tmp_path: Path) -> None:
    """Without the folders of this machine."""
    (tmp_path / "audit").write_text("")
    found = logged(PASSED, evidence(log="audit"), folder=tmp_path, actor=CI, environ={})
    assert (found.standing, found.exit_code) == (Standing.PASS, 0)
    assert "the decision is not in the audit log" in found.notes[-1]
    assert str(tmp_path) not in found.notes[-1]


@pytest.mark.parametrize("rules", [{"log": "audit", "required": True}, {"required": True}])
def test_a_required_log_that_is_not_written_closes(tmp_path: Path, rules: dict[str, object]) -> None:
    """What passed is incomplete; what failed stays failed. A policy that names none is no way out."""
    (tmp_path / "audit").write_text("")
    passed, failed = (
        logged(decision, evidence(**rules), folder=tmp_path, actor=CI, environ={})
        for decision in (PASSED, FAILED)
    )
    assert (passed.standing, passed.exit_code) == (Standing.INCOMPLETE, 3)
    assert (failed.standing, failed.exit_code) == (Standing.FAILED, 1)
    assert "audit log" in failed.notes[-1]


def test_digests_keep_no_runs(tmp_path: Path) -> None:
    """Only their hashes, by record id."""
    log = log_of(AuditRules(log="audit"), tmp_path, None, {})
    assert log is not None
    entry = record_gate(log, PASSED, evidence(keep="digests"), actor=CI, at="2026-11-20T09:30:00Z")
    assert entry.at == "2026-11-20T09:30:00Z"
    assert log.files.size(f"objects/{entry.objects[f'run:{RUN.record_id}']}") is None  # type: ignore[attr-defined]
    kept = record_gate(log, PASSED, evidence(), actor=CI)
    assert log.kept(kept.objects[f"run:{RUN.record_id}"])


def test_two_policies_share_a_log(tmp_path: Path) -> None:
    """Each by its name: going from one to the other is no change."""
    log = log_of(AuditRules(log="audit"), tmp_path, None, {})
    assert log is not None
    other = replace(PASSED, policy=replace(PASSED.policy, id="vision", digest="02" * 32))
    for decision in (PASSED, other, PASSED, other):
        record_gate(log, decision, evidence(), actor=CI)
    changes = [entry.subject for entry in log.newest_first() if entry.action is Action.POLICY_CHANGED]
    assert changes == ["vision", "green"]


def test_anything_that_was_done_is_recorded_with_what_it_refers_to(tmp_path: Path) -> None:
    """As waivers and charters do it; empty: now."""
    log = log_of(AuditRules(log="audit"), tmp_path, None, {})
    assert log is not None
    entry = record(log, Action.WAIVER_APPROVED, actor=CI, subject="W-7", objects={"waiver": b"W-7"})
    assert log.kept(entry.objects["waiver"]) == b"W-7"
    assert entry.at.endswith("Z")
