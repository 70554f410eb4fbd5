"""What the KPIs see: a small table of totals over one run or many.

KPIs never know where a record came from. Whatever is not known is Missing, with the name of what
to give; nothing here is ever a guess or a silent default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmark.core.figure import Figure, Missing, NotReached, Undefined
from wattmark.core.run import Dataset, Utilisation

Answer = Figure | Missing | Undefined | NotReached
"""What a KPI returns. Never 0 for unknown."""

INFERENCE = "inference"
UNSTAGED = "unstaged"
"""The stage of what nobody named one for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDone:
    """How much of one functional unit was done."""

    unit: str
    count: float
    """Successful units."""
    failed: float = 0.0
    declared: bool = False
    precision: str | None = None
    sparse: bool = False
    """For FLOP: True when zeros that the hardware skips were counted as done."""
    stage: str = ""
    """In which stage, where work is told apart by stages; a sum over stages names none."""

    def plus(self, other: WorkDone) -> WorkDone:
        """Both together, of no stage any more."""
        return WorkDone(
            unit=self.unit,
            count=self.count + other.count,
            failed=self.failed + other.failed,
            declared=self.declared or other.declared,
            precision=self.precision if self.precision == other.precision else "mixed",
            sparse=self.sparse or other.sparse,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Embodied:
    """What is needed to share out the carbon of making the hardware."""

    total_grams: float
    """TE: embodied emissions of the hardware, gCO2e."""
    lifespan_hours: float
    relative_error: float = 0.30
    mode: str = "reserved"
    """``reserved`` (ISO/IEC 21031) or ``utilised``; never both."""
    reserved_hours: float | None = None
    """Hours that the hardware was reserved for this work."""
    reserved_share: float = 1.0
    """Reserved resources over total resources, 0 to 1."""
    utilisation: float | None = None
    """Expected share of the lifespan in use, for mode ``utilised``."""
    utilised_hours: float | None = None
    """Device hours in use for this work, for mode ``utilised``."""
    source: str = "declared"
    notes: tuple[str, ...] = ()
    """What a reader must be told beside the share: used-up devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakHardware:
    """The published ceiling of the hardware, for peak FLOPs per watt and for estimates."""

    name: str
    flops_per_second: float
    tdp_watts: float
    precision: str
    sparse: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewables:
    """Load and renewable generation (or certificates) per interval, within market zones."""

    load_kwh: Mapping[str, tuple[float, ...]]
    """Zone -> kWh per interval."""
    generation_kwh: Mapping[str, tuple[float, ...]]
    """Zone -> kWh per interval, same intervals as the load."""
    interval: str = "hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedShares:
    """Shares of a load that renewable instruments met in its own market, as a ledger works them out."""

    annual: float | Missing
    """Over calendar years, 0 to 1."""
    hourly: float | Missing
    """In its own hours, 0 to 1."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What the Operational Overhead Score is made of; None is not known."""

    latency_p95_seconds: float | None = None
    """95th percentile from the end of a window to its figure being in the ledger."""
    own_cpu_seconds: float | None = None
    workload_cpu_seconds: float | None = None
    manual_steps: int | None = None
    declared_share: float | None = None
    """Share of figures that somebody declared or imported by hand, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Totals of one run or of all the runs of one solution."""

    energy: Figure | Missing
    """Joules over all attempts and stages, gaps estimated. Terms: boundary, scope, attribution_rule."""
    unread: tuple[str, ...] = ()
    """Devices that were never read and for which some of their parts stand: the rest is in no energy."""
    energy_by_stage: Mapping[str, Figure] = field(default_factory=dict)
    """Stage -> joules; the parts add up to ``energy``. Time outside any stage is ``unstaged``."""
    energy_by_component: Mapping[str, Figure] = field(default_factory=dict)
    """Component (cpu, gpu, dram, rest_of_node, node, ...) -> joules; parts of ``energy``."""
    duration_seconds: float = 0.0
    """Seconds from first to last moment, attempts added up; those side by side on one machine count once."""
    attempts: int = 1
    attempts_reached: int | None = None
    """How many of the attempts reached the outcome; None when not every attempt tells."""
    condition: str | None = None
    """The declared outcome, e.g. ``accuracy>=0.95``."""
    reached: bool | None = None
    """Whether any attempt reached the outcome; None when no outcome was declared or it is not known."""
    work: Mapping[str, WorkDone] = field(default_factory=dict)
    work_by_stage: Mapping[str, Mapping[str, WorkDone]] = field(default_factory=dict)
    """Stage -> unit -> what of ``work`` was done there; empty where nobody tells it apart."""
    functional_unit: str | None = None
    """Which unit of ``work`` the per-unit KPIs count."""
    quality: Figure | Missing = field(default_factory=lambda: Missing("quality"))
    """Q in [0, 1], higher is better (a lower-is-better metric is Missing until it is mapped)."""
    quality_name: str | None = None
    dataset: Dataset | None = None
    """That of the last run that states one."""
    training_data: tuple[Dataset, ...] = ()
    """Those of the runs that trained, each once; empty where none of these states one."""
    pue: Figure | Missing = field(default_factory=lambda: Missing("pue"))
    intensity: Figure | Missing = field(default_factory=lambda: Missing("intensity"))
    embodied: Embodied | Missing = field(default_factory=lambda: Missing("embodied"))
    lifetime_inferences: float | None = None
    """Inferences that the model will serve in its life, declared."""
    peak: PeakHardware | None = None
    training_flop: float | None = None
    """FLOP of training, declared; used with ``peak`` and ``mfu`` where no training energy was measured."""
    mfu: float | None = None
    """Model FLOP utilisation: achieved over peak FLOP/s during training, declared, 0 to 1."""
    utilisation: tuple[Utilisation, ...] = ()
    utilisation_seconds: tuple[float, ...] = ()
    """How long each of these is the mean of; empty: not known, and they weigh by their whole windows."""
    utilisation_coverage: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Component and signal -> share of the time that its windows cover, of the run covered least."""
    device_hours: float | None = None
    """Provisioned device-hours (all provisioned accelerators, or CPUs when there are none)."""
    reference_device_factor: float | None = None
    """Throughput of the device over that of the reference device."""
    renewables: Renewables | MatchedShares | None = None
    operations: Operations = field(default_factory=Operations)
    workload_class: str | None = None
    task: str | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    """Conditions of a benchmark that must be equal (``benchmark tokens``, ...), where it is one."""

    @property
    def unit_work(self) -> WorkDone | Missing:
        """The work in the functional unit, or what is missing."""
        if self.functional_unit is None or self.functional_unit not in self.work:
            wanted = self.functional_unit or "a functional unit"
            return Missing(
                f"work ({wanted})",
                "say what was done: run.log(work={'inferences': n}) or --work inferences=n",
            )
        return self.work[self.functional_unit]
