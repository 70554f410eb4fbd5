"""``wattmark dataset``: what a model was trained or run on."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from wattmark.datasets.describe import Description, describe
from wattmark.reports.as_json import document
from wattmark.reports.as_text import percent, quantity, table


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", help="Name to keep with it; else the last part of the path.")
@click.option("--no-cache", is_flag=True, help="Read it again, even if nothing changed.")
@click.option("--dvc", is_flag=True, help="State DVC's hash too; in a DVC repository it is there anyway.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(paths: tuple[Path, ...], name: str | None, no_cache: bool, dvc: bool, as_json: bool) -> None:
    """Describe a dataset: hash, rows, unique bytes.

    PATHS is a file, a folder, or several files. Compressed files count as what they hold; Parquet needs
    the extra `datasets`. Run it outside the measured window: reading a dataset uses energy too.
    """
    what = paths[0] if len(paths) == 1 else list(paths)
    found = _with_progress(what, name, cache=not no_cache, quiet=as_json, dvc=dvc)
    click.echo(_as_json(found) if as_json else _as_text(found))


def _with_progress(
    what: Path | list[Path], name: str | None, *, cache: bool, quiet: bool, dvc: bool
) -> Description:
    """Show a bar on the terminal (on stderr, so that the result can be piped)."""
    if quiet or not sys.stderr.isatty():
        return describe(what, cache=cache, name=name, dvc=dvc or None)
    with click.progressbar(length=1000, label="reading", file=sys.stderr) as bar:

        def told(done: int, every: int) -> None:
            bar.update(1000 * done // max(every, 1) - bar.pos)

        return describe(what, cache=cache, name=name, progress=told, dvc=dvc or None)


def _as_json(found: Description) -> str:
    body = asdict(found)
    return document("dataset", 1, {**body, "duplicate_share": found.duplicate_share})


def _as_text(found: Description) -> str:
    dataset = found.dataset
    rows = "not counted: no file with rows" if dataset.rows is None else f"{dataset.rows:,}"
    if dataset.rows is not None and found.files_with_rows < found.files:
        rows += f" (in {found.files_with_rows} of {found.files} files)"
    unique = quantity(float(dataset.unique_bytes or 0), "B")
    if found.unique_error:
        unique += f" +- {percent(found.unique_error)} (estimated)"
    duplicates = found.duplicate_share
    lines: list[tuple[str, str]] = [
        ("name", dataset.name),
        ("sha256", dataset.sha256 or ""),
        *([("md5 (DVC)", dataset.dvc_md5)] if dataset.dvc_md5 else []),
        ("rows", rows),
        ("bytes, uncompressed", quantity(float(dataset.total_bytes or 0), "B")),
        ("unique bytes", unique),
        ("there twice", "nothing to share" if duplicates is None else percent(duplicates)),
        ("files", f"{found.files:,}, {quantity(float(found.bytes_on_disk), 'B')} on disk"),
    ]
    if found.from_cache:
        lines.append(("", "from the cache; --no-cache reads it again"))
    return table((), lines)
