"""Identity tokens as GitHub and GitLab make them, with real keys that a local server lists."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from wattmark.core.governance.rules import IdentityRules
from wattmark.identities.tokens import TokenRefused, github_token, read_keys, verify

jwt = pytest.importorskip("jwt")
pytest.importorskip("cryptography")
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: E402 - only where it is installed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:example/models:ref:refs/heads/main"
OLD, NEW, WEAK = (rsa.generate_private_key(public_exponent=65537, key_size=n) for n in (2048, 2048, 1024))
CURVE = ec.generate_private_key(ec.SECP256R1())
DIGEST = "ab" * 32


def listed(key: Any, kid: str, **more: str) -> dict[str, Any]:
    """A public key as issuers list it."""
    name = "RSAAlgorithm" if isinstance(key, rsa.RSAPrivateKey) else "ECAlgorithm"
    algorithm = getattr(jwt.algorithms, name)
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", **more}


KEYS: dict[str, Any] = {
    "keys": [listed(OLD, "old"), listed(NEW, "new"), listed(CURVE, "curve"), listed(WEAK, "weak")]
}


class Server(ThreadingHTTPServer):
    """Answers with keys at /jwks, with a token at /token, and elsewhere in other ways."""

    keys: Any = KEYS
    asked: list[tuple[str, str]]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """See Server."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/jwks")
            self.end_headers()
            return
        place = self.path.partition("?")[0]
        body = {"/jwks": json.dumps(self.server.keys), "/junk": "hello", "/list": "[]"}.get(place, "")
        if self.path.startswith("/token"):
            body = json.dumps({"value": "a.b.c"})
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine."""
    found = Server(("127.0.0.1", 0), Handler)
    found.asked = []
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def rules(address: str, **more: Any) -> IdentityRules:
    """A policy that knows one issuer."""
    return IdentityRules(issuers={ISSUER: address}, **more)


def token(key: Any = NEW, kid: str | None = "new", algorithm: str = "RS256", **changes: Any) -> str:
    """A token as GitHub makes it, for now."""
    now = int(NOW.timestamp())
    claims = {
        "iss": ISSUER, "sub": SUBJECT, "aud": "wattmark", "jti": "j-1", "iat": now, "nbf": now - 5,
        "exp": now + 300, "actor": "anna", "run_id": "4711", **changes,
    }  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return str(jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else {}))


def test_a_good_token_says_who_and_where(server: Server) -> None:
    """By its subject; of the token itself nothing is kept that could be used."""
    made = token()
    found = verify(made, rules(f"{server.url}/jwks"), now=NOW)
    assert (found.name, found.subject, found.issuer, found.run) == (SUBJECT, SUBJECT, ISSUER, "4711")
    assert len(found.id) == 64
    assert not found.bound
    assert not any(part in json.dumps(found.record) for part in made.split("."))
    assert "j-1" not in json.dumps(found.record)


def test_elliptic_curves_are_fine_too(server: Server) -> None:
    """ES256; and GitLab's claims, with keys in a file."""
    made = token(CURVE, "curve", "ES256", run_id=None, job_id=12)
    assert verify(made, rules(f"{server.url}/jwks"), now=NOW).run == "12"


def test_keys_may_lie_in_a_file_beside_the_policy(tmp_path: Path) -> None:
    """For gates that reach nobody."""
    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    assert verify(token(), rules("keys.json"), now=NOW, folder=tmp_path).name == SUBJECT
    with pytest.raises(TokenRefused, match=r"gone\.json cannot be read"):
        verify(token(), rules("gone.json"), now=NOW, folder=tmp_path)


