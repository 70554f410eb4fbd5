"""Market-based accounting of a ledger: its whole load, matched with the instruments of its settings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING

from wattmark.core.instruments import HOURLY, Instrument, ResidualMix, usable
from wattmark.core.known import Boundary
from wattmark.core.market import Loads, Markets, Matching, Year, match
from wattmark.core.market_factors import BEGINNING, END, Rest, priced, rests
from wattmark.core.site import Site
from wattmark.ledger.factors import Course, Factors, GridFactor, grid_courses
from wattmark.stated.instruments import new_year
from wattmark.wiring.places import tables_folder
from wattmark.wiring.sites import region_of

if TYPE_CHECKING:
    from wattmark.ledger.engine import Engine
    from wattmark.ledger.loads import PlaceLoad
    from wattmark.ledger.settings import LedgerSettings
    from wattmark.ledger.snapshot import Snapshot

Place = tuple[str, str, str]
"""Zone, country and site, as runs state them."""
SO_FAR_US = 2 * 24 * 3_600_000_000
"""A year whose load ends so much before its instruments do may still be going on."""
BOUGHT = "scope 3.1"
"""Inventory of electricity that the provider of a service buys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLoad:
    """The load of one place whose electricity the reporter buys."""

    place: Place
    market: str
    hours: Mapping[int, float]
    average: Course[GridFactor] | None
    """Its location-based factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """What there is to match, and what is kept out of it."""

    own: tuple[OwnLoad, ...]
    factors: Factors
    """Location-based ones, with the PUE that the load has met."""
    stated: tuple[GridFactor, ...] = ()
    """Market-based ones that the ledger states for a zone itself: they go first there."""
    bought_kwh: float = 0.0
    """Electricity that a cloud provider buys."""
    stated_kwh: float = 0.0
    """Energy that meets what the ledger states for its zone."""
    unplaced_kwh: float = 0.0
    """Energy of which nobody said where it was used."""
    spread_kwh: float = 0.0

    @property
    def loads(self) -> Loads:
        """Market -> hour -> kWh."""
        found: dict[str, dict[int, float]] = {}
        for one in self.own:
            hours = found.setdefault(one.market, {})
            for at, kwh in one.hours.items():
                hours[at] = hours.get(at, 0.0) + kwh
        return found


def basis_of(instruments: Sequence[Instrument], mixes: Sequence[ResidualMix]) -> str:
    """The basis that everything stated is on; lifecycle, as everywhere, where there are two or none."""
    said = {one.basis for one in instruments} | {mix.basis for mix in mixes}
    return said.pop() if len(said) == 1 else "lifecycle"


def basis_meant(settings: LedgerSettings, accounting: str) -> str:
    """The basis that is meant when nobody says: of market-based figures that of what is stated."""
    return "lifecycle" if accounting != "market" else basis_of(settings.instruments, settings.residual_mixes)


def survey(
    settings: LedgerSettings,
    snapshot: Snapshot,
    engine: Engine,
    basis: str,
    boundary: Boundary = Boundary.NODE,
) -> Surveyed:
    """The load of a whole ledger by place and hour, and whose electricity it is."""
    from wattmark.ledger.loads import facility_loads
    from wattmark.wiring.ledger import factors_for, zones_and_sites

    zones, sites = zones_and_sites(engine, snapshot)
    location = factors_for(settings, zones, "location", basis, sites)
    stated = factors_for(settings, zones, "market", basis, sites).grid
    wide = Boundary.NODE if boundary is Boundary.DEVICE else boundary
    sorted_out = _SortedOut(settings.markets, location, stated)
    for load in facility_loads(snapshot, location, engine, wide):
        sorted_out.take(load)
    return Surveyed(
        own=tuple(sorted_out.own),
        factors=location,
        stated=stated,
        bought_kwh=sorted_out.kwh["bought"],
        stated_kwh=sorted_out.kwh["stated"],
        unplaced_kwh=sorted_out.kwh["unplaced"],
        spread_kwh=sorted_out.kwh["spread"],
    )


class _SortedOut:
    """Puts places apart: the reporter's own, and what instruments may not meet."""

    def __init__(self, markets: Markets, location: Factors, stated: Sequence[GridFactor]) -> None:
        self.own: list[OwnLoad] = []
        self.kwh = dict.fromkeys(("bought", "stated", "unplaced", "spread"), 0.0)
        self._markets = markets
        self._sites = {site.name: site for site in location.sites}
        self._averages, self._stated = grid_courses(location.grid), grid_courses(stated)

    def take(self, load: PlaceLoad) -> None:
        from wattmark.ledger.asking import NOWHERE, grid_met

        where = self._sites.get(load.site, NOWHERE)
        country = load.country or where.country
        zone = (load.zone if load.zone != country else "") or where.zone or country
        country = country or country_of(zone or where.subregion)
        average = grid_met(self._averages, where, zone, country, load.site)
        market = self._markets.of(zone, country, load.site)
        whole = math.fsum(load.hours.values())
        if grid_met(self._stated, where, zone, country, load.site) is not None:
            self.kwh["stated"] += whole
        elif _is_bought(load.site, where, average):
            self.kwh["bought"] += whole
        elif not market:
            self.kwh["unplaced"] += whole
        else:
            self.kwh["spread"] += load.spread_kwh
            place = load.zone, load.country, load.site
            self.own.append(OwnLoad(place=place, market=market, hours=load.hours, average=average))


