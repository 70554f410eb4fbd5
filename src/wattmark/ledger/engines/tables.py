"""What both engines need to hand small tables over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wattmark.core.errors import MissingExtra
from wattmark.ledger.columns import REAL, TEXT, TRUTH, WHOLE

SQL_TYPES: Mapping[str, str] = {TEXT: "VARCHAR", WHOLE: "BIGINT", REAL: "DOUBLE", TRUTH: "BOOLEAN"}
"""Kinds of ledger.columns as DuckDB writes them."""


def arrow_table(columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> Any:
    """Rows as a pyarrow Table; columns by the kinds of ledger.columns. Raises MissingExtra."""
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra("pyarrow", "ledger") from None
    types = {TEXT: pa.string(), WHOLE: pa.int64(), REAL: pa.float64(), TRUTH: pa.bool_()}
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.table(
        {
            name: pa.array(column, types[kind])
            for (name, kind), column in zip(columns.items(), values, strict=True)
        }
    )
