"""What a serving engine says of itself: one look at it, and what it did between two looks.

An engine counts from its start. What it does not tell is None and never a zero; a look that failed is a
:class:`~wattmark.core.readings.Gap`, and so is the time between two looks in which it was started anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.readings import Gap


class Quantity(StrEnum):
    """What engines tell. Named as the fields of :class:`Counted` and :class:`Load`."""

    REQUESTS = "requests"
    FAILED = "failed"
    INPUT_TOKENS = "input_tokens"
    CACHED_INPUT_TOKENS = "cached_input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    PREFILL_SECONDS = "prefill_seconds"
    DECODE_SECONDS = "decode_seconds"
    FLOP = "flop"
    RUNNING = "running"
    WAITING = "waiting"
    KV_CACHE_USAGE = "kv_cache_usage"


GAUGES = (Quantity.RUNNING, Quantity.WAITING, Quantity.KV_CACHE_USAGE)
"""What holds at the moment of the look."""
COUNTERS = tuple(quantity for quantity in Quantity if quantity not in GAUGES)
"""What only grows while an engine runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What an engine counted for one model, since its start or between two looks. None: not told."""

    requests: float | None = None
    """Requests that ended well."""
    failed: float | None = None
    """Requests that ended with an error or were cut off; not among ``requests``."""
    input_tokens: float | None = None
    """Of all requests, those from a cache included."""
    cached_input_tokens: float | None = None
    """Those of the input that a cache spared the engine."""
    output_tokens: float | None = None
    prefill_seconds: float | None = None
    """Sum over requests of the time from being taken up to the first token; exceeds wall time in a batch."""
    decode_seconds: float | None = None
    """Sum over requests of the time from the first token to the last."""
    flop: float | None = None
    """Floating point operations on one device, by the engine's own estimate."""

    def of(self, quantity: Quantity) -> float | None:
        """One of them by name."""
        found: float | None = getattr(self, quantity.value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How loaded an engine is with one model at the moment of the look. None: it does not tell."""

    running: float | None = None
    """Requests that are worked on."""
    waiting: float | None = None
    """Requests that wait for it."""
    kv_cache_usage: float | None = None
    """Share of the cache of keys and values that is in use, 0 to 1."""

    def of(self, quantity: Quantity) -> float | None:
        """One of them by name."""
        found: float | None = getattr(self, quantity.value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReading:
    """One look at one engine."""

    target: str
    """Which one: its name in the settings, or its address without user and password."""
    engine: str
    """What it is, as the table of engines names it: ``vllm``, ``llama.cpp``."""
    at_us: int
    """When its answer had come; microseconds since 1970, UTC."""
    started_us: int | None = None
    """When its process started, where it says so: another start is another engine."""
    counted: Mapping[str, Counted] = field(default_factory=dict)
    """Model -> counters since the start. The name is empty where an engine names no model."""
    load: Mapping[str, Load] = field(default_factory=dict)
    """Model -> load at the moment of the look."""
    missing: Mapping[Quantity, str] = field(default_factory=dict)
    """What this engine does not tell, and why or how it is switched on."""

    @property
    def models(self) -> tuple[str, ...]:
        """Every model it tells of, in a fixed order."""
        return tuple(sorted({*self.counted, *self.load}))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDelta:
    """What one engine did between two looks."""

    target: str
    engine: str
    start_us: int
    end_us: int
    counted: Mapping[str, Counted] = field(default_factory=dict)
    """Model -> what was counted between the looks."""
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    """Model -> why nothing is known of it; such a model is not among ``counted``."""
    missing: Mapping[Quantity, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """The time between the looks."""
        return (self.end_us - self.start_us) / 1e6


@dataclass(frozen=True, slots=True)
class FailedLook(Gap):
    """A look that failed. The reason is a sentence; the kind is one of a few words, for counting."""

    kind: str = "unknown"
    """``unreachable``, ``timeout``, ``refused`` (an account is needed), ``status``, ``redirect``, ``body``
    (broken off, too long, no text), ``no_metrics`` (of an engine that is known)."""


Look = EngineReading | Gap
"""A look at an engine; a gap is one that failed, with the reason."""

START_JITTER_US = 2_000_000
"""An engine with several processes tells of one or another of them: starts this near are one start."""


def difference(before: Look, after: Look) -> EngineDelta | Gap:
    """What an engine did between two looks; a gap when one of them failed or it was started anew.

    A model whose counters ran backwards (loaded anew) or that is there no more has a gap of its own. A
    model that is new began at 0: engines make a series with the first request that it counts.
    """
    if isinstance(before, Gap):
        return before
    if isinstance(after, Gap):
        return after
    if (why := _not_one(before, after)) is not None:
        return Gap(why)
    counted: dict[str, Counted] = {}
    gaps: dict[str, Gap] = {}
    for model, now in after.counted.items():
        found = _grown(before.counted.get(model), now)
        if isinstance(found, Gap):
            gaps[model] = found
        else:
            counted[model] = found
    for model in before.counted.keys() - after.counted.keys():
        gaps[model] = Gap("the engine tells of this model no more")
    return EngineDelta(
        target=after.target,
        engine=after.engine,
        start_us=before.at_us,
        end_us=after.at_us,
        counted=counted,
        gaps=gaps,
        missing=after.missing,
    )


def _not_one(before: EngineReading, after: EngineReading) -> str | None:
    """Why two looks are not at one run of one engine."""
    if (before.target, before.engine) != (after.target, after.engine):
        return f"{before.engine} at {before.target} is not {after.engine} at {after.target}"
    if before.at_us >= after.at_us:
        return "the looks are out of order"
    starts = (before.started_us, after.started_us)
    if starts[0] is not None and starts[1] is not None and abs(starts[1] - starts[0]) > START_JITTER_US:
        return "the engine was started anew between two looks"
    return None


def _grown(before: Counted | None, now: Counted) -> Counted | Gap:
    if before is None:
        return now
    grown: dict[str, float | None] = {}
    for quantity in COUNTERS:
        was, value = before.of(quantity), now.of(quantity)
        if was is None or value is None:
            grown[quantity.value] = None
        elif value < was:
            return Gap(f"the engine began to count anew: {quantity} went from {was:g} to {value:g}")
        else:
            grown[quantity.value] = value - was
    return Counted(**grown)
