"""``wattmark ledger statements``: what cloud providers state themselves."""

from __future__ import annotations

import click

from wattmark.cli.completing import one_of, statement_keys
from wattmark.cli.ledger_asked import keys_of, microseconds, span_of, span_options, where_of, where_option
from wattmark.cli.ledger_options import csv_option, read, reading_options
from wattmark.cli.options import json_option


@click.command()
@click.option(
    "--by",
    "keys",
    multiple=True,
    metavar="KEY[,KEY]",
    shell_complete=one_of(statement_keys),
    help="A line for each: provider, account, region, service, month, a tag or label.KEY [provider,month].",
)
@click.option("--parts", is_flag=True, help="Also the scopes that are part of a stated total.")
@click.option("--restated", is_flag=True, help="List what was stated anew instead: old, new and when.")
@where_option
@span_options
@reading_options
@csv_option
@json_option
def command(
    keys: tuple[str, ...],
    parts: bool,
    restated: bool,
    wheres: tuple[str, ...],
    begin: str | None,
    end: str | None,
    inside: str | None,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List what cloud providers state of carbon, water and cost. No total holds any of it.

    Each line adds what may be added: one source, one accounting, the same scopes. Months are UTC.
    """
    where = where_of(wheres)
    reading = read(ledger, no_fold, as_of)
    from datetime import UTC

    from wattmark.ledger.statements import USUAL, Choice, StatementList, restatements
    from wattmark.reports import ledger_statements as shown
    from wattmark.reports.as_json import document
    from wattmark.reports.ledger_lists import Head

    first, last = span_of(begin, end, inside, UTC)
    choice = Choice(where=where, start_us=microseconds(first), end_us=microseconds(last))
    head = Head(reading.ledger.url, reading.snapshot.version)
    about = {"ledger": head.ledger, "version": head.version}
    with StatementList(reading.snapshot) as listed:
        if restated:
            groups = listed.groups(choice)
            anew = restatements(reading.ledger.store, reading.snapshot.version, groups)
            if as_json:
                body = {**about, "restated": [shown.restated_body(line) for line in anew]}
                click.echo(document("ledger-restated", 1, body))
            elif as_csv:
                click.echo(shown.restated_csv(anew), nl=False)
            else:
                click.echo(shown.restated_text(head, anew))
            return
        lines = listed.lines(choice, keys_of(keys) or USUAL, parts=parts)
    if as_json:
        body = {**about, "statements": [shown.statement_body(line) for line in lines]}
        click.echo(document("ledger-statements", 1, body))
    elif as_csv:
        click.echo(shown.statements_csv(lines), nl=False)
    else:
        click.echo(shown.statements_text(head, lines))
