"""Cut a stream of bytes where its content says so, so that what is there twice is cut alike.

A rolling sum over the last 32 bytes (a "gear" hash: shift left by one, add a random word per byte)
decides: where its twelve top bits are zero, a chunk ends. Inserting a byte moves only the cut next
to it. The method is that of W. Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking
Approach for Data Deduplication", USENIX ATC 2016, without its second mask. The cuts are the same
with and without numpy; numpy is only faster.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

MIN_BYTES = 512
"""No chunk but a stream's last is shorter."""
MAX_BYTES = 16_384
CUT_BELOW = 1 << 20
"""The hash is below this, so its 12 top bits are zero, once in 4,096 bytes of random data."""
MEAN_BYTES = MIN_BYTES + 4_096
_WINDOW = 32
_BLOCK = 1 << 18
"""The numpy arrays of so many bytes stay in the processor's cache."""

GEAR = tuple(
    int.from_bytes(hashlib.sha256(b"wattmark gear %d" % byte).digest()[:4], "little") for byte in range(256)
)
"""One word per byte value; fixed for ever, since the cuts depend on it."""

Cutter = Callable[[bytes, bool], "list[int]"]
"""From a buffer that begins at a cut, and whether the stream ends with it, to the ends of its chunks."""


class Chunker:
    """Cuts one stream. Feed it blocks of any size; the cuts do not depend on their sizes."""

    def __init__(self, cutter: Cutter | None = None) -> None:
        self._cut = cutter or best_cutter()
        self._rest = b""

    def feed(self, block: bytes) -> Iterator[memoryview]:
        """The chunks that this block completes."""
        for start in range(0, len(block), _BLOCK):
            yield from self._cut_up(self._rest + block[start : start + _BLOCK], last=False)

    def end(self) -> Iterator[memoryview]:
        """The chunks that are left when the stream has ended."""
        yield from self._cut_up(self._rest, last=True)

    def _cut_up(self, buffer: bytes, *, last: bool) -> Iterator[memoryview]:
        view = memoryview(buffer)
        begin = 0
        for end in self._cut(buffer, last):
            yield view[begin:end]
            begin = end
        self._rest = buffer[begin:]


def cut_plain(buffer: bytes, last: bool) -> list[int]:
    """The cuts, byte by byte in plain Python."""
    ends: list[int] = []
    begin, length = 0, len(buffer)
    gear = GEAR
    while length - begin > MIN_BYTES:
        end = min(begin + MAX_BYTES, length)
        found = end if end - begin == MAX_BYTES else None
        rolling = 0
        position = begin + MIN_BYTES - _WINDOW
        for byte in buffer[position : position + _WINDOW - 1]:
            rolling = (rolling << 1) + gear[byte]
        position += _WINDOW - 1
        for byte in buffer[position:end]:
            position += 1
            rolling = ((rolling << 1) + gear[byte]) & 0xFFFF_FFFF
            if rolling < CUT_BELOW:
                found = position
                break
        if found is None:
            break
        ends.append(found)
        begin = found
    if last and begin < length:
        ends.append(length)
    return ends


def _numpy_cutter(np: Any) -> Cutter:
    words = np.array(GEAR, dtype=np.uint32)

    def candidates(buffer: bytes) -> list[int]:
        """Every place whose last 32 bytes say "cut", whatever the lengths."""
        sums = words[np.frombuffer(buffer, dtype=np.uint8)]
        width = 1
        while width < _WINDOW:  # sums over 1, 2, 4, ... 32 bytes, each from two halves
            sums[width:] += sums[:-width] << np.uint32(width)
            width *= 2
        found: list[int] = (np.flatnonzero(sums < CUT_BELOW) + 1).tolist()
        return found

    def cut(buffer: bytes, last: bool) -> list[int]:
        ends: list[int] = []
        begin, length = 0, len(buffer)
        places = iter(candidates(buffer) if length > MIN_BYTES else ())
        place = next(places, None)
        while length - begin > MIN_BYTES:
            while place is not None and place < begin + MIN_BYTES:
                place = next(places, None)
            if place is not None and place <= begin + MAX_BYTES:
                begin = place
            elif length - begin >= MAX_BYTES:
                begin += MAX_BYTES
            else:
                break
            ends.append(begin)
        if last and begin < length:
            ends.append(length)
        return ends

    return cut


def best_cutter() -> Cutter:
    """The numpy cutter where numpy is installed, else the plain one. Both cut alike."""
    try:
        np = importlib.import_module("numpy")
    except ImportError:
        return cut_plain
    return _numpy_cutter(np)
