"""A recording with this machine's meters: for a track in this process, or for a command below it."""

from __future__ import annotations

from wattmark.config import Config
from wattmark.measure.processes import CpuClock, ProcessTree
from wattmark.measure.recording import Recording, World
from wattmark.measure.settings import Settings
from wattmark.meters.clock import boot_clock
from wattmark.wiring.meters import open_meters


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
    )
    return Recording(settings, world)
