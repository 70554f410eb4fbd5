"""The way of a run into a ledger: nothing is lost, nothing holds up the program."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.measure.machine import Machine
from wattmark.core.errors import UsageError
from wattmark.hashing import sha256
from wattmark.ledger.runfile import read_run
from wattmark.measure.delivery import AT_ONCE, Delivery, Put, deliver, outbox_of
from wattmark.measure.home import calibrations_folder, outbox_folder
from wattmark.measure.recording import Recording
from wattmark.measure.settings import Settings
from wattmark.measure.spool import close_orphans
from wattmark.userhome import NOWHERE, home_of_user

LONG = 250.0
"""Seconds for what is done at once, however busy the machine is."""


class Shelf:
    """A ledger's inbox: a folder, which may be out of order, or answer only when a test lets it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broken: OSError | None = None
        self.answers = threading.Event()
        self.answers.set()

    def open(self) -> Put:
        if self.broken is not None:
            raise self.broken
        return self.put

    def put(self, name: str, data: bytes) -> bool:
        self.answers.wait()
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        path.write_bytes(data)
        return new

    @property
    def names(self) -> list[str]:
        return sorted(p.name for p in self.folder.glob("inbox/*"))


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path / "ledger")
    yield shelf
    shelf.answers.set()  # no thread is left waiting, whatever failed


def a_delivery(shelf: Shelf, tmp_path: Path, *, wait: bool = True) -> Delivery:
    return Delivery(str(shelf.folder), tmp_path / "outbox", shelf.open, wait=wait)


def recorded(delivery: Delivery, **settings: object) -> Recording:
    """A run of two seconds that has ended."""
    machine = Machine()
    world = replace(machine.world(), delivery=delivery)
    recording = Recording(Settings(period_seconds=3600.0, **settings), world)  # type: ignore[arg-type]
    recording.start()
    machine.clock.advance(2.0)
    recording.stop()
    return recording


def test_a_run_goes_to_the_ledger_under_the_hash_of_its_content(shelf: Shelf, tmp_path: Path) -> None:
    """Without a folder of its own the run is in the ledger alone, and the outbox is empty."""
    recording = recorded(a_delivery(shelf, tmp_path))
    (name,) = shelf.names
    document = (shelf.folder / "inbox" / name).read_bytes()
    assert name == f"{sha256(document).hexdigest()}.run.json"
    assert json.loads(document)["record_id"] == recording.record_id
    assert recording.path is None
    assert not list((tmp_path / "outbox").glob("*.run.json"))


def test_a_run_with_a_folder_stays_there_and_goes_to_the_ledger_too(shelf: Shelf, tmp_path: Path) -> None:
    """The same bytes in both places."""
    recording = recorded(a_delivery(shelf, tmp_path), out=tmp_path / "runs")
    assert recording.path is not None
    (name,) = shelf.names
    assert (shelf.folder / "inbox" / name).read_bytes() == recording.path.read_bytes()


def test_what_cannot_be_delivered_waits_for_the_next_run(shelf: Shelf, tmp_path: Path) -> None:
    """A ledger that is out of order loses nothing: the next recording brings both runs."""
    shelf.broken = OSError(28, "No space left on device")
    delivery = a_delivery(shelf, tmp_path)
    first = recorded(delivery)
    assert delivery.problem is not None
    assert "No space left" in delivery.problem
    (waiting,) = (tmp_path / "outbox").glob("*.run.json")
    assert read_run(waiting).record_id == first.record_id
    shelf.broken = None
    again = a_delivery(shelf, tmp_path)
    recorded(again)
    assert again.problem is None
    assert again.delivered == 2
    assert len(shelf.names) == 2
    assert not list((tmp_path / "outbox").glob("*.run.json"))


def test_a_run_with_a_folder_waits_in_the_outbox_as_a_copy(shelf: Shelf, tmp_path: Path) -> None:
    """The run file stays where it was asked for, and the ledger still gets it later."""
    shelf.broken = OSError(5, "Input/output error")
    recording = recorded(a_delivery(shelf, tmp_path), out=tmp_path / "runs")
    assert recording.path is not None
    (copy,) = (tmp_path / "outbox").glob("*.run.json")
    assert copy.read_bytes() == recording.path.read_bytes()


