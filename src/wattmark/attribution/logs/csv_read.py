"""Tables as CSV: a header, then one row per line. Cells are separated by a comma, semicolon or tab."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wattmark.attribution.columns import RequestColumns
from wattmark.attribution.logs.blocks import Lines, Way, requests_in
from wattmark.attribution.logs.catalog import Asked
from wattmark.attribution.logs.files import Block, head_of
from wattmark.attribution.logs.formats import NATIVE
from wattmark.attribution.logs.json_lines import FIRST_ROWS
from wattmark.attribution.logs.layout import Layout, layout_for
from wattmark.attribution.logs.rows import Row
from wattmark.attribution.logs.tally import Tally
from wattmark.core.errors import EvidenceError

SEPARATORS = ",;\t"


def read(asked: Asked) -> Iterator[RequestColumns]:
    """The requests of a table. Raises UsageError and EvidenceError before the first of them."""
    try:
        lines = head_of(asked.path).decode("utf-8", "replace").splitlines()[: FIRST_ROWS + 1]
    except UnicodeDecodeError:
        raise EvidenceError(str(asked.path), "is no text") from None
    if not lines:
        raise EvidenceError(str(asked.path), "is empty")
    separator = max(SEPARATORS, key=lines[0].count)
    names = [name.strip() for name in next(csv.reader(lines[:1], delimiter=separator))]
    if len(set(names)) != len(names):
        raise EvidenceError(f"{asked.path}:1", "names two columns alike")
    cells = csv.reader(lines[1:], delimiter=separator)
    rows: list[Mapping[str, Any]] = [dict(zip(names, c, strict=True)) for c in cells if len(c) == len(names)]
    layout = layout_for(NATIVE, rows or [dict.fromkeys(names)], asked.options, asked.tally.name)
    seen = tuple(f for f in layout.fields if f.path[0] in names)
    layout = Layout(
        fields=seen, constants=layout.constants, zone=layout.zone, tolerance_us=layout.tolerance_us
    )
    way = _way(names, separator, {f.path[0] for f in seen})
    return requests_in(asked.path, layout, way, asked.tally, with_ids=asked.with_ids)


def _way(names: Sequence[str], separator: str, wanted: set[str]) -> Way:
    def rows(lines: Lines, tally: Tally) -> Iterator[Row]:
        for number, line in lines:
            try:
                cells = next(csv.reader([line.decode()], delimiter=separator, strict=True))
            except (UnicodeDecodeError, csv.Error, StopIteration):
                tally.refuse(
                    number, "is no row of a CSV file: a cell that holds a line end, or bytes of no text"
                )
                continue
            if len(cells) != len(names):
                tally.refuse(number, f"has {len(cells)} cells, and the header {len(names)}")
                continue
            yield number, dict(zip(names, cells, strict=True))

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return Way(table=None, rows=rows, header=True)
    return Way(table=lambda block: _table(block, names, separator, wanted), rows=rows, header=True)


def _table(block: Block, names: Sequence[str], separator: str, wanted: set[str]) -> Any:
    """A block as an Arrow table of texts; None when a line has other cells than the header."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        return arrow_csv.read_csv(
            io.BytesIO(block.data),
            read_options=arrow_csv.ReadOptions(column_names=list(names)),
            parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[name for name in names if name in wanted],
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
