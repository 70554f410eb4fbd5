"""Weights & Biases through its real offline mode: what the ``.wandb`` file holds is read back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_run
from tests.exporters.tracked_runs import a_tracked_run
from tests.exporters.wandb_file import artifacts, history, records, summary
from wattmark.config import Config
from wattmark.core.errors import UsageError
from wattmark.core.run import Status
from wattmark.exporters.wandb import Wandb
from wattmark.measure.spool import document_of
from wattmark.testing.decisions import every_standing
from wattmark.wiring.decisions import Group
from wattmark.wiring.trackers import conclusion_of, teach

wandb = pytest.importorskip("wandb")
pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An offline W&B below a folder of the test."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield tmp_path
    wandb.teardown()


def followed(tracker: Wandb, config: Config | None = None) -> str | None:
    """Show a run that goes on once, end it, and conclude it."""
    run = a_tracked_run()
    if config is not None:
        teach(tracker, config)
    tracker.show(replace(run, status=Status.OPEN))
    return tracker.conclude(run, document_of(run))


def test_live_metrics_lie_over_elapsed_seconds(folder: Path) -> None:
    """90 J after 10 s, 12 W in the last of them; the x axis of all names is the elapsed time."""
    assert followed(Wandb("green", 3600.0)) is None
    (row,) = history(folder)
    assert row["wattmark/energy_joules"] == row["wattmark/cpu_energy_joules"] == 90.0
    assert row["wattmark/power_watts"] == 12.0
    assert row["wattmark/elapsed_seconds"] == 10.0
    assert "wattmark/carbon_gco2e" not in row
    defined = [r.metric for r in records(folder) if r.WhichOneof("record_type") == "metric"]
    assert ("wattmark/*", "wattmark/elapsed_seconds") in [(m.glob_name, m.step_metric) for m in defined]


def test_the_summary_says_how_each_kpi_is_known_and_what_is_missing(folder: Path) -> None:
    """90 J are 2.5e-5 kWh, +-5 %, grade B; without a grid intensity carbon is words, never 0."""
    assert followed(Wandb("lab/green", 3600.0), Config()) is None
    told = summary(folder)
    assert told["wattmark/energy_to_solution"] == pytest.approx(2.5e-5)
    assert told["wattmark/energy_to_solution.low"] == pytest.approx(2.375e-5)
    assert told["wattmark/energy_to_solution.high"] == pytest.approx(2.625e-5)
    assert told["wattmark/energy_to_solution.grade"] == "B"
    assert "wattmark/carbon_to_solution" not in told
    assert "grid intensity" in told["wattmark/carbon_to_solution.missing"]
    assert told["wattmark/kpis|nrows"] >= 10
    assert "wattmark/report|sha256" in told
    (begun,) = [r.run for r in records(folder) if r.WhichOneof("record_type") == "run"]
    assert begun.entity == "lab"
    assert begun.project == "green"
    assert begun.display_name.startswith("sorter 2")


def test_the_run_file_is_an_artifact_with_its_digest(folder: Path) -> None:
    """Type ``wattmark-run``; the digest is that of the run file as it landed."""
    assert followed(Wandb("green", 3600.0), Config()) is None
    kept = {a.type: json.loads(a.metadata) for a in artifacts(folder) if a.type.startswith("wattmark")}
    document = document_of(a_tracked_run())
    (digest,) = kept["wattmark-run"]["sha256"].values()
    assert digest == hashlib.sha256(document).hexdigest()
    assert kept["wattmark-report"]["record_ids"] == [a_run().record_id]


def test_a_run_that_the_program_tracks_is_joined_and_keeps_its_own_steps(folder: Path) -> None:
    """Steps 10 and 20 of the program stay what they are, our numbers ride with them, and the run goes on."""
    with wandb.init(project="theirs", mode="offline") as run:
        tracker = Wandb("ignored", 3600.0)
        assert tracker.joined
        tracker.show(replace(a_tracked_run(), status=Status.OPEN))
        run.log({"loss": 0.5}, step=10)
        tracker.show(replace(a_tracked_run(), duration_seconds=11.0, status=Status.OPEN))
        run.log({"loss": 0.4}, step=20)
        assert tracker.conclude(a_tracked_run(), document_of(a_tracked_run())) is None
        assert wandb.run is run
        run.log({"loss": 0.3}, step=30)
    rows = history(folder)
    assert [(r["_step"], r["loss"]) for r in rows if "loss" in r] == [(10, 0.5), (20, 0.4), (30, 0.3)]
    assert sum(r.get("wattmark/energy_joules") == 90.0 for r in rows) == 2


def test_a_run_of_ours_is_never_the_programs(folder: Path) -> None:
    """A program that begins its own run later gets its own."""
    tracker = Wandb("green", 3600.0)
    tracker.show(a_tracked_run())
    assert wandb.run is None
    tracker.close()


def test_a_run_of_ours_tells_no_host_name_and_no_arguments(folder: Path) -> None:
    """What W&B would take of the machine by itself is switched off."""
    import socket

    assert followed(Wandb("green", 3600.0)) is None
    (begun,) = [r.run for r in records(folder) if r.WhichOneof("record_type") == "run"]
    assert begun.host != socket.gethostname()
    assert not list(folder.rglob("wandb-metadata.json"))
    assert not list(folder.rglob("requirements.txt"))


def test_a_decision_brings_score_gate_and_stars(folder: Path) -> None:
    """A failed gate of 92 points and 3-4 stars, with every rule's standing and the decision's file."""
    from wattmark.core.given import Given
    from wattmark.core.repeats import repeats_of

    run = a_tracked_run()
    group = Group(name="sorter 2", repeats=repeats_of([run], Given()), runs=(run,))
    Wandb("green", 3600.0).publish(conclusion_of(group, decision=every_standing()))
    told: dict[str, Any] = summary(folder)
    assert (told["wattmark/score"], told["wattmark/score.low"]) == (92.0, 88.0)
    assert told["wattmark/gate"] == "failed"
    assert told["wattmark/stars"] == "3-4"
    assert told["wattmark/rule.carbon"] == "waived"
    assert told["wattmark/rule.carbon.waiver"] == "W-7"
    assert {a.type for a in artifacts(folder)} >= {"wattmark-report", "wattmark-decision"}


def test_a_server_that_is_down_costs_neither_evidence_nor_exit_code(tmp_path: Path) -> None:
    """Nobody listens at the address: the command's own exit code, its run file, and the reason in words."""
    environ = {
        **os.environ,
        "WANDB_MODE": "online",
        "WANDB_BASE_URL": "http://127.0.0.1:9",
        "WANDB_API_KEY": "0" * 40,
        "WANDB_DIR": str(tmp_path),
    }
    command = ["measure", "-q", "--export", "wandb:green", "--", sys.executable, "-c", "raise SystemExit(7)"]
    done = subprocess.run(
        [sys.executable, "-m", "wattmark", *command],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 7
    assert "not shown elsewhere in the end: wandb: " in done.stderr
    assert "0" * 40 not in done.stderr
    assert len(list((tmp_path / "wattmark-runs").glob("*.run.json"))) == 1


@pytest.mark.parametrize("target", ["", "a/b/c", "a:b", "lab/"])
def test_what_is_no_project_is_refused(target: str) -> None:
    """Before anything is measured."""
    with pytest.raises(UsageError, match="is no project"):
        Wandb(target, 1.0)
