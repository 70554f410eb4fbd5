"""Approving with identity tokens of a CI system: what is kept, and what shows later that there was one."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.running import verb
from tests.identities.keys import needs_openssh
from tests.wiring.governed import ANNA, Governed, governed
from wattmark.cli.waiver import group
from wattmark.core.errors import UsageError
from wattmark.core.governance.waivers import digest
from wattmark.identities.tokens import TokenRefused
from wattmark.ledger.policyfile import parse_policy
from wattmark.ledger.waiverfile import read_waivers
from wattmark.wiring.waivers import waivers_of

jwt = pytest.importorskip("jwt")
pytest.importorskip("cryptography")
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402 - only where it is installed

pytestmark = needs_openssh
KEY = ec.generate_private_key(ec.SECP256R1())
ISSUER, MAIN = "https://gitlab.com", "project_path:example/models:ref_type:branch:ref:main"
ENDS = f"{datetime.now(UTC) + timedelta(days=40):%Y-%m-%d}"
POLICY = f"""
[identity]
allowed_signers = "allowed_signers"
issuers = {{"{ISSUER}" = "keys.json"}}
[roles]
board = ["{MAIN}"]
[audit]
log = "../log"
[[limit]]
id = "carbon"
kpi = "carbon_per_inference_operational"
max = 1.0
"""
ASK = (
    "request", "carbon", "--id", "W-7", "--cap", "1.5", "--expires", ENDS,
    "--reason", "moves", "--owner", "leads", "--ticket", "G-1",
)  # fmt: skip


def today() -> date:
    """In UTC."""
    return datetime.now(UTC).date()


def token(**changes: Any) -> str:
    """A token as GitLab makes it, for now."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": ISSUER, "sub": MAIN, "aud": "wattmark", "jti": "63ab75f4", "iat": now, "nbf": now - 5,
        "exp": now + 300, "user_login": "board", "job_id": "1123", "pipeline_id": "455", **changes,
    }  # fmt: skip
    return str(jwt.encode(claims, KEY, algorithm="ES256", headers={"kid": "k"}))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Governed:
    """A folder with a policy that knows one issuer, a waiver that was asked for, and a log outside."""
    found = governed(tmp_path, POLICY)
    listed = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
    (found.folder / "keys.json").write_text(json.dumps({"keys": [{**listed, "kid": "k"}]}))
    monkeypatch.chdir(found.folder)
    monkeypatch.delenv("WATTMARK_AUDIT_LOG", raising=False)
    monkeypatch.setenv("TOKEN", token())
    waiver(*ASK, "--key", found.keys[ANNA])
    return found


def waiver(*arguments: object) -> Result:
    """Run a command of ``wattmark waiver``."""
    return verb(group, *arguments)


def test_an_approval_by_a_token_holds_where_the_log_has_it(place: Governed) -> None:
    """Of the token nothing is kept that anybody could use."""
    said = waiver("approve", "W-7", "--token-env", "TOKEN").output
    assert f"by {MAIN} (ci token) [{ISSUER}, {MAIN}, run 1123]" in said
    found = place.one(today())
    assert found.holds
    (by,) = found.counted
    assert str(by) == f"{MAIN} (ci token)"
    assert by.detail.endswith("entry 2 of the audit log")
    kept = "".join(p.read_text() for p in place.folder.parent.rglob("*") if p.is_file())
    for part in os.environ["TOKEN"].split("."):
        assert part not in kept
    assert "63ab75f4" not in kept
    assert waiver("check").return_value == 0


