"""Hours that devices were reserved or in use, and the embodied carbon that they carry together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.facts import Embodied
from wattmark.core.figure import Missing
from wattmark.core.inventory import Asset

NOT_STATED = Missing(
    "embodied carbon", "[[embodied]] with total_kg and lifespan_years, or with an inventory, in ledger.toml"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Hours for which devices of one kind were reserved, and what making one of them emitted."""

    name: str
    total_grams: float
    lifespan_hours: float
    hours: float
    reserved_share: float = 1.0
    relative_error: float = 0.30
    source: str = "declared"
    mode: str = "reserved"
    utilisation: float = 1.0
    """Expected share of the lifespan in use, for mode ``utilised``."""
    devices: float = 1.0
    """How many of them there are, where it is known; never fewer than the hours need."""
    notes: tuple[str, ...] = ()
    missing: Missing | None = None
    """Why what these hours carry is not known."""

    @property
    def in_use_hours(self) -> float:
        """Hours of one life over which it is shared out."""
        return self.lifespan_hours * self.utilisation


def of_asset(asset: Asset, hours: float, notes: Sequence[str] = ()) -> Reserved:
    """Hours of devices of an inventory. More than their life has in use carry nothing more, and are told."""
    budget = asset.in_use_hours * asset.quantity
    over = (
        (
            f"{asset.name}: {hours:.4g} h in use, and its life has {budget:.4g}: it is used up, and the rest "
            "carries nothing more; mend its utilisation or its lifespan",
        )
        if hours > budget * (1 + 1e-9)
        else ()
    )
    return Reserved(
        name=asset.name,
        total_grams=asset.carried_grams,
        lifespan_hours=asset.lifespan_hours,
        hours=min(hours, budget),
        reserved_share=asset.reserved_share,
        relative_error=asset.relative_error,
        source=asset.source,
        mode=asset.mode,
        utilisation=asset.utilisation or 1.0,
        devices=asset.quantity,
        notes=(*notes, *over),
    )


def embodied_of(reserved: Sequence[Reserved] | None) -> Embodied | Missing:
    """All devices as one: together they carry the sum of what each of them carries.

    Of n devices, n being the least number that can have been there for so long, each for the same time: TE x
    (reserved time / lifespan) x (reserved / total resources), ISO/IEC 21031:2024; for mode ``utilised`` TE /
    (lifespan x utilisation) for each hour in use. The two modes are never added.
    """
    if reserved is None:
        return NOT_STATED
    lacking = next((r.missing for r in reserved if r.missing is not None), None)
    if lacking is not None:
        return lacking
    told = [r for r in reserved if r.lifespan_hours > 0]
    modes = sorted({r.mode for r in told if r.hours > 0})
    if len(modes) > 1:
        return Missing("embodied carbon in one mode", "devices reserved and devices utilised are never added")
    sound = [r for r in told if r.hours > 0 and r.total_grams > 0]
    notes = tuple(dict.fromkeys(note for r in told for note in r.notes))
    if sound:
        return _together(sound, modes[0], notes)
    if not notes and not modes:
        return Missing("reserved hours", "no device that [[embodied]] names was in use here")
    first = told[0]
    return Embodied(  # what was in use is used up, or never carried anything
        total_grams=0.0,
        lifespan_hours=first.lifespan_hours,
        relative_error=first.relative_error,
        reserved_hours=0.0,
        source=_joined(told),
        notes=notes,
    )


@dataclass(slots=True)
class _Sums:
    grams: float = 0.0
    carried: float = 0.0
    per_hour: float = 0.0
    per_lifespan: float = 0.0
    error: float = 0.0


def _together(sound: Sequence[Reserved], mode: str, notes: tuple[str, ...]) -> Embodied:
    sums = _Sums()
    for one in sound:
        made = one.total_grams * max(one.devices, math.ceil(one.hours / one.in_use_hours))
        shared = one.total_grams * one.hours / one.in_use_hours * one.reserved_share
        sums.grams += made
        sums.carried += shared
        sums.per_hour += made / one.in_use_hours
        sums.per_lifespan += made / one.lifespan_hours
        sums.error += shared * one.relative_error
    in_use = sums.grams / sums.per_hour
    hours = sums.carried / sums.grams * in_use
    utilised = mode == "utilised"
    return Embodied(
        total_grams=sums.grams,
        lifespan_hours=sums.grams / sums.per_lifespan,
        relative_error=sums.error / sums.carried if sums.carried else 0.0,
        mode=mode,
        reserved_hours=None if utilised else hours,
        utilisation=sums.per_lifespan / sums.per_hour if utilised else None,
        utilised_hours=hours if utilised else None,
        source=_joined(sound),
        notes=notes,
    )


def _joined(reserved: Sequence[Reserved]) -> str:
    return "+".join(sorted({r.source for r in reserved}))
