"""``wattmark calibrate``: fit this machine's readings to a wall meter."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from wattmark.cli.options import config_here
from wattmark.config import Config
from wattmark.core.calibrated import inputs_of, without_calibration
from wattmark.core.calibration import Calibration, Fit, Line, Point, fit_points, fit_series
from wattmark.core.calibration_drift import checked, departures
from wattmark.core.errors import RefusedError, UsageError
from wattmark.core.known import Method
from wattmark.core.power_series import power_between
from wattmark.core.run import Host, Run
from wattmark.core.wall_series import align
from wattmark.measure import calibrations
from wattmark.measure.home import calibrations_folder
from wattmark.measure.load import busy
from wattmark.reports.as_json import document
from wattmark.reports.as_text import percent, quantity, table


@dataclass(frozen=True, slots=True)
class Wanted:
    """A point to measure: its name, its wall power where it is known already, and its load."""

    name: str
    wall_watts: float | None
    processes: int


@click.group(invoke_without_command=True)
@click.option(
    "--point",
    "points",
    multiple=True,
    metavar="NAME[=WATTS]",
    help="A steady state and what the meter shows in it; asked for when left out. `load` keeps all "
    "processors busy, `load:4` four of them.",
)
@click.option("--duration", type=float, default=30.0, show_default=True, help="Seconds measured per point.")
@click.option(
    "--settle", type=float, default=10.0, show_default=True, help="Seconds waited before each point."
)
@click.option("--no-load", is_flag=True, help="Start no load of our own for points called load.")
@click.option("--resolution", type=float, default=0.0, help="The meter's smallest step in W.")
@click.option("--meter-error", type=float, default=2.0, show_default=True, help="The meter's own error in %.")
@click.option("--wall", type=click.Path(path_type=Path), help="A recording of the meter: CSV.")
@click.option("--run", "run_file", type=click.Path(path_type=Path), help="The run that was recorded.")
@click.option("--time-column", help="Column of times in --wall.")
@click.option("--power-column", help="Column of power in --wall.")
@click.option("--unit", help="Unit of that column: W, kW or mW.")
@click.option("--max-lag", type=float, default=120.0, show_default=True, help="Most seconds between clocks.")
@click.option("--check", is_flag=True, help="Keep the calibration and say whether it still holds.")
@click.option("--dry-run", is_flag=True, help="Keep nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not wait for a key before each point.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int | None:
    """Fit this machine's readings to a wall meter.

    Either steady points (`--point idle=45 --point load:2=82 --point load=120`; three or more, so that the
    fit can be tested) or a recording (`--wall meter.csv --run RUN`). From then on runs on this machine
    carry a calibrated row for the whole node beside their readings.
    """
    if context.invoked_subcommand is not None:
        return None
    if bool(options["points"]) == bool(options["wall"]):
        raise UsageError(
            "give steady points (--point idle=45 --point load=120) or a recording (--wall CSV --run RUN)"
        )
    if not options["dry_run"]:
        calibrations.usable(calibrations_folder(os.environ))  # before minutes of measuring, not after
    config = config_here()
    config = replace(config, measure=config.measure._replace(calibration=False))
    host, inputs, fit = _from_wall(options) if options["wall"] else _from_points(options, config)
    if options["check"]:
        return _check(host, fit, options)
    made = Calibration(
        id=f"cal-{uuid.uuid4().hex[:8]}",
        host_id=host.id,
        host_fingerprint=host.fingerprint,
        created_at=calibrations.stamp(datetime.now(UTC)),
        inputs=inputs,
        fit=fit,
        meter_error=options["meter_error"] / 100,
    )
    path = None if options["dry_run"] else calibrations.save(calibrations_folder(os.environ), made)
    click.echo(_as_json(made, path) if options["as_json"] else _as_text(made, path))
    return None


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def show(as_json: bool) -> int:
    """Show this machine's calibration. Exit code 1 when there is none that may be used."""
    kept = calibrations.stored(calibrations_folder(os.environ), _this_host(), datetime.now(UTC))
    if kept.calibration is None:
        click.echo(f"no calibration: {kept.reason}", err=True)
        return 1
    if kept.warning:
        click.echo(f"wattmark: {kept.warning}", err=True)
    click.echo(_as_json(kept.calibration, None) if as_json else _as_text(kept.calibration, None))
    return 0


