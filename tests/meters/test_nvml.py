"""NVML: a real shared library, compiled here, stands in for the driver's."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from tests.fakes.library import StateFile, compiled
from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Gap, PowerReading, ProcessUse
from wattmark.core.units import Energy, Power
from wattmark.meters.nvml import NvmlMeter
from wattmark.testing.fakes import ManualClock

GPU0 = "GPU-11111111-2222-3333-4444-555555555555"
GPU1 = "GPU-66666666-7777-8888-9999-000000000000"


class Machine:
    """A machine with NVIDIA GPUs: its state file, a clock, and a way to open the meter."""

    def __init__(self, library: Path, folder: Path) -> None:
        self.library = library
        self.clock = ManualClock()
        self.state = StateFile(
            folder / "nvml.txt",
            "WATTMARK_FAKE_NVML",
            {
                "count": 2,
                "0.uuid": GPU0,
                "0.name": "NVIDIA L4",
                "0.energy": 1_000_000,
                "0.power": 50_000,
                "0.limit": 72_000,
                "1.uuid": GPU1,
                "1.name": "NVIDIA L4",
                "1.energy": 2_000_000,
                "1.limit": 72_000,
            },
        )

    def meter(self) -> NvmlMeter:
        return NvmlMeter(host_id="h", clock=self.clock, load=lambda: ctypes.CDLL(str(self.library)))


@pytest.fixture
def machine(nvml_library: Path, tmp_path: Path) -> Machine:
    return Machine(nvml_library, tmp_path)


def test_reads_joules_by_uuid(machine: Machine) -> None:
    """1 000 000 mJ are 1000 J."""
    readings = machine.meter().read()
    assert readings == {
        GPU0: CounterReading(Energy(1000.0), 1000.0),
        GPU1: CounterReading(Energy(2000.0), 1000.0),
    }


def test_a_counter_is_grade_b_and_knows_its_limit(machine: Machine) -> None:
    """Most power is 1.3 x the enforced limit of 72 W."""
    device = machine.meter().devices[0]
    assert (device.method, device.grade, device.component) == (Method.HARDWARE_COUNTER, Grade.B, "gpu")
    assert device.max_power.watts == pytest.approx(93.6)
    assert device.name == "NVIDIA L4"
    assert device.update_seconds == 0.1


def test_power_is_sampled_only_without_a_counter(machine: Machine) -> None:
    """A GPU before Volta has no counter: grade C, 50 W from nvmlDeviceGetPowerUsage."""
    machine.state.set(gpu0_energy=None)
    meter = machine.meter()
    assert (meter.devices[0].reads, meter.devices[0].grade) == ("power", Grade.C)
    assert meter.devices[1].reads == "counter"
    assert meter.read()[GPU0] == PowerReading(Power(50.0), 1000.0)


def test_power_now_is_preferred_to_a_mean_over_a_second(machine: Machine) -> None:
    """nvmlDeviceGetPowerUsage averages over 1 s on newer GPUs; the field 186 does not."""
    machine.state.set(gpu0_energy=None, gpu0_instant=61_000)
    assert machine.meter().read()[GPU0] == PowerReading(Power(61.0), 1000.0)


@pytest.mark.parametrize("name", ["NVIDIA A100-SXM4-80GB", "NVIDIA H100 PCIe", "NVIDIA H200"])
def test_a_part_time_power_sensor_says_so(machine: Machine, name: str) -> None:
    """A100 and H100 look 25 ms of every 100 ms: 25 % duty, 25 % error."""
    machine.state.set(gpu0_energy=None, gpu0_name=name)
    device = machine.meter().devices[0]
    assert (device.sensor_duty, device.relative_error) == (0.25, 0.25)


def test_the_counter_of_such_a_gpu_has_full_duty(machine: Machine) -> None:
    """Part-time sampling is a matter of the power reading."""
    machine.state.set(gpu0_name="NVIDIA H100 PCIe")
    assert machine.meter().devices[0].sensor_duty == 1.0


@pytest.mark.parametrize("name", ["NVIDIA GH200 480GB", "NVIDIA GB200"])
def test_a_superchip_counts_the_module(machine: Machine, name: str) -> None:
    """GPU, CPU and memory together: the component is the module, and the note warns of counting twice."""
    machine.state.set(gpu0_name=name)
    device = machine.meter().devices[0]
    assert device.component == "module"
    assert "counts twice" in device.note


def test_mig_ids_are_kept_whole(machine: Machine) -> None:
    """The counter is the GPU's; instances are named in full, with no prefix cut off."""
    ids = ("MIG-GPU-MIGMIG-1/3/0", "MIG-a0b1c2d3-0000-1111-2222-333344445555")
    machine.state.set(gpu0_mig=2, gpu0_mig0=ids[0], gpu0_mig1=ids[1])
    meter = machine.meter()
    assert [d.id for d in meter.devices] == [GPU0, GPU1]
    assert meter.instances == {GPU0: ids}
    assert "2 MIG instances share" in meter.devices[0].note


def test_a_gpu_that_vanishes_is_a_gap_and_the_others_go_on(machine: Machine) -> None:
    """NVML_ERROR_GPU_IS_LOST on one GPU."""
    meter = machine.meter()
    machine.state.set(gpu0_rc=15)
    readings = meter.read()
    assert readings[GPU0] == Gap("NVML: GPU is lost")
    assert isinstance(readings[GPU1], CounterReading)


def test_a_gpu_lost_before_the_start_is_named(machine: Machine) -> None:
    """It is listed as a device with gaps, not left out in silence."""
    machine.state.set(gpu0_rc=15)
    meter = machine.meter()
    assert meter.read()["gpu:h/nvml-0"] == Gap("NVML: GPU is lost")
    assert isinstance(meter.read()[GPU1], CounterReading)


