"""What providers state, as the ledger's tables hold it: the latest version of each record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wattmark.core.run import Statement
from wattmark.core.stated_once import Twice, Whose, heard_twice
from wattmark.core.statements import ACCOUNT, PROVIDER, SERVICE
from wattmark.ledger.columns import TAGS
from wattmark.ledger.engine import Engine, Tables

COLUMNS = (
    *("quantity", "value", "unit", "accounting", "scopes", "basis", "period"),
    *("provider_model_version", "boundary"),
)
"""Of the table ``statements``, as ``statement_of`` takes them."""
SOURCE, MONTH = "source", "month"
KEYS = ("provider", SOURCE, "account", "region", "service", MONTH, *(t for t in TAGS if t != "region"))
"""What statements are listed by, beside ``label.<key>``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedRecord:
    """The statements of one provider, account, region, service and period."""

    record_id: str
    provider: str
    account: str
    service: str
    region: str
    """As the provider spells it."""
    period: str
    """As stated: ``2026-05``."""
    day: str
    """UTC day on which the period begins."""
    tags: Mapping[str, str]
    """Whose it is."""
    source: str
    """The importer."""
    seq: int
    statements: tuple[Statement, ...]


def stated_records(
    engine: Engine, snapshot: Tables, quantity: str, region_of: Callable[[str, str], str]
) -> tuple[list[StatedRecord], tuple[Twice, ...]]:
    """Every record that states this quantity for a provider that is named, in the order of their ids.

    Of what several importers state the newer word alone is among them; the second value says what was left
    out. ``region_of`` gives a provider's region one spelling.
    """
    whole = [*_records(engine, snapshot, quantity)]

    def whose(one: StatedRecord) -> Whose:
        return Whose(one.provider, one.account, region_of(one.provider, one.region), one.period)

    twice = heard_twice((whose(one), one.source, one.seq) for one in whole)
    kept = {one.whose: one.kept for one in twice}
    return [r for r in whole if kept.get(whose(r), r.source) == r.source], twice


@dataclass(slots=True)
class _Held:
    """The rows of one record."""

    day: str
    source: str
    seq: int
    tags: Mapping[str, str]
    labels: Mapping[str, str]
    statements: list[Statement] = field(default_factory=list)


def _records(engine: Engine, snapshot: Tables, quantity: str) -> Iterator[StatedRecord]:
    for table in ("statements", "subjects", "runs"):
        engine.attach(table, snapshot)
    columns = ", ".join(f"s.{name}" for name in COLUMNS)
    tags = ", ".join(f"u.{tag}" for tag in TAGS)
    rows = engine.rows(
        f"SELECT s.record_id, s.day, r.source, r.seq, u.labels, {tags}, {columns} FROM statements s "
        "JOIN subjects u ON s.subject_id = u.subject_id JOIN runs r ON s.record_id = r.record_id "
        "ORDER BY s.record_id"
    )
    found: dict[str, _Held] = {}
    for record_id, day, source, seq, labels, *values in rows:
        statement = statement_of(values[len(TAGS) :])
        if statement.quantity == quantity:
            if record_id not in found:
                whose = {tag: str(value or "") for tag, value in zip(TAGS, values, strict=False)}
                found[record_id] = _Held(day, source or "", int(seq), whose, json.loads(labels or "{}"))
            found[record_id].statements.append(statement)
    for record_id, held in found.items():
        if held.labels.get(PROVIDER):
            yield StatedRecord(
                record_id=record_id,
                provider=held.labels[PROVIDER],
                account=held.labels.get(ACCOUNT, ""),
                service=held.labels.get(SERVICE, ""),
                region=held.tags["region"],
                period=held.statements[0].period or "",
                day=held.day,
                tags=held.tags,
                source=held.source,
                seq=held.seq,
                statements=tuple(held.statements),
            )


def statement_of(row: Sequence[Any]) -> Statement:
    """A statement out of the values of COLUMNS."""
    quantity, value, unit, accounting, scopes, basis, period, version, boundary = row
    return Statement(
        quantity=str(quantity),
        value=float(value),
        unit=str(unit),
        accounting=accounting or None,
        scopes=tuple(scopes.split(",")) if scopes else (),
        basis=basis or None,
        period=period or None,
        provider_model_version=version or None,
        boundary=boundary or None,
    )
