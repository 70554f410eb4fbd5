"""From another tool's file into totals: whatever happens on the way, what is counted is the file."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake")
pytest.importorskip("duckdb")

FILES = Path(__file__).resolve().parents[1] / "sources" / "files"
WATTMARK = (sys.executable, "-m", "wattmark")
GPUS, SECONDS = 4, 60_000
KWH = 3.6e6


def wattmark(*arguments: str | Path) -> str:
    done = subprocess.run([*WATTMARK, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def totals(ledger: Path, by: str) -> dict[str, Any]:
    """Joules of each value of a tag."""
    wattmark("ledger", "fold", "--ledger", ledger)
    said: dict[str, Any] = json.loads(wattmark("ledger", "totals", "--ledger", ledger, "--by", by, "--json"))
    return said


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    folder = tmp_path / "ledger"
    wattmark("ledger", "init", folder)
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Four GPUs at 100, 101, 102 and 103 W, a look a second for 60 000 seconds: 24.36 MJ."""
    path = tmp_path / "power.csv"
    begin = 1_793_520_000
    with open(path, "w", encoding="ascii") as file:
        file.write("t,gpu,w\n")
        file.writelines(f"{begin + s},{g},{100 + g}\n" for s in range(SECONDS + 1) for g in range(GPUS))
    return path


SETTINGS = ("-o", "time=t", "-o", "time_format=s", "-o", "power=w", "-o", "power_unit=W", "-o", "device=gpu")
IMPORT = (*SETTINGS, "-o", "component==gpu", "--host", "n1", "--team", "nlp")


@pytest.mark.slow
def test_an_import_that_is_killed_and_done_again_counts_once(ledger: Path, log: Path) -> None:
    """Killed at five moments, folded in between, and done twice more: the totals are the file's."""
    chance = random.Random(5)
    arguments = [*WATTMARK, "import", "generic", str(log), *IMPORT, "--ledger", str(ledger)]
    for attempt in range(5):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.5 + chance.random() * 1.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        if attempt % 2:
            wattmark("ledger", "fold", "--ledger", ledger)
    for _ in range(2):
        wattmark(*arguments[3:])
    said = totals(ledger, "team")
    (row,) = [r for r in said["totals"] if r["group"].get("team") == "nlp"]
    assert row["energy"]["value"] == pytest.approx((100 + 101 + 102 + 103) * SECONDS, rel=1e-12)


@pytest.mark.slow
def test_a_file_that_grows_is_counted_as_it_is(ledger: Path, tmp_path: Path) -> None:
    """CodeCarbon's file, imported after every run of it, is counted once."""
    lines = (FILES / "codecarbon-3.3.2.csv").read_text().splitlines()
    growing = tmp_path / "emissions.csv"
    for count in range(2, len(lines) + 1):
        growing.write_text("\n".join(lines[:count]) + "\n")
        wattmark("import", "codecarbon", growing, "--ledger", ledger, "-o", "time_zone=UTC")
        if count % 2:
            wattmark("ledger", "fold", "--ledger", ledger)
    moved = Path(shutil.move(growing, tmp_path / "emissions-old.csv"))
    wattmark("import", "codecarbon", moved, "--ledger", ledger, "-o", "time_zone=UTC")
    said = totals(ledger, "project")
    joules = {r["group"]["project"]: r["energy"]["value"] for r in said["totals"]}
    stated = {"vision": 2.327158891556391e-05, "cooled": 5.413676624148245e-05 / 1.5}
    for project, kwh in stated.items():
        assert joules[project] == pytest.approx(kwh * KWH, abs=1e-5)


@pytest.mark.slow
def test_a_log_that_grows_is_counted_as_it_is(ledger: Path, log: Path, tmp_path: Path) -> None:
    """Imported at four lengths, folded in between: each moment of each GPU counts once."""
    lines = log.read_text().splitlines(keepends=True)
    growing = tmp_path / "growing.csv"
    for count in (1000, 50_001, 120_003, len(lines)):
        growing.write_text("".join(lines[:count]))
        wattmark("import", "generic", growing, *IMPORT, "--ledger", ledger)
        wattmark("ledger", "fold", "--ledger", ledger)
    (row,) = [r for r in totals(ledger, "team")["totals"] if r["group"]["team"] == "nlp"]
    assert row["energy"]["value"] == pytest.approx((100 + 101 + 102 + 103) * SECONDS, rel=1e-12)
