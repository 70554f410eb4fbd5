"""``wattmark init``."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from wattmark.config import FILE_NAME
from wattmark.core.errors import UsageError
from wattmark.frames import replace_durably

POLICY_NAME = "wattmark-policy.toml"
FILES = ((FILE_NAME, "config_default.toml"), (POLICY_NAME, "policy_default.toml"))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def command(folder: Path, force: bool) -> None:
    """Write wattmark.toml (tags, place, outputs) and wattmark-policy.toml (limits) into FOLDER."""
    there = [name for name, _ in FILES if (folder / name).exists()]
    if there and not force:
        raise UsageError(f"{' and '.join(there)} already there: nothing was written; --force replaces them")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in FILES:
            replace_durably(folder / name, (resources.files("wattmark") / "data" / source).read_bytes())
            click.echo(f"wrote {folder / name}")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
    click.echo("next: wattmark measure -- python your_script.py")
