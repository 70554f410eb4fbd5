"""RAPL through perf events: a folder for /sys, an object for the system calls, and the real call once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.fakes.perf import FakePerf, power_pmu
from wattmark.core.errors import MeterUnavailable
from wattmark.core.readings import CounterReading, Gap
from wattmark.core.units import Energy
from wattmark.meters.rapl_perf import LinuxPerfEvents, RaplPerfMeter
from wattmark.testing.fakes import ManualClock

NO_CPUINFO = Path("/nonexistent")
PKG, RAM = 2, 3


def a_meter(root: Path, perf: FakePerf, cpuinfo: Path = NO_CPUINFO) -> RaplPerfMeter:
    return RaplPerfMeter(host_id="h", clock=ManualClock(), root=root, cpuinfo=cpuinfo, perf=perf)


def test_reads_joules(tmp_path: Path) -> None:
    """Counts times the scale of the event are joules."""
    perf = FakePerf()
    meter = a_meter(power_pmu(tmp_path, packages=((0, 0),)), perf)
    perf.joules[PKG, 0] = 2.5
    assert meter.read()["cpu:h/package-0"] == CounterReading(Energy(2.5), 1000.0)


def test_each_package_is_read_on_its_own_processor(tmp_path: Path) -> None:
    """Two sockets are two packages and two memories."""
    perf = FakePerf()
    meter = a_meter(power_pmu(tmp_path, packages=((0, 0), (1, 0))), perf)
    perf.joules[PKG, 1] = 7.0
    readings = meter.read()
    assert list(readings) == ["cpu:h/package-0", "dram:h/package-0", "cpu:h/package-1", "dram:h/package-1"]
    assert readings["cpu:h/package-1"] == CounterReading(Energy(7.0), 1000.0)


def test_overlaps_are_declared(tmp_path: Path) -> None:
    """psys > package > core, graphics; memory beside the package."""
    events = ("energy-pkg", "energy-cores", "energy-gpu", "energy-ram", "energy-psys")
    meter = a_meter(power_pmu(tmp_path, events, packages=((0, 0),)), FakePerf())
    assert {d.id: d.part_of for d in meter.devices} == {
        "cpu:h/package-0": "cpu:h/psys",
        "cpu:h/package-0/core": "cpu:h/package-0",
        "cpu:h/package-0/uncore": "cpu:h/package-0",
        "dram:h/package-0": "cpu:h/psys",
        "cpu:h/psys": None,
    }


def test_amd_dies_share_one_counter(tmp_path: Path) -> None:
    """Kernels 6.9 and 6.10 list one processor per die on AMD: the package is read once all the same."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("vendor_id\t: AuthenticAMD\n")
    meter = a_meter(power_pmu(tmp_path, ("energy-pkg",), packages=((0, 0), (0, 1))), FakePerf(), cpuinfo)
    assert [d.id for d in meter.devices] == ["cpu:h/package-0"]


def test_intel_dies_are_two_devices(tmp_path: Path) -> None:
    """Named as powercap names them, so that the two ways to read them are one device."""
    meter = a_meter(power_pmu(tmp_path, ("energy-pkg",), packages=((0, 0), (0, 1))), FakePerf())
    assert [d.id for d in meter.devices] == ["cpu:h/package-0-die-0", "cpu:h/package-0-die-1"]


def test_a_missing_permission_names_the_command(tmp_path: Path) -> None:
    """CAP_PERFMON or a lower paranoia level."""
    perf = FakePerf()
    perf.refused = {(n, 0): PermissionError(13, "Permission denied") for n in (PKG, RAM)}
    with pytest.raises(MeterUnavailable, match=r"sysctl kernel\.perf_event_paranoid=0 .*CAP_PERFMON"):
        a_meter(power_pmu(tmp_path, packages=((0, 0),)), perf)


def test_no_pmu(tmp_path: Path) -> None:
    """Without the PMU the meter says so."""
    with pytest.raises(MeterUnavailable, match="no RAPL perf events"):
        a_meter(tmp_path, FakePerf())


def test_an_event_that_fails_is_a_gap(tmp_path: Path) -> None:
    """The others go on."""
    perf = FakePerf()
    meter = a_meter(power_pmu(tmp_path, packages=((0, 0),)), perf)
    perf.broken.add((PKG, 0))
    readings = meter.read()
    assert readings["cpu:h/package-0"] == Gap("the perf event could not be read: Input/output error")
    assert isinstance(readings["dram:h/package-0"], CounterReading)


def test_an_event_that_cannot_be_opened_is_a_gap(tmp_path: Path) -> None:
    """Memory is not offered to this user: the package is measured, the memory is named as a gap."""
    perf = FakePerf()
    perf.refused = {(RAM, 0): OSError(22, "Invalid argument")}
    readings = a_meter(power_pmu(tmp_path, packages=((0, 0),)), perf).read()
    assert readings["dram:h/package-0"] == Gap("the perf event cannot be opened: Invalid argument")


def test_closing_gives_the_events_back(tmp_path: Path) -> None:
    """No descriptor stays open, and reading afterwards gives gaps."""
    perf = FakePerf()
    meter = a_meter(power_pmu(tmp_path, packages=((0, 0),)), perf)
    meter.close()
    assert perf.open_fds == {}
    assert set(meter.read().values()) == {Gap("the meter is closed")}


SOFTWARE_PMU, CPU_CLOCK = 1, 0


@pytest.mark.skipif(sys.platform != "linux", reason="perf events are a Linux interface")
def test_the_real_system_call_counts() -> None:
    """The software event cpu-clock (nanoseconds) of processor 0 moves forward: the call's layout is right."""
    perf = LinuxPerfEvents()
    try:
        fd = perf.open(SOFTWARE_PMU, CPU_CLOCK, 0)
    except PermissionError:
        pytest.skip("perf events of the whole machine are not allowed to this user")
    except OSError as error:
        pytest.skip(f"this kernel has no perf events: {error}")
    first = perf.read(fd)
    sum(range(200_000))
    second = perf.read(fd)
    perf.close(fd)
    assert 0 <= first < second
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.read(fd, 8)


def test_an_unknown_machine_is_refused_before_calling() -> None:
    """A wrong number would call something else."""
    perf = LinuxPerfEvents(machine="sparc64")
    with pytest.raises(OSError, match="not known to wattmark on sparc64"):
        perf.open(SOFTWARE_PMU, CPU_CLOCK, 0)
