"""Content-defined cuts: the same bytes are cut alike, wherever they stand."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.datasets.chunks import MAX_BYTES, MEAN_BYTES, MIN_BYTES, Chunker, best_cutter, cut_plain
from wattmark.datasets.unique import UniqueBytes

Cut = Callable[[bytes, bool], list[int]]
CUTTERS = [cut_plain, best_cutter()]


def noise(length: int, seed: int = 1) -> bytes:
    """Bytes without any repetition."""
    return random.Random(seed).randbytes(length)


def chunks_of(data: bytes, cutter: Cut = CUTTERS[1], block: int = 100_000) -> list[bytes]:
    """All chunks of a stream fed in blocks."""
    chunker = Chunker(cutter)
    parts = [bytes(c) for i in range(0, len(data), block) for c in chunker.feed(data[i : i + block])]
    return [*parts, *(bytes(c) for c in chunker.end())]


def unique_of(*parts: bytes) -> int:
    """Unique bytes of one stream."""
    unique = UniqueBytes()
    unique.add(chunks_of(b"".join(parts)))
    return unique.unique


@pytest.mark.parametrize("cutter", CUTTERS)
@pytest.mark.parametrize("length", [0, 1, MIN_BYTES, MIN_BYTES + 1, MAX_BYTES, MAX_BYTES + 1, 300_000])
def test_chunks_put_together_are_the_stream(cutter: Cut, length: int) -> None:
    """No byte is lost, doubled or moved; only the last chunk may be short."""
    chunks = chunks_of(noise(length), cutter)
    assert b"".join(chunks) == noise(length)
    assert all(MIN_BYTES <= len(c) <= MAX_BYTES for c in chunks[:-1])


def test_numpy_and_plain_python_cut_alike() -> None:
    """A description must not depend on what is installed: noise, zeros, text and a mixture."""
    text = b"the quick brown fox jumps over the lazy dog\n" * 3000
    for data in (noise(400_000), bytes(100_000), text, text[:9000] + noise(70_000) + bytes(40_000)):
        assert chunks_of(data, cut_plain) == chunks_of(data, CUTTERS[1])


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(block=st.integers(1, 70_000), seed=st.integers(0, 5))
def test_the_cuts_do_not_depend_on_the_blocks(block: int, seed: int) -> None:
    """Reading in other portions gives the same chunks."""
    data = noise(60_000, seed)
    assert chunks_of(data, block=block) == chunks_of(data)


def test_the_mean_chunk_is_as_stated() -> None:
    """About 4.6 kB on random data."""
    chunks = chunks_of(noise(4_000_000))
    assert 4_000_000 / len(chunks) == pytest.approx(MEAN_BYTES, rel=0.1)


@settings(max_examples=15, deadline=None)
@given(length=st.integers(100_000, 400_000), seed=st.integers(0, 9))
def test_a_stream_twice_has_hardly_more_unique_bytes(length: int, seed: int) -> None:
    """Only the chunks at the seam are new: at most three."""
    data = noise(length, seed)
    assert length <= unique_of(data, data) <= length + 3 * MAX_BYTES


@settings(max_examples=15, deadline=None)
@given(place=st.integers(0, 300_000), inserted=st.binary(min_size=1, max_size=40))
def test_an_insertion_moves_only_the_cut_next_to_it(place: int, inserted: bytes) -> None:
    """A copy with a few bytes put in shares all but a few chunks with the original."""
    data = noise(300_000)
    edited = data[:place] + inserted + data[place:]
    assert unique_of(data, edited) <= len(data) + 5 * MAX_BYTES


def test_beyond_what_is_remembered_the_count_is_an_estimate_with_its_error() -> None:
    """8 MB of different chunks with room for 400: the stated interval (doubled) holds the truth."""
    unique = UniqueBytes(most=400)
    unique.add(chunks_of(noise(8_000_000)))
    assert not unique.exact
    assert 0 < unique.relative_error < 0.2
    assert abs(unique.unique - 8_000_000) <= 2 * unique.relative_error * 8_000_000
    assert unique.total == 8_000_000


def test_an_exact_count_states_no_error() -> None:
    """Everything was remembered."""
    unique = UniqueBytes()
    unique.add([b"a" * 100, b"a" * 100, b"b" * 50])
    assert (unique.total, unique.unique, unique.exact, unique.relative_error) == (250, 150, True, 0.0)
