"""A real Prometheus, and a real VictoriaMetrics: what they stored comes out, to the joule."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib import request

import pytest

from tests.fakes.ports import free_port
from wattmark.core.imported import Imported
from wattmark.core.known import Grade, Scope
from wattmark.core.telemetry import Samples
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.identity import host_of

pytestmark = pytest.mark.slow

T = 1_790_000_010
STEP = 15
SAMPLES = 4 * 3600 // STEP + 1
"""Four hours."""
WRAP = 262_143.32885


def needed(program: str) -> str:
    """The path of a program; skips the test when it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(
            f"{program} is not installed (Debian: apt install {program.replace('promtool', 'prometheus')})"
        )
    return found


@contextmanager
def running(command: Sequence[str], url: str, log: Path) -> Iterator[str]:
    """A server, from when it answers until the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            for _ in range(1000):
                try:
                    with request.urlopen(f"{url}/api/v1/label/__name__/values", timeout=1):
                        break
                except OSError:
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.2)
            else:
                raise AssertionError(log.read_text())
            yield url
        finally:
            process.terminate()
            process.wait()


@contextmanager
def prometheus(folder: Path, config: str = "{}") -> Iterator[str]:
    """A Prometheus on this folder's data."""
    program = needed("prometheus")
    (folder / "prometheus.yml").write_text(config)
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with running(command, url, folder / "log"):
        yield url


def written(name: str, **labels: str) -> str:
    """A series as the formats write it."""
    return name + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}"


def history() -> dict[str, Callable[[int], float]]:
    """Series as they are written -> the value of the i-th sample."""
    gpu = {"instance": "n1:9400", "job": "dcgm", "Hostname": "n1", "modelName": "NVIDIA L40S"}
    kepler = {"instance": "n2:9102", "job": "kepler", "node_name": "n2"}
    node = {"instance": "n1:9100", "job": "node"}
    pod = {"pod_name": "p", "pod_namespace": "ml", "state": "running"}
    raw = {**node, "index": "0", "path": "/sys/class/powercap/intel-rapl:0"}
    return {
        written("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", **gpu, UUID="GPU-1"): lambda i: 5e6 + i * 3e6,
        written("DCGM_FI_DEV_POWER_USAGE", **gpu, UUID="GPU-1"): lambda i: 200.0,
        written("DCGM_FI_DEV_BOARD_POWER_WATTS", **gpu, UUID="GPU-2"): lambda i: 100.0 + i % 2,
        written("node_rapl_package_joules_total", **raw): lambda i: (261_000 + i * 1500) % WRAP,
        written("kepler_node_cpu_joules_total", **kepler, zone="package"): lambda i: i * 600,
        written("kepler_node_cpu_joules_total", **kepler, zone="core"): lambda i: i * 500,
        written("kepler_pod_cpu_joules_total", **kepler, **pod, zone="package"): lambda i: i * 150,
        written("vllm:generation_tokens_total", instance="n1:8000", model_name="m"): lambda i: i * 30,
        written("node_uname_info", **node, nodename="n1"): lambda i: 1,
    }


TRUTH = {
    ("GPU-1", Scope.WHOLE): 3000 * (SAMPLES - 1),
    ("GPU-2", Scope.WHOLE): 100.5 * STEP * (SAMPLES - 1),
    (f"cpu:{host_of('n1')}/package-0", Scope.WHOLE): 1500 * (SAMPLES - 1),
    (f"cpu:{host_of('n2')}/package", Scope.WHOLE): 600 * (SAMPLES - 1),
    (f"cpu:{host_of('n2')}/package", Scope.SHARE): 150 * (SAMPLES - 1),
}
"""Joules of four hours."""


def openmetrics(folder: Path) -> Path:
    """The history as OpenMetrics, ordered by series."""
    path = folder / "history.om"
    with path.open("w") as file:
        for series, value in history().items():
            for i in range(SAMPLES):
                file.write(f"{series} {value(i)!r} {T + STEP * i}\n")
        file.write("# EOF\n")
    return path


