"""``wattmark audit show``, ``head`` and ``export``."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.audit_options import log_meant, log_option
from wattmark.cli.completing import one_of
from wattmark.cli.options import json_option, say_first
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.governance.audit import Entry
    from wattmark.ledger.auditlog import AuditLog

NOTHING = 3
MOMENT = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d)?)?Z?)?)?)?")


def _actions() -> list[str]:
    from wattmark.core.governance.audit import Action

    return [action.value for action in Action]


def _moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    if text is not None and not MOMENT.fullmatch(text):
        raise click.BadParameter(f"{text!r} is no time: write 2026-11-20 or 2026-11-20T09:30:00Z (UTC)")
    return text


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose entries; they arrive as ``actions``, ``subject``, ``since``, ``until``."""
    for option in (
        click.option("--until", callback=_moment, metavar="TIME", help="Up to this day, or time (UTC)."),
        click.option("--since", callback=_moment, metavar="TIME", help="From this day, or time (UTC), on."),
        click.option("--subject", metavar="PATTERN", help="Only of these models, waivers, policies: 'lm*'."),
        click.option(
            "--action",
            "actions",
            multiple=True,
            metavar="PATTERN",
            shell_complete=one_of(_actions),
            help="Only these: gate.evaluated, 'waiver.*', ...",
        ),
    ):
        function = option(function)
    return function


@click.command()
@click.argument("seq", required=False, type=click.IntRange(min=1))
@log_option
@filter_options
@json_option
def show(seq: int | None, log: str | None, as_json: bool, **chosen: Any) -> None:
    """List what was done, by whom; with SEQ everything of one entry. It checks nothing: `verify` does."""
    from wattmark.reports.as_json import document
    from wattmark.reports.audit import entries_body, entries_text, entry_text

    place = log_meant(log)
    if seq is not None:
        entry = place.entry(seq)
        click.echo(document("audit-entries", 1, entries_body([entry])) if as_json else entry_text(entry))
        return
    entries = entries_chosen(place, **chosen)
    if as_json:
        click.echo(document("audit-entries", 1, entries_body(entries)))
    else:
        click.echo(entries_text(entries) if entries else "no such entries")


@click.command()
@log_option
@json_option
def head(log: str | None, as_json: bool) -> int:
    """Print the newest entry's number and hash, for the output of a CI job: an anchor wherever it is kept.

    Exit code 3 for an empty log.
    """
    from wattmark.core.governance.audit import GENESIS
    from wattmark.ledger.anchorfile import head_line
    from wattmark.reports.as_json import document

    newest = log_meant(log).head()
    seq, hashed = (0, GENESIS) if newest is None else (newest.seq, newest.hash)
    if as_json:
        click.echo(document("audit-head", 1, {"audit_seq": seq, "audit_head": hashed}))
    else:
        click.echo(head_line(seq, hashed))
    return NOTHING if newest is None else 0


@click.command()
@log_option
@filter_options
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="File to write [standard output].")
def export(log: str | None, form: str, out: Path | None, **chosen: Any) -> None:
    """Write the log for an auditor: all fields of each entry, as they are hashed."""
    from wattmark.reports.as_json import document
    from wattmark.reports.audit import entries_body, entries_csv

    entries = entries_chosen(log_meant(log), **chosen)
    text = (
        entries_csv(entries) if form == "csv" else document("audit-entries", 1, entries_body(entries)) + "\n"
    )
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from None
    click.echo(f"{len(entries)} entries written to {out}", err=True)


def entries_chosen(
    log: AuditLog, *, actions: tuple[str, ...], subject: str | None, since: str | None, until: str | None
) -> list[Entry]:
    """Entries that fit; those that cannot be read or were altered are told on stderr, fitting or not."""
    from wattmark.core.governance.chain import hash_of

    found: list[Entry] = []
    unread: list[str] = []
    for item in log.placed():
        if item.entry is None:
            unread.append(f"{item.fault}: see `wattmark audit verify`")
            continue
        if hash_of(item.entry) != item.entry.hash or item.entry.seq != item.seq:
            unread.append(f"entry {item.seq} was altered: see `wattmark audit verify`")
        if (
            (not actions or any(fnmatchcase(item.entry.action, pattern) for pattern in actions))
            and (subject is None or fnmatchcase(item.entry.subject, subject))
            and (since is None or item.entry.at >= since)
            and (until is None or item.entry.at[: len(until)] <= until)
        ):
            found.append(item.entry)
    say_first(unread)
    return found
