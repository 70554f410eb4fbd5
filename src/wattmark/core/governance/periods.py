"""The periods that budgets are for: calendar periods of a time zone, by kind or by name.

A day is as long as its clocks make it: 23 hours when they are put forward, 25 when they are put back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from wattmark.core.errors import UsageError
from wattmark.core.governance.budget import PERIODS

RUN, DAY, WEEK, MONTH, QUARTER, YEAR, TOTAL = PERIODS
HOUR = "hour"
NAMED = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")
STEP_OF = {DAY: HOUR, WEEK: DAY, MONTH: DAY, QUARTER: DAY, YEAR: WEEK, TOTAL: MONTH}
"""In what steps a period is looked at: hours of a day, days of a quarter, weeks of a year."""
ALWAYS = "all time"
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One period of a calendar. Both moments are UTC; None is without an end."""

    name: str
    """``2026-11-22``, ``2026-W47``, ``2026-11``, ``2026-Q4``, ``2026``, or ``all time``."""
    kind: str
    start: datetime | None = None
    end: datetime | None = None
    """First moment that is no longer in it."""

    @property
    def step(self) -> str:
        """In what steps it is looked at."""
        return STEP_OF[self.kind]

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)

    def elapsed(self, now: datetime) -> float | None:
        """Share of it that is over, 0 to 1; None for what has no end."""
        if self.start is None or self.end is None:
            return None
        return min(1.0, max(0.0, (now - self.start) / (self.end - self.start)))


def check_period(text: str) -> None:
    """Raise UsageError for what is neither a kind of period nor the name of one."""
    if text not in PERIODS and not NAMED.fullmatch(text):
        raise UsageError(
            f"no period {text!r}: give one of {', '.join(PERIODS)}, or a name such as 2027, 2027-Q1, 2027-03"
        )


def period_at(text: str, moment: datetime, zone: tzinfo) -> Period:
    """The period that is meant: of a kind the one around a moment, else the one that is named.

    Raises UsageError for what is no period, and for ``run``, which is none of a calendar.
    """
    check_period(text)
    if text == RUN:
        raise UsageError("a budget for each run has no period of the calendar")
    if text == TOTAL:
        return Period(name=ALWAYS, kind=TOTAL)
    named = NAMED.fullmatch(text)
    if named:
        first, after, kind = _named(named)
        return _between(text, kind, first, after, zone)
    day = moment.astimezone(zone).date()
    first = _first(text, day)
    return _between(_name(text, first), text, first, _after(text, first), zone)


def steps_of(period: Period, now: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """The whole steps of a period that are over: of days and weeks those of the calendar, else hours."""
    if period.start is None:
        return
    end = now if period.end is None else min(now, period.end)
    at = period.start
    if period.step == HOUR:
        while (after := at + timedelta(hours=1)) <= end:
            yield at, after
            at = after
        return
    day = at.astimezone(zone).date()
    if period.step == WEEK and day.weekday():
        day += timedelta(days=7 - day.weekday())  # the first week that lies in it whole
    length = timedelta(days=7 if period.step == WEEK else 1)
    while (after := midnight(day + length, zone)) <= end:
        yield midnight(day, zone), after
        day += length


def pieces(
    period: Period, start: datetime, end: datetime, zone: tzinfo
) -> Iterator[tuple[datetime, datetime, datetime]]:
    """A stretch of time cut at the edges of steps, as far as it lies in a period.

    Each piece with the first moment of its step, or of the period where that is later.
    """
    at = start if period.start is None else max(start, period.start)
    stop = end if period.end is None else min(end, period.end)
    if at == stop == start and period.holds(at):  # it took no time
        yield at, stop, _step_at(period, at, zone)[0]
    while at < stop:
        first, after = _step_at(period, at, zone)
        yield at, min(after, stop), first
        at = after


def _step_at(period: Period, moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The step of a period around a moment; the first one begins with the period."""
    if period.step == HOUR:
        assert period.start is not None  # days have a beginning
        first = period.start + timedelta(hours=(moment - period.start) // timedelta(hours=1))
        return first, first + timedelta(hours=1)
    around = period_at(period.step, moment, zone)
    assert around.start is not None  # calendar periods have both
    assert around.end is not None
    return around.start if period.start is None else max(around.start, period.start), around.end


def step_seconds(period: Period) -> float:
    """How long a step is, in seconds; clocks that are put forward or back left aside."""
    return {HOUR: 3600.0, DAY: DAY_SECONDS, WEEK: 7 * DAY_SECONDS}[period.step]


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day, UTC; where clocks skip midnight, the moment at which they do."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _between(name: str, kind: str, first: date, after: date, zone: tzinfo) -> Period:
    return Period(name=name, kind=kind, start=midnight(first, zone), end=midnight(after, zone))


def _named(found: re.Match[str]) -> tuple[date, date, str]:
    year = int(found["year"])
    if not date.min.year <= year < date.max.year:
        raise UsageError(f"no period {found[0]!r}: the calendar has no such year")
    kind = QUARTER if found["quarter"] else MONTH if found["month"] else YEAR
    month = 3 * int(found["quarter"]) - 2 if found["quarter"] else int(found["month"] or 1)
    first = date(year, month, 1)
    return first, _after(kind, first), kind


def _first(kind: str, day: date) -> date:
    """The first day of the period of a kind around a day."""
    match kind:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
        case _:
            return date(day.year, 1, 1)


def _after(kind: str, first: date) -> date:
    """The first day after a period of a kind that begins so."""
    if kind in (DAY, WEEK):
        return first + timedelta(days=1 if kind == DAY else 7)
    months = first.month - 1 + {MONTH: 1, QUARTER: 3, YEAR: 12}[kind]
    return date(first.year + months // 12, months % 12 + 1, 1)


def _name(kind: str, first: date) -> str:
    """As a ledger names it."""
    match kind:
        case "day":
            return first.isoformat()
        case "week":
            year, week, _ = first.isocalendar()
            return f"{year}-W{week:02d}"
        case "month":
            return f"{first:%Y-%m}"
        case "quarter":
            return f"{first.year}-Q{(first.month + 2) // 3}"
        case _:
            return f"{first.year}"
