"""Files of frames: what was written is there whole, or is not there."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import UsageError
from wattmark.frames import (
    HEAD,
    FrameFile,
    _only_ours,
    alone,
    claimed,
    framed,
    locked,
    replace_durably,
    whole_frames,
)

PIECES = st.lists(st.binary(max_size=30), min_size=1, max_size=8)


@given(PIECES, st.data())
def test_a_file_cut_anywhere_ends_at_its_last_whole_frame(pieces: list[bytes], data: st.DataObject) -> None:
    """Every frame that was whole before the cut comes back, and nothing else."""
    frames = [framed(piece) for piece in pieces]
    cut = data.draw(st.integers(0, sum(map(len, frames))))
    whole = 0
    while whole < len(frames) and sum(map(len, frames[: whole + 1])) <= cut:
        whole += 1
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        path.write_bytes(b"".join(frames)[:cut])
        assert list(whole_frames(path)) == pieces[:whole]


@given(PIECES, st.data())
def test_a_bit_that_turned_ends_a_file_before_its_frame(pieces: list[bytes], data: st.DataObject) -> None:
    """A changed content, checksum or length is never read as what was written."""
    frames = [framed(piece) for piece in pieces]
    hit = data.draw(st.integers(0, len(frames) - 1))
    at = sum(map(len, frames[:hit])) + data.draw(st.integers(0, len(frames[hit]) - 1))
    damaged = bytearray(b"".join(frames))
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        path.write_bytes(damaged)
        assert list(whole_frames(path))[: hit + 1] == pieces[:hit]


def test_frames_come_back_in_the_order_in_which_they_were_appended(tmp_path: Path) -> None:
    """Its size is what is there: 8 bytes a frame and what they hold."""
    file = FrameFile(tmp_path / "frames")
    file.append([framed(b"one"), framed(b"")])
    file.append([framed(b"two")], durable=False)
    file.sync()
    file.close()
    assert list(whole_frames(tmp_path / "frames")) == [b"one", b"", b"two"]
    assert file.size == os.path.getsize(tmp_path / "frames") == 3 * HEAD.size + 6


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    """What another run left under the name stays."""
    (tmp_path / "frames").write_bytes(framed(b"kept"))
    with pytest.raises(FileExistsError):
        FrameFile(tmp_path / "frames")
    assert list(whole_frames(tmp_path / "frames")) == [b"kept"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new content, and no part beside it."""
    for content in (b"old", b"new"):
        replace_durably(tmp_path / "state", content)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("state", b"new")]


def test_a_folder_has_one_holder_at_a_time(tmp_path: Path) -> None:
    """The second is refused with the sentence that it gave, until the first lets go."""
    release = locked(tmp_path, "first")
    with pytest.raises(UsageError, match="second"):
        locked(tmp_path, "second")
    release()
    locked(tmp_path, "third")()


def test_a_file_has_one_holder_at_a_time(tmp_path: Path) -> None:
    """The second is told no, until the first lets go; one that is gone is nobody's."""
    path = tmp_path / "message"
    path.write_bytes(b"once")
    with claimed(path) as first, claimed(path) as second:
        assert (first, second) == (True, False)
    with claimed(path) as third:
        assert third
    path.unlink()
    with claimed(path) as gone:
        assert not gone


@pytest.mark.skipif(not Path("/proc/self/fdinfo").is_dir(), reason="tells how a file is open")
def test_a_file_is_held_as_network_file_systems_ask_for_it(tmp_path: Path) -> None:
    """Open for writing: NFS refuses the lock of one that is open for reading, so nobody would have it."""
    path = tmp_path / "message"
    path.write_bytes(b"once")
    with claimed(path) as ours:
        assert ours
        (held,) = [fd for fd in Path("/proc/self/fd").iterdir() if fd.exists() and fd.samefile(path)]
        told = (Path("/proc/self/fdinfo") / held.name).read_text()
    (flags,) = [int(line.split()[1], 8) for line in told.splitlines() if line.startswith("flags:")]
    assert flags & os.O_ACCMODE == os.O_RDWR
    assert path.read_bytes() == b"once"


def test_a_file_that_was_replaced_meanwhile_is_not_the_one_that_was_asked_for(tmp_path: Path) -> None:
    """Whoever waits to look at it finds another file in its place, or none."""
    path = tmp_path / "message"
    path.write_bytes(b"once")
    with open(path, "rb") as before:
        assert _only_ours(before.fileno(), path)
        replace_durably(path, b"again")
        assert not _only_ours(before.fileno(), path)
        path.unlink()
        assert not _only_ours(before.fileno(), path)


def test_two_take_turns_in_a_folder(tmp_path: Path) -> None:
    """The second waits for the first, and nothing is left behind."""
    said: list[str] = []
    with ThreadPoolExecutor(1) as other:
        with alone(tmp_path):
            waits = other.submit(_in_turn, tmp_path, said)
            time.sleep(0.2)
            said.append("first")
        waits.result(10)
    assert said == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def _in_turn(folder: Path, said: list[str]) -> None:
    with alone(folder):
        said.append("second")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a folder in which no file can be made")
def test_a_folder_that_takes_no_lock_is_told_as_what_it_is() -> None:
    """Not as held by another: the error is the system's own."""
    with pytest.raises(OSError, match="lock"):
        locked(Path("/sys/kernel"), "another process", must=False)


def test_a_link_that_lies_in_wait_is_not_followed(tmp_path: Path) -> None:
    """A repository may hold one where its files are made ready."""
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    (tmp_path / "kept.part").symlink_to(other)
    replace_durably(tmp_path / "kept", b"new")
    assert (other.read_bytes(), (tmp_path / "kept").read_bytes()) == (b"mine", b"new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept", "other"]


@pytest.mark.skipif(os.name == "nt", reason="permissions are other ones there")
def test_who_might_read_a_file_may_read_the_next(tmp_path: Path) -> None:
    """A waiver file that a group shares stays theirs."""
    path = tmp_path / "kept"
    path.write_bytes(b"old")
    path.chmod(0o640)
    replace_durably(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o640


def test_writers_without_a_lock_leave_the_whole_file_of_one_of_them(tmp_path: Path) -> None:
    """None fails and none puts half of another's in place: each makes its own ready."""
    path = tmp_path / "kept"
    contents = [bytes([letter]) * 100_000 for letter in b"abcd"]

    def write(content: bytes) -> None:
        for _ in range(10):
            replace_durably(path, content, others=True)

    with ThreadPoolExecutor(len(contents)) as writers:
        assert list(writers.map(write, contents)) == [None] * len(contents)
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]
