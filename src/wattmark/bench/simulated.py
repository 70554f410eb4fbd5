"""A world in which time passes only when somebody waits or a model answers, and meters follow a formula.

Every profile runs in seconds there, and two runs give the same evidence to the bit: noise comes out of
SHA-256, energies are whole microjoules. Such evidence says so and is never rated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wattmark.bench.asking import Answer, Answerer, Query
from wattmark.bench.world import World
from wattmark.core.bench.evidence import StateLook
from wattmark.core.bench.lines import as_simulated
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Device, Reading
from wattmark.core.run import Host, MeterChoice, NotSeen
from wattmark.core.units import Energy, Power
from wattmark.hashing import sha256
from wattmark.measure.meterset import MeterSet

NAME = "simulated"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BASE_US = 20_000
"""A query takes so long, and so much more for each token that goes in or comes out."""
ATTEMPT_US = 30_000_000
"""An attempt at a target quality takes so long."""
INPUT_TOKEN_US = 50
OUTPUT_TOKEN_US = 2_000
NOISE_US = 500
STEP_US = 100_000
"""Noise of power is drawn anew after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What a simulated device draws, in whole milliwatts."""

    device: Device
    idle_milliwatts: int
    busy_milliwatts: int
    noise_milliwatts: int = 0
    """At most so much above or below, another amount every 0.1 s."""


def _device(device_id: str, component: str, name: str, most: float) -> Device:
    return Device(
        id=device_id,
        component=component,
        source=NAME,
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        max_power=Power(most),
        relative_error=0.05,
        name=name,
        note="simulated: nothing was measured",
    )


DEVICES: Sequence[Draw] = (
    Draw(
        device=_device("gpu:simulated-0", "gpu", "Simulated GPU", 900.0),
        idle_milliwatts=80_000,
        busy_milliwatts=400_000,
        noise_milliwatts=4_000,
    ),
    Draw(
        device=_device("cpu:simulated/package-0", "cpu", "Simulated CPU", 300.0),
        idle_milliwatts=50_000,
        busy_milliwatts=110_000,
        noise_milliwatts=1_000,
    ),
)


class VirtualTime:
    """Microseconds that pass when they are told to; whoever wants to be called at a rate is, on the way."""

    def __init__(self) -> None:
        self.now_us = 0
        self._due: list[tuple[int, int, Callable[[], None]]] = []

    def clock(self) -> float:
        """Seconds since it began."""
        return self.now_us / 1e6

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.advance(round(seconds * 1e6))

    def advance(self, microseconds: int) -> None:
        """Let time pass, stopping wherever somebody is to be called."""
        end = self.now_us + microseconds
        while self._due and self._due[0][0] <= end:
            at, period, look = self._due[0]
            self.now_us = max(self.now_us, at)
            self._due[0] = (at + period, period, look)
            self._due.sort(key=lambda due: due[0])
            look()
        self.now_us = end

    @contextmanager
    def every(self, seconds: float, look: Callable[[], None]) -> Iterator[None]:
        """As :data:`wattmark.bench.world.Every`, in the caller's thread."""
        period = round(seconds * 1e6)
        entry = (self.now_us + period, period, look)
        self._due.append(entry)
        self._due.sort(key=lambda due: due[0])
        try:
            yield
        finally:
            self._due = [due for due in self._due if due[2] is not look]


