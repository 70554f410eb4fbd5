"""What the guide knows: KPIs, tools, frameworks and vanity figures, each with its sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattmark.core.known import Grade

GOALS = ("cost", "regulatory", "esg", "research")
FREQUENCIES = ("realtime", "batch")
SCOPES = ("model", "workload", "portfolio")
GRANULARITIES = ("request", "run", "stage", "device", "project", "site", "month")
DATA = ("cloud", "on-prem", "self-hosted", "api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a statement comes from."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadBand:
    """A class of measuring overhead, as the field quotes it."""

    name: str
    upper: float
    """Most overhead of the band, as a share of the workload."""
    means: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSupport:
    """What the three large clouds let a customer see."""

    aws: str
    google: str
    azure: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiGuide:
    """One row of the guide. Unit, formula and direction are the KPI's own and not repeated here."""

    id: str
    family: str
    """KPIs of one family say nearly the same; a rubric takes one of them."""
    focus: str
    scope: tuple[str, ...]
    granularity: tuple[str, ...]
    best_for: str
    goals: Mapping[str, int]
    """Goal -> how well the KPI serves it, 0 (not) to 3 (made for it)."""
    frequency: tuple[str, ...]
    data: tuple[str, ...]
    needs: tuple[str, ...]
    """What must be measured or given, see :data:`wattmark.core.guide.needs.NEEDS`."""
    data_source: str
    overhead: str
    attribution: str
    """Accuracy for the attribution of cost: high, medium or low."""
    attribution_note: str
    hardware: str
    cloud: str
    benchmarking: str
    """Ease of benchmarking: easy, medium or hard."""
    actionability: str
    action: str
    integration: str
    """Difficulty of integration: low, medium or high."""
    integration_point: str
    esg: str
    readiness: str
    limitation: str
    sources: Mapping[str, str]
    """Group of statements -> name of a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that measures, estimates or exports energy or carbon."""

    id: str
    name: str
    kind: str
    """tracker, meter, exporter, estimator, export or benchmark."""
    grade: Grade
    """The best grade its figures can reach."""
    gives: tuple[str, ...]
    granularity: tuple[str, ...]
    scope: tuple[str, ...]
    frequency: tuple[str, ...]
    data: tuple[str, ...]
    goals: Mapping[str, int]
    overhead: str
    needs: tuple[str, ...]
    setup: str
    strength: str
    limitation: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A reporting framework: what it asks for and which KPIs feed it."""

    id: str
    title: str
    kpis: tuple[str, ...]
    tools: tuple[str, ...]
    asks: tuple[str, ...]
    notes: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanity:
    """A figure that looks good and misleads when it stands alone."""

    id: str
    title: str
    kpis: tuple[str, ...]
    when: tuple[str, ...]
    """Goals in which it tempts, or ``always``."""
    why: str
    instead: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """The whole guide, in the order in which people read it."""

    version: str
    kpis: Mapping[str, KpiGuide]
    tools: Mapping[str, Tool]
    frameworks: Mapping[str, Framework]
    vanities: Mapping[str, Vanity]
    overheads: Mapping[str, OverheadBand]
    clouds: Mapping[str, CloudSupport]
    sources: Mapping[str, Source]
