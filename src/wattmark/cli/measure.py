"""``wattmark measure -- COMMAND``."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import click

from wattmark.cli.tags import pairs, tag_options, tags_from, warn_of_stage
from wattmark.core.errors import UsageError, WattmarkError
from wattmark.core.run import Place, Run

DELIVERY_SECONDS = 30.0
"""How long to wait for a ledger across the network once the command has ended."""
CANNOT_START = 125
"""Nothing was started; never 2, which the command itself may give."""


class _WrongOption(click.UsageError):
    exit_code = CANNOT_START


class _Measure(click.Command):
    """A wrong option is told apart from an exit code of the measured command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _WrongOption(error.format_message(), ctx) from None


@click.command(
    cls=_Measure,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog="Exit code: the command's own; 128+n when signal n ended it; 125 to 127 when it could not be "
    "started.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the run file [./wattmark-runs].")
@click.option(
    "--ledger", help="Ledger that the run goes to: a folder, or s3://, gs://, az:// [WATTMARK_LEDGER]."
)
@click.option(
    "--export",
    "exports",
    multiple=True,
    metavar="NAME:TARGET",
    help="Show the run elsewhere while it goes on, e.g. prometheus:9464; may be given again.",
)
@click.option("--name", default=None, help="Name of the run [the command's name].")
@tag_options
@click.option("--label", "labels", multiple=True, metavar="K=V", help="A label; may be given again.")
@click.option("--work", multiple=True, metavar="UNIT=N", help="What is done, e.g. inferences=1000.")
@click.option(
    "--quality-from",
    multiple=True,
    metavar="FILE:KEY",
    help="Quality that the command writes to a JSON file.",
)
@click.option("--outcome", help="When the work counts as done, e.g. 'accuracy>=0.95'.")
@click.option("--solution", help="Id that joins attempts at one solution.")
@click.option("--dataset", help="File or folder that is worked on; described after the command ended.")
@click.option("--metrics", metavar="FILE", help="Write energy and KPIs as flat JSON too, e.g. for DVC.")
@click.option("--plots", metavar="FILE", help="Write power over time as CSV too, e.g. for DVC.")
@click.option("--budget", help="Energy that may be used, e.g. 5kWh.")
@click.option(
    "--on-breach",
    type=click.Choice(["warn", "stop"]),
    default="warn",
    show_default=True,
    help="When the budget is used up: say so, or end the command.",
)
@click.option("--pue", type=float, help="Power usage effectiveness of the site.")
@click.option("--country", help="Country of the grid, ISO 3166 alpha-3.")
@click.option("--meter", "meters", multiple=True, help="Use only this meter; may be given again.")
@click.option("--period", type=float, help="Seconds between readings [1].")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing of our own.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, on standard error.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def command(command: tuple[str, ...], quiet: bool, as_json: bool, **options: Any) -> int:
    """Measure COMMAND from start to end and write a run file.

    The command's output, signals and exit code stay its own; our summary goes to standard error.
    What it did can be told from inside (wattmark.log, or JSON lines to $WATTMARK_LOG) or here.
    """
    for source in options["quality_from"]:
        if not source.rpartition(":")[0]:
            click.echo(f"wattmark: --quality-from {source!r} is not of the form FILE:KEY", err=True)
            return CANNOT_START
    if not command:
        click.echo(
            "wattmark: give the command to measure, e.g. wattmark measure -- python train.py", err=True
        )
        return CANNOT_START
    try:
        return _measured(command, quiet, as_json, options)
    except WattmarkError as error:
        click.echo(f"wattmark: {error}", err=True)
        return CANNOT_START


