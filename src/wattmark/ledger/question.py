"""What may be asked of a ledger, and the calendar that it is asked by."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary
from wattmark.ledger.columns import BUCKET_US, TAGS

PERIODS = ("hour", "day", "week", "month", "quarter", "year")
"""Calendar periods, in the ledger's time zone; weeks as in ISO 8601."""
LABEL = "label."
"""``label.<key>`` asks for a free label."""
OF_AGENTS = ("tenant", "target")
"""Labels of what an agent brings: elsewhere they are names of their own, so people ask for them so."""
PLACE_KEYS = ("site", "country")
KNOWN_KEYS = ("grade", "method", "source")
ROW_KEYS = ("component", "allocation")
COUNTED_KEYS: Mapping[str, str] = {"host": "host_id", "device": "device_id", "run": "record_id"}
"""Only the whole table ``counted`` knows these; the others are answered from the cube."""
KEYS = (*TAGS, *PLACE_KEYS, *KNOWN_KEYS, *ROW_KEYS, *COUNTED_KEYS)
ENERGY_ONLY = frozenset((*KNOWN_KEYS, *ROW_KEYS, "device"))
"""Keys that divide energy and nothing else: work and runs are not told apart by them."""
CUBE, COUNTED = "cube", "counted"
MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a ledger. Raises UsageError for what cannot be asked."""

    by: tuple[str, ...] = ()
    """Keys of KEYS, or ``label.<key>``; empty: one total."""
    period: str | None = None
    """One of PERIODS."""
    start: datetime | None = None
    """First moment, on a quarter of an hour; with a time zone."""
    end: datetime | None = None
    """First moment that is no longer in it."""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Key -> the values that count; an empty value is what nobody stated."""
    boundary: Boundary = Boundary.NODE
    """A total takes the widest reading at or below it."""
    time_zone: str = "UTC"
    """IANA name of the calendar's zone."""
    source: str = CUBE
    """``cube``, or ``counted``: every row, for checking the cube."""

    def __post_init__(self) -> None:
        for key in (*self.by, *self.where):
            _check_key(key)
        if len(set(self.by)) < len(self.by):
            raise UsageError(f"a key was asked for twice: {', '.join(self.by)}")
        if self.period is not None and self.period not in PERIODS:
            raise UsageError(f"no period {self.period!r}: give one of {', '.join(PERIODS)}")
        if self.source not in (CUBE, COUNTED):
            raise UsageError(f"totals come from {CUBE!r} or {COUNTED!r}, not from {self.source!r}")
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment is not None:
                _moment(name, moment)
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise UsageError(f"nothing lies between {self.start.isoformat()} and {self.end.isoformat()}")
        zone_named(self.time_zone)

    @property
    def start_us(self) -> int | None:
        """First moment in microseconds since 1970, UTC."""
        return None if self.start is None else _moment("start", self.start)

    @property
    def end_us(self) -> int | None:
        """First moment that is no longer in it."""
        return None if self.end is None else _moment("end", self.end)

    @property
    def extra(self) -> tuple[str, ...]:
        """Keys of the answer that are columns of the rows themselves, beside component and allocation."""
        return tuple(key for key in self.by if key in COUNTED_KEYS)

    @property
    def table(self) -> str:
        """The table that can answer it."""
        asked = {*self.by, *self.where}
        return COUNTED if self.source == COUNTED or asked & set(COUNTED_KEYS) else CUBE

    def holds(self, bucket_us: int) -> bool:
        """Whether a quarter of an hour lies between start and end."""
        start, end = self.start_us, self.end_us
        return (start is None or bucket_us >= start) and (end is None or bucket_us < end)


def zone_named(name: str) -> tzinfo:
    """A time zone by its IANA name. Raises UsageError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"no time zone {name!r} is known here: give an IANA name such as Europe/Paris "
            "(systems without a time zone database need `pip install tzdata`)"
        ) from None


def period_of(at_us: int, period: str | None, zone: tzinfo) -> str:
    """The name of the calendar period around a moment: ``2026-11``, ``2026-W45``, ``2026-Q4``, ...

    An hour carries its offset from UTC, for when clocks are put back there are two of one name.
    """
    if period is None:
        return ""
    local = datetime.fromtimestamp(at_us // MICRO, zone)
    match period:
        case "hour":
            return local.replace(minute=0, second=0).isoformat(timespec="minutes")
        case "day":
            return local.date().isoformat()
        case "week":
            year, week, _ = local.isocalendar()
            return f"{year}-W{week:02d}"
        case "month":
            return f"{local:%Y-%m}"
        case "quarter":
            return f"{local.year}-Q{(local.month + 2) // 3}"
        case _:
            return f"{local.year}"


def _check_key(key: str) -> None:
    if key in KEYS or (key.startswith(LABEL) and len(key) > len(LABEL)):
        return
    if key in OF_AGENTS:
        raise UsageError(f"no key {key!r}: agents tell it as a label: {LABEL}{key}")
    close = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.65)
    meant = f"did you mean {close[0]!r}?" if close else f"give one of {', '.join(KEYS)}, or label.<key>"
    raise UsageError(f"no key {key!r}: {meant}")


def _moment(name: str, moment: datetime) -> int:
    if moment.tzinfo is None:
        raise UsageError(f"{name} {moment.isoformat()} names no time zone")
    seconds = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    if moment.microsecond or seconds * MICRO % BUCKET_US:
        raise UsageError(
            f"{name} {moment.isoformat()} is not on a quarter of an hour: the ledger adds up quarters"
        )
    return seconds * MICRO
