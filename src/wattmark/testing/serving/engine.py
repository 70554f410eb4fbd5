"""What an engine and its devices do with the requests of a minute: how long, how full, how many joules."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wattmark.testing.serving.plan import Kind, Model, Plan
from wattmark.testing.serving.traffic import Arrivals, Floats

PATIENCE_SECONDS = 60.0
"""Requests that would have to wait longer fail."""


@dataclass(frozen=True, slots=True)
class Served:
    """What one model did in each minute. Energies are its devices' above idleness, before metering."""

    done: Floats
    """Share of what was waiting that was served in this minute."""
    written: Floats
    """Output tokens that were written."""
    dropped: Floats
    """Share of the minute's arrivals that waited too long and failed."""
    batch: Floats
    busy: Floats
    """Share of the minute in which any request was active."""
    step_seconds: Floats
    """How long a step takes, and so a token of one request."""
    prefill_joules: Floats
    decode_joules: Floats
    on: tuple[tuple[str, ...], ...]
    """The devices of each minute's model, by ``placed``."""
    placed: tuple[int, ...]
    """The minute from which each entry of ``on`` holds."""
    factor: Floats
    """The truth: joules of a busy minute against those of the first release."""


def served(plan: Plan, model: Model, came: Arrivals) -> Served:
    """Serve the arrivals of all tenants of a model together."""
    on, placed = _placed(plan, model)
    limits = np.full(plan.minutes, model.batch_limit)
    for change in plan.of_kind(Kind.BATCH_LIMIT, model=model.name):
        limits[change.at :] = int(change.factor)
    speeds = np.ones(plan.minutes)
    watts = np.zeros(plan.minutes)
    for since, devices in zip(placed, on, strict=True):
        speeds[since:] = min(plan.known[name].speed for name in devices)
        watts[since:] = sum(plan.known[name].active_watts for name in devices)
    wanted = came.output_tokens
    written, batch, busy, dropped, step = (np.zeros(plan.minutes) for _ in range(5))
    waiting = 0.0
    rows = zip(wanted.tolist(), limits.tolist(), speeds.tolist(), strict=True)
    for minute, (tokens, limit, speed) in enumerate(rows):
        fixed, per_request = model.step_seconds / speed, model.step_seconds_per_request / speed
        most = 60.0 * limit / (fixed + per_request * limit)
        work = waiting + tokens
        now = min(work, most)
        waiting = work - now
        if (patience := most * PATIENCE_SECONDS / 60.0) < waiting:
            dropped[minute] = min(1.0, (waiting - patience) / tokens) if tokens else 0.0
            waiting = patience
        written[minute] = now
        batch[minute], busy[minute] = _batch(now / 60.0, fixed, per_request, limit)
        step[minute] = fixed + per_request * batch[minute]
    factor = energy_factor(plan, model)
    decode = (watts * busy * 60.0 + model.joules_per_output_token * written) * factor
    share = np.divide(written, wanted, out=np.ones(plan.minutes), where=wanted > 0)
    prefill = model.joules_per_input_token * came.input_tokens * np.minimum(share, 1.0) * factor
    return Served(share, written, dropped, batch, busy, step, prefill, decode, on, placed, factor)


def energy_factor(plan: Plan, model: Model) -> Floats:
    """The truth: by how much a busy moment costs more than it did at first."""
    found = np.ones(plan.minutes)
    for change in plan.of_kind(Kind.ENERGY, Kind.DRIFT, model=model.name):
        if change.kind is Kind.ENERGY:
            found[change.at :] *= change.factor
        else:
            grown = np.clip((np.arange(plan.minutes) - change.at) / max(change.minutes, 1), 0.0, 1.0)
            found *= 1.0 + (change.factor - 1.0) * grown
    return found


def _batch(rate: float, fixed: float, per_request: float, limit: int) -> tuple[float, float]:
    """Mean requests in the batch, and the share of time with any, for so many tokens per second.

    Little's law with steps of ``fixed + per_request * batch``. Where nothing waits, the number active is
    Poisson (a queue with servers enough, M/G/infinity), so the engine is idle for e^-batch of the time.
    """
    if rate <= 0.0:
        return 0.0, 0.0
    room = 1.0 - rate * per_request
    batch = min(rate * fixed / room, float(limit)) if room > 0.0 else float(limit)
    load = rate * (fixed + per_request * limit) / limit
    return batch, min(1.0, max(1.0 - math.exp(-batch), load))


def _placed(plan: Plan, model: Model) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    moves = plan.of_kind(Kind.HARDWARE, model=model.name)
    return (model.devices, *((c.device,) for c in moves)), (0, *(c.at for c in moves))
