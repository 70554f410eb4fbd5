"""WATTMARK_START=1: whole programs, with their workers, measured without a change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattmark.core.run import Run, Status
from wattmark.ledger.runfile import read_run

FOUND = subprocess.run(
    [sys.executable, "-c", "import sys; print('wattmark.autostart' in sys.modules)"],
    env={**os.environ, "WATTMARK_START": "1", "WATTMARK_CONFIG": "/nowhere"},
    capture_output=True,
    text=True,
    check=True,
)
pytestmark = pytest.mark.skipif("True" not in FOUND.stdout, reason="wattmark-start.pth is not installed here")

POOL = """
import multiprocessing, sys, wattmark
from concurrent.futures import ProcessPoolExecutor

def work(n):
    with wattmark.track("item", stage="training") as run:
        run.log(work={"items": 1})
    wattmark.log(work={"logged": 1})
    return n

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert sum(pool.map(work, range(6))) == 15
"""


def started(folder: Path, *command: str) -> tuple[subprocess.CompletedProcess[str], list[Run]]:
    """Run a command with the variable set; what came of it."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "WATTMARK_START": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done, [read_run(p) for p in sorted((folder / "wattmark-runs").glob("*.run.json"))]


def test_a_program_is_one_run_and_ends_as_ever(tmp_path: Path) -> None:
    """Its exit code and output are its own."""
    done, (run,) = started(tmp_path, sys.executable, "-c", "import sys; print('out'); sys.exit(3)")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "")
    assert run.status is Status.CLOSED


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_join_the_run_of_their_program(tmp_path: Path, method: str) -> None:
    """However they are started: one run, every item counted once."""
    (tmp_path / "pool.py").write_text(POOL)
    done, runs = started(tmp_path, sys.executable, "pool.py", method)
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = runs
    counts: dict[str, float] = {}
    for work in run.work:
        counts[work.unit] = counts.get(work.unit, 0.0) + work.count
    assert counts == {"items": 6.0, "logged": 6.0}


def test_wattmark_itself_is_not_measured_beside_its_command(tmp_path: Path) -> None:
    """One program, one run; and a verb that measures nothing leaves none."""
    measure = (sys.executable, "-m", "wattmark", "measure", "-q", "--", sys.executable, "-c", "pass")
    done, runs = started(tmp_path, *measure)
    assert (done.returncode, len(runs)) == (0, 1)
    _, runs = started(tmp_path, sys.executable, "-m", "wattmark", "kpis", "list")
    assert len(runs) == 1
