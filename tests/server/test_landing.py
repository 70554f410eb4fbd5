"""Samples land in batches that a ledger takes."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.run import SourceId
from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.batches import decode
from wattmark.ledger.inbox import land_samples
from wattmark.ledger.store import open_store
from wattmark.server.landing import Landing, portions

US = 1_000_000


def some(rows: int, device: str = "GPU-1", first: int = 0) -> Samples:
    """So many seconds of a device, 1 J each."""
    starts = [(first + n) * US for n in range(rows)]
    return Samples(
        stream=Stream(source=SourceId(name="otlp"), instance=device, host_id="h", device_id=device),
        start_us=starts,
        end_us=[s + US for s in starts],
        energy_uj=[US] * rows,
        observed=[True] * rows,
    )


@given(st.lists(st.integers(0, 12), max_size=6), st.integers(1, 9))
def test_portions_hold_all_rows_in_their_order(sizes: list[int], most: int) -> None:
    """None is larger than it may be, and none is empty."""
    parts = [some(rows, f"GPU-{n}") for n, rows in enumerate(sizes)]
    batches = list(portions(parts, most))
    assert all(0 < sum(map(len, batch)) <= most for batch in batches)
    told = [(p.stream.device_id, s) for batch in batches for p in batch for s in p.start_us]
    assert told == [(p.stream.device_id, s) for p in parts for s in p.start_us]


def test_what_lands_is_what_any_other_writer_lands(tmp_path: Path) -> None:
    """Remembered documents change nothing: the content is the same, also the second time."""
    ours, theirs = open_store(str(tmp_path / "ours")), open_store(str(tmp_path / "theirs"))
    landing = Landing(ours)
    for first in (0, 10):
        parts = [some(5, "GPU-1", first), some(3, "GPU-2", first)]
        landing(parts)
        land_samples(theirs, parts)
    names = sorted(entry.name for entry in ours.names("inbox/"))
    assert names == sorted(entry.name for entry in theirs.names("inbox/"))
    assert len(names) == 2
    assert decode(ours.read(names[0])).table.num_rows == 8


def test_a_stream_that_changed_has_its_new_document(tmp_path: Path) -> None:
    """The same series may be tagged otherwise after a restart with other options."""
    store = open_store(str(tmp_path))
    landing = Landing(store)
    landing([some(1)])
    part = some(1)
    other = Stream(source=SourceId(name="otlp"), instance="GPU-1", host_id="other", device_id="GPU-1")
    landing([Samples(stream=other, start_us=part.start_us, end_us=part.end_us, energy_uj=part.energy_uj)])
    documents = {decode(store.read(e.name)).documents for e in store.names("inbox/")}
    assert len(documents) == 2


def test_nothing_is_no_batch(tmp_path: Path) -> None:
    """A stretch in which nothing ended."""
    store = open_store(str(tmp_path))
    Landing(store)([])
    assert list(store.names("inbox/")) == []
