"""``wattmark ledger totals``: energy, carbon and KPIs by any tags and any calendar period."""

from __future__ import annotations

import difflib
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import keys, kpis, one_of
from wattmark.cli.ledger_asked import keys_of, span_of, span_options, span_text, where_of, where_option
from wattmark.cli.ledger_options import Reading, csv_option, read, reading_options, told_wait
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import only_ascii
from wattmark.core.carbon import ACCOUNTINGS, BASES
from wattmark.core.errors import UsageError
from wattmark.core.instruments import ANNUAL, MATCHINGS
from wattmark.core.known import Boundary
from wattmark.reports.ledger_totals_view import UNITS, TotalsView

if TYPE_CHECKING:
    from wattmark.core.facts import Answer, MatchedShares
    from wattmark.core.given import Given
    from wattmark.core.rollup import Total
    from wattmark.ledger.question import Question
    from wattmark.ledger.settings import LedgerSettings

PERIODS = ("hour", "day", "week", "month", "quarter", "year")


@click.command()
@click.option(
    "--by",
    "bys",
    multiple=True,
    metavar="KEY,KEY",
    shell_complete=one_of(keys),
    help="Group by these tags, e.g. team,model.",
)
@click.option("--period", type=click.Choice(PERIODS), help="And by calendar period, in the ledger's zone.")
@where_option
@span_options
@click.option(
    "--boundary",
    type=click.Choice([b.value for b in Boundary]),
    default=Boundary.NODE.value,
    help="A total takes the widest reading at or below it [node].",
)
@click.option(
    "--accounting", type=click.Choice(ACCOUNTINGS), default="location", help="Of carbon [location]."
)
@click.option(
    "--basis",
    type=click.Choice(BASES),
    help="Of carbon [lifecycle; market-based: that of the instruments].",
)
@click.option(
    "--matching",
    type=click.Choice(MATCHINGS),
    default=ANNUAL,
    help="How instruments meet the load in market-based carbon [annual].",
)
@click.option(
    "--kpi",
    "kpis",
    multiple=True,
    metavar="ID",
    shell_complete=one_of(kpis),
    help="Add a KPI as a column (`wattmark kpis`).",
)
@click.option("--functional-unit", help="What per-unit KPIs count, e.g. inferences.")
@click.option("--quality", help="Which logged quality is Q.")
@click.option("--lifetime-inferences", type=float, help="Inferences the model will serve.")
@click.option("--cost", is_flag=True, help="Add what its electricity cost, by currency.")
@click.option("--water", is_flag=True, help="Add litres of water, where a figure is known.")
@click.option("--unit", type=click.Choice(list(UNITS)), help="Show energy in this unit.")
@click.option("--plot", is_flag=True, help="Draw a bar beside each total.")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", help="[duckdb]")
@click.option("--spark-master", default="local[*]", help="Where Spark runs [local[*]].")
@reading_options
@csv_option
@json_option
def command(
    bys: tuple[str, ...],
    wheres: tuple[str, ...],
    begin: str | None,
    end: str | None,
    inside: str | None,
    kpis: tuple[str, ...],
    plot: bool,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_csv: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Energy and carbon by tags and time, each device counted once.

    What is unallocated, untagged, estimated or without a factor is always shown. Keys: the tags, label.KEY,
    site, country, component, allocation, grade, method, source, host, device, run.
    """
    from wattmark.ledger.question import Question
    from wattmark.reports.as_json import document
    from wattmark.reports.ledger_totals import totals_text
    from wattmark.reports.ledger_totals_data import totals_body, totals_csv

    wanted = _kpis(keys_of(kpis))
    where = where_of(wheres)
    reading = read(ledger, no_fold, as_of)
    settings = reading.ledger.settings
    span = span_of(begin, end, inside, settings.zone)
    question = Question(
        by=keys_of(bys),
        period=options["period"],
        start=span[0],
        end=span[1],
        where=where,
        boundary=Boundary(options["boundary"]),
        time_zone=settings.time_zone,
    )
    options["all_rates"] = as_json or as_csv
    view = replace(_view(reading, question, wanted, options), span=span_text(span))
    if as_json:
        click.echo(document("ledger-totals", 1, totals_body(view)))
    elif as_csv:
        click.echo(totals_csv(view), nl=False)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(totals_text(view, plot=plot, ascii_only=only_ascii(), width=width))


def _view(reading: Reading, question: Question, kpis: tuple[str, ...], options: dict[str, Any]) -> TotalsView:
    from wattmark.ledger.absent import why_nothing
    from wattmark.ledger.apart import apart_from
    from wattmark.ledger.quarantine import EvidenceQuarantine
    from wattmark.ledger.question import ENERGY_ONLY
    from wattmark.wiring.billed import billed_in
    from wattmark.wiring.ledger import ask, engine_named
    from wattmark.wiring.market import basis_meant
    from wattmark.wiring.market_totals import shares_for

    settings, snapshot = reading.ledger.settings, reading.snapshot
    quarantine = EvidenceQuarantine(reading.ledger.store, snapshot.version, settings.tags)
    terms = options["accounting"], options["basis"] or basis_meant(settings, options["accounting"])
    with told_wait("adding up"), engine_named(options["engine"], options["spark_master"]) as engine:
        rollup = ask(_looked_at(settings, options), snapshot, question, engine, terms, options["matching"])
        shares = shares_for(kpis, settings, snapshot, question, engine)
        apart = apart_from(engine, question, settings.tags, quarantine)
        absent = why_nothing(engine, question) if not rollup.totals else ()
    given = _given(options, settings.manual_steps)
    return TotalsView(
        ledger=settings.name or reading.ledger.url,
        version=rollup.version,
        engine=options["engine"],
        time_zone=settings.time_zone,
        span="",
        by=question.by,
        period=question.period,
        where=question.where,
        boundary=question.boundary.value,
        totals=rollup.totals,
        whole=rollup.whole,
        apart=apart,
        without_factor=rollup.without_factor_uj,
        findings=(*absent, *rollup.findings),
        remarks=snapshot.findings(),
        runs_told=not ENERGY_ONLY & {*question.by, *question.where},
        unit=options["unit"],
        kpis=kpis,
        answers=[
            _answers(total, given, kpis, share)
            for total, share in zip(rollup.totals, shares[0] or [None] * len(rollup.totals), strict=True)
        ],
        whole_answers=_answers(rollup.whole, given, kpis, shares[1]),
        billed=billed_in(snapshot, question) if options["cost"] or options["all_rates"] else (),
        cost=options["cost"],
        water=options["water"],
    )


def _looked_at(settings: LedgerSettings, options: dict[str, Any]) -> LedgerSettings:
    """The settings without prices and litres that nobody looks at: these need not be joined."""
    return replace(
        settings,
        tariffs=settings.tariffs if options["all_rates"] or options["cost"] else (),
        water=settings.water if options["all_rates"] or options["water"] else (),
    )


def _answers(
    total: Total, given: Given, kpis: tuple[str, ...], matched: MatchedShares | None
) -> dict[str, Answer]:
    from wattmark.core.kpis import CATALOG
    from wattmark.core.rollup import facts_of_total

    if not kpis:
        return {}
    facts = facts_of_total(total, given)
    facts = facts if matched is None else replace(facts, renewables=matched)
    return {kpi: CATALOG[kpi].answer(facts) for kpi in kpis}


def _given(options: dict[str, Any], manual_steps: int | None) -> Given:
    """What is declared of the project here; place, PUE and grid are the ledger's own."""
    from wattmark.config import Config
    from wattmark.wiring import Stated, given_from

    stated = Stated(
        functional_unit=options["functional_unit"],
        quality=options["quality"],
        lifetime_inferences=options["lifetime_inferences"],
    )
    given = given_from(Config(project=config_here().project), stated)
    return given if manual_steps is None else replace(given, manual_steps=manual_steps)


def _kpis(asked: tuple[str, ...]) -> tuple[str, ...]:
    from wattmark.core.kpis import CATALOG

    for kpi in asked:
        if kpi not in CATALOG:
            close = difflib.get_close_matches(kpi, CATALOG, n=1)
            meant = f"did you mean {close[0]!r}?" if close else "`wattmark kpis list` lists them"
            raise UsageError(f"no KPI {kpi!r}: {meant}")
    return asked
