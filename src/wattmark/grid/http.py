"""Asks providers over HTTP: retries with patience, and every failure of its own kind.

urllib3 retries (429, 5xx, broken connections), backs off, and obeys Retry-After up to a limit. Keys travel in
headers or query, and are in no message: addresses are shown without their query. A redirect is refused,
because a key would go with it. No answer is longer, packed or not, or takes longer than a limit, whatever its
server says of it.
"""

from __future__ import annotations

import logging
import re
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import msgspec

from wattmark.core.errors import GridError, MissingExtra, UsageError
from wattmark.grid.failures import HalfDocument, NoData, ProviderDown, QuotaSpent, SchemaDrift, WrongKey
from wattmark.version import __version__

if TYPE_CHECKING:
    import urllib3

LONGEST_WAIT = 30.0
"""Seconds that a provider's Retry-After can hold us up, each time."""
TRANSIENT = (429, 500, 502, 503, 504)
MOST_BYTES = 64 << 20
"""Of one answer, unpacked."""
LONGEST_ANSWER = 120.0
"""Seconds that one answer can take to arrive, however steadily it drips."""
CHUNK_BYTES = 1 << 16
GZIP = zlib.MAX_WBITS | 16
"""What zlib calls gzip."""
SAID_CHARACTERS = 200
UNSEEN = re.compile(r"[^\x20-\x7e]+")
Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    place: str
    """Address without its query: there may be a key in it."""
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Media type in small letters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Web(Protocol):
    """Gets a document. Raises GridError when nothing whole comes back; a status is no error yet."""

    def get(
        self,
        provider: str,
        url: str,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One answer, after the retries that it took."""
        ...


class HttpWeb:
    """The real web, through urllib3 (extra ``grid``). Raises MissingExtra without it."""

    def __init__(
        self,
        *,
        tries: int = 4,
        backoff_seconds: float = 0.5,
        timeout_seconds: float = 20.0,
        longest_wait_seconds: float = LONGEST_WAIT,
        longest_answer_seconds: float = LONGEST_ANSWER,
    ) -> None:
        try:
            import urllib3
        except ImportError:
            raise MissingExtra("live grid intensity", "grid") from None
        self._urllib3 = urllib3
        self._retries = _patience(tries - 1, backoff_seconds, longest_wait_seconds)
        self._timeout = urllib3.Timeout(connect=min(timeout_seconds, 10.0), read=timeout_seconds)
        self._longest_answer = longest_answer_seconds
        self._pools: dict[str, Any] = {}

    def get(
        self,
        provider: str,
        url: str,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One answer, after the retries that it took."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{provider}: {_bare(url)!r} is no web address")
        place = _bare(url)
        if query:
            url = f"{url}{'&' if parts.query else '?'}{urlencode(list(query))}"
        sent = {"User-Agent": f"wattmark/{__version__}", "Accept-Encoding": "gzip", **(headers or {})}
        for name, value in sent.items():
            if not f"{name}{value}".isprintable() or not f"{name}{value}".isascii():
                raise UsageError(
                    f"{provider}: the header {name!r:.40} would hold what no header can: check it"
                )
        problems = self._urllib3.exceptions
        gone: GridError
        try:
            with _unlogged():
                return self._asked(provider, place, url, sent, self._pool(parts.scheme, parts.hostname))
        except problems.HTTPError as error:
            gone = _gone(provider, place, getattr(error, "reason", None) or error, problems)
        raise gone  # out here, so that it does not carry urllib3's error, which holds the whole address

    def _asked(self, provider: str, place: str, url: str, headers: Mapping[str, str], pool: Any) -> Answer:
        """One attempt after the other: urllib3 counts them, and reads nothing of an answer by itself."""
        problems = self._urllib3.exceptions
        retries: Any = self._retries
        while True:
            answer = pool.request(
                *("GET", url),
                headers=headers,
                retries=retries,
                timeout=self._timeout,
                redirect=False,
                preload_content=False,
            )
            retries = answer.retries
            try:
                body = _body(provider, place, answer, self._longest_answer)
                answer.release_conn()
                if answer.status not in TRANSIENT or not retries.total:
                    told = {k.lower(): v for k, v in answer.headers.items()}
                    return Answer(place, answer.status, body, told)
                retries = retries.increment("GET", url, response=answer)
                retries.sleep(answer)
            except problems.HTTPError as error:  # broken off on the way: one more attempt, or the end
                retries = retries.increment("GET", url, error=error)
                retries.sleep()
            finally:
                answer.close()

    def _pool(self, scheme: str, host: str) -> Any:
        """Through the proxy of the environment where one is set for this address."""
        import urllib.request  # dear to load

        proxies = urllib.request.getproxies()
        proxy = proxies.get(scheme) if not urllib.request.proxy_bypass(host) else None
        key = proxy or ""
        if key not in self._pools:
            made = self._urllib3.ProxyManager(proxy) if proxy else self._urllib3.PoolManager()
            self._pools[key] = made
        return self._pools[key]


class _Discreet(logging.Filter):
    """urllib3 logs whole addresses, and two providers want their key in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _ASKING.get()


@contextmanager
def _unlogged() -> Iterator[None]:
    """Nothing of urllib3's own log comes from what this thread asks within."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if _DISCREET not in logger.filters:
            logger.addFilter(_DISCREET)
    token = _ASKING.set(True)
    try:
        yield
    finally:
        _ASKING.reset(token)


LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.poolmanager", "urllib3.util.retry")
_ASKING: ContextVar[bool] = ContextVar("wattmark_asking", default=False)
_DISCREET = _Discreet()


def _body(provider: str, place: str, answer: Any, longest_seconds: float) -> bytes:
    """All of it, unpacked once. Raises GridError when it is too long or slow, and what urllib3 raises."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip", ""):
        raise SchemaDrift(provider, f"{place} packs its answer as {coding!r:.40}, which was not asked for")
    unpack = zlib.decompressobj(GZIP) if "gzip" in coding else None
    until = time.monotonic() + longest_seconds
    body = bytearray()
    while got := answer.read1(CHUNK_BYTES, decode_content=False):
        try:
            body += unpack.decompress(got, MOST_BYTES + 1 - len(body)) if unpack else got
        except zlib.error:
            raise SchemaDrift(provider, f"{place} says that it is packed, and it is not") from None
        if len(body) > MOST_BYTES:
            raise SchemaDrift(provider, f"{place} sent more than {MOST_BYTES >> 20} MiB: ask for less time")
        if time.monotonic() > until:
            raise ProviderDown(provider, f"{place} took longer than {longest_seconds:g} s: try again later")
    if unpack and not unpack.eof and body:
        raise HalfDocument(provider, f"{place} ended in the middle of the answer: try again")
    return bytes(body)


