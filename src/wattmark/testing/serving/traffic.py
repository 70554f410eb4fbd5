"""Requests and tokens per minute: days and weeks, slow wandering, bursts, heavy tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.testing.serving.plan import Kind, Model, Plan, Traffic

Floats = NDArray[np.float64]
LONGEST = 32_768.0
"""No request reads or writes more tokens than this."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came in each minute."""

    requests: Floats
    failed: Floats
    input_tokens: Floats
    output_tokens: Floats


def rate(plan: Plan, model: Model, traffic: Traffic, rng: np.random.Generator) -> Floats:
    """Expected requests in each minute."""
    minute = np.arange(plan.minutes)
    monday = minute + plan.start_us // 60_000_000 % 10_080 - 5760  # 1970-01-01 was a Thursday
    hour = monday % 1440 / 60
    season = 1.0 + traffic.daily * np.cos(2 * np.pi * (hour - 15.0) / 24.0)
    season = season * np.where(monday // 1440 % 7 >= 5, traffic.weekend, 1.0)
    wandering = np.exp(traffic.wander * lasting(plan.minutes, 30.0, rng) - traffic.wander**2 / 2)
    found = traffic.requests_per_minute * season * wandering * _bursts(plan.minutes, traffic, rng)
    for change in plan.of_kind(Kind.TRAFFIC, model=model.name):
        found[change.at :] *= change.factor
    return np.asarray(found)


def lasting(count: int, length: float, rng: np.random.Generator) -> Floats:
    """Noise of standard deviation 1 that forgets itself over ``length`` steps (a process AR(1))."""
    keep = np.exp(-1.0 / length)
    steps = rng.standard_normal(count) * np.sqrt(1.0 - keep**2)
    found = np.empty(count)
    now = float(rng.standard_normal())
    for index, step in enumerate(steps.tolist()):
        now = keep * now + step
        found[index] = now
    return found


def arrivals(plan: Plan, model: Model, traffic: Traffic, rng: np.random.Generator) -> Arrivals:
    """What came: Poisson requests with log-normal tokens."""
    requests = rng.poisson(rate(plan, model, traffic, rng))
    longer = {kind: np.ones(plan.minutes) for kind in (Kind.INPUT_TOKENS, Kind.OUTPUT_TOKENS)}
    for kind, factor in longer.items():
        for change in plan.of_kind(kind, model=model.name):
            factor[change.at :] *= change.factor
    failing = np.full(plan.minutes, model.failures)
    for change in plan.of_kind(Kind.FAILURES, model=model.name):
        failing[change.at :] = change.factor
    return Arrivals(
        requests=requests.astype(float),
        failed=rng.binomial(requests, failing).astype(float),
        input_tokens=_tokens(requests, traffic.input_tokens, traffic, rng) * longer[Kind.INPUT_TOKENS],
        output_tokens=_tokens(requests, traffic.output_tokens, traffic, rng) * longer[Kind.OUTPUT_TOKENS],
    )


def ended(came: Arrivals, step_seconds: Floats, traffic: Traffic, rng: np.random.Generator) -> Arrivals:
    """The same requests, each counted in the minute in which it ended: some of them in the next one.

    What lies over the edge varies from minute to minute, the more the fewer requests there are; tokens lie
    there more often than requests, for it is the long ones that last.
    """
    lasts = np.minimum(traffic.output_tokens * step_seconds / 60.0, 0.8)
    heavy = np.minimum(lasts * np.exp(traffic.spread**2), 0.8)
    over = rng.binomial(came.requests.astype(np.int64), lasts) / np.maximum(came.requests, 1.0)
    shape = np.maximum(came.requests * heavy, 0.05) / np.exp(traffic.spread**2)
    written = np.minimum(heavy * rng.gamma(shape) / shape, 1.0)
    read = np.minimum((over + written) / 2, 1.0)
    shares = {"requests": over, "failed": over, "input_tokens": read, "output_tokens": written}
    return Arrivals(**{name: _moved(getattr(came, name), share) for name, share in shares.items()})


def _moved(amounts: Floats, share: Floats) -> Floats:
    later = amounts * share
    return np.asarray(amounts - later + np.concatenate(([0.0], later[:-1])))


def tokens(count: int, mean: float, spread: float, rng: np.random.Generator) -> Floats:
    """Token counts of single requests: whole numbers from 1 on, log-normal with this mean."""
    drawn = rng.lognormal(np.log(mean) - spread**2 / 2, spread, count)
    return np.clip(np.rint(drawn), 1.0, LONGEST)


def _tokens(requests: NDArray[np.int64], mean: float, traffic: Traffic, rng: np.random.Generator) -> Floats:
    each = tokens(int(requests.sum()), mean, traffic.spread, rng)
    sums = np.concatenate(([0.0], np.cumsum(each)))
    ends = np.cumsum(requests)
    return np.asarray(np.rint(sums[ends] - sums[ends - requests]))


def _bursts(minutes: int, traffic: Traffic, rng: np.random.Generator) -> Floats:
    found = np.ones(minutes)
    for at in np.flatnonzero(rng.random(minutes) < traffic.bursts_per_day / 1440.0):
        length = int(rng.integers(5, 40))
        shape = np.exp(-np.arange(length) / (length / 3.0)) * rng.uniform(0.5, 2.0)
        part = found[at : at + length]
        part += shape[: len(part)]
    return found
