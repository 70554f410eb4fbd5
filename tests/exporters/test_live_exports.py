"""Exporters while a run goes on: what they show, what they take back, and that they never disturb."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.builders import a_row, a_run
from tests.fakes.ports import free_port
from tests.measure.machine import Machine
from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.known import Boundary
from wattmark.core.run import Run, Series, Status, Subject
from wattmark.exporters.catalog import open_export
from wattmark.exporters.periodic import Periodic
from wattmark.exporters.pushgateway import Pushgateway
from wattmark.exporters.scrape import ScrapeEndpoint
from wattmark.measure.recording import Recording
from wattmark.measure.settings import Settings


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true, for a minute at most."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class Shown(Periodic):
    """An exporter that remembers."""

    name = "memory"

    def __init__(self, period_seconds: float = 0.2, broken: Exception | None = None) -> None:
        super().__init__(period_seconds)
        self.runs: list[Run] = []
        self.withdrawn = 0
        self.broken = broken

    def show(self, run: Run) -> None:
        if self.broken is not None:
            raise self.broken
        self.runs.append(run)

    def withdraw(self, run: Run) -> None:
        self.withdrawn += 1


def recorded(*exports: Periodic | ScrapeEndpoint) -> Recording:
    machine = Machine()
    recording = Recording(Settings(period_seconds=3600.0), replace(machine.world(), exports=exports))
    recording.start()
    machine.clock.advance(2.0)
    return recording


def test_a_run_is_shown_at_once_again_and_at_the_end() -> None:
    """And taken back once."""
    export = Shown()
    recording = recorded(export)
    until(lambda: len(export.runs) >= 2)
    recording.stop()
    assert export.withdrawn == 1
    shown = len(export.runs)
    assert export.runs[-1].record_id == recording.record_id
    time.sleep(0.3)
    assert len(export.runs) == shown


def test_an_exporter_that_fails_is_a_note_of_the_run() -> None:
    """The program that is measured goes on, and the run says why nothing was shown."""
    recording = recorded(Shown(broken=ConnectionRefusedError(111, "Connection refused")))
    run = recording.stop()
    assert any("memory: ConnectionRefusedError" in note for note in run.notes)


def test_waiting_for_a_server_is_no_part_of_the_run() -> None:
    """The meters were read for the last time before; what is shown last is the whole run."""
    machine = Machine()

    class Slow(Shown):
        def show(self, run: Run) -> None:
            super().show(run)
            if run.status is Status.CLOSED:
                machine.clock.advance(60.0)

    export = Slow()
    recording = Recording(Settings(period_seconds=3600.0), replace(machine.world(), exports=(export,)))
    recording.start()
    machine.clock.advance(2.0)
    run = recording.stop()
    assert run.duration_seconds == 2.0
    assert export.runs[-1].duration_seconds == 2.0


def test_a_run_that_is_discarded_is_taken_back() -> None:
    """A command that could not be started leaves no series behind."""
    export = Shown()
    recorded(export).discard()
    assert export.withdrawn == 1


def test_a_scrape_endpoint_answers_while_the_run_goes_on() -> None:
    """In the text format, on loopback; afterwards nobody listens."""
    pytest.importorskip("prometheus_client")
    endpoint = ScrapeEndpoint(str(free_port()), 15.0)
    recording = recorded(endpoint)
    address = f"http://127.0.0.1:{endpoint.port}/metrics"
    with urlopen(address, timeout=60) as answer:
        text = answer.read().decode()
    assert "# TYPE wattmark_energy_joules_total counter" in text
    assert f'run="{recording.record_id[:8]}"' in text
    assert "python_gc" not in text
    recording.stop()
    with pytest.raises(OSError, match="refused"):
        urlopen(address, timeout=60)


def test_a_port_in_use_is_a_note_of_the_run() -> None:
    """Two runs may not have one port; the second goes on unshown."""
    pytest.importorskip("prometheus_client")
    first = ScrapeEndpoint("0", 15.0)
    one = recorded(first)
    two = recorded(ScrapeEndpoint(str(first.port), 15.0))
    run = two.stop()
    one.stop()
    assert any("cannot listen at 127.0.0.1" in note for note in run.notes)


def test_a_textfile_is_replaced_and_removed(tmp_path: Path) -> None:
    """node_exporter would show what is left behind for ever."""
    pytest.importorskip("prometheus_client")
    recording = recorded(open_export(f"textfile:{tmp_path}", 0.2))  # type: ignore[arg-type]
    path = tmp_path / f"wattmark-{recording.record_id[:8]}.prom"
    until(lambda: path.exists() and "wattmark_energy_joules_total" in path.read_text())
    recording.stop()
    assert list(tmp_path.iterdir()) == []


def test_what_killed_runs_left_behind_is_swept(tmp_path: Path) -> None:
    """Old files of ours go; a fresh one, and one of somebody else, stay."""
    pytest.importorskip("prometheus_client")
    for name, age in (("wattmark-dead.prom", 3600), ("wattmark-alive.prom", 10), ("other.prom", 3600)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    open_export(f"textfile:{tmp_path}", 15.0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.prom", "wattmark-alive.prom"]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("prometheus", "is no export"),
        ("prometheus:", "is no export"),
        ("promtheus:9464", "did you mean 'prometheus'"),
        ("nothing:1", "there is no exporter 'nothing'"),
        ("prometheus:port", "names no port"),
        ("prometheus:99999", "names no port"),
        ("prometheus:²", "names no port"),
        (f"prometheus:{'9' * 10_000}", "names no port"),
        ("textfile:/no/such/folder", "names no folder"),
        ("pushgateway:localhost:9091", "is no address"),
        ("pushgateway:http://", "is no address"),
        ("pushgateway:http://[::1", "is no address"),
        ("pushgateway:ftp://user:***@host", r"pushgateway:ftp://\*\*\*@host is no address"),
        ("otlp:localhost", "is no address"),
        ("otlp:http://[::1", "is no address"),
        ("otlp:http://host:port", "is no address"),
    ],
)
def test_an_export_that_cannot_be_meant_is_refused(spec: str, problem: str) -> None:
    """Before anything is measured, with what to write instead."""
    with pytest.raises(UsageError, match=problem) as caught:
        open_export(spec, 15.0)
    assert not isinstance(caught.value, MissingExtra)


def test_a_host_that_cannot_be_one_is_a_note_of_the_run() -> None:
    """Too long for a name of the network."""
    pytest.importorskip("prometheus_client")
    run = recorded(ScrapeEndpoint(f"{'x' * 80}:0", 15.0)).stop()
    assert any("cannot listen at xxx" in note for note in run.notes)


def test_somebody_who_hangs_up_leaves_no_line_in_the_output(capfd: pytest.CaptureFixture[str]) -> None:
    """The program that is measured did not print it."""
    pytest.importorskip("prometheus_client")
    endpoint = ScrapeEndpoint("0", 15.0)
    recording = recorded(endpoint)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", endpoint.port)) as scraper:
            scraper.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            scraper.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
    with urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=60) as answer:
        assert answer.status == 200
    recording.stop()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_keep_the_port() -> None:
    """The run ends, the child lives on: the next run can listen there."""
    pytest.importorskip("prometheus_client")
    endpoint = ScrapeEndpoint(str(free_port()), 15.0)  # nobody else takes it in between
    recording = recorded(endpoint)
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    recording.stop()
    run = recorded(ScrapeEndpoint(str(endpoint.port), 15.0)).stop()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not any("cannot listen" in note for note in run.notes)


class Requests:
    """A server that keeps what it is sent."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.accounts: list[str | None] = []
        self.groups = b'{"status":"success","data":[]}'
        self.url = ""


