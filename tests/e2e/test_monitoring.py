"""A real Prometheus and a real Alertmanager tell of a real regression, and of nothing else."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.fakes.ports import free_port
from wattmark.monitoring.checking import State, check_server
from wattmark.monitoring.configs import ALERTMANAGER_FILE, RULES_FILE, alertmanager_file, prometheus_file
from wattmark.monitoring.dashboards.catalog import boards
from wattmark.monitoring.prometheus import Prometheus
from wattmark.monitoring.rules import rule_file
from wattmark.monitoring.settings import RuleSettings
from wattmark.webapi.api import Api

from .serving_node import STEADY, WORSE, Node, shown
from .test_prometheus_export import running, wait_for

pytestmark = pytest.mark.slow
PROGRAMS = ("prometheus", "prometheus-alertmanager")
HERE = "127.0.0.1"
TOKENS = "WattmarkEnergyPerTokenRegressed"
SETTINGS = RuleSettings(
    baseline=86400, baseline_offset=600, baseline_least=1200, budgets={"*": 1e9}, hold=300
).scaled(1 / 60)
"""A minute in a second: windows of ten seconds, a baseline after forty, a regression told of in twenty."""
CLEAN_SECONDS = 50.0
ATTEMPTS = 5


class Inbox:
    """What the Alertmanager sends."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []

    def named(self, name: str, status: str = "firing") -> list[dict[str, Any]]:
        return [a for a in self.alerts if a["labels"]["alertname"] == name and a["status"] == status]


