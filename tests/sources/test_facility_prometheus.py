"""Facility and IT energy out of a Prometheus, a stand-in and the real one."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib import request

import pytest

from tests.cli.running import verb
from tests.sources.test_prometheus_live import needed, prometheus
from wattmark.cli.pue import group
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.pue_series import HOUR_US, MeterSeries, measured_pue
from wattmark.sources.facility_forms import Reading
from wattmark.sources.facility_prometheus import MOST_POINTS, queried
from wattmark.sources.prometheus_api import Api, Reply

T = 1_793_534_400
"""2026-11-01T12:00:00Z in seconds."""
USUAL = Reading()


def answering(*series: tuple[dict[str, str], Callable[[int], str]]) -> tuple[Api, list[str]]:
    """An API with these series at every step, and what it was asked."""
    asked: list[str] = []

    def opener(question: request.Request, _: float) -> Reply:
        asked.append(question.full_url)
        told = dict(part.split("=", 1) for part in question.full_url.partition("?")[2].split("&"))
        start, end, step = (int(float(told[key])) for key in ("start", "end", "step"))
        moments = range(start, end + 1, step)
        result = [
            {"metric": labels, "values": [(at, value(at)) for at in moments]} for labels, value in series
        ]
        body = {"status": "success", "data": {"resultType": "matrix", "result": result}}
        return Reply(200, {}, json.dumps(body).encode())

    return Api(url="http://p:9090", opener=opener), asked


def ask(api: Api, query: str, seconds: int, said: str | None = None, step: int = 60) -> MeterSeries:
    """From noon on."""
    span = T * 10**6, (T + seconds) * 10**6
    return queried(api, query, span, step, said, "--it", USUAL)


def test_every_series_is_a_meter_of_its_own() -> None:
    """Two counters of 1 and 2 kWh an hour; one is reset each half hour: those minutes are missing."""
    one = {"__name__": "pdu_kwh", "pdu": "1"}, lambda at: str((at - T) / 3600)
    two = {"__name__": "pdu_kwh", "pdu": "2"}, lambda at: str(((at - T) % 1800) / 1800)
    api, _ = answering(one, two)
    found = ask(api, "pdu_kwh", 3600, "kWh-counter")
    assert found.kwh == pytest.approx(3.0 * 58 / 60)
    assert found.notes == ("pdu_kwh {pdu=2}: the counter fell 2 times (reset or exchanged): a gap each",)


def test_long_times_are_asked_for_in_portions() -> None:
    """No answer is longer than the server gives; edges are neither lost nor doubled."""
    api, asked = answering(({}, lambda _: "2.0"))
    found = ask(api, "hall_power_kw", (MOST_POINTS + 10) * 60)
    assert len(asked) == 2
    assert found.kwh == pytest.approx(2.0 * (MOST_POINTS + 10) / 60)


def test_what_is_no_number_is_a_gap() -> None:
    """NaN is how a query says that it does not know."""
    api, _ = answering(({}, lambda at: "NaN" if at == T + 60 else "60"))
    assert ask(api, "hall_kw", 240).kwh == pytest.approx(4.0)


def test_a_worked_out_query_does_not_tell_its_form() -> None:
    """rate(x_joules_total[5m]) is power: its name would say otherwise."""
    api, _ = answering(({}, lambda _: "2.0"))
    with pytest.raises(UsageError, match=r"'this query' does not tell .* say --it-as"):
        ask(api, "rate(x_joules_total[5m])", 600)
    assert ask(api, "x_power_watts{a='b'}", 3600).kwh == pytest.approx(0.002)


def test_an_empty_answer_and_a_single_value_are_errors() -> None:
    """The address and the query are named."""
    with pytest.raises(EvidenceError, match=r"http://p:9090: --it 'hall_kw' tells nothing"):
        ask(answering()[0], "hall_kw", 600)
    with pytest.raises(EvidenceError, match="two readings are needed"):
        ask(answering(({}, lambda _: "2.0"))[0], "hall_kw", 0)


@contextmanager
def exporting(text: Callable[[], str]) -> Iterator[str]:
    """A small exporter of a building's meters."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.slow
