"""Asks the HTTP API of a Prometheus (or of what speaks it: Thanos, Mimir, VictoriaMetrics) for series.

API: https://prometheus.io/docs/prometheus/latest/querying/api/. Certificates are checked, redirects are not
followed, and an account comes from the environment or ``~/.netrc`` only: never from an address, which ends
up in logs.
"""

from __future__ import annotations

import base64
import gzip
import netrc
import ssl
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit

import msgspec

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.userhome import home_of_user

TOKEN = "WATTMARK_PROMETHEUS_TOKEN"
USER = "WATTMARK_PROMETHEUS_USER"
PASSWORD = "WATTMARK_PROMETHEUS_PASSWORD"
LOCAL = ("localhost", "127.0.0.1", "::1")
TRIES = 4
"""How often one question is put; a server that is down is not waited for long."""
PAUSE_SECONDS = 0.5
"""Before the second try; twice as long before each next."""
MOST_BYTES = 1 << 30
"""A longer answer is asked for in smaller pieces."""
BUSY = (429, 500, 502, 503, 504)
"""Answers that may be another one in a moment."""
SHOWN = 200


class TooMuch(Exception):
    """The server refuses to load so many samples at once, or takes too long: ask for less."""


class Found(msgspec.Struct):
    """One series of an answer."""

    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _Matrix(msgspec.Struct):
    result: list[Found] = []


class _Answer(msgspec.Struct):
    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    errorType: str = ""
    error: str = ""
    warnings: list[str] | None = None


