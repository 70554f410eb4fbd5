"""A measured program seen by a real Prometheus: scraped, by textfile and by Pushgateway, stage by stage."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.fakes.ports import free_port
from wattmark.core.known import Scope
from wattmark.core.totals import stage_at
from wattmark.ledger.runfile import read_run

pytestmark = pytest.mark.slow
PROGRAMS = ("prometheus", "prometheus-pushgateway", "prometheus-node-exporter")
STAGES = ("data_preparation", "training", "evaluation")

JOB = """
import time, wattmark
for stage in ("data_preparation", "training", "evaluation"):
    with wattmark.track(stage, stage=stage) as run:
        end = time.monotonic() + 6
        while time.monotonic() < end:
            sum(range(20000))
        run.log(work={"samples": 100})
"""


@contextmanager
def running(command: list[str], ready: str, log: Path) -> Iterator[None]:
    """A server, from when it answers until the end of the block."""
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for(lambda: answers(ready), f"{command[0]} does not answer; {log.read_text()[-500:]}")
        yield
    finally:
        process.terminate()
        process.wait(60)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(true: Callable[[], bool], why: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, why
        time.sleep(0.1)


class Prometheus:
    """The servers of one test and what Prometheus knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.run_port = free_port(), free_port()
        self.push_port, self.node_port = free_port(), free_port()
        self.textfiles = folder / "textfiles"
        self.textfiles.mkdir()

    def query(self, text: str) -> list[dict[str, Any]]:
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{urlencode({'query': text})}") as answer:
            return list(json.load(answer)["data"]["result"])

    def commands(self) -> list[tuple[list[str], str]]:
        config = self.folder / "prometheus.yml"
        jobs = [("run", self.run_port), ("push", self.push_port), ("node", self.node_port)]
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "500ms"},
                    "scrape_configs": [
                        {
                            "job_name": name,
                            "honor_labels": True,
                            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
                        }
                        for name, port in jobs
                    ],
                }
            )
        )
        here = "127.0.0.1"
        return [
            (
                [PROGRAMS[1], f"--web.listen-address={here}:{self.push_port}"],
                f"http://{here}:{self.push_port}/-/ready",
            ),
            (
                [
                    PROGRAMS[2],
                    "--collector.disable-defaults",
                    "--collector.textfile",
                    f"--collector.textfile.directory={self.textfiles}",
                    f"--web.listen-address={here}:{self.node_port}",
                ],
                f"http://{here}:{self.node_port}/metrics",
            ),
            (
                [
                    PROGRAMS[0],
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self.folder / 'tsdb'}",
                    f"--web.listen-address={here}:{self.port}",
                ],
                f"http://{here}:{self.port}/-/ready",
            ),
        ]


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    pytest.importorskip("prometheus_client")
    servers = Prometheus(tmp_path)
    with ExitStack() as stack:
        for command, ready in servers.commands():
            stack.enter_context(running(command, ready, tmp_path / f"{command[0]}.log"))
        yield servers


def measure(servers: Prometheus, *exports: str) -> Path:
    """Run the job under `wattmark measure` with these exports; gives the folder of its run file."""
    job = servers.folder / "job.py"
    job.write_text(JOB)
    out = servers.folder / "runs"
    asked = [part for spec in exports for part in ("--export", spec)]
    config = servers.folder / "wattmark.toml"
    config.write_text("[export]\nperiod_seconds = 0.5\n")
    options = [*asked, "--model", "sums", "--out", str(out), "--period", "0.25"]
    done = subprocess.run(
        [sys.executable, "-m", "wattmark", "measure", *options, "--", sys.executable, str(job)],
        env={**os.environ, "WATTMARK_CONFIG": str(config)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


def energy_by_stage(out: Path) -> dict[tuple[str, str], float]:
    """Joules by device and stage, from the run file."""
    (path,) = out.glob("*.run.json")
    run = read_run(path)
    found: dict[tuple[str, str], float] = {}
    for row in run.energies:
        if row.scope is Scope.WHOLE:
            key = row.device_id, stage_at(run, row.t0_seconds, row.duration_seconds)
            found[key] = found.get(key, 0.0) + row.energy_joules
    return found


def test_a_scraped_run_shows_every_stage_and_then_ends(prometheus: Prometheus) -> None:
    """What Prometheus saw last of each stage is in the run file, up to the last moments of the last one."""
    out = measure(prometheus, f"prometheus:{prometheus.run_port}")
    truth = energy_by_stage(out)
    seen = prometheus.query('max_over_time(wattmark_energy_joules_total{job="run"}[5m])')
    by_stage = {(s["metric"]["device"], s["metric"]["stage"]): float(s["value"][1]) for s in seen}
    assert {stage for _, stage in by_stage} >= set(STAGES)
    for (device, stage), joules in by_stage.items():
        assert joules <= truth[device, stage] * (1 + 1e-9)
        if stage in STAGES[:2]:
            assert joules == pytest.approx(truth[device, stage], rel=1e-9)
    assert all(s["metric"]["model"] == "sums" for s in seen)
    assert {s["metric"]["grade"] for s in seen} <= set("ABCDE")
    assert prometheus.query("resets(wattmark_energy_joules_total[5m]) > 0") == []
    wait_for(
        lambda: prometheus.query('wattmark_energy_joules_total{job="run"}') == [],
        "the series of a run that has ended are still there",
    )


def test_textfile_and_pushgateway_show_the_same_and_leave_nothing_behind(prometheus: Prometheus) -> None:
    """Both were seen by Prometheus while the job ran; afterwards no file, no group and no series is left."""
    push = f"http://127.0.0.1:{prometheus.push_port}"
    out = measure(prometheus, f"textfile:{prometheus.textfiles}", f"pushgateway:{push}")
    truth = energy_by_stage(out)
    for job in ("push", "node"):
        name = "wattmark" if job == "push" else "node"
        seen = prometheus.query(f'max_over_time(wattmark_energy_joules_total{{job="{name}"}}[5m])')
        by_stage = {(s["metric"]["device"], s["metric"]["stage"]): float(s["value"][1]) for s in seen}
        assert {stage for _, stage in by_stage} >= set(STAGES)
        for key, joules in by_stage.items():
            assert joules <= truth[key] * (1 + 1e-9)
    assert list(prometheus.textfiles.iterdir()) == []
    with urlopen(f"{push}/api/v1/metrics") as answer:
        assert json.load(answer)["data"] == []
    wait_for(lambda: prometheus.query("wattmark_energy_joules_total") == [], "stale series are left")