def test_an_issuer_may_change_its_keys(server: Server) -> None:
    """Old and new are good side by side; what is no longer listed is not."""
    for key, kid in ((OLD, "old"), (NEW, "new")):
        assert verify(token(key, kid), rules(f"{server.url}/jwks"), now=NOW).name == SUBJECT
    server.keys = {"keys": [listed(NEW, "new")]}
    with pytest.raises(
        TokenRefused, match=r"signed with key 'old', and .* lists 0 of that name \(keys: new\)"
    ):
        verify(token(OLD, "old"), rules(f"{server.url}/jwks"), now=NOW)
    assert verify(token(kid=None), rules(f"{server.url}/jwks"), now=NOW).name == SUBJECT


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exp": int(NOW.timestamp()) - 61}, "it expired at 2026-11-22T11:58:59Z"),
        ({"nbf": int(NOW.timestamp()) + 61}, "it holds from 2026-11-22T12:01:01Z on"),
        ({"iat": int(NOW.timestamp()) + 61}, "it holds from"),
        ({"exp": None}, 'missing the "exp" claim'),
        ({"exp": True}, "its exp is no time"),
        ({"aud": "sts.amazonaws.com"}, "it is for 'sts.amazonaws.com', not for wattmark"),
        ({"aud": f"wattmark:{'cd' * 32}"}, "not for wattmark or wattmark:abab"),
        ({"aud": None}, "for None|aud"),
        ({"iss": "https://evil.example.org"}, "its issuer 'https://evil.example.org' is not one of"),
        ({"iss": f"{ISSUER}/"}, "is not one of"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "its claim 'sub' says nothing"),
        ({"sub": "a\x1b[2J"}, "its claim 'sub' says nothing"),
    ],
)
def test_what_a_token_must_say(server: Server, changes: dict[str, Any], why: str) -> None:
    """Each claim that is wrong is named."""
    with pytest.raises(TokenRefused, match=why):
        verify(token(**changes), rules(f"{server.url}/jwks"), now=NOW, digest=DIGEST)


def test_a_token_can_be_bound_to_what_it_approves(server: Server) -> None:
    """Its audience names the content: it is good for nothing else."""
    made = token(aud=[f"wattmark:{DIGEST}"])
    assert verify(made, rules(f"{server.url}/jwks"), now=NOW, digest=DIGEST).bound
    with pytest.raises(TokenRefused, match="not for wattmark or wattmark:cd"):
        verify(made, rules(f"{server.url}/jwks"), now=NOW, digest="cd" * 32)


def plain(part: dict[str, Any]) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_only_signatures_with_two_keys_count(server: Server) -> None:
    """No token without one, none with a secret, none whose secret is the public key."""
    body = json.loads(base64.urlsafe_b64decode(token().split(".")[1] + "=="))
    none = f"{plain({'alg': 'none', 'kid': 'new'})}.{plain(body)}."
    secret = jwt.encode(body, "x" * 64, algorithm="HS256", headers={"kid": "new"})
    for made in (none, secret):
        with pytest.raises(TokenRefused, match="only RS256 and ES256 count"):
            verify(made, rules(f"{server.url}/jwks"), now=NOW)


def test_a_signature_is_of_the_key_it_names(server: Server) -> None:
    """Of another key, of another kind, too short, changed afterwards, or no token at all."""
    where = rules(f"{server.url}/jwks")
    head, _, tail = token().split(".")
    forged = (
        f"{head}.{plain({'iss': ISSUER, 'sub': 'repo:a/b', 'aud': 'wattmark', 'iat': 1, 'exp': 9e9})}.{tail}"
    )
    for made, why in [
        (token(OLD, "new"), "its signature does not fit the key"),
        (forged, "its signature does not fit the key"),
        (token(NEW, "curve"), "is not one for RS256"),
        (token(WEAK, "weak"), "has 1024 bits, of 2048 at least"),
        ("hello", "it is no JSON web token"),
        ("", "it is empty"),
        ("x" * 40000, "more than 32768 characters"),
    ]:
        with pytest.raises(TokenRefused, match=why):
            verify(made, where, now=NOW)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ({"kty": "oct", "k": "eA", "kid": "new"}, "is not one for RS256"),
        ({"kty": "RSA", "kid": "new"}, "cannot be read"),
        ({"kty": "RSA", "kid": "new", "use": "enc"}, "is not one for RS256"),
    ],
)
def test_keys_that_are_none(key: dict[str, str], why: str) -> None:
    """Are refused with their place."""
    with pytest.raises(TokenRefused, match=why):
        verify(token(), rules("x"), now=NOW, keys_at=lambda *_: {"keys": [key]})


