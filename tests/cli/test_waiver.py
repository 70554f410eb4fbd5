"""``wattmark waiver`` as people use it: from the question to the end of the last day."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import Result

from tests.cli.running import verb
from tests.identities.keys import needs_git, needs_openssh
from tests.wiring.governed import ANNA, BOARD, CHAIR, EVE, POLICY, Governed, governed
from wattmark.cli.waiver import group
from wattmark.core.errors import UsageError
from wattmark.identities.tokens import TokenRefused
from wattmark.ledger.auditlog import open_log

pytestmark = needs_openssh
NOW = ("--now", "2026-11-22T10:00:00Z")
WORDS = ("--reason", "moves in December", "--owner", ANNA, "--ticket", "GREEN-12")
ASK = (
    "request",
    "carbon",
    "--id",
    "W-7",
    "--cap",
    "1.5",
    "--expires",
    "2026-12-31",
    "--model",
    "sorter*",
    *WORDS,
)
LOG = POLICY.replace("[roles]", '[audit]\nlog = "log"\nrequired = true\n[roles]')


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Governed:
    """A folder with a policy and an audit log, as the working directory."""
    return at(governed(tmp_path, LOG), monkeypatch)


def at(place: Governed, monkeypatch: pytest.MonkeyPatch) -> Governed:
    """The same, as the working directory."""
    monkeypatch.chdir(place.folder)
    monkeypatch.delenv("WATTMARK_AUDIT_LOG", raising=False)
    return place


def waiver(*arguments: object, now: tuple[str, ...] = NOW) -> Result:
    """Run a command of ``wattmark waiver`` at a moment."""
    return verb(group, *arguments, *now)


def test_from_the_question_to_the_last_day(place: Governed) -> None:
    """Asked for with one key, approved with another; it holds, lapses, and is back to nothing."""
    asked = waiver(*ASK, "--key", place.keys[ANNA]).output
    assert "asked for waiver W-7 of rule carbon" in asked
    assert "by anna@example.org (ssh signature) [ED25519 SHA256:" in asked
    assert (
        "needs 1 approval by role board (board@example.org, chair@example.org), other than anna@example.org"
        in asked
    )
    assert waiver("check").return_value == 1
    assert "0 of 1 approvals" in waiver("check").output
    approved = waiver("approve", "W-7", "--key", place.keys[BOARD]).output
    assert "approved waiver W-7" in approved
    assert "active" in approved
    shown = approved.index("what is approved:")
    assert (
        shown
        < approved.index('id: "W-7"')
        < approved.index("cap: 1.5")
        < approved.index("approved waiver W-7")
    )
    listed = waiver("list").output
    assert "model sorter*" in listed
    assert "board@example.org (ssh signature)" in listed
    assert "lapses in 39 days" in listed
    assert waiver("check").return_value == 0
    assert waiver("check", "--within", "39").return_value == 1
    late = waiver("check", now=("--now", "2027-01-03"))
    assert (late.return_value, "expired 3 days ago" in late.output) == (1, True)
    revoked = waiver("revoke", "W-7", "--reason", "moved", "--key", place.keys[BOARD]).output
    assert "revoked by board@example.org (ssh signature): moved" in revoked
    assert waiver("check", now=("--now", "2027-01-03")).return_value == 0
    with pytest.raises(UsageError, match="waiver W-7 is over already: revoked by board"):
        waiver("revoke", "W-7", "--reason", "moved", "--as", BOARD)
    with pytest.raises(UsageError, match="waiver W-7 is over"):
        waiver("approve", "W-7", "--as", BOARD)


NAMED = f'[policy]\nid = "models"\n{POLICY}'


def test_a_waiver_is_for_the_policy_in_which_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied with its approvals into a repository with the same rule and the same people it holds nothing."""
    place = at(governed(tmp_path, NAMED), monkeypatch)
    waiver(*ASK, "--key", place.keys[ANNA])
    waiver("approve", "W-7", "--key", place.keys[BOARD])
    assert 'policy = "models"' in place.file.read_text()
    assert 'policy: "models"' in waiver("show", "W-7").output
    assert waiver("check").return_value == 0
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(place.folder, elsewhere)
    (elsewhere / "wattmark-policy.toml").write_text(NAMED.replace("models", "others"))
    monkeypatch.chdir(elsewhere)
    told = waiver("check")
    assert told.return_value == 1
    assert "it is for rule carbon of policy models, and this one is others" in told.output
    with pytest.raises(UsageError, match="lets nothing through: it is for rule carbon of policy models"):
        waiver("approve", "W-7", "--key", place.keys[CHAIR])


