"""``wattmark publish RUN...``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.options import (
    as_one_option,
    baseline_options,
    config_here,
    json_option,
    place_options,
    run_arguments,
    say_first,
    stated_from,
)
from wattmark.core.errors import UsageError, without_secrets

if TYPE_CHECKING:
    from wattmark.core.tracked import Conclusion
    from wattmark.exporters.tracker import Tracker
    from wattmark.wiring.decisions import Group


def _trackers() -> Iterable[str]:
    return ("mlflow:", "wandb:", "comet:", "tensorboard:")


@click.command(epilog="Exit code: 0 all was taken, 2 usage, or a tracker did not take it.")
@run_arguments
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    metavar="NAME:TARGET",
    shell_complete=one_of(_trackers),
    help="Tracker, e.g. wandb:PROJECT, comet:PROJECT, tensorboard:FOLDER; may be given again.",
)
@click.option(
    "--decision",
    type=click.Path(path_type=Path),
    help="Decision of these runs (wattmark gate --decision FILE): score, gate and stars.",
)
@baseline_options
@as_one_option
@place_options
@json_option
def command(
    runs: tuple[Path, ...],
    targets: tuple[str, ...],
    decision: Path | None,
    baseline: tuple[Path, ...],
    name: str | None,
    as_one: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Show finished runs in an experiment tracker: KPIs, what is missing, report, files, decision.

    Runs of one solution add up; other runs are repeats. With a baseline the report compares.
    """
    from wattmark.reports.as_json import document
    from wattmark.wiring.trackers import conclusion_of, decision_of, run_files

    trackers = [_tracker(target) for target in targets]
    group, against = _groups(runs, baseline, name, as_one, options)
    judged = None if decision is None else decision_of(decision, group)
    conclusion = conclusion_of(group, baseline=against, decision=judged, files=run_files(runs))
    failed = [
        target for target, tracker in zip(targets, trackers, strict=True) if not _told(tracker, conclusion)
    ]
    taken = [without_secrets(target) for target in targets if target not in failed]
    if as_json:
        body = {
            "to": taken,
            "failed": [without_secrets(target) for target in failed],
            "record_ids": list(conclusion.record_ids),
            "numbers": dict(conclusion.numbers),
            "words": dict(conclusion.words),
            "files": [{"name": f.name, "kind": f.kind.value, "sha256": f.sha256} for f in conclusion.files],
        }
        click.echo(document("publish", 1, body))
    else:
        for target in taken:
            click.echo(f"{conclusion.title}: {len(conclusion.numbers)} figures to {target}")
    return 2 if failed else 0


def _groups(
    runs: tuple[Path, ...],
    baseline: tuple[Path, ...],
    name: str | None,
    as_one: bool,
    options: dict[str, Any],
) -> tuple[Group, Group | None]:
    from wattmark.core.kpis import CATALOG
    from wattmark.wiring.decisions import baseline_group, group_of

    config, stated = config_here(), stated_from(options)
    group = group_of(runs, config, stated, as_one=as_one)
    against = None
    if baseline or name:
        against = baseline_group(
            baseline,
            config,
            stated,
            CATALOG.values(),
            start=Path.cwd(),
            name=name,
            as_one=as_one and bool(baseline),
        )
    say_first((*group.remarks, *(against.remarks if against else ())))
    return group, against


def _tracker(target: str) -> Tracker:
    from wattmark.exporters.catalog import open_export
    from wattmark.exporters.tracker import Tracker

    found = open_export(target, 3600.0)
    if not isinstance(found, Tracker):
        raise UsageError(
            f"--to {without_secrets(target)}: shows runs only while they go on (wattmark measure --export); "
            "finished runs go to mlflow, wandb, comet or tensorboard"
        )
    return found


def _told(tracker: Tracker, conclusion: Conclusion) -> bool:
    try:
        tracker.publish(conclusion)
    except Exception as error:  # noqa: BLE001 - libraries of other people are behind it: theirs is no defect of ours
        click.echo(
            f"wattmark: {tracker.name}: {type(error).__name__}: {without_secrets(str(error))}", err=True
        )
        sys.stderr.flush()
        return False
    return True
