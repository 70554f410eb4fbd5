"""Ledgers for the tests of ``wattmark ledger``: a folder, and run files in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.builders import a_row, a_run
from tests.cli.running import kept, verb
from wattmark.cli.ledger import group
from wattmark.core.run import Host, Overhead, Run, Subject, Work

HOSTS = {name: Host(id=name * 16, fingerprint=name * 16, boot_id=name * 16) for name in "abc"}


def a_ledger(folder: Path, settings: str = "") -> Path:
    """A ledger with these settings after the format."""
    ledger = folder / "ledger"
    ledger.mkdir()
    (ledger / "ledger.toml").write_text(f"format = 1\n{settings}", encoding="utf-8")
    return ledger


def number(n: int) -> str:
    """The id of the n-th run."""
    return f"00000000-0000-4000-8000-{n:012d}"


def the_run(n: int, host: str = "a", second: int = 0, **changes: Any) -> Run:
    """The n-th run: 90 J of the CPU of its host, ten seconds from 12:00:00 plus ``second`` on."""
    row = a_row(device_id=f"cpu:{HOSTS[host].id}/package-0")
    fields: dict[str, Any] = {
        "record_id": number(n),
        "host": HOSTS[host],
        "started_at": f"2026-11-01T12:{second // 60:02d}:{second % 60:02d}.000000Z",
        "started_monotonic_seconds": 1000.0 + second,
        "energies": (row,),
        "overhead": Overhead(cpu_seconds=0.01, workload_cpu_seconds=10.0),
    }
    return a_run(**{**fields, **changes})


def portfolio(folder: Path) -> list[Path]:
    """Four runs: two of search (one trained, one served), one of ads, one that nobody tagged."""
    files = folder / "runs"
    files.mkdir()
    search, ads = Subject(team="search", model="ranker"), Subject(team="ads", model="bidder")
    served = Subject(team="search", model="ranker", stage="inference", labels={"branch": "main"})
    runs = [
        the_run(1, "a", 0, subject=search),
        the_run(2, "a", 60, subject=served, work=(Work(unit="inferences", count=1000.0),)),
        the_run(3, "b", 0, subject=ads),
        the_run(4, "c", 0, failed=True),
    ]
    return [kept(files, run, f"run-{n}") for n, run in enumerate(runs, 1)]


def filled(folder: Path, settings: str = "") -> Path:
    """A ledger that holds the portfolio, not folded yet."""
    ledger = a_ledger(folder, settings)
    portfolio(folder)
    assert ask("add", folder / "runs", "--ledger", ledger).return_value == 0
    return ledger


def ask(*arguments: object) -> Result:
    """``wattmark ledger ...``; errors come through as they are raised."""
    return verb(group, *arguments)


def told(*arguments: object) -> dict[str, Any]:
    """What it says with --json."""
    body: dict[str, Any] = json.loads(ask(*arguments, "--json").stdout)
    return body


def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    for name in ("WATTMARK_CONFIG", "WATTMARK_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path / "home"))
