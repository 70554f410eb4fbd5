"""How many bytes are there once everything that is there twice is counted once.

Chunks are remembered by a short digest. Beyond a million different ones only a known share of them
is kept (those whose digest ends in zeros), so that memory stays bounded and the count becomes an
estimate whose error is stated (adaptive sampling: P. Flajolet, "On adaptive sampling",
Computing 43, 1990).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

MOST_REMEMBERED = 1 << 20
"""Different chunks that are remembered exactly: about 4.8 GB of unique data, 100 MB of memory."""
_SIZE_BITS = 15
_SIZE_MASK = (1 << _SIZE_BITS) - 1


class UniqueBytes:
    """Adds up unique and total bytes of chunks."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._level = 0
        self._seen: set[int] = set()
        self.total = 0
        """All bytes, those that are there twice too."""

    def add(self, chunks: Iterable[bytes | memoryview]) -> None:
        """Take note of chunks, each at most 16 KiB long."""
        seen, digest_of = self._seen, hashlib.blake2b
        for chunk in chunks:
            size = len(chunk)
            self.total += size
            digest = int.from_bytes(digest_of(chunk, digest_size=6).digest(), "little")
            if digest & ((1 << self._level) - 1):
                continue
            seen.add(digest << _SIZE_BITS | size)
            while len(seen) > self._most:
                self._level += 1
                seen = self._thin()

    def _thin(self) -> set[int]:
        mask = ((1 << self._level) - 1) << _SIZE_BITS
        self._seen = {entry for entry in self._seen if not entry & mask}
        return self._seen

    @property
    def unique(self) -> int:
        """Bytes of different chunks; an estimate when :attr:`exact` is False."""
        kept = sum(entry & _SIZE_MASK for entry in self._seen)
        return min(self.total, kept << self._level)

    @property
    def exact(self) -> bool:
        """True while every different chunk is remembered."""
        return self._level == 0

    @property
    def relative_error(self) -> float:
        """Half width of the estimate at 95 %, as a share; 0 when exact."""
        if self.exact or not self._seen:
            return 0.0
        sizes = [entry & _SIZE_MASK for entry in self._seen]
        left_out = 1.0 - 2.0**-self._level
        return 1.96 * math.sqrt(left_out * math.fsum(s * s for s in sizes)) / math.fsum(sizes)
