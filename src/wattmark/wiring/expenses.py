"""What runs cost and how much water they took, by the tariffs and figures that a project states."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.core.expenses import NO_TARIFF, Expenses, billed, spent
from wattmark.core.figure import Figure, Missing
from wattmark.core.hourly import MICRO, STEP_US, Slice, began_us, level_slices, slices_of
from wattmark.core.rate import MetRate, RateCourse, RatePoint, met
from wattmark.core.readings import Gap
from wattmark.core.tariff import Tariff, course_of, in_force
from wattmark.core.water import WaterFactor
from wattmark.wiring.stated_tables import stated_tables

if TYPE_CHECKING:
    from wattmark.core.facts import Facts
    from wattmark.core.run import Run
    from wattmark.wiring.decisions import Group
    from wattmark.wiring.given import Stated

YEAR_US = 8766 * 3600 * MICRO
"""365.25 days."""


def stated_tariffs(config: Config) -> tuple[Tariff, ...]:
    """The tariffs of wattmark.toml; days and hours in UTC where a tariff names no zone.

    Raises ConfigError with file and table: bands without a zone too, for the clock on the wall is not UTC's.
    """
    from wattmark.stated.tariffs import tariffs

    tables = stated_tables(config, "tariff")
    for table in tables:
        if "bands" in table.values and "time_zone" not in table.values:
            raise table.wrong(
                "time_zone", "is missing: bands go by the clock on the wall, such as Europe/Paris"
            )
    folder = Path(config.path or "wattmark.toml").parent
    return tariffs(tables, UTC, lambda name: (folder / name).read_bytes())


def stated_water(config: Config) -> tuple[WaterFactor, ...]:
    """The figures of water of wattmark.toml; days in UTC. Raises ConfigError with file and table."""
    from wattmark.stated.water import water

    return water(stated_tables(config, "water"), UTC)


def expenses_of(runs: Sequence[Run], config: Config, facts: Facts, stated: Stated) -> Expenses:
    """Cost and water of runs that belong together, at the rates of their place and their own hours."""
    bills = billed(runs)
    if not (config.tables.get("tariff") or config.tables.get("water")):
        return Expenses(billed=bills)
    places = {places_of(run, config, stated) for run in runs}
    if len(places) != 1 or isinstance(facts.energy, Missing):
        why = (
            Missing("one place for all of it", "look at the runs one by one")
            if len(places) > 1
            else NO_TARIFF
        )
        return Expenses(no_cost=facts.energy if isinstance(facts.energy, Missing) else why, billed=bills)
    (where,) = places
    slices, by_time = _slices(runs)
    tariffs = in_force(stated_tariffs(config), where)
    span = (min(s.start_us for s in slices), max(s.end_us for s in slices)) if slices else (0, 0)
    found = [_met(course_of(t, *span), slices, by_time=by_time and not t.flat) for t in tariffs]
    known = tuple(one for one in found if isinstance(one, MetRate))
    cost = spent(facts.energy, facts.pue, known)
    missing = next((one for one in found if isinstance(one, Missing)), NO_TARIFF)
    water = _water(config, where, facts, slices)
    return Expenses(cost=cost, no_cost=missing, met=known, water=water, billed=bills)


def expenses_of_group(group: Group, config: Config, stated: Stated) -> Expenses:
    """Those of the repeat of middle energy: what is shown of a group."""
    from wattmark.reports.assembling import middle_of

    shown = middle_of(group.repeats)
    runs = [run for run in group.runs if run.record_id in shown.record_ids]
    return expenses_of(runs, config, shown.facts, stated)


def places_of(run: Run | None, config: Config, stated: Stated) -> tuple[str, ...]:
    """The names of the place of a run, the nearest first: its site, cloud region, zone and country.

    What was said on the command line goes alone; without a run, what the configuration says.
    """
    runs = () if run is None else (run,)
    if stated.region is not None or stated.country is not None:
        at = _country_of_site(config, runs, stated.region) if stated.region is not None else None
        return with_country((stated.region or "",), stated.country or at)
    place, tags = config.place, config.tags
    site = (run.place.site if run else None) or place.site
    region = (run.subject.region if run else None) or place.region or tags.region
    zone = (run.subject.zone if run else None) or tags.zone
    country = place.country or (run.place.country if run else None) or _country_of_site(config, runs)
    return with_country((site or "", region or "", zone or ""), country)


def _country_of_site(config: Config, runs: Sequence[Run], region: str | None = None) -> str | None:
    """What [[site]] states of the place."""
    if not config.tables.get("site"):
        return None
    from wattmark.wiring.sites import site_of

    site = site_of(config, runs, region)
    return None if site is None else site.country or None


def with_country(names: tuple[str, ...], country: str | None) -> tuple[str, ...]:
    """The names, and the country: as stated, or that of a cloud region."""
    if country is None:
        from wattmark.wiring.places import regions_of, tables_folder

        regions = regions_of(filter(None, names), tables_folder())
        country = next((place.country for place in regions.values()), None)
    return tuple(dict.fromkeys(name for name in (*names, country or "") if name))


def price_ahead(config: Config, stated: Stated, now_us: int) -> MetRate | Missing:
    """The price that energy of the year to come meets where it is spread evenly.

    Missing without a tariff, and where prices are listed and the list ends before.
    """
    tariffs = in_force(stated_tariffs(config), places_of(None, config, stated))
    slices = (Slice(now_us, now_us + YEAR_US, 1.0),)
    found = [met(slices, course_of(t, now_us, now_us + YEAR_US), by_time=not t.flat) for t in tariffs]
    known = [one for one in found if isinstance(one, MetRate)]
    if not known:
        return Missing("price of electricity", "--price 0.30 per kWh, or a [[tariff]] that holds from now on")
    return max(known, key=lambda one: one.known_share)


def _met(course: RateCourse, slices: Sequence[Slice], *, by_time: bool) -> MetRate | Missing:
    if not slices and len(course.points) <= 1:
        return Missing("the time of the run", "it holds no energy that lasted")
    return met(slices, course, by_time=by_time)


def _slices(runs: Sequence[Run]) -> tuple[list[Slice], bool]:
    """The energy of runs by quarters of an hour, and whether some of it is spread for want of a course."""
    found: list[Slice] = []
    by_time = False
    for run in runs:
        begin = began_us(run)
        cut = slices_of(run, begin, STEP_US)
        if isinstance(cut, Gap):
            cut, by_time = level_slices(run, begin), True
        if not isinstance(cut, Gap):
            found += [s for s in cut if s.end_us > s.start_us]
    return found, by_time


def _water(
    config: Config, where: tuple[str, ...], facts: Facts, slices: Sequence[Slice]
) -> dict[str, Figure]:
    figures = stated_water(config)
    found: dict[str, Figure] = {}
    for kind in sorted({w.rate.kind for w in figures}):
        some = [w for w in figures if w.rate.kind == kind]
        place = next((name for name in (*where, "*") if any(w.place == name for w in some)), None)
        courses = [_course(w) for w in some if w.place == place]
        rates = [met(slices, course) for course in courses]
        amounts = spent(facts.energy, facts.pue, [one for one in rates if isinstance(one, MetRate)])
        if amounts:
            found[kind] = amounts["L"]
    return found


def _course(water: WaterFactor) -> RateCourse:
    begin = -(2**62) if water.start_us is None else water.start_us
    end = 2**62 if water.end_us is None else water.end_us
    return RateCourse(rate=water.rate, points=(RatePoint(begin, end, water.litres_per_kwh),))
