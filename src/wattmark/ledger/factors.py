"""What turns energy into carbon, as plain records: grid intensity, PUE, embodied carbon of hardware."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Generic, TypeVar

from wattmark.core.carbon import Intensity, Pue, entering
from wattmark.core.errors import UsageError
from wattmark.core.inventory import Asset
from wattmark.core.rate import Rate, together
from wattmark.core.site import Site
from wattmark.core.site import SitePue as SitePue  # noqa: PLC0414  # so that others find it here
from wattmark.core.tariff import Tariff
from wattmark.core.water import WaterFactor


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFactor:
    """Carbon intensity of the electricity of one zone over one stretch of time."""

    zone: str
    """As in ``places.zone``; a site or cloud region serves what states no zone, a country (ISO 3166 alpha-3)
    all zones of that country."""
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
    estimated_share: float = 0.0
    """Share of the underlying data that the source itself estimated, 0 to 1."""
    note: str = ""
    matching: str = ""
    """Of a market-based one: how instruments met the load, ``annual`` or ``hourly``."""
    row: str = ""
    """The zone as its source names it, where ``zone`` is another name."""


MACHINE = "machine"
"""Name of an EmbodiedShare that holds for every machine, by the hours for which runs took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbodiedShare:
    """What making one device emitted, shared out by hours reserved or in use (kpis.md)."""

    name: str
    """A device id, a component such as ``gpu`` (each device of it), or ``machine``."""
    total_grams: float
    """TE: embodied emissions of one such device, gCO2e."""
    lifespan_hours: float
    reserved_share: float = 1.0
    """Reserved resources over total resources, 0 to 1."""
    relative_error: float = 0.30
    source: str = "declared"
    mode: str = "reserved"
    """``reserved``, or ``utilised``: by the hours in use of those expected; never both."""
    utilisation: float = 1.0
    """Expected share of the lifespan in use, for mode ``utilised``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateFactor:
    """A price or litres per kWh of one place over one stretch of time (ledger.rates makes them)."""

    start_us: int | None = None
    end_us: int | None = None
    rate: Rate

    @property
    def relative_error(self) -> float:
        """Half width at 95 %, as a share."""
        return self.rate.relative_error

    @property
    def source(self) -> str:
        """Who says so."""
        return self.rate.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Everything that is joined to energy. Empty: totals hold energy alone, and say what is missing."""

    grid: tuple[GridFactor, ...] = ()
    pue: tuple[SitePue, ...] = ()
    embodied: tuple[EmbodiedShare, ...] = ()
    devices: tuple[Asset, ...] = ()
    """An inventory, in place of ``embodied``: never both, or a device would be counted twice."""
    sites: tuple[Site, ...] = ()
    """Country and grid zone of what states only its site."""
    placed: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """Zone, country and site of a place, as its runs state them -> the name in ``grid`` that it meets, though
    others would fit it too: which contracts meet a load is not told by its zone alone."""
    tariffs: tuple[Tariff, ...] = ()
    water: tuple[WaterFactor, ...] = ()

    @property
    def hardware(self) -> bool:
        """Whether anything says what making the hardware emitted."""
        return bool(self.embodied or self.devices)


Stretch = tuple[int, int]
"""Start and end in microseconds since 1970 UTC."""
Held = TypeVar("Held", GridFactor, SitePue, RateFactor)
NONE = -1
"""Number of the table where none was met."""


@dataclass(frozen=True, slots=True)
class Course(Generic[Held]):
    """One factor over time: what holds from where to where. Raises UsageError where two hold at once.

    A factor without any bounds holds wherever no bounded one does.
    """

    name: str
    """The zone or site, as messages name it."""
    bounded: tuple[Held, ...]
    always: Held | None

    def over(self, stretch: Stretch, value: Callable[[Held], float]) -> tuple[Held, float] | None:
        """The mean over a stretch and the factor that it is of; None where one is missing."""
        start, end = stretch
        weights: list[tuple[int, Held]] = []
        first = max(0, bisect_right(self.bounded, start, key=_start) - 1)
        for factor in islice(self.bounded, first, None):
            if _start(factor) >= end:
                break
            lasted = min(end, _end(factor)) - max(start, _start(factor))
            if lasted > 0:
                weights.append((lasted, factor))
        left = (end - start) - sum(w for w, _ in weights)
        if left > 0 and self.always is not None:
            weights.append((left, self.always))
        elif left > 0:
            return None
        if len(weights) == 1:
            return weights[0][1], value(weights[0][1])
        mean = math.fsum(w * value(f) for w, f in weights) / (end - start)
        whole = _together(weights)
        return None if whole is None else (whole, mean)

    def edges(self) -> Iterator[int]:
        """Where something changes."""
        for factor in self.bounded:
            yield from (at for at in (factor.start_us, factor.end_us) if at is not None)


