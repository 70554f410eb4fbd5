"""``wattmark dvc check``, and a real DVC repository whose stages wattmark measures."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import a_run
from tests.cli.running import kept, verb
from wattmark.cli.dvc import check
from wattmark.core.run import Dataset, Subject
from wattmark.datasets.dvc import dvc_md5

pytest.importorskip("yaml")
ROOT = Path(__file__).parent.parent.parent
LOCK = """
schema: '2.0'
stages:
  train:
    deps:
    - path: data
      hash: md5
      md5: aa.dir
  other:
    cmd: x
"""

PIPELINE = """
stages:
  prepare:
    cmd: wattmark measure -q --meter model --dataset data --metrics prepare.json -- python prepare.py
    deps: [prepare.py, data]
    outs: [prepared]
    metrics: [prepare.json: {cache: false}]
  train:
    cmd: >-
      wattmark measure -q --meter model --period 0.2 --dataset prepared --solution sorter --country FRA
      --outcome "accuracy>=0.95" --quality-from scores.json:accuracy
      --metrics energy.json --plots energy.csv -- python train.py
    deps: [train.py, prepared]
    params: [rounds, broken]
    metrics:
      - energy.json: {cache: false}
      - scores.json: {cache: false}
    plots:
      - energy.csv: {cache: false, x: seconds, y: watts}
"""
PREPARE = "import shutil; shutil.copytree('data', 'prepared', dirs_exist_ok=True)\n"
TRAIN = """
import json, sys
told = dict(line.split(": ") for line in open("params.yaml").read().split("\\n") if line)
for _ in range(int(told["rounds"])):
    sum(range(100_000))
json.dump({"accuracy": 0.96}, open("scores.json", "w"))
sys.exit(told["broken"] == "true")
"""


def a_stage_run(folder: Path, md5: str | None) -> None:
    """A run file of the stage `train`."""
    subject = Subject(labels={"dvc_stage": "train"})
    kept(folder, replace(a_run(), subject=subject, dataset=Dataset(name="corpus", dvc_md5=md5)), "a")


@pytest.mark.parametrize(("md5", "code"), [("aa.dir", 0), ("bb.dir", 1), (None, 3)])
def test_the_exit_code_says_whether_it_was_the_same_data(tmp_path: Path, md5: str | None, code: int) -> None:
    """A stage that nobody measured is told, and counts only with --all."""
    a_stage_run(tmp_path, md5)
    (tmp_path / "dvc.lock").write_text(LOCK)
    done = verb(check, tmp_path, "--lock", tmp_path / "dvc.lock")
    assert done.return_value == code
    assert "no run carries its name" in done.stdout
    assert verb(check, tmp_path, "--lock", tmp_path / "dvc.lock", "--all").return_value == (code or 3)


def test_json_has_one_entry_per_stage(tmp_path: Path) -> None:
    """Schema ``wattmark.dvc-check``, version 1."""
    a_stage_run(tmp_path, "aa.dir")
    (tmp_path / "dvc.lock").write_text(LOCK)
    told = json.loads(verb(check, tmp_path, "--lock", tmp_path / "dvc.lock", "--json").stdout)
    assert (told["schema"], told["schema_version"]) == ("wattmark.dvc-check", 1)
    assert set(told) == {"schema", "schema_version", "lock", "stages"}
    assert [(s["stage"], s["match"]) for s in told["stages"]] == [
        ("train", "same"),
        ("other", "not measured"),
    ]
    assert told["stages"][0]["path"] == "data"


def real_dvc() -> Path | None:
    """The interpreter that has DVC; None where nobody installed it."""
    spec = importlib.util.spec_from_file_location("install_engines", ROOT / "scripts" / "install_engines.py")
    assert spec is not None
    assert spec.loader is not None
    scripts = importlib.util.module_from_spec(spec)
    sys.modules["install_engines"] = scripts
    spec.loader.exec_module(scripts)
    found: Path | None = scripts.python_of("dvc")
    return found


class Repository:
    """A Git repository with DVC in it."""

    def __init__(self, folder: Path, dvc: Path) -> None:
        self.folder, self._dvc = folder, dvc
        programs = [str(Path(sys.executable).parent), str(dvc.parent), os.environ["PATH"]]
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("WATTMARK", "DVC"))},
            "PATH": os.pathsep.join(programs),
            "DVC_NO_ANALYTICS": "1",
            "HOME": str(folder.parent),
        }
        for command in ("init -q", "config user.email a@example.org", "config user.name a"):
            self.run("git", *command.split())
        self.dvc("init", "-q")
        (folder / "data" / "more").mkdir(parents=True)
        (folder / "data" / "one.csv").write_bytes(b"x,y\r\n1,2\r\n")
        (folder / "data" / "more" / "\u00e9.csv").write_text("x,y\n3,4\n")
        (folder / "prepare.py").write_text(PREPARE)
        (folder / "train.py").write_text(TRAIN)
        (folder / "dvc.yaml").write_text(PIPELINE)
        (folder / ".gitignore").write_text("/wattmark-runs\n/prepared\n")
        self.params(rounds=100)

    def params(self, rounds: int, broken: bool = False) -> None:
        text = f"rounds: {rounds}\nbroken: {'true' if broken else 'false'}\n"
        (self.folder / "params.yaml").write_text(text)

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self._environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def dvc(self, *arguments: str, code: int = 0) -> str:
        return self.run(str(self._dvc.parent / "dvc"), *arguments, code=code)

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", "x")

    def metrics(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / "energy.json").read_text())
        return found

    @property
    def measured(self) -> int:
        """How often something was measured."""
        return len(list((self.folder / "wattmark-runs").glob("*.run.json")))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two stages, run once and committed."""
    dvc = real_dvc()
    if dvc is None:
        pytest.skip("DVC is not installed: scripts/install_engines.py dvc")
    folder = tmp_path / "repository"
    folder.mkdir()
    made = Repository(folder, dvc)
    made.dvc("repro")
    made.commit()
    return made


