"""Decisions that a gate made, and such that somebody wrote: held against the log that the policy requires."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.deciding import three, write
from tests.cli.running import verb
from tests.identities.keys import allowed, needs_openssh
from tests.wiring.governed import ANNA, BOARD, EVE, governed
from wattmark.cli.audit import group as audit
from wattmark.cli.baseline import group as baseline
from wattmark.cli.decision import group as decision_verbs
from wattmark.cli.gate import command as gate
from wattmark.cli.mlflow_registry import promote, tag
from wattmark.cli.waiver import group as waiver
from wattmark.core.baseline import without_plots
from wattmark.core.errors import UsageError
from wattmark.core.governance.decision import Decision
from wattmark.core.governance.promotion import Shelved, not_of
from wattmark.ledger.auditlog import open_log
from wattmark.ledger.baselinefile import evidence_hash
from wattmark.ledger.decisionfile import read_decision
from wattmark.ledger.runfile import read_runs
from wattmark.wiring.authentic import nearest, other_evidence, required_proof, told_the_time, waivers_gone

POLICY = """
[audit]
log = "log"
required = true
[[limit]]
id = "watts"
kpi = "inference_watts_per_query"
max = %s
grade = "D"
"""

RULES = """
[identity]
allowed_signers = "allowed_signers"
[roles]
board = ["board@example.org"]
[waivers]
max_days = 90
[[limit]]
id = "watts"
kpi = "inference_watts_per_query"
max = 80
grade = "D"
"""
UNTIL = ("--expires", (datetime.now(UTC) + timedelta(days=20)).date().isoformat())
WORDS = ("--reason", "moves in December", "--owner", "leads@example.org", "--ticket", "GREEN-12")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three runs of 120 W per thousand queries a second."""
    monkeypatch.chdir(tmp_path)
    for name in ("WATTMARK_CONFIG", "WATTMARK_AUDIT_LOG"):
        monkeypatch.delenv(name, raising=False)
    write(Path("runs"), *three(1.0, "wide"))
    Path("wattmark-policy.toml").write_text(POLICY % 200)


