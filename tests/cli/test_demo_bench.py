"""``wattmark demo --bench``: all eleven tasks offline, from models to bundles and a leaderboard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattmark.core.bench.task import TASKS


def wattmark(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, without a network to fetch models from."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "wattmark", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_two_demonstrations_at_once_are_refused(tmp_path: Path) -> None:
    """Nothing is made of either."""
    done = wattmark("demo", "--bench", "--serving", cwd=tmp_path)
    assert done.returncode == 2
    assert "ask for one at a time" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_all_tasks_run_offline_and_an_edited_bundle_is_caught(tmp_path: Path) -> None:
    """Each task leaves energy and a bundle that verifies; one digit more is found; nothing is rated."""
    pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    done = wattmark("demo", "--bench", "--quick", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [row["task"] for row in told["results"]] == [task.id for task in TASKS.values() if task.inference]
    assert len(told["results"]) == 11
    for row in told["results"]:
        assert row["verified"] == "genuine", row
        assert row["joules_per_query"]["value"] > 0, row
        assert row["validity"] == "invalid", row
        assert row["quality"] is not None, row
    assert told["edited_bundle"] == "differs"
    page = (tmp_path / told["leaderboard"] / "index.html").read_text()
    assert all(task.title in page for task in TASKS.values() if task.inference)
