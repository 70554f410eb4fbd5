"""The sums of a sweep as one window of serving, with the uncertainty that the sweep itself knows of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from wattmark.attribution.block import Powered
from wattmark.attribution.result import Attribution, Conservation
from wattmark.attribution.sums import (
    ACTIVE_US,
    DECODE,
    ESTIMATED,
    FAILED,
    FAILURES,
    HELD,
    LATE,
    PREFILL,
    REQUESTS,
    RULES,
    SUCCEEDED,
    Sums,
)
from wattmark.attribution.uncertainty import gain_errors, sampling_error, with_sampling
from wattmark.core.serving.placing import Places
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work

SECOND = 1e6


def added_up(
    sums: Sums, devices: Sequence[Powered], places: Places, rule: Rule, since_us: int, until_us: int
) -> Attribution:
    """All of an attribution, as one window from ``since_us`` to ``until_us``."""
    uses, shares, kept = [], [], []
    reading: dict[tuple[Service, str], float] = {}
    for device in devices:
        device_id = device.series.device_id
        idle = sums.idle[device_id]
        charged = {service: idle * share for service, share in places.idle_of(device_id, until_us)}
        mine = _shares(sums, device_id, charged)
        unallocated = max(0.0, idle - sum(charged.values()))
        energy, _ = device.curve.between(since_us, until_us)
        kept.append(Conservation(device_id, energy, sum(s.service_joules for s in mine) + unallocated))
        uses.append(_use(device, sums, energy, unallocated))
        shares += mine
        if device.held is not None:
            used, held = sums.joules[device_id][RULES], sums.joules[device_id][HELD]
            for service, i in sums.services.items():
                reading[service, device_id] = sampling_error(used[i], held[i])
    window = ServingWindow(
        host_id=_common(device.series.host_id for device in devices),
        start_us=since_us,
        end_us=until_us,
        rule=rule,
        devices=tuple(uses),
        shares=tuple(shares),
        works=tuple(_works(sums)),
        notes=tuple(_notes(sums, devices, places, since_us, until_us)),
    )
    estimated = {s: int(sums.work[ESTIMATED, i]) for s, i in sums.services.items()}
    return Attribution(
        window=window,
        conservation=tuple(kept),
        estimated=estimated,
        reading_errors=reading,
        late=int(sums.work[LATE].sum()),
    )


def _shares(sums: Sums, device_id: str, charged: dict[Service, float]) -> list[Share]:
    """What each service is charged of one device; services that only reserve it included."""
    sums.indices(tuple(charged))
    rows = sums.joules[device_id]
    shares = []
    for service, i in sums.services.items():
        used = rows[RULES, i]
        if not used and not charged.get(service):
            continue
        shares.append(
            Share(
                service=service,
                device_id=device_id,
                succeeded_joules=float(rows[SUCCEEDED, i]),
                failed_joules=float(rows[FAILED, i]),
                idle_joules=charged.get(service, 0.0),
                prefill_joules=float(rows[PREFILL, i]),
                decode_joules=float(rows[DECODE, i]),
                rule_error_joules=float(np.abs(rows[RULES:, i] - used).max()),
            )
        )
    return shares


def _use(device: Powered, sums: Sums, energy: float, unallocated: float) -> DeviceUse:
    series = device.series
    device_id = series.device_id
    rows = sums.joules[device_id]
    errors = gain_errors(series)
    if device.held is not None:
        errors = with_sampling(errors, device_id, rows[RULES], rows[HELD], energy)
    return DeviceUse(
        device_id=device_id,
        component=series.component,
        source=series.source,
        method=series.method,
        grade=series.grade,
        boundary=series.boundary,
        errors=errors,
        sensor_duty=series.sensor_duty,
        energy_joules=energy,
        observed_seconds=sums.observed_us[device_id] / SECOND,
        idle_joules=sums.idle[device_id],
        unallocated_joules=unallocated,
        busy_seconds=sums.active_us[device_id] / SECOND,
        busy_signal="requests_active",
    )


def _works(sums: Sums) -> Iterable[Work]:
    for service, i in sums.services.items():
        told = [
            None if sums.untold[row, i] else float(sums.tokens[row, i]) for row in range(len(sums.tokens))
        ]
        if sums.work[ACTIVE_US, i] or sums.work[REQUESTS, i] or sums.work[FAILURES, i]:
            yield Work(
                service=service,
                requests=float(sums.work[REQUESTS, i]),
                failed=float(sums.work[FAILURES, i]),
                input_tokens=told[0],
                cached_input_tokens=told[1],
                output_tokens=told[2],
                request_seconds=float(sums.work[ACTIVE_US, i]) / SECOND,
            )


def _notes(
    sums: Sums, devices: Sequence[Powered], places: Places, since_us: int, until_us: int
) -> Iterable[str]:
    """What a reader must know."""
    estimated, late = int(sums.work[ESTIMATED].sum()), int(sums.work[LATE].sum())
    if estimated:
        yield f"{estimated} requests do not tell what they weigh: the mean of their service stands in"
    if late:
        yield f"{late} requests came too late in the log: energy of their time stays where it was charged"
    for name in sorted({s.model or "?" for s in sums.services if not places.devices_of(s)}):
        yield f"{name}: no device is known to run it; state a placement"
    for device in devices:
        yield from (f"{device.series.device_id}: {note}" for note in device.series.notes)
        missing = (until_us - since_us - sums.observed_us[device.series.device_id]) / SECOND
        if missing > 0:
            yield f"{device.series.device_id}: not observed for {missing:.6g} s, which hold no energy here"


def _common(hosts: Iterable[str]) -> str:
    """The host, when all are of one."""
    found = set(hosts)
    return found.pop() if len(found) == 1 else ""
