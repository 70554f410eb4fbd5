"""Which runs waivers let through, as a log tells: what is lost is passed over; what is out of reach, not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import a_run
from wattmark.core.errors import LedgerError
from wattmark.core.given import Given
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.rules import AuditRules
from wattmark.core.policy import Policy
from wattmark.core.repeats import repeats_of
from wattmark.testing.decisions import every_standing
from wattmark.wiring.auditing import log_of
from wattmark.wiring.budget_waived import waived_records
from wattmark.wiring.decisions import Group
from wattmark.wiring.gate_log import GateEvidence, record_gate

POLICY = Policy(limits=(), audit=AuditRules(log="audit"))
DECISION = every_standing()
RUNS = frozenset(DECISION.candidate.record_ids)


@pytest.fixture
def decision(tmp_path: Path) -> Path:
    """The file in which a log keeps a decision of which one rule was waived."""
    run = a_run()
    group = Group(name="sorter", repeats=repeats_of([run], Given()), runs=(run,), givens=(Given(),))
    log = log_of(POLICY.audit, tmp_path, None, {})
    assert log is not None
    evidence = GateEvidence(policy=POLICY, policy_text="# policy\n", candidate=group)
    entry = record_gate(log, DECISION, evidence, actor=Identity(name="ci@example.org"))
    (found,) = (tmp_path / "audit").rglob(entry.objects["decision"])
    return found


def test_the_runs_of_a_waived_gate_are_found(decision: Path, tmp_path: Path) -> None:
    """Those of the candidate; none where nothing is logged."""
    assert decision.is_file()
    assert waived_records(POLICY, tmp_path, None, {}) == RUNS != frozenset()
    assert waived_records(Policy(limits=()), tmp_path, None, {}) == frozenset()


def test_a_decision_that_was_altered_is_left_to_the_check_of_the_log(decision: Path, tmp_path: Path) -> None:
    """Nothing is read from it: `wattmark audit verify` names it."""
    decision.chmod(0o644)
    decision.write_bytes(b"{}")
    assert waived_records(POLICY, tmp_path, None, {}) == frozenset()


def test_a_log_that_does_not_answer_waived_nothing_away(decision: Path, tmp_path: Path) -> None:
    """A disk that fails midway is no log without waivers: a link to itself cannot be opened."""
    decision.unlink()
    decision.symlink_to(decision)
    with pytest.raises(LedgerError):
        waived_records(POLICY, tmp_path, None, {})
