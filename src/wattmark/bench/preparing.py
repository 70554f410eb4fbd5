"""A small pipeline that prepares texts: made alike, filtered, without copies, in tokens. Plain Python.

Near copies are found by MinHash (A. Broder, On the resemblance and containment of documents, 1997,
https://doi.org/10.1109/SEQUEN.1997.666900) over shingles of three words: 32 least hashes in 16 bands of two;
a pair that shares a band is a near copy where at least half of its shingles are shared.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

SHINGLE = 3
BANDS, ROWS = 16, 2
ALIKE = 0.5
LEAST_WORDS = 10
LEAST_LETTERS = 0.6
"""Share of letters among the signs of a text, spaces aside."""

_TOKEN = re.compile(r"\w+|[^\w\s]|\s+")
_PRIME = (1 << 61) - 1


def alike(text: str) -> str:
    """Text as copies are told by: NFKC, small letters, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def is_text(text: str) -> bool:
    """Whether there are enough words, and enough letters in them."""
    signs = [sign for sign in text if not sign.isspace()]
    letters = sum(sign.isalpha() for sign in signs)
    return len(text.split()) >= LEAST_WORDS and letters >= LEAST_LETTERS * len(signs)


def kept(texts: Sequence[str], seed: int) -> list[int]:
    """Places of texts that are no rubbish and no copy of one before."""
    plain = [alike(text) for text in texts]
    seen: set[bytes] = set()
    found: list[int] = []
    for place, text in enumerate(plain):
        digest = hashlib.sha256(text.encode()).digest()
        if is_text(text) and digest not in seen:
            seen.add(digest)
            found.append(place)
    return list(_without_near_copies(found, plain, seed))


def in_tokens(texts: Iterable[str]) -> tuple[list[list[int]], list[str]]:
    """Numbers of tokens, and the tokens by their numbers. Joined again they are the text."""
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(token, len(numbers)) for token in _TOKEN.findall(text)] for text in texts]
    return rows, list(numbers)


def _without_near_copies(places: Sequence[int], plain: Sequence[str], seed: int) -> Iterator[int]:
    functions = _hash_functions(seed)
    bands: dict[tuple[int, int, int], list[int]] = {}
    shingles: dict[int, frozenset[int]] = {}
    for place in places:
        own = _shingles(plain[place])
        least = [min((a * one + b) % _PRIME for one in own) for a, b in functions]
        keys = [(band, least[ROWS * band], least[ROWS * band + 1]) for band in range(BANDS)]
        near = {other for key in keys for other in bands.get(key, ())}
        if any(_resemblance(own, shingles[other]) >= ALIKE for other in near):
            continue
        shingles[place] = own
        for key in keys:
            bands.setdefault(key, []).append(place)
        yield place


def _shingles(text: str) -> frozenset[int]:
    words = text.split()
    runs = (" ".join(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1)))
    return frozenset(
        int.from_bytes(hashlib.blake2b(run.encode(), digest_size=7).digest(), "big") for run in runs
    )


def _resemblance(a: frozenset[int], b: frozenset[int]) -> float:
    return len(a & b) / len(a | b)


def _hash_functions(seed: int) -> list[tuple[int, int]]:
    def drawn(name: str) -> int:
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % (_PRIME - 1) + 1

    return [(drawn(f"{seed}/{n}/a"), drawn(f"{seed}/{n}/b")) for n in range(BANDS * ROWS)]
