"""CodeCarbon's tracker hands its runs over: rows as real versions gave them, and real trackers."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sysconfig
import venv
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.known import Grade
from wattmark.core.run import Run
from wattmark.ledger.runfile import read_run
from wattmark.measure.host import host_id

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "tests" / "sources" / "files"
PACKAGES = ROOT / "tests" / "fakes" / "packages"


class Emissions:
    """A row as CodeCarbon gives it to its outputs."""

    def __init__(self, row: dict[str, str]) -> None:
        self.task_name = row.get("task_name")
        self.values = OrderedDict((k, v or None) for k, v in row.items())


def rows(name: str) -> list[Emissions]:
    with open(FILES / name, newline="") as file:
        return [Emissions(row) for row in csv.DictReader(file)]


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The class, with CodeCarbon itself or a stand-in for its base class."""
    if importlib.util.find_spec("codecarbon") is None:
        monkeypatch.syspath_prepend(PACKAGES)
    for name in ("WATTMARK_LEDGER", "WATTMARK_OUT", "WATTMARK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    from wattmark.integrations.codecarbon import WattmarkOutput

    return WattmarkOutput


def runs_in(folder: Path) -> list[Run]:
    return [read_run(p) for p in sorted(folder.rglob("*.run.json"))]


def test_a_run_is_written_as_it_ends(output: Any, tmp_path: Path) -> None:
    """With this machine, its tags, and what the row states; nothing has to be asked."""
    handler = output(out=tmp_path / "runs", team="vision", labels={"rack": "7"})
    handler.out(rows("codecarbon-3.3.2.csv")[0], None)
    (run,) = runs_in(tmp_path / "runs")
    assert run.host.id == host_id()
    assert (run.subject.team, run.subject.project, dict(run.subject.labels)) == (
        "vision",
        "vision",
        {"rack": "7"},
    )
    assert sum(r.energy_joules for r in run.energies) == pytest.approx(83.78, abs=0.01)
    assert handler.problem is None


def test_older_versions_give_one_argument(output: Any, tmp_path: Path) -> None:
    """Until 2.3 ``out`` is called with the row alone."""
    handler = output(out=tmp_path / "runs")
    handler.out(rows("codecarbon-2.0.0.csv")[0])
    assert len(runs_in(tmp_path / "runs")) == 1


def test_a_flushed_run_is_superseded(output: Any, tmp_path: Path) -> None:
    """Two rows of one run: the longer one stays, in whatever order they come."""
    shorter, longer = rows("codecarbon-3.3.2.csv")[2:4]
    for first, second in ((shorter, longer), (longer, shorter)):
        handler = output(out=tmp_path / "runs")
        handler.out(first, None)
        handler.out(second, None)
        (run,) = runs_in(tmp_path / "runs")
        assert run.duration_seconds == pytest.approx(5.0, abs=0.1)


def test_tasks_are_windows_and_share_the_pue(output: Any, tmp_path: Path) -> None:
    """Rows of tasks do not state the PUE; the total that came before them does."""
    handler = output(out=tmp_path / "runs")
    total = rows("codecarbon-3.3.2.csv")[-1]
    handler.out(total, None)
    handler.task_out(rows("codecarbon-3.3.2-tasks.csv"), "base")
    (run,) = runs_in(tmp_path / "runs")
    assert [w.name for w in run.windows] == ["load", "train"]
    stated = float(total.values["energy_consumed"]) * 3.6e6 / 1.25
    assert sum(r.energy_joules for r in run.energies) == pytest.approx(stated, rel=1e-3)


def test_a_ledger_gets_it_at_once(output: Any, tmp_path: Path) -> None:
    """Through the outbox, which is empty afterwards."""
    pytest.importorskip("pyarrow")
    handler = output(str(tmp_path / "ledger"))
    handler.out(rows("codecarbon-3.3.2.csv")[0], None)
    handler.exit()
    assert len(runs_in(tmp_path / "ledger" / "inbox")) == 1
    assert runs_in(tmp_path / "home") == []
    assert handler.problem is None


def test_what_cannot_be_delivered_waits(output: Any, tmp_path: Path) -> None:
    """The ledger's disk is not there: the run stays on this machine, and the handler says so."""
    handler = output(str(tmp_path / "nowhere" / "ledger"))
    handler.out(rows("codecarbon-3.3.2.csv")[0], None)
    handler.exit()
    assert len(runs_in(tmp_path / "home")) == 1
    assert "is not there" in handler.problem


def test_it_never_raises(output: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A row that cannot be, a full disk, a changed CodeCarbon: it is told, and the training goes on."""
    (tmp_path / "file").write_text("")
    handler = output(out=tmp_path / "file" / "runs")
    handler.out(rows("codecarbon-3.3.2.csv")[0], None)
    assert "cannot be written" in handler.problem
    handler = output(out=tmp_path / "runs")
    handler.out(object(), None)
    assert "AttributeError" in handler.problem
    handler.live_out(object(), object())
    assert "no run was written" in caplog.text
    handler.out(rows("codecarbon-3.3.2.csv")[0], None)
    assert handler.problem is None


def test_it_asks_where_to(output: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the training begins; the environment may say it."""
    with pytest.raises(UsageError, match="WATTMARK_LEDGER"):
        output()
    monkeypatch.setenv("WATTMARK_OUT", str(tmp_path / "there"))
    output(cpu_method="rapl").out(rows("codecarbon-3.3.2.csv")[0], None)
    (run,) = runs_in(tmp_path / "there")
    assert run.energies[0].grade is Grade.B


PROGRAM = """
import time
from codecarbon import OfflineEmissionsTracker
from wattmark.integrations.codecarbon import WattmarkOutput

output = WattmarkOutput(out="runs", team="vision")
try:
    tracker = OfflineEmissionsTracker(country_iso_code="FRA", output_handlers=[output], measure_power_secs=1)
except TypeError:
    tracker = OfflineEmissionsTracker(country_iso_code="FRA", measure_power_secs=1)
    tracker.persistence_objs.append(output)
tracker.start()
end = time.monotonic() + 2
while time.monotonic() < end:
    sum(i * i for i in range(1000))
tracker.stop()
assert output.problem is None, output.problem
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("version", ["2.8.4", "3.3.2"])
def test_real_trackers_hand_their_runs_over(version: str, tmp_path: Path) -> None:
    """CodeCarbon itself, in an environment of its own: its file and our run say the same."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [python, "-m", "pip", "install", "-q", f"codecarbon=={version}"]
    try:
        made = subprocess.run(install, capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"codecarbon {version} cannot be installed here: it is not here after ten minutes")
    if made.returncode != 0:
        pytest.skip(f"codecarbon {version} cannot be installed here: {made.stderr.strip()[-200:]}")
    path = os.pathsep.join([str(ROOT / "src"), sysconfig.get_paths()["purelib"]])
    environ = {
        **os.environ,
        "PYTHONPATH": path,
        "WATTMARK_HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path),  # there 2.8 keeps a lock: one that a killed tracker left ends every other
    }
    command = [python, "-c", PROGRAM]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=250, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    (run,) = runs_in(tmp_path / "runs")
    with open(tmp_path / "emissions.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert sum(r.energy_joules for r in run.energies) == pytest.approx(float(row["energy_consumed"]) * 3.6e6)
    assert run.subject.team == "vision"
