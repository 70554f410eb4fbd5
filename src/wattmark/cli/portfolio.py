"""``wattmark portfolio``: the inventory of a period of a ledger, as text, HTML, Markdown or JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.baseline_ledger import boundary_option, moved
from wattmark.cli.ledger_asked import where_of, where_option
from wattmark.cli.ledger_options import ledger_option, now_us, read, told_wait
from wattmark.cli.options import json_option
from wattmark.cli.output import STDOUT, only_ascii, write_to
from wattmark.cli.targets import at_option, day_of, standings
from wattmark.core.errors import UsageError, WattmarkError
from wattmark.version import __version__

if TYPE_CHECKING:
    from wattmark.core.frozen import Frozen
    from wattmark.reports.portfolio_view import PortfolioView


@click.command()
@click.option("--in", "period", metavar="YEAR|QUARTER", help="Which period [the year of the last whole day].")
@click.option("--baseline", "baseline", metavar="NAME", help="Frozen baseline beside it [the targets' own].")
@where_option
@boundary_option
@at_option
@click.option("--html", metavar="FILE", help="Write one self-contained HTML page; - is standard output.")
@click.option(
    "--md", is_flag=False, flag_value=STDOUT, metavar="[FILE]", help="Write Markdown; alone: standard output."
)
@ledger_option
@json_option
def command(html: str | None, md: str | None, as_json: bool, ledger: str | None, **options: Any) -> None:
    """Report what a period of a ledger comes to: Scope 2 by both methods, Scope 3, baseline and targets.

    Every figure stands with its interval, grade, coverage, estimated share and sources. Nothing is added
    that may not be.
    """
    view = portfolio_view(ledger, options)
    if html:
        from wattmark.reports.portfolio_html import portfolio_html

        write_to(html, portfolio_html(view))
    if md:
        from wattmark.reports.portfolio_markdown import portfolio_markdown

        write_to(md, portfolio_markdown(view))
    if as_json:
        from wattmark.reports.as_json import document
        from wattmark.reports.portfolio_json import portfolio_body

        click.echo(document("portfolio", 1, portfolio_body(view)))
    elif not (html or md):
        from wattmark.reports.portfolio_text import portfolio_text

        click.echo(portfolio_text(view, ascii_only=only_ascii()))


def portfolio_view(ledger: str | None, options: dict[str, Any]) -> PortfolioView:
    """Read a ledger, and put together what a report shows."""
    from wattmark.reports.portfolio_view import SPLITS, PortfolioView
    from wattmark.wiring.ledger import engine_named
    from wattmark.wiring.portfolio import asked_of, inventory, months, parts, tables_of
    from wattmark.wiring.portfolio_beside import not_measured, reconciliation
    from wattmark.wiring.portfolio_books import Books, span_named

    reading = read(ledger, False, None)
    settings = reading.ledger.settings
    today = day_of(options["at"], settings.zone)
    span = span_named(options["period"] or str((today - timedelta(days=1)).year))
    if today <= span.first:
        raise UsageError(f"no day of {span.name} is over on {today}: give another --in")
    counted = replace(span, after=min(span.after, today))
    asked = asked_of(reading.ledger, where_of(options["wheres"]), options["boundary"])
    with told_wait("adding up"), engine_named("duckdb") as engine:
        books = Books(reading.ledger, reading.snapshot, engine)
        found = inventory(books, counted, asked)
        splits = {key: tuple(parts(books, counted, asked, key)) for key in SPLITS}
        by_month = tuple(months(books, counted, asked))
        lacks = not_measured(books, counted, asked, now_us())
        beside = reconciliation(books, counted, asked)
    problems: list[str] = []
    frozen = _baseline(reading, options["baseline"], problems)
    targets = standings(reading, settings.targets, span.first.year, today) if settings.targets else []
    return PortfolioView(
        ledger=settings.name or reading.ledger.url,
        version=reading.snapshot.version,
        period=span.name,
        first=span.first,
        after=span.after,
        until=today,
        inventory=found,
        baseline=frozen,
        drifts=tuple(moved(reading, frozen)) if frozen else (),
        splits=splits,
        months=by_month,
        targets=tuple(targets),
        tables=tables_of(reading.ledger),
        coverage=tuple((f"{lack.where}: {lack.what}", lack.fix) for lack in lacks),
        reconciliation=beside,
        problems=tuple(problems),
        generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        wattmark_version=__version__,
    )


def _baseline(reading: Any, asked: str | None, problems: list[str]) -> Frozen | None:
    """The baseline that is asked for, else that of the first target that has one."""
    from wattmark.ledger.portfoliofile import newest

    named = asked or next((t.baseline for t in reading.ledger.settings.targets if t.baseline), None)
    if named is None:
        return None
    try:
        return newest(reading.ledger.store, named)
    except WattmarkError as error:
        if asked is not None:
            raise
        problems.append(str(error))
        return None
