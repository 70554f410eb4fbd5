"""The frames of a journal file by series: sorted as columns, because there are many points of many series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wattmark.server.journal import Frame
from wattmark.sources.otlp_names import Series
from wattmark.sources.otlp_state import Read
from wattmark.sources.otlp_streams import in_order


def reads_of(frames: Iterable[Frame]) -> list[Read]:
    """The points of each series: what ``otlp_streams.gathered`` makes of the same points."""
    known: list[Series] = []
    rows: list[tuple[bytes, bytes, bytes, bytes]] = []
    for frame in frames:
        known += frame.series
        rows.append((frame.of, frame.time_ns, frame.start_ns, frame.values))
    if not rows:
        return []
    of, times, starts, values = (b"".join(column) for column in zip(*rows, strict=True))
    first: dict[str, int] = {}
    numbers = [first.setdefault(series.key, number) for number, series in enumerate(known)]
    series = _array(pa.uint32(), of)
    if len(first) < len(known):
        series = pa.array(numbers, pa.uint32()).take(series)
    order = pc.array_sort_indices(series)  # stable: points of one series stay in the order in which they came
    sorted_times, sorted_starts = (_listed("q", _array(pa.int64(), c).take(order)) for c in (times, starts))
    sorted_values = _listed("d", _array(pa.float64(), values).take(order))
    runs = pc.run_end_encode(series.take(order))
    reads: list[Read] = []
    at = 0
    for number, past in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        mine = slice(at, past)
        reads.append(in_order(known[number], sorted_times[mine], sorted_starts[mine], sorted_values[mine]))
        at = past
    return reads


def _array(kind: Any, data: bytes) -> Any:
    return pa.Array.from_buffers(kind, len(data) * 8 // kind.bit_width, [None, pa.py_buffer(data)])


def _listed(kind: str, column: Any) -> list[Any]:
    return memoryview(column.buffers()[1]).cast(kind)[: len(column)].tolist()  # type: ignore[call-overload, no-any-return]
