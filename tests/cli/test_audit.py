"""``wattmark audit``: what was logged, whether it is still what it was, and gates decided again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.deciding import PLACE, three, write
from wattmark.core.governance.audit import Action, Entry
from wattmark.ledger.auditlog import AuditLog, open_log

pytestmark = pytest.mark.slow
"""Each runs some commands as they are typed."""

POLICY = """
[policy]
id = "green"
owner = "board@example.org"
[audit]
log = "audit"
[[limit]]
id = "energy"
kpi = "energy_to_solution"
max_increase = 0.05
grade = "D"
[[limit]]
id = "accuracy"
kpi = "carbon_per_inference_operational"
max = {most}
grade = "D"
"""
IDENTITY = {
    "GIT_AUTHOR_NAME": "dev",
    "GIT_AUTHOR_EMAIL": "dev@example.org",
    "GIT_COMMITTER_NAME": "dev",
    "GIT_COMMITTER_EMAIL": "dev@example.org",
}


class Project:
    """A repository with a policy, a kept baseline and candidates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        git(folder, "init", "-q")
        git(folder, "config", "user.email", "dev@example.org")
        git(folder, "config", "user.name", "dev")
        git(folder, "commit", "-q", "--allow-empty", "-m", "begin")
        self.policy()
        write(folder / "base", *three(1.0, "wide"))
        write(folder / "good", *three(0.9, "good"))
        write(folder / "bad", *three(1.4, "bad"))
        self.run("baseline", "set", "base", *PLACE)

    def policy(self, most: float = 1.0, more: str = "") -> None:
        """Write the policy."""
        (self.folder / "wattmark-policy.toml").write_text(POLICY.format(most=most) + more)

    @property
    def log(self) -> AuditLog:
        """Where the policy says."""
        return open_log(str(self.folder / "audit"))

    @property
    def entries(self) -> list[Entry]:
        """All of them."""
        return [self.log.entry(seq) for seq in self.log.numbers()]

    def file(self, seq: int) -> Path:
        """Of an entry."""
        return self.folder / f"audit/entries/{seq:010d}.json"

    def run(self, *words: object, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
        """A verb as it is typed: exit code, and what it printed."""
        return self.both(*words, environ=environ)[:2]

    def both(self, *words: object, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        bare = {
            k: v for k, v in os.environ.items() if not k.startswith(("WATTMARK", "GITHUB", "GITLAB", "CI"))
        }
        done = subprocess.run(
            ["wattmark", *map(str, words)],
            cwd=self.folder, env={**bare, **(environ or {})}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 70, done.stderr
        return done.returncode, done.stdout, done.stderr

    def gate(self, which: str = "good", *more: object) -> int:
        """A gate, logged."""
        return self.run("gate", which, *PLACE, *more)[0]

    def json(self, *words: object) -> Any:
        """What a verb prints with --json."""
        return json.loads(self.run(*words, "--json")[1])


def git(folder: Path, *words: str) -> str:
    """As dev@example.org."""
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        env={**os.environ, **IDENTITY}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Fresh."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return Project(tmp_path)


def test_a_gate_logs_the_policy_and_itself(project: Project) -> None:
    """After the baseline, which was logged when it was set; with the outcome and a claimed actor."""
    assert project.gate("bad") == 1
    baseline, changed, gate = project.entries
    assert (baseline.action, baseline.subject, baseline.decision) == (Action.BASELINE_SET, "default", "set")
    assert (changed.action, changed.subject, changed.decision) == (
        Action.POLICY_CHANGED, "green", "first seen",
    )  # fmt: skip
    assert (gate.action, gate.subject, gate.decision) == (Action.GATE_EVALUATED, "bad", "failed")
    assert str(gate.actor) == "dev@example.org (unverified)"
    assert {
        "policy", "given", "decision", "candidate", "baseline", "run:bad-0", "run:wide-2",
    } <= gate.objects.keys()  # fmt: skip


def test_a_second_gate_adds_one_entry(project: Project) -> None:
    """Policy and baseline are known; runs of the baseline are kept once."""
    project.gate()
    before = len(list((project.folder / "audit/objects").iterdir()))
    project.gate()
    assert [entry.action for entry in project.entries[3:]] == [Action.GATE_EVALUATED]
    assert len(list((project.folder / "audit/objects").iterdir())) <= before + 1


def test_a_changed_policy_is_logged_by_the_next_gate(project: Project) -> None:
    """With both digests and the new text; a comment changes nothing."""
    project.gate()
    project.policy(more="# a comment\n")
    project.gate()
    assert len(project.entries) == 4
    project.policy(most=100.0)
    project.gate()
    changed = project.entries[4]
    assert (changed.action, changed.decision) == (Action.POLICY_CHANGED, "changed")
    assert changed.detail["old_digest"] == project.entries[1].policy_digest
    assert changed.detail["new_digest"] == changed.policy_digest == project.entries[5].policy_digest
    assert b"max = 100.0" in project.log.kept(changed.objects["policy"])
    assert "nobody had logged it" in changed.detail["noticed_by"]


def test_a_baseline_that_nobody_logged_is_logged_by_the_next_gate(project: Project) -> None:
    """Re-baselining onto the worse model, where no policy is, is the obvious cheat: the log shows it."""
    assert project.gate("bad") == 1
    policy = project.folder / "wattmark-policy.toml"
    policy.rename(project.folder / "aside.toml")
    project.run("baseline", "set", "bad", *PLACE)
    (project.folder / "aside.toml").rename(policy)
    assert project.gate("bad") == 0
    assert project.gate("bad") == 0
    (changed,) = (entry for entry in project.entries[3:] if entry.action is Action.BASELINE_SET)
    assert (changed.subject, changed.decision) == ("default", "changed")
    assert changed.detail["old_digest"] == project.entries[0].detail["baseline_digest"]


def test_a_baseline_that_was_logged_is_not_logged_again(project: Project) -> None:
    """The next gate knows it by its digest."""
    project.gate("bad")
    project.run("baseline", "set", "bad", *PLACE)
    project.gate("bad")
    found = [entry.decision for entry in project.entries if entry.action is Action.BASELINE_SET]
    assert found == ["set", "set"]


def test_an_unanchored_log_is_not_called_proven(project: Project) -> None:
    """Exit code 3 unless one lets it through, and then it still says so."""
    project.gate()
    code, told = project.run("audit", "verify")
    assert (code, told.splitlines()[0]) == (3, "3 entries: tail not provable")
    code, told, error = project.both("audit", "verify", "--allow-unproven-tail")
    assert (code, told.splitlines()[0]) == (0, "3 entries: tail not provable")
    assert "the tail is not provable" in error


def test_an_empty_log_proves_nothing(project: Project) -> None:
    """Before anything was done."""
    shutil.rmtree(project.folder / "audit")
    assert project.run("audit", "verify")[0] == 3
    code, told = project.run("audit", "head")
    assert (code, told) == (3, f"wattmark audit log: entry 0, head {'0' * 64}\n")
    assert project.run("audit", "show") == (0, "no such entries\n")
    assert project.run("audit", "replay")[0] == 3


def test_a_git_tag_proves_it_and_shows_a_cut(project: Project) -> None:
    """The log names the tag, so that it is looked up without being asked for; the cut log must be told."""
    project.gate()
    code, told = project.run("audit", "anchor", "--git-tag", "audit/1", "--print")
    assert (code, told) == (0, f"wattmark audit log: entry 4, head {project.entries[3].hash}\n")
    assert project.entries[3].action is Action.ANCHORED
    code, told = project.run("audit", "verify")
    assert (code, told.splitlines()) == (0, [
        "4 entries: proven: whole and unchanged", "  held by git tag audit/1, entry 4",
    ])  # fmt: skip
    project.gate()
    assert project.run("audit", "verify")[1].splitlines()[0] == "5 entries: tail not provable beyond entry 4"
    project.file(5).unlink()
    project.file(4).unlink()
    assert project.run("audit", "verify")[0] == 3
    code, told = project.run("audit", "verify", "--anchor", "git:audit/*")
    assert code == 1
    assert "cut tail: git tag audit/1 holds entry 4, and the log ends with entry 3" in told


def test_a_tag_that_the_log_names_and_nobody_has_is_told(project: Project) -> None:
    """A shallow clone without tags, or somebody who removed it."""
    project.gate()
    project.run("audit", "anchor", "--git-tag", "audit-1")
    git(project.folder, "tag", "-d", "audit-1")
    code, told = project.run("audit", "verify")
    assert code == 3
    assert "note: entry 4 says that git tag audit-1 holds it; there is no such tag here" in told


def test_a_tag_that_was_moved_is_told(project: Project) -> None:
    """By force, onto an older head of the same log: it proves less than the log says it did."""
    project.gate()
    project.run("audit", "anchor", "--git-tag", "audit-1")
    older = project.entries[2]
    message = f"wattmark audit log: entry {older.seq}, head {older.hash}"
    git(project.folder, "tag", "-f", "-a", "audit-1", "-m", message)
    code, told = project.run("audit", "verify")
    assert (code, told.splitlines()[0]) == (3, "4 entries: tail not provable beyond entry 3")
    assert "entry 4 says that git tag audit-1 holds it; the tag holds another: it was moved" in told


def test_a_log_that_was_written_anew_is_not_proven_by_a_tag_of_its_own(project: Project) -> None:
    """The failed gate is gone, and a new tag fits what is left: the old tag, which nobody named, tells."""
    project.gate("bad")
    project.run("audit", "anchor", "--git-tag", "audit/1")
    for number in (3, 4):
        project.file(number).unlink()
    project.gate("good")
    project.run("audit", "anchor", "--git-tag", "audit/2")
    code, told = project.run("audit", "verify")
    assert (code, told.splitlines()[0]) == (3, "4 entries: tail not provable")
    assert "note: git tag audit/1 holds a head that this log does not have" in told
    assert project.run("audit", "verify", "--anchor", "git:audit/2")[0] == 0
    assert project.run("audit", "verify", "--anchor", "git:audit/*")[0] == 1


def test_an_anchor_is_never_moved(project: Project) -> None:
    """A taken name is refused before anything is logged."""
    project.gate()
    project.run("audit", "anchor", "--git-tag", "audit-1")
    code, _, error = project.both("audit", "anchor", "--git-tag", "audit-1")
    assert (code, len(project.entries)) == (2, 4)
    assert "is there already" in error
    assert project.both("audit", "anchor", "--git-tag", "no such..name")[0] == 2


def test_a_lightweight_tag_is_no_anchor(project: Project) -> None:
    """It holds nothing of its own."""
    project.gate()
    git(project.folder, "tag", "audit-1")
    code, _, error = project.both("audit", "verify", "--anchor", "git:audit-1")
    assert code == 2
    assert "no annotated tag" in error


@pytest.fixture
def signing(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's tags are signed with an SSH key; the folder of the key and of the list of signers."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    keys = tmp_path_factory.mktemp("keys")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / "key"], check=True)
    for name, value in (
        ("gpg.format", "ssh"),
        ("user.signingkey", str(keys / "key")),
        ("gpg.ssh.allowedSignersFile", str(keys / "signers")),
    ):
        git(project.folder, "config", name, value)
    return keys


def test_a_signed_tag_says_whether_its_signature_is_good(project: Project, signing: Path) -> None:
    """With an SSH key, as git knows them since 2.34."""
    (signing / "signers").write_text(f"dev@example.org {(signing / 'key.pub').read_text()}")
    project.gate()
    assert project.run("audit", "anchor", "--git-tag", "audit-1", "--sign")[0] == 0
    assert "held by git tag audit-1 (its signature is good), entry 4" in project.run("audit", "verify")[1]
    (signing / "signers").write_text("")
    assert "(its signature could not be verified here)" in project.run("audit", "verify")[1]


def test_no_program_that_the_repository_names_vouches_for_a_tag(
    project: Project, signing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would say of any signature that it is good, and could do anything else; one of my own may."""
    (signing / "signers").write_text("")
    liar = signing / "liar"
    said = 'echo "Good \\"git\\" signature for board@example.org with ED25519 key SHA256:x"'
    # Git writes what was signed to the verifying call, and takes a reader that is gone for a failure.
    reads = 'case "$*" in *"-Y verify"*) cat >/dev/null;; esac'
    liar.write_text(f"#!/bin/sh\ntouch {signing}/ran\n{reads}\n{said}\n")
    liar.chmod(0o755)
    project.gate()
    assert project.run("audit", "anchor", "--git-tag", "audit-1", "--sign")[0] == 0
    git(project.folder, "config", "gpg.ssh.program", str(liar))
    assert "(its signature could not be verified here)" in project.run("audit", "verify")[1]
    assert not (signing / "ran").exists()
    mine = signing / "gitconfig"
    mine.write_text(f'[gpg "ssh"]\n\tprogram = {liar}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(mine))
    assert "(its signature is good)" in project.run("audit", "verify")[1]


def test_the_decision_of_a_gate_is_an_anchor(project: Project) -> None:
    """Wherever it is kept; the one before it shows a log that was cut since."""
    project.gate("good", "--decision", "first.json")
    assert project.run("audit", "verify", "--anchor", "first.json")[0] == 0
    project.gate("bad", "--decision", "second.json")
    assert project.run("audit", "verify", "--anchor", "first.json")[0] == 3
    project.file(4).unlink()
    code, told = project.run("audit", "verify", "--anchor", "first.json", "--anchor", "second.json")
    assert code == 1
    assert "cut tail: second.json holds entry 4" in told


def test_files_and_words_are_anchors(project: Project) -> None:
    """The log of a CI job, a file of heads, SEQ:HASH, HASH."""
    project.gate()
    head = project.run("audit", "head")[1]
    (project.folder / "job.log").write_text(f"12:00 {head}")
    project.run("audit", "anchor", "--file", "heads.txt")
    hashed = project.entries[2].hash
    for anchor in ("job.log", "heads.txt", hashed, f"3:{hashed}"):
        assert project.run("audit", "verify", "--anchor", anchor)[0] == 0, anchor
    assert project.run("audit", "verify", "--anchor", f"2:{hashed}")[0] == 1
    assert project.run("audit", "verify", "--anchor", "absent.txt")[0] == 2


def test_an_edit_is_found(project: Project) -> None:
    """A failed gate that was made a pass with an editor."""
    project.gate("bad")
    project.file(3).write_text(
        project.file(3).read_text().replace('"decision": "failed"', '"decision": "pass"')
    )
    code, told = project.run("audit", "verify")
    assert (code, told.splitlines()[:2]) == (1, [
        "3 entries: tampered with",
        "  edited: entry 3: its content is not the one that its hash was made over",
    ])  # fmt: skip


def test_evidence_that_was_exchanged_is_found(project: Project) -> None:
    """The chain is whole; a run that it refers to is not."""
    project.gate()
    gate = project.entries[2]
    (project.folder / "audit/objects" / gate.objects["run:good-1"]).write_text("{}")
    code, told = project.run("audit", "verify")
    assert code == 1
    assert "lost object: entry 3: its run:good-1" in told
    assert project.run("audit", "verify", "--chain-only")[0] == 3


def test_every_gate_replays(project: Project) -> None:
    """Passed and failed, under two policies and against two baselines; where the runs are gone."""
    project.gate("good")
    project.gate("bad")
    project.policy(most=100.0)
    project.gate("bad")
    project.run("baseline", "set", "bad", *PLACE)
    project.gate("bad")
    for folder in ("good", "bad", "base"):
        shutil.rmtree(project.folder / folder)
    (project.folder / "wattmark-baseline.json").unlink()
    code, told = project.run("audit", "replay")
    assert code == 0, told
    assert told.splitlines()[-1] == "4 of 4 gates come out as they were logged"


def test_a_replay_happens_at_the_time_of_the_gate(project: Project) -> None:
    """A policy that came into force since then only warned at that time."""
    project.policy(more="")
    text = (project.folder / "wattmark-policy.toml").read_text()
    (project.folder / "wattmark-policy.toml").write_text(
        text.replace('id = "green"', 'id = "green"\neffective = 2026-12-01')
    )
    assert project.gate("bad", "--now", "2026-11-20T09:30:00Z") == 0
    assert project.gate("bad", "--now", "2026-12-20T09:30:00Z") == 1
    code, told = project.run("audit", "replay")
    assert code == 0, told
    assert "2026-11-20T09:30:00Z" in told
    assert "was decided as of 2026-12-20T09:30:00Z, and logged at" in project.run("audit", "verify")[1]


def test_a_decision_that_does_not_follow_from_its_evidence_is_told(project: Project) -> None:
    """Somebody with the right to write logged a pass by hand, well sealed: only a replay shows it."""
    from dataclasses import replace

    from wattmark.core.governance.decision import Standing
    from wattmark.ledger.decisionfile import parse_decision
    from wattmark.reports.decision_json import decision_json

    project.gate("bad")
    gate = project.entries[2]
    decision = parse_decision(project.log.kept(gate.objects["decision"]), "")
    forged = decision_json(replace(decision, standing=Standing.PASS, exit_code=0))
    objects = {**gate.objects, "decision": project.log.keep(forged.encode())}
    project.log.append(
        replace(gate, decision="pass", objects=objects, detail={**gate.detail, "exit_code": "0"})
    )
    assert project.run("audit", "verify")[0] == 3
    code, told = project.run("audit", "replay", 4)
    assert code == 1
    assert "  standing: logged pass, now failed" in told
    assert "  exit_code: logged 0, now 1" in told
    body = project.json("audit", "replay")
    assert [(one["seq"], one["same"]) for one in body["replayed"]] == [(3, True), (4, False)]


def test_with_digests_alone_a_replay_is_given_the_runs(project: Project) -> None:
    """They are held against the logged hashes first; other runs are not taken."""
    text = (project.folder / "wattmark-policy.toml").read_text()
    (project.folder / "wattmark-policy.toml").write_text(text.replace('"audit"', '"audit"\nkeep = "digests"'))
    project.gate("good")
    gate = project.entries[2]
    assert not (project.folder / "audit/objects" / gate.objects["run:good-0"]).exists()
    assert project.run("audit", "verify")[0] == 3
    code, told = project.run("audit", "replay")
    assert code == 3
    assert "the log keeps only the hash of run:good-0" in told
    assert project.run("audit", "replay", "--runs", "good", "--runs", "base")[0] == 0
    assert project.run("audit", "replay", "--runs", "bad", "--runs", "base")[0] == 3


def test_entries_are_listed_and_chosen(project: Project) -> None:
    """By action, subject and time; one alone with everything."""
    project.gate("good")
    project.gate("bad")
    body = project.json("audit", "show", "--action", "gate.*", "--subject", "b*")
    assert [entry["subject"] for entry in body["entries"]] == ["bad"]
    assert project.json("audit", "show", "--until", "2020-01-01")["entries"] == []
    assert len(project.json("audit", "show", "--since", "2020-01")["entries"]) == 4
    assert "gate.evaluated" in project.run("audit", "show")[1]
    assert project.entries[3].hash in project.run("audit", "show", 4)[1]
    assert project.both("audit", "show", "--since", "yesterday")[0] == 2
    assert project.both("audit", "show", 99)[0] == 2


def test_an_altered_entry_is_never_listed_as_if_it_were_genuine(project: Project) -> None:
    """Somebody made a pass of a failure: tables, JSON and exports say so beside what they print."""
    project.gate("bad")
    file = project.file(3)
    file.write_text(file.read_text().replace('"failed"', '"pass"'))
    for words in (("show",), ("show", "--subject", "another"), ("export",), ("export", "--format", "json")):
        code, _, error = project.both("audit", *words)
        assert (code, "entry 3 was altered: see `wattmark audit verify`" in error) == (0, True)


def test_an_export_holds_every_field(project: Project) -> None:
    """CSV for a spreadsheet, JSON whose entries hash as they stand."""
    import csv
    import hashlib
    import io

    project.gate("bad")
    rows = list(csv.DictReader(io.StringIO(project.run("audit", "export")[1])))
    assert [row["decision"] for row in rows] == ["set", "first seen", "failed"]
    assert project.run("audit", "export", "--format", "json", "--out", "log.json")[0] == 0
    for entry in json.loads((project.folder / "log.json").read_text())["entries"]:
        hashed = entry.pop("hash")
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == hashed


def test_a_required_log_that_cannot_be_written_closes_the_gate(project: Project) -> None:
    """A good candidate does not pass without a trace; and no other log is a way around."""
    text = (project.folder / "wattmark-policy.toml").read_text()
    (project.folder / "wattmark-policy.toml").write_text(text.replace('"audit"', '"audit"\nrequired = true'))
    assert project.gate("good") == 0
    project.file(3).write_text("{}")
    code, told = project.run("gate", "good", *PLACE)
    assert code == 3
    assert "not in the audit log" in told
    assert project.gate("bad") == 1
    code, _ = project.run("gate", "good", *PLACE, environ={"WATTMARK_AUDIT_LOG": "elsewhere"})
    assert code in (2, 3)
    assert not (project.folder / "elsewhere").exists()


def test_a_log_that_is_not_required_leaves_the_gate_open(project: Project) -> None:
    """With a note."""
    shutil.rmtree(project.folder / "audit")
    (project.folder / "audit").write_text("")
    code, told = project.run("gate", "good", *PLACE)
    assert code == 0
    assert "not in the audit log" in told


def test_no_path_and_no_user_is_in_the_log(project: Project) -> None:
    """Neither folders of this machine, nor who is logged in, nor its name."""
    import getpass
    import socket

    project.gate("bad", "--policy", str(project.folder / "wattmark-policy.toml"))
    project.run("audit", "anchor", "--git-tag", "audit-1")
    kept = b"".join(path.read_bytes() for path in (project.folder / "audit").rglob("*") if path.is_file())
    assert str(project.folder).encode() not in kept
    assert socket.gethostname().encode() not in kept
    assert f'"{getpass.getuser()}"'.encode() not in kept
    assert b't_seconds":[0' not in kept


def two_branches(project: Project) -> None:
    """Both went on from entry 3: the other one with a good gate, this one with a bad one; a merge began."""
    (project.folder / ".gitignore").write_text("*.json\n!audit/**\n")
    project.gate()
    commit(project)
    git(project.folder, "checkout", "-q", "-b", "other")
    project.gate("good", "--decision", "other.json")
    project.gate("good")
    commit(project)
    git(project.folder, "checkout", "-q", "-")
    project.gate("bad")
    commit(project)
    with pytest.raises(subprocess.CalledProcessError):
        git(project.folder, "merge", "-q", "other")


def commit(project: Project) -> None:
    """The log."""
    git(project.folder, "add", "-f", "audit")
    git(project.folder, "commit", "-q", "-m", "log")


def test_two_branches_that_both_log_are_told_as_a_fork(project: Project) -> None:
    """Git itself refuses to merge them; whoever commits the conflict is told."""
    two_branches(project)
    code, told = project.run("audit", "verify", "--chain-only")
    assert code == 1
    assert "forked: entry 4 holds the marks of a merge" in told


def test_what_another_branch_logged_is_brought_in(project: Project) -> None:
    """One chain with both; anchors of the other branch still count, and its gates replay."""
    two_branches(project)
    git(project.folder, "restore", "--source=HEAD", "--staged", "--worktree", "audit/entries")
    code, told = project.run("audit", "rejoin", "--from", "git:MERGE_HEAD")
    assert code == 0, told
    assert [entry.subject for entry in project.entries[2:]] == ["good", "bad", "good", "good"]
    assert project.entries[4].detail["rejoined_seq"] == "4"
    code, told = project.run("audit", "verify", "--anchor", "other.json")
    assert (code, told.splitlines()[:2]) == (3, [
        "6 entries: tail not provable beyond entry 5",
        "  held by other.json (entry 4 of another branch), entry 5",
    ])  # fmt: skip
    assert project.run("audit", "replay")[0] == 0
    assert project.run("audit", "rejoin", "--from", "git:other") == (0, "nothing is missing here\n")
    commit(project)


def test_what_a_repository_does_to_its_files_does_not_reach_a_log(project: Project) -> None:
    """Its settings name a program for every file and other line ends; neither is heard of."""
    two_branches(project)
    git(project.folder, "restore", "--source=HEAD", "--staged", "--worktree", "audit/entries")
    git(project.folder, "config", "filter.own.smudge", f"touch {project.folder}/ran; cat")
    (project.folder / ".git/info/attributes").write_text("* filter=own text eol=crlf\n")
    code, told = project.run("audit", "rejoin", "--from", "git:MERGE_HEAD")
    assert code == 0, told
    assert not (project.folder / "ran").exists()
    assert [entry.subject for entry in project.entries[2:]] == ["good", "bad", "good", "good"]


def test_an_entry_left_out_of_another_branch_is_found(project: Project) -> None:
    """The second of its entries was brought in by hand, the first was not."""
    two_branches(project)
    git(project.folder, "restore", "--source=HEAD", "--staged", "--worktree", "audit/entries")
    project.run("audit", "rejoin", "--from", "git:MERGE_HEAD")
    kept = project.entries[5]
    project.file(6).unlink()
    project.file(5).unlink()
    project.log.append(kept)
    code, told = project.run("audit", "verify")
    assert code == 1
    assert "brought in from another branch, and the entry before it, 4 of that branch, is missing" in told


def test_an_entry_that_was_changed_on_its_way_is_found(project: Project) -> None:
    """It must say what its original said, and the original must be there."""
    from dataclasses import replace

    two_branches(project)
    git(project.folder, "restore", "--source=HEAD", "--staged", "--worktree", "audit/entries")
    project.run("audit", "rejoin", "--from", "git:MERGE_HEAD")
    kept = project.entries[5]
    project.file(6).unlink()
    project.log.append(replace(kept, decision="waived"))
    assert "it does not say what its original said" in project.run("audit", "verify")[1]
    project.file(6).unlink()
    project.log.append(replace(kept, detail={**kept.detail, "rejoined_hash": "ab" * 32}))
    assert "does not have the hash that it names" in project.run("audit", "verify")[1]
    project.file(6).unlink()
    project.log.append(replace(kept, objects={}))
    assert "its original cannot be read" in project.run("audit", "verify")[1]


def test_another_log_is_not_brought_in(project: Project, tmp_path_factory: Any) -> None:
    """Nor one that is not sound, nor one that git does not know."""
    project.gate()
    other = Project(tmp_path_factory.mktemp("other"))
    other.gate()
    code, _, error = project.both("audit", "rejoin", "--from", other.folder / "audit")
    assert code == 2
    assert "it is another log" in error
    other.file(1).unlink()
    assert "is not sound" in project.both("audit", "rejoin", "--from", other.folder / "audit")[2]
    assert project.both("audit", "rejoin", "--from", "git:nowhere")[0] == 2
    assert project.both("audit", "rejoin", "--from", "git:--output=written")[0] == 2
    assert not (project.folder / "audit/written").exists()
    assert not (project.folder / "written").exists()


GOVERNED = """
[identity]
allow_unverified = true
[roles]
board = ["board@example.org"]
[[budget]]
id = "year"
limit = 1
unit = "kWh"
period = "year"
"""


def test_waived_gates_and_budgets_replay(project: Project) -> None:
    """Before the waiver, with it, after its end; from what the log kept, with no file of the project left."""
    project.policy(more=GOVERNED)
    write(project.folder / "wattmark-runs", *three(1.0, "wide"))
    now = ("--now", "2026-11-20T09:30:00Z")
    assert project.gate("bad", *now) == 1
    code, _, error = project.both(
        "waiver", "request", "energy", "--id", "W-1", "--cap", "0.8", "--reason", "moves in December",
        "--owner", "dev@example.org", "--ticket", "GREEN-1", "--expires", "2026-12-10",
        "--as", "dev@example.org", *now,
    )  # fmt: skip
    assert code == 0, error
    code, _, error = project.both("waiver", "approve", "W-1", "--as", "board@example.org", *now)
    assert code == 0, error
    code, told = project.run("gate", "bad", *PLACE, "--now", "2026-11-21T09:30:00Z")
    assert code == 0, told
    assert project.gate("bad", "--now", "2026-12-20T09:30:00Z") == 1
    gates = [entry for entry in project.entries if entry.action is Action.GATE_EVALUATED]
    assert [gate.detail.get("waived", "") for gate in gates] == ["", "energy", ""]
    assert {"waivers", "given"} <= gates[1].objects.keys()
    actions = [entry.action for entry in project.entries]
    assert {Action.WAIVER_REQUESTED, Action.WAIVER_APPROVED} <= set(actions)
    kept = b"".join(path.read_bytes() for path in (project.folder / "audit").rglob("*") if path.is_file())
    assert str(project.folder).encode() not in kept
    for path in project.folder.iterdir():
        if path.is_file():
            path.unlink()
    shutil.rmtree(project.folder / "bad")
    code, told = project.run("audit", "replay", "--log", "audit")
    assert code == 0, told
    assert told.splitlines()[-1] == "3 of 3 gates come out as they were logged"


def test_a_waiver_that_nobody_approved_is_told_by_the_replay(project: Project) -> None:
    """Well sealed entries, with a waiver as approved that its file does not hold so, or that was over."""
    from dataclasses import replace

    from wattmark.core.governance.waiver import WaiverState
    from wattmark.ledger.replayfile import decoded, encoded

    project.policy(more=GOVERNED)
    write(project.folder / "wattmark-runs", *three(1.0, "wide"))
    now = ("--now", "2026-11-20T09:30:00Z")
    project.both(
        "waiver", "request", "energy", "--id", "W-1", "--cap", "0.8", "--reason", "moves in December",
        "--owner", "dev@example.org", "--ticket", "GREEN-1", "--expires", "2026-12-10",
        "--as", "dev@example.org", *now,
    )  # fmt: skip
    asked = (project.folder / "wattmark-waivers.toml").read_bytes()
    project.both("waiver", "approve", "W-1", "--as", "board@example.org", *now)
    assert project.gate("bad", *now) == 0
    gate = project.entries[-1]
    told = decoded(project.log.kept(gate.objects["given"]), "")
    (one,) = told.judged
    longer = replace(one, waiver=replace(one.waiver, cap=0.9))
    revoked = replace(one, waiver=replace(one.waiver, revoked="revoked by chair@example.org"))

    def forged(**objects: bytes) -> str:
        kept = {role: project.log.keep(content) for role, content in objects.items()}
        entry = project.log.append(replace(gate, objects={**gate.objects, **kept}))
        code, said = project.run("audit", "replay", entry.seq)
        assert code == 1
        return said

    assert project.run("audit", "replay", gate.seq)[0] == 0
    said = forged(waivers=b"# nobody asked\n")
    assert f"waiver W-1: content: logged {one.digest}, now not in the waiver file" in said
    said = forged(waivers=asked)
    assert "waiver W-1: approval: logged board@example.org (unverified), now not in the waiver file" in said
    assert "waiver W-1: content as judged" in forged(given=encoded(replace(told, judged=(longer,))))
    assert one.state is WaiverState.EXPIRING
    said = forged(given=encoded(replace(told, judged=(revoked,))))
    assert "waiver W-1: state: logged expiring, now revoked" in said