def _measured(command: tuple[str, ...], quiet: bool, as_json: bool, options: dict[str, Any]) -> int:
    from wattmark.measure.command import CannotStart, environment_found, inherited, run_command

    keep, environ = inherited(), environment_found(os.environ)
    recording, config = _recording(command, options)
    warn_of_stage(options["stage"])
    with _folder_for_lines() as folder:
        log = Path(folder) / "log.jsonl"
        recording.start()
        try:
            ended = run_command(command, recording, environ, log, lambda s: _budget_line(s, quiet), keep)
        except CannotStart as error:
            recording.discard()
            click.echo(f"wattmark: {error}", err=True)
            return error.exit_code
        for source in options["quality_from"]:
            _read_quality(recording, source)
        if ended.stopped_by_budget:
            recording.note("ended by us: the energy budget was used up")
        run = recording.stop(
            exit_code=ended.exit_code, failed=ended.exit_code != 0, describe=_describe(options["dataset"])
        )
    with contextlib.suppress(BrokenPipeError):  # who read our summary went away; the exit code stays
        _tell(recording, run, config, quiet, as_json, options["ledger"])
        _write_metrics(recording, run, config, options["metrics"], options["plots"])
    return ended.exit_code


def _folder_for_lines() -> tempfile.TemporaryDirectory[str]:
    """Where the command may write lines; outside the run files, which may lie on a slow or shared disk."""
    try:
        return tempfile.TemporaryDirectory(prefix="wattmark-", ignore_cleanup_errors=True)
    except OSError as error:
        raise UsageError(
            f"no temporary folder can be made ({error.strerror}): free some space, or set TMPDIR to one"
        ) from None


