"""Which component used how much in which stage."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wattmark.core.figure import Figure
from wattmark.core.known import Scope
from wattmark.core.totals import energy_of, evidence_of
from wattmark.reports.view import ReportData

AGREES = 1e-6
"""Relative difference by which a stage may miss its figure through rounding alone."""


def joules_by_stage_and_component(data: ReportData) -> Mapping[str, Mapping[str, float]]:
    """Stage -> component -> joules, gaps estimated, in the order of the report's stages.

    Empty when the runs do not add up to the stages of the facts (facts of other runs): a drawing that
    contradicts its table is worse than none.
    """
    energy = data.facts.energy
    if not isinstance(energy, Figure):
        return {}
    scope = Scope(energy.terms.get("scope", Scope.WHOLE.value))
    evidence = evidence_of(data.runs, scope)
    found: dict[str, dict[str, float]] = {}
    for stage, figure in data.facts.energy_by_stage.items():
        inside = [o for o in evidence.merged.kept if o.stage == stage]
        parts = {}
        for component in dict.fromkeys(o.row.component for o in inside):
            part = energy_of([o for o in inside if o.row.component == component], evidence)
            if isinstance(part, Figure):
                parts[component] = part.value
        if not math.isclose(math.fsum(parts.values()), figure.value, rel_tol=AGREES):
            return {}
        found[stage] = parts
    return found
