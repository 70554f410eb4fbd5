"""``wattmark bench run TASK``: run a benchmark and leave a bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.bench_endpoint import endpoint_options, server_from
from wattmark.cli.bench_options import asked_from, model_options, pin_options, profile_options
from wattmark.cli.completing import one_of
from wattmark.cli.options import config_here, json_option
from wattmark.core.bench.task import TASKS
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.bench.result import Result
    from wattmark.wiring.imports import Ledger

OUT = Path("wattmark-bench")
NOT_VALID = 1
NO_EVIDENCE = 3
INTERRUPTED = 130
BROKEN = ("queries_failed", "repeat_failed", "no_work", "target_not_reached")
"""What makes even a try fail."""


@click.command()
@click.argument("task", shell_complete=one_of(lambda: TASKS))
@model_options
@profile_options
@pin_options
@endpoint_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that the bundle is made in [./wattmark-bench].",
)
@click.option(
    "--resume", type=click.Path(path_type=Path), help="Go on with this bundle, by the same command."
)
@click.option(
    "--ledger", "url", help="Ledger that the run goes to as well: a folder, or s3://, gs://, az://."
)
@json_option
def command(
    task: str, out: Path | None, resume: Path | None, url: str | None, as_json: bool, **options: Any
) -> int:
    """Run TASK on a model: energy per query and quality, from the same run, in a bundle.

    Exit codes: 0 valid or provisional (quick: it ran), 1 invalid, 2 usage, 3 no energy was seen, 130 stopped.
    """
    from wattmark.cli.bench_progress import watching
    from wattmark.wiring.bench import bundle_name, free_folder, run_asked

    asked, server = asked_from(task, options), server_from(options["endpoint"], options)
    if server is not None:
        asked = server.of(asked)
    if url is not None and asked.simulated is not None:
        raise UsageError("--ledger with --simulated: a ledger holds what was measured, and nothing is here")
    if resume is not None and out is not None:
        raise UsageError("--out and --resume contradict each other: a bundle goes on where it is")
    folder = resume or free_folder((out or OUT) / bundle_name(asked, datetime.now(UTC)))
    ledger = None if url is None else _ledger(url)
    config = config_here()
    with watching() as watch:
        done = run_asked(asked, folder, config, watch, resume=resume is not None, server=server)
    if done.bundle is None:
        click.echo(f"wattmark: stopped; go on with the same command and --resume {folder}", err=True)
        return INTERRUPTED
    if ledger is not None:
        from wattmark.core.bench.as_run import run_of

        ledger.run(run_of(done.bundle.evidence))
    if as_json:
        from wattmark.reports.bench_json import bench_json

        click.echo(bench_json(done.bundle.result, str(folder), done.bundle.manifest_sha256))
    else:
        from wattmark.reports.bench_text import bench_text

        click.echo(bench_text(done.bundle.result, str(folder)))
    return exit_code(done.bundle.result)


def exit_code(result: Result) -> int:
    """As the command ends."""
    from wattmark.core.bench.profile import PROFILES
    from wattmark.core.bench.validity import Status

    codes = {reason.code for reason in result.validity.reasons}
    if codes & set(BROKEN):
        return NOT_VALID
    if result.energy is None:
        return NO_EVIDENCE
    profile = PROFILES.get(result.profile)
    if profile is not None and not profile.rated:
        return 0
    return NOT_VALID if result.validity.status is Status.INVALID else 0


def _ledger(url: str) -> Ledger:
    """The ledger that the run goes to, looked at before hours are spent. Raises UsageError, LedgerError."""
    from wattmark.wiring.imports import Ledger

    return Ledger(url)
