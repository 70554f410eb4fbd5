"""The KPIs of wattmark: one file each, and the catalog that holds them all."""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.core.kpis import (
    carbon_per_inference,
    carbon_to_solution,
    compute_hours_per_outcome,
    data_efficiency_score,
    embodied_carbon_amortisation,
    energy_to_solution,
    flops_per_watt,
    hardware_utilisation_efficiency,
    inference_watts_per_query,
    model_efficiency_ratio,
    operational_overhead_score,
    performance_per_watt,
    pue,
    renewable_energy_matching,
    software_carbon_intensity,
)
from wattmark.core.kpis.kpi import Better, Kpi

_ALL: tuple[Kpi, ...] = (
    energy_to_solution.KPI,
    carbon_to_solution.KPI,
    carbon_per_inference.OPERATIONAL,
    carbon_per_inference.TOTAL,
    performance_per_watt.KPI,
    flops_per_watt.ACHIEVED,
    flops_per_watt.PEAK,
    pue.KPI,
    model_efficiency_ratio.N_REF_FORM,
    model_efficiency_ratio.PROJECT_FORM,
    inference_watts_per_query.KPI,
    hardware_utilisation_efficiency.KPI,
    data_efficiency_score.KPI,
    embodied_carbon_amortisation.KPI,
    renewable_energy_matching.ANNUAL,
    renewable_energy_matching.HOURLY,
    operational_overhead_score.KPI,
    compute_hours_per_outcome.KPI,
    software_carbon_intensity.KPI,
)

CATALOG: Mapping[str, Kpi] = {kpi.id: kpi for kpi in _ALL}
"""Every KPI by id, in the order in which people read them."""

__all__ = ["CATALOG", "Better", "Kpi"]
