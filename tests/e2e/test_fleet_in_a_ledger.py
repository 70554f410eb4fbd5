"""A simulated fleet through a chaotic ingest: whatever happens on the way, the totals are the truth."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from wattmark.testing.fleet import Delivery, Fleet, Key, Plan, deliveries, simulate

pytest.importorskip("deltalake")
pytest.importorskip("duckdb")

from wattmark.core.errors import LedgerError
from wattmark.core.known import Boundary
from wattmark.core.tags import TagRules
from wattmark.ledger.derive import refresh
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.factors import Factors
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import INBOX, land_run, land_samples
from wattmark.ledger.question import Question
from wattmark.ledger.rollup import Rollup, roll_up
from wattmark.ledger.snapshot import Snapshot
from wattmark.ledger.store import Store, open_store

pytestmark = pytest.mark.timeout(1200)
NOW_US = 1_800_000_000_000_000
BY = ("team", "model", "stage")
fork = multiprocessing.get_context("fork")


def small_plan(**changes: Any) -> Plan:
    fields = {"training_hosts": 1, "serving_hosts": 1, "pod_hosts": 1, "preparation_hosts": 1, "gpus": 2}
    return Plan(**{**fields, "hours": 18, **changes})


def land(store: Store, things: Sequence[Delivery]) -> None:
    for thing in things:
        if thing.document is not None:
            land_run(store, thing.document)
        else:
            land_samples(store, thing.samples)


def totals(snapshot: Snapshot, question: Question) -> Rollup:
    with DuckDbEngine() as engine:
        return roll_up(snapshot, question, Factors(), engine)


def observed(snapshot: Snapshot, boundary: Boundary) -> dict[Key, int]:
    """Microjoules by team, model and stage."""
    rollup = totals(snapshot, Question(by=BY, boundary=boundary))
    found = {Key(*(t.group[key] for key in BY)): t.observed_uj for t in rollup.totals}
    return {key: joules for key, joules in found.items() if joules}


def check(fleet: Fleet, snapshot: Snapshot) -> None:
    """Energy to the microjoule at both boundaries, and work to the unit."""
    truth = fleet.truth
    assert observed(snapshot, Boundary.NODE) == {k: v for k, v in truth.node_uj.items() if v}
    assert observed(snapshot, Boundary.DEVICE) == {k: v for k, v in truth.device_uj.items() if v}
    rollup = totals(snapshot, Question(by=BY))
    work = {
        (Key(*(t.group[key] for key in BY)), unit): done.count
        for t in rollup.totals
        for unit, done in t.work.items()
    }
    assert {k: v for k, v in work.items() if v} == {k: v for k, v in truth.work.items() if v}


def test_a_fleet_without_faults_is_the_truth(tmp_path: Path) -> None:
    """Landed in order, once, folded once."""
    fleet = simulate(small_plan(faults=False))
    store = open_store(str(tmp_path))
    land(store, deliveries(fleet, chaos=False))
    fold(store, NOW_US)
    check(fleet, refresh(store, TagRules()))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_gaps_restarts_watchers_ranks_and_clock_steps_change_nothing(tmp_path: Path, seed: int) -> None:
    """In any order, twice, with earlier states and overlapping batches; folded in several goes."""
    fleet = simulate(small_plan(seed=seed))
    store = open_store(str(tmp_path))
    things = deliveries(fleet, seed)
    for start in range(0, len(things), 40):
        land(store, things[start : start + 40])
        fold(store, NOW_US)
        refresh(store, TagRules())
    snapshot = refresh(store, TagRules())
    check(fleet, snapshot)
    assert snapshot.version >= 1


def _in_processes(target: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    processes = [fork.Process(target=target, args=each, daemon=True) for each in arguments]
    for process in processes:
        process.start()
    return processes


def _write(folder: str, things: Sequence[Delivery]) -> None:
    land(open_store(folder), things)
    os._exit(0)


FOLDER = """
import sys
from wattmark.ledger.fold import fold
from wattmark.ledger.store import open_store
store = open_store(sys.argv[1])
print("begun", flush=True)
while True:
    fold(store, 1_800_000_000_000_000)
