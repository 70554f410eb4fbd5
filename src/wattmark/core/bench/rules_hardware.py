"""Rules about devices: heat, throttling, power limits, others on the machine, profile aies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wattmark.core.bench.derived import Derived
from wattmark.core.bench.evidence import StateLook
from wattmark.core.bench.reasons import because
from wattmark.core.bench.repeats import AIES
from wattmark.core.bench.validity import Reason

COLDEST, HOTTEST = 20.0, 95.0
"""Degrees Celsius (ML.ENERGY, validate_results.py)."""
MOST_OTHERS = 0.10
CPU_PARTS = ("cpu", "node")
AIES_QUERIES = 1000
AIES_PARTS = 3
AIES_DTYPES = {"text_generation": ("float16",), "reasoning": ("float16", "float32")}
"""Float32 for every other task (AI Energy Score, index.md); for reasoning it states none."""
AIES_GPU = ("H100", "80GB")


def cool(d: Derived) -> Iterator[Reason]:
    """Neither throttled nor out of range while repeats ran, and known to be so."""
    states = _during(d)
    yield from _throttled(states)
    unknown = sorted({device for device in _watched(d) if not _always_known(d, states, device)})
    for device in unknown:
        text = f"nobody looked in every repeat whether {device} was slowed down, or it cannot tell"
        yield because("throttling_unknown", text)
    hot = [s for s in states if s.celsius is not None and not COLDEST <= s.celsius <= HOTTEST]
    if hot:
        text = f"{hot[0].device_id} was at {hot[0].celsius:g} degrees Celsius"
        yield because("temperature_out_of_range", f"{text}; {COLDEST:g} to {HOTTEST:g} is asked for")


def _throttled(states: Sequence[StateLook]) -> Iterator[Reason]:
    slowed: dict[str, dict[str, None]] = {}
    for state in states:
        slowed.setdefault(state.device_id, {}).update(dict.fromkeys(state.throttled))
    for device, why in slowed.items():
        if why:
            looks = [s for s in states if s.device_id == device]
            count = sum(bool(s.throttled) for s in looks)
            text = f"{device} was slowed down at {count} of {len(looks)} looks ({', '.join(why)})"
            yield because("throttled", text)


def _during(d: Derived) -> list[StateLook]:
    """Looks at states within rated phases."""
    spans = [(p.start_us, p.end_us) for r in d.repeats for p in r.phases]
    return [s for s in d.evidence.states if any(start <= s.at_us <= end for start, end in spans)]


def _watched(d: Derived) -> set[str]:
    """The devices that do the work: whatever is counted, or lies in what is counted, but the whole node."""
    counted = {line.device.id for line in d.devices}
    inside = {i for i, line in d.lines.items() if line.device.part_of in counted}
    workers = {"cpu", "gpu", "module", "tpu", "npu"}
    return {i for i in counted | inside if d.lines[i].device.component in workers} or counted


def _always_known(d: Derived, states: Sequence[StateLook], device: str) -> bool:
    """Whether somebody looked in every repeat, and the device could tell each time."""
    for repeat in d.repeats:
        looks = [
            s
            for s in states
            if s.device_id == device and any(p.start_us <= s.at_us <= p.end_us for p in repeat.phases)
        ]
        if not looks or not all(s.throttle_known for s in looks):
            return False
    return True


def capped_alike(d: Derived) -> Iterator[Reason]:
    """One power limit from the first repeat to the last."""
    limits: dict[str, set[float]] = {}
    for state in _during(d):
        if state.power_limit_watts is not None:
            limits.setdefault(state.device_id, set()).add(state.power_limit_watts)
    for device, watts in limits.items():
        if len(watts) > 1:
            text = f"the limit of {device} was from {min(watts):g} to {max(watts):g} W"
            yield because("power_limit_changed", text)


def alone(d: Derived) -> Iterator[Reason]:
    """Nobody else kept the CPU busy, where its energy is rated."""
    if not any(line.device.component in CPU_PARTS for line in d.devices):
        return
    shares = [s.others_cpu_share for s in _during(d) if s.others_cpu_share is not None]
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
    if len(names) != 1 or not all(part in names[0] for part in AIES_GPU):
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
    if pinned.dtype not in asked:
        yield f"{pinned.dtype}; {' or '.join(asked)} is asked for"


RULES = (cool, capped_alike, alone, as_published)
