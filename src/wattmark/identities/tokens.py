"""Identity tokens of CI systems (OpenID Connect), checked against their issuer's keys.

GitHub Actions: OpenID Connect reference, https://docs.github.com/en/actions/reference/security/oidc;
GitLab: ID tokens, https://docs.gitlab.com/ci/secrets/id_token_authentication. Tokens are RFC 7519, keys
RFC 7517. A token is never stored: whoever reads it could use it while it is valid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.governance.rules import IdentityRules
from wattmark.hashing import sha256
from wattmark.identities.https import NoAnswer, ask

ALGORITHMS = ("RS256", "ES256")
"""What GitHub and GitLab sign with. Never ``none``, and no secret that two share."""
LEEWAY_SECONDS = 60
"""Between the clocks of issuer and reader."""
LEAST_BITS = 2048
"""Of RSA keys (NIST SP 800-131A Rev. 2, Transitioning the Use of Cryptographic Algorithms, 2019)."""
LONGEST = 32768
RUNS = ("run_id", "job_id", "pipeline_id")
"""Claims that name the run: of GitHub, of GitLab."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a token says that was found good."""

    issuer: str
    subject: str
    name: str
    """Who it is, by the claim that the policy names."""
    run: str
    """Of the pipeline; empty where it does not say."""
    id: str
    """SHA-256 of the token's own id (``jti``): it tells two tokens apart, and nobody can use it."""
    bound: bool
    """Whether its audience names the very content that is approved."""

    @property
    def record(self) -> dict[str, str]:
        """What is kept of it."""
        return {
            "issuer": self.issuer, "subject": self.subject, "run": self.run or "not stated", "id": self.id,
        }  # fmt: skip


