"""Which grid intensity a run meets: hour by hour where a project names a provider, else the yearly figure.

Order: what the user states, the live provider, what is cached of it, the yearly figure of the subregion or
country, and then a refusal. What was passed over, and why, is said beside the figure. No socket is opened
unless ``[place] live`` names a provider and a verb that works out carbon asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.core.carbon import CLOUD, Intensity
from wattmark.core.errors import GridError, RefusedError, UsageError
from wattmark.core.grid_series import GridPoint, GridSeries, ordered
from wattmark.core.hourly import (
    STEP_US,
    YEARLY,
    HourlyCarbon,
    Slice,
    began_us,
    hourly_carbon,
    level_slices,
    slices_of,
)
from wattmark.core.readings import Gap
from wattmark.grid.catalog import PROVIDERS, Asked, signal_of, terms_of
from wattmark.grid.failures import UnknownZone
from wattmark.grid.zones import alpha2

if TYPE_CHECKING:
    from wattmark.config import Config
    from wattmark.core.run import Run
    from wattmark.grid.hourly import Found
    from wattmark.grid.places import CloudPlace
    from wattmark.wiring.live import Live

LEVEL = "the run keeps no course of its energy: it counts as level"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The place whose hours are wanted."""

    said: bool
    """It was said on the command line: the zone of the configuration is that of another place, then."""
    region: CloudPlace | None = None
    country: str | None = None
    """ISO 3166 alpha-3."""


def intensity_by_hour(
    config: Config,
    live: Live,
    where: Where,
    runs: Sequence[Run],
    basis: str | None,
    yearly: Callable[[str | None], Intensity | None],
) -> Intensity | None:
    """The intensity that the energy of these runs met, by the hour where that is known, else by the year.

    ``basis`` is the one that was asked for, ``yearly`` gives the figure of the tables on a basis. Raises
    RefusedError where neither is known, with the reason of both.
    """
    asked = _asked(config, basis)
    name, signal = signal_of(asked)
    terms = terms_of(name, signal)
    reason = f"{name} has no {basis} figure" if basis not in (None, terms[1]) else ""
    zone = None if reason else zone_for(asked.name, config, where)
    if not reason and zone is None:
        how = "name it under [zones] of the declaration, or" if asked.name.endswith(".toml") else "set"
        reason = f"no zone of {name} is known for this place: {how} live_zone under [place]"
    if zone is None:
        return _instead(yearly, basis or terms[1], "location", reason)
    instead = _yearly_or_none(yearly, terms)
    try:
        met, why = _met(live, asked, zone, runs, instead)
    except GridError as error:
        return _instead(yearly, terms[1], terms[0], str(error))
    if not isinstance(met, HourlyCarbon):
        return _instead(yearly, terms[1], terms[0], f"{why}; {met}" if why else str(met))
    found = replace(
        met.intensity, note="; ".join(filter(None, (met.intensity.note, *_beside(met, instead, why))))
    )
    bought = where.region is not None and where.region.provider and found.accounting != "marginal"
    return replace(found, inventory=CLOUD) if bought else found


def zone_for(name: str, config: Config, where: Where) -> str | None:
    """What the provider calls the place: as configured, else by cloud region or country; None: not known.

    ``name`` is that of a provider, or the file of a declaration.
    """
    place = config.place
    if place.live_zone is not None and not where.said:
        return place.live_zone
    region = where.region
    if name == "electricity-maps" and region is not None and region.zone:
        return alpha2(region.zone) or region.zone
    if name == "electricity-maps" and region is not None and region.provider and not region.moved:
        return f"{region.provider}:{region.region}"
    country = where.country or (region.country if region else None)
    if name.endswith(".toml"):
        from wattmark.grid.json_api import read_declaration

        nearer = (region.region, region.zone, region.subregion) if region else ()
        return read_declaration(Path(name)).zone_of(*nearer, country)
    if not country or name not in ("electricity-maps", "neso", "entsoe"):
        return None
    code = alpha2(country)
    if name == "neso":
        return code if code == "GB" else None
    if name == "entsoe":
        from wattmark.grid.entsoe import ZONES

        return code if code in ZONES else None
    return code


def _asked(config: Config, basis: str | None) -> Asked:
    place = config.place
    name = place.live or ""
    if name.endswith(".toml"):
        name = str(_beside_config(config, name))
    signals = PROVIDERS[name].signals if name in PROVIDERS else ()
    wanted = basis or place.intensity_basis
    signal = place.live_signal or (wanted if wanted in signals else None)
    own = None if place.live_factors is None else _beside_config(config, place.live_factors)
    return Asked(name=name, signal=signal, version=place.live_api, base=place.live_url, factors=own)


