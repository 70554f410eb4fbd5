"""Which instruments meet which load: matched within one market, over a year or hour by hour.

Annual matching takes a calendar year as a whole, as is usual under the GHG Protocol Scope 2 Guidance (2015);
hourly matching takes each hour alone, as proposed for its revision (public consultation of 2025,
https://ghgprotocol.org/blog/upcoming-scope-2-public-consultation-hourly-matching-and-deliverability). What is
left over meets nothing: no other hour or year, and no other market.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from wattmark.core.errors import RefusedError
from wattmark.core.instruments import HOUR_US, HOURLY, KINDS, SUPPLIER, Instrument, Refusal

SINGLE_MARKET = (
    *("AUT", "BEL", "BGR", "HRV", "CYP", "CZE", "DNK", "EST", "FIN", "FRA", "DEU", "GRC", "HUN", "IRL"),
    *("ITA", "LVA", "LTU", "LUX", "MLT", "NLD", "NOR", "POL", "PRT", "ROU", "SVK", "SVN", "ESP", "SWE"),
)
"""The 27 members of the Union and Norway recognise each other's guarantees of origin: Directive (EU)
2018/2001, Article 19. Iceland has no cable to the others, Switzerland no agreement on recognition: each is a
market of its own here."""
BOUNDARIES: Mapping[str, str] = {**dict.fromkeys(SINGLE_MARKET, "EU"), "USA": "US", "GBR": "GB"}
"""Country (ISO 3166 alpha-3) -> market. Any other country is its own."""


@dataclass(frozen=True, slots=True)
class Markets:
    """Which market a place belongs to; each place to one."""

    stated: Mapping[str, str] = field(default_factory=dict)
    """Zone, site or country -> market, where somebody says other than BOUNDARIES."""

    def of(self, zone: str, country: str = "", site: str = "") -> str:
        """The market of a place: what is stated goes first; "" for a place that nobody named."""
        said = next((self.stated[name] for name in (site, zone, country) if name in self.stated), None)
        return said or BOUNDARIES.get(country, country) or zone

    def check(self, market: str) -> None:
        """Raise RefusedError for what is no market, and for a name that lies inside another market."""
        known = {*BOUNDARIES.values(), *self.stated.values()}
        country = len(market) == 3 and market.isascii() and market.isalpha() and market.isupper()
        if market not in known and not country:
            raise RefusedError(
                f"{market!r} is no market: give {', '.join(sorted(known))}, a country (ISO 3166 alpha-3, "
                "such as CHE), or make it one: [[market]] name = ..., zones = [...]"
            )
        wider = self.stated.get(market) or BOUNDARIES.get(market, market)
        if wider != market and market not in self.stated.values():
            raise RefusedError(
                f"{market} is part of the market {wider}: write market = {wider!r}, or make {market} a "
                f'market of its own: [[market]] name = "{market}", zones = ["{market}"]'
            )


@dataclass(frozen=True, slots=True)
class Year:
    """One calendar year."""

    name: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What the load of one market met over a stretch in which nothing changes."""

    market: str
    year: str
    start_us: int
    end_us: int
    load_kwh: float
    shares: Mapping[str, float]
    """Id of an instrument -> share of this load that it met."""

    @property
    def rest(self) -> float:
        """Share of the load that no instrument met, 0 to 1."""
        return max(0.0, 1.0 - math.fsum(self.shares.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What became of one instrument in one year."""

    id: str
    year: str
    offered_kwh: float | None
    """None for a share of the load."""
    used_kwh: float
    reason: str = ""
    """Why some of it is left over; empty where nothing is."""

    @property
    def left_kwh(self) -> float:
        """What meets nothing."""
        return 0.0 if self.offered_kwh is None else max(0.0, self.offered_kwh - self.used_kwh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The answer for all markets."""

    matching: str
    met: tuple[Met, ...]
    uses: tuple[Use, ...]
    refused: tuple[Refusal, ...] = ()

    def load_kwh(self, market: str, year: str | None = None) -> float:
        """The load of a market, of one year or of all."""
        return math.fsum(m.load_kwh for m in self._of(market, year))

    def matched_kwh(self, market: str, among: Iterable[Instrument], year: str | None = None) -> float:
        """What these instruments met of it; a supplier's rate is a factor and matches nothing."""
        ids = {one.id for one in among if one.kind != SUPPLIER}
        return math.fsum(
            m.load_kwh * share for m in self._of(market, year) for i, share in m.shares.items() if i in ids
        )

    def _of(self, market: str, year: str | None) -> Iterator[Met]:
        return (m for m in self.met if m.market == market and year in (None, m.year))


Loads = Mapping[str, Mapping[int, float]]
"""Market -> start of an hour (UTC, microseconds) -> kWh of facility electricity."""


def match(
    loads: Loads,
    instruments: Sequence[Instrument],
    years: Sequence[Year],
    matching: str,
    refused: Sequence[Refusal] = (),
) -> Matching:
    """Match what is usable with the load of its own market.

    Within a year (or an hour) amounts meet the load in the order of KINDS, those of one kind in proportion to
    what they offer; contracts for a share take that share of what is left. All load of the stretch is met
    alike: nobody's work is greener than another's.
    """
    met: list[Met] = []
    for market in sorted(loads):
        own = [one for one in instruments if one.market == market]
        for year in years:
            met += _of_year(market, year, _within(loads[market], year), own, matching)
    uses = [use for one in instruments for use in _uses(one, years, met, loads)]
    return Matching(matching=matching, met=tuple(met), uses=tuple(uses), refused=tuple(refused))


def _within(load: Mapping[int, float], year: Year) -> list[tuple[int, float]]:
    """The hours of a year, in order; an hour belongs to the year in which it begins."""
    return sorted((at, kwh) for at, kwh in load.items() if year.start_us <= at < year.end_us)


def _of_year(
    market: str, year: Year, hours: Sequence[tuple[int, float]], own: Sequence[Instrument], matching: str
) -> Iterator[Met]:
    if not hours:
        return
    amounts = [one for one in own if one.share is None]
    contracts = [one for one in own if one.share is not None]
    edges = sorted({at for one in contracts for at in (one.start_us, one.end_us)})
    if matching == HOURLY:
        for at, kwh in hours:
            offers = {one.id: one.delivered_in_hour(at) for one in amounts}
            shares = _shares(kwh, amounts, offers)
            yield from _cut(market, year.name, (at, at + HOUR_US), [(at, kwh)], shares, contracts, edges)
        return
    offers = {one.id: one.delivered(year.start_us, year.end_us) for one in amounts}
    shares = _shares(math.fsum(kwh for _, kwh in hours), amounts, offers)
    yield from _cut(market, year.name, (year.start_us, year.end_us), hours, shares, contracts, edges)


def _shares(load: float, amounts: Sequence[Instrument], offers: Mapping[str, float]) -> dict[str, float]:
    """Share of a load that each amount meets: kind after kind, those of one kind in proportion."""
    found: dict[str, float] = {}
    left = load
    for kind in KINDS:
        of_kind = [one for one in amounts if one.kind == kind and offers[one.id] > 0]
        offered = math.fsum(offers[one.id] for one in of_kind)
        if offered <= 0 or left <= 0:
            continue
        used = min(left, offered)
        for one in of_kind:
            found[one.id] = offers[one.id] / offered * used / load
        left -= used
    return found


def _cut(
    market: str,
    year: str,
    stretch: tuple[int, int],
    hours: Sequence[tuple[int, float]],
    shares: Mapping[str, float],
    contracts: Sequence[Instrument],
    edges: Sequence[int],
) -> Iterator[Met]:
    """A stretch in pieces between whose ends the same contracts hold; those without hours are left out."""
    start, end = stretch
    bounds = [start, *(at for at in edges if start < at < end), end]
    starts = [at for at, _ in hours]
    rest = max(0.0, 1.0 - math.fsum(shares.values()))
    for begin, until in pairwise(bounds):
        inside = hours[bisect_left(starts, begin - HOUR_US + 1) : bisect_left(starts, until)]
        if not inside:
            continue
        load = math.fsum(kwh * _overlap(at, at + HOUR_US, begin, until) / HOUR_US for at, kwh in inside)
        by_contract = {
            one.id: rest * (one.share or 0.0) for one in contracts if one.start_us <= begin < one.end_us
        }
        yield Met(
            market=market,
            year=year,
            start_us=begin,
            end_us=until,
            load_kwh=load,
            shares={**shares, **{i: share for i, share in by_contract.items() if share > 0}},
        )


def _overlap(start: int, end: int, begin: int, until: int) -> int:
    return max(0, min(end, until) - max(start, begin))


def _uses(one: Instrument, years: Sequence[Year], met: Sequence[Met], loads: Loads) -> Iterator[Use]:
    for year in years:
        offered = None if one.share is not None else one.delivered(year.start_us, year.end_us)
        own = [m for m in met if m.market == one.market and m.year == year.name]
        used = math.fsum(m.load_kwh * m.shares.get(one.id, 0.0) for m in own)
        if offered is None and (one.end_us <= year.start_us or one.start_us >= year.end_us):
            continue
        if offered == 0:
            continue
        use = Use(id=one.id, year=year.name, offered_kwh=offered, used_kwh=used)
        yield Use(
            id=one.id,
            year=year.name,
            offered_kwh=offered,
            used_kwh=used,
            reason=_left_over(one, year, use, bool(own), one.market in loads),
        )


def _left_over(one: Instrument, year: Year, use: Use, has_load: bool, known: bool) -> str:
    offered = use.offered_kwh
    if offered is not None and use.left_kwh <= offered * 1e-9:
        return ""
    if not known:
        return f"there is no load of the reporter's own in the market {one.market}"
    if not has_load:
        return f"there is no load in {one.market} in {year.name}: it meets no other year"
    return "" if offered is None else "more than the load that it may meet"