def test_an_outbox_that_cannot_be_written_to_is_told(shelf: Shelf, tmp_path: Path) -> None:
    """Both reasons are given, and the run file itself is still there."""
    shelf.broken = OSError(5, "Input/output error")
    (tmp_path / "outbox").write_text("a file where a folder should be")
    delivery = a_delivery(shelf, tmp_path)
    recording = recorded(delivery, out=tmp_path / "runs")
    assert recording.path is not None
    assert recording.path.exists()
    assert delivery.problem is not None
    assert "nor can it wait" in delivery.problem


def test_a_slow_ledger_does_not_hold_up_the_program(shelf: Shelf, tmp_path: Path) -> None:
    """Stopping returns before the ledger has answered; finishing waits for it."""
    shelf.answers.clear()
    delivery = a_delivery(shelf, tmp_path, wait=False)
    recorded(delivery)
    assert shelf.names == []
    delivery.finish(0.0)
    assert delivery.problem is not None
    shelf.answers.set()
    delivery.finish(LONG)
    assert len(shelf.names) == 1
    assert delivery.problem is None


def test_a_ledger_that_refuses_is_told_and_never_raises(tmp_path: Path) -> None:
    """A wrong address is a problem of the delivery, not of the program that is measured."""

    def refuse() -> Put:
        raise UsageError("the bucket does not exist: make it first")

    delivery = Delivery("s3://nowhere", tmp_path / "outbox", refuse, wait=True)
    recorded(delivery)
    assert delivery.problem == "the bucket does not exist: make it first"
    assert len(list((tmp_path / "outbox").glob("*.run.json"))) == 1


def test_delivering_twice_is_delivering_once(shelf: Shelf, tmp_path: Path) -> None:
    """A run that was put and not yet removed from the outbox has the same name the second time."""
    for _ in range(2):
        path = tmp_path / "a.run.json"
        path.write_text("{}")
        assert deliver([path, tmp_path / "gone.run.json"], shelf.open()) == 1
    assert len(shelf.names) == 1
    assert not path.exists()


def test_a_file_that_cannot_be_read_keeps_no_other_waiting(shelf: Shelf, tmp_path: Path) -> None:
    """A folder of that name is passed over, a file without the right to read it is told."""
    outbox = tmp_path / "outbox"
    (outbox / "0.run.json").mkdir(parents=True)
    (outbox / "1.run.json").symlink_to("1.run.json")
    recorded(delivery := a_delivery(shelf, tmp_path))
    assert delivery.problem is None
    barred = outbox / "2.run.json"
    with pytest.raises(OSError, match="directory"):
        deliver([outbox / "0.run.json", written(barred)], shelf.open())
    assert len(shelf.names) == 2
    assert not barred.exists()


def written(path: Path) -> Path:
    path.write_text("{}")
    return path


def test_an_outbox_full_of_runs_does_not_hold_up_the_end_of_one(shelf: Shelf, tmp_path: Path) -> None:
    """So many go along with each run; its own is among them."""
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    for n in range(AT_ONCE + 10):
        (outbox / f"2020-{n}.run.json").write_text(str(n))
    recording = recorded(a_delivery(shelf, tmp_path))
    assert len(shelf.names) == AT_ONCE
    assert any(recording.record_id in (shelf.folder / "inbox" / n).read_text() for n in shelf.names)
    recorded(a_delivery(shelf, tmp_path))
    assert len(shelf.names) == AT_ONCE + 12


def test_a_run_that_cannot_be_kept_goes_to_the_ledger_from_memory(shelf: Shelf, tmp_path: Path) -> None:
    """A container without a place to write still reports to its ledger."""
    (tmp_path / "outbox").write_text("a file where a folder should be")
    for wait in (True, False):
        delivery = a_delivery(shelf, tmp_path, wait=wait)
        recording = recorded(delivery)
        delivery.finish(LONG)
        assert delivery.problem is None
        assert not delivery.kept
        assert any(recording.record_id in (shelf.folder / "inbox" / n).read_text() for n in shelf.names)