@command.command()
def remove() -> int:
    """Forget this machine's calibration. Exit code 1 when there was none."""
    if calibrations.remove(calibrations_folder(os.environ), _this_host()):
        click.echo("removed; run files that used it keep their calibrated rows and the raw readings")
        return 0
    click.echo("there was none", err=True)
    return 1


def _this_host() -> Host:
    from wattmark.wiring.meters import survey

    return survey(config_here()).host


def _from_points(options: Mapping[str, Any], config: Config) -> tuple[Host, Mapping[str, Method], Fit]:
    if options["duration"] <= 0:
        raise UsageError("--duration must be more than 0 seconds")
    wanted = [_wanted(text, own_load=not options["no_load"]) for text in options["points"]]
    if len(wanted) == 1 and not options["check"]:
        raise UsageError("one point cannot tell gain from offset: give at least idle and load")
    host, inputs, points = measure_points(
        wanted, lambda point: _measured(point, options, config), options["resolution"]
    )
    return host, inputs, _fit(points, check=options["check"])


def measure_points(
    wanted: Sequence[Wanted], measure: Callable[[Wanted], Run], resolution_watts: float
) -> tuple[Host, Mapping[str, Method], list[Point]]:
    """Measure each steady state and pair it with the wall. Raises RefusedError when devices change."""
    points: list[Point] = []
    host: Host | None = None
    inputs: dict[str, Method] = {}
    for point in wanted:
        run = measure(point)
        found = inputs_of(run)
        if inputs and found != inputs:
            raise RefusedError(
                f"other devices were read at {point.name} ({', '.join(sorted(found))}) than before "
                f"({', '.join(sorted(inputs))}): calibrate again"
            )
        host, inputs = run.host, found
        points.append(
            Point(
                name=point.name,
                readings_watts=_power_of(run, inputs),
                wall_watts=_wall_watts(point),
                resolution_watts=resolution_watts,
            )
        )
    if host is None:
        raise UsageError("give at least one --point")
    return host, inputs, points


def _fit(points: list[Point], *, check: bool) -> Fit:
    """The fit; for a check the points alone matter, so that one is enough."""
    if not check:
        return fit_points(points)
    line = Line(gain=1.0, offset_watts=0.0, centre_watts=0.0, gain_error=0.0, level_error_watts=0.0)
    return Fit(line=line, points=tuple(points), kind="points", raw_error=0.0, fit_error=0.0)


def _wanted(text: str, *, own_load: bool) -> Wanted:
    name, _, watts = text.partition("=")
    name = name.strip()
    word, _, count = name.partition(":")
    try:
        wall = float(watts) if watts else None
        processes = int(count) if count else (os.cpu_count() or 1)
    except ValueError:
        raise UsageError(f"--point {text!r} is not NAME=WATTS, e.g. idle=45 or load:4=90") from None
    if not name or (wall is not None and wall <= 0):
        raise UsageError(f"--point {text!r} needs a name and a power above 0 W")
    if wall is None and not sys.stdin.isatty():
        raise UsageError(f"--point {name} needs its watts here, where nobody can be asked: {name}=WATTS")
    return Wanted(name, wall, processes if word == "load" and own_load else 0)


def _measured(point: Wanted, options: Mapping[str, Any], config: Config) -> Run:
    """Our readings in one steady state."""
    from wattmark.live import Track
    from wattmark.measure.settings import Settings

    if not options["yes"] and sys.stdin.isatty():
        click.pause(f"{point.name}: bring the machine to this state and press a key", err=True)
    with busy(point.processes) if point.processes else nullcontext():
        click.echo(f"{point.name}: settling {options['settle']:g} s", err=True)
        time.sleep(options["settle"])
        click.echo(f"{point.name}: measuring {options['duration']:g} s", err=True)
        with Track(Settings(name=point.name, period_seconds=config.measure.period_seconds), config) as track:
            time.sleep(options["duration"])
        return track.run


def _power_of(run: Run, inputs: Mapping[str, Method]) -> float:
    """Mean watts of the inputs over what was observed of each."""
    watts = 0.0
    for device in inputs:
        rows = [r for r in run.energies if r.device_id == device and r.scope == "whole"]
        seconds = sum(r.observed_seconds for r in rows)
        if seconds < 0.9 * run.duration_seconds:
            reasons = "; ".join(g.reason for r in rows for g in r.gaps) or "no reading"
            raise RefusedError(f"{device} was not observed throughout ({reasons}): measure longer or again")
        watts += sum(r.energy_joules for r in rows) / seconds
    if not inputs:
        raise RefusedError("no device could be read here: `wattmark doctor` says why")
    return watts


