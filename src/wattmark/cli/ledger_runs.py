"""``wattmark ledger runs`` and ``lost``: what came in, and what was seen twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.cli.ledger_asked import microseconds, span_of, span_options, where_of, where_option
from wattmark.cli.ledger_options import Reading, csv_option, read, reading_options
from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.listed import RunLine
    from wattmark.core.run import Run


@click.command()
@where_option
@span_options
@click.option("--status", type=click.Choice(["open", "closed", "interrupted"]), help="Only these.")
@click.option("--source", help="Only what this source brought: wattmark, codecarbon, ...")
@click.option("--limit", type=click.IntRange(min=0), default=20, help="How many; 0 for all [20].")
@click.option("--plot", is_flag=True, help="Draw the power of each run over its time.")
@click.option(
    "--files", type=click.Path(path_type=Path), help="Write the run files of these into this folder."
)
@reading_options
@csv_option
@json_option
def runs(
    wheres: tuple[str, ...],
    begin: str | None,
    end: str | None,
    inside: str | None,
    status: str | None,
    source: str | None,
    limit: int,
    plot: bool,
    files: Path | None,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List runs, the newest first, and what of each was counted.

    --files brings them back as run files, for `wattmark score`, `compare`, `gate` and `report`.
    """
    where = where_of(wheres)
    for key, value in (("status", status), ("source", source)):
        if value is not None:
            where[key] = (value,)
    reading = read(ledger, no_fold, as_of)
    from wattmark.ledger.listing import Choice, Listing
    from wattmark.reports.as_json import document
    from wattmark.reports.ledger_lists import Head, run_body, runs_csv, runs_text

    settings = reading.ledger.settings
    first, last = span_of(begin, end, inside, settings.zone)
    choice = Choice(where=where, start_us=microseconds(first), end_us=microseconds(last))
    with Listing(reading.snapshot) as listing:
        found = listing.runs(choice, limit or None)
        count = listing.count(choice)
    if files is not None:
        _write_files(reading, found, files)
        return
    head = Head(reading.ledger.url, reading.snapshot.version, settings.zone)
    if as_json:
        body = {"ledger": head.ledger, "version": head.version, "count": count}
        click.echo(document("ledger-runs", 1, {**body, "runs": [run_body(run) for run in found]}))
    elif as_csv:
        click.echo(runs_csv(found), nl=False)
    else:
        click.echo(runs_text(head, found, count, _powers(reading, found) if plot else None))


@click.command()
@where_option
@span_options
@click.option("--limit", type=click.IntRange(min=0), default=20, help="How many; 0 for all [20].")
@reading_options
@csv_option
@json_option
def lost(
    wheres: tuple[str, ...],
    begin: str | None,
    end: str | None,
    inside: str | None,
    limit: int,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List who also watched a device and was not counted, whom it lost to, and why.

    --where takes run, host and device.
    """
    where = where_of(wheres)
    reading = read(ledger, no_fold, as_of)
    from wattmark.ledger.listing import Choice, Listing
    from wattmark.reports.as_json import document
    from wattmark.reports.ledger_lists import Head, loss_body, losses_csv, losses_text

    zone = reading.ledger.settings.zone
    first, last = span_of(begin, end, inside, zone)
    choice = Choice(where=where, start_us=microseconds(first), end_us=microseconds(last))
    with Listing(reading.snapshot) as listing:
        found = listing.losses(choice, limit or None)
    head = Head(reading.ledger.url, reading.snapshot.version, zone)
    if as_json:
        body = {"ledger": head.ledger, "version": head.version, "lost": [loss_body(one) for one in found]}
        click.echo(document("ledger-lost", 1, body))
    elif as_csv:
        click.echo(losses_csv(found), nl=False)
    else:
        click.echo(losses_text(head, found))


def _powers(reading: Reading, found: list[RunLine]) -> list[str]:
    from wattmark.reports.as_text import sparkline
    from wattmark.reports.timeline import total_power

    documents = documents_of(reading, found)
    drawn = []
    for line in found:
        power = total_power(documents[line.record_id][1]) if line.record_id in documents else []
        drawn.append(sparkline(power, 24, ascii_only=only_ascii()) if len(power) > 3 else "")
    return drawn


def documents_of(reading: Reading, found: list[RunLine]) -> dict[str, tuple[str, Run]]:
    """Record id -> its document as it landed, and the run in it. Purged ones are left out."""
    from wattmark.ledger.documents import documents, run_of

    contents = {line.record_id: line.content for line in found}
    told = documents(reading.ledger.store, reading.snapshot.version, contents)
    return {record_id: (document, run_of(record_id, document)) for record_id, document in told}


def _write_files(reading: Reading, found: list[RunLine], folder: Path) -> None:
    """Byte for byte as they landed, under names that sort by time."""
    from wattmark.ledger.documents import file_name

    kept = documents_of(reading, found)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for text, run in kept.values():
            (folder / file_name(run)).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
    click.echo(f"wrote {len(kept)} run files into {folder}")
