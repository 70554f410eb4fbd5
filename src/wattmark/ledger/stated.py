"""What providers state, as the ledger's tables hold it: the latest version of each record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from wattmark.core.run import Statement
from wattmark.core.statements import ACCOUNT, PROVIDER, SERVICE
from wattmark.ledger.asking import Engine, Tables
from wattmark.ledger.columns import STATEMENTS

_COLUMNS = ("quantity", "value", "unit", "accounting", "scopes", "basis", "period", "provider_model_version")


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
    statements: tuple[Statement, ...]


def stated_records(engine: Engine, snapshot: Tables, quantity: str) -> Iterator[StatedRecord]:
    """Every record that states this quantity for a provider that is named, in the order of their ids."""
    for table in ("statements", "subjects"):
        engine.attach(table, snapshot)
    columns = ", ".join(f"s.{name}" for name in _COLUMNS if name in STATEMENTS)
    rows = engine.rows(
        f"SELECT s.record_id, u.region, u.labels, {columns} FROM statements s "
        "JOIN subjects u ON s.subject_id = u.subject_id ORDER BY s.record_id"
    )
    found: dict[str, tuple[str, dict[str, str], list[Statement]]] = {}
    for record_id, region, labels, *values in rows:
        told = dict(zip(_COLUMNS, values, strict=True))
        if told["quantity"] == quantity:
            one = found.setdefault(record_id, (region or "", json.loads(labels or "{}"), []))
            one[2].append(_statement(told))
    for record_id, (region, labels, statements) in found.items():
        if labels.get(PROVIDER):
            yield StatedRecord(
                record_id=record_id,
                provider=labels[PROVIDER],
                account=labels.get(ACCOUNT, ""),
                service=labels.get(SERVICE, ""),
                region=region,
                period=statements[0].period or "",
                statements=tuple(statements),
            )


def _statement(told: dict[str, object]) -> Statement:
    def text(name: str) -> str | None:
        return str(told[name]) if told[name] else None

    return Statement(
        quantity=str(told["quantity"]),
        value=float(str(told["value"])),
        unit=str(told["unit"]),
        accounting=text("accounting"),
        scopes=tuple(filter(None, (text("scopes") or "").split(","))),
        basis=text("basis"),
        period=text("period"),
        provider_model_version=text("provider_model_version"),
    )
