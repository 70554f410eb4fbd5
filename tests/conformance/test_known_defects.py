"""Defects that were reproduced in published tools, each as a rule for ours.

The rules that concern one meter alone (wrap, reset, dead counter, fork, MIG identities) are in
``wattmark.testing.meter_suite`` and ``tests/meters``; here are those that need windows, shares or several
meters.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wattmark
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.readings import CounterReading, Device, PowerReading, power_plausible
from wattmark.core.run import EnergyRow
from wattmark.core.units import Energy, Power
from wattmark.measure.meterset import MeterSet, linked
from wattmark.measure.processes import CpuTimes, shares
from wattmark.measure.timeline import Timeline
from wattmark.meters import uncertainty
from wattmark.testing.fakes import FakeMeter, ManualClock, SteadyMeter, a_device

PACKAGE = Path(wattmark.__file__).parent
SOURCES = sorted([*(PACKAGE / "meters").glob("*.py"), *(PACKAGE / "measure").glob("*.py")])


class Busy:
    """CPU times that a test sets: a machine of four CPUs."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.busy = 0.0
        self.own = 0.0

    def pids(self) -> list[int]:
        return []

    def read(self) -> CpuTimes | None:
        return CpuTimes(busy=self.busy, capacity=4 * self._clock(), own=self.own)


def a_timeline(meter: SteadyMeter | FakeMeter, clock: ManualClock, cpu: Busy | None = None) -> Timeline:
    meters = MeterSet(meters=(meter,), devices=linked(meter.devices))
    return Timeline(meters, cpu or Busy(clock), clock, 1.0)  # type: ignore[arg-type]


def wholes(timeline: Timeline) -> list[EnergyRow]:
    return [r for r in timeline.rows() if r.scope is Scope.WHOLE]


@given(
    own=st.floats(0, 4),
    others=st.floats(0, 4),
    watts=st.floats(1, 500),
)
def test_shares_make_up_the_whole(own: float, others: float, watts: float) -> None:
    """Ours, others' and idle are the device's energy: not linear for one and cubic for the other.

    A tool gave a process 50 W on a machine that it gave 21 W.
    """
    clock = ManualClock()
    cpu = Busy(clock)
    timeline = a_timeline(SteadyMeter(clock, {"cpu:h/package-0": watts}, max_power=Power(1000)), clock, cpu)
    clock.advance(1.0)
    cpu.own, cpu.busy = own, min(own + others, 4.0)
    timeline.cut()
    rows = timeline.rows()
    whole = sum(r.energy_joules for r in rows if r.scope is Scope.WHOLE)
    parts = {r.party: r.energy_joules for r in rows if r.scope is Scope.SHARE}
    assert set(parts) == {"own", "others", "idle"}
    assert sum(parts.values()) == pytest.approx(whole)
    assert min(parts.values()) >= 0
    assert parts["own"] <= whole * (1 + 1e-12)


