"""``wattmark stars [rate] FILE... --mode aies|anchored``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii

if TYPE_CHECKING:
    from wattmark.core.stars.thresholds import Thresholds
    from wattmark.reports.stars import StarsView

VIOLATION, NOT_ENOUGH = 1, 3


@click.command(name="rate")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--mode",
    type=click.Choice(["anchored", "aies"]),
    default="anchored",
    show_default=True,
    help="Against a frozen reference, or as AI Energy Score: five equal bands between least and most.",
)
@click.option(
    "--thresholds",
    type=click.Path(path_type=Path),
    help="Threshold file for anchored stars [the one that comes with wattmark].",
)
@click.option("--check", is_flag=True, help="Exit with 1 where published stars are not reproduced.")
@click.option(
    "--min-stars",
    type=click.IntRange(1, 5),
    help="Exit with 1 where a result may have fewer, with 3 where one is unrated.",
)
@json_option
def command(
    files: tuple[Path, ...],
    mode: str,
    thresholds: Path | None,
    check: bool,
    min_stars: int | None,
    as_json: bool,
) -> int:
    """Rate results, each against what it may be compared with.

    Exit codes: 0; 2 for files that cannot be read; with --check 1 where published stars differ; with
    --min-stars 1 where the worst of an interval is below, 3 where a result is unrated.
    """
    from wattmark.reports.as_json import document
    from wattmark.reports.stars import stars_body, stars_text

    view = _view(files, mode, thresholds)
    if as_json:
        click.echo(document("stars", 1, stars_body(view)))
    else:
        click.echo(stars_text(view, ascii_only=only_ascii()))
    return _exit_code(view, check, min_stars)


def _view(files: tuple[Path, ...], mode: str, thresholds: Path | None) -> StarsView:
    from wattmark.bench.results import read_loaded
    from wattmark.bench.thresholds_file import read_thresholds, shipped
    from wattmark.core.errors import UsageError
    from wattmark.core.stars.aies import rate_aies, reproduced
    from wattmark.core.stars.anchored import rate_anchored
    from wattmark.reports.stars import RatedRow, StarsView

    if mode == "aies" and thresholds is not None:
        raise UsageError("--thresholds is for --mode anchored: stars of AI Energy Score have no reference")
    loaded = read_loaded(files)
    results = [each.result for each in loaded]
    frozen = None
    if mode == "anchored":
        frozen = shipped() if thresholds is None else read_thresholds(thresholds)
        ratings = rate_anchored(results, frozen)
    else:
        ratings = rate_aies(results)
    stated = reproduced(results, ratings) if mode == "aies" else None
    return StarsView(
        mode=mode,
        rows=[
            RatedRow(result=each.result, rating=rating, place=each.place, checked=each.checked)
            for each, rating in zip(loaded, ratings, strict=True)
        ],
        thresholds=frozen,
        reproduced=stated if stated is not None and stated.stated else None,
        notes=(*dict.fromkeys(each.note for each in loaded if each.note), *_not_yet(frozen)),
    )


def _not_yet(frozen: Thresholds | None) -> tuple[str, ...]:
    """A version that is not in force yet rates all the same, and says so."""
    if frozen is None or frozen.effective <= datetime.now(UTC).date().isoformat():
        return ()
    return (f"references {frozen.label} are in force from {frozen.effective} on, not yet today",)


def _exit_code(view: StarsView, check: bool, min_stars: int | None) -> int:
    if check:
        from wattmark.core.errors import UsageError

        if view.reproduced is None:
            raise UsageError(
                "--check: nothing states published stars (column `published_stars`), in --mode aies"
            )
        if view.reproduced.differing:
            return VIOLATION
    if min_stars is None:
        return 0
    stars = [row.rating.stars for row in view.rows]
    if any(known is not None and known < min_stars for known in stars):
        return VIOLATION
    return NOT_ENOUGH if None in stars else 0
