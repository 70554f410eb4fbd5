"""Telemetry: what many small readings have in common, and the readings as columns.

A run is one document; telemetry is millions of small intervals of a few thousand series. Everything
that stays the same from one reading to the next is said once, in the :class:`Stream`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import Place, SourceId, Subject

JOULES = "J"
"""The unit of streams that hold energy; every other unit is work (``output_tokens``, ``requests``, ...)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One series of energy or of work, without its numbers."""

    source: SourceId
    instance: str = ""
    """Which installation of the source: the address of a Prometheus, the name of a file."""
    host_id: str
    """Hash or name of the machine, the same in every source that watches it."""
    device_id: str = ""
    """What used the energy: an NVML UUID, ``cpu:<host>/package-0``, ``node:<host>``; empty for work."""
    part_of: str | None = None
    component: str = ""
    """cpu, gpu, dram, network, storage, rest_of_node, node, module; empty for work."""
    unit: str = JOULES
    """``J``, or the unit of work that is counted."""
    method: Method = Method.DECLARED
    boundary: Boundary = Boundary.DEVICE
    grade: Grade = Grade.E
    errors: Mapping[str, float] = field(default_factory=dict)
    """Named error source -> relative half width at 95 %."""
    sensor_duty: float = 1.0
    scope: Scope = Scope.WHOLE
    attribution_rule: str | None = None
    subject: Subject = field(default_factory=Subject)
    place: Place = field(default_factory=Place)
    """Country, site and PUE, where the source states them."""
    idle_watts: float | None = None
    max_watts: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The intervals of one stream, as columns of one length. Times are microseconds since 1970, UTC.

    Raises UsageError when the columns differ in length.
    """

    stream: Stream
    start_us: Sequence[int]
    end_us: Sequence[int]
    energy_uj: Sequence[int] = ()
    """Microjoules that were observed in each interval, 0 in a gap; for streams in joules."""
    count: Sequence[float] = ()
    """Units of work done in each interval; for streams of work."""
    observed: Sequence[bool] = ()
    """False where the interval is a gap: a device that was there and was not read. Empty: all observed."""

    def __post_init__(self) -> None:
        amounts = self.energy_uj if self.stream.unit == JOULES else self.count
        lengths = {len(self.start_us), len(self.end_us), len(amounts)}
        if self.observed:
            lengths.add(len(self.observed))
        if len(lengths) != 1:
            raise UsageError("the columns of a stream's samples must have one length")

    def __len__(self) -> int:
        return len(self.start_us)
