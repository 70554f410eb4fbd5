"""Delta tables as a ledger uses them: data files and commits put down durably, in this order.

A commit is the file of its version in ``_delta_log``, made by the store's ``put_new``: of all who try the
same version one succeeds, and the others look again at what has changed before they try the next. Delta's
own library reads, compacts and cleans the tables; it does not wait until a file is on the disk, so it does
not write what must not be lost. Format: the Delta transaction log protocol, reader 1, writer 2.
"""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.core.errors import LedgerError, MissingExtra
from wattmark.ledger.columns import FORMAT, REAL, TEXT, TRUTH, WHOLE, Column
from wattmark.ledger.store import Store
from wattmark.version import __version__

try:
    import deltalake
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as pds
    import pyarrow.parquet as pq
    from deltalake.exceptions import DeltaError
    from pyarrow.fs import SubTreeFileSystem
except ImportError:
    raise MissingExtra("a ledger's tables", "ledger") from None

FORMAT_KEY = "wattmark.format"
CHECKPOINT_EVERY = 50
"""Commits after which a checkpoint spares readers to go through them one by one."""
FOR_EVER = "interval 36500 days"
"""Log entries are small, and they are the ledger's history."""
ARROW = {TEXT: "string", WHOLE: "int64", REAL: "float64", TRUTH: "bool_"}
DELTA = {TEXT: "string", WHOLE: "long", REAL: "double", TRUTH: "boolean"}
LONG_TEXT = ("document", "labels", "errors")
"""Columns without a dictionary and statistics in Parquet."""
TOLD_TEXT = "record_id"
"""The only text that the log repeats: what is purged from the tables must not live on in their logs."""
ANY_TEXT, ANY_TRUTH = ("", "\U0010ffff"), (False, True)
"""Bounds of what is not repeated. None would be worse: ``DeltaTable.to_pyarrow_dataset`` takes a
missing bound for a null and passes over rows that it was asked for (seen with deltalake 1.4 and 1.6)."""
Action = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """A table: where it lies, what it holds, and how it is divided."""

    name: str
    columns: Mapping[str, Column]
    partitions: tuple[str, ...] = ()

    @property
    def schema(self) -> Any:
        """All columns as an Arrow schema."""
        return arrow_schema(self.columns)

    @property
    def stored(self) -> Any:
        """The columns that are in the files: all but the partitions."""
        return arrow_schema({n: c for n, c in self.columns.items() if n not in self.partitions})


def arrow_schema(columns: Mapping[str, Column]) -> Any:
    """The Arrow schema of some columns."""
    return pa.schema([(name, getattr(pa, ARROW[c.kind])()) for name, c in columns.items()])


def open_table(store: Store, name: str, version: int | None = None) -> Any | None:
    """A Delta table as deltalake knows it; None when there is none. Raises LedgerError for other trouble."""
    uri = store.table_uri(name)
    if store.size(log_name(name, 0)) is None:  # asked first of our own store, whose errors say what to do
        _refuse_beheaded(store, name)
        return None
    options = dict(store.options) or None
    try:
        try:
            table = deltalake.DeltaTable(uri, version=version, storage_options=options)
        except (DeltaError, OSError, ValueError):
            if not _drop_torn_checkpoints(store, name):
                raise
            table = deltalake.DeltaTable(uri, version=version, storage_options=options)
    except (DeltaError, OSError, ValueError) as error:
        raise trouble(uri, error) from None
    _refuse_newer(uri, table)
    return table


def _refuse_beheaded(store: Store, name: str) -> None:
    """Raise LedgerError for a log without its first commit: it must not pass for a table that never was."""
    first = log_name(name, 0)
    if next(iter(store.names(f"{name}/_delta_log/")), None) is None or store.size(first) is not None:
        return  # there is none, or it was begun a moment ago
    raise LedgerError(
        store.table_uri(name),
        "the first commit of its log is gone, and with it what it holds: bring _delta_log back from a backup"
        + ("" if name == "evidence" else ", or count anew with `wattmark ledger fold --rebuild`"),
    )


def _drop_torn_checkpoints(store: Store, name: str) -> bool:
    """Remove checkpoints that a power cut has torn; the commits that they sum up are all there."""
    torn = [
        entry.name
        for entry in store.names(f"{name}/_delta_log/")
        if entry.name.endswith(".checkpoint.parquet") and not _is_parquet(store.read(entry.name))
    ]
    for each in torn:
        store.delete(each)
        store.delete(f"{name}/_delta_log/_last_checkpoint")
    return bool(torn)


def _is_parquet(data: bytes) -> bool:
    return len(data) > 12 and data[:4] == data[-4:] == b"PAR1"


