"""A benchmark of a model behind a server: who answers, and whose energy counts.

Meters of this machine see a server on this machine. Of any other server the power must be given, or there is
no benchmark: what this machine draws while it waits says nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wattmark.bench.agent_meter import AgentMeter, Asks
from wattmark.bench.asking import Answerer
from wattmark.bench.catalog import task_asked
from wattmark.bench.elsewhere import ended_us, started_us, with_power
from wattmark.bench.endpoint.address import address_of, is_here
from wattmark.bench.endpoint.opening import REFUSED, EndpointAsked, open_endpoint, served_name
from wattmark.bench.endpoint.skew import clock_error
from wattmark.bench.world import World
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.key import UNKNOWN
from wattmark.core.bench.pinned import Pinned
from wattmark.core.bench.task import Task
from wattmark.core.errors import EvidenceError, RefusedError, UsageError
from wattmark.core.run import Host, MeterChoice, NotSeen
from wattmark.hashing import sha256
from wattmark.measure.meterset import MeterSet
from wattmark.meters.clock import boot_clock
from wattmark.reports.live_read import read_live
from wattmark.wiring.bench_asked import BenchAsked

HERE = "what asks runs on the machine that answers: its work is part of the energy"
ELSEWHERE = "the power of the machine that serves was given; what asks is not part of it"
AGENT_LAG_SECONDS = 0.1
"""How far a reading of an agent lies off at most: it is asked ten times a second."""
BESIDE_US = 5_000_000
"""Power is asked for so much longer on both sides."""
COUNTED = re.compile(r"(\d{1,5})\s*[x×*]\s*(\S.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAsked:
    """Which server is benchmarked, and where its power is told."""

    endpoint: EndpointAsked
    power: tuple[str, ...] = ()
    """An agent, a Prometheus, run files, samples, ledgers (wiring/power.py); empty: this machine's meters."""
    power_options: Mapping[str, str] = field(default_factory=dict)
    clock_error: float | None = None
    """Seconds by which the clock of what told the power may be off ours; None: to be found out."""
    hardware: str = ""
    """Of a server elsewhere: ``8 x NVIDIA H100 80GB HBM3``."""


