"""``wattmark ledger simulate``: a ledger full of a fleet that does not exist, held against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattmark.cli.ledger_options import (
    NOT_ALL,
    chosen_ledger,
    ledger_option,
    now_us,
    told_progress,
    told_wait,
)
from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError

OF_FLEET = (
    "training_hosts",
    "serving_hosts",
    "pod_hosts",
    "preparation_hosts",
    "gpus",
    "hours",
    "seed",
    "orderly",
)
OF_PORTFOLIO = ("days", "exports")
BY = ("team", "model", "stage")
HOSTS = (
    ("--training-hosts", 2, "GPU servers on which jobs measure node, CPUs and GPUs."),
    ("--serving-hosts", 2, "GPU servers whose jobs measure GPUs, which an exporter watches too."),
    ("--pod-hosts", 1, "CPU servers with an exporter of the whole and of each pod's share."),
    ("--preparation-hosts", 1, "CPU servers whose jobs measure themselves and their share."),
)


def _host_options(function: Any) -> Any:
    for name, default, text in reversed(HOSTS):
        function = click.option(
            name, type=click.IntRange(min=0), default=default, help=f"{text} [{default}]"
        )(function)
    return function


@click.command()
@click.option(
    "--scenario",
    type=click.Choice(("fleet", "portfolio")),
    default="fleet",
    help="A fleet of some hours, or a portfolio of two years with sites, clouds and contracts [fleet].",
)
@click.option(
    "--days",
    type=click.IntRange(min=1, max=365),
    default=365,
    help="Portfolio: days of each year, from January on [365].",
)
@click.option(
    "--exports",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Portfolio: write what the clouds state there, as they deliver it, to be imported.",
)
@_host_options
@click.option("--gpus", type=click.IntRange(min=1), default=8, help="GPUs of a GPU server [8].")
@click.option("--hours", type=click.IntRange(min=1), default=24, help="Hours that are simulated [24].")
@click.option("--seed", type=int, default=1, help="The same seed gives the same fleet [1].")
@click.option(
    "--orderly",
    is_flag=True,
    help="Everything is read all the time and arrives once, in order; without it there are gaps, restarts, "
    "second watchers, clock steps, repeats and disorder.",
)
@ledger_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    /,
    ledger: str | None,
    seed: int,
    orderly: bool,
    as_json: bool,
    scenario: str,
    days: int,
    exports: Path | None,
    **plan: Any,
) -> int:
    """Fill a new ledger with a simulated fleet, and show its portfolio beside the truth.

    The truth is kept while the fleet is simulated, and never read from the ledger. Exit code 1: the ledger's
    energy differs from it by a single microjoule. A ledger that holds anything already is refused.
    """
    from wattmark.wiring.ledger import read_ledger, require_tables

    _refuse_options(context, OF_FLEET if scenario == "portfolio" else OF_PORTFOLIO, scenario)
    if scenario == "portfolio":
        from wattmark.cli.simulate_portfolio import simulate_portfolio_into

        return simulate_portfolio_into(ledger, days, exports, as_json)
    opened = chosen_ledger(ledger, begin=True)
    require_tables()
    from wattmark.ledger.evidence import Evidence
    from wattmark.ledger.inbox import INBOX, land_run, land_samples
    from wattmark.testing.fleet import Plan, deliveries, simulate

    if Evidence(opened.store).version() >= 0 or next(iter(opened.store.names(INBOX)), None) is not None:
        raise UsageError(f"{opened.url} holds evidence already: simulate into a new folder")
    with told_wait("simulating"):
        fleet = simulate(Plan(seed=seed, faults=not orderly, **plan))
        things = deliveries(fleet, chaos=not orderly)
    for thing in told_progress(things, "landing", len(things)):
        if thing.document is not None:
            land_run(opened.store, thing.document)
        else:
            land_samples(opened.store, thing.samples)
    with told_wait("counting"):
        snapshot = read_ledger(opened, now_us(), lambda text: click.echo(f"wattmark: {text}", err=True))
    found = _observed(opened, snapshot)
    truth = {tuple(key): joules for key, joules in fleet.truth.node_uj.items() if joules}
    exact = found == truth
    if as_json:
        _print_json(opened.url, len(things), found, truth)
    else:
        _print(opened.url, len(things), fleet.truth.runs, found, truth)
    return 0 if exact else NOT_ALL


def _refuse_options(context: click.Context, others: tuple[str, ...], scenario: str) -> None:
    """Raise UsageError for an option that the scenario does not know and that was given all the same."""
    for name in others:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{name.replace('_', '-')} is nothing to the scenario {scenario!r}: leave it out"
            )


def _observed(opened: Any, snapshot: Any) -> dict[tuple[str, ...], int]:
    """Microjoules by team, model and stage, as `wattmark ledger totals` adds them up."""
    from wattmark.ledger.question import Question
    from wattmark.wiring.ledger import ask, engine_named

    with engine_named("duckdb") as engine:
        rollup = ask(opened.settings, snapshot, Question(by=BY), engine)
    return {tuple(t.group[key] for key in BY): t.observed_uj for t in rollup.totals if t.observed_uj}


def _print(
    url: str,
    things: int,
    runs: int,
    found: dict[tuple[str, ...], int],
    truth: dict[tuple[str, ...], int],
) -> None:
    from wattmark.cli.output import only_ascii
    from wattmark.reports.as_text import bar, table
    from wattmark.reports.quantities import quantity

    whole = sum(truth.values())
    rows = []
    for key in sorted(found | truth, key=lambda k: -truth.get(k, 0)):
        joules, right = found.get(key, 0), truth.get(key, 0)
        drawn = bar(joules / max(truth.values()), 24, ascii_only=only_ascii())
        verdict = "exact" if joules == right else f"differs by {quantity((joules - right) / 1e6, 'J')}"
        rows.append([*(part or "(nobody)" for part in key), quantity(joules / 3.6e12, "kWh"), drawn, verdict])
    rows.append(["total", "", "", quantity(sum(found.values()) / 3.6e12, "kWh"), "", _verdict(found, whole)])
    click.echo(f"{things} deliveries, {runs} runs that count, in {url}\n")
    click.echo(table((*BY, "observed energy", "", "against the truth"), rows))
    click.echo(f"\nnext: wattmark ledger totals --by team,model --period day --ledger {url}")


def _verdict(found: dict[tuple[str, ...], int], whole: int) -> str:
    differs = sum(found.values()) - whole
    return "exact" if differs == 0 else f"differs by {differs} uJ"


def _print_json(
    url: str, things: int, found: dict[tuple[str, ...], int], truth: dict[tuple[str, ...], int]
) -> None:
    from wattmark.reports.as_json import document

    body = {
        "ledger": url,
        "deliveries": things,
        "exact": found == truth,
        "totals": [
            {
                **dict(zip(BY, key, strict=True)),
                "observed_uj": found.get(key, 0),
                "truth_uj": truth.get(key, 0),
            }
            for key in sorted(found | truth)
        ],
    }
    click.echo(document("ledger-simulate", 1, body))
