"""FLOPs per Watt: achieved by the work, and at best by the hardware. Two KPIs, never mixed."""

from __future__ import annotations

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, Undefined, exact
from wattmark.core.known import Grade
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.per_unit import no_work, work_notes
from wattmark.core.kpis.stages import all_energy

FLOP = "flop"
"""Name of the work that counts floating-point operations."""

MIXED = "mixed"
"""What totals say when FLOP of several precisions were logged; two mixtures are not the same work."""

TFLOP_PER_KWH = 3.6e-6
"""TFLOP per kWh in one FLOP/J: 3.6e6 J per kWh over 1e12 FLOP per TFLOP."""


def flops_per_watt(facts: Facts) -> Answer:
    """FLOP done per joule of all energy, with precision and sparsity in its terms. Source: kpis.md."""
    energy = all_energy(facts)
    if isinstance(energy, Missing):
        return energy
    work = facts.work.get(FLOP)
    if work is None:
        return Missing("work (flop)", "run.log(work={'flop': n}, precision='bf16'), counted or declared")
    if work.precision is None:
        return Missing("precision of the FLOP", "run.log(work={'flop': n}, precision='bf16')")
    if work.precision == MIXED:
        return Missing("one precision of the FLOP", "several were logged: look at their runs one by one")
    if energy.value <= 0:
        return Undefined("no energy was used, so there is no rate per joule")
    if work.count <= 0:
        return no_work(work)
    achieved = exact(work.count, "FLOP").over(energy, "FLOP/J")
    return _named(achieved, "achieved", work.precision, work.sparse).with_notes(*work_notes(work))


def peak_flops_per_watt(facts: Facts) -> Answer:
    """Published peak FLOP/s over published board power: what the hardware could do, at grade E.

    Source: kpis.md; the two published figures carry their own source.
    """
    peak = facts.peak
    if peak is None:
        return Missing("peak FLOP/s and TDP of the hardware", "[project] hardware in wattmark.toml")
    if peak.tdp_watts <= 0:
        return Undefined(f"a TDP of {peak.tdp_watts:g} W for {peak.name}: nothing to divide by")
    figure = Figure(
        value=peak.flops_per_second / peak.tdp_watts,
        unit="FLOP/J",
        grades={Grade.E: 1.0},
        terms={"boundary": "device"},
        sources=(f"{peak.name}: {peak.source or 'declared'}",),
        notes=("published ceiling, not what this work achieved",),
    )
    return _named(figure, "peak", peak.precision, peak.sparse)


def _named(figure: Figure, kind: str, precision: str, sparse: bool) -> Figure:
    return figure.with_terms(
        flops=kind, precision=precision, sparsity="sparse" if sparse else "dense"
    ).with_notes(f"{figure.value * TFLOP_PER_KWH:.3g} TFLOP per kWh")


ACHIEVED = Kpi(
    id="flops_per_watt",
    title="FLOPs per Watt, achieved",
    unit="FLOP/J",
    better=Better.HIGHER,
    formula="FLOP done / energy",
    of=flops_per_watt,
)
PEAK = Kpi(
    id="peak_flops_per_watt",
    title="FLOPs per Watt, peak",
    unit="FLOP/J",
    better=Better.HIGHER,
    formula="published peak FLOP/s / published TDP",
    of=peak_flops_per_watt,
)
