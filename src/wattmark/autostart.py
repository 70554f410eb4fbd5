"""Measures a whole Python program that was started with ``WATTMARK_START=1``, without changing it.

The installed ``wattmark-start.pth`` imports this module at interpreter start when the variable is set,
and costs one look at the environment when it is not. Processes that the program starts join its run.
"""

from __future__ import annotations

import atexit
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from wattmark.core.errors import WattmarkError
from wattmark.measure.environment import LEDGER, LOG, OUT, RUN


def begin() -> None:
    """Start to measure this process, unless something measures it already."""
    if os.environ.get(LOG) or os.environ.get(RUN) or _is_wattmark(sys.orig_argv[1:]):
        return
    from wattmark.live import track

    try:
        running = track(Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else "python", out=_folder())
        running.start()
    except (WattmarkError, OSError) as error:
        warnings.warn(f"WATTMARK_START: nothing is measured: {error}", stacklevel=2)
        return
    log, identity = running.joining()
    if log is not None:
        os.environ[LOG], os.environ[RUN] = str(log), identity
    atexit.register(_end, running, os.getpid())


def _is_wattmark(arguments: Sequence[str]) -> bool:
    """Whether this is the wattmark command: `wattmark measure` would else be measured beside its command."""
    return bool(arguments) and (Path(arguments[0]).stem == "wattmark" or arguments[:2] == ["-m", "wattmark"])


def _folder() -> str | None:
    """Where the run file goes when nobody says: the same folder as `wattmark measure` uses."""
    return None if os.environ.get(OUT) or os.environ.get(LEDGER) else "wattmark-runs"


def _end(running: object, pid: int) -> None:
    from wattmark.live import Track

    if isinstance(running, Track) and os.getpid() == pid:
        running.stop(failed=hasattr(sys, "last_type"))  # set by the interpreter for an uncaught exception


begin()
