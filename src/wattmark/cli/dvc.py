"""``wattmark dvc``: evidence and DVC's pipelines."""

from __future__ import annotations

from pathlib import Path

import click

from wattmark.cli.lazy import LazyGroup

VERBS = {
    "check": ("wattmark.cli.dvc:check", "Say whether the data of each stage is what was measured."),
}


@click.group(cls=LazyGroup, verbs=VERBS)
def group() -> None:
    """Hold evidence against DVC's pipelines."""


@click.command(
    epilog="Exit code: 0 the data of every measured stage is what was measured; 1 that of one is not; "
    "2 usage; 3 not enough evidence."
)
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--lock",
    type=click.Path(path_type=Path),
    default=Path("dvc.lock"),
    show_default=True,
    help="The lock file.",
)
@click.option("--all", "every", is_flag=True, help="Stages that nobody measured are not enough evidence too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def check(runs: tuple[Path, ...], lock: Path, every: bool, as_json: bool) -> int:
    """Say, stage by stage, whether dvc.lock has the data that was measured.

    RUNS are run files or folders [wattmark-runs]. A run belongs to the stage that it was measured in
    (DVC_STAGE); the newest one that ended well counts.
    """
    from wattmark.core.dvc import Match, checked
    from wattmark.core.plain import plain
    from wattmark.ledger.dvclock import read_lock
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table
    from wattmark.wiring.runs import read_runs

    stages = read_lock(lock)
    found = checked(stages, [item.run for item in read_runs(runs or (Path("wattmark-runs"),))])
    if as_json:
        click.echo(document("dvc-check", 1, {"lock": lock.name, "stages": [plain(item) for item in found]}))
    else:
        rows = [
            (c.stage, c.match.value, c.record_id[:8], c.measured_at[:19], c.path or c.reason) for c in found
        ]
        click.echo(table(("stage", "data", "run", "measured at", "what"), rows))
    matches = {item.match for item in found}
    if Match.OTHER in matches:
        return 1
    lacking = {Match.NOT_STATED, Match.OLD_HASH, *((Match.NOT_MEASURED,) if every else ())}
    return 3 if matches & lacking or Match.SAME not in matches else 0