def bring(url: str, **settings: str) -> list[Imported]:
    given = {"start": str(T), "end": str(T + STEP * SAMPLES), **settings}
    return list(open_source("prometheus", [url], Asked(settings=given)).read())


def joules(portions: list[Imported]) -> dict[tuple[str, Scope], float]:
    found: dict[tuple[str, Scope], float] = {}
    for s in (s for p in portions for s in p.samples if s.stream.unit == "J"):
        key = (s.stream.device_id, s.stream.scope)
        found[key] = found.get(key, 0.0) + sum(s.energy_uj) / 1e6
    return found


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that holds the history."""
    folder = tmp_path_factory.mktemp("history")
    command = [
        needed("promtool"),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        str(openmetrics(folder)),
        str(folder / "data"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    with prometheus(folder) as url:
        yield url


def test_the_energy_that_was_stored_comes_out(loaded: str) -> None:
    """Four hours of GPUs, processors that wrap and pods: the truth, to the microjoule in counters."""
    portions = bring(loaded)
    assert joules(portions) == pytest.approx(TRUTH, rel=1e-9)
    assert all(s.observed == () for p in portions for s in p.samples)
    assert sum(sum(s.count) for p in portions for s in p.samples) == 30 * (SAMPLES - 1)
    assert sum(p.taken + p.ignored for p in portions) == (len(history()) - 1) * SAMPLES


def test_two_halves_are_the_whole(loaded: str) -> None:
    """Ranges that overlap by an hour bring intervals that a ledger counts once."""

    def rows(portions: list[Imported]) -> set[tuple[str, int, int, int]]:
        return {
            (repr(s.stream), *row)
            for p in portions
            for s in p.samples
            for row in zip(s.start_us, s.end_us, s.energy_uj, strict=False)
        }

    first, second = bring(loaded, end=str(T + 9000)), bring(loaded, start=str(T + 5400))
    assert rows(first) | rows(second) == rows(bring(loaded))
    assert len(rows(first) & rows(second)) == 5 * 3600 // STEP


def test_steps_give_nearly_the_same(loaded: str) -> None:
    """A server that refuses range selectors is asked step by step: the step's values, at the step's times."""
    found = joules(bring(loaded, read="range", step="15"))
    assert found == pytest.approx(TRUTH, rel=0.002)


def test_a_selector_picks_a_part(loaded: str) -> None:
    """-o match goes into the question as it is."""
    found = joules(bring(loaded, match='{instance=~"n2.*"}'))
    assert set(found) == {(f"cpu:{host_of('n2')}/package", s) for s in Scope}


def test_victoriametrics_answers_in_the_same_way(tmp_path: Path) -> None:
    """Another server with the same API."""
    program = needed("victoria-metrics")
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        program,
        f"-httpListenAddr={url.removeprefix('http://')}",
        f"-storageDataPath={tmp_path / 'data'}",
        "-retentionPeriod=100y",
    ]
    with running(command, url, tmp_path / "log"):
        text = "".join(
            f"{series} {value(i)!r} {(T + STEP * i) * 1000}\n"
            for series, value in history().items()
            for i in range(SAMPLES)
        )
        with request.urlopen(
            request.Request(f"{url}/api/v1/import/prometheus", text.encode(), method="POST")
        ):
            pass
        with request.urlopen(f"{url}/internal/force_flush"):
            pass
        assert joules(bring(url)) == pytest.approx(TRUTH, rel=1e-9)


class Exporter:
    """Prints counters of 100 W and a gauge, as time goes by; can be reset and can vanish.

    Each value has the time for which it is true: how long a scrape takes makes no difference.
    """

    def __init__(self) -> None:
        self.begun = time.time()
        self._gone = False
        self._lock = threading.Lock()
        self.scraped = threading.Semaphore(0)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def vanish(self, gone: bool) -> float:
        """From now on, which is told in seconds since 1970: all values of one state lie on one side of it."""
        with self._lock:
            self._gone = gone
            return time.time()

    def page(self) -> tuple[int, bytes]:
        """Status and body of a scrape."""
        with self._lock:
            return (503 if self._gone else 200), self.text().encode()

    def text(self) -> str:
        begun = self.begun  # looked at first: a reset meanwhile would lie after the time of the values
        at = math.ceil(time.time() * 1000)
        joules = 100 * (at / 1000 - begun)
        gpu = 'UUID="GPU-1",Hostname="n1",modelName="NVIDIA L40S"'
        return (
            "# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter\n"
            f"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{gpu}}} {joules * 1e3!r} {at}\n"
            f'DCGM_FI_DEV_POWER_USAGE{{UUID="GPU-2",Hostname="n1",modelName="NVIDIA L40S"}} 50 {at}\n'
            f'kepler_node_cpu_joules_total{{zone="package",node_name="n1"}} {joules!r} {at}\n'
        )

    def _handler(exporter) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = exporter.page()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                exporter.scraped.release()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler

    def wait(self, scrapes: int) -> None:
        """Until it was scraped so many times more, twice a second."""
        while self.scraped.acquire(blocking=False):
            pass
        for _ in range(scrapes):
            self.scraped.acquire()


def test_a_reset_and_a_vanished_target_are_gaps(tmp_path: Path) -> None:
    """Scraped twice a second: a reload of the driver, then seven scrapes which nobody answers."""
    exporter = Exporter()
    threading.Thread(target=exporter.server.serve_forever, daemon=True).start()
    config = (
        "scrape_configs:\n- job_name: gpu\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n"
        f"  static_configs: [{{targets: ['127.0.0.1:{exporter.server.server_address[1]}']}}]\n"
    )
    start = time.time()
    try:
        with prometheus(tmp_path, config) as url:
            exporter.wait(8)
            exporter.begun = time.time()
            exporter.wait(7)
            gone = exporter.vanish(True)
            exporter.wait(7)
            back = exporter.vanish(False)
            exporter.wait(7)
            portions = bring(url, start=f"{start:.3f}", end="now")
    finally:
        exporter.server.shutdown()
        exporter.server.server_close()
    by_device: dict[str, list[Samples]] = {}
    for s in (s for p in portions for s in p.samples):
        by_device.setdefault(s.stream.device_id, []).append(s)
    for device, watts in (("GPU-1", 100.0), ("GPU-2", 50.0), (f"cpu:{host_of('n1')}/package", 100.0)):
        observed_us = energy_uj = 0
        gaps: list[tuple[int, int]] = []
        for s in by_device[device]:
            for a, b, uj, seen in zip(
                s.start_us, s.end_us, s.energy_uj, s.observed or [True] * len(s), strict=True
            ):
                if seen:
                    observed_us, energy_uj = observed_us + b - a, energy_uj + uj
                else:
                    gaps.append((a, b))
        assert energy_uj / observed_us == pytest.approx(watts, rel=1e-4), device
        # From the last scrape before to the first one after, by times in whole milliseconds.
        assert any(a <= gone * 1e6 + 1000 and back * 1e6 <= b for a, b in gaps), (device, gone, back, gaps)
        assert observed_us > 6e6, gaps
    notes = "\n".join(n for p in portions for n in p.notes)
    assert "a gap: the counter was reset" in notes
    assert "a gap: no sample for longer than two periods" in notes
    assert {s.stream.grade for s in by_device["GPU-1"]} == {Grade.B}


def test_the_history_is_what_the_tests_say() -> None:
    """A name that the table does not know would make the tests above weaker without a word."""
    names = {re.match(r"[\w:]+", series)[0] for series in history()}  # type: ignore[index]
    from wattmark.sources.metrics import bundled_metrics

    assert [n for n in names if not bundled_metrics().knows(n)] == ["node_uname_info"]