def dataset_of(store: Store, layout: Layout, table: Any) -> Any:
    """A version of a table as a pyarrow dataset; columns that an older ledger does not have are null."""
    files = SubTreeFileSystem(layout.name, store.arrow_files())
    parquet = pds.ParquetFileFormat()
    fragments = [
        parquet.make_fragment(row["path"], filesystem=files, partition_expression=_where(partition_of(row)))
        for row in adds(table)
    ]
    return pds.FileSystemDataset(fragments, layout.schema, parquet, files)


def _where(partition: Mapping[str, str | None]) -> Any:
    expression = pc.scalar(True)
    for key, value in partition.items():
        field = pc.field(key)
        expression &= field.is_null() if value is None else field == value
    return expression


def trouble(uri: str, error: Exception) -> LedgerError:
    """An error of Delta's library in our words."""
    first = " ".join(str(error).split())[:300]
    return LedgerError(uri, f"the table cannot be read: {first}. Try again, or see `wattmark ledger verify`")


def _refuse_newer(uri: str, table: Any) -> None:
    told = table.metadata().configuration.get(FORMAT_KEY, "1")
    if not told.isdigit() or int(told) > FORMAT:
        raise LedgerError(
            uri,
            f"was written by a newer wattmark (format {told}, this one knows {FORMAT}): "
            "upgrade with `pip install --upgrade wattmark`",
        )


def write_file(
    store: Store,
    layout: Layout,
    partition: Mapping[str, str | None],
    table: Any,
    *,
    data_change: bool = True,
) -> Action:
    """Write rows as one data file, durably; gives the action that adds it. It counts once it is committed.

    ``data_change`` is false where the same rows were in the table before.
    """
    stored = layout.stored
    sink = io.BytesIO()
    columns = [_column(table, field) for field in stored]
    groups = 1024 if "document" in stored.names and partition.get("kind") == "run" else 122_880
    writer = pq.ParquetWriter(
        sink, stored, compression="zstd", store_schema=False,
        write_statistics=[name for name in stored.names if name not in LONG_TEXT],
        use_dictionary=[f.name for f in stored if f.type == pa.string() and f.name not in LONG_TEXT],
    )  # fmt: skip
    rows = pa.table(columns, schema=stored)
    with writer:
        writer.write_table(rows, row_group_size=groups)
    data = sink.getvalue()
    folder = "".join(f"{key}={_hive(partition.get(key))}/" for key in layout.partitions)
    path = f"{folder}part-{secrets.token_hex(16)}.zstd.parquet"
    store.put_new(f"{layout.name}/{path}", data)
    return {
        "add": {
            "path": path,
            "partitionValues": {key: partition.get(key) for key in layout.partitions},
            "size": len(data),
            "modificationTime": 0,
            "dataChange": data_change,
            "stats": json.dumps(_statistics(rows)),
        }
    }


def commit(
    store: Store,
    layout: Layout,
    version: int,
    actions: Sequence[Action],
    told: Mapping[str, Any],
    now_us: int,
) -> bool:
    """Make a version of a table, durably; False when somebody else made it, and nothing has happened.

    ``told`` is kept in the log: ``operation`` and what else is worth knowing. The actions that add files
    name files that are durable already. Version 0 creates the table.
    """
    now_ms = now_us // 1000
    info = {
        "timestamp": now_ms,
        "operation": "WRITE",
        "operationParameters": {},
        "engineInfo": ENGINE,
        **told,
    }
    first: list[Action] = [{"commitInfo": info}]
    if version == 0:
        first += [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, metadata(layout, now_ms)]
    lines = []
    for action in (*first, *actions):
        if "add" in action:
            action = {"add": {**action["add"], "modificationTime": now_ms}}  # noqa: PLW2901 - the same action
        lines.append(json.dumps(action, separators=(",", ":")))
    name, data = log_name(layout.name, version), ("\n".join(lines) + "\n").encode()
    # A put whose answer was lost and that was tried again finds itself.
    return store.put_new(name, data) or store.read(name) == data


def metadata(layout: Layout, now_ms: int, table_id: str | None = None) -> Action:
    """The action that says what a table holds."""
    fields = [
        {"name": n, "type": DELTA[c.kind], "nullable": True, "metadata": {}}
        for n, c in layout.columns.items()
    ]
    raw = secrets.token_hex(16)
    fresh = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-8{raw[17:20]}-{raw[20:]}"
    return {
        "metaData": {
            "id": table_id or fresh,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps({"type": "struct", "fields": fields}),
            "partitionColumns": list(layout.partitions),
            "configuration": {
                FORMAT_KEY: str(FORMAT),
                "delta.logRetentionDuration": FOR_EVER,
                "delta.enableExpiredLogCleanup": "false",
            },
            "createdTime": now_ms,
        }
    }