class Server:
    """One server under test."""

    def __init__(self, asked: ServerAsked, agent: Callable[[str], Asks]) -> None:
        """Raises RefusedError for a server elsewhere whose power nobody gives, UsageError."""
        self.asked = asked
        self.address = address_of(asked.endpoint.url)
        self.here = is_here(self.address)
        self._agent: Asks | None = None
        self._hardware = hardware_names(asked.hardware)
        self._offset = time.time() - boot_clock()
        if not self.here and not asked.power:
            raise RefusedError(
                f"{self.address.url} is on another machine, and no power of it is given: this machine's "
                "meters do not see it. Name with --power an agent there (http://HOST:9465), a Prometheus, "
                "samples or run files; or run the benchmark on that machine"
            )
        if self.here and asked.hardware and not asked.power:
            raise UsageError("--hardware is for a server elsewhere: this machine's hardware is looked at")
        if gone := missing_files(asked.power):
            raise UsageError(f"--power {gone[0]}: there is no such file")
        live = [spec for spec in asked.power if _is_agent(spec, agent)]
        if live and len(asked.power) > 1:
            raise UsageError(f"--power {live[0]} is an agent: it stands alone")
        if live:
            self._agent = agent(live[0])

    def open(self, task: Task, pinned: Pinned) -> Answerer:
        """As :class:`wattmark.wiring.bench.BenchAsked` wants it."""
        return open_endpoint(task.id, self.asked.endpoint, pinned)

    def of(self, asked: BenchAsked) -> BenchAsked:
        """What was asked, of this server. Raises what would otherwise come up when it is too late."""
        task = task_asked(asked.task)
        if task.id in REFUSED:
            raise RefusedError(f"--endpoint cannot run {task.id}: {REFUSED[task.id]}")
        self._require_clock()
        dtype = UNKNOWN if asked.dtype is None else asked.dtype
        return replace(
            asked, endpoint=self.open, dtype=dtype, name=asked.name or served_name(self.asked.endpoint)
        )

    def world(self, world: World) -> World:
        """The world with the meters that see the server, and none that do not."""
        if not self.asked.power:
            return world
        world.meters.close()
        meters = MeterSet(
            meters=(),
            devices=(),
            choices=(MeterChoice(meter="elsewhere", chosen=True, reason="--power gives the server's power"),),
            not_seen=(NotSeen(what="this machine", reason="it asks, the server answers elsewhere"),),
        )
        if self._agent is not None:
            meter = AgentMeter(self._agent, world.clock)
            meters = replace(meters, meters=(meter,), devices=tuple(meter.devices))
        known = sha256(f"wattmark endpoint {self.address.root}".encode()).hexdigest()[:20]
        return replace(
            world,
            meters=meters,
            host=Host(id=known, fingerprint=known),
            hardware=self._hardware,
            states=(),
        )

    def finish(self, evidence: Evidence) -> Evidence:
        """The evidence with the power that was kept elsewhere. Raises EvidenceError where there is none."""
        if not self.asked.power:
            return replace(evidence, notes=tuple(dict.fromkeys([*evidence.notes, HERE])))
        if self._agent is not None:
            error = AGENT_LAG_SECONDS if self.asked.clock_error is None else self.asked.clock_error
            notes = tuple(dict.fromkeys([*evidence.notes, ELSEWHERE]))
            return replace(evidence, clock_error_us=round(error * 1e6), notes=notes)
        from wattmark.wiring.power import open_power

        begun, ended = started_us(evidence) - BESIDE_US, ended_us(evidence) + BESIDE_US
        series = [
            one
            for spec in self.asked.power
            for one in open_power(spec, dict(self.asked.power_options), start_us=begun, end_us=ended)
        ]
        stepped = abs(time.time() - boot_clock() - self._offset)
        return with_power(evidence, series, round((self._clock_error() + stepped) * 1e6), ELSEWHERE)

    def _clock_error(self) -> float:
        """Seconds; asked of a Prometheus, stated for everything else. Raises UsageError."""
        if self.asked.clock_error is not None:
            return self.asked.clock_error
        errors = [clock_error(spec) for spec in self.asked.power if _is_address(spec)]
        if len(errors) < len(self.asked.power):
            raise UsageError(
                "--power: a file does not tell how far its clock is off this machine's: state "
                "--clock-error SECONDS, e.g. 0.05 where both are kept by NTP"
            )
        return max(errors)

    def _require_clock(self) -> None:
        """Raise UsageError now where the clock's error would have to be stated at the end."""
        if self.asked.power and self._agent is None and self.asked.clock_error is None:
            self._clock_error()


def hardware_names(stated: str) -> tuple[str, ...]:
    """``2 x A + B`` as (A, A, B). Raises UsageError for a number that is none."""
    found: list[str] = []
    for part in filter(None, (p.strip() for p in stated.split("+"))):
        match = COUNTED.fullmatch(part)
        count, name = (int(match[1]), match[2]) if match else (1, part)
        if not 0 < count <= 16_384:
            raise UsageError(f"--hardware {part!r:.60}: write e.g. '8 x NVIDIA H100 80GB HBM3'")
        found += [name] * count
    return tuple(found)


def _is_address(spec: str) -> bool:
    return spec.startswith(("http://", "https://"))


def _is_agent(spec: str, agent: Callable[[str], Asks]) -> bool:
    """Whether one of our agents answers there."""
    if not _is_address(spec):
        return False
    client = agent(spec)
    try:
        read_live(client.get("/v1/live"), spec)
    except EvidenceError:
        return False
    finally:
        client.close()
    return True


def missing_files(power: Sequence[str]) -> list[str]:
    """Files that are named as power and are not there."""
    return [s for s in power if not _is_address(s) and ":" not in s and not Path(s).exists()]
