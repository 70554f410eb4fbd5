"""The intensity of a zone over a stretch: cache first, then the provider; nothing else in silence."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.core.errors import GridError
from wattmark.core.grid_series import GridPoint, GridSeries
from wattmark.core.hourly import grade_of
from wattmark.grid.cache import FRESH_US, GridCache
from wattmark.grid.failures import NoData
from wattmark.grid.provider import GridProvider, pieces


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a stretch, and how it came here."""

    series: GridSeries
    fetched: int
    """Points that were fetched for this; the others come from the cache."""
    failure: GridError | None
    """Why not all could be fetched, where that is so."""
    holes: tuple[tuple[int, int], ...]
    """Stretches of which nothing is known, up to now."""

    @property
    def grade(self) -> str:
        """A measured, B estimated, C forecast: the worst that holds 5 % of the time."""
        return grade_of(self.series.shares())


def find(
    provider: GridProvider | str,
    signal: str,
    cache: GridCache,
    zone: str,
    start_us: int,
    end_us: int,
    now_us: int,
) -> Found:
    """The intensity from one moment to another: what is settled in the cache, and the rest fetched.

    A provider that is only a name is not asked: offline. Raises the GridError of the provider when nothing
    at all is known of the stretch; otherwise that error is told beside what is known.
    """
    name = provider if isinstance(provider, str) else provider.name
    until = min(end_us, now_us)
    fetched: set[GridPoint] = set()
    failure: GridError | None = None
    if not isinstance(provider, str):
        settled = cache.get(name, signal, zone, start_us, end_us, fresh_us=now_us - FRESH_US)
        holes = [(start_us, until)] if settled is None else list(settled.holes(start_us, until))
        for hole in holes:
            failure = _fetch(provider, cache, zone, hole, now_us, fetched)
            if failure is not None:
                break
    series = cache.get(name, signal, zone, start_us, end_us)
    if series is None:
        raise failure or NoData(
            name, f"nothing of zone {zone!r} is in the cache for this time: ask once without --offline"
        )
    return Found(series, len(fetched), failure, series.holes(start_us, until))


def _fetch(
    provider: GridProvider,
    cache: GridCache,
    zone: str,
    hole: tuple[int, int],
    now_us: int,
    fetched: set[GridPoint],
) -> GridError | None:
    """Fetch piece by piece into the cache; what came before a failure is kept."""
    for start, end in pieces(*hole, provider.longest_us):
        try:
            told = provider.history(zone, start, end)
        except NoData as error:
            if not fetched:
                return error
            continue  # the last minutes are seldom there yet
        except GridError as error:
            return error
        cache.put(provider.name, provider.signal, told, now_us)
        fetched.update(told.points)
    return None
