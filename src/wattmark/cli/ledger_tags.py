"""``wattmark ledger tags``: what is untagged or unknown, by energy."""

from __future__ import annotations

import click

from wattmark.cli.ledger_options import NOT_ALL, csv_option, read, reading_options
from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii


@click.command()
@click.option("--strict", is_flag=True, help="Exit with 1 when anything is wrong, for CI.")
@reading_options
@csv_option
@json_option
def command(
    strict: bool, ledger: str | None, no_fold: bool, as_of: int | None, as_csv: bool, as_json: bool
) -> int:
    """List what is untagged or has an unknown value, the most energy first, with the fix and whom to ask."""
    reading = read(ledger, no_fold, as_of)
    from wattmark.core.tagged import stated, tag_lines
    from wattmark.ledger.listing import Listing
    from wattmark.ledger.quarantine import EvidenceQuarantine
    from wattmark.reports.as_json import document
    from wattmark.reports.ledger_lists import Head
    from wattmark.reports.ledger_tags import tags_body, tags_csv, tags_text

    rules = reading.ledger.settings.tags
    quarantine = EvidenceQuarantine(reading.ledger.store, reading.snapshot.version, rules)
    with Listing(reading.snapshot, quarantine) as listing:
        uses = listing.subjects()
    lines, told = tag_lines(rules, uses), stated(rules, uses)
    head = Head(reading.ledger.url, reading.snapshot.version)
    if as_json:
        body = {"ledger": head.ledger, "version": head.version, **tags_body(rules, lines, told)}
        click.echo(document("ledger-tags", 1, body))
    elif as_csv:
        click.echo(tags_csv(lines), nl=False)
    else:
        click.echo(tags_text(head, rules, lines, told, ascii_only=only_ascii()))
    return NOT_ALL if strict and lines else 0
