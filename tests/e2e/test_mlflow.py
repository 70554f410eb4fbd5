"""A real MLflow server: energy beside accuracy, one line for it all, and a registry that asks for a gate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_row, a_run
from tests.cli.running import verb
from tests.core.stars.results import a_result, quality
from wattmark.bench.results import write_results
from wattmark.cli.gate import command as gate
from wattmark.cli.mlflow_log import command as log_command
from wattmark.cli.mlflow_registry import check, promote, tag
from wattmark.cli.select import command as select
from wattmark.core.baseline import without_plots
from wattmark.core.errors import DeliveryError, EvidenceError
from wattmark.core.figure import Figure
from wattmark.core.given import Given
from wattmark.core.governance.decision import Decision, Side, Standing
from wattmark.core.run import OutcomeGoal, Run, Subject
from wattmark.core.totals import facts_of, latest
from wattmark.exporters.mlflow_server import Point, Server, TrackedRun, open_server
from wattmark.ledger.baselinefile import evidence_hash
from wattmark.ledger.runfile import read_run, run_from
from wattmark.measure.spool import document_of
from wattmark.reports.decision_json import decision_json
from wattmark.sources.catalog import Asked, open_source
from wattmark.testing.decisions import every_standing

mlflow = pytest.importorskip("mlflow", reason="needs the extra 'mlflow'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NOBODY = {"HOME": "/nonexistent"}
NOW = "2026-11-21T09:30:00Z"
"""A day after the decision."""
BUSY = """
import time
def busy(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))
"""


def python(code: str, folder: Path, url: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose MLflow is this server."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "WATTMARK_"))}
    (folder / "wattmark.toml").write_text('[place]\ncountry = "FRA"\n[export]\nperiod_seconds = 0.3\n')
    return subprocess.run(
        [sys.executable, "-c", BUSY + code],
        env={**kept, "MLFLOW_TRACKING_URI": url, **environ},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def server(mlflow_url: str) -> Server:
    return open_server(mlflow_url, NOBODY)


def newest(url: str, experiment: str) -> list[TrackedRun]:
    """The runs of an experiment, the newest first."""
    client = mlflow.MlflowClient(url)
    found = client.get_experiment_by_name(experiment)
    server = open_server(url, NOBODY)
    return [server.run(run.info.run_id) for run in client.search_runs([found.experiment_id])]


def history(url: str, run_id: str, metric: str) -> list[Any]:
    return list(mlflow.MlflowClient(url).get_metric_history(run_id, metric))


def test_energy_stands_beside_accuracy(mlflow_url: str, server: Server, tmp_path: Path) -> None:
    """A run of the program's own is joined: live power, KPIs with their intervals, tags, run file, report."""
    done = python(
        """
import mlflow, wattmark
mlflow.set_experiment("beside")
with mlflow.start_run() as run:
    with wattmark.track(model="sorter", outcome="accuracy>=0.9", export=["mlflow:env"]) as t:
        client, end = mlflow.MlflowClient(), time.monotonic() + 120
        while time.monotonic() < end:  # a busy server takes its time for each point
            busy(0.3)
            if len(client.get_metric_history(run.info.run_id, "wattmark/power_watts")) >= 3:
                break
        t.log(quality={"accuracy": 0.93}, work={"samples": 100})
    mlflow.log_metric("accuracy", 0.93)
""",
        tmp_path,
        mlflow_url,
    )
    assert done.returncode == 0, done.stderr
    (run,) = newest(mlflow_url, "beside")
    assert run.status == "FINISHED"
    assert run.metrics["accuracy"] == 0.93
    low, value, high = (run.metrics[f"wattmark.energy_to_solution{end}"] for end in (".low", "", ".high"))
    assert 0 < low < value < high
    power = history(mlflow_url, run.id, "wattmark/power_watts")
    assert len(power) >= 3
    assert sorted(p.timestamp for p in power) == [p.timestamp for p in power]
    assert history(mlflow_url, run.id, "wattmark/carbon_gco2e_per_hour")
    assert run.tags["wattmark.grade"] in "ABCD"
    assert run.tags["wattmark.coverage"] == "1.0000"
    assert "wattmark.pue" not in run.metrics
    assert "missing: pue" in run.tags["wattmark.pue.missing"]
    record = run.tags["wattmark.record_id"]
    kept = run_from(server.fetch(run.id, f"wattmark/{record}.run.json"), record)
    assert kept.record_id == record
    assert evidence_hash(without_plots((kept,))) == run.tags["wattmark.evidence_sha256"]
    assert b"<html" in server.fetch(run.id, "wattmark/report.html")
    table = json.loads(server.fetch(run.id, "wattmark/kpis.json"))
    assert {k["id"]: k["unit"] for k in table["kpis"]}["energy_to_solution"] == "kWh"