def test_a_counter_that_stands_still_is_a_gap(machine: Machine) -> None:
    """A GPU that is on never uses 0 J in five seconds."""
    meter = machine.meter()
    meter.read()
    machine.clock.advance(5)
    assert isinstance(meter.read()[GPU0], Gap)


def test_a_child_process_reads_too(machine: Machine) -> None:
    """NVML's state belongs to the process that made it; after a fork the meter begins anew."""
    meter = machine.meter()
    meter.read()
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
    assert isinstance(meter.read()[GPU0], CounterReading)


def test_busy_time(machine: Machine) -> None:
    """40 % is 0.4; a GPU that does not say is a gap."""
    machine.state.set(gpu0_busy=40)
    assert machine.meter().utilisation() == {GPU0: 0.4, GPU1: Gap("NVML: Not Supported")}


def test_busy_time_by_process(machine: Machine) -> None:
    """Process 7 had 60 and 40 %, process 8 had 30 %: ours 0.5, others 0.3; old samples are left out."""
    machine.state.set(gpu0_proc0="7 100 99", gpu0_proc1="7 300 60", gpu0_proc2="7 400 40")
    machine.state.set(gpu0_proc3="8 350 30")
    use = machine.meter().process_utilisation({7}, since_us=200)
    assert use[GPU0] == ProcessUse(own=0.5, others=pytest.approx(0.3), until_us=400)
    assert use[GPU1] == ProcessUse(own=0.0, others=0.0, until_us=200)


def test_busy_time_by_process_may_be_refused(machine: Machine) -> None:
    """Without permission it is a gap, never "nobody used it"."""
    machine.state.set(gpu0_proc0_rc=4)
    assert machine.meter().process_utilisation({7}, 0)[GPU0] == Gap("NVML: Insufficient Permissions")


def test_no_driver(tmp_path: Path) -> None:
    """The message says what to install."""
    with pytest.raises(MeterUnavailable, match="install the NVIDIA driver"):
        NvmlMeter(load=lambda: ctypes.CDLL(str(tmp_path / "libnvidia-ml.so.1")))


def test_a_driver_that_is_not_loaded(machine: Machine) -> None:
    """NVML_ERROR_DRIVER_NOT_LOADED names the command."""
    machine.state.set(init_rc=9)
    with pytest.raises(MeterUnavailable, match="sudo modprobe nvidia"):
        machine.meter()


def test_no_gpu(machine: Machine) -> None:
    """A driver without GPUs is not a meter that reads zero."""
    machine.state.set(count=0)
    with pytest.raises(MeterUnavailable, match="shows no GPU"):
        machine.meter()


def test_reading_after_close_gives_gaps(machine: Machine) -> None:
    """And closing twice is fine."""
    meter = machine.meter()
    meter.close()
    meter.close()
    assert set(meter.read().values()) == {Gap("the meter is closed")}


def test_states_tell_temperature_throttling_limits_and_clock(machine: Machine) -> None:
    """0x48: hardware slowdown for heat; 0x04, the software power cap, is told by the limits alone."""
    machine.state.set(
        gpu0_celsius=84, gpu0_reasons=0x4C, gpu0_default=100_000, gpu0_clock=1980, gpu1_reasons=0
    )
    hot, quiet = machine.meter().states()
    assert (hot.device_id, hot.celsius, hot.clock_megahertz) == (GPU0, 84.0, 1980.0)
    assert (hot.throttled, hot.throttle_known) == (("hw_slowdown", "thermal"), True)
    assert (hot.power_limit_watts, hot.default_power_limit_watts) == (72.0, 100.0)
    assert (quiet.throttled, quiet.throttle_known, quiet.celsius) == ((), True, None)


@pytest.mark.parametrize(
    ("bits", "reasons"), [(0x20, ("thermal",)), (0x80, ("power_brake",)), (0x117, ()), (0x60, ("thermal",))]
)
def test_reasons_are_told_by_what_they_mean(machine: Machine, bits: int, reasons: tuple[str, ...]) -> None:
    """Both thermal slowdowns are one reason; idle, set clocks, cap, sync boost and display are none."""
    machine.state.set(gpu0_reasons=bits)
    assert machine.meter().states()[0].throttled == reasons


def test_a_gpu_that_tells_nothing_is_not_said_to_run_freely(machine: Machine) -> None:
    """Without the function's answer it is not known whether it throttles."""
    state = machine.meter().states()[0]
    assert (state.throttle_known, state.throttled, state.default_power_limit_watts) == (False, (), None)


def test_a_lost_gpu_has_a_state_of_which_nothing_is_known(machine: Machine) -> None:
    """GPU 0 falls off the bus between two looks: GPU 1 is still told of."""
    machine.state.set(gpu0_reasons=0, gpu1_reasons=0)
    meter = machine.meter()
    machine.state.set(gpu0_rc=15)
    lost, other = meter.states()
    assert (lost.throttle_known, lost.power_limit_watts) == (False, None)
    assert (other.throttle_known, other.power_limit_watts) == (True, 72.0)
    meter.close()
    assert [s.throttle_known for s in meter.states()] == [False, False]


def test_older_drivers_know_the_reasons_by_their_older_name(tmp_path: Path) -> None:
    """Before driver 535 only nvmlDeviceGetCurrentClocksThrottleReasons is there."""
    machine = Machine(compiled("nvml", tmp_path, "-DOLD_DRIVER"), tmp_path)
    machine.state.set(gpu0_reasons=0x40)
    assert machine.meter().states()[0].throttled == ("thermal",)
