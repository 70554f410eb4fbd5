"""``wattmark ledger init``."""

from __future__ import annotations

import click

from wattmark import tables
from wattmark.cli.ledger_options import chosen_ledger
from wattmark.core.errors import UsageError
from wattmark.ledger.settings import FILE_NAME


@click.command()
@click.argument("url", required=False)
@click.option("--name", help="What the ledger is called in what is made from it.")
@click.option("--time-zone", help="Whose days and months totals are made of, e.g. Europe/Paris [UTC].")
def command(url: str | None, name: str | None, time_zone: str | None) -> None:
    """Begin a ledger at URL: a folder, or s3://, gs://, az:// and a prefix.

    Writes a commented ledger.toml and nothing else; a ledger that is there already stays as it is.
    """
    from wattmark.ledger.settingsfile import parse_settings

    text = _filled(
        tables.bundled().joinpath("ledger_default.toml").read_text(encoding="utf-8"), name, time_zone
    )
    parse_settings(text, FILE_NAME)  # a wrong time zone is said before anything is written
    ledger = chosen_ledger(url, begin=True)
    place = f"{ledger.url.rstrip('/')}/{FILE_NAME}"
    if not ledger.store.put_new(FILE_NAME, text.encode()):
        raise UsageError(f"{place} is there already: nothing was written; edit it to change the settings")
    click.echo(f"wrote {place}")
    click.echo(f"next: export WATTMARK_LEDGER={ledger.url}")
    click.echo("      wattmark measure --team search -- python your_script.py")
    click.echo("      wattmark ledger totals --by team")


def _filled(text: str, name: str | None, time_zone: str | None) -> str:
    if name is not None:
        text = text.replace('# name = "Energy of our AI work"', f"name = {_quoted(name)}")
    if time_zone is not None:
        old = 'time_zone = "UTC"   '
        text = text.replace(old, f"time_zone = {_quoted(time_zone)}".ljust(len(old)))
    return text


def _quoted(text: str) -> str:
    """A TOML basic string."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