def test_a_measured_command_makes_a_run_that_fails_with_it(mlflow_url: str, tmp_path: Path) -> None:
    """Its exit code stays 7, and the run in MLflow has failed; its energy is there all the same."""
    done = python(
        """
import subprocess, sys
inner = [sys.executable, "-c", "import sys, time; time.sleep(0.5); sys.exit(7)"]
measure = [sys.executable, "-m", "wattmark", "measure", "--export", "mlflow:env", "--model", "m", "--"]
sys.exit(subprocess.run([*measure, *inner]).returncode)
""",
        tmp_path,
        mlflow_url,
        MLFLOW_EXPERIMENT_NAME="command",
    )
    assert done.returncode == 7, done.stderr
    (run,) = newest(mlflow_url, "command")
    assert run.status == "FAILED"
    assert run.metrics["wattmark.energy_joules"] > 0
    assert run.tags["wattmark.model"] == "m"


def test_one_line_measures_every_run(mlflow_url: str, tmp_path: Path) -> None:
    """A nested run is a window of the one around it: its energy is counted there, and only there."""
    done = python(
        """
import mlflow
from wattmark.integrations.mlflow import autolog
autolog(model="sorter")
mlflow.set_experiment("one line")
with mlflow.start_run(run_name="parent"):
    busy(0.6)
    with mlflow.start_run(run_name="child", nested=True):
        busy(0.6)
try:
    with mlflow.start_run(run_name="broken"):
        busy(0.3)
        raise ValueError("diverged")
except ValueError:
    pass
mlflow.start_run(run_name="never ended")
busy(0.3)
""",
        tmp_path,
        mlflow_url,
    )
    assert done.returncode == 0, done.stderr
    runs = {run.name: run for run in newest(mlflow_url, "one line")}
    parent, child = runs["parent"], runs["child"]
    assert child.tags["wattmark.counted_in"] == parent.id
    assert child.tags["wattmark.record_id"] == parent.tags["wattmark.record_id"]
    assert "wattmark.energy_joules" not in child.metrics
    assert 0 < child.metrics["wattmark.window_energy_joules"] < parent.metrics["wattmark.energy_joules"]
    assert runs["broken"].status == "FAILED"
    server = open_server(mlflow_url, NOBODY)
    for name, failed in (("parent", False), ("broken", True)):
        record = runs[name].tags["wattmark.record_id"]
        kept = run_from(server.fetch(runs[name].id, f"wattmark/{record}.run.json"), record)
        assert kept.failed is failed
        assert kept.subject.model == "sorter"
    assert runs["never ended"].metrics["wattmark.energy_joules"] > 0


def test_a_run_that_is_resumed_is_told_as_a_whole(mlflow_url: str, tmp_path: Path) -> None:
    """A training that was cut off, and goes on: its energy is that of both parts, and so is its evidence."""
    done = python(
        """
import mlflow
from wattmark.integrations.mlflow import autolog
autolog(out="runs")
mlflow.set_experiment("resumed")
try:
    with mlflow.start_run() as run:
        busy(0.6)
        raise ValueError("cut off")
except ValueError:
    pass
with mlflow.start_run(run_id=run.info.run_id):
    busy(0.4)
""",
        tmp_path,
        mlflow_url,
    )
    assert done.returncode == 0, done.stderr
    (run,) = newest(mlflow_url, "resumed")
    parts = [read_run(path) for path in sorted((tmp_path / "runs").glob("*.run.json"))]
    assert len(parts) == 2
    assert run.tags["wattmark.record_id"].split(", ") == [part.record_id for part in latest(parts)]
    assert run.tags["wattmark.evidence_sha256"] == evidence_hash(without_plots(latest(parts)))
    whole = facts_of(parts, Given()).energy
    assert isinstance(whole, Figure)
    assert run.metrics["wattmark.energy_joules"] == whole.value


def test_runs_nested_deeper_are_counted_in_the_outermost(mlflow_url: str, tmp_path: Path) -> None:
    """Else nobody could find the run file behind a version that one of them logged."""
    done = python(
        """
import mlflow
from wattmark.integrations.mlflow import autolog
import wattmark
autolog()
mlflow.set_experiment("deeper")
with mlflow.start_run(run_name="a"):
    with mlflow.start_run(run_name="b", nested=True):
        with wattmark.track(), mlflow.start_run(run_name="c", nested=True):
            busy(0.4)
""",
        tmp_path,
        mlflow_url,
    )
    assert done.returncode == 0, done.stderr
    runs = {run.name: run for run in newest(mlflow_url, "deeper")}
    for name in ("b", "c"):
        assert runs[name].tags["wattmark.counted_in"] == runs["a"].id
        assert runs[name].tags["wattmark.record_id"] == runs["a"].tags["wattmark.record_id"]
    inner, outer = (runs[name].metrics["wattmark.window_energy_joules"] for name in ("c", "b"))
    assert 0 < inner <= outer


