"""A real listener in a process of its own: killed at any moment, told to end, and sent to by a real SDK."""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO

import pytest

from tests.sources.otlp_messages import GPU, Request, counter, number, request
from wattmark.core.telemetry import JOULES

pytestmark = pytest.mark.slow
pytest.importorskip("uvicorn", reason="needs the extra 'listen'")

TOKENS = "gen_ai.client.inference.usage.output_tokens"
DELTA = 1
SECOND = 10**9


@contextmanager
def listening(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`wattmark ledger listen` on a free port; killed at the end unless it has ended."""
    ledger = folder / "ledger"
    ledger.mkdir(exist_ok=True)
    (ledger / "ledger.toml").write_text("format = 1\n")
    words = [sys.executable, "-m", "wattmark", "ledger", "listen", "--ledger", str(ledger), "--port", "0"]
    words += ["--journal", str(folder / "journal"), *options]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=folder)
    try:
        assert process.stderr is not None
        yield process, port_of(process.stderr)
    finally:
        process.kill()
        process.wait()


def port_of(said: IO[str]) -> int:
    """The port that the listener names on its standard error; what it says later is read and dropped."""
    for line in said:
        if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)/v1/metrics", line):
            threading.Thread(target=said.read, daemon=True).start()
            return int(found[1])
    raise AssertionError("the listener did not start")


def post(port: int, message: Request) -> int | None:
    """The status of the answer; None when there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/x-protobuf"}
    try:
        connection.request("POST", "/v1/metrics", message.SerializeToString(), headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def intervals(folder: Path) -> dict[str, list[tuple[int, int, float]]]:
    """What landed: the intervals of each unit, each content once."""
    from wattmark.ledger.batches import decode, stream_from

    found: dict[str, list[tuple[int, int, float]]] = {}
    for path in sorted((folder / "ledger" / "inbox").glob("*.parquet")):
        batch = decode(path.read_bytes())
        streams = [stream_from(d) for d in batch.documents]
        for row in batch.table.to_pylist():
            stream = streams[row["stream"]]
            amount = row["energy_uj"] if stream.unit == JOULES else row["count"]
            found.setdefault(stream.unit, []).append((row["start_us"], row["end_us"], amount))
    return {unit: sorted(rows) for unit, rows in found.items()}


def export(index: int, began: int, joules: Sequence[int], tokens: Sequence[int]) -> Request:
    """The export number ``index`` of a sender: a cumulative counter of energy, and new tokens."""
    look = number(float(joules[index]), 0, GPU)
    done = number(tokens[index], 0, {})
    for point, start in ((look, began), (done, began + index * SECOND)):
        point.start_time_unix_nano = start
        point.time_unix_nano = began + (index + 1) * SECOND
    return request(counter("hw.energy", [look]), counter(TOKENS, [done], "{token}", DELTA))


@pytest.mark.parametrize("seed", range(3))
def test_a_listener_that_is_killed_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    """Killed again and again while it takes, commits and lands: the ledger holds what was sent, exactly.

    The sender goes on as exporters do: what was not acknowledged is sent again, sometimes also what was.
    """
    chance = random.Random(seed)
    began = time.time_ns() - 3000 * SECOND
    joules, tokens = [0], [chance.randrange(1, 50)]
    for _ in range(600):
        joules.append(joules[-1] + chance.randrange(1, 300))
        tokens.append(chance.randrange(1, 50))
    sent = 0
    for life in range(6):
        last = life == 5
        with listening(tmp_path, "--land-every", "0.1", "--from-start") as (process, port):
            end = len(joules) if last else sent + chance.randrange(20, 120)
            timer = threading.Timer(chance.uniform(0.05, 0.6), process.kill)
            if not last:
                timer.start()
            while sent < end:
                status = post(port, export(sent, began, joules, tokens))
                if status is None:
                    break
                assert status == 200
                sent += 1
                if chance.random() < 0.1:
                    post(port, export(chance.randrange(max(0, sent - 5), sent), began, joules, tokens))
            if last:
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
            timer.cancel()
    found = intervals(tmp_path)
    assert sum(amount for *_, amount in found[JOULES]) == joules[-1] * 1_000_000
    assert sum(amount for *_, amount in found["output_tokens"]) == sum(tokens)
    for rows in found.values():
        assert all(a[1] == b[0] for a, b in pairwise(rows))
        assert rows[-1][1] == began // 1000 + len(joules) * 1_000_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_listener_that_is_told_to_end_lands_everything(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0, and no journal is left."""
    with listening(tmp_path, "--land-every", "3600", "--from-start") as (process, port):
        began = time.time_ns() - 100 * SECOND
        assert [post(port, export(i, began, [10, 30], [1, 1])) for i in range(2)] == [200, 200]
        process.send_signal(number)
        assert process.wait(60) == 0
    assert sum(amount for *_, amount in intervals(tmp_path)[JOULES]) == 30_000_000
    assert list((tmp_path / "journal").glob("*.journal")) == []


def test_many_senders_at_once_are_answered_by_few_commits(tmp_path: Path) -> None:
    """Twenty connections, each with series of its own: everything is there."""
    with listening(tmp_path, "--land-every", "0.2", "--from-start") as (process, port):
        began = time.time_ns() - 100 * SECOND
        statuses: list[int | None] = []

        def sender(name: str) -> None:
            for index in range(20):
                message = export(index, began, range(10, 500, 10), [3] * 20)
                message.resource_metrics[0].resource.attributes[0].value.string_value = name
                statuses.append(post(port, message))

        threads = [threading.Thread(target=sender, args=(f"node-{i}",)) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 400
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    found = intervals(tmp_path)
    assert sum(amount for *_, amount in found[JOULES]) == 20 * 200 * 1_000_000
    assert sum(amount for *_, amount in found["output_tokens"]) == 20 * 60


SDK = """
import sys, time
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

used = [5_000_000.0]
gpu = {"hw.id": "GPU-aaaa", "hw.type": "gpu"}
def look(_):
    used[0] += 100.0
    return [Observation(used[0], gpu)]
resource = Resource.create({"host.name": "node1", "service.name": "chat", "wattmark.team": "search"})
exporter = OTLPMetricExporter(endpoint=sys.argv[1], compression=None, timeout=120)
never = 3_600_000
reader = PeriodicExportingMetricReader(exporter, export_interval_millis=never, export_timeout_millis=120_000)
provider = MeterProvider([reader], resource=resource)
meter = provider.get_meter("agent")
meter.create_observable_counter("hw.energy", [look], unit="J")
meter.create_observable_gauge("hw.host.power", [lambda _: [Observation(250.0)]], unit="W")
tokens = meter.create_counter("gen_ai.client.inference.usage.output_tokens", unit="{token}")
usage = meter.create_histogram("gen_ai.client.token.usage", unit="{token}")
told = {"gen_ai.request.model": "m", "gen_ai.operation.name": "chat", "gen_ai.token.modality": "text"}
for _ in range(3):
    tokens.add(40, told)
    usage.record(40, {**told, "gen_ai.token.type": "output"})
    time.sleep(0.2)
    provider.force_flush(timeout_millis=120_000)
provider.shutdown(timeout_millis=120_000)
"""


def test_a_real_sdk_is_understood(tmp_path: Path) -> None:
    """OpenTelemetry's Python SDK: energy of an observable counter, power, and tokens said twice."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the SDK's exporter")
    from wattmark.ledger.batches import decode, stream_from

    with listening(tmp_path, "--land-every", "3600") as (process, port):
        url = f"http://127.0.0.1:{port}/v1/metrics"
        done = subprocess.run(
            [sys.executable, "-c", SDK, url], capture_output=True, text=True, timeout=120, check=False,
            env={k: v for k, v in os.environ.items() if not k.startswith("OTEL_")},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    (path,) = (tmp_path / "ledger" / "inbox").glob("*.parquet")
    streams = {s.unit + s.component: s for s in map(stream_from, decode(path.read_bytes()).documents)}
    assert set(streams) == {"Jgpu", "Jnode", "output_tokens"}
    assert {s.subject.team for s in streams.values()} == {"search"}
    assert streams["output_tokens"].subject.model == "m"
    found = intervals(tmp_path)
    assert sum(amount for *_, amount in found["output_tokens"]) == 120
    power = [(a, b, e) for a, b, e in found[JOULES] if e == 250 * (b - a)]
    energy = [e for _, _, e in found[JOULES] if (e and e not in [p[2] for p in power])]
    assert len(power) >= 2
    assert set(energy) == {100_000_000}, "what the counter held before is not counted"