def grown(layout: Layout, table: Any, now_us: int) -> list[Action]:
    """What a commit adds when the table was made by an older wattmark and lacks columns; usually nothing."""
    known = {field.name for field in table.schema().fields}
    if known >= set(layout.columns):
        return []
    return [metadata(layout, now_us // 1000, str(table.metadata().id))]


def removal_of(row: Mapping[str, Any], now_us: int, *, data_change: bool = True) -> Action:
    """The action that takes one file, a row of ``adds``, out of a table.

    It repeats neither partition nor size, which are optional: deltalake 1.4 cannot clean up after a removal
    with a partition that is null.
    """
    return {
        "remove": {
            "path": row["path"],
            "deletionTimestamp": now_us // 1000,
            "dataChange": data_change,
            "extendedFileMetadata": False,
        }
    }


def removal(table: Any, partition: Mapping[str, Sequence[str]], now_us: int) -> list[Action]:
    """The actions that take files out of a table: all, or those of some values of one partition column."""
    return [
        removal_of(row, now_us)
        for row in adds(table)
        if all(partition_of(row).get(key) in wanted for key, wanted in partition.items())
    ]


def gone_file(store: Store, layout: Layout, table: Any, newest: Any) -> str | None:
    """A file that an older version needs and that has been cleaned up; None when all are there."""
    here = {row["path"] for row in adds(newest)}
    for row in adds(table):
        if row["path"] not in here and store.size(f"{layout.name}/{row['path']}") is None:
            return str(row["path"])
    return None


def adds(table: Any) -> list[dict[str, Any]]:
    """The files that are in a version: path, size_bytes, num_records, partition."""
    told = pa.table(table.get_add_actions(flatten=False))
    wanted = ("path", "size_bytes", "num_records", "partition", "partition_values")
    names = [name for name in wanted if name in told.column_names]
    rows: list[dict[str, Any]] = told.select(names).to_pylist()
    return rows


def partition_of(row: Mapping[str, Any]) -> dict[str, str | None]:
    """The partition values of a row of ``adds``."""
    return dict(row.get("partition") or row.get("partition_values") or {})


def after_commit(store: Store, layout: Layout, version: int) -> None:
    """Make a checkpoint now and then. One that fails only leaves readers with more to read."""
    if version == 0 or version % CHECKPOINT_EVERY:
        return
    try:
        table = open_table(store, layout.name, version)
        if table is not None:
            table.create_checkpoint()
            store.settle(f"{layout.name}/_delta_log/{version:020d}.checkpoint.parquet")
            store.settle(f"{layout.name}/_delta_log/_last_checkpoint")
    except (DeltaError, OSError, LedgerError):
        return


def log_name(table: str, version: int) -> str:
    """The name of a commit."""
    return f"{table}/_delta_log/{version:020d}.json"


def log_of(store: Store, table: str, version: int) -> list[dict[str, Any]]:
    """The actions of a commit. Raises FileNotFoundError when there is none of this version."""
    lines = store.read(log_name(table, version)).decode().splitlines()
    return [json.loads(line) for line in lines if line]


def batches_of(data: Any, rows: int) -> Iterator[Any]:
    """Tables of up to so many rows from a table or a stream of record batches."""
    reader = data.to_reader() if isinstance(data, pa.Table) else data
    held: list[Any] = []
    count = 0
    for batch in reader:
        held.append(batch)
        count += batch.num_rows
        if count >= rows:
            yield pa.Table.from_batches(held)
            held, count = [], 0
    if count:
        yield pa.Table.from_batches(held)


def _column(table: Any, field: Any) -> Any:
    if field.name not in table.column_names:
        return pa.nulls(table.num_rows, field.type)
    column = table[field.name]
    return column if column.type == field.type else column.cast(field.type)


def _hive(value: str | None) -> str:
    return value or "__HIVE_DEFAULT_PARTITION__"


def _statistics(table: Any) -> dict[str, Any]:
    """Delta's statistics of a file, which let readers pass over it.

    All columns have their bounds or, where one cannot have any, none has.
    """
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for name in table.column_names:
        nulls[name] = table[name].null_count
        if nulls[name] < table.num_rows:
            bounds = _bounds(name, table[name])
            if bounds is None:
                return {"numRecords": table.num_rows}
            least[name], most[name] = bounds
    return {"numRecords": table.num_rows, "minValues": least, "maxValues": most, "nullCount": nulls}


def _bounds(name: str, column: Any) -> tuple[Any, Any] | None:
    """The least and most of a column; None when it holds what is no number."""
    if pa.types.is_boolean(column.type):
        return ANY_TRUTH
    if pa.types.is_string(column.type) and name != TOLD_TEXT:
        return ANY_TEXT
    if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column)).as_py():
        return None
    found = pc.min_max(column)
    return found["min"].as_py(), found["max"].as_py()


ENGINE = f"wattmark/{__version__}"
