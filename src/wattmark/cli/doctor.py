"""``wattmark doctor``."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from wattmark.cli.options import config_here, json_option

if TYPE_CHECKING:
    from wattmark.wiring.meters import Survey

READS = 50


@dataclass(frozen=True, slots=True)
class Cost:
    """What measuring costs here, measured just now."""

    cpu_seconds_per_read: float
    cpu_seconds_to_detect: float
    period_seconds: float

    @property
    def share_of_core(self) -> float:
        """Share of one core when read once per period."""
        return self.cpu_seconds_per_read / self.period_seconds


@click.command()
@json_option
def command(as_json: bool) -> int:
    """Say what can be measured on this machine, by which method, how well, and what would help.

    Exit code: 0 when something can be measured, 3 when nothing can.
    """
    from wattmark.wiring import survey

    config = config_here()
    before = time.process_time()
    found = survey(config)
    detect = time.process_time() - before
    cost = _cost(found, detect, config.measure.period_seconds)
    calibration = _calibration(found)
    click.echo(
        _json(found, cost, calibration, config.measure.period_seconds)
        if as_json
        else _text(found, cost, calibration, config.measure.period_seconds)
    )
    return 0 if found.meters.devices else 3


def _cost(found: Survey, detect: float, period: float) -> Cost:
    """Read everything fifty times and take the mean: processor time, not waiting."""
    found.meters.read()
    before = time.process_time()
    for _ in range(READS):
        found.meters.read()
    return Cost((time.process_time() - before) / READS, detect, period)


def _calibration(found: Survey) -> str:
    """What is kept for this machine, in one sentence."""
    from wattmark.measure.calibrations import stored
    from wattmark.measure.home import calibrations_folder

    kept = stored(calibrations_folder(os.environ), found.host, datetime.now(UTC))
    if kept.calibration is None:
        return f"none in use: {kept.reason} (`wattmark calibrate` fits the readings to a wall meter)"
    return f"{kept.calibration.id}" + (f"; {kept.warning}" if kept.warning else "")


def _json(found: Survey, cost: Cost, calibration: str, period: float) -> str:
    from wattmark.core.honesty import honest_window
    from wattmark.reports.as_json import document

    return document(
        "doctor",
        1,
        {
            "host": {"id": found.host.id, "fingerprint": found.host.fingerprint},
            "environment": dict(found.environment),
            "devices": [
                {
                    "device_id": d.id,
                    "name": d.name,
                    "component": d.component,
                    "part_of": d.part_of,
                    "meter": d.source,
                    "method": d.method,
                    "boundary": d.boundary,
                    "grade": d.grade,
                    "relative_error_95": d.relative_error,
                    "honest_window_seconds": honest_window(d, period),
                    "update_seconds": d.update_seconds,
                    "sensor_duty": d.sensor_duty,
                    "note": d.note,
                }
                for d in found.meters.devices
            ],
            "meters": [
                {"meter": c.meter, "chosen": c.chosen, "reason": c.reason} for c in found.meters.choices
            ],
            "not_seen": [{"what": n.what, "reason": n.reason} for n in found.meters.not_seen],
            "cost": {
                "cpu_seconds_per_read": cost.cpu_seconds_per_read,
                "cpu_seconds_to_detect": cost.cpu_seconds_to_detect,
                "share_of_one_core": cost.share_of_core,
            },
            "calibration": calibration,
        },
    )


def _text(found: Survey, cost: Cost, calibration: str, period: float) -> str:
    from wattmark.core.honesty import honest_window
    from wattmark.reports.as_text import duration, percent, table

    lines = []
    if not found.meters.devices:
        lines.append("Nothing can be measured on this machine; the reasons are below.")
    else:
        lines.append(_headline(found))
        lines.append("")
        lines.append(
            table(
                ("component", "meter", "method", "boundary", "grade", "expected error", "shortest window"),
                [
                    (
                        d.component + (f" ({d.name})" if d.name else ""),
                        d.source,
                        d.method.value.replace("_", " "),
                        d.boundary.value,
                        d.grade.value,
                        f"± {percent(d.relative_error)}",
                        duration(honest_window(d, period)),
                    )
                    for d in found.meters.devices
                ],
            )
        )
    lines += ["", "Meters tried, in order"]
    lines += [
        f"  {'used    ' if c.chosen else 'not used'}  {c.meter:<10} {c.reason}" for c in found.meters.choices
    ]
    lines += ["", "Not seen"]
    lines += [f"  {n.what}: {n.reason}" for n in found.meters.not_seen]
    lines += [
        "",
        "What measuring costs here",
        f"  one read of everything   {cost.cpu_seconds_per_read * 1e3:.3f} ms of processor time "
        f"({cost.share_of_core:.4%} of one core at every {period:g} s)",
        f"  finding the meters       {cost.cpu_seconds_to_detect * 1e3:.1f} ms, once per process",
        "",
        f"calibration: {calibration}",
    ]
    return "\n".join(lines)


def _headline(found: Survey) -> str:
    best = min(d.grade.value for d in found.meters.devices)
    if best == "D":
        return (
            "No sensor can be read here: energy is MODELLED from processor time and tables "
            "(grade D, ± 50 %).\n"
            "Good for comparing runs on this machine; not for absolute limits: they need grade C."
        )
    return f"This machine has sensors; the best is of grade {best}."
