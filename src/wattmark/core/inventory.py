"""An inventory of hardware: what making it emitted, when it was bought, how long it serves, who carries it.

Two views, never added. The product view shares a device's emissions out over its life, by hours reserved
(ISO/IEC 21031:2024) or by hours in use (kpis.md). The company's view counts what was bought whole, in the
year of purchase (GHG Protocol, Corporate Value Chain (Scope 3) Standard, 2011, category 2: capital goods are
not depreciated or amortised).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.carbon import PRODUCT_ONLY
from wattmark.core.embodied import counted_twice
from wattmark.core.errors import UsageError
from wattmark.core.figure import Figure, total
from wattmark.core.units import GRAMS_PER_KG

HOUR_US = 3_600_000_000
HOURS_PER_YEAR = 8766.0
"""365.25 days."""
MACHINE = "machine"
ACCELERATORS = ("gpu", "module", "tpu", "npu")
"""Taken one by one; every other part is taken with its machine."""
COMPONENTS = (MACHINE, *ACCELERATORS, "board", "cpu", "dram", "storage", "network", "chassis", "power")
NEW, CUT_OFF, REMAINING = "no", "cut-off", "remaining"
REFURBISHED = (NEW, CUT_OFF, REMAINING)
"""How a second life is charged. ``cut-off``: the first life carries all of the making, the second what
mending the device emitted (the recycled content, or cut-off, rule of life-cycle assessment: GHG Protocol
Product Standard, 2011, chapter 9; not re-read). ``remaining``: both lives together carry it, each by its
hours, so that no gram is lost and none is counted twice."""
OWNED, LEASED = "owned", "leased"
OWNERSHIPS = (OWNED, LEASED)
"""Owned hardware is scope 3.2 in the year it was bought; leased hardware is its owner's. A cloud's hardware
is in no inventory of ours: its making is in what the provider states (scope 3.1)."""
EVERYTHING = frozenset(COMPONENTS) - {MACHINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One line of an inventory: so many devices of one kind that were bought together."""

    name: str
    """The inventory's own name for it."""
    component: str
    """One of COMPONENTS."""
    hosts: frozenset[str] = frozenset()
    """Ids of the machine that it is in; empty where ``device_id`` says which device it is."""
    device_id: str = ""
    """The id that meters give it, such as an NVML UUID."""
    quantity: float = 1.0
    total_grams: float
    """TE of one, when it was made."""
    added_grams: float = 0.0
    """What refurbishing one emitted."""
    relative_error: float
    contains: frozenset[str]
    """Parts of a machine that are in its figure."""
    purchased_us: int
    start_us: int
    """When it began to serve, microseconds since 1970 UTC."""
    lifespan_hours: float
    """How long it serves here, from then on."""
    until_us: int | None = None
    """When it was taken out of service, where that is known."""
    refurbished: str = NEW
    previous_hours: float = 0.0
    """How long it served before."""
    ownership: str = OWNED
    site: str = ""
    mode: str = "reserved"
    utilisation: float | None = None
    """Expected share of its life in use, for mode ``utilised``."""
    reserved_share: float = 1.0
    source: str
    place: str = ""
    """File and line."""

    @property
    def carried_grams(self) -> float:
        """What the life of one of them here carries, by the rule of its refurbishment."""
        if self.refurbished == CUT_OFF:
            return self.added_grams
        return self.total_grams * self._share_of_life + self.added_grams

    @property
    def _share_of_life(self) -> float:
        if self.refurbished != REMAINING:
            return 1.0
        return self.lifespan_hours / (self.lifespan_hours + self.previous_hours)

    @property
    def all_grams(self) -> float:
        """What all of them carry in their life here."""
        return self.carried_grams * self.quantity

    @property
    def in_use_hours(self) -> float:
        """Hours of one life over which it is shared out: all of it, or those expected in use."""
        return self.lifespan_hours * (self.utilisation or 1.0)

    @property
    def grams_per_hour(self) -> float:
        """What an hour of one of them carries: reserved, or in use."""
        return self.carried_grams / self.in_use_hours

    @property
    def end_us(self) -> int:
        """When its life is over and everything is carried."""
        return self.start_us + round(self.lifespan_hours * HOUR_US)

    @property
    def last_us(self) -> int:
        """The first moment in which it carries nothing more."""
        return self.end_us if self.until_us is None else min(self.end_us, self.until_us)

    @property
    def taken_alone(self) -> bool:
        """True for accelerators, which work takes one by one."""
        return self.component in ACCELERATORS or bool(self.device_id)

    def hours_between(self, start_us: int, end_us: int) -> float:
        """Hours of its life between two moments."""
        return max(0, min(end_us, self.last_us) - max(start_us, self.start_us)) / HOUR_US


