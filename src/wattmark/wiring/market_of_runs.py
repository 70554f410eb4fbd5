"""Market-based carbon of runs, beside the location-based one: with what `wattmark.toml` states of its supply.

A supplier's rate, a tariff for a share and a residual mix need nothing but the run. A contract or a lot of
certificates of some amount is for the whole load of its market and year, which only a ledger knows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.core.carbon import Intensity, energy_for_carbon, entering, operational_carbon
from wattmark.core.figure import Figure, Missing
from wattmark.core.hourly import STEP_US, Slice, began_us, level_slices, slices_of
from wattmark.core.instruments import ANNUAL, HOUR_US, Instrument, ResidualMix, usable
from wattmark.core.market import Markets, Year, match
from wattmark.core.market_factors import BEGINNING, END, Priced, Rest, priced, rests
from wattmark.core.readings import Gap
from wattmark.core.units import JOULES_PER_KWH
from wattmark.grid.places import PROVIDERS
from wattmark.stated.instruments import instruments, new_year
from wattmark.stated.residual_mixes import markets, residual_mixes
from wattmark.wiring.expenses import places_of
from wattmark.wiring.market import BOUGHT, basis_of, country_of
from wattmark.wiring.places import place_of, tables_folder
from wattmark.wiring.stated_tables import stated_tables

if TYPE_CHECKING:
    from wattmark.core.facts import Facts
    from wattmark.core.run import Run
    from wattmark.wiring.given import Stated

WHAT = "market-based carbon"
TO_LEDGER = "`wattmark ledger totals --accounting market` knows the whole load"


def carbon_by_supply(runs: Sequence[Run], config: Config, facts: Facts, stated: Stated) -> Figure | Missing:
    """Market-based gCO2e of runs that belong together, with what is stated of their supply.

    Missing, with the reason, where it cannot be told from the runs alone. Raises ConfigError.
    """
    boundaries = markets(stated_tables(config, "market"))
    folder = Path(config.path or "wattmark.toml").parent
    told = instruments(
        stated_tables(config, "instrument"), UTC, lambda name: (folder / name).read_bytes(), boundaries
    )
    mixes = residual_mixes(stated_tables(config, "residual_mix"), UTC, boundaries)
    energy = energy_for_carbon(facts.energy, facts.pue) if isinstance(facts.energy, Figure) else facts.energy
    if isinstance(energy, Missing):
        return energy
    cloud = place_of(config, stated.region, runs, tables_folder())
    if cloud is not None and cloud.provider and stated.country is None:
        provider = PROVIDERS.get(cloud.provider, cloud.provider)
        return Missing(
            WHAT,
            f"{provider} buys this electricity ({BOUGHT}), and your instruments do not meet it: the "
            "provider's own statements tell of it",
        )
    names = {_market_of(places_of(run, config, stated), boundaries) for run in runs}
    if len(names) != 1 or "" in names:
        return Missing(f"{WHAT}: one market for all of it", "say the country, or look at the runs one by one")
    return _met(names.pop(), _hours(runs), energy, facts.intensity, told, mixes)


def _market_of(names: Sequence[str], boundaries: Markets) -> str:
    """The market of a place by its names, the nearest first: what is stated, else that of its country."""
    said = next((boundaries.stated[name] for name in names if name in boundaries.stated), None)
    country = next((found for name in reversed(names) if (found := country_of(name))), "")
    return said or boundaries.of("", country)


def _hours(runs: Sequence[Run]) -> dict[int, float]:
    """Start of an hour -> joules, as read; where no course is kept, evenly over the time of each reading."""
    found: dict[int, float] = {}
    for run in runs:
        begin = began_us(run)
        cut: tuple[Slice, ...] | Gap = slices_of(run, begin, STEP_US)
        if isinstance(cut, Gap):
            cut = level_slices(run, begin)
        for piece in () if isinstance(cut, Gap) else cut:
            for hour in range(piece.start_us - piece.start_us % HOUR_US, piece.end_us, HOUR_US):
                lasted = min(piece.end_us, hour + HOUR_US) - max(piece.start_us, hour)
                share = lasted / (piece.end_us - piece.start_us)
                found[hour] = found.get(hour, 0.0) + piece.joules * share
    return found


def _met(
    market: str,
    hours: dict[int, float],
    energy: Figure,
    location: Figure | Missing,
    told: Sequence[Instrument],
    mixes: Sequence[ResidualMix],
) -> Figure | Missing:
    whole = math.fsum(hours.values())
    if whole <= 0:
        return Missing(f"{WHAT}: the time of the run", "it holds no energy that lasted")
    basis = basis_of(told, mixes)
    kept, refused = usable([one for one in told if one.market == market], ANNUAL, basis)
    first, last = min(hours), max(hours) + HOUR_US
    here = [one for one in kept if one.start_us < last and one.end_us > first]
    amounts = [one.id for one in here if one.share is None]
    if amounts:
        return Missing(
            f"{WHAT}: the whole load that {', '.join(amounts)} is for",
            f"an amount is for all load of {market} in its year, of which these runs are a part: {TO_LEDGER}",
        )
    kwh = {at: joules / whole * energy.value / JOULES_PER_KWH for at, joules in hours.items()}
    found = match({market: kwh}, here, _years(first, last), ANNUAL)
    rest = rests(mixes, _average(location, basis), market, basis)
    pieces = priced(found.met, here, rest, ANNUAL, basis)
    carbon = _carbon(market, energy, pieces, kwh, basis)
    said = [f"instrument {one.id} meets nothing: {one.reason}" for one in refused]
    return carbon.with_notes(*said) if isinstance(carbon, Figure) else carbon


def _carbon(
    market: str,
    energy: Figure,
    pieces: Sequence[Priced],
    kwh: dict[int, float],
    basis: str,
) -> Figure | Missing:
    """Each hour times the factor of its time."""
    grams: list[float] = []
    used: dict[str, Intensity] = {}
    for at, amount in kwh.items():
        inside = [(min(at + HOUR_US, p.end_us) - max(at, p.start_us), p.intensity) for p in pieces]
        holding = [(lasted, told) for lasted, told in inside if lasted > 0]
        if sum(lasted for lasted, _ in holding) < HOUR_US:
            return Missing(
                f"{WHAT}: the residual mix of {market}",
                f"[[residual_mix]] for this time, or a location-based factor on a {basis} basis to stand in",
            )
        for lasted, told in holding:
            grams.append(amount * lasted / HOUR_US * told.grams_per_kwh)
            used[told.source] = told
    total = math.fsum(kwh.values())
    mean = Intensity(
        grams_per_kwh=math.fsum(grams) / total,
        zone=market,
        accounting="market",
        basis=basis,
        granularity="year",
        matching=ANNUAL,
        source=" + ".join(used),
        relative_error=max(one.relative_error for one in used.values()),
        note="; ".join(dict.fromkeys(one.note for one in used.values() if one.note)),
    )
    return operational_carbon(energy, entering(mean).figure())


def _average(location: Figure | Missing, basis: str) -> list[Rest]:
    """The location-based factor of the runs, where it is one and on the same basis."""
    if not isinstance(location, Figure):
        return []
    if (location.terms.get("accounting"), location.terms.get("basis")) != ("location", basis):
        return []
    return [
        Rest(
            start_us=BEGINNING,
            end_us=END,
            grams_per_kwh=location.value,
            source=", ".join(location.sources),
            relative_error=location.relative,
            average=True,
        )
    ]


def _years(first: int, last: int) -> tuple[Year, ...]:
    """The calendar years (UTC) that a stretch touches."""
    begin, end = (datetime.fromtimestamp(at / 1e6, UTC).year for at in (first, last - 1))
    return tuple(Year(str(y), new_year(y, UTC), new_year(y + 1, UTC)) for y in range(begin, end + 1))
