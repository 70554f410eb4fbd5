"""CPU time of control groups: on trees as kubelets and Slurm make them, and on this machine's own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.serving.cgroup_path import NO_NAMES, Names, PodName
from wattmark.core.serving.cpu_division import CpuStretch
from wattmark.core.serving.request import Rule
from wattmark.core.serving.window import DeviceUse, ServingWindow
from wattmark.core.serving.workload import WorkloadKind
from wattmark.measure.cgroups import ROOT, CgroupClock, hierarchy
from wattmark.measure.workloads import Workloads, WorkloadWindows, workloads_of

ID = "0123456789abcdef" * 4
ID2 = "f" * 64
UID = "ea8b9161-bee3-4bf6-a4e3-65fe256e3771"
BARS = UID.replace("-", "_")
POD = f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{BARS}.slice"
BOX = f"{POD}/cri-containerd-{ID}.scope"
BOX2 = f"{POD}/cri-containerd-{ID2}.scope"


class Machine:
    """A machine with two CPUs and control groups, under a folder."""

    def __init__(self, folder: Path, version: int = 2) -> None:
        self.version = version
        self.mount = folder / "cgroup"
        self.proc = folder / "proc"
        self.proc.mkdir()
        self.root = self.mount if version == 2 else self.mount / "cpuacct"
        self.root.mkdir(parents=True)
        if version == 2:
            (self.root / "cgroup.controllers").write_text("cpu cpuset\n")
        self.at(busy=0.0, idle=0.0)
        self.group("", 0.0)

    def group(self, path: str, seconds: float) -> Path:
        """A group that used so many CPU seconds so far."""
        folder = self.root / path
        folder.mkdir(parents=True, exist_ok=True)
        if self.version == 2:
            (folder / "cpu.stat").write_text(f"usage_usec {round(seconds * 1e6)}\nuser_usec 0\n")
        else:
            (folder / "cpuacct.usage").write_text(f"{round(seconds * 1e9)}\n")
        return folder

    def drop(self, path: str) -> None:
        """A group that is removed."""
        for file in (self.root / path).iterdir():
            file.unlink()
        (self.root / path).rmdir()

    def at(self, busy: float, idle: float, stolen: float = 0.0) -> None:
        """CPU seconds of the machine so far, in ticks of 10 ms."""
        ticks = (round(s * 100) for s in (busy, idle, stolen))
        user, rest, steal = ticks
        (self.proc / "stat").write_text(f"cpu  {user} 0 0 {rest} 0 0 0 {steal} 0 0\ncpu0 1 1 1 1\n")

    def clock(self, names: Names = NO_NAMES) -> CgroupClock:
        """Looks at it."""
        return CgroupClock(self.mount, self.proc, lambda: names, 100, lambda: 2)


@pytest.fixture(params=[1, 2])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    return Machine(tmp_path, request.param)


def seconds_of(stretch: CpuStretch | None) -> dict[str, float]:
    assert stretch is not None
    return {
        f"{cpu.workload.kind.value}:{cpu.workload.name}": round(cpu.busy_seconds, 6)
        for cpu in stretch.workloads
    }


def test_the_first_look_only_begins(machine: Machine) -> None:
    """What was used before nobody watched is nobody's."""
    machine.group(BOX, 500.0)
    assert machine.clock().look(0.0) is None


def test_a_container_has_its_own_time_and_its_pod_the_rest(machine: Machine) -> None:
    """The pod used 7 s, 5 of them in its container; the machine was busy for 10 of 20 s."""
    names = Names({UID: PodName("serving", "llama-0")}, {ID: "engine"})
    clock = machine.clock(names)
    machine.group(POD, 100.0)
    machine.group(BOX, 90.0)
    clock.look(0.0)
    machine.group(POD, 107.0)
    machine.group(BOX, 95.0)
    machine.at(busy=10.0, idle=10.0, stolen=1.0)
    stretch = clock.look(10.0)
    assert seconds_of(stretch) == {"container:engine": 5.0, "pod:llama-0": 2.0}
    assert stretch is not None
    assert (stretch.busy_seconds, stretch.capacity_seconds, stretch.stolen_seconds) == (10.0, 20.0, 1.0)


def test_a_container_that_came_between_two_looks_has_all_its_time(machine: Machine) -> None:
    """Its counter began at 0."""
    machine.group(POD, 0.0)
    clock = machine.clock()
    clock.look(0.0)
    machine.group(POD, 3.0)
    machine.group(BOX, 3.0)
    machine.at(busy=3.0, idle=1.0)
    assert seconds_of(clock.look(1.0)) == {f"container:{ID[:12]}": 3.0, f"pod:{UID}": 0.0}