T = TypeVar("T")
Opener = Callable[[request.Request, float], "Reply"]
"""Sends a request, with a time limit in seconds; raises OSError or HTTPException."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(kw_only=True)
class Api:
    """One server. Every method raises EvidenceError, which names the address and what to try."""

    url: str
    """Without a trailing slash; the path before ``/api/v1`` belongs to it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    opener: Opener
    pause: Callable[[float], None] = time.sleep
    warnings: dict[str, None] = field(default_factory=dict)
    """What the server said beside its answers, each once."""

    def names(self, start: float, end: float) -> list[str]:
        """Names of all metrics that there were in a stretch of time (seconds since 1970)."""
        return self._listed("label/__name__/values", {}, start, end, list[str])

    def series(self, selector: str, start: float, end: float) -> list[dict[str, str]]:
        """Labels of the series of a selector that there were."""
        return self._listed("series", {"match[]": selector}, start, end, list[dict[str, str]])

    def raw(self, selector: str, start_ms: int, end_ms: int) -> list[Found]:
        """Samples as they were stored, from start to end, both inclusive. Raises TooMuch.

        A range selector gives them with their own times; newer servers leave out its left end, so that it
        begins a millisecond earlier.
        """
        query = f"{selector}[{end_ms - start_ms + 1}ms]"
        asked = {"query": query, "time": _number(end_ms / 1e3)}
        return self._matrix("query", asked)

    def stepped(self, selector: str, start_ms: int, end_ms: int, step_seconds: float) -> list[Found]:
        """Samples at each step, as the server makes them up. Raises TooMuch."""
        asked = {
            "query": selector,
            "start": _number(start_ms / 1e3),
            "end": _number(end_ms / 1e3),
            "step": _number(step_seconds),
        }
        return self._matrix("query_range", asked)

    def _listed(self, path: str, asked: Mapping[str, str], start: float, end: float, kind: type[T]) -> T:
        try:
            return self._decoded(path, {**asked, "start": _number(start), "end": _number(end)}, kind)
        except TooMuch as error:
            raise EvidenceError(
                self.url, f"did not list its {path} ({error}): raise -o timeout, or ask for a shorter time"
            ) from None

    def _matrix(self, path: str, asked: Mapping[str, str]) -> list[Found]:
        return self._decoded(path, asked, _Matrix).result

    def _decoded(self, path: str, asked: Mapping[str, str], kind: type[T]) -> T:
        url = f"{self.url}/api/v1/{path}?{urlencode(asked)}"
        reply = self._asked(url)
        try:
            answer = msgspec.json.decode(reply.body, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._strange(path, reply) from None
        for warning in answer.warnings or ():
            self.warnings[warning] = None
        if answer.status != "success":
            raise self._refused(path, reply.status, answer)
        try:
            return msgspec.json.decode(answer.data, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise EvidenceError(
                self.url, f"answered {path} in another form than Prometheus's API has: {error}"
            ) from None

    def _asked(self, url: str) -> Reply:
        """The answer to one question, put again where it may be another one in a moment."""
        ask = request.Request(url, headers={"Accept-Encoding": "gzip", **self.headers})
        for attempt in range(1, TRIES + 1):
            try:
                reply = _unpacked(self.opener(ask, self.timeout_seconds))
            except TimeoutError:
                raise TooMuch(f"no answer within {self.timeout_seconds:g} s") from None
            except (OSError, HTTPException, zlib.error, EOFError) as error:
                if attempt == TRIES or isinstance(error, ssl.SSLError) or _is_tls(error):
                    raise EvidenceError(self.url, _unreachable(error)) from None
            else:
                if reply.status not in BUSY or attempt == TRIES or _too_much(reply.body):
                    return reply
            self.pause(PAUSE_SECONDS * 2 ** (attempt - 1))
        raise AssertionError("a loop that always ends in a return or a raise")

    def _refused(self, path: str, status: int, answer: _Answer) -> Exception:
        if _too_much(answer.error.encode()) or answer.errorType in ("timeout", "canceled"):
            return TooMuch(answer.error)
        return EvidenceError(self.url, f"refused {path} ({status}): {answer.error or answer.errorType}")

    def _strange(self, path: str, reply: Reply) -> Exception:
        """An answer that is no JSON of the API: says what it looks like and what to try."""
        if _too_much(reply.body) or reply.status == 504:
            return TooMuch(reply.body[:SHOWN].decode("utf-8", "replace"))
        said = reply.body[:SHOWN].decode("utf-8", "replace").split("\n")[0].strip()
        what = f"answered {reply.status} to /api/v1/{path}"
        if reply.status in (301, 302, 303, 307, 308):
            to = reply.headers.get("location", "another place")
            return EvidenceError(
                self.url, f"{what} with a redirect to {to}, which is not followed: give that"
            )
        if reply.status in (401, 403):
            return EvidenceError(
                self.url, f"{what}: set {TOKEN}, or {USER} and {PASSWORD}, or an entry in ~/.netrc"
            )
        if reply.status == 404:
            return EvidenceError(
                self.url,
                f"{what}: the address must be the one before /api/v1, e.g. http://host:9090/prometheus",
            )
        if reply.status == 200 and not said.startswith("<"):
            return EvidenceError(
                self.url, f"{what} with JSON that breaks off or is none: {said!r}; try again"
            )
        return EvidenceError(
            self.url, f"{what} with something that is no JSON: {said!r}; is it a Prometheus?"
        )


def open_api(
    url: str,
    environment: Mapping[str, str],
    *,
    timeout_seconds: float = 60.0,
    cafile: str | None = None,
    tenant: str | None = None,
    home: Path | None = None,
) -> Api:
    """A server by its address. Raises UsageError for an address that is none or holds a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no address of a Prometheus: write http://host:9090")
    if parts.username or parts.password:
        raise UsageError(
            f"an account in the address of {parts.hostname} would end up in logs: set {USER} and {PASSWORD},"
            f" or {TOKEN}"
        )
    headers = _account(parts.hostname, environment, home)
    if headers and parts.scheme == "http" and parts.hostname not in LOCAL:
        raise UsageError(f"an account must not travel in the clear: ask {parts.hostname} over https")
    if tenant:
        headers["X-Scope-OrgID"] = tenant
    return Api(
        url=f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/api/v1')}",
        headers=headers,
        timeout_seconds=timeout_seconds,
        opener=_opener(cafile),
    )


def _account(host: str, environment: Mapping[str, str], home: Path | None) -> dict[str, str]:
    """The header that says who asks: token, then user and password, then ~/.netrc."""
    if environment.get(TOKEN):
        return {"Authorization": f"Bearer {environment[TOKEN]}"}
    user, password = environment.get(USER, ""), environment.get(PASSWORD, "")
    if not user:
        user, password = _from_netrc(host, environment, home)
    if not user:
        return {}
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _from_netrc(host: str, environment: Mapping[str, str], home: Path | None) -> tuple[str, str]:
    path = Path(environment.get("NETRC") or (home or home_of_user()) / ".netrc")
    try:
        found = netrc.netrc(str(path)).authenticators(host)
    except FileNotFoundError:
        return "", ""
    except (OSError, netrc.NetrcParseError) as error:
        raise UsageError(f"{path} cannot be read: {error.msg if hasattr(error, 'msg') else error}") from None
    return (found[0], found[2] or "") if found else ("", "")


def _opener(cafile: str | None) -> Opener:
    class Stay(request.HTTPRedirectHandler):
        """Follows no redirect: it would carry the account to another place."""

        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    try:
        context = ssl.create_default_context(cafile=cafile)
    except OSError as error:
        raise UsageError(f"{cafile} holds no certificates: {error.strerror or error}") from None
    director = request.build_opener(request.HTTPSHandler(context=context), Stay)

    def send(asked: request.Request, timeout_seconds: float) -> Reply:
        try:
            with director.open(asked, timeout=timeout_seconds) as answer:
                return Reply(answer.status, _lower(answer.headers), answer.read(MOST_BYTES + 1))
        except HTTPError as error:
            with error:  # it holds the connection
                return Reply(error.code, _lower(error.headers), error.read(MOST_BYTES))

    return send


def _lower(headers: Message) -> dict[str, str]:
    return {k.lower(): v for k, v in headers.items()}


def _unpacked(reply: Reply) -> Reply:
    if len(reply.body) > MOST_BYTES:
        raise TooMuch(f"the answer is longer than {MOST_BYTES >> 20} MiB")
    if reply.headers.get("content-encoding") != "gzip":
        return reply
    return Reply(reply.status, reply.headers, gzip.decompress(reply.body))


def _too_much(body: bytes) -> bool:
    """The words of Prometheus, Thanos, Mimir and VictoriaMetrics for a question that is too large."""
    said = body[:2000].lower()
    words = (
        b"too many samples",
        b"timed out",
        b"exceeded maximum resolution",
        b"limit exceeded",
        b"max-samples",
        b"maxsamplesperquery",
        b"max-query-length",
        b"query time range exceeds",
    )
    return any(word in said for word in words)


def _is_tls(error: Exception) -> bool:
    return isinstance(error, URLError) and isinstance(error.reason, ssl.SSLError)


def _unreachable(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    said = str(reason) or type(reason).__name__
    if isinstance(reason, ssl.SSLError):
        return f"its certificate or TLS is not accepted ({said}); give its authority with -o ca=FILE"
    return f"did not answer: {said}; check the address, and that the server runs"


def selector_of(name: str, matchers: Sequence[str] = ()) -> str:
    """A selector of one metric, with further matchers such as ``cluster="a"``."""
    return "{" + ",".join([f'__name__="{name}"', *matchers]) + "}"


def _number(value: float) -> str:
    """A number as the API reads it, to the millisecond, without an exponent."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
