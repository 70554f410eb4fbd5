"""GenAI spans: as JSON lines and as protobuf, of engines and of clients."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attribution.logs.reading import NOON, NOON_US, after_noon, read, written
from wattmark.attribution.logs.otlp_spans import spans_of_json, spans_of_protobuf
from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Request, Service
from wattmark.protobuf_wire import Malformed

SERVER, CLIENT = 2, 3


def span(
    attributes: dict[str, Any], kind: int = SERVER, seconds: float = 2.0, name: str = "01", **more: Any
) -> dict[str, Any]:
    """A span from noon on."""
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": f"b7ad6b71692033{name}",
        "name": "llm_request",
        "kind": kind,
        "startTimeUnixNano": str(NOON * 10**9),
        "endTimeUnixNano": str(round((NOON + seconds) * 10**9)),
        "attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()],
        **more,
    }


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}


def exported(*spans: dict[str, Any]) -> dict[str, Any]:
    """One line of the Collector's file exporter."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "vllm"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


VLLM = {
    "gen_ai.latency.time_to_first_token": 0.6,
    "gen_ai.latency.e2e": 2.0,
    "gen_ai.latency.time_in_queue": 0.5,
    "gen_ai.usage.prompt_tokens": 100,
    "gen_ai.usage.completion_tokens": 20,
    "gen_ai.response.model": "small",
    "gen_ai.request.id": "cmpl-1",
}
NEW = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "small",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.cache_read.input_tokens": 40,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.reasoning.output_tokens": 15,
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.input.messages": "never kept",
}


def test_a_span_of_vllm(tmp_path: Path) -> None:
    """It waited 0.5 s; the first token came 0.6 s after it arrived."""
    found, log = read(written(tmp_path / "log", [exported(span(VLLM))]))
    assert log.format == "otlp"
    assert found == [
        Request(
            request_id="0af7651916cd43dd8448eb211c80319c:b7ad6b7169203301",
            service=Service(model="small"),
            start_us=NOON_US + 500_000,
            first_token_us=NOON_US + 600_000,
            end_us=NOON_US + 2_000_000,
            input_tokens=100,
            output_tokens=20,
        )
    ]
    assert not log.tally.notes


def test_a_span_of_a_client_says_that_it_holds_the_network(tmp_path: Path) -> None:
    """Cached and reasoning tokens are subsets, never added."""
    found, log = read(written(tmp_path / "log", [exported(span(NEW, CLIENT))]))
    assert (found[0].input_tokens, found[0].cached_input_tokens, found[0].output_tokens) == (100, 40, 20)
    assert found[0].first_token_us == NOON_US + 250_000
    assert any("a client's" in note for note in log.tally.notes)


def test_spans_of_an_engine_go_before_those_of_its_clients(tmp_path: Path) -> None:
    """One request, told by both sides, counts once; either side may be asked for."""
    both = exported(span(NEW, CLIENT, 2.5, "02"), span(VLLM, parentSpanId="b7ad6b7169203302"))
    path = written(tmp_path / "log", [both])
    assert [r.end_us for r in read(path)[0]] == list(after_noon(2.0))
    assert [r.end_us for r in read(path, spans="client")[0]] == list(after_noon(2.5))
    with pytest.raises(UsageError, match="say server or client"):
        read(path, spans="both")


def test_an_engine_that_turns_up_late_among_clients_is_told(tmp_path: Path) -> None:
    """Rather than to count both."""
    clients = [exported(span(NEW, CLIENT, 1.0, f"{i:06d}")) for i in range(10_001)]
    with pytest.raises(UsageError, match="holds spans of servers and of clients: say -o spans=server"):
        read(written(tmp_path / "log", [*clients, exported(span(VLLM))]))


