"""Rules about devices: heat, throttling, power limits, others on the machine, profile aies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from wattmark.core.bench.derived import Derived
from wattmark.core.bench.evidence import StateLook
from wattmark.core.bench.keys import dtype_of
from wattmark.core.bench.reasons import because
from wattmark.core.bench.repeats import AIES, Repeat
from wattmark.core.bench.validity import Reason
from wattmark.core.bench.workers import during, looks_at, workers
from wattmark.core.machines import ACCELERATORS
from wattmark.core.readings import Device

COLDEST, HOTTEST = 20.0, 95.0
"""Degrees Celsius (ML.ENERGY, validate_results.py)."""
MOST_OTHERS = 0.10
CPU_PARTS = ("cpu", "node")
GPU_PARTS = (*ACCELERATORS, "node")
MOST_STATE_SECONDS = 10.0
"""Between two looks at the states of a device: they are taken once a second, and less often only where a look
at the meters takes that long (ten seconds at most)."""
AIES_QUERIES = 1000
AIES_PARTS = 3
AIES_DTYPES = {"text_generation": ("float16",), "reasoning": ("float16", "float32")}
"""Float32 for every other task (AI Energy Score, index.md); for reasoning it states none."""
AIES_GPU = re.compile(r"\bH100 (80GB|PCIe)\b")
"""NVIDIA's boards with 80 GB, as NVML names them; H100 NVL has 94 GB."""


def counted(d: Derived) -> Iterator[Reason]:
    """Every processor that the model says it ran on is one whose energy is rated."""
    ran = [place.partition(":")[0] for place in d.evidence.model.device.split("+")]
    parts = [line.device.component for line in d.devices]
    on_gpus = ran.count("cuda")
    if not parts:
        return  # `no_energy` speaks of it
    rated = "+".join(sorted(set(parts)))
    if {"cpu", "disk"} & set(ran) and not set(parts) & {*CPU_PARTS, "module"}:
        text = f"the model ran on {d.evidence.model.device}, and what is rated is the energy of {rated}"
        yield because("processor_not_counted", text)
    elif on_gpus and "node" not in parts and sum(p in GPU_PARTS for p in parts) < on_gpus:
        text = f"the model ran on {d.evidence.model.device}, and the energy of fewer GPUs is rated ({rated})"
        yield because("processor_not_counted", text)


def cool(d: Derived) -> Iterator[Reason]:
    """Neither throttled nor out of range while repeats ran, and known to be so."""
    states = during(d.evidence.states, _spans(d.repeats))
    yield from _throttled(states)
    for device in workers(d.evidence, d.spent.devices):
        if not all(_known(device, states, repeat) for repeat in d.repeats):
            text = f"{device.id} could not tell in every repeat whether it was slowed down"
            yield because("throttling_unknown", text)
    hot = [s for s in states if s.celsius is not None and not COLDEST <= s.celsius <= HOTTEST]
    if hot:
        text = f"{hot[0].device_id} was at {hot[0].celsius:g} degrees Celsius"
        yield because("temperature_out_of_range", f"{text}; {COLDEST:g} to {HOTTEST:g} is asked for")
    told = {s.device_id for s in d.evidence.states if s.celsius is not None}
    silent = [s.device_id for s in states if s.celsius is None and s.device_id in told]
    if silent:
        text = f"{silent[0]} did not tell its temperature at {len(silent)} looks in repeats"
        yield because("temperature_unknown", text)


def _spans(repeats: Sequence[Repeat]) -> list[tuple[int, int]]:
    return [(p.start_us, p.end_us) for r in repeats for p in r.phases]


def _throttled(states: Sequence[StateLook]) -> Iterator[Reason]:
    looks: dict[str, list[StateLook]] = {}
    for state in states:
        looks.setdefault(state.device_id, []).append(state)
    for device, told in looks.items():
        slowed = [s for s in told if s.throttled]
        if slowed:
            why = ", ".join(dict.fromkeys(reason for s in slowed for reason in s.throttled))
            text = f"{device} was slowed down at {len(slowed)} of {len(told)} looks ({why})"
            yield because("throttled", text)


def _known(device: Device, states: Sequence[StateLook], repeat: Repeat) -> bool:
    """Whether somebody looked all through the repeat, and the device could tell each time."""
    looks = during(looks_at(device, states), _spans([repeat]))
    return (
        bool(looks)
        and all(s.throttle_known for s in looks)
        and all(_longest(looks, p.start_us, p.end_us) <= MOST_STATE_SECONDS * 1e6 for p in repeat.phases)
    )


def _longest(looks: Sequence[StateLook], start_us: int, end_us: int) -> int:
    """The longest time within a phase in which nobody looked."""
    moments = [start_us, *sorted(s.at_us for s in looks if start_us <= s.at_us <= end_us), end_us]
    return max(b - a for a, b in pairwise(moments))


def capped_alike(d: Derived) -> Iterator[Reason]:
    """One power limit from the first repeat to the last."""
    limits: dict[str, set[float]] = {}
    for state in during(d.evidence.states, _spans(d.repeats)):
        if state.power_limit_watts is not None:
            limits.setdefault(state.device_id, set()).add(state.power_limit_watts)
    for device, watts in limits.items():
        if len(watts) > 1:
            text = f"the limit of {device} was from {min(watts):g} to {max(watts):g} W"
            yield because("power_limit_changed", text)


def alone(d: Derived) -> Iterator[Reason]:
    """Nobody else kept the CPU busy, where its energy is rated; a look that does not tell may hide it all."""
    if not any(line.device.component in CPU_PARTS for line in d.devices):
        return
    told = {s.device_id for s in d.evidence.states if s.others_cpu_share is not None}
    shares = [
        1.0 if s.others_cpu_share is None else s.others_cpu_share
        for s in during(d.evidence.states, _spans(d.repeats))
        if s.device_id in told
    ]
    if shares and sum(shares) / len(shares) > MOST_OTHERS:
        text = f"other programs used {sum(shares) / len(shares):.0%} of the busy CPU time"
        yield because("machine_shared", f"{text}; {MOST_OTHERS:.0%} at most is asked for")


def as_published(d: Derived) -> Iterator[Reason]:
    """Profile aies: the workload and the hardware of AI Energy Score."""
    if d.evidence.profile.id != AIES:
        return
    differing = list(_differing(d))
    if differing:
        yield because("aies_workload_differs", "; ".join(differing))
    names = [line.device.name for line in d.devices]
    if len(names) != 1 or not AIES_GPU.search(names[0]):
        found = ", ".join(n or "a GPU without a name" for n in names) or "no GPU"
        yield because("hardware_differs", f"ran on {found}; one NVIDIA H100 80GB is asked for")


def _differing(d: Derived) -> Iterator[str]:
    pinned = d.evidence.pinned
    if pinned.queries != AIES_QUERIES:
        yield f"{pinned.queries} queries of {AIES_QUERIES}"
    parts = [count for _, count in pinned.dataset.parts]
    if len(parts) != AIES_PARTS or max(parts) - min(parts) > 1:
        yield f"{len(parts)} datasets; equal thirds of {AIES_PARTS} are asked for"
    if pinned.dataset.synthetic:
        yield "the queries are a synthetic stand-in"
    if (pinned.batch_size, pinned.concurrency, pinned.rate_per_second) != (1, 1, None):
        yield "not at batch 1"
    asked = AIES_DTYPES.get(pinned.task, ("float32",))
    if (dtype := dtype_of(d.evidence)) not in asked:
        yield f"{dtype}; {' or '.join(asked)} is asked for"


RULES = (counted, cool, capped_alike, alone, as_published)
