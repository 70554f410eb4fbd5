"""Containers on GPUs, as a driver tells its processes: a real shared library stands in for NVML."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.fakes.library import StateFile, compiled
from tests.measure.test_busy_times import a_window
from tests.measure.test_cgroups import ID, ID2
from wattmark.agent.beside import Beside, beside
from wattmark.agent.landing import all_samples
from wattmark.core.known import Grade, Method, Scope
from wattmark.core.readings import Device, Gap, ProcessShares, Reading
from wattmark.core.run import SourceId
from wattmark.core.serving.cumulative import AgentTotals
from wattmark.core.serving.evidence import Origin
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share
from wattmark.core.serving.workload import Workload, WorkloadKind, WorkloadTotals
from wattmark.core.units import Power
from wattmark.exporters.agent_families import families
from wattmark.exporters.agent_state import AgentState, OwnCost
from wattmark.measure.gpu_workloads import GpuWorkloads
from wattmark.meters.nvml import NvmlMeter

GPU = "GPU-11111111-2222-3333-4444-555555555555"
SECOND = 1_000_000
ONE = Workload(kind=WorkloadKind.CONTAINER, name=ID[:12])
TWO = Workload(kind=WorkloadKind.CONTAINER, name=ID2[:12])
HOST = Workload(kind=WorkloadKind.HOST)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NVML's functions, answered from a text file."""
    return compiled("nvml", tmp_path_factory.mktemp("nvml"))


class Node:
    """A machine with one GPU, two containers and a process that is nobody's."""

    def __init__(self, library: Path, folder: Path) -> None:
        told = {"count": 1, "0.uuid": GPU, "0.name": "NVIDIA L4", "0.energy": 1, "0.limit": 72_000}
        self.state = StateFile(folder / "nvml.txt", "WATTMARK_FAKE_NVML", told)
        self.proc = folder / "proc"
        for pid, group in {7: f"/docker/{ID}", 8: f"/docker/{ID2}", 9: "/"}.items():
            (self.proc / str(pid)).mkdir(parents=True)
            (self.proc / str(pid) / "cgroup").write_text(f"0::{group}\n")
        self.said: list[str] = []
        self.now = 0
        meter = NvmlMeter(host_id="h", load=lambda: ctypes.CDLL(str(library)))
        self.follow = GpuWorkloads([meter], self.said.append, proc=self.proc, wall_us=lambda: self.now)

    def run(self, seconds: int, **percent: int) -> None:
        """Time passes; each process, p7, p8 or p9, runs so much of it."""
        for _ in range(0, seconds, 5):
            self.now += 5 * SECOND
            told = {f"gpu0_proc{n}": None for n in range(4)}
            for n, (pid, share) in enumerate(percent.items()):
                told[f"gpu0_proc{n}"] = f"{pid[1:]} {self.now - SECOND} {share}"  # type: ignore[assignment]
            self.state.set(**told)
            self.follow.tick(self.now)


@pytest.fixture
def node(library: Path, tmp_path: Path) -> Node:
    """Looked at for the first time."""
    made = Node(library, tmp_path)
    made.follow.tick(0)
    return made


def gpu_window(minute: int = 0, joules: float = 600.0, charged: bool = False) -> ServingWindow:
    """A minute of the GPU, half of it busy by the driver."""
    use = DeviceUse(
        device_id=GPU,
        component="gpu",
        source="nvml",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=joules,
        observed_seconds=60.0,
        idle_joules=joules,
        unallocated_joules=0.0 if charged else joules,
        busy_seconds=30.0,
        busy_signal="nvml_busy_time",
    )
    shares = (Share(service=Service(model="m"), device_id=GPU, idle_joules=joules),) if charged else ()
    start = minute * 60 * SECOND
    return ServingWindow(
        host_id="h",
        start_us=start,
        end_us=start + 60 * SECOND,
        rule=Rule.TOKENS,
        devices=(use,),
        shares=shares,
    )


def joules(node: Node, window: ServingWindow) -> dict[Workload, float]:
    """Busy joules by workload."""
    use = node.follow.use(window)
    assert use is not None
    assert use.rule == "gpu_busy_time"
    parts = [share.busy_joules for share in use.shares] + [use.devices[0].unallocated_joules]
    assert sum(parts) == pytest.approx(window.devices[0].energy_joules, rel=1e-9)
    return {share.workload: share.busy_joules for share in use.shares}