def _beside_config(config: Config, name: str) -> Path:
    return Path(name) if config.path is None else Path(config.path).parent / name


def _yearly_or_none(
    yearly: Callable[[str | None], Intensity | None], terms: tuple[str, str]
) -> Intensity | None:
    if terms[0] != "location":
        return None
    try:
        return yearly(terms[1])
    except (RefusedError, UsageError):  # none on this basis; hours may do without it
        return None


def _met(
    live: Live, asked: Asked, zone: str, runs: Sequence[Run], instead: Intensity | None
) -> tuple[object, str]:
    """Energy of all runs times the intensity of its hours, and what to say of either."""
    slices: list[Slice] = []
    points: set[GridPoint] = set()
    said: list[str] = []
    series: GridSeries | None = None
    failure: GridError | None = None
    for run in runs:
        begin = began_us(run)
        cut = slices_of(run, begin, STEP_US)
        if isinstance(cut, Gap):
            cut = level_slices(run, begin)
            said.append(LEVEL)
        if isinstance(cut, Gap):
            return cut, ""
        slices += cut
        first, last = min(s.start_us for s in cut), max(s.end_us for s in cut)
        try:
            found = live.past(asked, zone, first, max(last, first + 1))
        except GridError as error:
            failure = error
            continue
        series, failure = found.series, found.failure or failure
        points.update(found.series.points)
    if series is None:
        raise failure or UnknownZone(asked.name, f"knows nothing of {zone!r}")
    whole = replace(series, points=ordered(points))
    met = hourly_carbon(slices, whole, instead)
    if failure is not None:
        said.append(f"not all was fetched ({failure}); what is cached of it holds")
    elif live.offline:
        said.append("from the cache: nobody was asked")
    return met, "; ".join(dict.fromkeys(said))


def _beside(met: HourlyCarbon, instead: Intensity | None, why: str) -> list[str]:
    said = [why] if why else []
    if instead is not None and isinstance(met.difference, float):
        year = f" {instead.year}" if instead.year else ""
        figure = f"{instead.grams_per_kwh:g} gCO2e/kWh, {instead.source}{year}"
        said.append(f"hour by hour {met.difference:+.1%} from the yearly figure ({figure})")
    if instead is not None and met.shares.get(YEARLY, 0.0) > 0:
        said.append(f"where no hour is known {instead.source} stands in")
    return said


def _instead(
    yearly: Callable[[str | None], Intensity | None], basis: str, accounting: str, reason: str
) -> Intensity:
    """The yearly figure, with why it is one. Raises RefusedError where it may not stand in, or is none."""
    if accounting != "location":
        raise RefusedError(
            f"no {accounting} intensity is known by the hour ({reason}), and a yearly one is location-based: "
            "try again, take another provider under [place] live, or say --yearly"
        )
    try:
        found = yearly(basis)
    except RefusedError as refusal:
        raise RefusedError(f"no hourly intensity ({reason}), and no yearly one: {refusal}") from None
    if found is None:
        raise RefusedError(
            f"no hourly intensity ({reason}), and no yearly one, because no place is said: give --country "
            "or --intensity"
        )
    note = f"no hourly figure ({reason}): the yearly one stands in"
    quality = "E" if "world average" in found.note else "D"
    return replace(found, data_quality=quality, note="; ".join(filter(None, (found.note, note))))


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursHere:
    """Where the hours of a machine's own place come from."""

    provider: str
    zone: str
    accounting: str
    basis: str
    cloud: bool
    """A cloud provider buys this electricity."""
    ask: Callable[[int, int], Found]
    """What is known from one moment to another, us since 1970. Raises GridError where nothing is."""


def hours_here(config: Config, live: Live) -> HoursHere:
    """The provider that ``[place] live`` names, for the place of the configuration; nobody is asked yet.

    Raises UsageError, ConfigError for what is not known, RefusedError where the place has no zone of it.
    """
    from wattmark.wiring.places import place_of, tables_folder

    asked = _asked(config, None)
    name, signal = signal_of(asked)
    region = place_of(config, None, [], tables_folder())
    where = Where(said=False, region=region, country=config.place.country)
    zone = zone_for(asked.name, config, where)
    if zone is None:
        raise RefusedError(f"no zone of {name} is known for this place: set live_zone under [place]")
    accounting, basis = terms_of(name, signal)

    def ask(start_us: int, end_us: int) -> Found:
        live.failed.clear()  # what failed an hour ago may work now
        return live.past(asked, zone, start_us, end_us)

    cloud = region is not None and bool(region.provider) and accounting != "marginal"
    return HoursHere(provider=name, zone=zone, accounting=accounting, basis=basis, cloud=cloud, ask=ask)
