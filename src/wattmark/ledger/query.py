"""Questions in SQL over the documented views: read-only, and with no way to files or the network.

DuckDB runs them. What it may open is the ledger's own Parquet files; its settings are locked before anything
that a user wrote is looked at, and only SELECT, and EXPLAIN of one, are run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from wattmark.core.errors import UsageError
from wattmark.ledger.engine import Tables
from wattmark.ledger.engines.duckdb import BATCH, MEMORY, DuckDbEngine, failure, is_remote, quoted
from wattmark.ledger.views import VIEWS

EXPLAIN = re.compile(r"\s*EXPLAIN\s+(?:ANALYZE\s+)?(?:\([\w\s,']*\)\s*)?", re.IGNORECASE)
DISK = "10GB"
"""What a query may write to the temporary folder before it fails: one without an end must not fill it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a query: its columns, and its rows as they are read."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """As DuckDB names them."""
    rows: Iterator[tuple[Any, ...]]


class LedgerQuery:
    """The views of one version of a ledger. Use it as a context manager."""

    def __init__(self, snapshot: Tables, memory: str = MEMORY) -> None:
        self._engine = DuckDbEngine(memory)
        _lock(self._engine, make_views(self._engine, snapshot))

    def ask(self, sql: str) -> Answer:
        """Run one SELECT; read its rows to the end before the next one.

        Raises UsageError with the place in the SQL and the views that there are.
        """
        connection = self._engine.connection
        with failure(_told):
            statement = _checked(connection, sql)
            result = self._engine.interruptible(lambda: connection.execute(statement))
            described = result.description
        columns = tuple(str(column[0]) for column in described)
        types = tuple(str(column[1]) for column in described)
        return Answer(columns, types, _rows(self._engine, result))

    def close(self) -> None:
        """Give everything back."""
        self._engine.close()

    def __enter__(self) -> LedgerQuery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def make_views(engine: DuckDbEngine, snapshot: Tables) -> list[str]:
    """Make every view; gives the files that DuckDB itself opens for them."""
    tables = dict.fromkeys(table for view in VIEWS.values() for table in view.tables)
    for table in tables:
        engine.attach(table, snapshot, under=f"{table}_rows")
    for name, view in VIEWS.items():
        engine.connection.execute(f"CREATE TEMP VIEW {name} AS {view.sql}")
    return [file for table in tables for file in snapshot.files(table) if not is_remote(file)]


def _lock(engine: DuckDbEngine, files: Sequence[str]) -> None:
    """From here on nothing but these files can be opened, and no setting be changed."""
    connection = engine.connection
    connection.execute(f"SET max_temp_directory_size = {quoted(DISK)}")
    connection.execute(f"SET allowed_paths = [{', '.join(quoted(file) for file in files)}]")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _checked(connection: Any, sql: str) -> Any:
    """The one statement, which only reads. Raises UsageError."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise UsageError(f"give one query at a time, not {len(statements)}")
    kind = _kind(statements[0])
    if kind == "EXPLAIN":
        # It may run what it explains, a COPY over the ledger's files too: that must be a SELECT itself.
        refused = UsageError("a ledger is only read here: write EXPLAIN or EXPLAIN ANALYZE, then a SELECT")
        explained = EXPLAIN.match(sql)
        with failure(lambda _: refused):
            inner = connection.extract_statements(sql[explained.end() :]) if explained else []
        if [_kind(each) for each in inner] != ["SELECT"]:
            raise refused
    elif kind != "SELECT":
        raise UsageError(f"a ledger is only read here, and {kind} is not reading: write a SELECT")
    return statements[0]


def _kind(statement: Any) -> str:
    return str(statement.type).rsplit(".", 1)[-1]


def _rows(engine: DuckDbEngine, result: Any) -> Iterator[tuple[Any, ...]]:
    while True:
        with failure(_told):
            batch = engine.interruptible(lambda: result.fetchmany(BATCH))
        if not batch:
            return
        yield from batch


def _told(text: str) -> UsageError:
    """DuckDB's message with the place that it names, and what there is to ask."""
    said = re.sub(r"^(\w+ )+Error: ", "", text.strip())
    said = re.sub(r'\nDid you mean "(pg_|duckdb_|sqlite_)\w+"\?', "", said)
    return UsageError(f"the query does not work: {said}\nThe views are: {', '.join(VIEWS)}")
