"""Where a run is kept while it goes on: whole or not at all, whoever dies, however many write."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.builders import a_run
from tests.measure.machine import Machine
from wattmark.core.errors import ConfigError, EvidenceError, without_paths
from wattmark.core.run import Status, Subject
from wattmark.ledger.runfile import read_run
from wattmark.measure.recording import Recording
from wattmark.measure.settings import Settings
from wattmark.measure.spool import ABANDONED_SECONDS, FOLDER, SUFFIX, Spool, close_orphans, document_of

IDS = [f"{n:08d}-0000-4000-8000-000000000001" for n in range(200)]


def spooled(out: Path, record_id: str = IDS[0]) -> Spool:
    """A run that is going on and has been checkpointed once."""
    spool = Spool(out, record_id, "20261101T120000Z")
    spool.open()
    spool.checkpoint(a_run(record_id=record_id, status=Status.OPEN, seq=1))
    return spool


def abandon(spool: Spool) -> None:
    """What the kernel does when a process dies: the lock is free, the files stay."""
    spool.forget_lock()


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in (folder / FOLDER).iterdir())


# --- one process ------------------------------------------------------------------------------------


def test_a_landed_run_is_one_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    """The spool file, the lock and the log are gone."""
    spool = spooled(tmp_path)
    spool.log_path.write_text("{}\n")
    path = spool.land(document_of(a_run(record_id=IDS[0])))
    assert read_run(path).record_id == IDS[0]
    assert path.name == f"20261101T120000Z-{IDS[0][:8]}{SUFFIX}"
    assert left_in(tmp_path) == []


def test_two_runs_that_begin_alike_are_two_files(tmp_path: Path) -> None:
    """The same second and the same first eight digits: neither takes the other's place."""
    one, other = f"{IDS[0][:-1]}1", f"{IDS[0][:-1]}2"
    paths = [spooled(tmp_path, each).land(document_of(a_run(record_id=each))) for each in (one, other)]
    assert [read_run(path).record_id for path in paths] == [one, other]


def test_an_orphan_that_was_to_go_to_a_ledger_goes_there_too(tmp_path: Path) -> None:
    """The folder has it, and the outbox, whose path may hold any character."""
    out, outbox = tmp_path / "runs", tmp_path / "büro \udcff"
    spool = Spool(out, IDS[0], "20261101T120000Z", outbox)
    spool.open()
    spool.checkpoint(a_run(record_id=IDS[0], status=Status.OPEN, seq=1))
    abandon(spool)
    (landed,) = close_orphans(out)
    assert (outbox / landed.name).read_bytes() == landed.read_bytes()
    assert read_run(landed).status is Status.INTERRUPTED


def test_odd_characters_leave_a_readable_file(tmp_path: Path) -> None:
    """A label from a file name that is not text has a question mark in it, and umlauts stay themselves."""
    spool = spooled(tmp_path)
    labelled = a_run(record_id=IDS[0], subject=Subject(labels={"file": "a\udcff", "city": "Köln"}))
    path = spool.land(document_of(labelled))
    assert read_run(path).subject.labels == {"file": "a?", "city": "Köln"}
    other = spooled(tmp_path, IDS[1])
    other.checkpoint(a_run(record_id=IDS[1], subject=Subject(labels={"file": "a\udcff", "city": "Köln"})))
    abandon(other)
    (orphan,) = close_orphans(tmp_path)
    assert read_run(orphan).subject.labels == {"file": "a?", "city": "Köln"}


def test_a_live_run_is_no_orphan(tmp_path: Path) -> None:
    """Its owner holds the lock."""
    spool = spooled(tmp_path)
    assert close_orphans(tmp_path) == []
    spool.discard()
    assert close_orphans(tmp_path) == []
    assert close_orphans(tmp_path / "not there") == []


