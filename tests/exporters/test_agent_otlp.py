"""The families of an agent as OpenTelemetry metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.exporters.agent_states import a_state, an_empty_state
from tests.fakes.http_server import Quiet, serving
from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.cumulative import DeviceKey, DeviceTotals
from wattmark.exporters.agent_catalog import ROWS, Kind
from wattmark.exporters.agent_families import families
from wattmark.exporters.agent_otlp import address_of, name_of, payload, send
from wattmark.exporters.agent_state import AgentState, OwnCost

STARTED, NOW = 1_795_000_000_000_000_000, 1_795_000_060_000_000_000


def sent(state: AgentState) -> dict[str, dict[str, Any]]:
    """Metric by name, as JSON."""
    body = payload(families(state), host_id="h", version="0.1.0", started_ns=STARTED, now_ns=NOW)
    (resource,) = json.loads(body)["resourceMetrics"]
    (scope,) = resource["scopeMetrics"]
    return {metric["name"]: metric for metric in scope["metrics"]}


def attributes(point: dict[str, Any]) -> dict[str, str]:
    return {pair["key"]: pair["value"]["stringValue"] for pair in point["attributes"]}


def test_energy_and_power_have_the_names_of_the_conventions() -> None:
    """With the attributes that they require."""
    told = sent(a_state())
    (point,) = told["hw.energy"]["sum"]["dataPoints"]
    assert point["asDouble"] == 6000.0
    assert (point["startTimeUnixNano"], point["timeUnixNano"]) == (str(STARTED), str(NOW))
    assert attributes(point) == {
        "hw.id": "GPU-1",
        "hw.type": "gpu",
        "wattmark.component": "gpu",
        "wattmark.boundary": "device",
        "wattmark.method": "hardware_counter",
        "wattmark.grade": "B",
        "wattmark.source": "nvml",
    }
    (power,) = told["hw.power"]["gauge"]["dataPoints"]
    assert (power["asDouble"], "startTimeUnixNano" in power) == (100.0, False)


def test_a_whole_machine_is_told_apart_from_its_parts() -> None:
    """Only under hw.host, so that nobody adds a host to its parts; the rest of a node is a part."""
    state = an_empty_state()
    for device, component in (("node:h", "node"), ("node:h/rest", "rest_of_node")):
        key = DeviceKey(device, component, "ipmi", Method.BMC, Grade.A, Boundary.NODE)
        state.totals.devices[key] = DeviceTotals(energy=5.0)
    told = sent(state)
    assert [attributes(p)["hw.id"] for p in told["hw.host.energy"]["sum"]["dataPoints"]] == ["node:h"]
    assert [attributes(p)["hw.id"] for p in told["hw.energy"]["sum"]["dataPoints"]] == ["node:h/rest"]


def test_models_join_with_what_others_send() -> None:
    """Under the attribute that GenAI instrumentation uses; what has no name there is under ours."""
    points = sent(a_state())["wattmark.inference.energy"]["sum"]["dataPoints"]
    success = next(p for p in points if attributes(p)["wattmark.outcome"] == "success")
    assert attributes(success) == {
        "gen_ai.request.model": "chat",
        "wattmark.model_version": "v1",
        "wattmark.tenant": '"team" a\\b',
        "wattmark.target": "engine-1",
        "wattmark.attribution_rule": "request_tokens",
        "wattmark.boundary": "device",
        "wattmark.grade": "B",
        "wattmark.outcome": "success",
    }
    (busy, _) = sent(a_state())["wattmark.workload.energy"]["sum"]["dataPoints"]
    assert attributes(busy)["k8s.pod.name"] == "chat-0"


def test_counters_are_cumulative_and_only_rise() -> None:
    """A restart is a new start time."""
    for metric in sent(a_state()).values():
        if "sum" in metric:
            assert (metric["sum"]["aggregationTemporality"], metric["sum"]["isMonotonic"]) == (2, True)


def test_a_histogram_has_one_count_more_than_bounds() -> None:
    """As the protocol wants it; the counts are of each bucket alone."""
    (point,) = sent(a_state())["wattmark.inference.request_energy"]["histogram"]["dataPoints"]
    counts = [int(count) for count in point["bucketCounts"]]
    assert len(counts) == len(point["explicitBounds"]) + 1
    assert (sum(counts), point["count"], point["sum"]) == (2, "2", 300.02)


def test_the_agent_is_named_by_its_resource() -> None:
    """Which node, which version; and what the caller adds."""
    body = payload(
        families(an_empty_state()),
        host_id="h",
        version="0.1.0",
        started_ns=STARTED,
        now_ns=NOW,
        resource={"deployment.environment.name": "prod"},
    )
    (resource,) = json.loads(body)["resourceMetrics"]
    assert attributes(resource["resource"]) == {
        "service.name": "wattmark-agent",
        "service.version": "0.1.0",
        "wattmark.host.id": "h",
        "deployment.environment.name": "prod",
    }


def test_what_json_has_no_number_for_is_left_out() -> None:
    """A collector would refuse the whole body."""
    state = replace(an_empty_state(), own=OwnCost(version="1", cpu_seconds=float("nan"), spool_files=2.0))
    told = sent(state)
    assert "wattmark.agent.cpu_time" not in told
    assert told["wattmark.agent.spool_files"]["gauge"]["dataPoints"][0]["asDouble"] == 2.0


def test_names_are_told_once_and_none_is_the_beginning_of_another() -> None:
    """OpenTelemetry, metric naming: a name must not be a namespace, too."""
    names = [name_of(row) for row in ROWS if row.kind is not Kind.INFO]
    assert len(set(names)) == len(names)
    assert not [(a, b) for a in names for b in names if b.startswith(f"{a}.")]


def test_opentelemetry_itself_reads_it() -> None:
    """Every field is one of the protocol's: its own JSON reader refuses any other."""
    json_format = pytest.importorskip("google.protobuf.json_format", reason="the extra `otlp`")
    service = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
    body = payload(families(a_state()), host_id="h", version="0.1.0", started_ns=STARTED, now_ns=NOW)
    read = json_format.Parse(body, service.ExportMetricsServiceRequest())
    metrics = {m.name: m for m in read.resource_metrics[0].scope_metrics[0].metrics}
    assert set(metrics) == set(sent(a_state()))
    assert metrics["hw.energy"].sum.is_monotonic
    assert metrics["hw.energy"].sum.data_points[0].as_double == 6000.0


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"),
        ("https://collector/", "https://collector/v1/metrics"),
        ("http://collector:4318/v1/metrics", "http://collector:4318/v1/metrics"),
    ],
)
def test_the_path_of_metrics_is_added_where_it_is_not_there(target: str, address: str) -> None:
    """As every exporter of OpenTelemetry does."""
    assert address_of(target) == address