@pytest.mark.slow
def test_dvc_metrics_diff_shows_energy_before_and_after(repository: Repository) -> None:
    """Ten times the work: another measurement, more energy; the first stage is not measured again."""
    before = repository.metrics()
    repository.params(rounds=1000)
    repository.dvc("repro")
    after = repository.metrics()
    assert repository.measured == 3
    told = json.loads(repository.dvc("metrics", "diff", "--json"))["energy.json"]
    assert told["energy_joules"]["old"] == before["energy_joules"]
    assert told["energy_joules"]["new"] == after["energy_joules"]
    assert told["energy_joules"]["diff"] > 0
    assert told["record_id"]["old"] != told["record_id"]["new"]
    shown = repository.dvc("plots", "show", "--json", "energy.csv")
    assert "watts" in shown


@pytest.mark.slow
def test_the_data_of_a_stage_is_what_dvc_says_it_is(repository: Repository) -> None:
    """Ours is DVC's hash of the folder, line ends and accents included; changed data is other data."""
    lock = (repository.folder / "dvc.lock").read_text()
    assert dvc_md5(repository.folder / "data") in lock
    told = json.loads(repository.run("wattmark", "dvc", "check", "--json"))
    assert {(s["stage"], s["match"], s["path"]) for s in told["stages"]} == {
        ("prepare", "same", "data"),
        ("train", "same", "prepared"),
    }
    (repository.folder / "data" / "one.csv").write_text("x,y\n5,6\n")
    text = (repository.folder / "dvc.yaml").read_text()
    measured = "wattmark measure -q --meter model --dataset data --metrics prepare.json -- python prepare.py"
    unmeasured = text.replace(measured, "python prepare.py").replace(" [prepare.json: {cache: false}]", " []")
    (repository.folder / "dvc.yaml").write_text(unmeasured)
    repository.dvc("repro", "prepare")
    assert "measured on data" in repository.run("wattmark", "dvc", "check", code=1)


@pytest.mark.slow
def test_a_stage_from_the_cache_brings_no_new_energy(repository: Repository) -> None:
    """DVC restores the file of the run that happened: same record, same moment, no new run file."""
    before = repository.metrics()
    repository.params(rounds=200)
    repository.dvc("repro")
    repository.params(rounds=100)
    repository.dvc("repro")
    assert repository.measured == 3
    assert repository.metrics() == before
    assert json.loads(repository.dvc("metrics", "diff", "--json")) == {}


@pytest.mark.slow
def test_a_stage_that_fails_is_an_attempt_and_its_energy_counts(repository: Repository) -> None:
    """DVC keeps the old lock; the next attempt's Energy-to-Solution is over all three."""
    lock = (repository.folder / "dvc.lock").read_text()
    repository.params(rounds=100, broken=True)
    repository.dvc("repro", code=255)
    failed = repository.metrics()
    assert (failed["failed"], failed["attempts"]) == (True, 2)
    assert (repository.folder / "dvc.lock").read_text() == lock
    repository.params(rounds=150)
    repository.dvc("repro")
    found = repository.metrics()
    joules, kwh = found["energy_joules"], found["energy_to_solution"]
    assert isinstance(joules, float)
    assert isinstance(kwh, float)
    assert (found["failed"], found["attempts"]) == (False, 3)
    assert kwh * 3.6e6 > joules
