"""``wattmark ledger utilisation``: how busy devices were, sustained, from what agents told."""

from __future__ import annotations

from datetime import datetime

import click

from wattmark.cli.ledger_asked import span_of, span_options
from wattmark.cli.ledger_options import read, reading_options, told_wait
from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii


@click.command()
@click.option("--host", "hosts", multiple=True, help="Only these machines, by their ids.")
@click.option("--component", "components", multiple=True, help="Only these, e.g. gpu or cpu.")
@span_options
@reading_options
@json_option
def command(
    hosts: tuple[str, ...],
    components: tuple[str, ...],
    begin: str | None,
    end: str | None,
    inside: str | None,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_json: bool,
) -> None:
    """The Hardware Utilisation Efficiency of machines on which an agent runs.

    10th percentile of five-minute windows over an hour or more, by the best signal of the first class of
    device.
    """
    from wattmark.core.facts import Facts
    from wattmark.core.figure import Missing
    from wattmark.core.kpis import CATALOG
    from wattmark.ledger.utilisation import utilisation_in
    from wattmark.reports.as_json import document
    from wattmark.reports.ledger_lists import Head
    from wattmark.reports.ledger_utilisation import utilisation_body, utilisation_text

    reading = read(ledger, no_fold, as_of)
    start, stop = span_of(begin, end, inside, reading.ledger.settings.zone)
    with told_wait("reading the evidence"):
        found = utilisation_in(
            reading.ledger.store,
            as_of=reading.snapshot.version,
            start_us=_us(start),
            end_us=_us(stop),
            hosts=hosts,
            components=components,
        )
    facts = Facts(energy=Missing("energy"), utilisation=found.rows, utilisation_coverage=found.coverage)
    answer = CATALOG["hardware_utilisation_efficiency"].answer(facts)
    head = Head(reading.ledger.url, reading.snapshot.version)
    if as_json:
        body = {"ledger": head.ledger, "version": head.version, **utilisation_body(answer, found)}
        click.echo(document("ledger-utilisation", 1, body))
        return
    click.echo(utilisation_text(head, answer, found, ascii_only=only_ascii()))


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1_000_000)
