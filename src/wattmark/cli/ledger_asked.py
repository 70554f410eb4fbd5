"""What a person asks of a ledger, from words to a question: time, and which tags have which values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

import click

from wattmark.core.errors import UsageError

DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
MONTH = re.compile(r"(\d{4})-(\d\d)")
QUARTER = re.compile(r"(\d{4})-Q([1-4])")
WEEK = re.compile(r"(\d{4})-W(\d\d)")
YEAR = re.compile(r"\d{4}")
FORMS = "2026, 2026-Q4, 2026-11, 2026-W45, 2026-11-01 or 2026-11-01T06:00"
Span = tuple[datetime | None, datetime | None]


def span_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say when; they arrive as ``begin``, ``end`` and ``inside``."""
    for option in reversed(
        (
            click.option("--from", "begin", metavar="TIME", help=f"From here on: {FORMS}."),
            click.option(
                "--to", "end", metavar="TIME", help="Up to here; this moment is not in it any more."
            ),
            click.option(
                "--in", "inside", metavar="PERIOD", help="In this year, quarter, month, week or day."
            ),
        )
    ):
        function = option(function)
    return function


where_option = click.option(
    "--where",
    "wheres",
    multiple=True,
    metavar="KEY=VALUE[,VALUE]",
    help="Only these, e.g. team=search or label.branch=main; an empty value is what nobody stated.",
)


def where_of(texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Key -> values. Raises UsageError for what is not KEY=VALUE, and for a key that comes twice."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, sign, values = text.partition("=")
        if not sign or not key.strip():
            raise UsageError(f"--where {text!r} is not KEY=VALUE, e.g. team=search")
        if key.strip() in found:
            raise UsageError(f"--where {key.strip()} is given twice: write {key.strip()}=ONE,OTHER")
        found[key.strip()] = tuple(value.strip() for value in values.split(","))
    return found


def keys_of(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Keys that were given one by one or separated by commas."""
    return tuple(key.strip() for text in texts for key in text.split(",") if key.strip())


def span_of(begin: str | None, end: str | None, inside: str | None, zone: tzinfo) -> Span:
    """The first moment, and the first one after it, in the ledger's time zone. Raises UsageError."""
    if inside is not None:
        if begin is not None or end is not None:
            raise UsageError("--in and --from or --to contradict each other: give one of them")
        return period_named(inside, "--in", zone)
    first = None if begin is None else _moment(begin, "--from", zone)
    last = None if end is None else _moment(end, "--to", zone)
    if first is not None and last is not None and first >= last:
        raise UsageError(f"nothing lies between --from {begin} and --to {end}: --to is not in it any more")
    return first, last


def period_named(text: str, option: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """Beginning and end of a year, quarter, month, week or day. Raises UsageError."""
    try:
        return _period(text.strip(), zone)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time: write {FORMS}") from None


def span_text(span: Span) -> str:
    """The stretch in words; empty for all time."""
    first, last = (None if moment is None else _short(moment) for moment in span)
    if first and last:
        return f"{first} to {last}"
    return f"from {first}" if first else (f"until {last}" if last else "")


def microseconds(moment: datetime | None) -> int | None:
    """Since 1970, UTC."""
    return None if moment is None else round(moment.timestamp() * 1e6)


def _moment(text: str, option: str, zone: tzinfo) -> datetime:
    if "T" not in text and " " not in text.strip():
        return period_named(text, option, zone)[0]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time: write {FORMS}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _period(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    if YEAR.fullmatch(text):
        first, after = date(int(text), 1, 1), date(int(text) + 1, 1, 1)
    elif found := QUARTER.fullmatch(text):
        first = date(int(found[1]), 3 * int(found[2]) - 2, 1)
        after = _months_after(first, 3)
    elif found := MONTH.fullmatch(text):
        first = date(int(found[1]), int(found[2]), 1)
        after = _months_after(first, 1)
    elif found := WEEK.fullmatch(text):
        first = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        after = first + timedelta(days=7)
    elif DAY.fullmatch(text):
        first = date.fromisoformat(text)
        after = first + timedelta(days=1)
    else:
        raise ValueError(text)
    return datetime.combine(first, time(), zone), datetime.combine(after, time(), zone)


def _months_after(first: date, months: int) -> date:
    year, month = divmod(first.month - 1 + months, 12)
    return date(first.year + year, month + 1, 1)


def _short(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d" if moment.time() == time() else "%Y-%m-%dT%H:%M")