def test_containers_are_charged_the_busy_half(node: Node) -> None:
    """600 J, 300 of them busy: 30 % and 10 % of the time are 225 J and 75 J, the rest is nobody's."""
    node.run(65, p7=30, p8=10)
    assert joules(node, gpu_window()) == {ONE: pytest.approx(225.0), TWO: pytest.approx(75.0)}
    assert node.said == []


def test_a_process_of_no_container_is_the_hosts(node: Node) -> None:
    """It is in the root group."""
    node.run(65, p7=20, p9=20)
    assert joules(node, gpu_window()) == {ONE: pytest.approx(150.0), HOST: pytest.approx(150.0)}


def test_who_came_later_is_charged_less(node: Node) -> None:
    """Container one all minute at 20 %, container two for the second half of it: 2 to 1."""
    node.run(30, p7=20)
    node.run(35, p7=20, p8=20)
    assert joules(node, gpu_window()) == {ONE: pytest.approx(200.0), TWO: pytest.approx(100.0)}


def test_a_process_that_has_ended_is_whose_it_was(node: Node) -> None:
    """Its last samples come when its folder is gone already; one that was never seen is the host's."""
    node.run(30, p7=50)
    (node.proc / "7" / "cgroup").unlink()
    node.run(35, p7=50)
    assert joules(node, gpu_window()) == {ONE: pytest.approx(300.0)}
    node.run(120, p77=50)
    assert joules(node, gpu_window(2)) == {HOST: pytest.approx(300.0)}


def test_what_was_not_watched_is_not_divided(node: Node) -> None:
    """Half a minute of looks says nothing of a minute."""
    node.run(30, p7=50)
    assert node.follow.use(gpu_window()) is None


def test_what_the_driver_refuses_is_said_once(node: Node) -> None:
    """Without the right to see processes nothing is divided, and it is told why."""
    node.state.set(gpu0_proc0_rc=4)
    for _ in range(14):
        node.now += 5 * SECOND
        node.follow.tick(node.now)
    assert node.follow.use(gpu_window()) is None
    assert node.said == [f"{GPU}: not divided among containers: NVML: Insufficient Permissions"]


class Odd:
    """A third party's meter that breaks."""

    name = "odd"

    @property
    def devices(self) -> Sequence[Device]:
        return [
            Device(
                id=GPU,
                component="gpu",
                source="odd",
                method=Method.HARDWARE_COUNTER,
                grade=Grade.B,
                max_power=Power(1000.0),
                relative_error=0.05,
            )
        ]

    def read(self) -> Mapping[str, Reading]:
        return {GPU: Gap("not read")}

    def close(self) -> None:
        """Nothing is open."""

    def process_shares(self, since_us: int) -> Mapping[str, ProcessShares | Gap]:
        raise RuntimeError("odd")


def test_a_meter_that_breaks_ends_nothing() -> None:
    """It is said, once."""
    said: list[str] = []
    follow = GpuWorkloads([Odd()], said.append)
    for second in range(0, 65, 5):
        follow.tick(second * SECOND)
    assert said == ["accelerators: not divided among containers: RuntimeError: odd"]
    assert follow.use(a_window()) is None


def test_metrics_and_ledger_have_what_containers_used(node: Node) -> None:
    """Component gpu, its own rule; once a model is charged for the GPU, only the metrics have it."""
    node.run(125, p7=50)
    kept = Beside(gpus=node.follow, totals=WorkloadTotals())
    (use,) = kept.uses(gpu_window())
    samples = all_samples([gpu_window()], [use], Origin(source=SourceId(name="agent")))
    shares = [s for s in samples if s.stream.scope is Scope.SHARE]
    assert [(s.stream.attribution_rule, list(s.energy_uj)) for s in shares] == [
        ("gpu_busy_time", [300_000_000])
    ]
    assert shares[0].stream.subject.labels["container.name"] == ID[:12]
    assert list(kept.uses(gpu_window(1, charged=True))) == []
    state = AgentState(totals=AgentTotals(), own=OwnCost(version="0", cpu_seconds=0.0), workloads=kept.totals)
    (family,) = [f for f in families(state) if f.row.name == "wattmark_workload_energy_joules"]
    found = {
        labels[1]: value for labels, value in family.points if labels[5] == "gpu" and labels[-1] == "busy"
    }
    assert found == {ID[:12]: pytest.approx(600.0)}


def test_an_agent_follows_what_its_meters_can_tell() -> None:
    """Where processes are told; workloads off means off."""
    assert beside([Odd()], [], print, workloads=True, look_seconds=10.0).gpus is not None
    assert beside([Odd()], [], print, workloads=False, look_seconds=10.0).gpus is None
    assert beside([], [], print, workloads=True, look_seconds=10.0).gpus is None
