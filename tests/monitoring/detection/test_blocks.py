"""Minutes put together."""

from __future__ import annotations

from tests.monitoring.detection.rows import START, a_row
from wattmark.monitoring.detection.blocks import Blocks
from wattmark.monitoring.detection.row import Lost
from wattmark.monitoring.detection.settings import Settings


def test_a_busy_minute_is_a_block_of_its_own() -> None:
    """100 requests are more than 40."""
    assert Blocks(Settings()).add(a_row()) == [a_row()]


def test_quiet_minutes_are_added_up_until_there_are_enough_requests() -> None:
    """Four minutes of ten requests; joules and tokens add up with them."""
    blocks = Blocks(Settings())
    done = [blocks.add(a_row(i, requests=10.0, joules=5.0)) for i in range(4)]
    assert done[:3] == [[], [], []]
    assert (done[3][0].requests, done[3][0].joules, done[3][0].seconds) == (40.0, 20.0, 240.0)
    assert done[3][0].start == START


def test_a_quarter_of_an_hour_is_enough_however_few_they_were() -> None:
    """Fifteen minutes of one request each."""
    blocks = Blocks(Settings())
    done = [block for i in range(15) for block in blocks.add(a_row(i, requests=1.0))]
    assert [block.requests for block in done] == [15.0]


def test_a_hole_another_release_and_another_meter_end_a_block() -> None:
    """Nothing is added up across them."""
    blocks = Blocks(Settings())
    blocks.add(a_row(0, requests=10.0))
    assert [b.requests for b in blocks.add(a_row(1, requests=5.0, version="1.1"))] == [10.0]
    assert [b.requests for b in blocks.add(a_row(7, requests=6.0, version="1.1"))] == [5.0]
    assert [b.requests for b in blocks.add(Lost(0.0, "away"))] == [6.0]
    assert blocks.add(Lost(0.0, "away")) == []
