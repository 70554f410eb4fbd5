"""Sends OTLP metrics to a listener that has one core, and counts what it acknowledges and what it lands.

    python -m benchmarks.listening --points 2000 --seconds 10

The listener is `wattmark ledger listen` of the interpreter that runs this, pinned to one core; the sender has
the others. Everything stays on the loopback. A request holds machines with eight GPUs, a processor and its
memory, each with a counter of energy, and the next request of a connection holds them one second later.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

CONNECTIONS = 16
HOSTS = 64
"""Machines whose metrics come over one connection, eight devices each: 8192 series in all."""
DEVICES = 8
SECOND = 10**9
BEGAN = struct.pack("<Q", 0x1122334455667788)
MOMENTS = [struct.pack("<Q", 0x2233445566778899 + step) for step in range(32)]
TOTAL = struct.pack("<d", 12345.6789)
"""Places in a request that are filled in before it is sent; nothing else in it looks like them."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one run of a listener came to."""

    points: int
    acknowledged_per_second: float
    landed_per_second: float
    """Until the last interval was in the inbox of the ledger, and the listener had ended."""
    slowest_ms: float
    """The 99th percentile of a request's time."""
    cpu_us_per_point: float
    """Of the listener, from its start to its end."""


@dataclass(slots=True)
class _Sent:
    points: int = 0
    times: list[float] = field(default_factory=list)
    failed: str = ""


def measure(points: int, seconds: float) -> Rate:
    """Run a listener, and send requests of so many points for so long. Raises RuntimeError when it fails."""
    with tempfile.TemporaryDirectory() as name, _listener(Path(name)) as (process, port):
        core, others = _cores()
        before = _cpu_of_children()
        os.sched_setaffinity(process.pid, core)
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, others)
        try:
            sent, elapsed = _send(port, points, seconds)
            began = time.perf_counter() - elapsed
            process.send_signal(signal.SIGTERM)
            if code := process.wait(timeout=120):
                raise RuntimeError(f"the listener ended with {code}")
            whole = time.perf_counter() - began
        finally:
            os.sched_setaffinity(0, mine)
        if failed := next((s.failed for s in sent if s.failed), ""):
            raise RuntimeError(failed)
        total = sum(s.points for s in sent)
        _check(Path(name), total)
        times = sorted(t for s in sent for t in s.times)
        cpu = _cpu_of_children() - before
        return Rate(
            total, total / elapsed, total / whole, 1000 * times[int(len(times) * 0.99)], 1e6 * cpu / total
        )


def _check(folder: Path, points: int) -> None:
    """Every point but the first of each series ends an interval that is in the inbox."""
    from pyarrow.parquet import read_metadata

    rows = sum(read_metadata(path).num_rows for path in (folder / "ledger" / "inbox").iterdir())
    if not points - CONNECTIONS * HOSTS * DEVICES <= rows < points:
        raise RuntimeError(f"{points} points were acknowledged, and {rows} intervals landed")


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cores() -> tuple[set[int], set[int]]:
    mine = sorted(os.sched_getaffinity(0))
    return {mine[0]}, set(mine[1:]) or {mine[0]}


class _listener:
    """A listener on a free port, with a ledger of its own; killed when it has not ended by itself."""

    def __init__(self, folder: Path) -> None:
        (folder / "ledger").mkdir()
        (folder / "ledger" / "ledger.toml").write_text("format = 1\n", encoding="utf-8")
        words = [sys.executable, "-m", "wattmark", "ledger", "listen", "--ledger", str(folder / "ledger")]
        words += ["--port", "0", "--journal", str(folder / "journal"), "--land-every", "2"]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> tuple[subprocess.Popen[str], int]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                port = int(found[1])
                _wait(port)
                return self.process, port
        raise RuntimeError("the listener did not start")

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the listener does not answer")