def test_the_file_alone_shows_no_token(place: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes the file could have written it by hand."""
    waiver("approve", "W-7", "--token-env", "TOKEN")
    monkeypatch.setenv("WATTMARK_AUDIT_LOG", str(place.folder.parent / "another"))
    found = place.one(today())
    assert not found.holds
    assert "and no audit log confirms that" in found.reason


@pytest.mark.parametrize(
    ("old", "new"),
    [("63", "64"), ("at", "2026-01-02T10:00:00Z"), ("cap = 1.5", "cap = 9.5")],
)
def test_a_record_that_was_edited_is_not_the_logs(place: Governed, old: str, new: str) -> None:
    """Its id, its time, or the waiver that it approved."""
    waiver("approve", "W-7", "--token-env", "TOKEN")
    head, approval, rest = place.file.read_text().partition("[[approval]]")
    if old == "63":
        at = rest.index('id = "') + 6
        rest = rest[:at] + ("0" if rest[at] != "0" else "1") + rest[at + 1 :]
    if old == "at":
        old = rest.partition('\nat = "')[2][: len(new)]
        head = head.replace(old, new)  # asked for before it was approved
    place.file.write_text(head.replace(old, new) + approval + rest.replace(old, new))
    assert not place.one(today()).holds


@pytest.mark.parametrize("key", ["issuer", "subject", "run"])
def test_where_a_token_came_from_is_as_the_log_says(place: Governed, key: str) -> None:
    """A better branch, issuer or run, written into the file by hand, would else be shown as verified."""
    waiver("approve", "W-7", "--token-env", "TOKEN")
    before, found, after = place.file.read_text().rpartition(f'{key} = "')
    place.file.write_text(f"{before}{found}x{after}")
    assert "and no audit log confirms that" in place.one(today()).reason


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("gitlab.com", "gitlab.example.org", "its issuer 'https://gitlab.com' is not one of"),
        (
            "issuers =",
            'subjects = ["project_path:example/other:*"]\nissuers =',
            "is not one of [identity] subjects",
        ),
    ],
)
def test_a_token_that_the_policy_would_take_no_more_shows_nothing(
    place: Governed, old: str, new: str, why: str
) -> None:
    """As keys do: an issuer or a project that was struck off takes its approvals along."""
    waiver("approve", "W-7", "--token-env", "TOKEN")
    (found,) = waivers_of(parse_policy(POLICY.replace(old, new), "p"), place.folder, today())
    assert not found.holds
    assert why in found.reason


def test_a_log_inside_the_repository_confirms_nothing(
    place: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write the waiver file may write it too."""
    monkeypatch.setenv("WATTMARK_AUDIT_LOG", str(place.folder / "log"))
    waiver("approve", "W-7", "--token-env", "TOKEN")
    assert (place.folder / "log").is_dir()
    assert "no audit log confirms that" in place.one(today()).reason


def test_a_log_that_was_altered_confirms_nothing(place: Governed) -> None:
    """An entry whose hash does not fit is none."""
    waiver("approve", "W-7", "--token-env", "TOKEN")
    (entry,) = (place.folder.parent / "log").rglob("*2.json")
    entry.write_text(entry.read_text().replace("W-7", "W-8"))
    assert not place.one(today()).holds


def test_a_token_of_another_branch_has_no_role(place: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role names the job's own subject."""
    monkeypatch.setenv("TOKEN", token(sub=MAIN.replace("main", "mine")))
    with pytest.raises(UsageError, match=r"would not count: .*ref:mine is not in role board"):
        waiver("approve", "W-7", "--token-env", "TOKEN")
    monkeypatch.setenv("TOKEN", token())
    with pytest.raises(UsageError, match="--as anna: the token is one of project_path"):
        waiver("approve", "W-7", "--token-env", "TOKEN", "--as", "anna")


def test_a_token_of_an_old_run_is_refused(place: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever time somebody says it is: one that was read out of an old log would be good again then."""
    then = datetime.now(UTC) - timedelta(hours=2)
    old = int(then.timestamp())
    monkeypatch.setenv("TOKEN", token(iat=old, nbf=old, exp=old + 300))
    with pytest.raises(TokenRefused, match="it expired at"):
        waiver("approve", "W-7", "--token-env", "TOKEN")
    with pytest.raises(UsageError, match="shows who acts now: leave --now out"):
        waiver("approve", "W-7", "--token-env", "TOKEN", "--now", f"{then:%Y-%m-%dT%H:%M:%SZ}")


def test_a_token_for_another_content_is_refused(place: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is bound to a digest approves that one alone."""
    (asked,) = read_waivers(place.file).waivers
    monkeypatch.setenv("TOKEN", token(aud=f"wattmark:{'00' * 32}"))
    with pytest.raises(TokenRefused, match="not for wattmark or wattmark:"):
        waiver("approve", "W-7", "--token-env", "TOKEN")
    monkeypatch.setenv("TOKEN", token(aud=f"wattmark:{digest(asked)}"))
    waiver("approve", "W-7", "--token-env", "TOKEN")
    assert waivers_of(place.policy, place.folder, today())[0].holds


def test_people_of_one_project_are_not_one_person(place: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the policy takes the login, two logins of one branch are two approvals."""
    policy = POLICY.replace(
        "issuers", 'claim = "user_login"\nsubjects = ["project_path:example/models:*"]\nissuers'
    ).replace(f'["{MAIN}"]', '["board", "chair"]')
    Path("wattmark-policy.toml").write_text(policy + "[waivers]\napprovers = 2\n")
    waiver("approve", "W-7", "--token-env", "TOKEN")
    assert "1 of 2 approvals" in waiver("list").output
    monkeypatch.setenv("TOKEN", token(user_login="chair", jti="other"))
    assert "active" in waiver("approve", "W-7", "--token-env", "TOKEN").output