class SimulatedMeter:
    """Counters that follow a formula of time and of when the model was busy."""

    name = NAME

    def __init__(self, draws: Sequence[Draw], time: VirtualTime, seed: int) -> None:
        self._draws = tuple(draws)
        self._time = time
        self._seed = seed
        self._nanojoules = dict.fromkeys((d.device.id for d in draws), 0)
        self._last_us = 0
        self._busy_from = 0
        self._busy_until = 0

    @property
    def devices(self) -> Sequence[Device]:
        """All that is simulated."""
        return tuple(d.device for d in self._draws)

    def busy(self, microseconds: int) -> None:
        """The model works from now on for so long."""
        self._go_on()
        self._busy_from, self._busy_until = self._time.now_us, self._time.now_us + microseconds

    def read(self) -> Mapping[str, Reading]:
        """One look at every counter."""
        self._go_on()
        at = self._time.clock()
        return {i: CounterReading(Energy(nj // 1000 / 1e6), at) for i, nj in self._nanojoules.items()}

    def close(self) -> None:
        """Nothing is held open."""

    def _go_on(self) -> None:
        now = self._time.now_us
        at = self._last_us
        while at < now:
            end = min(now, (at // STEP_US + 1) * STEP_US)
            busy = max(0, min(end, self._busy_until) - max(at, self._busy_from))
            for draw in self._draws:
                noise = drawn(self._seed, draw.device.id, at // STEP_US, draw.noise_milliwatts)
                # milliwatts x microseconds are nanojoules
                used = draw.busy_milliwatts * busy + draw.idle_milliwatts * (end - at - busy)
                self._nanojoules[draw.device.id] += used + noise * (end - at)
            at = end
        self._last_us = now


class SimulatedStates:
    """Devices that stay cool and never throttle."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = devices

    def states(self) -> Sequence[StateLook]:
        """The same at every look."""
        return [
            StateLook(
                device_id=d.id,
                at_us=0,
                celsius=55.0,
                throttle_known=True,
                power_limit_watts=d.max_power.watts,
                default_power_limit_watts=d.max_power.watts,
                others_cpu_share=0.0 if d.component == "cpu" else None,
            )
            for d in self._devices
        ]


def simulated_world(
    seed: int,
    environment: Callable[[], Mapping[str, str]] = dict,
    draws: Sequence[Draw] = DEVICES,
    *,
    marked: bool = True,
) -> World:
    """A world of its own. ``marked``: the evidence says that it is simulated, and its devices that their
    energy is declared, grade E (only tests of what is rated leave it out).
    """
    if marked:
        draws = [replace(d, device=as_simulated(d.device)) for d in draws]
    time = VirtualTime()
    meter = SimulatedMeter(draws, time, seed)

    def after(batch: Sequence[Query], answers: Sequence[Answer]) -> Sequence[Answer]:
        took = sum(_microseconds(seed, q, a) for q, a in zip(batch, answers, strict=False))
        meter.busy(took)
        time.advance(took)
        return [_with_time(a, took) for a in answers]

    return World(
        meters=MeterSet(
            meters=(meter,),
            devices=tuple(meter.devices),
            choices=(MeterChoice(meter=NAME, chosen=True, reason="--simulated was asked for"),),
            not_seen=(NotSeen(what="everything", reason="clock and meters are simulated"),),
        ),
        host=Host(id=NAME, fingerprint=NAME),
        clock=time.clock,
        utc=lambda: f"{BEGAN + timedelta(microseconds=time.now_us):%Y-%m-%dT%H:%M:%SZ}",
        sleep=time.sleep,
        every=time.every,
        cpu_seconds=lambda: 0.0,
        states=(SimulatedStates(meter.devices),),
        hardware=tuple(d.name for d in meter.devices if d.component == "gpu"),
        environment=environment,
        after=after,
        new_id=lambda pinned: sha256(f"{NAME}\n{seed}\n{pinned}".encode()).hexdigest()[:32],
        simulated=marked,
    )


class Remembering:
    """Asks the real model each query once, and says the same ever after: time is not real anyway."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._said: dict[tuple[int, int | None], Answer] = {}

    @property
    def facts(self) -> ModelFacts:
        """The model's."""
        return self._answerer.facts

    def prepare(self, batch: Sequence[Query]) -> None:
        """Nothing, before it is known what is new."""

    def answer(
        self, batch: Sequence[Query], prepared: Any, *, output_tokens: int | None = None
    ) -> list[Answer]:
        """An answer for each query, in order."""
        new = [q for q in batch if (q.index, output_tokens) not in self._said]
        if new:
            inputs = self._answerer.prepare(new)
            said = self._answerer.answer(new, inputs, output_tokens=output_tokens)
            self._said |= {(q.index, output_tokens): a for q, a in zip(new, said, strict=True)}
        return [self._said[query.index, output_tokens] for query in batch]

    def close(self) -> None:
        """Give back what the model holds."""
        self._answerer.close()


def drawn(seed: int, name: str, step: int, most: int) -> int:
    """A whole number from -most to most: the same everywhere for the same seed, name and step."""
    if most == 0:
        return 0
    digest = sha256(f"{seed}\n{name}\n{step}".encode()).hexdigest()
    return int(digest[:12], 16) % (2 * most + 1) - most


def _microseconds(seed: int, query: Query, answer: Answer) -> int:
    tokens = INPUT_TOKEN_US * (answer.input_tokens or 0) + OUTPUT_TOKEN_US * (answer.output_tokens or 0)
    base = BASE_US if query.inputs else ATTEMPT_US
    return base + tokens + drawn(seed, "query", query.index, NOISE_US)


def _with_time(answer: Answer, took_us: int) -> Answer:
    """The answer with a first output in simulated time, where it told of one."""
    if answer.first_output_seconds is None:
        return answer
    steps = max(1, answer.output_tokens or 1)
    return replace(answer, first_output_seconds=took_us // steps / 1e6)
