"""What ``wattmark waiver request`` says in advance, and ``waiver check`` against the audit log."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.test_waiver import ASK, LOG, at, waiver
from tests.identities.keys import needs_openssh
from tests.wiring.governed import ANNA, BOARD, Governed, governed

pytestmark = needs_openssh


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Governed:
    """A folder with a policy and an audit log, as the working directory."""
    return at(governed(tmp_path, LOG), monkeypatch)


def ask(place: Governed, name: str, expires: str = "2026-12-31", begins: str = "") -> str:
    """Ask for a waiver with one key; what is said on stderr."""
    words = [{"W-7": name, "2026-12-31": expires}.get(word, word) for word in ASK]
    more = ["--from", begins] if begins else []
    return waiver(*words, *more, "--key", place.keys[ANNA]).stderr


def approve(place: Governed, name: str) -> None:
    """Approve it with another key."""
    waiver("approve", name, "--key", place.keys[BOARD])


def test_a_request_that_can_hold_is_told_nothing(place: Governed) -> None:
    """Two people may approve, and both can be verified."""
    assert ask(place, "W-1") == ""


def test_one_renewal_too_many_is_told_when_it_is_asked_for(place: Governed) -> None:
    """One may follow another; the third may not, and the approval would have been in vain."""
    ask(place, "W-1")
    approve(place, "W-1")
    assert ask(place, "W-2", "2027-01-31", "2027-01-01") == ""
    approve(place, "W-2")
    said = ask(place, "W-3", "2027-02-28", "2027-02-01")
    assert "it would be renewal 2 of its rule and scope, and the policy allows 1: mend what" in said


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            ('board = ["board@example.org", "chair@example.org"]', 'board = ["Anna@example.org"]'),
            "1 must approve, and role board has 0 who may: name more people under [roles] board",
        ),
        (
            ('allowed_signers = "allowed_signers"\n', ""),
            "nobody can be verified: name a file of keys under [identity] allowed_signers",
        ),
        (
            ('allowed_signers = "allowed_signers"', 'allowed_signers = "nowhere"'),
            "nobody can be verified: there is no nowhere beside the policy",
        ),
    ],
)
def test_what_nobody_could_approve_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], why: str
) -> None:
    """With what to do next."""
    at(governed(tmp_path, LOG.replace(*change)), monkeypatch)
    assert f"it would not hold: {why}" in waiver(*ASK, "--as", ANNA).stderr


def test_nothing_that_was_logged_is_taken_out_silently(place: Governed) -> None:
    """A revocation, an approval, the whole file: each is missed, by who did it and when."""
    ask(place, "W-1")
    approve(place, "W-1")
    assert waiver("check").return_value == 0
    waiver("revoke", "W-1", "--reason", "moved", "--key", place.keys[BOARD])
    whole = place.file.read_text()
    assert waiver("check").return_value == 0
    place.file.write_text(whole[: whole.index("[[revocation]]")])
    done = waiver("check")
    assert done.return_value == 1
    assert (
        "the revocation of W-1 by board@example.org, 2026-11-22T10:00:00Z is gone from "
        "wattmark-waivers.toml: entry 3 of the audit log has it"
    ) in done.output  # fmt: skip
    place.file.write_text(whole[: whole.index("[[approval]]")])
    assert "the approval of W-1 by board@example.org" in waiver("check").output
    place.file.unlink()
    body = json.loads(waiver("check", "--json").output)
    assert (body["exit_code"], len(body["gone"])) == (1, 3)


def test_a_waiver_that_says_something_else_than_was_asked_for_is_told(place: Governed) -> None:
    """A cap that grew."""
    ask(place, "W-1")
    place.file.write_text(re.sub(r"cap = 1\.5", "cap = 9.5", place.file.read_text()))
    assert "W-1 does not say what was asked for: entry 1 of the audit log" in waiver("check").output


def test_waivers_of_another_policy_in_the_same_log_are_not_missed(place: Governed) -> None:
    """A log that two policies share knows which is whose, once a gate of it was logged."""
    from wattmark.core.governance.audit import Action
    from wattmark.core.governance.identity import Identity
    from wattmark.ledger.auditlog import open_log
    from wattmark.wiring.auditing import record

    log = open_log("log")
    who = Identity(name=ANNA)
    record(
        log, Action.POLICY_CHANGED, actor=who, subject="other", policy_digest="f" * 64,
        detail={"policy": "other"},
    )  # fmt: skip
    record(log, Action.WAIVER_REQUESTED, actor=who, subject="W-9", policy_digest="f" * 64)
    assert waiver("check").return_value == 0


def test_a_log_that_must_be_there_and_cannot_be_read_is_told(place: Governed) -> None:
    """Where it is required it fails; else it is told aside."""
    ask(place, "W-1")
    approve(place, "W-1")
    for file in (place.folder / "log").rglob("*.json"):
        file.chmod(0o600)
        file.write_text("{")
    done = waiver("check")
    assert (done.return_value, "the audit log was not asked" in done.output) == (1, True)
    policy = place.folder / "wattmark-policy.toml"
    policy.write_text(policy.read_text().replace("required = true", "required = false"))
    done = waiver("check")
    assert (done.return_value, "the audit log was not asked" in done.stderr) == (0, True)