@pytest.mark.parametrize(
    "target", ["", "collector:4318", "ftp://collector", "http://", "http://[::1", "http://x:0"]
)
def test_what_is_no_address_is_refused(target: str) -> None:
    """And says how one is written."""
    with pytest.raises(UsageError, match="4318"):
        address_of(target)


class Collector(Quiet):
    """Takes what is sent and answers as it is told."""

    status = 200
    answer = b"{}"
    bodies: list[tuple[str, bytes]] = []  # noqa: RUF012 - one for each test's own class

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.bodies.append((self.headers.get("X-Key", ""), self.rfile.read(length)))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.answer)


@pytest.fixture
def collector() -> Iterator[tuple[str, type[Collector]]]:
    class Mine(Collector):
        bodies: list[tuple[str, bytes]] = []  # noqa: RUF012

    with serving(Mine) as url:
        yield address_of(url), Mine


def test_a_collector_gets_the_body_and_the_headers(collector: tuple[str, type[Collector]]) -> None:
    """And one that takes all has nothing to say."""
    address, kind = collector
    assert send(address, b"{}", {"X-Key": "k"}) == ""
    assert kind.bodies == [("k", b"{}")]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            b'{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}',
            "3 points were not taken: too old",
        ),
        (b'{"partialSuccess":{}}', ""),
        (b"", ""),
        (b"<html>", ""),
        (b"[]", ""),
    ],
)
def test_what_was_not_taken_is_told(collector: tuple[str, type[Collector]], answer: bytes, said: str) -> None:
    """A partial success is no success of the rest."""
    address, kind = collector
    kind.answer = answer
    assert send(address, b"{}") == said


def test_a_collector_that_refuses_is_an_error(collector: tuple[str, type[Collector]]) -> None:
    """So that the agent says so, and sends again: counters lose nothing."""
    address, kind = collector
    kind.status = 503
    with pytest.raises(OSError, match="503"):
        send(address, b"{}")
    with pytest.raises(OSError, match="refused"):
        send("http://127.0.0.1:1/v1/metrics", b"{}")
