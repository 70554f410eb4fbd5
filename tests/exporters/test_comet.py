"""Comet through its real offline mode: what the archive for `comet upload` holds is read back.

Each in a process of its own: ``comet_ml`` changes other libraries for good as it is imported.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.exporters.tracked_runs import a_tracked_run
from wattmark.core.errors import UsageError
from wattmark.exporters.comet import Comet
from wattmark.measure.spool import document_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("comet_ml") is None, reason="comet_ml is not installed"),
]
ROOT = Path(__file__).parent.parent.parent
BEGIN = """
    import sys
    from tests.exporters.tracked_runs import a_tracked_run
    from wattmark.config import Config
    from wattmark.exporters.comet import open_export
    from wattmark.measure.spool import document_of
    from wattmark.wiring.trackers import teach
    run = a_tracked_run()
    document = document_of(run)
"""
FOLLOWED = """
    hook = sys.excepthook
    tracker = open_export("lab/green", 3600.0)
    assert "comet_ml" not in sys.modules
    teach(tracker, Config())
    tracker.show(run)
    assert tracker.conclude(run, document) is None
    assert sys.excepthook is hook
"""


class Archive:
    """The one archive that an offline experiment left."""

    def __init__(self, folder: Path) -> None:
        (path,) = folder.glob("*.zip")
        self._zip = zipfile.ZipFile(path)
        self.about = json.loads(self._zip.read("experiment.json"))
        lines = self._zip.read("messages.json").decode().splitlines()
        self.messages: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def metrics(self) -> dict[str, list[tuple[int | None, float]]]:
        found: dict[str, list[tuple[int | None, float]]] = {}
        for payload in self._of("metric_msg"):
            metric = payload["metric"]
            found.setdefault(metric["metricName"], []).append((metric["step"], metric["metricValue"]))
        return found

    def others(self) -> dict[str, Any]:
        return {payload["key"]: payload["value"] for payload in self._of("log_other")}

    def assets(self) -> dict[str, tuple[bytes, dict[str, str]]]:
        return {
            p["additional_params"]["fileName"]: (self._zip.read(p["file_path"]), p["metadata"] or {})
            for p in self._of("file_upload")
        }

    def html(self) -> list[str]:
        return [payload["html"] for payload in self._of("html")]

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [m["payload"] for m in self.messages if m["type"] == kind]


def ran(code: str, folder: Path) -> Archive:
    """Run a program with Comet offline, and read what it left."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("COMET")}
    environ |= {"COMET_OFFLINE_DIRECTORY": str(folder), "HOME": str(folder)}
    whole = textwrap.dedent(BEGIN) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", whole], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Archive(folder)


def test_metrics_words_table_report_and_files_are_in_the_archive(tmp_path: Path) -> None:
    """90 J at step 10, 2.5e-5 kWh, grade B; carbon is words without a grid; the run file has its digest."""
    found = ran(FOLLOWED, tmp_path)
    assert (found.about["workspace"], found.about["project_name"]) == ("lab", "green")
    metrics, others, assets = found.metrics(), found.others(), found.assets()
    assert metrics["wattmark/energy_joules"][0] == (10, 90.0)
    assert metrics["wattmark/power_watts"] == [(10, 12.0)]
    assert metrics["wattmark/energy_to_solution"][0][1] == pytest.approx(2.5e-5)
    assert others["wattmark/energy_to_solution.grade"] == "B"
    assert "wattmark/carbon_to_solution" not in metrics
    assert "grid intensity" in others["wattmark/carbon_to_solution.missing"]
    assert others["Name"].startswith("sorter 2")
    table, _ = assets["wattmark-kpis.csv"]
    assert b"energy_to_solution,Energy-to-Solution,2.49999" in table
    document = document_of(a_tracked_run())
    (kept,) = [(d, m) for name, (d, m) in assets.items() if name.endswith(".run.json")]
    assert kept[0] == document
    assert kept[1]["sha256"] == hashlib.sha256(document).hexdigest()
    assert "<html" in found.html()[0]


def test_an_experiment_of_ours_tells_nothing_of_machine_and_program(tmp_path: Path) -> None:
    """Code, arguments, installed packages, git and host are all left out."""
    kinds = {m["type"] for m in ran(FOLLOWED, tmp_path).messages}
    assert not kinds & {"system_details", "os_packages", "installed_packages", "git_metadata", "file_name"}


def test_an_experiment_of_the_program_is_joined_and_goes_on(tmp_path: Path) -> None:
    """Its steps are its own, and it is not ended by us."""
    code = """
    import comet_ml
    theirs = comet_ml.OfflineExperiment(project_name="theirs", log_env_details=False, log_code=False)
    theirs.log_metric("loss", 0.5, step=3)
    tracker = open_export("ignored", 3600.0)
    assert tracker.joined
    teach(tracker, Config())
    tracker.show(run)
    assert tracker.conclude(run, document) is None
    theirs.log_metric("loss", 0.4, step=4)
    theirs.end()
    """
    found = ran(code, tmp_path)
    assert found.metrics()["loss"] == [(3, 0.5), (4, 0.4)]
    assert found.metrics()["wattmark/energy_joules"][0] == (3, 90.0)
    assert found.about["project_name"] == "theirs"


@pytest.mark.parametrize("target", ["", "a/b/c", "lab/"])
def test_what_is_no_project_is_refused(target: str) -> None:
    """Before anything is measured."""
    with pytest.raises(UsageError, match="is no project"):
        Comet(target, 1.0)
