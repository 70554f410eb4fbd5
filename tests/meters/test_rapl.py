"""RAPL through powercap: a folder stands in for /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.core.errors import MeterUnavailable
from wattmark.core.readings import CounterReading, Gap, energy_between
from wattmark.core.units import Energy, Power
from wattmark.meters.rapl import RaplMeter
from wattmark.meters.sysfs import open_for_reading
from wattmark.testing.fakes import ManualClock, PowercapTree, Zone, powercap_tree

LIMITS = {"long_term": 100_000_000, "short_term": 200_000_000}
LAPTOP = (
    Zone("intel-rapl:0", "package-0", limits_uw=LIMITS),
    Zone("intel-rapl:0:0", "core"),
    Zone("intel-rapl:0:1", "uncore"),
    Zone("intel-rapl:0:2", "dram"),
    Zone("intel-rapl:1", "psys"),
    Zone("intel-rapl-mmio:0", "package-0"),
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def laptop(tmp_path: Path) -> PowercapTree:
    return powercap_tree(tmp_path / "powercap", LAPTOP)


def a_meter(tree: PowercapTree, clock: ManualClock, cpuinfo: Path = Path("/nonexistent")) -> RaplMeter:
    return RaplMeter(host_id="h", clock=clock, root=tree.root, cpuinfo=cpuinfo)


def test_reads_joules(laptop: PowercapTree, clock: ManualClock) -> None:
    """2 500 000 microjoules are 2.5 J, stamped with the clock."""
    laptop.set("intel-rapl:0", 2_500_000)
    assert a_meter(laptop, clock).read()["cpu:h/package-0"] == CounterReading(Energy(2.5), 1000.0)


def test_zones_that_contain_one_another_are_linked(laptop: PowercapTree, clock: ManualClock) -> None:
    """psys holds the package and the memory, the package holds its cores: a sum takes one level only."""
    parents = {d.id: d.part_of for d in a_meter(laptop, clock).devices}
    assert parents == {
        "cpu:h/package-0": "cpu:h/psys",
        "cpu:h/package-0/core": "cpu:h/package-0",
        "cpu:h/package-0/uncore": "cpu:h/package-0",
        "dram:h/package-0": "cpu:h/psys",
        "cpu:h/psys": None,
    }


def test_memory_is_not_part_of_its_package(tmp_path: Path, clock: ManualClock) -> None:
    """Without a platform zone, package and memory stand side by side and add up."""
    tree = powercap_tree(tmp_path, [Zone("intel-rapl:0", "package-0"), Zone("intel-rapl:0:0", "dram")])
    assert {d.id: d.part_of for d in a_meter(tree, clock).devices} == {
        "cpu:h/package-0": None,
        "dram:h/package-0": None,
    }


def test_the_same_package_under_mmio_is_not_counted_again(laptop: PowercapTree, clock: ManualClock) -> None:
    """intel-rapl-mmio shows the package a second time."""
    assert len([d for d in a_meter(laptop, clock).devices if d.id.endswith("package-0")]) == 2  # cpu and dram


def test_intel_dies_are_two_devices(tmp_path: Path, clock: ManualClock) -> None:
    """Each die of an Intel multi-die package has a counter of its own."""
    zones = [Zone("intel-rapl:0", "package-0-die-0"), Zone("intel-rapl:1", "package-0-die-1")]
    ids = [d.id for d in a_meter(powercap_tree(tmp_path, zones), clock).devices]
    assert ids == ["cpu:h/package-0-die-0", "cpu:h/package-0-die-1"]


def test_amd_dies_are_one_package(tmp_path: Path, clock: ManualClock) -> None:
    """Some kernels show AMD's package counter once per die: summing would bill the socket twice."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("vendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9654 96-Core Processor\n")
    zones = [
        Zone("intel-rapl:0", "package-0-die-0"),
        Zone("intel-rapl:0:0", "core"),
        Zone("intel-rapl:1", "package-0-die-1"),
    ]
    devices = a_meter(powercap_tree(tmp_path / "p", zones), clock, cpuinfo).devices
    assert [(d.id, d.name) for d in devices] == [("cpu:h/package-0", "AMD EPYC 9654 96-Core Processor")]


def test_a_wrap_is_counted(tmp_path: Path, clock: ManualClock) -> None:
    """90 J, wrap at 100 J, then 5 J: 15 J."""
    tree = powercap_tree(tmp_path, [Zone("intel-rapl:0", "package-0", 90_000_000, 100_000_000, LIMITS)])
    meter = a_meter(tree, clock)
    before = meter.read()["cpu:h/package-0"]
    tree.spend("intel-rapl:0", 15)
    clock.advance(0.3)
    after = meter.read()["cpu:h/package-0"]
    assert tree.shows("intel-rapl:0") == 5_000_000
    assert isinstance(before, CounterReading)
    assert isinstance(after, CounterReading)
    used = energy_between(before, after, meter.devices[0])
    assert isinstance(used, Energy)
    assert used.joules == pytest.approx(15)


