"""Single requests under continuous batching, with the power beside them and the energy of each one known.

Step by step: whoever has arrived joins the batch when a step begins, reads its input in it, and gets a token
in every step from then on. A step's energy above idleness is divided by tokens among those that are in it;
that is the truth to which an attribution by tokens may be held.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wattmark.core.serving.request import Request, Service
from wattmark.testing.serving.plan import Device, Model, Plan
from wattmark.testing.serving.traffic import rate, tokens

READ_SECONDS = 0.00008
"""How much longer a step takes for each input token that is read in it."""


@dataclass(frozen=True, slots=True)
class Served:
    """A request, and what it truly cost, above and with the idle power of its device."""

    request: Request
    joules: float


@dataclass(frozen=True, slots=True)
class PowerSample:
    """The mean power of the device since the sample before, as its meter tells it."""

    at_us: int
    watts: float


@dataclass(frozen=True, slots=True)
class Detailed:
    """All requests that ended, and the device's power."""

    requests: tuple[Served, ...]
    power: tuple[PowerSample, ...]
    device: str
    joules: float
    """The truth: all that the device used, idleness included."""
    idle_joules: float


@dataclass(slots=True)
class _Active:
    start: float
    input_tokens: int
    output_tokens: int
    first: float | None = None
    written: int = 0
    joules: float = 0.0


def detailed(plan: Plan, period_seconds: float = 1.0) -> Detailed:
    """Simulate the first model of a plan on its first device, request by request; for an hour or so."""
    model, rng = plan.models[0], np.random.default_rng(plan.seed)
    device, traffic = plan.known[model.devices[0]], model.traffic[0]
    service = Service(
        model=model.name, model_version=model.version, tenant=traffic.tenant, target=model.target
    )
    waiting = deque(_arriving(plan, model, rng))
    batch: list[_Active] = []
    done: list[Served] = []
    spent: list[tuple[float, float]] = [(0.0, 0.0)]
    now = joules = idle = 0.0
    while now < plan.minutes * 60.0:
        while waiting and waiting[0].start <= now and len(batch) < model.batch_limit:
            batch.append(waiting.popleft())
        if not batch:
            until = min(waiting[0].start if waiting else math.inf, plan.minutes * 60.0)
            idle += device.idle_watts * (until - now)
            joules += device.idle_watts * (until - now)
            now = until
            spent.append((now, joules))
            continue
        seconds, energy = _step(batch, model, device)
        now, joules = now + seconds, joules + energy
        spent.append((now, joules))
        for one in [one for one in batch if one.written >= one.output_tokens]:
            batch.remove(one)
            done.append(Served(_request(len(done), one, now, service, plan), one.joules))
        for one in batch:
            one.first = now if one.first is None else one.first
    return Detailed(
        requests=tuple(done),
        power=tuple(_sampled(spent, plan, device, period_seconds, rng)),
        device=device.name,
        joules=joules,
        idle_joules=idle,
    )


def _arriving(plan: Plan, model: Model, rng: np.random.Generator) -> Iterator[_Active]:
    traffic = model.traffic[0]
    for minute, count in enumerate(rng.poisson(rate(plan, model, traffic, rng)).tolist()):
        read = tokens(count, traffic.input_tokens, traffic.spread, rng).tolist()
        written = tokens(count, traffic.output_tokens, traffic.spread, rng).tolist()
        starts = sorted((60.0 * (minute + rng.random(count))).tolist())
        for start, inputs, outputs in zip(starts, read, written, strict=True):
            yield _Active(start, int(inputs), int(outputs))


def _step(batch: list[_Active], model: Model, device: Device) -> tuple[float, float]:
    """One step: a token for each, and the inputs of those that are new. Its seconds and its joules."""
    read = sum(one.input_tokens for one in batch if one.written == 0)
    seconds = (
        model.step_seconds + model.step_seconds_per_request * len(batch) + READ_SECONDS * read
    ) / device.speed
    energy = (
        (device.idle_watts + device.active_watts) * seconds
        + model.joules_per_input_token * read
        + model.joules_per_output_token * len(batch)
    )
    for one in batch:
        mine = 1 + (one.input_tokens if one.written == 0 else 0)
        one.joules += energy * mine / (read + len(batch))
        one.written += 1
    return seconds, energy


def _request(number: int, one: _Active, end: float, service: Service, plan: Plan) -> Request:
    first = one.first if one.first is not None else end
    return Request(
        request_id=f"r{number}",
        service=service,
        start_us=plan.start_us + round(one.start * 1e6),
        first_token_us=plan.start_us + round(first * 1e6),
        end_us=plan.start_us + round(end * 1e6),
        input_tokens=one.input_tokens,
        output_tokens=one.output_tokens,
    )


def _sampled(
    spent: list[tuple[float, float]], plan: Plan, device: Device, period: float, rng: np.random.Generator
) -> Iterator[PowerSample]:
    times = np.asarray([at for at, _ in spent])
    sums = np.asarray([joules for _, joules in spent])
    marks = np.arange(0.0, plan.minutes * 60.0 + period / 2, period)
    used = np.diff(np.interp(marks, times, sums))
    noise = 1.0 + plan.noise * device.white * rng.standard_normal(len(used))
    for at, watts in zip(marks[1:].tolist(), (used / period * noise).tolist(), strict=True):
        yield PowerSample(plan.start_us + round(at * 1e6), watts)
