"""One live run: windows, threads, forks, clock steps, and everything that may go wrong around it."""

from __future__ import annotations

import math
import multiprocessing
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.measure.machine import Machine
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.outcome import parse_goal
from wattmark.core.run import Dataset, Run, Status, Work
from wattmark.ledger.runfile import read_run
from wattmark.measure.budget import parse_budget
from wattmark.measure.recording import Recording
from wattmark.measure.settings import Settings
from wattmark.measure.spool import FOLDER
from wattmark.testing.fakes import a_device

NEVER = 3600.0
"""A period so long that the watcher stays asleep: the test alone decides when is read."""


def recorded(machine: Machine, **settings: object) -> Recording:
    """A recording that has begun."""
    recording = Recording(Settings(**{"period_seconds": NEVER, **settings}), machine.world())  # type: ignore[arg-type]
    recording.start()
    return recording


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true: as long as a busy machine may need for what takes milliseconds."""
    end = time.monotonic() + 250
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_a_run_from_start_to_end(tmp_path: Path) -> None:
    """Energy, windows, work, quality and outcome in a file that reads back as it was."""
    machine = Machine()
    recording = recorded(
        machine,
        out=tmp_path,
        goal=parse_goal("accuracy>=0.9"),
        work=(Work(unit="epochs", count=1, declared=True),),
    )
    machine.clock.advance(2.0)
    window = recording.begin("epoch", "training")
    machine.clock.advance(3.0)
    recording.log(work={"samples": 100}, quality={"accuracy": 0.95}, window=window)
    recording.end(window)
    machine.clock.advance(1.0)
    run = recording.stop(exit_code=3, failed=True)
    assert (run.status, run.exit_code, run.failed, run.duration_seconds) == (Status.CLOSED, 3, True, 6.0)
    assert [r.energy_joules for r in run.energies] == [20.0, 30.0, 10.0]
    assert [(w.stage, w.t0_seconds, w.duration_seconds) for w in run.windows] == [("training", 2.0, 3.0)]
    assert run.outcome is not None
    assert run.outcome.reached is True
    assert recording.path is not None
    assert read_run(recording.path) == run
    assert uuid.UUID(run.record_id).version == 4
    assert uuid.UUID(run.record_id).variant == uuid.RFC_4122


def test_stopping_twice_gives_the_same_run() -> None:
    """And whatever is told afterwards is not heard."""
    machine = Machine()
    recording = recorded(machine)
    run = recording.stop()
    recording.log(work={"samples": 1})
    recording.end(recording.begin("late"))
    assert recording.stop() is run
    assert recording.snapshot() is run
    assert (run.work, run.windows) == ((), ())


def test_a_discarded_run_leaves_no_file(tmp_path: Path) -> None:
    """There was nothing to measure."""
    recording = recorded(Machine(), out=tmp_path)
    recording.discard()
    recording.discard()
    assert list(tmp_path.glob("*.json")) == []
    assert list((tmp_path / FOLDER).iterdir()) == []
    recorded(Machine()).discard()


def test_a_snapshot_shows_the_run_as_it_stands() -> None:
    """Open, with the energy so far."""
    machine = Machine()
    recording = recorded(machine)
    machine.clock.advance(4.0)
    run = recording.snapshot()
    assert (run.status, run.energies[0].energy_joules) == (Status.OPEN, 40.0)
    recording.stop()


# --- the watcher ------------------------------------------------------------------------------------


def test_the_watcher_reads_and_checkpoints(tmp_path: Path) -> None:
    """While the program sleeps, the run file grows, with a higher seq each time."""
    machine = Machine()
    recording = recorded(machine, out=tmp_path, period_seconds=0.002, checkpoint_seconds=1.0)
    spool = tmp_path / FOLDER / f"{recording.record_id}.run.json"
    before = read_run(spool)
    for _ in range(2):
        machine.clock.advance(5.0)
        reads = recording.snapshot().overhead
        assert reads is not None
        until(lambda n=reads.reads: recording._timeline.reads > n + 1)  # type: ignore[misc]
    until(lambda: read_run(spool).seq > before.seq)
    run = read_run(spool)
    assert run.status is Status.OPEN
    assert recording.stop().seq > run.seq


class Moody(Machine):
    """A machine whose clock fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        steady = self.clock

        def clock() -> float:
            if self.fails and threading.current_thread().name == "wattmark":
                self.fails = False
                raise RuntimeError("the clock stopped")
            return steady()

        self.moody = clock


