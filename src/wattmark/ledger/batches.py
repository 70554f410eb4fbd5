"""Telemetry on its way: a Parquet file per batch, and the id of what it holds.

The id is a SHA-256 over the streams and the numbers in one fixed form. It does not depend on how the file
is compressed or divided, so that it can be worked out again from the ledger's own tables: per UTC day, the
rows in their order; then over the days' hashes.
"""

from __future__ import annotations

import hashlib
import io
import json
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec

from wattmark.core.errors import EvidenceError, MissingExtra, UsageError
from wattmark.core.plain import plain
from wattmark.core.run import MOST_COUNT
from wattmark.core.sound import MOST_UJ, MOST_US
from wattmark.core.telemetry import JOULES, Samples, Stream
from wattmark.ledger.columns import DAY_US

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
except ImportError:
    raise MissingExtra("telemetry in a ledger", "ledger") from None

MOST_ROWS = 2_000_000
"""Rows of one batch: what is decoded at once stays at some 100 MB."""
STREAMS_KEY = b"wattmark.streams"
FORM = b"wattmark.samples/1\n"
SCHEMA = pa.schema(
    [
        ("stream", pa.int32()),
        ("row", pa.int64()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        ("energy_uj", pa.int64()),
        ("count", pa.float64()),
        ("observed", pa.bool_()),
    ]
)
"""``stream`` is a position in the list of streams that the file's metadata hold as JSON."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was read and found sound."""

    content: str
    documents: tuple[str, ...]
    """Its streams, as JSON."""
    ids: tuple[str, ...]
    table: Any
    """Columns of SCHEMA."""
    days: Mapping[int, str]
    """Day since 1970 -> hash of its rows; the content id is a hash over these."""


def stream_document(stream: Stream) -> str:
    """A stream as JSON in one fixed form: keys sorted, defaults left out."""
    return json.dumps(plain(stream), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_STREAM = msgspec.json.Decoder(Stream)
"""Made here, by one thread, as in ledger.runfile."""


def stream_from(document: str) -> Stream:
    """The stream of a document. Raises EvidenceError when it is none."""
    try:
        return _STREAM.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError("a stream's document", f"does not describe a stream: {error}") from None


def stream_id(stream: Stream) -> str:
    """The id of a stream: a hash of its document."""
    return id_of_document(stream_document(stream))


def id_of_document(document: str) -> str:
    """The id of the stream that a document describes."""
    return f"s-{hashlib.sha256(document.encode()).hexdigest()[:32]}"


def encode(
    parts: Sequence[Samples], document_of: Callable[[Stream], str] = stream_document
) -> tuple[str, bytes]:
    """Samples as one batch: its content id and its file.

    ``document_of``: ``stream_document``, or what remembers its answers for streams that come again and again.
    Raises EvidenceError for numbers that cannot be, UsageError for no rows or more than MOST_ROWS.
    """
    rows = sum(len(part) for part in parts)
    if not 0 < rows <= MOST_ROWS:
        raise UsageError(f"a batch holds 1 to {MOST_ROWS} rows, not {rows}: land it in portions")
    documents: dict[str, int] = {}
    numbered = [
        (part, documents.setdefault(document_of(part.stream), len(documents))) for part in parts if len(part)
    ]
    table = _flat(numbered)
    batch = _checked("samples", table, tuple(documents))
    told = {STREAMS_KEY: json.dumps(list(documents), ensure_ascii=False).encode()}
    file = io.BytesIO()
    packed = dict.fromkeys(("row", "start_us", "end_us"), "DELTA_BINARY_PACKED")
    table = table.replace_schema_metadata(told)
    pq.write_table(table, file, compression="zstd", use_dictionary=["stream"], column_encoding=packed)
    return batch.content, file.getvalue()


def decode(data: bytes, name: str = "a batch") -> Batch:
    """Read a batch and work out its content id. Raises EvidenceError for what is no sound batch."""
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        if file.metadata.num_rows > MOST_ROWS:
            raise EvidenceError(name, f"holds more than {MOST_ROWS} rows: land it in portions")
        told = (file.schema_arrow.metadata or {}).get(STREAMS_KEY, b"null")
        table = file.read(columns=SCHEMA.names).cast(SCHEMA).combine_chunks()
        documents = msgspec.json.decode(told, type=tuple[str, ...])
    except (pa.ArrowException, OSError, ValueError, KeyError, msgspec.DecodeError) as error:
        first = str(error).partition("\n")[0]
        raise EvidenceError(name, f"is not a batch of samples: {first}") from None
    return _checked(name, table, documents)


def digest_days(ids: Sequence[str], table: Any) -> dict[int, str]:
    """The hash of each UTC day's rows. ``table`` has the columns of SCHEMA, in the order of ``row``.

    A day's hash is over its stretches of one stream: the stream's id, the number of rows, then each
    column's values as little-endian bytes (a missing amount as 0).
    """
    days = pc.divide(table["start_us"], DAY_US).combine_chunks()
    streams = table["stream"].combine_chunks()
    columns = [
        _raw(table["start_us"], pa.int64()),
        _raw(table["end_us"], pa.int64()),
        _raw(table["energy_uj"].fill_null(0), pa.int64()),
        _raw(table["count"].fill_null(0.0), pa.float64()),
        _raw(table["observed"], pa.uint8()),
    ]
    digests: dict[int, Any] = {}
    for first, past in _stretches(streams, days):
        digest = digests.setdefault(days[first].as_py(), hashlib.sha256())
        digest.update(f"{ids[streams[first].as_py()]} {past - first}\n".encode())
        for column in columns:
            digest.update(column[first:past])
    return {day: digest.hexdigest() for day, digest in digests.items()}


def content_of(days: Mapping[int, str]) -> str:
    """The content id of a batch from the hashes of its days (days since 1970)."""
    lines = "".join(f"{day} {digest}\n" for day, digest in sorted(days.items()))
    return hashlib.sha256(FORM + lines.encode()).hexdigest()


def _flat(parts: Sequence[tuple[Samples, int]]) -> Any:
    """All rows one after the other, each with the number of its stream."""
    streams, starts, ends, joules = array("i"), array("q"), array("q"), array("q")
    counts = array("d")
    energy, observed = bytearray(), bytearray()
    for part, number in parts:
        rows = len(part)
        is_energy = part.stream.unit == JOULES
        try:
            streams.extend(array("i", [number]) * rows)
            starts.extend(part.start_us)
            ends.extend(part.end_us)
            joules.extend(part.energy_uj if is_energy else bytes(rows))
            counts.extend(bytes(rows) if is_energy else part.count)
            observed.extend(part.observed or b"\1" * rows)
        except (OverflowError, TypeError, ValueError) as error:
            raise EvidenceError(
                "samples", f"of {part.stream.device_id or part.stream.unit}: {error}"
            ) from None
        energy.extend((b"\1" if is_energy else b"\0") * rows)
    of_energy = _packed(pa.uint8(), energy).cast(pa.bool_())
    columns = [
        _packed(pa.int32(), streams),
        pa.array(range(len(starts)), pa.int64()),
        _packed(pa.int64(), starts),
        _packed(pa.int64(), ends),
        pc.if_else(of_energy, _packed(pa.int64(), joules), None),
        pc.if_else(of_energy, None, _packed(pa.float64(), counts)),
        _packed(pa.uint8(), observed).cast(pa.bool_()),
    ]
    return pa.table(columns, schema=SCHEMA)


def _packed(kind: Any, values: array[Any] | bytearray) -> Any:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


@lru_cache(maxsize=1 << 16)
def _holds_energy(document: str) -> bool:
    """Whether a stream is one of energy. Raises EvidenceError when the document describes none."""
    return stream_from(document).unit == JOULES


def _checked(name: str, table: Any, documents: tuple[str, ...]) -> Batch:
    """What holds for every batch, whoever wrote it; the limits are those of core.sound."""
    energies = [_holds_energy(document) for document in documents]
    if not table.num_rows:
        raise EvidenceError(name, "holds no rows")
    number, start, end = table["stream"], table["start_us"], table["end_us"]
    no_stream = pc.or_kleene(pc.less(number, 0), pc.greater_equal(number, len(energies)))
    _refuse(name, "names a stream that its metadata do not hold", no_stream)
    of_energy = pa.array(energies, pa.bool_()).take(number.combine_chunks())
    in_order = pc.and_(_from_to(start, 0, MOST_US), pc.less(start, end))
    _refuse(name, "is no interval between 1970 and 9999", _not(pc.and_(in_order, _from_to(end, 0, MOST_US))))
    joules, count = table["energy_uj"], table["count"]
    fitting = pc.and_(pc.equal(of_energy, joules.is_valid()), pc.not_equal(of_energy, count.is_valid()))
    _refuse(name, "must hold microjoules in a stream of energy, else a count, and not both", _not(fitting))
    joules = joules.fill_null(0)
    possible = pc.and_(_from_to(joules, 0, MOST_UJ), _from_to(count.fill_null(0.0), 0, MOST_COUNT))
    _refuse(name, "holds an amount that cannot be", _not(possible))
    _refuse(name, "is a gap and holds energy", pc.and_(_not(table["observed"]), pc.greater(joules, 0)))
    _refuse(name, "is not in its place", pc.not_equal(table["row"], pa.array(range(table.num_rows))))
    ids = tuple(id_of_document(document) for document in documents)
    days = digest_days(ids, table)
    return Batch(content_of(days), documents, ids, table, days)


def _from_to(numbers: Any, least: float, most: float) -> Any:
    return pc.and_(pc.greater_equal(numbers, least), pc.less_equal(numbers, most))


def _not(truths: Any) -> Any:
    return pc.invert(truths)


def _refuse(name: str, problem: str, wrong: Any) -> None:
    """Refuse a batch where any row is wrong, or unknown where it must be known."""
    where = pc.index(pc.fill_null(wrong, True), True).as_py()
    if where >= 0:
        raise EvidenceError(name, f"row {where} {problem}")


def _raw(column: Any, kind: Any) -> memoryview:
    """The values of a column as one stretch of little-endian bytes, cut in values."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    array = pa.array(array.cast(kind))
    width = kind.bit_width // 8
    whole = memoryview(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width]
    return whole.cast("B").cast("q") if width == 8 else whole.cast("B")


def _stretches(streams: Any, days: Any) -> list[tuple[int, int]]:
    """First row and the one past the last of each stretch of one stream and day."""
    rows = len(streams)
    changes = pc.or_(
        pc.not_equal(streams.slice(1), streams.slice(0, rows - 1)),
        pc.not_equal(days.slice(1), days.slice(0, rows - 1)),
    )
    edges = [0, *(pc.add(pc.indices_nonzero(changes).cast(pa.int64()), 1)).to_pylist(), rows]
    return list(pairwise(edges))