@pytest.mark.parametrize("live", [True, False])
def test_what_mlflow_did_not_take_is_said(mlflow_url: str, tmp_path: Path, live: bool) -> None:
    """A run that somebody deleted takes nothing more: a warning, and the program goes on."""
    done = python(
        f"""
import mlflow
from wattmark.integrations.mlflow import autolog
autolog(live={live})
mlflow.set_experiment("deleted")
try:
    with mlflow.start_run() as run:
        mlflow.MlflowClient().delete_run(run.info.run_id)
except mlflow.exceptions.MlflowException as error:  # its own end is refused, too
    print("went on to:", error.error_code)
""",
        tmp_path,
        mlflow_url,
    )
    assert "went on to: INVALID_PARAMETER_VALUE" in done.stdout, done.stderr
    assert "mlflow: DeliveryError" in done.stderr
    assert "autolog(out=FOLDER)" in done.stderr


@pytest.mark.parametrize("measures", ["the callback", "both"])
def test_a_trainer_that_reports_to_mlflow_has_its_energy_there(
    mlflow_url: str, tmp_path: Path, measures: str
) -> None:
    """Beside the loss, and once, also where autologging measures the run already."""
    for package in ("torch", "transformers", "accelerate"):
        pytest.importorskip(package)
    done = python(
        f"""
import mlflow, torch
from transformers import Trainer, TrainingArguments
from wattmark.integrations.huggingface import WattmarkCallback
from wattmark.integrations.mlflow import autolog
measures = {measures!r}
mlflow.set_experiment(measures)
if measures == "both":
    autolog(meters=("model",))

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 2)
    def forward(self, x, labels):
        busy(0.05)
        return {{"loss": torch.nn.functional.cross_entropy(self.layer(x), labels)}}

data = [{{"x": torch.ones(8), "labels": n % 2}} for n in range(16)]
asked = TrainingArguments(
    "out", max_steps=8, logging_steps=2, report_to=["mlflow"], save_strategy="no", use_cpu=True,
)
callback = WattmarkCallback(meters=("model",))
Trainer(model=Model(), args=asked, train_dataset=data, callbacks=[callback]).train()
""",
        tmp_path,
        mlflow_url,
        COMET_MODE="disabled",
        COMET_AUTO_LOG_DISABLE="true",
    )
    assert done.returncode == 0, done.stderr
    (run,) = newest(mlflow_url, measures)
    assert run.metrics["loss"] > 0
    assert run.metrics["wattmark.energy_joules"] > 0
    assert run.metrics["wattmark/energy_joules"] > 0
    assert "," not in run.tags["wattmark.record_id"]


def test_a_variable_alone_turns_it_on(mlflow_url: str, tmp_path: Path) -> None:
    """Nothing of the program is changed; the first run counts, too; its exit code stays."""
    code = """
import mlflow, sys
mlflow.set_experiment("variable")
for n in range(2):
    with mlflow.start_run(run_name=f"run {n}"):
        busy(0.3)
sys.exit(5)
"""
    done = python(code, tmp_path, mlflow_url, WATTMARK_MLFLOW="1")
    if "wattmark" not in {e.name for e in _providers()}:
        pytest.skip("the package was installed before it had the entry point: install it again")
    assert done.returncode == 5, done.stderr
    runs = newest(mlflow_url, "variable")
    assert all(run.metrics["wattmark.energy_joules"] > 0 for run in runs)
    assert len({run.tags["wattmark.record_id"] for run in runs}) == 2
    assert python(code, tmp_path, mlflow_url).returncode == 5
    later = newest(mlflow_url, "variable")[:2]
    assert not any(name.startswith("wattmark") for run in later for name in run.metrics)


def _providers() -> Any:
    from importlib.metadata import entry_points

    return entry_points(group="mlflow.run_context_provider")


def test_runs_side_by_side_say_so(mlflow_url: str, tmp_path: Path) -> None:
    """Two threads, two runs: each holds the whole machine, and names the other."""
    done = python(
        """
import mlflow, threading
from wattmark.integrations.mlflow import autolog
autolog()
experiment = mlflow.set_experiment("threads").experiment_id
both = threading.Barrier(2)
def work(name):
    with mlflow.start_run(run_name=name, experiment_id=experiment):
        both.wait(); busy(0.3); both.wait()
threads = [threading.Thread(target=work, args=(n,)) for n in ("a", "b")]
[t.start() for t in threads]; [t.join() for t in threads]
""",
        tmp_path,
        mlflow_url,
    )
    assert done.returncode == 0, done.stderr
    runs = {run.name: run for run in newest(mlflow_url, "threads")}
    assert runs["a"].tags["wattmark.overlaps"] == runs["b"].id
    assert runs["b"].tags["wattmark.overlaps"] == runs["a"].id


