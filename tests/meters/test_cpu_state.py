"""States of CPUs, from folders that look like a machine's."""

from __future__ import annotations

from pathlib import Path

from wattmark.meters.cpu_state import CpuStates


def put(root: Path, path: str, text: object) -> None:
    """Write one file of the machine."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


def cpu(root: Path, number: int, *, core: int, package: int = 0, core_events: int, events: int) -> None:
    """One CPU with Intel's counters of thermal events."""
    folder = f"sys/devices/system/cpu/cpu{number}"
    put(root, f"{folder}/topology/physical_package_id", package)
    put(root, f"{folder}/topology/core_id", core)
    put(root, f"{folder}/thermal_throttle/core_throttle_count", core_events)
    put(root, f"{folder}/thermal_throttle/package_throttle_count", events)
    put(root, f"{folder}/cpufreq/scaling_cur_freq", 2_000_000 + 1_000_000 * number)


def test_a_counter_that_rises_is_throttling(tmp_path: Path) -> None:
    """What happened before the first look does not count; an event since then does, once."""
    cpu(tmp_path, 0, core=0, core_events=7, events=3)
    states = CpuStates(["cpu:h"], tmp_path)
    before = states.states()[0]
    assert (before.device_id, before.throttle_known, before.throttled) == ("cpu:h", True, ())
    cpu(tmp_path, 0, core=0, core_events=8, events=3)
    assert states.states()[0].throttled == ("thermal",)
    assert states.states()[0].throttled == ()


def test_clocks_are_averaged(tmp_path: Path) -> None:
    """CPUs at 2 and 3 GHz: 2500 MHz."""
    cpu(tmp_path, 0, core=0, core_events=0, events=0)
    cpu(tmp_path, 1, core=0, core_events=0, events=0)
    assert CpuStates(root=tmp_path).states()[0].clock_megahertz == 2500.0


def test_the_hottest_sensor_of_a_cpu_is_its_temperature(tmp_path: Path) -> None:
    """A disk's sensor is hotter and none of the CPU's."""
    put(tmp_path, "sys/class/hwmon/hwmon0/name", "coretemp")
    put(tmp_path, "sys/class/hwmon/hwmon0/temp1_input", 61_000)
    put(tmp_path, "sys/class/hwmon/hwmon0/temp2_input", 64_500)
    put(tmp_path, "sys/class/hwmon/hwmon1/name", "nvme")
    put(tmp_path, "sys/class/hwmon/hwmon1/temp1_input", 80_000)
    assert CpuStates(root=tmp_path).states()[0].celsius == 64.5


def test_thermal_zones_stand_in_where_no_sensor_is(tmp_path: Path) -> None:
    """A board with ARM: the zone of the CPU, not the battery's."""
    put(tmp_path, "sys/class/thermal/thermal_zone0/type", "cpu-thermal")
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", 48_250)
    put(tmp_path, "sys/class/thermal/thermal_zone1/type", "battery")
    put(tmp_path, "sys/class/thermal/thermal_zone1/temp", 90_000)
    assert CpuStates(root=tmp_path).states()[0].celsius == 48.25


def test_a_machine_that_tells_nothing_is_not_said_to_run_freely(tmp_path: Path) -> None:
    """No counter: not known. The share of others is handed on."""
    state = CpuStates(root=tmp_path, others_share=lambda: 0.25).states()[0]
    assert (state.throttle_known, state.celsius, state.clock_megahertz) == (False, None, None)
    assert state.others_cpu_share == 0.25


def test_a_counter_that_is_lost_makes_throttling_unknown(tmp_path: Path) -> None:
    """One of two counters cannot be read any more: their sum would seem to fall."""
    cpu(tmp_path, 0, core=0, core_events=7, events=3)
    states = CpuStates(root=tmp_path)
    (tmp_path / "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count").unlink()
    assert not states.states()[0].throttle_known


def test_every_package_is_told_of(tmp_path: Path) -> None:
    """Two packages are two devices to their meter; what is known is of the whole machine."""
    cpu(tmp_path, 0, core=0, core_events=0, events=0)
    found = CpuStates(["package-0", "package-1"], tmp_path).states()
    assert [(s.device_id, s.throttle_known) for s in found] == [("package-0", True), ("package-1", True)]
