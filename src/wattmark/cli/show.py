"""``wattmark show RUN``."""

from __future__ import annotations

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
    from wattmark.config import Config
    from wattmark.core.figure import Figure, Missing
    from wattmark.core.run import Run
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
    from wattmark.core.kpis import CATALOG
    from wattmark.core.statements import only_states
    from wattmark.reports.as_json import answer_json, document
    from wattmark.reports.as_text import (
        KPI_FOLD,
        answer_text,
        carbon_answer,
        carbon_text,
        run_summary,
        stated_text,
        table,
    )
    from wattmark.reports.expenses import expense_text, expenses_body
    from wattmark.reports.market_runs import market_body, market_line
    from wattmark.reports.sections import answers_of
    from wattmark.wiring import facts_for
    from wattmark.wiring.expenses import expenses_of
    from wattmark.wiring.market_runs import market_carbon
    from wattmark.wiring.runs import is_lasting

    loaded, _ = load(runs)
    if raw:
        for item in loaded:
            click.echo(item.text, nl=False)
        return
    config, stated = config_here(), stated_from(options)
    shown = []
    brief = len(loaded) > 1
    split = options["basis"] == SPLIT
    for item in loaded:
        if only_states(item.run) and not as_json:
            from wattmark.reports.ledger_statements import record_text

            click.echo(f"{item.path}\n{record_text(item.run)}")
            continue
        facts = facts_for([item.run], config, stated)
        answers = answers_of(facts)
        expenses = expenses_of([item.run], config, facts, stated)
        market = market_carbon([item.run], config, facts, stated)
        apart = _apart(item.run, config, stated) if split else {}
        if as_json:
            shown.append(
                {
                    "file": str(item.path) if is_lasting(item.path) else None,
                    **({"part": item.part} if item.part else {}),
                    "record_id": item.run.record_id,
                    "energy": answer_json(facts.energy),
                    "carbon": answer_json(carbon_answer(facts)),
                    "kpis": {name: answer_json(answer) for name, answer in answers.items()},
                    "expenses": expenses_body(expenses),
                    "market_carbon": market_body(market),
                    **({"inventory": {k: answer_json(a) for k, a in apart.items()}} if split else {}),
                }
            )
            continue
        where = f"{item.path} {item.part}".rstrip()
        click.echo(where if is_lasting(item.path) else f"run {item.run.record_id}")
        click.echo(run_summary(item.run, facts, brief=brief))
        for line in (
            () if brief else filter(None, (stated_text(facts), carbon_text(facts) or _no_place(config)))
        ):
            click.echo(line)
        if market is not None:
            click.echo(market_line(market))
        if expenses.known:
            click.echo(expense_text(expenses))
        click.echo(
            table(
                ("KPI", "answer"),
                [(CATALOG[n].title, answer_text(a)) for n, a in answers.items()],
                fold=KPI_FOLD,
            )
        )
        if split:
            rows = [(name, answer_text(a)) for name, a in apart.items()]
            click.echo(f"\n{table(('inventory', 'operational carbon'), rows)}")
    if as_json:
        click.echo(document("show", 1, {"runs": shown}))


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
