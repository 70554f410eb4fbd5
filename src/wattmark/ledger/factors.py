"""What turns energy into carbon, as plain records: grid intensity, PUE, embodied carbon of hardware."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFactor:
    """Carbon intensity of the electricity of one zone over one stretch of time."""

    zone: str
    """As in ``places.zone``; a country as ISO 3166 alpha-3 also serves zones of that country."""
    start_us: int | None = None
    """Where it begins to hold, microseconds since 1970 UTC; None: always did."""
    end_us: int | None = None
    """Where it ends to hold; None: it still does."""
    grams_per_kwh: float
    accounting: str = "location"
    basis: str = "lifecycle"
    inventory: str = "scope 2"
    granularity: str = "year"
    source: str
    year: int | None = None
    relative_error: float = 0.0
    """Half width at 95 %, as a share."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePue:
    """Power usage effectiveness of one site over one stretch of time; a run's own declared PUE goes first."""

    site: str
    start_us: int | None = None
    end_us: int | None = None
    pue: float
    kind: str = "declared"
    """declared, provider_year, measured or office."""
    relative_error: float = 0.0


MACHINE = "machine"
"""Name of an EmbodiedShare that holds for every machine, by the hours for which runs took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbodiedShare:
    """What making one device emitted, shared out by reserved hours (kpis.md, mode reserved)."""

    name: str
    """A device id, a component such as ``gpu`` (each device of it), or ``machine``."""
    total_grams: float
    """TE: embodied emissions of one such device, gCO2e."""
    lifespan_hours: float
    reserved_share: float = 1.0
    """Reserved resources over total resources, 0 to 1."""
    relative_error: float = 0.30
    source: str = "declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Everything that is joined to energy. Empty: totals hold energy alone, and say what is missing."""

    grid: tuple[GridFactor, ...] = ()
    pue: tuple[SitePue, ...] = ()
    embodied: tuple[EmbodiedShare, ...] = ()