def test_nobody_approves_a_waiver_that_would_hold_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a policy with an id; one that was approved before policies were named holds on."""
    place = at(governed(tmp_path, NAMED), monkeypatch)
    asked = place.ask()
    with pytest.raises(UsageError, match=r"names no policy, so it would hold wherever .* ask for a new one"):
        waiver("approve", "W-1", "--key", place.keys[BOARD])
    place.approve(asked)
    assert waiver("check").return_value == 0


def test_everything_goes_into_the_audit_log(place: Governed) -> None:
    """Who, how that is known, for which content; and no key nor name of this machine."""
    waiver(*ASK, "--key", place.keys[ANNA])
    waiver("approve", "W-7", "--key", place.keys[BOARD])
    waiver("revoke", "W-7", "--reason", "moved", "--as", EVE)
    log = open_log(str(place.folder / "log"))
    entries = [placed.entry for placed in log.placed()]
    assert [entry.action.value for entry in entries if entry] == [
        "waiver.requested", "waiver.approved", "waiver.revoked",
    ]  # fmt: skip
    assert [str(entry.actor) for entry in entries if entry] == [
        "anna@example.org (ssh signature)", "board@example.org (ssh signature)",
        "eve@example.org (unverified)",
    ]  # fmt: skip
    first = entries[0]
    assert first is not None
    assert (first.subject, first.detail["rule"], first.detail["cap"]) == ("W-7", "carbon", "1.5")
    assert first.policy_digest == place.policy.digest
    assert b'reason: "moves in December"' in log.kept(first.objects["waiver"])
    everything = "".join(p.read_text() for p in (place.folder / "log").rglob("*") if p.is_file())
    assert str(place.folder) not in everything


def test_a_policy_that_requires_a_log_keeps_no_waiver_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written then."""
    place = at(governed(tmp_path, LOG.replace('log = "log"\n', "")), monkeypatch)
    with pytest.raises(UsageError, match="requires an audit log"):
        waiver(*ASK, "--key", place.keys[ANNA])
    assert not place.file.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"carbon": "carbn"}, "has no rule 'carbn'; did you mean 'carbon'"),
        ({"carbon": "zzz"}, "has no rule 'zzz'; it has: carbon"),
        ({"2026-12-31": "2026-11-21"}, "--expires 2026-11-21 is over: today is 2026-11-22"),
        ({"2026-12-31": "2027-02-20"}, "for 91 days, 2026-11-22 to 2027-02-20: the policy allows 90"),
        ({"2026-12-31": "soon"}, "--expires 'soon' is no day"),
        ({"1.5": "0.8"}, "--cap 0.8 lets nothing through that rule carbon does not allow anyway"),
        ({"W-7": "W 7"}, "must look like W-7"),
        ({"moves in December": "a\x1b[2J"}, "holds a character that does not show"),
        ({"GREEN-12": " "}, "ticket: is empty"),
    ],
)  # fmt: skip
def test_what_nobody_may_ask_for(place: Governed, changes: dict[str, str], why: str) -> None:
    """It is refused before anything is written."""
    asked = [changes.get(word, word) for word in ASK]
    with pytest.raises(UsageError, match=why):
        waiver(*asked, "--key", place.keys[ANNA])
    assert not place.file.exists()


def test_a_cap_and_an_end_are_needed(place: Governed) -> None:
    """Unless the policy allows a blank cheque."""
    rest = (*WORDS, "--key", place.keys[ANNA])
    with pytest.raises(UsageError, match="no waiver without a cap: give"):
        waiver("request", "carbon", "--expires", "2026-12-31", *rest)
    with pytest.raises(UsageError, match="no waiver without an end: give --expires"):
        waiver("request", "carbon", "--cap", "1.5", *rest)
    with pytest.raises(UsageError, match="before it begins on 2026-12-30"):
        waiver("request", "carbon", "--cap", "1.5", "--from", "2026-12-30", "--expires", "2026-12-29", *rest)


