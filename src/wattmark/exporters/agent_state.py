"""What an agent shows at one moment: plain values that the agent fills in and exporters read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.serving.cumulative import AgentTotals
from wattmark.core.serving.workload import WorkloadTotals


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineNow:
    """One engine at its last look. None: it does not tell."""

    target: str
    engine: str
    """``vllm``, ``llamacpp``, ..."""
    up: bool
    """Whether the last look got an answer."""
    models: Sequence[EngineModel] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    """Reason, in a few words and of few kinds -> looks that failed since the agent began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineModel:
    """One model of an engine at the last look. None: not told, or the look failed."""

    model: str = ""
    running: float | None = None
    waiting: float | None = None
    kv_cache_usage: float | None = None
    """0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PueNow:
    """The PUE that energy of the node meets."""

    value: float
    kind: str
    """declared, provider_year, measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridNow:
    """The intensity of the moment, one for each kind that is known."""

    grams_per_kwh: float
    accounting: str
    basis: str
    source: str
    zone: str
    granularity: str = ""
    """``hour`` or ``year``; empty: not told."""
    data_quality: str = ""
    """A measured by the hour, B estimated, C forecast, D yearly, E the world's mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionNow:
    """Whether a model is worse than it was, by one figure."""

    model: str
    model_version: str
    metric: str
    """Which figure: ``joules_per_output_token``, ..."""
    active: bool
    ratio: float | None = None
    """Now over before; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCost:
    """What the agent itself does and costs."""

    version: str
    cpu_seconds: float
    """User and system time of its process since it began."""
    resident_bytes: float | None = None
    last_landed_seconds: float | None = None
    """Unix time of the end of the last window that is in the ledger; None: none yet, or no ledger."""
    spool_bytes: float | None = None
    spool_files: float | None = None
    received: Mapping[str, int] = field(default_factory=dict)
    """How they came (``socket``, ``http``, ``file``) -> requests told."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """Reason of few kinds -> lines that were refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """All of it."""

    totals: AgentTotals
    own: OwnCost
    powers: Mapping[str, float] = field(default_factory=dict)
    """Device id -> watts between its last two readings; a device left out shows its last window's mean."""
    engines: Sequence[EngineNow] = ()
    workloads: WorkloadTotals | None = None
    pues: Sequence[PueNow] = ()
    grids: Sequence[GridNow] = ()
    regressions: Sequence[RegressionNow] = ()
