"""A file for node_exporter's textfile collector, replaced as the run goes on and removed when it ends."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from wattmark.core.errors import UsageError
from wattmark.core.run import Run
from wattmark.exporters.periodic import Periodic

PREFIX = "wattmark-"
STALE_PERIODS = 10
STALE_SECONDS = 300.0
"""A file that was not replaced for so long belongs to a run that was killed."""


class Textfile(Periodic):
    """Writes ``wattmark-<run>.prom`` into the collector's folder. Raises UsageError when there is none."""

    name = "textfile"

    def __init__(self, target: str, period_seconds: float) -> None:
        from wattmark.exporters.collector import registry_of

        super().__init__(period_seconds)
        self._registry_of = registry_of
        self._folder = Path(target)
        if not self._folder.is_dir():
            raise UsageError(
                f"textfile:{target} names no folder: give that of --collector.textfile.directory"
            )
        self._sweep()

    def show(self, run: Run) -> None:
        """Replace the file; a reader sees the old one or the new one."""
        from prometheus_client import write_to_textfile

        write_to_textfile(str(self._path(run)), self._registry_of(lambda: run))

    def withdraw(self, run: Run) -> None:
        """Remove it: node_exporter would show it for ever."""
        self._path(run).unlink(missing_ok=True)

    def _path(self, run: Run) -> Path:
        return self._folder / f"{PREFIX}{run.record_id[:8]}.prom"

    def _sweep(self) -> None:
        """Remove what killed runs left behind."""
        oldest = time.time() - max(STALE_SECONDS, STALE_PERIODS * self._period)
        for path in self._folder.glob(f"{PREFIX}*.prom"):
            with suppress(OSError):  # another run has removed it, or it is not ours to remove
                if os.stat(path).st_mtime < oldest:
                    path.unlink()


def open_export(target: str, period_seconds: float) -> Textfile:
    """``textfile:FOLDER``."""
    return Textfile(target, period_seconds)
