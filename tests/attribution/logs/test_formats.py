"""Each format by rows as its program writes them."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.attribution.logs.reading import NOON, NOON_US, after_noon, read, written
from wattmark.attribution.logs.catalog import FORMATS, open_requests
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.serving.line import line_of
from wattmark.core.serving.request import Request, Service

REQUEST = Request(
    request_id="r-1",
    service=Service(model="small", model_version="2", tenant="shop", target="vllm-0"),
    start_us=NOON_US,
    first_token_us=NOON_US + 250_000,
    end_us=NOON_US + 2_000_000,
    input_tokens=100,
    cached_input_tokens=40,
    output_tokens=50,
    weight=3,
    failed=True,
)


def test_the_native_line_comes_back_as_the_request_that_wrote_it(tmp_path: Path) -> None:
    """What the agent and the middlewares write, the log reader reads."""
    found, log = read(written(tmp_path / "log", [line_of(REQUEST)]))
    assert (log.format, found) == ("jsonl", [REQUEST])


def test_a_line_that_says_that_a_request_began_is_no_request(tmp_path: Path) -> None:
    """Of three lines two are requests."""
    began = {"event": "start", "request_id": "r-2", "start": NOON}
    found, log = read(written(tmp_path / "log", [began, line_of(REQUEST), {"start": NOON, "end": NOON + 1}]))
    assert (len(found), log.tally.ignored, log.tally.bad_rows) == (2, 1, 0)


def test_text_fields_of_a_log_are_passed_over(tmp_path: Path) -> None:
    """A prompt in a log that others wrote is no error, and is nowhere in what is read."""
    line = line_of(REQUEST) | {"prompt": "my secret question", "user": "someone"}
    found, _ = read(written(tmp_path / "log", [line]))
    assert found == [REQUEST]


def test_columns_may_have_any_name_and_unit(tmp_path: Path) -> None:
    """From 12:00:00 for 1500 ms; the first token came after 200 ms."""
    row = {"ts": NOON * 1000, "took_ms": 1500, "ttft_ms": 200, "llm": {"name": "small"}, "usage": {"in": 7}}
    found, _ = read(
        written(tmp_path / "log", [row]),
        "jsonl",
        column__start="ts",
        column__duration="took_ms",
        column__to_first_token="ttft_ms",
        column__model="llm.name",
        column__input_tokens="usage.in",
        tenant="shop",
    )
    assert found == [
        Request(
            service=Service(model="small", tenant="shop"),
            start_us=NOON_US,
            first_token_us=NOON_US + 200_000,
            end_us=NOON_US + 1_500_000,
            input_tokens=7,
        )
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_of_any_separator(tmp_path: Path, separator: str) -> None:
    """The second row has no token counts, which are no zeroes; the third is bad."""
    rows = [
        ["start", "end", "model", "input_tokens", "output_tokens", "failed"],
        [f"{NOON}", f"{NOON + 1.5}", "small", "10", "20", "false"],
        [f"{NOON}", f"{NOON + 2}", "large", "", "", "true"],
        [f"{NOON}", "soon", "large", "", "", "true"],
    ]
    path = written(tmp_path / "log.csv", [separator.join(cells) for cells in rows])
    found, log = read(path)
    assert [(r.service.model, r.input_tokens, r.output_tokens, r.failed) for r in found] == [
        ("small", 10, 20, False),
        ("large", None, None, True),
    ]
    assert [(b.place, b.reason) for b in log.tally.bad] == [(f"{path}:4", "end is no number")]


def test_a_csv_cell_that_holds_a_line_end_is_a_bad_row_and_others_stay(tmp_path: Path) -> None:
    """Two lines of three are one broken row."""
    path = tmp_path / "log.csv"
    path.write_text(
        f'start,end,model\n{NOON},{NOON},a\n{NOON},{NOON},"b\nc"\n{NOON},{NOON},d\n{NOON},{NOON},e\n'
    )
    found, log = read(path)
    assert [r.service.model for r in found] == ["a", "d", "e"]
    assert log.tally.bad_rows == 2


def test_parquet_with_timestamps(tmp_path: Path) -> None:
    """Timestamps with a zone are moments; lists, which may hold texts, are never read."""
    table = pa.table(
        {
            "start": pa.array([NOON_US, NOON_US], pa.timestamp("us", "UTC")),
            "end": pa.array([NOON_US + 5, None], pa.timestamp("us", "UTC")),
            "input_tokens": pa.array([3, 4], pa.int32()),
            "model": pa.array(["a", "b"]).dictionary_encode(),
            "messages": pa.array([["secret"], []]),
        }
    )
    parquet.write_table(table, tmp_path / "log.parquet")
    found, log = read(tmp_path / "log.parquet")
    assert [(r.start_us, r.end_us, r.input_tokens, r.service.model) for r in found] == [
        (NOON_US, NOON_US + 5, 3, "a")
    ]
    assert log.tally.bad[0].reason == "does not say from when until when it lasted"


def test_parquet_with_local_times_needs_their_zone(tmp_path: Path) -> None:
    """13:00 in Paris is 12:00 UTC in November."""
    table = pa.table({"start": pa.array([NOON_US + 3_600_000_000], pa.timestamp("us")), "duration_s": [1.0]})
    parquet.write_table(table, tmp_path / "log.parquet")
    with pytest.raises(UsageError, match="local times without their zone"):
        read(tmp_path / "log.parquet")
    found, _ = read(tmp_path / "log.parquet", zone="Europe/Paris")
    assert found[0].start_us == NOON_US


NGINX = {
    "msec": f"{NOON + 2:.3f}",
    "request_time": "2.000",
    "upstream_response_time": "1.900",
    "upstream_header_time": "0.020",
    "upstream_addr": "10.0.0.5:8000",
    "status": "200",
    "request_id": "7f3a",
    "model": "small",
    "tenant": "shop",
    "output_tokens": "64",
}


def test_an_access_log_of_nginx(tmp_path: Path) -> None:
    """Written at 12:00:02 after 2 s, the first 1.9 the engine's; the first byte is no first token."""
    found, log = read(written(tmp_path / "log", [NGINX]))
    assert log.format == "nginx"
    assert found == [
        Request(
            request_id="7f3a",
            service=Service(model="small", tenant="shop", target="10.0.0.5:8000"),
            start_us=NOON_US,
            end_us=NOON_US + 1_900_000,
            output_tokens=64,
        )
    ]


