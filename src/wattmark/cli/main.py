"""The ``wattmark`` command: finds the verb, runs it, turns errors into words and exit codes."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from wattmark.cli.lazy import LazyGroup
from wattmark.cli.output import NO_ROOM, allow_any_encoding
from wattmark.core.errors import WattmarkError
from wattmark.version import __version__

CRASH = 70
"""Exit code of a defect in wattmark itself (EX_SOFTWARE of sysexits.h); never 1, which is a violation."""

READER_GONE = 141
"""The reader of our output went away (`| head`): 128 + SIGPIPE, as of other programs; never 0, a pass."""

VERBS: dict[str, tuple[str, str]] = {
    # verb -> (module:command, what it does in one line); modules load only when the verb is used
    "measure": ("wattmark.cli.measure:command", "Measure a command from start to end."),
    "demo": ("wattmark.cli.demo:command", "Measure two small real models and score one against the other."),
    "init": ("wattmark.cli.init:command", "Write wattmark.toml and wattmark-policy.toml."),
    "doctor": (
        "wattmark.cli.doctor:command",
        "Say what can be measured here, how well, and what would help.",
    ),
    "calibrate": ("wattmark.cli.calibrate:command", "Fit this machine's readings to a wall meter."),
    "score": ("wattmark.cli.score:command", "Score runs against a baseline."),
    "compare": ("wattmark.cli.compare:command", "Compare groups of runs, with statistics."),
    "baseline": ("wattmark.cli.baseline:group", "Keep what others are held against: runs, or a period."),
    "gate": ("wattmark.cli.gate:command", "Pass or fail runs by the limits of a policy file."),
    "policy": ("wattmark.cli.policy:group", "Look at the policy itself: check, show, simulate."),
    "decision": (
        "wattmark.cli.decision:group",
        "Show what a gate said, in every form; tell CI systems and forges.",
    ),
    "notify": (
        "wattmark.cli.notify:group",
        "Tell people of decisions and budgets: chat, mail, issues, alerts.",
    ),
    "digest": ("wattmark.cli.digest:command", "Tell each team what it used, once a week."),
    "budget": ("wattmark.cli.budget:group", "Say how the budgets of the policy stand."),
    "charter": (
        "wattmark.cli.charter:group",
        "Keep the charter of a project: its estimate, and whether it held.",
    ),
    "governance": (
        "wattmark.cli.governance:command",
        "Print the board's agenda: budgets, decisions, waivers, reviews, trends.",
    ),
    "report": ("wattmark.cli.report:command", "Write a report of runs as HTML, Markdown or JSON."),
    "publish": (
        "wattmark.cli.publish:command",
        "Show finished runs in W&B, Comet or TensorBoard.",
    ),
    "portfolio": (
        "wattmark.cli.portfolio:command",
        "Report the inventory of a ledger: Scope 2 by both methods, Scope 3, targets.",
    ),
    "targets": ("wattmark.cli.targets:command", "Say how the targets of a ledger stand."),
    "kpis": ("wattmark.cli.kpis:group", "List the KPIs and choose the right ones."),
    "coverage": ("wattmark.cli.coverage:command", "Find what nobody measured: stages, hosts, hours."),
    "reconcile": ("wattmark.cli.reconcile:command", "Set our carbon of clouds beside their providers'."),
    "bench": (
        "wattmark.cli.bench:group",
        "Benchmark a model: energy per query, quality, and a bundle to check.",
    ),
    "check": ("wattmark.cli.check:command", "Find common mistakes in real runs."),
    "estimate": ("wattmark.cli.estimate:command", "Estimate energy, carbon and cost before running."),
    "hardware": ("wattmark.cli.hardware:group", "List and compare published figures of hardware."),
    "grid": ("wattmark.cli.grid:group", "Look up the carbon intensity of electricity."),
    "pue": ("wattmark.cli.pue:group", "Measure the PUE of sites, and list which one holds when."),
    "market": (
        "wattmark.cli.market:group",
        "Match certificates and contracts for electricity with the load of a ledger.",
    ),
    "tariff": ("wattmark.cli.tariff:group", "Look up what electricity costs, and when."),
    "data": ("wattmark.cli.data:group", "List, verify and update the tables that figures come from."),
    "dvc": ("wattmark.cli.dvc:group", "Hold evidence against DVC's pipelines."),
    "dataset": ("wattmark.cli.dataset:command", "Describe a dataset: hash, rows, unique bytes."),
    "import": ("wattmark.cli.import_:command", "Bring in what other tools have measured."),
    "show": ("wattmark.cli.show:command", "Show a run file: figures first, everything with --raw."),
    "attribute": (
        "wattmark.cli.attribute:command",
        "Divide the energy of devices among the requests of a log.",
    ),
    "engines": ("wattmark.cli.engines:command", "Say what serving engines tell of themselves."),
    "agent": (
        "wattmark.cli.agent:command",
        "Say what the models of this node cost, live, and keep it.",
    ),
    "proxy": (
        "wattmark.cli.proxy:command",
        "Hand requests on to a model server, and tell what each costs.",
    ),
    "watch": ("wattmark.cli.watch:command", "Watch what models cost on a node, live."),
    "regressions": (
        "wattmark.cli.regressions:command",
        "Find models whose energy per token rose, and say what changed.",
    ),
    "monitor": (
        "wattmark.cli.monitor:group",
        "Write alerts and dashboards for Prometheus and Grafana, and check them.",
    ),
    "autoscale": ("wattmark.cli.autoscale:group", "Tell autoscalers; find nodes that can go."),
    "stars": ("wattmark.cli.stars:group", "Give stars to results, or say why there are none."),
    "leaderboard": (
        "wattmark.cli.leaderboard:command",
        "Write a leaderboard of results as a static site; only equals are ranked.",
    ),
    "label": ("wattmark.cli.label:group", "Make the energy label of a result, or check one."),
    "select": ("wattmark.cli.select:command", "Pick the most efficient model that is good enough."),
    "waiver": ("wattmark.cli.waiver:group", "Ask for, approve and list dated, capped exceptions."),
    "audit": ("wattmark.cli.audit:group", "Check, read and replay the log of decisions."),
    "mlflow": (
        "wattmark.cli.mlflow:group",
        "Keep energy beside accuracy in MLflow, and gate its model registry.",
    ),
    "ledger": (
        "wattmark.cli.ledger:group",
        "Keep every run in one place, counted once, and ask it for totals.",
    ),
}


SECTIONS: dict[str, tuple[str, ...]] = {
    "Start": ("demo", "init", "doctor", "estimate"),
    "Measure": ("measure", "import", "calibrate", "dataset", "show", "check", "report", "publish"),
    "Compare and decide": ("score", "compare", "baseline", "gate", "decision", "select", "regressions"),
    "Govern": (
        "policy", "budget", "waiver", "audit", "charter", "governance", "notify", "digest", "mlflow", "dvc",
    ),
    "Keep and account for": ("ledger", "coverage", "portfolio", "targets", "reconcile", "market"),
    "Serve": ("agent", "proxy", "watch", "engines", "attribute", "monitor", "autoscale"),
    "Rate": ("bench", "stars", "leaderboard", "label"),
    "Look up": ("kpis", "hardware", "grid", "pue", "tariff", "data"),
}  # fmt: skip
"""What --help lists together, in this order; every verb once."""


class _ReaderGone(Exception):
    """Said in a way of our own: click would end with 1, which is a violation."""


class Main(LazyGroup):
    """All the verbs; a reader of our output that goes away ends them in a way of its own."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By what they are for: nobody reads a list of fifty."""
        width = max(map(len, VERBS))
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{verb:{width}}", VERBS[verb][1]) for verb in verbs])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGone from None


@click.group(cls=Main, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wattmark")
def cli() -> None:
    """Score the energy and carbon of AI. Every number says how it is known."""


def main() -> None:
    """Entry point of the ``wattmark`` command."""
    allow_any_encoding()
    try:
        code = cli.main(prog_name="wattmark", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("wattmark: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code if isinstance(error, click.UsageError) else 2)
    except WattmarkError as error:
        click.echo(f"wattmark: {error}", err=True)
        sys.exit(error.exit_code)
    except _ReaderGone:
        # What is still in the buffer would fail again while Python ends, and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(READER_GONE)
    except Exception as error:  # noqa: BLE001
        # The last door: a defect must be told apart from a failed gate, and show where it is.
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            click.echo(f"wattmark: the output could not be written: {error.strerror}", err=True)
            sys.exit(2)
        import traceback

        traceback.print_exc()
        click.echo("wattmark: this is a defect in wattmark; please report it with the lines above", err=True)
        sys.exit(CRASH)
    sys.exit(code if isinstance(code, int) else 0)