def _is_bought(name: str, where: Site, average: Course[GridFactor] | None) -> bool:
    """Whether somebody else buys this electricity: in a cloud region, or where a factor says Scope 3.1."""
    if average is not None:
        factors = (*average.bounded, *((average.always,) if average.always else ()))
        if any(factor.inventory == BOUGHT for factor in factors):
            return True
    said = where if where.name else Site(name=name)
    return bool(said.name) and region_of(said, tables_folder()) is not None


@cache
def country_of(zone: str) -> str:
    """The country (ISO 3166 alpha-3) of a zone by its code: FR, US-CAL-CISO, CAMX; "" where none tells."""
    from wattmark.grid.yearly import TABLES, rows_of
    from wattmark.grid.zones import countries, meant

    found = meant(zone, countries()) or meant(zone.partition("-")[0], countries())
    if found is None and any(row.zone == zone for t in TABLES if "egrid" in t.name for row in rows_of(t)):
        return "USA"
    return found or ""


def matched(
    surveyed: Surveyed,
    instruments: Sequence[Instrument],
    matching: str,
    zone: tzinfo,
    basis: str | None = None,
) -> Matching:
    """The load with what may meet it. Without a ``basis`` grams do not matter, only kilowatt-hours."""
    kept, refused = usable(instruments, matching, basis)
    loads = surveyed.loads
    return match(loads, kept, years_of(loads, instruments, zone), matching, refused)


def years_of(loads: Loads, instruments: Sequence[Instrument], zone: tzinfo) -> tuple[Year, ...]:
    """The calendar years that there is load or generation in."""
    moments = [at for hours in loads.values() for at in hours]
    moments += [at for one in instruments for at in (one.start_us, one.end_us - 1)]
    if not moments:
        return ()
    first, last = (
        datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone).year for at in (min(moments), max(moments))
    )
    return tuple(Year(str(y), new_year(y, zone), new_year(y + 1, zone)) for y in range(first, last + 1))


def market_factors(
    surveyed: Surveyed,
    found: Matching,
    instruments: Sequence[Instrument],
    mixes: Sequence[ResidualMix],
    basis: str,
    load_error: float = 0.0,
) -> Factors:
    """What every place of the reporter's own meets, as courses that a rollup joins.

    ``load_error`` says how well the whole load is known: half width at 95 %, as a share.
    """
    by_market: dict[str, list[int]] = {}
    for at, one in enumerate(found.met):
        by_market.setdefault(one.market, []).append(at)
    grid = [replace(one, matching=found.matching) for one in surveyed.stated]
    placed: dict[Place, str] = {}
    names: dict[tuple[str, str], str] = {}
    for own in surveyed.own:
        here = [found.met[at] for at in by_market.get(own.market, ())]
        first, last = min((m.start_us for m in here), default=0), max((m.end_us for m in here), default=0)
        rest = rests(mixes, _averages(own.average), own.market, basis)
        shared = not any(r.average and r.start_us < last and r.end_us > first for r in rest)
        key = own.market, "" if shared or own.average is None else own.average.name
        if key not in names:
            names[key] = f"market {own.market}{f', {key[1]}' if key[1] else ''}"
            for piece in priced(here, instruments, rest, found.matching, basis, load_error):
                told = piece.intensity
                grid.append(
                    GridFactor(
                        zone=names[key],
                        start_us=piece.start_us,
                        end_us=piece.end_us,
                        grams_per_kwh=told.grams_per_kwh,
                        accounting=told.accounting,
                        basis=told.basis,
                        inventory=told.inventory,
                        granularity=told.granularity,
                        source=told.source,
                        relative_error=told.relative_error,
                        estimated_share=told.estimated_share,
                        note=told.note,
                        matching=told.matching,
                    )
                )
        placed[own.place] = names[key]
    return replace(surveyed.factors, grid=tuple(grid), placed=placed)