def test_a_proxy_that_does_not_log_its_upstream_is_read_all_the_same(tmp_path: Path) -> None:
    """Columns that are not there mean nothing: no request is ignored or failed for them."""
    bare = {"start_time": "2026-11-01T12:00:00.000Z", "duration": 1000, "response_code": 200}
    found, log = read(written(tmp_path / "log", [bare]))
    assert ([r.failed for r in found], log.tally.ignored) == ([False], 0)
    found, log = read(written(tmp_path / "log", [{"msec": NOON, "request_time": 1.0}]), "nginx")
    assert ([r.failed for r in found], log.tally.ignored) == ([False], 0)


def test_a_stream_that_its_client_left_has_status_200_and_failed(tmp_path: Path) -> None:
    """nginx then leaves $request_completion empty."""
    rows = [NGINX | {"request_completion": told, "request_id": told} for told in ("OK", "")]
    assert [r.failed for r in read(written(tmp_path / "log", rows))[0]] == [False, True]


def test_the_first_byte_is_the_first_token_only_where_somebody_says_so(tmp_path: Path) -> None:
    """20 ms after the start."""
    found, _ = read(written(tmp_path / "log", [NGINX]), first_byte="first_token")
    assert found[0].first_token_us == NOON_US + 20_000
    with pytest.raises(UsageError, match="say first_token, or leave it out"):
        read(tmp_path / "log", first_byte="header")


def test_an_engine_that_failed_is_tried_before_the_one_that_answered(tmp_path: Path) -> None:
    """The first server was tried for 0.5 s; the second one worked from 12:00:00.5 for 1.4 s."""
    row = NGINX | {
        "upstream_response_time": "0.500, 1.400",
        "upstream_addr": "10.0.0.4:8000, 10.0.0.5:8000",
        "target": "vllm-1",
    }
    found, _ = read(written(tmp_path / "log", [row, NGINX]))
    assert (found[0].start_us, found[0].end_us) == after_noon(0.5, 1.9)