def decided(*more: str, runs: Path = Path("runs")) -> Path:
    """The decision file of a gate."""
    verb(gate, runs, "--decision", "decision.json", *more)
    return Path("decision.json")


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> Decision:
    """The decision after somebody edited its file."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return read_decision(path)


def refused(decision: Decision) -> str:
    """Why it is no decision of a gate; empty: it is one."""
    found = required_proof(decision, nearest(Path.cwd()))
    return "" if found is None else found.reason


def test_what_a_gate_decided_is_in_the_log() -> None:
    """Letter by letter, under the entry that it names."""
    assert refused(read_decision(decided())) == ""


def test_a_failed_decision_that_was_made_a_pass_is_refused() -> None:
    """Standing, exit code and every rule say pass: only the log tells."""
    Path("wattmark-policy.toml").write_text(POLICY % 80)

    def whitewash(document: dict[str, Any]) -> None:
        document.update(standing="pass", exit_code=0)
        for rule in document["rules"]:
            rule.update(standing="pass", ruling="pass")

    path = decided()
    assert read_decision(path).exit_code == 1
    assert "it was altered" in refused(edited(path, whitewash))


def test_a_decision_without_an_entry_is_refused() -> None:
    """Taking the head away does not help; nor does a head that no entry has, or that of no gate."""

    def bare(document: dict[str, Any]) -> None:
        del document["audit_head"], document["audit_seq"]

    assert "names no entry" in refused(edited(decided(), bare))
    assert "no gate at" in refused(edited(decided(), lambda d: d.update(audit_head="ab" * 32)))
    first = json.loads(Path("log/entries/0000000001.json").read_text())
    assert first["action"] == "policy.changed"
    named = refused(edited(decided(), lambda d: d.update(audit_head=first["hash"], audit_seq=1)))
    assert "no gate at entry 1" in named


def test_the_decision_about_another_model_does_not_lend_its_entry() -> None:
    """An entry of a gate that passed, named by a decision about other runs."""
    good = json.loads(decided().read_text())
    write(Path("runs"), *three(1.5, "wide"))
    worse = edited(decided(), lambda d: d.update(audit_head=good["audit_head"], audit_seq=good["audit_seq"]))
    assert "it was altered" in refused(worse)


def test_a_gate_that_was_told_the_time_says_so_and_proves_nothing() -> None:
    """Before its first day a policy only warns: whoever states a day before it passes everything."""
    Path("wattmark-policy.toml").write_text("[policy]\neffective = 2026-11-01\n" + POLICY % 80)
    decision = read_decision(decided("--now", "2026-10-31T12:00:00Z"))
    assert decision.exit_code == 0
    assert any("--now" in note for note in decision.notes)
    assert "was told that it is 2026-10-31T12:00:00Z" in refused(decision)
    assert verb(audit, "replay", "--log", "log").return_value == 0


def test_nothing_is_promoted_as_of_another_time() -> None:
    """A waiver that has lapsed would hold again: refused before any server is asked."""
    promoted = ("sorter/1", "--alias", "champion", "--mlflow", "http://127.0.0.1:9", "--decision", decided())
    for more in ((), ("--policy", "wattmark-policy.toml")):
        found = verb(promote, *promoted, *more, "--now", "2026-11-20T09:30:00Z")
        assert found.return_value == 3
        assert "nothing is promoted as of 2026-11-20T09:30:00Z: leave --now out" in found.output
    rules = nearest(Path.cwd())
    assert told_the_time(rules, datetime.now(UTC)) is None
    assert told_the_time(None, datetime(2026, 11, 20, tzinfo=UTC)) is None
    Path("wattmark-policy.toml").write_text((POLICY % 200).replace("required = true", ""))
    assert told_the_time(nearest(Path.cwd()), datetime(2026, 11, 20, tzinfo=UTC)) is None


def test_a_time_within_the_hour_is_told_as_well() -> None:
    """Half an hour back may be the last day of a waiver that has lapsed; without it nobody was told."""
    back = datetime.now(UTC) - timedelta(minutes=30)
    assert "was told that it is" in refused(read_decision(decided("--now", back.isoformat())))
    assert refused(read_decision(decided())) == ""
    assert verb(audit, "replay", "--log", "log").return_value == 0


def test_a_pass_that_no_gate_decided_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as outputs of a step nor as a status; a failure needs no proof."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(Path("outputs").absolute()))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    path = decided()
    assert verb(decision_verbs, "publish", path, "--github").return_value == 0
    assert Path("outputs").exists()
    Path("outputs").unlink()
    edited(path, lambda d: d["candidate"].update(name="narrow"))
    told = verb(decision_verbs, "publish", path, "--github")
    assert (told.return_value, "it was altered" in told.output) == (3, True)
    assert not Path("outputs").exists()
    edited(path, lambda d: d.update(standing="failed", exit_code=1))
    assert verb(decision_verbs, "publish", path, "--github").return_value == 1


def published(path: Path, *more: str) -> tuple[int, str]:
    """How telling a CI system of a decision ends, and what is printed."""
    told = verb(decision_verbs, "publish", path, "--github", *more)
    return told.return_value, told.output


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of GitHub Actions, with nowhere to write."""
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("step")
def test_an_older_pass_is_not_told_after_a_gate_that_failed() -> None:
    """Of the same name, by the same policy: the newest gate says what holds, until one passes again."""
    old = decided().rename("old.json")
    write(Path("runs"), *three(3.0, "wide"))
    assert read_decision(decided()).exit_code == 1
    code, said = published(old)
    assert (code, "wide was gated later, at" in said, "and came to failed (entry 3)" in said) == (
        3,
        True,
        True,
    )
    assert "run the gate again" in said
    write(Path("runs"), *three(1.0, "wide"))
    assert published(decided())[0] == 0
    assert published(old)[0] == 3


