"""What providers state, as text, CSV and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from wattmark.core.listed import some
from wattmark.core.run import Run, Statement
from wattmark.core.statements import (
    ACCOUNT,
    PROVIDER,
    SERVICE,
    Restated,
    Sum,
    Terms,
    amount,
    stated_at,
    terms_of,
)
from wattmark.reports.as_csv import csv_text
from wattmark.reports.as_text import quantity, table
from wattmark.reports.ledger_lists import Head
from wattmark.reports.quantities import number

NOT_ADDED = "never in totals; rows are not to be added: see docs/ledger/statements.md"
COLUMNS = (
    *("quantity", "accounting", "scopes", "boundary", "value", "unit", "statements", "records"),
    *("model_versions", "refusal"),
)
RESTATED_COLUMNS = (
    *("record_id", "quantity", "accounting", "scopes", "unit", "old", "new", "change"),
    *("old_model_version", "new_model_version", "old_stated_at", "new_stated_at"),
    *("old_folded_at", "new_folded_at"),
)
ABOUT = ("provider", "source", "account", "region", "service", "month")


class Line(Protocol):
    """Statements of one group on the same terms."""

    @property
    def group(self) -> Any: ...
    @property
    def terms(self) -> Terms: ...
    @property
    def records(self) -> int: ...
    @property
    def sum(self) -> Sum | None: ...
    @property
    def refusal(self) -> str: ...


class Anew(Protocol):
    """One figure that was stated anew."""

    @property
    def record_id(self) -> str: ...
    @property
    def group(self) -> Any: ...
    @property
    def figure(self) -> Restated: ...
    @property
    def seqs(self) -> tuple[int, int]: ...
    @property
    def folded_us(self) -> tuple[int, int]: ...


def statements_text(head: Head, lines: Sequence[Line]) -> str:
    """One line per group and terms."""
    if not lines:
        return f"{head}: nobody states anything like that"
    keys = list(lines[0].group)
    rows = [
        (
            *(line.group[key] or "-" for key in keys),
            _what(line.terms),
            _scopes(line.terms),
            quantity(line.sum.value, line.sum.terms.unit) if line.sum else line.refusal,
            str(line.records),
            ", ".join(line.sum.versions) if line.sum else "",
        )
        for line in lines
    ]
    heads = (*keys, "states", "scopes", "as stated", "records", "model")
    return "\n".join([table(heads, rows), "", f"{some(len(lines), 'line')}, {NOT_ADDED}; {head}"])


def record_text(run: Run) -> str:
    """One record that holds nothing but statements: what it is about, and each figure as it was stated."""
    labels = run.subject.labels
    about = [labels.get(label, "") for label in (PROVIDER, ACCOUNT, SERVICE)]
    lines = [f"states           {', '.join(filter(None, (*about[:2], run.subject.region, about[2])))}"]
    periods = dict.fromkeys(s.period or run.started_at[:10] for s in run.statements)
    lines.append(f"period           {', '.join(periods)}")
    stated = stated_at(run.seq) * 1_000_000
    lines.append(f"stated           {_day(stated)}, and no run: in no total")
    rows = [
        (
            _what(terms_of(s)),
            _scopes(terms_of(s)),
            f"{number(s.value)} {s.unit}",
            s.provider_model_version or "",
            s.boundary or "",
        )
        for s in run.statements
    ]
    lines += [table(("states", "scopes", "as stated", "model", "boundary"), rows), *run.notes]
    return "\n".join(lines)


def statements_csv(lines: Sequence[Line]) -> str:
    """The same with exact values."""
    keys = list(lines[0].group) if lines else []
    rows = ([*(line.group[key] for key in keys), *_cells(line)] for line in lines)
    return csv_text((*keys, *COLUMNS), rows)


def _cells(line: Line) -> list[object]:
    terms = line.terms
    return [
        *(terms.quantity, terms.accounting, "+".join(terms.scopes), terms.boundary),
        *(line.sum.value if line.sum else "", terms.unit, line.sum.count if line.sum else "", line.records),
        " ".join(line.sum.versions) if line.sum else "",
        line.refusal,
    ]


def statement_body(line: Line) -> dict[str, Any]:
    """One line for JSON."""
    return {
        "group": dict(line.group),
        **_terms(line.terms),
        "value": line.sum.value if line.sum else None,
        "statements": line.sum.count if line.sum else None,
        "records": line.records,
        "model_versions": list(line.sum.versions) if line.sum else [],
        "refusal": line.refusal or None,
    }


def restated_text(head: Head, lines: Sequence[Anew]) -> str:
    """One line per figure that was stated anew, the latest first."""
    if not lines:
        return f"{head}: nothing was stated anew"
    rows = [
        (
            *(line.group.get(key) or "-" for key in ABOUT if key != "source"),
            _what(line.figure.terms),
            _scopes(line.figure.terms),
            f"{_shown(line.figure.old)} -> {_shown(line.figure.new)}",
            f"{_model(line.figure.old)} -> {_model(line.figure.new)}",
            _day(stated_at(line.seqs[1]) * 1_000_000),
            _day(line.folded_us[1]),
        )
        for line in lines
    ]
    heads = (*(key for key in ABOUT if key != "source"), "states", "scopes", "old -> new")
    text = table((*heads, "model", "stated", "in the ledger"), rows)
    return "\n".join([text, "", f"{some(len(lines), 'figure')} stated anew; {head}"])


def restated_csv(lines: Sequence[Anew]) -> str:
    """The same with exact values."""
    rows = ([*(line.group.get(key, "") for key in ABOUT), *restated_body(line).values()] for line in lines)
    plain = ([c for c in row if not isinstance(c, dict)] for row in rows)
    return csv_text(
        (*ABOUT, *RESTATED_COLUMNS),
        (["+".join(c) if isinstance(c, list) else ("" if c is None else c) for c in row] for row in plain),
    )


def restated_body(line: Anew) -> dict[str, Any]:
    """One line for JSON."""
    figure = line.figure
    old, new = figure.old, figure.new
    terms = _terms(figure.terms)
    del terms["boundary"]
    return {
        "group": {key: line.group.get(key, "") for key in ABOUT},
        "record_id": line.record_id,
        **terms,
        "old": None if old is None else amount(old),
        "new": None if new is None else amount(new),
        "change": figure.change,
        "old_model_version": old.provider_model_version if old else None,
        "new_model_version": new.provider_model_version if new else None,
        "old_stated_at": _iso(stated_at(line.seqs[0]) * 1_000_000),
        "new_stated_at": _iso(stated_at(line.seqs[1]) * 1_000_000),
        "old_folded_at": _iso(line.folded_us[0]),
        "new_folded_at": _iso(line.folded_us[1]),
    }


def _terms(terms: Terms) -> dict[str, Any]:
    return {
        "quantity": terms.quantity,
        "accounting": terms.accounting or None,
        "scopes": list(terms.scopes),
        "boundary": terms.boundary or None,
        "unit": terms.unit,
    }


def _what(terms: Terms) -> str:
    """``emissions, location-based``."""
    how = {"location": "location-based", "market": "market-based", "either": "either method"}
    said = how.get(terms.accounting, terms.accounting and "method not stated")
    return f"{terms.quantity}, {said}" if said else terms.quantity


def _scopes(terms: Terms) -> str:
    return " + ".join(scope.removeprefix("scope ") for scope in terms.scopes)


def _shown(statement: Statement | None) -> str:
    if statement is None:
        return "none"
    unit = {"emissions": "gCO2e", "water": "L"}.get(statement.quantity, statement.unit)
    return quantity(amount(statement), unit)


def _model(statement: Statement | None) -> str:
    return (statement.provider_model_version if statement else None) or "-"


def _day(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d") if at_us else "-"


def _iso(at_us: int) -> str | None:
    if not at_us:
        return None
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