def test_a_container_that_vanished_leaves_its_time_to_its_pod(machine: Machine) -> None:
    """A group's counter holds what was below it, gone or not: nothing is lost."""
    machine.group(POD, 0.0)
    machine.group(BOX, 0.0)
    clock = machine.clock()
    clock.look(0.0)
    machine.group(POD, 4.0)
    machine.drop(BOX)
    machine.at(busy=4.0, idle=0.0)
    assert seconds_of(clock.look(1.0)) == {f"pod:{UID}": 4.0}


def test_a_container_that_took_anothers_place_is_seen(machine: Machine) -> None:
    """The number of folders stays the same, and the one that vanished says so."""
    machine.group(POD, 0.0)
    machine.group(BOX, 0.0)
    clock = machine.clock()
    clock.look(0.0)
    machine.drop(BOX)
    machine.group(BOX2, 1.0)
    machine.group(POD, 2.0)
    machine.at(busy=2.0, idle=0.0)
    clock.look(1.0)
    machine.group(BOX2, 5.0)
    machine.group(POD, 6.0)
    machine.at(busy=6.0, idle=0.0)
    assert seconds_of(clock.look(2.0)) == {f"container:{ID2[:12]}": 4.0, f"pod:{UID}": 0.0}


def test_a_unit_that_was_started_anew_begins_at_nothing(machine: Machine) -> None:
    """Its counter ran backwards from 50 to 2 s: it used 2 s, not -48."""
    machine.group("system.slice/web.service", 50.0)
    clock = machine.clock()
    clock.look(0.0)
    machine.group("system.slice/web.service", 2.0)
    machine.at(busy=2.0, idle=0.0)
    assert seconds_of(clock.look(1.0)) == {"unit:web.service": 2.0}


def test_parts_are_never_more_than_their_pod(machine: Machine) -> None:
    """Two containers say 3 s each where the pod says 4: clocks are not read at one moment."""
    for path in (POD, BOX, BOX2):
        machine.group(path, 0.0)
    clock = machine.clock()
    clock.look(0.0)
    machine.group(BOX, 3.0)
    machine.group(BOX2, 3.0)
    machine.group(POD, 4.0)
    machine.at(busy=4.0, idle=0.0)
    found = seconds_of(clock.look(1.0))
    assert found == {f"container:{ID[:12]}": 2.0, f"container:{ID2[:12]}": 2.0, f"pod:{UID}": 0.0}


def test_a_group_that_cannot_be_read_leaves_its_time_to_what_holds_it(machine: Machine) -> None:
    """A counter of nonsense is no counter."""
    machine.group(POD, 0.0)
    box = machine.group(BOX, 0.0)
    clock = machine.clock()
    clock.look(0.0)
    machine.group(POD, 2.0)
    (box / ("cpu.stat" if machine.version == 2 else "cpuacct.usage")).write_text("what?\n")
    machine.at(busy=2.0, idle=0.0)
    assert seconds_of(clock.look(1.0))[f"pod:{UID}"] == 2.0


def test_a_machine_whose_times_cannot_be_read_tells_nothing(machine: Machine) -> None:
    """Without the whole there are no shares."""
    clock = machine.clock()
    clock.look(0.0)
    (machine.proc / "stat").unlink()
    assert clock.look(1.0) is None
    machine.at(busy=1.0, idle=1.0)
    assert clock.look(2.0) is None
    machine.at(busy=2.0, idle=2.0)
    assert clock.look(3.0) is not None


def test_an_unplugged_cpu_takes_no_time_back(machine: Machine) -> None:
    """The machine's idle time may run backwards then: nothing is below 0."""
    machine.at(busy=5.0, idle=50.0)
    clock = machine.clock()
    clock.look(0.0)
    machine.at(busy=6.0, idle=40.0)
    stretch = clock.look(1.0)
    assert stretch is not None
    assert (stretch.busy_seconds, stretch.capacity_seconds) == (1.0, 0.0)


def test_a_quota_is_a_reservation(machine: Machine) -> None:
    """Half a core of two, for 20 CPU seconds: 5 s are kept for it."""
    box = machine.group(f"docker/{ID}", 0.0)
    if machine.version == 2:
        (box / "cpu.max").write_text("50000 100000\n")
    else:
        other = machine.mount / "cpu" / "docker" / ID
        other.mkdir(parents=True)
        (other / "cpu.cfs_quota_us").write_text("50000\n")
        (other / "cpu.cfs_period_us").write_text("100000\n")
    clock = machine.clock()
    clock.look(0.0)
    machine.at(busy=0.0, idle=20.0)
    stretch = clock.look(10.0)
    assert stretch is not None
    assert [cpu.reserved_seconds for cpu in stretch.workloads] == [5.0]