def test_an_orphan_is_landed_as_interrupted(tmp_path: Path) -> None:
    """Under the name it would have had, with a higher seq; then nothing is left to close."""
    spool = spooled(tmp_path)
    abandon(spool)
    assert close_orphans(tmp_path) == [spool.final]
    run = read_run(spool.final)
    assert (run.status, run.seq, run.record_id) == (Status.INTERRUPTED, 2, IDS[0])
    assert left_in(tmp_path) == []
    assert close_orphans(tmp_path) == []


def test_a_run_killed_while_landing_is_not_landed_twice(tmp_path: Path) -> None:
    """The final file was there already: what is left of the spool goes, the file stays as it was."""
    spool = spooled(tmp_path)
    abandon(spool)
    landed = Spool(tmp_path, IDS[0], "20261101T120000Z")
    (tmp_path / landed.final.name).write_text("as it was")
    assert close_orphans(tmp_path) == []
    assert landed.final.read_text() == "as it was"
    assert left_in(tmp_path) == []


def test_a_run_killed_before_its_first_checkpoint_leaves_nothing(tmp_path: Path) -> None:
    """There is nothing to land, and no trace stays."""
    spool = Spool(tmp_path, IDS[0], "20261101T120000Z")
    spool.open()
    abandon(spool)
    assert close_orphans(tmp_path) == []
    assert list(tmp_path.glob(f"*{SUFFIX}")) == []
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_damaged_spool_file_is_dropped(tmp_path: Path, content: bytes) -> None:
    """Nothing that cannot be read is landed."""
    spool = spooled(tmp_path)
    (tmp_path / FOLDER / f"{IDS[0]}{SUFFIX}").write_bytes(content)
    abandon(spool)
    assert close_orphans(tmp_path) == []
    assert left_in(tmp_path) == []


def test_only_old_temporary_files_are_swept(tmp_path: Path) -> None:
    """A fresh one may belong to a writer on another machine that shares the folder."""
    spooled(tmp_path).discard()
    fresh, old = tmp_path / FOLDER / "a.1.tmp", tmp_path / FOLDER / "b.2.tmp"
    for path in (fresh, old):
        path.write_text("")
    long_ago = time.time() - ABANDONED_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    close_orphans(tmp_path)
    assert left_in(tmp_path) == ["a.1.tmp"]


