"""One line of a cloud bill, whoever wrote it: what was rented, for how long, and what it cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from wattmark.sources.lines import number_of
from wattmark.sources.moments import moment_us

USAGE = "usage"
"""The charge of what was used; every other charge (tax, credit, fee) has the provider's own word."""
_HOURS = re.compile(r"(?:\d+ )?(?:hours?|hrs?|instance[ -]hours?)", re.IGNORECASE)
_SECONDS = re.compile(r"seconds?|s", re.IGNORECASE)
_CURRENCY = re.compile(r"[A-Z]{3}")
US_PER_HOUR = 3_600_000_000
LEAST_HOURS, MOST_HOURS = 1e-12, 1e9
"""Of one line: a few nanoseconds, and all machines of a large provider for some days."""
MOST_COST = 1e24
"""Of one line, in any currency: what is larger is no amount, and would spoil the sum of its month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """What importers of bills have in common."""

    provider: str
    """aws, google, azure, or what the bill calls it."""
    account: str
    region: str
    """The provider's code; empty for what has none."""
    service: str
    start_us: int
    end_us: int
    month: str
    """Month of the bill, ``2026-05``."""
    charge: str = USAGE
    instance_type: str = ""
    hours: float = 0.0
    """Instance-hours of that type; 0 where the line is about something else."""
    gpu: str = ""
    """Accelerators that are billed by themselves: id in the hardware table, or the provider's name."""
    gpu_hours: float = 0.0
    resource: str = ""
    """The one machine that the line is about, by the name under which other sources know it."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """``unblended``, ``effective``, ... -> amount."""
    currency: str = ""
    estimated: bool = False
    """The provider says that it may still change."""
    final: bool = False
    """It is on an invoice."""
    delivered_seconds: int | None = None
    """When the provider wrote it, seconds since 1970, where the line says so."""

    def checked(self) -> BillLine:
        """The line itself. Raises ValueError for one that cannot be."""
        if self.end_us <= self.start_us:
            raise ValueError("its period ends before it begins")
        for name, amount in (("instance-hours", self.hours), ("accelerator-hours", self.gpu_hours)):
            if amount and not LEAST_HOURS <= amount <= MOST_HOURS:
                raise ValueError(f"{amount:g} {name} cannot be")
        for name, amount in self.costs.items():
            if not abs(amount) <= MOST_COST:
                raise ValueError(f"{name} cost {amount:g} cannot be")
        if self.costs and not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"currency {self.currency[:20]!r} is no ISO 4217 code such as USD")
        return self


def hours_in(quantity: str, unit: str, *, what: str = "quantity") -> float:
    """Hours of a quantity. Raises ValueError for an unknown unit and for what is no number or negative.

    A number in a unit of Azure ("10 Hours") is the block that is priced, not a factor: quantities are in
    hours (FinOps toolkit, x_PricingBlockSize).
    """
    amount = amount_in(quantity, what)
    if amount < 0:
        raise ValueError(f"{what} {amount:g} is negative")
    if _HOURS.fullmatch(unit.strip()):
        return amount
    if _SECONDS.fullmatch(unit.strip()):
        return amount / 3600
    raise ValueError(f"unit {unit[:40]!r} of {what} is not known: hours or seconds are")


def is_time(unit: str) -> bool:
    """Whether a unit is one of time."""
    return bool(_HOURS.fullmatch(unit.strip()) or _SECONDS.fullmatch(unit.strip()))


def amount_in(text: str, what: str) -> float:
    """The number in a cell; empty is 0. Raises ValueError, naming the column, for what is none."""
    if not text:
        return 0.0
    value = number_of(text)
    if value is None:
        raise ValueError(f"{what} {text[:40]!r} is not a number")
    return value


def moment_in(text: str, what: str) -> int:
    """Microseconds since 1970 of a cell; without a zone it is UTC, as bills are. Raises ValueError."""
    found = moment_us(text.removesuffix(" UTC").strip(), UTC)
    if found is None:
        raise ValueError(f"{what} {text[:40]!r} is no time like 2026-05-01T00:00:00Z")
    return found


def month_of(us: int) -> str:
    """The calendar month (UTC) of a moment, ``2026-05``."""
    return datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m")


def month_span(month: str) -> tuple[int, int]:
    """First moment of a month and of the next, microseconds since 1970. Raises ValueError."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    after = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return round(start.timestamp()) * 1_000_000, round(after.timestamp()) * 1_000_000
