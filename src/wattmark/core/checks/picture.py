"""Mistakes of the picture as a whole: a stage, a cost or a component that nobody looked at."""

from __future__ import annotations

from collections.abc import Iterator

from wattmark.core.checks.finding import Case, Check, Seen, Severity, names, stages, whole_rows
from wattmark.core.run import Run

TRAINING = {"training", "fine_tuning"}
USE = {"inference", "evaluation"}
LOW_UTILISATION = 0.65
"""Below the utilisation that the default policy aims at, idle energy is worth a look."""
FLOP_UNITS = {"flop", "flops"}


def training_only(case: Case) -> Iterator[Seen]:
    """Training is there, and neither inference nor evaluation."""
    found = stages(n.run for n in case.runs)
    if found & TRAINING and not found & USE:
        told = ", ".join(sorted(found))
        yield Seen(text=f"stages measured: {told}; no inference, no evaluation", runs=names(case.runs))


def kwh_without_carbon(case: Case) -> Iterator[Seen]:
    """There is energy and no grid intensity to make carbon of it."""
    with_energy = [n for n in case.runs if n.run.energies]
    if with_energy and case.given.intensity is None:
        joules = sum(row.energy_joules for n in with_energy for row in whole_rows(n.run))
        yield Seen(
            text=f"{joules / 3.6e6:.3g} kWh and no grid intensity: its carbon cannot be told",
            runs=names(with_energy),
        )


def flop_alone(case: Case) -> Iterator[Seen]:
    """The only work that was logged is arithmetic."""
    for n in case.runs:
        units = {w.unit for w in n.run.work}
        if units and units <= FLOP_UNITS:
            also = "" if n.run.quality else ", no quality"
            yield Seen(text=f"work logged: {', '.join(sorted(units))} alone{also}", runs=(n.name,))


def idle_ignored(case: Case) -> Iterator[Seen]:
    """A service without its idle time: only its share counts, or the hardware mostly waits."""
    for n in case.runs:
        if "inference" not in stages([n.run]):
            continue
        if _share_without_idle(n.run):
            yield Seen(text="only the processes' own share was kept, no idle share", runs=(n.name,))
        for use in n.run.place.utilisation:
            if use.mean < LOW_UTILISATION:
                yield Seen(
                    text=f"{use.component} in use {use.mean:.0%} of the time ({use.signal}): "
                    f"{1 - use.mean:.0%} of it is idle and belongs to the service",
                    runs=(n.name,),
                    severity=Severity.NOTE,
                )


def gpu_only_total(case: Case) -> Iterator[Seen]:
    """The energy of a run is that of its GPUs and of nothing else."""
    for n in case.runs:
        components = {row.component for row in whole_rows(n.run)}
        if components and components <= {"gpu"}:
            yield Seen(text="GPU energy only: processor, memory and node are left out", runs=(n.name,))


def no_work(case: Case) -> Iterator[Seen]:
    """Energy without what was done with it."""
    for n in case.runs:
        if n.run.energies and not n.run.work:
            yield Seen(text="no work was logged: nothing can be said per unit", runs=(n.name,))


def no_quality(case: Case) -> Iterator[Seen]:
    """A training or evaluation without a quality."""
    for n in case.runs:
        here = stages([n.run]) & (TRAINING | {"evaluation"})
        if here and not n.run.quality:
            yield Seen(text=f"{', '.join(sorted(here))} without a quality", runs=(n.name,))


def _share_without_idle(run: Run) -> bool:
    parties = {row.party for row in run.energies}
    whole = any(True for _ in whole_rows(run))
    return "own" in parties and "idle" not in parties and not whole


CHECKS = (
    Check(
        code="WM101",
        title="Only training is measured",
        severity=Severity.WARNING,
        fix="measure inference too (--stage inference), or at least the evaluation",
        of=training_only,
    ),
    Check(
        code="WM104",
        title="Energy without carbon",
        severity=Severity.WARNING,
        fix="say where it ran: country in wattmark.toml, --country FRA, or --intensity 56",
        of=kwh_without_carbon,
    ),
    Check(
        code="WM105",
        title="FLOPs per Watt alone",
        severity=Severity.WARNING,
        fix="log what the user gets as well: run.log(work={'inferences': n}, quality={'accuracy': q})",
        of=flop_alone,
    ),
    Check(
        code="WM106",
        title="Idle energy ignored",
        severity=Severity.WARNING,
        fix="measure the service as a whole, idle replicas and quiet hours included (no --share)",
        of=idle_ignored,
    ),
    Check(
        code="WM108",
        title="GPU energy taken for the total",
        severity=Severity.WARNING,
        fix="let processor and memory be read too (`wattmark doctor`), and cover the rest of the node",
        of=gpu_only_total,
    ),
    Check(
        code="WM109",
        title="No work logged",
        severity=Severity.WARNING,
        fix="say what was done: run.log(work={'inferences': n}) or --work inferences=n",
        of=no_work,
    ),
    Check(
        code="WM110",
        title="No quality logged",
        severity=Severity.NOTE,
        fix="log it: run.log(quality={'accuracy': q}) or --quality-from metrics.json:accuracy",
        of=no_quality,
    ),
)
