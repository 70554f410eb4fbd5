"""The KPIs of wattmark: one file each, and the catalog that holds them all."""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.core.kpis import energy_to_solution
from wattmark.core.kpis.kpi import Better, Kpi

CATALOG: Mapping[str, Kpi] = {kpi.id: kpi for kpi in (energy_to_solution.KPI,)}
"""Every KPI by id, in the order in which people read them."""

__all__ = ["CATALOG", "Better", "Kpi"]
