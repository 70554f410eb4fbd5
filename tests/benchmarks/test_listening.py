"""The requests that the listener's benchmark sends are real ones, and it counts what has landed."""

from __future__ import annotations

import os

import pytest
from benchmarks.listening import DEVICES, HOSTS, body, measure
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


@pytest.mark.parametrize(("points", "series"), [(200, 200), (2000, HOSTS * DEVICES), (8192, HOSTS * DEVICES)])
def test_a_request_holds_so_many_points(points: int, series: int) -> None:
    """Of machines with eight devices each; OpenTelemetry's own parser reads it."""
    message = ExportMetricsServiceRequest.FromString(body(0, points, 1))
    found = [
        (p.attributes[0].value.string_value, p.time_unix_nano)
        for r in message.resource_metrics
        for p in r.scope_metrics[0].metrics[0].sum.data_points
    ]
    assert len(found) == points
    assert len(set(found)) == points, "no point twice"
    assert len({name for name, _ in found}) == series


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process cannot be pinned to a core here")
def test_a_run_counts_what_was_acknowledged_and_landed() -> None:
    """Landing takes longer than answering; nothing is measured when a request fails."""
    rate = measure(200, 1.0)
    assert rate.points > 0
    assert 0 < rate.landed_per_second <= rate.acknowledged_per_second
    assert rate.cpu_us_per_point > 0
