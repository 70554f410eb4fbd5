"""Carbon hour by hour: the energy of each stretch times the intensity of that stretch, sum E_h x CI_h.

The yearly factor of a place hides when energy was used. What met which kind of factor is told apart, and
the difference from the yearly factor is shown beside the sum.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmark.core.carbon import Intensity
from wattmark.core.figure import Missing, Undefined
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED, GridSeries
from wattmark.core.known import Scope
from wattmark.core.power_series import energy_at, power_between, summed_devices
from wattmark.core.readings import Gap
from wattmark.core.run import Run
from wattmark.core.units import JOULES_PER_KWH

YEARLY = "yearly"
MICRO = 1_000_000
STEP_US = 900_000_000
"""A run is cut at quarters of an hour."""

GRADES: Mapping[str, str] = {MEASURED: "A", ESTIMATED: "B", FORECAST: "C", YEARLY: "D"}
"""Data quality of an intensity by how it is known; the world's mean is E."""
NOTABLE = 0.05
"""A grade is that of the worst part that holds 5 % or more (kpis.md, sums)."""

ALLOWANCES: Mapping[str, float] = {MEASURED: 0.05, ESTIMATED: 0.15, FORECAST: 0.15, YEARLY: 0.10}
"""Half width at 95 % that we allow a factor for, as a share. No provider publishes one: these are ours."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Energy of one stretch of time."""

    start_us: int
    """Microseconds since 1970 UTC."""
    end_us: int
    joules: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyCarbon:
    """Energy times the intensity of its own hours."""

    joules: float
    grams: float
    """Sum of E_h x CI_h, gCO2e."""
    shares: Mapping[str, float]
    """measured, estimated, forecast, yearly -> share of the energy that met such a factor; together 1."""
    intensity: Intensity
    """What the energy met on average: energy x it is ``grams``."""
    yearly_grams: float | None
    """The same energy times the yearly factor; None where there is none."""

    @property
    def difference(self) -> float | Undefined:
        """How far the hourly sum lies from the yearly one, as a share of the yearly one."""
        if not self.yearly_grams:
            return Undefined("there is no yearly factor to hold it against")
        return self.grams / self.yearly_grams - 1.0


def hourly_carbon(
    slices: Sequence[Slice], series: GridSeries, yearly: Intensity | None = None
) -> HourlyCarbon | Missing | Undefined:
    """Sum of E_h x CI_h (GHG Protocol Scope 2 Guidance: activity x factor, per hour).

    Within a slice power counts as level. Energy of moments that no point covers meets the yearly factor
    where its accounting and basis are those of the series; otherwise the sum is Missing. Slices without
    energy give Undefined: nothing was used, so nothing was met.
    """
    total = math.fsum(s.joules for s in slices)
    if total <= 0:
        return Undefined("no energy was used in these hours")
    fitting = yearly if yearly is not None and _same_terms(yearly, series) else None
    starts = [p.start_us for p in series.points]
    grams: dict[str, list[float]] = {}
    met: dict[str, list[float]] = {}
    for piece in slices:
        left = 1.0
        for at in range(max(0, bisect_right(starts, piece.start_us) - 1), len(starts)):
            point = series.points[at]
            if point.start_us >= piece.end_us:
                break
            lasted = min(piece.end_us, point.end_us) - max(piece.start_us, point.start_us)
            if lasted <= 0:
                continue
            share = lasted / (piece.end_us - piece.start_us)
            left -= share
            grams.setdefault(point.kind, []).append(piece.joules * share * point.grams_per_kwh)
            met.setdefault(point.kind, []).append(piece.joules * share)
        if left > 1e-9 and piece.joules > 0:
            if fitting is None:
                return Missing(
                    f"grid intensity of {series.zone} for all hours",
                    "fetch the missing hours, or give a yearly factor of the same accounting and basis",
                )
            grams.setdefault(YEARLY, []).append(piece.joules * left * fitting.grams_per_kwh)
            met.setdefault(YEARLY, []).append(piece.joules * left)
    whole = math.fsum(g for parts in grams.values() for g in parts) / JOULES_PER_KWH
    shares = {kind: math.fsum(parts) / total for kind, parts in met.items() if math.fsum(parts) > 0}
    of_grams = {kind: math.fsum(parts) / JOULES_PER_KWH / whole for kind, parts in grams.items() if whole}
    return HourlyCarbon(
        joules=total,
        grams=whole,
        shares=shares,
        intensity=_met(whole, total, shares, of_grams or shares, series),
        yearly_grams=None if fitting is None else total / JOULES_PER_KWH * fitting.grams_per_kwh,
    )


