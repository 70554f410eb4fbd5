"""A ledger at one version with an engine that adds up, and a stretch of days in its calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from wattmark.core.known import Boundary
from wattmark.core.portfolio import Asked
from wattmark.core.targets import bounds_of
from wattmark.ledger.question import Question, zone_named
from wattmark.wiring.ledger import OpenLedger

if TYPE_CHECKING:
    from wattmark.ledger.engine import Engine
    from wattmark.ledger.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Books:
    """What figures of a portfolio are worked out from."""

    ledger: OpenLedger
    snapshot: Snapshot
    engine: Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of whole days in the ledger's calendar."""

    name: str
    first: date
    after: date

    def question(self, asked: Asked, **more: Any) -> Question:
        """What is asked of the ledger."""
        zone = zone_named(asked.time_zone)
        return Question(
            start=datetime.combine(self.first, time(), zone),
            end=datetime.combine(self.after, time(), zone),
            where=asked.where,
            boundary=Boundary(asked.boundary),
            time_zone=asked.time_zone,
            **more,
        )


def span_named(name: str) -> Span:
    """A year or a quarter. Raises UsageError."""
    first, after = bounds_of(name)
    return Span(name=name, first=first, after=after)
