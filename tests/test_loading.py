"""What measuring loads, and when: programs that are measured pay for every module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattmark.core.run import Status
from wattmark.ledger.runfile import read_run

START = "import sys, wattmark; track = wattmark.track; "
TOLD = "print(*sorted({}))"


def loaded(program: str, what: str = "sys.modules", **environ: str) -> set[str]:
    """The modules that a program tells, without a configuration of the machine it runs on."""
    said = subprocess.run(
        [sys.executable, "-c", START + program + TOLD.format(what)],
        capture_output=True,
        text=True,
        check=True,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("WATTMARK_")}, **environ},
    )
    return set(said.stdout.split())


@pytest.mark.parametrize("kept", [True, False])
def test_the_end_of_a_measurement_loads_nothing(kept: bool, tmp_path: Path) -> None:
    """What a stop would have to find on disk may be gone by then, or no file may be opened any more."""
    where = f"out={str(tmp_path)!r}" if kept else ""
    program = f"run = track({where}).start(); before = set(sys.modules); run.stop(); "
    assert loaded(program, "set(sys.modules) - before") == set()


def test_a_measurement_without_a_run_file_loads_no_spool() -> None:
    """Neither JSON nor what lands run files is needed, nor budgets, outcomes and sources."""
    found = loaded("track().start().stop(); ")
    assert "wattmark.measure.recording" in found
    assert not found & {
        "json",
        "tomllib",
        "wattmark.core.imported",
        "wattmark.core.outcome",
        "wattmark.measure.budget",
        "wattmark.measure.delivery",
        "wattmark.measure.spool",
    }


def test_a_window_of_another_run_loads_no_meters(tmp_path: Path) -> None:
    """Inside `wattmark measure` a track only tells lines: the command's own process has the meters."""
    log = str(tmp_path / "log")
    found = loaded("track('part').start().stop(); ", WATTMARK_LOG=log, WATTMARK_RUN="a-run")
    assert "wattmark.live" in found
    assert not {name for name in found if name.startswith(("wattmark.meters", "wattmark.measure.recording"))}
    assert "part" in (tmp_path / "log").read_text()


def test_what_a_program_does_at_its_end_comes_before_our_end(tmp_path: Path) -> None:
    """A program that stops its run as it exits has stopped it in order, though it was started later."""
    program = f"import atexit; run = track(out={str(tmp_path)!r}); atexit.register(run.stop); run.start(); "
    loaded(program)
    (path,) = tmp_path.glob("*.run.json")
    assert read_run(path).status is Status.CLOSED