@contextmanager
def a_server() -> Iterator[Requests]:
    requests = Requests()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            requests.seen.append((self.command, self.path, body))
            requests.accounts.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(requests.groups if self.command == "GET" else b"")

        do_GET = do_PUT = do_POST = do_DELETE = answer

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    requests.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_push_replaces_the_group_of_the_run_and_the_end_deletes_it() -> None:
    """PUT, PUT, ..., DELETE, each for this run alone."""
    pytest.importorskip("prometheus_client")
    with a_server() as server:
        recording = recorded(Pushgateway(server.url, 0.2))
        until(lambda: sum(method == "PUT" for method, _, _ in server.seen) >= 2)
        recording.stop()
    group = f"/metrics/job/wattmark/run/{recording.record_id[:8]}"
    assert {path for method, path, _ in server.seen if method in ("PUT", "DELETE")} == {group}
    assert server.seen[-1][0] == "DELETE"
    assert b"wattmark_energy_joules_total" in [b for m, _, b in server.seen if m == "PUT"][-1]


def test_groups_of_killed_runs_are_deleted_by_the_next_run() -> None:
    """Ours and old: deleted. Ours and fresh, of others, without a time: kept."""
    pytest.importorskip("prometheus_client")

    def group(pushed: str | None, **labels: str) -> dict[str, object]:
        return {"labels": labels, "push_time_seconds": {"metrics": [{"value": pushed}] if pushed else []}}

    groups = [
        group("1000", job="wattmark", run="dead"),
        group("9990", job="wattmark", run="fresh"),
        group(None, job="wattmark", run="odd"),
        group("1000", job="backup"),
    ]
    with a_server() as server:
        server.groups = json.dumps({"data": groups}).encode()
        assert Pushgateway(server.url, 15.0, now=lambda: 10_000.0).sweep() == 1
    assert [path for method, path, _ in server.seen if method == "DELETE"] == [
        "/metrics/job/wattmark/run/dead"
    ]


