"""``wattmark ledger query``: SQL over the documented views, read-only."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import click

from wattmark.cli.ledger_options import csv_option, note, read, reading_options
from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError


@click.command()
@click.argument("sql", required=False)
@click.option("--limit", type=click.IntRange(min=0), default=100, help="Rows of a table; 0 for all [100].")
@reading_options
@csv_option
@json_option
def command(
    sql: str | None,
    limit: int,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Ask the ledger in SQL (DuckDB's), one SELECT; - reads it from standard input.

    Without SQL this lists the views and their columns.
    """
    if sql is None:
        _list_views(as_json)
        return
    text = sys.stdin.read() if sql == "-" else sql
    if not text.strip():
        raise UsageError("there is no query on standard input")
    from wattmark.ledger.query import LedgerQuery

    reading = read(ledger, no_fold, as_of)
    with LedgerQuery(reading.snapshot) as views:
        answer = views.ask(text)
        if as_csv:
            _print_csv(answer.columns, answer.rows)
        elif as_json:
            _print_json(
                reading.ledger.url, reading.snapshot.version, answer.columns, answer.types, answer.rows
            )
        else:
            _print_table(answer.columns, answer.rows, limit)


def _list_views(as_json: bool) -> None:
    from wattmark.ledger.columns import TAGS
    from wattmark.ledger.views import VIEWS
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table

    if as_json:
        views = [
            {
                "name": name,
                "what": view.what,
                "columns": [{"name": c, "kind": s.kind, "what": s.what} for c, s in view.columns.items()],
            }
            for name, view in VIEWS.items()
        ]
        click.echo(document("ledger-views", 1, {"views": views}))
        return
    for name, view in VIEWS.items():
        rows = [
            (f"  {column}", shown.kind, shown.what)
            for column, shown in view.columns.items()
            if column not in TAGS[1:]
        ]
        rows = [("  (the tags)", *row[1:]) if row[0].strip() == TAGS[0] else row for row in rows]
        click.echo(f"{name}: {view.what}\n{table((), rows)}\n")
    click.echo(f"the tags: {', '.join(TAGS)}")


def _print_table(columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]], limit: int) -> None:
    from wattmark.reports.as_text import table

    shown = list(islice(rows, limit or None))
    click.echo(table(columns, [[_cell(value) for value in row] for row in shown]))
    if next(rows, None) is not None:
        note(f"there are more than these {len(shown)} rows: --limit 0 shows all, --csv is quicker")


def _print_csv(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """Row by row: the result may be larger than the memory."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(columns)
    for row in rows:
        out.writerow(["" if value is None else _cell(value) for value in row])


def _print_json(
    url: str, version: int, columns: tuple[str, ...], types: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    from wattmark.reports.as_json import document

    body = {
        "ledger": url,
        "version": version,
        "columns": [{"name": c, "type": t} for c, t in zip(columns, types, strict=True)],
        "rows": [[_plain(value) for value in row] for row in rows],
    }
    click.echo(document("ledger-query", 1, body))


def _cell(value: Any) -> Any:
    """As it is: a figure is not rounded here."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return repr(value)
        case datetime():
            return value.isoformat(sep=" ")
        case _:
            return value


def _plain(value: Any) -> Any:
    """What JSON has: exact numbers stay exact, what is no number is null."""
    from wattmark.reports.as_json import finite

    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return finite(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else str(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return str(value)
