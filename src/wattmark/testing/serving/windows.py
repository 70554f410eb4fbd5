"""A simulated node's minutes as serving windows: made at once for the whole time, handed out one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wattmark.core.known import Grade, Method
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.testing.serving.engine import Served, served
from wattmark.testing.serving.plan import Change, Device, Kind, Model, Plan
from wattmark.testing.serving.traffic import Arrivals, Floats, arrivals, ended, lasting

MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class _Party:
    """One tenant of one model, minute by minute."""

    model: Model
    tenant: str
    came: Arrivals
    counted: Arrivals
    """The same requests in the minutes in which they ended."""
    versions: tuple[tuple[int, str], ...]

    def service(self, minute: int) -> Service:
        version = next(v for at, v in reversed(self.versions) if at <= minute)
        return Service(
            model=self.model.name, model_version=version, tenant=self.tenant, target=self.model.target
        )


@dataclass(frozen=True, slots=True)
class _Use:
    """One device, minute by minute, as metered."""

    device: Device
    busy: Floats
    busy_joules: Floats
    idle_joules: Floats
    observed: Floats
    changed: tuple[Change, ...]
    """Changes of its method."""


def windows(plan: Plan) -> Iterator[ServingWindow]:
    """One window a minute, in order of time; none while nobody watches."""
    rng = np.random.default_rng(plan.seed)
    parties, done = _traffic(plan, rng)
    uses = [_use(plan, device, done, rng) for device in plan.known.values()]
    watched = _watched(plan)
    ruled = min((c.at for c in plan.of_kind(Kind.RULE)), default=plan.minutes)
    for minute in range(plan.minutes):
        if watched[minute] > 0.0:
            rule = plan.rule if minute < ruled else Rule.ENGINE
            yield _window(plan, minute, float(watched[minute]), parties, done, uses, rule)


def _traffic(plan: Plan, rng: np.random.Generator) -> tuple[list[_Party], dict[str, Served]]:
    parties: list[_Party] = []
    done: dict[str, Served] = {}
    for model in plan.models:
        each = [arrivals(plan, model, traffic, rng) for traffic in model.traffic]
        versions = (
            (0, model.version),
            *(
                (c.at, c.version)
                for c in sorted(plan.changes, key=lambda c: c.at)
                if c.version and c.about(model.name)
            ),
        )
        together = (sum(getattr(a, name) for a in each) for name in Arrivals.__dataclass_fields__)
        of = done[model.name] = served(plan, model, Arrivals(*map(np.asarray, together)))
        for traffic, came in zip(model.traffic, each, strict=True):
            counted = ended(came, of.step_seconds, traffic, rng)
            parties.append(_Party(model, traffic.tenant, came, counted, versions))
    return parties, done


def _use(plan: Plan, device: Device, done: dict[str, Served], rng: np.random.Generator) -> _Use:
    free, above = np.ones(plan.minutes), np.zeros(plan.minutes)
    for of in done.values():
        on = np.zeros(plan.minutes)
        for since, names in zip(of.placed, of.on, strict=True):
            on[since:] = (device.name in names) / len(names)
        if device.component == "cpu":
            above += device.active_watts * 60.0 * of.busy * of.factor
            free *= 1.0 - of.busy
        else:
            above += on * (of.prefill_joules + of.decode_joules)
            # The idle power of a busy device is part of what its requests cost, so a release scales it too.
            above += (on > 0) * device.idle_watts * 60.0 * of.busy * (of.factor - 1.0)
            free *= 1.0 - (on > 0) * of.busy
    noise = plan.noise * (
        device.white * rng.standard_normal(plan.minutes)
        + device.warmth * lasting(plan.minutes, device.warmth_minutes, rng)
    )
    gain = 1.0 + float(rng.uniform(-1.0, 1.0)) * device.relative_error / 2
    seen = np.maximum(gain * (1.0 + noise), 0.1)
    changed = tuple(c for c in plan.of_kind(Kind.METHOD) if c.device == device.name)
    for change in changed:
        seen[change.at :] *= change.factor
    busy_joules = (above + device.idle_watts * 60.0 * (1.0 - free)) * seen
    idle_joules = device.idle_watts * 60.0 * free * seen
    step = device.quantum_joules
    whole = np.rint((busy_joules + idle_joules) / step) * step
    for change in plan.of_kind(Kind.STUCK):
        if change.device == device.name:
            whole[change.at : change.at + change.minutes] = whole[max(change.at - 1, 0)]
    observed = np.full(plan.minutes, 60.0)
    for change in plan.of_kind(Kind.GAP):
        if change.device == device.name:
            observed[change.at : change.at + change.minutes] = 0.0
    whole *= observed / 60.0
    idle_joules = whole * idle_joules / (busy_joules + idle_joules)
    return _Use(device, 1.0 - free, whole - idle_joules, idle_joules, observed, changed)


def _watched(plan: Plan) -> Floats:
    found = np.ones(plan.minutes)
    for change in plan.of_kind(Kind.RESTART):
        end = change.at + max(change.minutes, 1)
        found[change.at : end] = 0.0
        found[max(change.at - 1, 0)] *= 0.5
        found[end : end + 1] *= 0.5
    return found


def _window(
    plan: Plan,
    minute: int,
    watched: float,
    parties: list[_Party],
    done: dict[str, Served],
    uses: list[_Use],
    rule: Rule,
) -> ServingWindow:
    works: list[Work] = []
    rows: list[tuple[_Party, Service, float, float, float]] = []
    for party in parties:
        of, came = done[party.model.name], party.came
        share = float(of.done[minute]) * watched
        read, written = float(came.input_tokens[minute]) * share, float(came.output_tokens[minute]) * share
        told, service = party.counted, party.service(minute)
        requests = float(told.requests[minute]) * share
        failing = float(told.failed[minute] / told.requests[minute]) if requests else 0.0
        turned_away = float(told.requests[minute]) * float(of.dropped[minute]) * watched
        all_written = float(of.written[minute])
        active = (
            float(of.batch[minute])
            * 60.0
            * watched
            * (written / watched / all_written if all_written else 0.0)
        )
        works.append(
            Work(
                service=service,
                requests=requests * (1.0 - failing),
                failed=requests * failing + turned_away,
                input_tokens=float(told.input_tokens[minute]) * share,
                cached_input_tokens=0.0,
                output_tokens=float(told.output_tokens[minute]) * share,
                request_seconds=active,
            )
        )
        rows.append((party, service, read + written, failing, _prefill(of, minute)))
    devices: list[DeviceUse] = []
    shares: list[Share] = []
    for use in uses:
        mine = [
            row
            for row in rows
            if use.device.component == "cpu" or use.device.name in _on(done[row[0].model.name], minute)
        ]
        device, parts = _divided(use, minute, watched, mine)
        devices.append(device)
        shares.extend(parts)
    start = plan.start_us + minute * MINUTE_US
    return ServingWindow(
        host_id=plan.host_id,
        start_us=start,
        end_us=start + MINUTE_US,
        rule=rule,
        devices=tuple(devices),
        shares=tuple(shares),
        works=tuple(works),
    )


def _divided(
    use: _Use, minute: int, watched: float, rows: list[tuple[_Party, Service, float, float, float]]
) -> tuple[DeviceUse, list[Share]]:
    busy, idle = float(use.busy_joules[minute]) * watched, float(use.idle_joules[minute]) * watched
    tokens = sum(row[2] for row in rows)
    held = {row[0].model.name: row[0].model.reserved for row in rows} if use.device.component != "cpu" else {}
    scale = 1.0 / max(sum(held.values()), 1.0)
    shares: list[Share] = []
    for party, service, count, failing, prefill in rows:
        joules = busy * count / tokens if tokens else 0.0
        of_model = sum(row[2] for row in rows if row[0].model is party.model)
        part = count / of_model if of_model else 1.0 / sum(row[0].model is party.model for row in rows)
        shares.append(
            Share(
                service=service,
                device_id=use.device.name,
                succeeded_joules=joules * (1.0 - failing),
                failed_joules=joules * failing,
                idle_joules=idle * held.get(party.model.name, 0.0) * scale * part,
                prefill_joules=joules * prefill,
                decode_joules=joules * (1.0 - prefill),
            )
        )
    charged = sum(share.service_joules for share in shares)
    modelled = any(c.at <= minute for c in use.changed)
    return (
        DeviceUse(
            device_id=use.device.name,
            component=use.device.component,
            source="model" if modelled else "simulated",
            method=Method.MODELLED if modelled else use.device.method,
            grade=Grade.D if modelled else use.device.grade,
            errors={f"{use.device.name}:gain": 0.3 if modelled else use.device.relative_error},
            energy_joules=busy + idle,
            observed_seconds=float(use.observed[minute]) * watched,
            idle_joules=idle,
            unallocated_joules=max(busy + idle - charged, 0.0),
            busy_seconds=float(use.busy[minute]) * 60.0 * watched,
            busy_signal="requests_active",
        ),
        shares,
    )


def _prefill(of: Served, minute: int) -> float:
    prefill, decode = float(of.prefill_joules[minute]), float(of.decode_joules[minute])
    return prefill / (prefill + decode) if prefill + decode else 0.0


def _on(of: Served, minute: int) -> tuple[str, ...]:
    return next(
        names for since, names in reversed(list(zip(of.placed, of.on, strict=True))) if since <= minute
    )
