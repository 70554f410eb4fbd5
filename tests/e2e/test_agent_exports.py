"""What an agent shows, scraped by a real Prometheus and sent to a listening ledger."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.e2e.test_prometheus_export import answers, running, wait_for
from tests.exporters.agent_states import END, MINUTE, a_state, a_window
from tests.fakes.http_server import Quiet, serving
from tests.fakes.ports import free_port
from wattmark.exporters.agent_families import families
from wattmark.exporters.agent_otlp import address_of, payload, send
from wattmark.exporters.agent_text import negotiated, render

pytestmark = pytest.mark.slow


@contextmanager
def shown(asked: list[str]) -> Iterator[int]:
    """A page of metrics, as an agent answers; which formats were asked for goes into the list."""
    state = a_state()

    class Page(Quiet):
        def do_GET(self) -> None:
            form = negotiated(self.headers.get("Accept"))
            asked.append(form.name)
            self.send_response(200)
            self.send_header("Content-Type", form.value)
            self.end_headers()
            self.wfile.write(render(families(state), form))

    with serving(Page) as url:
        yield int(url.rpartition(":")[2])


def test_a_real_prometheus_reads_every_series(tmp_path: Path) -> None:
    """As many as were written, and joules per output token by a query: 4200 J over 600 tokens are 7."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    asked: list[str] = []
    port = free_port()
    with shown(asked) as page:
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "scrape_configs:\n- job_name: agent\n  scrape_interval: 1s\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{page}']}}]\n"
        )
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with running(command, f"http://127.0.0.1:{port}/-/ready", tmp_path / "log"):

            def value(query: str) -> float | None:
                url = f"http://127.0.0.1:{port}/api/v1/query?{urlencode({'query': query})}"
                with urlopen(url) as answer:
                    result = json.load(answer)["data"]["result"]
                return float(result[0]["value"][1]) if result else None

            def shows(query: str, least: float, most: float) -> None:
                """At some scrape: one that took more than its second leaves no series until the next."""
                wait_for(lambda: least <= (value(query) or 0.0) <= most, f"{query} never comes to that")

            shows("up", 1.0, 1.0)
            per_token = (
                'sum by (model) (wattmark_inference_energy_joules_total{outcome!="idle"})'
                " / sum by (model) (wattmark_inference_output_tokens_total)"
            )
            shows(per_token, 7.0, 7.0)
            of_request = "wattmark_inference_request_energy_joules_bucket"
            shows(f"histogram_quantile(0.99, {of_request})", math.nextafter(250.0, 300.0), math.inf)
            lines = render(families(a_state())).decode().splitlines()
            samples = sum(not line.startswith("#") for line in lines)
            shows("scrape_samples_scraped", samples, samples)
    assert set(asked) == {"OPENMETRICS"}


def taken(url: str, body: bytes) -> bool:
    """Sends it; whether it was answered well."""
    return send(url, body) == ""


def test_a_listening_ledger_counts_what_is_sent(tmp_path: Path) -> None:
    """Two states a minute apart: the second window's 6000 J of the GPU, and the first's from the start on."""
    for needed in ("deltalake", "duckdb", "uvicorn"):
        pytest.importorskip(needed)
    environ = {**os.environ, "WATTMARK_CONFIG": str(tmp_path / "wattmark.toml")}
    (tmp_path / "wattmark.toml").write_text("")
    ledger, port = str(tmp_path / "ledger"), free_port()
    call = [sys.executable, "-m", "wattmark", "ledger"]
    subprocess.run([*call, "init", ledger], env=environ, check=True, capture_output=True, timeout=250)
    with subprocess.Popen(
        [*call, "listen", "--ledger", ledger, "--port", str(port)],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as listener:
        try:
            wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the listener does not answer")
            state = a_state()
            now = time.time_ns() // 1_000_000_000 * 1_000_000_000
            for minute in (0, 1):
                if minute:
                    state.totals.fold(a_window(END + MINUTE))
                body = payload(
                    families(state),
                    host_id="h",
                    version="0.1.0",
                    started_ns=now - 120 * 10**9,
                    now_ns=now - (1 - minute) * 60 * 10**9,
                )
                # What was not answered in time is sent again, as agents do: it counts once.
                there = address_of(f"http://127.0.0.1:{port}")
                wait_for(partial(taken, there, body), "it is not taken")
        finally:
            listener.send_signal(signal.SIGTERM)
            listener.wait(60)
    told = subprocess.run(
        [*call, "totals", "--by", "component", "--ledger", ledger, "--json"],
        env=environ,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (total,) = json.loads(told.stdout)["totals"]
    assert total["group"] == {"component": "gpu"}
    assert total["observed_microjoules"] == 12_000 * 1_000_000
