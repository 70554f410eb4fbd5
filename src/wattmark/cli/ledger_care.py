"""``wattmark ledger verify``, ``compact`` and ``purge``: as it came, quick, and rid of what must go."""

from __future__ import annotations

import click

from wattmark.cli.ledger_options import NOT_ALL, chosen_ledger, ledger_option, now_us, told_wait
from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError
from wattmark.core.listed import some
from wattmark.wiring.ledger import OpenLedger, require_tables


@click.command()
@ledger_option
@json_option
def verify(ledger: str | None, as_json: bool) -> int:
    """Work out every hash of the evidence again, and say what is not as it came.

    Exit code 1: something was altered, lost, doubled or slipped in; each is named.
    """
    from wattmark.reports.as_json import document

    opened = chosen_ledger(ledger)
    require_tables()
    from wattmark.ledger.verify import verify as verify_now

    with told_wait("verifying"):
        done = verify_now(opened.store)
    counts = {"version": done.version, "runs": done.runs, "samples": done.samples, "files": done.files}
    if as_json:
        findings = [{"record": one.record, "problem": one.problem} for one in done.findings]
        body = {"ledger": opened.url, **counts, "sound": done.sound, "findings": findings}
        click.echo(document("ledger-verify", 1, body))
    else:
        for one in done.findings:
            click.echo(f"{one.record}: {one.problem}")
        said = "all as it came" if done.sound else _odd(len(done.findings))
        looked = f"{some(done.runs, 'run')} and {some(done.samples, 'sample')} of {some(done.files, 'file')}"
        click.echo(f"{looked}: {said}; {opened.url}, version {done.version}")
    return 0 if done.sound else NOT_ALL


def _odd(findings: int) -> str:
    return "1 thing is not as it came" if findings == 1 else f"{findings} things are not as they came"


@click.command()
@ledger_option
@click.option(
    "--keep-hours", type=click.IntRange(min=0), default=168, help="Versions this young stay readable [168]."
)
@click.option("--force", is_flag=True, help="Keep less than a day; nobody else may use the ledger meanwhile.")
@json_option
def compact(ledger: str | None, keep_hours: int, force: bool, as_json: bool) -> None:
    """Put many small files together, and clean up what no version needs that is to be kept.

    Totals do not change. Others may write and read meanwhile.
    """
    from wattmark.reports.as_json import document

    opened = chosen_ledger(ledger)
    require_tables()
    from wattmark.ledger.compaction import compact as compact_now

    with told_wait("compacting"):
        done = compact_now(opened.store, now_us(), retention_hours=keep_hours, forced=force)
    if as_json:
        body = {"files_before": done.files_before, "files_after": done.files_after, "removed": done.removed}
        click.echo(document("ledger-compact", 1, {"ledger": opened.url, **body}))
        return
    click.echo(f"{done.files_before} files became {done.files_after}; {done.removed} old ones were removed")


@click.command()
@click.argument("runs", nargs=-1)
@click.option("--before", metavar="DAY", help="What began before this UTC day, e.g. 2025-01-01.")
@click.option("--reason", required=True, help="Why; it stays in the ledger.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_option
@json_option
def purge(
    runs: tuple[str, ...], before: str | None, reason: str, yes: bool, ledger: str | None, as_json: bool
) -> None:
    """Remove runs and streams for good, given by their whole ids; or all that began --before a day.

    A tombstone stays: the id, the hash, the reason. The same file is not taken again.
    """
    from datetime import date

    from wattmark.reports.as_json import document

    if not runs and before is None:
        raise UsageError(
            "say what: run ids (`wattmark ledger runs --csv` prints them whole), or --before DAY"
        )
    try:
        day = None if before is None else date.fromisoformat(before).isoformat()
    except ValueError:
        raise UsageError(f"--before {before!r} is no day: write 2025-01-01") from None
    opened = chosen_ledger(ledger)
    require_tables()
    from wattmark.ledger.fold import fold
    from wattmark.ledger.purge import purge as purge_now

    fold(opened.store, now_us())
    ids = _meant(opened, runs, day)
    what = some(len(ids), "record") + (f" as far as they began before {day}" if day else "")
    if ids and not yes and not _agreed(f"Remove {what} from {opened.url} for good?"):
        raise UsageError("nothing was removed")
    with told_wait("purging"):
        done = purge_now(opened.store, ids, reason, now_us(), before=day)
    if as_json:
        body = {"version": done.version, "record_ids": list(done.record_ids), "rows": done.rows}
        click.echo(document("ledger-purge", 1, {"ledger": opened.url, **body}))
        return
    gone = f"{some(len(done.record_ids), 'record')} with {some(done.rows, 'row')}"
    click.echo(f"{gone} removed; version {done.version}")


def _agreed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        raise UsageError("nothing was removed: where nobody can be asked, --yes says it") from None


def _meant(opened: OpenLedger, runs: tuple[str, ...], before: str | None) -> list[str]:
    """The records that were named and are there; all of them when only a day was given."""
    from wattmark.ledger.evidence import RUN, STREAM, Evidence

    evidence = Evidence(opened.store)
    there: set[str] = set()
    for kind in (RUN, STREAM):
        columns = ["record_id", "day"]
        for batch in evidence.scan(kind, columns, record_ids=runs or None):
            there |= {
                row["record_id"]
                for row in batch.to_pylist()
                if before is None or kind == STREAM or row["day"] < before
            }
    lacking = sorted(set(runs) - there)
    if lacking and before is None:
        raise UsageError(
            f"{opened.url} holds no {lacking[0]!r}: give whole ids (`wattmark ledger runs --csv`)"
        )
    return sorted(there)
