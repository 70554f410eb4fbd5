"""The figures of a run as it stands, each with its labels: what every live exporter shows.

Names are in base units, as Prometheus and OpenTelemetry want them. A device that was not read adds
nothing to its energy: the time shows up in ``wattmark_unobserved_seconds_total``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattmark.core.known import Scope
from wattmark.core.run import EnergyRow, Run
from wattmark.core.totals import stage_at
from wattmark.core.tracked import powers_now

ENERGY = "wattmark_energy_joules"
ATTRIBUTED = "wattmark_attributed_energy_joules"
POWER = "wattmark_power_watts"
UNOBSERVED = "wattmark_unobserved_seconds"
WORK = "wattmark_work"
FAILED_WORK = "wattmark_failed_work"
DURATION = "wattmark_run_duration_seconds"

TAGS = ("organisation", "team", "project", "model", "model_version", "task", "environment", "zone")
"""Tags that become labels of every series, where they are stated."""


@dataclass(frozen=True, slots=True)
class Family:
    """One name: whether it only ever rises, its unit, and what it says."""

    counter: bool
    unit: str
    what: str


FAMILIES: Mapping[str, Family] = {
    ENERGY: Family(
        True, "J", "Observed energy of a device since the run began; devices inside one another overlap."
    ),
    # The shares of a piece that still grows are divided anew at each look: they may fall.
    ATTRIBUTED: Family(
        False, "J", "Observed energy of a device by party: own, others, idle; they make up its whole."
    ),
    POWER: Family(False, "W", "Mean power of a device over its last second or a little more."),
    UNOBSERVED: Family(True, "s", "Time for which a device was not read; its energy then is not known."),
    WORK: Family(True, "1", "Units of work that were counted; what was declared is in the run file."),
    FAILED_WORK: Family(True, "1", "Units of work that failed; their energy counts all the same."),
    DURATION: Family(False, "s", "Time since the run began."),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One figure."""

    name: str
    labels: Mapping[str, str]
    value: float


def figures_of(run: Run) -> list[Point]:
    """Everything that is shown of a run, in a fixed order."""
    common = labels_of(run)
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def add(name: str, value: float, **labels: str) -> None:
        key = name, tuple(labels.items())
        found[key] = found.get(key, 0.0) + value

    for row in run.energies:
        known = {**_device(row), "stage": stage_at(run, row.t0_seconds, row.duration_seconds)}
        if row.scope is Scope.SHARE:
            rule = row.attribution_rule or ""
            add(ATTRIBUTED, row.energy_joules, **known, party=row.party or "", attribution_rule=rule)
            continue
        add(ENERGY, row.energy_joules, **known)
        add(UNOBSERVED, max(0.0, row.duration_seconds - row.observed_seconds), device=row.device_id)
    for device, watts in powers_now(run).items():
        add(POWER, watts, device=device)
    for work in (work for work in run.work if not work.declared):
        add(WORK, work.count, unit=work.unit)
        add(FAILED_WORK, work.failed, unit=work.unit)
    add(DURATION, run.duration_seconds)
    return [Point(name, {**common, **dict(labels)}, value) for (name, labels), value in found.items()]


def labels_of(run: Run) -> dict[str, str]:
    """Labels that every figure of a run carries: which run and host, and the tags that are stated."""
    subject = run.subject
    stated = {tag: getattr(subject, tag) for tag in TAGS}
    return {
        "run": run.record_id[:8],
        "host": run.host.id,
        **{tag: value for tag, value in stated.items() if value},
    }


def _device(row: EnergyRow) -> dict[str, str]:
    return {
        "device": row.device_id,
        "component": row.component,
        "part_of": row.part_of or "",
        "boundary": row.boundary.value,
        "method": row.method.value,
        "grade": row.grade.value,
        "source": row.source.name,
    }
