"""The families of an agent as OpenTelemetry metrics over HTTP, in the JSON form of the protocol.

No SDK is needed, and none is loaded into the agent. Names are those of the semantic conventions (1.44,
hardware metrics, in development) where they exist, ours under ``wattmark.`` elsewhere. Source: OpenTelemetry
Protocol, https://opentelemetry.io/docs/specs/otlp/ (OTLP/HTTP, JSON Protobuf Encoding).
"""

from __future__ import annotations

import http.client
import json
import math
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import UsageError, without_secrets
from wattmark.exporters.agent_catalog import Kind, Row
from wattmark.exporters.agent_families import Buckets, Family, Labels

CUMULATIVE = 2
"""AGGREGATION_TEMPORALITY_CUMULATIVE."""
TIMEOUT_SECONDS = 5.0
MOST_ANSWER = 1 << 20
SCOPE = "wattmark"
UNITS = ("_joules", "_watts", "_seconds", "_bytes", "_ratio", "_grams", "_grams_per_kilowatt_hour")
"""Endings that an OpenTelemetry name leaves out: the unit stands beside it."""
SPACES = ("device", "inference", "engine", "workload", "grid", "regression", "agent")
"""First words of our names that become a namespace."""
HARDWARE = {"cpu": "cpu", "gpu": "gpu", "dram": "memory", "network": "network", "storage": "physical_disk"}
"""Component -> ``hw.type`` of the conventions; what they have no word for keeps ours."""
CONVENTIONS = {"wattmark_energy_joules": "energy", "wattmark_power_watts": "power"}
"""Families that have names of the conventions: ``hw.energy`` and, of a whole machine, ``hw.host.energy``."""
ATTRIBUTES = {
    "model": "gen_ai.request.model",
    "device": "hw.id",
    "part_of": "hw.parent",
    "namespace": "k8s.namespace.name",
    "pod": "k8s.pod.name",
    "container": "k8s.container.name",
}
"""Label -> attribute of the conventions; every other one is ours, under ``wattmark.``."""


def name_of(row: Row) -> str:
    """What OpenTelemetry calls a family: ``wattmark.inference.energy``."""
    if row.name in CONVENTIONS:
        return f"hw.{CONVENTIONS[row.name]}"
    rest = row.name.removeprefix("wattmark_")
    ending = max((unit for unit in UNITS if rest.endswith(unit)), key=len, default="")
    space, _, word = rest.partition("_")
    if space not in SPACES:
        return f"wattmark.{rest.removesuffix(ending)}"
    if ending == "_seconds" and row.kind is Kind.COUNTER:
        return f"wattmark.{space}.{word.removesuffix(ending)}_time"
    return f"wattmark.{space}.{word.removesuffix(ending)}"


def attribute_of(label: str) -> str:
    """What OpenTelemetry calls a label."""
    return ATTRIBUTES.get(label, f"wattmark.{label}")


def payload(
    shown: Sequence[Family],
    *,
    host_id: str,
    version: str,
    started_ns: int,
    now_ns: int,
    resource: Mapping[str, str] | None = None,
) -> bytes:
    """The families as the body of one request. Times are nanoseconds since 1970.

    A restart is a new start time, from which counters begin at 0. What JSON has no number for (NaN,
    infinity) is left out.
    """
    told = {
        "service.name": "wattmark-agent",
        "service.version": version,
        "wattmark.host.id": host_id,
        **(resource or {}),
    }
    times = {"startTimeUnixNano": str(started_ns), "timeUnixNano": str(now_ns)}
    metrics = [metric for family in shown for metric in _metrics(family, times)]
    scope = {"scope": {"name": SCOPE, "version": version}, "metrics": metrics}
    body = {"resourceMetrics": [{"resource": {"attributes": _pairs(told)}, "scopeMetrics": [scope]}]}
    return json.dumps(body, separators=(",", ":")).encode()


def _metrics(family: Family, times: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """One metric, or two where whole machines have a name of their own; none of what only names us."""
    row = family.row
    if row.kind is Kind.INFO:
        return  # service.version says it
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for labels, value in family.points:
        point = _point(row, labels, value, times)
        if point is not None:
            by_name.setdefault(_name(row, labels), []).append(point)
    for name, points in by_name.items():
        data: dict[str, Any] = {"dataPoints": points}
        if row.kind is Kind.COUNTER:
            data |= {"aggregationTemporality": CUMULATIVE, "isMonotonic": True}
        elif row.kind is Kind.HISTOGRAM:
            data["aggregationTemporality"] = CUMULATIVE
        form = {Kind.COUNTER: "sum", Kind.GAUGE: "gauge", Kind.HISTOGRAM: "histogram"}[row.kind]
        yield {"name": name, "unit": row.unit, "description": row.what, form: data}


def _name(row: Row, labels: Labels) -> str:
    """A whole machine only under ``hw.host``, so that nobody adds it to its parts."""
    name = name_of(row)
    if row.name in CONVENTIONS and _component(row, labels) == "node":
        return name.replace("hw.", "hw.host.", 1)
    return name


def _component(row: Row, labels: Labels) -> str:
    return dict(zip(row.labels, labels, strict=True))["component"]


def _point(
    row: Row, labels: Labels, value: float | Buckets, times: Mapping[str, str]
) -> Mapping[str, Any] | None:
    attributes = {attribute_of(label): text for label, text in zip(row.labels, labels, strict=True) if text}
    if row.name in CONVENTIONS:
        component = _component(row, labels)
        attributes["hw.type"] = HARDWARE.get(component, component)
    if isinstance(value, Buckets):
        return {
            **times,
            "attributes": _pairs(attributes),
            "count": str(sum(value.counts)),
            "sum": value.total,
            "bucketCounts": [str(count) for count in value.counts],
            "explicitBounds": list(value.bounds),
        }
    if not math.isfinite(value):
        return None
    at = times if row.kind is Kind.COUNTER else {"timeUnixNano": times["timeUnixNano"]}
    return {**at, "attributes": _pairs(attributes), "asDouble": float(value)}


def _pairs(told: Mapping[str, str]) -> list[Mapping[str, Any]]:
    return [
        {"key": key, "value": {"stringValue": text.encode("utf-8", "replace").decode()}}
        for key, text in told.items()
    ]


def address_of(target: str) -> str:
    """``http://HOST:4318`` with the path of metrics, unless it is there. Raises UsageError."""
    try:
        parts = urlsplit(target)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UsageError(f"{without_secrets(target)} is no address of a collector: write http://HOST:4318")
    address = target.rstrip("/")
    return address if address.endswith("/v1/metrics") else f"{address}/v1/metrics"


def send(address: str, body: bytes, headers: Mapping[str, str] | None = None) -> str:
    """Send a body; gives what the collector says it did not take, empty when it took all.

    Raises OSError when it took nothing: counters go on, so the next one sent holds what this one held.
    """
    request = urllib.request.Request(
        address, data=body, headers={"Content-Type": "application/json", **(headers or {})}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            told = answer.read(MOST_ANSWER)
    except http.client.HTTPException as error:
        raise OSError(f"{without_secrets(address)} speaks no HTTP: {error}") from None
    try:
        partial = json.loads(told or b"{}").get("partialSuccess") or {}
        rejected, why = int(partial.get("rejectedDataPoints", 0)), str(partial.get("errorMessage", ""))
    except (ValueError, AttributeError, TypeError):
        return ""  # an answer in another form says nothing of what was left out
    return f"{rejected} points were not taken: {why}" if rejected else ""
