"""A gate with a waiver, from the violation to the day after: real keys, real runs, a real log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.deciding import a_solution, three, write
from tests.cli.running import verb
from tests.identities.keys import allowed, needs_openssh
from tests.wiring.governed import ANNA, BOARD, EVE, Governed, governed
from wattmark.cli.audit import group as audit
from wattmark.cli.gate import command as gate
from wattmark.cli.waiver import group
from wattmark.core.governance.audit import Action
from wattmark.core.run import Run
from wattmark.ledger.auditlog import open_log

pytestmark = needs_openssh
POLICY = """
[identity]
allowed_signers = "allowed_signers"
[roles]
board = ["board@example.org"]
[audit]
log = "../log"
[[limit]]
id = "watts"
kpi = "inference_watts_per_query"
max = 80
grade = "D"
"""
WORDS = ("--reason", "moves in December", "--owner", "leads@example.org", "--ticket", "GREEN-12")
DAY = ("--now", "2026-11-22T10:00:00Z")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Governed:
    """Three runs of 120 W per thousand queries a second, and a limit of 80."""
    found = governed(tmp_path, POLICY)
    monkeypatch.chdir(found.folder)
    for name in ("WATTMARK_CONFIG", "WATTMARK_AUDIT_LOG"):
        monkeypatch.delenv(name, raising=False)
    write(Path("runs"), *three(1.0, "wide"))
    return found


def gated(now: str = DAY[1]) -> tuple[object, str]:
    """Exit code and what was said on a day."""
    found = verb(gate, "runs", "--now", now)
    return found.return_value, found.output


def waived(place: Governed, cap: str, *more: str, name: str = "W-7") -> None:
    """Ask for a waiver as anna and approve it as the board."""
    ask = ("request", "watts", "--id", name, "--cap", cap, "--expires", "2026-12-31", *more)
    verb(group, *ask, *WORDS, "--key", place.keys[ANNA], *DAY)
    verb(group, "approve", name, "--key", place.keys[BOARD], *DAY)


def test_from_the_violation_to_the_day_after(place: Governed) -> None:
    """Broken, let through for all to see, broken again after the last day; and all of it replays."""
    assert gated()[0] == 1
    waived(place, "200", "--model", "wide")
    code, text = gated()
    assert code == 0
    for word in ("waived", "W-7", "GREEN-12", "board@example.org (ssh signature)"):
        assert word in text
    assert gated("2026-12-31T23:59:59Z")[0] == 0
    code, text = gated("2027-01-01T00:00:00Z")
    assert code == 1
    assert "expired 1 day ago" in text
    replayed = verb(audit, "replay", "--log", "../log")
    assert replayed.return_value == 0


def test_a_waiver_helps_only_within_its_cap_and_its_scope(place: Governed) -> None:
    """120 with its interval goes beyond 121; and another model is another matter."""
    waived(place, "121")
    code, text = gated()
    assert (code, "its cap of 121" in text) == (1, True)
    waived(place, "200", "--model", "other", name="W-8")
    assert gated()[0] == 1


def test_an_edit_after_the_approval_closes_the_gate(place: Governed) -> None:
    """The cap was 121 when the board signed."""
    waived(place, "121")
    place.file.write_text(place.file.read_text().replace("cap = 121.0", "cap = 200.0"))
    code, text = gated()
    assert (code, "was edited since board@example.org approved it" in text) == (1, True)


def test_a_rule_that_was_changed_has_no_waiver(place: Governed) -> None:
    """The limit is 79 now; what was approved was for 80."""
    waived(place, "200")
    policy = Path("wattmark-policy.toml")
    policy.write_text(policy.read_text().replace("max = 80", "max = 79"))
    code, text = gated()
    assert (code, "rule watts was changed since it was approved" in text) == (1, True)


def test_a_waiver_that_nothing_needs_is_told(place: Governed) -> None:
    """The runs pass without it."""
    waived(place, "200")
    better: list[Run] = [a_solution(0.3, model="wide", number=n) for n in range(3)]
    write(Path("runs"), *better)
    code, text = gated()
    assert (code, "nothing breaks rule watts any more" in text) == (0, True)


def test_the_decision_says_who_let_it_through(place: Governed, tmp_path: Path) -> None:
    """With how their identities are known, for reports and auditors."""
    waived(place, "200")
    file = tmp_path / "decision.json"
    verb(gate, "runs", *DAY, "--decision", file)
    (rule,) = [r for r in json.loads(file.read_text())["rules"] if r["id"] == "watts"]
    assert (rule["standing"], rule["waiver"]["verified"]) == ("waived", True)
    assert rule["waiver"]["approved_by"] == ["board@example.org (ssh signature)"]
    assert rule["waiver"]["requested_by"] == "anna@example.org (ssh signature)"
    assert str(place.folder) not in file.read_text()


def test_a_revocation_that_was_deleted_from_the_file_still_holds(place: Governed) -> None:
    """The audit log has it; another waiver of the same name has another content, and its own life."""
    waived(place, "200")
    before = place.file.read_bytes()
    verb(group, "revoke", "W-7", "--reason", "the cluster moved", "--key", place.keys[BOARD], *DAY)
    assert gated()[0] == 1
    place.file.write_bytes(before)
    code, text = gated()
    assert (code, "revoked by board@example.org (ssh signature): the cluster moved" in text) == (1, True)
    place.file.unlink()
    waived(place, "201")
    assert gated()[0] == 0


def test_another_log_by_the_environment_hides_no_revocation(
    place: Governed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted from the file, and the log that has it left aside: the policy's own is read all the same."""
    waived(place, "200")
    before = place.file.read_bytes()
    verb(group, "revoke", "W-7", "--reason", "the cluster moved", "--key", place.keys[BOARD], *DAY)
    place.file.write_bytes(before)
    monkeypatch.setenv("WATTMARK_AUDIT_LOG", str(tmp_path / "empty"))
    code, text = gated()
    assert (code, "revoked by board@example.org (ssh signature): the cluster moved" in text) == (1, True)