"""


@pytest.mark.slow
def test_killed_writers_and_killed_folders_lose_and_double_nothing(tmp_path: Path) -> None:
    """Writers are killed and begin anew, folders are killed at random moments; then one last fold."""
    fleet = simulate(small_plan(seed=7))
    things = deliveries(fleet, batch=400)
    rng = random.Random(7)
    folder = str(tmp_path)
    parts = [things[i::6] for i in range(6)]
    for _ in range(4):  # every writer begins anew; what it had landed lands again
        writers = _in_processes(_write, [(folder, part) for part in parts])
        folders = [
            subprocess.Popen([sys.executable, "-c", FOLDER, folder], stdout=subprocess.PIPE) for _ in range(2)
        ]
        for process in folders:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
        time.sleep(rng.uniform(0.05, 0.8))
        for process in (*writers, *folders):
            assert process.pid is not None
            with suppress(ProcessLookupError):  # a writer that was done already
                os.kill(process.pid, signal.SIGKILL)
        for process in writers:
            process.join()
        for killed in folders:
            killed.wait()
            assert killed.stdout is not None
            killed.stdout.close()
    store = open_store(folder)
    land(store, things)
    fold(store, NOW_US)
    assert list(store.names(INBOX)) == []
    check(fleet, refresh(store, TagRules()))


def patiently(what: Callable[[], object]) -> None:
    """Do it, and again while the store gives up: as a user who calls the command once more."""
    for _ in range(30):
        try:
            what()
        except LedgerError:
            continue
        return
    raise AssertionError("the store never came back")


@pytest.mark.slow
def test_a_slow_and_failing_object_store_loses_and_doubles_nothing() -> None:
    """A tenth of the requests is refused, a tenth of the answers lost, a tenth late; two folders at once."""
    pytest.importorskip("obstore")
    pytest.importorskip("moto.server")
    from tests.fakes.flaky_proxy import FlakyProxy, Weather
    from tests.fakes.s3_server import S3Server

    fleet = simulate(small_plan(seed=5, hours=8, gpus=1))
    things = deliveries(fleet, batch=1500)
    weather = Weather(refuse=0.1, lose=0.1, delay=0.1)
    with S3Server() as server, FlakyProxy(server.port, weather, seed=5) as proxy:
        server.create_bucket("fleet")
        store = open_store("s3://fleet/ledger", server.environ(proxy.port))
        with ThreadPoolExecutor(8) as hands:
            for _ in hands.map(lambda thing: patiently(lambda: land(store, [thing])), things):
                pass
            for done in [hands.submit(patiently, lambda: fold(store, NOW_US)) for _ in range(2)]:
                done.result()
        assert proxy.seen["refuse"] > 0 < proxy.seen["lose"]
        proxy.weather = Weather()
        fold(store, NOW_US)
        check(fleet, refresh(store, TagRules()))


@pytest.mark.slow
def test_a_full_disk_in_between_changes_nothing(tmp_path: Path) -> None:
    """Landing and folding fail while there is no room; done again afterwards, the totals are the truth."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=False)
    if made.returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    fleet = simulate(small_plan(seed=6, hours=8))
    things = deliveries(fleet)
    try:
        store = open_store(str(disk / "ledger"))
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - 150_000))
        refused = 0
        for thing in things:
            try:
                land(store, [thing])
            except LedgerError:
                refused += 1
        with suppress(LedgerError):  # there may be no room for its commit
            fold(store, NOW_US)
        assert refused > 0
        (disk / "ballast").unlink()
        land(store, things)
        fold(store, NOW_US)
        check(fleet, refresh(store, TagRules()))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.slow
def test_one_command_fills_a_ledger_and_agrees_with_the_truth(tmp_path: Path) -> None:
    """`wattmark ledger simulate` says so itself, and `totals` shows the portfolio."""
    folder = str(tmp_path / "fleet")

    def wattmark(*arguments: str) -> str:
        command = [sys.executable, "-m", "wattmark", "ledger", *arguments, "--ledger", folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = json.loads(wattmark("simulate", "--gpus", "2", "--hours", "12", "--json"))
    assert said["exact"] is True
    shown = wattmark("totals", "--by", "team,model,stage", "--plot")
    for team in ("language", "search", "vision"):
        assert team in shown
    assert "version" in shown
