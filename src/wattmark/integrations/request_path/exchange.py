"""One request from its start to its end, and the path that all requests of an application take.

What counts as failed: an answer of status 400 or more (429 too: nothing was inferred), an error inside a
good answer, an exception of the host, a client that went away before the end, an answer that breaks off. The
energy of a failed request counts; the request does not. One that was turned away before a model saw it, which
an answer of 400 to 499 says unless it tells tokens, did no work: it has 0 tokens, and weighs next to nothing
where a mean would charge it like one that was answered.
"""

from __future__ import annotations

import hashlib
import itertools
import operator
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from wattmark.core.serving.estimated import (
    FAILED,
    LATER,
    Spent,
    attributes_of,
    carbon_text,
    energy_text,
    estimate,
)
from wattmark.core.serving.line import LARGEST_COUNT, LONGEST_NAME, SECRETS
from wattmark.integrations.request_path.answered import AnswerReader, Usage
from wattmark.integrations.request_path.companion import Companion, asking
from wattmark.integrations.request_path.requested import RequestReader
from wattmark.integrations.request_path.settings import AGENT_URL, Settings, usual_socket
from wattmark.integrations.request_path.telling import FileTeller, Silent, SocketTeller, Teller

MOST_NAMES = 1000
"""So many models, releases and tenants are told apart; further ones are ``other``: clients choose them."""
OTHER = "other"
BEARER = "bearer "
WORKED = (408, 499)
"""Of the answers of 400 to 499 those that say no more than that time or patience ran out (RFC 9110, 15.5.9;
499 is nginx's for a client that closed its connection): a model may well have worked."""

_encode = msgspec.json.Encoder().encode


class Names:
    """Names as they may be told: short, printable, no keys, and not endlessly many."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._known: dict[str, str] = {"": ""}

    def of(self, said: str) -> str:
        """The name to tell; empty for what is none."""
        if not isinstance(said, str):
            return ""
        known = self._known.get(said)
        if known is not None:
            return known
        if len(said) > LONGEST_NAME or not said.isprintable() or said.startswith(SECRETS):
            return ""
        if len(self._known) > self._most:
            return OTHER
        self._known[said] = said
        return said


class RequestPath:
    """What all requests of one application share: settings, where lines go, and the newest rates."""

    def __init__(
        self, settings: Settings, teller: Teller | None = None, companion: Companion | None = None
    ) -> None:
        self.settings = settings
        self.teller = teller_of(settings) if teller is None else teller
        if companion is None:
            ask = asking(settings.agent or AGENT_URL) if settings.agent != "" else None
            companion = Companion(self.teller, ask, settings.every_seconds)
        self.companion = companion
        self.names = Names()
        self._release_header = settings.release_header.lower()
        self._tenant_header = settings.tenant_header.lower()
        self._ids = itertools.count(1)
        self._pid = -1
        self._prefix = ""
        self._span = _span_finder() if settings.spans else None

    def begin(self, header: Callable[[str], str]) -> Exchange:
        """A request arrives. ``header`` gives the value of a header by its lower-case name, or nothing."""
        return Exchange(self, self._next_id(), self._tenant(header), self._release(header), self.span())

    def span(self) -> Any:
        """The current span, where OpenTelemetry is there and records; else None."""
        if self._span is None:
            return None
        span = self._span()
        return span if span.is_recording() else None

    def released(self, header: Callable[[str], str]) -> str:
        """The release that an answer's header names, where the settings name such a header."""
        return self.names.of(header(self._release_header)) if self._release_header else ""

    def _release(self, header: Callable[[str], str]) -> str:
        return self.released(header) or self.settings.model_version

    def _tenant(self, header: Callable[[str], str]) -> str:
        settings = self.settings
        if self._tenant_header and (named := self.names.of(header(self._tenant_header))):
            return named
        if settings.tenants:
            key = header("authorization")
            key = key[len(BEARER) :].strip() if key[: len(BEARER)].lower() == BEARER else header("x-api-key")
            if key:
                digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
                return settings.tenants.get(digest, settings.tenant)
        return settings.tenant

    def _next_id(self) -> str:
        """Not to be guessed from another process, nor shared with a forked one."""
        pid = os.getpid()
        if pid != self._pid:
            self._prefix = os.urandom(9).hex()
            self._pid = pid
        self.companion.accompany()
        return f"{self._prefix}-{next(self._ids):x}"