def test_a_log_that_cannot_be_read_leaves_open_whether_a_waiver_was_revoked(place: Governed) -> None:
    """The policy does without a log, so the waiver holds: and its list says what is not known of it."""
    waived(place, "200")
    assert "has it revoked" not in verb(group, "list", *DAY).output
    newest = max(path for path in Path("../log").rglob("*.json") if path.stem.isdigit())
    newest.write_text("no entry")
    told = json.loads(verb(group, "list", "--json", *DAY).output)
    (found,) = told["waivers"]
    assert (found["state"], found["why"].partition(":")[0]) == (
        "active",
        "lapses in 39 days; whether the audit log has it revoked is not known",
    )
    code, text = gated()
    assert (code, "not in the audit log: entry" in text) == (0, True)


def test_asking_again_for_what_was_revoked_does_not_revive_its_approval(place: Governed) -> None:
    """The same words at the same stated moment make the same content, which the old approval is for."""
    waived(place, "200")
    before = place.file.read_bytes()
    verb(group, "revoke", "W-7", "--reason", "the cluster moved", "--key", place.keys[BOARD], *DAY)
    place.file.unlink()
    ask = ("request", "watts", "--id", "W-7", "--cap", "200", "--expires", "2026-12-31")
    verb(group, *ask, *WORDS, "--key", place.keys[ANNA], *DAY)
    assert before.startswith(place.file.read_bytes())
    place.file.write_bytes(before)
    code, text = gated()
    assert (code, "revoked by board@example.org (ssh signature): the cluster moved" in text) == (1, True)


def test_a_policy_under_another_name_brings_no_signers_in_unseen(place: Governed) -> None:
    """A new id in the policy and another key in the list, at once: the list is told all the same."""
    gated()
    signers = Path("allowed_signers")
    signers.write_text(signers.read_text() + allowed(place.keys[EVE], BOARD))
    Path("wattmark-policy.toml").write_text(f'[policy]\nid = "renamed"\n{POLICY}')
    gated()
    changed = [e for e in open_log("../log").newest_first() if e.action is Action.POLICY_CHANGED]
    assert [(e.subject, e.decision) for e in changed[:2]] == [
        ("allowed_signers", "changed"),
        ("renamed", "first seen"),
    ]
    seen = len(open_log("../log").numbers())
    gated()
    assert len(open_log("../log").numbers()) == seen + 1


def test_whoever_edits_the_list_of_signers_is_seen(place: Governed) -> None:
    """Eve gives the board's name to her own key and approves: nothing stops that here, and it is logged."""
    gated()
    signers = Path("allowed_signers")
    before = signers.read_bytes()
    signers.write_text(before.decode() + allowed(place.keys[EVE], BOARD))
    verb(group, "request", "watts", "--id", "W-9", "--cap", "200", "--expires", "2026-12-31", *WORDS,
         "--key", place.keys[ANNA], *DAY)  # fmt: skip
    verb(group, "approve", "W-9", "--key", place.keys[EVE], "--as", BOARD, *DAY)
    assert gated()[0] == 0
    log = open_log("../log")
    changed = next(entry for entry in log.newest_first() if entry.action is Action.POLICY_CHANGED)
    assert (changed.subject, changed.decision) == ("allowed_signers", "changed")
    assert log.kept(changed.objects["allowed_signers"]) == signers.read_bytes()
    signers.unlink()
    gated()
    gone = next(entry for entry in log.newest_first() if entry.action is Action.POLICY_CHANGED)
    assert (gone.subject, gone.decision) == ("allowed_signers", "gone")
    seen = len(log.numbers())
    gated()
    assert len(log.numbers()) == seen + 1
    assert verb(audit, "replay", "--log", "../log").return_value == 0