@pytest.mark.usefixtures("step")
def test_gates_of_others_overtake_nothing() -> None:
    """Another model that fails, another policy that the same runs break, and a gate that came before."""
    old = decided().rename("old.json")
    write(Path("others"), *three(3.0, "narrow"))
    assert read_decision(decided(runs=Path("others"))).exit_code == 1
    Path("stricter.toml").write_text(POLICY % 80)
    assert read_decision(decided("--policy", "stricter.toml")).exit_code == 1
    assert published(old)[0] == 0
    write(Path("runs"), *three(3.0, "wide"))
    assert read_decision(decided()).exit_code == 1
    write(Path("runs"), *three(1.0, "wide"))
    assert published(decided())[0] == 0


def test_a_registry_goes_by_the_runs_and_by_names_with_a_version() -> None:
    """Versions of one model may share its name: another one's failure is not theirs. The same runs are."""
    old = read_decision(decided())
    again = three(1.0, "wide")
    write(Path("elsewhere"), *three(3.0, "wide", subject=replace(again[0].subject, model="wide")))
    for number, file in enumerate(sorted(Path("elsewhere").iterdir())):
        document = json.loads(file.read_text())
        document["record_id"] = f"other-{number}"
        file.write_text(json.dumps(document))
    assert read_decision(decided(runs=Path("elsewhere"))).exit_code == 1
    assert refused(old) == ""
    write(Path("runs"), *three(3.0, "wide"))
    assert read_decision(decided()).exit_code == 1
    assert "came to failed" in refused(old)


def test_a_version_that_is_named_is_measured_again_under_its_name() -> None:
    """Other runs of the very same version failed later."""
    about = replace(three(1.0, "wide")[0].subject, model_version="2.1")
    write(Path("first"), *three(1.0, "wide", subject=about))
    write(Path("second"), *three(3.0, "narrow", subject=about))
    old = read_decision(decided(runs=Path("first")))
    assert refused(old) == ""
    assert read_decision(decided(runs=Path("second"))).exit_code == 1
    assert "wide 2.1 was gated later" in refused(old)


@pytest.mark.usefixtures("step")
def test_another_stage_or_team_of_the_same_version_overtakes_nothing() -> None:
    """Its training passed, its inference failed, and what states no stage may be either."""
    about = replace(three(1.0, "wide")[0].subject, model_version="2.1", team="ads", stage="training")
    write(Path("first"), *three(1.0, "wide", subject=about))
    old = decided(runs=Path("first")).rename("old.json")
    for number, other in enumerate(({"stage": "inference"}, {"team": "search"}, {"stage": None})):
        assert (published(old)[0], refused(read_decision(old))) == (0, "")
        runs = Path(f"other-{number}")
        write(runs, *three(3.0, f"narrow-{number}", subject=replace(about, **other)))
        assert read_decision(decided(runs=runs)).exit_code == 1
    assert "wide 2.1 was gated later" in refused(read_decision(old))


def test_a_gate_whose_decision_is_lost_goes_by_its_name() -> None:
    """Nobody can tell any more that it was of another stage."""
    about = replace(three(1.0, "wide")[0].subject, model_version="2.1", stage="training")
    write(Path("first"), *three(1.0, "wide", subject=about))
    write(Path("second"), *three(3.0, "narrow", subject=replace(about, stage="inference")))
    old = read_decision(decided(runs=Path("first")))
    assert read_decision(decided(runs=Path("second"))).exit_code == 1
    assert refused(old) == ""
    kept = open_log("log").entry(3).objects["decision"]
    for path in Path("log").rglob(f"*{kept}*"):
        path.unlink()
    assert "wide 2.1 was gated later" in refused(old)


def test_what_another_branch_logged_stands_behind_its_time() -> None:
    """A failure that was brought in afterwards overtakes what is older than it, and nothing younger."""
    good = json.loads(decided().read_text())
    log = open_log("log")
    entry = log.entry(good["audit_seq"])
    failed = {"decision": "failed", "detail": {**entry.detail, "rejoined_hash": "ab" * 32}}
    log.append(replace(entry, at="2000-01-01T00:00:00Z", **failed))
    assert refused(read_decision(Path("decision.json"))) == ""
    log.append(replace(entry, at="2999-01-01T00:00:00Z", **failed))
    assert "at 2999-01-01T00:00:00Z, and came to failed" in refused(read_decision(Path("decision.json")))