def _patience(retries: int, backoff_seconds: float, longest: float) -> urllib3.Retry:
    import urllib3

    class Patience(urllib3.Retry):
        """Retry-After is obeyed, and never for longer than we would like to wait."""

        def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
            """Never: urllib3 would read what it throws away, and that may be without end."""
            return False

        def parse_retry_after(self, retry_after: str) -> float:
            try:
                return min(super().parse_retry_after(retry_after), longest)
            except (
                urllib3.exceptions.InvalidHeader,
                ValueError,
                OverflowError,
            ):  # no number, or an absurd one
                return backoff_seconds

    return Patience(
        total=retries,
        backoff_factor=backoff_seconds,
        backoff_max=longest,
        respect_retry_after_header=True,
    )


def _gone(provider: str, place: str, reason: object, problems: Any) -> ProviderDown | HalfDocument:
    text = type(reason).__name__
    whole = f"{reason!r}{reason}"
    if isinstance(reason, problems.ProtocolError) and "IncompleteRead" in whole:
        return HalfDocument(provider, f"{place} ended in the middle of the answer: try again")
    if isinstance(reason, problems.TimeoutError) and not isinstance(reason, problems.NewConnectionError):
        return ProviderDown(provider, f"{place} did not answer in time: try again later, or use --offline")
    if isinstance(reason, problems.SSLError):
        return ProviderDown(provider, f"{place} has a certificate that this machine does not trust")
    return ProviderDown(provider, f"{place} cannot be reached ({text}): try again later, or use --offline")


def accepted(provider: str, answer: Answer, keys: Sequence[str] = ()) -> Answer:
    """The answer itself when it is a success. Otherwise raises the GridError of its status.

    ``keys`` are blotted out of what the provider says.
    """
    if 200 <= answer.status < 300:
        return answer
    said = _said(answer, keys)
    where = f"{answer.place} answered {answer.status}{said}"
    if answer.status in (401, 403):
        raise WrongKey(provider, f"{where}: check the key and what it is allowed to ask for")
    if answer.status == 429:
        later = answer.headers.get("retry-after", "")
        when = f" in {later} seconds" if later.isdecimal() and len(later) < 10 else " later"
        raise QuotaSpent(provider, f"{where}: the limit of requests is reached; ask again{when}")
    if answer.status >= 500:
        raise ProviderDown(provider, f"{where}: it fails on its side; try again later, or use --offline")
    if 300 <= answer.status < 400:
        raise ProviderDown(provider, f"{where}: redirects are not followed with a key; give the new address")
    if answer.status == 404:
        raise NoData(provider, f"{where}: there is nothing for this zone and time")
    raise SchemaDrift(provider, f"{where}: it does not take what is asked any more")


def decoded(provider: str, answer: Answer, shape: type[Shape]) -> Shape:
    """The JSON document in its documented shape.

    Raises ProviderDown for a web page, HalfDocument, and SchemaDrift that names the field.
    """
    start = answer.body.lstrip()[:1]
    if start == b"<" or "html" in answer.kind:
        raise ProviderDown(provider, f"{answer.place} answered with a web page: is a proxy or login between?")
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except msgspec.ValidationError as error:
        raise SchemaDrift(
            provider, f"{answer.place} is not as documented: {error}; wattmark may need an upgrade"
        ) from None
    except msgspec.DecodeError as error:
        if "truncated" in str(error) or not answer.body.strip():
            raise HalfDocument(provider, f"{answer.place} ended in the middle: try again") from None
        raise SchemaDrift(provider, f"{answer.place} is not JSON: {error}") from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise SchemaDrift(provider, f"{answer.place} is no JSON that can be read: {error}") from None


def without_keys(text: str, keys: Sequence[str]) -> str:
    """A text of a provider without keys, as they are and as addresses write them."""
    for form in {form for key in keys if key for form in (key, quote(key, safe=""), quote_plus(key))}:
        text = text.replace(form, "***")
    return text


def _said(answer: Answer, keys: Sequence[str]) -> str:
    """The provider's own words in one line, without keys; nothing when it sent a page."""
    if answer.body.lstrip()[:1] == b"<":
        return ""
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    words: object = document
    while isinstance(words, dict):
        words = next((words[name] for name in ("message", "error", "title") if name in words), None)
    if not isinstance(words, str):
        return ""
    return f" ({UNSEEN.sub(' ', without_keys(words, keys))[:SAID_CHARACTERS].strip()})"


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
