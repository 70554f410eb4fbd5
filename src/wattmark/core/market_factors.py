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


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a stretch in which the rest meets one factor."""

    met: Met
    start_us: int
    end_us: int
    grams_per_kwh: float
    rest: Rest | None
    more: float
    """By how much a kilowatt-hour more of load emits more than this mean, gCO2e/kWh."""

    @property
    def kwh(self) -> float:
        """Its load."""
        return self.met.load_kwh * (self.end_us - self.start_us) / (self.met.end_us - self.met.start_us)


def priced(
    met: Sequence[Met],
    instruments: Sequence[Instrument],
    rest: Sequence[Rest],
    matching: str,
    basis: str,
    load_error: float = 0.0,
) -> tuple[Priced, ...]:
    """The factor of every stretch of one market: sum of share x grams, and the rest x what stands for it.

    A stretch whose rest has no factor has none either: it is left out, never taken as zero. ``load_error`` is
    how well the whole load is known (half width at 95 %, a share): an amount meets no more where the load was
    larger, so an error of the load is one of the rest alone.
    """
    by_id = {one.id: one for one in instruments}
    found: list[Priced] = []
    for year in dict.fromkeys(one.year for one in met):
        of_year = [one for one in met if one.year == year]
        used = sorted({name for one in of_year for name in one.shares})
        claims = _claims(matching, [by_id[name] for name in used])
        pieces = [piece for one in of_year for piece in _pieces(one, by_id, rest)]
        error = _share_error(pieces, load_error)
        found += [Priced(p.start_us, p.end_us, _intensity(p, claims, error, matching, basis)) for p in pieces]
    return tuple(found)


def _pieces(one: Met, by_id: Mapping[str, Instrument], rest: Sequence[Rest]) -> Iterator[_Piece]:
    claimed = math.fsum(share * by_id[name].grams_per_kwh for name, share in one.shares.items())
    if one.rest <= NOTHING:
        yield _Piece(one, one.start_us, one.end_us, claimed, None, 0.0)
        return
    amounts = {name: share for name, share in one.shares.items() if by_id[name].share is None}
    matched = math.fsum(amounts.values())
    of_amounts = math.fsum(share * by_id[name].grams_per_kwh for name, share in amounts.items())
    for piece in rest:
        start, end = max(one.start_us, piece.start_us), min(one.end_us, piece.end_us)
        if start < end:
            grams = claimed + one.rest * piece.grams_per_kwh
            next_kwh = (grams - of_amounts) / (1.0 - matched)
            yield _Piece(one, start, end, grams, piece, next_kwh - grams)


def _share_error(pieces: Sequence[_Piece], load_error: float) -> float:
    """What an error of the load adds to that of the factor, as a share.

    The energy brings the same error with it, and the two are one: they add linearly. A factor of this error
    in quadrature with the energy makes that sum, sqrt((d + e)^2 - d^2).
    """
    grams = math.fsum(p.kwh * p.grams_per_kwh for p in pieces)
    if grams <= 0:
        return 0.0
    extra = load_error * abs(math.fsum(p.kwh * p.more for p in pieces)) / grams
    return math.sqrt(extra * (extra + 2 * load_error))


def _error_of_rest(piece: _Piece, rest: Rest) -> float:
    """How far the factor is off where its rest is, as a share: by the grams that are of the rest."""
    if piece.grams_per_kwh <= 0:
        return rest.relative_error
    return rest.relative_error * piece.met.rest * rest.grams_per_kwh / piece.grams_per_kwh


def _claims(matching: str, instruments: Sequence[Instrument]) -> str:
    if not instruments:
        return ""
    named = ", ".join(
        f"{one.id} ({one.source})" if one.source else one.id
        for one in sorted(instruments, key=lambda one: one.id)
    )
    return f"{matching} matching of {named}"


def _intensity(piece: _Piece, claims: str, error: float, matching: str, basis: str) -> Intensity:
    market, rest = piece.met.market, piece.rest
    stands_in = f"no residual mix of {market} is stated: its location-based average stands in for the rest"
    told = Intensity(
        grams_per_kwh=piece.grams_per_kwh,
        zone=market,
        accounting="market",
        basis=basis,
        inventory="scope 2",
        granularity="hour" if matching == HOURLY else "year",
        source="; ".join(filter(None, (claims, rest.source if rest else ""))),
        relative_error=math.hypot(_error_of_rest(piece, rest), error) if rest else 0.0,
        estimated_share=rest.estimated_share if rest else 0.0,
        note=stands_in if rest is not None and rest.average else "",
        matching=matching,
    )
    return entering(told)  # what holds upstream emissions enters no Scope 2