def grade_of(shares: Mapping[str, float]) -> str:
    """A measured, B estimated, C forecast, D yearly: the worst that holds 5 %; without any share C."""
    return max((GRADES[kind] for kind, share in shares.items() if share >= NOTABLE), default="C")


def _same_terms(yearly: Intensity, series: GridSeries) -> bool:
    return (yearly.accounting, yearly.basis) == (series.accounting, series.basis)


def _met(
    grams: float,
    joules: float,
    shares: Mapping[str, float],
    of_grams: Mapping[str, float],
    series: GridSeries,
) -> Intensity:
    yearly = shares.get(YEARLY, 0.0)
    said = f"{yearly:.0%} of the energy met a yearly factor" if yearly else ""
    return Intensity(
        grams_per_kwh=grams / (joules / JOULES_PER_KWH),
        zone=series.zone,
        accounting=series.accounting,
        basis=series.basis,
        inventory=series.inventory,
        granularity="hour",
        source=series.source,
        relative_error=math.fsum(share * ALLOWANCES[kind] for kind, share in of_grams.items()),
        estimated_share=min(1.0, shares.get(ESTIMATED, 0.0) + shares.get(FORECAST, 0.0)),
        data_quality=grade_of(shares),
        note="; ".join(filter(None, (series.note, said))),
    )


def began_us(run: Run) -> int:
    """When a run began, microseconds since 1970."""
    return round(datetime.fromisoformat(run.started_at).timestamp() * 1e6)


def level_slices(run: Run, started_us: int) -> tuple[Slice, ...] | Gap:
    """The energy of a run whose course is not known: each reading spread evenly over its own time.

    A run that meters saw as shares alone is cut by those. A gap where nothing with a length was read.
    """
    counted = set(summed_devices(run))
    whole = [r for r in run.energies if r.device_id in counted and r.scope is Scope.WHOLE]
    rows = [r for r in whole or run.energies if r.duration_seconds > 0]
    if not rows:
        return Gap("the run holds no energy that lasted")
    return tuple(
        Slice(
            started_us + round(r.t0_seconds * MICRO),
            started_us + round((r.t0_seconds + r.duration_seconds) * MICRO),
            r.energy_joules,
        )
        for r in rows
    )


def slices_of(run: Run, started_us: int, step_us: int) -> tuple[Slice, ...] | Gap:
    """The energy of a run, cut at every ``step_us`` since 1970, from the series that its file keeps.

    Every device that counts once is in it. A gap, with its reason, where a device was not observed.
    """
    devices = set(summed_devices(run))
    kept = [s for s in run.series if s.device_id in devices and s.t_seconds]
    if not kept:
        return Gap("the run keeps no series of energy")
    first, last = max(s.t_seconds[0] for s in kept), min(s.t_seconds[-1] for s in kept)
    whole = power_between(run, first, last, devices)
    if isinstance(whole, Gap):
        return whole
    begin, end = started_us + round(first * MICRO), started_us + round(last * MICRO)
    edges = [begin, *range((begin // step_us + 1) * step_us, end, step_us), end]
    at = [math.fsum(energy_at(s, (edge - started_us) / MICRO) for s in kept) for edge in edges]
    return tuple(Slice(edges[i], edges[i + 1], at[i + 1] - at[i]) for i in range(len(edges) - 1))
