"""OpenTelemetry metrics over HTTP: ``hw.energy`` and ``hw.host.energy``, and what has no name there.

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

from wattmark.core.errors import MissingExtra, UsageError, without_secrets
from wattmark.core.run import Run
from wattmark.exporters.figures import (
    ENERGY,
    FAILED_WORK,
    POWER,
    UNOBSERVED,
    WORK,
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
Sent = tuple[float, Mapping[str, str]]
"""A value and its attributes."""
RESOURCE = {
    "organisation": "wattmark.organisation",
    "team": "wattmark.team",
    "model": "gen_ai.request.model",
    "model_version": "wattmark.model_version",
    "task": "wattmark.task",
    "environment": "deployment.environment.name",
    "zone": "wattmark.zone",
    "run": "service.instance.id",
    "host": "wattmark.host.id",
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
        if not _is_address(target):
            raise UsageError(
                f"otlp:{without_secrets(target)} is no address: write otlp:http://127.0.0.1:4318"
            )
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
        if run.subject.stage:
            named["wattmark.stage"] = run.subject.stage
        resource = Resource.create({"service.name": labels.get("project", "wattmark"), **named})
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        _instruments(provider.get_meter("wattmark", __version__), lambda: self._run or run)
        return reader


def _is_address(target: str) -> bool:
    try:
        parts = urlsplit(target)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


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
    """One series of ``hw.*`` per device, which is the whole of it; stages and power have names of ours."""
    from opentelemetry.metrics import Observation

    def observed(points: Callable[[Run], Iterable[Sent]]) -> Callable[[Any], Iterable[Observation]]:
        return lambda _: [Observation(value, attributes) for value, attributes in points(look())]

    def counter(name: str, unit: str, what: str, points: Callable[[Run], Iterable[Sent]]) -> None:
        meter.create_observable_counter(name, [observed(points)], unit, what)

    counter("hw.energy", "J", "Energy used by a component.", lambda run: _wholes(run, host=False))
    counter("hw.host.energy", "J", "Energy used by the host.", lambda run: _wholes(run, host=True))
    counter("wattmark.stage.energy", "J", "Energy of a device in one stage.", lambda run: _named(run, ENERGY))
    counter("wattmark.unobserved", "s", "Time not read.", lambda run: _named(run, UNOBSERVED))
    counter("wattmark.work", "1", "Units of work done.", lambda run: _named(run, WORK))
    counter("wattmark.work.failed", "1", "Units of work failed.", lambda run: _named(run, FAILED_WORK))
    power = [observed(lambda run: _named(run, POWER))]
    meter.create_observable_gauge("wattmark.power", power, "W", "Power of a device.")


def _wholes(run: Run, *, host: bool) -> list[Sent]:
    """Energy of each device over all stages: of whole machines, or of everything else."""
    found: dict[str, Sent] = {}
    for point in figures_of(run):
        if point.name == ENERGY and (point.labels["boundary"] == "node") is host:
            before = found.get(point.labels["device"], (0.0, {}))[0]
            found[point.labels["device"]] = before + point.value, _of_device(point.labels)
    return list(found.values())


def _named(run: Run, name: str) -> list[Sent]:
    """The figures of one name, with their own labels under our names."""
    found: list[Sent] = []
    for point in figures_of(run):
        if point.name == name:
            own = {k: v for k, v in point.labels.items() if k in ("device", "stage", "unit") and v}
            found.append((point.value, {f"wattmark.{k}": v for k, v in own.items()}))
    return found


def _of_device(labels: Mapping[str, str]) -> dict[str, str]:
    found = {
        "hw.id": labels["device"],
        "hw.type": HARDWARE.get(labels["component"], labels["component"]),
        "wattmark.component": labels["component"],
        "wattmark.boundary": labels["boundary"],
        "wattmark.method": labels["method"],
        "wattmark.grade": labels["grade"],
    }
    return {**found, "hw.parent": labels["part_of"]} if labels["part_of"] else found


def open_export(target: str, period_seconds: float) -> Otlp:
    """``otlp:http://HOST:PORT``."""
    return Otlp(target, period_seconds)
