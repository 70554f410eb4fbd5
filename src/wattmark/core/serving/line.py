"""The native request line: how gateways, middlewares and logs tell of one request.

One JSON object per line, in a file, a Unix datagram or the body of a POST. A line of event ``end`` (or of
none) is a request that is over; one of event ``start`` says that a request is in flight, so that nobody
divides its moments before it is known. Times are Unix seconds or ISO 8601 with an offset; inside they are
microseconds.

Nothing here holds what was asked or answered, and no refusal repeats a value: it might be just that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Request, Service

NAMES = ("model", "model_version", "tenant", "target")
TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens")
AT_START = frozenset(
    {"event", "request_id", "start", "input_tokens", "cached_input_tokens", "weight", *NAMES}
)
"""What a line of event ``start`` may say."""
AT_END = AT_START | {"first_token", "end", "output_tokens", "failed"}
"""What a line of event ``end`` may say."""
TEXTS = frozenset(
    {"prompt", "prompts", "messages", "message", "input", "inputs", "completion", "completions", "output"}
    | {"outputs", "text", "content", "choices", "instructions", "system", "query", "question", "answer"}
    | {"response", "request", "body", "query_string", "user", "user_id", "user_name", "email", "api_key"}
    | {"authorization", "key", "password", "token", "embedding", "embeddings", "image", "images", "audio"}
    | {"tools", "tool_calls", "reasoning", "documents"}
)
"""Fields that hold what was asked or answered, by whom, or a secret: refused by name, never stored."""

LONGEST_NAME = 256
LARGEST_COUNT = 10**12
LATEST_SECONDS = 4_102_444_800
"""2100-01-01: a larger number of seconds was given in milliseconds or finer."""
SECRETS = ("sk-", "Bearer ", "Basic ")
"""How the keys and credentials of common APIs begin."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class LineRefused(UsageError):
    """A request line says what it must not or what cannot be. Holds the field and the kind of refusal."""

    def __init__(self, field: str, reason: str, problem: str) -> None:
        self.field = field
        self.reason = reason
        """``unknown_field``, ``text_field``, ``missing_field`` or ``impossible_value``."""
        super().__init__(f"{field}: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A request that is in flight: what is known of it when it starts."""

    request_id: str
    service: Service
    start_us: int
    """Microseconds since 1970, UTC."""
    input_tokens: int | None = None
    cached_input_tokens: int = 0
    weight: int | None = None


def told(fields: Mapping[str, Any]) -> Request | Started:
    """What a line tells of: a request that is over, or one in flight. Raises LineRefused."""
    return started_of(fields) if fields.get("event") == "start" else request_of(fields)


def request_of(fields: Mapping[str, Any]) -> Request:
    """The request that a line of event ``end`` tells of. Raises LineRefused, which names the field."""
    _only(fields, AT_END)
    if fields.get("event", "end") != "end":
        raise _impossible("event", "must be 'start' or 'end'; here 'end'")
    start = _moment(fields, "start")
    end = _moment(fields, "end")
    first = None if fields.get("first_token") is None else _moment(fields, "first_token")
    if end < start:
        raise _impossible("end", "lies before the start")
    if first is not None and not start <= first <= end:
        raise _impossible("first_token", "must lie between start and end")
    given, cached = _inputs(fields)
    return Request(
        request_id=_name(fields, "request_id"),
        service=_service(fields),
        start_us=start,
        first_token_us=first,
        end_us=end,
        input_tokens=given,
        cached_input_tokens=cached,
        output_tokens=_count(fields, "output_tokens"),
        weight=_count(fields, "weight"),
        failed=_flag(fields, "failed"),
    )


def started_of(fields: Mapping[str, Any]) -> Started:
    """The request in flight that a line of event ``start`` tells of. Raises LineRefused."""
    _only(fields, AT_START)
    if fields.get("event") != "start":
        raise _impossible("event", "must be 'start' or 'end'; here 'start'")
    request_id = _name(fields, "request_id")
    if not request_id:
        raise LineRefused("request_id", "missing_field", "a start needs it, so that its end is known for it")
    given, cached = _inputs(fields)
    return Started(
        request_id=request_id,
        service=_service(fields),
        start_us=_moment(fields, "start"),
        input_tokens=given,
        cached_input_tokens=cached,
        weight=_count(fields, "weight"),
    )


def line_of(request: Request | Started) -> dict[str, Any]:
    """A request as the fields of a line, ready for JSON; what is not known is left out."""
    over = isinstance(request, Request)
    fields: dict[str, Any] = {"event": "end" if over else "start"}
    if request.request_id:
        fields["request_id"] = request.request_id
    for name in NAMES:
        if value := getattr(request.service, name):
            fields[name] = value
    fields["start"] = request.start_us / 1e6
    if isinstance(request, Request):
        if request.first_token_us is not None:
            fields["first_token"] = request.first_token_us / 1e6
        fields["end"] = request.end_us / 1e6
        if request.output_tokens is not None:
            fields["output_tokens"] = request.output_tokens
        if request.failed:
            fields["failed"] = True
    if request.input_tokens is not None:
        fields["input_tokens"] = request.input_tokens
    if request.cached_input_tokens:
        fields["cached_input_tokens"] = request.cached_input_tokens
    if request.weight is not None:
        fields["weight"] = request.weight
    return fields


def moment_us(value: object, field: str) -> int:
    """A time as microseconds since 1970, UTC, from Unix seconds or ISO 8601. Raises LineRefused.

    Seconds as a 64-bit float hold today's microseconds exactly (2^53 of them last until the year 2255).
    """
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise _impossible(field, "is no time: give Unix seconds or ISO 8601 with an offset") from None
        if at.tzinfo is None:
            raise _impossible(field, "needs an offset from UTC, such as Z or +01:00")
        us = (at - _EPOCH) // _MICROSECOND
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not 0 <= value <= LATEST_SECONDS:
            raise _impossible(field, "is no number of seconds since 1970 before the year 2100")
        us = round(value * 1e6)
    else:
        raise _impossible(field, "is no time: give Unix seconds or ISO 8601 with an offset")
    if us < 0:
        raise _impossible(field, "lies before 1970")
    return us


def _only(fields: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Refuse the first field that a line of this kind may not have."""
    if allowed.issuperset(fields):
        return
    stray = min(str(name) for name in fields if name not in allowed)
    if stray in TEXTS:
        raise LineRefused(
            stray, "text_field", "holds what was asked or answered, by whom, or a secret: leave it out"
        )
    shown = stray if len(stray) <= 64 and stray.isprintable() else "a field with an odd name"
    if stray in AT_END:
        raise LineRefused(
            shown, "unknown_field", "is not known when a request starts; a line of event 'end' has it"
        )
    raise LineRefused(
        shown, "unknown_field", f"is no field of a request line, which has {', '.join(sorted(allowed))}"
    )


def _service(fields: Mapping[str, Any]) -> Service:
    return Service(**{name: _name(fields, name) for name in NAMES})


def _name(fields: Mapping[str, Any], field: str) -> str:
    """A name, empty when it is not told."""
    value = fields.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _impossible(field, "must be a text")
    if len(value) > LONGEST_NAME or not value.isprintable():
        raise _impossible(field, f"must be a name of at most {LONGEST_NAME} characters that can be printed")
    if value.startswith(SECRETS):
        raise LineRefused(field, "text_field", "looks like a key: name the tenant, never give its secret")
    return value


def _moment(fields: Mapping[str, Any], field: str) -> int:
    value = fields.get(field)
    if value is None:
        raise LineRefused(field, "missing_field", "a request line needs it")
    return moment_us(value, field)


def _inputs(fields: Mapping[str, Any]) -> tuple[int | None, int]:
    """Input tokens and those of them that a cache held."""
    given = _count(fields, "input_tokens")
    cached = _count(fields, "cached_input_tokens") or 0
    if given is not None and cached > given:
        raise _impossible("cached_input_tokens", "are among the input tokens, so no more than they")
    return given, cached


def _count(fields: Mapping[str, Any], field: str) -> int | None:
    """A whole number from 0 on; None when it is not told."""
    value = fields.get(field)
    if value is None:
        return None
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not 0 <= value <= LARGEST_COUNT:
        raise _impossible(field, f"must be a whole number from 0 to {LARGEST_COUNT}")
    return int(value)


def _flag(fields: Mapping[str, Any], field: str) -> bool:
    value = fields.get(field)
    if value is not None and not isinstance(value, bool):
        raise _impossible(field, "must be true or false")
    return bool(value)


def _impossible(field: str, problem: str) -> LineRefused:
    return LineRefused(field, "impossible_value", problem)