def test_a_real_prometheus_tells_the_pue_of_its_history(tmp_path: Path) -> None:
    """Two hours of a building at 125 kW over two PDUs of 60 and 40 kW: 1.25 in each hour."""
    promtool = needed("promtool")
    lines = []
    for i in range(2 * 60 + 1):
        at = T + i * 60
        lines.append(f"building_energy_joules_total {i * 60 * 125e3!r} {at}")
    for pdu, watts in (("1", 60e3), ("2", 40e3)):
        lines += [
            f'pdu_energy_joules_total{{pdu="{pdu}"}} {i * 60 * watts!r} {T + i * 60}' for i in range(121)
        ]
    history = tmp_path / "history.om"
    history.write_text("\n".join([*lines, "# EOF"]) + "\n")
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(history), str(tmp_path / "data")]
    subprocess.run(command, check=True, capture_output=True)
    with prometheus(tmp_path) as url:
        from wattmark.sources.prometheus_api import open_api

        api = open_api(url, {}, home=tmp_path)
        span = T * 10**6, (T + 7200) * 10**6
        facility = queried(api, "building_energy_joules_total", span, 60, None, "--facility", USUAL)
        it = queried(api, "pdu_energy_joules_total", span, 60, None, "--it", USUAL)
        power = queried(api, "sum(rate(pdu_energy_joules_total[2m]))", span, 60, "W", "--it", USUAL)
        names = ("--facility", "building_energy_joules_total", "--it", "pdu_energy_joules_total")
        hours = ("--from", "2026-11-01T12:00", "--to", "2026-11-01T14:00")
        said = verb(group, "measure", "--site", "s", "--prometheus", url, *names, *hours, "--json").stdout
    edges = [T * 10**6 + n * HOUR_US for n in range(3)]
    found = measured_pue("paris-1", facility, it, edges)
    assert [i.pue for i in found.intervals] == [pytest.approx(1.25)] * 2
    assert found.it_kwh == pytest.approx(200.0)
    body = json.loads(said)
    assert [i["pue"] for i in body["intervals"]] == [pytest.approx(1.25)] * 2
    assert body["source"] == "Prometheus: building_energy_joules_total / pdu_energy_joules_total"
    assert measured_pue("paris-1", facility, power, edges).pue == pytest.approx(1.25, rel=0.01)


@pytest.mark.slow
def test_a_real_prometheus_that_scrapes_an_exporter_tells_its_pue(tmp_path: Path) -> None:
    """What is scraped live, every second until it was scraped five times: 1.5."""
    begun, scraped = time.monotonic(), threading.Semaphore(0)

    def text() -> str:
        scraped.release()
        lasted = time.monotonic() - begun
        return f"building_joules_total {lasted * 150e3}\nups_joules_total {lasted * 100e3}\n"

    with exporting(text) as target:
        job = f"{{job_name: b, scrape_interval: 1s, static_configs: [{{targets: ['{target}']}}]}}"
        with prometheus(tmp_path, f"scrape_configs: [{job}]") as url:
            from wattmark.sources.prometheus_api import open_api

            api = open_api(url, {}, home=tmp_path)
            start = int(time.time())
            for _ in range(5):
                scraped.acquire()
            span = start * 10**6, int(time.time()) * 10**6
            facility = queried(api, "building_joules_total", span, 1, None, "--facility", USUAL)
            it = queried(api, "ups_joules_total", span, 1, None, "--it", USUAL)
    first, last = facility.pieces[0].start_us, facility.pieces[-1].end_us
    assert measured_pue("hall", facility, it, [first, last]).pue == pytest.approx(1.5, rel=0.01)