def test_measuring_again_until_it_passes_is_seen(place: Governed, tmp_path: Path) -> None:
    """Twice it failed, with other runs each time; the third decision says so, and it replays."""
    for scale in (1.0, 0.9):
        write(Path("runs"), *three(scale, "wide"))
        assert gated()[0] == 1
        assert gated()[0] == 1
    write(Path("runs"), *three(0.5, "wide"))
    file = tmp_path / "decision.json"
    assert verb(gate, "runs", *DAY, "--decision", file).return_value == 0
    (note,) = [note for note in json.loads(file.read_text())["notes"] if "other runs" in note]
    assert note.startswith("gated before with other runs: 4 failed (since ")
    assert verb(audit, "replay", "--log", "../log").return_value == 0


def notes_of(*more: str) -> list[str]:
    """What a gate notes in its decision."""
    verb(gate, "runs", *DAY, "--decision", "decision.json", *more)
    return [str(note) for note in json.loads(Path("decision.json").read_text())["notes"]]


def test_a_bar_that_was_set_anew_for_what_failed_is_seen(place: Governed) -> None:
    """120 fail at 80 and pass at 200: the decision names the entry that failed, and replays."""
    assert not any("same runs" in note for note in notes_of())
    failed = open_log("../log").numbers()[-1]
    Path("wattmark-policy.toml").write_text(POLICY.replace("80", "200"))
    assert f"the same runs failed under another policy (entry {failed})" in notes_of()
    assert verb(audit, "replay", "--log", "../log").return_value == 0


def test_the_same_runs_are_the_same_in_whatever_order(place: Governed) -> None:
    """Named backwards, one of them twice: no other runs were measured, and a bar set anew is seen."""
    runs = sorted(Path("runs").iterdir(), reverse=True)
    assert verb(gate, "runs", *DAY).return_value == 1
    failed = open_log("../log").numbers()[-1]
    for more in (runs, [*runs, runs[0]]):
        assert "other runs" not in verb(gate, *more, *DAY).output
    failed = open_log("../log").numbers()[-1]
    Path("wattmark-policy.toml").write_text('[policy]\nid = "lax"\n' + POLICY.replace("80", "200"))
    found = verb(gate, *runs, *DAY)
    assert found.return_value == 0
    assert f"the same runs failed under another policy (entry {failed})" in found.output
    assert verb(audit, "replay", "--log", "../log").return_value == 0


def test_a_later_state_of_what_failed_is_seen(place: Governed) -> None:
    """Another note in each run makes another content, of the same records."""
    assert gated()[0] == 1
    failed = open_log("../log").numbers()[-1]
    write(Path("runs"), *three(1.0, "wide", seq=9))
    assert "gated before with other runs: 1 failed" in gated()[1]
    failed = open_log("../log").numbers()[-1]
    Path("wattmark-policy.toml").write_text('[policy]\nid = "lax"\n' + POLICY.replace("80", "200"))
    write(Path("runs"), *three(1.0, "wide", seq=10))
    code, text = gated()
    assert (code, f"the same runs failed under another policy (entry {failed})" in text) == (0, True)


def test_earlier_gates_whose_evidence_is_lost_are_told_all_the_same(place: Governed) -> None:
    """What nobody can read any more was another one, and it failed: a note, never a gate that breaks."""
    runs = sorted(Path("runs").iterdir(), reverse=True)
    assert verb(gate, "runs", *DAY).return_value == 1
    failed = open_log("../log").numbers()[-1]
    entry = open_log("../log").entry(failed)
    for role in ("candidate", "decision"):
        (Path("../log/objects") / entry.objects[role]).unlink()
    assert "gated before with other runs: 1 failed" in verb(gate, *runs, *DAY).output
    Path("wattmark-policy.toml").write_text('[policy]\nid = "lax"\n' + POLICY.replace("80", "200"))
    (Path("../log/objects") / open_log("../log").entry(failed + 1).objects["decision"]).unlink()
    assert f"under another policy (entry {failed + 1})" in verb(gate, "runs", *DAY).output


def test_a_baseline_that_was_set_anew_for_what_failed_is_seen(place: Governed) -> None:
    """Against a lean baseline the change fails, against a wasteful one the same runs pass."""
    limit = POLICY.partition("[[limit]]")[0] + (
        '[[limit]]\nid = "worse"\nkpi = "inference_watts_per_query"\nmax_increase = 0.05\ngrade = "D"\n'
    )
    Path("wattmark-policy.toml").write_text(limit)
    for name, scale in (("lean", 0.5), ("wasteful", 2.0)):
        write(Path(name), *three(scale, "wide"))
    assert not any("same runs" in note for note in notes_of("--baseline", "lean"))
    failed = open_log("../log").numbers()[-1]
    (note,) = [note for note in notes_of("--baseline", "wasteful") if "same runs" in note]
    assert note == f"the same runs failed against another baseline (entry {failed})"
    assert verb(audit, "replay", "--log", "../log").return_value == 0
