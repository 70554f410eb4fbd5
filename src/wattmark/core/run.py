"""The evidence of one run: what was observed, never what was computed from it.

A run file holds one :class:`Run` as JSON. Nothing in it is multiplied by PUE or turned into carbon.
Times inside a run are seconds from its start on a suspend-aware monotonic clock; only
``started_at`` is wall-clock time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.known import Boundary, Grade, Method, Scope

SCHEMA = "wattmark.run"
SCHEMA_VERSION = 1
REFRESH = ":refresh"
"""An error source of a row that ends so belongs to the row's edges: the sensor's update interval over the
row's duration. Where one row follows the other, what the first edge gives the next one takes."""

MOST_COUNT = 1e36
"""No amount of work is larger: a billion times the FLOP of the largest trainings (5e26, Epoch AI 2025)."""
LEAST = 1e-30
"""A number that is not 0 and smaller than this is a defect, and its reciprocal would be one too."""


class Status(StrEnum):
    """Whether a run is still going, ended in order, or was cut off."""

    OPEN = "open"
    CLOSED = "closed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was run: the unified tags."""

    organisation: str | None = None
    team: str | None = None
    project: str | None = None
    model: str | None = None
    model_version: str | None = None
    stage: str | None = None
    """data_preparation, training, fine_tuning, evaluation, inference, or your own word."""
    task: str | None = None
    workload_class: str | None = None
    """classical, vision-batch, llm-interactive, ...: decides which targets apply."""
    environment: str | None = None
    region: str | None = None
    zone: str | None = None
    """Grid zone: an ISO 3166 country code or a provider's zone."""
    cost_centre: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A named stretch of the run. A view of its timeline: nested windows never add."""

    id: int
    parent: int | None = None
    name: str
    stage: str | None = None
    t0_seconds: float
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GapSpan:
    """A stretch in which a device was not observed, and why."""

    t0_seconds: float
    duration_seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceId:
    """Which meter or importer a row comes from."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyRow:
    """Energy that one device was observed to use in one stretch of the run."""

    device_id: str
    part_of: str | None = None
    component: str
    t0_seconds: float
    duration_seconds: float
    energy_joules: float
    """Observed energy only; what happened in a gap is not in it."""
    observed_seconds: float
    """Seconds of the stretch that lie between good readings; coverage is this over the duration."""
    method: Method
    boundary: Boundary
    grade: Grade
    errors: Mapping[str, float] = field(default_factory=dict)
    """Named error source -> relative half width at 95 %."""
    sensor_duty: float = 1.0
    scope: Scope = Scope.WHOLE
    party: str | None = None
    """For shares: own, others or idle. The three add up to the whole."""
    attribution_rule: str | None = None
    source: SourceId
    raw_energy_joules: float | None = None
    """The reading before a calibration was applied, when one was."""
    calibration_id: str | None = None
    gaps: tuple[GapSpan, ...] = ()
    idle_watts: float | None = None
    """Least power of the device when on: lower end of an estimate for a gap."""
    max_watts: float | None = None
    """Most power of the device: upper end of an estimate for a gap."""
    note: str = ""

    @property
    def coverage(self) -> float:
        """Share of the stretch that was observed, 0 to 1."""
        if self.duration_seconds <= 0:
            return 1.0
        return min(1.0, self.observed_seconds / self.duration_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something that was done: a count of a functional unit."""

    unit: str
    """inferences, requests, input_tokens, output_tokens, samples, images, audio_seconds, bytes, flop ..."""
    count: float
    failed: float = 0.0
    """How many of them failed; they are not in ``count``, their energy is in the run's."""
    t0_seconds: float = 0.0
    duration_seconds: float | None = None
    window: int | None = None
    precision: str | None = None
    """For FLOP: fp32, fp16, bf16, ..."""
    declared: bool = False
    """True when somebody stated the count, False when it was counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A named measure of how good the result is."""

    name: str
    value: float
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeGoal:
    """The outcome that was declared, and whether it was reached (None: not known)."""

    condition: str
    reached: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What was trained or run on."""

    name: str = ""
    rows: int | None = None
    total_bytes: int | None = None
    """Uncompressed bytes as stored."""
    unique_bytes: int | None = None
    """Uncompressed bytes after removing what is there twice."""
    sha256: str | None = None
    dvc_md5: str | None = None
    """As DVC 3 states it, ``.dir`` after that of a folder; where the dataset lies in a DVC repository."""
    declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Carbon, cost, water or energy as somebody else states it: kept as it is, never converted to joules."""

    quantity: str
    value: float
    unit: str
    accounting: str | None = None
    scopes: tuple[str, ...] = ()
    basis: str | None = None
    period: str | None = None
    provider_model_version: str | None = None
    boundary: str | None = None
    """``facility`` where the provider's PUE is in it already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilisation:
    """How busy a class of devices was, by one signal."""

    component: str
    signal: str
    """``cpu_busy_time``, ``nvml_busy_time`` (time with a kernel running), ``sm_activity``, ..."""
    mean: float
    windows_300s: tuple[float, ...] = ()
    """Means of successive whole five-minute windows."""
    provisioned_devices: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """One kind of device that was provisioned."""

    component: str
    name: str
    count: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it ran."""

    country: str | None = None
    site: str | None = None
    pue: float | None = None
    pue_kind: str | None = None
    """declared, provider_year, measured."""
    hardware: tuple[Hardware, ...] = ()
    utilisation: tuple[Utilisation, ...] = ()
    reserved_share: float | None = None
    """Share of the host that is reserved for this workload, 0 to 1, where known (cgroup quota, Slurm)."""
    others_share: float | None = None
    """Share of the busy CPU time that other processes used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What measuring itself cost."""

    cpu_seconds: float
    workload_cpu_seconds: float | None = None
    reads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSeen:
    """Something that used energy, or may have, and was not observed."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterChoice:
    """One step of the ordered fallback that chose the meters."""

    meter: str
    chosen: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Cumulative observed energy of one device over the run, for plots; thinned, exact at its points."""

    device_id: str
    component: str
    t_seconds: tuple[float, ...]
    energy_joules: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFile:
    """A raw series kept beside the run file."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine, without its name."""

    id: str
    """Hash of the machine's identity: the same machine gives the same id, the id gives no name."""
    fingerprint: str
    """Hash of hardware and kernel: changes when a calibration would no longer hold."""
    boot_id: str | None = None
    """Hash of the boot; readings of one boot share a monotonic clock."""
    names: tuple[str, ...] = ()
    """Ids that other sources give the machine, made from its name: with the domain, and without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that was observed about one run."""

    schema: str = SCHEMA
    schema_version: int = SCHEMA_VERSION
    record_id: str
    seq: int = 0
    """The highest (seq, content) of one record_id wins."""
    status: Status
    started_at: str
    """UTC, ISO 8601 with a trailing Z."""
    started_monotonic_seconds: float | None = None
    """The same moment on the host's suspend-aware monotonic clock (since boot)."""
    duration_seconds: float
    exit_code: int | None = None
    failed: bool = False
    """True when the work ended with an error; its energy counts all the same."""
    solution_id: str | None = None
    """Runs with one solution id are the attempts at one solution."""
    parent: str | None = None
    rank: int | None = None
    world_size: int | None = None
    host: Host
    subject: Subject = field(default_factory=Subject)
    windows: tuple[Window, ...] = ()
    energies: tuple[EnergyRow, ...] = ()
    statements: tuple[Statement, ...] = ()
    work: tuple[Work, ...] = ()
    quality: tuple[Quality, ...] = ()
    outcome: OutcomeGoal | None = None
    dataset: Dataset | None = None
    place: Place = field(default_factory=Place)
    overhead: Overhead | None = None
    not_seen: tuple[NotSeen, ...] = ()
    meters: tuple[MeterChoice, ...] = ()
    series: tuple[Series, ...] = ()
    samples: tuple[SampleFile, ...] = ()
    notes: tuple[str, ...] = ()
    """What happened while measuring: budget warnings, clock steps, ignored log lines."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Versions of wattmark, Python and kernel; calibration ids. Never variables of the process."""


def workload_of(subject: Subject, record_id: str) -> str:
    """What counts as one workload for an error that depends on the load: model, task, stage; else the run."""
    return "/".join(filter(None, (subject.model, subject.task, subject.stage))) or record_id
