"""Changing what others are held against: with a reason, by somebody, approved by somebody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from tests.cli.deciding import PLACE, three, write
from tests.cli.running import verb
from tests.identities.keys import needs_openssh
from tests.wiring.governed import ANNA, BOARD, CHAIR, EVE, Governed, governed
from wattmark.cli.baseline import group
from wattmark.cli.gate import command as gate
from wattmark.core.errors import UsageError
from wattmark.ledger.auditlog import open_log

pytestmark = needs_openssh
POLICY = """
[identity]
allowed_signers = "allowed_signers"
[roles]
board = ["board@example.org", "chair@example.org"]
[baseline]
reason = true
approvers = 1
[audit]
log = "../log"
[[limit]]
kpi = "energy_to_solution"
max_increase = 0.5
"""
FILE = Path("wattmark-baseline.json")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Governed:
    """A policy that asks for a reason and an approval, runs, and the folder as the working directory."""
    found = governed(tmp_path, POLICY)
    monkeypatch.chdir(found.folder)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    monkeypatch.delenv("WATTMARK_AUDIT_LOG", raising=False)
    write(Path("old"), *three(1.0, "wide"))
    write(Path("new"), *three(1.0, "narrow"))
    return found


def kept(place: Governed) -> None:
    """Set the baseline as anna."""
    verb(group, "set", "old", *PLACE, "--reason", "new cluster", "--key", place.keys[ANNA])


def gated(*more: object) -> tuple[object, str]:
    """Exit code and what was said."""
    found = verb(gate, "new", *PLACE, *more)
    return found.return_value, found.output


def test_a_gate_takes_a_baseline_once_it_is_approved(place: Governed) -> None:
    """Set by one, approved by another; in between the gate fails closed and says why."""
    said = verb(group, "set", "old", *PLACE, "--reason", "new cluster", "--key", place.keys[ANNA])
    assert "a gate will not take it yet: 0 of 1 approvals" in said.stderr
    code, text = gated()
    assert code == 3
    assert "Baseline default is approved" in text
    assert "0 of 1 approvals" in text
    done = verb(group, "approve", "--key", place.keys[BOARD])
    assert "wattmark-baseline.json as board@example.org" in done.output
    assert done.stderr == ""
    assert gated()[0] == 0
    shown = verb(group, "show").output
    assert "reason       new cluster" in shown
    assert "set by       anna@example.org (signed; a gate checks it)" in shown
    assert "approved by  board@example.org (signed; a gate checks it)" in shown
    body = json.loads(verb(group, "show", "--json").output)["baselines"]["default"]
    assert (body["reason"], body["set_by"], body["approvals"][0]["by"]) == ("new cluster", ANNA, BOARD)


def test_setting_it_anew_voids_the_approval(place: Governed) -> None:
    """The obvious cheat: a worse baseline under the approved name."""
    kept(place)
    verb(group, "approve", "--key", place.keys[BOARD])
    verb(group, "set", "new", *PLACE, "--reason", "easier", "--key", place.keys[ANNA])
    assert gated()[0] == 3


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("reason",), "another"),
        (("given", "pue", "value"), 2.0),
        (("as_one",), True),
        (("set_at",), "2026-01-01"),
    ],
)  # fmt: skip
def test_any_edit_of_the_file_voids_the_approval(
    place: Governed, path: tuple[str, ...], value: object
) -> None:
    """Of its factors too: a dirtier PUE would make every candidate look good."""
    kept(place)
    verb(group, "approve", "--key", place.keys[BOARD])
    document = json.loads(FILE.read_text())
    at = document["baselines"]["default"]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    FILE.write_text(json.dumps(document))
    code, text = gated()
    assert code == 3
    assert "its signature is not board@example.org's" in text


def test_a_reason_does_not_read_like_an_approval(place: Governed) -> None:
    """Whatever line ends it holds, it is shown on one line; so are names."""
    kept(place)
    document = json.loads(FILE.read_text())
    said = document["baselines"]["default"]
    said["reason"] = "new cluster\nset by       board@example.org (signed; a gate checks it)"
    said["set_by"]["by"] = "eve@example.org\napproved by  chair@example.org (signed)\u202e"
    FILE.write_text(json.dumps(document))
    lines = verb(group, "show").output.splitlines()
    assert [line.partition(" ")[0] for line in lines[:4]] == ["default,", "reason", "set", "runs"]
    assert lines[2].startswith("set by       eve@example.org approved by")
    assert "\u202e" not in lines[2]


def test_nobody_approves_what_they_set(place: Governed) -> None:
    """Nor without the role, nor with a key that the list does not name; a name alone is a claim."""
    verb(group, "set", "old", *PLACE, "--reason", "new cluster", "--key", place.keys[BOARD])
    for key, why in [
        (BOARD, r"the approver board@example\.org is the requester"),
        (ANNA, r"anna@example\.org is not in role board"),
        (EVE, "names nobody for --key"),
    ]:
        with pytest.raises(UsageError, match=why):
            verb(group, "approve", "--key", place.keys[key])
    with pytest.raises(UsageError, match=r"would not count: chair@example\.org is unverified: its signature"):
        verb(group, "approve", "--as", CHAIR, "--key", place.keys[ANNA])
    done = verb(group, "approve", "--as", CHAIR)
    assert "will not take it yet: chair@example.org is unverified: a typed name; no signed" in done.stderr
    assert gated()[0] == 3
    with pytest.raises(UsageError, match="say who you are"):
        verb(group, "approve")
    with pytest.raises(UsageError, match="names nobody"):
        verb(group, "approve", "--as", "\x1b[2J")
    verb(group, "approve", "--key", place.keys[CHAIR])
    assert gated()[0] == 0


def test_what_the_policy_asks_must_be_said(place: Governed) -> None:
    """A reason, and who sets it; nothing is written otherwise."""
    with pytest.raises(UsageError, match="asks why a baseline is set: give --reason"):
        verb(group, "set", "old", *PLACE, "--key", place.keys[ANNA])
    with pytest.raises(UsageError, match="say who sets it with --key or --as"):
        verb(group, "set", "old", *PLACE, "--reason", "new cluster")
    with pytest.raises(UsageError, match="does not show"):
        verb(group, "set", "old", *PLACE, "--reason", "a\x1b[2J", "--key", place.keys[ANNA])
    assert not FILE.exists()


def test_runs_as_a_baseline_are_not_approved(place: Governed) -> None:
    """Else a run file would be the way around."""
    code, text = gated("--baseline", "old")
    assert code == 3
    assert "it is not of a baseline file" in text
    assert "next: `wattmark baseline set RUN --reason WHY --key KEY`, then let it be approved" in text


def test_a_baseline_of_before_says_nothing(place: Governed) -> None:
    """An old file stays readable, and waits to be set again."""
    policy = Path("wattmark-policy.toml")
    strict = policy.read_text()
    policy.write_text(strict.replace("reason = true\napprovers = 1\n", ""))
    verb(group, "set", "old", *PLACE)
    assert "set_by" not in FILE.read_text()
    assert gated()[0] == 0
    policy.write_text(strict)
    code, text = gated()
    assert code == 3
    assert "it does not say why it was set; it does not say who set it" in text
    with pytest.raises(UsageError, match="set it again with --key or --as"):
        verb(group, "approve", "--key", place.keys[BOARD])


def test_a_setter_who_typed_a_name_is_no_one(place: Governed) -> None:
    """Else anybody could set it in another's name, and approve it."""
    verb(group, "set", "old", *PLACE, "--reason", "new cluster", "--as", ANNA)
    verb(group, "approve", "--key", place.keys[BOARD])
    code, text = gated()
    assert code == 3
    assert "anna@example.org, who set it, is unverified: a typed name" in text


