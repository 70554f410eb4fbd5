"""``wattmark ledger export``: the views as plain files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from wattmark.cli.completing import one_of, views
from wattmark.cli.ledger_asked import keys_of
from wattmark.cli.ledger_options import read, reading_options, told_wait
from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError

USUAL = ("energy", "work", "runs", "lost", "quality", "statements")
"""What is written when no view is named; `wattmark ledger query` lists all."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--format", "kind", type=click.Choice(["parquet", "csv"]), default="parquet", help="[parquet]")
@click.option(
    "--view",
    "views",
    multiple=True,
    metavar="NAME",
    shell_complete=one_of(views),
    help=f"Only these [{', '.join(USUAL)}].",
)
@reading_options
@json_option
def command(
    folder: Path,
    kind: str,
    views: tuple[str, ...],
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_json: bool,
) -> None:
    """Write the views into FOLDER, one file each, with a manifest of their hashes.

    The same version gives the same rows in the same order. Files of an earlier export are replaced.
    """
    from wattmark.ledger.export import export
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table

    reading = read(ledger, no_fold, as_of)
    if Path(reading.ledger.url).resolve() in (folder.resolve(), *folder.resolve().parents):
        raise UsageError(f"{folder} belongs to the ledger itself: export into another folder")
    with told_wait("exporting"):
        done = export(reading.snapshot, keys_of(views) or USUAL, folder, kind)
    if as_json:
        body = {"ledger": reading.ledger.url, "version": reading.snapshot.version, "folder": str(folder)}
        click.echo(document("ledger-exported", 1, {**body, "files": [asdict(one) for one in done]}))
        return
    click.echo(
        table(("file", "rows", "bytes", "sha256"), [(o.file, o.rows, o.bytes, o.sha256[:16]) for o in done])
    )
    click.echo(f"\n{reading.ledger.url}, version {reading.snapshot.version}, in {folder}")
