"""Live grid intensity put together: provider, keys, cache, and a run's energy hour by hour."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wattmark.core.carbon import Intensity
from wattmark.core.errors import GridError, RefusedError, UsageError
from wattmark.core.figure import Missing, Undefined
from wattmark.core.grid_series import GridSeries
from wattmark.core.hourly import STEP_US, HourlyCarbon, began_us, hourly_carbon, slices_of
from wattmark.core.readings import Gap
from wattmark.core.run import Run
from wattmark.grid.bundled import yearly
from wattmark.grid.cache import GridCache, cache_file
from wattmark.grid.catalog import Asked, provider_for, signal_of
from wattmark.grid.failures import NoData
from wattmark.grid.hourly import Found, find
from wattmark.grid.keys import find_key
from wattmark.grid.provider import HOUR_US, GridForecaster, GridProvider, ZoneLister
from wattmark.wiring.places import tables_folder


def now_us() -> int:
    """Microseconds since 1970."""
    return int(datetime.now(UTC).timestamp() * 1e6)


def live_provider(
    asked: Asked, environ: Mapping[str, str], clock: Callable[[], int] = now_us
) -> GridProvider:
    """The provider that is meant, over the real web. Raises MissingExtra, UsageError, WrongKey."""
    from wattmark.grid.http import HttpWeb

    return provider_for(asked, HttpWeb(), lambda who, name: find_key(who, name, environ), clock)


def past(
    asked: Asked,
    zone: str,
    start_us: int,
    end_us: int,
    *,
    offline: bool,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], int] = now_us,
) -> Found:
    """The intensity of a stretch: the cache first, then the provider unless offline. Raises GridError."""
    name, signal = signal_of(asked)
    cache = GridCache(cache_file(environ))
    provider = name if offline else live_provider(asked, environ, clock)
    return find(provider, signal, cache, zone, start_us, end_us, clock())


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected, and how it came here."""

    series: GridSeries
    """It says when it was made."""
    failure: GridError | None = None
    """Why it is not the newest, where that is so."""


def ahead(
    asked: Asked,
    zone: str,
    hours: int,
    environ: Mapping[str, str],
    clock: Callable[[], int] = now_us,
    *,
    offline: bool = False,
) -> Expected:
    """What is expected: asked for and kept; offline, or where the provider fails, the newest that was kept.

    Raises UsageError for a provider that does not forecast, and GridError where nothing is kept either.
    """
    name, signal = signal_of(asked)
    now = clock()
    cache = GridCache(cache_file(environ))
    failure: GridError | None = None
    if not offline:
        try:
            provider = live_provider(asked, environ, clock)
            if not isinstance(provider, GridForecaster):
                raise UsageError(f"{provider.name} does not forecast: electricity-maps, watttime and neso do")
            told = provider.forecast(zone, hours)
        except GridError as error:
            failure = error
        else:
            issued = now if told.issued_us is None else told.issued_us
            cache.put_forecast(name, signal, told, issued)
            return Expected(replace(told, issued_us=issued))
    kept = cache.forecast(name, signal, zone, now, now + hours * HOUR_US)
    if kept is None:
        nothing = f"no forecast of zone {zone!r} is kept that reaches this far: ask once without --offline"
        raise failure or NoData(name, nothing)
    return Expected(kept, failure)


def zones_of(
    asked: Asked, environ: Mapping[str, str], clock: Callable[[], int] = now_us
) -> Mapping[str, str]:
    """Zone -> name of a provider. Raises UsageError for one that lists none, and GridError."""
    if asked.name == "entsoe":  # a list of ours: no key is needed for it
        from wattmark.grid.entsoe import ZONES

        return ZONES
    provider = live_provider(asked, environ, clock)
    if not isinstance(provider, ZoneLister):
        raise UsageError(f"{provider.name} has no list of zones: its own pages name them")
    return provider.zones()


def stand_in(zone: str | None, series: GridSeries | None, basis: str, at_us: int) -> Intensity | None:
    """The yearly figure that was asked for, on the same basis. Raises RefusedError where it may not."""
    if zone is None:
        return None
    if series is not None and series.accounting != "location":
        raise RefusedError(
            f"a yearly figure is location-based and may not stand in for a {series.accounting} one: "
            "leave --yearly out"
        )
    year = datetime.fromtimestamp(at_us / 1e6, UTC).year
    return yearly(zone, basis, year=year, mine=tables_folder())


def carbon_of_run(
    run: Run, series: GridSeries, year: Intensity | None
) -> HourlyCarbon | Missing | Undefined | Gap:
    """The run's energy, as its devices were read, times the intensity of its hours."""
    slices = slices_of(run, began_us(run), STEP_US)
    return slices if isinstance(slices, Gap) else hourly_carbon(slices, series, year)
