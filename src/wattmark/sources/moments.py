"""Times as tools write them, as microseconds since 1970 (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from wattmark.core.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST_YEAR, MOST_YEAR = 1990, 2200
"""Outside of these a time is a mistake: a clock that was never set, or another unit."""


def zone_of(name: str | None) -> tzinfo:
    """A time zone by its IANA name, ``UTC`` when none is given. Raises UsageError for an unknown one."""
    if name is None or name.upper() == "UTC":
        return UTC
    if name.lower() == "local":
        raise UsageError("name the time zone, e.g. Europe/Paris: 'local' is another one on each machine")
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise UsageError(f"{name!r} is no time zone: give one like Europe/Paris or UTC") from None


def moment_us(text: str, zone: tzinfo, layout: str | None = None) -> int | None:
    """Microseconds since 1970 of a written time; None when it is none, or in an impossible year.

    Without a ``layout`` (as of strptime) ISO 8601 is read. A time that names no zone is in ``zone``.
    """
    try:
        moment = datetime.strptime(text, layout) if layout else datetime.fromisoformat(text)  # noqa: DTZ007
    except ValueError:
        return None
    if not LEAST_YEAR <= moment.year < MOST_YEAR:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - EPOCH) // timedelta(microseconds=1)


def written(us: int) -> str:
    """A moment as a run file has it: UTC, ISO 8601 with a trailing Z."""
    return (EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
