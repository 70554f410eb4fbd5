"""What an operating system tells of its processors and memory: busy seconds and installed gigabytes.

Linux: /proc (proc(5)). macOS: ``host_statistics`` with HOST_CPU_LOAD_INFO, in ticks of 10 ms
(mach/host_info.h). Windows: ``GetSystemTimes``, in units of 100 ns, whose kernel time holds the idle
time, and ``GlobalMemoryStatusEx``. The calls of macOS and Windows are made by ctypes and injected in tests.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wattmark.core.errors import MeterUnavailable
from wattmark.meters.sysfs import first_line

PROC = Path("/proc")
BYTES_PER_GB = 1e9
MAC_TICKS_PER_SECOND = 100
HOST_CPU_LOAD_INFO = 3
MAC_STATES = 4
"""user, system, idle, nice"""
WINDOWS_UNITS_PER_SECOND = 10_000_000


def busy_clock(proc: Path = PROC, platform: str = sys.platform) -> Callable[[], float]:
    """A function that tells the CPU seconds this machine was busy since boot, summed over threads.

    Raises MeterUnavailable where the system does not tell it. The function may raise OSError.
    """
    if (proc / "stat").exists():
        return _linux(proc / "stat")
    if platform == "darwin":
        return _mac()
    if platform == "win32":
        return _windows()
    raise MeterUnavailable(f"the CPU time of the machine cannot be read: there is no {proc / 'stat'}")


def installed_memory_gb(proc: Path = PROC) -> float | None:
    """Memory of the machine in GB (10^9 bytes); None where the system does not tell."""
    try:
        with open(proc / "meminfo", "rb") as file:
            words = file.readline().split()
        if len(words) > 1 and words[0] == b"MemTotal:":
            return int(words[1]) * 1024 / BYTES_PER_GB
    except (OSError, ValueError):
        pass  # not Linux: sysconf knows on macOS
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names and proc == PROC:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / BYTES_PER_GB
    return None


def mac_busy_seconds(ticks: list[int]) -> float:
    """Busy seconds from the four tick counts of HOST_CPU_LOAD_INFO: all but idle."""
    user, system, _idle, nice = ticks
    return (user + system + nice) / MAC_TICKS_PER_SECOND


def windows_busy_seconds(idle: int, kernel: int, user: int) -> float:
    """Busy seconds from GetSystemTimes: kernel time holds the idle time."""
    return (kernel - idle + user) / WINDOWS_UNITS_PER_SECOND


def _linux(stat: Path) -> Callable[[], float]:
    tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
    path = str(stat)

    def busy() -> float:
        values = [int(v) for v in first_line(path).split()[1:9]]
        if len(values) < 7:
            raise ValueError(f"{path} says nothing")  # else nothing would be read as zero seconds
        return (sum(values[:3]) + sum(values[5:7])) / tick  # user nice system, irq softirq

    return busy


def _mac(library: Any = None) -> Callable[[], float]:
    import ctypes

    mach = library or ctypes.CDLL(None)
    host = mach.mach_host_self()

    def busy() -> float:
        ticks = (ctypes.c_uint32 * MAC_STATES)()
        count = ctypes.c_uint32(MAC_STATES)
        status = mach.host_statistics(host, HOST_CPU_LOAD_INFO, ticks, ctypes.byref(count))
        if status != 0:
            raise OSError(status, "host_statistics failed")
        return mac_busy_seconds(list(ticks))

    return busy


def _windows(library: Any = None) -> Callable[[], float]:
    import ctypes

    kernel32 = library or ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]

    def busy() -> float:
        idle, kernel, user = (ctypes.c_uint64() for _ in range(3))
        if not kernel32.GetSystemTimes(ctypes.byref(idle), ctypes.byref(kernel), ctypes.byref(user)):
            raise OSError("GetSystemTimes failed")
        return windows_busy_seconds(idle.value, kernel.value, user.value)

    return busy
