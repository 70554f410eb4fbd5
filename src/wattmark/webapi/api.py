"""Speaks to JSON APIs over HTTP: forges, chats, trackers, webhooks. The standard library alone.

It tries again where that may help and can do no harm, obeys Retry-After, and gives up after some tries. What
may have been taken already is not sent a second time, unless its caller says that twice is as good as once.
Redirects are not followed, because credentials would go with them. No message of an error holds a secret.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import (
    BaseHandler,
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from wattmark.core.errors import DeliveryError, UsageError, without_secrets
from wattmark.version import __version__
from wattmark.webapi.addresses import checked_address, is_loopback
from wattmark.webapi.answers import Answer, said, seconds_asked

NOT_TAKEN = (408, 429)
"""Statuses by which a server says that it did not take what was sent."""
PASSING = (500, 502, 503, 504)
"""Statuses that may be over by the next try; what was sent may have been taken all the same."""
HARMLESS = ("GET", "HEAD", "PUT", "DELETE")
"""Methods of which twice is as good as once (RFC 9110, HTTP Semantics, 2022, section 9.2.2,
https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2)."""
CREDENTIALS = ("authorization", "proxy-authorization", "private-token", "job-token", "cookie", "x-api-key")
LONGEST_WAIT = 60.0
"""Seconds that a Retry-After can hold us up; who asks for more is told of as an error."""
MOST_BYTES = 8 << 20
"""Of one answer."""
MOST_PAGES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one call may take."""

    timeout: float = 10.0
    """Seconds for every step of a try: connecting, sending, each read."""
    attempts: int = 4
    first_wait: float = 0.5
    """Seconds before the second try; then twice as long each time."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a try did not do."""

    problem: str
    passing: bool
    """Whether another try may do better."""
    untaken: bool = False
    """Whether it is sure that the other side did not take what was sent."""
    asked: float = 0.0
    """Seconds that the other side wants us to wait."""
    status: int | None = None


