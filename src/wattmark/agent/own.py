"""What the agent itself costs."""

from __future__ import annotations

import os
import time
from pathlib import Path

STATM = Path("/proc/self/statm")


def cpu_seconds() -> float:
    """User and system time of this process, its threads, and the programs that it has waited for."""
    waited_for = os.times()  # to a hundredth of a second; of the process itself there is a finer clock
    return time.process_time() + waited_for.children_user + waited_for.children_system


def resident_bytes(statm: Path = STATM) -> int | None:
    """Memory that is really there (proc(5), statm, second field); None where nobody says."""
    try:
        return int(statm.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
