"""``wattmark mlflow log RUN...``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.mlflow import server_at, server_option
from wattmark.cli.options import (
    as_one_option,
    config_here,
    json_option,
    load,
    place_options,
    run_arguments,
    stated_from,
)
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.run import Run
    from wattmark.core.tracked import TrackedFile


@click.command()
@run_arguments
@server_option
@click.option("--run-id", help="Run in MLflow to add to [MLFLOW_RUN_ID, else a new one].")
@click.option(
    "--decision",
    type=click.Path(path_type=Path),
    help="Decision of a gate about these runs: score, stars and gate are logged too.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the run files that gained a quality from MLflow.",
)
@as_one_option
@place_options
@json_option
def command(
    runs: tuple[Path, ...],
    mlflow: str | None,
    run_id: str | None,
    decision: Path | None,
    out: Path | None,
    as_one: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Put KPIs, tags, run files and a report of runs into a run of MLflow.

    With --quality NAME that the run files do not hold, MLflow's metric of that name is taken for it.
    """
    from wattmark.core.repeats import repeats_of
    from wattmark.exporters.mlflow import Mlflow
    from wattmark.exporters.mlflow_server import RUN_ID, URI
    from wattmark.reports.as_json import document
    from wattmark.wiring.decisions import Group
    from wattmark.wiring.given import given_from
    from wattmark.wiring.trackers import conclusion_of, decision_of

    server, there = server_at(mlflow), run_id or os.environ.get(RUN_ID, "")
    loaded, found = load(runs)
    config, stated = config_here(), stated_from(options)
    name = stated.quality
    if name is not None and not any(q.name == name for run in found for q in run.quality):
        found = _with_quality(server, there, name, found)
    whole = tuple(found)
    repeats = repeats_of(whole, lambda group: given_from(config, stated, group), as_one=as_one)
    group = Group(name=_title(whole), repeats=repeats, runs=whole, as_one=as_one)
    judged = None if decision is None else decision_of(decision, group)
    files = _files(whole, {item.run.record_id: item.path for item in loaded})
    conclusion = conclusion_of(group, decision=judged, files=files)
    uri = mlflow or os.environ[URI]
    exporter = Mlflow(f"{uri}#{there}" if there else uri, 15.0, opener=lambda *_: server)
    exporter.publish(conclusion)
    if out is not None:
        _keep(whole, {item.run.record_id: item.run for item in loaded}, out)
    if as_json:
        body = {
            "run_id": exporter.run_id,
            "record_ids": list(conclusion.record_ids),
            "metrics": len(conclusion.numbers),
            "missing": sorted(line.id for line in conclusion.lines if line.value is None),
            "files": [file.name for file in conclusion.files],
        }
        click.echo(document("mlflow-log", 1, body))
        return 0
    known = [line.title for line in conclusion.lines if line.value is not None]
    click.echo(f"run in MLflow    {exporter.run_id} at {server.place}")
    click.echo(f"KPIs             {', '.join(known) or 'none: the tags say what is missing'}")
    click.echo(f"files            {', '.join(file.name for file in conclusion.files)}")
    return 0


def _with_quality(server: Any, run_id: str, name: str, runs: list[Run]) -> list[Run]:
    from wattmark.wiring.mlflow import quality_from, with_quality

    if not run_id:
        raise UsageError(
            f"--quality {name}: the run files do not hold it, and no run of MLflow is named: give --run-id"
        )
    quality = quality_from(server, run_id, name)
    return [with_quality(run, quality) for run in runs]


def _title(runs: tuple[Run, ...]) -> str:
    named = {" ".join(filter(None, (run.subject.model, run.subject.model_version))) for run in runs}
    title = named.pop() if len(named) == 1 else ""
    return title or runs[0].record_id[:8]


def _files(runs: tuple[Run, ...], paths: dict[str, Path]) -> list[TrackedFile]:
    """The run files as they are, those that gained a quality as they are now; bundles as they are."""
    from wattmark.ledger.runfile import SUFFIX, run_from
    from wattmark.measure.spool import document_of

    bundles = {path for path in paths.values() if path.suffix.lower() == ".zip"}
    found = [_tracked(path.name, path.read_bytes()) for path in sorted(bundles)]
    for run in runs:
        path = paths[run.record_id]
        data = path.read_bytes() if path.is_file() and path.name.endswith(SUFFIX) else b""
        if not data or run_from(data, str(path)) != run:
            data = document_of(run)
        found.append(_tracked(f"{run.record_id}{SUFFIX}", data))
    return found


def _tracked(name: str, data: bytes) -> TrackedFile:
    from wattmark.core.tracked import FileKind, TrackedFile
    from wattmark.hashing import sha256

    return TrackedFile(name=name, kind=FileKind.RUN, data=data, sha256=sha256(data).hexdigest())


def _keep(runs: tuple[Run, ...], before: dict[str, Run], out: Path) -> None:
    from wattmark.wiring.imports import Folder

    folder = Folder(out)
    for run in runs:
        if run != before[run.record_id]:
            click.echo(f"wrote {folder.write(run)}", err=True)
