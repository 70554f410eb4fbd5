"""Datasets described: hash, rows, unique bytes, cached until a file changes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import tracemalloc
from pathlib import Path

import pytest

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.datasets.chunks import MAX_BYTES
from wattmark.datasets.describe import Description, dataset, describe

LONG_AGO = 1_700_000_000


def jsonl(path: Path, rows: int, seed: int = 1, *, aged: bool = True) -> Path:
    """A file of rows that all differ, written long ago."""
    world = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for i in range(rows):
            file.write(json.dumps({"id": i, "text": world.randbytes(60).hex()}) + "\n")
    if aged:
        os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_a_file_is_described(tmp_path: Path) -> None:
    """Its rows, bytes and plain sha256; nothing in it is there twice."""
    path = jsonl(tmp_path / "train.jsonl", 2000)
    data = path.read_bytes()
    found = dataset(path, cache=False)
    assert found.name == "train.jsonl"
    assert found.rows == 2000
    assert found.total_bytes == found.unique_bytes == len(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert not found.declared


def test_what_is_there_twice_counts_once(tmp_path: Path) -> None:
    """The same 300 kB in three files: one file's bytes are unique, within a few chunks."""
    folder = tmp_path / "data"
    for name in ("a.jsonl", "b.jsonl", "sub/c.jsonl"):
        jsonl(folder / name, 2000)
    found = describe(folder, cache=False)
    one = (folder / "a.jsonl").stat().st_size
    assert found.dataset.total_bytes == 3 * one
    assert found.dataset.unique_bytes == pytest.approx(one, abs=3 * MAX_BYTES)
    assert found.duplicate_share == pytest.approx(2 / 3, abs=0.05)
    assert (found.files, found.files_with_rows, found.dataset.rows) == (3, 3, 6000)


def test_compression_changes_nothing_but_the_disk(tmp_path: Path) -> None:
    """The packed copy has the same hash, rows and bytes."""
    path = jsonl(tmp_path / "a.jsonl", 500)
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    plain, zipped = dataset(path, cache=False, name="x"), dataset(packed, cache=False, name="x")
    assert plain == zipped


def test_a_folder_does_not_depend_on_the_order_of_writing(tmp_path: Path) -> None:
    """Sorted relative paths: the same files give the same hash."""
    jsonl(tmp_path / "one/a.jsonl", 50, seed=1)
    jsonl(tmp_path / "one/b.jsonl", 50, seed=2)
    jsonl(tmp_path / "two/b.jsonl", 50, seed=2)
    jsonl(tmp_path / "two/a.jsonl", 50, seed=1)
    assert dataset(tmp_path / "one", name="x", cache=False) == dataset(
        tmp_path / "two", name="x", cache=False
    )
    jsonl(tmp_path / "two/a.jsonl", 50, seed=3)
    assert dataset(tmp_path / "one", cache=False).sha256 != dataset(tmp_path / "two", cache=False).sha256


def test_several_files_do_not_depend_on_their_order(tmp_path: Path) -> None:
    """A list of paths is a set of files."""
    a, b = jsonl(tmp_path / "a.jsonl", 50, seed=1), jsonl(tmp_path / "b.jsonl", 60, seed=2)
    assert dataset([a, b], name="x", cache=False) == dataset([b, str(a)], name="x", cache=False)


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    """A .git folder is no training data."""
    jsonl(tmp_path / "d/a.jsonl", 10)
    jsonl(tmp_path / "d/.git/x.jsonl", 10)
    (tmp_path / "d/.DS_Store").write_text("x")
    assert describe(tmp_path / "d", cache=False).files == 1


def test_files_without_rows_give_no_row_count(tmp_path: Path) -> None:
    """Pictures have no rows: not known, not zero."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\n\n\n")
    assert dataset(tmp_path / "a.png", cache=False).rows is None


@pytest.mark.parametrize("what", [3, ["nowhere.jsonl"], b"bytes", {"a": 1}, []])
def test_what_is_no_dataset_is_refused(what: object) -> None:
    """With what may be given instead."""
    with pytest.raises(UsageError, match="give a path"):
        dataset(what)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """And so is an empty folder."""
    with pytest.raises(EvidenceError, match="does not exist"):
        dataset(tmp_path / "nowhere")
    with pytest.raises(EvidenceError, match="holds no files"):
        dataset(tmp_path)


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    """Bytes on disk, never backwards."""
    jsonl(tmp_path / "d/a.jsonl", 500)
    jsonl(tmp_path / "d/b.jsonl", 500, seed=2)
    told: list[tuple[int, int]] = []
    found = describe(tmp_path / "d", cache=False, progress=lambda done, every: told.append((done, every)))
    assert told[-1] == (found.bytes_on_disk, found.bytes_on_disk)
    assert told == sorted(told)


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """40 MB are described in less than 24 MB of Python's memory."""
    path = tmp_path / "big.bin"
    with path.open("wb") as file:
        for seed in range(40):
            file.write(random.Random(seed).randbytes(1_000_000))
    tracemalloc.start()
    found = dataset(path, cache=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.unique_bytes == 40_000_000
    assert peak < 24e6


class Cached:
    """Descriptions with a cache of their own."""

    def __init__(self, tmp_path: Path) -> None:
        self.environ = {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def __call__(self, path: Path) -> Description:
        return describe(path, environ=self.environ)


def test_a_second_look_comes_from_the_cache(tmp_path: Path) -> None:
    """The same answer, and it says where it comes from."""
    path, look = jsonl(tmp_path / "a.jsonl", 100), Cached(tmp_path)
    first, second = look(path), look(path)
    assert not first.from_cache
    assert second.from_cache
    assert second.dataset == first.dataset


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """Other content at another time."""
    path, look = jsonl(tmp_path / "a.jsonl", 100), Cached(tmp_path)
    before = look(path)
    jsonl(path, 101)
    os.utime(path, (LONG_AGO + 5, LONG_AGO + 5))
    after = look(path)
    assert not after.from_cache
    assert after.dataset.sha256 != before.dataset.sha256


def test_a_file_written_just_now_is_not_cached(tmp_path: Path) -> None:
    """It could change again without its time showing it."""
    path, look = jsonl(tmp_path / "a.jsonl", 100, aged=False), Cached(tmp_path)
    look(path)
    assert not look(path).from_cache


def test_the_cache_holds_no_path_and_survives_damage(tmp_path: Path) -> None:
    """A damaged entry is made again."""
    path, look = jsonl(tmp_path / "secret-project.jsonl", 100), Cached(tmp_path)
    look(path)
    (entry,) = (tmp_path / "cache/wattmark/datasets").iterdir()
    assert "secret" not in entry.read_text() + entry.name
    for damage in ("{", "[]", '{"dataset": {"colour": 1}}', "{}"):
        entry.write_text(damage)
        assert look(path).dataset.rows == 100


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Its folder is a file."""
    (tmp_path / "cache").write_text("")
    assert Cached(tmp_path)(jsonl(tmp_path / "a.jsonl", 10)).dataset.rows == 10
