"""MLflow: energy, power and carbon while a run goes on; then its KPIs, tags, run file and report.

A run of MLflow that there is already is joined: the one that the target names, that of MLFLOW_RUN_ID, or the
one that is active in this program. Else one of our own is made, and ended with the run. What the server does
not take waits in a queue of a bounded length; nothing waits in the program that is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wattmark.core.errors import DeliveryError, UsageError
from wattmark.core.run import Run, Status
from wattmark.core.tracked import (
    AS_ONE,
    CARBON,
    ELAPSED,
    LEAST_STRETCH_SECONDS,
    PREFIX,
    RECORD_ID,
    Conclusion,
)
from wattmark.exporters.mlflow_server import (
    COUNTED_IN,
    EXPERIMENT,
    EXPERIMENT_ID,
    FOLDER,
    RUN_ID,
    URI,
    Point,
    Server,
    open_server,
)
from wattmark.exporters.tracker import Tracker

HERE = "env"
"""As a target: wherever MLflow itself would log to."""
CARBON_RATE = f"{PREFIX}carbon_gco2e_per_hour"
DEFAULT_EXPERIMENT = "0"
"""Id of MLflow's default experiment."""
MOST_QUEUED = 20_000
"""Values that wait for a server that does not answer; the oldest go first."""
CONCLUDE_SECONDS = 20.0
IN_TABLE = ("unit", "grade", "boundary")
"""Words about a single figure that are no tags: ``kpis.json`` has them for each KPI."""
KPI_FILE = "kpis.json"
Opener = Callable[[str, Mapping[str, str]], Server]


def quick_server(uri: str, environ: Mapping[str, str]) -> Server:
    """A server that is not waited for."""
    return open_server(uri, environ, quick=True)


