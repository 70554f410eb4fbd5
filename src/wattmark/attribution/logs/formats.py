"""The formats of logs whose rows are objects or cells: which fields may hold what. One dictionary per format.

A pair is the name of a field and its unit; an empty unit is found out from the values or the name.
"""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.attribution.logs.layout import Candidates
from wattmark.core.errors import UsageError

NATIVE: Candidates = {
    "event": [("event", "")],
    "request_id": [("request_id", "")],
    "model": [("model", "")],
    "model_version": [("model_version", "")],
    "tenant": [("tenant", "")],
    "target": [("target", "")],
    "start": [("start", ""), ("start_us", "us"), ("start_ms", "ms"), ("start_time", "")],
    "end": [("end", ""), ("end_us", "us"), ("end_ms", "ms"), ("end_time", "")],
    "first_token": [
        ("first_token", ""),
        ("first_token_us", "us"),
        ("first_token_ms", "ms"),
        ("first_token_time", ""),
    ],
    "duration": [
        ("duration_seconds", "s"),
        ("duration_s", "s"),
        ("duration_ms", "ms"),
        ("duration_us", "us"),
        ("duration", ""),
    ],
    "input_tokens": [("input_tokens", "")],
    "cached_input_tokens": [("cached_input_tokens", "")],
    "output_tokens": [("output_tokens", "")],
    "weight": [("weight", "")],
    "failed": [("failed", "")],
    "status": [("status", "")],
}
"""The native request line, and the same names as columns of tables."""

NGINX: Candidates = {
    "request_id": [("request_id", ""), ("req_id", "")],
    "end": [("msec", "s"), ("time", ""), ("time_iso8601", "iso"), ("time_local", "iso"), ("timestamp", "")],
    "duration": [("request_time", "s")],
    "earlier": [("upstream_response_time", "s")],
    "work": [("upstream_response_time", "s")],
    "reached": [("upstream_response_time", "")],
    "completed": [("request_completion", "")],
    "status": [("status", "")],
    "model": [("model", "")],
    "model_version": [("model_version", "")],
    "tenant": [("tenant", "")],
    "target": [("target", ""), ("upstream_addr", "")],
    "input_tokens": [("input_tokens", "")],
    "cached_input_tokens": [("cached_input_tokens", "")],
    "output_tokens": [("output_tokens", "")],
}
"""Variables of ngx_http_log_module, ngx_http_core_module and ngx_http_upstream_module by their own names
(https://nginx.org/en/docs/varindex.html); times are seconds with milliseconds."""

ENVOY: Candidates = {
    "request_id": [("request_id", ""), ("x_request_id", "")],
    "start": [("start_time", "iso")],
    "duration": [("duration", "ms")],
    "queue": [("request_duration", "ms")],
    "reached": [("upstream_host", ""), ("upstream_cluster", "")],
    "aborted": [("response_flags", "")],
    "status": [("response_code", ""), ("status", "")],
    "model": [("model", "")],
    "model_version": [("model_version", "")],
    "tenant": [("tenant", "")],
    "target": [("target", ""), ("upstream_cluster", ""), ("upstream_host", "")],
    "input_tokens": [("input_tokens", "")],
    "cached_input_tokens": [("cached_input_tokens", "")],
    "output_tokens": [("output_tokens", "")],
}
"""Command operators by the names that Istio and Envoy's own examples give them
(https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage); milliseconds."""

OLLAMA: Candidates = {
    "end": [("created_at", "iso")],
    "duration": [("total_duration", "ns")],
    "decode": [("eval_duration", "ns")],
    "reached": [("total_duration", "")],
    "error": [("error", "")],
    "model": [("model", "")],
    "input_tokens": [("prompt_eval_count", "")],
    "output_tokens": [("eval_count", "")],
}
"""The last object of a response of /api/generate or /api/chat (https://docs.ollama.com/api/usage): lengths of
time in nanoseconds; ``created_at`` is when it was written."""

SGLANG: Candidates = {
    "event": [("event", "")],
    "request_id": [("rid", "")],
    "end": [("timestamp", "")],
    "duration": [("out.meta_info.e2e_latency", "s")],
    "queue": [("out.meta_info.queue_time", "s")],
    "aborted": [("out.meta_info.finish_reason.type", "")],
    "input_tokens": [("out.meta_info.prompt_tokens", "")],
    "cached_input_tokens": [("out.meta_info.cached_tokens", "")],
    "output_tokens": [("out.meta_info.completion_tokens", "")],
}
"""``--log-requests --log-requests-format json`` (python/sglang/srt/utils/request_logger.py): the event
``request.finished``, stamped in local time when it is written."""

TGI: Candidates = {
    "end": [("timestamp", "iso")],
    "duration": [("span.inference_time", "text")],
    "reached": [("span.inference_time", "")],
}
"""``--json-output`` (router/src/server.rs of text-generation-inference): the span of an answered request."""

CANDIDATES: Mapping[str, Candidates] = {
    "jsonl": NATIVE,
    "nginx": NGINX,
    "envoy": ENVOY,
    "ollama": OLLAMA,
    "sglang": SGLANG,
    "tgi": TGI,
}
FIRST_BYTES = {"nginx": ("upstream_header_time", "s"), "envoy": ("response_duration", "ms")}
AT_THE_PROXY = (
    "times are a proxy's: what a request waits inside the engine, and reading it in, count as its work"
)
NOTES: Mapping[str, tuple[str, ...]] = {
    "nginx": (AT_THE_PROXY,),
    "envoy": (AT_THE_PROXY,),
    "ollama": ("prefill holds the loading of the model and waiting for a slot: Ollama tells them as one",),
    "tgi": ("TGI's log tells neither tokens nor first tokens: divide its energy equally",),
}


def first_bytes(name: str, candidates: Candidates, options: Mapping[str, str]) -> Candidates:
    """With the engine's first byte as the first token, when whoever asks says that it is one.

    Many engines send the headers of a stream at once, and a plain answer only when it is complete: then the
    first byte says nothing of the first token. Raises UsageError for another wish.
    """
    wish = options.get("first_byte")
    if wish is None:
        return candidates
    if wish != "first_token":
        raise UsageError("-o first_byte: say first_token, or leave it out")
    target = "to_first_byte" if name == "nginx" else "to_first_token"
    return {**candidates, target: [FIRST_BYTES[name]]}
