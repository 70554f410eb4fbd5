"""Alertmanager: one alert per matter, whatever its severity; a real one fires it and ends it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.exporters.sinks.samples import MESSAGE, NASTY, OVER, world
from tests.fakes.ports import free_port
from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.core.governance.message import Severity, Topic
from wattmark.exporters.sinks.alertmanager import alerts_of, open_sink
from wattmark.exporters.sinks.catalog import asked_for
from wattmark.exporters.sinks.sink import World
from wattmark.fields import Fields
from wattmark.webapi.api import Api, Patience

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


def test_the_severity_fires_and_the_others_end() -> None:
    """A matter that was an error and is a warning now fires once."""
    found = alerts_of(MESSAGE, NOW, WEEK)
    ends = {alert["labels"]["severity"]: alert["endsAt"] for alert in found}
    assert ends == {
        "info": "2026-11-20T09:30:00.000Z",
        "warning": "2026-11-20T09:30:00.000Z",
        "error": "2026-11-27T09:30:00.000Z",
    }
    assert {alert["labels"]["alertname"] for alert in found} == {"WattmarkGate"}
    assert found[0]["annotations"]["summary"] == MESSAGE.title
    assert found[0]["generatorURL"] == MESSAGE.link


def test_what_is_over_ends_whatever_its_severity_was() -> None:
    """Three alerts that end now; their labels are those of the message before."""
    before, after = alerts_of(MESSAGE, NOW, WEEK), alerts_of(OVER, NOW, WEEK)
    assert [alert["labels"] for alert in before] == [alert["labels"] for alert in after]
    assert {alert["endsAt"] for alert in after} == {"2026-11-20T09:30:00.000Z"}


def test_names_of_labels_are_such_that_prometheus_takes_them() -> None:
    """Letters, digits and underscores; values without line breaks; a budget has an alert of its own name."""
    message = replace(NASTY, topics=(Topic.BUDGET,), labels={"label.cost-centre": "7\n8", "model": ""})
    labels = alerts_of(message, NOW, WEEK)[0]["labels"]
    assert labels["alertname"] == "WattmarkBudget"
    assert labels["label_cost_centre"] == "7 8"
    assert "model" not in labels


def test_an_alert_of_monitoring_has_its_own_name_beginning_and_length() -> None:
    """So the rules and the agent speak of one alert; who tells it again lets it hold for minutes."""
    message = replace(
        MESSAGE,
        topics=(Topic.ALERT,),
        alert="WattmarkRegressionFound",
        began="2026-11-20T08:00:00Z",
        annotations={"changed": "release: 1 before,\n2 after", "model_version": ""},
        lasts_seconds=600.0,
    )
    error = next(a for a in alerts_of(message, NOW, WEEK) if a["labels"]["severity"] == "error")
    assert error["labels"]["alertname"] == "WattmarkRegressionFound"
    assert (error["startsAt"], error["endsAt"]) == ("2026-11-20T08:00:00Z", "2026-11-20T09:40:00.000Z")
    assert error["annotations"]["changed"] == "release: 1 before, 2 after"
    assert "model_version" not in error["annotations"]


def test_an_alert_goes_out_again_when_the_connection_broke() -> None:
    """Twice is once."""
    with api_server(in_turn(Reply(hang_up=True), Reply(200, b""))) as server:
        name, table = asked_for(f"alertmanager:{server.url}")
        assert open_sink(table, world()).deliver(MESSAGE).words == "firing"
    assert name == "alertmanager"
    assert [asked.path for asked in server.asked] == ["/api/v2/alerts"] * 2
    assert len(server.asked[1].json()) == 3


@contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    """A real one, without any receiver."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("no alertmanager on this machine")
    port = free_port()
    config = folder / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="utf-8")
    process = subprocess.Popen(
        [program, f"--config.file={config}", f"--storage.path={folder / 'data'}", "--cluster.listen-address=",
         f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while not ready(url):
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def ready(url: str) -> bool:
    """Whether it answers."""
    try:
        with urlopen(f"{url}/-/ready", timeout=60) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def alerts(url: str) -> list[dict[str, Any]]:
    """What it holds as active."""
    found: list[dict[str, Any]] = (
        Api(url, patience=Patience(timeout=60.0)).get("/api/v2/alerts", {"active": "true"}).json()
    )
    return found


def until(url: str, many: int) -> list[dict[str, Any]]:
    """What it holds once it is so many."""
    deadline = time.monotonic() + 60
    while len(alerts(url)) != many and time.monotonic() < deadline:
        time.sleep(0.2)
    return alerts(url)


@pytest.mark.slow
def test_a_real_alertmanager_fires_it_changes_it_and_ends_it(tmp_path: Path) -> None:
    """An error, then a warning, then over: one alert, one alert, none."""
    with alertmanager(tmp_path) as url:
        sink = open_sink(
            Fields("t", "t", {"url": url}), World(secret=lambda name: None, patience=Patience(timeout=60.0))
        )
        sink.deliver(MESSAGE)
        first = until(url, 1)
        assert [a["labels"]["severity"] for a in first] == ["error"]
        assert first[0]["labels"]["model"] == "sorter"
        assert first[0]["annotations"]["summary"] == MESSAGE.title
        sink.deliver(replace(MESSAGE, severity=Severity.WARNING))
        deadline = time.monotonic() + 60
        while [a["labels"]["severity"] for a in alerts(url)] != ["warning"] and time.monotonic() < deadline:
            time.sleep(0.2)
        assert [a["labels"]["severity"] for a in alerts(url)] == ["warning"]
        sink.deliver(OVER)
        assert until(url, 0) == []
