"""The market-based factor of a load: what instruments met at their grams, the rest at the residual mix.

Without a residual mix the location-based average on the same basis stands in; the GHG Protocol Scope 2
Guidance (2015, chapter 6) allows that and wants it disclosed, so every figure made with it says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.core.carbon import Intensity, entering
from wattmark.core.instruments import HOURLY, Instrument, ResidualMix
from wattmark.core.market import Met

NOTHING = 1e-12
"""A rest as small as this is the rounding of shares that fill the load."""
BEGINNING, END = -(2**62), 2**62
"""Bounds of what always holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What a load meets, over one stretch of time, where no instrument does."""

    start_us: int
    end_us: int
    grams_per_kwh: float
    source: str
    relative_error: float = 0.0
    estimated_share: float = 0.0
    average: bool = False
    """The location-based average, for want of a residual mix."""


@dataclass(frozen=True, slots=True)
class Priced:
    """The factor of a stretch in which nothing changes."""

    start_us: int
    end_us: int
    intensity: Intensity


def rests(
    mixes: Iterable[ResidualMix], averages: Iterable[Rest], market: str, basis: str
) -> tuple[Rest, ...]:
    """What stands for the rest over time: residual mixes of a market on this basis, averages between them."""
    own = [
        Rest(
            start_us=mix.start_us,
            end_us=mix.end_us,
            grams_per_kwh=mix.grams_per_kwh,
            source=f"residual mix of {market}: {mix.source}{f' {mix.year}' if mix.year else ''}",
            relative_error=mix.relative_error,
        )
        for mix in mixes
        if (mix.market, mix.basis) == (market, basis)
    ]
    own.sort(key=lambda r: r.start_us)
    found = [*own]
    for average in averages:
        at = average.start_us
        for mix in own:
            if mix.end_us > at and mix.start_us < average.end_us:
                found.append(replace(average, start_us=at, end_us=max(at, mix.start_us), average=True))
                at = mix.end_us
        found.append(replace(average, start_us=at, end_us=max(at, average.end_us), average=True))
    return tuple(sorted((r for r in found if r.end_us > r.start_us), key=lambda r: r.start_us))


def priced(
    met: Sequence[Met],
    instruments: Sequence[Instrument],
    rest: Sequence[Rest],
    matching: str,
    basis: str,
) -> tuple[Priced, ...]:
    """The factor of every stretch of one market: sum of share x grams, and the rest x what stands for it.

    A stretch whose rest has no factor has none either: it is left out, never taken as zero.
    """
    by_id = {one.id: one for one in instruments}
    used: dict[str, set[str]] = {}
    for one in met:
        used.setdefault(one.year, set()).update(one.shares)
    found: list[Priced] = []
    for one in met:
        claims = _claims(matching, [by_id[name] for name in sorted(used[one.year])])
        found += _pieces(one, by_id, rest, claims, matching, basis)
    return tuple(found)


def _pieces(
    one: Met,
    by_id: Mapping[str, Instrument],
    rest: Sequence[Rest],
    claims: str,
    matching: str,
    basis: str,
) -> Iterator[Priced]:
    contracts = math.fsum(share * by_id[name].grams_per_kwh for name, share in one.shares.items())
    if one.rest <= NOTHING:
        told = _intensity(one.market, contracts, claims, None, matching, basis)
        yield Priced(one.start_us, one.end_us, told)
        return
    for piece in rest:
        start, end = max(one.start_us, piece.start_us), min(one.end_us, piece.end_us)
        if start < end:
            grams = contracts + one.rest * piece.grams_per_kwh
            yield Priced(start, end, _intensity(one.market, grams, claims, piece, matching, basis))


def _claims(matching: str, instruments: Sequence[Instrument]) -> str:
    if not instruments:
        return ""
    named = ", ".join(
        f"{one.id} ({one.source})" if one.source else one.id
        for one in sorted(instruments, key=lambda one: one.id)
    )
    return f"{matching} matching of {named}"


def _intensity(
    market: str, grams: float, claims: str, rest: Rest | None, matching: str, basis: str
) -> Intensity:
    stands_in = f"no residual mix of {market} is stated: its location-based average stands in for the rest"
    told = Intensity(
        grams_per_kwh=grams,
        zone=market,
        accounting="market",
        basis=basis,
        inventory="scope 2",
        granularity="hour" if matching == HOURLY else "year",
        source="; ".join(filter(None, (claims, rest.source if rest else ""))),
        relative_error=rest.relative_error if rest else 0.0,
        estimated_share=rest.estimated_share if rest else 0.0,
        note=stands_in if rest is not None and rest.average else "",
    )
    return entering(told)  # what holds upstream emissions enters no Scope 2