def test_what_nginx_answered_itself_used_no_energy_of_an_engine(tmp_path: Path) -> None:
    """A refused request has no upstream; 499 is a client that left, 502 an engine that broke off."""
    rows = [
        NGINX | {"upstream_response_time": "-", "upstream_addr": "-", "status": "401", "request_id": "1"},
        NGINX | {"status": "499", "request_id": "2"},
        NGINX | {"status": "502", "request_id": "3"},
        NGINX | {"request_id": "4"},
    ]
    found, log = read(written(tmp_path / "log", rows))
    assert log.tally.ignored == 1
    assert [(r.request_id, r.failed) for r in found] == [("2", True), ("3", True), ("4", False)]


def test_an_access_log_of_whole_seconds_says_so(tmp_path: Path) -> None:
    """$time_iso8601 has no parts of seconds."""
    rows = [
        {
            "time_iso8601": "2026-11-01T13:00:02+01:00",
            "request_time": "2.000",
            "upstream_response_time": "2.000",
        }
    ] * 30
    found, log = read(written(tmp_path / "log", rows))
    assert (found[0].start_us, found[0].end_us) == after_noon(0, 2)
    assert any("whole seconds" in note for note in log.tally.notes)


def test_an_access_log_of_envoy(tmp_path: Path) -> None:
    """It took 30 ms to read the request in, and the answer ended 1530 ms after the start."""
    row = {
        "start_time": "2026-11-01T12:00:00.000Z",
        "duration": 1530,
        "request_duration": 30,
        "response_duration": 200,
        "response_code": 200,
        "response_flags": "-",
        "upstream_host": "10.0.0.5:8000",
        "upstream_cluster": "vllm",
        "request_id": "e-1",
        "model": "small",
    }
    dropped = row | {"response_code": 503, "response_flags": "UH", "upstream_host": None, "request_id": "e-2"}
    left = row | {"response_code": 0, "response_flags": "DC", "request_id": "e-3"}
    cut = row | {"response_flags": "URX,UC", "request_id": "e-4"}
    found, log = read(written(tmp_path / "log", [row, dropped, left, cut]))
    assert (log.format, log.tally.ignored) == ("envoy", 1)
    assert (found[0].start_us, found[0].end_us) == after_noon(0.03, 1.53)
    assert [(r.service.target, r.failed) for r in found] == [
        ("vllm", False),
        ("vllm", True),
        ("vllm", True),
    ]
    found, _ = read(tmp_path / "log", first_byte="first_token")
    assert found[0].first_token_us == NOON_US + 200_000


def test_responses_of_ollama(tmp_path: Path) -> None:
    """4 s in all, the last 1 s of it writing: the first token came after 3 s; parts of a stream are none."""
    row = {
        "model": "llama3.2",
        "created_at": "2026-11-01T12:00:04.000000123Z",
        "response": "never kept",
        "done": True,
        "total_duration": 4_000_000_000,
        "load_duration": 1_000_000_000,
        "prompt_eval_count": 26,
        "prompt_eval_duration": 2_000_000_000,
        "eval_count": 298,
        "eval_duration": 1_000_000_000,
    }
    part = {"model": "llama3.2", "created_at": "2026-11-01T12:00:03.2Z", "response": "ne", "done": False}
    found, log = read(written(tmp_path / "log", [part, part, row]))
    assert (log.format, log.tally.ignored) == ("ollama", 2)
    assert found == [
        Request(
            service=Service(model="llama3.2"),
            start_us=NOON_US,
            first_token_us=NOON_US + 3_000_000,
            end_us=NOON_US + 4_000_000,
            input_tokens=26,
            output_tokens=298,
        )
    ]


