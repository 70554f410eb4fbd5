"""What is simulated: models and their traffic, the devices they run on, how well these are metered, and
what changes when.

The physics is kept to what moves energy per token in continuous batching: a decoding step takes
``step_seconds + step_seconds_per_request * batch`` and gives each request of the batch one token, a device
draws a fixed power above idleness while any request is active, and each token read or written costs a
little more. So a quiet hour costs more per token than a busy one, and long inputs cost more than short ones,
without anything having gone wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.errors import UsageError
from wattmark.core.known import Grade, Method
from wattmark.core.serving.request import Rule

A_MONDAY_US = 1_767_571_200_000_000
"""2026-01-05 00:00 UTC."""
WEEK = 7 * 24 * 60
MONTH = 30 * 24 * 60
"""Minutes."""


class Kind(StrEnum):
    """What may change."""

    ENERGY = "energy"
    """Everything that the devices of a model draw while it works, times ``factor``."""
    DRIFT = "drift"
    """The same, growing evenly over ``minutes``."""
    RELEASE = "release"
    """A new ``version`` that costs what the one before did."""
    TRAFFIC = "traffic"
    """Requests per minute, times ``factor``."""
    INPUT_TOKENS = "input_tokens"
    """Input tokens of a request, times ``factor``."""
    OUTPUT_TOKENS = "output_tokens"
    """Output tokens of a request, times ``factor``."""
    BATCH_LIMIT = "batch_limit"
    """The most requests in a batch become ``factor``."""
    FAILURES = "failures"
    """The share of requests that fail becomes ``factor``."""
    HARDWARE = "hardware"
    """The model moves to ``device``."""
    METHOD = "method"
    """``device`` is metered in another way from now on: modelled, and off by ``factor``."""
    RULE = "rule"
    """The energy is divided by the tokens that engines count, and no longer by requests."""
    GAP = "gap"
    """``device`` is not read for ``minutes``."""
    STUCK = "stuck"
    """``device`` reads one and the same power for ``minutes``."""
    RESTART = "restart"
    """Nobody watches for ``minutes``: no windows, and half of one at either end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that changes at one minute."""

    at: int
    """Minutes after the start."""
    kind: Kind
    model: str = ""
    """Empty: every model."""
    device: str = ""
    factor: float = 1.0
    minutes: int = 0
    version: str = ""
    """The release that comes with it, for changes of a model."""

    def about(self, model: str) -> bool:
        """Whether it concerns this model."""
        return not self.model or self.model == model


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Requests of one tenant to one model."""

    tenant: str = "all"
    requests_per_minute: float = 300.0
    """Mean over a weekday."""
    daily: float = 0.6
    """Swing of the day as a share of the mean: 0.6 is 1.6 times in the afternoon and 0.4 times at night."""
    weekend: float = 0.6
    """Traffic of a Saturday or Sunday against a weekday."""
    bursts_per_day: float = 3.0
    wander: float = 0.10
    """Slow random swings of the rate: one standard deviation, relative."""
    input_tokens: float = 600.0
    output_tokens: float = 220.0
    """Means of log-normal distributions."""
    spread: float = 0.9
    """Standard deviation of the logarithm of both: 0.9 gives one request in a hundred eight medians."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model as it is served."""

    name: str = "chat-8b"
    version: str = "1.0"
    target: str = "engine-0"
    devices: tuple[str, ...] = ("gpu-0",)
    reserved: float = 1.0
    traffic: tuple[Traffic, ...] = (Traffic(),)
    failures: float = 0.002
    batch_limit: int = 256
    step_seconds: float = 0.012
    step_seconds_per_request: float = 0.00012
    joules_per_input_token: float = 0.02
    joules_per_output_token: float = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device, and how its meter sees it."""

    name: str = "gpu-0"
    component: str = "gpu"
    idle_watts: float = 70.0
    active_watts: float = 180.0
    """What it draws above idleness while anything runs, before the tokens are counted."""
    speed: float = 1.0
    """Steps per second against the step times of the models."""
    method: Method = Method.HARDWARE_COUNTER
    grade: Grade = Grade.B
    relative_error: float = 0.05
    white: float = 0.004
    """Noise of each minute, relative, one standard deviation."""
    warmth: float = 0.008
    """Noise that lasts: leakage with temperature, clocks; relative, one standard deviation."""
    warmth_minutes: float = 45.0
    quantum_joules: float = 1.0
    """The least step of the meter."""


CPU = Device(
    name="cpu-0",
    component="cpu",
    idle_watts=55.0,
    active_watts=25.0,
    white=0.01,
    warmth=0.01,
    quantum_joules=0.001,
)
"""The host's package; every model of the node uses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is simulated. Raises UsageError for devices that nobody described."""

    models: tuple[Model, ...] = (Model(),)
    devices: tuple[Device, ...] = (Device(),)
    cpu: Device | None = CPU
    changes: tuple[Change, ...] = ()
    minutes: int = WEEK
    start_us: int = A_MONDAY_US
    host_id: str = "host-sim"
    rule: Rule = Rule.TOKENS
    seed: int = 0
    noise: float = 1.0
    """Factor on white and warmth of every device."""
    known: dict[str, Device] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = {device.name: device for device in (*self.devices, *((self.cpu,) if self.cpu else ()))}
        wanted = {name for model in self.models for name in model.devices}
        wanted |= {change.device for change in self.changes if change.device}
        if stray := wanted - set(known):
            raise UsageError(f"no device is called {', '.join(sorted(stray))}")
        object.__setattr__(self, "known", known)

    def of_kind(self, *kinds: Kind, model: str | None = None) -> tuple[Change, ...]:
        """The changes of these kinds, in order of time; with a model, those that concern it."""
        found = [c for c in self.changes if c.kind in kinds and (model is None or c.about(model))]
        return tuple(sorted(found, key=lambda c: c.at))
