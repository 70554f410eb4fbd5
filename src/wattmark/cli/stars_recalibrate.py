"""``wattmark stars recalibrate RESULTS... --from OLD.toml --out NEW.toml``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.stars.thresholds import QualityFloor


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--from", "old", type=click.Path(path_type=Path), help="The version before, if there is one.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where the new version goes.")
@click.option("--id", "identity", default="local", show_default=True, help="Name of a first version.")
@click.option("--effective", help="From this day on, YYYY-MM-DD [today].")
@click.option("--because", default="", help="Why, for the changelog.")
@click.option(
    "--quality-floor", help="Least quality that earns stars, NAME=VALUE; NAME<=VALUE where less is better."
)
@click.option("--without-bundles", is_flag=True, help="Freeze results that no bundle stands behind, too.")
@json_option
def command(
    results: tuple[Path, ...],
    old: Path | None,
    out: Path,
    identity: str,
    effective: str | None,
    because: str,
    quality_floor: str | None,
    without_bundles: bool,
    as_json: bool,
) -> None:
    """Freeze valid results of one key as its reference, and say whose stars that changes.

    Five models or more, all with one comparability key. A version never changes: the new one goes to a new
    file, with a line in its changelog.
    """
    from wattmark.bench.results import read_results
    from wattmark.bench.thresholds_file import read_thresholds, write_thresholds
    from wattmark.core.stars.recalibrate import Asked, recalibrate
    from wattmark.reports.as_json import document
    from wattmark.reports.stars_recalibrated import recalibrated_body, recalibrated_text

    asked = Asked(
        id=_identity(identity),
        effective=_day(effective),
        text=because,
        quality_floor=_floor(quality_floor),
        without_bundles=without_bundles,
    )
    made = recalibrate(read_results(results), None if old is None else read_thresholds(old), asked)
    write_thresholds(made.thresholds, out)
    written = read_thresholds(out)
    if as_json:
        click.echo(document("stars_recalibrated", 1, recalibrated_body(made, written.sha256)))
    else:
        click.echo(recalibrated_text(made, str(out)))


def _identity(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", text):
        raise UsageError(f"--id {text!r}: small letters, digits, dots and dashes, e.g. house")
    return text


def _day(text: str | None) -> str:
    if text is None:
        return datetime.now(UTC).date().isoformat()
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise UsageError(f"--effective {text!r} is no day as 2026-11-22") from None


def _floor(text: str | None) -> QualityFloor | None:
    from wattmark.core.stars.thresholds import QualityFloor

    if text is None:
        return None
    match = re.fullmatch(r"([\w.-]+)\s*(=|>=|<=)\s*([-+]?[0-9.]+(?:[eE][-+]?\d+)?)", text.strip())
    try:
        value = float(match[3]) if match else None
    except ValueError:
        value = None
    if match is None or value is None:
        raise UsageError(f"--quality-floor {text!r} is not NAME=VALUE, e.g. accuracy=0.8")
    return QualityFloor(name=match[1], value=value, higher_is_better=match[2] != "<=")
