"""Asks a set of queries again and again until a window is full, in batches or with many in flight."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wattmark.bench.asking import Answer, Answerer, Query
from wattmark.bench.callable import in_one_line
from wattmark.bench.concurrent import Asked, closed_loop, open_loop
from wattmark.bench.query_hash import value_sha256
from wattmark.bench.sampler import Sampler
from wattmark.bench.world import World
from wattmark.core.bench.evidence import QueryRecord
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import EvidenceError, WattmarkError

MOST_SAID = 200

NOTHING = "the model gave nothing"


class Sets:
    """The queries in their order, set after set; ends after a whole set, or in the middle when told to stop.

    One caller at a time.
    """

    def __init__(
        self, queries: Sequence[Query], full: Callable[[], bool], stopped: Callable[[], bool]
    ) -> None:
        self._queries = queries
        self._full = full
        self._stopped = stopped
        self._turn = 0
        self._next = 0
        self.cut = False
        """Whether it was told to stop before it had come to its end."""

    def __iter__(self) -> Sets:
        return self

    def __next__(self) -> tuple[int, Query]:
        """One query and its turn."""
        found = self.take(1)
        if found is None:
            raise StopIteration
        return found[0], found[1][0]

    def take(self, most: int) -> tuple[int, Sequence[Query]] | None:
        """The next queries of one turn, so many at most; None when enough was asked."""
        if self._next >= len(self._queries):
            if self._full():
                return None
            self._turn, self._next = self._turn + 1, 0
        if self._stopped():
            self.cut = True
            return None
        batch = self._queries[self._next : self._next + most]
        self._next += len(batch)
        return self._turn, batch


@dataclass(slots=True)
class Window:
    """What was asked in one window."""

    asked: list[Asked] = field(default_factory=list)
    """Outputs of the first turn are kept until they are scored, those of later turns are let go."""
    full: tuple[int, int] | None = None
    """When as many were in flight as were to be."""
    cut: bool = False

    def take(self, asked: Asked) -> None:
        """One query that was answered or failed; no output is no answer."""
        if asked.answer.output is None and not asked.answer.failed:
            asked = replace(asked, answer=replace(asked.answer, failed=NOTHING))
        if asked.turn > 0:
            asked = replace(asked, answer=replace(asked.answer, output=None))
        self.asked.append(asked)


def ask(
    answerer: Answerer,
    sets: Sets,
    pinned: Pinned,
    world: World,
    sampler: Sampler,
    told: Callable[[], None],
    output_tokens: int | None = None,
) -> Window:
    """Ask all of it, as it is pinned. ``told`` is called after each query. Raises Broken."""
    window = Window()

    def done(asked: Asked) -> None:
        window.take(asked)
        told()

    now = sampler.now_us
    try:
        if pinned.rate_per_second is not None:
            rate, seed = pinned.rate_per_second, pinned.seed
            flight = open_loop(
                answerer,
                sets,
                rate,
                seed,
                now_us=now,
                sleep=world.sleep,
                done=done,
                output_tokens=output_tokens,
            )
            window.full = flight.full
        elif pinned.concurrency > 1:
            at_once = pinned.concurrency
            flight = closed_loop(answerer, sets, at_once, now_us=now, done=done, output_tokens=output_tokens)
            window.full = flight.full
        else:
            for asked in _batches(answerer, sets, pinned.batch_size, world, now, output_tokens):
                done(asked)
    except Exception as error:
        # Whatever a model raises ends this window only: what was asked before is kept, with why it ended.
        raise Broken(window, error) from error
    window.cut = sets.cut
    return window


class Broken(Exception):
    """The model raised something in the middle of a window."""

    def __init__(self, window: Window, cause: Exception) -> None:
        self.window = window
        self.cause = cause
        super().__init__(f"{type(cause).__name__}: {cause}")


def _batches(
    answerer: Answerer,
    sets: Sets,
    size: int,
    world: World,
    now: Callable[[], int],
    output_tokens: int | None,
) -> Iterator[Asked]:
    """One batch after the other: its queries begin together and are there together."""
    while (taken := sets.take(size)) is not None:
        turn, batch = taken
        start = now()
        inputs = answerer.prepare(batch)
        prepared = now()
        answers = world.after(batch, answerer.answer(batch, inputs, output_tokens=output_tokens))
        end = now()
        if len(answers) != len(batch):
            raise EvidenceError("the model", f"{len(answers)} answers came to {len(batch)} queries")
        for query, answer in zip(batch, answers, strict=True):
            yield Asked(
                turn=turn, query=query, start_us=start, prepared_us=prepared, end_us=end, answer=answer
            )


def records(window: Window, repeat: int, score: Callable[[Query, Answer], Any]) -> list[QueryRecord]:
    """What is kept of a window: scores and hashes of the first turn's answers, times and counts of all."""
    return [_record(asked, repeat, score) for asked in window.asked]


def _record(asked: Asked, repeat: int, score: Callable[[Query, Answer], Any]) -> QueryRecord:
    answer = asked.answer
    told, why = (None, answer.failed) if asked.turn > 0 or answer.failed else _scored(asked, score)
    first = answer.first_output_seconds
    return QueryRecord(
        repeat=repeat,
        turn=asked.turn,
        index=asked.query.index,
        start_us=asked.start_us,
        end_us=asked.end_us,
        prepared_us=asked.prepared_us,
        first_output_us=None if first is None else min(asked.prepared_us + round(first * 1e6), asked.end_us),
        input_tokens=answer.input_tokens,
        cached_input_tokens=answer.cached_input_tokens,
        output_tokens=answer.output_tokens,
        audio_seconds=answer.audio_seconds,
        images=answer.images,
        failed=in_one_line(why),
        score=told,
        output_sha256=_hash(answer.output) if asked.turn == 0 and not why else None,
    )


def _scored(asked: Asked, score: Callable[[Query, Answer], Any]) -> tuple[Any, str]:
    """The score, or why there is none: an output that cannot be scored is no answer.

    What it is stays unsaid, as it may hold words of the answer. Raises what is ours, e.g. MissingExtra.
    """
    try:
        told = score(asked.query, asked.answer)
        json.dumps(told, allow_nan=False)  # raises for what no file of a bundle can hold
    except WattmarkError:
        raise
    except Exception as error:  # noqa: BLE001 - scores meet whatever somebody's model puts out
        kind, of = type(error).__name__, type(asked.answer.output).__name__
        return None, f"the output (a {of}) cannot be scored: {kind}"[:MOST_SAID]
    return told, ""


def _hash(output: Any) -> str | None:
    try:
        return value_sha256(output)
    except Exception:  # noqa: BLE001 - of an object of a stranger, whose bytes may not come out
        return None
