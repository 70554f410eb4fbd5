"""Counting while others count and fold, and in an object store: the same rows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ledger.counting_world import (
    RULES,
    a_ledger,
    counted_again,
    every,
    everything,
    gpu,
    node,
    put,
    run_on,
    share_of,
)
from tests.ledger.test_derive import random_run, random_samples
from wattmark.core.tags import TagRules
from wattmark.ledger.derive import refresh
from wattmark.ledger.store import Store, open_store


@pytest.mark.slow
def test_any_number_of_readers_count_while_others_fold(tmp_path: Path) -> None:
    """Two fold and three count at once: each snapshot is that of its version, and so is the last."""
    draw = random.Random(7)
    portions = [([random_run(draw, n)], random_samples(draw)) for n in range(12)]
    store = a_ledger(tmp_path)
    put(store, run_on("h9", "first"))

    def fold_some(mine: int) -> None:
        for runs, samples in portions[mine::2]:
            put(store, *runs, samples=samples)

    def count_some(_: int) -> list[tuple[int, object]]:
        snapshots = (refresh(a_ledger(tmp_path), RULES) for _ in range(4))
        return [(snapshot.version, everything(snapshot)) for snapshot in snapshots]

    with ThreadPoolExecutor(5) as pool:
        folding = [pool.submit(fold_some, n) for n in range(2)]
        counting = [pool.submit(count_some, n) for n in range(3)]
        for task in folding:
            task.result()
        seen = [pair for task in counting for pair in task.result()]
    for version, rows in seen:
        again = refresh(store, TagRules(), as_of=version, only_exactly=True)
        assert rows == everything(again)
    assert everything(refresh(store, RULES)) == everything(counted_again(store))


@pytest.fixture
def bucket() -> Iterator[Store]:
    pytest.importorskip("moto.server")
    pytest.importorskip("obstore")
    from tests.fakes.s3_server import S3Server

    with S3Server() as running:
        running.create_bucket("counting")
        yield open_store("s3://counting/ledger", running.environ(running.port))


@pytest.mark.slow
def test_an_object_store_is_counted_like_a_folder(bucket: Store, tmp_path: Path) -> None:
    """Counted, refreshed and read again: the rows are those of a folder with the same evidence."""
    folder = a_ledger(tmp_path)
    for store in (bucket, folder):
        put(store, share_of(run_on(), 3.0), samples=[every(10, 50, gpu("h2")), every(10, 50, node("h2"))])
        refresh(store, RULES)
        put(store, share_of(run_on(record="r2"), 2.0), samples=[every(10, 5, gpu())])
    remote, local = refresh(bucket, RULES), refresh(folder, RULES)
    assert everything(remote) == everything(local)
    assert all(file.startswith("s3://") for file in remote.files("counted"))
