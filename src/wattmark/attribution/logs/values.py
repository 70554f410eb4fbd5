"""One value of a log's row as a number: times, spans, counts, flags and names.

Each parser raises Bad with a reason that never repeats the value: it might be text or a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from wattmark.core.errors import UsageError
from wattmark.core.serving.line import LARGEST_COUNT, LONGEST_NAME, SECRETS

MISSING = -(1 << 62)
"""Stands for a value that is not there, in columns of whole numbers."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EARLIEST_US, LATEST_US = 978_307_200_000_000, 4_102_444_800_000_000
"""2001-01-01 and 2100-01-01: outside of these a stamp has another unit, or comes from a clock never set."""
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
UNITS = (*PER_SECOND, "iso")
ABSENT = ("", "-")
"""What proxies write for a value that they do not have."""
LONGEST_SPAN_US = 86_400_000_000
"""No request lasts longer than a day: a longer span has another unit."""
MOST = 1e30
"""No number of a log is larger."""
CLF = "%d/%b/%Y:%H:%M:%S %z"
"""How nginx and Apache write a local time."""
_CLF = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}")

Parser = Callable[[Any], int]


class Bad(ValueError):
    """A value, or a row, that cannot be taken; says why."""


def zone_named(name: str | None) -> tzinfo | None:
    """The zone of times that state none; None when nobody said. Raises UsageError for an unknown one."""
    if not name:
        return None
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise UsageError(f"{name[:40]!r} is no time zone: give one like Europe/Paris or UTC") from None


def number_of(value: Any) -> float | int | None:
    """A finite number, from a number or a text; None where nothing is told. Raises Bad."""
    if value is None or isinstance(value, bool):
        if value is None:
            return None
        raise Bad("is no number")
    if isinstance(value, str):
        text = value.strip()
        if text in ABSENT:
            return None
        try:
            value = int(text) if len(text) <= 20 and text.isdecimal() else float(text)
        except ValueError:
            raise Bad("is no number") from None
    if not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > MOST:
        raise Bad("is no number")
    return value


def stamp_parser(unit: str, zone: tzinfo | None) -> Parser:
    """Reads moments, as microseconds since 1970, UTC."""

    def written(value: Any) -> int:
        if value is None:
            return MISSING
        if not isinstance(value, str):
            raise Bad("is no time of ISO 8601, as the others are")
        text = value.strip()
        if text in ABSENT:
            return MISSING
        return within(written_us(text, zone))

    def counted(value: Any) -> int:
        number = number_of(value)
        return MISSING if number is None else within(scaled(number, unit))

    return written if unit == "iso" else counted


def written_us(text: str, zone: tzinfo | None) -> int:
    """Microseconds since 1970 of a written time: ISO 8601, or as nginx's $time_local. Raises Bad."""
    try:
        moment = _clf(text) if _CLF.fullmatch(text) else datetime.fromisoformat(text)
    except ValueError:
        raise Bad("is no time of ISO 8601") from None
    if moment.tzinfo is None:
        if zone is None:
            raise Bad("is a local time without its zone: name it with `zone`")
        moment = moment.replace(tzinfo=zone)
    return (moment - EPOCH) // MICROSECOND


def _clf(text: str) -> datetime:
    return datetime.strptime(text, CLF)  # noqa: DTZ007  # the layout has the zone


def within(us: int) -> int:
    """The same moment. Raises Bad when no log was written then."""
    if not EARLIEST_US <= us < LATEST_US:
        raise Bad("lies before 2001 or after 2100: its unit is another, or its clock was not set")
    return us


