"""Engines that count requests: between two looks exactly those that were sent, good and bad."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.real_engines import Engine, running
from wattmark.core.errors import UsageError
from wattmark.core.serving.engine import Counted, EngineDelta, EngineReading, FailedLook, difference
from wattmark.engines.scrape import open_scraper
from wattmark.engines.table import engine_named

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


def look_at(engine: Engine) -> EngineReading:
    with closing(open_scraper(engine.metrics_url, os.environ, timeout_seconds=60)) as scraper:
        look = scraper.look()
    assert isinstance(look, EngineReading), look
    assert look.engine == engine.name
    return look


@pytest.mark.parametrize(
    ("name", "counts_failures"),
    [("triton", True), ("mlserver", True), ("kserve", False), ("bentoml", True), ("ray-serve", True)],
)
def test_requests_that_are_sent_are_those_that_were_counted(
    name: str, counts_failures: bool, tmp_path: Path
) -> None:
    """Seven that end well and two that fail, after a look that has seen one of each."""
    with running(name, tmp_path) as engine:
        assert [engine.ask(1), engine.ask(-1)] == [True, False]
        before = settled(engine, requests=1)
        assert [engine.ask(x) for x in (1, 2, -1, 3, 4, -2, 5, 6, 7)].count(True) == 7
        expected = Counted(requests=7.0, failed=2.0 if counts_failures else None)
        until = time.monotonic() + 60
        while (found := done_since(before, engine)).counted.get(
            "tiny"
        ) != expected and time.monotonic() < until:
            time.sleep(0.25)
        assert found.counted == {"tiny": expected}
        assert "tokens" in found.missing[next(q for q in found.missing if q == "output_tokens")]


def done_since(before: EngineReading, engine: Engine) -> EngineDelta:
    found = difference(before, look_at(engine))
    assert isinstance(found, EngineDelta), found
    return found


def settled(engine: Engine, requests: float) -> EngineReading:
    """A look that has seen all that was sent: Ray's metrics come seconds later."""
    for _ in range(240):
        look = look_at(engine) if engine.name != "ray-serve" else None
        if look is None:
            with closing(open_scraper(engine.metrics_url, os.environ, timeout_seconds=60)) as scraper:
                seen = scraper.look()
            look = seen if isinstance(seen, EngineReading) else None
        counted = look.counted.get("tiny") if look else None
        if look and counted and counted.requests == requests and counted.failed in (None, 1.0):
            return look
        time.sleep(0.25)
    pytest.fail(f"{engine.name} never showed {requests:g} requests and a failure")


def test_litserve_shows_no_metrics(tmp_path: Path) -> None:
    """So it says, and what to do instead."""
    with running("litserve", tmp_path) as engine:
        assert engine.ask(1)
        with closing(open_scraper(engine.url, os.environ, timeout_seconds=60)) as scraper:
            look = scraper.look()
    assert isinstance(look, FailedLook)
    assert look.kind in ("status", "no_metrics")
    with pytest.raises(UsageError, match="it has no metrics of its own"):
        open_scraper(engine.url, {}, kind=engine_named("litserve"))
