"""What a benchmark leaves: looks at meters, phases, queries, states of devices. Nothing computed from them.

Times are whole microseconds since the benchmark began, on the suspend-aware monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.bench.profile import Profile
from wattmark.core.readings import Device
from wattmark.core.run import Host, MeterChoice, NotSeen, Overhead

SCHEMA = "wattmark.bench_evidence"
SCHEMA_VERSION = 1


class PhaseName(StrEnum):
    """The phases of a benchmark, apart from each other and never silently summed."""

    LOAD_DATASET = "load_dataset"
    LOAD_MODEL = "load_model"
    IDLE_BEFORE = "idle_before"
    """The model is loaded, nothing is asked of it."""
    WARM_UP = "warm_up"
    PREPROCESS = "preprocess"
    """A pass of its own over all queries (profile aies)."""
    PREFILL = "prefill"
    """A pass of its own, one new token for each query."""
    MEASURE = "measure"
    """One repeat: every query is prepared and answered."""
    COOL_DOWN = "cool_down"
    IDLE_AFTER = "idle_after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of the benchmark."""

    name: PhaseName
    repeat: int | None = None
    """Which repeat it belongs to, from 0."""
    start_us: int
    end_us: int
    rated: bool = False
    """Whether its energy is in the rating."""
    full_start_us: int | None = None
    """From here on as many requests were in flight as were asked for (endpoints)."""
    full_end_us: int | None = None
    failed: str = ""
    """Why it did not come to its end: a repeat that crashed is kept and counts as an attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLooks:
    """Everything that one device said, as columns of equal length."""

    device_id: str
    at_us: tuple[int, ...]
    energy_uj: tuple[int | None, ...] = ()
    """What the counter showed; None where there was a gap. Empty for a power sensor."""
    watts: tuple[float | None, ...] = ()
    """What the sensor showed; None where there was a gap. Empty for a counter."""
    gaps: Mapping[str, str] = field(default_factory=dict)
    """Index of the look (as text) -> why it gave nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRecord:
    """One query, answered once. Neither the text asked nor the answer is in it."""

    repeat: int
    """-1 for warm-up."""
    turn: int
    """How often the whole set was asked before, within the repeat."""
    index: int
    """Place in the dataset."""
    start_us: int
    end_us: int
    prepared_us: int | None = None
    """When preparing its input had ended."""
    first_output_us: int | None = None
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    """Input tokens that a server had in its cache from before, and did not read again."""
    output_tokens: int | None = None
    audio_seconds: float | None = None
    images: int | None = None
    failed: str = ""
    """Why it failed; empty where it did not."""
    score: Any = None
    """What the task's Scoring needs of it; None where nothing can be told."""
    output_sha256: str | None = None
    """Of the answer, so that two runs can be told to have answered alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLook:
    """How a device was at one moment; None is not known."""

    device_id: str
    at_us: int
    celsius: float | None = None
    throttled: tuple[str, ...] = ()
    """Reasons of the hardware: thermal, hw_slowdown, power_brake. Empty where it says there is none."""
    throttle_known: bool = False
    """False where the device cannot tell: then ``throttled`` says nothing."""
    power_limit_watts: float | None = None
    default_power_limit_watts: float | None = None
    clock_megahertz: float | None = None
    others_cpu_share: float | None = None
    """Share of the busy CPU time since the look before that was not the benchmark's (for CPUs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was observed."""

    schema: str = SCHEMA
    schema_version: int = SCHEMA_VERSION
    id: str
    started_at: str
    """UTC, ISO 8601 with a trailing Z."""
    profile: Profile
    pinned: Pinned
    model: ModelFacts
    host: Host
    devices: tuple[Device, ...]
    looks: tuple[DeviceLooks, ...]
    period_us: int
    """How often the meters were to be looked at."""
    phases: tuple[Phase, ...]
    queries: tuple[QueryRecord, ...]
    states: tuple[StateLook, ...] = ()
    hardware: tuple[str, ...] = ()
    """What devices call themselves, e.g. ``NVIDIA H100 80GB HBM3``: with them the device class is told."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Versions of libraries, drivers, kernel."""
    not_seen: tuple[NotSeen, ...] = ()
    meters: tuple[MeterChoice, ...] = ()
    clock_error_us: int = 0
    """How far the clock of the meters may be off the benchmark's; 0 where both are one clock."""
    overhead: Overhead | None = None
    """What looking at meters and devices cost; None where it was not told."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Whatever somebody wants to find it by."""
    simulated: bool = False
    """True where clock and meters were simulated: such evidence is never rated."""
    notes: tuple[str, ...] = ()
