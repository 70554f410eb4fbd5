"""CodeCarbon's tracker as a source of runs: an output handler that writes each run as it ends.

    tracker = EmissionsTracker(output_handlers=[WattmarkOutput("s3://energy/ledger", team="vision")])

Versions before 2.8 have no ``output_handlers``: append it to ``tracker.persistence_objs``. What a row means
is decided in :mod:`wattmark.sources.codecarbon_row`, as for files; here machine and time zone are known.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from codecarbon.output import BaseOutput

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import Place, Run
from wattmark.live import here, settings_from
from wattmark.measure.delivery import outbox_of
from wattmark.measure.host import host_id
from wattmark.sources.catalog import Asked
from wattmark.sources.codecarbon import reading_of
from wattmark.sources.codecarbon_row import joined, run_of
from wattmark.wiring import load_config
from wattmark.wiring.imports import Folder
from wattmark.wiring.recordings import delivery_to

AT_END_SECONDS = 10.0
"""How long the end of a tracker waits for a ledger across the network; then the outbox keeps the run."""
log = logging.getLogger("wattmark")


class WattmarkOutput(BaseOutput):  # type: ignore[misc]
    """Writes a tracker's run to a ledger or a folder when the tracker stops or is flushed.

    Where to: ``ledger`` or ``out``, else what WATTMARK_LEDGER, WATTMARK_OUT or wattmark.toml say; UsageError
    when nothing does. ``cpu_method`` is ``rapl`` where CodeCarbon reads RAPL, else ``model``. Tags are those
    of ``wattmark.track``. Once it is made it never raises: what went wrong is logged and kept in ``problem``.
    """

    def __init__(
        self,
        ledger: str | None = None,
        *,
        out: str | os.PathLike[str] | None = None,
        cpu_method: str = "model",
        country: str | None = None,
        labels: dict[str, str] | None = None,
        **tags: str | None,
    ) -> None:
        settings = settings_from(
            load_config(here(), os.environ),
            os.environ,
            name="codecarbon",
            out=Path(out) if out is not None else None,
            tags=tags,
            labels=labels or {},
            solution=None,
            outcome=None,
            work={},
            budget=None,
            on_breach="warn",
            place=Place(country=country),
            ledger=ledger,
        )
        if settings.ledger is None and settings.out is None:
            raise UsageError(
                "WattmarkOutput needs to know where to: give a ledger or out=, or set WATTMARK_LEDGER"
            )
        self._delivery = delivery_to(settings.ledger) if settings.ledger else None
        self._folder = settings.out or outbox_of(settings.ledger or "", os.environ)
        asked = Asked(subject=settings.subject, place=settings.place, settings={"cpu_method": cpu_method})
        self._reading = replace(reading_of(asked), host_id=host_id())
        self.problem: str | None = None
        """Why the last run was not written; None when it was."""

    def out(self, total: Any, delta: Any = None) -> None:
        """The whole run until now (``delta``: what came since the last call, of no use here)."""
        self._safely(lambda: self._run(total))

    def live_out(self, total: Any, delta: Any = None) -> None:
        """Nothing while the run goes on: a run file is written when it ends."""

    def task_out(self, data: Sequence[Any], *_: Any) -> None:
        """The run's tasks, as windows of it."""

        def run() -> Run:
            tasks = [(str(one.task_name), self._run(one)) for one in data]
            return joined(tasks, pue_known=self._reading.pue is not None)

        self._safely(run)

    def exit(self) -> None:
        """Wait a while for a delivery under way."""
        if self._delivery is not None:
            self._delivery.finish(AT_END_SECONDS)
            self.problem = self.problem or self._delivery.problem

    def _run(self, emissions: Any) -> Run:
        row = {name: "" if value is None else str(value) for name, value in emissions.values.items()}
        if "pue" in row:  # rows of tasks leave it out, and come after their total
            self._reading = replace(self._reading, pue=float(row["pue"]))
        zone = datetime.now().astimezone().tzinfo
        run, _ = run_of(row, replace(self._reading, zone=zone or self._reading.zone))
        return run

    def _safely(self, make: Callable[[], Run]) -> None:
        try:
            run = make()
            path = Folder(self._folder).write(run)
            if self._delivery is not None:
                self._delivery(path)
        except EvidenceError as error:
            self._tell(str(error))
        except Exception as error:  # noqa: BLE001 - a training must not end because CodeCarbon has changed
            self._tell(f"{type(error).__name__}: {error}")
        else:
            self.problem = None

    def _tell(self, problem: str) -> None:
        self.problem = problem
        log.warning("no run was written for CodeCarbon's tracker: %s", problem)