@pytest.mark.usefixtures("step")
def test_a_pass_by_another_policy_is_told_to_nobody() -> None:
    """A lax policy that logs into the same log: its pass is in it, letter by letter, and no pass of ours."""
    Path("lax.toml").write_text(POLICY % 900)
    Path("wattmark-policy.toml").write_text(POLICY % 80)
    lax = decided("--policy", "lax.toml")
    assert read_decision(lax).exit_code == 0
    code, said = published(lax)
    assert (code, "by another policy than wattmark-policy.toml" in said) == (3, True)
    assert "another policy" in refused(read_decision(lax))
    assert published(lax, "--policy", "lax.toml")[0] == 0


def test_a_pass_by_a_policy_that_was_named_is_tagged_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the nearest it is refused; by its own it goes on to the server, of which nobody said where it is."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("lax.toml").write_text(POLICY % 900)
    asked = ("sorter/1", "--decision", decided("--policy", "lax.toml"))
    found = verb(tag, *asked)
    assert (found.return_value, "by another policy than wattmark-policy.toml" in found.output) == (3, True)
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_URI"):
        verb(tag, *asked, "--policy", "lax.toml")


def test_a_log_that_cannot_be_read_back_shows_no_last_word() -> None:
    """An entry after the decision's own was altered: whether it failed nobody knows."""
    path = decided()
    decided()
    last = Path("log/entries/0000000003.json")
    last.write_text(last.read_text().replace("pass", "fail"))
    path.write_text(json.dumps(json.loads(path.read_text()) | _head(2)))
    assert "whether a later gate failed is not known" in refused(read_decision(path))


def _head(seq: int) -> dict[str, Any]:
    entry = open_log("log").entry(seq)
    decision = json.loads(open_log("log").kept(entry.objects["decision"]))
    return {**decision, "audit_seq": seq, "audit_head": entry.hash}


def test_a_policy_that_requires_no_log_takes_any_decision() -> None:
    """Then nothing can be proven, which its pages say."""
    Path("wattmark-policy.toml").write_text((POLICY % 200).replace("required = true", ""))
    assert refused(read_decision(decided("--no-log"))) == ""


def test_a_log_that_is_gone_proves_nothing() -> None:
    """Nor one whose entry was altered."""
    decision = read_decision(decided())
    entry = Path("log/entries/0000000002.json")
    entry.write_text(entry.read_text().replace('"pass"', '"failed"'))
    assert "cannot be read" in refused(decision)
    Path("log").rename("elsewhere")
    assert "no gate at" in refused(decision)


def test_a_version_among_more_runs_is_held_against_what_the_gate_judged() -> None:
    """One run is the version's, three were gated: another content under its record id is refused."""
    log = open_log("log")
    decision = read_decision(decided())
    run = read_runs([Path("runs/wide-1.run.json")])[0].run
    other = replace(run, notes=("half of it was left out",))
    version = Shelved(name="wide", version="1", record_ids=("wide-1",))
    mine, edited = (
        replace(version, evidence_sha256=evidence_hash(without_plots([one]))) for one in (run, other)
    )
    assert not_of(decision, edited) is None  # the decision itself has one hash, over all of them
    assert other_evidence(decision, mine, log) is None
    assert other_evidence(decision, edited, None) is None
    assert other_evidence(decision, replace(mine, record_ids=("wide-9",)), log) is None
    found = other_evidence(decision, edited, log)
    assert found is not None
    assert (found.exit_code, "under the same record ids" in found.reason) == (3, True)
    for file in Path("log/objects").iterdir():
        file.unlink()
    gone = other_evidence(decision, mine, log)
    assert gone is not None
    assert "cannot be read" in gone.reason


