"""Whether this machine's calibration is applied while the agent reads it; what is decided is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from wattmark.core.calibration import Calibration
from wattmark.core.errors import EvidenceError, without_paths
from wattmark.core.readings import Device
from wattmark.core.run import Host
from wattmark.core.serving.calibrated_node import unfit
from wattmark.measure.calibrations import NOT_CALIBRATED, stored


def calibration_for(
    directory: Path, host: Host, devices: Sequence[Device], say: Callable[[str], None]
) -> Calibration | None:
    """The calibration that is kept for this machine, where it may be used on what is read of it.

    None without one; also when it may not be used, and then the reason is said. Never raises.
    """
    try:
        kept = stored(directory, host, datetime.now(UTC))
    except (EvidenceError, OSError) as error:
        say(f"not calibrated: {without_paths(error)}")
        return None
    if kept.calibration is None:
        if kept.reason != NOT_CALIBRATED:
            say(f"not calibrated: {kept.reason}")
        return None
    if reason := unfit(kept.calibration, devices):
        say(f"not calibrated: {reason}")
        return None
    if kept.warning:
        say(kept.warning)
    lifted = "" if kept.calibration.lifts_grade else ", no grade is lifted"
    say(f"calibrated by {kept.calibration.id}: what it adds to the readings is rest_of_node{lifted}")
    return kept.calibration
