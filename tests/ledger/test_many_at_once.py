"""Many writers, many folders, kills and a full disk: everything that was acknowledged is there, once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("deltalake")

from tests.ledger.landing import NOW, contents_of, document, runs_of, samples_of, some_samples
from wattmark.core.errors import LedgerError
from wattmark.ledger.evidence import Evidence
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.store import LocalStore
from wattmark.ledger.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]
ROOT = Path(__file__).parents[2]


def worker(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.ledger.workers", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> str:
    """What a worker printed; it must have ended well."""
    out, _ = process.communicate(timeout=280)
    assert process.returncode == 0
    return out.strip()


def test_two_hundred_writers_and_four_folders_at_once(tmp_path: Path) -> None:
    """Nothing is lost, nothing is double; the run that all of them bring counts once."""
    store = LocalStore(tmp_path)
    folders = [worker("fold", tmp_path) for _ in range(4)]
    assert told(worker("land", tmp_path, 200, 5)) == ""
    store.put_new("stop", b"")
    files = sum(int(told(folder)) for folder in folders)
    expected = {f"r-{number}-{n}" for number in range(200) for n in range(5)} | {"r-shared"}
    assert set(runs_of(store)) == expected
    assert set(runs_of(store).values()) == {1}
    assert set(contents_of(store).values()) == {1}
    assert files == len(expected)
    assert list(store.names("inbox/")) == []
    assert verify(store).sound


def test_folders_killed_at_thirty_moments_leave_the_truth(tmp_path: Path) -> None:
    """In the middle of a fold or of a compaction: the next fold makes it good."""
    store = LocalStore(tmp_path)
    cut = int(told(worker("killed", tmp_path, 30, 120, 7)))
    assert cut > 0
    fold(store, time.time_ns() // 1000)
    assert set(runs_of(store)) == {f"r-{moment}-{n}" for moment in range(30) for n in range(10)}
    assert set(runs_of(store).values()) == {1}
    assert len(samples_of(store)) == 30 * 50
    assert set(samples_of(store).values()) == {1}
    assert set(contents_of(store).values()) == {1}
    assert list(store.names("inbox/")) == []
    assert verify(store).sound
    assert len(Evidence(store).history()) == Evidence(store).version() + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes, most of them taken."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False)
    if made.returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def land_until_full(store: LocalStore) -> set[str]:
    """The runs that were acknowledged before the disk was full."""
    landed: set[str] = set()
    while fits(lambda: land_run(store, document(f"r-{len(landed)}", notes=("x" * 20_000,)))):
        landed.add(f"r-{len(landed)}")
    return landed


def fits(what: Callable[[], object]) -> bool:
    """False when there was no room for it; any other trouble is raised."""
    try:
        what()
    except LedgerError as error:
        if "make room" not in error.problem:
            raise
        return False
    return True


def fill(path: Path) -> None:
    """Take whatever room is left."""
    with open(path, "wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(path).free)


def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    """Landing and folding fail and say why; when there is room they go on."""
    ballast, crumbs = small_disk / "ballast", small_disk / "crumbs"
    ballast.write_bytes(b"\0" * 1_300_000)
    store = LocalStore(small_disk / "ledger")
    landed = land_until_full(store)
    assert len(landed) > 5
    fill(crumbs)
    with pytest.raises(LedgerError, match="make room"):
        land_samples(store, [some_samples(rows=1000)])
    with pytest.raises(LedgerError, match="make room"):
        fold(store, NOW)
    assert len(list(store.names("inbox/"))) == len(landed)
    ballast.unlink()
    land_samples(store, [some_samples(rows=1000)])
    assert fold(store, NOW).runs == len(landed)
    assert set(runs_of(store)) == landed
    assert set(runs_of(store).values()) == {1}
    assert len(samples_of(store)) == 1000
    assert verify(store).sound


def test_a_disk_that_fills_while_folding_keeps_the_inbox(small_disk: Path) -> None:
    """With room for some of what a fold writes, wherever it ends: a later fold takes in all of it."""
    store = LocalStore(small_disk / "ledger")
    for n in range(20):
        land_run(store, document(f"r-{n}"))
        land_samples(store, [some_samples(f"GPU-{n}", rows=20)])
    crumbs = small_disk / "crumbs"
    done: list[bool] = []
    for kilobytes in (4, 16, 24, 32, 40, 48, 56, 64):
        fill(crumbs)
        os.truncate(crumbs, crumbs.stat().st_size - kilobytes * 1024)
        done.append(fits(lambda: fold(store, NOW)))
        crumbs.unlink()
    assert False in done
    fold(store, NOW)
    assert len(runs_of(store)) == 20
    assert set(runs_of(store).values()) == {1}
    assert len(samples_of(store)) == 400
    assert set(samples_of(store).values()) == {1}
    assert verify(store).sound
