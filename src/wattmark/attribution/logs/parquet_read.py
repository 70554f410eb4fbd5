"""Tables as Parquet: one row group after the other, and only the columns that say something of requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wattmark.attribution.columns import RequestColumns
from wattmark.attribution.logs.catalog import Asked
from wattmark.attribution.logs.formats import NATIVE
from wattmark.attribution.logs.json_lines import FIRST_ROWS
from wattmark.attribution.logs.layout import STAMPS, Field, Layout, layout_for
from wattmark.attribution.logs.parsed import Services, requests_of
from wattmark.attribution.logs.rows import parsed_rows
from wattmark.attribution.logs.values import stamp_parser
from wattmark.core.errors import EvidenceError, MissingExtra, UsageError

ROWS = 1 << 18
"""Rows that are read at once."""


def read(asked: Asked) -> Iterator[RequestColumns]:
    """The requests of a table. Raises UsageError and EvidenceError before the first of them."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("Parquet", "attribute") from None
    try:
        file = parquet.ParquetFile(asked.path)
        names = _plain_names(file.schema_arrow, pa)
        first = next(file.iter_batches(FIRST_ROWS, columns=names), None)
    except (pa.ArrowException, OSError) as error:
        raise EvidenceError(
            str(asked.path), f"is no Parquet file: {str(error).splitlines()[0][:200]}"
        ) from None
    zone = asked.options.get("zone")
    rows = _in_microseconds(first, zone, asked).to_pylist() if first is not None else []
    layout = layout_for(NATIVE, rows or [dict.fromkeys(names)], asked.options, asked.tally.name)
    fields = tuple(_counted(f, file.schema_arrow, pa) for f in layout.fields if f.path[0] in names)
    layout = Layout(
        fields=fields, constants=layout.constants, zone=layout.zone, tolerance_us=layout.tolerance_us
    )
    return _requests(file, layout, asked)


def _requests(file: Any, layout: Layout, asked: Asked) -> Iterator[RequestColumns]:
    import pyarrow as pa

    from wattmark.attribution.logs.arrow_rows import NotPlain, parsed_table

    services, row = Services(), 1
    wanted = sorted({f.path[0] for f in layout.fields})
    for batch in file.iter_batches(ROWS, columns=wanted):
        table = _in_microseconds(batch, asked.options.get("zone"), asked)
        numbers = np.arange(row, row + table.num_rows)
        row += table.num_rows
        odd = np.arange(table.num_rows)
        try:
            parsed, odd = parsed_table(table, layout, services, asked.tally, numbers, with_ids=asked.with_ids)
        except NotPlain:
            pass
        else:
            yield requests_of(parsed, services, asked.tally, layout.tolerance_us)
        if len(odd):
            chosen = table.take(pa.array(odd))
            pairs = zip(numbers[odd].tolist(), chosen.to_pylist(), strict=True)
            parsed = parsed_rows(pairs, layout, services, asked.tally, with_ids=asked.with_ids)
            yield requests_of(parsed, services, asked.tally, layout.tolerance_us)


def _plain_names(schema: Any, pa: Any) -> list[str]:
    """Columns that may say something: no lists and no bytes, which hold what was asked and answered."""
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_map, pa.types.is_binary)
    return [field.name for field in schema if not any(is_list(field.type) for is_list in lists)]


def _in_microseconds(batch: Any, zone: str | None, asked: Asked) -> Any:
    """The table of a batch, with times and lengths of time as whole microseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.Table.from_batches([batch])
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_timestamp(field.type):
            if field.type.tz is None:
                if zone is None:
                    raise UsageError(
                        f"{asked.tally.name}: {field.name} holds local times without their zone: name it "
                        "with `zone`"
                    )
                try:
                    column = pc.assume_timezone(column, zone, ambiguous="earliest", nonexistent="earliest")
                except pa.ArrowInvalid:
                    raise UsageError(f"{zone[:40]!r} is no time zone: give one like Europe/Paris") from None
            column = pc.cast(pc.cast(column, pa.timestamp("us", "UTC"), safe=False), pa.int64())
        elif pa.types.is_duration(field.type):
            column = pc.cast(pc.cast(column, pa.duration("us"), safe=False), pa.int64())
        else:
            continue
        table = table.set_column(place, field.name, column)
    return table


def _counted(field: Field, schema: Any, pa: Any) -> Field:
    """A field of a column of times, whose unit is known whatever its first rows say."""
    kind = schema.field(field.path[0]).type
    if len(field.path) == 1 and pa.types.is_timestamp(kind) and field.target in STAMPS:
        return Field(field.target, field.path, "us", stamp_parser("us", None), 0)
    return field
