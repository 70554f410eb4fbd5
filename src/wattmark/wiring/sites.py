"""What a project states of its sites (``[[site]]`` in wattmark.toml), and the cloud regions behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.core.carbon import Pue
from wattmark.core.errors import ConfigError
from wattmark.core.figure import Undefined
from wattmark.core.pue_series import PueSeries
from wattmark.core.site import UNMEASURED, Site, SitePue
from wattmark.wiring.stated_tables import stated_tables

if TYPE_CHECKING:
    from wattmark.core.run import Run
    from wattmark.grid.places import CloudPlace


def stated_sites(config: Config) -> tuple[Site, ...]:
    """The sites of wattmark.toml; days in UTC. Raises ConfigError with file and table."""
    from wattmark.stated.sites import sites

    if not config.tables.get("site"):
        return ()
    return sites(stated_tables(config, "site"), UTC, Path(config.path or "wattmark.toml").parent)


def site_of(config: Config, runs: Sequence[Run] = (), region: str | None = None) -> Site | None:
    """The site that is meant: ``[place] site``, or the one of all the runs, or that named as their region.

    A region that was asked for is looked up alone. None where nothing is stated of it, or of several.
    """
    known = {site.name: site for site in stated_sites(config)}
    if not known:
        return None
    if region is not None:
        return known.get(region)
    named = config.place.site or config.place.region
    if named is not None:
        return known.get(named)
    names = {run.place.site or run.subject.region for run in runs} or {config.tags.region}
    return known.get(names.pop() or "") if len(names) == 1 else None


def region_of(site: Site, mine: Path | None = None) -> CloudPlace | None:
    """The cloud region that a site is, with what is stated of the site put over what the region tells.

    None for a site that is no cloud region. Raises ConfigError for a ``region`` that nobody knows.
    """
    from wattmark.grid.places import find_place

    place = find_place(site.region or site.name, mine)
    if place is None:
        if site.region:
            raise ConfigError(
                "[[site]]",
                f"{site.name}, region",
                f"{site.region!r} is no known cloud region: `wattmark grid zones --regions` lists them",
            )
        return None
    moved = bool(site.country or site.subregion or site.zone)
    share = site.carbon_free_share
    return replace(
        place,
        country=site.country or place.country,
        subregion=site.subregion or ("" if moved else place.subregion),
        zone=site.zone,
        moved=moved,
        carbon_free_share=place.carbon_free_share if share is None else share,
        carbon_free_year=place.carbon_free_year if share is None else site.carbon_free_year,
        place_source=(site.source or "[[site]]") if moved else place.place_source,
    )


def pue_of_site(site: Site, runs: Sequence[Run]) -> Pue | None:
    """The PUE of a site for runs: measured over their time where it was, else what is stated for then.

    Of a time that was measured in part it is the measured one's where at least half was, and says so. None
    where nothing is stated that holds when the runs began. Raises ConfigError for a file that cannot be used.
    """
    spans = [_span(run) for run in runs]
    if site.pue_file:
        told = _measured(measured_of(site), spans)
        if told is not None:
            return told
    held = {site.pue_at(start) for start, _ in spans} if spans else {_newest(site)}
    found = [one for one in held if one is not None]
    if len(found) != 1 or None in held:
        return None
    said = f"{found[0].source}, {UNMEASURED}" if site.pue_file and found[0].source else found[0].source
    return Pue(
        value=found[0].pue,
        kind=found[0].kind,
        relative_error=found[0].relative_error,
        source=said or (UNMEASURED if site.pue_file else ""),
    )


def place_of_site(site: Site, runs: Sequence[Run], mine: Path | None = None) -> CloudPlace:
    """A site as a place: the cloud region that it is, or a place of its own, with its PUE for these runs."""
    from wattmark.grid.places import CloudPlace

    years = [int(run.started_at[:4]) for run in runs if run.started_at[:4].isdigit()]
    region = region_of(site, mine)
    place = (
        region.in_year(max(years, default=None))
        if region is not None
        else CloudPlace(
            provider="",
            region=site.name,
            name=site.name,
            country=site.country,
            subregion=site.subregion,
            zone=site.zone,
            moved=True,
            carbon_free_share=site.carbon_free_share,
            carbon_free_year=site.carbon_free_year,
            place_source=site.source or "[[site]]",
        )
    )
    pue = pue_of_site(site, runs)
    return place if pue is None else replace(place, pue=pue, pue_stated=True, pue_year=None)


LEAST_MEASURED = 0.5
"""Of the time of the runs; of less, what is stated for the site is used."""


def _measured(series: Sequence[PueSeries], spans: Iterable[tuple[int, int]]) -> Pue | None:
    """Sums over the time of all runs: a longer run weighs more."""
    facility = it = lasted = seen = 0.0
    last: PueSeries | None = None
    for start, end in spans:
        lasted += end - start
        for one in series:
            value, share = one.over(start, end)
            if isinstance(value, Undefined):
                continue
            weight = share * (end - start)
            facility, it, seen, last = facility + value * weight, it + weight, seen + weight, one
    if last is None or seen < LEAST_MEASURED * lasted:
        return None
    pue = last.as_pue(max(1.0, facility / it))
    if seen >= lasted * (1 - 1e-9):
        return pue
    return replace(pue, source=f"{pue.source}; {seen / lasted:.0%} of the time was measured")


def measured_of(site: Site) -> tuple[PueSeries, ...]:
    """What its ``pue_file`` holds of it; empty without one. Raises ConfigError with file and line."""
    from wattmark.stated.pue_csv import parse_pue_csv

    if not site.pue_file:
        return ()
    try:
        data = Path(site.pue_file).read_bytes()
    except OSError as error:
        problem = f"cannot be read: {error}; `wattmark pue measure --out FILE` writes it"
        raise ConfigError(site.pue_file, "", problem) from None
    return tuple(one for one in parse_pue_csv(data, site.pue_file) if one.site == site.name)


def _newest(site: Site) -> SitePue | None:
    return max(site.pues, key=lambda p: -(2**62) if p.start_us is None else p.start_us, default=None)


def _span(run: Run) -> tuple[int, int]:
    start = round(datetime.fromisoformat(run.started_at).timestamp() * 1e6)
    return start, start + max(1, round(run.duration_seconds * 1e6))
