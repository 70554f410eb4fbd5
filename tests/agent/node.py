"""A node for tests: a powercap tree that a test writes, and a real agent that reads it."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from wattmark.agent.assembling import Plan, assemble
from wattmark.config import AgentConfig, Config, MeasureConfig
from wattmark.core.run import Host
from wattmark.core.serving.attributing import Settings
from wattmark.measure.meterset import MeterSet, linked
from wattmark.meters.rapl import RaplMeter
from wattmark.stated.engines import engine_named
from wattmark.wiring.meters import Survey

RANGE_UJ = 262_143_328_850


class Powercap:
    """One package whose counter stands still until the test moves it."""

    def __init__(self, root: Path, microjoules: int = 1_000_000) -> None:
        self.root = root
        zone = root / "intel-rapl:0"
        zone.mkdir(parents=True)
        (zone / "name").write_text("package-0\n")
        (zone / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
        (root / "cpuinfo").write_text("vendor_id : GenuineIntel\nmodel name : Test CPU\n")
        self._file = zone / "energy_uj"
        self.microjoules = microjoules
        self._write()

    def use(self, microjoules: int) -> None:
        """Let the package use energy."""
        self.microjoules += microjoules
        self._write()

    def _write(self) -> None:
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(f"{self.microjoules % RANGE_UJ:<24d}\n".encode())


@dataclass(kw_only=True)
class Running:
    """An agent that answers."""

    process: subprocess.Popen[str]
    port: int
    said: list[str] = field(default_factory=list)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        return self._ask("GET", path, b"")

    def post(self, lines: Sequence[Mapping[str, Any]]) -> int | None:
        """Tell of requests; the status, None when there was no answer."""
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        try:
            return self._ask("POST", "/v1/requests", body)[0]
        except (OSError, http.client.HTTPException):
            return None

    def _ask(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def end(self) -> int:
        """Tell it to end, and wait until it has."""
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    """An agent over ``folder/powercap``; killed at the end unless it has ended."""
    words = [sys.executable, "-m", "tests.agent.node", str(folder), *options]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said: list[str] = []
        yield Running(process=process, port=_port(process.stderr, said), said=said)
    finally:
        process.kill()
        process.wait()


def _port(errors: IO[str], said: list[str]) -> int:
    for line in errors:
        said.append(line)
        if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
            threading.Thread(target=lambda: said.extend(errors), daemon=True).start()
            return int(found[1])
    raise AssertionError("the agent did not start: " + "".join(said))


def request_line(number: int, model: str = "m", **more: Any) -> dict[str, Any]:
    """A request that was over a moment ago."""
    now = time.time()
    return {
        "request_id": f"r{number}",
        "model": model,
        "start": now - 0.05,
        "end": now,
        "input_tokens": 10,
        "output_tokens": 5,
        **more,
    }


def main(folder: Path, *options: str) -> None:
    """Run an agent with windows of a second; options are KEY=VALUE."""
    asked = dict(option.split("=", 1) for option in options)
    root = folder / "powercap"
    meter = RaplMeter(host_id="node", root=root, cpuinfo=root / "cpuinfo")
    meters = MeterSet(meters=(meter,), devices=linked(meter.devices))
    host = Host(id="node", fingerprint="f" * 16, boot_id=asked.get("boot", "b" * 16))
    ledger = asked.get("ledger", str(folder / "ledger"))
    plan = Plan(
        config=Config(measure=MeasureConfig(period_seconds=float(asked.get("period", "0.1")))),
        agent=AgentConfig(
            listen=asked.get("listen", "127.0.0.1:0"),
            land_seconds=float(asked.get("land", "0.2")),
            look_seconds=float(asked.get("look", "0.5")),
            settled=asked.get("settled"),
            settled_kept=int(asked.get("kept", "10000")),
        ),
        engines=tuple(engine_named(text) for text in asked.get("engines", "").split()),
        ledger=ledger or None,
        state=Path(asked.get("state", folder / "state")),
        socket=folder / "agent.sock" if asked.get("socket", "") else None,
        tails=tuple(Path(name) for name in asked.get("tails", "").split()),
    )
    waiting = Settings(
        window_us=round(float(asked.get("window", "1")) * 1e6),
        lateness_us=round(float(asked.get("lateness", "0.3")) * 1e6),
        patience_us=round(float(asked.get("patience", "5")) * 1e6),
        horizon_us=round(float(asked.get("horizon", "10")) * 1e6),
    )

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    agent, address = assemble(
        plan, Survey(host, meters), {"WATTMARK_HOME": str(folder / "home")}, say, waiting
    )
    say(f"listening on {address}/metrics")
    agent.run(float(asked["for"]) if "for" in asked else None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
