"""Whether this machine's calibration is applied while the agent reads it; what is decided is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from wattmark.core.calibration import Calibration
from wattmark.core.readings import Device
from wattmark.core.run import Host
from wattmark.core.serving.calibrated_node import unfit
from wattmark.measure.calibrated_set import kept_for


def calibration_for(
    directory: Path, host: Host, devices: Sequence[Device], say: Callable[[str], None]
) -> Calibration | None:
    """The calibration that is kept for this machine, where it may be used on what is read of it.

    None without one; also when it may not be used, and then the reason is said. Never raises.
    """
    found = kept_for(directory, host, devices, datetime.now(UTC), unfit, say)
    if found is not None:
        lifted = "" if found.lifts_grade else ", no grade is lifted"
        say(f"calibrated by {found.id}: what it adds to the readings is rest_of_node{lifted}")
    return found
