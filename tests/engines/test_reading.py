"""Pages of real servers, and pages as the sources of engines write them, become what they say."""

from pathlib import Path

import pytest

from wattmark.core.serving.engine import Counted, EngineReading, Load, Quantity
from wattmark.engines.reading import kind_of, reading_of
from wattmark.engines.table import bundled_engines

PAGES = Path(__file__).with_name("pages")


def read(page: bytes) -> EngineReading:
    kind = kind_of(page)
    assert kind is not None
    return reading_of(page, kind, target="here", at_us=7)


def real(name: str) -> EngineReading:
    return read((PAGES / f"{name}.prom").read_bytes())


def test_vllm_tells_everything() -> None:
    """Three requests of 11 input and 16 output tokens, of a real server."""
    found = real("vllm-0.32.0")
    assert (found.engine, found.target, found.at_us) == ("vllm", "here", 7)
    assert found.started_us == 1_795_327_761_050_000
    counted = found.counted["tiny"]
    assert (counted.requests, counted.failed) == (3.0, 0.0)
    assert (counted.input_tokens, counted.cached_input_tokens, counted.output_tokens) == (33.0, 0.0, 48.0)
    assert (counted.prefill_seconds, counted.decode_seconds) == (0.011775168997701257, 0.06142346600245219)
    assert counted.flop == 58_656_768.0
    assert found.load == {"tiny": Load(running=0.0, waiting=0.0, kv_cache_usage=0.0)}
    assert found.missing == {}


def test_llamacpp_counts_the_whole_input_and_no_requests() -> None:
    """Three prompts of 17 tokens, 32 of which came from the cache: 51; its metrics name no model."""
    found = real("llama.cpp-b11549")
    counted = found.counted[""]
    assert (counted.input_tokens, counted.cached_input_tokens, counted.output_tokens) == (51.0, 32.0, 24.0)
    assert counted.requests is None
    assert "counts none" in found.missing[Quantity.REQUESTS]
    assert found.started_us is None


def test_an_old_llamacpp_does_not_tell_the_whole_input() -> None:
    """Without the cached part the sum is not known, and no smaller number takes its place."""
    found = read(b"# TYPE llamacpp:prompt_tokens_total counter\nllamacpp:prompt_tokens_total 19\n")
    assert found.counted[""].input_tokens is None
    assert "leaves out what the cache spared" in found.missing[Quantity.INPUT_TOKENS]


@pytest.mark.parametrize(
    ("page", "engine", "failed"),
    [
        ("triton-2.51", "triton", 1.0),
        ("mlserver-1.7.1", "mlserver", 1.0),
        ("kserve-0.21.0", "kserve", None),
        ("bentoml-1.4.39", "bentoml", 1.0),
        ("ray-serve-2.60.0", "ray-serve", 1.0),
    ],
)
def test_servers_of_requests_tell_two_good_ones_and_one_that_failed(
    page: str, engine: str, failed: float | None
) -> None:
    """Each real server was asked twice well and once badly; none knows tokens."""
    found = real(page)
    assert found.engine == engine
    assert found.counted["tiny"] == Counted(requests=2.0, failed=failed)
    assert "tokens" in found.missing[Quantity.OUTPUT_TOKENS]


def test_older_names_of_vllm_are_known() -> None:
    """Cache usage and cached tokens as vLLM called them until 0.10; two engines of one model add up."""
    found = read(
        b'vllm:gpu_cache_usage_perc{model_name="m",engine="0"} 0.5\n'
        b'vllm:gpu_cache_usage_perc{model_name="m",engine="1"} 0.25\n'
        b'vllm:gpu_prefix_cache_hits_total{model_name="m",engine="0"} 3\n'
        b'vllm:gpu_prefix_cache_hits_total{model_name="m",engine="1"} 4\n'
    )
    assert found.load["m"].kv_cache_usage == 0.375
    assert found.counted["m"].cached_input_tokens == 7.0
    assert found.counted["m"].requests is None


def test_aborted_requests_and_errors_failed() -> None:
    """They are no requests that ended well."""
    lines = [
        f'vllm:request_success_total{{finished_reason="{why}",model_name="m"}} {n}'
        for why, n in {"stop": 1, "length": 2, "repetition": 4, "abort": 8, "error": 16}.items()
    ]
    counted = read("\n".join(lines).encode() + b"\n").counted["m"]
    assert (counted.requests, counted.failed) == (7.0, 24.0)


SGLANG = b"""\
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{model_name="m",tp_rank="0",pp_rank="0",priority=""} 2
sglang:num_running_reqs{model_name="m",tp_rank="0",pp_rank="0",priority="5"} 1
# TYPE sglang:num_queue_reqs gauge
sglang:num_queue_reqs{model_name="m",tp_rank="0",pp_rank="0",priority=""} 0
# TYPE sglang:token_usage gauge
sglang:token_usage{model_name="m",tp_rank="0",pp_rank="0",priority=""} 0.25
"""
SGLANG_ASKED = b"""\
# TYPE sglang:num_requests_total counter
sglang:num_requests_total{model_name="m",is_streaming="true"} 2
sglang:num_requests_total{model_name="m",is_streaming="false"} 1
# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total{model_name="m",is_streaming="true"} 30
sglang:prompt_tokens_total{model_name="m",is_streaming="false"} 10
# TYPE sglang:generation_tokens_total counter
sglang:generation_tokens_total{model_name="m",is_streaming="true"} 12
# TYPE sglang:cached_tokens_total counter
sglang:cached_tokens_total{model_name="m",cache_source="device"} 5
sglang:cached_tokens_total{model_name="m",cache_source="host"} 1
"""


