"""Which digests are due on which route, so that none is skipped and none is sent twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from wattmark.core.errors import UsageError
from wattmark.core.governance.digest import due
from wattmark.core.governance.message import Message, Topic
from wattmark.core.governance.periods import Period
from wattmark.exporters.sinks.routing import Route
from wattmark.exporters.sinks.sink import World
from wattmark.exporters.sinks.spool import Spool
from wattmark.wiring.notifying import Told, tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What one route has not been told yet of one team."""

    route: Route
    team: str
    periods: tuple[Period, ...]
    older: bool = False
    """Periods before these were not told either, and are too many to make good."""


def routes_for(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Those that want digests, and those that were asked for. Raises UsageError for none."""
    found = tuple(route for route in routes if route.asked or Topic.DIGEST in route.on)
    if not found:
        raise UsageError('nobody wants digests: write on = ["digest"] in a [[notify]], or give --to')
    return found


def all_due(
    routes: Iterable[Route], teams: Iterable[str], kind: str, now: datetime, zone: tzinfo, spool: Spool
) -> Iterator[Due]:
    """What is due, route by route and team by team."""
    listed = tuple(teams)
    for route in routes:
        for team in listed:
            periods, more = due(kind, now, zone, spool.digest_told(name_of(route, team, kind)))
            yield Due(route=route, team=team, periods=periods, older=more != 0)


def send(item: Due, message: Message, period: Period, world: World, spool: Spool) -> tuple[Told, ...]:
    """Tell one digest on one route, and remember it once it was told, or waits to be told."""
    told = tell([message], [item.route], world, spool)
    ours = [one for one in told if one.message.key == message.key]
    if all(one.words or one.kept for one in ours):
        name = name_of(item.route, item.team, period.kind)
        if spool.digest_told(name) < period.name:
            spool.remember_digest(name, period.name)
    return told


def name_of(route: Route, team: str, kind: str) -> str:
    """What a route is remembered by for one team and kind of period; its target is not told by it."""
    told = json.dumps([route.name, sorted(map(str, route.table.values.items())), team, kind])
    return hashlib.sha256(told.encode()).hexdigest()[:24]