def test_the_watcher_outlives_a_surprise() -> None:
    """What happened is a remark; the next reading is taken."""
    machine = Moody()
    world = replace(machine.world(), clock=machine.moody)
    recording = Recording(Settings(period_seconds=0.002), world)
    recording.start()
    machine.fails = True
    until(lambda: not machine.fails)
    before = recording._timeline.reads
    until(lambda: recording._timeline.reads > before)
    assert recording.stop().notes == ("a reading failed: RuntimeError: the clock stopped",)


def test_lines_are_taken_while_the_run_goes_on(tmp_path: Path) -> None:
    """A file that another process writes: polled, then to its last unfinished line."""
    machine = Machine()
    recording = recorded(machine)
    log = tmp_path / "log"
    recording.follow(log)
    recording.poll_lines()
    log.write_text('{"event": "begin", "window": "epoch", "stage": "training"}\n')
    recording.poll_lines()
    machine.clock.advance(2.0)
    with open(log, "a") as file:
        file.write('{"event": "end", "window": "epoch"}\n{"work": {"samples": 7}}')
    run = recording.stop()
    assert [(w.name, w.duration_seconds) for w in run.windows] == [("epoch", 2.0)]
    assert [w.count for w in run.work] == [7.0]


def test_the_spools_own_log_is_followed(tmp_path: Path) -> None:
    """What children write to the run's log joins the run."""
    recording = recorded(Machine(), out=tmp_path)
    assert recording.log_path is not None
    recording.log_path.write_text('{"work": {"samples": 7}}\n')
    assert [w.count for w in recording.stop().work] == [7.0]
    assert recorded(Machine()).log_path is None


def test_thousands_of_windows_keep_the_file_small(tmp_path: Path) -> None:
    """After the limit nothing is read for a window any more, and the file says so."""
    machine = Machine()
    recording = recorded(machine, out=tmp_path, most_windows=10)
    for _ in range(5000):
        machine.clock.advance(0.001)
        recording.end(recording.begin("step"))
    run = recording.stop()
    assert len(run.windows) == 10
    assert len(run.energies) < 50
    assert run.notes == ("4990 windows after the first 10 were not kept one by one",)
    assert math.fsum(r.energy_joules for r in run.energies) == pytest.approx(50.0)


# --- what must not reach the host -------------------------------------------------------------------


def test_an_entry_that_cannot_be_is_a_remark() -> None:
    """A loss that is NaN must not end ten hours of training."""
    recording = recorded(Machine())
    recording.log(quality={"loss": math.nan})
    assert recording.stop().notes == ("an entry was ignored: loss is nan, which is not a finite number",)


@pytest.mark.parametrize("error", [UsageError("no"), OSError("gone"), KeyError("x"), RuntimeError("boom")])
def test_a_dataset_that_cannot_be_described_is_a_remark(error: Exception) -> None:
    """Any class of any library may be behind it."""

    def describe() -> Dataset:
        raise error

    (note,) = recorded(Machine()).stop(describe=describe).notes
    assert note.startswith(f"the dataset could not be described: {type(error).__name__}")


def test_a_dataset_is_read_after_the_last_reading() -> None:
    """What describing costs is not the run's."""
    machine = Machine()

    def describe() -> Dataset:
        machine.clock.advance(100.0)
        return Dataset(name="digits")

    run = recorded(machine).stop(describe=describe)
    assert (run.dataset, run.duration_seconds) == (Dataset(name="digits"), 0.0)


def test_a_calibration_that_fails_leaves_the_run_as_it_was() -> None:
    """The run counts uncalibrated and says so."""

    def finish(_: Run) -> Run:
        raise EvidenceError("calibration.json", "is not valid")

    recording = Recording(Settings(period_seconds=NEVER), replace(Machine().world(), finish=finish))
    recording.start()
    assert recording.stop().notes == ("no calibration was applied: is not valid",)


