"""Mean power of devices between two moments of a run, from the cumulative energy its file keeps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection

from wattmark.core.known import Scope
from wattmark.core.readings import Gap
from wattmark.core.run import Run, Series


def energy_at(series: Series, t_seconds: float) -> float:
    """Cumulative joules at a moment: straight between the points kept, level outside them."""
    times, joules = series.t_seconds, series.energy_joules
    i = bisect_right(times, t_seconds)
    if i == 0:
        return joules[0]
    if i == len(times):
        return joules[-1]
    before, after = times[i - 1], times[i]
    return joules[i - 1] + (joules[i] - joules[i - 1]) * (t_seconds - before) / (after - before)


def power_between(
    run: Run, t0_seconds: float, t1_seconds: float, devices: Collection[str] | None = None
) -> float | Gap:
    """Mean watts of these devices (all that count once, when None) from t0 to t1 of the run.

    A gap, with its reason, when a device has no series, the stretch leaves the series, or a device was
    not observed somewhere in the stretch: part of the power would be missing.
    """
    if t1_seconds <= t0_seconds:
        return Gap("the stretch has no length")
    wanted = set(devices) if devices is not None else set(summed_devices(run))
    by_device = {s.device_id: s for s in run.series if s.device_id in wanted and s.t_seconds}
    if missing := sorted(wanted - set(by_device)):
        return Gap(f"the run keeps no series of {', '.join(missing)}")
    if not wanted:
        return Gap("the run read no device")
    joules = 0.0
    for device, series in sorted(by_device.items()):
        if t0_seconds < series.t_seconds[0] or t1_seconds > series.t_seconds[-1]:
            return Gap(f"the series of {device} does not cover the stretch")
        if reason := _unobserved(run, device, t0_seconds, t1_seconds):
            return Gap(f"{device} was not observed: {reason}")
        joules += energy_at(series, t1_seconds) - energy_at(series, t0_seconds)
    return joules / (t1_seconds - t0_seconds)


def summed_devices(run: Run) -> tuple[str, ...]:
    """Devices whose whole energy adds up without counting anything twice: those that are part of no other."""
    present = {r.device_id for r in run.energies}
    return tuple(
        dict.fromkeys(
            r.device_id
            for r in run.energies
            if r.scope is Scope.WHOLE and (r.part_of is None or r.part_of not in present)
        )
    )


def _unobserved(run: Run, device: str, t0: float, t1: float) -> str | None:
    for row in run.energies:
        if row.device_id != device:
            continue
        for gap in row.gaps:
            if gap.t0_seconds < t1 and gap.t0_seconds + gap.duration_seconds > t0:
                return gap.reason
    return None
