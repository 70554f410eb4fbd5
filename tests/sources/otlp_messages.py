"""OTLP messages for tests: made, and read back, by OpenTelemetry's own protobuf classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.json_format import MessageToJson
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

SECOND = 10**9
T0 = 1_750_000_000 * SECOND
NODE = {"host.name": "node1", "service.name": "training"}
GPU = {"hw.id": "GPU-aaaa", "hw.type": "gpu"}

Request = ExportMetricsServiceRequest


def pairs(items: Mapping[str, str]) -> list[KeyValue]:
    """Attributes of text."""
    return [KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in items.items()]


def number(
    value: float | None, at: float, attributes: Mapping[str, str] = GPU, start: float | None = 0.0
) -> m.NumberDataPoint:
    """A point so many seconds after T0; None: no value was recorded."""
    point = m.NumberDataPoint(attributes=pairs(attributes), time_unix_nano=T0 + int(at * SECOND))
    if start is not None:
        point.start_time_unix_nano = T0 + int(start * SECOND)
    if value is None:
        point.flags = 1
    elif isinstance(value, int):
        point.as_int = value
    else:
        point.as_double = value
    return point


def counter(
    name: str,
    points: Sequence[m.NumberDataPoint],
    unit: str = "J",
    temporality: int = 2,
    monotonic: bool = True,
) -> m.Metric:
    """A sum; cumulative unless told otherwise."""
    total = m.Sum(data_points=points, aggregation_temporality=temporality, is_monotonic=monotonic)  # type: ignore[arg-type]
    return m.Metric(name=name, unit=unit, sum=total)


def gauge(name: str, points: Sequence[m.NumberDataPoint], unit: str = "W") -> m.Metric:
    """A gauge."""
    return m.Metric(name=name, unit=unit, gauge=m.Gauge(data_points=points))


def histogram(
    name: str,
    at: float,
    total: float | None,
    count: int,
    attributes: Mapping[str, str],
    *,
    unit: str = "{token}",
    temporality: int = 2,
    start: float = 0.0,
) -> m.Metric:
    """A histogram of one point."""
    point = m.HistogramDataPoint(
        attributes=pairs(attributes),
        start_time_unix_nano=T0 + int(start * SECOND),
        time_unix_nano=T0 + int(at * SECOND),
        count=count,
        bucket_counts=[count],
    )
    if total is not None:
        point.sum = total
    kind = m.Histogram(data_points=[point], aggregation_temporality=temporality)  # type: ignore[arg-type]
    return m.Metric(name=name, unit=unit, histogram=kind)


def request(*metrics: m.Metric, resource: Mapping[str, str] = NODE, scope: str = "agent") -> Request:
    """One resource and one scope."""
    inner = m.ScopeMetrics(scope=InstrumentationScope(name=scope), metrics=metrics)
    outer = m.ResourceMetrics(resource=Resource(attributes=pairs(resource)), scope_metrics=[inner])
    return Request(resource_metrics=[outer])


def as_json(message: Request) -> bytes:
    """As OTLP's JSON form has it: enumerations as numbers, on one line."""
    return MessageToJson(message, indent=None, use_integers_for_enums=True).encode()


# Any message that the format allows, for property tests.

texts = st.text(max_size=6)
U64 = st.integers(0, (1 << 64) - 1)
doubles = st.floats(allow_nan=False)
any_values: st.SearchStrategy[AnyValue] = st.recursive(
    st.one_of(
        st.just(AnyValue()),
        st.builds(lambda v: AnyValue(string_value=v), texts),
        st.builds(lambda v: AnyValue(bool_value=v), st.booleans()),
        st.builds(lambda v: AnyValue(int_value=v), st.integers(-(1 << 63), (1 << 63) - 1)),
        st.builds(lambda v: AnyValue(double_value=v), doubles),
        st.builds(lambda v: AnyValue(bytes_value=v), st.binary(max_size=6)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: AnyValue(array_value={"values": v})),  # type: ignore[arg-type]
        st.lists(st.builds(lambda k, v: KeyValue(key=k, value=v), texts, inner), max_size=3).map(
            lambda v: AnyValue(kvlist_value={"values": v})  # type: ignore[arg-type]
        ),
    ),
    max_leaves=5,
)
key_values = st.builds(lambda k, v: KeyValue(key=k, value=v), texts, any_values)
attribute_lists = st.lists(key_values, max_size=3)


