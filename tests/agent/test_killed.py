"""A real agent in a process of its own, killed at any moment: nothing is lost and nothing counts twice."""

from __future__ import annotations

import random
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.agent.node import Powercap, Running, request_line, running
from wattmark.core.telemetry import JOULES, Stream

pytest.importorskip("pyarrow", reason="needs the extra 'ledger'")

KILLS = 32
PATIENT = "patience=60"
"""On a busy machine a start takes seconds, in which the counter of the test stands still."""


class Landed:
    """What is in the inbox of a ledger: each interval of each stream once."""

    def __init__(self, ledger: Path) -> None:
        from wattmark.ledger.batches import decode, stream_from

        self.rows: dict[tuple[str, int, int], tuple[Stream, int | float, bool]] = {}
        for path in sorted((ledger / "inbox").glob("*.samples.parquet")):
            batch = decode(path.read_bytes(), path.name)
            streams = [stream_from(document) for document in batch.documents]
            for row in batch.table.to_pylist():
                stream = streams[row["stream"]]
                key = batch.ids[row["stream"]], row["start_us"], row["end_us"]
                amount = row["energy_uj"] if stream.unit == JOULES else row["count"]
                assert self.rows.setdefault(key, (stream, amount, row["observed"]))[1] == amount

    def whole_uj(self) -> int:
        """Energy of the device."""
        return sum(int(a) for s, a, _ in self.rows.values() if s.unit == JOULES and s.scope.value == "whole")

    def shares_uj(self) -> int:
        """Energy that services were charged."""
        return sum(int(a) for s, a, _ in self.rows.values() if s.scope.value == "share")

    def work(self, unit: str) -> float:
        """Work of all services."""
        return sum(a for s, a, _ in self.rows.values() if s.unit == unit)

    def stretches(self) -> list[tuple[int, int]]:
        """The intervals of the device, in order."""
        found = [
            key[1:] for key, (s, _, _) in self.rows.items() if s.unit == JOULES and s.scope.value == "whole"
        ]
        return sorted(found)

    def gaps(self) -> int:
        """Intervals of the device that were not observed, but for the end.

        There the counter of the test stands still, which the agent rightly takes for no reading.
        """
        whole = [(key[1], seen) for key, (s, _, seen) in self.rows.items() if s.unit == JOULES]
        last = max((start for start, seen in whole if seen), default=0)
        return sum(1 for start, seen in whole if not seen and start < last)


class Traffic:
    """Posts requests, each again until it is taken, and moves the counter meanwhile."""

    def __init__(self, powercap: Powercap) -> None:
        self._powercap = powercap
        self._random = random.Random(7)
        self.acknowledged = 0
        self._again: list[dict[str, object]] = []

    def go(self, agent: Running, seconds: float) -> None:
        """For so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._powercap.use(self._random.randrange(1, 400_000))
            lines = self._again or [
                request_line(self.acknowledged * 100 + n) for n in range(self._random.randrange(1, 4))
            ]
            if agent.post(lines) == 200:
                self.acknowledged += len(lines)
                self._again = []
            else:
                self._again = lines
            time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_an_agent_that_is_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """Over 32 deaths every microjoule of the counter and every acknowledged request is in the ledger once."""
    powercap = Powercap(tmp_path / "powercap")
    (tmp_path / "ledger").mkdir()
    moment = random.Random(3)
    before = powercap.microjoules
    traffic = Traffic(powercap)
    for _ in range(KILLS):
        with running(tmp_path, PATIENT) as agent:
            alive = moment.uniform(0.05, 1.6)
            killer = threading.Timer(alive, agent.process.kill)
            killer.start()
            traffic.go(agent, alive + 0.05)
            killer.join()
            agent.process.wait()
            powercap.use(50_000)  # while nobody looks
    with running(tmp_path, PATIENT) as agent:
        traffic.go(agent, 1.0)
        time.sleep(0.5)
        assert agent.end() == 0
    landed = Landed(tmp_path / "ledger")
    assert landed.whole_uj() == pytest.approx(powercap.microjoules - before, abs=len(landed.rows))
    assert landed.work("inferences") == traffic.acknowledged
    assert landed.work("output_tokens") == 5 * traffic.acknowledged
    assert landed.shares_uj() <= landed.whole_uj()
    assert all(a[1] <= b[0] for a, b in pairwise(landed.stretches()))
    assert landed.gaps() == 0
    assert not list((tmp_path / "state" / "spool").iterdir())