def test_a_command_that_is_measured_already_counts_its_runs_once(mlflow_url: str, tmp_path: Path) -> None:
    """Inside `wattmark measure` a run of MLflow is a window of the command's record, which its tag names."""
    code = """
import subprocess, sys
inner = '''
import mlflow
from wattmark.integrations.mlflow import autolog
autolog()
mlflow.set_experiment("inside")
with mlflow.start_run():
    pass
'''
measure = [sys.executable, "-m", "wattmark", "measure", "--out", "runs", "--"]
sys.exit(subprocess.run([*measure, sys.executable, "-c", inner]).returncode)
"""
    done = python(code, tmp_path, mlflow_url)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "runs").glob("*.run.json")
    (run,) = newest(mlflow_url, "inside")
    assert run.tags["wattmark.record_id"] == read_run(path).record_id
    assert "wattmark.energy_joules" not in run.metrics


DONE = {
    "schema", "schema_version", "version", "done", "gate", "tags", "alias", "alias_dropped", "notes",
    "exit_code",
}  # fmt: skip
REFUSED = {"schema", "schema_version", "version", "done", "reason", "exit_code"}
LOGGED = {"schema", "schema_version", "run_id", "record_ids", "metrics", "missing", "files"}
KEYS = {
    ("wattmark.mlflow-tag", 1): (DONE, REFUSED),
    ("wattmark.mlflow-promotion", 1): (DONE, REFUSED),
    ("wattmark.mlflow-check", 1): (
        {
            "schema", "schema_version", "version", "gate", "holds", "reason", "decided_at", "policy_digest",
            "exit_code",
        },
    ),
}  # fmt: skip
"""What programs read of the registry's verbs, by schema and version."""


class Registry:
    """A model with a version, whose run holds the record of a measured run."""

    def __init__(self, url: str, folder: Path, run: Run | None = None) -> None:
        self.url, self.folder = url, folder
        self.client = mlflow.MlflowClient(url)
        self.model = f"sorter-{uuid.uuid4().hex[:6]}"
        self.client.create_registered_model(self.model)
        self.record = run or a_run(record_id=str(uuid.uuid4()), subject=Subject(model="sorter"))
        self.run_id = self.logged(self.record)
        self.version = self.add(self.run_id)

    def logged(self, run: Run) -> str:
        path = self.folder / f"{run.record_id}.run.json"
        path.write_bytes(document_of(run))
        found = verb(log_command, path, "--mlflow", self.url, "--json")
        assert found.exception is None
        assert set(json.loads(found.stdout)) == LOGGED
        return str(json.loads(found.stdout)["run_id"])

    def add(self, run_id: str) -> str:
        made = self.client.create_model_version(
            self.model, f"runs:/{run_id}/model", run_id=run_id, await_creation_for=0
        )
        return f"{self.model}/{made.version}"

    def decided(self, standing: Standing = Standing.PASS, **changes: Any) -> Path:
        """A decision about the record of the first version."""
        whole = every_standing()
        kept = {
            Standing.PASS: (Standing.PASS,),
            Standing.WAIVED: (Standing.PASS, Standing.WAIVED),
            Standing.FAILED: tuple(Standing),
        }[standing]
        about = Side(
            name="sorter",
            repeats=1,
            record_ids=(self.record.record_id,),
            evidence_sha256=evidence_hash(without_plots((self._read(),))),
        )
        failed = standing is Standing.FAILED
        decision = replace(
            whole,
            candidate=about,
            rules=tuple(rule for rule in whole.rules if rule.standing in kept),
            standing=Standing.FAILED if failed else Standing.PASS,
            exit_code=1 if failed else 0,
        )
        return self.write(replace(decision, **changes))

    def write(self, decision: Decision) -> Path:
        path = self.folder / f"decision-{uuid.uuid4().hex[:6]}.json"
        path.write_text(decision_json(decision))
        return path

    def _read(self) -> Run:
        return read_run(self.folder / f"{self.record.record_id}.run.json")

    def asked(self, command: Any, *arguments: object) -> tuple[Any, dict[str, Any]]:
        """Exit code and JSON of a verb."""
        found = verb(command, *arguments, "--mlflow", self.url, "--json")
        if found.exception is not None:
            raise found.exception
        told = json.loads(found.stdout)
        assert set(told) in KEYS[told["schema"], told["schema_version"]]
        assert told["exit_code"] == found.return_value
        return found.return_value, told

    def tags(self, version: str) -> dict[str, str]:
        name, _, number = version.partition("/")
        return dict(self.client.get_model_version(name, number).tags)

    def alias(self, name: str) -> str | None:
        found = self.client.get_registered_model(self.model).aliases.get(name)
        return None if found is None else str(found)


