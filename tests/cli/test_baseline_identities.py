"""Baselines that are approved as waivers are: by signed commits, identity tokens, owners' reviews."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.deciding import PLACE, three, write
from tests.cli.running import verb
from tests.identities.forges import merge_request, pull, review, serving
from tests.identities.keys import needs_git, needs_openssh
from tests.wiring.governed import ANNA, BOARD, EVE, Governed, governed
from wattmark.cli.baseline import group
from wattmark.cli.gate import command as gate
from wattmark.core.errors import EvidenceError, UsageError

pytestmark = [needs_openssh, needs_git]
ISSUER, MAIN = "https://gitlab.com", "project_path:example/models:ref_type:branch:ref:main"
POLICY = f"""
[identity]
allowed_signers = "allowed_signers"
codeowners = "CODEOWNERS"
forge = "FORGE"
issuers = {{"{ISSUER}" = "keys.json"}}
[roles]
board = ["board@example.org", "@board", "{MAIN}"]
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
    """A repository with runs and a baseline that anna set with her key."""
    found = governed(tmp_path, POLICY, repository=True)
    monkeypatch.chdir(found.folder)
    for name in ("WATTMARK_CONFIG", "WATTMARK_AUDIT_LOG", "WATTMARK_FORGE_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    write(Path("old"), *three(1.0, "wide"))
    write(Path("new"), *three(1.0, "narrow"))
    Path("CODEOWNERS").write_text("/*.json @board\n")
    verb(group, "set", "old", *PLACE, "--reason", "new cluster", "--key", found.keys[ANNA])
    found.commit(ANNA)
    return found


def gated() -> tuple[object, str]:
    """Exit code and what was said."""
    found = verb(gate, "new", *PLACE, "--no-log")
    return found.return_value, found.output


def test_a_signed_commit_makes_an_approval_the_signers(place: Governed) -> None:
    """Before it is committed, and in a commit of somebody else's, it is a claim."""
    done = verb(group, "approve", "--as", BOARD)
    assert "it is not committed" in done.stderr
    assert gated()[0] == 3
    place.commit(BOARD)
    assert gated()[0] == 0


@pytest.mark.parametrize(("who", "signed"), [(EVE, True), (ANNA, True), (BOARD, False)])
def test_a_commit_of_another_is_no_approval(place: Governed, who: str, signed: bool) -> None:
    """Nor does a later one of the board's adopt what was there."""
    verb(group, "approve", "--as", BOARD)
    place.commit(who, signed=signed)
    assert gated()[0] == 3
    FILE.write_text(FILE.read_text() + "\n")
    place.commit(BOARD)
    assert gated()[0] == 3


def test_a_commit_that_approved_another_content_approves_nothing(place: Governed) -> None:
    """The approval's lines stay, and the factors below it are changed."""
    verb(group, "approve", "--as", BOARD)
    place.commit(BOARD)
    document = json.loads(FILE.read_text())
    document["baselines"]["default"]["given"]["pue"]["value"] = 2.0
    FILE.write_text(json.dumps(document, indent=1) + "\n")
    place.commit(EVE, signed=False)
    code, text = gated()
    assert code == 3
    assert "no signed commit shows it" in text


def test_a_broken_file_lends_no_signature(place: Governed) -> None:
    """Eve writes the board's approval and breaks the file; the board, who mends it, approved nothing."""
    verb(group, "approve", "--as", BOARD)
    whole = FILE.read_text()
    FILE.write_text(whole + "}")
    place.commit(EVE, signed=False)
    FILE.write_text(whole)
    place.commit(BOARD)
    assert gated()[0] == 3


@pytest.mark.parametrize(
    "token", [{"id": "1"}, {"issuer": "a", "subject": "b", "run": "c", "id": "d", "e": "f"}]
)
@pytest.mark.usefixtures("place")
def test_what_is_kept_of_a_token_is_whole(token: dict[str, str]) -> None:
    """A file that somebody edited is told of, with its place."""
    document = json.loads(FILE.read_text())
    document["baselines"]["default"]["set_by"]["token"] = token
    FILE.write_text(json.dumps(document))
    with pytest.raises(EvidenceError, match="baseline 'default': a token has issuer, subject, run, id"):
        verb(group, "show")


def test_who_set_it_may_be_shown_by_a_signed_commit_too(place: Governed) -> None:
    """A typed name, brought in by a commit of that name's key."""
    FILE.unlink()  # one that is set anew within a second differs from it in no line that says when
    place.commit(ANNA)
    verb(group, "set", "old", *PLACE, "--reason", "again", "--as", ANNA)
    place.commit(ANNA)
    verb(group, "approve", "--key", place.keys[BOARD])
    assert gated()[0] == 0
    verb(group, "set", "old", *PLACE, "--reason", "once more", "--as", ANNA)
    place.commit(EVE)
    verb(group, "approve", "--key", place.keys[BOARD])
    assert gated()[0] == 3


def test_nobody_approves_by_a_commit_what_they_set(place: Governed) -> None:
    """The name or the key gives them away."""
    verb(group, "set", "old", *PLACE, "--reason", "mine", "--key", place.keys[BOARD])
    with pytest.raises(UsageError, match="is the requester"):
        verb(group, "approve", "--as", BOARD.upper())


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_review_of_a_code_owner_approves(
    place: Governed, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """On either forge, of the head that holds the approval; of an older one it does not."""
    monkeypatch.setenv("WATTMARK_FORGE_TOKEN", "s3cret")
    with serving() as forge:
        policy = Path("wattmark-policy.toml")
        policy.write_text(POLICY.replace("FORGE", getattr(forge, kind)))
        place.commit(ANNA)
        verb(group, "approve", "--as", "@board")
        place.commit(EVE, signed=False)
        forge.folder = place.folder
        head, base = (place.git("rev-parse", name).strip() for name in ("HEAD", "HEAD~1"))
        forge.answers[f"/commits/{head}/pulls"] = [pull(forge, head, base)]
        forge.answers["/pulls/7/reviews"] = [review("board", commit=head)]
        if kind == "gitlab":
            merge_request(forge, head, head, base)
        assert gated()[0] == 0
        forge.answers["/pulls/7/reviews"] = [review("board", commit=base)]
        if kind == "gitlab":
            merge_request(forge, head, head, base, approved="2026-11-21T08:00:00Z")
        assert gated()[0] == 3


def test_an_identity_token_approves_where_the_log_has_it(
    place: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bound to this content or to none; of the token nothing is kept that could be used."""
    jwt = pytest.importorskip("jwt")
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    listed = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    Path("keys.json").write_text(json.dumps({"keys": [{**listed, "kid": "k"}]}))

    def token(**changes: Any) -> str:
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER, "sub": MAIN, "aud": "wattmark", "jti": "63ab75f4", "iat": now,
            "exp": now + timedelta(minutes=5), "job_id": "1123", **changes,
        }  # fmt: skip
        return str(jwt.encode(claims, key, algorithm="ES256", headers={"kid": "k"}))

    monkeypatch.setenv("TOKEN", token(aud=f"wattmark:{'00' * 32}"))
    with pytest.raises(UsageError, match="not for wattmark or wattmark:"):
        verb(group, "approve", "--token-env", "TOKEN")
    monkeypatch.setenv("TOKEN", token(sub=MAIN.replace("main", "mine")))
    with pytest.raises(UsageError, match="is not in role board"):
        verb(group, "approve", "--token-env", "TOKEN")
    monkeypatch.setenv("TOKEN", token())
    done = verb(group, "approve", "--token-env", "TOKEN")
    assert f"as {MAIN}" in done.output
    assert done.stderr == ""
    assert gated()[0] == 0
    assert "approved by  " + MAIN + " (by an identity token; a gate checks it)" in verb(group, "show").output
    kept = "".join(path.read_text() for path in place.folder.parent.rglob("*.json"))
    assert not any(part in kept for part in (*token().split(".")[1:], "63ab75f4"))
    monkeypatch.setenv("WATTMARK_AUDIT_LOG", str(place.folder.parent / "another"))
    code, text = gated()
    assert code == 3
    assert "and no audit log confirms that" in text
