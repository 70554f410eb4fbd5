"""Handing lines on: never waiting, never raising, losing nothing unsaid."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.integrations.request_path import telling
from wattmark.integrations.request_path.telling import FileTeller, Silent, SocketTeller, with_all_sent


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def an_agent(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(path))
    made.setblocking(False)
    return made


def all_of(agent: socket.socket) -> list[bytes]:
    lines: list[bytes] = []
    while True:
        try:
            lines += agent.recv(1 << 20).split(b"\n")
        except BlockingIOError:
            return lines


def test_a_line_is_one_datagram(tmp_path: Path) -> None:
    """There as soon as it is told."""
    with an_agent(tmp_path / "a") as agent:
        teller = SocketTeller(str(tmp_path / "a"))
        teller.tell(b'{"a":1}')
        assert agent.recv(100) == b'{"a":1}'
    assert not teller.dropped


def test_without_an_agent_lines_are_counted(tmp_path: Path) -> None:
    """It is looked for again after a second, and told once it is there."""
    clock = Clock()
    teller = SocketTeller(str(tmp_path / "a"), clock)
    teller.tell(b"1")
    with an_agent(tmp_path / "a") as agent:
        teller.tell(b"2")
        assert teller.dropped == {"no_agent": 2}
        clock.now = 1.1
        teller.tell(b"3")
        assert all_of(agent) == [b"3"]


def test_an_agent_that_starts_again_is_told_again(tmp_path: Path) -> None:
    """What was told while it was away is counted."""
    clock = Clock()
    teller = SocketTeller(str(tmp_path / "a"), clock)
    for life in range(3):
        with an_agent(tmp_path / "a") as agent:
            clock.now += 2
            teller.tell(b"1")
            assert all_of(agent) == [b"1"], life
        (tmp_path / "a").unlink()
        teller.tell(b"lost")
    assert teller.dropped == {"no_agent": 3}


def test_a_busy_agent_gets_everything_later_and_in_order(tmp_path: Path) -> None:
    """The kernel keeps few datagrams; the rest waits here, and goes many lines at a time."""
    with an_agent(tmp_path / "a") as agent:
        teller = SocketTeller(str(tmp_path / "a"))
        lines = [f"line {i}".encode() for i in range(5000)]
        for line in lines:
            teller.tell(line)
        found: list[bytes] = []
        while not teller.flush():
            found += all_of(agent)
        found += all_of(agent)
    assert found == lines
    assert not teller.dropped


def test_more_than_memory_may_hold_is_dropped_and_counted(tmp_path: Path) -> None:
    """The newest are; those that wait keep their order."""
    with an_agent(tmp_path / "a"):
        teller = SocketTeller(str(tmp_path / "a"))
        for _ in range(telling.MOST_WAITING + 2000):
            teller.tell(b"x")
        assert 0 < teller.dropped["agent_busy"] <= 2000


def test_what_no_datagram_can_hold_is_counted(tmp_path: Path) -> None:
    """Whatever the reason, nothing is raised."""
    with an_agent(tmp_path / "a"):
        teller = SocketTeller(str(tmp_path / "a"))
        teller.tell(b"x" * (8 << 20))
        assert teller.dropped.total() == 1
    teller = SocketTeller("/" + "x" * 300)
    teller.tell(b"x")
    assert teller.dropped == {"socket_error": 1}


def test_lines_are_appended_to_a_file(tmp_path: Path) -> None:
    """In the background; a file that was moved away is begun anew."""
    file = tmp_path / "log.jsonl"
    teller = FileTeller(str(file))
    teller.tell(b"1")
    assert not file.exists()
    assert teller.flush()
    file.rename(tmp_path / "log.1")
    teller.tell(b"2")
    teller.tell(b"3")
    teller.flush()
    assert (tmp_path / "log.1").read_bytes() == b"1\n"
    assert file.read_bytes() == b"2\n3\n"


def test_a_folder_that_is_gone_is_counted(tmp_path: Path) -> None:
    """Once it is there, lines are written."""
    teller = FileTeller(str(tmp_path / "later" / "log"))
    teller.tell(b"1")
    teller.flush()
    assert teller.dropped == {"file_error": 1}
    (tmp_path / "later").mkdir()
    teller.tell(b"2")
    teller.flush()
    assert (tmp_path / "later" / "log").read_bytes() == b"2\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_is_counted() -> None:
    """Linux's /dev/full takes nothing."""
    teller = FileTeller("/dev/full")
    teller.tell(b"1")
    teller.tell(b"2")
    teller.flush()
    assert teller.dropped == {"disk_full": 2}


def test_a_file_has_a_limit_of_memory(tmp_path: Path) -> None:
    """While nothing is written, so many lines wait."""
    teller = FileTeller(str(tmp_path / "log"))
    for _ in range(telling.MOST_WAITING + 5):
        teller.tell(b"x")
    assert teller.dropped == {"disk_slow": 5}


@given(st.lists(st.binary(min_size=1, max_size=5).filter(lambda b: b"\n" not in b), max_size=20))
def test_all_that_is_told_is_written(lines: list[bytes]) -> None:
    """Whatever the host does between, each line is there once."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        teller = FileTeller(f"{folder}/log")
        for i, line in enumerate(lines):
            teller.tell(line)
            if i % 3 == 0:
                teller.flush()
        with_all_sent(teller, 0.1)
        written = Path(folder, "log").read_bytes() if lines else b""
    assert written == b"".join(line + b"\n" for line in lines)


def test_silence_says_nothing() -> None:
    """And nothing waits."""
    Silent().tell(b"x")
    assert Silent().flush()
