"""Batches of telemetry: their id is of streams and numbers alone, and nothing impossible passes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.landing import DAY, a_stream, some_samples
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import Place, SourceId, Subject
from wattmark.core.telemetry import Samples, Stream

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from wattmark.ledger.batches import (  # noqa: E402 - after the skip
    MOST_ROWS,
    STREAMS_KEY,
    content_of,
    decode,
    digest_days,
    encode,
    stream_document,
    stream_from,
    stream_id,
)

WORK = Stream(source=SourceId(name="vllm"), host_id="h-1", unit="output_tokens")


def written_anew(data: bytes, change: Any = None, **options: Any) -> bytes:
    """The same batch, by another writer."""
    file = pq.ParquetFile(io.BytesIO(data))
    table = file.read().replace_schema_metadata({STREAMS_KEY: file.schema_arrow.metadata[STREAMS_KEY]})
    out = io.BytesIO()
    pq.write_table(change(table) if change else table, out, **options)
    return out.getvalue()


def refused(parts: list[Samples]) -> str:
    with pytest.raises(EvidenceError) as caught:
        encode(parts)
    return caught.value.problem


def changed(column: str, row: int, value: Any) -> str:
    """Why a batch with one altered value is refused."""

    def change(table: Any) -> Any:
        values = table[column].to_pylist()
        values[row] = value
        field = table.schema.field(column)
        return table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))

    with pytest.raises(EvidenceError) as caught:
        decode(written_anew(encode([some_samples()])[1], change), "a batch")
    return caught.value.problem


def test_a_batch_reads_back_as_it_was() -> None:
    """Streams, times, energies, gaps; counts of work beside them."""
    work = Samples(stream=WORK, start_us=[0], end_us=[5], count=[2.5])
    content, data = encode([some_samples(rows=2, start=0), work])
    batch = decode(data)
    assert batch.content == content
    assert [stream_from(d) for d in batch.documents] == [a_stream(), WORK]
    assert batch.ids == (stream_id(a_stream()), stream_id(WORK))
    assert batch.table.drop_columns(["stream"]).to_pydict() == {
        "row": [0, 1, 2],
        "start_us": [0, 10_000_000, 0],
        "end_us": [10_000_000, 20_000_000, 5],
        "energy_uj": [7, 0, None],
        "count": [None, None, 2.5],
        "observed": [True, False, True],
    }
    assert batch.table["stream"].to_pylist() == [0, 0, 1]


@given(
    compression=st.sampled_from(["none", "snappy", "zstd", "gzip"]),
    rows=st.integers(1, 50),
    group=st.integers(1, 60),
    dictionary=st.booleans(),
)
def test_the_id_does_not_depend_on_how_the_file_is_written(
    compression: str, rows: int, group: int, dictionary: bool
) -> None:
    """Compression, row groups and encodings are of no account."""
    content, data = encode([some_samples(rows=rows, start=DAY - 50_000_000)])
    anew = written_anew(data, compression=compression, row_group_size=group, use_dictionary=dictionary)
    assert decode(anew).content == content


def test_parts_of_one_stream_are_one() -> None:
    """Whoever cuts a stream in two says the same."""
    whole = some_samples(rows=4)
    cut = [
        Samples(
            stream=whole.stream,
            start_us=whole.start_us[part],
            end_us=whole.end_us[part],
            energy_uj=whole.energy_uj[part],
            observed=whole.observed[part],
        )
        for part in (slice(0, 1), slice(1, 4))
    ]
    assert encode(cut)[0] == encode([whole])[0]


@given(row=st.integers(0, 3), column=st.sampled_from(["start_us", "end_us", "energy_uj", "observed"]))
def test_every_number_counts_for_the_id(row: int, column: str) -> None:
    """One microsecond, one microjoule or one gap more is another content."""
    table = decode(encode([some_samples(rows=4)])[1]).table
    values = table[column].to_pylist()
    values[row] = not values[row] if column == "observed" else values[row] + 1
    at = table.schema.get_field_index(column)
    other = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    assert content_of(digest_days(["s"], other)) != content_of(digest_days(["s"], table))


def test_the_stream_counts_for_the_id() -> None:
    """The same numbers of another device are another content."""
    assert encode([some_samples("GPU-1")])[0] != encode([some_samples("GPU-2")])[0]


def test_the_id_of_a_day_needs_that_days_rows_alone() -> None:
    """A batch over midnight has two, and they give its id."""
    content, data = encode([some_samples(rows=4, start=DAY - 20_000_000)])
    batch = decode(data)
    assert set(batch.days) == {0, 1}
    second = batch.table.slice(2)
    assert digest_days(batch.ids, second) == {1: batch.days[1]}
    assert content_of(batch.days) == content


def test_the_form_of_the_id_is_fixed() -> None:
    """A ledger holds these ids for ever: a change of form would be a change of all of them."""
    batch = Samples(stream=a_stream(), start_us=[DAY], end_us=[DAY + 1], energy_uj=[1])
    assert stream_id(a_stream()) == "s-cd27f48ec1d0d5f00a646468203260bd"
    assert encode([batch])[0] == "a66de28ed87d71b3e17655514d5ce1fcc4a687b02ccc42ef5f6c8ed23de954d1"


def test_a_stream_is_told_in_one_form() -> None:
    """Keys sorted, defaults left out; labels in any order are the same stream."""
    first = a_stream(subject=Subject(team="ml", labels={"a": "1", "b": "2"}), place=Place(country="SWE"))
    second = a_stream(subject=Subject(team="ml", labels={"b": "2", "a": "1"}), place=Place(country="SWE"))
    assert stream_document(first) == stream_document(second)
    assert "null" not in stream_document(first)
    assert stream_from(stream_document(first)) == first


def test_what_describes_no_stream_is_refused() -> None:
    """With what is missing."""
    with pytest.raises(EvidenceError, match="host_id"):
        stream_from(json.dumps({"source": {"name": "x"}}))
    with pytest.raises(EvidenceError, match="does not describe a stream"):
        stream_from("{")


def test_impossible_numbers_are_refused_with_their_row() -> None:
    """Times that run backwards, negative energy, energy in a gap, more than there is."""
    fine = some_samples(rows=2)
    back = Samples(stream=fine.stream, start_us=[5, 9], end_us=[9, 9], energy_uj=[1, 1])
    assert refused([back]) == "row 1 is no interval between 1970 and 9999"
    early = Samples(stream=fine.stream, start_us=[-5], end_us=[9], energy_uj=[1])
    assert refused([early]) == "row 0 is no interval between 1970 and 9999"
    less = Samples(stream=fine.stream, start_us=[0, 1], end_us=[1, 2], energy_uj=[0, -1])
    assert refused([fine, less]) == "row 3 holds an amount that cannot be"
    gap = Samples(stream=fine.stream, start_us=[0], end_us=[1], energy_uj=[1], observed=[False])
    assert refused([gap]) == "row 0 is a gap and holds energy"
    for count in (float("nan"), float("inf"), -1.0):
        assert "cannot be" in refused([Samples(stream=WORK, start_us=[0], end_us=[1], count=[count])])
    huge = Samples(stream=fine.stream, start_us=[0], end_us=[1], energy_uj=[1 << 70])
    assert "GPU-1" in refused([huge])


def test_a_file_of_somebody_else_is_held_against_the_same_rules() -> None:
    """The inbox is open to all writers."""
    assert "names a stream" in changed("stream", 1, 7)
    assert "no interval" in changed("end_us", 2, 0)
    assert "no interval" in changed("start_us", 2, None)
    assert "must hold microjoules" in changed("energy_uj", 0, None)
    assert "must hold microjoules" in changed("count", 0, 1.0)
    assert "cannot be" in changed("energy_uj", 0, -1)
    assert "gap" in changed("observed", 0, False)
    assert "gap" in changed("observed", 0, None)
    assert "not in its place" in changed("row", 0, 1)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" * 100, b"{}"])
def test_what_is_no_batch_is_said(data: bytes) -> None:
    """Whatever the bytes are."""
    with pytest.raises(EvidenceError, match="is not a batch of samples"):
        decode(data)


def test_a_table_without_streams_or_columns_is_no_batch() -> None:
    """Parquet alone is not enough."""
    _, data = encode([some_samples()])
    out = io.BytesIO()
    pq.write_table(pq.read_table(io.BytesIO(data)).replace_schema_metadata({}), out)
    with pytest.raises(EvidenceError, match="is not a batch"):
        decode(out.getvalue())
    with pytest.raises(EvidenceError, match="is not a batch"):
        decode(written_anew(data, lambda table: table.drop_columns(["row"])))
    with pytest.raises(EvidenceError, match="holds no rows"):
        decode(written_anew(data, lambda table: table.slice(0, 0)))


def test_a_batch_is_neither_empty_nor_boundless() -> None:
    """Whoever has more lands more batches."""
    with pytest.raises(UsageError, match="land it in portions"):
        encode([])
    many = Samples(
        stream=a_stream(),
        start_us=range(MOST_ROWS + 1),
        end_us=range(1, MOST_ROWS + 2),
        energy_uj=range(MOST_ROWS + 1),
    )
    with pytest.raises(UsageError, match="land it in portions"):
        encode([many])


def test_columns_may_be_any_sequences() -> None:
    """Ranges, tuples and lists say the same."""
    listed = Samples(stream=a_stream(), start_us=[0, 1], end_us=[1, 2], energy_uj=[0, 1])
    ranged = Samples(stream=a_stream(), start_us=range(2), end_us=range(1, 3), energy_uj=(0, 1))
    assert encode([listed])[0] == encode([ranged])[0]