def test_request_logs_of_sglang(tmp_path: Path) -> None:
    """Its stamps are local times, so their zone is needed; an abort is a failure."""
    end = {
        "timestamp": "2026-11-01T13:00:02.500000",
        "event": "request.finished",
        "rid": "a1",
        "obj": {"text": "never kept", "sampling_params": {"n": 1}},
        "out": {
            "meta_info": {
                "id": "a1",
                "finish_reason": {"type": "stop", "matched": 2},
                "prompt_tokens": 30,
                "completion_tokens": 12,
                "cached_tokens": 10,
                "e2e_latency": 2.5,
            }
        },
    }
    cut = json.loads(json.dumps(end))
    cut["rid"], cut["out"]["meta_info"]["finish_reason"] = "a2", {"type": "abort", "message": "never kept"}
    received = {
        "timestamp": "2026-11-01T13:00:00.000000",
        "event": "request.received",
        "rid": "a1",
        "obj": {},
    }
    path = written(tmp_path / "log", [received, end, cut])
    with pytest.raises(UsageError, match="local time without its zone"):
        read(path)
    found, log = read(path, zone="Europe/Berlin", model="small")
    assert (log.format, log.tally.ignored) == ("sglang", 1)
    assert found[0] == Request(
        request_id="a1",
        service=Service(model="small"),
        start_us=NOON_US,
        end_us=NOON_US + 2_500_000,
        input_tokens=30,
        cached_input_tokens=10,
        output_tokens=12,
    )
    assert found[1].failed


def test_json_output_of_text_generation_inference(tmp_path: Path) -> None:
    """1.5 s of inference until the line; other lines of the log are none of ours."""
    answered = {
        "timestamp": "2026-11-01T12:00:01.500000Z",
        "level": "INFO",
        "message": "Success",
        "target": "text_generation_router::server",
        "span": {
            "total_time": "1.6s",
            "validation_time": "250.5µs",
            "queue_time": "99.7495ms",
            "inference_time": "1.5s",
            "time_per_token": "15ms",
            "name": "generate",
        },
    }
    other = {"timestamp": "2026-11-01T11:59:00Z", "level": "INFO", "message": "Connected", "target": "router"}
    found, log = read(written(tmp_path / "log", [other, answered]), "tgi", model="small")
    assert [(r.start_us, r.end_us) for r in found] == [after_noon(0, 1.5)]
    assert log.tally.ignored == 1


def test_every_format_is_found_by_its_rows_or_named() -> None:
    """What is in the catalog can be asked for; what is not is refused with the names that are."""
    with pytest.raises(UsageError, match=r"did you mean 'nginx'\? known: jsonl, csv"):
        open_requests(__file__, "ngnix")
    assert {"jsonl", "csv", "parquet", "nginx", "envoy", "otlp", "llama.cpp"} <= set(FORMATS)


def test_an_option_of_another_format_is_refused(tmp_path: Path) -> None:
    """Envoy's first byte is none of a table."""
    path = written(tmp_path / "log", [line_of(REQUEST)])
    with pytest.raises(UsageError, match="'jsonl' has no option 'first_byte'"):
        read(path, first_byte="first_token")


@pytest.mark.parametrize("text", ["", "hello world\n", '{"a": 1}\n', "[1, 2]\n"])
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    """It names the file and what to say."""
    (tmp_path / "log").write_text(text)
    with pytest.raises(EvidenceError, match="log"):
        read(tmp_path / "log")


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    """And a folder."""
    with pytest.raises(EvidenceError, match="is not there"):
        open_requests(tmp_path / "none")
    with pytest.raises(EvidenceError, match="is a folder"):
        open_requests(tmp_path)


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    """With what was probably meant."""
    path = written(tmp_path / "log", [{"started": NOON, "ended": NOON + 1}])
    with pytest.raises(UsageError, match=r"no row has a column 'startd'; did you mean 'started'\?"):
        read(path, "jsonl", column__start="startd")
    with pytest.raises(UsageError, match="do not say from when until when"):
        read(path, "jsonl")
    found, _ = read(path, "jsonl", column__start="started", column__end="ended")
    assert found[0].start_us == NOON_US


def test_a_failure_that_only_later_rows_have_is_seen(tmp_path: Path) -> None:
    """The first 2000 rows have no field `failed`, and no first token."""
    rows: list[dict[str, object]] = [{"start": NOON + i, "end": NOON + i + 1} for i in range(2000)]
    rows.append({"start": NOON, "end": NOON + 1, "failed": True, "first_token": NOON + 0.5})
    found, _ = read(written(tmp_path / "log", rows))
    assert (found[-1].failed, found[-1].first_token_us) == (True, NOON_US + 500_000)