def test_a_run_that_goes_nowhere_is_told(shelf: Shelf, tmp_path: Path) -> None:
    """Neither ledger nor outbox: nobody may say that it is in the ledger."""
    shelf.broken = OSError(5, "Input/output error")
    (tmp_path / "outbox").write_text("a file where a folder should be")
    delivery = a_delivery(shelf, tmp_path)
    recording = recorded(delivery)
    assert delivery.problem is not None
    assert "nor can it wait" in delivery.problem
    assert not delivery.kept
    assert recording.path is None


def test_a_run_with_a_folder_is_in_the_outbox_before_a_slow_ledger_has_it(
    shelf: Shelf, tmp_path: Path
) -> None:
    """A program that is killed while the ledger does not answer has lost nothing."""
    shelf.answers.clear()
    delivery = a_delivery(shelf, tmp_path, wait=False)
    recording = recorded(delivery, out=tmp_path / "runs")
    assert recording.path is not None
    (waiting,) = (tmp_path / "outbox").glob("*.run.json")
    assert waiting.read_bytes() == recording.path.read_bytes()
    shelf.answers.set()
    delivery.finish(LONG)
    assert not waiting.exists()


def test_a_ledger_that_does_not_answer_costs_one_thread(shelf: Shelf, tmp_path: Path) -> None:
    """However many runs end meanwhile; all of them get there."""
    shelf.answers.clear()
    before = set(threading.enumerate())
    deliveries = [a_delivery(shelf, tmp_path, wait=False) for _ in range(5)]
    for delivery in deliveries:
        recorded(delivery)
    assert [t.name for t in set(threading.enumerate()) - before] == ["wattmark-delivery"]
    shelf.answers.set()
    deliveries[0].finish(LONG)
    assert len(shelf.names) == 5
    assert all(delivery.problem is None for delivery in deliveries)


def test_a_library_that_panics_is_told(tmp_path: Path) -> None:
    """What lies below an object store may raise what is no error of ours."""

    class Panic(BaseException):
        """What Rust gives Python."""

    def panic(name: str, data: bytes) -> bool:
        raise Panic("called `Option::unwrap()` on a `None` value")

    delivery = Delivery("s3://x", tmp_path / "outbox", lambda: panic, wait=False)
    recorded(delivery)
    delivery.finish(LONG)
    assert delivery.problem is not None
    assert "Panic" in delivery.problem
    assert len(list((tmp_path / "outbox").glob("*.run.json"))) == 1


def test_a_whole_run_counts_before_what_was_left_of_it(shelf: Shelf, tmp_path: Path) -> None:
    """Killed between landing and clearing up: what others make of the last checkpoint has a lower ``seq``."""
    machine = Machine()
    recording = Recording(
        Settings(period_seconds=3600.0, out=tmp_path / "runs"),
        replace(machine.world(), delivery=a_delivery(shelf, tmp_path)),
    )
    recording.start()
    machine.clock.advance(2.0)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "runs", copy)
    recording.stop()
    (orphan,) = close_orphans(copy)
    (name,) = shelf.names
    assert read_run(shelf.folder / "inbox" / name).seq > read_run(orphan).seq


def test_a_user_without_a_home_has_no_outbox() -> None:
    """As in a container that runs under a made-up id: nothing can be made there, and nothing is raised."""

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    home = home_of_user(unknown)
    assert outbox_folder({}, home).is_relative_to(NOWHERE)
    assert not keeps(outbox_folder({}, home))
    assert not calibrations_folder({}, home).is_dir()


def keeps(outbox: Path) -> bool:
    return Delivery("x", outbox, lambda: lambda _name, _data: True, wait=True).keep("a.run.json", b"{}")


