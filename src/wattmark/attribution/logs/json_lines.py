"""JSON Lines: block by block with Arrow, and line by line where a block is not plainly in order."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

import msgspec

from wattmark.attribution.logs.blocks import Lines, Way
from wattmark.attribution.logs.files import Block
from wattmark.attribution.logs.layout import COUNTS, SPANS, STAMPS, Field, Layout
from wattmark.attribution.logs.rows import Row
from wattmark.attribution.logs.tally import Tally

FIRST_ROWS = 1000
"""So many rows say what the columns of a log are."""
Tree = dict[str, Any]


def first_rows(head: bytes) -> list[Mapping[str, Any]]:
    """The objects among the first lines; the last line may be cut and is left out when it is no object."""
    found: list[Mapping[str, Any]] = []
    for line in head.split(b"\n"):
        try:
            row = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(row, dict):
            found.append(row)
        if len(found) == FIRST_ROWS:
            break
    return found


def way_of(layout: Layout) -> Way:
    """How JSON Lines of a layout are read."""
    decoder, schema = _decoder(layout.fields), _schema(layout)

    def table(block: Block) -> Any:
        return _table(block, schema)

    def rows(lines: Lines, tally: Tally) -> Iterator[Row]:
        return _objects(lines, decoder, tally)

    return Way(table=None if schema is None else table, rows=rows)


def _objects(lines: Lines, decoder: msgspec.json.Decoder[Any], tally: Tally) -> Iterator[Row]:
    for number, line in lines:
        try:
            yield number, decoder.decode(line)
        except msgspec.ValidationError as error:
            tally.refuse(number, f"is no JSON object of this log: {error}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            tally.refuse(number, "is no JSON")


def _tree(fields: Sequence[Field]) -> Tree:
    """The fields by the objects that they lie in; a leaf is its field."""
    tree: Tree = {}
    for field in fields:
        inside = tree
        for key in field.path[:-1]:
            deeper = inside.setdefault(key, {})
            if not isinstance(deeper, dict):
                deeper = inside[key] = {}
            inside = deeper
        inside.setdefault(field.path[-1], field)
    return tree


def _decoder(fields: Sequence[Field]) -> msgspec.json.Decoder[Any]:
    """Decodes the wanted fields of a row; others, texts among them, are passed over."""

    def kind(tree: Tree) -> Any:
        inside = {
            key: (kind(value) | int | float | str | bool | list[Any] | None)
            if isinstance(value, dict)
            else Any
            for key, value in tree.items()
        }
        return TypedDict("Row", inside, total=False)  # type: ignore[operator]

    return msgspec.json.Decoder(kind(_tree(fields)))


def _schema(layout: Layout) -> Any:
    """What Arrow is to read; None where Arrow is not installed, or a field has no type of its own."""
    try:
        import pyarrow as pa
    except ImportError:
        return None

    def typed(tree: Tree) -> list[Any]:
        made = []
        for key, value in tree.items():
            if isinstance(value, dict):
                made.append(pa.field(key, pa.struct(typed(value))))
            else:
                made.append(pa.field(key, _type(value, pa)))
        return made

    try:
        return pa.schema(typed(_tree(layout.fields)))
    except _NoType:
        return None


class _NoType(Exception):
    """A field holds objects or lists."""


def _type(field: Field, pa: Any) -> Any:
    """The Arrow type of a field, by its sample; without one, by what it is for."""
    sample = field.sample
    if isinstance(sample, bool):
        return pa.bool_()
    if isinstance(sample, str):
        return pa.string()
    if isinstance(sample, (list, dict)):
        raise _NoType
    if field.target in COUNTS or (field.unit == "ns" and isinstance(sample, int)):
        return pa.int64()
    if isinstance(sample, (int, float)) or field.target in (*STAMPS, *SPANS):
        return pa.float64()
    return pa.bool_() if field.target == "failed" else pa.string()


def _table(block: Block, schema: Any) -> Any:
    """A block as an Arrow table; None when a line of it is not as the others."""
    import pyarrow as pa
    from pyarrow import json

    try:
        return json.read_json(
            io.BytesIO(block.data),
            read_options=json.ReadOptions(block_size=max(len(block.data) // 4, 1 << 20)),
            parse_options=json.ParseOptions(
                explicit_schema=schema, newlines_in_values=False, unexpected_field_behavior="ignore"
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return None
