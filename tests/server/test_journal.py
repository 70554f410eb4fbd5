"""The listener's journal: what is in it is there after a crash, and nothing is taken for what it is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.world import Ledger, World, look, run, running, until
from tests.sources.otlp_messages import GPU, NODE, T0, counter, gauge, number, request
from wattmark.core.errors import EvidenceError, LedgerError, UsageError
from wattmark.core.telemetry import Samples
from wattmark.frames import framed
from wattmark.server.grouping import reads_of
from wattmark.server.journal import Journal, frames_of
from wattmark.server.listener import Listener
from wattmark.sources.catalog import Asked
from wattmark.sources.otlp_decode import Decoder
from wattmark.sources.otlp_intake import Intake, Points
from wattmark.sources.otlp_names import WANTED, Naming
from wattmark.sources.otlp_state import Kept, State
from wattmark.sources.otlp_streams import gathered

GAP = 60_000_000
DECODER = Decoder(WANTED)
INTAKE = Intake(Naming(asked=Asked()))


def points(*seconds: float) -> Points:
    """Looks at a counter of a GPU and at a power that was not recorded."""
    looks = [number(10.0 * s, s, GPU) for s in seconds]
    message = request(counter("hw.energy", looks), gauge("hw.power", [number(None, s, GPU) for s in seconds]))
    return INTAKE.take(DECODER.decode(message.SerializeToString()))


def written(journal: Journal, *frames: Points) -> Path:
    """A file of the journal that holds these frames, closed."""
    file = journal.begin()
    file.write([file.frame(p) for p in frames])
    file.close()
    return file.path


def test_points_come_back_as_they_were(tmp_path: Path) -> None:
    """Series are written once per file, and are equal afterwards; what was not recorded stays so."""
    journal = Journal(tmp_path, GAP)
    first, second = points(1, 2), points(3)
    gap, frames = frames_of(written(journal, first, second))
    assert gap == GAP
    kept = list(frames)
    assert [len(frame.series) for frame in kept] == [2, 0]
    energy, power = reads_of(kept)
    assert msgspec.to_builtins(energy.series) == msgspec.to_builtins(first.series[0])
    assert energy.time_us == [t // 1000 for t in (*first.time_ns[:2], second.time_ns[0])]
    assert energy.start_us == [T0 // 1000] * 3
    assert energy.values == [10e6, 20e6, 30e6]
    assert repr(power.values) == "[nan, nan, nan]"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(cut=st.integers(0, 2000))
def test_a_file_that_was_cut_off_ends_at_its_last_whole_frame(tmp_path: Path, cut: int) -> None:
    """Wherever the power went away: what is before is read, what is after is not made up."""
    for old in tmp_path.glob("*"):
        old.unlink()
    journal = Journal(tmp_path, GAP)
    path = written(journal, points(1), points(2), points(3))
    data = path.read_bytes()
    path.write_bytes(data[: min(cut, len(data))])
    reads = reads_of(frames_of(path)[1])
    whole = len(reads[0]) if reads else 0
    assert [read.values[:whole] for read in reads][:1] == [[10e6, 20e6, 30e6][:whole]][: len(reads)]
    assert whole == 3 or cut < len(data)
    journal.close()


def test_a_frame_that_was_spoilt_ends_the_file(tmp_path: Path) -> None:
    """A disk that gives other bytes back is noticed."""
    path = written(Journal(tmp_path, GAP), points(1), points(2))
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    assert len(list(frames_of(path)[1])) == 1


def test_only_one_listener_has_a_journal(tmp_path: Path) -> None:
    """The other one is told what to do; afterwards the folder is free."""
    journal = Journal(tmp_path, GAP)
    with pytest.raises(UsageError, match=r"another listener has this journal: give each its own"):
        Journal(tmp_path, GAP)
    journal.close()
    Journal(tmp_path, GAP).close()


def test_files_are_numbered_on_and_on(tmp_path: Path) -> None:
    """Also when all of them have landed and are gone."""
    journal = Journal(tmp_path, GAP)
    path = written(journal, points(1))
    journal.done(path, State({"k": Kept(1, 2, 3.0, [(1, 2)])}, 5, {"r": 7}))
    journal.close()
    again = Journal(tmp_path, GAP)
    assert again.waiting() == []
    assert again.state == State({"k": Kept(1, 2, 3.0, [(1, 2)])}, 5, {"r": 7})
    assert int(again.begin().path.stem) == int(path.stem) + 1


def test_a_file_that_has_landed_is_not_landed_again(tmp_path: Path) -> None:
    """The listener was killed after it had written the state and before it could remove the file."""
    journal = Journal(tmp_path, GAP)
    path = written(journal, points(1))
    data = path.read_bytes()
    journal.done(path, State())
    path.write_bytes(data)
    journal.close()
    assert Journal(tmp_path, GAP).waiting() == []
    assert not path.exists()


def test_what_a_newer_wattmark_wrote_is_left_alone(tmp_path: Path) -> None:
    """A file, and a state."""
    path = tmp_path / "000000000001.journal"
    path.write_bytes(framed(msgspec.msgpack.encode([99, 1])))
    with pytest.raises(LedgerError, match="newer wattmark"):
        frames_of(path)
    (tmp_path / "state").write_bytes(msgspec.msgpack.encode([99, 1, State()]))
    with pytest.raises(LedgerError, match="newer wattmark"):
        Journal(tmp_path, GAP)


def test_what_is_no_journal_is_named(tmp_path: Path) -> None:
    """A state that is none, and a file of somebody else."""
    (tmp_path / "state").write_bytes(b"hello")
    with pytest.raises(LedgerError, match="is not a listener's state"):
        Journal(tmp_path, GAP)
    (tmp_path / "state").unlink()
    (tmp_path / "systemd.journal").write_bytes(b"")
    with pytest.raises(UsageError, match=r"systemd\.journal: is not a file of a listener's journal"):
        Journal(tmp_path, GAP)


def test_the_last_point_is_known_after_a_restart(tmp_path: Path) -> None:
    """The interval between the last point before and the first one after is there."""
    ledger = Ledger()

    async def play(second: float, joules: float) -> None:
        async with running(tmp_path, ledger) as world:
            await world.post(look(second, joules))

    for second, joules in ((10, 100.0), (20, 150.0), (30, 175.0)):
        run(lambda s=second, j=joules: play(s, j))  # type: ignore[misc]
    assert [sum(s.energy_uj) for parts in ledger.landed for s in parts] == [
        100_000_000,
        50_000_000,
        25_000_000,
    ]


def test_landing_again_gives_the_same_samples(tmp_path: Path) -> None:
    """A listener that was killed between landing and writing its state: the ledger knows them by content."""
    ledger = Ledger()

    async def fill() -> World:
        async with running(tmp_path, ledger) as world:
            await world.post(look(10, 100.0))
            await world.post(look(20, 150.0))
            path = world.journal.waiting()[0]
            kept.append((path, path.read_bytes()))
            return world

    kept: list[tuple[Path, bytes]] = []
    run(fill)
    path, data = kept[0]
    path.write_bytes(data)
    (tmp_path / "journal" / "state").unlink()

    async def again() -> None:
        async with running(tmp_path, ledger):
            pass

    run(again)
    first, second = ledger.landed
    assert first == second


def test_attributes_that_are_not_kept_never_reach_the_disk(tmp_path: Path) -> None:
    """Nor does anything in the bodies that is no metric of ours."""

    async def play() -> None:
        async with running(tmp_path) as world:
            told = {**NODE, "process.command_line": "train --key=SECRET"}
            message = request(
                counter("hw.energy", [number(1.0, 1, {**GPU, "user": "SECRET"})]),
                gauge("prompt.SECRET", [number(1.0, 1)]),
                resource=told,
            )
            assert (await world.post(message)).status == 200
            data = b"".join(p.read_bytes() for p in world.journal.waiting())
            assert b"hw.energy" not in data
            assert b"GPU-aaaa" in data
            assert b"SECRET" not in data

    run(play)


def test_what_cannot_be_landed_is_kept_aside(tmp_path: Path) -> None:
    """A defect of ours: the points are kept for whoever mends it, and what comes after them lands."""

    class Fussy(Ledger):
        def __call__(self, parts: Sequence[Samples]) -> None:
            self.tried += 1
            if self.tried == 1:
                raise EvidenceError("samples", "row 0 cannot be")
            super().__call__(parts)

        tried = 0

    async def play() -> World:
        async with running(tmp_path, Fussy()) as world:
            await world.post(look(10, 100.0))
            return world

    world = run(play)
    (kept,) = (tmp_path / "journal").glob("*.refused")
    assert f"kept as {kept}, please report it" in world.said[0]
    assert len(list(frames_of(kept)[1])) == 1
    assert world.ledger.joules == 100, "what is sound lands"
    assert world.journal.waiting() == []


def test_what_the_ledger_did_not_take_waits_for_the_next_start(tmp_path: Path) -> None:
    """And the operator is told where."""
    ledger = Ledger(error=LedgerError("s3://bucket", "cannot be reached"))

    async def play() -> World:
        async with running(tmp_path, ledger) as world:
            await world.post(look(10, 100.0))
            return world

    world = run(play)
    folder = tmp_path / "journal"
    assert world.said[-1] == f"1 files wait in {folder}: they are landed at the next start"
    ledger.error = None

    async def again() -> None:
        async with running(tmp_path, ledger):
            pass

    run(again)
    assert ledger.joules == 100


def test_a_full_file_lands_before_its_time(tmp_path: Path) -> None:
    """So that what is worked out at once stays small."""

    async def play() -> int:
        async with running(tmp_path, most_points=3) as world:
            for second in range(10, 80, 10):
                await world.post(look(second, float(second)))
            listener: Listener = world.listener
            await until(lambda: listener.tally.batches == 2)
            return listener.tally.landed

    assert run(play) == 6


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    requests=st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=6), max_size=4),
    anew=st.booleans(),
)
def test_frames_are_grouped_as_points_are(
    tmp_path: Path, requests: list[list[tuple[int, int]]], anew: bool
) -> None:
    """By columns or one by one: the same points of the same series in the same order.

    Also when one series is there as two objects, because the listener's memory began anew.
    """
    for old in tmp_path.glob("*"):
        old.unlink()
    intake, decoder = Intake(Naming(asked=Asked())), Decoder(WANTED)
    sent = []
    for looks in requests:
        if anew:
            intake = Intake(Naming(asked=Asked()))
        told = [number(float(s), s, {"hw.id": f"GPU-{d}", "hw.type": "gpu"}) for d, s in looks]
        sent.append(intake.take(decoder.decode(request(counter("hw.energy", told)).SerializeToString())))
    journal = Journal(tmp_path, GAP)
    by_columns = {read.series.key: read for read in reads_of(frames_of(written(journal, *sent))[1])}
    one_by_one = {read.series.key: read for read in gathered(sent)}
    assert list(by_columns) == list(one_by_one)
    for key, read in one_by_one.items():
        found = by_columns[key]
        assert (found.time_us, found.start_us) == (read.time_us, read.start_us)
        assert found.values == read.values
    journal.close()
