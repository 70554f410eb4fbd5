"""CPU time of a process tree: children that ended, grandchildren, threads; shares that add up."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.measure.processes import CpuClock, CpuTimes, ProcessTree, machine_seconds, shares

TICK = 1 / os.sysconf("SC_CLK_TCK")

# --- real processes ---------------------------------------------------------------------------------

TREE = """
import os, resource, subprocess, sys, threading, time
from wattmark.measure.processes import ProcessTree

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))

if sys.argv[1] == "leaf":
    burn(0.15)
elif sys.argv[1] == "middle":
    subprocess.run([sys.executable, __file__, "leaf"], check=True, stdin=subprocess.DEVNULL)
    burn(0.1)
    sys.stdin.read()  # it lives until it was looked at, however little time who looks is given
else:
    tree = ProcessTree()
    seen = [tree.cpu_seconds()]
    for _ in range(2):
        child = subprocess.Popen([sys.executable, __file__, "middle"], stdin=subprocess.PIPE)
        before = len(seen)
        while child.poll() is None:
            seen.append(tree.cpu_seconds())
            if len(seen) == before + 10:
                child.stdin.close()
            time.sleep(0.005)
    thread = threading.Thread(target=burn, args=(0.1,)); thread.start(); thread.join()
    seen.append(tree.cpu_seconds())
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    spent = sum(u.ru_utime + u.ru_stime for u in usage)
    print(seen[-1], spent, len(seen), all(a <= b for a, b in zip(seen, seen[1:])))
"""


def test_a_tree_of_processes_is_counted_to_its_last_tick(tmp_path: Path) -> None:
    """Two children with a grandchild each, and a thread: the kernel's own account agrees, it never falls."""
    script = tmp_path / "tree.py"
    script.write_text(TREE)
    said = subprocess.run([sys.executable, str(script), "root"], capture_output=True, text=True, check=True)
    ours, kernels, looks, monotone = said.stdout.split()
    assert float(ours) == pytest.approx(float(kernels), abs=10 * TICK)
    assert float(kernels) >= 0.6
    assert int(looks) > 10
    assert monotone == "True"


def test_live_descendants_are_found() -> None:
    """A child and its child are both in the tree while they run, and our own process is not."""
    code = "import subprocess, sys; p = subprocess.Popen(['cat']); print(p.pid, flush=True); p.wait()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    tree = ProcessTree(with_self=False)
    assert {child.pid, grandchild} <= set(tree.pids())
    assert os.getpid() not in tree.pids()
    child.communicate()


