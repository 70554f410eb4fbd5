"""What questions run on: the derived tables of one version of a ledger, and an engine of SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Protocol


class Tables(Protocol):
    """The derived tables of one version of a ledger."""

    @property
    def version(self) -> int:
        """The ledger's version."""
        ...

    def files(self, table: str) -> Sequence[str]:
        """Parquet files of a table, their partition columns in their paths as ``day=2026-11-01``."""
        ...

    def arrow(self, table: str) -> Any:
        """The table as a pyarrow dataset or table, for files that an engine cannot open itself."""
        ...


class Engine(Protocol):
    """Runs the rollup's SQL. Numbers come back as int, float or Decimal."""

    @property
    def name(self) -> str:
        """duckdb or spark."""
        ...

    def attach(self, table: str, snapshot: Tables) -> None:
        """Make a derived table known under its name."""
        ...

    def put(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """A small table of our own; columns by the kinds of ledger.columns."""
        ...

    def keep(self, table: str, sql: str) -> None:
        """Work a query out once, and keep its result under a name."""
        ...

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The result of a query; read to its end before the next one."""
        ...


def query(name: str, **parts: str) -> str:
    """A query of ``ledger/sql`` with its parts put in: names and numbers of ours, never what a user wrote."""
    text = (files("wattmark.ledger") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return text.format(**parts) if parts else text
