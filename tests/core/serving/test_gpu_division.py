"""A GPU's energy goes to whom its kernels ran for; what was idle stays nobody's."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.known import Grade, Method
from wattmark.core.serving.cpu_division import HOST
from wattmark.core.serving.gpu_division import RULE, SIGNAL, GpuStretch, divided_gpus
from wattmark.core.serving.request import Rule
from wattmark.core.serving.window import DeviceUse, ServingWindow
from wattmark.core.serving.workload import Workload, WorkloadKind

ONE, TWO = (Workload(kind=WorkloadKind.CONTAINER, name=name) for name in ("one", "two"))


def gpu(**changes: object) -> DeviceUse:
    """600 J in a minute, half of it busy."""
    told = {"energy_joules": 600.0, "observed_seconds": 60.0, "busy_seconds": 30.0, "busy_signal": SIGNAL}
    return DeviceUse(
        device_id="gpu",
        component="gpu",
        source="nvml",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        idle_joules=0.0,
        unallocated_joules=0.0,
        **{**told, **changes},  # type: ignore[arg-type]
    )


def a_window(use: DeviceUse) -> ServingWindow:
    """A minute of one device that is charged to no model."""
    return ServingWindow(
        host_id="h",
        start_us=0,
        end_us=60_000_000,
        rule=Rule.TOKENS,
        devices=(replace(use, unallocated_joules=use.energy_joules),),
        shares=(),
        works=(),
    )


def charged(use: DeviceUse, shares: dict[Workload, float]) -> tuple[dict[Workload, float], float]:
    """Joules by workload, and what is nobody's."""
    found = divided_gpus(a_window(use), {"gpu": GpuStretch(shares)})
    assert found is not None
    assert found.rule == RULE
    return {s.workload: s.busy_joules for s in found.shares}, found.devices[0].unallocated_joules


def test_busy_energy_goes_by_busy_time() -> None:
    """600 J x 0.5 busy = 300 J; 0.4 and 0.2 of the time are two thirds and one third of it."""
    joules, idle = charged(gpu(), {ONE: 0.4, TWO: 0.2})
    assert joules == {ONE: pytest.approx(200.0), TWO: pytest.approx(100.0)}
    assert idle == pytest.approx(300.0)


def test_without_a_utilisation_the_processes_tell_it() -> None:
    """0.4 + 0.2 of the time: 360 J are busy; more than all of the time is all of it."""
    other = gpu(busy_signal="requests_active")
    joules, idle = charged(other, {ONE: 0.4, TWO: 0.2})
    assert joules == {ONE: pytest.approx(240.0), TWO: pytest.approx(120.0)}
    assert idle == pytest.approx(240.0)
    joules, idle = charged(gpu(busy_seconds=None, busy_signal=""), {ONE: 0.9, TWO: 0.9})
    assert joules == {ONE: pytest.approx(300.0), TWO: pytest.approx(300.0)}
    assert idle == pytest.approx(0.0)


def test_busy_energy_of_nobody_that_is_seen_is_the_hosts() -> None:
    """The driver says half busy and names no process."""
    joules, idle = charged(gpu(), {ONE: 0.0})
    assert joules == {HOST: pytest.approx(300.0)}
    assert idle == pytest.approx(300.0)


def test_an_idle_gpu_is_nobodys() -> None:
    """Nothing ran: no share, and no series of 0 J."""
    assert charged(gpu(busy_seconds=0.0), {}) == ({}, 600.0)
    assert charged(gpu(observed_seconds=0.0, energy_joules=0.0, busy_seconds=None), {ONE: 0.5})[0] == {}


def test_what_was_not_watched_is_not_divided() -> None:
    """No stretch of any device: no division."""
    assert divided_gpus(a_window(gpu()), {"other": GpuStretch({ONE: 1.0})}) is None


@given(
    st.floats(0, 1e9),
    st.floats(0, 60),
    st.lists(st.floats(0, 1), min_size=0, max_size=8),
)
def test_all_parts_make_the_device(joules: float, busy: float, shares: list[float]) -> None:
    """To 1e-9, whatever the driver says."""
    ran = {Workload(kind=WorkloadKind.PROCESS, name=str(n)): share for n, share in enumerate(shares)}
    found, idle = charged(gpu(energy_joules=joules, busy_seconds=busy), ran)
    assert math.isclose(math.fsum((*found.values(), idle)), joules, rel_tol=1e-9, abs_tol=1e-9)
