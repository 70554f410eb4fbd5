"""Arrow tables: the data counts, not how a file packs it. With the real pyarrow and datasets libraries."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from wattmark.core.errors import EvidenceError
from wattmark.datasets.chunks import MAX_BYTES
from wattmark.datasets.describe import dataset

pa = pytest.importorskip("pyarrow", reason="pip install 'wattmark[datasets]'")
pq = pytest.importorskip("pyarrow.parquet")


def texts(rows: int, seed: int = 1) -> list[str]:
    """Texts that all differ, 200 bytes each."""
    world = random.Random(seed)
    return [world.randbytes(100).hex() for _ in range(rows)]


def everything() -> Any:
    """One column of each kind, with nulls."""
    n = 300
    return pa.table(
        {
            "id": list(range(n)),
            "flag": [i % 3 == 0 for i in range(n)],
            "score": [None if i % 7 == 0 else i / 3 for i in range(n)],
            "text": [None if i % 5 == 0 else f"row {i}" for i in range(n)],
            "blob": [b"x" * (i % 4) for i in range(n)],
            "ids": [list(range(i % 6)) if i % 11 else None for i in range(n)],
            "pair": pa.array([[i, i + 1] for i in range(n)], pa.list_(pa.int32(), 2)),
            "nested": [{"a": i, "b": [str(i)], "c": None} for i in range(n)],
            "label": pa.array([f"l{i % 3}" for i in range(n)]).dictionary_encode(),
            "when": [dt.datetime(2026, 1, 1) + dt.timedelta(hours=i) for i in range(n)],  # noqa: DTZ001
            "price": [Decimal(i) / 4 for i in range(n)],
            "pairs": pa.array([[("k", i)] for i in range(n)], pa.map_(pa.string(), pa.int64())),
            "nothing": pa.nulls(n),
        }
    )


def test_parquet_of_any_packing_is_the_same_dataset(tmp_path: Path) -> None:
    """Other compression, row groups and dictionary encoding: the same hash, rows and bytes."""
    table = everything()
    options: list[dict[str, Any]] = [
        {},
        {"compression": "zstd", "row_group_size": 17},
        {"compression": "none", "use_dictionary": False},
    ]
    found = []
    for i, option in enumerate(options):
        path = tmp_path / f"{i}.parquet"
        pq.write_table(table, path, **option)
        found.append(dataset(path, cache=False, name="x"))
    assert found[0] == found[1] == found[2]
    assert found[0] == dataset(table, name="x")
    assert found[0].rows == 300


def test_slices_and_batches_change_nothing() -> None:
    """A table put together from slices is the table."""
    table = everything()
    pieces = pa.concat_tables([table.slice(0, 7), table.slice(7, 250), table.slice(257)])
    assert dataset(pieces) == dataset(table)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": ["ab", "c"]}, {"a": ["a", "bc"]}),
        ({"a": [1, None]}, {"a": [None, 1]}),
        ({"a": [[1], [2, 3]]}, {"a": [[1, 2], [3]]}),
        ({"a": [1]}, {"b": [1]}),
        ({"a": [None]}, {"a": [None, None]}),
    ],
)
def test_different_data_has_a_different_hash(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> None:
    """Also where the values' bytes are the same and only lengths, nulls or names differ."""
    assert dataset(pa.table(one)).sha256 != dataset(pa.table(other)).sha256


def test_bytes_are_those_of_the_values() -> None:
    """Two int64 (16 bytes), three letters, one byte per truth value."""
    assert dataset(pa.table({"i": [1, 2], "s": ["ab", "c"], "b": [True, False]})).total_bytes == 16 + 3 + 2


def test_injected_duplicates_are_found_in_parquet(tmp_path: Path) -> None:
    """1,000 different texts written three times: 200 kB of 600 kB are unique, within a few chunks."""
    one = texts(1000)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": one * 3}), path, row_group_size=700)
    found = dataset(path, cache=False)
    assert found.total_bytes == 600_000
    assert found.unique_bytes == pytest.approx(200_000, abs=3 * MAX_BYTES)


def test_a_folder_of_parquet_adds_up(tmp_path: Path) -> None:
    """Rows add; what two shards share counts once."""
    pq.write_table(pa.table({"text": texts(1000)}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": texts(1000) + texts(500, seed=2)}), tmp_path / "b.parquet")
    found = dataset(tmp_path, cache=False)
    assert found.rows == 2500
    assert found.unique_bytes == pytest.approx(300_000, abs=4 * MAX_BYTES)


def test_arrow_files_of_both_layouts_are_read(tmp_path: Path) -> None:
    """A stream and a file hold the same dataset."""
    table = everything()
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=40)
    with pa.ipc.new_stream(tmp_path / "b.arrow", table.schema) as writer:
        writer.write_table(table)
    assert dataset(tmp_path / "a.arrow", cache=False, name="x") == dataset(table, name="x")
    assert dataset(tmp_path / "b.arrow", cache=False, name="x") == dataset(table, name="x")


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    """Not read as bytes, not a short dataset."""
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(EvidenceError, match=r"bad\.parquet.*as a table"):
        dataset(path, cache=False)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path) -> None:
    """Run where only the standard library can be imported."""
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1")
    source = Path(__file__).parents[2] / "src"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from wattmark.datasets.describe import dataset\n"
        "from wattmark.core.errors import MissingExtra\n"
        "try: dataset(sys.argv[2], cache=False)\n"
        "except MissingExtra as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(source), str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "wattmark[datasets]" in told.stdout


@pytest.fixture(scope="module")
def hf() -> Any:
    """The Hugging Face library; nothing is downloaded."""
    return pytest.importorskip("datasets", reason="pip install datasets")


def test_a_hugging_face_dataset_is_its_parquet_file(hf: Any, tmp_path: Path) -> None:
    """In memory and on disk: the same rows, bytes and hash."""
    data = hf.Dataset.from_dict({"text": texts(300), "label": [i % 2 for i in range(300)]})
    data.to_parquet(tmp_path / "d.parquet")
    assert dataset(data, name="x") == dataset(tmp_path / "d.parquet", cache=False, name="x")


def test_a_selection_is_what_is_described(hf: Any) -> None:
    """A shuffled, filtered view counts its own rows, not those of the table beneath."""
    data = hf.Dataset.from_dict({"text": texts(300)})
    assert dataset(data.select(range(100))).rows == 100
    assert (
        dataset(data.select(range(100))).sha256
        == dataset(hf.Dataset.from_dict({"text": texts(300)[:100]})).sha256
    )


def test_splits_are_described_together(hf: Any) -> None:
    """Rows add over the splits, and a test set that is inside the training set is no new data."""
    splits = hf.DatasetDict(
        {
            "train": hf.Dataset.from_dict({"text": texts(1000)}),
            "test": hf.Dataset.from_dict({"text": texts(1000)[200:600]}),
        }
    )
    found = dataset(splits)
    assert found.rows == 1400
    assert found.unique_bytes == pytest.approx(200_000, abs=3 * MAX_BYTES)


def test_a_saved_hugging_face_folder_is_read(hf: Any, tmp_path: Path) -> None:
    """Its Arrow files are tables; the small JSON files beside them have no rows."""
    hf.Dataset.from_dict({"text": texts(50)}).save_to_disk(tmp_path / "saved")
    assert dataset(tmp_path / "saved", cache=False).rows == 50


def test_a_streamed_dataset_is_described_as_it_passes(hf: Any) -> None:
    """An iterable dataset has no length, but it has rows."""
    data = hf.Dataset.from_dict({"text": texts(120)})
    assert dataset(data.to_iterable_dataset()).rows == 120