def test_who_speaks_must_be_said(place: Governed) -> None:
    """With a key that the list names, a name, or a token; never two of them."""
    with pytest.raises(UsageError, match="say who you are: --key KEY, --token-env VARIABLE, or --as NAME"):
        waiver(*ASK)
    with pytest.raises(UsageError, match="contradict each other"):
        waiver(*ASK, "--key", place.keys[ANNA], "--github")
    with pytest.raises(UsageError, match="names nobody for --key"):
        waiver(*ASK, "--key", place.keys[EVE])
    with pytest.raises(
        UsageError, match=r"would not count: board@example\.org is unverified: its signature is not"
    ):
        waiver(*ASK, "--key", place.keys[ANNA], "--as", BOARD)
    with pytest.raises(UsageError, match="--token-env NOBODY: there is no such variable"):
        waiver(*ASK, "--token-env", "NOBODY")
    with pytest.raises(TokenRefused, match="this is no job of GitHub Actions"):
        waiver(*ASK, "--github")
    assert not place.file.exists()


def test_nobody_approves_what_they_asked_for(place: Governed) -> None:
    """Nor does somebody without the role; nor one waiver that is not there."""
    waiver(*ASK, "--key", place.keys[BOARD])
    with pytest.raises(
        UsageError, match=r"would not count: the approver board@example\.org is the requester"
    ):
        waiver("approve", "W-7", "--key", place.keys[BOARD])
    with pytest.raises(UsageError, match=r"the approver Board@Example\.org is the requester"):
        waiver("approve", "W-7", "--as", "Board@Example.org")
    with pytest.raises(UsageError, match=r"anna@example\.org is not in role board"):
        waiver("approve", "W-7", "--key", place.keys[ANNA])
    with pytest.raises(UsageError, match="holds no waiver 'W-8'; did you mean 'W-7'"):
        waiver("approve", "W-8", "--key", place.keys[CHAIR])
    with pytest.raises(UsageError, match="holds a waiver 'W-7' already"):
        waiver(*ASK, "--key", place.keys[ANNA])
    with pytest.raises(UsageError, match="waiver W-7 expired on 2026-12-31"):
        waiver("approve", "W-7", "--key", place.keys[CHAIR], now=("--now", "2027-01-01"))
    assert "[[approval]]" not in place.file.read_text()


def test_a_waiver_of_a_rule_that_was_changed_is_not_approved(place: Governed) -> None:
    """It would be stale at once."""
    waiver(*ASK, "--key", place.keys[ANNA])
    policy = Path("wattmark-policy.toml")
    policy.write_text(policy.read_text().replace("max = 1.0", "max = 0.9"))
    with pytest.raises(UsageError, match="rule carbon was changed since it was approved: ask for a new one"):
        waiver("approve", "W-7", "--key", place.keys[BOARD])


@pytest.mark.parametrize("name", ["../w.toml", "/tmp/w.toml", "a/../../w.toml"])
def test_waivers_lie_beside_the_policy(place: Governed, name: str) -> None:
    """A policy that others wrote leads to no other file."""
    policy = Path("wattmark-policy.toml")
    policy.write_text(policy.read_text() + f'[waivers]\nfile = "{name}"\n')
    with pytest.raises(UsageError, match="leads elsewhere"):
        waiver(*ASK, "--key", place.keys[ANNA])


