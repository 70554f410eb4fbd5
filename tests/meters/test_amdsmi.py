"""AMD SMI: a real shared library, compiled here, stands in for ROCm's."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from tests.fakes.library import StateFile
from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Gap, PowerReading
from wattmark.core.units import Power
from wattmark.meters.amdsmi import AmdSmiMeter
from wattmark.testing.fakes import ManualClock

GPU0, GPU1 = "a1ff74b5-0000-1000-80aa-000000000000", "a1ff74b5-0000-1000-80bb-000000000001"


class Machine:
    """A machine with AMD GPUs: its state file, a clock, and a way to open the meter."""

    def __init__(self, library: Path, folder: Path) -> None:
        self.library = library
        self.clock = ManualClock()
        self.state = StateFile(
            folder / "amdsmi.txt",
            "WATTMARK_FAKE_AMDSMI",
            {
                "count": 2,
                "0.uuid": GPU0,
                "0.name": "AMD Instinct MI300X",
                "0.energy": 100_000_000,
                "0.cap": 750_000_000,
                "1.uuid": GPU1,
                "1.name": "AMD Instinct MI300X",
                "1.energy": 200_000_000,
            },
        )

    def meter(self) -> AmdSmiMeter:
        return AmdSmiMeter(host_id="h", clock=self.clock, load=lambda: ctypes.CDLL(str(self.library)))


@pytest.fixture
def machine(amdsmi_library: Path, tmp_path: Path) -> Machine:
    return Machine(amdsmi_library, tmp_path)


def test_reads_joules_by_uuid(machine: Machine) -> None:
    """100 000 000 counts of 15.3 uJ are 1530 J."""
    meter = machine.meter()
    reading = meter.read()[GPU0]
    assert isinstance(reading, CounterReading)
    assert reading.total.joules == pytest.approx(1530.0)
    device = meter.devices[0]
    assert (device.grade, device.method, device.name) == (
        Grade.B,
        Method.HARDWARE_COUNTER,
        "AMD Instinct MI300X",
    )
    assert device.max_power == Power(975.0)  # 1.3 x the cap of 750 W


@pytest.mark.parametrize("layout", ["old", "new"])
@pytest.mark.parametrize(
    ("current", "average", "watts"), [(310, 290, 310.0), (310, None, 310.0), (None, 290, 290.0)]
)
def test_power_in_both_layouts(
    machine: Machine, layout: str, current: int | None, average: int | None, watts: float
) -> None:
    """The structure changed with ROCm 6.4; the power of this moment is preferred to the mean."""
    machine.state.set(layout=layout, gpu0_energy=None, gpu0_current=current, gpu0_average=average)
    meter = machine.meter()
    assert meter.devices[0].grade is Grade.C
    assert meter.read()[GPU0] == PowerReading(Power(watts), 1000.0)


def test_what_says_na_is_a_gap(machine: Machine) -> None:
    """The largest number means N/A, not 2^64 joules; it falls back to nothing here, so it is a gap."""
    machine.state.set(gpu0_energy=2**64 - 1)
    assert machine.meter().read()[GPU0] == Gap("the energy counter says N/A")


def test_the_second_die_of_a_card_is_no_zero(machine: Machine) -> None:
    """MI250: the first die speaks for the card; the second reads 0 and is part of the first."""
    machine.state.set(gpu0_name="AMD Instinct MI250X", gpu1_name="AMD Instinct MI250X", gpu1_energy=0)
    meter = machine.meter()
    assert meter.devices[1].part_of == GPU0
    gap = meter.read()[GPU1]
    assert isinstance(gap, Gap)
    assert GPU0 in gap.reason


def test_a_counter_at_zero_is_a_gap(machine: Machine) -> None:
    """On any other card, 0 means that nothing is counted."""
    machine.state.set(gpu0_energy=0)
    assert isinstance(machine.meter().read()[GPU0], Gap)


def test_a_gpu_that_vanishes_is_a_gap_and_the_others_go_on(machine: Machine) -> None:
    """An error of one GPU is its own."""
    meter = machine.meter()
    machine.state.set(gpu0_rc=40)
    readings = meter.read()
    assert isinstance(readings[GPU0], Gap)
    assert isinstance(readings[GPU1], CounterReading)


def test_a_child_process_reads_too(machine: Machine) -> None:
    """The library's state belongs to the process that made it; after a fork the meter begins anew."""
    meter = machine.meter()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        reading = meter.read()[GPU0]
        os.write(writer, b"joules" if isinstance(reading, CounterReading) else repr(reading).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 200) == b"joules"
    os.close(reader)
    os.close(writer)


def test_no_library(tmp_path: Path) -> None:
    """The message says what to install."""
    with pytest.raises(MeterUnavailable, match="install ROCm's package amd-smi-lib"):
        AmdSmiMeter(load=lambda: ctypes.CDLL(str(tmp_path / "libamd_smi.so")))


def test_no_driver(machine: Machine) -> None:
    """The message names the module and the groups."""
    machine.state.set(init_rc=34)
    with pytest.raises(MeterUnavailable, match=r"modprobe amdgpu.*usermod -aG video,render"):
        machine.meter()


def test_reading_after_close_gives_gaps(machine: Machine) -> None:
    """And closing twice is fine."""
    meter = machine.meter()
    meter.close()
    meter.close()
    assert set(meter.read().values()) == {Gap("the meter is closed")}


def test_states_tell_the_hotter_sensor_and_the_caps(machine: Machine) -> None:
    """Edge 55 and junction 71 degrees: 71; a cap of 500 W where 750 W is the default."""
    machine.state.set(gpu0_edge=55, gpu0_junction=71, gpu0_cap=500_000_000, gpu0_default=750_000_000)
    first, second = machine.meter().states()
    assert (first.celsius, first.power_limit_watts, first.default_power_limit_watts) == (71.0, 500.0, 750.0)
    assert (second.celsius, second.power_limit_watts) == (None, None)
    assert not first.throttle_known


def test_millidegrees_are_taken_for_what_they_are(machine: Machine) -> None:
    """47 000 cannot be degrees."""
    machine.state.set(gpu0_edge=47_000)
    assert machine.meter().states()[0].celsius == 47.0


def test_a_closed_meter_tells_no_states(machine: Machine) -> None:
    """Both GPUs are still named."""
    meter = machine.meter()
    meter.close()
    assert [(s.device_id, s.celsius) for s in meter.states()] == [(GPU0, None), (GPU1, None)]
