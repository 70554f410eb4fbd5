"""Totals of a ledger: from the small rows that an engine gives back to figures and to the facts of KPIs.

What a figure is, and how energy becomes carbon, is said in core.figure and core.carbon, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.facts import Embodied, Facts, WorkDone
from wattmark.core.figure import Figure, Missing
from wattmark.core.given import Given
from wattmark.core.parts import (
    Group,
    HowKnown,
    Part,
    Reserved,
    RunsOf,
    by_component,
    by_stage,
    energy_of_parts,
    joined,
    never_read,
)
from wattmark.core.rollup_carbon import NO_GRID, NO_PUE, carbon_of_group
from wattmark.core.run import Quality
from wattmark.core.totals import USUAL_UNITS, quality_of

__all__ = ["Group", "HowKnown", "Part", "Reserved", "RunsOf", "Total", "facts_of_total", "total_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Everything that is known of one group in one period."""

    group: Mapping[str, str]
    """Key -> value, as the question asked; an empty value: nobody stated it."""
    period: str = ""
    """``2026-11``, ``2026-W45``, ``2026-Q4``, ``2026-11-01``, ...; empty where none was asked for."""
    energy: Figure | Missing
    """Joules at the asked boundary, gaps estimated."""
    observed_uj: int = 0
    """Energy that was observed, exact."""
    gap_uj: int = 0
    """Estimate for the gaps in it, the exact sum of the ledger's own estimates."""
    energy_by_stage: Mapping[str, Figure] = field(default_factory=dict)
    energy_by_component: Mapping[str, Figure] = field(default_factory=dict)
    device_only_uj: int = 0
    """Energy at device boundary: the rest of those machines is not in the total."""
    never_read_seconds: Mapping[str, float] = field(default_factory=dict)
    """Component -> time for which there is neither a reading nor an estimate; it is not in the total."""
    facility: Figure | Missing = NO_PUE
    """Joules at the facility's meter: node energy x PUE; Missing where some energy has no way there."""
    carbon: Figure | Missing = NO_GRID
    """Operational gCO2e; Missing where some energy met no factor (``carbon_known`` is of the rest)."""
    carbon_known: Figure | None = None
    without_factor_uj: int = 0
    """Energy that met no grid factor, gaps estimated."""
    pue: Figure | Missing = NO_PUE
    """Effective PUE."""
    intensity: Figure | Missing = NO_GRID
    """Effective intensity: energy x PUE x intensity is the carbon."""
    embodied: Embodied | Missing = field(default_factory=lambda: Missing("embodied carbon"))
    work: Mapping[str, WorkDone] = field(default_factory=dict)
    quality: Mapping[str, Quality] = field(default_factory=dict)
    """The latest of each named quality."""
    runs: RunsOf = field(default_factory=RunsOf)


def total_of(group: Group) -> Total:
    """Figures of one group. Raises RefusedError for an impossible factor."""
    parts = group.parts
    energy = energy_of_parts(parts, group)
    made = carbon_of_group(group, energy)
    return Total(
        group=group.group,
        period=group.period,
        energy=energy,
        observed_uj=sum(p.energy_uj for p in parts),
        gap_uj=sum(p.gap_uj for p in parts),
        energy_by_stage=by_stage(parts, group, energy),
        energy_by_component=by_component(parts, group, energy),
        device_only_uj=sum(p.used_uj for p in parts if p.reach == 0),
        never_read_seconds=never_read(parts),
        facility=made.facility,
        carbon=made.carbon,
        carbon_known=made.known,
        without_factor_uj=made.without_uj,
        pue=made.pue,
        intensity=made.intensity,
        embodied=_embodied(group.reserved),
        work=_work(group.work),
        quality=group.quality,
        runs=group.runs,
    )


def facts_of_total(told: Total, given: Given) -> Facts:
    """What KPIs are computed from; what is given beside the ledger goes before its own factors.

    Where factors differ from hour to hour or from site to site, PUE and intensity are the effective ones:
    exact for the whole, and means for a single stage of it.
    """
    quality, quality_name = quality_of(told.quality, given)
    unread = ", ".join(told.never_read_seconds)
    energy: Figure | Missing = told.energy
    if unread:
        energy = Missing(f"energy of {unread}", "no reading succeeded, and its power limit is not known")
    return Facts(
        energy=energy,
        energy_by_stage=told.energy_by_stage,
        energy_by_component=told.energy_by_component,
        duration_seconds=told.runs.duration_seconds,
        attempts=max(1, told.runs.attempts),
        work=told.work,
        functional_unit=given.functional_unit or next((u for u in USUAL_UNITS if u in told.work), None),
        quality=quality,
        quality_name=quality_name,
        pue=given.pue.figure() if given.pue else told.pue,
        intensity=given.intensity.figure() if given.intensity else told.intensity,
        embodied=given.embodied or told.embodied,
        lifetime_inferences=given.lifetime_inferences,
        peak=given.peak,
        training_flop=given.training_flop,
        mfu=given.mfu,
        reference_device_factor=given.reference_device_factor,
        renewables=given.renewables,
        operations=replace(told.runs.operations, manual_steps=given.manual_steps),
        workload_class=told.group.get("workload_class") or None,
        task=told.group.get("task") or None,
    )


def _embodied(reserved: Sequence[Reserved] | None) -> Embodied | Missing:
    """All reserved devices as one: together they carry the sum of what each of them carries.

    Of n devices, n being the least number that can have been reserved for so long, each for the same
    time: TE x (reserved time / lifespan) x (reserved / total resources), ISO/IEC 21031:2024.
    """
    if reserved is None:
        return Missing("embodied carbon", "[[embodied]] with total_kg and lifespan_years in ledger.toml")
    sound = [r for r in reserved if r.hours > 0 and r.lifespan_hours > 0 and r.total_grams > 0]
    if not sound:
        return Missing("reserved hours", "no device that [[embodied]] names was in use here")
    grams = carried = per_hour = error = 0.0
    for one in sound:
        made = one.total_grams * max(1, math.ceil(one.hours / one.lifespan_hours))
        shared = one.total_grams * one.hours / one.lifespan_hours * one.reserved_share
        grams += made
        carried += shared
        per_hour += made / one.lifespan_hours
        error += shared * one.relative_error
    lifespan = grams / per_hour
    return Embodied(
        total_grams=grams,
        lifespan_hours=lifespan,
        relative_error=error / carried if carried else 0.0,
        reserved_hours=carried / grams * lifespan,
        source=joined(one.source for one in sound),
    )


def _work(done: Sequence[WorkDone]) -> dict[str, WorkDone]:
    found: dict[str, WorkDone] = {}
    for one in done:
        before = found.get(one.unit)
        found[one.unit] = (
            one
            if before is None
            else WorkDone(
                unit=one.unit,
                count=before.count + one.count,
                failed=before.failed + one.failed,
                declared=before.declared or one.declared,
                precision=one.precision if before.precision == one.precision else "mixed",
            )
        )
    return found
