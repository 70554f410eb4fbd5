"""A result: what a benchmark (ours or somebody else's) says of one model, and how it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmark.core.bench.key import Key
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.validity import Validity
from wattmark.core.figure import Figure
from wattmark.core.known import SIMULATED

SCHEMA = "wattmark.result"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityScore:
    """How good the answers were, from the same run as the energy."""

    name: str
    value: float
    higher_is_better: bool = True
    low: float | None = None
    """95 % interval, where it can be told."""
    high: float | None = None
    queries: int | None = None
    """How many answers were scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds per query over all rated repeats."""

    mean: float
    p50: float
    p95: float
    first_output_p50: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatFigure:
    """One repeat."""

    repeat: int
    joules_per_query: float
    queries: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Power with the model loaded and nothing asked, before and after. Rated is gross; net is information."""

    before_watts: float | None = None
    after_watts: float | None = None
    net_joules_per_query: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a result comes from."""

    tool: str = "wattmark"
    """wattmark, optimum-benchmark, ai_energy_benchmarks, ml.energy, mlperf, aies ..."""
    version: str = ""
    source: str = ""
    """File, bundle or publication, without a path of the machine."""
    published: bool = False
    """True for figures that somebody published without evidence that could be checked here."""
    method: str = ""
    """How it was measured there, in its own words, e.g. ``NVML energy counter (Zeus)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row of a leaderboard."""

    schema: str = SCHEMA
    schema_version: int = SCHEMA_VERSION
    id: str
    """Of the evidence it was made from."""
    task: str
    """Id of the task."""
    model: ModelFacts
    cohort: str = ""
    """When it was tested, as it is grouped by: ``Dec 25``, ``2026-11``."""
    date: str = ""
    """UTC date of the test, where known."""
    profile: str = ""
    key: Key
    energy: Figure | None = None
    """Joules per query, gross; None where no energy is known (the validity says why)."""
    per_output: Figure | None = None
    """Joules per output unit of the task."""
    output_unit: str | None = None
    gpu_energy: Figure | None = None
    """Joules per query of the GPUs alone, which AI Energy Score rates; None without a GPU."""
    quality: QualityScore | None = None
    latency: Latency | None = None
    throughput: float | None = None
    """Queries per second."""
    repeats: tuple[RepeatFigure, ...] = ()
    repeat_cv: float | None = None
    """Coefficient of variation of the energy per query over repeats."""
    idle: Idle = field(default_factory=Idle)
    phases_joules: Mapping[str, float] = field(default_factory=dict)
    """Energy of each phase, for information; never summed into the rating unless rated."""
    input_tokens_per_query: float | None = None
    output_tokens_per_query: float | None = None
    hardware: str = ""
    validity: Validity
    origin: Origin = field(default_factory=Origin)
    bundle_sha256: str | None = None
    """Of the manifest of the bundle that holds the evidence."""
    stated: Mapping[str, str] = field(default_factory=dict)
    """Cells of the table that it came from, as they are written there (``gpu_wh_per_1000``,
    ``published_stars``, ``task`` ...): published stars are recomputed from these digits, not from floats."""
    target: str = ""
    """What has to be reached, for training and pipelines, e.g. ``accuracy>=0.95``."""
    spent: Figure | None = None
    """Joules of all attempts, where none of them reached the target; then there is no energy per attempt."""
    notes: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether its readings were made up by a formula: its figures show how the tool works, no more."""
        return self.key.evidence == SIMULATED


def wh_per_1000(figure: Figure) -> Figure:
    """Joules per query as watt-hours per 1,000 queries, the unit of AI Energy Score: x 1000 / 3600."""
    return figure.scaled(1000 / 3600, "Wh/1000 queries")