def scaled(number: float | int, unit: str) -> int:
    """A number of some unit in microseconds; nanoseconds are cut off, never rounded up."""
    if unit == "ns":
        return math.floor(number / 1000) if isinstance(number, float) else number // 1000
    return round(number * (1_000_000 // PER_SECOND[unit]))


def unit_of_stamp(number: float) -> str | None:
    """The unit in which a number is a time since 1970: the ranges from 2001 to 2100 never overlap."""
    for unit, per_second in PER_SECOND.items():
        if EARLIEST_US <= number * 1_000_000 / per_second < LATEST_US:
            return unit
    return None


_SPAN = re.compile(r"([0-9.]+)\s*(ns|us|µs|μs|ms|s|m|h)")


def span_parser(unit: str) -> Parser:
    """Reads lengths of time, as microseconds; of several tries (nginx: ``0.1, 2.3``) the last one."""

    def spanned(value: Any) -> int:
        if isinstance(value, str) and ("," in value or " : " in value):
            value = tries(value)[-1]
        if unit == "text":
            return _said_span(value)
        number = number_of(value)
        if number is None:
            return MISSING
        return _lasting(scaled(number, unit))

    return spanned


def _lasting(us: int) -> int:
    if not 0 <= us <= LONGEST_SPAN_US:
        raise Bad("is no length of time from 0 to a day: has it another unit?")
    return us


def _said_span(value: Any) -> int:
    """A length of time with its unit, such as ``1.25s`` or ``834.2µs``."""
    if value is None or value in ABSENT:
        return MISSING
    parts = _SPAN.findall(value) if isinstance(value, str) else []
    if not parts or "".join(f"{n}{u}" for n, u in parts) != value.replace(" ", ""):
        raise Bad("is no length of time such as 1.25s")
    seconds = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
    try:
        return _lasting(round(sum(float(n) * seconds[u] for n, u in parts) * 1e6))
    except ValueError:
        raise Bad("is no length of time such as 1.25s") from None


def tries(value: str) -> list[str]:
    """What nginx writes for several upstreams: ``,`` between servers, ``:`` between groups of them."""
    return [part.strip() for part in re.split(r",| : ", value)]


def earlier_tries_parser(unit: str) -> Parser:
    """Reads how long the tries before the last one took; missing where there was one."""

    def spanned(value: Any) -> int:
        if not isinstance(value, str) or ("," not in value and " : " not in value):
            return MISSING
        known = [number for part in tries(value)[:-1] if (number := number_of(part)) is not None]
        return _lasting(scaled(sum(known), unit))

    return spanned


def count_of(value: Any) -> int:
    """A whole number from 0 on."""
    number = number_of(value)
    if number is None:
        return MISSING
    if number != int(number) or not 0 <= number <= LARGEST_COUNT:
        raise Bad("is no whole number from 0 on")
    return int(number)


def status_of(value: Any) -> int:
    """An HTTP status: of several tries the last one's."""
    return count_of(tries(value)[-1] if isinstance(value, str) else value)


def flag_of(value: Any) -> int:
    """1 for true, 0 for false."""
    if value is None or value in ABSENT:
        return MISSING
    if isinstance(value, str):
        value = {"true": True, "false": False, "1": True, "0": False}.get(value.strip().lower(), value)
    if isinstance(value, bool) or value in (0, 1):
        return int(value)
    raise Bad("is neither true nor false")


def said(value: Any) -> int:
    """1 when anything is told, 0 when not; what it is, is not kept."""
    return int(value is not None and value is not False and value not in ("", "-", "null", 0))


ABORTS = (
    r"(^|,)(abort|error|DC|UC|UT|LR|UR|SI|DT|DPE|UPE|UMSDR|OM|DownstreamConnectionTermination"
    r"|UpstreamConnectionTermination|UpstreamRequestTimeout|LocalReset|UpstreamRemoteReset|StreamIdleTimeout"
    r"|DurationTimeout|DownstreamProtocolError|UpstreamProtocolError|UpstreamMaxStreamDurationReached)(,|$)"
)
"""How an answer that had begun was cut off: finish reasons of SGLang, response flags of Envoy."""
_ABORTS = re.compile(ABORTS)


def aborted(value: Any) -> int:
    """1 for a reason to end that is an abort."""
    return int(isinstance(value, str) and _ABORTS.search(value.strip()) is not None)


def name_of(value: Any) -> str:
    """A name; empty where none is told."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Bad("is no name")
    text = value.strip()
    if text in ABSENT:
        return ""
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise Bad(f"is no name of at most {LONGEST_NAME} characters that can be printed")
    if text.startswith(SECRETS):
        raise Bad("looks like a key: log the tenant's name, never its secret")
    return text