def _together(weights: Sequence[tuple[int, Held]]) -> Held | None:
    """What a mean of several factors is of: that which holds longest, and all of their sources.

    How far the mean is off is not known to be less than the worst of them. None for rates in two currencies.
    """
    longest = max(weights, key=lambda w: w[0])[1]
    if isinstance(longest, RateFactor):
        rate = together([(float(w), f.rate) for w, f in weights if isinstance(f, RateFactor)])
        return None if rate is None else replace(longest, rate=rate)
    error = max(f.relative_error for _, f in weights)
    sources = {f.source: f for _, f in weights}
    if not isinstance(longest, GridFactor):
        kinds = "+".join(sorted({f.kind for _, f in weights if isinstance(f, SitePue)}))
        return replace(longest, kind=kinds, relative_error=error, source=" + ".join(filter(None, sources)))
    years = {f.year for _, f in weights if isinstance(f, GridFactor)}
    shares = [w * f.estimated_share for w, f in weights if isinstance(f, GridFactor)]
    return replace(
        longest,
        source=" + ".join(sources),
        year=longest.year if len(years) == 1 else None,
        relative_error=error,
        estimated_share=math.fsum(shares) / sum(w for w, _ in weights),
    )


def course(name: str, factors: Iterable[Held]) -> Course[Held]:
    """The factors of one zone or site in order. Raises UsageError, naming it and the time of a clash."""
    found = list(factors)
    always = [f for f in found if f.start_us is None and f.end_us is None]
    bounded = sorted((f for f in found if f.start_us is not None or f.end_us is not None), key=_start)
    if len(always) > 1:
        raise UsageError(f"{name} has {len(always)} factors that hold always: leave one, or say from when")
    for before, after in pairwise(bounded):
        if _end(before) > _start(after):
            raise UsageError(
                f"{name} has two factors from {moment(_start(after))} on: let one end where the other begins"
            )
    for factor in bounded:
        if _end(factor) <= _start(factor):
            raise UsageError(f"{name} has a factor that ends at {moment(_end(factor))}, before it begins")
    return Course(name, tuple(bounded), always[0] if always else None)


def moment(at_us: int) -> str:
    """A moment as people read it, UTC."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).isoformat().replace("+00:00", "Z")


def _start(factor: GridFactor | SitePue | RateFactor) -> int:
    return -(2**62) if factor.start_us is None else factor.start_us


def _end(factor: GridFactor | SitePue | RateFactor) -> int:
    return 2**62 if factor.end_us is None else factor.end_us


@dataclass(frozen=True, slots=True)
class Expanded:
    """One kind of factor, ready to be joined: for each key and slot which table was met, and its value."""

    tables: tuple[object, ...]
    """What ``rows`` number: Intensity or Pue."""
    rows: tuple[tuple[int, int, int, float], ...]
    """Key, slot, number of the table or NONE, value."""
    holes: Mapping[int, Stretch]
    """Key -> the first stretch without a factor where others had one."""


def grid_courses(factors: Sequence[GridFactor]) -> dict[str, Course[GridFactor]]:
    """Zone -> its intensity over time. Raises UsageError for overlaps and for what no intensity can be."""
    zones: dict[str, list[GridFactor]] = {}
    for factor in factors:
        intensity_of(factor).figure()
        zones.setdefault(factor.zone, []).append(factor)
    for zone, found in zones.items():
        kinds = sorted({f"{f.accounting}-based, {f.basis}" for f in found})
        if len(kinds) > 1:
            raise UsageError(
                f"zone {zone} has factors of two kinds, {' and '.join(kinds)}: their grams are never added"
            )
    return {zone: course(f"zone {zone}", found) for zone, found in zones.items()}


def pue_courses(factors: Sequence[SitePue]) -> dict[str, Course[SitePue]]:
    """Site -> its PUE over time. Raises UsageError for overlaps, RefusedError for a PUE below 1."""
    sites: dict[str, list[SitePue]] = {}
    for factor in factors:
        pue_of(factor).figure()
        sites.setdefault(factor.site, []).append(factor)
    return {site: course(f"site {site}", found) for site, found in sites.items()}


def intensity_of(factor: GridFactor) -> Intensity:
    """As core.carbon knows it; carbon of a lifecycle factor enters no Scope 2 (core.carbon.entering)."""
    told = Intensity(
        grams_per_kwh=factor.grams_per_kwh,
        zone=factor.zone,
        accounting=factor.accounting,
        basis=factor.basis,
        inventory=factor.inventory,
        granularity=factor.granularity,
        source=factor.source,
        year=factor.year,
        relative_error=factor.relative_error,
        estimated_share=factor.estimated_share,
        note=factor.note,
        matching=factor.matching,
        row=factor.row,
    )
    return entering(told)


def pue_of(factor: SitePue) -> Pue:
    """As core.carbon knows it."""
    return Pue(value=factor.pue, kind=factor.kind, relative_error=factor.relative_error, source=factor.source)


def expanded(
    courses: Sequence[Course[Held] | None],
    slots: Sequence[Stretch],
    value: Callable[[Held], float],
    table: Callable[[Held], object],
    family: Callable[[Held], object],
    without: float,
) -> Expanded:
    """One row for each course (its position is its key) and slot. ``without`` is the value where none is."""
    tables: dict[object, tuple[int, object]] = {}
    rows: list[tuple[int, int, int, float]] = []
    holes: dict[int, Stretch] = {}
    for key, one in enumerate(courses):
        for slot, stretch in enumerate(slots):
            met = one.over(stretch, value) if one is not None else None
            if met is None:
                rows.append((key, slot, NONE, without))
                if one is not None:
                    holes.setdefault(key, stretch)
                continue
            factor, mean = met
            number, _ = tables.setdefault((key, family(factor)), (len(tables), table(factor)))
            rows.append((key, slot, number, mean))
    return Expanded(tuple(t for _, t in tables.values()), tuple(rows), holes)
