"""Busy times of devices, looked up for windows that are made later."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest

from wattmark.core.known import Grade, Method
from wattmark.core.readings import Device, Gap, ProcessUse, Reading
from wattmark.core.serving.request import Rule
from wattmark.core.serving.window import DeviceUse, ServingWindow
from wattmark.core.units import Power
from wattmark.measure.busy_times import KEPT_SECONDS, BusyTimes

SECOND = 1_000_000
MINUTE = 60 * SECOND


def a_device(device_id: str, component: str) -> Device:
    return Device(
        id=device_id,
        component=component,
        source="fake",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        max_power=Power(1000.0),
        relative_error=0.05,
    )


class Gpu:
    """A meter of one accelerator that is as busy as it is told."""

    name = "fake"
    busy: float | Gap | Exception = 0.5

    @property
    def devices(self) -> Sequence[Device]:
        return [a_device("GPU-1", "gpu")]

    def read(self) -> Mapping[str, Reading]:
        return {"GPU-1": Gap("only busy times are asked here")}

    def close(self) -> None:
        """Nothing is open."""

    def utilisation(self) -> Mapping[str, float | Gap]:
        if isinstance(self.busy, Exception):
            raise self.busy
        return {"GPU-1": self.busy}

    def process_utilisation(self, pids: Collection[int], since_us: int) -> Mapping[str, ProcessUse | Gap]:
        return {}


def a_window(minute: int = 0, device_id: str = "GPU-1", observed: float = 60.0) -> ServingWindow:
    use = DeviceUse(
        device_id=device_id,
        component="gpu",
        source="fake",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=0.0,
        observed_seconds=observed,
        idle_joules=0.0,
        busy_seconds=7.0,
        busy_signal="requests_active",
    )
    start = minute * MINUTE
    return ServingWindow(host_id="h", start_us=start, end_us=start + MINUTE, rule=Rule.TOKENS, devices=(use,))


def busy(times: BusyTimes, window: ServingWindow) -> tuple[float | None, str]:
    (use,) = times.completed(window).devices
    return use.busy_seconds, use.busy_signal


def test_a_window_that_is_made_later_finds_its_busy_time(tmp_path: Path) -> None:
    """Half busy for a minute, then not at all: 30 of 60 s, and 15 of 30 observed ones."""
    gpu = Gpu()
    times = BusyTimes([gpu], gpu.devices, tmp_path)
    for second in range(0, 182, 2):
        gpu.busy = 0.5 if second <= 60 else 0.0
        times.tick(second * SECOND)
    assert busy(times, a_window()) == (pytest.approx(30.0), "nvml_busy_time")
    assert busy(times, a_window(observed=30.0)) == (pytest.approx(15.0), "nvml_busy_time")
    assert busy(times, a_window(1)) == (0.0, "nvml_busy_time")


def test_what_was_not_watched_keeps_what_stood_there(tmp_path: Path) -> None:
    """Before the first look, after the last, in a gap, and a device that tells nothing."""
    gpu = Gpu()
    times = BusyTimes([gpu], gpu.devices, tmp_path)
    assert busy(times, a_window()) == (7.0, "requests_active")
    for second in range(30, 90, 2):
        times.tick(second * SECOND)
    assert busy(times, a_window()) == (7.0, "requests_active")
    assert busy(times, a_window(1)) == (7.0, "requests_active")
    assert busy(times, a_window(device_id="GPU-2")) == (7.0, "requests_active")
    gpu.busy = Gap("not supported")
    for second in range(90, 300, 2):
        times.tick(second * SECOND)
    assert busy(times, a_window(2)) == (7.0, "requests_active")


def test_a_meter_that_breaks_tells_nothing(tmp_path: Path) -> None:
    """A third party's defect is no end of the agent."""
    gpu = Gpu()
    gpu.busy = RuntimeError("a defect")
    times = BusyTimes([gpu], gpu.devices, tmp_path)
    times.tick(0)
    assert busy(times, a_window()) == (7.0, "requests_active")


def test_looks_far_apart_say_nothing_of_the_time_between(tmp_path: Path) -> None:
    """A machine that slept was not half busy meanwhile."""
    gpu = Gpu()
    times = BusyTimes([gpu], gpu.devices, tmp_path)
    times.tick(0)
    times.tick(60 * SECOND)
    assert busy(times, a_window()) == (7.0, "requests_active")


def test_a_clock_that_is_set_back_begins_anew(tmp_path: Path) -> None:
    """Nothing of the other time stays."""
    gpu = Gpu()
    times = BusyTimes([gpu], gpu.devices, tmp_path)
    for second in (*range(600, 660, 2), *range(0, 62, 2)):
        times.tick(second * SECOND)
    assert busy(times, a_window()) == (pytest.approx(30.0), "nvml_busy_time")
    assert busy(times, a_window(10)) == (7.0, "requests_active")


def test_an_hour_is_kept(tmp_path: Path) -> None:
    """Memory stays bounded: the first minutes are forgotten."""
    gpu = Gpu()
    times = BusyTimes([gpu], gpu.devices, tmp_path)
    for second in range(0, int(KEPT_SECONDS) + 120, 10):
        times.tick(second * SECOND)
    assert busy(times, a_window()) == (7.0, "requests_active")
    assert busy(times, a_window(5)) == (pytest.approx(30.0), "nvml_busy_time")


@pytest.mark.parametrize("component", ["cpu", "node"])
def test_cpus_are_as_busy_as_the_machine(tmp_path: Path, component: str) -> None:
    """Ten ticks of forty in every second are a quarter; without /proc/stat nothing is known."""
    times = BusyTimes([], [a_device("cpu:h/package-0", component)], tmp_path, 100)
    for second in range(0, 64, 2):
        (tmp_path / "stat").write_text(f"cpu  {10 * second} 0 0 {30 * second} 0 0 0 0 0 0\n")
        times.tick(second * SECOND)
    window = a_window(device_id="cpu:h/package-0")
    assert busy(times, window) == (pytest.approx(15.0), "cpu_busy_time")
    (tmp_path / "stat").unlink()
    for second in range(64, 130, 2):
        times.tick(second * SECOND)
    assert busy(times, a_window(1, "cpu:h/package-0")) == (7.0, "requests_active")