def _averages(average: Course[GridFactor] | None) -> Iterator[Rest]:
    """A location-based course as what stands in for a residual mix: what has bounds, the rest around it."""
    if average is None:
        return
    at = BEGINNING
    for factor in average.bounded:
        start = BEGINNING if factor.start_us is None else factor.start_us
        end = END if factor.end_us is None else factor.end_us
        if average.always is not None and start > at:
            yield _rest(average.always, at, start)
        yield _rest(factor, start, end)
        at = end
    if average.always is not None and at < END:
        yield _rest(average.always, at, END)


def _rest(factor: GridFactor, start: int, end: int) -> Rest:
    year = f" {factor.year}" if factor.year and str(factor.year) not in factor.source else ""
    return Rest(
        start_us=start,
        end_us=end,
        grams_per_kwh=factor.grams_per_kwh,
        source=f"{factor.source}{year}",
        relative_error=factor.relative_error,
        estimated_share=factor.estimated_share,
        average=True,
    )


def findings(surveyed: Surveyed, found: Matching, instruments: Sequence[Instrument]) -> tuple[str, ...]:
    """What must be said beside market-based figures."""
    return tuple(_findings(surveyed, found, {one.id: one for one in instruments}))


def _findings(surveyed: Surveyed, found: Matching, by_id: Mapping[str, Instrument]) -> Iterator[str]:
    if found.met:
        yield (
            f"market-based, {found.matching} matching within each market; the ledger's load stands for all "
            "that the instruments are meant for: of a larger contract state the part that is"
        )
    yield from _so_far(surveyed, found, by_id)
    for one in found.refused:
        yield f"instrument {one.id} meets nothing by {found.matching} matching: {one.reason}"
    for use in found.uses:
        if use.reason:
            left = "" if use.offered_kwh is None else f"{use.left_kwh:.6g} kWh of "
            how = f"{found.matching} matching in {use.year}"
            yield f"{left}instrument {use.id} left over by {how}: {use.reason}"
    used = {use.id for use in found.uses if use.used_kwh > 0}
    silent = [i for i in sorted(used) if by_id[i].kind == "certificate" and not by_id[i].reference]
    if silent:
        yield f"no retirement is stated (`reference`) of {', '.join(silent)}: only retired certificates count"
    flat = [i for i in sorted(used) if by_id[i].flat and found.matching == HOURLY]
    if flat:
        yield f"generation of {', '.join(flat)} is declared to be flat: its hours were not metered"
    yield from _kept_out(surveyed)


def _so_far(surveyed: Surveyed, found: Matching, by_id: Mapping[str, Instrument]) -> Iterator[str]:
    """Where instruments of more of a year than there is load of meet it: what they match may fall."""
    if found.matching == HOURLY:
        return
    loads = surveyed.loads
    for market, year in dict.fromkeys((one.market, one.year) for one in found.met):
        here = (one for one in found.met if (one.market, one.year) == (market, year))
        ends = [by_id[i].end_us for one in here for i in one.shares if by_id[i].share is None]
        after = round(datetime(int(year) + 1, 1, 1, tzinfo=UTC).timestamp() * 1e6)
        last = max(at for at in loads[market] if at < after)
        if ends and min(after, max(ends)) - last > SO_FAR_US:
            day = datetime.fromtimestamp(last / 1e6, UTC).date()
            yield (
                f"the load of {market} in {year} ends on {day}, and instruments of a longer time meet it: "
                "should more load come, less of each kilowatt-hour is matched"
            )


def _kept_out(surveyed: Surveyed) -> Iterator[str]:
    if surveyed.bought_kwh:
        yield (
            f"{surveyed.bought_kwh:.6g} kWh are bought by a cloud provider (scope 3.1) and meet none of your "
            "instruments: the provider's own market-based statements tell of them"
        )
    if surveyed.stated_kwh:
        yield f"{surveyed.stated_kwh:.6g} kWh meet a market-based [[grid]] of their zone, and no instrument"
    if surveyed.unplaced_kwh:
        yield f"of {surveyed.unplaced_kwh:.6g} kWh nobody said where they were used: they are in no market"
    if surveyed.spread_kwh:
        yield (
            f"{surveyed.spread_kwh:.6g} kWh come from records longer than a day that state no course: they "
            "count evenly in their hours"
        )


def renewable(instruments: Iterable[Instrument]) -> tuple[Instrument, ...]:
    """Those that the matching KPIs count."""
    return tuple(one for one in instruments if one.renewable)