def test_two_keys_of_one_name_are_none() -> None:
    """Nobody could say which."""
    twice = {"keys": [listed(NEW, "new"), listed(OLD, "new")]}
    with pytest.raises(TokenRefused, match="lists 2 of that name"):
        verify(token(), rules("x"), now=NOW, keys_at=lambda *_: twice)


def test_another_claim_names_people_only_within_named_projects(server: Server) -> None:
    """Whoever made anna run a job of theirs would else speak for her."""
    where = f"{server.url}/jwks"
    with pytest.raises(TokenRefused, match="name the projects with subjects"):
        verify(token(), rules(where, claim="actor"), now=NOW)
    ours = rules(where, claim="actor", subjects=("repo:example/*:ref:refs/heads/main",))
    assert verify(token(), ours, now=NOW).name == "anna"
    with pytest.raises(TokenRefused, match=r"is not one of \[identity\] subjects"):
        verify(token(sub="repo:eve/models:ref:refs/heads/main"), ours, now=NOW)
    with pytest.raises(TokenRefused, match="its claim 'actor' says nothing"):
        verify(token(actor=None), ours, now=NOW)


@pytest.mark.parametrize("protected", ["false", False])
def test_a_job_that_anybody_may_write_speaks_for_nobody(server: Server, protected: object) -> None:
    """A pull request's job is written by its author, and runs as whoever sets a label on it."""
    where = f"{server.url}/jwks"
    ours = rules(where, claim="actor", subjects=("repo:example/models:*",))
    theirs = token(sub="repo:example/models:pull_request", ref_protected=protected)
    with pytest.raises(TokenRefused, match="its branch or tag is not protected"):
        verify(theirs, ours, now=NOW)
    assert verify(token(ref_protected="true"), ours, now=NOW).name == "anna"
    assert verify(theirs, rules(where), now=NOW).name == "repo:example/models:pull_request"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/junk", "something else than JSON"),
        ("/list", "holds no keys"),
        ("/gone", "does not answer as it should: HTTP 404"),
        ("/moved", "does not answer as it should: HTTP 302"),
    ],
)
def test_servers_that_hold_no_keys(server: Server, path: str, why: str) -> None:
    """Are named; nobody is led elsewhere."""
    with pytest.raises(TokenRefused, match=why):
        read_keys(f"{server.url}{path}", Path())


def test_keys_come_over_a_safe_way() -> None:
    """Or from this machine; a server that is not there is named."""
    for address in ("http://example.org/jwks", "ftp://example.org/jwks", "file:///etc/passwd"):
        with pytest.raises(TokenRefused, match="only https:// is"):
            read_keys(address, Path())
    with pytest.raises(TokenRefused, match="does not answer as it should"):
        read_keys("http://127.0.0.1:9/jwks", Path())


def test_a_job_of_github_asks_for_its_token(server: Server) -> None:
    """With the audience in the address and the job's secret in the header; the secret is in no error."""
    environ = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cret",
    }
    assert github_token(environ, f"wattmark:{DIGEST}") == "a.b.c"
    assert server.asked == [(f"/token?api-version=2.0&audience=wattmark%3A{DIGEST}", "bearer s3cret")]
    with pytest.raises(TokenRefused, match="this is no job of GitHub Actions"):
        github_token({}, "wattmark")
    with pytest.raises(TokenRefused, match="something else than JSON") as caught:
        github_token({**environ, "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/junk"}, "w")
    assert "s3cret" not in str(caught.value)


def test_tokens_hold_until_the_minute_after(server: Server) -> None:
    """Clocks differ by a little."""
    late = NOW + timedelta(seconds=359)
    assert verify(token(), rules(f"{server.url}/jwks"), now=late).name == SUBJECT
