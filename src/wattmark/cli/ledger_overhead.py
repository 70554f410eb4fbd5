"""``wattmark ledger overhead``: how little work it is to know all this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import click

from wattmark.cli.ledger_asked import span_of, span_options, where_of, where_option
from wattmark.cli.ledger_options import Reading, read, reading_options, told_wait
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import only_ascii

OF_RUNS = ("source", "status", "solution", "run")
"""What is asked of runs here; `totals` asks it of energy, or not at all."""


@click.command()
@where_option
@span_options
@click.option("--manual-steps", type=click.IntRange(min=0), help="Manual steps per report [ledger.toml].")
@reading_options
@json_option
def command(
    wheres: tuple[str, ...],
    begin: str | None,
    end: str | None,
    inside: str | None,
    manual_steps: int | None,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_json: bool,
) -> None:
    """The Operational Overhead Score of the runs, and where its points are lost.

    From latency to the ledger, own CPU time, manual steps, and the share of figures that were declared.
    """
    from wattmark.core.facts import Facts
    from wattmark.core.figure import Missing
    from wattmark.core.kpis import CATALOG
    from wattmark.ledger.question import Question
    from wattmark.reports.as_json import document
    from wattmark.reports.ledger_lists import Head
    from wattmark.reports.ledger_overhead import overhead_body, overhead_text
    from wattmark.wiring.ledger import ask, engine_named

    where = where_of(wheres)
    of_runs = {key: where.pop(key) for key in OF_RUNS if key in where}
    reading = read(ledger, no_fold, as_of)
    settings = reading.ledger.settings
    start, stop = span_of(begin, end, inside, settings.zone)
    if of_runs:
        where["run"] = _ids(reading, of_runs)
    question = Question(start=start, end=stop, where=where, time_zone=settings.time_zone)
    with told_wait("adding up"), engine_named("duckdb") as engine:
        runs = ask(settings, reading.snapshot, question, engine).whole.runs
    stated = (manual_steps, settings.manual_steps, config_here().project.manual_steps)
    steps = next((number for number in stated if number is not None), None)
    told = replace(runs.operations, manual_steps=steps)
    facts = Facts(energy=Missing("energy"), operations=told)
    score = CATALOG["operational_overhead_score"].answer(facts)
    head = Head(reading.ledger.url, reading.snapshot.version)
    if as_json:
        body = {"ledger": head.ledger, "version": head.version, **overhead_body(runs.runs, score, told)}
        click.echo(document("ledger-overhead", 1, body))
        return
    click.echo(overhead_text(head, runs.runs, score, told, ascii_only=only_ascii()))


def _ids(reading: Reading, where: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    from wattmark.ledger.listing import Choice, Listing

    with Listing(reading.snapshot) as listing:
        return tuple(run.record_id for run in listing.runs(Choice(where=where))) or ("",)
