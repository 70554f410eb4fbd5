"""Evidence for tests: a benchmark on one GPU, with numbers that can be checked in the head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.builders import HOST
from wattmark.core.bench.evidence import (
    DeviceLooks,
    Evidence,
    Phase,
    PhaseName,
    QueryRecord,
    StateLook,
)
from wattmark.core.bench.pinned import DatasetPin, ModelFacts, Pinned
from wattmark.core.bench.profile import PROFILES, Profile
from wattmark.core.known import Grade, Method
from wattmark.core.readings import Device
from wattmark.core.units import Power

S = 1_000_000
GPU = "GPU-1"
STANDARD = PROFILES["standard"]

Watts = Callable[[int], float]
"""Power at a moment in microseconds."""


def a_gpu(**changes: Any) -> Device:
    """A counter that may err by 5 % and draws 1000 W at most."""
    fields: dict[str, Any] = {
        "id": GPU,
        "component": "gpu",
        "source": "nvml",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
        "max_power": Power(1000.0),
        "relative_error": 0.05,
        "name": "NVIDIA H100 80GB HBM3",
    }
    return Device(**{**fields, **changes})


def a_sensor(**changes: Any) -> Device:
    """A power sensor that may err by 10 %."""
    fields = {"method": Method.INTEGRATED_POWER, "grade": Grade.C, "relative_error": 0.1, "reads": "power"}
    return a_gpu(**{**fields, **changes})


def counter(device_id: str, edges: Sequence[tuple[int, float]], every_us: int = 100_000) -> DeviceLooks:
    """Looks at a counter that draws each power until its moment; begins at 0."""
    at, total, times, totals = 0, 0.0, [0], [0]
    for until, watts in edges:
        while at < until:
            step = min(every_us - at % every_us, until - at)
            at, total = at + step, total + watts * step
            times.append(at)
            totals.append(round(total))
    return DeviceLooks(device_id=device_id, at_us=tuple(times), energy_uj=tuple(totals))


def sensor(device_id: str, edges: Sequence[tuple[int, float]], every_us: int = 100_000) -> DeviceLooks:
    """Looks at a power sensor; at an edge it still shows the power before."""
    first = edges[0][1]
    times, shown = [0], [first]
    for until, watts in edges:
        while times[-1] < until:
            times.append(min(times[-1] + every_us - times[-1] % every_us, until))
            shown.append(watts)
    return DeviceLooks(device_id=device_id, at_us=tuple(times), watts=tuple(shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """How a benchmark goes; seconds and watts."""

    repeats: int = 3
    seconds: float = 60.0
    watts: tuple[float, ...] = (100.0,)
    """Of each repeat; the last one for the rest."""
    queries: int = 20
    turns: int = 1
    idle: float = 30.0
    idle_watts: float = 40.0
    rest: float = 5.0
    warm_up: int = 10

    def watts_of(self, repeat: int) -> float:
        return self.watts[min(repeat, len(self.watts) - 1)]


def phases_of(plot: Plot) -> list[tuple[Phase, float]]:
    """Phases in order with their power: idle, warm-up, repeats with rests between, idle."""
    found: list[tuple[Phase, float]] = []

    def then(name: PhaseName, seconds: float, watts: float, **more: Any) -> None:
        start = found[-1][0].end_us if found else 0
        end = start + round(seconds * S)
        found.append((Phase(name=name, start_us=start, end_us=end, **more), watts))

    then(PhaseName.LOAD_MODEL, 2.0, 50.0)
    then(PhaseName.IDLE_BEFORE, plot.idle, plot.idle_watts)
    then(PhaseName.WARM_UP, 10.0, plot.watts_of(0))
    for repeat in range(plot.repeats):
        then(PhaseName.COOL_DOWN, plot.rest, plot.idle_watts, repeat=repeat)
        then(PhaseName.MEASURE, plot.seconds, plot.watts_of(repeat), repeat=repeat, rated=True)
    then(PhaseName.IDLE_AFTER, plot.idle, plot.idle_watts)
    return found


def queries_of(phases: Sequence[Phase], plot: Plot) -> tuple[QueryRecord, ...]:
    """Each phase that asks divides its time evenly; every answer has 10 tokens and is right."""
    found = []
    for phase in phases:
        if phase.name not in (PhaseName.WARM_UP, PhaseName.MEASURE):
            continue
        warm = phase.name is PhaseName.WARM_UP
        count = plot.warm_up if warm else plot.queries * plot.turns
        for n in range(count):
            width = (phase.end_us - phase.start_us) // count
            start = phase.start_us + n * width
            found.append(
                QueryRecord(
                    repeat=-1 if warm else (phase.repeat or 0),
                    turn=n // plot.queries,
                    index=n % plot.queries,
                    start_us=start,
                    end_us=start + width,
                    input_tokens=100,
                    output_tokens=10,
                    score=1.0,
                    output_sha256=f"{n % plot.queries:064d}",
                )
            )
    return tuple(found)


def states_of(phases: Sequence[Phase], device_id: str = GPU) -> tuple[StateLook, ...]:
    """A look each second of every phase: 60 degrees, not throttled, no cap."""
    end = max(p.end_us for p in phases)
    return tuple(
        StateLook(
            device_id=device_id,
            at_us=at,
            celsius=60.0,
            throttle_known=True,
            power_limit_watts=700.0,
            default_power_limit_watts=700.0,
        )
        for at in range(0, end, S)
    )


def pinned_for(plot: Plot, **changes: Any) -> Pinned:
    """Text generation of 10 tokens."""
    fields: dict[str, Any] = {
        "task": "text_generation",
        "dataset": DatasetPin(
            name="wikitext", revision="1", sha256="d" * 64, rows=plot.queries, synthetic=False
        ),
        "queries": plot.queries,
        "seed": 0,
        "dtype": "float16",
        "max_input_tokens": 512,
        "output_tokens": 10,
    }
    return Pinned(**{**fields, **changes})


def a_benchmark(
    plot: Plot | None = None,
    *,
    device: Device | None = None,
    profile: Profile = STANDARD,
    pinned: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Evidence:
    """A sound benchmark: valid under profile standard unless something is changed."""
    plot = plot or Plot()
    device = device or a_gpu()
    plotted = phases_of(plot)
    phases = tuple(p for p, _ in plotted)
    edges = [(p.end_us, watts) for p, watts in plotted]
    looks = counter(device.id, edges) if device.reads == "counter" else sensor(device.id, edges)
    fields: dict[str, Any] = {
        "id": "0123456789abcdef",
        "started_at": "2026-11-01T12:00:00Z",
        "profile": profile,
        "pinned": pinned_for(plot, **(pinned or {})),
        "model": ModelFacts(id="openai-community/gpt2", device="cuda:0", model_class="A"),
        "host": HOST,
        "devices": (device,),
        "looks": (looks,),
        "period_us": 100_000,
        "phases": phases,
        "queries": queries_of(phases, plot),
        "states": states_of(phases, device.id),
        "hardware": (device.name,),
        "environment": {"wattmark": "0.6.0"},
    }
    return Evidence(**{**fields, **changes})


def measured(evidence: Evidence) -> tuple[Phase, ...]:
    """The repeats."""
    return tuple(p for p in evidence.phases if p.name is PhaseName.MEASURE)


def failing(looks: DeviceLooks, indices: Sequence[int], why: str = "not readable") -> DeviceLooks:
    """The same looks, of which these failed."""
    lost = set(indices)
    return replace(
        looks,
        energy_uj=tuple(None if i in lost else e for i, e in enumerate(looks.energy_uj)),
        watts=tuple(None if i in lost else w for i, w in enumerate(looks.watts)),
        gaps={**looks.gaps, **{str(i): why for i in lost}},
    )


def with_queries(evidence: Evidence, change: Callable[[QueryRecord], QueryRecord]) -> Evidence:
    """The same evidence with every query changed."""
    return replace(evidence, queries=tuple(change(q) for q in evidence.queries))
