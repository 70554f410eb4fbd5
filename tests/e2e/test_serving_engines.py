"""Real engines, a real agent and a package whose energy a test decides: tokens and joules add up."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from urllib import request as http

import pytest

from tests.agent.node import Powercap, Running
from tests.agent.node import running as agent_running
from tests.agent.test_killed import PATIENT, Landed
from tests.real_engines import Engine, running
from tests.real_engines.test_token_engines import look_at, once
from wattmark.core.known import Grade, Method
from wattmark.core.serving.attributing import Attributor, Device, Settings
from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Placement, Request, Service

pytest.importorskip("pyarrow", reason="needs the extra 'ledger'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ATTEMPTS = 5
FOREVER = 1 << 62


@pytest.fixture(scope="module")
def llamacpp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The server of llama.cpp with a tiny model."""
    with running("llama.cpp", tmp_path_factory.mktemp("llama")) as engine:
        yield engine


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """vLLM on the CPU with a tiny model."""
    with running("vllm", tmp_path_factory.mktemp("vllm")) as engine:
        yield engine


@contextmanager
def working(powercap: Powercap) -> Iterator[None]:
    """The package draws about 20 W, in steps of 20 ms."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            powercap.use(400_000)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def ask(engine: Engine, count: int, tokens: int) -> int:
    """So many requests, three at a time; gives the input tokens that the answers tell."""
    with ThreadPoolExecutor(3) as pool:
        usages = list(pool.map(lambda n: engine.complete(f"word {n}", tokens), range(count)))
    assert {u["completion_tokens"] for u in usages} == {tokens}
    return sum(u["prompt_tokens"] for u in usages)


def target(engine: Engine) -> str:
    """What the agent calls it."""
    return engine.url.removeprefix("http://")


class Kept:
    """What an agent left in its ledger, by model and target or by window."""

    def __init__(self, ledger: Path) -> None:
        self.landed = Landed(ledger)

    def work(self, unit: str) -> dict[str, float]:
        """Work of each target."""
        sums: dict[str, float] = defaultdict(float)
        for stream, amount, _ in self.landed.rows.values():
            if stream.unit == unit and amount:
                sums[stream.subject.labels.get("target", "")] += amount
        return dict(sums)

    def windows(self, from_us: int = 0, to_us: int = FOREVER) -> list[tuple[int, int]]:
        """Microjoules of the device and of all shares, window by window, of those that began in between."""
        sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for (_, start_us, _), (stream, amount, _) in self.landed.rows.items():
            if stream.unit == "J":
                sums[start_us][stream.scope.value == "share"] += int(amount)
        return [
            (whole, shares) for start, (whole, shares) in sorted(sums.items()) if from_us <= start <= to_us
        ]


def engines_up(agent: Running) -> int:
    """How many engines answer the agent."""
    status, page = agent.get("/metrics")
    assert status == 200
    return sum(
        1 for line in page.splitlines() if line.startswith("wattmark_engine_up{") and line.endswith(" 1.0")
    )


def shown(agent: Running, metric: str) -> float:
    """The sum of all series of a metric."""
    lines = agent.get("/metrics")[1].splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{metric}{{"))


def tokens_shown(agent: Running) -> float:
    """Output tokens of all windows that are over."""
    return shown(agent, "wattmark_inference_output_tokens_total")


def looks_failed(agent: Running) -> float:
    """Looks at engines that had no answer within a second, as on a machine that gives them no time."""
    return shown(agent, "wattmark_engine_look_failures_total")


def until(true: Callable[[], bool], seen: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for it; else say what is seen instead."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, seen()
        time.sleep(0.2)


def test_tokens_and_joules_of_two_engines_add_up(llamacpp: Engine, vllm: Engine, tmp_path: Path) -> None:
    """One package under two engines whose requests nobody tells: what they count shares it, to the joule.

    Tokens and requests in the ledger are those that were sent; in every window the shares are the package.
    What an engine did while it did not answer is counted later and divides no window: then begin again.
    """
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        if added_up(llamacpp, vllm, folder):
            return
    pytest.skip(f"an engine did not answer within a second, {ATTEMPTS} times")


def added_up(llamacpp: Engine, vllm: Engine, tmp_path: Path) -> bool:
    """One agent's life; whether each of its looks at an engine had an answer, so that all could be held."""
    for engine in (llamacpp, vllm):
        fresh = look_at(engine)
        engine.complete("warm", 2)
        once(engine, fresh, 2)  # that the first look of the agent has counted it
    powercap = Powercap(tmp_path / "powercap")
    began_uj = powercap.microjoules
    engines = f"engines=llama.cpp={llamacpp.url} vllm={vllm.url}"
    with working(powercap), agent_running(tmp_path, engines, "look=0.3", PATIENT) as agent:
        until(lambda: engines_up(agent) == 2, lambda: agent.get("/metrics")[1])
        read_from_uj = powercap.microjoules  # by now it reads, however long it took to begin
        known_us, failed = time.time_ns() // 1000, looks_failed(agent)
        time.sleep(1.0)
        given = {target(llamacpp): ask(llamacpp, 12, 30), target(vllm): ask(vllm, 10, 25)}
        with ThreadPoolExecutor(2) as pool:  # both at once
            more = list(pool.map(lambda e: ask(e, 6, 20), (llamacpp, vllm)))
        for engine, tokens in zip((llamacpp, vllm), more, strict=True):
            given[target(engine)] += tokens
        time.sleep(3.0)
        until(lambda: tokens_shown(agent) >= 850, lambda: agent.get("/metrics")[1])
        told_us, told_uj = time.time_ns() // 1000, powercap.microjoules
        failed = looks_failed(agent) - failed
        assert agent.end() == 0
        ended_uj = powercap.microjoules
    kept = Kept(tmp_path / "ledger")
    assert kept.work("output_tokens") == {target(llamacpp): 480.0, target(vllm): 370.0}
    assert kept.work("input_tokens") == given
    assert kept.work("inferences") == {target(vllm): 16.0}  # llama.cpp counts no requests
    read = sum(w for w, _ in kept.windows())
    assert 0.8 * (told_uj - read_from_uj) < read <= ended_uj - began_uj + len(kept.landed.rows)
    if failed:
        return False
    busy = kept.windows(known_us, told_us - 2_000_000)  # in them both engines are known
    assert len(busy) >= 2
    assert max(abs(whole - shares) for whole, shares in busy) <= 10
    assert min(w for w, _ in busy) > 0
    return True


