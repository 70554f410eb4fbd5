"""Many requests in flight: a closed loop of workers, or an open loop with arrivals of their own.

A worker prepares, asks and begins with the next query; all share one line of queries. Scores are made when
the loop has ended, so that scoring takes no time from asking.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from wattmark.bench.asking import Answer, Answerer, Query
from wattmark.core.bench.in_flight import Span, full_of_closed_loop, full_of_open_loop

MOST_IN_FLIGHT = 2048
"""Of an open loop: beyond it the server plainly does not keep up, and threads would fill the memory."""
POLL_SECONDS = 0.2
"""How often the loop looks whether it was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query that was asked."""

    turn: int
    query: Query
    start_us: int
    prepared_us: int
    end_us: int
    answer: Answer

    @property
    def span(self) -> Span:
        """When it was in flight. Its first output is counted from when it was sent."""
        first = self.answer.first_output_seconds
        return Span(
            self.start_us,
            self.end_us,
            None if first is None else min(self.end_us, self.prepared_us + round(first * 1e6)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """Everything that was asked in one loop, in the order in which it ended."""

    asked: tuple[Asked, ...]
    full: tuple[int, int] | None
    """When as many were in flight as there were to be; None where that never was."""


Line = Iterator[tuple[int, Query]]
"""Turn and query, in order; it ends when enough was asked. It is asked by one worker at a time."""


@dataclass(kw_only=True)
class _Loop:
    """What the workers of one loop share."""

    answerer: Answerer
    now_us: Callable[[], int]
    done: Callable[[Asked], None]
    output_tokens: int | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: list[Asked] = field(default_factory=list)
    broken: BaseException | None = None
    stopped: bool = False

    def one(self, turn: int, query: Query) -> None:
        """Ask one query."""
        start = self.now_us()
        prepared = self.answerer.prepare([query])
        ready = self.now_us()
        (answer,) = self.answerer.answer([query], prepared, output_tokens=self.output_tokens)
        said = Asked(
            turn=turn,
            query=query,
            start_us=start,
            prepared_us=ready,
            end_us=self.now_us(),
            answer=answer,
        )
        with self.lock:
            self.asked.append(said)
            self.done(said)

    def began(self, work: Callable[[], None]) -> threading.Thread:
        """A worker that has begun. What it raises ends the loop."""

        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                self.fail(error)

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def fail(self, error: BaseException) -> None:
        """End the loop with this error; the first one counts."""
        with self.lock:
            self.broken = self.broken or error
            self.stopped = True

    def ended(self, threads: list[threading.Thread]) -> list[Asked]:
        """Wait for the workers. Raises what one of them raised; an interruption lets none begin anew."""
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(POLL_SECONDS)
        except BaseException:
            self.stopped = True
            raise
        if self.broken is not None:
            raise self.broken
        return self.asked


def closed_loop(
    answerer: Answerer,
    line: Line,
    concurrency: int,
    *,
    now_us: Callable[[], int],
    done: Callable[[Asked], None] = lambda asked: None,
    output_tokens: int | None = None,
) -> Flight:
    """So many workers, each with one request in flight. Raises what the answerer or the line raises."""
    loop = _Loop(answerer=answerer, now_us=now_us, done=done, output_tokens=output_tokens)
    turn = threading.Lock()

    def work() -> None:
        while not loop.stopped:
            with turn:
                found = next(line, None)
            if found is None:
                return
            loop.one(*found)

    asked = loop.ended([loop.began(work) for _ in range(concurrency)])
    return Flight(asked=tuple(asked), full=full_of_closed_loop([a.span for a in asked], concurrency))


def open_loop(
    answerer: Answerer,
    line: Line,
    rate_per_second: float,
    seed: int,
    *,
    now_us: Callable[[], int],
    sleep: Callable[[float], None],
    done: Callable[[Asked], None] = lambda asked: None,
    output_tokens: int | None = None,
) -> Flight:
    """Requests that begin at random, so many a second on average, whether others have ended or not.

    The time from one to the next is exponential (a Poisson process), drawn with the seed: the same each time.
    A request that would be one too many in flight fails. Raises as ``closed_loop``.
    """
    loop = _Loop(answerer=answerer, now_us=now_us, done=done, output_tokens=output_tokens)
    drawn = Random(seed)
    threads: list[threading.Thread] = []

    due = float(now_us())
    try:
        for turn, query in line:
            due += drawn.expovariate(rate_per_second) * 1e6
            wait = (due - now_us()) / 1e6
            if wait > 0:
                sleep(wait)
            if loop.stopped:
                break
            threads = [thread for thread in threads if thread.is_alive()]
            if len(threads) >= MOST_IN_FLIGHT:
                _refused(loop, turn, query)
                continue
            threads.append(loop.began(partial(loop.one, turn, query)))
    except BaseException:
        loop.stopped = True
        raise
    asked = loop.ended(threads)
    return Flight(asked=tuple(asked), full=full_of_open_loop([a.span for a in asked]))


def _refused(loop: _Loop, turn: int, query: Query) -> None:
    now = loop.now_us()
    failed = f"{MOST_IN_FLIGHT} requests were in flight already: the server does not keep up with the rate"
    said = Asked(
        turn=turn,
        query=query,
        start_us=now,
        prepared_us=now,
        end_us=now,
        answer=Answer(output=None, failed=failed),
    )
    with loop.lock:
        loop.asked.append(said)
        loop.done(said)
