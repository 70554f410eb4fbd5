"""What every tracker does: it tells a run live and its end, and never disturbs the program it lives in."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.exporters.tracked_runs import a_tracked_run
from tests.measure.machine import Machine
from wattmark.config import Config
from wattmark.core.tracked import Conclusion
from wattmark.exporters.tracker import OPEN_TRIES, NotOpened, Tracker, tags_of_run, title_of
from wattmark.hashing import sha256
from wattmark.measure.recording import Recording
from wattmark.measure.settings import Settings
from wattmark.wiring.trackers import teach


class Book(Tracker):
    """A tracker that writes down what it is told."""

    name = "book"

    def __init__(
        self, period_seconds: float = 0.2, *, down: str = "", hangs: threading.Event | None = None
    ) -> None:
        super().__init__(period_seconds)
        self.down, self.hangs = down, hangs
        self.opened = self.closed = 0
        self.points: list[dict[str, float]] = []
        self.told: list[Conclusion] = []

    def open(self, title: str, tags: dict[str, str]) -> None:
        self.opened += 1
        if self.down == "open":
            raise ConnectionError("http://user:secret@tracker.example refused")

    def log(self, numbers: dict[str, float], elapsed_seconds: float) -> None:
        self.points.append(numbers)

    def tell(self, conclusion: Conclusion) -> None:
        if self.hangs is not None:
            self.hangs.wait(60)
        if self.down == "tell":
            raise ValueError("no")
        self.told.append(conclusion)

    def close(self) -> None:
        self.closed += 1
        if self.down == "close":
            raise OSError("gone")


def recorded(book: Book, folder: Path) -> Recording:
    """A run of two seconds that the book was told of."""
    teach(book, Config())
    machine = Machine()
    settings = Settings(period_seconds=3600.0, out=folder)
    recording = Recording(settings, replace(machine.world(), exports=(book,)))
    recording.start()
    machine.clock.advance(2.0)
    recording.stop()
    return recording


def test_a_run_is_told_live_and_in_the_end_with_the_file_that_landed(tmp_path: Path) -> None:
    """Opened once, closed once; the file's digest is that of the run file on disk."""
    book = Book()
    recording = recorded(book, tmp_path)
    assert (book.opened, book.closed) == (1, 1)
    assert book.points[-1]["wattmark/elapsed_seconds"] == 2.0
    (told,) = book.told
    (file,) = [f for f in told.files if f.kind == "run"]
    assert recording.path is not None
    assert file.sha256 == sha256(recording.path.read_bytes()).hexdigest()
    assert recording.problem is None
    assert recording.untold == ()


@pytest.mark.parametrize("down", ["open", "tell", "close"])
def test_a_tracker_that_is_down_costs_no_evidence(tmp_path: Path, down: str) -> None:
    """The run file is there, the program hears of it without an exception, and no secret is in the words."""
    recording = recorded(Book(down=down), tmp_path)
    assert recording.path is not None
    assert recording.path.is_file()
    (problem,) = recording.untold
    assert problem.startswith("book: ")
    assert "secret" not in problem


def test_a_tracker_that_hangs_is_left_behind(tmp_path: Path) -> None:
    """The end of a run waits so long at most."""
    released = threading.Event()
    book = Book(hangs=released)
    book.wait_seconds = 0.1
    recording = recorded(book, tmp_path)
    released.set()
    assert recording.untold == ("book: did not take what the run came to within 0.1 s",)
    assert recording.path is not None


def test_a_tracker_that_cannot_be_opened_is_left_alone_after_a_few_tries() -> None:
    """Each try may wait for a network."""
    book, run = Book(3600.0, down="open"), a_tracked_run()
    for _ in range(OPEN_TRIES):
        with pytest.raises(ConnectionError):
            book.show(run)
    with pytest.raises(NotOpened, match="ConnectionError"):
        book.show(run)
    assert book.opened == OPEN_TRIES


def test_the_end_of_a_run_does_not_try_again(tmp_path: Path) -> None:
    """It was tried while the run went on; the reason is told."""
    book = Book(3600.0, down="open")
    recording = recorded(book, tmp_path)
    assert book.opened == 1
    (problem,) = recording.untold
    assert "ConnectionError" in problem


def test_a_run_that_never_started_is_told_nowhere(tmp_path: Path) -> None:
    """A command that could not be started has no KPIs."""
    book = Book()
    machine = Machine()
    recording = Recording(Settings(out=tmp_path), replace(machine.world(), exports=(book,)))
    recording.start()
    recording.discard()
    assert book.told == []


def test_without_wiring_there_are_live_numbers_alone() -> None:
    """A tracker of another package may be used by itself."""
    book, run = Book(3600.0), a_tracked_run()
    book.show(run)
    assert book.conclude(run, b"") is None
    assert (len(book.points), book.told, book.closed) == (1, [], 1)


def test_a_tracked_run_is_called_by_its_tags() -> None:
    """Model, version, and the record's first letters; no host, no user."""
    assert title_of(a_tracked_run()) == "sorter 2 00000000"
    assert tags_of_run(a_tracked_run()) == {
        "team": "language",
        "model": "sorter",
        "model_version": "2",
        "record_id": a_tracked_run().record_id,
    }