def streamed(engine: Engine, prompt: str, tokens: int) -> Request:
    """A request as a gateway sees it: when it went out, when its first token came, and when it was over."""
    asked = {
        "model": engine.model,
        "prompt": prompt,
        "max_tokens": tokens,
        "ignore_eos": True,
        "stream": True,
    }
    body = json.dumps({**asked, "stream_options": {"include_usage": True}}).encode()
    start = time.time_ns() // 1000
    first: int | None = None
    usage: dict[str, int] = {}
    where = http.Request(f"{engine.url}/v1/completions", body, {"content-type": "application/json"})
    with http.urlopen(where, timeout=60) as answer:
        for line in answer:
            if line.startswith(b"data: {"):
                first = first or time.time_ns() // 1000
                usage = json.loads(line[6:]).get("usage") or usage
    return Request(
        service=Service(model=engine.name, target=target(engine)),
        start_us=start,
        first_token_us=first,
        end_us=time.time_ns() // 1000,
        input_tokens=usage["prompt_tokens"],
        output_tokens=usage["completion_tokens"],
    )


def test_joules_of_real_requests_add_up_to_their_device(llamacpp: Engine, vllm: Engine) -> None:
    """Requests to both at once, a device that both share: requests and idleness are the device, to 1e-9."""
    for engine in (llamacpp, vllm):
        streamed(engine, "warm", 2)
    device = Device(
        device_id="cpu:node/package-0",
        component="cpu",
        source="rapl",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
    )
    begin = time.time_ns() // 1000
    with ThreadPoolExecutor(6) as pool:
        asked = [
            pool.submit(streamed, engine, f"word {n} and more", 20 + n)
            for n in range(8)
            for engine in (llamacpp, vllm)
        ]
        requests = [task.result() for task in asked]
    time.sleep(0.2)
    end = time.time_ns() // 1000
    attributor = Attributor(
        "node",
        [device],
        [Placement(model=e.name, devices=(device.device_id,), reserved=0.5) for e in (llamacpp, vllm)],
        start_us=begin,
        settings=Settings(window_us=500_000),
    )
    watts = [30.0, 95.0, 60.0]
    edges = [*range(begin, end, 100_000), end]
    joules = 0.0
    for n, (start_us, end_us) in enumerate(pairwise(edges)):
        joules += (used := watts[n % 3] * (end_us - start_us) / 1e6)
        attributor.reading(device.device_id, Piece(start_us, end_us, used))
    for one in sorted(requests, key=lambda r: r.end_us):
        attributor.ended(one)
    batch = attributor.finish(end)
    idle = math.fsum(share.idle_joules for window in batch.windows for share in window.shares)
    of_requests = math.fsum(done.joules for done in batch.requests)
    assert sum(r.output_tokens or 0 for r in requests) == 2 * sum(20 + n for n in range(8))
    assert len(batch.requests) == 16
    assert min(done.joules for done in batch.requests) > 0
    assert math.isclose(of_requests + idle, joules, rel_tol=1e-9)
    assert math.isclose(
        math.fsum(d.prefill_joules + d.decode_joules for d in batch.requests), of_requests, rel_tol=1e-9
    )
    by_model = {
        e.name: math.fsum(d.joules for d in batch.requests if d.service.model == e.name)
        for e in (llamacpp, vllm)
    }
    of_windows = {
        e.name: math.fsum(
            s.requests_joules for w in batch.windows for s in w.shares if s.service.model == e.name
        )
        for e in (llamacpp, vllm)
    }
    assert of_windows == pytest.approx(by_model, rel=1e-9)
