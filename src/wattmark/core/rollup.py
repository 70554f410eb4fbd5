"""Totals of a ledger: from the small rows that an engine gives back to figures and to the facts of KPIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmark.core.facts import Embodied, Operations, WorkDone
from wattmark.core.figure import Figure, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsOf:
    """What the runs of one group were, without their energy."""

    runs: int = 0
    attempts: int = 0
    """Ranks of one job are one attempt."""
    failed: int = 0
    open: int = 0
    interrupted: int = 0
    duration_seconds: float = 0.0
    """Time for which machines were taken; of a single attempt its longest rank."""
    rank_coverage: float = 1.0
    """Share of the ranks that left evidence, of the job that left least."""
    operations: Operations = field(default_factory=Operations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Everything that is known of one group in one period."""

    group: Mapping[str, str]
    """Key -> value, as the question asked; an empty value: nobody stated it."""
    period: str = ""
    """``2026-11``, ``2026-W45``, ``2026-Q4``, ``2026-11-01``, ...; empty where none was asked for."""
    energy: Figure | Missing
    """Joules at the asked boundary, gaps estimated."""
    observed_uj: int
    """Energy that was observed, exact."""
    gap_uj: int = 0
    """Estimate for the gaps in it, exact sum of the ledger's own estimates."""
    energy_by_stage: Mapping[str, Figure] = field(default_factory=dict)
    energy_by_component: Mapping[str, Figure] = field(default_factory=dict)
    device_only_uj: int = 0
    """How much of the observed energy is at device boundary: the rest of those machines is not in it."""
    facility: Figure | Missing
    """Joules at the facility's meter: node energy x PUE; Missing where some energy has no way there."""
    carbon: Figure | Missing
    """Operational gCO2e; Missing where a part has no factor (``carbon_known`` is what the rest made)."""
    carbon_known: Figure | None = None
    without_factor_uj: Mapping[str, int] = field(default_factory=dict)
    """Zone -> energy that met no factor, gaps estimated."""
    pue: Figure | Missing
    """Effective PUE over the energy that met one."""
    intensity: Figure | Missing
    """Effective intensity: energy x PUE x intensity is the carbon."""
    embodied: Embodied | Missing
    work: Mapping[str, WorkDone] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)
    """The latest of each named quality."""
    runs: RunsOf = field(default_factory=RunsOf)
    notes: tuple[str, ...] = ()
