"""Options that the commands of ``wattmark ledger`` share, and how a ledger is opened and read for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wattmark.cli.options import config_here
from wattmark.wiring.ledger import OpenLedger, ledger_url, open_ledger, read_ledger

if TYPE_CHECKING:
    from wattmark.ledger.snapshot import Snapshot

Item = TypeVar("Item")
NOT_ALL = 1
"""Exit code: something was not taken, or is not as it should be; the output names it."""

ledger_option = click.option(
    "--ledger", help="The ledger: a folder, or s3://, gs://, az:// [WATTMARK_LEDGER, or wattmark.toml]."
)
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that read: ``ledger``, ``no_fold`` and ``as_of``."""
    function = click.option(
        "--as-of",
        type=click.IntRange(min=0),
        metavar="VERSION",
        help="Read an older version (see `wattmark ledger history`).",
    )(function)
    function = click.option(
        "--no-fold", is_flag=True, help="Leave what has landed meanwhile in the inbox; read what is folded."
    )(function)
    return ledger_option(function)


def chosen_ledger(asked: str | None, *, begin: bool = False) -> OpenLedger:
    """The ledger that is meant, opened. Raises UsageError when none is named, or none is there."""
    url = ledger_url(asked, config_here(), os.environ, Path.cwd())
    return open_ledger(url, begin=begin)


@dataclass(frozen=True, slots=True)
class Reading:
    """A ledger and the counted tables of one version of it."""

    ledger: OpenLedger
    snapshot: Snapshot


def read(ledger: str | None, no_fold: bool, as_of: int | None) -> Reading:
    """Open the ledger that is meant and read it, what is new folded first unless that is not wanted."""
    opened = chosen_ledger(ledger)
    with told_wait("reading the ledger"):
        return Reading(opened, read_ledger(opened, now_us(), note, as_of=as_of, fold=not no_fold))


def now_us() -> int:
    """Microseconds since 1970."""
    return int(datetime.now(UTC).timestamp() * 1e6)


def note(text: str) -> None:
    """Something that a person should know, apart from the output."""
    click.echo(f"wattmark: {text}", err=True)


def told_progress(items: Iterable[Item], label: str, length: int | None = None) -> Iterator[Item]:
    """The items, counted on a terminal's standard error; elsewhere nothing is said."""
    if not sys.stderr.isatty():
        yield from items
        return
    with click.progressbar(items, length=length, label=label, file=sys.stderr, show_pos=True) as shown:
        yield from shown


@contextmanager
def told_wait(label: str) -> Iterator[None]:
    """Says on a terminal's standard error what goes on, and removes it when it is done."""
    if not sys.stderr.isatty():
        yield
        return
    sys.stderr.write(f"{label} ...")
    sys.stderr.flush()
    try:
        yield
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