@needs_git
def test_a_typed_name_becomes_more_by_a_signed_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then it is a claim, and says so."""
    place = at(governed(tmp_path, repository=True), monkeypatch)
    waiver(*ASK, "--as", ANNA)
    place.commit(ANNA)
    claimed = waiver("approve", "W-7", "--as", BOARD)
    assert "by board@example.org (unverified)" in claimed.output
    assert "a typed name is a claim" in claimed.stderr
    assert waiver("check").return_value == 1
    place.commit(BOARD)
    assert waiver("check").return_value == 0
    assert "board@example.org (signed commit)" in waiver("list").output


def test_a_waiver_that_was_followed_is_done_with(place: Governed) -> None:
    """An expired one does not fail the check for ever."""
    for name, day, end in (("W-7", "2026-09-01", "2026-10-31"), ("W-8", "2026-11-01", "2026-12-31")):
        asked = [{"W-7": name, "2026-12-31": end}.get(word, word) for word in ASK]
        then = ("--now", f"{day}T10:00:00Z")
        waiver(*asked, "--key", place.keys[ANNA], now=then)
        waiver("approve", name, "--key", place.keys[BOARD], now=then)
    assert waiver("check").return_value == 0
    assert waiver("check", now=("--now", "2027-01-01")).return_value == 1


def test_json_has_a_schema(place: Governed) -> None:
    """Frozen: others read it."""
    waiver(*ASK, "--key", place.keys[ANNA])
    waiver("approve", "W-7", "--key", place.keys[BOARD])
    found = json.loads(waiver("list", "--json").output)
    assert (found["schema"], found["schema_version"], found["day"]) == ("wattmark.waivers", 1, "2026-11-22")
    (one,) = found["waivers"]
    assert set(one) == {
        "id", "state", "holds", "verified", "why", "days_left", "rule", "rule_digest", "policy", "scope",
        "cap", "evidence_may_be_missing", "reason", "owner", "ticket", "requested_by", "requested_at",
        "approvals", "begins", "expires", "renewal", "digest",
    }  # fmt: skip
    assert (one["state"], one["holds"], one["days_left"], one["cap"]) == ("active", True, 39, 1.5)
    assert set(one["approvals"][0]) == {"by", "role", "at", "digest", "counts"}
    assert one["approvals"][0]["by"]["proof"] == "ssh signature"
    checked = json.loads(waiver("check", "--json").output)
    assert (checked["schema"], checked["exit_code"], checked["waivers"]) == ("wattmark.waivers-check", 0, [])


def test_show_prints_what_is_signed(place: Governed) -> None:
    """The content, line by line, and who is behind it."""
    waiver(*ASK, "--evidence", "--where", "team=vision-*,nlp", "--key", place.keys[ANNA])
    shown = waiver("show", "W-7").output
    assert 'scope: "model" in ["sorter*"], "team" in ["nlp", "vision-*"]' in shown
    assert "evidence: may be missing" in shown
    waiver("approve", "W-7", "--as", BOARD)
    assert "which does not count" in waiver("show", "W-7").output
    with pytest.raises(UsageError, match="did you mean 'W-7'"):
        waiver("show", "W-77")


def test_scopes_name_tags_that_exist(place: Governed) -> None:
    """With what was meant."""
    with pytest.raises(UsageError, match="did you mean 'team'"):
        waiver(*ASK, "--where", "tem=a", "--key", place.keys[ANNA])
    with pytest.raises(UsageError, match="is not TAG=PATTERN"):
        waiver(*ASK, "--where", "team", "--key", place.keys[ANNA])


def test_without_waivers_there_is_nothing_to_do(place: Governed) -> None:
    """And a moment that is none is refused."""
    assert waiver("list").output.strip() == "no waivers"
    assert (waiver("check").return_value, waiver("check").output.strip()) == (0, "no waivers")
    for none in ("soon", "9999-12-31", "9999-12-31T23:59:59-05:00"):
        with pytest.raises(UsageError, match="is no time"):
            waiver("list", now=("--now", none))


def test_ids_and_rules_are_completed(place: Governed) -> None:
    """By the files that are there; nothing where they are wrong."""
    waiver(*ASK, "--key", place.keys[ANNA])
    completing = ShellComplete(group, {}, "waiver", "_WAIVER_COMPLETE")
    assert [item.value for item in completing.get_completions(["approve"], "W")] == ["W-7"]
    assert [item.value for item in completing.get_completions(["request"], "")] == ["carbon"]
    Path("wattmark-policy.toml").write_text("[[limit")
    assert completing.get_completions(["approve"], "W") == []
    assert completing.get_completions(["request"], "") == []
