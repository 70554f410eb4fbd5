"""Totals by any tags and any calendar period: one question, one answer, on any engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from wattmark.core.known import Boundary
from wattmark.core.rollup import Total
from wattmark.ledger.columns import TAGS
from wattmark.ledger.factors import Factors

PERIODS = ("hour", "day", "week", "month", "quarter", "year")
"""Calendar periods, in the ledger's time zone; weeks as in ISO 8601."""
LABEL = "label."
"""``label.<key>`` asks for a free label."""
PLACE_KEYS = ("site", "country")
KNOWN_KEYS = ("grade", "method", "source")
ROW_KEYS = ("component", "allocation")
COUNTED_KEYS = {"host": "host_id", "device": "device_id", "run": "record_id"}
"""Only the whole table ``counted`` knows these; the others are answered from the cube."""
KEYS = (*TAGS, *PLACE_KEYS, *KNOWN_KEYS, *ROW_KEYS, *COUNTED_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a ledger."""

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
    source: str = "cube"
    """``cube``, or ``counted``: every row, for checking the cube."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """The answer."""

    question: Question
    version: int
    """Version of the ledger that it was worked out from."""
    totals: tuple[Total, ...]
    """Ordered by period, then by the values of the group."""
    findings: tuple[str, ...] = ()
    """What the reader must know: zones without a factor, factors with holes, energy that is not seen."""


class Tables(Protocol):
    """The derived tables of one version of a ledger."""

    version: int

    def files(self, table: str) -> Sequence[str]:
        """Parquet files of a table, their partition columns in their paths as ``day=2026-11-01``."""
        ...


class Engine(Protocol):
    """Runs the rollup's SQL. Numbers come back as int, float or Decimal."""

    name: str

    def attach(self, table: str, files: Sequence[str]) -> None:
        """Make a derived table known under its name."""
        ...

    def put(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """A small table of our own; columns by the kinds of ledger.columns."""
        ...

    def keep(self, table: str, sql: str) -> None:
        """Work a query out once, and keep its result under a name."""
        ...

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The result of a query, row by row."""
        ...


def roll_up(snapshot: Tables, question: Question, factors: Factors, engine: Engine) -> Rollup:
    """Answer a question. Raises UsageError for a key or period that does not exist."""
    raise NotImplementedError
