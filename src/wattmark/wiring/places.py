"""Where it ran: what is stated, what the runs recorded, and what the name of their cloud region tells."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.measure.home import calibrations_folder

if TYPE_CHECKING:
    from wattmark.core.run import Run
    from wattmark.grid.places import CloudPlace


def tables_folder(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Path:
    """Where a user's own tables live: ``tables`` beside the calibrations of this user."""
    return calibrations_folder(environ, home).with_name("tables")


def place_of(
    config: Config, asked: str | None, runs: Sequence[Run], mine: Path | None = None
) -> CloudPlace | None:
    """The cloud region: asked for, under ``[place]``, or that of the runs; None where they are in several.

    Without runs it is that of the tags in the configuration. A region that nobody knows is none, but one that
    was asked for must be known: raises UsageError. What [[site]] states of it goes before the table.
    Its PUE is that of the year of the newest run, as far as it was published.
    """
    if config.tables.get("site"):
        from wattmark.wiring.sites import place_of_site, site_of

        site = site_of(config, runs, asked)
        if site is not None:
            return place_of_site(site, runs, mine)
    named = asked or config.place.region
    if named is not None:
        from wattmark.grid.places import the_place

        return the_place(named, mine).in_year(year_of(runs))
    said = {run.subject.region for run in runs} if runs else {config.tags.region}
    found = regions_of(filter(None, said), mine)
    return next(iter(found.values())).in_year(year_of(runs)) if len(found) == 1 else None


def regions_of(names: Iterable[str], mine: Path | None = None) -> dict[str, CloudPlace]:
    """Those among the names that are cloud regions, each once, by the region's own code."""
    from wattmark.grid.places import find_place

    return {place.region: place for name in names if (place := find_place(name, mine)) is not None}


def year_of(runs: Sequence[Run]) -> int | None:
    """The year of the newest run; None without runs, or where they do not say."""
    years = [run.started_at[:4] for run in runs]
    return max((int(year) for year in years if year.isdigit()), default=None)
