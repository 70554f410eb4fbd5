"""What was stated, from the command line, the configuration and the runs themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config, EmbodiedConfig
from wattmark.core.carbon import CLOUD, SCOPE_2, Intensity, Pue, entering
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.facts import Embodied, PeakHardware, Renewables
from wattmark.core.figure import Missing
from wattmark.core.given import Given
from wattmark.core.known import Scope
from wattmark.core.machines import machine_hours
from wattmark.wiring.places import place_of, tables_folder, year_of

if TYPE_CHECKING:
    from wattmark.core.facts import Facts
    from wattmark.core.run import Run
    from wattmark.grid.places import CloudPlace
    from wattmark.wiring.live import Live

HOURS_PER_YEAR = 8766.0
"""365.25 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What was stated on the command line or in a call; it beats the configuration file."""

    pue: float | None = None
    country: str | None = None
    region: str | None = None
    basis: str | None = None
    """Of the intensity: lifecycle or direct; None: that of the configuration."""
    intensity: float | None = None
    world_average: bool = False
    functional_unit: str | None = None
    quality: str | None = None
    quality_map: tuple[float, float] | None = None
    lifetime_inferences: float | None = None
    share: bool = False
    live: Live | None = None
    """Who asks the live provider of the configuration; None: nobody does."""


def given_from(config: Config, stated: Stated, runs: Sequence[Run] = ()) -> Given:
    """Put together what was stated: command line first, then the configuration, then the runs' own place.

    Raises RefusedError for an unknown country or an impossible PUE, UsageError for a contradiction.
    """
    _refuse_contradictions(stated)
    embodied = _embodied(config, runs)
    place = place_of(config, stated.region, runs, tables_folder())
    intensity = _bought(_by_hour(config, stated, runs, place), stated, place)
    project = config.project
    quality_map = stated.quality_map
    if quality_map is None and project.quality_worst is not None and project.quality_best is not None:
        quality_map = (project.quality_worst, project.quality_best)
    return Given(
        pue=_pue(config, stated, runs, place),
        intensity=None if intensity is None else entering(intensity),
        embodied=None if isinstance(embodied, Missing) else embodied,
        embodied_unknown=embodied if isinstance(embodied, Missing) else None,
        functional_unit=stated.functional_unit or project.functional_unit,
        lifetime_inferences=stated.lifetime_inferences or project.lifetime_inferences,
        quality_name=stated.quality or project.quality,
        quality_map=quality_map,
        peak=_peak(config),
        training_flop=project.training_flop,
        mfu=project.mfu,
        renewables=_renewables(config),
        manual_steps=project.manual_steps,
        reference_device_factor=project.reference_device_factor,
        scope=Scope.SHARE if stated.share else Scope.WHOLE,
    )


def _refuse_contradictions(stated: Stated) -> None:
    said = {"--intensity": stated.intensity, "--country": stated.country, "--region": stated.region}
    other = next((option for option, value in said.items() if value is not None), None)
    if stated.world_average and other is not None:
        raise UsageError(f"--world-average and {other} contradict each other: give one of them")
    count = stated.lifetime_inferences
    if count is not None and not 0 < count < math.inf:
        raise UsageError(f"--lifetime-inferences {count:g}: give how many the model will serve, more than 0")


def facts_for(runs: Sequence[Run], config: Config, stated: Stated) -> Facts:
    """Totals of runs under what was stated."""
    from wattmark.core.totals import facts_of

    return facts_of(runs, given_from(config, stated, runs))


def _pue(config: Config, stated: Stated, runs: Sequence[Run], place: CloudPlace | None) -> Pue | None:
    if stated.pue is not None:
        return Pue(value=stated.pue)
    if stated.region is not None and place is not None:
        return place.pue
    if config.place.pue is not None:
        return Pue(value=config.place.pue, relative_error=config.place.pue_relative_error)
    if place is not None and place.pue_stated:
        return place.pue
    if config.place.site == "office":
        return Pue(value=1.0, kind="office")
    recorded = {(r.place.pue, r.place.pue_kind or "declared") for r in runs if r.place.pue is not None}
    if len(recorded) > 1:
        raise UsageError("the runs state different PUEs: give one with --pue, or look at them one by one")
    for value, kind in recorded:
        return Pue(value=value, kind=kind, source=_by_some([r.place.pue is not None for r in runs]))
    return place.pue if place is not None else None


def _by_hour(
    config: Config, stated: Stated, runs: Sequence[Run], region: CloudPlace | None
) -> Intensity | None:
    """Hour by hour where a provider is named and nothing goes before it, else as the tables say."""
    live, place = stated.live, config.place
    own = place.intensity_g_per_kwh is not None and stated.basis in {None, place.intensity_basis}
    somewhere = stated.country or stated.region
    first = stated.intensity is not None or stated.world_average or (own and somewhere is None)
    if live is None or live.yearly or place.live is None or first or not runs:
        return _intensity(config, stated, runs, region)
    from wattmark.wiring.hourly import Where, intensity_by_hour

    recorded = {r.place.country for r in runs if r.place.country}
    if somewhere is None and place.country is None and len(recorded) > 1:
        return _intensity(config, stated, runs, region)  # which says that they are in several places
    told = stated.region is not None or (stated.country or place.country) is None
    fits = stated.region is not None or (
        region is not None and bool(region.country) and recorded <= {region.country}
    )
    country = stated.country or (None if stated.region else place.country or next(iter(recorded), None))
    where = Where(said=somewhere is not None, region=region if told and fits else None, country=country)
    return intensity_by_hour(
        config,
        live,
        where,
        runs,
        stated.basis,
        lambda basis: _intensity(config, replace(stated, basis=basis), runs, region),
    )


def _intensity(
    config: Config, stated: Stated, runs: Sequence[Run], region: CloudPlace | None
) -> Intensity | None:
    """The nearest that was said: now, under [place], by the runs; a region tells what nobody said."""
    place, year = config.place, year_of(runs)
    of_tables = place.intensity_basis if place.intensity_g_per_kwh is None else "lifecycle"
    basis = stated.basis or of_tables
    if stated.intensity is not None:
        if not 0 <= stated.intensity < math.inf:
            raise UsageError(f"--intensity {stated.intensity:g} is impossible: give gCO2e per kWh, 0 or more")
        zone = stated.country or "stated"
        return Intensity(
            grams_per_kwh=stated.intensity, zone=zone, basis=stated.basis or "lifecycle", source="declared"
        )
    if stated.country is not None:
        return _country(stated.country, basis, year)
    if stated.region is not None and region is not None:
        return _at(region, basis, year)
    if stated.world_average:
        return _world()
    if place.intensity_g_per_kwh is not None and stated.basis in {None, place.intensity_basis}:
        return Intensity(
            grams_per_kwh=place.intensity_g_per_kwh,
            zone=place.country or config.tags.zone or "stated",
            basis=place.intensity_basis,
            source=place.intensity_source,
            relative_error=place.intensity_relative_error,
        )
    if place.country is not None:
        return _country(place.country, basis, year)
    if place.world_average:
        return _world()
    recorded = {r.place.country for r in runs if r.place.country}
    if len(recorded) > 1:
        raise UsageError(f"the runs were made in {', '.join(sorted(recorded))}: look at them one by one")
    if region is not None and region.country and recorded <= {region.country}:
        return _at(region, basis, year)
    if not recorded:
        return None
    found = _country(recorded.pop(), basis, year)
    told = _by_some([bool(r.place.country) for r in runs])
    return replace(found, note="; ".join(filter(None, (found.note, told and f"its country is {told}"))))


def _by_some(states: Sequence[bool]) -> str:
    """What to say where some runs state something and the others meet it all the same; "" where all do."""
    count = sum(states)
    return "" if count == len(states) else f"stated by {count} of {len(states)} runs and taken for all"


def _bought(intensity: Intensity | None, stated: Stated, place: CloudPlace | None) -> Intensity | None:
    """In a cloud region the provider buys the electricity, whoever states how much it emits.

    Asked for another country it is what it would be there, bought by oneself.
    """
    cloud = place is not None and place.provider and stated.country is None
    if intensity is None or not cloud or intensity.inventory != SCOPE_2:
        return intensity
    return replace(intensity, inventory=CLOUD)


def _at(place: CloudPlace, basis: str, year: int | None) -> Intensity:
    from wattmark.grid.places import intensity_at

    return intensity_at(place, basis, year=year, mine=tables_folder())


def _country(country: str, basis: str, year: int | None) -> Intensity:
    from wattmark.grid.bundled import country_intensity

    return country_intensity(country, basis, year=year, mine=tables_folder())


def _world() -> Intensity:
    from wattmark.grid.bundled import world_intensity

    return world_intensity(tables_folder())


def _embodied(config: Config, runs: Sequence[Run]) -> Embodied | Missing | None:
    stated = config.embodied
    if stated.inventory is not None:
        return _of_inventory(config, stated.inventory, runs)
    if stated.total_kg is None or stated.lifespan_years is None:
        return None
    hours = machine_hours(runs)
    utilised = stated.mode == "utilised"
    return Embodied(
        total_grams=stated.total_kg * 1000,
        lifespan_hours=stated.lifespan_years * HOURS_PER_YEAR,
        relative_error=stated.relative_error,
        mode=stated.mode,
        reserved_hours=None if utilised else hours,
        reserved_share=stated.reserved_share,
        utilisation=stated.utilisation,
        utilised_hours=hours if utilised else None,
        source=stated.source,
    )


def _of_inventory(config: Config, name: str, runs: Sequence[Run]) -> Embodied | Missing | None:
    """What the runs' own devices carry, each by its hours of theirs."""
    from wattmark.core.inventory_use import used_by_runs
    from wattmark.core.reserved import embodied_of
    from wattmark.core.totals import latest
    from wattmark.wiring.hardware import load_inventory

    if config.embodied != EmbodiedConfig(inventory=name):
        raise ConfigError(
            config.path or "wattmark.toml",
            "[embodied] inventory",
            "stands beside other keys, and its lines have totals, lives and modes of their own: leave one",
        )
    if not runs:  # a ledger's totals meet the ledger's own inventory
        return None
    folder = Path(config.path).parent if config.path else Path()
    return embodied_of(used_by_runs(load_inventory(folder / name), latest(runs)))


def _renewables(config: Config) -> Renewables | None:
    if config.renewables.file is None:
        return None
    from wattmark.wiring.renewables import renewables_from

    return renewables_from(config)


def _peak(config: Config) -> PeakHardware | None:
    wanted = config.project.hardware
    if wanted is None:
        return None
    from wattmark.core.hardware import find, peak_of
    from wattmark.wiring.hardware import load_hardware

    peak = peak_of(find(load_hardware(), wanted), config.project.precision or "bf16")
    if isinstance(peak, Missing):
        raise UsageError(f"{peak.field} is not published ({peak.hint}): see precision under [project]")
    return peak
