"""The hardware of each built-in meter, as the conformance suite commands it."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import ClassVar

from tests.fakes.bmc import CHASSIS, PASSWORD, USER, Bmc
from tests.fakes.hwmon import HwmonTree
from tests.fakes.library import StateFile
from tests.fakes.perf import FakePerf, power_pmu
from wattmark.meters.amdsmi import AmdSmiMeter
from wattmark.meters.hwmon import HwmonMeter
from wattmark.meters.ipmi import IpmiMeter
from wattmark.meters.model import CpuRow, ModelMeter
from wattmark.meters.nvml import NvmlMeter
from wattmark.meters.rapl import RaplMeter
from wattmark.meters.rapl_perf import RaplPerfMeter
from wattmark.meters.redfish import RedfishMeter
from wattmark.ports import Meter
from wattmark.testing.fakes import ManualClock, Zone, powercap_tree

NOWHERE = Path("/nonexistent")


class RaplWorld:
    """Two sockets with memory; cores use half of their package."""

    zones: ClassVar = {
        "cpu:h/package-0": "intel-rapl:0",
        "cpu:h/package-0/core": "intel-rapl:0:0",
        "dram:h/package-0": "intel-rapl:0:1",
        "cpu:h/package-1": "intel-rapl:1",
    }

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.root = folder / "powercap"
        limits = {"long_term": 100_000_000, "short_term": 200_000_000}
        self.tree = powercap_tree(
            self.root,
            [
                Zone("intel-rapl:0", "package-0", limits_uw=limits),
                Zone("intel-rapl:0:0", "core"),
                Zone("intel-rapl:0:1", "dram"),
                Zone("intel-rapl:1", "package-1", limits_uw=limits),
            ],
        )

    def open(self) -> Meter:
        return RaplMeter(host_id="h", clock=self.clock, root=self.root, cpuinfo=NOWHERE)

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        for device_id, zone in self.zones.items():
            share = 0.5 if device_id.endswith("core") else 1.0
            if (self.root / zone / "energy_uj").read_text():  # a damaged counter stays damaged
                self.tree.spend(zone, watts * seconds * share)

    def set_joules(self, device_id: str, joules: float) -> None:
        self.tree.set(self.zones[device_id], round(joules * 1e6))

    def damage(self, device_id: str) -> None:
        self.tree.damage(self.zones[device_id])

    def remove(self) -> None:
        self.root = NOWHERE


class RaplPerfWorld:
    """The same through perf events."""

    config: ClassVar = {"cpu:h/package-0": (2, 0), "dram:h/package-0": (3, 0)}

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.perf = FakePerf()
        self.root = power_pmu(folder, packages=((0, 0),))

    def open(self) -> Meter:
        return RaplPerfMeter(host_id="h", clock=self.clock, root=self.root, cpuinfo=NOWHERE, perf=self.perf)

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        for key in self.config.values():
            self.perf.joules[key] += watts * seconds

    def set_joules(self, device_id: str, joules: float) -> None:
        self.perf.joules[self.config[device_id]] = joules

    def damage(self, device_id: str) -> None:
        self.perf.broken.add(self.config[device_id])

    def remove(self) -> None:
        self.root = NOWHERE


class NvmlWorld:
    """Two GPUs with energy counters, or with power sensors alone."""

    def __init__(self, library: Path, folder: Path, counters: bool = True) -> None:
        self.library = library
        self.clock = ManualClock()
        self.counters = counters
        self.joules = {0: 1000.0, 1: 1000.0}
        values: dict[str, object] = {"count": 2}
        for gpu in (0, 1):
            values |= {f"{gpu}.uuid": f"GPU-{gpu}", f"{gpu}.name": "NVIDIA L4", f"{gpu}.limit": 72_000}
            values |= {f"{gpu}.energy": 1_000_000} if counters else {f"{gpu}.power": 50_000}
        self.state = StateFile(folder / "nvml.txt", "WATTMARK_FAKE_NVML", values)

    def open(self) -> Meter:
        return NvmlMeter(host_id="h", clock=self.clock, load=lambda: ctypes.CDLL(str(self.library)))

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        for gpu in self.joules:
            self.joules[gpu] += watts * seconds
            if self.counters:
                self.state.values[f"{gpu}.energy"] = round(self.joules[gpu] * 1e3)
            else:
                self.state.values[f"{gpu}.power"] = round(watts * 1e3)
        self.state.write()

    def set_joules(self, device_id: str, joules: float) -> None:
        gpu = int(device_id.removeprefix("GPU-"))
        self.joules[gpu] = joules
        self.state.set(**{f"gpu{gpu}_energy": round(joules * 1e3)})

    def damage(self, device_id: str) -> None:
        self.state.set(**{f"gpu{device_id.removeprefix('GPU-')}_rc": 15})

    def remove(self) -> None:
        self.state.set(init_rc=9)


class AmdSmiWorld:
    """Two AMD GPUs with energy counters."""

    unit = 15.3e-6

    def __init__(self, library: Path, folder: Path) -> None:
        self.library = library
        self.clock = ManualClock()
        self.joules = {0: 1000.0, 1: 1000.0}
        values: dict[str, object] = {"count": 2}
        for gpu in (0, 1):
            values |= {f"{gpu}.uuid": f"uuid-{gpu}", f"{gpu}.name": "AMD Instinct MI300X"}
            values |= {f"{gpu}.energy": 65_000_000, f"{gpu}.cap": 750_000_000}
        self.state = StateFile(folder / "amdsmi.txt", "WATTMARK_FAKE_AMDSMI", values)

    def open(self) -> Meter:
        return AmdSmiMeter(host_id="h", clock=self.clock, load=lambda: ctypes.CDLL(str(self.library)))

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        for gpu in self.joules:
            key = f"{gpu}.energy"
            self.state.values[key] = int(str(self.state.values[key])) + round(watts * seconds / self.unit)
        self.state.write()

    def set_joules(self, device_id: str, joules: float) -> None:
        self.state.set(**{f"gpu{device_id.removeprefix('uuid-')}_energy": round(joules / self.unit)})

    def damage(self, device_id: str) -> None:
        self.state.set(**{f"gpu{device_id.removeprefix('uuid-')}_rc": 40})

    def remove(self) -> None:
        self.state.set(init_rc=34)


class HwmonWorld:
    """An Intel GPU with a tile, and a Jetson rail."""

    card = "gpu:h/pci-0000:03:00.0"

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.tree = HwmonTree(folder)
        gpu = self.tree.add("i915", "0000:03:00.0", energy1_input=1_000_000)
        tile = self.tree.add("i915_gt0", "0000:03:00.0", energy1_input=1_000_000)
        rail = self.tree.add("ina3221", in1_label="VDD_IN", in1_input=5000, curr1_input=10_000)
        self.files = {
            self.card: gpu / "energy1_input",
            f"{self.card}/gt0": tile / "energy1_input",
            "module:h/VDD_IN": rail / "curr1_input",
        }
        self.root = self.tree.root

    def open(self) -> Meter:
        return HwmonMeter(host_id="h", clock=self.clock, root=self.root)

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        for device_id, share in ((self.card, 1.0), (f"{self.card}/gt0", 0.5)):
            path = self.files[device_id]
            if path.read_text():
                self._write(path, (int(path.read_text()) + watts * seconds * share * 1e6) % (2**18 * 1e6))
        self._write(self.files["module:h/VDD_IN"], watts / 5 * 1000)

    def set_joules(self, device_id: str, joules: float) -> None:
        self._write(self.files[device_id], joules * 1e6)

    def damage(self, device_id: str) -> None:
        self.files[device_id].write_text("")

    def remove(self) -> None:
        self.root = NOWHERE

    @staticmethod
    def _write(path: Path, value: float) -> None:
        path.write_text(f"{round(value)}\n")


class ModelWorld:
    """A machine of one thread without sensors: /proc alone, and 10 W idle, 100 W busy at the wall."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.proc = folder
        self.busy_seconds = 100.0
        self._write()

    def _write(self) -> None:
        ticks = round(self.busy_seconds * 100)
        (self.proc / "stat").write_text(f"cpu  {ticks} 0 0 500000 0 0 0 0 0 0\n")

    def open(self) -> Meter:
        row = CpuRow(
            name="CPU", idle_watts_per_thread=10, max_watts_per_thread=100, source="made up", wall=True
        )
        return ModelMeter(host_id="h", proc=self.proc, clock=self.clock, cpu=row, threads=1)

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        self.busy_seconds += seconds * (watts - 10) / 90
        if "cpu" in (self.proc / "stat").read_text():
            self._write()

    def set_joules(self, device_id: str, joules: float) -> None:
        raise AssertionError("a model's energy cannot be set")

    def damage(self, device_id: str) -> None:
        (self.proc / "stat").write_text("nothing of the kind\n")

    def remove(self) -> None:
        self.damage("")


