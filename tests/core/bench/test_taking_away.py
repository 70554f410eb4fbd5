"""Taking readings away can never improve a result (the rule that all others bow to)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.bench.benchmarks import Plot, S, a_benchmark, a_gpu, a_sensor, failing, measured
from tests.core.bench.test_derive import a_node
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import DeviceLooks, Evidence, PhaseName
from wattmark.core.bench.validity import Status
from wattmark.core.readings import Device
from wattmark.core.units import Power

ORDER = (Status.VALID, Status.PROVISIONAL, Status.INVALID)
STEP = 500_000
PLOT = Plot(seconds=60.0)


def worse_or_equal(after: Evidence, before: Evidence) -> bool:
    statuses = [result_of(e).validity.status for e in (before, after)]
    return ORDER.index(statuses[1]) >= ORDER.index(statuses[0])


def looked(device: Device, watts: Callable[[int], float], end_us: int) -> DeviceLooks:
    """Twice a second; power is what the function says of the half second."""
    times = tuple(range(0, end_us + STEP, STEP))
    shown = [watts(n) for n in range(len(times))]
    if device.reads == "power":
        return DeviceLooks(device_id=device.id, at_us=times, watts=tuple(shown))
    totals = [0]
    for power in shown[1:]:
        totals.append(totals[-1] + round(power * STEP))
    return DeviceLooks(device_id=device.id, at_us=times, energy_uj=tuple(totals))


def uneven(device: Device, seed: int, ripple: float, idle_after: float, last: float) -> Evidence:
    """Power that is about as uneven as the rules allow, within repeats, between them, and idle."""
    random = Random(seed)
    evidence = a_benchmark(PLOT, device=device, period_us=STEP)
    end = max(p.end_us for p in evidence.phases)
    loud = [(p.start_us, p.end_us, p.repeat or 0) for p in measured(evidence)]
    after = next(p.start_us for p in evidence.phases if p.name is PhaseName.IDLE_AFTER)

    def watts(half_second: int) -> float:
        at = half_second * STEP
        for start, until, repeat in loud:
            if start < at <= until:
                return (last if repeat == 2 else 100.0) * (1 + random.choice((-ripple, ripple)))
        return idle_after if at > after else 40.0

    return replace(evidence, looks=(looked(device, watts, end),))


indices = st.lists(st.integers(0, 500), min_size=1, max_size=6)
DEVICES = (a_gpu(max_power=Power(130.0)), a_sensor(max_power=Power(130.0)))


@given(
    st.sampled_from(DEVICES),
    st.integers(0, 10**6),
    st.sampled_from([0.0, 0.03, 0.06, 0.07, 0.08]),
    st.sampled_from([40.0, 43.9, 44.1]),
    st.sampled_from([100.0, 108.0, 109.5, 119.0, 121.0]),
    indices,
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_failed_looks_never_help(
    device: Device,
    seed: int,
    ripple: float,
    idle_after: float,
    last: float,
    lost: list[int],
    length: int,
) -> None:
    """Some looks fail, alone or in a row: the status is as before or worse."""
    evidence = uneven(device, seed, ripple, idle_after, last)
    count = len(evidence.looks[0].at_us)
    gone = sorted({i % count for first in lost for i in range(first, first + length)})
    assert worse_or_equal(replace(evidence, looks=(failing(evidence.looks[0], gone),)), evidence)


@given(st.sampled_from(DEVICES), st.integers(0, 10**6), indices, indices)
@settings(max_examples=25, deadline=None)
def test_more_failed_looks_help_no_more_than_fewer(
    device: Device, seed: int, some: list[int], more: list[int]
) -> None:
    """From a benchmark that has failed looks already."""
    evidence = uneven(device, seed, 0.04, 43.9, 108.0)
    fewer = replace(evidence, looks=(failing(evidence.looks[0], some),))
    assert worse_or_equal(replace(evidence, looks=(failing(evidence.looks[0], [*some, *more]),)), fewer)


@given(st.integers(0, 10**6), st.sampled_from(["node", "gpu"]), st.integers(1, 100))
@settings(max_examples=20, deadline=None)
def test_a_device_that_falls_silent_never_helps(seed: int, silent: str, every: int) -> None:
    """A node with a GPU in it: each of them fails at every so-manieth look, or always."""
    random = Random(seed)
    node, gpu = a_node(max_power=Power(600.0)), a_gpu(part_of="node:h", max_power=Power(130.0))
    evidence = a_benchmark(PLOT, devices=(node, gpu), period_us=STEP)
    end = max(p.end_us for p in evidence.phases)
    looks = (
        looked(node, lambda _: 400.0 * (1 + 0.06 * random.choice((-1, 1))), end),
        looked(gpu, lambda _: 100.0, end),
    )
    evidence = replace(evidence, looks=looks)
    which = 0 if silent == "node" else 1
    gone = range(0, len(looks[which].at_us), every)
    fewer = tuple(failing(said, gone) if i == which else said for i, said in enumerate(looks))
    assert worse_or_equal(replace(evidence, looks=fewer), evidence)


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_that_was_never_read_is_invalid(device: Device) -> None:
    """However sound the rest is."""
    evidence = uneven(device, 1, 0.0, 40.0, 100.0)
    silent = failing(evidence.looks[0], range(len(evidence.looks[0].at_us)))
    assert result_of(replace(evidence, looks=(silent,))).validity.status is Status.INVALID


@given(st.integers(0, 200), st.integers(1, 400), st.booleans())
@settings(max_examples=20, deadline=None)
def test_looks_at_states_that_fail_make_nothing_valid(first: int, count: int, slowed: bool) -> None:
    """A device that could not tell for a while is provisional at best, whatever it would have told."""
    evidence = a_benchmark(PLOT)

    def told(at: int, state: Any) -> Any:
        if first <= at < first + count:
            return replace(state, throttle_known=False, throttled=(), celsius=None)
        return replace(state, throttled=("thermal",)) if slowed else state

    states = tuple(told(i, s) for i, s in enumerate(evidence.states))
    whole = replace(evidence, states=tuple(told(-1, s) for s in evidence.states))
    less = result_of(replace(evidence, states=states)).validity.status
    if result_of(whole).validity.status is not Status.VALID:
        assert less is not Status.VALID
    hidden = any(
        p.start_us <= i * S <= p.end_us for p in measured(evidence) for i in range(first, first + count)
    )
    if hidden:
        assert less is not Status.VALID
