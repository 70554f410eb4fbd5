"""A run sent by OpenTelemetry to a listening ledger: the same joules, under the same tags."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.fakes.ports import free_port
from wattmark.core.known import Scope
from wattmark.ledger.runfile import read_run

pytestmark = pytest.mark.slow
for needed in ("deltalake", "duckdb", "uvicorn", "opentelemetry.exporter.otlp.proto.http"):
    pytest.importorskip(needed)

JOB = """
import time, wattmark
for stage in ("data_preparation", "training"):
    with wattmark.track(stage, stage=stage):
        end = time.monotonic() + 3
        while time.monotonic() < end:
            sum(range(20000))
"""


def wattmark(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "wattmark", *arguments],
        cwd=folder,
        env={**os.environ, "WATTMARK_CONFIG": str(folder / "wattmark.toml")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_what_is_sent_is_what_the_run_file_says(tmp_path: Path) -> None:
    """By team and model; the first and last moments of a run may be missing, never added."""
    (tmp_path / "wattmark.toml").write_text(
        '[tags]\nteam = "search"\nmodel = "ranker"\n'
        "[export]\nperiod_seconds = 0.5\n[measure]\nperiod_seconds = 0.25\n"
    )
    (tmp_path / "job.py").write_text(JOB)
    port = free_port()
    ledger = str(tmp_path / "ledger")
    wattmark(tmp_path, "ledger", "init", ledger)
    with subprocess.Popen(
        [sys.executable, "-m", "wattmark", "ledger", "listen", "--ledger", ledger, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as listener:
        try:
            end = time.monotonic() + 120
            while True:
                try:
                    with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                        break
                except OSError:
                    assert time.monotonic() < end, "the listener does not answer"
                    time.sleep(0.1)
            wattmark(
                tmp_path, "measure", "--out", "runs", "--export", f"otlp:http://127.0.0.1:{port}", "--",
                sys.executable, "job.py",
            )  # fmt: skip
        finally:
            listener.send_signal(signal.SIGTERM)
            listener.wait(60)
    run = read_run(next((tmp_path / "runs").glob("*.run.json")))
    truth = sum(row.energy_joules for row in run.energies if row.scope is Scope.WHOLE)
    asked = ("ledger", "totals", "--by", "team,model", "--ledger", ledger, "--json")
    (total,) = json.loads(wattmark(tmp_path, *asked).stdout)["totals"]
    assert total["group"] == {"team": "search", "model": "ranker"}
    assert 0.5 * truth < total["observed_microjoules"] / 1e6 <= truth * (1 + 1e-6)
    assert total["energy"]["grade"] == max(row.grade.value for row in run.energies)
