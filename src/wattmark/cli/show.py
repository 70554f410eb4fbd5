"""``wattmark show RUN``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import (
    SPLIT,
    config_here,
    json_option,
    load,
    place_options,
    run_arguments,
    stated_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wattmark.config import Config
    from wattmark.core.expenses import Expenses
    from wattmark.core.facts import Answer, Facts
    from wattmark.core.figure import Figure, Missing
    from wattmark.core.run import Run
    from wattmark.ledger.runfile import LoadedRun
    from wattmark.wiring import Stated


@click.command()
@run_arguments
@place_options
@click.option("--raw", is_flag=True, help="Print all that is kept, as it is kept.")
@json_option
def command(runs: tuple[Path, ...], raw: bool, as_json: bool, **options: Any) -> None:
    """Show run files: where the energy went, how it is known, what was not seen, and every KPI.

    A folder stands for the run files in it.
    """
    from wattmark.core.statements import only_states
    from wattmark.reports.as_json import document

    loaded, _ = load(runs)
    if raw:
        for item in loaded:
            click.echo(item.text, nl=False)
        return
    config, stated = config_here(), stated_from(options)
    split = options["basis"] == SPLIT
    if as_json:
        shown = [_body(_told(item, config, stated, split=split)) for item in loaded]
        click.echo(document("show", 1, {"runs": shown}))
        return
    for item in loaded:
        if only_states(item.run):
            from wattmark.reports.ledger_statements import record_text

            click.echo(f"{item.path}\n{record_text(item.run)}")
        else:
            told = _told(item, config, stated, split=split)
            click.echo("\n".join(_lines(told, config, brief=len(loaded) > 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a run tells under what is stated."""

    item: LoadedRun
    facts: Facts
    answers: Mapping[str, Answer]
    expenses: Expenses
    market: Figure | Missing | None
    apart: Mapping[str, Figure | Missing] | None
    """Carbon of each inventory, where it is to be told apart."""


def _told(item: LoadedRun, config: Config, stated: Stated, *, split: bool) -> _Told:
    from wattmark.reports.sections import answers_of
    from wattmark.wiring import facts_for
    from wattmark.wiring.expenses import expenses_of
    from wattmark.wiring.market_runs import market_carbon

    facts = facts_for([item.run], config, stated)
    return _Told(
        item=item,
        facts=facts,
        answers=answers_of(facts),
        expenses=expenses_of([item.run], config, facts, stated),
        market=market_carbon([item.run], config, facts, stated),
        apart=_apart(item.run, config, stated) if split else None,
    )


def _body(told: _Told) -> dict[str, Any]:
    from wattmark.reports.as_json import answer_json
    from wattmark.reports.as_text import carbon_answer
    from wattmark.reports.expenses import expenses_body
    from wattmark.reports.market_runs import market_body
    from wattmark.wiring.runs import is_lasting

    item = told.item
    body = {
        "file": str(item.path) if is_lasting(item.path) else None,
        **({"part": item.part} if item.part else {}),
        "record_id": item.run.record_id,
        "energy": answer_json(told.facts.energy),
        "carbon": answer_json(carbon_answer(told.facts)),
        "kpis": {name: answer_json(answer) for name, answer in told.answers.items()},
        "expenses": expenses_body(told.expenses),
        "market_carbon": market_body(told.market),
    }
    if told.apart is not None:
        body["inventory"] = {name: answer_json(answer) for name, answer in told.apart.items()}
    return body


def _lines(told: _Told, config: Config, *, brief: bool) -> Iterator[str]:
    """The run in text; ``brief``: one of several, so without what is stated and its carbon."""
    from wattmark.reports.as_text import answer_text, carbon_text, kpi_table, run_summary, stated_text, table
    from wattmark.reports.expenses import expense_text
    from wattmark.reports.market_runs import market_line
    from wattmark.wiring.runs import is_lasting

    item, facts = told.item, told.facts
    yield f"{item.path} {item.part}".rstrip() if is_lasting(item.path) else f"run {item.run.record_id}"
    yield run_summary(item.run, facts, brief=brief)
    if not brief:
        yield from filter(None, (stated_text(facts), carbon_text(facts) or _no_place(config)))
    if told.market is not None:
        yield market_line(told.market)
    if told.expenses.known:
        yield expense_text(told.expenses)
    yield kpi_table(told.answers)
    if told.apart is not None:
        rows = [(name, answer_text(answer)) for name, answer in told.apart.items()]
        yield f"\n{table(('inventory', 'operational carbon'), rows)}"


def _no_place(config: Config) -> str:
    """What is missing where no intensity is known; a site that nothing is stated of is named."""
    site = config.place.site
    unknown = f"nothing tells where the site {site!r} is" if site else "where it ran"
    remedy = "a [[site]] with its country, or --country FRA" if site else "--country FRA, --region eu-west-1"
    return f"carbon           missing: {unknown} ({remedy}, or [place] in wattmark.toml)"


def _apart(run: Run, config: Config, stated: Stated) -> dict[str, Figure | Missing]:
    from wattmark.wiring.split import inventories_of

    scope2, upstream = inventories_of(run, config, stated)
    return {"scope 2": scope2, "scope 3.3": upstream}
