"""``wattmark ledger add``, ``fold`` and ``history``: what comes in, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from wattmark.cli.ledger_options import (
    NOT_ALL,
    chosen_ledger,
    csv_option,
    ledger_option,
    note,
    now_us,
    told_progress,
    told_wait,
)
from wattmark.cli.options import json_option
from wattmark.core.errors import WattmarkError
from wattmark.core.imported import BadRow
from wattmark.core.listed import some

COUNTS = ("files", "runs", "samples")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@ledger_option
@json_option
def add(files: tuple[Path, ...], ledger: str | None, as_json: bool) -> int:
    """Bring run files into the ledger; a folder stands for all run files in it.

    The files stay where they are. Bringing them again changes nothing. Exit code 1: some were not taken.
    """
    from wattmark.ledger.door import Added, Door, run_files
    from wattmark.reports.as_json import document

    opened = chosen_ledger(ledger)
    door = Door(opened.store, opened.settings.tags)
    paths = run_files(files)
    done = Added()
    for each in told_progress(door.files(paths), "adding", len(paths)):
        done += each
    if as_json:
        body = {"ledger": opened.url, "files": done.files, "not_taken": bad_body(done.bad)}
        click.echo(document("ledger-add", 1, body))
    else:
        tell_bad(done.bad)
        click.echo(f"{done.files} of {some(len(paths), 'run file')} in {opened.url}")
    return NOT_ALL if done.bad else 0


@click.command()
@click.option(
    "--rebuild", is_flag=True, help="Count everything anew from the evidence; nobody else may read meanwhile."
)
@ledger_option
@json_option
def fold(rebuild: bool, ledger: str | None, as_json: bool) -> int:
    """Move what has landed into the ledger's tables, and bring the runs that wait on this machine.

    Every command that reads does this first; any number of them may do it at once.
    Exit code 1: files that cannot be taken were moved to rejected/.
    """
    from wattmark.reports.as_json import document
    from wattmark.wiring.ledger import bring_waiting, forget_counted, read_ledger, require_tables

    opened = chosen_ledger(ledger)
    require_tables()
    from wattmark.ledger.fold import fold as fold_now

    brought = 0
    try:
        brought = bring_waiting(opened)
    except (OSError, WattmarkError) as error:
        note(f"runs that wait on this machine could not be brought: {error}")
    if rebuild:
        forget_counted(opened)
    with told_wait("folding"):
        done = fold_now(opened.store, now_us())
    if rebuild:
        with told_wait("counting anew"):
            read_ledger(opened, now_us(), note, fold=False)
    if as_json:
        body = {
            "ledger": opened.url,
            "version": done.version,
            "brought": brought,
            "files": done.files,
            "runs": done.runs,
            "samples": done.samples,
            "repeated": done.repeated,
            "purged": done.purged,
            "rejected": bad_body(done.rejected),
        }
        click.echo(document("ledger-fold", 1, body))
    else:
        tell_bad(done.rejected)
        waited = f", {brought} of which waited on this machine" if brought else ""
        came = f"{some(done.runs, 'run')} and {some(done.samples, 'sample')} from {some(done.files, 'file')}"
        again = f", {done.purged} of them purged and not taken again" if done.purged else ""
        click.echo(f"{came}{waited}; {done.repeated} known already{again}")
        click.echo(f"{opened.url} is at version {done.version}")
    return NOT_ALL if done.rejected else 0


@click.command()
@ledger_option
@click.option("--limit", type=click.IntRange(min=1), default=20, help="How many, the newest first [20].")
@csv_option
@json_option
def history(ledger: str | None, limit: int, as_csv: bool, as_json: bool) -> None:
    """List the ledger's versions: when each was made, and how much came in with it."""
    from wattmark.reports.as_csv import csv_text
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table
    from wattmark.wiring.ledger import require_tables

    opened = chosen_ledger(ledger)
    require_tables()
    from wattmark.ledger.evidence import Evidence

    versions = Evidence(opened.store).history(limit)
    if as_json:
        body = [
            {"version": v.version, "time": _utc(v.time_us), "operation": v.operation, **_told(v.told)}
            for v in versions
        ]
        click.echo(document("ledger-history", 1, {"ledger": opened.url, "versions": body}))
        return
    told = [(v, _told(v.told)) for v in versions]
    if as_csv:
        rows = ((v.version, _utc(v.time_us), v.operation, *_counts(t), " ".join(t["days"])) for v, t in told)
        click.echo(csv_text(("version", "time", "operation", *COUNTS, "days"), rows), nl=False)
    elif versions:
        lines = [
            (v.version, _utc(v.time_us), v.operation.lower(), *_counts(t), _days(t["days"])) for v, t in told
        ]
        click.echo(table(("version", "made", "by", *COUNTS, "days"), lines))
    else:
        click.echo(f"{opened.url} holds nothing yet: `wattmark ledger fold` takes in what has landed")


def _counts(told: Mapping[str, Any]) -> list[Any]:
    return [told[name] for name in COUNTS]


def _told(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a commit says of itself: counts, and the days that it touches."""
    ours = told.get("wattmark")
    ours = ours if isinstance(ours, dict) else {}
    return {**{name: ours.get(name) for name in COUNTS}, "days": ours.get("days", [])}


def _days(days: Sequence[str]) -> str:
    return f"{days[0]} .. {days[-1]}" if len(days) > 1 else "".join(days)


def tell_bad(bad: tuple[BadRow, ...]) -> None:
    """What was not taken, line by line, on standard error."""
    for each in bad:
        note(f"not taken: {each.place}: {each.reason}")


def bad_body(bad: tuple[BadRow, ...]) -> list[dict[str, str]]:
    """What was not taken, for JSON."""
    return [{"place": each.place, "reason": each.reason} for each in bad]


def _utc(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