def test_a_calibration_is_applied_at_the_end() -> None:
    """The world's last word on the run."""
    world = replace(Machine().world(), finish=lambda run: replace(run, environment={"calibration": "1"}))
    recording = Recording(Settings(period_seconds=NEVER), world)
    recording.start()
    assert recording.stop().environment == {"calibration": "1"}


def test_threads_may_use_one_recording() -> None:
    """Eight threads with a hundred windows each: all there, no energy lost or doubled."""
    machine = Machine()
    recording = recorded(machine, period_seconds=0.001)

    def work() -> None:
        for _ in range(100):
            window = recording.begin("step")
            machine.clock.advance(0.001)
            recording.log(work={"samples": 1}, window=window)
            recording.end(window)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run = recording.stop()
    assert len(run.windows) == 800
    assert math.fsum(w.count for w in run.work) == 800
    joules = math.fsum(r.energy_joules for r in run.energies)
    assert joules == pytest.approx(10.0 * run.duration_seconds, rel=1e-6)


def test_suspend_and_clock_steps_do_not_touch_durations() -> None:
    """Time is the machine's monotonic clock: an hour asleep is an hour, whatever the wall clock does."""
    machine = Machine()
    recording = recorded(machine)
    machine.clock.advance(3600.0)
    run = recording.stop()
    assert run.duration_seconds == 3600.0
    assert run.started_monotonic_seconds == 1000.0
    assert run.started_at.endswith("Z")


def test_a_budget_is_followed() -> None:
    """30 J of 100 J at a quarter of the work: 120 J to come."""
    machine = Machine()
    recording = recorded(machine, budget=parse_budget("100 J"))
    machine.clock.advance(3.0)
    recording.log(progress=0.25)
    recording.snapshot()
    state = recording.budget_state()
    assert state is not None
    assert (state.spent_joules, state.projected_joules, state.will_breach) == (30.0, 120.0, True)
    assert recorded(machine).budget_state() is None


def test_hardware_is_listed_by_kind() -> None:
    """Two equal GPUs are one line with a count; a modelled node names its CPU."""
    machine = Machine({"gpu:0": 1.0, "gpu:1": 1.0}, component="gpu", name="H200")
    machine.meter._devices += (a_device("node:x/model", component="node", name="EPYC"),)
    machine.meters = replace(machine.meters, devices=machine.meter.devices)
    run = recorded(machine).stop()
    assert [(h.component, h.name, h.count) for h in run.place.hardware] == [
        ("gpu", "H200", 2.0),
        ("cpu", "EPYC", 1.0),
    ]


# --- forks ------------------------------------------------------------------------------------------


def use_everything(recording: Recording, out: Path) -> None:
    """What a child might do with its parent's recording."""
    recording.end(recording.begin("child"))
    recording.log(work={"samples": 1000})
    recording.poll_lines()
    assert recording.snapshot().status is Status.OPEN
    assert recording.stop().status is Status.OPEN
    (out / "child-was-here").write_text("yes")


def checked_parent(recording: Recording, machine: Machine, out: Path) -> None:
    machine.clock.advance(1.0)
    recording.log(work={"samples": 1})
    run = recording.stop()
    assert (out / "child-was-here").read_text() == "yes"
    assert ([w.count for w in run.work], run.windows, run.notes) == ([1.0], (), ())
    assert run.energies[0].energy_joules == 10.0
    assert [read_run(p) for p in out.glob("*.run.json")] == [run]
    assert list((out / FOLDER).iterdir()) == []


def test_a_forked_child_neither_writes_nor_breaks_anything(tmp_path: Path) -> None:
    """The child may call whatever it likes; the parent's run is as if it had not."""
    machine = Machine()
    recording = recorded(machine, out=tmp_path)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            use_everything(recording, tmp_path)
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    checked_parent(recording, machine, tmp_path)


def test_a_fork_while_the_lock_is_held_does_not_hang_the_child(tmp_path: Path) -> None:
    """The child gets locks of its own, though no thread will ever release the parent's."""
    machine = Machine()
    recording = recorded(machine, out=tmp_path)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with recording._lock, recording._disk:
            held.set()
            release.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = multiprocessing.get_context("fork").Process(target=use_everything, args=(recording, tmp_path))
    child.start()
    child.join(250)
    release.set()
    holder.join()
    assert child.exitcode == 0
    checked_parent(recording, machine, tmp_path)
