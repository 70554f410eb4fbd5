"""A simulated node whose metrics a real Prometheus scrapes: each second is a minute of its windows."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.cumulative import AgentTotals, CarbonRate, Known
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.core.serving.workload import (
    Workload,
    WorkloadDevice,
    WorkloadKind,
    WorkloadShare,
    WorkloadTotals,
    WorkloadUse,
)
from wattmark.exporters.agent_families import families
from wattmark.exporters.agent_state import (
    AgentState,
    EngineModel,
    EngineNow,
    GridNow,
    OwnCost,
    PueNow,
    RegressionNow,
)
from wattmark.exporters.agent_text import Format, render

WORSE, STEADY = "llama-8b", "mistral-7b"
REQUESTS = 120.0
JOULES = 12_000.0
"""Of the requests of one model in one window: 100 J each, 1 J per output token."""
NOISE = 0.01
IN_TIME = 0.3
"""Seconds that a page may take: a Prometheus that scrapes twice a second waits for half of one."""
STILL = 2.5
"""Seconds without a window or a scrape after which rules that are sped up sixtyfold rightly raise alarm."""


class Pulse:
    """The longest time in which something that goes on all the time did not happen."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._longest = 0.0

    def beat(self) -> None:
        """It happens now."""
        self._longest, self._last = self.longest(), time.monotonic()

    def longest(self) -> float:
        """Seconds from one to the next, or since the last one; 0 before the first."""
        return max(self._longest, 0.0 if self._last is None else time.monotonic() - self._last)


class Node:
    """Two GPUs with a model each. Every second it closes a window of one second."""

    def __init__(self, seed: int = 7) -> None:
        self._totals, self._workloads = AgentTotals(), WorkloadTotals()
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._told = 0
        self.windows, self.scrapes = Pulse(), Pulse()
        self.releases = {WORSE: "v1", STEADY: "v1"}
        self.rise = {WORSE: 1.0, STEADY: 1.0}

    def stood_still(self) -> bool:
        """Whether the machine gave the node or who scrapes it no time, for seconds."""
        return max(self.windows.longest(), self.scrapes.longest()) > STILL

    def release(self, model: str, version: str, rise: float) -> None:
        """A new release that takes so much more energy for the same work."""
        self.releases[model], self.rise[model] = version, rise

    def close_window(self) -> None:
        """One more window, which ends now."""
        self.windows.beat()
        end = int(time.time() * 1e6)
        parts = [self._served(f"gpu-{n}", model) for n, model in enumerate((WORSE, STEADY))]
        window = ServingWindow(
            host_id="h",
            start_us=end - 1_000_000,
            end_us=end,
            rule=Rule.TOKENS,
            devices=tuple(device for device, _, _ in parts),
            shares=tuple(share for _, share, _ in parts),
            works=tuple(work for _, _, work in parts),
        )
        with self._lock:
            self._totals.fold(
                window, [CarbonRate("location", "lifecycle", 360.0), CarbonRate("market", "lifecycle", None)]
            )
            for _, share, _ in parts:
                known = Known(Rule.TOKENS, Boundary.DEVICE, Grade.B)
                self._totals.observe(share.service, known, share.succeeded_joules / REQUESTS, end)
            self._workloads.fold(_beside(end))
            self._told += int(2 * REQUESTS)

    def _served(self, device: str, model: str) -> tuple[DeviceUse, Share, Work]:
        service = Service(
            model=model, model_version=self.releases[model], tenant="acme", target=f"vllm-{device}"
        )
        joules = JOULES * self.rise[model] * (1 + self._random.uniform(-NOISE, NOISE))
        failed, idle, alone = 0.02 * joules, 0.1 * joules, 0.05 * joules
        use = DeviceUse(
            device_id=device,
            component="gpu",
            source="nvml",
            method=Method.HARDWARE_COUNTER,
            grade=Grade.B,
            energy_joules=joules + failed + idle + alone,
            observed_seconds=1.0,
            idle_joules=idle,
            unallocated_joules=alone,
            busy_seconds=0.8,
            busy_signal="nvml_busy_time",
        )
        share = Share(
            service=service,
            device_id=device,
            succeeded_joules=joules,
            failed_joules=failed,
            idle_joules=idle,
            prefill_joules=0.2 * joules,
            decode_joules=0.8 * joules,
            rule_error_joules=0.05 * joules,
        )
        work = Work(
            service=service,
            requests=REQUESTS,
            failed=2.0,
            input_tokens=200 * REQUESTS,
            cached_input_tokens=50 * REQUESTS,
            output_tokens=100 * REQUESTS,
            request_seconds=8.0,
        )
        return use, share, work

    def page(self) -> bytes:
        """What a scrape gets, by the agent's own renderer."""
        with self._lock:
            return render(families(self._state()), Format.TEXT)

    def _state(self) -> AgentState:
        now = time.time()
        models = (EngineModel(model=WORSE, running=8.0, waiting=1.0, kv_cache_usage=0.4),)
        return AgentState(
            totals=self._totals,
            own=OwnCost(
                version="0.1.0",
                cpu_seconds=0.0005 * self._told,
                resident_bytes=30e6,
                last_landed_seconds=now - 1,
                spool_bytes=4096.0,
                spool_files=1.0,
                received={"socket": self._told},
                refused={"late": 0},
            ),
            engines=(
                EngineNow(
                    target="vllm-gpu-0", engine="vllm", up=True, models=models, failures={"timeout": 0}
                ),
            ),
            workloads=self._workloads,
            pues=(PueNow(value=1.2, kind="declared"),),
            grids=(
                GridNow(
                    grams_per_kwh=360.0, accounting="location", basis="lifecycle", source="table", zone="DE"
                ),
            ),
            regressions=(
                RegressionNow(model=WORSE, model_version="v1", metric="joules_per_request", active=False),
            ),
        )


def _beside(end: int) -> WorkloadUse:
    pod = Workload(
        kind=WorkloadKind.CONTAINER, name="engine", namespace="serving", pod="llama-0", container="engine"
    )
    device = WorkloadDevice(
        device_id="cpu-0",
        component="cpu",
        source="rapl",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=50.0,
        observed_seconds=1.0,
        unallocated_joules=10.0,
    )
    share = WorkloadShare(workload=pod, device_id="cpu-0", busy_joules=35.0, idle_joules=5.0)
    return WorkloadUse(host_id="h", start_us=end - 1_000_000, end_us=end, devices=(device,), shares=(share,))


@contextmanager
def shown(node: Node) -> Iterator[str]:
    """The node's metrics over HTTP while it works; gives host and port."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            began = time.monotonic()
            body = node.page()
            self.send_response(200)
            self.send_header("Content-Type", Format.TEXT.value)
            self.end_headers()
            self.wfile.write(body)
            if time.monotonic() - began < IN_TIME:
                node.scrapes.beat()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(1.0):
            node.close_window()

    node.close_window()
    threads = [threading.Thread(target=f, daemon=True) for f in (server.serve_forever, work)]
    for thread in threads:
        thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()