@pytest.mark.parametrize(
    ("limits", "watts"),
    [
        ({"long_term": 100_000_000, "short_term": 200_000_000}, 260.0),
        ({"long_term": 100_000_000}, 1000.0),
        ({"long_term": 100_000_000, "short_term": 0}, 1000.0),
        ({}, 1000.0),
        ({"long_term": 100_000_000, "short_term": 4_095_000_000}, 1000.0),
    ],
)
def test_most_power_comes_from_the_short_term_limit(
    tmp_path: Path, clock: ManualClock, limits: dict[str, int], watts: float
) -> None:
    """1.3 x the short-term limit; a long-term limit alone is no bound, since turbo goes far above it."""
    tree = powercap_tree(tmp_path, [Zone("intel-rapl:0", "package-0", limits_uw=limits)])
    assert a_meter(tree, clock).devices[0].max_power == Power(watts)


def test_a_damaged_counter_is_a_gap_and_the_others_go_on(laptop: PowercapTree, clock: ManualClock) -> None:
    """Never a zero: one unreadable file must not turn into joules elsewhere."""
    meter = a_meter(laptop, clock)
    laptop.damage("intel-rapl:0")
    readings = meter.read()
    assert isinstance(readings["cpu:h/package-0"], Gap)
    assert isinstance(readings["dram:h/package-0"], CounterReading)


def deny(*names: str):  # type: ignore[no-untyped-def]
    """An opener for which some zones belong to root."""

    def opener(path: Path) -> int:
        if path.parent.name in names:
            raise PermissionError(13, "Permission denied", str(path))
        return open_for_reading(path)

    return opener


def test_counters_for_root_only_say_how_to_open_them(tmp_path: Path) -> None:
    """The message holds the command that helps."""
    tree = powercap_tree(tmp_path)
    with pytest.raises(MeterUnavailable, match=r"sudo chmod a\+r /sys/class/powercap/intel-rapl:\*/energy"):
        RaplMeter(root=tree.root, opener=deny("intel-rapl:0"))


def test_a_partly_readable_tree_names_what_it_cannot_read(laptop: PowercapTree, clock: ManualClock) -> None:
    """The unreadable zone stays a device, its readings are gaps with the reason."""
    meter = RaplMeter(host_id="h", clock=clock, root=laptop.root, opener=deny("intel-rapl:0:2"))
    gap = meter.read()["dram:h/package-0"]
    assert isinstance(gap, Gap)
    assert "CVE-2020-8694" in gap.reason
    assert "dram:h/package-0" in [d.id for d in meter.devices]


def test_counters_that_are_all_zero_are_refused(tmp_path: Path) -> None:
    """A virtual machine may show the files with nothing behind them."""
    tree = powercap_tree(tmp_path, [Zone("intel-rapl:0", "package-0", energy_uj=0)])
    with pytest.raises(MeterUnavailable, match="shows 0"):
        RaplMeter(root=tree.root)


def test_a_counter_that_stands_still_is_a_gap(laptop: PowercapTree, clock: ManualClock) -> None:
    """No package uses 0 J in ten seconds; the difference of two equal readings would be a silent zero."""
    meter = a_meter(laptop, clock)
    meter.read()
    clock.advance(10)
    gap = meter.read()["cpu:h/package-0"]
    assert gap == Gap("the counter has not moved for 10.0 s, though the hardware is on")


def test_a_core_that_sleeps_is_no_gap(laptop: PowercapTree, clock: ManualClock) -> None:
    """Graphics and cores may really use nothing."""
    meter = a_meter(laptop, clock)
    meter.read()
    clock.advance(10)
    assert isinstance(meter.read()["cpu:h/package-0/uncore"], CounterReading)


def test_no_zones_at_all(tmp_path: Path) -> None:
    """The reason names the module that may be missing."""
    with pytest.raises(MeterUnavailable, match="modprobe intel_rapl_msr"):
        RaplMeter(root=tmp_path, cpuinfo=Path("/nonexistent"))


def test_no_zones_in_a_virtual_machine(tmp_path: Path) -> None:
    """There, loading a module does not help, and the reason says so."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t\t: fpu vme hypervisor lahf_lm\n")
    with pytest.raises(MeterUnavailable, match="virtual machine"):
        RaplMeter(root=tmp_path, cpuinfo=cpuinfo)


@pytest.mark.parametrize(("platform_joules", "trusted"), [(150, True), (100, True), (3, False)])
def test_a_platform_counter_below_its_packages_is_distrusted(
    laptop: PowercapTree, clock: ManualClock, platform_joules: float, trusted: bool
) -> None:
    """80 J and 20 J inside a platform of 3 J: as the outermost device it would hide 97 J."""
    meter = a_meter(laptop, clock)
    for look in range(3):
        reading = meter.read()["cpu:h/psys"]
        assert isinstance(reading, CounterReading) == (trusted or look == 0)
        laptop.spend("intel-rapl:0", 80)
        laptop.spend("intel-rapl:0:2", 20)
        laptop.spend("intel-rapl:1", platform_joules)
        clock.advance(1)


def test_later_platform_zones_are_left_out(tmp_path: Path, clock: ManualClock) -> None:
    """Only the first socket's psys counts the platform."""
    zones = [
        Zone("intel-rapl:0", "package-0"),
        Zone("intel-rapl:1", "psys"),
        Zone("intel-rapl:2", "package-1"),
        Zone("intel-rapl:3", "psys-1"),
    ]
    devices = a_meter(powercap_tree(tmp_path, zones), clock).devices
    assert [d.id for d in devices] == ["cpu:h/package-0", "cpu:h/psys", "cpu:h/package-1"]
