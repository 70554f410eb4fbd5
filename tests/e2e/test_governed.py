"""The sample repository, end to end on a real MLflow: train, gate, refuse, waive, promote, lapse, replay."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNS = "ledger:model=digits,model_version=2.0"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


class Repository:
    """A copy of the sample repository, and commands run in it as CI would."""

    def __init__(self, folder: Path, mlflow_url: str) -> None:
        self.folder = folder
        self.url = mlflow_url
        shutil.copytree(ROOT / "examples" / "governed", folder)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command, with MLflow named and nothing else configured."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("WATTMARK", "MLFLOW", "GITHUB"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {
            **kept, "PATH": path, "MLFLOW_TRACKING_URI": self.url, "WATTMARK_HOME": str(self.folder / "home"),
        }  # fmt: skip
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def wattmark(self, *arguments: str, code: int = 0) -> str:
        """Run wattmark; what it printed."""
        done = self.run("wattmark", *arguments)
        assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def pipeline(self, *arguments: str, code: int) -> str:
        """Run the pipeline; what it printed."""
        done = self.run("./pipeline.sh", *arguments)
        assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def decision(self) -> dict[str, object]:
        """The newest decision."""
        found: dict[str, object] = json.loads((self.folder / "build" / "decision.json").read_text())
        return found


def day(days: int) -> str:
    """A day from today on, in UTC."""
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def test_a_worse_model_ships_only_by_name_and_every_decision_replays(tmp_path: Path, mlflow_url: str) -> None:
    """The worse version fails and is not promoted; waived it passes visibly; after the last day it fails."""
    for package in ("sklearn", "deltalake", "duckdb", "mlflow"):
        pytest.importorskip(package, reason="it needs the extras `demo`, `ledger` and `mlflow`")
    if shutil.which("ssh-keygen") is None or shutil.which("git") is None:
        pytest.skip("ssh-keygen or git is not installed")
    from mlflow import MlflowClient

    repository = Repository(tmp_path / "digits", mlflow_url)
    client = MlflowClient(mlflow_url)
    assert repository.run("git", "init", "--quiet", ".").returncode == 0
    repository.wattmark("ledger", "init", "ledger")

    # A thirtieth of what the next version takes: no noise of a busy machine can make that a quarter more.
    told = repository.pipeline("1.0", "--passes", "1", code=3)
    assert "no baseline" in told
    repository.wattmark("baseline", "set", "ledger:model=digits,model_version=1.0")

    told = repository.pipeline("2.0", "--trees", "400", "--passes", "8", code=1)
    assert "refused" in told
    assert repository.decision()["standing"] == "failed"
    worse = client.get_model_version("digits", "2")
    assert worse.tags["wattmark.gate"] == "failed"
    assert "champion" not in client.get_registered_model("digits").aliases
    run = client.get_run(worse.run_id)
    assert run.data.metrics["accuracy"] > 0.95
    assert run.data.metrics["wattmark.energy_to_solution"] > 0
    assert {"trees", "passes", "seed"} <= run.data.params.keys()

    waived(repository)
    repository.wattmark("gate", RUNS, "--decision", "build/decision.json")
    decision = json.dumps(repository.decision())
    assert '"waived"' in decision
    assert "board@example.org" in decision
    repository.wattmark(
        "mlflow", "promote", "digits/2", "--alias", "champion", "--decision", "build/decision.json"
    )
    assert client.get_registered_model("digits").aliases["champion"] == "2"
    assert client.get_model_version("digits", "2").tags["wattmark.gate"] == "waived"
    repository.wattmark("mlflow", "check", "digits@champion")

    told = repository.wattmark("gate", RUNS, "--now", day(41), code=1)
    assert "expired" in told
    repository.wattmark("mlflow", "check", "digits@champion", "--max-age", "100", "--now", day(41), code=1)

    replayed = repository.wattmark("audit", "replay")
    assert "come out as they were logged" in replayed
    repository.wattmark("audit", "anchor", "--file", "anchor.txt")
    repository.wattmark("audit", "verify", "--anchor", "anchor.txt")
    newest = sorted((repository.folder / "wattmark-audit" / "entries").iterdir())[-1]
    newest.unlink()
    repository.wattmark("audit", "verify", "--anchor", "anchor.txt", code=1)


def waived(repository: Repository) -> None:
    """Ask for an exception as one person and approve it as another, both with keys."""
    signers = []
    for who in ("trainer", "board"):
        made = repository.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", who)
        assert made.returncode == 0, made.stderr
        kind, key, *_ = (repository.folder / f"{who}.pub").read_text().split()
        signers.append(f"{who}@example.org {kind} {key}")
    (repository.folder / "allowed_signers").write_text("\n".join(signers) + "\n")
    repository.wattmark(
        "waiver", "request", "energy", "--id", "W-1", "--model", "digits", "--model-version", "2.0",
        "--cap", "100000", "--expires", day(40), "--reason", "for the new camera",
        "--owner", "vision@example.org", "--ticket", "GREEN-12", "--key", "trainer",
    )  # fmt: skip
    repository.wattmark("gate", RUNS, code=1)
    repository.wattmark("waiver", "approve", "W-1", "--key", "board")
