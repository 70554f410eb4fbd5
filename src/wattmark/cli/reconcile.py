"""``wattmark reconcile``: our carbon of clouds beside what their providers state."""

from __future__ import annotations

import click

from wattmark.cli.completing import one_of
from wattmark.cli.ledger_asked import span_of, span_options, span_text
from wattmark.cli.ledger_options import csv_option, read, reading_options, told_wait
from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii
from wattmark.core.carbon import BASES

PROVIDERS = ("aws", "google", "azure")


def _regions() -> list[str]:
    from wattmark.grid.places import cloud_places

    return [place.region for place in cloud_places()]


@click.command()
@span_options
@click.option("--provider", "providers", multiple=True, type=click.Choice(PROVIDERS), help="Only this one.")
@click.option(
    "--region", "regions", multiple=True, shell_complete=one_of(_regions), help="Only this cloud region."
)
@click.option("--account", "accounts", multiple=True, help="Only this account, on both sides.")
@click.option(
    "--basis",
    type=click.Choice(BASES),
    default="direct",
    help="Of our carbon; providers' Scope 2 is direct, their Scope 3 holds what is upstream [direct].",
)
@reading_options
@csv_option
@json_option
def command(
    begin: str | None,
    end: str | None,
    inside: str | None,
    providers: tuple[str, ...],
    regions: tuple[str, ...],
    accounts: tuple[str, ...],
    basis: str,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Our carbon of clouds beside their providers', by month and region, and what lies between.

    Months are UTC, as providers state them. Neither side is corrected by the other.
    """
    from datetime import UTC

    from wattmark.ledger.question import Question
    from wattmark.reports.as_json import document
    from wattmark.reports.ledger_lists import Head
    from wattmark.reports.reconcile import ReconcileView, reconcile_body, reconcile_csv, reconcile_text
    from wattmark.wiring.ledger import ask, engine_named
    from wattmark.wiring.places import tables_folder
    from wattmark.wiring.reconcile import Wanted, both_sides

    reading = read(ledger, no_fold, as_of)
    from wattmark.ledger.statements import times_restated  # needs what reading has named if it lacked it

    settings, snapshot = reading.ledger.settings, reading.snapshot
    span = span_of(begin, end, inside, UTC)
    wanted = Wanted(providers=frozenset(providers), regions=frozenset(regions), accounts=frozenset(accounts))
    question = Question(start=span[0], end=span[1])
    with told_wait("setting both sides beside each other"), engine_named("duckdb") as engine:
        found = both_sides(
            engine,
            snapshot,
            question,
            wanted,
            lambda asked: ask(settings, snapshot, asked, engine, ("location", basis)),
            tables_folder(),
            lambda records: times_restated(reading.ledger.store, snapshot.version, records),
        )
    head = Head(reading.ledger.url, snapshot.version)
    view = ReconcileView(head=head, span=span_text(span), told=found.told, findings=found.findings)
    if as_json:
        click.echo(document("reconcile", 1, reconcile_body(view)))
    elif as_csv:
        click.echo(reconcile_csv(view), nl=False)
    else:
        click.echo(reconcile_text(view, ascii_only=only_ascii()))
