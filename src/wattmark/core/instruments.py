"""What says where electricity is from: certificates, contracts, tariffs, and the residual mix of the rest.

Market-based accounting counts with them and nothing else does: location-based figures and the SCI never see
one. The order of KINDS, what an instrument must state, and the residual mix follow the GHG Protocol Scope 2
Guidance (2015), chapter 6 (order of factors) and chapter 7 (quality criteria),
https://ghgprotocol.org/scope-2-guidance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.core.carbon import BASES
from wattmark.core.errors import RefusedError

CERTIFICATE = "certificate"
PPA = "ppa"
GREEN_TARIFF = "green_tariff"
SUPPLIER = "supplier"
KINDS = (CERTIFICATE, PPA, GREEN_TARIFF, SUPPLIER)
"""In the order in which they meet a load: attribute certificates, contracts, tariffs, the supplier's rate."""
BY_SHARE = (GREEN_TARIFF, SUPPLIER)
"""Kinds that may cover a share of the load instead of an amount."""

ANNUAL = "annual"
HOURLY = "hourly"
MATCHINGS = (ANNUAL, HOURLY)
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One contract or one lot of certificates, for one market and one stretch of time."""

    id: str
    kind: str
    """One of KINDS."""
    market: str
    """Whose load it may meet: a market boundary such as EU, US, GBR."""
    start_us: int
    """Where its generation begins, microseconds since 1970 UTC."""
    end_us: int
    """The first moment that is not in it."""
    kwh: float | None = None
    """How much was generated for it in that time; None where ``hours`` or ``share`` say so."""
    hours: Mapping[int, float] = field(default_factory=dict)
    """Start of an hour (UTC, microseconds) -> kWh generated in it."""
    flat: bool = False
    """Declared: ``kwh`` is generated evenly over its time, so that its hours are known."""
    share: float | None = None
    """Share of the load that is not met before it, 0 to 1; for the kinds of BY_SHARE."""
    grams_per_kwh: float = 0.0
    basis: str = "direct"
    """lifecycle or direct."""
    renewable: bool = False
    technology: str = ""
    source: str = ""
    """Who says so: registry, contract, supplier."""
    vintage: int | None = None
    """Year of generation, where it is stated beside the time."""
    reference: str = ""
    """Number of its retirement or of the contract."""
    bundles: tuple[str, ...] = ()
    """Ids of certificates that come with it and are counted here alone."""
    sold: bool = False
    """Its certificates went to somebody else: what is left claims nothing."""

    @property
    def amount(self) -> float | None:
        """All that it offers, kWh; None for a share."""
        return math.fsum(self.hours.values()) if self.hours else self.kwh

    @property
    def timed(self) -> bool:
        """Whether the hours of its generation are known."""
        return bool(self.hours) or (self.flat and self.kwh is not None)

    def delivered(self, start_us: int, end_us: int) -> float:
        """What it generated between two moments, kWh: by its hours, else in proportion to time."""
        if self.hours:
            return math.fsum(kwh for at, kwh in self.hours.items() if start_us <= at < end_us)
        lasted = min(end_us, self.end_us) - max(start_us, self.start_us)
        if self.kwh is None or lasted <= 0:
            return 0.0
        return self.kwh * lasted / (self.end_us - self.start_us)

    def delivered_in_hour(self, hour_us: int) -> float:
        """What it generated in an hour, kWh; nothing where its hours are not known."""
        if self.hours:
            return self.hours.get(hour_us, 0.0)
        return self.delivered(hour_us, hour_us + HOUR_US) if self.flat else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualMix:
    """What electricity emits that nobody has claimed, in one market and over one stretch of time."""

    market: str
    start_us: int
    end_us: int
    grams_per_kwh: float
    basis: str = "direct"
    source: str
    year: int | None = None
    """Of the data."""
    relative_error: float = 0.0
    """Half width at 95 %, as a share."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An instrument that meets no load, and why."""

    id: str
    reason: str


