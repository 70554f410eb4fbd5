"""Totals of a ledger: from the small rows that an engine gives back to figures and to the facts of KPIs.

What a figure is, and how energy becomes carbon, is said in core.figure and core.carbon, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wattmark.core.facts import Embodied, Facts, WorkDone
from wattmark.core.figure import Figure, Missing
from wattmark.core.given import Given
from wattmark.core.parts import (
    Group,
    HowKnown,
    Part,
    RunsOf,
    by_component,
    by_stage,
    energy_of_parts,
    never_read,
)
from wattmark.core.rate import PRICE
from wattmark.core.reserved import Reserved, embodied_of
from wattmark.core.rollup_carbon import (
    CarbonTerms,
    carbon_by_terms,
    carbon_of,
    facility_of,
    factors_of,
)
from wattmark.core.rollup_rates import Amounts, amounts_of, kinds_of
from wattmark.core.run import Quality
from wattmark.core.totals import USUAL_UNITS, quality_of
from wattmark.core.work import work_by_stage, work_together

__all__ = [
    "CarbonTerms",
    "Group",
    "HowKnown",
    "Part",
    "Reserved",
    "RunsOf",
    "Total",
    "facts_of_total",
    "total_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Everything that is known of one group in one period; what few ask for is worked out when they do."""

    found: Group
    """What the engine found of it."""
    energy: Figure | Missing
    """Joules at the asked boundary, gaps estimated."""
    carbon: Figure | Missing
    """Operational gCO2e; Missing where some energy met no factor (``carbon_known`` is of the rest)."""
    carbon_known: Figure | None = None
    without_factor_uj: int = 0
    """Energy that met no grid factor, gaps estimated."""
    embodied: Embodied | Missing
    work: Mapping[str, WorkDone] = field(default_factory=dict)

    @property
    def group(self) -> Mapping[str, str]:
        """Key -> value, as the question asked; an empty value: nobody stated it."""
        return self.found.group

    @property
    def period(self) -> str:
        """``2026-11``, ``2026-W45``, ``2026-Q4``, ``2026-11-01``, ...; empty where none was asked for."""
        return self.found.period

    @property
    def runs(self) -> RunsOf:
        """What its runs were, without their energy."""
        return self.found.runs

    @property
    def quality(self) -> Mapping[str, Quality]:
        """The latest of each named quality."""
        return self.found.quality

    @property
    def observed_uj(self) -> int:
        """Energy that was observed, exact."""
        return sum(p.energy_uj for p in self.found.parts)

    @property
    def gap_uj(self) -> int:
        """Estimate for the gaps in it, the exact sum of the ledger's own estimates."""
        return sum(p.gap_uj for p in self.found.parts)

    @property
    def device_only_uj(self) -> int:
        """Energy at device boundary: the rest of those machines is not in the total."""
        return sum(p.used_uj for p in self.found.parts if p.reach == 0)

    @property
    def never_read_seconds(self) -> Mapping[str, float]:
        """Component -> time for which there is neither a reading nor an estimate; it is not in the total."""
        return never_read(self.found.parts)

    @property
    def energy_by_stage(self) -> Mapping[str, Figure]:
        """Joules by stage; what nobody named is ``unstaged``."""
        return by_stage(self.found.parts, self.found, self.energy)

    @property
    def energy_by_component(self) -> Mapping[str, Figure]:
        """Joules by component, at the boundary of the whole."""
        return by_component(self.found.parts, self.found, self.energy)

    @property
    def carbon_by_terms(self) -> Mapping[CarbonTerms, Figure]:
        """Operational gCO2e, apart for each accounting, basis and inventory: such grams are never added."""
        return carbon_by_terms(self.found)

    @property
    def cost(self) -> Amounts:
        """Money for electricity by currency, and the energy that no tariff prices."""
        return amounts_of(self.found)

    @property
    def water(self) -> Mapping[str, Amounts]:
        """Litres by kind of figure, such as ``water site consumption``; kinds are never added."""
        return {kind: amounts_of(self.found, kind) for kind in kinds_of(self.found) if kind != PRICE}

    @property
    def facility(self) -> Figure | Missing:
        """Joules at the facility's meter: node energy x PUE; Missing where some energy has no way there."""
        return facility_of(self.found)

    @property
    def factors(self) -> tuple[Figure | Missing, Figure | Missing]:
        """Effective PUE and intensity: energy x PUE x intensity is the carbon."""
        return factors_of(self.found)

    @property
    def pue(self) -> Figure | Missing:
        """Effective PUE."""
        return self.factors[0]

    @property
    def intensity(self) -> Figure | Missing:
        """Effective intensity."""
        return self.factors[1]


def total_of(found: Group) -> Total:
    """Figures of one group. Raises RefusedError for an impossible factor."""
    energy = energy_of_parts(found.parts, found)
    carbon, known, without = carbon_of(found, energy)
    return Total(
        found=found,
        energy=energy,
        carbon=carbon,
        carbon_known=known,
        without_factor_uj=without,
        embodied=embodied_of(found.reserved),
        work=work_together(found.work),
    )


def facts_of_total(told: Total, given: Given) -> Facts:
    """What KPIs are computed from; what is given beside the ledger goes before its own factors.

    Where factors differ from hour to hour or from site to site, PUE and intensity are the effective ones:
    exact for the whole, and means for a single stage of it.
    """
    quality, quality_name = quality_of(told.quality, given)
    unread = ", ".join(told.never_read_seconds)
    pue, intensity = told.factors
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
        work_by_stage=work_by_stage(told.found.work),
        functional_unit=given.functional_unit or next((u for u in USUAL_UNITS if u in told.work), None),
        quality=quality,
        quality_name=quality_name,
        pue=given.pue.figure() if given.pue else pue,
        intensity=given.intensity.figure() if given.intensity else intensity,
        embodied=given.embodied or given.embodied_unknown or told.embodied,
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
