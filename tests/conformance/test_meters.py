"""Every built-in meter runs the suite that third parties run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.conformance.worlds import (
    AmdSmiWorld,
    HwmonWorld,
    IpmiWorld,
    ModelWorld,
    NvmlWorld,
    RaplPerfWorld,
    RaplWorld,
    RedfishWorld,
)
from tests.fakes.bmc import Bmc
from wattmark.ports import Meter
from wattmark.testing.fakes import ManualClock, SteadyMeter
from wattmark.testing.meter_suite import MeterSuite, MeterWorld

MAY_SLEEP = "a GPU or rail that is switched off really uses nothing"


class TestRapl(MeterSuite):
    @pytest.fixture
    def world(self, tmp_path: Path) -> MeterWorld:
        return RaplWorld(tmp_path)


class TestRaplPerf(MeterSuite):
    @pytest.fixture
    def world(self, tmp_path: Path) -> MeterWorld:
        return RaplPerfWorld(tmp_path)


class TestNvmlCounter(MeterSuite):
    @pytest.fixture
    def world(self, nvml_library: Path, tmp_path: Path) -> MeterWorld:
        return NvmlWorld(nvml_library, tmp_path)


class TestNvmlPower(MeterSuite):
    @pytest.fixture
    def world(self, nvml_library: Path, tmp_path: Path) -> MeterWorld:
        return NvmlWorld(nvml_library, tmp_path, counters=False)


class TestAmdSmi(MeterSuite):
    @pytest.fixture
    def world(self, amdsmi_library: Path, tmp_path: Path) -> MeterWorld:
        return AmdSmiWorld(amdsmi_library, tmp_path)


class TestHwmon(MeterSuite):
    cannot: ClassVar = {"test_a_counter_that_died_is_not_zero_joules": MAY_SLEEP}

    @pytest.fixture
    def world(self, tmp_path: Path) -> MeterWorld:
        return HwmonWorld(tmp_path)


class TestModel(MeterSuite):
    cannot: ClassVar = {
        "test_a_reset_is_a_gap": "a model's energy is computed from the time since boot and cannot be reset",
        "test_a_counter_that_died_is_not_zero_joules": "an idle machine uses its idle power, and says so",
    }

    @pytest.fixture
    def world(self, tmp_path: Path) -> MeterWorld:
        return ModelWorld(tmp_path)


class TestIpmi(MeterSuite):
    @pytest.fixture
    def world(self) -> MeterWorld:
        return IpmiWorld()


class TestRedfishPower(MeterSuite):
    @pytest.fixture
    def world(self) -> Iterator[MeterWorld]:
        with Bmc().serving() as bmc:
            yield RedfishWorld(bmc, counts=False)


class TestRedfishCounter(MeterSuite):
    @pytest.fixture
    def world(self) -> Iterator[MeterWorld]:
        with Bmc().serving() as bmc:
            yield RedfishWorld(bmc, counts=True)


class SteadyWorld:
    """The fake that others build their tests on keeps the rules too."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.meters: list[SteadyMeter] = []

    def open(self) -> Meter:
        self.meters.append(SteadyMeter(self.clock, {"gpu:h/0": 50.0, "gpu:h/1": 50.0}))
        return self.meters[-1]

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)

    def set_joules(self, device_id: str, joules: float) -> None:
        for meter in self.meters:
            meter.set_joules(device_id, joules)

    def damage(self, device_id: str) -> None:
        for meter in self.meters:
            meter.broken[device_id] = "damaged on purpose"

    def remove(self) -> None:
        """A fake is always there."""


class TestSteadyMeter(MeterSuite):
    cannot: ClassVar = {
        "test_missing_hardware_is_said": "a fake is always there",
        "test_a_counter_that_died_is_not_zero_joules": "its counter follows the clock and cannot die",
    }

    @pytest.fixture
    def world(self) -> MeterWorld:
        return SteadyWorld()


def test_both_ways_to_read_rapl_name_devices_alike(tmp_path: Path) -> None:
    """So that a machine that is read by one today and by the other tomorrow keeps its devices."""
    from tests.fakes.perf import FakePerf, power_pmu
    from wattmark.meters.rapl import RaplMeter
    from wattmark.meters.rapl_perf import RaplPerfMeter
    from wattmark.testing.fakes import Zone, powercap_tree

    zones = [
        Zone("intel-rapl:0", "package-0"),
        Zone("intel-rapl:0:0", "core"),
        Zone("intel-rapl:0:1", "uncore"),
    ]
    zones += [Zone("intel-rapl:0:2", "dram"), Zone("intel-rapl:1", "psys")]
    events = ("energy-pkg", "energy-cores", "energy-gpu", "energy-ram", "energy-psys")
    cap = RaplMeter(host_id="h", root=powercap_tree(tmp_path / "p", zones).root, cpuinfo=tmp_path)
    sys = power_pmu(tmp_path / "s", events, packages=((0, 0),))
    perf = RaplPerfMeter(host_id="h", root=sys, cpuinfo=tmp_path, perf=FakePerf())
    assert {(d.id, d.part_of, d.component) for d in cap.devices} == {
        (d.id, d.part_of, d.component) for d in perf.devices
    }