def checked(assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """The assets, when none is counted twice. Raises UsageError that names both lines."""
    found = tuple(assets)
    names: dict[str, Asset] = {}
    for asset in found:
        before = names.setdefault(asset.name, asset)
        if before is not asset:
            raise UsageError(
                f"{asset.place}: {asset.name!r} is also the name of {before.place}: name each once"
            )
    for at, asset in enumerate(found):
        for other in found[:at]:
            _refuse_both(other, asset)
    return found


def _refuse_both(a: Asset, b: Asset) -> None:
    if a.start_us >= b.last_us or b.start_us >= a.last_us:
        return
    if a.device_id and a.device_id == b.device_id:
        raise UsageError(
            f"{b.place}: {b.name!r} is the device of {a.place} ({a.name!r}) at the same time: "
            "end one where the other begins"
        )
    if not a.hosts & b.hosts:
        return
    twice = counted_twice([(a.name, a.contains), (b.name, b.contains)])
    if twice is not None:
        raise UsageError(
            f"{b.place}: {twice[2]} of one machine stands in {a.name!r} ({a.place}) and in {b.name!r}: leave "
            "the part out, or take a figure for the machine that does not contain it"
        )
    if a.component == b.component == MACHINE:
        raise UsageError(f"{b.place}: {b.name!r} and {a.name!r} ({a.place}) are one machine at the same time")


def findings(assets: Iterable[Asset], at_us: int) -> Iterator[tuple[Asset, str]]:
    """What deserves a look, at a moment: used up, not carried by anybody, not in service yet."""
    for asset in assets:
        if asset.until_us is not None and asset.until_us < asset.end_us:
            left = asset.all_grams * (1 - (asset.until_us - asset.start_us) / (asset.end_us - asset.start_us))
            yield (
                asset,
                (
                    f"taken out of service before its life was over: {left / GRAMS_PER_KG:.3g} kg are "
                    "carried by nobody; shorten lifespan_years to the life it had"
                ),
            )
        elif asset.until_us is not None and asset.until_us > asset.end_us:
            yield asset, "in service beyond its lifespan: those hours carry nothing more"
        elif asset.end_us <= at_us:
            yield (
                asset,
                "used up: its lifespan is over, all of it is carried, and its hours carry nothing more",
            )
        if asset.start_us > at_us:
            yield asset, "not in service yet"
        if asset.ownership == LEASED:
            yield asset, "leased: in the product view only, its owner counts its making"


def purchases(assets: Iterable[Asset], start_us: int, end_us: int) -> Mapping[str, Figure]:
    """What owned hardware bought between two moments emitted when it was made, whole, by site (scope 3.2).

    Never to be added to amortised figures, which are product-only. Of refurbished hardware it is what its
    second life carries.
    """
    by_site: dict[str, list[Figure]] = {}
    for asset in assets:
        if asset.ownership == OWNED and start_us <= asset.purchased_us < end_us:
            by_site.setdefault(asset.site, []).append(bought(asset))
    return {site: total(found) for site, found in sorted(by_site.items())}


def bought(asset: Asset) -> Figure:
    """One line as capital goods: gCO2e, whole."""
    return Figure(
        value=asset.all_grams,
        unit="gCO2e",
        errors={f"embodied:{asset.source}": asset.all_grams * asset.relative_error},
        terms={"inventory": "scope 3.2"},
        sources=(asset.source,),
    )


def share_of(asset: Asset, hours: float) -> Figure:
    """What some hours of one of them carry, gCO2e, in the product view."""
    grams = asset.grams_per_hour * hours * asset.reserved_share
    return Figure(
        value=grams,
        unit="gCO2e",
        errors={f"embodied:{asset.source}": grams * asset.relative_error},
        terms={"inventory": PRODUCT_ONLY, "embodied_mode": asset.mode},
        sources=(asset.source,),
    )


def of_host(assets: Sequence[Asset], ids: Iterable[str]) -> tuple[Asset, ...]:
    """The lines of one machine, by any of its ids."""
    known = frozenset(ids)
    return tuple(a for a in assets if a.hosts & known)