class IpmiWorld:
    """A BMC behind ipmitool."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.said = self._printed(50)

    @staticmethod
    def _printed(watts: float) -> str:
        return f"Instantaneous power reading: {watts:.0f} Watts\nPower reading state is: activated\n"

    def open(self) -> Meter:
        return IpmiMeter(host_id="h", clock=self.clock, command=lambda _: self.said)

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        if self.said:
            self.said = self._printed(watts)

    def set_joules(self, device_id: str, joules: float) -> None:
        raise AssertionError("this meter has no counter")

    def damage(self, device_id: str) -> None:
        self.said = ""

    def remove(self) -> None:
        self.said = ""


class RedfishWorld:
    """A BMC on this machine's loopback that states power, or counts energy."""

    def __init__(self, bmc: Bmc, counts: bool) -> None:
        self.clock = ManualClock()
        self.bmc = bmc
        self.path = f"{CHASSIS}/1/EnvironmentMetrics"
        self.key = "EnergyJoules" if counts else "PowerWatts"
        bmc.with_environment(**{self.key: 50.0})

    def open(self) -> Meter:
        return RedfishMeter(
            host_id="h", clock=self.clock, url=self.bmc.url, user=USER, password=PASSWORD, accuracy=0.03
        )

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        metrics = self.bmc.resources[self.path]
        if self.key in metrics:
            now = metrics[self.key]["Reading"]
            metrics[self.key]["Reading"] = now + watts * seconds if self.key == "EnergyJoules" else watts

    def set_joules(self, device_id: str, joules: float) -> None:
        self.bmc.resources[self.path] = {self.key: {"Reading": joules}}

    def damage(self, device_id: str) -> None:
        self.bmc.resources[self.path] = {}

    def remove(self) -> None:
        self.bmc.resources[CHASSIS] = 404