def check_instrument(told: Instrument) -> None:
    """Raise RefusedError, saying what to change, for an instrument that can be none."""
    stated = [told.kwh is not None, bool(told.hours), told.share is not None]
    if told.kind not in KINDS:
        raise RefusedError(f"{told.kind!r} is no kind of instrument: give one of {', '.join(KINDS)}")
    if told.basis not in BASES:
        raise RefusedError(f"{told.basis!r} is no basis: give one of {', '.join(BASES)}")
    if sum(stated) != 1:
        raise RefusedError(f"{told.id} must say how much in one way: kwh, a file of its hours, or share")
    if told.share is not None and told.kind not in BY_SHARE:
        raise RefusedError(
            f"{told.id} is a {told.kind} and covers an amount, not a share: give kwh or a file of its hours"
        )
    if told.share is None and told.kind == SUPPLIER:
        raise RefusedError(f"{told.id} is a supplier's rate and holds for a share of the load: give share")
    if told.kind == SUPPLIER and told.renewable:
        raise RefusedError(
            f"{told.id} is a supplier's whole mix, which is not renewable as such: "
            'write kind = "green_tariff" for what is'
        )
    if told.end_us <= told.start_us:
        raise RefusedError(f"{told.id} ends before it begins: check its times")
    amounts = [told.kwh or 0.0, told.grams_per_kwh, told.share or 0.0, *told.hours.values()]
    if not all(math.isfinite(one) and one >= 0 for one in amounts) or (told.share or 0.0) > 1:
        raise RefusedError(f"{told.id} has a number that cannot be: amounts from 0 up, a share from 0 to 1")
    if any(not told.start_us <= at < told.end_us for at in told.hours):
        raise RefusedError(f"{told.id} has hours outside of its own time: check the file and its times")


def check_instruments(instruments: Sequence[Instrument]) -> None:
    """Raise RefusedError for what is counted twice: an id, a retirement, certificates in two bundles."""
    for one in instruments:
        check_instrument(one)
    _once("the id", ((one.id, one.id) for one in instruments))
    _once("the reference", ((one.reference, one.id) for one in instruments if one.reference))
    _once("the bundled certificate", ((name, one.id) for one in instruments for name in one.bundles))
    for one in instruments:
        others = [o for o in instruments if o.id != one.id and o.market == one.market and o.share is not None]
        if one.share is None:
            continue
        at = one.start_us
        whole = one.share + math.fsum(o.share or 0.0 for o in others if o.start_us <= at < o.end_us)
        if whole > 1 + 1e-9:
            raise RefusedError(
                f"contracts of {one.market} cover {whole:.0%} of its load where {one.id} begins: "
                "their shares add up to 1 at most"
            )


def usable(
    instruments: Iterable[Instrument], matching: str, basis: str | None = None
) -> tuple[tuple[Instrument, ...], tuple[Refusal, ...]]:
    """Those that may meet a load, in an order of their own, and why the others may not.

    With a ``basis`` those that state grams on another one may not.
    """
    found = sorted(instruments, key=lambda one: one.id)
    within = {name: one.id for one in found for name in one.bundles}
    kept, refused = [], []
    for one in found:
        reason = _why_not(one, within, matching, basis)
        if reason:
            refused.append(Refusal(one.id, reason))
        else:
            kept.append(one)
    return tuple(kept), tuple(refused)


def _why_not(one: Instrument, within: Mapping[str, str], matching: str, basis: str | None) -> str:
    if one.sold:
        return "its certificates were sold: what is left claims nothing and meets the residual mix"
    if one.id in within:
        return f"it comes with {within[one.id]} and is counted there"
    if basis is not None and one.basis != basis:
        return f"its grams are on a {one.basis} basis, and {basis} was asked for: the two are never added"
    if matching == HOURLY and one.kind != SUPPLIER and not one.timed:
        return "its hours are not known: give a file of them, or say that it is flat"
    return ""


def _once(what: str, named: Iterable[tuple[str, str]]) -> None:
    before: dict[str, str] = {}
    for name, owner in named:
        if name in before:
            raise RefusedError(
                f"{what} {name!r} stands in two instruments ({before[name]} and {owner}): "
                "nothing is claimed twice; leave one out"
            )
        before[name] = owner
