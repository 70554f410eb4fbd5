"""Arrow tables (Parquet, Arrow files, Hugging Face datasets) as streams of the values they hold.

What counts is the data, not how a file packs it: each column is one stream of its values, so the
same table has the same bytes and the same hash as Parquet of any compression or row-group size and
in memory. Lengths of strings and lists and the places of nulls go into the hash, not into the bytes.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, MissingExtra, UsageError
from wattmark.datasets.chunks import Chunker
from wattmark.datasets.unique import UniqueBytes

TABLE_SUFFIXES = (".parquet", ".pq", ".arrow", ".feather")
BATCH_ROWS = 4096


class ColumnStreams:
    """The streams of all columns of one table: hashed, and added to the unique bytes."""

    def __init__(self, unique: UniqueBytes) -> None:
        self._pa: Any = _pyarrow()
        self._pc: Any = importlib.import_module("pyarrow.compute")
        self._unique = unique
        self._chunkers: dict[str, Chunker] = {}
        self._hashes: dict[str, Any] = {}
        self._seen: dict[str, int] = {}
        self.rows = 0

    def add(self, batch: Any) -> None:
        """Take note of the next rows: an Arrow record batch or table."""
        self.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for array in getattr(column, "chunks", (column,)):
                self._array(name, array)

    def end(self) -> str:
        """Finish all streams; the sha256 of the table."""
        for chunker in self._chunkers.values():
            self._unique.add(chunker.end())
        whole = hashlib.sha256()
        for name in sorted(self._hashes):
            whole.update(f"{name}\0{self._hashes[name].hexdigest()}\n".encode())
        return whole.hexdigest()

    def _array(self, name: str, array: Any) -> None:
        """One array of one (nested) column, leaf by leaf."""
        pa, kind = self._pa, array.type
        if isinstance(array, pa.ExtensionArray):
            return self._array(name, array.storage)
        if pa.types.is_dictionary(kind):
            return self._array(name, array.dictionary_decode())
        if pa.types.is_null(kind):
            return self._shape(name, bytes(len(array)))
        before = self._seen.get(name, 0)
        self._seen[name] = before + len(array)
        if array.null_count:
            places = self._pc.add(self._pc.indices_nonzero(array.is_null()).cast("int64"), before)
            self._shape(f"{name}\0nulls", self._fixed(places))
            array = array.drop_null()
        if pa.types.is_struct(kind):
            for i in range(kind.num_fields):
                self._array(f"{name}.{kind.field(i).name}", self._pc.struct_field(array, [i]))
            return None
        if pa.types.is_map(kind):
            return self._lists(name, array.cast(pa.list_(pa.struct([kind.key_field, kind.item_field]))))
        if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            return self._lists(name, array)
        return self._leaf(name, array)

    def _lists(self, name: str, array: Any) -> None:
        self._shape(f"{name}\0lengths", self._fixed(self._pc.list_value_length(array).cast("int64")))
        self._array(f"{name}[]", array.flatten())

    def _leaf(self, name: str, array: Any) -> None:
        types, kind = self._pa.types, array.type
        if types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view":
            array = array.cast("large_string").cast("large_binary")
        elif types.is_binary(kind) or str(kind) == "binary_view":
            array = array.cast("large_binary")
        if types.is_large_binary(array.type):
            self._shape(f"{name}\0lengths", self._fixed(self._pc.binary_length(array).cast("int64")))
            return self._values(name, self._variable(array))
        return self._values(name, self._fixed(array))

    def _fixed(self, array: Any) -> bytes:
        """Bytes of an array without nulls whose values all have one width."""
        if self._pa.types.is_boolean(array.type):
            array = array.cast("uint8")
        values = array.buffers()[1]
        width = array.type.bit_width // 8
        start = array.offset * width
        return bytes(memoryview(values)[start : start + len(array) * width]) if values is not None else b""

    @staticmethod
    def _variable(array: Any) -> bytes:
        """Bytes of a large_binary array without nulls."""
        _, offsets, values = array.buffers()
        if values is None or not len(array):
            return b""
        places = memoryview(offsets).cast("q")
        return bytes(memoryview(values)[places[array.offset] : places[array.offset + len(array)]])

    def _shape(self, name: str, data: bytes) -> None:
        self._hashes.setdefault(name, hashlib.sha256()).update(data)

    def _values(self, name: str, data: bytes) -> None:
        self._shape(name, data)
        chunker = self._chunkers.setdefault(name, Chunker())
        self._unique.add(chunker.feed(data))


def batches_of_file(path: Path, at: Callable[[int], None] | None = None) -> Iterator[Any]:
    """The record batches of a Parquet or Arrow file, one in memory at a time.

    Raises MissingExtra without pyarrow, EvidenceError when the file is damaged.
    """
    pa = _pyarrow()
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            file = importlib.import_module("pyarrow.parquet").ParquetFile(path)
            batches: Iterable[Any] = file.iter_batches(batch_size=BATCH_ROWS)
            known, seen = file.metadata.num_rows, 0
        else:
            batches = _arrow_file(pa, path)
            known, seen = 0, 0
        size = path.stat().st_size
        for batch in batches:
            seen += batch.num_rows
            if at is not None and known:
                at(size * seen // known)
            yield batch
    except (OSError, pa.ArrowException) as error:
        raise EvidenceError(str(path), f"cannot be read as a table: {error}") from None


def _arrow_file(pa: Any, path: Path) -> Iterator[Any]:
    """Batches of an Arrow file in either of its two layouts."""
    with pa.memory_map(str(path)) as source:
        if source.read(6) == b"ARROW1":
            reader = pa.ipc.open_file(source)
            for i in range(reader.num_record_batches):
                yield reader.get_batch(i)
        else:
            source.seek(0)
            yield from pa.ipc.open_stream(source)


def is_table_like(thing: object) -> bool:
    """True for a Hugging Face dataset (or a dictionary of splits) and for an Arrow table."""
    module = type(thing).__module__.partition(".")[0]
    return module in ("datasets", "pyarrow") and hasattr(thing, "column_names")


def batches_of_object(thing: Any) -> Iterator[tuple[str, Any]]:
    """(split, batch) of a Hugging Face dataset, of its splits, or of an Arrow table."""
    module = type(thing).__module__.partition(".")[0]
    if module == "pyarrow":
        for batch in thing.to_batches(max_chunksize=BATCH_ROWS):
            yield "", batch
    elif isinstance(thing, dict):
        for split in sorted(thing):
            for _, batch in batches_of_object(thing[split]):
                yield str(split), batch
    elif hasattr(thing, "with_format"):
        for table in thing.with_format("arrow").iter(batch_size=BATCH_ROWS):
            yield "", table
    else:
        raise UsageError(
            f"a {type(thing).__name__} cannot be streamed: give a path, a Hugging Face dataset or a table"
        )


def _pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise MissingExtra("Parquet, Arrow and Hugging Face datasets", "datasets") from None
