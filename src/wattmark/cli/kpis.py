"""``wattmark kpis``: the metric guide, and a choice from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattmark.cli.options import config_here, json_option
from wattmark.core.errors import UsageError
from wattmark.core.guide import Guide, Wish, choose
from wattmark.core.guide.entries import DATA, FREQUENCIES, GOALS, GRANULARITIES, SCOPES
from wattmark.reports import guide as render
from wattmark.reports.as_json import document
from wattmark.wiring import guide as wired


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def group(ctx: click.Context, as_json: bool) -> None:
    """List the KPIs and choose the right ones."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command, as_json=as_json, full=False)


@group.command("list")
@json_option
@click.option("--full", is_flag=True, help="All columns of every KPI.")
def list_command(as_json: bool, full: bool) -> None:
    """List every KPI of the guide."""
    guide = wired.load_guide()
    if not as_json and not full:
        click.echo(render.list_text(guide))
        return
    ours, targets = _ours(), wired.default_targets()
    if as_json:
        rows = render.guide_body(guide, guide.kpis.values(), ours, targets)
        click.echo(document("kpis", 1, {"guide_version": guide.version, "kpis": rows}))
    else:
        click.echo("\n\n".join(render.show_text(guide, e, ours, targets) for e in guide.kpis.values()))


@group.command("show")
@click.argument("kpi")
@json_option
def show_command(kpi: str, as_json: bool) -> None:
    """Show everything the guide knows of one KPI."""
    guide = wired.load_guide()
    if kpi not in guide.kpis:
        raise UsageError(f"unknown KPI {kpi!r}; known: {', '.join(guide.kpis)}")
    entry = guide.kpis[kpi]
    ours, targets = _ours(), wired.default_targets()
    if as_json:
        click.echo(document("kpi", 1, {"kpi": render.guide_body(guide, [entry], ours, targets)[0]}))
    else:
        click.echo(render.show_text(guide, entry, ours, targets))


@group.command("choose")
@click.option("--goal", required=True, type=click.Choice(GOALS), help="What the figures are for.")
@click.option("--frequency", type=click.Choice(FREQUENCIES), help="How soon they are needed.")
@click.option("--scope", type=click.Choice(SCOPES), help="What they are about.")
@click.option("--granularity", multiple=True, type=click.Choice(GRANULARITIES), help="How fine; repeatable.")
@click.option("--data", type=click.Choice(DATA), help="Where the workload runs.")
@click.option("--max-overhead", help="Most measuring overhead, e.g. 1%.")
@click.option("--framework", "frameworks", multiple=True, help="Framework to report under; repeatable.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the rubric here.")
@json_option
def choose_command(
    as_json: bool, out: Path | None, max_overhead: str | None, granularity: Any, frameworks: Any, **wish: Any
) -> None:
    """Recommend KPIs and tools for a goal and this machine, with reasons, and write the rubric."""
    guide = wired.load_guide()
    asked = Wish(
        **wish,
        granularity=tuple(granularity),
        frameworks=tuple(frameworks),
        max_overhead=None if max_overhead is None else _share(max_overhead),
    )
    choice = choose(guide, asked, wired.capabilities(config_here()))
    if out is not None:
        if not choice.weights:
            raise UsageError("no KPI fits this wish here, so there is no rubric to write: loosen the wish")
        out.write_text(render.rubric_toml(choice, f"chosen-{asked.goal}"), encoding="utf-8")
    if as_json:
        click.echo(document("kpi-choice", 1, render.choice_body(guide, choice)))
    else:
        click.echo(render.choice_text(guide, choice))
        click.echo(_after(guide, out))


def _after(guide: Guide, out: Path | None) -> str:
    if out is not None:
        return f"\nRubric written to {out}: wattmark score RUN --baseline RUN --rubric {out}"
    return f"\nFrameworks known: {', '.join(guide.frameworks)}. --out rubric.toml writes the rubric."


def _ours() -> str:
    measured = wired.measured_overhead()
    if measured is None:
        return render.NOT_MEASURED
    return f"{measured.share:.3%} of one CPU at one reading a second ({measured.source})"


def _share(text: str) -> float:
    """A share from ``1%`` or ``0.01``."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise click.BadParameter(f"{text!r} is no share: write 1% or 0.01", param_hint="--max-overhead")
    return value
