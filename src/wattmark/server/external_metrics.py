"""The metrics for a HorizontalPodAutoscaler, over Kubernetes' external metrics API.

API: ``external.metrics.k8s.io/v1beta1`` (kubernetes/kubernetes,
staging/src/k8s.io/metrics/pkg/apis/external_metrics/v1beta1/types.go). A metric that is missing is answered
with 404 and the reason: the autoscaler then leaves the number of replicas as it is.
"""

from __future__ import annotations

import json
import math
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from wattmark.core.errors import UsageError
from wattmark.core.figure import Missing
from wattmark.core.serving.scaling import METRICS
from wattmark.server.fleet import Seen, answer

GROUP = "external.metrics.k8s.io"
VERSION = "v1beta1"
ROOT = f"/apis/{GROUP}/{VERSION}"
LABELS = ("model", "component")
SLOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with."""

    status: int
    body: Mapping[str, Any]


def reply_to(target: str, seen: Seen) -> Reply:
    """The answer to ``GET target``."""
    parts = urlsplit(target)
    path = parts.path.rstrip("/")
    if path in ("/healthz", "/readyz", "/livez"):
        return Reply(200, {"status": "ok", "agents": len(seen.loads), "unanswered": len(seen.unanswered)})
    if path == f"/apis/{GROUP}":
        return Reply(200, _group())
    if path == ROOT:
        return Reply(200, _resources())
    steps = path.removeprefix(ROOT).split("/") if path.startswith(f"{ROOT}/") else []
    if len(steps) != 4 or steps[1] != "namespaces":
        return _failure(404, "NotFound", f"there is nothing at {path or '/'}")
    try:
        labels = _selected(parse_qs(parts.query).get("labelSelector", [""])[0])
        return _metric(unquote(steps[3]), labels, seen)
    except UsageError as error:
        return _failure(400, "BadRequest", str(error))


def _metric(name: str, labels: Mapping[str, str], seen: Seen) -> Reply:
    told = answer(seen, name, labels.get("model", ""), labels.get("component", ""))
    if isinstance(told, Missing):
        return _failure(404, "NotFound", f"{name}: {told}")
    item: dict[str, Any] = {
        "metricName": name,
        "metricLabels": dict(labels),
        "timestamp": datetime.fromtimestamp(seen.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "value": quantity(told.value),
    }
    if told.seconds:
        item["window"] = round(told.seconds)
    body = {
        "kind": "ExternalMetricValueList",
        "apiVersion": f"{GROUP}/{VERSION}",
        "metadata": {},
        "items": [item],
    }
    return Reply(200, body)


def quantity(value: float) -> str:
    """A number as a Kubernetes quantity, to five digits at least: ``650000u``, ``12300n``, ``42``.

    Source: kubernetes/apimachinery, pkg/api/resource (suffixes n, u, m). Raises UsageError for a number that
    is none, or larger than a quantity holds (2^63 - 1).
    """
    if not math.isfinite(value) or abs(value) >= 2.0**63:
        raise UsageError(f"{value:g} is no quantity")
    if value == round(value):
        return str(round(value))
    for suffix, factor in (("m", 1e3), ("u", 1e6)):
        scaled = round(value * factor)
        if abs(scaled) >= 100_000:
            return f"{scaled}{suffix}"
    return f"{round(value * 1e9)}n"


def _selected(selector: str) -> dict[str, str]:
    """``model=chat,component=gpu``. Raises UsageError for another label or operator."""
    found: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in selector.split(","))):
        label, sign, value = part.replace("==", "=").partition("=")
        label = label.strip()
        if not sign or label not in LABELS or "!" in part:
            raise UsageError(
                f"labelSelector {part!r}: write model=NAME or component=gpu; other labels and operators have "
                "no meaning here"
            )
        found[label] = value.strip()
    return found


def _group() -> dict[str, Any]:
    version = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": GROUP,
        "versions": [version],
        "preferredVersion": version,
    }


def _resources() -> dict[str, Any]:
    resources = [
        {
            "name": name,
            "singularName": "",
            "namespaced": True,
            "kind": "ExternalMetricValueList",
            "verbs": ["get"],
        }
        for name in METRICS
    ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{GROUP}/{VERSION}",
        "resources": resources,
    }


def _failure(code: int, reason: str, message: str) -> Reply:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Reply(code, body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The server's certificate and key, and whose clients it takes."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    """The front proxy's authority (``requestheader-client-ca-file``): nobody else is answered."""

    def context(self) -> ssl.SSLContext:
        """Raises UsageError for files that are no certificate and key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            said = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise UsageError(f"{self.certificate}, {self.key}: {said}") from None
        return context


class MetricsServer(ThreadingHTTPServer):
    """Answers at ``host:port``, over TLS with a certificate. Raises OSError when it cannot listen."""

    daemon_threads = True

    def __init__(self, host: str, port: int, look: Callable[[], Seen], tls: Tls | None) -> None:
        self.look = look
        self._context = tls.context() if tls is not None else None
        super().__init__((host, port), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the thread of the request: the handshake of one client holds up no other."""
        request.settimeout(SLOW_SECONDS)
        if self._context is None:
            super().finish_request(request, client_address)
            return
        with self._context.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up or does not speak TLS is nobody's concern; a defect is shown."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MetricsServer

    def do_GET(self) -> None:
        """Answer one request."""
        reply = reply_to(self.path, self.server.look())
        data = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: an autoscaler asks every 15 seconds."""