@dataclass(slots=True)
class Api:
    """One JSON API. Raises UsageError for an address that cannot be meant, or credentials in clear."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every call; the values of those that carry credentials are in no error."""
    secrets: tuple[str, ...] = ()
    """What else is hidden in every error, and never sent in clear: parts of the address, signing keys."""
    shown: str = ""
    """What the address is called in errors, where it is a secret itself; empty: as it is, without secrets."""
    patience: Patience = field(default_factory=Patience)
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    proxies: Mapping[str, str] | None = None
    """Scheme -> proxy; None: those of the environment. Never for this machine's own addresses."""
    most_bytes: int = MOST_BYTES
    _opener: OpenerDirector = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checked_address(self.base, self.shown)
        parts = urlsplit(self.base)
        own = is_loopback(parts.hostname or "")
        if parts.scheme == "http" and not own and (self.secrets or self._credentials()):
            raise UsageError(f"{self._place(self.base)}: a secret would go there in clear: write https://")
        handlers: list[BaseHandler] = [_NoRedirect()]
        if own:
            handlers.append(ProxyHandler({}))
        elif self.proxies is not None:
            handlers.append(ProxyHandler(dict(self.proxies)))
        self._opener = build_opener(*handlers)

    def get(self, path: str = "", query: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """``call("GET", ...)``."""
        return self.call("GET", path, query=query, **more)

    def post(self, path: str = "", body: object = None, **more: Any) -> Answer:
        """``call("POST", ...)``."""
        return self.call("POST", path, body=body, **more)

    def put(self, path: str = "", body: object = None, **more: Any) -> Answer:
        """``call("PUT", ...)``."""
        return self.call("PUT", path, body=body, **more)

    def patch(self, path: str = "", body: object = None, **more: Any) -> Answer:
        """``call("PATCH", ...)``."""
        return self.call("PATCH", path, body=body, **more)

    def delete(self, path: str = "", **more: Any) -> Answer:
        """``call("DELETE", ...)``."""
        return self.call("DELETE", path, **more)

    def pages(
        self, path: str = "", query: Mapping[str, str] | None = None, most: int = MOST_PAGES
    ) -> Iterator[Answer]:
        """Every page of a list, by its Link headers. Raises DeliveryError where one leads elsewhere."""
        answer = self.get(path, query)
        for _ in range(most - 1):
            yield answer
            if not (following := answer.next_page):
                return
            answer = self.get(self._here(urljoin(self._url(path, None), following)))
        yield answer
        if answer.next_page:
            raise DeliveryError(answer.place, f"has more than {most} pages")

    def call(
        self,
        method: str,
        path: str = "",
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        expect: Collection[int] = (),
    ) -> Answer:
        """One answer with a status of 200 to 299, or one of ``expect``.

        ``path`` follows the base, or is an address of its host. ``body`` goes as JSON, ``data`` as it is.
        ``repeatable``: whether twice is as good as once; None: as the method says. Raises DeliveryError.
        """
        url = self._url(path, query)
        sent = json.dumps(body, ensure_ascii=False).encode() if data is None and body is not None else data
        request = Request(url, data=sent, method=method, headers=self._named(headers, sent))
        again = method in HARMLESS if repeatable is None else repeatable
        pause, attempt = self.patience.first_wait, 0
        while True:
            attempt += 1
            result = self._try(request, expect)
            if isinstance(result, Answer):
                return result
            last = not result.passing or attempt >= self.patience.attempts or not (again or result.untaken)
            if last or result.asked > LONGEST_WAIT:
                raise self._error(url, result, attempt, taken=not again and not result.untaken)
            self.wait(max(pause, result.asked))
            pause *= 2

    def _try(self, request: Request, expect: Collection[int]) -> Answer | _Failure:
        try:
            with self._opener.open(request, timeout=self.patience.timeout) as answer:
                return self._whole(request, answer, answer.status, answer.headers)
        except HTTPError as error:
            with error:
                if error.code in expect:
                    return self._whole(request, error, error.code, error.headers)
                return self._refusal(error)
        except URLError as error:  # not connected, or not wholly sent: nobody can have taken it
            hopeless = isinstance(error.reason, ssl.SSLCertVerificationError)
            return _Failure(str(error.reason) or "no connection", not hopeless, untaken=True)
        except (OSError, HTTPException, ValueError) as error:  # the answer did not come, or not whole
            return _Failure(str(error) or type(error).__name__, True)

    def _whole(self, request: Request, answer: IO[bytes], status: int, headers: Message) -> Answer:
        place = self._place(request.full_url)
        body = answer.read(self.most_bytes + 1)
        if len(body) > self.most_bytes:
            raise DeliveryError(place, f"answered with more than {self.most_bytes} bytes", status)
        lower = {name.lower(): value for name, value in headers.items()}
        return Answer(status=status, body=body, headers=lower, place=place)

    def _refusal(self, error: HTTPError) -> _Failure:
        """What an answer outside 200 to 299 means."""
        status, headers = error.code, error.headers
        if 300 <= status < 400:
            moved = without_secrets(headers.get("Location", "elsewhere"))
            return _Failure(
                f"HTTP {status}: it has moved to {moved}; give that address", False, status=status
            )
        try:
            words = error.read(1 << 16).decode("utf-8", "replace")
        except (OSError, HTTPException, ValueError):
            words = ""
        asked = seconds_asked(headers.get("Retry-After", ""), self.now())
        slowed = status == 403 and "Retry-After" in headers  # GitHub's secondary rate limits
        problem = f"HTTP {status} {said(words)}".strip()
        return _Failure(
            problem,
            status in (*NOT_TAKEN, *PASSING) or slowed,
            untaken=status in NOT_TAKEN or slowed,
            asked=asked,
            status=status,
        )

    def _error(self, url: str, failure: _Failure, attempts: int, *, taken: bool) -> DeliveryError:
        problem = self._hidden(failure.problem)
        if failure.passing and failure.asked > LONGEST_WAIT:
            problem += f"; it asks to wait {failure.asked:.0f} s"
        elif failure.passing and attempts > 1:
            problem += f"; tried {attempts} times"
        unsure = taken and failure.passing
        if unsure:
            problem += "; it may have been taken all the same"
        return DeliveryError(self._place(url), problem, failure.status, unsure=unsure)

    def _named(self, headers: Mapping[str, str] | None, data: bytes | None) -> dict[str, str]:
        named = {"Accept": "application/json", "User-Agent": f"wattmark/{__version__}"}
        if data is not None:
            named["Content-Type"] = "application/json; charset=utf-8"
        named |= {**self.headers, **(headers or {})}
        for name, value in named.items():
            if not (value.isprintable() and value.isascii() and name.isprintable()):
                raise UsageError(
                    f"{self._place(self.base)}: the header {name!r:.40} has signs that none may have"
                )
        return named

    def _url(self, path: str, query: Mapping[str, str] | None) -> str:
        absolute = path.startswith(("http://", "https://"))
        url = path if absolute else self.base if not path else f"{self.base.rstrip('/')}/{path.lstrip('/')}"
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query)
        checked_address(url, self.shown)
        return self._here(url) if absolute else url

    def _here(self, url: str) -> str:
        """The address, when it is of the same host: credentials go nowhere else."""
        theirs, ours = urlsplit(url), urlsplit(self.base)
        if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
            raise DeliveryError(self._place(self.base), f"leads elsewhere: {without_secrets(url)!r:.200}")
        return url

    def _credentials(self) -> tuple[str, ...]:
        return tuple(value for name, value in self.headers.items() if name.lower() in CREDENTIALS)

    def _place(self, url: str) -> str:
        return self.shown or self._hidden(url.partition("?")[0])

    def _hidden(self, text: str) -> str:
        """Servers may say again what they were sent."""
        words = {word for value in self._credentials() for word in (value, value.rpartition(" ")[2])}
        for secret in sorted({*words, *self.secrets} - {""}, key=len, reverse=True):
            text = text.replace(secret, "***")
        return without_secrets(text)


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None