def test_runs_named_in_another_order_are_the_same_version() -> None:
    """The hash is over runs in their order: the log tells that a version's are those that were judged."""
    log = open_log("log")
    decision = read_decision(decided())
    runs = [read_runs([Path(f"runs/wide-{n}.run.json")])[0].run for n in (2, 0, 1)]
    version = Shelved(
        name="wide", version="1", record_ids=tuple(run.record_id for run in runs),
        evidence_sha256=evidence_hash(without_plots(runs)),
    )  # fmt: skip
    assert decision.candidate.record_ids == ("wide-0", "wide-1", "wide-2")
    assert not_of(decision, version) is None
    assert other_evidence(decision, version, log) is None
    edited = replace(version, evidence_sha256="0" * 64)
    assert not_of(decision, edited) is None
    found = other_evidence(decision, edited, log)
    assert found is not None
    assert "under the same record ids" in found.reason


APPROVED = f"""
[audit]
log = "%s/log"
required = true
[identity]
allowed_signers = "allowed_signers"
[roles]
board = ["{BOARD}"]
[baseline]
approvers = 1
role = "board"
[[limit]]
kpi = "energy_to_solution"
max_increase = 0.5
grade = "D"
"""


@needs_openssh
def test_a_baseline_approved_by_signers_of_ones_own_is_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the policy has its digest and its log, and a list of signers beside it that names others."""
    policy = APPROVED % tmp_path
    (tmp_path / "with").mkdir()
    place = governed(tmp_path / "with", policy)
    (tmp_path / "own").mkdir()
    own = governed(tmp_path / "own", policy)
    forged = (place.folder / "allowed_signers").read_text().splitlines()[0]
    forged += "\n" + allowed(own.keys[EVE], BOARD)
    found = {}
    for gated, signed_by in ((place, BOARD), (own, EVE)):
        monkeypatch.chdir(gated.folder)
        if gated is own:
            Path("allowed_signers").write_text(forged)
        verb(baseline, "set", tmp_path / "runs", "--key", place.keys[ANNA])
        verb(baseline, "approve", "--key", gated.keys[signed_by])
        found[signed_by] = read_decision(decided(runs=tmp_path / "runs"))
        assert found[signed_by].exit_code == 0
    monkeypatch.chdir(place.folder)
    assert refused(found[BOARD]) == ""
    assert "approved by another allowed_signers than the one beside" in refused(found[EVE])
    monkeypatch.chdir(own.folder)
    assert refused(found[EVE]) == ""


@needs_openssh
def test_a_waiver_that_was_ended_since_lets_nothing_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waived by the gate on one day; revoked, deleted or edited after it, the decision promotes nothing."""
    (tmp_path / "with").mkdir()
    place = governed(tmp_path / "with", RULES)
    monkeypatch.chdir(place.folder)
    for deed, who in (("request", ANNA), ("approve", BOARD)):
        more = ("watts", "--id", "W-7", "--cap", "200", *UNTIL, *WORDS) if deed == "request" else ("W-7",)
        verb(waiver, deed, *more, "--key", place.keys[who])
    before = place.file.read_bytes()
    decision, rules = read_decision(decided(runs=tmp_path / "runs")), nearest(Path.cwd())
    today = datetime.now(UTC).date()
    assert decision.standing in ("pass", "warning")
    assert waivers_gone(decision, rules, today) is None
    assert waivers_gone(decision, None, today) is None
    ended = waivers_gone(decision, rules, date(2999, 1, 1))
    assert ended is not None
    assert ended.exit_code == 1
    verb(waiver, "revoke", "W-7", "--reason", "the cluster moved", "--key", place.keys[BOARD])
    ended = waivers_gone(decision, rules, today)
    assert ended is not None
    assert (ended.exit_code, "W-7 let it pass, and is revoked now" in ended.reason) == (1, True)
    place.file.write_bytes(before.replace(b"moves in", b"moved in"))
    edited_since = waivers_gone(decision, rules, today)
    place.file.unlink()
    for found in (edited_since, waivers_gone(decision, rules, today)):
        assert found is not None
        assert (found.exit_code, "does not hold waiver W-7 as it was" in found.reason) == (3, True)
