"""What the agent costs: CPU per second and memory, at one look a second.

A real agent in a process of its own reads a fake powercap tree (package and memory), looks every five
seconds at a real page of vLLM's metrics, and is told of ten requests a second. CPU time is what the kernel
counted for all its threads (/proc/<pid>/task/*/schedstat). Waking up costs too, and depends on the machine: a
bare Python process that does nothing but wake once a second is measured beside it, before and after.

    python -m benchmarks.agent [--seconds 240] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "tests" / "engines" / "pages"
RATE = 10.0
DOORS = ("nothing", "log", "log, settled", "socket")
"""How requests come by; ``settled``: what each used is written to a file as well."""
BIN = 20.0
WAKING = (
    "import selectors; s = selectors.DefaultSelector()\n"
    "a = int(open('/proc/self/schedstat').read().split()[0])\n"
    "for _ in range(15): s.select(1.0)\n"
    "print((int(open('/proc/self/schedstat').read().split()[0]) - a) / 15e6)"
)


def waking() -> float:
    """CPU milliseconds of one wake-up a second of a process that does nothing."""
    done = subprocess.run([sys.executable, "-c", WAKING], capture_output=True, text=True, check=True)
    return float(done.stdout)


def cpu_ms(pid: int) -> float:
    """CPU milliseconds of all threads so far."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
        except OSError:
            continue  # the thread ended meanwhile
    return total / 1e6


def resident_mb(pid: int) -> float:
    """Memory that is really there."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def serve_page(body: bytes) -> ThreadingHTTPServer:
    """A server with one page."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def powercap(root: Path) -> None:
    """A package and its memory."""
    for number, name in (("0", "package-0"), ("0:0", "dram")):
        zone = root / f"intel-rapl:{number}"
        zone.mkdir(parents=True)
        (zone / "name").write_text(f"{name}\n")
        (zone / "max_energy_range_uj").write_text("262143328850\n")
        (zone / "energy_uj").write_text("1000000\n")
    (root / "cpuinfo").write_text("vendor_id : GenuineIntel\nmodel name : Test CPU\n")


def teller(door: str, folder: Path) -> tuple[list[str], Callable[[bytes], object]]:
    """Options of the agent, and what tells a line."""
    if door.startswith("log"):
        log = folder / "requests.jsonl"
        file = open(log, "ab", buffering=0)  # noqa: SIM115  open while the benchmark runs
        more = [f"settled={folder / 'settled.jsonl'}"] if "settled" in door else []
        return [f"tails={log}", *more], lambda line: file.write(line + b"\n")
    if door == "socket":
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

        def send(line: bytes) -> None:
            sender.sendto(line, str(folder / "agent.sock"))

        return ["socket=1"], send
    return [], lambda line: None


def measured(door: str, seconds: float, page: bytes) -> dict[str, float]:
    """One agent that is told by one door (or of nothing)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        powercap(folder / "powercap")
        (folder / "ledger").mkdir()
        server = serve_page(page)
        options, tell = teller(door, folder)
        words = [sys.executable, "-m", "tests.agent.node", str(folder), "period=1", "window=60", "land=300"]
        words += ["lateness=10", "look=5", f"engines=vllm=http://127.0.0.1:{server.server_port}", *options]
        agent = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            time.sleep(8)
            bins, begun = [], time.monotonic()
            before, since = cpu_ms(agent.pid), begun
            number = 0
            while (now := time.monotonic()) - begun < seconds:
                number += 1
                tell(line(number))
                if now - since >= BIN:
                    after = cpu_ms(agent.pid)
                    bins.append((after - before) / (now - since))
                    before, since = after, now
                time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
            return {
                "median_ms_per_s": statistics.median(bins),
                "mean_ms_per_s": statistics.fmean(bins),
                "most_ms_per_s": max(bins),
                "resident_mb": resident_mb(agent.pid),
            }
        finally:
            agent.terminate()
            agent.wait(30)
            server.shutdown()


def line(number: int) -> bytes:
    """A request that was over a moment ago."""
    now = time.time()
    told = {"request_id": f"r{number}", "model": f"m{number % 2}", "tenant": "t", "start": now - 0.5}
    told |= {"first_token": now - 0.4, "end": now, "input_tokens": 100, "output_tokens": 20}
    return json.dumps(told).encode()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    page = max(PAGE.glob("vllm*"), key=lambda path: path.stat().st_size).read_bytes()
    floor = waking()
    doors = {door: measured(door, asked.seconds, page) for door in DOORS}
    found = {
        "machine": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "kernel": platform.release(),
        "page_bytes": len(page),
        "requests_per_second": RATE,
        "waking_ms": [floor, waking()],
        "doors": doors,
    }
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{found['machine']}, {found['cpus']} CPUs, Python {found['python']}, Linux {found['kernel']}")
    print(f"one bare wake-up a second: {floor:.2f} and {found['waking_ms'][1]:.2f} ms/s")  # type: ignore[index]
    for door, cost in doors.items():
        print(
            f"{door:12} median {cost['median_ms_per_s']:.2f}  mean {cost['mean_ms_per_s']:.2f}  "
            f"most {cost['most_ms_per_s']:.2f} ms/s  {cost['resident_mb']:.0f} MB"
        )


if __name__ == "__main__":
    main()
