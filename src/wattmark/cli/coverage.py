"""``wattmark coverage``: which stages, models, machines and hours a ledger knows nothing of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wattmark.cli.ledger_asked import span_of, span_options, span_text, where_of, where_option
from wattmark.cli.ledger_options import now_us, read, reading_options, told_wait
from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii

if TYPE_CHECKING:
    from wattmark.core.reconcile import Beside
    from wattmark.ledger.rollup import Rollup

LACKING = 3
"""Exit code of --check: not enough evidence."""


@click.command()
@where_option
@span_options
@click.option("--check", is_flag=True, help=f"Exit with {LACKING} when anything is lacking.")
@reading_options
@json_option
def command(
    wheres: tuple[str, ...],
    begin: str | None,
    end: str | None,
    inside: str | None,
    check: bool,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_json: bool,
) -> int:
    """Which stages, models, machines and hours nobody measured, and what would mend it.

    What should be there is said under [coverage] in ledger.toml; without it, every model is expected to have
    data preparation, training, evaluation and inference.
    """
    from wattmark.ledger.coverage import coverage
    from wattmark.ledger.question import Question
    from wattmark.reports.as_json import document
    from wattmark.reports.coverage import CoverageView, coverage_body, coverage_text
    from wattmark.reports.ledger_lists import Head
    from wattmark.wiring.ledger import ask, engine_named
    from wattmark.wiring.places import tables_folder
    from wattmark.wiring.reconcile import Wanted, both_sides, lacks_of

    where = where_of(wheres)
    reading = read(ledger, no_fold, as_of)
    settings, snapshot = reading.ledger.settings, reading.snapshot
    span = span_of(begin, end, inside, settings.zone)
    question = Question(start=span[0], end=span[1], where=where, time_zone=settings.time_zone)
    with told_wait("looking for what is not there"), engine_named("duckdb") as engine:

        def answer(asked: Question) -> Rollup:
            return ask(settings, snapshot, asked, engine)

        stated: tuple[Beside, ...] = ()
        if not where:  # statements know no team and no model
            stated = both_sides(engine, snapshot, question, Wanted(), answer, tables_folder()).told.rows
        found = coverage(engine, snapshot, question, settings.expected, answer, now_us(), lacks_of(stated))
    head = Head(reading.ledger.url, snapshot.version, settings.zone)
    view = CoverageView(head=head, span=span_text(span), found=found)
    if as_json:
        click.echo(document("coverage", 1, coverage_body(view)))
    else:
        click.echo(coverage_text(view, ascii_only=only_ascii()))
    return LACKING if check and found.lacks else 0
