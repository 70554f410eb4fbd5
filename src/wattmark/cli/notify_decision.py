"""``wattmark notify DECISION.json``: tell what a gate said."""

from __future__ import annotations

from pathlib import Path

import click

from wattmark.cli.notify import link_of, tell_all, telling_options


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DECISION...")
@telling_options
def command(
    files: tuple[Path, ...], to: tuple[str, ...], link: str | None, dry_run: bool, as_json: bool
) -> int:
    """Tell what a gate said, along the [[notify]] of wattmark.toml or to --to.

    A decision is what `wattmark gate --decision FILE` wrote. The next decision on the same policy and model
    updates what was told, or resolves it. Exit code 4: somebody was not told; what failed waits, and is tried
    again the next time. The gate's own exit code is not touched.
    """
    from wattmark.ledger.decisionfile import read_decision
    from wattmark.reports.messages import decision_message

    shown = link_of(link)
    messages = [decision_message(read_decision(path), shown) for path in files]
    return tell_all(messages, to, dry_run, as_json)
