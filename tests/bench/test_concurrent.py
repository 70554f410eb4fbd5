"""Many requests in flight: how many, in which order, and what an error does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.bench.endpoint.asking import a_query, opened
from tests.fakes.openai_server import Behaviour, answering
from wattmark.bench.asking import Query
from wattmark.bench.concurrent import closed_loop, open_loop


def now_us() -> int:
    return time.monotonic_ns() // 1000


def turns(count: int, queries: int = 4) -> Iterator[tuple[int, Query]]:
    return ((turn, a_query(index)) for turn in range(count) for index in range(queries))


def test_a_closed_loop_keeps_as_many_in_flight_as_it_is_told() -> None:
    """Nothing is answered before four are there; then all 12 are answered, four at a time."""
    behaviour = Behaviour(gate=threading.Event(), delay=0.01)

    def let_go() -> None:
        while behaviour.now < 4:
            time.sleep(0.002)
        assert behaviour.gate is not None
        behaviour.gate.set()

    watching = threading.Thread(target=let_go)
    watching.start()
    with answering(behaviour) as url, opened(url) as answerer:
        flight = closed_loop(answerer, turns(3), 4, now_us=now_us)
    watching.join()
    assert behaviour.most == 4
    assert len(flight.asked) == 12
    assert sorted((a.turn, a.query.index) for a in flight.asked) == [
        (t, q) for t in range(3) for q in range(4)
    ]
    assert all(a.start_us <= a.prepared_us <= a.end_us for a in flight.asked)
    assert flight.full is not None
    assert min(a.start_us for a in flight.asked) < flight.full[0] < flight.full[1]
    assert flight.full[1] <= max(a.end_us for a in flight.asked)
    assert behaviour.connections == 4


def test_failures_are_told_and_the_rest_goes_on() -> None:
    """Three of twelve fail; each was asked once."""
    behaviour = Behaviour(fail="500", failing=3)
    seen: list[str] = []
    with answering(behaviour) as url, opened(url) as answerer:
        flight = closed_loop(
            answerer, turns(3), 2, now_us=now_us, done=lambda a: seen.append(a.answer.failed)
        )
    assert len(flight.asked) == len(behaviour.asked) == 12
    assert sum(bool(failed) for failed in seen) == 3


def test_an_error_ends_the_loop() -> None:
    """What is no failure of a query is raised by the thread that waits."""

    def broken() -> Iterator[tuple[int, Query]]:
        yield from turns(1, 2)
        raise OSError("the line broke")

    with answering(Behaviour()) as url, opened(url) as answerer, pytest.raises(OSError, match="the line"):
        closed_loop(answerer, broken(), 3, now_us=now_us)


def test_an_open_loop_does_not_wait_for_answers() -> None:
    """While nothing is answered all eight requests are sent all the same."""
    behaviour = Behaviour(gate=threading.Event())

    def let_go() -> None:
        while behaviour.now < 8:
            time.sleep(0.002)
        assert behaviour.gate is not None
        behaviour.gate.set()

    watching = threading.Thread(target=let_go)
    watching.start()
    with answering(behaviour) as url, opened(url) as answerer:
        flight = open_loop(answerer, turns(2), 500.0, 1, now_us=now_us, sleep=time.sleep)
    watching.join()
    assert behaviour.most == 8
    assert len(flight.asked) == 8


def test_an_open_loop_uses_connections_again() -> None:
    """Forty requests, one after the other: each has a thread of its own, and all go over one connection."""
    behaviour = Behaviour()
    before_is_over = threading.Semaphore(1)

    def wait(_: float) -> None:
        assert before_is_over.acquire(timeout=60)

    with answering(behaviour) as url, opened(url) as answerer:
        flight = open_loop(
            answerer,
            turns(10),
            1.0,
            1,
            now_us=lambda: 0,
            sleep=wait,
            done=lambda _: before_is_over.release(),
        )
    assert [a.answer.failed for a in flight.asked] == [""] * 40
    assert behaviour.connections == 1


def test_arrivals_are_the_same_for_the_same_seed() -> None:
    """The waits between requests are drawn; on a clock that only sleep moves they can be seen."""

    class Clock:
        us = 0

        def sleep(self, seconds: float) -> None:
            self.us += round(seconds * 1e6)

    def waits(seed: int) -> list[int]:
        clock = Clock()
        with answering(Behaviour()) as url, opened(url) as answerer:
            flight = open_loop(answerer, turns(2), 10.0, seed, now_us=lambda: clock.us, sleep=clock.sleep)
        return sorted(a.start_us for a in flight.asked)

    first = waits(3)
    assert first == waits(3)
    assert first != waits(4)
    assert len(first) == 8
