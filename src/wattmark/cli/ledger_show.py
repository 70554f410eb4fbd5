"""``wattmark ledger show``: one run, and what the ledger made of it."""

from __future__ import annotations

from typing import Any

import click

from wattmark.cli.ledger_options import read, reading_options
from wattmark.cli.ledger_runs import documents_of
from wattmark.cli.options import config_here, json_option, place_options, stated_from
from wattmark.core.errors import UsageError


@click.command()
@click.argument("run")
@place_options
@click.option("--raw", is_flag=True, help="Print the document as it landed, byte for byte.")
@reading_options
@json_option
def command(
    run: str,
    raw: bool,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Show the run whose id begins with RUN: its figures, and where the ledger counted it.

    Ids stand in `wattmark ledger runs`.
    """
    reading = read(ledger, no_fold, as_of)
    from wattmark.ledger.listing import Choice, Listing

    with Listing(reading.snapshot) as listing:
        record_id = _one_of(listing.beginning(run), run, reading.ledger.url)
        (line,) = listing.runs(Choice(where={"run": (record_id,)}), 1)
        counted = listing.devices_of(record_id)
        losses = listing.losses(Choice(where={"run": (record_id,)}))
    documents = documents_of(reading, [line])
    if record_id not in documents:
        raise UsageError(f"run {record_id} was purged: only its id is kept")
    text, kept = documents[record_id]
    if raw:
        click.echo(text, nl=False)
        return
    from wattmark.core.kpis import CATALOG
    from wattmark.core.statements import only_states
    from wattmark.reports.as_json import answer_json, document
    from wattmark.reports.as_text import KPI_FOLD, answer_text, carbon_text, run_summary, stated_text, table
    from wattmark.reports.ledger_lists import Head, counted_body, counted_text, loss_body, run_body
    from wattmark.reports.ledger_statements import record_text
    from wattmark.reports.sections import answers_of
    from wattmark.wiring import facts_for

    if only_states(kept) and not as_json:
        click.echo(f"record {record_id}\n{record_text(kept)}")
        return
    facts = facts_for([kept], config_here(), stated_from(options))
    answers = answers_of(facts)
    settings = reading.ledger.settings
    head = Head(reading.ledger.url, reading.snapshot.version, settings.zone)
    if as_json:
        body = {
            "ledger": head.ledger,
            "version": head.version,
            **run_body(line),
            "energy": answer_json(facts.energy),
            "kpis": {name: answer_json(answer) for name, answer in answers.items()},
            "counted": counted_body(counted),
            "lost": [loss_body(one) for one in losses],
            "faults": [str(fault) for fault in settings.tags.faults(kept.subject)],
        }
        click.echo(document("ledger-show", 1, body))
        return
    click.echo(f"run {record_id}")
    click.echo(run_summary(kept, facts))
    for told in filter(None, (stated_text(facts), carbon_text(facts))):
        click.echo(told)
    click.echo(counted_text(head, line, counted, losses, settings.tags.faults(kept.subject)))
    click.echo("")
    click.echo(
        table(
            ("KPI", "answer"), [(CATALOG[n].title, answer_text(a)) for n, a in answers.items()], fold=KPI_FOLD
        )
    )


def _one_of(found: list[str], asked: str, url: str) -> str:
    if not found:
        raise UsageError(f"no run of {url} begins with {asked!r}: `wattmark ledger runs` lists them")
    if asked in found or len(found) == 1:
        return asked if asked in found else found[0]
    more = " and more" if len(found) > 5 else ""
    raise UsageError(f"several runs begin with {asked!r}: {', '.join(found[:5])}{more}; give more letters")
