"""The meter of last resort: a sum that can be done in the head, always grade D."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import CounterReading, Gap
from wattmark.meters.model import CpuRow, ModelMeter, NodeModel, cpu_name, cpu_row, default_error, node_model
from wattmark.testing.fakes import ManualClock

WALL = CpuRow(name="Wall", idle_watts_per_thread=1.0, max_watts_per_thread=3.0, source="s", wall=True)
TDP = CpuRow(name="Tdp", idle_watts_per_thread=1.0, max_watts_per_thread=3.0, source="s", wall=False)
K = NodeModel(dram_watts_per_gb=0.5, rest_share=0.25, idle_share_of_tdp=0.1, busy_share_of_tdp=1.0)


class Proc:
    """A fake /proc with busy seconds and 10 GB of memory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.busy(0.0)
        (root / "meminfo").write_text(f"MemTotal: {10_000_000_000 // 1024} kB\n")

    def busy(self, seconds: float) -> None:
        ticks = round(seconds * 100)
        (self.root / "stat").write_text(f"cpu  {ticks} 0 0 1000 0 0 0 0 0 0\n")


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def used(meter: ModelMeter, proc: Proc, clock: ManualClock, seconds: float, busy: float) -> dict[str, float]:
    """Joules by component over so many seconds with so many busy CPU seconds."""
    before = meter.read()
    clock.advance(seconds)
    proc.busy(busy)
    after = meter.read()
    found: dict[str, float] = {}
    for device in meter.devices:
        a, b = before[device.id], after[device.id]
        assert isinstance(a, CounterReading)
        assert isinstance(b, CounterReading)
        found[device.component] = b.total.joules - a.total.joules
    return found


def test_a_wall_row_is_the_whole_node(proc: Proc) -> None:
    """4 threads for 10 s, 20 of 40 CPU seconds busy: 4 W idle + 2 W x 2 busy = 80 J, at node boundary."""
    clock = ManualClock()
    meter = ModelMeter(proc=proc.root, clock=clock, cpu=WALL, constants=K, threads=4)
    assert used(meter, proc, clock, 10.0, 20.0) == {"node": pytest.approx(80.0)}
    (device,) = meter.devices
    assert (device.boundary, device.grade, device.method) == (Boundary.NODE, Grade.D, Method.MODELLED)
    assert device.max_power.watts == pytest.approx(12.0 * 1.3)
    assert device.idle_power is not None
    assert device.idle_power.watts == 4.0
    assert device.relative_error == 0.5


def test_only_memory_beyond_the_measured_machines_is_added(proc: Proc) -> None:
    """10 GB where 4 threads came with 8: 2 GB at 0.5 W."""
    row = CpuRow(
        name="W",
        idle_watts_per_thread=1.0,
        max_watts_per_thread=3.0,
        source="s",
        wall=True,
        memory_gb_per_thread=2.0,
    )
    clock = ManualClock()
    meter = ModelMeter(proc=proc.root, clock=clock, cpu=row, constants=K, threads=4)
    assert used(meter, proc, clock, 1.0, 0.0) == {"node": pytest.approx(5.0, abs=1e-6)}


def test_a_tdp_row_is_cpu_memory_and_the_rest(proc: Proc) -> None:
    """CPU 8 J, memory 5 J (10 GB), the rest a quarter of both; together they stand for the node."""
    clock = ManualClock()
    meter = ModelMeter(proc=proc.root, clock=clock, cpu=TDP, constants=K, threads=4)
    found = used(meter, proc, clock, 1.0, 2.0)
    assert found == {
        "cpu": pytest.approx(8.0),
        "dram": pytest.approx(5.0, abs=1e-4),
        "rest_of_node": pytest.approx(13.0 / 4, abs=1e-4),
    }
    assert {d.boundary for d in meter.devices} == {Boundary.DEVICE}


def test_what_cannot_be_read_is_a_gap(proc: Proc) -> None:
    """The file vanishes, turns to nonsense, or the meter is closed."""
    meter = ModelMeter(proc=proc.root, clock=ManualClock(), cpu=WALL, constants=K, threads=4)
    for text in ("", "cpu x y\n"):
        (proc.root / "stat").write_text(text)
        assert all(isinstance(r, Gap) for r in meter.read().values())
    (proc.root / "stat").unlink()
    assert all(isinstance(r, Gap) for r in meter.read().values())
    proc.busy(1.0)
    assert all(isinstance(r, CounterReading) for r in meter.read().values())
    meter.close()
    assert meter.read() == {"node:localhost/model": Gap("the meter is closed")}


def test_a_machine_that_does_not_tell_its_time_has_no_model(tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / "stat").write_text("cpu x\n")
    with pytest.raises(MeterUnavailable, match="cannot be read"):
        ModelMeter(proc=tmp_path, cpu=WALL, constants=K)


@pytest.mark.parametrize(
    ("key", "name"), [("model name", "AMD EPYC 7R13"), ("Model", "Raspberry Pi 5"), ("cpu model", "MIPS")]
)
def test_the_kernels_name_of_the_cpu_is_read(tmp_path: Path, key: str, name: str) -> None:
    """x86, ARM boards, MIPS."""
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{key}\t: {name}\n")
    assert cpu_name(tmp_path) == name


def test_a_cpu_without_a_name_is_its_architecture(tmp_path: Path) -> None:
    """Without starting a program to ask."""
    assert cpu_name(tmp_path)
    (tmp_path / "cpuinfo").write_text("processor\t: 0\n")
    assert cpu_name(tmp_path)


def test_any_cpu_has_a_row() -> None:
    """A known one its own, an unknown one the published average."""
    known = cpu_row("AMD EPYC 7R13 Processor", node_model())
    assert "EPYC" in known.name
    unknown = cpu_row("a CPU from next year", node_model())
    assert (unknown.idle_watts_per_thread, unknown.max_watts_per_thread) == (0.74, 3.5)
    assert unknown.source


def test_a_thermal_design_power_is_spread_over_threads() -> None:
    """12 % of it at rest, 102 % when busy (the bundled curve), per thread."""
    constants = node_model()
    row = cpu_row("13th Gen Intel(R) Core(TM) i9-13900K", constants)
    assert not row.wall
    assert row.source.endswith("(TDP)")
    assert row.max_watts_per_thread / row.idle_watts_per_thread == pytest.approx(1.02 / 0.12)


def test_every_method_has_a_default_error() -> None:
    """Half for a model, 5 % for a counter."""
    assert default_error(Method.MODELLED) == 0.5
    assert default_error(Method.HARDWARE_COUNTER) == 0.05
