"""Rules about energy: whether it is known, for long enough, without holes, and by a meter."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from wattmark.core.bench.derived import Derived
from wattmark.core.bench.evidence import Phase
from wattmark.core.bench.lines import Line, stretch
from wattmark.core.bench.profile import promised
from wattmark.core.bench.reasons import because
from wattmark.core.bench.repeats import Repeat
from wattmark.core.bench.validity import Reason
from wattmark.core.figure import Figure
from wattmark.core.known import Grade, Method

SENSOR_SECONDS = 60.0
"""Least window of sampled power (MLPerf training, power_measurement.adoc: 60 samples at 1 Hz)."""
COUNTER_SECONDS = 5.0
"""Least window of a counter (ML.ENERGY, thermally stable profiling, 2026)."""
LEAST_SAMPLES = 60
LEAST_TICKS = 100
LEAST_COVERAGE = 0.99
MOST_SKEW_SECONDS = 0.2
"""Between meter and host (MLPerf Power's README; its checker allows 0.8)."""


def known(d: Derived) -> Iterator[Reason]:
    """Every repeat that came to its end has an energy above zero, one that failed some energy.

    A process that was killed as soon as a repeat had begun leaves one without length: no energy is missing.
    """
    lasted = [r for r in d.repeats if r.seconds > 0 or not r.failed]
    if not isinstance(d.spent.energy, Figure):
        yield because("no_energy", str(d.spent.energy))
    for repeat in lasted:
        energy = repeat.spent.energy
        if not isinstance(energy, Figure):
            yield because("no_energy", f"repeat {repeat.number + 1}: {energy}")
        elif energy.value <= 0.0 and not repeat.failed:
            yield because("energy_not_positive", f"repeat {repeat.number + 1} used {energy.value:g} J")
    if len({r.spent.boundary for r in lasted}) > 1:
        found = ", ".join(sorted({r.spent.boundary or "none" for r in lasted}))
        yield because("no_energy", f"repeats have different boundaries ({found}), so that they have no mean")


def measured(d: Derived) -> Iterator[Reason]:
    """Grade A to C."""
    energy = d.spent.energy
    if d.evidence.simulated:
        return  # `simulated` says more
    if isinstance(energy, Figure) and energy.grade is not None and not energy.grade.at_least(Grade.C):
        how = "modelled" if energy.grade is Grade.D else "declared"
        yield because(
            "estimated", f"the energy is of grade {energy.grade.value} ({how}); A to C is asked for"
        )


def all_read(d: Derived) -> Iterator[Reason]:
    """No device stands in the evidence that was never read while it counted."""
    silent = [*d.spent.unread]
    for line in d.devices:
        phases = [p for r in d.repeats for p in r.phases]
        if not any(stretch(line, p.start_us, p.end_us).observed_seconds > 0 for p in phases):
            silent.append(line.device.id)
    for device in dict.fromkeys(silent):
        yield because("device_unread", f"{device} was never read during a rated phase")


def long_enough(d: Derived) -> Iterator[Reason]:
    """Window, samples and ticks of every repeat that came to its end."""
    profile = d.evidence.profile
    asked = max(profile.window_seconds, promised(profile).window_seconds)
    for repeat in d.ended:
        least = max(asked, *(_least_seconds(line) for line in d.devices), 0.0)
        if repeat.seconds < least * (1 - 1e-9):
            yield because(
                "window_too_short", f"repeat {repeat.number + 1} took {repeat.seconds:.3g} s of {least:g} s"
            )
        for line in d.devices:
            yield from _often_enough(line, repeat)


def _least_seconds(line: Line) -> float:
    if line.device.method is Method.MODELLED:
        return 0.0
    return COUNTER_SECONDS if line.device.reads == "counter" else SENSOR_SECONDS


def _often_enough(line: Line, repeat: Repeat) -> Iterator[Reason]:
    if line.device.method is Method.MODELLED:
        return  # it has no sensor; `estimated` speaks of it
    if line.device.reads == "counter":
        ticks = sum(_ticks(line, p) for p in repeat.phases)
        if ticks < LEAST_TICKS:
            text = f"repeat {repeat.number + 1}: {line.device.id} moved {ticks} times of {LEAST_TICKS}"
            yield because("too_few_ticks", text)
    else:
        samples = sum(_samples(line, p) for p in repeat.phases)
        if samples < LEAST_SAMPLES:
            text = f"repeat {repeat.number + 1}: {line.device.id} gave {samples} samples of {LEAST_SAMPLES}"
            yield because("too_few_samples", text)


def _ticks(line: Line, phase: Phase) -> int:
    """How often a counter was seen to have moved within a phase."""
    columns = line.intervals
    first = bisect_left(columns.start_us, phase.start_us)
    last = bisect_right(columns.end_us, phase.end_us)
    return sum(columns.energy_uj[i] > 0 and columns.observed[i] for i in range(first, last))


def _samples(line: Line, phase: Phase) -> int:
    first = bisect_left(line.looks.at_us, phase.start_us)
    last = bisect_right(line.looks.at_us, phase.end_us)
    return sum(watts is not None for watts in line.looks.watts[first:last])


def without_holes(d: Derived) -> Iterator[Reason]:
    """Coverage and gaps of every repeat that came to its end."""
    for repeat in d.ended:
        energy = repeat.spent.energy
        if isinstance(energy, Figure) and energy.coverage < LEAST_COVERAGE:
            text = f"repeat {repeat.number + 1}: {energy.coverage:.2%} observed of {LEAST_COVERAGE:.0%}"
            yield because("coverage_low", text)
        for line in d.devices:
            yield from _gaps(line, repeat)


def _gaps(line: Line, repeat: Repeat) -> Iterator[Reason]:
    gaps = [g for p in repeat.phases for g in stretch(line, p.start_us, p.end_us).gaps]
    if gaps:
        worst = max(gaps, key=lambda g: g.duration_seconds)
        text = (
            f"repeat {repeat.number + 1}: {line.device.id} was not observed for "
            f"{worst.duration_seconds:.3g} s ({worst.reason}); up to two periods "
            f"({line.longest_us / 1e6:g} s) between looks is asked for"
        )
        yield because("gap_too_long", text)


def one_clock(d: Derived) -> Iterator[Reason]:
    """Meters elsewhere keep time with the benchmark."""
    off = d.evidence.clock_error_us / 1e6
    if off > MOST_SKEW_SECONDS:
        yield because(
            "clocks_apart", f"the meters' clock may be off by {off:.3g} s of {MOST_SKEW_SECONDS:g} s"
        )


RULES = (known, measured, all_read, long_enough, without_holes, one_clock)
