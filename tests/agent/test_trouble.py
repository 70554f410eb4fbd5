"""A real agent when its surroundings fail: no store, no room, and nonsense at every door."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.node import Powercap, Running, request_line, running
from tests.agent.test_killed import PATIENT, Landed

pytest.importorskip("pyarrow", reason="needs the extra 'ledger'")
pytestmark = pytest.mark.slow


def until(
    agent: Running, holds: Callable[[dict[str, object]], bool], seconds: float = 60.0
) -> dict[str, object]:
    """The agent's health, once something holds of it."""
    end = time.monotonic() + seconds
    while True:
        health = json.loads(agent.get("/healthz")[1])
        if holds(health) or time.monotonic() > end:
            return health
        time.sleep(0.1)


def shown(agent: Running, line: str) -> str:
    """The agent's metrics, once this line is among them."""
    end = time.monotonic() + 60
    while True:
        metrics = agent.get("/metrics")[1]
        if line in metrics or time.monotonic() > end:
            return metrics
        time.sleep(0.1)


def fill(path: Path) -> None:
    """Write until there is no room left."""
    with open(path, "wb", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 512)
            except OSError:
                return


def test_a_store_that_is_away_for_a_while_gets_everything(tmp_path: Path) -> None:
    """Its place is not there, then it is: windows wait in the spool meanwhile, and none is missing."""
    powercap = Powercap(tmp_path / "powercap")
    before = powercap.microjoules
    place = tmp_path / "mounted" / "later"
    with running(tmp_path, f"ledger={place / 'ledger'}", PATIENT) as agent:
        for number in range(20):
            powercap.use(100_000)
            assert agent.post([request_line(number)]) == 200
            time.sleep(0.1)
        health = until(agent, lambda h: bool(h["spool_files"]) and h["status"] == "degraded")
        assert "is not there" in str(health["reasons"])
        assert agent.get("/healthz")[0] == 200
        place.mkdir(parents=True)
        until(agent, lambda h: not h["spool_files"] and h["last_landed"] is not None)
        assert agent.end() == 0
    landed = Landed(place / "ledger")
    assert landed.whole_uj() == pytest.approx(powercap.microjoules - before, abs=len(landed.rows))
    assert landed.work("inferences") == 20


def test_a_store_that_stays_away_is_served_by_the_next_agent(tmp_path: Path) -> None:
    """The agent ends in order all the same; what waits in its spool is landed by the one after it."""
    powercap = Powercap(tmp_path / "powercap")
    before = powercap.microjoules
    place = tmp_path / "mounted"
    with running(tmp_path, f"ledger={place / 'ledger'}", PATIENT) as agent:
        powercap.use(5_000_000)
        assert agent.post([request_line(1)]) == 200
        time.sleep(1.5)
        assert agent.end() == 0
    place.mkdir()
    with running(tmp_path, f"ledger={place / 'ledger'}", PATIENT) as agent:
        assert agent.end() == 0
    landed = Landed(place / "ledger")
    assert landed.whole_uj() == pytest.approx(powercap.microjoules - before, abs=len(landed.rows))
    assert landed.work("inferences") == 1


def test_a_full_disk_keeps_what_is_in_memory(tmp_path: Path) -> None:
    """Journal and spool lie on a disk that fills up: the agent says so, goes on, and catches up with room."""
    powercap = Powercap(tmp_path / "powercap")
    state = tmp_path / "small"
    state.mkdir()
    if os.system(f"mount -t tmpfs -o size=256k tmpfs {state} 2>/dev/null") != 0:
        pytest.skip("no small file system can be made here: mount needs root")
    try:
        before = powercap.microjoules
        with running(tmp_path, f"state={state}", PATIENT) as agent:
            assert agent.post([request_line(0)]) == 200
            filler = state / "filler"
            fill(filler)
            for number in range(1, 30):
                powercap.use(100_000)
                assert agent.post([request_line(number)]) == 200
                time.sleep(0.1)
            health = until(agent, lambda h: bool(h["windows_in_memory"]))
            assert health["status"] == "degraded"
            assert "cannot be written" in str(health["reasons"])
            filler.unlink()
            health = until(agent, lambda h: h["status"] == "ok" and not h["windows_in_memory"])
            assert health["status"] == "ok"
            assert agent.end() == 0
        landed = Landed(tmp_path / "ledger")
        assert landed.whole_uj() == pytest.approx(powercap.microjoules - before, abs=len(landed.rows))
        assert landed.work("inferences") == 30
    finally:
        os.system(f"umount --lazy {state}")