@pytest.fixture
def registry(mlflow_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.chdir(tmp_path)
    return Registry(mlflow_url, tmp_path)


def test_a_version_that_passed_is_tagged_promoted_and_served(registry: Registry, tmp_path: Path) -> None:
    """Score, stars, gate and hashes are its tags; the promotion is in the audit log; the check agrees."""
    decision, log = registry.decided(), tmp_path / "audit"
    code, found = registry.asked(tag, registry.version, "--decision", decision, "--now", NOW)
    assert code == 0
    assert found["gate"] == "pass"
    tags = registry.tags(registry.version)
    assert tags["wattmark.score"] == "92.0"
    assert tags["wattmark.stars"] == "3-4"
    assert tags["wattmark.gate"] == "pass"
    assert registry.alias("wattmark-passed") == "1"
    assert registry.alias("champion") is None
    more = ("--alias", "champion", "--now", NOW, "--audit", log, "--actor", "dev@example.org")
    code, _ = registry.asked(promote, registry.version, *more)
    assert code == 0
    assert registry.alias("champion") == "1"
    from wattmark.ledger.auditlog import open_log

    entry = open_log(str(log)).head()
    assert entry is not None
    assert entry.action == "model.promoted"
    assert entry.subject == registry.version
    assert entry.detail["alias"] == "champion"
    assert registry.tags(registry.version)["wattmark.audit_head"] == entry.hash
    code, found = registry.asked(check, f"{registry.model}@champion", "--now", NOW)
    assert (code, found["holds"]) == (0, True)


@pytest.mark.parametrize(
    ("standing", "now", "said"),
    [
        (Standing.PASS, "2027-01-01", "42 days old"),
        (Standing.WAIVED, "2026-12-11", "lapsed on 2026-12-10"),
    ],
)
def test_a_pass_that_counts_no_more_is_told_and_gives_no_alias(
    registry: Registry, standing: Standing, now: str, said: str
) -> None:
    """The tags say what was decided and when; the alias of an earlier day is taken back."""
    decision = registry.decided(standing)
    registry.asked(tag, registry.version, "--decision", decision, "--now", NOW)
    assert registry.alias("wattmark-passed") == "1"
    code, found = registry.asked(tag, registry.version, "--decision", decision, "--now", now)
    assert (code, found["alias"], found["alias_dropped"]) == (0, None, "wattmark-passed")
    assert said in found["notes"][0]
    assert registry.alias("wattmark-passed") is None
    assert registry.tags(registry.version)["wattmark.decided_at"] == "2026-11-20T09:30:00Z"


def test_a_decision_that_is_yet_to_come_or_was_altered_is_no_tag(registry: Registry) -> None:
    """One of 2027 would overtake every true one until then; one whose rules failed is no pass."""
    rules = every_standing().rules
    for changes, said in (
        ({"decided_at": "2027-06-01T00:00:00Z"}, "yet to come"),
        ({"rules": rules}, "altered"),
    ):
        decision = registry.decided(**changes)
        code, found = registry.asked(tag, registry.version, "--decision", decision, "--now", NOW)
        assert code == 3
        assert said in found["reason"]
        assert registry.tags(registry.version) == {}


def test_a_version_that_failed_is_refused(registry: Registry, tmp_path: Path) -> None:
    """Exit code 1, no alias, nothing in the log; the tag says so, and an earlier pass is taken back."""
    registry.asked(tag, registry.version, "--decision", registry.decided(), "--now", NOW)
    assert registry.alias("wattmark-passed") == "1"
    failed = registry.decided(Standing.FAILED)
    more = ("--alias", "champion", "--decision", failed, "--now", NOW, "--audit", tmp_path / "audit")
    code, found = registry.asked(promote, registry.version, *more)
    assert code == 1
    assert "12.5 W/kQPS" in found["reason"]
    assert registry.alias("champion") is None
    assert not (tmp_path / "audit").exists()
    code, found = registry.asked(tag, registry.version, "--decision", failed)
    assert (code, found["gate"], found["alias_dropped"]) == (0, "failed", "wattmark-passed")
    assert registry.alias("wattmark-passed") is None
    code, found = registry.asked(check, registry.version, "--now", NOW)
    assert (code, found["reason"]) == (1, f"{registry.version} failed its gate")


def test_a_waived_pass_is_promoted_visibly_until_the_waiver_lapses(registry: Registry) -> None:
    """It holds on 10 December, and not on the day after."""
    waived = registry.decided(Standing.WAIVED)
    more = ("--alias", "champion", "--decision", waived)
    code, found = registry.asked(promote, registry.version, *more, "--now", NOW)
    assert (code, found["gate"]) == (0, "waived")
    assert registry.tags(registry.version)["wattmark.waivers"] == "W-7"
    served = f"{registry.model}@champion"
    assert registry.asked(check, served, "--now", "2026-12-10T12:00:00Z")[0] == 0
    code, found = registry.asked(check, served, "--now", "2026-12-11T00:00:00Z")
    assert code == 1
    assert "lapsed on 2026-12-10" in found["reason"]


def test_an_old_decision_does_not_promote_a_new_version(registry: Registry) -> None:
    """The second version comes from another run: the decision is about the first."""
    new = registry.add(registry.logged(a_run(record_id=str(uuid.uuid4()))))
    decision = registry.decided()
    code, found = registry.asked(promote, new, "--alias", "champion", "--decision", decision, "--now", NOW)
    assert code == 3
    assert registry.record.record_id in found["reason"]
    assert registry.asked(tag, new, "--decision", decision)[0] == 3
    assert "wattmark.gate" not in registry.tags(new)
    late = ("--decision", decision, "--now", "2027-01-01T00:00:00Z")
    code, found = registry.asked(promote, registry.version, "--alias", "champion", *late)
    assert code == 3
    assert "days old" in found["reason"]


def test_a_tag_that_somebody_wrote_is_no_gate(registry: Registry) -> None:
    """`pass` without a decision behind it, or with one that says otherwise."""
    name, _, number = registry.version.partition("/")
    registry.client.set_model_version_tag(name, number, "wattmark.gate", "pass")
    registry.client.set_model_version_tag(name, number, "wattmark.decided_at", "2026-11-20T09:30:00Z")
    code, found = registry.asked(check, registry.version, "--now", NOW)
    assert code == 3
    assert "names no decision" in found["reason"]
    registry.asked(tag, registry.version, "--decision", registry.decided(Standing.FAILED))
    registry.client.set_model_version_tag(name, number, "wattmark.gate", "pass")
    code, found = registry.asked(check, registry.version, "--now", NOW)
    assert code == 1
    assert "its gate says failed" in found["reason"]


def test_accuracy_of_mlflow_becomes_the_quality_of_the_run(
    registry: Registry, mlflow_url: str, tmp_path: Path
) -> None:
    """The outcome `accuracy>=0.9` was not known; with MLflow's 0.93 it was reached."""
    goal = OutcomeGoal(condition="accuracy>=0.9", reached=None)
    run = a_run(record_id=str(uuid.uuid4()), outcome=goal, energies=(a_row(),))
    path = tmp_path / "one.run.json"
    path.write_bytes(document_of(run))
    client = registry.client
    there = client.create_run("0").info.run_id
    client.log_metric(there, "accuracy", 0.93)
    asked = (path, "--run-id", there, "--quality", "accuracy", "--out", tmp_path / "out")
    done = verb(log_command, *asked, "--mlflow", mlflow_url, "--json")
    assert (done.exception, done.return_value) == (None, 0)
    found = json.loads(done.stdout)
    assert set(found) == LOGGED
    assert "energy_to_solution" not in found["missing"]
    assert open_server(mlflow_url, NOBODY).run(there).metrics["wattmark.energy_to_solution"] > 0
    (kept,) = (read_run(p) for p in (tmp_path / "out").glob("*.run.json"))
    assert kept.seq == run.seq + 1
    assert kept.quality[0].value == 0.93
    assert kept.outcome is not None
    assert kept.outcome.reached is True


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_that_is_no_number_is_no_quality(
    registry: Registry, mlflow_url: str, tmp_path: Path, value: float
) -> None:
    """A loss that diverged: it says so, and no run file is written that could not be read again."""
    there = registry.client.create_run("0").info.run_id
    registry.client.log_metric(there, "loss", value)
    path, out = tmp_path / f"{registry.record.record_id}.run.json", tmp_path / "out"
    asked = (path, "--run-id", there, "--quality", "loss", "--out", out, "--mlflow", mlflow_url)
    with pytest.raises(EvidenceError, match=r"metric 'loss' of run .* says no quality"):
        verb(log_command, *asked)
    assert not out.exists()


POLICY = """
[[limit]]
id = "energy"
kpi = "energy_to_solution"
max = %s
"""


@pytest.mark.parametrize(("most", "code", "alias"), [("1.0", 0, "1"), ("1e-6", 1, None)])
def test_a_policy_alone_gates_what_mlflow_keeps(
    mlflow_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: str, code: int, alias: str | None
) -> None:
    """90 J are 2.5e-5 kWh: below 1 kWh, above 1e-6 kWh. The run file comes out of MLflow."""
    monkeypatch.chdir(tmp_path)
    goal = OutcomeGoal(condition="accuracy>=0.9", reached=True)
    registry = Registry(mlflow_url, tmp_path, a_run(record_id=str(uuid.uuid4()), outcome=goal))
    for path in tmp_path.glob("*.run.json"):
        path.unlink()
    policy = tmp_path / "wattmark-policy.toml"
    policy.write_text(POLICY % most)
    asked = (registry.version, "--alias", "champion", "--policy", policy, "--audit", tmp_path / "audit")
    done, found = registry.asked(promote, *asked)
    assert done == code, found
    assert registry.alias("champion") == alias
    checked = registry.asked(check, f"{registry.version}", "--policy", policy)[0]
    assert checked == (0 if alias else 3)


def test_parts_of_one_whole_are_no_repeats_to_the_gate(
    mlflow_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two parts of 90 J each, logged as one, are 5e-5 kWh: above 4e-5, though their mean is below."""
    monkeypatch.chdir(tmp_path)
    goal = OutcomeGoal(condition="accuracy>=0.9", reached=True)
    registry = Registry(mlflow_url, tmp_path, a_run(record_id=str(uuid.uuid4()), outcome=goal))
    begun = {"started_at": "2026-11-01T13:00:00.000000Z", "started_monotonic_seconds": 4600.0}
    later = replace(registry.record, record_id=str(uuid.uuid4()), **begun)  # type: ignore[arg-type]
    second = tmp_path / f"{later.record_id}.run.json"
    second.write_bytes(document_of(later))
    policy = tmp_path / "wattmark-policy.toml"
    policy.write_text(POLICY % "4e-5")
    asked = (registry.version, "--alias", "champion", "--policy", policy, "--audit", tmp_path / "audit")
    whole = (*tmp_path.glob("*.run.json"), "--run-id", registry.run_id, "--mlflow", mlflow_url)
    assert verb(log_command, *whole, "--as-one").exception is None
    assert registry.asked(promote, *asked)[0] == 1
    assert verb(log_command, *whole).exception is None
    assert registry.asked(promote, *asked)[0] == 0


def test_a_decision_that_no_gate_made_promotes_nothing(
    mlflow_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy in force requires a log: a failed decision that was made a pass is in none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_AUDIT_LOG", raising=False)
    goal = OutcomeGoal(condition="accuracy>=0.9", reached=True)
    registry = Registry(mlflow_url, tmp_path, a_run(record_id=str(uuid.uuid4()), outcome=goal))
    policy, file = tmp_path / "wattmark-policy.toml", tmp_path / "decision.json"
    policy.write_text('[audit]\nlog = "log"\nrequired = true\n' + POLICY % "1e-6")
    run = next(tmp_path.glob("*.run.json"))
    assert verb(gate, run, "--decision", file).return_value == 1
    document = json.loads(file.read_text())
    document.update(standing="pass", exit_code=0)
    for rule in document["rules"]:
        rule.update(standing="pass", ruling="pass")
    file.write_text(json.dumps(document))
    asked = (registry.version, "--decision", file)
    for command, more in ((tag, ()), (promote, ("--alias", "champion"))):
        code, found = registry.asked(command, *asked, *more)
        assert (code, "it was altered" in found["reason"]) == (3, True)
    assert registry.alias("champion") is None
    assert registry.alias("wattmark-passed") is None
    policy.write_text(policy.read_text().replace("1e-6", "1.0"))
    assert verb(gate, run, "--decision", file).return_value == 0
    assert registry.asked(promote, *asked, "--alias", "champion")[0] == 0
    assert registry.asked(check, registry.version, "--policy", policy)[0] == 0
    policy.write_text(policy.read_text().replace("1.0", "2.0"))
    code, found = registry.asked(promote, *asked, "--alias", "champion")
    assert (code, "by another policy" in found["reason"]) == (3, True)


def test_the_most_efficient_version_is_picked_from_the_registry(mlflow_url: str, tmp_path: Path) -> None:
    """10 J answer badly, 20 J well enough; the third brings no result, and it is said why."""
    client = mlflow.MlflowClient(mlflow_url)
    model = f"chooser-{uuid.uuid4().hex[:6]}"
    client.create_registered_model(model)
    for name, joules, good in (("lab/small", 10.0, 0.5), ("lab/middle", 20.0, 0.8), ("lab/large", 40.0, 0.9)):
        run_id = client.create_run("0").info.run_id
        path = tmp_path / f"{name.rpartition('/')[2]}.json"
        write_results([a_result(name, joules, noise=0.01, quality=quality(good))], path)
        client.log_artifact(run_id, str(path), "wattmark")
        client.create_model_version(model, f"runs:/{run_id}/m", run_id=run_id, await_creation_for=0)
    empty = client.create_run("0").info.run_id
    client.create_model_version(model, f"runs:/{empty}/m", run_id=empty, await_creation_for=0)
    client.set_model_version_tag(model, "2", "wattmark.gate", "pass")
    asked = ("--mlflow", mlflow_url, "--models", model, "--task", "text generation", "--min-quality", "0.75")
    said = verb(select, *asked).output
    assert f"in the registry: lab/middle is {model}/2 (gate: pass)" in said
    assert f"{model}/4: its run keeps nothing of wattmark" in said
    assert "lab/small: accuracy 0.5, at least 0.75 is asked for" in " ".join(said.split())
    found = json.loads(verb(select, *asked, "--json").output)
    assert set(found["registry"]) == {"versions", "without_results"}
    assert all(set(row) == {"result", "version", "gate"} for row in found["registry"]["versions"])
    versions = {row["version"] for row in found["registry"]["versions"]}
    assert versions == {f"{model}/{n}" for n in (1, 2, 3)}


def test_runs_that_mlflow_watched_itself_become_evidence(mlflow_url: str, tmp_path: Path) -> None:
    """MLflow's own monitor logs how busy the CPU was; GPU power is as it logs it. 100 W x 20 s = 2000 J."""
    pytest.importorskip("psutil")
    done = python(
        """
import mlflow, time
mlflow.set_experiment("watched")
with mlflow.start_run(log_system_metrics=True) as run:
    busy(2.5)
client = mlflow.MlflowClient()
from mlflow.entities import Metric
client.log_batch(run.info.run_id, metrics=[
    Metric("system/gpu_0_power_usage_watts", 100.0, run.info.start_time + 1000 * n, n) for n in range(3)
])
""",
        tmp_path,
        mlflow_url,
        MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL="0.5",
    )
    assert done.returncode == 0, done.stderr
    asked = Asked(settings={"experiment": "watched"})
    (run,) = [r for p in open_source("mlflow", [mlflow_url], asked).read() for r in p.runs]
    (row,) = run.energies
    assert row.energy_joules == pytest.approx(200.0)
    assert row.grade == "C"
    assert 0 < row.coverage < 1
    assert any(used.component == "cpu" for used in run.place.utilisation)


@pytest.mark.parametrize("kind", ["rest", "package"])
def test_rest_and_package_do_the_same(mlflow_url: str, kind: str) -> None:
    """Runs, values, tags, files, versions and aliases, over our own calls and through MLflow's client."""
    from wattmark.exporters.mlflow_package import Package

    server: Server = open_server(mlflow_url, NOBODY) if kind == "rest" else Package(mlflow_url)
    run_id = server.create_run(server.experiment("both"), "first", 1_790_000_000_000, {"a": "b"})
    server.log(run_id, [Point("m", 1.5, 1_790_000_000_000, n) for n in range(1001)], {"c": "d"})
    server.keep(run_id, "wattmark/deep/a b.json", b"{}")
    server.keep(run_id, "wattmark/b.json", b"[]")
    server.end_run(run_id, "FINISHED", 1_790_000_001_000)
    found = server.run(run_id)
    assert (found.status, found.name) == ("FINISHED", "first")
    assert (found.metrics["m"], found.tags["a"], found.tags["c"]) == (1.5, "b", "d")
    assert sorted(server.files(run_id, "wattmark")) == ["wattmark/b.json", "wattmark/deep/a b.json"]
    assert server.fetch(run_id, "wattmark/deep/a b.json") == b"{}"
    assert server.experiment("both") == found.experiment_id
    model = f"o'brien's-{uuid.uuid4().hex[:6]}"
    client = mlflow.MlflowClient(mlflow_url)
    client.create_registered_model(model)
    for _ in range(2):
        client.create_model_version(model, f"runs:/{run_id}/m", run_id=run_id, await_creation_for=0)
    assert [(v.version, v.run_id) for v in server.versions(model)] == [("2", run_id), ("1", run_id)]
    assert server.aliased(model, "champion") is None
    server.set_alias(model, "champion", "1")
    server.tag_version(model, "1", {"x": "y", "z": "1"})
    server.tag_version(model, "1", {"x": None, "not there": None})
    served = server.aliased(model, "champion")
    assert served is not None
    assert (served.version, served.tags) == ("1", {"z": "1"})
    server.drop_alias(model, "champion")
    assert server.aliased(model, "champion") is None
    for ask in (
        lambda: server.run("0" * 32),
        lambda: server.version("nobody", "1"),
        lambda: server.versions("nobody"),
        lambda: server.aliased("nobody", "champion"),
        lambda: server.fetch(run_id, "wattmark/none.json"),
    ):
        with pytest.raises(DeliveryError):
            ask()