def test_a_failed_write_leaves_the_checkpoint_before_it(tmp_path: Path) -> None:
    """A run that is no JSON is refused before anything is replaced, and no half file stays."""
    spool = spooled(tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        spool.checkpoint(a_run(record_id=IDS[0], duration_seconds=float("nan")))
    assert read_run(tmp_path / FOLDER / f"{IDS[0]}{SUFFIX}").seq == 1
    assert left_in(tmp_path) == [f"{IDS[0]}.lock", f"{IDS[0]}{SUFFIX}"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_orphan_that_cannot_be_landed_stays(tmp_path: Path) -> None:
    """A folder without write permission keeps its orphan for the next process."""
    abandon(spooled(tmp_path))
    tmp_path.chmod(0o555)
    try:
        assert close_orphans(tmp_path) == []
    finally:
        tmp_path.chmod(0o755)
    assert len(close_orphans(tmp_path)) == 1


# --- many at once -----------------------------------------------------------------------------------


def test_two_processes_close_each_orphan_once(tmp_path: Path) -> None:
    """Twenty orphans, four processes at the same moment: each is landed by exactly one."""
    for record_id in IDS[:20]:
        abandon(spooled(tmp_path, record_id))
    code = (
        "import sys; from pathlib import Path; from wattmark.measure.spool import close_orphans;"
        "sys.stdin.readline(); print('\\n'.join(p.name for p in close_orphans(Path(sys.argv[1]))))"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    landed = [name for w in workers for name in w.communicate("go\n")[0].split()]
    assert sorted(landed) == sorted(p.name for p in tmp_path.glob(f"*{SUFFIX}"))
    assert len(landed) == len(set(landed)) == 20
    assert all(read_run(tmp_path / name).status is Status.INTERRUPTED for name in landed)


def test_a_hundred_writers_share_a_folder(tmp_path: Path) -> None:
    """While others look for orphans: a hundred runs, a hundred whole files, none interrupted."""

    def write(record_id: str) -> Path:
        close_orphans(tmp_path)
        spool = spooled(tmp_path, record_id)
        return spool.land(document_of(a_run(record_id=record_id)))

    with ThreadPoolExecutor(16) as pool:
        paths = list(pool.map(write, IDS[:100]))
    assert {read_run(p).record_id for p in paths} == set(IDS[:100])
    assert all(read_run(p).status is Status.CLOSED for p in paths)
    assert left_in(tmp_path) == []


# --- killed -----------------------------------------------------------------------------------------


def busy_recording(out: Path, begun: Callable[[], object]) -> None:
    """Windows, entries and checkpoints as fast as they come, until killed; ``begun`` is told once."""
    machine = Machine()
    settings = Settings(out=out, period_seconds=0.001, checkpoint_seconds=0.0)
    recording = Recording(settings, machine.world())
    for turn in count():
        recording.start()
        if turn == 0:
            begun()
        for _ in range(20):
            machine.clock.advance(0.1)
            recording.end(recording.begin("step"))
            recording.log(work={"samples": 1})
            time.sleep(0.0005)
        recording.stop()
        recording = Recording(settings, machine.world())


@contextmanager
def a_process(out: Path) -> Iterator[int]:
    """A process of its own that has begun to record into this folder; dead at the end."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            busy_recording(out, lambda: os.write(theirs, b"."))
        finally:
            os._exit(1)
    os.close(theirs)
    try:
        os.read(ours, 1)  # on a busy machine it may take longer to begin than we wait
        yield pid
    finally:
        os.close(ours)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def kill_at_random_moments(out: Path, times: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(times):
        with a_process(out):
            time.sleep(chance.uniform(0.0, 0.06))
        for path in (*out.glob(f"*{SUFFIX}"), *(out / FOLDER).glob(f"*{SUFFIX}")):
            read_run(path)  # raises for half a file
        for path in close_orphans(out):
            assert read_run(path).status is Status.INTERRUPTED
        unfinished = [p for p in (out / FOLDER).glob("*") if p.suffix != ".tmp"]
        assert unfinished == []
    statuses = {read_run(p).status for p in out.glob(f"*{SUFFIX}")}
    assert statuses <= {Status.CLOSED, Status.INTERRUPTED}
    assert Status.INTERRUPTED in statuses


def test_kill_9_leaves_only_whole_valid_run_files(tmp_path: Path) -> None:
    """Ten random moments; the next process lands what was left as interrupted."""
    kill_at_random_moments(tmp_path, 10, seed=1)


@pytest.mark.slow
def test_kill_9_at_a_hundred_moments_leaves_only_whole_valid_run_files(tmp_path: Path) -> None:
    """A hundred random moments."""
    kill_at_random_moments(tmp_path, 100, seed=2)


def test_a_killed_process_is_closed_by_the_next_one(tmp_path: Path) -> None:
    """From the outside: one program is killed while it measures, the next one measures and lands both."""
    code = (
        "import sys, wattmark\nwith wattmark.track(out=sys.argv[1]) as run:\n"
        "    run.log(work={'samples': 1})\n    print('measuring', flush=True)\n    sys.stdin.readline()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "measuring\n"
    first.kill()
    first.communicate()
    subprocess.run(command, input="\n", text=True, check=True, capture_output=True)
    statuses = [read_run(p).status for p in sorted(tmp_path.glob(f"*{SUFFIX}"))]
    assert sorted(statuses) == [Status.CLOSED, Status.INTERRUPTED]


# --- a full disk ------------------------------------------------------------------------------------

HOST_PROGRAM = """
import resource, sys, wattmark
out = sys.argv[1]
with wattmark.track(out=out) as run:
    if sys.argv[2] == "small":
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    total = sum(range(1000))
print(total, run.problem, run.path, run.energy is not None)
sys.exit(7)
"""


def host_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", HOST_PROGRAM, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_full_disk_does_not_stop_the_program(tmp_path: Path) -> None:
    """No file can grow beyond 100 bytes: the program goes on, its exit code is its own, the trouble said."""
    ended = host_program(str(tmp_path), "small")
    assert (ended.returncode, ended.stderr) == (7, "")
    assert ended.stdout.startswith("499500 the run file could not be written: [Errno 27] File too large")
    assert ended.stdout.endswith("None True\n")
    (orphan,) = close_orphans(tmp_path)
    assert read_run(orphan).status is Status.INTERRUPTED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_disk_of_sixteen_kilobytes_does_not_stop_the_program(tmp_path: Path) -> None:
    """A real file system without a free block."""
    mounted = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path)]
    if subprocess.run(mounted, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting is forbidden here")
    try:
        with pytest.raises(OSError, match="No space"):
            (tmp_path / "full").write_bytes(b"x" * 17_000)
        ended = host_program(str(tmp_path / "runs"), "-")
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)
    assert (ended.returncode, ended.stderr) == (7, "")
    assert "No space left on device" in ended.stdout


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    """The run is measured all the same; its problem names the folder, its notes only say what is wrong."""
    path = tmp_path / "file"
    path.write_text("")
    recording = Recording(Settings(out=path), Machine().world())
    recording.start()
    run = recording.stop()
    assert recording.path is None
    assert str(path) in (recording.problem or "")
    assert run.notes == ("nothing can be kept on disk: File exists",)


def test_a_slow_disk_holds_up_no_window(tmp_path: Path) -> None:
    """While a checkpoint waits for its disk, windows begin and end."""
    recording = Recording(Settings(out=tmp_path), Machine().world())
    recording.start()
    with recording._disk:
        done = threading.Thread(target=lambda: recording.end(recording.begin("step")))
        done.start()
        done.join(timeout=250.0)
        assert not done.is_alive()
    assert [w.name for w in recording.stop().windows] == ["step"]
    assert json.loads(next(tmp_path.glob(f"*{SUFFIX}")).read_text())["status"] == "closed"


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    """A program that clears its output folder does not lose its run."""
    recording = Recording(Settings(out=tmp_path / "runs"), Machine().world())
    recording.start()
    shutil.rmtree(tmp_path / "runs")
    recording.stop()
    assert recording.path is not None
    assert read_run(recording.path).record_id == recording.record_id


def test_what_could_not_land_is_landed_by_the_next_process(tmp_path: Path) -> None:
    """Its lock is given back, so that it is an orphan."""
    out = tmp_path / "runs"
    recording = Recording(Settings(out=out), Machine().world())
    recording.start()
    assert recording._spool is not None
    taken = recording._spool.final
    taken.mkdir()
    taken.with_name(taken.name.replace(recording.record_id[:8], recording.record_id)).mkdir()
    recording.stop()
    assert recording.path is None
    taken.rmdir()
    (landed,) = close_orphans(out)
    assert read_run(landed).status is Status.INTERRUPTED


@pytest.mark.parametrize("content", ["{}", '{"schema": "wattmark.run", "seq": null}', "[" * 100_000])
def test_a_spool_file_that_is_none_never_reaches_the_host(tmp_path: Path, content: str) -> None:
    """Whatever lies there, starting to measure goes on."""
    folder = tmp_path / ".open"
    folder.mkdir()
    (folder / "a.lock").write_text("1 a.run.json")
    (folder / "a.run.json").write_text(content)
    assert close_orphans(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/home/someone/x"), "Permission denied"),
        (EvidenceError("/home/someone/x", "is empty"), "is empty"),
        (ConfigError("/home/someone/x", "[a]", "is wrong"), "is wrong"),
        (ValueError("no number"), "no number"),
    ],
)
def test_notes_tell_no_paths(error: Exception, said: str) -> None:
    """A path holds the name of its user."""
    assert without_paths(error) == said
