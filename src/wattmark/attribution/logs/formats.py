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

CANDIDATES: dict[str, Candidates] = {"jsonl": NATIVE, "nginx": NGINX, "envoy": ENVOY}
FIRST_BYTES = {"nginx": ("upstream_header_time", "s"), "envoy": ("response_duration", "ms")}
AT_THE_PROXY = (
    "times are a proxy's: what a request waits inside the engine, and reading it in, count as its work"
)
NOTES = {"nginx": (AT_THE_PROXY,), "envoy": (AT_THE_PROXY,)}


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