def test_sglang_that_nobody_asked_has_counted_nothing() -> None:
    """Its series come with the first request: until then they are 0. Priorities are parts of their total."""
    found = read(SGLANG)
    assert found.counted["m"] == Counted(
        requests=0.0, failed=0.0, input_tokens=0.0, cached_input_tokens=0.0, output_tokens=0.0
    )
    assert found.load["m"] == Load(running=2.0, waiting=0.0, kv_cache_usage=0.25)
    assert found.missing[Quantity.FLOP] == "start SGLang with --enable-mfu-metrics"


def test_sglang_adds_up_streams_and_sources() -> None:
    """Streaming and other requests, tokens from the device's cache and the host's."""
    assert read(SGLANG + SGLANG_ASKED).counted["m"] == Counted(
        requests=3.0, failed=0.0, input_tokens=40.0, cached_input_tokens=6.0, output_tokens=12.0
    )


def test_tokens_that_an_old_version_does_not_count_are_no_zero() -> None:
    """TensorRT-LLM counted requests before it counted tokens."""
    old = b'trtllm_request_success_total{model_name="m",engine_type="trtllm",finished_reason="stop"} 3\n'
    counted = read(old).counted["m"]
    assert (counted.requests, counted.failed) == (3.0, 0.0)
    assert (counted.input_tokens, counted.output_tokens) == (None, None)


def test_what_a_page_declares_and_has_not_counted_is_zero() -> None:
    """The version knows cached tokens, and no prompt came from the cache."""
    page = (
        b'trtllm_request_success_total{model_name="m",finished_reason="length"} 1\n'
        b'trtllm_request_success_total{model_name="m",finished_reason="timeout"} 1\n'
        b'trtllm_request_error_total{model_name="m",http_code="400"} 2\n'
        b"# TYPE trtllm_prompt_cached_tokens_total counter\n"
    )
    counted = read(page).counted["m"]
    assert (counted.requests, counted.failed, counted.cached_input_tokens) == (1.0, 3.0, 0.0)


def test_tgi_and_dynamo_and_vllm_under_ray() -> None:
    """Pages as their sources write them."""
    tgi = read(
        b'tgi_request_success 2\ntgi_request_failure{err="validation"} 1\ntgi_request_input_length_sum 20\n'
        b"tgi_request_generated_tokens_sum 9\ntgi_batch_current_size 1\ntgi_queue_size 4\n"
    )
    assert tgi.counted[""] == Counted(requests=2.0, failed=1.0, input_tokens=20.0, output_tokens=9.0)
    assert tgi.load[""] == Load(running=1.0, waiting=4.0)
    dynamo = read(
        b'dynamo_frontend_requests_total{model="m",endpoint="chat_completions",status="success"} 5\n'
        b'dynamo_frontend_requests_total{model="m",endpoint="completions",status="error"} 1\n'
        b'dynamo_frontend_output_tokens_total{model="m"} 50\n'
        b'dynamo_frontend_output_sequence_tokens_sum{model="m"} 48\n'
    )
    told = dynamo.counted["m"]
    assert (told.requests, told.failed, told.output_tokens) == (5.0, 1.0, 50.0)
    ray = read(
        b'ray_serve_num_http_requests_total{application="app",status_code="200"} 2\n'
        b'ray_vllm_request_success_total{model_name="m",finished_reason="stop",WorkerId="a"} 2\n'
    )
    assert (ray.engine, ray.counted["m"].requests) == ("ray-serve-llm", 2.0)


def test_triton_tells_tokens_of_its_language_models() -> None:
    """Each model has what its backend tells: TensorRT-LLM and vLLM count tokens, others none."""
    found = read(
        b'nv_inference_request_success{model="tensorrt_llm",version="1"} 3\n'
        b'nv_inference_request_success{model="resnet",version="1"} 8\n'
        b'nv_inference_request_failure{model="resnet",version="1",reason="OTHER"} 1\n'
        b'nv_llm_input_token_len_sum{model="tensorrt_llm",response_metric_type="total_input_tokens"} 30\n'
        b'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="scheduled",version="1"} 2\n'
        b'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 64\n'
        b'nv_inference_request_success{model="opt",version="1"} 1\n'
        b'vllm:prompt_tokens_total{model="opt",version="1"} 7\n'
    )
    assert found.counted["tensorrt_llm"].input_tokens == 30.0
    assert found.load["tensorrt_llm"].running == 2.0
    assert found.counted["opt"].input_tokens == 7.0
    assert found.counted["resnet"] == Counted(requests=8.0, failed=1.0)
    assert Quantity.INPUT_TOKENS not in found.missing


def test_a_page_of_something_else_is_of_no_engine() -> None:
    """Prometheus's own, and none at all."""
    assert kind_of(b"# TYPE node_cpu_seconds_total counter\nnode_cpu_seconds_total 1\n") is None
    assert kind_of(b"") is None
    assert kind_of(b"vllm:x 1\n", ()) is None


def test_a_quantity_without_a_reason_in_the_table_names_its_metric() -> None:
    """So that a reader may look for it."""
    sglang = next(k for k in bundled_engines() if k.id == "sglang")
    assert sglang.why_missing(Quantity.RUNNING) == "its page holds no sglang:num_running_reqs"
