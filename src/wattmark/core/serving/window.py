"""What a node did for its models in one stretch of time: the one shape that everything live is made from.

The agent makes one a minute. The ledger's telemetry, Prometheus metrics, `wattmark watch`, autoscalers and
the search for regressions all read these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.conserving import conserved
from wattmark.core.serving.request import Rule, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """What one device used in a window. Devices of a window never hold one another: outer ones stand here as
    what is left of them (component ``rest_of_node``), so that their energies may be added.
    """

    device_id: str
    component: str
    source: str
    method: Method
    grade: Grade
    boundary: Boundary = Boundary.DEVICE
    errors: Mapping[str, float] = field(default_factory=dict)
    """Named error source -> relative half width at 95 %."""
    sensor_duty: float = 1.0
    energy_joules: float
    """Observed energy only."""
    observed_seconds: float
    """How much of the window lies between good readings; the rest is a gap."""
    idle_joules: float
    """While no request was active on it; part of the energy. Charged to services by what they reserve."""
    unallocated_joules: float = 0.0
    """What no service is charged: idle energy that nobody reserved, and work that nobody told of."""
    busy_seconds: float | None = None
    """Time in which the device worked, by ``busy_signal``; None: not known."""
    busy_signal: str = ""
    """``nvml_busy_time``, ``sm_activity``, ``cpu_busy_time``, ``requests_active``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one service is charged of one device, in joules."""

    service: Service
    device_id: str
    succeeded_joules: float = 0.0
    failed_joules: float = 0.0
    idle_joules: float = 0.0
    """Of the device's idle energy what the service's reservation is charged."""
    prefill_joules: float = 0.0
    """Of succeeded and failed; what is in neither phase is of requests whose first token is not known."""
    decode_joules: float = 0.0
    rule_error_joules: float = 0.0
    """Half width at 95 %: how far other rules of division would move succeeded plus failed."""

    @property
    def requests_joules(self) -> float:
        """Energy while requests of this service were active on the device."""
        return self.succeeded_joules + self.failed_joules

    @property
    def service_joules(self) -> float:
        """All that the service is charged: requests, failures and idleness."""
        return self.requests_joules + self.idle_joules


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one service did in a window. A request counts in the window in which it ends."""

    service: Service
    requests: float = 0.0
    """Those that succeeded."""
    failed: float = 0.0
    input_tokens: float | None = None
    """None: not known. Of all requests, failed ones included."""
    cached_input_tokens: float | None = None
    output_tokens: float | None = None
    request_seconds: float | None = None
    """Sum of the times that requests were active inside the window: over its length, the mean batch size."""
    untold: tuple[str, ...] = ()
    """What of it nobody tells, and stands as 0 where it is not known: ``requests``, ``failed``, and
    ``failed_joules``, the part of the energy that went to failed requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingWindow:
    """One stretch of time on one node. Times are microseconds since 1970, UTC.

    Raises UsageError when shares and what is unallocated do not make up their device to 1e-9.
    """

    host_id: str
    start_us: int
    end_us: int
    rule: Rule
    devices: tuple[DeviceUse, ...]
    shares: tuple[Share, ...] = ()
    works: tuple[Work, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know: requests that were told too late, a reading that failed."""

    def __post_init__(self) -> None:
        if not 0 <= self.start_us < self.end_us:
            raise UsageError("a window must end after it starts")
        conserved("a window", ((s.device_id, s.service_joules) for s in self.shares), self.devices)

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end_us - self.start_us) / 1e6

    @property
    def services(self) -> tuple[Service, ...]:
        """Every service that is charged something or did something, in a fixed order."""
        found = {s.service for s in self.shares} | {w.service for w in self.works}
        return tuple(sorted(found, key=lambda s: (s.model, s.model_version, s.tenant, s.target)))