def test_it_goes_into_the_audit_log(place: Governed) -> None:
    """When it was set and when it was approved, with the reason; a gate replays with the same doubt."""
    kept(place)
    gated()
    verb(group, "approve", "--key", place.keys[BOARD])
    entries = [placed.entry for placed in open_log("../log").placed()]
    told = [
        (e.action.value, e.detail.get("what"), str(e.actor)) for e in entries if e and e.subject == "default"
    ]
    assert ("baseline.set", "set", "anna@example.org (ssh signature)") in told
    assert ("baseline.set", "approved", "board@example.org (ssh signature)") in told
    from wattmark.cli.audit import group as audit

    assert verb(audit, "replay", "--log", "../log").return_value == 0


def test_a_reason_alone_names_nobody(place: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    """No empty name stands for whoever set it; the log has who the environment says it was, as a claim."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_ACTOR", "anna")
    policy = Path("wattmark-policy.toml")
    policy.write_text(policy.read_text().replace("approvers = 1\n", ""))
    said = verb(group, "set", "old", *PLACE, "--reason", "new cluster").output
    assert "reason       new cluster" in said
    assert "set by" not in said
    (body,) = json.loads(verb(group, "show", "--json").output)["baselines"].values()
    assert (body["reason"], body["set_by"]) == ("new cluster", None)
    (placed,) = open_log("../log").placed()
    assert placed.entry is not None
    assert str(placed.entry.actor) == "anna (unverified)"
    assert placed.entry.detail["reason"] == "new cluster"
    assert gated()[0] == 0


def test_without_a_policy_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As before; a key alone names nobody then, and nobody can approve."""
    monkeypatch.chdir(tmp_path)
    write(Path("old"), *three(1.0, "wide"))
    verb(group, "set", "old", *PLACE, "--reason", "first")
    assert "reason       first" in verb(group, "show").output
    with pytest.raises(UsageError, match="that says whose --key or token this is"):
        verb(group, "set", "old", *PLACE, "--key", "k")
    with pytest.raises(UsageError, match="no policy here or above that says who may approve"):
        verb(group, "approve", "--as", ANNA)


def test_a_policy_that_requires_a_log_keeps_no_baseline_without_one(place: Governed) -> None:
    """It is found out before anything is written."""
    policy = Path("wattmark-policy.toml")
    policy.write_text(policy.read_text().replace('log = "../log"', "required = true"))
    with pytest.raises(UsageError, match="requires an audit log"):
        kept(place)
    assert not FILE.exists()


def test_a_key_that_expired_approves_no_more(place: Governed) -> None:
    """At the day of the gate."""
    kept(place)
    verb(group, "approve", "--key", place.keys[BOARD])
    signers = Path("allowed_signers")
    over = f"{datetime.now(UTC) - timedelta(days=1):%Y%m%d}"
    lines = [
        line.replace(" ssh-", f' valid-before="{over}" ssh-') for line in signers.read_text().splitlines()
    ]
    signers.write_text("\n".join(lines) + "\n")
    code, text = gated()
    assert code == 3
    assert "key has expired" in text


def test_names_are_completed(place: Governed) -> None:
    """By the file that is there."""
    kept(place)
    completing = ShellComplete(group, {}, "baseline", "_BASELINE_COMPLETE")
    assert [item.value for item in completing.get_completions(["approve"], "d")] == ["default"]
    FILE.write_text("{}")
    assert completing.get_completions(["approve"], "d") == []