@st.composite
def numbers(draw: st.DrawFn) -> m.NumberDataPoint:
    """Points of gauges and sums with anything in them, exemplars included."""
    point = m.NumberDataPoint(
        attributes=draw(attribute_lists),
        start_time_unix_nano=draw(st.one_of(st.just(0), U64)),
        time_unix_nano=draw(U64),
        flags=draw(st.sampled_from((0, 0, 1, 2, 3, 0xFFFFFFFF))),
    )
    match draw(st.integers(0, 2)):
        case 1:
            point.as_double = draw(doubles)
        case 2:
            point.as_int = draw(st.integers(-(1 << 63), (1 << 63) - 1))
    for at in draw(st.lists(U64, max_size=2)):
        point.exemplars.add(
            time_unix_nano=at, as_double=1.5, span_id=b"12345678", trace_id=b"1234567812345678"
        )
    return point


@st.composite
def distributions(draw: st.DrawFn, kind: Any) -> Any:
    """Points of histograms and summaries."""
    point = kind(
        attributes=draw(attribute_lists),
        start_time_unix_nano=draw(U64),
        time_unix_nano=draw(U64),
        count=draw(U64),
        flags=draw(st.sampled_from((0, 1))),
    )
    if draw(st.booleans()):
        point.sum = draw(doubles)
    if kind is m.HistogramDataPoint:
        point.bucket_counts.extend(draw(st.lists(U64, max_size=3)))
        point.explicit_bounds.extend(draw(st.lists(doubles, max_size=2)))
    return point


@st.composite
def metrics(draw: st.DrawFn) -> m.Metric:
    """A metric of any kind, or of none."""
    metric = m.Metric(name=draw(texts), unit=draw(texts), description=draw(texts))
    temporality: Any = draw(st.integers(0, 2))
    match draw(st.integers(0, 5)):
        case 1:
            metric.gauge.CopyFrom(m.Gauge(data_points=draw(st.lists(numbers(), max_size=4))))
        case 2:
            points = draw(st.lists(numbers(), max_size=4))
            metric.sum.CopyFrom(m.Sum(data_points=points, aggregation_temporality=temporality))
            metric.sum.is_monotonic = draw(st.booleans())
        case 3:
            some = draw(st.lists(distributions(m.HistogramDataPoint), max_size=2))
            metric.histogram.CopyFrom(m.Histogram(data_points=some, aggregation_temporality=temporality))
        case 4:
            many = draw(st.lists(distributions(m.ExponentialHistogramDataPoint), max_size=2))
            metric.exponential_histogram.CopyFrom(
                m.ExponentialHistogram(data_points=many, aggregation_temporality=temporality)
            )
        case 5:
            sums = draw(st.lists(distributions(m.SummaryDataPoint), max_size=2))
            metric.summary.CopyFrom(m.Summary(data_points=sums))
    return metric


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A whole message."""
    message = Request()
    for _ in range(draw(st.integers(0, 2))):
        outer = message.resource_metrics.add(schema_url=draw(texts))
        outer.resource.CopyFrom(Resource(attributes=draw(attribute_lists)))
        for _ in range(draw(st.integers(0, 2))):
            inner = outer.scope_metrics.add()
            inner.scope.CopyFrom(
                InstrumentationScope(name=draw(texts), version=draw(texts), attributes=draw(attribute_lists))
            )
            inner.metrics.extend(draw(st.lists(metrics(), max_size=2)))
    return message
