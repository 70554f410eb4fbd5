"""How far another clock is off ours, from dates with whole seconds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.http_server import Quiet, serving
from wattmark.bench.endpoint.skew import NARROW_SECONDS, clock_error, difference
from wattmark.core.errors import EvidenceError


class Clock:
    """Ours, and a server's that is ahead of it; an answer takes 10 ms."""

    def __init__(self, ahead: float) -> None:
        self.now, self.ahead = 1000.3, ahead

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def dated(self) -> tuple[float, float, float]:
        before = self.now
        self.now += 0.01
        return before, self.now, float(math.floor(before + 0.005 + self.ahead))


@given(st.floats(-100, 100))
def test_the_difference_lies_between_its_bounds(ahead: float) -> None:
    """And they are narrow: the moment at which the second changes is met within a second or so."""
    clock = Clock(ahead)
    low, high = difference(clock.dated, clock.sleep)
    assert low - 1e-6 <= ahead <= high + 1e-6
    assert high - low <= NARROW_SECONDS + 0.06


def test_a_real_server_on_this_machine_has_our_clock() -> None:
    """Python's own server dates its answers."""

    class Dated(Quiet):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Dated) as url:
        assert clock_error(url) < 1.1


def test_a_server_that_does_not_tell_the_time_is_an_error() -> None:
    class Undated(Quiet):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Undated) as url, pytest.raises(EvidenceError, match="state --clock-error"):
        clock_error(url)
    with pytest.raises(EvidenceError, match="does not tell the time"):
        clock_error("http://127.0.0.1:9")
