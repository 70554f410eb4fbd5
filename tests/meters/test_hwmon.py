"""hwmon: a folder stands in for /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.hwmon import HwmonTree, grace
from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import CounterReading, Gap, PowerReading
from wattmark.core.units import Energy, Power
from wattmark.meters.hwmon import HwmonMeter
from wattmark.testing.fakes import ManualClock

CARD = "0000:03:00.0"


@pytest.fixture
def tree(tmp_path: Path) -> HwmonTree:
    return HwmonTree(tmp_path)


def a_meter(tree: HwmonTree) -> HwmonMeter:
    return HwmonMeter(host_id="h", clock=ManualClock(), root=tree.root)


def test_an_intel_gpu_counts_energy(tree: HwmonTree) -> None:
    """2 500 000 uJ are 2.5 J; the id is the PCI address, since hwmon numbers change from boot to boot."""
    tree.add("i915", CARD, energy1_input=2_500_000, power1_rated_max=225_000_000)
    meter = a_meter(tree)
    assert meter.read() == {f"gpu:h/pci-{CARD}": CounterReading(Energy(2.5), 1000.0)}
    assert meter.devices[0].max_power == Power(292.5)
    assert meter.devices[0].grade is Grade.B


def test_its_counter_must_be_read_before_the_register_runs_over(tree: HwmonTree) -> None:
    """32 bits of 2^-14 J: 262 144 J."""
    tree.add("xe", CARD, energy1_input=1)
    assert a_meter(tree).devices[0].wraps_at == Energy(262_144.0)


def test_tiles_and_package_are_parts_of_the_card(tree: HwmonTree) -> None:
    """Adding a tile to its card would count it twice."""
    tree.add("i915", CARD, energy1_input=5)
    tree.add("i915_gt0", CARD, energy1_input=3)
    tree.add(
        "xe", "0000:04:00.0", energy1_input=5, energy1_label="card", energy2_input=3, energy2_label="pkg"
    )
    assert {d.id: d.part_of for d in a_meter(tree).devices} == {
        "gpu:h/pci-0000:03:00.0": None,
        "gpu:h/pci-0000:03:00.0/gt0": "gpu:h/pci-0000:03:00.0",
        "gpu:h/pci-0000:04:00.0": None,
        "gpu:h/pci-0000:04:00.0/pkg": "gpu:h/pci-0000:04:00.0",
    }


def test_grace_sensors_lie_inside_one_another(tree: HwmonTree) -> None:
    """The module holds the Grace socket, which holds its cores and its fabric: 700 W in all, not 1130 W."""
    grace(tree, socket=0, module=700, chip=250, cpu=150, sysio=30)
    meter = a_meter(tree)
    assert {d.id: d.part_of for d in meter.devices} == {
        "module:h/socket-0": None,
        "cpu:h/socket-0": "module:h/socket-0",
        "cpu:h/socket-0/cpu": "cpu:h/socket-0",
        "cpu:h/socket-0/sysio": "cpu:h/socket-0",
    }
    readings = meter.read()
    outer = [readings[d.id] for d in meter.devices if d.part_of is None]
    assert outer == [PowerReading(Power(700.0), 1000.0)]
    assert meter.devices[0].update_seconds == 0.05
    assert meter.devices[0].grade is Grade.C


def test_a_grace_socket_without_a_module_sensor_stands_for_itself(tree: HwmonTree) -> None:
    """It is part of nothing that is read here."""
    tree.add(
        "power_meter", in_device=True, power1_oem_info="Grace Power Socket 1", power1_average=250_000_000
    )
    assert [(d.id, d.part_of) for d in a_meter(tree).devices] == [("cpu:h/socket-1", None)]


@pytest.mark.parametrize(
    ("accuracy", "grade", "error"),
    [
        ("97.0%", Grade.A, 0.05),
        ("95.0%", Grade.A, 0.05),
        ("2.0%", Grade.A, 0.05),
        ("80.0%", Grade.C, 0.2),
        ("100.0%", Grade.C, 0.1),
        (None, Grade.C, 0.1),
    ],
)
def test_an_acpi_meter_measures_the_node(
    tree: HwmonTree, accuracy: str | None, grade: Grade, error: float
) -> None:
    """Grade A only where the firmware states that it is 5 % off at most."""
    files = {"power1_average": 220_000_000, "power1_average_interval": 1000}
    tree.add("power_meter", in_device=True, **files, **({"power1_accuracy": accuracy} if accuracy else {}))
    device = a_meter(tree).devices[0]
    assert (device.id, device.boundary, device.method) == ("node:h", Boundary.NODE, Method.BMC)
    assert device.grade is grade
    assert device.relative_error == pytest.approx(error)


def test_a_jetson_rail_is_voltage_times_current(tree: HwmonTree) -> None:
    """5000 mV x 2000 mA = 10 W; rails lie inside VDD_IN."""
    channels = {"in1_label": "VDD_IN", "in1_input": 5000, "curr1_input": 2000}
    channels |= {"in2_label": "VDD_CPU_GPU_CV", "in2_input": 5000, "curr2_input": 400}
    tree.add("ina3221", **channels)
    meter = a_meter(tree)
    assert meter.read() == {
        "module:h/VDD_IN": PowerReading(Power(10.0), 1000.0),
        "gpu:h/VDD_CPU_GPU_CV": PowerReading(Power(2.0), 1000.0),
    }
    assert meter.devices[1].part_of == "module:h/VDD_IN"


def test_old_amd_sockets_without_their_cores(tree: HwmonTree) -> None:
    """The sockets hold the cores."""
    tree.add(
        "amd_energy",
        energy1_label="Ecore000",
        energy1_input=1,
        energy2_label="Esocket0",
        energy2_input=9_000_000,
    )
    assert a_meter(tree).read() == {"cpu:h/package-0": CounterReading(Energy(9.0), 1000.0)}


def test_unknown_chips_are_not_added_up(tree: HwmonTree) -> None:
    """A rail of something, a drive, an AMD GPU that AMD SMI reads: named, and left out."""
    tree.add("ina226", power1_input=3_000_000)
    tree.add("amdgpu", power1_average=90_000_000)
    tree.add("nvme", temp1_input=40_000)
    with pytest.raises(MeterUnavailable, match=r"seen: amdgpu, ina226, nvme"):
        a_meter(tree)


def test_a_sensor_at_zero_is_a_gap(tree: HwmonTree) -> None:
    """A socket that answers draws power."""
    files = grace(tree, 0, 700, 250, 150, 30)
    meter = a_meter(tree)
    (files["Grace"] / "power1_average").write_text("0\n")
    readings = meter.read()
    assert isinstance(readings["cpu:h/socket-0"], Gap)
    assert isinstance(readings["module:h/socket-0"], PowerReading)


def test_a_sensor_that_cannot_be_read_is_a_gap(tree: HwmonTree) -> None:
    """Half of a product is not a reading either."""
    place = tree.add("ina3221", in1_label="VDD_IN", in1_input=5000, curr1_input=2000)
    meter = a_meter(tree)
    (place / "curr1_input").write_text("")
    assert isinstance(meter.read()["module:h/VDD_IN"], Gap)


def test_no_chip_at_all(tmp_path: Path) -> None:
    """The reason says so."""
    with pytest.raises(MeterUnavailable, match="no chip at all"):
        HwmonMeter(root=tmp_path)
