"""Busy seconds and memory as each operating system tells them."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

from wattmark.core.errors import MeterUnavailable
from wattmark.meters import machine


class FakeMach:
    """Answers host_statistics as macOS documents it."""

    def __init__(self, ticks: tuple[int, int, int, int], status: int = 0) -> None:
        self._ticks = ticks
        self._status = status

    def mach_host_self(self) -> int:
        return 7

    def host_statistics(self, host: int, flavour: int, out: Any, count: Any) -> int:
        assert (host, flavour) == (7, machine.HOST_CPU_LOAD_INFO)
        for index, value in enumerate(self._ticks):
            out[index] = value
        return self._status


class FakeKernel32:
    """Answers GetSystemTimes as Windows documents it."""

    def __init__(self, idle: int, kernel: int, user: int, answer: int = 1) -> None:
        self._values = (idle, kernel, user)
        self._answer = answer

    def GetSystemTimes(self, *pointers: Any) -> int:
        for pointer, value in zip(pointers, self._values, strict=True):
            ctypes.cast(pointer, ctypes.POINTER(ctypes.c_uint64))[0] = value
        return self._answer


def test_linux_counts_everything_but_waiting(tmp_path: Path) -> None:
    """170 busy ticks of 10 ms are 1.7 s; idle, iowait and steal are not in it."""
    (tmp_path / "stat").write_text("cpu  100 10 50 9000 800 5 5 400 30 0\n")
    assert machine.busy_clock(tmp_path)() == pytest.approx(1.7)


def test_mac_counts_all_but_idle_ticks() -> None:
    """100 user, 50 system, 9000 idle, 10 nice ticks of 10 ms are 1.6 s."""
    assert machine._mac(FakeMach((100, 50, 9000, 10)))() == pytest.approx(1.6)


def test_mac_says_when_the_call_failed() -> None:
    """A status other than zero is an error, not zero seconds."""
    with pytest.raises(OSError, match="host_statistics"):
        machine._mac(FakeMach((0, 0, 0, 0), status=5))()


def test_windows_takes_idle_out_of_kernel_time() -> None:
    """Kernel 30 s of which 20 s idle, user 5 s: 15 s busy."""
    units = machine.WINDOWS_UNITS_PER_SECOND
    assert machine._windows(FakeKernel32(20 * units, 30 * units, 5 * units))() == pytest.approx(15.0)


def test_windows_says_when_the_call_failed() -> None:
    """FALSE is an error, not zero seconds."""
    with pytest.raises(OSError, match="GetSystemTimes"):
        machine._windows(FakeKernel32(0, 0, 0, answer=0))()


def test_an_unknown_system_is_refused(tmp_path: Path) -> None:
    """Where nothing tells the machine's CPU time, there is no model, with the reason."""
    with pytest.raises(MeterUnavailable, match="cannot be read"):
        machine.busy_clock(tmp_path, platform="plan9")


def test_memory_is_read_or_not_known(tmp_path: Path) -> None:
    """1 000 000 kB are 1.024 GB; a folder without meminfo tells nothing, which is not zero."""
    assert machine.installed_memory_gb(tmp_path) is None
    (tmp_path / "meminfo").write_text("MemTotal:        1000000 kB\n")
    assert machine.installed_memory_gb(tmp_path) == pytest.approx(1.024)