def _send(port: int, points: int, seconds: float) -> tuple[list[_Sent], float]:
    sent = [_Sent() for _ in range(CONNECTIONS)]
    start = threading.Barrier(CONNECTIONS + 1)
    until = [0.0]
    threads = [
        threading.Thread(target=_sender, args=(port, points, number, start, until, one))
        for number, one in enumerate(sent)
    ]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    until[0] = began + seconds
    for thread in threads:
        thread.join()
    return sent, time.perf_counter() - began


def _sender(
    port: int, points: int, number: int, start: threading.Barrier, until: list[float], sent: _Sent
) -> None:
    bodies = [body(first, points, number) for first in range(max(HOSTS * DEVICES // points, 1))]
    steps = -(-points // (HOSTS * DEVICES))
    began = struct.pack("<Q", time.time_ns() - 86_400 * SECOND)
    moment = time.time_ns() - 80_000 * SECOND
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start.wait()
        time.sleep(0.001)
        turn = 0
        # The first point of a series ends no interval: each is sent twice, however busy the machine is.
        while time.perf_counter() < until[0] or turn < 2 * len(bodies):
            filled = bodies[turn % len(bodies)].replace(BEGAN, began)
            for step in range(steps):
                filled = filled.replace(MOMENTS[step], struct.pack("<Q", moment + step * SECOND))
            filled = filled.replace(TOTAL, struct.pack("<d", 300.0 * turn))
            turn += 1
            moment += steps * SECOND if turn % len(bodies) == 0 else 0
            before = time.perf_counter()
            answer = _post(connection, filled)
            sent.times.append(time.perf_counter() - before)
            if not answer.startswith(b"HTTP/1.1 200") or b"content-length: 0" not in answer:
                sent.failed = answer[:300].decode(errors="replace")
                return
            sent.points += points


def _post(connection: socket.socket, data: bytes) -> bytes:
    head = (
        "POST /v1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    connection.sendall(head.encode() + data)
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(65536)
        if not part:
            break
        answer += part
    return answer


def body(number: int, points: int, connection: int) -> bytes:
    """A request of so many points: machines with eight devices, a second later when all had their turn."""
    hosts = points // DEVICES
    found = b""
    for host in range(hosts):
        step, which = divmod(host, HOSTS) if hosts > HOSTS else (0, number * hosts + host)
        name = f"node-{connection}-{which:05d}"
        resource = {"host.name": name, "service.name": "training", "cloud.region": "eu-west-1"}
        metric = _field(1, b"hw.energy") + _field(3, b"J")
        metric += _field(7, b"".join(_devices(name, MOMENTS[step])) + b"\x10\x02\x18\x01")
        inner = _field(1, _field(1, b"agent")) + _field(2, metric)
        found += _field(1, _field(1, b"".join(_pairs(resource, 1))) + _field(2, inner))
    return found


def _devices(host: str, moment: bytes) -> Iterator[bytes]:
    for device in range(DEVICES):
        told = {"hw.id": f"GPU-{host}-{device:04d}", "hw.type": "gpu", "hw.name": "accelerator"}
        point = b"\x11" + BEGAN + b"\x19" + moment + b"\x21" + TOTAL + b"".join(_pairs(told, 7))
        yield _field(1, point)


def _pairs(items: dict[str, str], number: int) -> Iterator[bytes]:
    for key, value in items.items():
        yield _field(number, _field(1, key.encode()) + _field(2, _field(1, value.encode())))


def _field(number: int, data: bytes) -> bytes:
    size, length = len(data), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + data


def main() -> None:
    """Print the rates of one run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--points", type=int, default=2000, help="points per request")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    rate = measure(options.points, options.seconds)
    print(
        f"{rate.points} points of {options.points} per request: {rate.acknowledged_per_second:,.0f}/s "
        f"acknowledged, {rate.landed_per_second:,.0f}/s landed, p99 {rate.slowest_ms:.1f} ms, "
        f"{rate.cpu_us_per_point:.2f} us of CPU per point"
    )


if __name__ == "__main__":
    main()