class Exchange:
    """One request under way. The host may state what only it knows: model, tokens, ``weight``."""

    __slots__ = (
        "_answer", "_asked", "_began", "_first_us", "_path", "_span", "_start_us", "_told_start",
        "cached_input_tokens", "failed", "input_tokens", "model", "model_version", "output_tokens",
        "reasoning_tokens", "refused", "request_id", "requested_model", "response_model", "spent", "tenant",
        "turned_away", "weight",
    )  # fmt: skip

    def __init__(self, path: RequestPath, request_id: str, tenant: str, release: str, span: Any) -> None:
        self.request_id = request_id
        self.tenant = tenant
        self.model_version = release
        self.model = path.settings.model
        """Empty: what the answer says, else what the request asks for."""
        self.requested_model = self.response_model = ""
        self.input_tokens: int | None = None
        self.cached_input_tokens = 0
        self.output_tokens: int | None = None
        self.reasoning_tokens: int | None = None
        """Of the output tokens."""
        self.weight: int | None = None
        self.failed = False
        self.refused = False
        """The answer had a status of an error: no model need have worked on it."""
        self.turned_away = False
        """No model saw it: what it does not tell of tokens is 0 and not unknown. A host may state it, too."""
        self.spent: Spent | None = None
        """What it probably cost, once it is over."""
        self._path = path
        self._span = span
        self._asked = RequestReader()
        self._answer: AnswerReader | None = None
        self._told_start = False
        self._first_us: int | None = None
        self._begin_now()

    def _begin_now(self) -> None:
        self._start_us = time.time_ns() // 1000
        self._began = time.perf_counter_ns()

    def asked(self, piece: bytes, more: bool) -> None:
        """A piece of the request's body came. The last one is when the work can begin."""
        if piece:
            self._asked.feed(piece)
        if not more and not self._told_start:
            self.requested_model = self._path.names.of(self._asked.model())
            if self._answer is None:  # an answer that came first has begun the work already
                self.starts()

    def starts(self) -> None:
        """The work can begin: from here on the request is active."""
        self._begin_now()
        self._told_start = True
        self._settle_counts()
        self._tell(self._line("start"))

    def answers(self, status: int, header: Callable[[str], str]) -> bool:
        """The head of the answer came. True when the body tells more than fits into headers: it streams."""
        self._answer = AnswerReader(
            header("content-type").encode("latin-1"), header("content-encoding").encode("latin-1")
        )
        if status >= 400:
            self.refuse(status)
        self.model_version = self._path.released(header) or self.model_version
        return self._answer.streams

    def refuse(self, status: int | None) -> None:
        """The answer is an error, of this status where it has one."""
        self.failed = self.refused = True
        if status is not None and 400 <= status < 500 and status not in WORKED:
            self.turned_away = True

    def answered(self, piece: bytes) -> None:
        """A piece of the answer's body passes."""
        if self._answer is not None and piece and self._answer.feed(piece) and self._first_us is None:
            self._first_us = self._now_us()

    def first_token(self) -> None:
        """The first token came, as one knows who reads the answer otherwise."""
        if self._first_us is None:
            self._first_us = self._now_us()

    def ends(self, *, failed: bool = False) -> Spent:
        """It is over: tell of it, and say what it probably cost. Only the first call does anything."""
        if self.spent is None:
            self.spent = self._finish(failed)
        return self.spent

    def _finish(self, failed: bool) -> Spent:
        end_us = self._now_us()
        self.failed = self.failed or failed
        self._settle_counts()
        if self._answer is not None:
            self.take(self._answer.usage())
        if self.turned_away and self._first_us is None:
            self._did_no_work()
        fields = self._line("end")
        if self._first_us is not None:
            fields["first_token"] = self._first_us / 1e6
        fields["end"] = end_us / 1e6
        if self.output_tokens is not None:
            fields["output_tokens"] = self.output_tokens
        if self.failed:
            fields["failed"] = True
        self._tell(fields)
        spent = self._estimated(fields.get("model", ""), (end_us - self._start_us) / 1e6)
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes(attributes_of(spent, self.request_id))
        return spent

    def _did_no_work(self) -> None:
        """Nothing was read or written, unless somebody told otherwise."""
        self.failed = True
        if self.input_tokens is None and self.output_tokens is None:
            self.input_tokens = self.output_tokens = 0
            self.weight = 0 if self.weight is None else self.weight

    def _estimated(self, model: str, seconds: float) -> Spent:
        if self.refused:
            return Spent(reason=FAILED)
        return estimate(
            self._path.companion.rates,
            model,
            input_tokens=self.input_tokens,
            cached_input_tokens=self.cached_input_tokens,
            output_tokens=self.output_tokens,
            seconds=seconds,
        )

    def take(self, usage: Usage) -> None:
        """What the answer told; what the host stated already stays."""
        self.response_model = self._path.names.of(usage.model)
        if self.input_tokens is None:
            self.input_tokens, self.cached_input_tokens = usage.input_tokens, usage.cached_input_tokens
        if self.output_tokens is None:
            self.output_tokens = usage.output_tokens
            self.reasoning_tokens = usage.reasoning_tokens
        self.failed = self.failed or usage.failed

    def headers(self, spent: Spent | None) -> list[tuple[str, str]]:
        """What is attached to the answer; None: it is not known before the answer streams."""
        told = Spent(reason=LATER) if spent is None else spent
        return [
            ("wattmark-request", self.request_id),
            ("wattmark-energy", energy_text(told)),
            ("wattmark-carbon", carbon_text(told)),
        ]

    def comment(self) -> bytes:
        """The estimate as a comment of an event stream, which readers of events do not see."""
        told = "; ".join(f"{name}: {value}" for name, value in self.headers(self.spent))
        return f": {told}\n\n".encode()

    def _settle_counts(self) -> None:
        """What the host stated, as a line may tell it: what is no count is not known."""
        self.input_tokens, self.output_tokens = _count(self.input_tokens), _count(self.output_tokens)
        self.weight, cached = _count(self.weight), _count(self.cached_input_tokens) or 0
        self.cached_input_tokens = (
            0 if self.input_tokens is not None and cached > self.input_tokens else cached
        )

    def _tell(self, fields: dict[str, Any]) -> None:
        try:
            line = _encode(fields)
        except (TypeError, ValueError):  # the host stated what JSON has no words for
            self._path.teller.dropped["unsayable"] += 1
            return
        self._path.teller.tell(line)

    def _now_us(self) -> int:
        """By the steady clock: a request never ends before it starts."""
        return self._start_us + (time.perf_counter_ns() - self._began) // 1000

    def _line(self, event: str) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "event": event,
            "request_id": self.request_id,
            "start": self._start_us / 1e6,
        }
        if model := self._path.names.of(self.model) or self.response_model or self.requested_model:
            fields["model"] = model
        if self.model_version:
            fields["model_version"] = self.model_version
        if self.tenant:
            fields["tenant"] = self.tenant
        if target := self._path.settings.target:
            fields["target"] = target
        if self.input_tokens is not None:
            fields["input_tokens"] = self.input_tokens
        if self.cached_input_tokens:
            fields["cached_input_tokens"] = self.cached_input_tokens
        if self.weight is not None:
            fields["weight"] = self.weight
        return fields


def _count(stated: object) -> int | None:
    """A whole number from 0 on, also where a library has a type of its own for it; None for all else."""
    try:
        count = operator.index(stated)  # type: ignore[arg-type]
    except TypeError:
        return None
    return count if 0 <= count <= LARGEST_COUNT else None


def teller_of(settings: Settings) -> Teller:
    """Where the settings want request lines to go."""
    if settings.log:
        return FileTeller(settings.log)
    path = usual_socket() if settings.socket is None else settings.socket
    return SocketTeller(path) if path else Silent()


def header_of(headers: Iterable[tuple[bytes, bytes]]) -> Callable[[str], str]:
    """Finds a header among those of ASGI; of several the first."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found.setdefault(name.lower(), value)
    return lambda name: found.get(name.encode("latin-1"), b"").decode("latin-1")


def header_in(found: Mapping[str, str]) -> Callable[[str], str]:
    """Finds a header among those whose names are in lower case."""
    return lambda name: found.get(name, "")


def _span_finder() -> Callable[[], Any] | None:
    """How the current span is found; None without OpenTelemetry."""
    try:
        from opentelemetry.trace import get_current_span
    except ImportError:
        return None
    return get_current_span