def _recording(command: tuple[str, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    from dataclasses import replace

    from wattmark.live import here, settings_from
    from wattmark.wiring import load_config
    from wattmark.wiring.recordings import new_recording

    config = load_config(here(), os.environ)
    measure = config.measure
    if options["meters"]:
        measure = measure._replace(meters=options["meters"])
    if options["period"] is not None:
        measure = measure._replace(period_seconds=options["period"])
    config = replace(config, measure=measure)
    settings = settings_from(
        config,
        os.environ,
        name=options["name"] or Path(command[0]).name,
        out=options["out"],
        tags=tags_from(options),
        labels=pairs(options["labels"], "--label"),
        solution=options["solution"],
        outcome=options["outcome"],
        work={unit: _number(n, "--work") for unit, n in pairs(options["work"], "--work").items()},
        budget=options["budget"],
        on_breach=options["on_breach"],
        place=Place(
            pue=options["pue"],
            pue_kind="declared" if options["pue"] is not None else None,
            country=options["country"],
        ),
        ledger=options["ledger"],
        exports=options["exports"],
    )
    if settings.out is None and settings.ledger is None:
        settings = settings._replace(out=Path("wattmark-runs"))
    return new_recording(settings, config, with_self=False), config


def _tell(recording: Any, run: Run, config: Any, quiet: bool, as_json: bool, ledger: str | None) -> None:
    if recording.problem is not None:
        click.echo(f"wattmark: {recording.problem}", err=True)
    for problem in recording.untold:
        click.echo(f"wattmark: not shown elsewhere in the end: {problem}", err=True)
    delivery = recording.delivery
    if delivery is not None:
        with contextlib.suppress(KeyboardInterrupt):  # waits no longer; the command's exit code stays
            delivery.finish(DELIVERY_SECONDS)
        if delivery.problem is not None:
            _tell_waiting(delivery, recording.path)
    elif recording.path is None:
        click.echo("wattmark: no run file was written: --out names a folder that can be written to", err=True)
    if quiet:
        return
    from wattmark.reports.as_json import answer_json, document
    from wattmark.reports.as_text import run_summary
    from wattmark.wiring import Stated, facts_for

    facts = facts_for([run], config, Stated())
    if as_json:
        body = {
            "file": str(recording.path) if recording.path else None,
            "ledger": delivery.url if delivery is not None and delivery.problem is None else None,
            "record_id": run.record_id,
            "exit_code": run.exit_code,
            "duration_seconds": run.duration_seconds,
            "energy": answer_json(facts.energy),
            "energy_by_stage": {k: answer_json(v) for k, v in facts.energy_by_stage.items()},
            "energy_by_component": {k: answer_json(v) for k, v in facts.energy_by_component.items()},
            "not_seen": [{"what": n.what, "reason": n.reason} for n in run.not_seen],
            "notes": list(run.notes),
        }
        click.echo(document("measure", 1, body), err=True)
        return
    click.echo(run_summary(run, facts, brief=True), err=True)
    if recording.path is not None:
        click.echo(f"run file         {recording.path}  (`wattmark show` on it says more)", err=True)
    if delivery is not None and delivery.problem is None:
        named = f" --ledger {ledger}" if ledger else ""
        click.echo(
            f"ledger           {delivery.url}  (`wattmark ledger show {run.record_id[:8]}{named}` says more)",
            err=True,
        )
        if "://" not in delivery.url and not (Path(delivery.url) / "ledger.toml").exists():
            click.echo(
                "                 without a ledger.toml: is it the one that is meant? "
                f"`wattmark ledger init {ledger or delivery.url}` writes one",
                err=True,
            )


def _tell_waiting(delivery: Any, path: Path | None) -> None:
    if delivery.kept:
        what = f"the run waits in {delivery.outbox}; the next measurement or `wattmark ledger fold` brings it"
    elif path is not None:
        what = f"bring it with `wattmark ledger add {path}`"
    else:
        what = "it could be kept nowhere: name a folder that can be written to with WATTMARK_HOME or --out"
    click.echo(
        f"wattmark: not in the ledger {delivery.url} yet: {delivery.problem}\nwattmark: {what}", err=True
    )


def _write_metrics(recording: Any, run: Run, config: Any, metrics: str | None, plots: str | None) -> None:
    """Write what was asked for; the run is over and counts, so what cannot be written is only said."""
    if metrics is None and plots is None:
        return
    from wattmark.wiring.metrics_file import write_metrics, write_power

    folder = recording.path.parent if recording.path is not None else None
    for target, write in (
        (metrics, partial(write_metrics, run=run, config=config, folder=folder)),
        (plots, partial(write_power, run=run)),
    ):
        try:
            if target is not None:
                write(Path(target))
        except (OSError, WattmarkError) as error:
            click.echo(f"wattmark: {target} could not be written: {error}", err=True)


def _budget_line(state: Any, quiet: bool) -> None:
    if quiet:
        return
    from wattmark.reports.as_text import quantity

    spent, allowed = quantity(state.spent_joules, "J"), quantity(state.budget.joules, "J")
    if state.breached:
        what = "ending the command" if state.budget.on_breach == "stop" else "going on"
        click.echo(f"wattmark: the budget of {allowed} is used up ({spent}); {what}", err=True)
    elif state.projected_joules is not None:
        end = quantity(state.projected_joules, "J")
        click.echo(f"wattmark: at this rate {end} will be used, the budget is {allowed}", err=True)


def _read_quality(recording: Any, source: str) -> None:
    """Read FILE:KEY; what cannot be read becomes a note, for the run itself is over and counts."""
    file, _, path = source.rpartition(":")
    try:
        value: Any = json.loads(Path(file).read_text(encoding="utf-8"))
        for key in path.split("."):
            value = value[key]
        recording.log(quality={path.rpartition(".")[2]: value})
    except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError, UsageError) as error:
        recording.note(f"no quality from {Path(file).name}:{path}: {_why(error, Path(file).name)}")
        click.echo(f"wattmark: no quality from {source}: {_why(error, file)}", err=True)


def _why(error: Exception, file: str) -> str:
    match error:
        case OSError():
            return f"{file} cannot be read: {error.strerror}"
        case json.JSONDecodeError():
            return f"{file} is not JSON: {error}"
        case KeyError():
            return f"there is no key {error}"
        case _:
            return str(error)


def _describe(source: str | None) -> Any:
    if source is None:
        return None
    from wattmark.datasets.describe import dataset

    return lambda: dataset(source)


def _number(text: str, option: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a number") from None
    if not 0 <= number < float("inf"):
        raise UsageError(f"{option}: {text} is not an amount of work")
    return number
