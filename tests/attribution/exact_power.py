"""Readings in pieces as power series, so that the slow way and the fast one read the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wattmark.attribution.power.series import Kind, PowerSeries
from wattmark.core.known import Grade, Method
from wattmark.core.serving.dividing import Piece


def a_series(pieces: Sequence[Piece], device_id: str = "gpu:0", **said: Any) -> PowerSeries:
    """Where two pieces leave a hole, there is a gap; without any piece all is one gap."""
    times: list[int] = []
    joules: list[float] = []
    observed: list[bool] = []
    total = 0.0
    for piece in pieces:
        if not times:
            times, joules = [piece.start_us], [0.0]
        elif times[-1] < piece.start_us:
            times, joules, observed = [*times, piece.start_us], [*joules, total], [*observed, False]
        total += piece.joules
        times, joules = [*times, piece.end_us], [*joules, total]
        observed = [*observed, piece.observed]
    if not times:
        times, joules, observed = [0, 1], [0.0, 0.0], [False]
    told: dict[str, Any] = {
        "component": "gpu",
        "kind": Kind.COUNTER,
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
        **said,
    }
    return PowerSeries(
        device_id=device_id,
        times_us=np.array(times, np.int64),
        joules=np.array(joules),
        observed=np.array(observed, np.bool_),
        **told,
    )


def sampled(
    times_us: Sequence[int], watts: Sequence[float], device_id: str = "gpu:0", gaps: Sequence[int] = ()
) -> PowerSeries:
    """Power at moments; ``gaps`` are the stretches that nobody observed."""
    times, power = np.array(times_us, np.int64), np.array(watts, np.float64)
    observed = np.ones(len(times) - 1, np.bool_)
    observed[list(gaps)] = False
    steps = np.where(observed, (power[1:] + power[:-1]) / 2 * np.diff(times) * 1e-6, 0.0)
    return PowerSeries(
        device_id=device_id,
        component="gpu",
        kind=Kind.SAMPLED,
        method=Method.INTEGRATED_POWER,
        grade=Grade.C,
        times_us=times,
        joules=np.concatenate(([0.0], np.cumsum(steps))),
        observed=observed,
        watts=power,
    )