class Mlflow(Tracker):
    """One run of MLflow. Raises UsageError for a target that cannot be meant, MissingExtra."""

    name = "mlflow"
    wait_seconds = CONCLUDE_SECONDS

    def __init__(
        self,
        target: str,
        period_seconds: float,
        environ: Mapping[str, str] = os.environ,
        opener: Opener = quick_server,
        now: Callable[[], float] = time.time,
        loaded: Mapping[str, Any] = sys.modules,
    ) -> None:
        super().__init__(period_seconds)
        uri, _, run_id = target.partition("#")
        here = _active(loaded.get("mlflow"))
        self._uri = (here[0] or environ.get(URI, "")) if uri == HERE else uri
        if not self._uri:
            raise UsageError(f"mlflow:{target}: set {URI}, or write mlflow:http://HOST:5000")
        same = self._uri.rstrip("/") == here[0].rstrip("/")
        self._run_id = run_id or environ.get(RUN_ID, "") or (here[1] if same else "")
        self._joined = bool(self._run_id)
        self._environ = dict(environ)
        self._server: Server = opener(self._uri, self._environ)
        self._now = now
        self._title, self._tags = "", dict[str, str]()
        self._waiting: deque[Point] = deque(maxlen=MOST_QUEUED)
        self._lost = 0
        self._status = "FINISHED"
        self._last: tuple[float, float] | None = None

    @property
    def run_id(self) -> str:
        """Of the run in MLflow; empty as long as there is none."""
        return self._run_id

    def open(self, title: str, tags: dict[str, str]) -> None:
        """Nothing yet: the server is asked when there is something to log, and again if it was down."""
        self._title, self._tags = title, tags

    def log(self, numbers: dict[str, float], elapsed_seconds: float) -> None:
        """Log numbers, and those that were not taken before. Raises DeliveryError; they are kept then."""
        at, step = round(self._now() * 1000), int(elapsed_seconds)
        found = {**numbers, **self._carbon_rate(numbers, elapsed_seconds)}
        found.pop(ELAPSED, None)  # every value has its time in MLflow
        self._lost += max(0, len(self._waiting) + len(found) - MOST_QUEUED)
        self._waiting.extend(Point(name, value, at, step) for name, value in found.items())
        self._flush()

    def tell(self, conclusion: Conclusion) -> None:
        """KPIs as metrics beside the program's own; what is missing, and how all is known, as tags; files."""
        self._flush()
        at = round(self._now() * 1000)
        points = [Point(dotted(name), value, at) for name, value in conclusion.numbers.items()]
        self._server.log(self._attached(), points, tags_of_conclusion(conclusion))
        if self._joined:  # it may have been told before that a figure was missing, which is there now
            lacked = [f"{point.name}.missing" for point in points]
            lacked += [] if AS_ONE in conclusion.words else [dotted(AS_ONE)]
            self._server.untag(self._attached(), sorted({*lacked} & {*self._server.run(self._run_id).tags}))
        for file in conclusion.files:
            self._server.keep(self._attached(), f"{FOLDER}/{file.name}", file.data)
        self._server.keep(self._attached(), f"{FOLDER}/{KPI_FILE}", _table(conclusion))

    def earlier(self, run: Run, document: bytes) -> Sequence[bytes]:
        """The run files of the records that a resumed run names already. Raises DeliveryError.

        Where one cannot be read, what all of them came to is not known: only this part's file is kept.
        """
        tags = self._server.run(self._run_id).tags if self._joined else {}
        named = "" if COUNTED_IN in tags else tags.get(dotted(RECORD_ID), "")  # else it is another's evidence
        before = [word for each in named.split(",") if (word := each.strip()) not in ("", run.record_id)]
        try:
            return [self._server.fetch(self._run_id, _kept(record)) for record in before]
        except DeliveryError as error:
            self._server.keep(self._run_id, _kept(run.record_id), document)
            raise DeliveryError(
                self._server.place,
                f"run {self._run_id} was resumed, and the run file of its earlier part cannot be read "
                f"({error.problem}), so what all of it came to is not told: `wattmark mlflow log FILES "
                f"--as-one --run-id {self._run_id}` tells it",
            ) from None

    def close(self) -> None:
        """End a run of ours; somebody else's goes on."""
        if self._run_id and not self._joined:
            self._server.end_run(self._run_id, self._status, round(self._now() * 1000))

    def withdraw(self, run: Run) -> None:
        """A run that is given up is over in MLflow as well."""
        if run.status is Status.OPEN:
            self._status = "KILLED"
            self.close()

    def conclude(self, run: Run, document: bytes) -> str | None:
        """As for every tracker; a run that failed has failed in MLflow too."""
        if run.status is Status.INTERRUPTED:
            self._status = "KILLED"
        elif run.failed or run.exit_code:
            self._status = "FAILED"
        return super().conclude(run, document)

    def _flush(self) -> None:
        """Send what waits; what was not taken stays. Raises DeliveryError."""
        if not self._waiting:
            return
        points = list(self._waiting)
        self._server.log(self._attached(), points, {})
        for _ in points:
            self._waiting.popleft()
        self._problem = f"{self._lost} values were lost while the server was away" if self._lost else None

    def _attached(self) -> str:
        """The run's id; the first time a run is made where there is none to join."""
        if not self._run_id:
            said = {dotted(PREFIX + key): value for key, value in self._tags.items()}
            start = round(self._now() * 1000)
            self._run_id = self._server.create_run(self._experiment(), self._title, start, said)
        return self._run_id

    def _experiment(self) -> str:
        if self._environ.get(EXPERIMENT_ID):
            return self._environ[EXPERIMENT_ID]
        name = self._environ.get(EXPERIMENT)
        return self._server.experiment(name) if name else DEFAULT_EXPERIMENT

    def _carbon_rate(self, numbers: Mapping[str, float], elapsed: float) -> dict[str, float]:
        """Grams per hour since the look before, where carbon is known; none a moment after that look."""
        carbon, before = numbers.get(PREFIX + CARBON), self._last
        if carbon is not None and before is not None and elapsed - before[0] < LEAST_STRETCH_SECONDS:
            return {}
        self._last = None if carbon is None else (elapsed, carbon)
        if carbon is None or before is None:
            return {}
        return {CARBON_RATE: (carbon - before[1]) / (elapsed - before[0]) * 3600.0}


def _kept(record_id: str) -> str:
    return f"{FOLDER}/{record_id}.run.json"


def dotted(name: str) -> str:
    """Names of results as MLflow's own tags are written: ``wattmark.energy_to_solution``."""
    return f"wattmark.{name.removeprefix(PREFIX)}"


def tags_of_conclusion(conclusion: Conclusion) -> dict[str, str]:
    """What is said of the whole, and why a KPI has no figure; units and grades of each are in a file."""
    return {
        dotted(name): text
        for name, text in conclusion.words.items()
        if "." not in name or name.rpartition(".")[2] not in IN_TABLE
    }


def _table(conclusion: Conclusion) -> bytes:
    rows = [
        {
            "id": line.id,
            "title": line.title,
            "value": line.value,
            "unit": line.unit,
            "low": line.low,
            "high": line.high,
            "grade": line.grade,
            "remark": line.remark,
        }
        for line in conclusion.lines
    ]
    return (json.dumps({"record_ids": list(conclusion.record_ids), "kpis": rows}, indent=1) + "\n").encode()


def _active(mlflow: Any) -> tuple[str, str]:
    """Where MLflow logs to in this thread, and the run that is active; empty where it was never imported."""
    if mlflow is None:
        return "", ""
    try:
        active = mlflow.active_run()
        return str(mlflow.get_tracking_uri()), "" if active is None else str(active.info.run_id)
    except Exception:  # noqa: BLE001 - a half imported or strange MLflow is as good as none
        return "", ""


def open_export(target: str, period_seconds: float) -> Mlflow:
    """``mlflow:http://HOST:5000``, ``mlflow:URI#RUN_ID``, or ``mlflow:env``."""
    return Mlflow(target, period_seconds)
