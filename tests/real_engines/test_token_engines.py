"""Engines that count tokens: what they count between two looks is exactly what was sent to them."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.request import Request, urlopen

import pytest

from tests.real_engines import Engine, running
from wattmark.core.readings import Gap
from wattmark.core.serving.engine import Counted, EngineDelta, EngineReading, Look, difference
from wattmark.engines.discover import discover
from wattmark.engines.scrape import open_scraper

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
MOST_PROMPTS = 1024
"""Of one request to vLLM (VLLM_MAX_COMPLETION_PROMPTS)."""


@pytest.fixture(scope="module", params=["llama.cpp", "vllm"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A real server, one after the other."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as started:
        yield started


def look_at(engine: Engine) -> EngineReading:
    with closing(open_scraper(engine.url, os.environ, timeout_seconds=60)) as scraper:
        look = scraper.look()
    assert isinstance(look, EngineReading), look
    return look


def once(engine: Engine, before: EngineReading, wanted: float) -> EngineReading:
    """A look that shows so many output tokens more, which come a moment after the last answer."""
    until = time.monotonic() + 60
    while True:
        after = look_at(engine)
        counted = between(before, after)
        if (counted.output_tokens or 0) >= wanted or time.monotonic() > until:
            return after
        time.sleep(0.05)


def between(before: Look, after: Look) -> Counted:
    found = difference(before, after)
    assert isinstance(found, EngineDelta), found
    (counted,) = found.counted.values()
    return counted


def output_tokens(look: Look) -> float:
    """All that a look shows since the engine began."""
    assert isinstance(look, EngineReading), look
    return sum(counted.output_tokens or 0.0 for counted in look.counted.values())


def test_what_is_sent_is_what_was_counted(engine: Engine) -> None:
    """Ten requests, four at a time, of 3 to 12 output tokens: the sums of their own answers, to the token."""
    fresh = look_at(engine)
    engine.complete("warm up", 2)
    before = once(engine, fresh, 2)
    with ThreadPoolExecutor(4) as pool:
        usages = list(pool.map(lambda n: engine.complete(f"word {n} and more", n), range(3, 13)))
    after = once(engine, before, 75)
    counted = between(before, after)
    assert [u["completion_tokens"] for u in usages] == list(range(3, 13))
    assert counted.output_tokens == 75.0
    assert counted.input_tokens == sum(u["prompt_tokens"] for u in usages)
    assert counted.cached_input_tokens is not None
    assert 0 <= counted.cached_input_tokens < counted.input_tokens
    assert counted.prefill_seconds is not None
    assert counted.decode_seconds is not None
    assert counted.prefill_seconds > 0
    assert 0 < counted.decode_seconds < 10 * (after.at_us - before.at_us) / 1e6
    if engine.name == "vllm":
        assert (counted.requests, counted.failed) == (10.0, 0.0)
        assert counted.flop is not None
        assert counted.flop > 0
    else:
        assert counted.requests is None


def test_a_prompt_that_is_asked_again_comes_from_the_cache(engine: Engine) -> None:
    """Most of a prompt of some 150 tokens is spared the second time, and is input all the same."""
    prompt = "energy is measured in joules " * 20
    before = look_at(engine)
    first = engine.complete(prompt, 1)["prompt_tokens"]
    before = once(engine, before, 1)
    assert engine.complete(prompt, 1)["prompt_tokens"] == first
    counted = between(before, once(engine, before, 1))
    assert counted.input_tokens == first
    assert counted.cached_input_tokens is not None
    if engine.name == "llama.cpp":
        assert first / 2 < counted.cached_input_tokens < first
    else:  # vLLM's blocks hold 128 tokens on a CPU
        assert counted.cached_input_tokens == first // 128 * 128


def test_a_request_whose_client_goes_away_leaves_its_tokens_alone(engine: Engine) -> None:
    """vLLM counts it neither as well nor as failed, and so says the table; what it made is counted.

    Of so many prompts, the most that vLLM takes, eight run at once: half a minute of work, so that also an
    engine that hears late that nobody waits has most of them before it.
    """
    if engine.name != "vllm":
        pytest.skip(f"{engine.name} counts no requests")
    before = look_at(engine)
    prompts = {"prompt": ["x"] * MOST_PROMPTS, "max_tokens": 200, "ignore_eos": True, "stream": True}
    asked = json.dumps({"model": "tiny", **prompts}).encode()
    with urlopen(
        Request(f"{engine.url}/v1/completions", asked, {"content-type": "application/json"}), timeout=60
    ) as stream:
        stream.readline()
        stream.close()
    once(engine, before, 1)  # what runs is shown by the same report of the engine
    counted = between(before, idle(engine))
    assert counted.failed == 0.0
    assert counted.requests is not None
    assert counted.requests < MOST_PROMPTS
    assert counted.output_tokens is not None
    assert max(1.0, 200 * counted.requests) <= counted.output_tokens < MOST_PROMPTS * 200


def idle(engine: Engine) -> EngineReading:
    """A look in which nothing runs and nothing waits."""
    until = time.monotonic() + 120
    while True:
        look = look_at(engine)
        if not any((load.running or 0.0) + (load.waiting or 0.0) for load in look.load.values()):
            return look
        assert time.monotonic() < until, "it goes on for nobody"
        time.sleep(0.05)


def test_load_is_told_while_it_is_there(engine: Engine) -> None:
    """Requests that run are seen by some look, and none is left at the end."""
    seen: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        with closing(open_scraper(engine.url, os.environ, timeout_seconds=60)) as scraper:
            while not stop.is_set():
                look = scraper.look()
                if isinstance(look, EngineReading):
                    seen.extend(load.running or 0.0 for load in look.load.values())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):  # the gauge is as old as the engine's last report: go on until a look has met one
            list(pool.map(lambda n: engine.complete(f"{n}", 150), range(8)))
            if max(seen, default=0.0) > 0.0:
                break
    stop.set()
    watcher.join()
    assert 1 <= max(seen) <= 8
    until = time.monotonic() + 60  # the gauge may be a moment behind the last answer
    while (after := [load.running for load in look_at(engine).load.values()]) != [0.0]:
        assert time.monotonic() < until, after
        time.sleep(0.05)


def test_it_is_found_on_this_machine(engine: Engine) -> None:
    """vLLM by its command line; llama.cpp here runs inside a Python program, which tells nothing."""
    found = {c.url: c.engine for c in discover()}
    assert engine.name != "vllm" or found[engine.url] == "vllm"


def test_an_engine_that_was_started_anew_is_a_gap(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the first one did after the last look is not known, and the second one's start is not its work."""
    folder = tmp_path_factory.mktemp("again")
    looks: list[Look] = []
    for tokens in (9, 4):
        with running("llama.cpp", folder) as engine:
            engine.complete("hello", tokens)
            with closing(open_scraper(engine.url, os.environ, target="again", timeout_seconds=60)) as scraper:
                until = time.monotonic() + 60
                while output_tokens(look := scraper.look()) < tokens and time.monotonic() < until:
                    time.sleep(0.05)
                looks.append(look)
    found = difference(*looks)
    assert isinstance(found, EngineDelta)
    assert list(found.gaps) == [""]
    assert "began to count anew" in found.gaps[""].reason
    assert not found.counted
    assert isinstance(difference(Gap("down"), looks[1]), Gap)
