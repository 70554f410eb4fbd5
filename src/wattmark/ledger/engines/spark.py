"""Spark: the same rollup on many machines. The only module that imports pyspark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from wattmark.core.errors import MissingExtra
from wattmark.ledger.columns import DERIVED, REAL, TEXT, TRUTH, WHOLE
from wattmark.ledger.engines.tables import arrow_table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from wattmark.ledger.engine import Tables

TYPES = {TEXT: "STRING", WHOLE: "BIGINT", REAL: "DOUBLE", TRUTH: "BOOLEAN"}
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
"""An overflow is an error and not a null; days stay text."""
LOCAL = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
LOCAL_PARTITIONS = "8"
"""Of a shuffle on one machine: Spark's own 200 cost seconds for a small total."""


class SparkEngine:
    """A session that is given, or one of our own. Use it as a context manager: it stops only its own.

    Raises MissingExtra when PySpark is not installed.
    """

    name = "spark"

    def __init__(
        self,
        session: SparkSession | None = None,
        master: str = "local[*]",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._own = session is None
        self.session = session or _session(master, settings or {})
        self._before = {name: self.session.conf.get(name, None) for name in SETTINGS}
        for name, value in SETTINGS.items():
            self.session.conf.set(name, value)
        self._kept: dict[str, Any] = {}

    def attach(self, table: str, snapshot: Tables) -> None:
        """Make a derived table known under its name; missing columns are null."""
        files = list(snapshot.files(table))
        schema = ", ".join(f"`{name}` {TYPES[column.kind]}" for name, column in DERIVED[table].items())
        reader = self.session.read.schema(schema)
        if not files:
            frame = self.session.createDataFrame([], schema)
        elif "day" in DERIVED[table] and "/day=" in files[0]:
            frame = reader.option("basePath", files[0].rsplit("/day=", 1)[0]).parquet(*files)
        else:
            frame = reader.parquet(*files)
        frame.createOrReplaceTempView(table)

    def put(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """A small table of our own."""
        frame = self.session.createDataFrame(arrow_table(columns, rows))
        frame.createOrReplaceTempView(table)

    def keep(self, table: str, sql: str) -> None:
        """Work a query out once, and keep its result under a name."""
        frame = self.session.sql(sql).persist()
        if table in self._kept:
            self._kept[table].unpersist()
        self._kept[table] = frame
        frame.createOrReplaceTempView(table)

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The result of a query."""
        for row in self.session.sql(sql).collect():
            yield tuple(row)

    def close(self) -> None:
        """Give back what was kept; stop the session if it is our own."""
        for frame in self._kept.values():
            frame.unpersist()
        if self._own:
            self.session.stop()
            return
        for name, value in self._before.items():
            if value is None:
                self.session.conf.unset(name)
            else:
                self.session.conf.set(name, value)

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _session(master: str, settings: Mapping[str, str]) -> SparkSession:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise MissingExtra("pyspark", "spark") from None
    told = {**LOCAL, **({"spark.sql.shuffle.partitions": LOCAL_PARTITIONS} if "local" in master else {})}
    builder = SparkSession.builder.master(master).appName("wattmark")
    for name, value in {**told, **settings}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
