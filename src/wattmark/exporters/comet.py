"""Comet: live metrics, KPIs as its "other" values, a table, the report as HTML, and files with their digest.

An experiment that the program runs already is joined; else one of our own is made. Without an API key it is
kept on disk for ``comet upload``. ``comet_ml`` changes other libraries as it is imported: it is imported only
when it was asked for, in the exporter's own thread, and everything that it would take by itself is off.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import io
import json
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.tracked import PREFIX, Conclusion
from wattmark.exporters.tracker import Tracker

TABLE_FILE = "wattmark-kpis.csv"
COLUMNS = ["kpi", "title", "value", "unit", "low", "high", "grade", "remark"]
OFFLINE_FOLDER = "COMET_OFFLINE_DIRECTORY"
"""Comet's own variable."""
_QUIET: Mapping[str, Any] = {
    "log_code": False,
    "log_graph": False,
    "auto_param_logging": False,
    "auto_metric_logging": False,
    "auto_output_logging": False,
    "parse_args": False,
    "log_env_details": False,
    "log_env_gpu": False,
    "log_env_cpu": False,
    "log_env_host": False,
    "log_env_network": False,
    "log_env_disk": False,
    "log_git_metadata": False,
    "log_git_patch": False,
    "display_summary_level": 0,
}
"""An experiment of ours tells nothing of the program, its arguments or the machine."""


class Comet(Tracker):
    """One Comet experiment. Raises UsageError for a target that cannot be meant, MissingExtra without it."""

    name = "comet"

    def __init__(self, target: str, period_seconds: float, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(period_seconds)
        workspace, _, project = target.strip().rpartition("/")
        if not project or "/" in workspace:
            raise UsageError(f"comet:{target} is no project: write comet:PROJECT or comet:WORKSPACE/PROJECT")
        if importlib.util.find_spec("comet_ml") is None:
            raise MissingExtra("export comet", "comet")
        self._workspace, self._project, self._environ = workspace or None, project, environ
        self._joined = _running()
        self._experiment: Any = None

    @property
    def joined(self) -> bool:
        """Whether it is somebody else's experiment."""
        return self._joined is not None

    def open(self, title: str, tags: dict[str, str]) -> None:
        """Join the experiment that is there, or begin one."""
        self._experiment = self._joined if self._joined is not None else self._begun(title)
        for tag, value in tags.items():
            self._experiment.log_other(f"{PREFIX}tag.{tag}", value)

    def log(self, numbers: dict[str, float], elapsed_seconds: float) -> None:
        """One point; the step of an experiment of ours is whole elapsed seconds, of others it is theirs."""
        step = None if self.joined else int(elapsed_seconds)
        for name, value in numbers.items():
            self._experiment.log_metric(name, value, step=step)

    def tell(self, conclusion: Conclusion) -> None:
        """KPIs as metrics that can be sorted by and words beside them, then table, report, files."""
        for name, value in conclusion.numbers.items():
            self._experiment.log_metric(name, value)
        for name, text in conclusion.words.items():
            self._experiment.log_other(name, text)
        self._asset(TABLE_FILE, _table(conclusion).encode(), {})
        if conclusion.report:
            self._experiment.log_html(conclusion.report)
        for file in conclusion.files:
            self._asset(file.name, file.data, {"kind": f"wattmark-{file.kind}", "sha256": file.sha256})

    def close(self) -> None:
        """End an experiment of ours; somebody else's goes on."""
        experiment, self._experiment = self._experiment, None
        if not self.joined:
            experiment.end()

    def _asset(self, name: str, data: bytes, metadata: dict[str, str]) -> None:
        # Comet's artifacts are for online experiments only; an asset is the same in both.
        self._experiment.log_asset(io.BytesIO(data), file_name=name, metadata=metadata or None)

    def _begun(self, title: str) -> Any:
        hook = sys.excepthook
        ours = "comet_ml" not in sys.modules
        comet_ml: Any = importlib.import_module("comet_ml")
        for handler in logging.getLogger("comet_ml").handlers if ours else ():
            handler.setLevel(logging.ERROR)  # nothing of ours is printed into other people's programs
        online = self._environ.get("COMET_API_KEY") or comet_ml.get_config("comet.api_key")
        asked = {"project_name": self._project, "workspace": self._workspace, **_QUIET}
        if online and not self._environ.get(OFFLINE_FOLDER):
            made = comet_ml.Experiment(**asked)
        else:
            made = comet_ml.OfflineExperiment(**asked)  # in Comet's own folder, or where its variable says
        sys.excepthook = hook  # how the program ends is its own affair
        made.set_name(title)
        return made


def _running() -> Any:
    """The experiment that the program runs; comet_ml is not imported to find out."""
    loaded = sys.modules.get("comet_ml")
    find = getattr(loaded, "get_running_experiment", None) or getattr(loaded, "get_global_experiment", None)
    return find() if find is not None else None


def _table(conclusion: Conclusion) -> str:
    """The KPIs as CSV; what is not known is an empty cell, and the remark says why."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(COLUMNS)
    for x in conclusion.lines:
        writer.writerow(
            [x.id, x.title, _cell(x.value), x.unit, _cell(x.low), _cell(x.high), x.grade, x.remark]
        )
    return held.getvalue()


def _cell(value: float | None) -> str:
    return "" if value is None else json.dumps(value)


def open_export(target: str, period_seconds: float) -> Comet:
    """``comet:PROJECT`` or ``comet:WORKSPACE/PROJECT``."""
    return Comet(target, period_seconds)
