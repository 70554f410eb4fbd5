"""What both engines need to hand small tables over."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from wattmark.core.errors import MissingExtra
from wattmark.ledger.columns import REAL, TEXT, TRUTH, WHOLE

SQL_TYPES: Mapping[str, str] = {TEXT: "VARCHAR", WHOLE: "BIGINT", REAL: "DOUBLE", TRUTH: "BOOLEAN"}
"""Kinds of ledger.columns as DuckDB writes them."""
CODES: Mapping[str, str] = {WHOLE: "q", REAL: "d"}


def arrow_table(columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> Any:
    """Rows as a pyarrow Table; columns by the kinds of ledger.columns. Raises MissingExtra."""
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra("pyarrow", "ledger") from None
    types = {TEXT: pa.string(), WHOLE: pa.int64(), REAL: pa.float64(), TRUTH: pa.bool_()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    kinds = columns.values()
    arrays = [_column(pa, kind, types[kind], column) for kind, column in zip(kinds, values, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _column(pa: Any, kind: str, wanted: Any, values: Sequence[Any]) -> Any:
    """Made from its bytes: pyarrow imports pandas, where it is installed, to look at a list of Python's."""
    if kind in CODES and None not in values:
        numbers = pa.py_buffer(array(CODES[kind], values))
        return pa.Array.from_buffers(wanted, len(values), [None, numbers])
    if kind == TEXT and None not in values:
        texts = [value.encode() for value in values]
        ends = pa.py_buffer(array("i", accumulate(map(len, texts), initial=0)))
        return pa.Array.from_buffers(wanted, len(values), [None, ends, pa.py_buffer(b"".join(texts))])
    if not values:
        return pa.Array.from_buffers(wanted, 0, [None, pa.py_buffer(b"")])
    return pa.array(values, wanted)