def test_nonsense_at_the_doors_is_refused_and_harms_nobody(tmp_path: Path) -> None:
    """Garbage by datagram, POST and HTTP is refused with its reason; good lines beside it count."""
    Powercap(tmp_path / "powercap")
    with running(tmp_path, "socket=1") as agent:
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.connect(str(tmp_path / "agent.sock"))
        nonsense = (b"\xff\xfe\x00", b"[]", b'{"model":"m"}', b'{"prompt":"hello"}', b"{" * 5000, b"")
        for garbage in nonsense:
            sender.send(garbage)
        sender.send(json.dumps(request_line(1)).encode())
        assert agent._ask("POST", "/v1/requests", b"\x00\n{}\n")[0] == 422
        body = b"no\n" + json.dumps(request_line(2)).encode()
        status, text = agent._ask("POST", "/v1/requests", body)
        assert (status, json.loads(text)["taken"], json.loads(text)["refused"][0]["line"]) == (200, 1, 1)
        assert agent._ask("PUT", "/metrics", b"")[0] == 405
        assert agent.get("/elsewhere")[0] == 404
        for head in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"A" * 40_000):
            with socket.create_connection(("127.0.0.1", agent.port)) as client:
                client.sendall(head)
                assert client.recv(100).startswith(b"HTTP/1.1 4")
        with socket.create_connection(("127.0.0.1", agent.port)) as slow:
            slow.sendall(b"GET /metrics HT")  # and no more
            received = 'wattmark_agent_requests_received_total{how="socket"} 1.0'
            metrics = shown(agent, received)
        assert received in metrics
        assert 'wattmark_agent_requests_refused_total{reason="text_field"} 1.0' in metrics
        assert "hello" not in metrics + agent.get("/healthz")[1]
        assert agent.end() == 0
    stored = b"".join(p.read_bytes() for p in (tmp_path / "state").rglob("*") if p.is_file())
    assert b"hello" not in stored


def test_two_agents_are_refused_and_a_hangup_is_answered(tmp_path: Path) -> None:
    """A second agent of the same state does not start; SIGHUP is refused in words and ends nothing."""
    Powercap(tmp_path / "powercap")
    with running(tmp_path) as agent:
        with pytest.raises(AssertionError, match="another agent runs here"), running(tmp_path):
            pass
        agent.process.send_signal(signal.SIGHUP)
        until(agent, lambda _: "settings are read at the start only" in "".join(agent.said))
        assert "settings are read at the start only" in "".join(agent.said)
        assert agent.get("/healthz")[0] == 200
        agent.process.send_signal(signal.SIGINT)
        assert agent.process.wait(60) == 0


def test_a_log_that_is_not_there_yet_is_named(tmp_path: Path) -> None:
    """A misspelt path must not wait in silence; a log that comes later is followed all the same."""
    Powercap(tmp_path / "powercap")
    log = tmp_path / "requests.jsonl"
    with running(tmp_path, f"tails={log}", "ledger=") as agent:
        assert any(f"{log} is not there yet" in line for line in agent.said)
        log.write_text(json.dumps(request_line(1)) + "\n", encoding="utf-8")
        received = 'wattmark_agent_requests_received_total{how="file"} 1'
        assert received in shown(agent, received)
        assert agent.end() == 0
