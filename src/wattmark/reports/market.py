"""Instruments for electricity, what they met and what is left over: as text, as a chart, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from wattmark.core.instruments import Instrument, ResidualMix
from wattmark.reports.as_text import bar, bulleted, percent, table
from wattmark.reports.quantities import number, quantity

BAR_WIDTH = 32
INSTRUMENTS = ("instrument", "kind", "market", "year", "offers", "annual", "hourly", "left over")
MARKETS = ("market", "year", "load", "matched", "hourly", "location", "market, annual", "market, hourly")
ALL = "share"
"""What a contract for a share offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentRow:
    """One instrument in one year."""

    instrument: Instrument
    year: str
    offered_kwh: float | None
    annual_kwh: float | None
    """None: it may meet nothing."""
    hourly_kwh: float | None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRow:
    """One market in one year; grams are None where some of the load has no factor."""

    market: str
    year: str
    load_kwh: float
    annual_kwh: float
    hourly_kwh: float
    location_grams: float | None
    annual_grams: float | None
    hourly_grams: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHour:
    """One hour of the day, over all days that there is load of: kWh."""

    hour: int
    load_kwh: float
    generation_kwh: float
    matched_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What was stated, and what came of it."""

    ledger: str
    version: int
    basis: str
    time_zone: str
    instruments: Sequence[InstrumentRow]
    residual_mixes: Sequence[ResidualMix]
    markets: Sequence[MarketRow]
    days: Mapping[str, Sequence[DayHour]] = field(default_factory=dict)
    """Market -> the hours of its days; where hours of generation are known."""
    findings: Sequence[str] = ()


def market_text(view: MarketView, zone: tzinfo, *, plot: bool = False, ascii_only: bool = False) -> str:
    """Tables of instruments and markets, a chart where it is wanted, and what must be said beside them."""
    lines = [f"{view.ledger}, {view.basis} basis, {view.time_zone}", ""]
    if view.instruments:
        lines += [table(INSTRUMENTS, [_instrument(row) for row in view.instruments]), ""]
    else:
        lines += ["no [[instrument]] is stated: market-based carbon meets residual mixes alone", ""]
    if view.residual_mixes:
        heads = ("residual mix", "from", "to", "gCO2e/kWh", "basis", "source")
        lines += [table(heads, [_mix(mix, zone) for mix in view.residual_mixes]), ""]
    if view.markets:
        lines += [table(MARKETS, [_market(row) for row in view.markets]), ""]
    if plot:
        for market, hours in view.days.items():
            lines += [*_chart(market, hours, view.time_zone, ascii_only), ""]
    return "\n".join([*lines, *bulleted(view.findings)]).rstrip()


def _instrument(row: InstrumentRow) -> list[str]:
    one = row.instrument
    offered = _kwh(row.offered_kwh) if row.offered_kwh is not None else f"{percent(one.share or 0.0)} of it"
    left = None
    if row.offered_kwh is not None and row.annual_kwh is not None:
        left = max(0.0, row.offered_kwh - row.annual_kwh)
    return [
        *(one.id, one.kind, one.market, row.year, offered),
        *(_kwh(row.annual_kwh), _kwh(row.hourly_kwh)),
        _kwh(left) if left is not None else "",
    ]


def _market(row: MarketRow) -> list[str]:
    grams = (row.location_grams, row.annual_grams, row.hourly_grams)
    return [
        *(row.market, row.year, _kwh(row.load_kwh)),
        *(
            percent(kwh / row.load_kwh) if row.load_kwh > 0 else ""
            for kwh in (row.annual_kwh, row.hourly_kwh)
        ),
        *("not known" if g is None else quantity(g, "gCO2e") for g in grams),
    ]


def _mix(mix: ResidualMix, zone: tzinfo) -> list[str]:
    days = (_day(mix.start_us, zone), _day(mix.end_us, zone))
    return [mix.market, *days, number(mix.grams_per_kwh), mix.basis, mix.source]


def _chart(market: str, hours: Sequence[DayHour], zone: str, ascii_only: bool) -> Iterator[str]:
    """The hours of a mean day: load above, generation below it."""
    yield f"{market}: load and generation by the hour of the day ({zone}), sums over all days with load"
    top = max((max(h.load_kwh, h.generation_kwh) for h in hours), default=0.0)
    for h in hours:
        if h.load_kwh <= 0 and h.generation_kwh <= 0:
            continue
        share = percent(h.matched_kwh / h.load_kwh) if h.load_kwh > 0 else "no load"
        for label, kwh, said in (
            ("load", h.load_kwh, f"{share} matched"),
            ("generation", h.generation_kwh, ""),
        ):
            drawn = bar(kwh / top if top > 0 else 0.0, BAR_WIDTH, ascii_only=ascii_only)
            first = f"{h.hour:02d}:00" if label == "load" else ""
            yield f"{first:<5}  {label:<10}  {_kwh(kwh):>10}  {drawn:<{BAR_WIDTH}}  {said}".rstrip()


def _kwh(kwh: float | None) -> str:
    return "nothing" if kwh is None else quantity(kwh, "kWh")


def _day(at_us: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).astimezone(zone).date().isoformat()


def market_body(view: MarketView, zone: tzinfo) -> dict[str, Any]:
    """The body of a JSON document."""
    return {
        "ledger": view.ledger,
        "version": view.version,
        "basis": view.basis,
        "time_zone": view.time_zone,
        "instruments": [_instrument_body(row, zone) for row in view.instruments],
        "residual_mixes": [
            {
                "market": mix.market,
                "from": _day(mix.start_us, zone),
                "to": _day(mix.end_us, zone),
                "grams_per_kwh": mix.grams_per_kwh,
                "basis": mix.basis,
                "source": mix.source,
                "year": mix.year,
            }
            for mix in view.residual_mixes
        ],
        "markets": [
            {
                "market": row.market,
                "year": row.year,
                "load_kwh": row.load_kwh,
                "matched_annual_kwh": row.annual_kwh,
                "matched_hourly_kwh": row.hourly_kwh,
                "location_grams": row.location_grams,
                "market_annual_grams": row.annual_grams,
                "market_hourly_grams": row.hourly_grams,
            }
            for row in view.markets
        ],
        "hours_of_day": {
            market: [
                {
                    "hour": h.hour,
                    "load_kwh": h.load_kwh,
                    "generation_kwh": h.generation_kwh,
                    "matched_kwh": h.matched_kwh,
                }
                for h in hours
            ]
            for market, hours in view.days.items()
        },
        "findings": list(view.findings),
    }


def _instrument_body(row: InstrumentRow, zone: tzinfo) -> dict[str, Any]:
    one = row.instrument
    return {
        "id": one.id,
        "kind": one.kind,
        "market": one.market,
        "from": _day(one.start_us, zone),
        "to": _day(one.end_us, zone),
        "year": row.year,
        "share": one.share,
        "offered_kwh": row.offered_kwh,
        "used_annual_kwh": row.annual_kwh,
        "used_hourly_kwh": row.hourly_kwh,
        "grams_per_kwh": one.grams_per_kwh,
        "basis": one.basis,
        "renewable": one.renewable,
        "technology": one.technology,
        "source": one.source,
        "reference": one.reference,
        "remark": row.remark,
    }
