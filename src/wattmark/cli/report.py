"""``wattmark report RUN...``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark import __version__
from wattmark.cli.options import config_here, load, place_options, run_arguments, stated_from
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.ledger.runfile import LoadedRun
    from wattmark.reports.view import ReportData, SourceFile

STDOUT = "-"


@click.command()
@run_arguments
@place_options
@click.option(
    "--baseline",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Run file or folder to compare with; may be given several times.",
)
@click.option("--title", help="Title of the report; the model's name when left out.")
@click.option("--html", metavar="FILE", help="Write one self-contained HTML page; - is standard output.")
@click.option(
    "--md",
    is_flag=False,
    flag_value=STDOUT,
    metavar="[FILE]",
    help="Write Markdown for a pull request; standard output when FILE is left out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    runs: tuple[Path, ...],
    baseline: tuple[Path, ...],
    title: str | None,
    html: str | None,
    md: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Write a report of runs: figures and how each is known, power over time, what was not seen.

    The runs are taken together, as the attempts at one solution. A folder stands for the run files in it.
    """
    if not (html or md or as_json):
        raise UsageError("say which report to write: --html report.html, --md or --json")
    for target in (html, md):
        _require_no_evidence(target)
    data = report_data(runs, baseline, title, options)
    if html:
        from wattmark.reports.as_html import html_report

        _write(html, html_report, data)
    if md:
        from wattmark.reports.as_markdown import markdown_report

        _write(md, markdown_report, data)
    if as_json:
        from wattmark.reports.report_json import json_report

        click.echo(json_report(data))


def report_data(
    runs: tuple[Path, ...], baseline: tuple[Path, ...], title: str | None, options: dict[str, Any]
) -> ReportData:
    """Read the runs and their baseline, total them, and put together what a report shows."""
    from wattmark.reports.sections import answers_of
    from wattmark.reports.view import Baseline, ReportData, title_of
    from wattmark.wiring import facts_for

    config, stated = config_here(), stated_from(options)
    loaded, found = load(runs)
    facts = facts_for(found, config, stated)
    against = None
    if baseline:
        _, earlier = load(baseline)
        before = facts_for(earlier, config, stated)
        against = Baseline(facts=before, answers=answers_of(before), runs=tuple(earlier))
    ordered = tuple(sorted(found, key=lambda run: (run.started_at, run.record_id)))
    return ReportData(
        title=title or title_of(ordered),
        runs=ordered,
        facts=facts,
        answers=answers_of(facts),
        baseline=against,
        files=source_files(loaded),
        generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        wattmark_version=__version__,
    )


def source_files(loaded: Sequence[LoadedRun]) -> tuple[SourceFile, ...]:
    """Name and hash of every run file, so that a report can be checked against its evidence."""
    from wattmark.reports.view import SourceFile

    return tuple(
        SourceFile(
            name=item.path.name,
            sha256=hashlib.sha256(item.path.read_bytes()).hexdigest(),
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
    text = render(data)
    if target == STDOUT:
        click.echo(text, nl=False)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None
    click.echo(f"wrote {target}", err=True)
