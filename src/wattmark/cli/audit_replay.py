"""``wattmark audit replay``: decide every kept gate again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.cli.audit_options import log_meant, log_option
from wattmark.cli.options import json_option

if TYPE_CHECKING:
    from wattmark.wiring.replaying import Replayed

DIFFERS, NOT_ENOUGH = 1, 3


@click.command(
    epilog="Exit code: 0 every gate comes out as it was logged, 1 one differs, 2 usage, 3 one could not be "
    "decided again, or there is none."
)
@click.argument("seqs", nargs=-1, metavar="[SEQ]...", type=click.IntRange(min=1))
@log_option
@click.option(
    "--runs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Run files, folders or ledger:KEY=VALUE, where the log keeps only the hashes of runs.",
)
@json_option
def command(seqs: tuple[int, ...], log: str | None, runs: tuple[Path, ...], as_json: bool) -> int:
    """Decide kept gates again, as of the moment they were decided, and compare every field.

    Without SEQ all of them. Policy, runs, what was stated, waivers as they were judged and budgets as they
    stood come from the log, by hash; the code is that of `wattmark gate`.
    """
    from wattmark.reports.as_json import document
    from wattmark.reports.audit_replay import replayed_body, replayed_text
    from wattmark.wiring.replaying import gates, replayed, runs_by_hash

    place, known = log_meant(log), runs_by_hash(runs) if runs else {}
    entries = list(gates(place, seqs))

    def one_by_one() -> Iterator[Replayed]:
        show = sys.stderr.isatty() and len(entries) > 1
        for number, entry in enumerate(entries, 1):
            if show:
                click.echo(f"\r{number} of {len(entries)} gates", nl=number == len(entries), err=True)
            yield replayed(place, entry, known)

    found = list(one_by_one())
    if as_json:
        click.echo(document("audit-replay", 1, replayed_body(found)))
    else:
        click.echo(replayed_text(found))
    if any(one.differences for one in found):
        return DIFFERS
    return NOT_ENOUGH if not found or any(one.problem for one in found) else 0