def test_no_quota_is_no_reservation(machine: Machine) -> None:
    """`max` and -1 keep nothing."""
    box = machine.group(f"docker/{ID}", 0.0)
    if machine.version == 2:
        (box / "cpu.max").write_text("max 100000\n")
    else:
        other = machine.mount / "cpu" / "docker" / ID
        other.mkdir(parents=True)
        (other / "cpu.cfs_quota_us").write_text("-1\n")
        (other / "cpu.cfs_period_us").write_text("100000\n")
    clock = machine.clock()
    clock.look(0.0)
    machine.at(busy=0.0, idle=20.0)
    stretch = clock.look(10.0)
    assert stretch is not None
    assert [cpu.reserved_seconds for cpu in stretch.workloads] == [0.0]


def test_shares_of_v1_are_a_pods_request(tmp_path: Path) -> None:
    """512 shares are half a core; 2 are what a container gets that requests nothing."""
    machine = Machine(tmp_path, 1)
    for path, shares in ((BOX, 512), (BOX2, 2)):
        machine.group(path, 0.0)
        (machine.mount / "cpu" / path).mkdir(parents=True)
        (machine.mount / "cpu" / path / "cpu.shares").write_text(f"{shares}\n")
    machine.group(POD, 0.0)
    clock = machine.clock()
    clock.look(0.0)
    machine.at(busy=0.0, idle=20.0)
    stretch = clock.look(10.0)
    assert stretch is not None
    assert {c.workload.name: c.reserved_seconds for c in stretch.workloads} == {
        ID[:12]: 5.0,
        ID2[:12]: 0.0,
        UID: 0.0,
    }


@pytest.mark.parametrize(("cpus", "kept"), [("0-1", 20.0), ("1", 10.0), ("", 0.0), ("3-1", 0.0), ("x", 0.0)])
def test_a_slurm_job_keeps_the_cpus_of_its_set(machine: Machine, cpus: str, kept: float) -> None:
    """Of two CPUs both, one, or none that can be read."""
    v2 = machine.version == 2
    job = "system.slice/slurmstepd.scope/job_7" if v2 else "slurm/uid_1000/job_7"
    machine.group(job, 0.0)
    if v2:
        machine.group("system.slice/slurmstepd.scope", 0.0)
    sets = machine.root if v2 else machine.mount / "cpuset"
    (sets / job).mkdir(parents=True, exist_ok=True)
    (sets / job / "cpuset.cpus").write_text(f"{cpus}\n")
    clock = machine.clock()
    clock.look(0.0)
    machine.at(busy=0.0, idle=20.0)
    stretch = clock.look(10.0)
    assert stretch is not None
    jobs = {
        c.workload.name: c.reserved_seconds
        for c in stretch.workloads
        if c.workload.kind is WorkloadKind.SLURM_JOB
    }
    assert jobs == {"7": kept}


def test_names_are_asked_for_again_when_a_group_comes_and_once_a_minute(machine: Machine) -> None:
    """Not at every look: the folders of logs are long."""
    asked: list[int] = []

    def names() -> Names:
        asked.append(1)
        return NO_NAMES

    clock = CgroupClock(machine.mount, machine.proc, names, 100, lambda: 2)
    for now in (0.0, 10.0, 20.0):
        clock.look(now)
    assert len(asked) == 1
    machine.group(POD, 0.0)
    clock.look(30.0)
    assert len(asked) == 2
    clock.look(89.0)
    assert len(asked) == 2
    clock.look(90.0)
    assert len(asked) == 3


def test_v1_is_read_where_both_are_mounted(tmp_path: Path) -> None:
    """In a hybrid, v2 counts no CPU time of the groups that v1 has."""
    Machine(tmp_path, 1)
    (tmp_path / "cgroup" / "unified").mkdir()
    (tmp_path / "cgroup" / "unified" / "cgroup.controllers").write_text("")
    assert hierarchy(tmp_path / "cgroup").version == 1


def test_a_machine_without_control_groups_says_so(tmp_path: Path) -> None:
    """And names where it looked."""
    with pytest.raises(MeterUnavailable, match=str(tmp_path)):
        CgroupClock(tmp_path)


def test_looks_between_two_edges_add_up(machine: Machine) -> None:
    """2 s at a tick and 3 s at the edge are 5 s; then it begins anew."""
    machine.group(f"docker/{ID}", 0.0)
    follow = Workloads(machine.mount, machine.proc)
    assert follow.cut(0.0) is None
    machine.group(f"docker/{ID}", 2.0)
    machine.at(busy=2.0, idle=0.0)
    follow.tick(10.0)
    follow.tick(11.0)
    machine.group(f"docker/{ID}", 5.0)
    machine.at(busy=5.0, idle=0.0)
    assert seconds_of(follow.cut(12.0)) == {f"container:{ID[:12]}": 5.0}
    assert seconds_of(follow.cut(13.0)) == {f"container:{ID[:12]}": 0.0}


