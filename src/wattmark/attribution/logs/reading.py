"""From the blocks of a reader to chunks of one size, without requests that were told twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattmark.attribution.columns import Flags, Names, RequestColumns, joined
from wattmark.attribution.logs.tally import Tally
from wattmark.core.errors import EvidenceError

Hashes = NDArray[np.uint64]

LEAST_GOOD = 0.5
"""A log of which more rows are bad is another log than was said."""
MOST_REMEMBERED = 1 << 24
"""So many requests are remembered to find those told again: 128 MiB. Older ones are forgotten."""
MIXERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""The multipliers of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014, in S. Vigna's form of 2015, https://prng.di.unimi.it/splitmix64.c)."""
WHOLE_SECONDS = (
    "times are whole seconds: short requests have no length and meet the wrong power. Log times to the "
    "millisecond (nginx: $msec)"
)
RETRIED = "ids that come again with other times are taken as further tries: each used energy of its own"


def chunked(
    parts: Iterable[RequestColumns],
    size: int,
    tally: Tally,
    *,
    seen: Seen | None = None,
    with_ids: bool = True,
) -> Iterator[RequestColumns]:
    """Requests in chunks of one size, in the order of the log. Raises EvidenceError for a log of bad rows."""
    waiting: list[RequestColumns] = []
    seen = Seen() if seen is None else seen
    rounded = 0
    for part in parts:
        fresh = seen.fresh(part, tally)
        tally.taken += len(fresh)
        rounded = rounded + len(fresh) if _whole_seconds(fresh) else -tally.rows
        waiting.append(fresh if with_ids else fresh.without_ids())
        while sum(map(len, waiting)) >= size:
            whole = _in_order(joined(waiting))
            yield whole[:size]
            waiting = [whole[size:]]
    if any(map(len, waiting)):
        yield _in_order(joined(waiting))
    if rounded > 20:
        tally.note(WHOLE_SECONDS)
    told = tally.taken + tally.bad_rows
    if told and tally.bad_rows > LEAST_GOOD * told:
        first = tally.bad[0]
        raise EvidenceError(
            tally.name,
            f"{tally.bad_rows} of {told} rows are bad, so it is another log than was thought; the first: "
            f"{first.place.rpartition(':')[2]}: {first.reason}",
        )


def _in_order(columns: RequestColumns) -> RequestColumns:
    if len(columns.row) and bool((np.diff(columns.row) < 0).any()):
        return columns[np.argsort(columns.row, kind="stable")]
    return columns


def _whole_seconds(columns: RequestColumns) -> bool:
    return bool(((columns.start_us % 1_000_000 == 0) & (columns.end_us % 1_000_000 == 0)).all())


@dataclass(slots=True)
class Seen:
    """What requests there were, as hashes in order; one for all logs that may tell of the same."""

    deliveries: list[Hashes] = field(default_factory=list)
    """Of id, start and end; one sorted array for each part."""
    ids: list[Hashes] = field(default_factory=list)

    def fresh(self, part: RequestColumns, tally: Tally) -> RequestColumns:
        """The requests that were not told before. Those without an id are all taken."""
        if not len(part.request_id) or not len(part):
            return part
        named = part.request_id != b""
        ids = hashed(part.request_id)
        told = _mixed(_mixed(ids, part.start_us.view(np.uint64)), part.end_us.view(np.uint64))
        again = named & self._again(told, self.deliveries, named)
        if bool((named & self._again(ids, self.ids, named) & ~again).any()):
            tally.note(RETRIED)
        tally.repeated += int(again.sum())
        return part[~again] if again.any() else part

    def _again(self, hashes: Hashes, known: list[Hashes], named: Flags) -> Flags:
        """Which of them were there before, in earlier parts or this one; they are remembered."""
        again = np.zeros(len(hashes), np.bool_)
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]  # searching in order is many times faster
        found = np.zeros(len(hashes), np.bool_)
        found[1:] = ordered[1:] == ordered[:-1]
        for earlier in known:
            places = np.minimum(np.searchsorted(earlier, ordered), len(earlier) - 1)
            found |= earlier[places] == ordered
        again[order] = found
        fresh = ordered[named[order] & ~found]
        if len(fresh):
            known.append(fresh)
        if len(known) > 16:
            known[:] = [np.unique(np.concatenate(known))]
        while sum(map(len, known)) > MOST_REMEMBERED and len(known) > 1:
            del known[0]
        return again


def hashed(names: Names) -> Hashes:
    """A hash of 64 bits of each name, the same whatever the width of the column."""
    width = -(-names.dtype.itemsize // 8) * 8
    words = names.astype(f"S{width}").view(np.uint64).reshape(len(names), width // 8)
    made = np.zeros(len(names), np.uint64)
    for place in range(words.shape[1]):
        word = words[:, place]
        made = np.where(word == 0, made, _mixed(made, word))
    return made


def _mixed(made: Hashes, word: Hashes) -> Hashes:
    """The finaliser of splitmix64 on what is there and what is added."""
    with np.errstate(over="ignore"):
        mixed = made * np.uint64(0x9E3779B97F4A7C15) + word + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(MIXERS[0])
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(MIXERS[1])
        return mixed ^ (mixed >> np.uint64(31))
