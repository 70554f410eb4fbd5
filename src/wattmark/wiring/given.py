"""What was stated, from the command line, the configuration and the runs themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import UsageError
from wattmark.core.facts import Embodied, PeakHardware, Renewables
from wattmark.core.figure import Missing
from wattmark.core.given import Given
from wattmark.core.known import Scope
from wattmark.core.machines import machine_hours

if TYPE_CHECKING:
    from wattmark.core.facts import Facts
    from wattmark.core.run import Run

HOURS_PER_YEAR = 8766.0
"""365.25 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What was stated on the command line or in a call; it beats the configuration file."""

    pue: float | None = None
    country: str | None = None
    intensity: float | None = None
    world_average: bool = False
    functional_unit: str | None = None
    quality: str | None = None
    quality_map: tuple[float, float] | None = None
    lifetime_inferences: float | None = None
    share: bool = False


def given_from(config: Config, stated: Stated, runs: Sequence[Run] = ()) -> Given:
    """Put together what was stated: command line first, then the configuration, then the runs' own place.

    Raises RefusedError for an unknown country or an impossible PUE, UsageError for a contradiction.
    """
    _refuse_contradictions(stated)
    project = config.project
    quality_map = stated.quality_map
    if quality_map is None and project.quality_worst is not None and project.quality_best is not None:
        quality_map = (project.quality_worst, project.quality_best)
    return Given(
        pue=_pue(config, stated, runs),
        intensity=_intensity(config, stated, runs),
        embodied=_embodied(config, runs),
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
    if stated.world_average and (stated.country is not None or stated.intensity is not None):
        other = "--intensity" if stated.intensity is not None else "--country"
        raise UsageError(f"--world-average and {other} contradict each other: give one of them")
    count = stated.lifetime_inferences
    if count is not None and not 0 < count < math.inf:
        raise UsageError(f"--lifetime-inferences {count:g}: give how many the model will serve, more than 0")


def facts_for(runs: Sequence[Run], config: Config, stated: Stated) -> Facts:
    """Totals of runs under what was stated."""
    from wattmark.core.totals import facts_of

    return facts_of(runs, given_from(config, stated, runs))


def _pue(config: Config, stated: Stated, runs: Sequence[Run]) -> Pue | None:
    if stated.pue is not None:
        return Pue(value=stated.pue)
    place = config.place
    if place.pue is not None:
        return Pue(value=place.pue, relative_error=place.pue_relative_error)
    if place.site == "office":
        return Pue(value=1.0, kind="office")
    recorded = {(r.place.pue, r.place.pue_kind or "declared") for r in runs if r.place.pue is not None}
    if len(recorded) > 1:
        raise UsageError("the runs state different PUEs: give one with --pue, or look at them one by one")
    for value, kind in recorded:
        return Pue(value=value, kind=kind)
    return None


def _intensity(config: Config, stated: Stated, runs: Sequence[Run]) -> Intensity | None:
    if stated.intensity is not None:
        if not 0 <= stated.intensity < math.inf:
            raise UsageError(f"--intensity {stated.intensity:g} is impossible: give gCO2e per kWh, 0 or more")
        return Intensity(grams_per_kwh=stated.intensity, zone=stated.country or "stated", source="declared")
    if stated.country is not None:
        return _country(stated.country)
    if stated.world_average:
        return _world()
    place = config.place
    if place.intensity_g_per_kwh is not None:
        return Intensity(
            grams_per_kwh=place.intensity_g_per_kwh,
            zone=place.country or config.tags.zone or "stated",
            basis=place.intensity_basis,
            source=place.intensity_source,
            relative_error=place.intensity_relative_error,
        )
    if place.country is not None:
        return _country(place.country)
    if place.world_average:
        return _world()
    recorded = {r.place.country for r in runs if r.place.country}
    if len(recorded) > 1:
        raise UsageError(f"the runs were made in {', '.join(sorted(recorded))}: look at them one by one")
    return _country(recorded.pop()) if recorded else None


def _country(country: str) -> Intensity:
    from wattmark.grid.bundled import country_intensity

    return country_intensity(country)


def _world() -> Intensity:
    from wattmark.grid.bundled import world_intensity

    return world_intensity()


def _embodied(config: Config, runs: Sequence[Run]) -> Embodied | None:
    stated = config.embodied
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
