"""OpenTelemetry metrics over HTTP: ``hw.energy``, ``hw.power``, ``hw.host.energy`` and ``hw.host.power``.

Names and attributes follow the semantic conventions (version 1.44, hardware metrics, in development):
whole hosts only in ``hw.host.*``, so that nobody adds a host to its parts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.run import Run
from wattmark.exporters.figures import (
    ENERGY,
    FAILED_WORK,
    POWER,
    UNOBSERVED,
    WORK,
    Point,
    figures_of,
    labels_of,
)
from wattmark.exporters.periodic import Periodic
from wattmark.version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

TIMEOUT_SECONDS = 5.0
HARDWARE = {"cpu": "cpu", "gpu": "gpu", "dram": "memory", "network": "network", "storage": "physical_disk"}
"""Component -> ``hw.type`` of the conventions; what they have no word for keeps ours."""
RESOURCE = {
    "organisation": "wattmark.organisation",
    "team": "wattmark.team",
    "model": "gen_ai.request.model",
    "model_version": "wattmark.model_version",
    "task": "wattmark.task",
    "environment": "deployment.environment.name",
    "zone": "wattmark.zone",
    "run": "service.instance.id",
    "host": "host.id",
}
"""Our labels -> attributes of the resource."""


class Otlp(Periodic):
    """Sends the run's metrics to ``URL/v1/metrics``. Raises UsageError and MissingExtra.

    Headers and certificates come from the environment variables of the OpenTelemetry SDK
    (``OTEL_EXPORTER_OTLP_HEADERS`` and the others).
    """

    name = "otlp"

    def __init__(self, target: str, period_seconds: float) -> None:
        super().__init__(period_seconds)
        if urlsplit(target).scheme not in ("http", "https"):
            raise UsageError(f"otlp:{target} is no address: write otlp:http://127.0.0.1:4318")
        try:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        except ImportError:
            raise MissingExtra("export to OTLP", "otlp") from None
        address = target.rstrip("/")
        self._address = address if address.endswith("/v1/metrics") else f"{address}/v1/metrics"
        self._exporter = OTLPMetricExporter(endpoint=self._address, timeout=TIMEOUT_SECONDS)
        self._reader: InMemoryMetricReader | None = None
        self._run: Run | None = None

    def show(self, run: Run) -> None:
        """Send it. Raises OSError when the collector did not take it."""
        from opentelemetry.sdk.metrics.export import MetricExportResult

        self._run = run
        self._reader = self._reader or self._open(run)
        collected = self._reader.get_metrics_data()
        if collected is None:
            return
        with _quiet():
            result = self._exporter.export(collected, timeout_millis=TIMEOUT_SECONDS * 1000)
        if result is not MetricExportResult.SUCCESS:
            raise OSError(f"{self._address} did not take the figures")

    def withdraw(self, run: Run) -> None:
        """End the connection; there is nothing to take back, streams simply end."""
        self._exporter.shutdown(timeout_millis=TIMEOUT_SECONDS * 1000)

    def _open(self, run: Run) -> InMemoryMetricReader:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.resources import Resource

        labels = labels_of(run)
        named = {RESOURCE[k]: v for k, v in labels.items() if k in RESOURCE}
        resource = Resource.create({"service.name": labels.get("project", "wattmark"), **named})
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        _instruments(provider.get_meter("wattmark", __version__), lambda: self._run or run)
        return reader


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the SDK's own warnings from this thread: they would appear among the program's output."""
    thread = threading.get_ident()
    logger = logging.getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter")

    def others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(others)
    try:
        yield
    finally:
        logger.removeFilter(others)


def _instruments(meter: Any, look: Callable[[], Run]) -> None:
    from opentelemetry.metrics import Observation

    def of(names: tuple[str, ...], host: bool | None) -> Callable[[Any], Iterable[Observation]]:
        def observe(_: Any) -> Iterable[Observation]:
            points = figures_of(look())
            whole = {
                p.labels["device"] for p in points if p.name == ENERGY and p.labels["boundary"] == "node"
            }
            for p in points:
                if p.name in names and (host is None or (p.labels["device"] in whole) is host):
                    yield Observation(p.value, _attributes(p, points))

        return observe

    meter.create_observable_counter("hw.energy", [of((ENERGY,), False)], "J", "Energy used by a component.")
    meter.create_observable_counter("hw.host.energy", [of((ENERGY,), True)], "J", "Energy used by the host.")
    meter.create_observable_gauge("hw.power", [of((POWER,), False)], "W", "Power of a component.")
    meter.create_observable_gauge("hw.host.power", [of((POWER,), True)], "W", "Power of the host.")
    meter.create_observable_counter("wattmark.unobserved", [of((UNOBSERVED,), None)], "s", "Time not read.")
    meter.create_observable_counter("wattmark.work", [of((WORK,), None)], "1", "Units of work done.")
    meter.create_observable_counter("wattmark.work.failed", [of((FAILED_WORK,), None)], "1", "Units failed.")


def _attributes(point: Point, points: list[Point]) -> Mapping[str, str]:
    labels = point.labels
    if "device" not in labels:
        return {"wattmark.unit": labels["unit"]}
    device = labels["device"]
    described = next((p.labels for p in points if p.name == ENERGY and p.labels["device"] == device), labels)
    found = {
        "hw.id": device,
        "hw.type": HARDWARE.get(described.get("component", ""), described.get("component", "")),
        "wattmark.component": described.get("component", ""),
        "wattmark.boundary": described.get("boundary", ""),
        "wattmark.method": described.get("method", ""),
        "wattmark.grade": described.get("grade", ""),
    }
    if described.get("part_of"):
        found["hw.parent"] = described["part_of"]
    if labels.get("stage"):
        found["wattmark.stage"] = labels["stage"]
    return found


def open_export(target: str, period_seconds: float) -> Otlp:
    """``otlp:http://HOST:PORT``."""
    return Otlp(target, period_seconds)
