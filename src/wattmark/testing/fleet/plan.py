"""What is simulated: how many machines of which kind, what runs on them, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from wattmark.core.errors import UsageError

MS = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a job is: its tags, and the power that a device draws while it runs."""

    team: str
    model: str
    stage: str
    watts: tuple[int, int]
    """Least and most power of one GPU, or of one CPU package where there is no GPU."""
    unit: str
    per_minute: int
    """Units of work in a minute of the job."""


WORKLOADS = (
    # Made up, of the order of an accelerator with a limit of 700 W: near it in training, half in serving.
    Workload(
        team="language", model="lm-7b", stage="training", watts=(480, 690), unit="samples", per_minute=900
    ),
    Workload(
        team="language", model="lm-7b", stage="evaluation", watts=(300, 560), unit="samples", per_minute=400
    ),
    Workload(
        team="search", model="ranker", stage="fine_tuning", watts=(350, 620), unit="samples", per_minute=2000
    ),
    Workload(
        team="search",
        model="ranker",
        stage="inference",
        watts=(220, 430),
        unit="inferences",
        per_minute=30000,
    ),
    Workload(
        team="vision", model="detector", stage="training", watts=(400, 650), unit="images", per_minute=5000
    ),
    Workload(
        team="vision", model="detector", stage="inference", watts=(180, 380), unit="images", per_minute=12000
    ),
)
PREPARATION = (
    Workload(
        team="language",
        model="lm-7b",
        stage="data_preparation",
        watts=(90, 200),
        unit="samples",
        per_minute=50000,
    ),
    Workload(
        team="vision",
        model="detector",
        stage="data_preparation",
        watts=(80, 180),
        unit="images",
        per_minute=9000,
    ),
)
IDLE_GPU_WATTS = (60, 95)
REST_WATTS = (180, 320)
"""Fans, memory, board and power supply of a GPU server, beside its GPUs and CPUs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The fleet and its faults. Raises UsageError for a fleet that cannot be."""

    training_hosts: int = 2
    """GPU servers with a management controller: jobs measure node, CPUs and GPUs."""
    serving_hosts: int = 2
    """GPU servers without one: jobs measure GPUs, and an exporter watches the GPUs all day."""
    pod_hosts: int = 1
    """CPU servers of a cluster: an exporter gives the whole of each and the shares of pods."""
    preparation_hosts: int = 1
    """CPU servers on which jobs measure themselves, with their own share."""
    gpus: int = 8
    hours: int = 24
    sample_seconds: int = 10
    start: str = "2026-11-01T00:00:00Z"
    zones: tuple[str, ...] = ("FRA", "DEU", "USA")
    seed: int = 1
    faults: bool = True
    """Gaps, restarts, second watchers, ranks, clock steps; false: everything is read all the time, once."""

    def __post_init__(self) -> None:
        counts = (self.training_hosts, self.serving_hosts, self.pod_hosts, self.preparation_hosts)
        if min(counts) < 0 or sum(counts) == 0:
            raise UsageError("a fleet needs at least one host, and none of a negative number")
        if self.gpus < 1 or self.hours < 1 or not self.zones:
            raise UsageError("a fleet needs at least one GPU a server, one hour and one zone")
        if self.sample_seconds < 1 or 900 % self.sample_seconds:
            raise UsageError("sample_seconds must divide 900, the seconds of a bucket")

    @property
    def start_us(self) -> int:
        """Start, microseconds since 1970."""
        return int(datetime.fromisoformat(self.start).astimezone(UTC).timestamp()) * SECOND

    @property
    def end_us(self) -> int:
        """End, microseconds since 1970."""
        return self.start_us + self.hours * HOUR