@contextmanager
def inbox() -> Iterator[tuple[Inbox, str]]:
    """A webhook receiver and its address."""
    box = Inbox()

    class Taken(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            box.alerts += json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HERE, 0), Taken)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield box, f"http://{HERE}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """A real one with our routes, but in a hurry; gives host and port."""
    (folder / ALERTMANAGER_FILE).write_text(alertmanager_file(webhook, wait=0.5, interval=1.0))
    at = f"{HERE}:{free_port()}"
    command = [
        PROGRAMS[1],
        f"--config.file={folder / ALERTMANAGER_FILE}",
        f"--storage.path={folder / 'am'}",
        f"--web.listen-address={at}",
        "--cluster.listen-address=",
    ]
    with running(command, f"http://{at}/-/ready", folder / "alertmanager.log"):
        yield at


@contextmanager
def prometheus(folder: Path, agent: str, alerts_to: str) -> Iterator[Prometheus]:
    """A real one with our rules, sped up."""
    (folder / RULES_FILE).write_text(rule_file(SETTINGS))
    (folder / "prometheus.yml").write_text(prometheus_file(SETTINGS, [agent], alerts_to, scrape=0.5))
    at = f"{HERE}:{free_port()}"
    command = [
        PROGRAMS[0],
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=40d",
        f"--web.listen-address={at}",
    ]
    with running(command, f"http://{at}/-/ready", folder / "prometheus.log"):
        yield Prometheus(f"http://{at}")


needs_programs = pytest.mark.skipif(
    any(shutil.which(p) is None for p in PROGRAMS), reason=f"needs {' and '.join(PROGRAMS)}"
)


@needs_programs
@pytest.mark.timeout(1200)
def test_a_release_that_takes_more_energy_is_told_of_and_nothing_else(tmp_path: Path) -> None:
    """Fifty clean minutes tell nothing; then a release takes 10 % more per token, and its alert names it.

    The other model on the node is left alone, the dashboards have data, and the check finds nothing bad.
    A machine that stands still for three seconds is an agent that was gone for three minutes: begin again.
    """
    for attempt in range(ATTEMPTS):
        node, folder = Node(), tmp_path / str(attempt)
        folder.mkdir()
        try:
            told_of_and_nothing_else(node, folder)
        except AssertionError:
            if not node.stood_still():
                raise
        else:
            return
    pytest.skip(f"this machine stood still for seconds, {ATTEMPTS} times")


def told_of_and_nothing_else(node: Node, tmp_path: Path) -> None:
    """One clean stretch and one regression."""
    with ExitStack() as stack:
        box, webhook = stack.enter_context(inbox())
        alerts_to = stack.enter_context(alertmanager(tmp_path, webhook))
        agent = stack.enter_context(shown(node))
        server = stack.enter_context(prometheus(tmp_path, agent, alerts_to))
        began = time.monotonic()
        known = f'model:wattmark_joules_per_output_token:baseline{{model="{WORSE}"}}'
        wait_for(lambda: bool(server.query(known)), "no baseline comes", 120)
        wait_for(lambda: time.monotonic() - began > CLEAN_SECONDS, "the clean time does not pass", 120)
        assert box.alerts == []
        assert server.query('ALERTS{alertname=~"Wattmark.*",alertstate="firing"}') == ()

        node.release(WORSE, "v2", 1.1)
        wait_for(lambda: bool(box.named(TOKENS)), "the alert does not arrive", 120)
        told = box.named(TOKENS)[0]
        assert told["labels"]["model"] == WORSE
        assert told["labels"]["severity"] == "page"
        said = told["annotations"]
        assert said["release"] == "v2"
        assert "share of release v2: +" in said["changed"]
        assert "batch size" not in said["changed"]
        assert said["runbook_url"].endswith(f"#{TOKENS.lower()}")
        assert {a["labels"].get("model") for a in box.alerts} == {WORSE}
        assert {a["labels"]["alertname"] for a in box.alerts} == {TOKENS}

        # A scrape that took more than its half second leaves no series until the next.
        assert left(lambda: empty_panels(server)) == []
        assert left(lambda: [f for f in check_server(server, SETTINGS) if f.state is State.BAD]) == []
        findings = list(check_server(server, SETTINGS))
        (rules,) = (f for f in findings if f.what == "rules")
        assert rules.state is State.GOOD, rules.says
        assert f"alert {TOKENS}" in {f.what for f in findings}
        assert STEADY not in json.dumps(box.alerts)


def left(look: Callable[[], Sequence[Any]]) -> Sequence[Any]:
    """What is found once nothing is found, or a minute is over."""
    end = time.monotonic() + 60
    while (found := look()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def empty_panels(server: Prometheus) -> list[str]:
    """Panels of all dashboards of which some query has no result."""
    filled = dict.fromkeys(("$instance", "$model", "$tenant"), ".*")
    filled |= {"$__rate_interval": "10s", "$__range": "1m"}
    found = []
    for board in boards().values():
        for panel in (panel for row in board.rows for panel in row.panels):
            for query in panel.queries:
                expr = query.expr
                for name, value in filled.items():
                    expr = expr.replace(name, value)
                if not server.query(expr):
                    found.append(f"{board.uid}: {panel.title}: {expr}")
    return found


def alert(name: str, **labels: str) -> dict[str, object]:
    """One that goes on, as Alertmanagers take it."""
    return {"labels": {"alertname": name, **labels}}


@needs_programs
def test_an_agent_that_is_gone_holds_back_what_follows_from_it(tmp_path: Path) -> None:
    """A real Alertmanager takes what is posted, and keeps the consequences of its node to itself."""
    with inbox() as (box, webhook), alertmanager(tmp_path, webhook) as at:
        Api(f"http://{at}").post(
            "/api/v2/alerts",
            [
                alert("WattmarkAgentGone", instance="a", severity="page"),
                alert("WattmarkDeviceUnobserved", instance="a", severity="ticket"),
                alert("WattmarkDeviceUnobserved", instance="b", severity="ticket"),
            ],
        )
        wait_for(lambda: len(box.alerts) >= 2, "the alerts do not arrive")
        with urlopen(f"http://{at}/api/v2/alerts") as answer:
            states = {
                (a["labels"]["alertname"], a["labels"]["instance"]): a["status"]["state"]
                for a in json.load(answer)
            }
        assert states[("WattmarkDeviceUnobserved", "a")] == "suppressed"
        assert {(a["labels"]["alertname"], a["labels"]["instance"]) for a in box.alerts} == {
            ("WattmarkAgentGone", "a"),
            ("WattmarkDeviceUnobserved", "b"),
        }