@given(loads=st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_many_trackers_never_exceed_the_machine(loads: list[float]) -> None:
    """Each has its own share; together at most the device. A floor of 10 W per process made 3 exceed it."""
    before = CpuTimes(busy=0, capacity=0, own=0)
    taken = [
        divided.own
        for own in loads
        if (divided := shares(before, CpuTimes(busy=sum(loads), capacity=4, own=own))) is not None
    ]
    assert len(taken) == len(loads)
    assert sum(taken) <= 1 + 1e-9


def test_a_window_observes_all_of_its_time() -> None:
    """A counter that is read at both edges has seen everything in between.

    A tool slept while it did not look, and scaled the other half up.
    """
    clock = ManualClock()
    timeline = a_timeline(SteadyMeter(clock, {"cpu:h/package-0": 50.0}), clock)
    clock.advance(10)
    timeline.cut()
    row = wholes(timeline)[0]
    assert row.coverage == 1.0
    assert row.energy_joules == pytest.approx(500)


def test_sampled_power_is_never_scaled_up() -> None:
    """Ten seconds without a look are a gap of ten seconds: what was seen is not stretched over them."""
    clock = ManualClock()
    meter = SteadyMeter(
        clock, {"gpu:h/0": 50.0}, reads="power", method=Method.INTEGRATED_POWER, grade=Grade.C
    )
    timeline = a_timeline(meter, clock)
    for seconds in (1, 1, 10, 1, 1):
        clock.advance(seconds)
        timeline.tick()
    row = wholes(timeline)[0]
    assert row.energy_joules == pytest.approx(200)
    assert row.observed_seconds == pytest.approx(4)
    assert row.coverage == pytest.approx(4 / 14)


def test_no_sensor_is_not_zero_joules() -> None:
    """A device that never answers has no coverage and says why. Tools wrote 0 J with success."""
    clock = ManualClock()
    meter = FakeMeter([a_device()], [])
    timeline = a_timeline(meter, clock)
    clock.advance(10)
    timeline.cut()
    row = wholes(timeline)[0]
    assert row.coverage == 0.0
    assert [g.reason for g in row.gaps] == ["the script says nothing here"]


def test_a_wrap_between_two_looks_is_arithmetic() -> None:
    """90 J, end at 100 J, then 5 J: 15 J. Tools gave minus 262 138 J and 0 W."""
    clock = ManualClock()
    device = a_device(wraps_at=Energy(100.0))
    looks = [{device.id: CounterReading(Energy(j), 1000.0 + t)} for t, j in ((0.0, 90.0), (0.5, 5.0))]
    timeline = a_timeline(FakeMeter([device], looks), clock)
    clock.advance(0.5)
    timeline.cut()
    assert wholes(timeline)[0].energy_joules == pytest.approx(15)


def test_a_counter_left_for_longer_than_a_wrap_is_a_gap() -> None:
    """100 W and a range of 100 J: after one second nobody knows how often it went round."""
    clock = ManualClock()
    device = a_device(wraps_at=Energy(100.0))
    looks = [{device.id: CounterReading(Energy(j), 1000.0 + t)} for t, j in ((0.0, 10.0), (5.0, 60.0))]
    timeline = a_timeline(FakeMeter([device], looks), clock)
    clock.advance(5)
    timeline.cut()
    row = wholes(timeline)[0]
    assert (row.energy_joules, row.coverage) == (0.0, 0.0)
    assert "longer than the counter's range" in row.gaps[0].reason


def test_an_unreadable_counter_turns_into_no_joules() -> None:
    """Two looks fail, the counter goes on: the difference bridges them. 150 J became 262 294 J elsewhere."""
    clock = ManualClock()
    device = a_device(wraps_at=Energy(262_143.0))
    looks = [{device.id: CounterReading(Energy(j), 1000.0 + t)} for t, j in ((0.0, 500.0), (3.0, 650.0))]
    timeline = a_timeline(FakeMeter([device], [looks[0], {}, {}, looks[1]]), clock)
    for _ in range(3):
        clock.advance(1)
        timeline.tick()
    timeline.cut()
    assert sum(r.energy_joules for r in wholes(timeline)) == pytest.approx(150)


def gpu(device_id: str, component: str, source: str = "nvml") -> Device:
    return a_device(device_id, component=component, source=source)


def test_a_superchip_is_not_counted_twice() -> None:
    """GH200: NVML counts the module, Grace's sensors lie inside it; the top level is the module alone."""
    devices = linked(
        [
            gpu("GPU-1", "module"),
            a_device("module:h/socket-0", component="module", source="hwmon"),
            a_device("cpu:h/socket-0", component="cpu", source="hwmon", part_of="module:h/socket-0"),
        ]
    )
    assert {d.id: d.part_of for d in devices} == {
        "GPU-1": None,
        "module:h/socket-0": "GPU-1",
        "cpu:h/socket-0": "module:h/socket-0",
    }


def test_each_superchip_holds_its_own_cpu() -> None:
    """Four modules in a node: socket 2 lies in the third."""
    modules = [gpu(f"GPU-{n}", "module") for n in range(4)]
    cpus = [a_device(f"cpu:h/socket-{n}", source="hwmon") for n in range(4)]
    found = {d.id: d.part_of for d in linked([*modules, *cpus])}
    assert found["cpu:h/socket-2"] == "GPU-2"
    assert [found[m.id] for m in modules] == [None] * 4


def test_a_graphics_card_is_not_part_of_a_platform_counter() -> None:
    """psys counts the CPU's platform; a discrete GPU beside it adds."""
    devices = linked([a_device("cpu:h/psys"), gpu("GPU-1", "gpu")])
    assert [d.part_of for d in devices] == [None, None]


def test_a_node_holds_everything() -> None:
    """Its BMC's reading is the total; CPU and GPU are parts of it."""
    node = a_device("node:h", component="node", source="ipmi", boundary=Boundary.NODE)
    devices = linked([a_device(), gpu("GPU-1", "gpu"), node])
    assert [d.part_of for d in devices] == ["node:h", "node:h", None]


def test_what_two_meters_read_is_counted_once() -> None:
    """The node by IPMI and by Redfish: one device, and the readings of the first meter."""
    clock = ManualClock()
    first, second = SteadyMeter(clock, {"node:h": 100.0}), SteadyMeter(clock, {"node:h": 900.0})
    devices = linked([*first.devices, *second.devices])
    meters = MeterSet(meters=(first, second), devices=devices)
    clock.advance(1)
    assert len(devices) == 1
    assert meters.read() == {"node:h": CounterReading(Energy(100.0), 1001.0)}


def test_milliwatts_taken_for_watts_are_refused() -> None:
    """An exporter published milliwatts under a name in watts: 50 000 W on a 72 W card is nonsense."""
    device = a_device(reads="power", max_power=Power(1.3 * 72))
    assert power_plausible(PowerReading(Power(50.0), 0.0), device)
    assert not power_plausible(PowerReading(Power(50_000.0), 0.0), device)


def calls_in(path: Path) -> set[str]:
    """Names of everything that a module calls, such as ``time.time``."""
    return {
        ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_the_host_program_is_safe(path: Path) -> None:
    """No exit, no print, no change of folder or random state in what runs inside other people's programs.

    A tool called os._exit(70) from a thread; another took over SIGINT.
    """
    forbidden = {
        "os._exit",
        "sys.exit",
        "exit",
        "print",
        "os.chdir",
        "random.seed",
        "os.kill",
        "signal.alarm",
    }
    allowed = {"command.py"}  # `wattmark measure` starts a program of its own and passes signals on to it
    if path.name in allowed:
        forbidden -= {"os.kill"}
    else:
        forbidden |= {"signal.signal"}
    assert calls_in(path) & forbidden == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_windows_never_use_the_time_of_day(path: Path) -> None:
    """time.time() is stepped by NTP and turns a window inside out."""
    # The age of a file, and of a driver's sample, can only be told by the clock that stamped it.
    stamped_by_others = {"spool.py", "busy.py"}
    if path.name not in stamped_by_others:
        assert calls_in(path) & {"time.time", "time.time_ns"} == set()


def test_the_errors_in_the_meters_are_those_of_the_table() -> None:
    """The table is the home of these numbers; the meters hold a copy, to stay light."""
    from wattmark import tables

    table = {row["method"]: float(row["relative_95"]) for row in tables.rows("uncertainty")}
    assert table["bmc"] == uncertainty.BMC
    assert table["hardware_counter"] == uncertainty.COUNTER
    assert table["integrated_power"] == uncertainty.SAMPLED_POWER
    assert table["integrated_power_low_duty"] == uncertainty.PART_TIME_POWER
