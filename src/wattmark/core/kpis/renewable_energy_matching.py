"""Renewable Energy Matching: how much of the load is covered by renewable generation.

Two KPIs: over the whole period (``annual``) and hour by hour (``hourly``). Both match within one
market zone and then add up; neither ever lowers a location-based figure or the SCI.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from wattmark.core.facts import Answer, Facts, MatchedShares, Renewables
from wattmark.core.figure import Figure, Missing, Undefined
from wattmark.core.kpis.kpi import Better, Kpi

HOURS_OF_A_YEAR = 8760
MARKET_ONLY = "for market-based statements only; location-based carbon and the SCI stay as they are"


def renewable_energy_matching_annual(facts: Facts) -> Answer:
    """Load covered over the whole period: per zone min(sum G, sum L), summed, over sum L.

    Source: kpis.md; annual matching of the GHG Protocol Scope 2 Guidance (2015), by market zone.
    """
    if isinstance(facts.renewables, MatchedShares):
        return _worked_out(facts.renewables.annual, facts.renewables, "annual")
    given = _usable(facts.renewables)
    if not isinstance(given, Renewables):
        return given
    matched = math.fsum(
        min(math.fsum(given.generation_kwh[zone]), math.fsum(load)) for zone, load in given.load_kwh.items()
    )
    return _matched(given, matched, "annual")


def renewable_energy_matching_hourly(facts: Facts) -> Answer:
    """Load covered in its own hour: sum over zones and hours of min(G_h, L_h), over sum L.

    Source: kpis.md; hourly matching as proposed for the revision of the Scope 2 Guidance (2025).
    """
    if isinstance(facts.renewables, MatchedShares):
        return _worked_out(facts.renewables.hourly, facts.renewables, "hourly")
    given = _usable(facts.renewables)
    if not isinstance(given, Renewables):
        return given
    if given.interval != "hour":
        return Missing("load and generation by the hour", f"those given are by the {given.interval}")
    uneven = [zone for zone, load in given.load_kwh.items() if len(load) != len(given.generation_kwh[zone])]
    if uneven:
        return Missing(
            f"generation for the same hours as the load in {', '.join(uneven)}", "give one value per hour"
        )
    matched = math.fsum(
        min(g, used)
        for zone, load in given.load_kwh.items()
        for g, used in zip(given.generation_kwh[zone], load, strict=True)
    )
    return _matched(given, matched, "hourly")


def _usable(given: Renewables | None) -> Renewables | Missing | Undefined:
    """The data, when generation is known in every zone that has load and no value is negative."""
    if given is None:
        return Missing(
            "load and renewable generation by zone",
            "[renewables] file in wattmark.toml, or [[instrument]] in ledger.toml",
        )
    unknown = sorted(set(given.load_kwh) - set(given.generation_kwh))
    if unknown:
        return Missing(f"renewable generation in {', '.join(unknown)}", "give 0 where there is none")
    if _any_negative(given.load_kwh) or _any_negative(given.generation_kwh):
        return Undefined(
            "negative or endless load or generation: give what was used and what was generated, from 0 up"
        )
    if _sum(given.load_kwh) <= 0:
        return Undefined("no load in the period: nothing to match")
    return given


def _worked_out(share: float | Missing, given: MatchedShares, matching: str) -> Figure | Missing:
    """A share that a ledger worked out of its instruments, hour by hour and market by market."""
    if isinstance(share, Missing):
        return share
    return Figure(
        value=min(1.0, share),
        unit="1",
        terms={"matching": matching, "accounting": "market"},
        notes=(MARKET_ONLY, *given.notes),
    )


def _matched(given: Renewables, matched: float, matching: str) -> Figure:
    notes = [MARKET_ONLY]
    longest = max(len(load) for load in given.load_kwh.values())
    if given.interval == "hour" and longest < HOURS_OF_A_YEAR:
        notes.append(f"covers {longest} h, less than a year")
    spare = sorted(set(given.generation_kwh) - set(given.load_kwh))
    if spare:
        notes.append(f"generation in {', '.join(spare)} matches nothing: there is no load in that zone")
    return Figure(
        value=min(1.0, matched / _sum(given.load_kwh)),
        unit="1",
        terms={"matching": matching, "accounting": "market"},
        notes=tuple(notes),
    )


def _any_negative(zones: Mapping[str, Sequence[float]]) -> bool:
    # Written so that a NaN, which compares as neither, is refused too; of what has no end there is no share.
    return any(not 0 <= value < math.inf for values in zones.values() for value in values)


def _sum(zones: Mapping[str, Sequence[float]]) -> float:
    return math.fsum(value for values in zones.values() for value in values)


ANNUAL = Kpi(
    id="renewable_energy_matching_annual",
    title="Renewable Energy Matching, annual",
    unit="1",
    better=Better.HIGHER,
    formula="sum over zones of min(sum G, sum L) / sum L",
    of=renewable_energy_matching_annual,
)
HOURLY = Kpi(
    id="renewable_energy_matching_hourly",
    title="Renewable Energy Matching, hourly",
    unit="1",
    better=Better.HIGHER,
    formula="sum over zones and hours of min(G_h, L_h) / sum L_h",
    of=renewable_energy_matching_hourly,
)