class TokenRefused(UsageError):
    """A token that shows nothing. Says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"the identity token is refused: {problem}")


def verify(
    token: str,
    rules: IdentityRules,
    *,
    now: datetime,
    digest: str = "",
    folder: Path = Path(),
    keys_at: Callable[[str, Path], Mapping[str, Any]] | None = None,
) -> Verified:
    """What a token says, when an issuer of the policy signed it for us and it holds now.

    ``digest`` is that of what is approved: an audience may be bound to it. Raises TokenRefused with the
    reason, MissingExtra without ``wattmark[identity]``.
    """
    try:
        import jwt
    except ImportError:
        raise MissingExtra("checking identity tokens", "identity") from None
    token = token.strip()
    if not token or len(token) > LONGEST:
        raise TokenRefused("it is empty" if not token else f"it has more than {LONGEST} characters")
    try:
        header = jwt.get_unverified_header(token)
        said = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise TokenRefused(f"it is no JSON web token ({error})") from None
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused(
            f"it is signed with {header.get('alg')!r:.20}; only {' and '.join(ALGORITHMS)} count"
        )
    issuer = said.get("iss")
    if not isinstance(issuer, str) or issuer not in rules.issuers:
        listed = ", ".join(rules.issuers) or "none"
        raise TokenRefused(
            f"its issuer {issuer!r:.100} is not one of [identity.issuers] of the policy ({listed})"
        )
    found = (keys_at or read_keys)(rules.issuers[issuer], folder)
    key = _key(found, header, rules.issuers[issuer])
    audiences = [rules.audience, *([f"{rules.audience}:{digest}"] if digest else [])]
    try:
        claims = jwt.decode(
            token,
            key=key,
            algorithms=[header["alg"]],
            audience=audiences,
            issuer=issuer,
            options={
                "require": ["exp", "iat", "aud", "iss", "sub"],
                # Times are held against the moment that was handed in, below.
                "verify_exp": False, "verify_nbf": False, "verify_iat": False,
            },
        )  # fmt: skip
    except jwt.InvalidAudienceError:
        raise TokenRefused(f"it is for {said.get('aud')!r:.200}, not for {' or '.join(audiences)}") from None
    except jwt.InvalidSignatureError:
        raise TokenRefused(f"its signature does not fit the key of {issuer}") from None
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise TokenRefused(str(error)) from None
    _check_times(claims, now)
    return _verified(claims, rules, token, audiences)


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    moment = now.timestamp()
    for name in ("exp", "nbf", "iat"):
        at = claims.get(name)
        if at is None and name == "nbf":
            continue
        if isinstance(at, bool) or not isinstance(at, int | float) or not 0 < at < 1e11:
            raise TokenRefused(f"its {name} is no time")
        if name == "exp" and moment > at + LEEWAY_SECONDS:
            raise TokenRefused(f"it expired at {_told(at)}: ask for it in the same job, just before")
        if name != "exp" and moment < at - LEEWAY_SECONDS:
            raise TokenRefused(f"it holds from {_told(at)} on: are the clocks right?")


def _verified(claims: Mapping[str, Any], rules: IdentityRules, token: str, audiences: list[str]) -> Verified:
    subject = _claim(claims, "sub")
    if why := refused(str(claims["iss"]), subject, rules):
        raise TokenRefused(why)
    if rules.claim != "sub" and str(claims.get("ref_protected", "true")).lower() == "false":
        raise TokenRefused(
            f"its branch or tag is not protected: whoever may push there writes the job, and {rules.claim!r} "
            "names whoever set it off"
        )
    named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    return Verified(
        issuer=str(claims["iss"]),
        subject=subject,
        name=_claim(claims, rules.claim),
        run=next((_claim(claims, name) for name in RUNS if claims.get(name)), ""),
        id=sha256(str(claims.get("jti") or token).encode()).hexdigest(),
        bound=any(audience in named for audience in audiences[1:]),
    )


def refused(issuer: str, subject: str, rules: IdentityRules) -> str:
    """Why a policy takes no token of a subject from an issuer; empty: it does."""
    if issuer not in rules.issuers:
        return f"its issuer {issuer!r:.100} is not one of [identity.issuers] of the policy"
    if rules.claim != "sub" and not rules.subjects:
        return (
            f"[identity] claim is {rules.claim!r}, and anybody may run a job of their own at this issuer: "
            'name the projects with subjects = ["repo:OWNER/NAME:*"]'
        )
    if rules.subjects and not any(fnmatchcase(subject, pattern) for pattern in rules.subjects):
        return f"its subject {subject!r} is not one of [identity] subjects"
    return ""


def _claim(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text or len(text) > 400 or not text.isprintable():
        raise TokenRefused(f"its claim {name!r} says nothing that names somebody")
    return text


def _key(found: Mapping[str, Any], header: Mapping[str, Any], address: str) -> Any:
    """The public key that a token's header names, of the right kind."""
    import jwt

    keys = [key for key in found.get("keys", ()) if isinstance(key, dict)]
    kid = header.get("kid")
    fit = [key for key in keys if key.get("kid") == kid] if kid else keys
    if len(fit) != 1:
        listed = ", ".join(str(key.get("kid"))[:40] for key in keys) or "none"
        raise TokenRefused(
            f"it is signed with key {kid!r:.60}, and {address} lists {len(fit)} of that name "
            f"(keys: {listed:.300})"
        )
    (one,) = fit
    kind = {"RS256": "RSA", "ES256": "EC"}[header["alg"]]
    if (
        one.get("kty") != kind
        or one.get("use", "sig") != "sig"
        or one.get("alg", header["alg"]) != header["alg"]
    ):
        raise TokenRefused(f"key {kid!r:.60} of {address} is not one for {header['alg']}")
    try:
        key = jwt.PyJWK.from_dict(one, algorithm=header["alg"]).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused(f"key {kid!r:.60} of {address} cannot be read: {error}") from None
    if kind == "RSA" and key.key_size < LEAST_BITS:
        raise TokenRefused(f"key {kid!r:.60} of {address} has {key.key_size} bits, of {LEAST_BITS} at least")
    return key


def read_keys(address: str, folder: Path) -> Mapping[str, Any]:
    """The keys (JWKS) at an address, or in a file beside the policy. Asked each time: issuers change keys.

    Raises TokenRefused.
    """
    if "://" in address:
        found = _ask(address, address)
    else:
        try:
            found = json.loads(_read(folder / address, address))
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise TokenRefused(f"{address} holds no keys: it must be a JSON object with `keys` (JWKS)")
    return found


def github_token(environ: Mapping[str, str], audience: str) -> str:
    """A token for this job of GitHub Actions, made for an audience. Raises TokenRefused."""
    url, secret = (environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "") for name in ("URL", "TOKEN"))
    if not url or not secret:
        raise TokenRefused("this is no job of GitHub Actions with `permissions: id-token: write`")
    address = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
    answer = _ask(address, "the token service", {"Authorization": f"bearer {secret}"})
    if not isinstance(answer, dict) or not isinstance(answer.get("value"), str):
        raise TokenRefused("the token service answered with something else than a token")
    return str(answer["value"])


def _ask(url: str, what: str, headers: Mapping[str, str] | None = None) -> Any:
    try:
        return ask(url, what, headers)
    except NoAnswer as reason:
        raise TokenRefused(str(reason)) from None


def _read(file: Path, address: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TokenRefused(f"the keys in {address} cannot be read: {error.strerror}") from None


def _told(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