def test_an_account_in_the_address_goes_to_the_server_and_nowhere_else() -> None:
    """As HTTP says it; a problem does not repeat it, for problems are written into the run."""
    pytest.importorskip("prometheus_client")
    with a_server() as server:
        at = server.url.removeprefix("http://")
        recorded(Pushgateway(f"http://push:p%40ss@{at}", 15.0)).stop()
    assert {method for method, _, _ in server.seen} == {"GET", "PUT", "DELETE"}
    assert set(server.accounts) == {"Basic " + b64encode(b"push:p@ss").decode()}
    run = recorded(Shown(broken=OSError("http://push:p@ss@host:9091/x?token=abc did not answer"))).stop()
    (note,) = (note for note in run.notes if "did not answer" in note)
    assert "http://***@host:9091/x?token=*** did not answer" in note


@pytest.mark.slow
def test_a_server_that_answers_drop_by_drop_does_not_keep_the_run_from_its_end() -> None:
    """Each drop comes within every limit of time: but the run ends, and says that it was not shown."""
    pytest.importorskip("prometheus_client")
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.5):
                connection.sendall(b"X-Drop: 1\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        recording = recorded(Pushgateway(f"http://127.0.0.1:{server.getsockname()[1]}", 15.0))
        connection, _ = server.accept()
        dripping = threading.Thread(target=drip, args=(connection,))
        dripping.start()
        run = recording.stop()
        over.set()
        dripping.join()
    assert any("did not end within" in note for note in run.notes)


def test_otlp_keeps_hosts_apart_from_their_parts() -> None:
    """The node goes to hw.host.energy and the CPU to hw.energy, in joules, with who and how it is known."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    node = a_row(device_id="node:h", component="node", boundary=Boundary.NODE, energy_joules=200.0)
    series = Series(device_id="node:h", component="node", t_seconds=(0, 10), energy_joules=(0, 200))
    run = a_run(
        energies=(a_row(), node), series=(series,), subject=Subject(team="search", model="ranker", stage="s")
    )
    with a_server() as server:
        export = open_export(f"otlp:{server.url}", 3600.0)
        export.start(lambda: run)
        assert export.stop() is None
    assert {(method, path) for method, path, _ in server.seen} == {("POST", "/v1/metrics")}
    sent = ExportMetricsServiceRequest.FromString(server.seen[-1][2])
    (group,) = sent.resource_metrics
    resource = {a.key: a.value.string_value for a in group.resource.attributes}
    assert resource["wattmark.team"] == "search"
    assert resource["gen_ai.request.model"] == "ranker"
    metrics = {m.name: m for m in group.scope_metrics[0].metrics}
    (cpu,) = metrics["hw.energy"].sum.data_points
    (host,) = metrics["hw.host.energy"].sum.data_points
    (power,) = metrics["wattmark.power"].gauge.data_points
    assert (cpu.as_double, host.as_double, power.as_double) == (90.0, 200.0, 20.0)
    assert metrics["hw.energy"].sum.is_monotonic
    assert metrics["hw.energy"].unit == "J"
    attributes = {a.key: a.value.string_value for a in cpu.attributes}
    assert attributes["hw.type"] == "cpu"
    assert attributes["wattmark.grade"] == "B"
    assert resource["wattmark.stage"] == "s"
    stages = {
        a.value.string_value for p in metrics["wattmark.stage.energy"].sum.data_points for a in p.attributes
    }
    assert stages >= {"s", "node:h"}


@pytest.mark.slow
def test_otlp_that_nobody_takes_is_said() -> None:
    """The collector is not there."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    export = open_export("otlp:http://127.0.0.1:9", 3600.0)
    export.start(a_run)
    problem = export.stop()
    assert problem is not None
    assert problem.startswith("otlp: ")
