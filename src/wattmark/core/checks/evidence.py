"""Mistakes in the evidence: what was not seen, seen too briefly, or seen for somebody else."""

from __future__ import annotations

from collections.abc import Iterator

from wattmark.core.checks.finding import Case, Check, Seen, Severity, whole_rows
from wattmark.core.known import Grade, Method, Scope
from wattmark.core.run import EnergyRow, Status

ACCELERATORS = ("gpu", "module", "tpu", "npu")
GPU_METERS = ("nvml", "amdsmi")
ENOUGH_COVERAGE = 0.95
"""Coverage that a gate requires unless the policy says otherwise."""
SHORT_SAMPLED_SECONDS = 60.0
SHORT_COUNTED_SECONDS = 5.0
"""Shortest windows of a valid result: 60 s of sampled power, 5 s of a counter."""
GPU_COUNTER_SECONDS = 10.0
"""100 refreshes, as a valid window holds, of a GPU's counter that moves every 100 ms (ML.ENERGY, 2026)."""
OTHERS = 0.10
"""Share of busy time of other processes above which whole devices are no longer this workload's."""


def accelerator_not_measured(case: Case) -> Iterator[Seen]:
    """An accelerator is in the hardware list and not in the energies."""
    for n in case.runs:
        measured = {row.component for row in n.run.energies}
        if "node" in measured:
            continue
        if "module" in measured:
            measured.add("gpu")
        reasons = [f"{m.meter}: {m.reason}" for m in n.run.meters if not m.chosen and m.meter in GPU_METERS]
        for hardware in n.run.place.hardware:
            if hardware.component in ACCELERATORS and hardware.component not in measured:
                yield Seen(
                    text=f"{hardware.count:g} x {hardware.name} provisioned, no energy of it"
                    + (f" ({'; '.join(reasons)})" if reasons else ""),
                    runs=(n.name,),
                )


def low_coverage(case: Case) -> Iterator[Seen]:
    """Part of the time was not observed."""
    for n in case.runs:
        seconds: dict[str, tuple[float, float]] = {}
        for row in whole_rows(n.run):
            seen, of = seconds.get(row.device_id, (0.0, 0.0))
            seconds[row.device_id] = (seen + row.observed_seconds, of + row.duration_seconds)
        low = {d: seen / of for d, (seen, of) in seconds.items() if of > 0 and seen / of < ENOUGH_COVERAGE}
        if low:
            told = ", ".join(f"{device} {share:.0%}" for device, share in sorted(low.items()))
            yield Seen(text=f"observed: {told}; a gate asks for {ENOUGH_COVERAGE:.0%}", runs=(n.name,))


def window_too_short(case: Case) -> Iterator[Seen]:
    """The run is shorter than its sensor can resolve."""
    for n in case.runs:
        rows = list(whole_rows(n.run))
        needed = max((_least_seconds(row) for row in rows), default=0.0)
        if rows and n.run.duration_seconds < needed:
            yield Seen(
                text=f"lasted {n.run.duration_seconds:.3g} s; its meters need {needed:.3g} s", runs=(n.name,)
            )


def shared_host(case: Case) -> Iterator[Seen]:
    """Whole devices are charged to a workload that was not alone on them."""
    if case.given.scope is Scope.SHARE:
        return
    for n in case.runs:
        others = n.run.place.others_share
        if others is not None and others > OTHERS and any(True for _ in whole_rows(n.run)):
            yield Seen(
                text=f"other processes used {others:.0%} of the busy time, and whole devices are counted",
                runs=(n.name,),
            )


def not_finished(case: Case) -> Iterator[Seen]:
    """A run that is open or was cut off."""
    for n in case.runs:
        if n.run.status is not Status.CLOSED:
            yield Seen(text=f"the run is {n.run.status}", runs=(n.name,))


def estimate_against_limit(case: Case) -> Iterator[Seen]:
    """Modelled energy is to be held against an absolute limit."""
    if not case.absolute_limits:
        return
    for n in case.runs:
        weak = sum(r.energy_joules for r in whole_rows(n.run) if not r.grade.at_least(Grade.C))
        total = sum(r.energy_joules for r in whole_rows(n.run))
        if total > 0 and weak / total >= 0.05:
            yield Seen(
                text=f"{weak / total:.0%} of the energy is modelled or declared, and the policy limits "
                f"{', '.join(case.absolute_limits)} absolutely",
                runs=(n.name,),
            )


def _least_seconds(row: EnergyRow) -> float:
    if row.method is Method.INTEGRATED_POWER:
        return SHORT_SAMPLED_SECONDS
    if row.method is Method.HARDWARE_COUNTER:
        return GPU_COUNTER_SECONDS if row.component == "gpu" else SHORT_COUNTED_SECONDS
    return 0.0


CHECKS = (
    Check(
        code="WM201",
        title="An accelerator was not measured",
        severity=Severity.ERROR,
        fix="`wattmark doctor` says why it could not be read; install or expose its driver library",
        of=accelerator_not_measured,
    ),
    Check(
        code="WM202",
        title="Low coverage",
        severity=Severity.WARNING,
        fix="see the gaps and their reasons in `wattmark show RUN`; mend the reader or measure again",
        of=low_coverage,
    ),
    Check(
        code="WM203",
        title="Window too short for the sensor",
        severity=Severity.WARNING,
        fix="repeat the work inside one window until it lasts long enough",
        of=window_too_short,
    ),
    Check(
        code="WM204",
        title="Whole devices charged on a shared host",
        severity=Severity.WARNING,
        fix="measure on an exclusive host, or count the processes' share (--share)",
        of=shared_host,
    ),
    Check(
        code="WM208",
        title="An estimate against an absolute limit",
        severity=Severity.ERROR,
        fix="measure at grade C or better, calibrate, or write the rule against a baseline",
        of=estimate_against_limit,
    ),
    Check(
        code="WM212",
        title="Run not finished",
        severity=Severity.WARNING,
        fix="wait for its end; an interrupted run counts as an attempt, not as a result",
        of=not_finished,
    ),
)