@pytest.mark.parametrize(
    "text",
    [f"0::/docker/{ID}\n", f"3:cpu,cpuacct:/docker/{ID}\n2:memory:/\n0::/\n", f"5:cpuacct:/docker/{ID}\n"],
)
def test_a_process_is_its_containers(tmp_path: Path, text: str) -> None:
    """Of the users of a GPU the driver knows the numbers; one that ended and one of nobody are left out."""
    for pid, said in ((7, text), (8, "0::/\n")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cgroup").write_text(said)
    assert {pid: w.name for pid, w in workloads_of([7, 8, 9], proc=tmp_path).items()} == {7: ID[:12]}


BURN = "import sys, time\nend = float(sys.argv[1])\nwhile time.process_time() < end: pass\n"


@pytest.fixture
def own_groups() -> Iterator[dict[str, Path]]:
    """Two containers' groups on this very machine, v1 or v2, removed afterwards."""
    try:
        at = hierarchy()
        paths = {x: at.root / "docker" / secrets.token_hex(32) for x in "ab"}
        made = [p for p in (at.root / "docker", *paths.values()) if not p.exists()]
        for path in made:
            path.mkdir()
    except (MeterUnavailable, OSError) as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield paths
    for path in reversed(made):
        path.rmdir()


@pytest.mark.slow
def test_what_processes_burn_is_found_in_their_groups(own_groups: dict[str, Path]) -> None:
    """Real groups of this machine: 0.6 and 0.2 CPU seconds and their start, as the kernel tells of each."""
    follow = Workloads(ROOT)
    follow.cut(0.0)
    running = []
    for name, seconds in (("a", 0.6), ("b", 0.2)):
        procs = own_groups[name] / "cgroup.procs"

        def join(procs: Path = procs) -> None:
            procs.write_text(str(os.getpid()))

        running.append(
            subprocess.Popen([sys.executable, "-S", "-c", BURN, str(seconds)], preexec_fn=join)  # noqa: PLW1509
        )
    burned = []
    for process in running:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        burned.append(used.ru_utime + used.ru_stime)
    stretch = follow.cut(1.0)
    assert stretch is not None
    found = {cpu.workload.name: cpu.busy_seconds for cpu in stretch.workloads}
    for name, seconds, least in zip("ab", burned, (0.6, 0.2), strict=True):
        assert seconds > 0.9 * least
        assert found[own_groups[name].name[:12]] == pytest.approx(seconds, rel=0.15, abs=0.1)
    assert stretch.busy_seconds >= 0.6


def a_serving_window(minute: int, component: str = "cpu") -> ServingWindow:
    use = DeviceUse(
        device_id="cpu:h/package-0",
        component=component,
        source="rapl",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=100.0,
        observed_seconds=60.0,
        idle_joules=100.0,
        unallocated_joules=100.0,
    )
    start = minute * 60_000_000
    return ServingWindow(
        host_id="h", start_us=start, end_us=start + 60_000_000, rule=Rule.TOKENS, devices=(use,)
    )


def test_a_window_that_is_made_later_finds_its_workloads(machine: Machine) -> None:
    """A container takes 30 of 120 CPU seconds in the second minute: 25 of 100 J; nobody watched the first."""
    machine.group(f"docker/{ID}", 0.0)
    kept = WorkloadWindows(Workloads(machine.mount, machine.proc, look_seconds=1.0))
    for second in range(30, 180, 10):
        spent = 30.0 * min(1.0, max(0.0, (second - 60) / 60))
        machine.group(f"docker/{ID}", spent)
        machine.at(busy=spent, idle=2.0 * second - spent)
        kept.tick(float(second), second * 1_000_000)
    use = kept.use(a_serving_window(1))
    assert use is not None
    (share,) = use.shares
    assert (share.workload.name, share.busy_joules) == (ID[:12], pytest.approx(25.0))
    assert use.devices[0].unallocated_joules == pytest.approx(75.0)
    assert kept.use(a_serving_window(2)) is None
    assert kept.use(a_serving_window(1, "gpu")) is None


def test_a_wall_clock_that_is_set_back_begins_anew(machine: Machine) -> None:
    """Minutes of the other time are not waited for."""
    kept = WorkloadWindows(Workloads(machine.mount, machine.proc))
    for now, second in ((0.0, 6000), (1.0, 0), (62.0, 61)):
        machine.at(busy=now, idle=now)
        kept.tick(now, second * 1_000_000)
    assert kept.use(a_serving_window(0)) is not None