def test_without_itself_only_descendants_count() -> None:
    """What this process has burned is not the command's."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    assert ProcessTree().cpu_seconds() - ProcessTree(with_self=False).cpu_seconds() == pytest.approx(
        own.ru_utime + own.ru_stime, abs=0.1
    )


# --- a folder that looks like /proc -------------------------------------------------------------------


class Proc:
    """A fake /proc with processes whose CPU time a test sets."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.children(os.getpid())

    def children(self, pid: int, *pids: int) -> None:
        folder = self.root / str(pid) / "task" / str(pid)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "children").write_text(" ".join(map(str, pids)))

    def process(
        self, pid: int, ticks: int, waited: int = 0, name: str = "python", parent: int = os.getpid()
    ) -> None:
        self.children(pid)
        fields = ["S", str(parent)] + ["0"] * 9 + [str(ticks), "0", str(waited), "0"] + ["0"] * 30
        (self.root / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}")

    def end(self, pid: int) -> None:
        for path in sorted((self.root / str(pid)).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (self.root / str(pid)).rmdir()


def test_odd_names_of_processes_are_read_rightly(tmp_path: Path) -> None:
    """A process may call itself ``) 1 2 (``."""
    proc = Proc(tmp_path)
    tree = ProcessTree(tmp_path, with_self=False)
    before = tree.cpu_seconds()
    proc.process(7, ticks=250, name=") R 1 (")
    proc.children(os.getpid(), 7)
    assert tree.cpu_seconds() - before == pytest.approx(250 * TICK)


def test_a_process_that_vanishes_keeps_its_time(tmp_path: Path) -> None:
    """Nobody waited for it: its 2 s stay, and what others use afterwards comes on top."""
    proc = Proc(tmp_path)
    tree = ProcessTree(tmp_path, with_self=False)
    before = tree.cpu_seconds()
    proc.process(7, ticks=200)
    proc.process(8, ticks=100)
    proc.children(os.getpid(), 7, 8)
    assert tree.cpu_seconds() - before == pytest.approx(300 * TICK)
    proc.end(7)
    proc.children(os.getpid(), 8)
    assert tree.cpu_seconds() - before == pytest.approx(300 * TICK)
    proc.process(8, ticks=150)
    assert tree.cpu_seconds() - before == pytest.approx(350 * TICK)


def test_a_process_that_was_waited_for_is_counted_once(tmp_path: Path) -> None:
    """Its time moves to its parent: the sum stays."""
    proc = Proc(tmp_path)
    tree = ProcessTree(tmp_path, with_self=False)
    before = tree.cpu_seconds()
    proc.process(7, ticks=100)
    proc.process(8, ticks=200, parent=7)
    proc.children(7, 8)
    proc.children(os.getpid(), 7)
    assert tree.cpu_seconds() - before == pytest.approx(300 * TICK)
    proc.end(8)
    proc.process(7, ticks=100, waited=210)
    assert tree.cpu_seconds() - before == pytest.approx(310 * TICK)


def test_a_whole_branch_that_was_waited_for_is_counted_once(tmp_path: Path) -> None:
    """Child and grandchild end between two looks: their times come back through whoever is left above."""
    proc = Proc(tmp_path)
    tree = ProcessTree(tmp_path, with_self=False)
    before = tree.cpu_seconds()
    proc.process(6, ticks=10)
    proc.process(7, ticks=100, parent=6)
    proc.process(8, ticks=200, parent=7)
    proc.children(7, 8)
    proc.children(6, 7)
    proc.children(os.getpid(), 6)
    assert tree.cpu_seconds() - before == pytest.approx(310 * TICK)
    proc.end(8)
    proc.end(7)
    proc.process(6, ticks=10, waited=305)
    for _ in range(3):
        assert tree.cpu_seconds() - before == pytest.approx(315 * TICK)


def test_a_child_missed_while_its_parent_waits_for_it_is_not_counted_twice(tmp_path: Path) -> None:
    """The parent was read just before it waited, the child just after: one look later all is in its place."""
    proc = Proc(tmp_path)
    tree = ProcessTree(tmp_path, with_self=False)
    before = tree.cpu_seconds()
    proc.process(7, ticks=100)
    proc.process(8, ticks=200, parent=7)
    proc.children(7, 8)
    proc.children(os.getpid(), 7)
    tree.cpu_seconds()
    proc.end(8)
    assert tree.cpu_seconds() - before == pytest.approx(300 * TICK)
    proc.process(7, ticks=100, waited=200)
    for _ in range(3):
        assert tree.cpu_seconds() - before == pytest.approx(300 * TICK)


def test_a_process_whose_parent_has_gone_is_followed(tmp_path: Path) -> None:
    """A double fork, as shells and daemons do it: what it uses stays ours."""
    proc = Proc(tmp_path)
    tree = ProcessTree(tmp_path, with_self=False)
    before = tree.cpu_seconds()
    proc.process(7, ticks=0)
    proc.process(8, ticks=200, parent=7)
    proc.children(7, 8)
    proc.children(os.getpid(), 7)
    tree.cpu_seconds()
    proc.end(7)
    proc.children(os.getpid())
    proc.process(8, ticks=500, parent=1)
    assert tree.cpu_seconds() - before == pytest.approx(500 * TICK)
    assert 8 in tree.pids()


@pytest.mark.parametrize("parent", [0, 1])
def test_a_short_process_whose_parents_are_out_of_sight_keeps_its_time(tmp_path: Path, parent: int) -> None:
    """Taken over by one that nobody reads, as in a container, it ends after a hundredth of a second."""
    proc = Proc(tmp_path)
    tree = ProcessTree(tmp_path, with_self=False)
    before = tree.cpu_seconds()
    proc.process(7, ticks=1, parent=parent)
    proc.children(os.getpid(), 7)
    tree.cpu_seconds()
    proc.end(7)
    proc.children(os.getpid())
    told = [tree.cpu_seconds() - before for _ in range(3)]
    assert told == pytest.approx([1 * TICK] * 3)


def test_a_machine_without_proc_has_no_times(tmp_path: Path) -> None:
    """None, not zero; also where the file says nothing."""
    assert CpuClock(ProcessTree(tmp_path), tmp_path).read() is None
    (tmp_path / "stat").write_text("")
    assert CpuClock(ProcessTree(tmp_path), tmp_path).read() is None


def test_the_machines_times_are_read(tmp_path: Path) -> None:
    """Guest time is inside user time; stolen time is neither busy nor offered (proc(5))."""
    line = b"cpu  100 20 30 400 50 6 7 80 90 10\n"
    assert machine_seconds(line, 100) == pytest.approx((1.63, 6.13, 0.80))
    assert machine_seconds(b"cpu 1 2 3 4 5 6 7\n", 1) == (19.0, 28.0, 0.0)
    (tmp_path / "stat").write_bytes(line)
    Proc(tmp_path)
    times = CpuClock(ProcessTree(tmp_path), tmp_path).read()
    assert times is not None
    assert times.steal == pytest.approx(80 * TICK)


def test_this_machines_times_grow() -> None:
    """Busy, offered and own never fall."""
    clock = CpuClock(ProcessTree())
    looks = []
    for _ in range(5):
        looks.append(clock.read())
        time.sleep(0.01)
    for a, b in pairwise(looks):
        assert a is not None
        assert b is not None
        assert (a.busy, a.capacity, a.own) <= (b.busy, b.capacity, b.own)


# --- shares -----------------------------------------------------------------------------------------

seconds = st.floats(min_value=-10.0, max_value=1e6)


@given(seconds, seconds, seconds)
def test_shares_add_up_to_one(busy: float, capacity: float, own: float) -> None:
    """Whatever the counters say, no share is negative and nothing is lost."""
    found = shares(CpuTimes(0.0, 0.0, 0.0), CpuTimes(busy, capacity, own))
    if found is None:
        assert capacity <= 0
        return
    assert found.own + found.others + found.idle == pytest.approx(1.0)
    assert min(found.own, found.others, found.idle) >= -1e-12