def test_a_span_around_another_call_of_a_model_is_no_call_of_its_own(tmp_path: Path) -> None:
    """A framework's span around the client's: the inner one is told first, and counts."""
    inner = span(NEW, CLIENT, 1.0, "02", parentSpanId="b7ad6b7169203301")
    outer = span(NEW, 1, 1.5, "01")
    found, log = read(written(tmp_path / "log", [exported(inner), exported(outer)]))
    assert [r.end_us for r in found] == list(after_noon(1.0))
    assert log.tally.ignored == 1


def test_spans_that_are_no_call_of_a_model_are_none_of_ours(tmp_path: Path) -> None:
    """Agents, tools and HTTP."""
    others = [
        span({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 5}),
        span({"http.request.method": "POST"}),
    ]
    found, log = read(written(tmp_path / "log", [exported(*others, span(VLLM))]))
    assert (len(found), log.tally.ignored) == (1, 2)


def test_an_error_is_a_failure(tmp_path: Path) -> None:
    """By the status of the span, or its error.type."""
    spans = [
        span(VLLM, name="02", status={"code": 2}),
        span(VLLM | {"error.type": "timeout"}, name="03"),
        span(VLLM, name="04", status={"code": 1}),
    ]
    assert [r.failed for r in read(written(tmp_path / "log", [exported(*spans)]))[0]] == [True, True, False]


def test_an_event_may_tell_of_the_first_token(tmp_path: Path) -> None:
    """As OpenInference and OpenLLMetry write it."""
    names = ("x", "First Token Stream Event", "First Token Stream Event")
    events = [{"name": n, "timeUnixNano": str(NOON * 10**9 + i * 10**8)} for i, n in enumerate(names, 4)]
    bare = {key: value for key, value in NEW.items() if "first_chunk" not in key}
    found, _ = read(written(tmp_path / "log", [exported(span(bare, CLIENT, events=events))]))
    assert found[0].first_token_us == NOON_US + 500_000


@pytest.mark.parametrize("framed", [True, False])
def test_protobuf_says_the_same_as_json(tmp_path: Path, framed: bool) -> None:
    """With the lengths of the Collector's file exporter before each message, and one message alone."""
    proto = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    event = {"name": "x", "timeUnixNano": "5"}
    told = exported(span(VLLM), span(NEW, name="02", status={"code": 2}, events=[event]))
    text = json.loads(json.dumps(told))
    for one in text["resourceSpans"][0]["scopeSpans"][0]["spans"]:  # protobuf's own JSON has ids in base64
        one["traceId"], one["spanId"] = "Cvdl", "t61r" if one["spanId"].endswith("01") else "t62r"
    message = json_format.ParseDict(text, proto.ExportTraceServiceRequest()).SerializeToString()
    path = tmp_path / "log"
    path.write_bytes((len(message).to_bytes(4, "big") + message) * 2 if framed else message)
    found, log = read(path)
    plain, _ = read(written(tmp_path / "json", [told]))
    assert log.format == "otlp"
    assert log.tally.repeated == (2 if framed else 0)
    assert [_without_id(r) for r in found] == [_without_id(r) for r in plain]
    assert [r.request_id for r in found] == ["0af765:b7ad6b", "0af765:b7adab"]


def test_broken_lines_and_messages_are_bad_rows(tmp_path: Path) -> None:
    """And the others stay; lines of metrics are none of ours."""
    line = json.dumps(exported(span(VLLM)))
    second = json.dumps(exported(span(VLLM, name="02")))
    path = written(tmp_path / "log", [line, line[:200], {"resourceMetrics": []}, second])
    found, log = read(path)
    assert (len(found), log.tally.bad_rows) == (2, 1)
    assert log.tally.bad[0].place == f"{path}:2"


@given(st.binary(max_size=200))
def test_any_bytes_are_spans_or_malformed(data: bytes) -> None:
    """Nothing else is raised, whatever a file holds."""
    for spans_in in (spans_of_json, spans_of_protobuf):
        try:
            found = list(spans_in(data))
        except Malformed:
            continue
        assert isinstance(found, list)


def _without_id(request: Request) -> Request:
    return replace(request, request_id="")
