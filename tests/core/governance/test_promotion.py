"""Promoting versions of models: by a decision that passes, is about the version, and is fresh."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.governance.decision import Decision, Shown, Standing
from wattmark.core.governance.promotion import (
    Refusal,
    Shelved,
    gate_word,
    not_of,
    refusal,
    stale,
    tags_of_version,
    tags_refusal,
    untellable,
    waived_until,
)
from wattmark.testing.decisions import WAIVER, every_standing

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
"""A day after the decision."""
MINE = Shelved(name="sorter", version="2.1.0", record_ids=("run-1", "run-2"))


def passed(*standings: Standing, **changes: Any) -> Decision:
    """A decision with the rules of these standings, which passes."""
    decision = every_standing()
    kept = standings or (Standing.PASS, Standing.NOT_APPLICABLE)
    rules = tuple(rule for rule in decision.rules if rule.standing in kept)
    return replace(decision, **{"rules": rules, "standing": Standing.PASS, "exit_code": 0, **changes})


def reason(found: Refusal | None) -> str:
    assert found is not None
    return found.reason


def test_a_fresh_pass_of_these_runs_lets_them_through() -> None:
    """And warnings and waived rules do no harm."""
    assert refusal(passed(), MINE, NOW) is None
    warned = passed(Standing.PASS, Standing.WARNING, standing=Standing.WARNING)
    assert refusal(warned, MINE, NOW) is None
    assert refusal(passed(Standing.PASS, Standing.WAIVED), MINE, NOW) is None


def test_a_failed_gate_is_a_violation_and_names_its_rules() -> None:
    """Exit code 1, as of the gate itself."""
    found = refusal(every_standing(), MINE, NOW)
    assert found is not None
    assert found.exit_code == 1
    assert "12.5 W/kQPS" in found.reason
    assert "renewable generation" in found.reason


def test_only_some_of_many_broken_rules_are_told() -> None:
    """Three, and how many more."""
    bad = next(r for r in every_standing().rules if r.standing is Standing.FAILED)
    many = passed(rules=(bad,) * 5, standing=Standing.FAILED, exit_code=1)
    assert reason(refusal(many, MINE, NOW)).endswith("and 2 more)")


def test_an_incomplete_gate_is_not_enough_evidence() -> None:
    """Exit code 3; a decision without a rule that applies says so, too."""
    found = refusal(passed(standing=Standing.INCOMPLETE, exit_code=3), MINE, NOW)
    assert found == Refusal("its gate says incomplete, exit code 3", 3)


def test_warnings_that_a_job_treats_as_failures_do_not_pass() -> None:
    """``--exit-code-on-warn 4`` said that they matter."""
    warned = passed(Standing.WARNING, standing=Standing.WARNING, exit_code=4)
    assert refusal(warned, MINE, NOW) == Refusal("its gate says warning, exit code 4", 1)


def test_a_decision_better_than_its_rules_was_altered() -> None:
    """Somebody wrote `pass` over a list with a failed rule."""
    forged = replace(every_standing(), standing=Standing.PASS, exit_code=0)
    assert reason(refusal(forged, MINE, NOW)).endswith("it was altered")
    empty = passed(rules=())
    assert "was altered" in reason(refusal(empty, MINE, NOW))


def test_an_old_decision_does_not_serve_a_new_version() -> None:
    """The runs of the version are not those of the decision, whatever their names."""
    new = replace(MINE, record_ids=("run-1", "run-9"))
    found = refusal(passed(), new, NOW)
    assert found is not None
    assert found.exit_code == 3
    assert "comes from run-9" in found.reason
    nameless = passed(candidate=replace(every_standing().candidate, record_ids=()))
    assert "runs that it does not name" in reason(refusal(nameless, new, NOW))


def test_an_earlier_pass_undoes_no_later_failure() -> None:
    """Tags that tell of a later gate; the same moment, an earlier one, and no time are no obstacle."""
    at = passed().decided_at
    later = replace(MINE, tags={"wattmark.decided_at": "2026-11-20T23:00:00Z", "wattmark.gate": "failed"})
    found = refusal(passed(), later, NOW)
    assert found is not None
    assert (found.exit_code, "was gated later, at 2026-11-20T23:00:00Z (failed)" in found.reason) == (3, True)
    for told in (at, "2026-11-19T00:00:00", "soon", ""):
        assert refusal(passed(), replace(MINE, tags={"wattmark.decided_at": told}), NOW) is None


def test_other_evidence_of_the_same_runs_is_refused() -> None:
    """The run file was changed between the logging and the gate."""
    all_five = replace(MINE, record_ids=tuple(f"run-{n}" for n in range(1, 6)))
    assert not_of(passed(), replace(all_five, evidence_sha256="cd" * 32)) is None
    found = not_of(passed(), replace(all_five, evidence_sha256="99" * 32))
    assert "the evidence of sorter/2.1.0 was 999999999999" in reason(found)
    nothing = passed(candidate=replace(every_standing().candidate, evidence_sha256=""))
    assert "about none that it names" in reason(not_of(nothing, replace(all_five, evidence_sha256="99" * 32)))
    assert not_of(passed(), all_five) is None


def test_parts_of_one_whole_that_were_taken_for_repeats_are_refused() -> None:
    """The energy of a training that was resumed four times is no mean over its five parts."""
    whole = replace(MINE, record_ids=passed().candidate.record_ids, as_one=True)
    assert "took them for 5 repeats: run the gate with --as-one" in reason(not_of(passed(), whole))
    assert not_of(passed(candidate=replace(passed().candidate, repeats=1)), whole) is None
    assert not_of(passed(), replace(MINE, as_one=True)) is None  # two of five: others were judged beside it


def test_without_runs_name_and_version_must_be_the_same() -> None:
    """The tags of the decision say model sorter, version 2.1.0."""
    assert not_of(passed(), Shelved(name="sorter", version="2.1.0")) is None
    assert "about sorter/2.1.0" in reason(not_of(passed(), Shelved(name="sorter", version="3")))
    unnamed = passed(candidate=replace(every_standing().candidate, tags={}))
    assert "about ?/?" in reason(not_of(unnamed, Shelved(name="sorter", version="3")))


@pytest.mark.parametrize(
    ("decided_at", "said"),
    [
        ("2026-10-01T00:00:00Z", "51 days old"),
        ("2026-11-22T09:30:00Z", "yet to come"),
        ("yesterday", "is no time"),
    ],
)
def test_only_fresh_decisions_count(decided_at: str, said: str) -> None:
    """At most 30 days old, not from the future, and with a time that can be read."""
    assert said in reason(refusal(passed(decided_at=decided_at), MINE, NOW))


def test_what_may_stand_in_tags_is_about_the_version_and_of_a_time_that_has_been() -> None:
    """An old failure is told. A decision of tomorrow would overtake every true one until then."""
    old = passed(decided_at="2026-10-01T00:00:00Z", standing=Standing.FAILED, exit_code=1)
    assert untellable(old, MINE, NOW) is None
    assert "yet to come" in reason(untellable(passed(decided_at="2026-11-22T09:30:00Z"), MINE, NOW))
    assert "was altered" in reason(untellable(passed(Standing.FAILED), MINE, NOW))
    assert "comes from" in reason(untellable(passed(), replace(MINE, record_ids=("other",)), NOW))


def test_a_time_without_a_zone_is_in_utc() -> None:
    """And clocks may differ by a few minutes."""
    assert stale("2026-11-21T09:30:00", NOW, 1.0) is None
    assert stale("2026-11-21T09:34:00Z", NOW, 1.0) is None


def test_a_waiver_that_lapsed_after_the_decision_is_no_pass() -> None:
    """It holds on its last day, 10 December, and not on the day after."""
    waived = passed(Standing.PASS, Standing.WAIVED)
    assert waived_until(waived) == "2026-12-10"
    assert refusal(waived, MINE, datetime(2026, 12, 10, 23, tzinfo=UTC)) is None
    assert "lapsed on 2026-12-10" in reason(refusal(waived, MINE, datetime(2026, 12, 11, tzinfo=UTC)))


def test_a_day_that_cannot_be_read_is_no_day() -> None:
    """Fails closed."""
    rule = next(r for r in every_standing().rules if r.standing is Standing.WAIVED)
    odd = passed(rules=(replace(rule, waiver=replace(WAIVER, expires="soon")),))
    assert "is no day" in reason(refusal(odd, MINE, NOW))


def test_the_tags_of_a_version_say_all_that_was_decided() -> None:
    """A waived pass is named so; what the decision does not say is taken away."""
    waived = passed(Standing.PASS, Standing.WAIVED)
    tags = tags_of_version(waived, "ab" * 32)
    assert tags["wattmark.gate"] == "waived"
    assert tags["wattmark.score"] == "92.0"
    assert tags["wattmark.score_interval"] == "88.0 .. 96.0"
    assert tags["wattmark.stars"] == "3-4"
    assert tags["wattmark.evidence_sha256"] == "cd" * 32
    assert tags["wattmark.policy_digest"] == "01" * 32
    assert tags["wattmark.decided_at"] == "2026-11-20T09:30:00Z"
    assert tags["wattmark.audit_head"] == "23" * 32
    assert tags["wattmark.audit_seq"] == "41"
    assert tags["wattmark.waivers"] == "W-7"
    assert tags["wattmark.waived_until"] == "2026-12-10"
    bare = passed(score=None, stars="", audit_head="", audit_seq=None)
    empty = {key for key, value in tags_of_version(bare, "ab" * 32).items() if value is None}
    assert empty == {
        f"wattmark.{name}"
        for name in ("score", "score_interval", "stars", "waivers", "waived_until", "audit_head", "audit_seq")
    }
    half = passed(score=Shown(value=92.0, unit="points", low=88.0))
    assert tags_of_version(half, "")["wattmark.score_interval"] is None


def test_a_failed_gate_with_a_waived_rule_is_still_failed() -> None:
    """`waived` is the word for a pass."""
    assert gate_word(every_standing()) == "failed"


def shelved(**changes: str) -> Shelved:
    found = tags_of_version(passed(), "ab" * 32)
    tags = {**{k: v for k, v in found.items() if v is not None}, **changes}
    return replace(MINE, tags=tags)


def test_tags_of_a_gate_that_holds_are_enough_to_serve() -> None:
    """And the policy is the one that is asked for."""
    assert tags_refusal(shelved(), NOW) is None
    assert tags_refusal(shelved(), NOW, policy_digest="01" * 32) is None


@pytest.mark.parametrize(
    ("version", "said", "code"),
    [
        (MINE, "has met no gate", 3),
        (shelved(**{"wattmark.gate": "failed"}), "failed its gate", 1),
        (shelved(**{"wattmark.gate": "incomplete"}), "'incomplete'", 3),
        (shelved(**{"wattmark.gate": "great"}), "'great'", 3),
        (shelved(**{"wattmark.policy_digest": "77" * 32}), "another policy", 3),
        (shelved(**{"wattmark.policy_digest": ""}), "none that it names", 3),
        (shelved(**{"wattmark.decided_at": ""}), "is no time", 3),
        (shelved(**{"wattmark.decided_at": "2026-09-01T00:00:00Z"}), "81 days old", 3),
        (shelved(**{"wattmark.waived_until": "2026-11-20"}), "lapsed", 1),
    ],
)
def test_tags_that_do_not_hold_are_refused(version: Shelved, said: str, code: int) -> None:
    """With the reason, and the exit code of a gate."""
    found = tags_refusal(version, NOW, policy_digest="01" * 32)
    assert found is not None
    assert said in found.reason
    assert found.exit_code == code


@given(
    days=st.floats(min_value=0, max_value=1000),
    most=st.floats(min_value=0.01, max_value=1000),
)
def test_a_longer_age_never_lets_less_through(days: float, most: float) -> None:
    """What is fresh under a limit is fresh under a longer one."""
    at = datetime.fromtimestamp(NOW.timestamp() - days * 86400, UTC).isoformat()
    if stale(at, NOW, most) is None:
        assert stale(at, NOW, most * 2) is None
