"""``wattmark report RUN...``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import (
    as_one_option,
    baseline_options,
    config_here,
    factors_option,
    load,
    place_options,
    run_arguments,
    stated_from,
)
from wattmark.cli.output import STDOUT, write_to
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.sci_ai import PERSONAS
from wattmark.version import __version__

if TYPE_CHECKING:
    from wattmark.core.rubric import Rubric
    from wattmark.core.score import Score
    from wattmark.ledger.runfile import LoadedRun
    from wattmark.reports.view import ReportData, SourceFile
    from wattmark.wiring.decisions import Group


@click.command()
@run_arguments
@click.option("--html", metavar="FILE", help="Write one self-contained HTML page; - is standard output.")
@click.option(
    "--md",
    is_flag=False,
    flag_value=STDOUT,
    metavar="[FILE]",
    help="Write Markdown for a pull request; standard output when FILE is left out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@baseline_options
@click.option("--rubric", default="default", help="What the score is made of [default].")
@factors_option
@click.option("--policy", type=click.Path(path_type=Path), help="Policy file whose verdict is shown.")
@click.option("--title", help="Title of the report; the model's name when left out.")
@as_one_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(["wattmark", "sci", "sci-ai"]),
    default="wattmark",
    help="Ours, or that of the SCI (ISO/IEC 21031) or of SCI for AI, as --md or --json [wattmark].",
)
@click.option(
    "--persona",
    type=click.Choice(PERSONAS),
    help="Whose score, for --format sci-ai: the two are never added.",
)
@click.option(
    "--check", is_flag=True, help="With --format sci: exit 3 where a field that is asked for is empty."
)
@place_options
def command(
    runs: tuple[Path, ...],
    html: str | None,
    md: str | None,
    as_json: bool,
    kind: str,
    persona: str | None,
    check: bool,
    **options: Any,
) -> None:
    """Write a report of runs: figures and how each is known, power over time, what was not seen.

    Runs of one solution add up; other runs are repeats. With a baseline they are compared and scored.
    """
    if kind != "wattmark" or persona or check:
        _sci(runs, kind, persona, check, html, md, as_json, options)
        return
    if not (html or md or as_json):
        raise UsageError("say which report to write: --html report.html, --md or --json")
    for target in (html, md):
        _require_no_evidence(target)
    data = report_data(runs, options)
    if html:
        from wattmark.reports.as_html import html_report

        _write(html, html_report, data)
    if md:
        from wattmark.reports.as_markdown import markdown_report

        _write(md, markdown_report, data)
    if as_json:
        from wattmark.reports.report_json import json_report

        click.echo(json_report(data))


def _sci(
    runs: tuple[Path, ...],
    kind: str,
    persona: str | None,
    check: bool,
    html: str | None,
    md: str | None,
    as_json: bool,
    options: dict[str, Any],
) -> None:
    from wattmark.cli.report_sci import persona_of, sci_report

    persona = persona_of(kind, persona)
    if kind == "wattmark":
        raise UsageError("--check is for --format sci and --format sci-ai")
    if html or (md and as_json):
        raise UsageError(f"--format {kind} is written as Markdown or as JSON: --md or --json")
    _require_no_evidence(md)
    text, code = sci_report(runs, options, persona, as_json=as_json, check=check)
    if as_json:
        click.echo(text, nl=False)
    elif text:
        write_to(md or STDOUT, text)
    if code:
        raise SystemExit(code)


def report_data(runs: tuple[Path, ...], options: dict[str, Any]) -> ReportData:
    """Read the runs and what they are held against, and put together what a report shows."""
    from wattmark.core.kpis import CATALOG
    from wattmark.core.verdict import gate
    from wattmark.ledger.rubricfile import rubric_named
    from wattmark.reports.assembling import baseline_of, report_of
    from wattmark.reports.market_runs import market_remarks
    from wattmark.wiring.decisions import baseline_group, group_of, policy_for
    from wattmark.wiring.expenses import expenses_of_group
    from wattmark.wiring.market_runs import market_carbon_of_group

    config, stated, as_one = config_here(), stated_from(options), options["as_one"]
    candidate = group_of(runs, config, stated, as_one=as_one)
    rubric = rubric_named(options["rubric"])
    against: Group | None = None
    if options["baseline"] or options["name"]:
        used = [CATALOG[item.kpi] for item in rubric.kpis]
        against = baseline_group(
            options["baseline"],
            config,
            stated,
            used,
            start=Path.cwd(),
            name=options["name"],
            as_one=as_one and bool(options["baseline"]),
        )
    score, refused = _score(candidate, against, rubric, options["factors"]) if against else (None, ())
    policy = policy_for(options["policy"], Path.cwd()) if options["policy"] else None
    verdict = gate(policy, candidate.repeats, CATALOG, against.repeats if against else ()) if policy else None
    return report_of(
        candidate.repeats,
        candidate.runs,
        title=options["title"],
        score=score,
        verdict=verdict,
        baseline=baseline_of(against.repeats, against.runs, against.name) if against else None,
        files=source_files(load(runs)[0]),
        remarks=(*refused, *market_remarks(market_carbon_of_group(candidate, config, stated))),
        generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        wattmark_version=__version__,
        expenses=expenses_of_group(candidate, config, stated),
    )


def _score(
    candidate: Group, against: Group, rubric: Rubric, factors: str | None
) -> tuple[Score | None, tuple[str, ...]]:
    """The score, or why there is none: a report of runs that may not be scored is still a report."""
    from wattmark.core.kpis import CATALOG
    from wattmark.core.rubric import Factors
    from wattmark.core.score import score_through_gaps

    held = Factors(factors) if factors else None
    try:
        return score_through_gaps(candidate.repeats, against.repeats, rubric, CATALOG, held), ()
    except NotComparable as refusal:
        return None, (f"No score: {refusal}.",)


def source_files(loaded: Sequence[LoadedRun]) -> tuple[SourceFile, ...]:
    """Name and hash of every run file, so that a report can be checked against its evidence."""
    from wattmark.reports.view import SourceFile

    return tuple(
        SourceFile(
            name=item.name,
            sha256=item.sha256,
            record_id=item.run.record_id,
        )
        for item in loaded
    )


def _require_no_evidence(target: str | None) -> None:
    """Raise UsageError rather than write a report over a run file (``--md RUN`` reads like that)."""
    from wattmark.ledger.runfile import SUFFIX

    if target is not None and target.endswith(SUFFIX):
        raise UsageError(
            f"{target} is a run file and would be overwritten: name the report, e.g. --md report.md, "
            "or put the option after the runs"
        )


def _write(target: str, render: Callable[[ReportData], str], data: ReportData) -> None:
    write_to(target, render(data))
