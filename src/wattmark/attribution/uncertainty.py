"""How sure the energy of a service is: from the samples of power that it was divided from.

Of a meter's gain the series tells (``PowerSeries.errors``), of the rule of division the other rules tell
(``Share.rule_error_joules``). Here is what lies between two samples: power may have held its value until the
next one, or have moved to it in a straight line. Both readings are of the same samples; how far apart they
put a service is taken for the half width of what nobody looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from wattmark import tables
from wattmark.attribution.power.series import PowerSeries
from wattmark.core.known import Method

LOW_DUTY = 0.5
"""A sensor that looks for less of the time misses what happens between (kpis.md, Uncertainty)."""

Floats = NDArray[np.float64]


def gain_errors(series: PowerSeries) -> dict[str, float]:
    """The errors that the series states; where it states none, the usual one of its method at 95 % (the
    bundled table of uncertainties, where each row has its source).
    """
    if series.errors:
        return dict(series.errors)
    method = series.method.value
    if series.method is Method.INTEGRATED_POWER and series.sensor_duty < LOW_DUTY:
        method = "integrated_power_low_duty"
    usual = {row["method"]: float(row["relative_95"]) for row in tables.rows("uncertainty")}
    return {f"{series.source or 'power'}:{series.device_id}:gain": usual[method]}


def sampling_error(straight: float, held: float) -> float:
    """Half width in joules, at 95 %, of energy from sampled power: the distance of its two readings."""
    return abs(float(held) - float(straight))


def with_sampling(
    errors: Mapping[str, float], device_id: str, straight: Floats, held: Floats, energy: float
) -> dict[str, float]:
    """The relative errors of a device, with that of the energies of its services by the two readings.

    It is the mean of how far services are moved, by energy, so that what cancels over all of them still
    counts for each.
    """
    moved = float(np.abs(held - straight).sum())
    return {**errors, f"sampling:{device_id}": moved / energy} if energy and moved else dict(errors)