def _wall_watts(point: Wanted) -> float:
    if point.wall_watts is not None:
        return point.wall_watts
    told: float = click.prompt(
        f"{point.name}: what did the meter show on average, in W?", type=float, err=True
    )
    return told


def _from_wall(options: Mapping[str, Any]) -> tuple[Host, Mapping[str, Method], Fit]:
    from wattmark.ledger.runfile import read_run
    from wattmark.measure.wall_csv import read_wall_csv

    if options["run_file"] is None:
        raise UsageError("--wall needs --run, the run file of the time that the meter recorded")
    run = without_calibration(read_run(options["run_file"]))
    recording = read_wall_csv(
        options["wall"],
        run.started_at,
        time_column=options["time_column"],
        power_column=options["power_column"],
        unit=options["unit"],
    )
    inputs = inputs_of(run)
    found = align(
        recording.samples,
        lambda t0, t1: power_between(run, t0, t1, list(inputs)),
        run.duration_seconds,
        max_lag_seconds=options["max_lag"],
        resolution_watts=options["resolution"] or None,
    )
    fit = fit_series(found.points, lag_seconds=found.lag_seconds, correlation=found.correlation)
    skipped = (
        (f"{recording.skipped} lines of the recording had no usable value",) if recording.skipped else ()
    )
    return run.host, inputs, replace(fit, notes=(*recording.notes, *skipped, *fit.notes))


def _check(host: Host, fit: Fit, options: Mapping[str, Any]) -> int:
    """Hold new points against the calibration that is kept: 0 it holds, 1 it has drifted."""
    directory = calibrations_folder(os.environ)
    now = datetime.now(UTC)
    kept = calibrations.stored(directory, host, now)
    if kept.calibration is None:
        raise RefusedError(f"there is nothing to check: {kept.reason}")
    after = checked(kept.calibration, fit.points, calibrations.stamp(now))
    if not options["dry_run"]:
        calibrations.save(directory, after)
    outside = [str(d) for d in departures(kept.calibration, fit.points)]
    if options["as_json"]:
        body = {"id": after.id, "holds": after.drifted is None, "points": len(fit.points), "outside": outside}
        click.echo(document("calibration_check", 1, body))
    else:
        click.echo("\n".join(outside) or _as_foretold(len(fit.points)))
        click.echo(f"{after.id} " + ("has drifted: calibrate again" if after.drifted else "holds"))
    return 1 if after.drifted else 0


def _as_foretold(points: int) -> str:
    return "the point is as foretold" if points == 1 else f"all {points} points are as foretold"


def _as_json(made: Calibration, path: Path | None) -> str:
    body = calibrations.as_document(made)
    extra = {"lifts_grade": made.lifts_grade, "file": str(path) if path else None}
    kept = {k: v for k, v in body.items() if k not in ("schema", "schema_version")}
    return document("calibration", calibrations.SCHEMA_VERSION, {**kept, **extra})


def _as_text(made: Calibration, path: Path | None) -> str:
    fit, line = made.fit, made.fit.line
    held = fit.hold_out
    low, high = fit.readings_range_watts
    tested = f"{percent(held.mean_error)} off ({held.kind})" if held else "not known: too few points"
    lines = [
        ("calibration", f"{made.id}, {made.created_at}"),
        ("wall power", f"{line.gain:.4g} x readings {line.offset_watts:+.4g} W"),
        ("gain", f"{line.gain:.4g} +- {line.gain_error:.2g}"),
        ("level", f"+- {line.level_error_watts:.2g} W at {line.centre_watts:.4g} W read"),
        ("readings", f"{quantity(low, 'W')} to {quantity(high, 'W')}, {len(fit.points)} points"),
        ("of", ", ".join(f"{d} ({m.value})" for d, m in made.inputs.items())),
        ("before", f"{percent(fit.raw_error)} off on average"),
        ("after", f"{percent(fit.fit_error)} off on these points"),
        ("on unseen points", tested),
        ("grade", "lifted by one" if made.lifts_grade else "not lifted"),
    ]
    if fit.lag_seconds is not None:
        lines.append(("clocks", f"meter {fit.lag_seconds:+.2f} s, correlation {fit.correlation or 0:.3f}"))
    if made.drifted:
        lines.append(("drifted", made.drifted))
    remarks = [f"note: {n}" for n in fit.notes]
    kept = [f"kept in {path}"] if path else []
    return "\n".join((table((), lines), *remarks, *kept))
