"""One report of optimum-benchmark: its phases, what was asked, and everything that is wrong with it.

Energies are CodeCarbon's, in kWh of CPU, RAM and GPU. Read from the source text of 0.5 and 0.6 and from what
0.6.0 wrote here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wattmark.core.units import JOULES_PER_KWH
from wattmark.sources.json_input import at, list_at, number_at, text_at

PARTS = {"cpu": "cpu", "dram": "ram", "gpu": "gpu"}
"""Component -> key in the report."""
AGREE = 0.01
"""A total that is further than this from the sum of its parts is contradicted by them."""
ENERGY_STAR, INFERENCE = "energy_star", "inference"
RATED = "inference"
BENCHMARK = "benchmark"
PASSES = ("generate", "call", "forward")
"""The pass that answers; generate is told as prefill and decode in one scenario."""
NEVER_ASKED = (
    "num_samples is {}: optimum-benchmark then asks nothing, ends with success, and writes the energy of "
    "doing nothing"
)
POLLUTED = (
    "memory and energy were tracked at once: the energy windows hold the start of the memory tracker's "
    "process (measured: 17 s of window for 0.04 s of work), so that they say nothing of the model"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One phase of the report with its energy."""

    name: str
    rated: bool
    joules: Mapping[str, float]
    """Component -> joules."""
    seconds: float | None
    """By its latency; None where it was not tracked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says, after everything in it was found to be possible."""

    passes: tuple[Pass, ...]
    queries: float
    output_tokens: float | None
    scenario: str
    config: Mapping[str, Any]

    @property
    def means(self) -> bool:
        """Whether each pass is the mean of one call instead of all of them."""
        return self.scenario == INFERENCE


def report_of(report: Mapping[str, Any], config: Mapping[str, Any]) -> Report:
    """Read a report with its configuration. Raises ValueError that says why it cannot be taken."""
    scenario = text_at(config, "scenario", "name")
    if scenario not in (ENERGY_STAR, INFERENCE):
        raise ValueError(f"scenario {scenario or 'unknown'!r}: only energy_star and inference are read")
    if at(config, "scenario", "energy") is False:
        raise ValueError("energy was not tracked: run it with scenario.energy=true")
    memory = at(config, "scenario", "memory") is True
    if memory and scenario == ENERGY_STAR:
        raise ValueError(POLLUTED)
    queries = _queries(config, scenario)
    passes = tuple(_passes(report, scenario, memory))
    if not any(p.name in PASSES for p in passes):
        raise ValueError(
            "holds no energy of answering: neither generate, call, forward, nor prefill and decode"
        )
    tokens = number_at(config, "scenario", "generate_kwargs", "max_new_tokens")
    return Report(
        passes=passes,
        queries=queries,
        output_tokens=None if tokens is None or not _generates(report) else tokens * queries,
        scenario=scenario,
        config=config,
    )


def _queries(config: Mapping[str, Any], scenario: str) -> float:
    """Queries that the rated energy is of."""
    if scenario == INFERENCE:
        batch = number_at(config, "scenario", "input_shapes", "batch_size")
        if batch is None or batch <= 0:
            raise ValueError("states no batch size, so that nobody knows how many queries its energy is of")
        return batch
    samples = number_at(config, "scenario", "num_samples")
    if samples is None or samples <= 0:
        raise ValueError(NEVER_ASKED.format("not told" if samples is None else f"{samples:g}"))
    return samples


def _generates(report: Mapping[str, Any]) -> bool:
    return "decode" in report or "generate" in report


def _passes(report: Mapping[str, Any], scenario: str, memory: bool) -> Iterator[Pass]:
    """Each phase; a whole pass of generating is put together from prefill and decode where need be."""
    star = scenario == ENERGY_STAR
    for name in ("load_dataset", "preprocess_dataset", "load_model"):
        # Of the inference scenario only loading is tracked together with memory.
        if (energy := _joules(report, name)) is not None and not (memory and name == "load_model"):
            rated = star and name == "preprocess_dataset"
            yield Pass(name=name, rated=rated, joules=energy, seconds=_seconds(report, name, star))
    prefill, decode = _joules(report, "prefill"), _joules(report, "decode", sign=True)
    if prefill is not None:
        yield Pass(name="prefill", rated=False, joules=prefill, seconds=_seconds(report, "prefill", star))
    for name in PASSES:
        if (energy := _joules(report, name)) is not None:
            yield Pass(name=name, rated=True, joules=energy, seconds=_seconds(report, name, star))
            return
    if prefill is not None and decode is not None:
        seconds = [_seconds(report, name, star) for name in ("prefill", "decode")]
        both = {part: prefill[part] + decode[part] for part in PARTS}
        if min(decode.values()) < 0:
            raise ValueError(
                "decode has a negative energy: generating used less than prefill alone, so the run was too "
                "short to tell either"
            )
        whole = None if None in seconds else sum(s for s in seconds if s is not None)
        yield Pass(name="generate", rated=True, joules=both, seconds=whole)


def _joules(report: Mapping[str, Any], name: str, *, sign: bool = False) -> dict[str, float] | None:
    """Energy of a phase by component; None where it was not tracked. Raises ValueError."""
    energy = at(report, name, "energy")
    if energy is None:
        return None
    if text_at(energy, "unit") != "kWh":
        raise ValueError(f"{name}: energy in {text_at(energy, 'unit')!r}, expected kWh")
    found: dict[str, float] = {}
    for component, key in PARTS.items():
        kwh = number_at(energy, key)
        if kwh is None or (kwh < 0 and not sign):
            raise ValueError(f"{name}: energy.{key} is {at(energy, key)!r:.40}, not an amount of energy")
        found[component] = kwh * JOULES_PER_KWH
    total = number_at(energy, "total")
    added = sum(found.values()) / JOULES_PER_KWH
    if total is None or abs(added - total) > AGREE * max(abs(total), abs(added)):
        raise ValueError(f"{name}: energy.total is {total!r:.40} kWh, and its parts add up to {added:g} kWh")
    return found


def _seconds(report: Mapping[str, Any], name: str, star: bool) -> float | None:
    """Length of a phase by its latency: all calls together, or the mean of one."""
    found = number_at(report, name, "latency", "total" if star else "mean")
    return found if found is not None and found > 0 else None


def gpus_of(config: Mapping[str, Any]) -> tuple[str, int]:
    """Name and number of the GPUs that were used; none for a CPU."""
    if text_at(config, "backend", "device") in ("", "cpu", "mps"):
        return "", 0
    names = [n for n in list_at(config, "environment", "gpu") if isinstance(n, str)]
    ids = at(config, "backend", "device_ids")
    used = ids.split(",") if isinstance(ids, str) else ids if isinstance(ids, list) else [ids]
    return (names[0].strip() if names else "", len(used))
