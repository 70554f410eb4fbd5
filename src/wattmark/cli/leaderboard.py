"""``wattmark leaderboard RESULTS... --out FOLDER``: a static site of results, ranked among equals only."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError
from wattmark.core.listed import some
from wattmark.version import __version__

if TYPE_CHECKING:
    from wattmark.core.bench.board import Board

OURS = b'<meta name="generator" content="wattmark'

results_argument = click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
mode_option = click.option(
    "--mode",
    type=click.Choice(["anchored", "aies"]),
    default="anchored",
    show_default=True,
    help="How stars are given: against a frozen reference, or as AI Energy Score does.",
)
thresholds_option = click.option(
    "--thresholds",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Threshold file for anchored stars [the one that comes with wattmark].",
)


@click.command()
@results_argument
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Write the site here.")
@mode_option
@thresholds_option
@click.option("--title", default="Energy of AI models", show_default=True, help="Heading of the site.")
@click.option(
    "--bundles",
    default="",
    metavar="URL|FOLDER",
    help="Where the bundles lie, for links: an address, or a folder beside the site.",
)
@json_option
def command(
    results: tuple[Path, ...],
    out: Path | None,
    mode: str,
    thresholds: Path | None,
    title: str,
    bundles: str,
    as_json: bool,
) -> None:
    """Write a leaderboard of results as a static site: one page, its JSON, and CSV.

    RESULTS are bundles, result files, run files of imported benchmarks, CSV tables of published ratings, or
    folders of them. Only results with one comparability key are ranked together, and only valid, measured
    ones; published figures stand beside them unranked.
    """
    from wattmark.bench.rated import ratings_of
    from wattmark.bench.results import read_results
    from wattmark.core.bench.board import board_of
    from wattmark.reports.as_json import document
    from wattmark.reports.leaderboard_html import Site, pages
    from wattmark.reports.leaderboard_json import SCHEMA, SCHEMA_VERSION, leaderboard_body

    if out is None and not as_json:
        raise UsageError("say where the site goes with --out FOLDER, or print it with --json")
    _refuse_scripts(bundles)
    read = read_results(results)
    board = board_of(zip(read, ratings_of(read, mode, thresholds), strict=True), mode)
    body = leaderboard_body(board, title=title, mode=mode)
    if out is not None:
        site = Site(
            title=title,
            mode=mode,
            bundles=bundles,
            generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            version=__version__,
        )
        _write(out, pages(board, site, body))
        click.echo(f"wrote {out / 'index.html'}: {_said(board)}", err=as_json)
    if as_json:
        click.echo(document(SCHEMA, SCHEMA_VERSION, body))


def _said(board: Board) -> str:
    groups = [group for task in board.tasks for group in task.groups]
    ranked = sum(group.ranked for group in groups)
    rows = sum(task.rows for task in board.tasks)
    return (
        f"{some(rows, 'result')}, {some(len(board.tasks), 'task')}, "
        f"{some(len(groups), 'group')} of equal keys, {ranked} ranked"
    )


def _refuse_scripts(bundles: str) -> None:
    scheme = bundles.partition(":")[0].lower() if ":" in bundles else ""
    if scheme not in ("", "http", "https"):
        raise UsageError(f"--bundles {bundles!r}: give an http or https address, or a folder")


def _write(folder: Path, files: dict[str, Any]) -> None:
    """Write the files of the site; a page that somebody else made is never overwritten."""
    index = folder / "index.html"
    try:
        if index.exists() and OURS not in index.read_bytes()[:4096]:
            raise UsageError(f"{index} is there already and is no leaderboard: give another --out")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or folder}: {error.strerror}") from None
