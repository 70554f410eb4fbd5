"""A recording with this machine's meters: for a track in this process, or for a command below it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.core.errors import UsageError
from wattmark.measure.processes import CpuClock, ProcessTree
from wattmark.measure.recording import Recording, World
from wattmark.measure.settings import Settings
from wattmark.meters.clock import boot_clock
from wattmark.ports import LiveExport
from wattmark.wiring.meters import open_meters

if TYPE_CHECKING:
    from wattmark.measure.delivery import Delivery, Put


def new_recording(settings: Settings, config: Config, *, with_self: bool = True) -> Recording:
    """A recording that has not started. ``with_self`` false counts the CPU time of child processes only."""
    found = open_meters(config)
    world = World(
        meters=found.meters,
        host=found.host,
        cpu=CpuClock(ProcessTree(with_self=with_self)),
        clock=boot_clock,
        environment=found.environment,
        finish=found.finish,
        exports=_exports(settings, config),
        delivery=delivery_to(settings.ledger) if settings.ledger else None,
    )
    return Recording(settings, world)


def delivery_to(url: str) -> Delivery:
    """The way to a ledger: a folder is written to at once, an address across the network by a thread."""
    from wattmark.measure.delivery import Delivery, outbox_of

    return Delivery(url, outbox_of(url, os.environ), lambda: _put(url), wait="://" not in url)


def _put(url: str) -> Put:
    if "://" not in url and not Path(url).parent.is_dir():
        raise UsageError(f"the ledger {url} is not there, nor is the folder it would be made in")
    from wattmark.ledger.store import open_store

    return open_store(url).put_new


def _exports(settings: Settings, config: Config) -> tuple[LiveExport, ...]:
    if not settings.exports:
        return ()
    from wattmark.exporters.catalog import open_export
    from wattmark.exporters.tracker import Tracker

    found = tuple(open_export(spec, settings.export_period_seconds) for spec in settings.exports)
    for export in found:
        if isinstance(export, Tracker):
            from wattmark.wiring.trackers import teach

            teach(export, config)
    return found