def test_each_ledger_has_an_outbox_of_its_own(tmp_path: Path) -> None:
    """Runs never go to another ledger than they were meant for."""
    environ = {"WATTMARK_HOME": str(tmp_path)}
    assert outbox_of("a", environ) != outbox_of("b", environ)
    assert outbox_of("a", environ) == outbox_of("a", environ)
    assert outbox_of("a", environ).parent == tmp_path / "outbox"
    assert outbox_of("a", {"XDG_STATE_HOME": str(tmp_path)}).parent == tmp_path / "wattmark" / "outbox"


PROGRAM = """
import os, sys, time
import wattmark
run = wattmark.track("job", ledger=sys.argv[1]).start()
print("ready", flush=True)
if sys.argv[2] == "wait":
    time.sleep(600)
if sys.argv[2] == "forget":
    sys.exit(3)
run.stop()
"""


def python(tmp_path: Path, how: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "WATTMARK_HOME": str(tmp_path / "home")}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "ledger"), how],
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
        cwd=tmp_path,
    )


@pytest.mark.slow
def test_a_killed_program_is_in_the_ledger_after_the_next_one(tmp_path: Path) -> None:
    """kill -9, then another run: the ledger holds both, the killed one as interrupted."""
    with python(tmp_path, "wait") as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "ready\n"
        killed.send_signal(signal.SIGKILL)
    with python(tmp_path, "stop") as process:
        assert process.wait(250) == 0
    found = [read_run(p) for p in (tmp_path / "ledger" / "inbox").glob("*.run.json")]
    assert sorted(r.status.value for r in found) == ["closed", "interrupted"]


@pytest.mark.slow
def test_a_program_that_forgets_to_stop_is_in_the_ledger_too(tmp_path: Path) -> None:
    """Its exit code stays its own."""
    with python(tmp_path, "forget") as process:
        assert process.wait(250) == 3
    (path,) = (tmp_path / "ledger" / "inbox").glob("*.run.json")
    assert read_run(path).status.value == "interrupted"


FORKING = """
import os, sys
import wattmark
from wattmark.measure.carrier import finish_all

def run(name):
    with wattmark.track(name, team=name, ledger=sys.argv[1]):
        pass

run("before")
finish_all()
child = os.fork()
if child == 0:
    run("child")
    sys.exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_leaves_its_run_to_the_parent(tmp_path: Path) -> None:
    """A ledger across the network is spoken to by the parent alone, which takes the run along at its end."""
    pytest.importorskip("obstore")
    pytest.importorskip("moto.server")
    from tests.fakes.s3_server import S3Server
    from wattmark.ledger.store import open_store

    with S3Server() as server:
        server.create_bucket("forks")
        environ = server.environ(server.port)
        home = {"WATTMARK_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [sys.executable, "-c", FORKING, "s3://forks/ledger"],
            env={**os.environ, **environ, **home},
            cwd=tmp_path,
            capture_output=True,
            timeout=250,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        store = open_store("s3://forks/ledger", environ)
        teams = [json.loads(store.read(e.name))["subject"]["team"] for e in store.names("inbox/")]
    assert sorted(teams) == ["before", "child"]
    assert not list(tmp_path.rglob("*.run.json"))


LEFT_OPEN = """
import sys, time
from pathlib import Path
from dataclasses import replace
from tests.measure.machine import Machine
from wattmark.measure.recording import Recording
from wattmark.measure.settings import Settings

from wattmark.measure.delivery import Delivery  # as a track does: when the ledger is known

folder = Path(sys.argv[1])

def slowly(name, data):
    time.sleep(0.5)
    (folder / "landed").write_bytes(data)
    return True

delivery = Delivery("far://ledger", folder / "outbox", lambda: slowly, wait=False)
Recording(Settings(), replace(Machine().world(), delivery=delivery)).start()
"""


def test_a_run_that_is_left_open_is_brought_at_exit(tmp_path: Path) -> None:
    """It ends before the wait for what is under way to ledgers across the network, not after."""
    subprocess.run([sys.executable, "-c", LEFT_OPEN, str(tmp_path)], check=True, timeout=LONG)
    landed = read_run(tmp_path / "landed")
    assert landed.status.value == "interrupted"
