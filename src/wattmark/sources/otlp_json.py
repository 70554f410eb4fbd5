"""OTLP metrics from their JSON form, as the Collector's file exporter and OTLP/HTTP senders write it.

The same as protobuf's own JSON with three differences (opentelemetry.io/docs/specs/otlp, "JSON Protobuf
Encoding"): ids are hexadecimal, enumerations are numbers, and names are in lowerCamelCase only. Whole
numbers of 64 bits are strings; numbers are taken too. Unknown names are passed over.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Container, Iterable
from typing import Annotated, TypeVar

import msgspec

from wattmark.protobuf_wire import MOST_DEPTH, Malformed
from wattmark.sources.otlp_points import (
    NO_RECORDED_VALUE,
    Attributes,
    Kind,
    Metric,
    Request,
    Scope,
    Temporality,
    Value,
)

Same = TypeVar("Same")
Whole = int | str | None
Real = float | str | None


class _Json(msgspec.Struct, rename="camel"):
    """Names in lowerCamelCase; what is null or absent has its default."""


class _Any(_Json):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Whole = None
    double_value: Real = None
    array_value: _Array | None = None
    kvlist_value: _List | None = None
    bytes_value: str | None = None


class _Array(_Json):
    values: list[_Any] | None = None


class _KeyValue(_Json):
    key: str | None = None
    value: _Any | None = None


class _List(_Json):
    values: list[_KeyValue] | None = None


class _Resource(_Json):
    attributes: list[_KeyValue] | None = None


class _Scope(_Json):
    name: str | None = None
    version: str | None = None
    attributes: list[_KeyValue] | None = None


class _Point(_Json):
    attributes: list[_KeyValue] | None = None
    start_time_unix_nano: Whole = None
    time_unix_nano: Whole = None
    as_double: Real = None
    as_int: Whole = None
    count: Whole = None
    sum: Real = None
    flags: Annotated[int, msgspec.Meta(ge=0)] | None = None


class _Data(_Json):
    data_points: list[_Point] | None = None
    aggregation_temporality: int | None = None
    is_monotonic: bool | None = None


class _Metric(_Json):
    name: str | None = None
    unit: str | None = None
    gauge: _Data | None = None
    sum: _Data | None = None
    histogram: _Data | None = None
    exponential_histogram: _Data | None = None
    summary: _Data | None = None


class _ScopeMetrics(_Json):
    scope: _Scope | None = None
    metrics: list[_Metric] | None = None


class _ResourceMetrics(_Json):
    resource: _Resource | None = None
    scope_metrics: list[_ScopeMetrics] | None = None


class _Message(_Json):
    resource_metrics: list[_ResourceMetrics] | None = None
    resource_spans: object = None
    resource_logs: object = None


_decoder = msgspec.json.Decoder(_Message)


class JsonDecoder:
    """Decodes requests, and gives one object for equal attributes. Not for several threads at once.

    ``remembered`` is how many characters of them it holds.
    """

    def __init__(self, wanted: Container[str] | None = None) -> None:
        self.remembered = 0
        self._wanted = wanted
        self._same: dict[str, Attributes] = {}
        self._scopes: dict[str, Scope] = {}

    def decode(self, data: bytes) -> Request:
        """The metrics of one JSON message. Raises Malformed; other points than wanted are only counted."""
        try:
            message = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"is no OTLP JSON: {error}") from None
        if message.resource_metrics is None and (
            message.resource_spans is not None or message.resource_logs is not None
        ):
            raise Malformed("holds traces or logs, not metrics")
        found: list[Metric] = []
        foreign = 0
        names: set[str] = set()
        for one in message.resource_metrics or ():
            resource = self._attributes(one.resource.attributes if one.resource else None)
            for inner in one.scope_metrics or ():
                scope = self._scope(inner.scope)
                for metric in inner.metrics or ():
                    name = metric.name or ""
                    kind, body = _kind(metric)
                    if self._wanted is not None and name not in self._wanted:
                        foreign += len(body.data_points or ())
                        names.add(name)
                    else:
                        found.append(self._metric(resource, scope, metric, kind, body))
        return Request(tuple(found), foreign, frozenset(names))

    def _metric(self, resource: Attributes, scope: Scope, told: _Metric, kind: Kind, body: _Data) -> Metric:
        temporality = Temporality.UNSPECIFIED
        if kind in _SUMS and body.aggregation_temporality in (1, 2):
            temporality = Temporality(body.aggregation_temporality)
        monotonic = kind is Kind.SUM and bool(body.is_monotonic)
        metric = Metric(resource, scope, told.name or "", told.unit or "", kind, temporality, monotonic)
        for point in body.data_points or ():
            metric.attributes.append(self._attributes(point.attributes))
            metric.start_ns.append(_natural(point.start_time_unix_nano, "startTimeUnixNano"))
            metric.time_ns.append(_natural(point.time_unix_nano, "timeUnixNano"))
            recorded = not (point.flags or 0) & NO_RECORDED_VALUE
            if kind in (Kind.GAUGE, Kind.SUM):
                metric.values.append(_number(point) if recorded else None)
            else:
                total = _real(point.sum, "sum")
                if total is None and kind is Kind.SUMMARY:
                    total = 0.0
                metric.values.append(total if recorded else None)
                metric.counts.append(_natural(point.count, "count") if recorded else None)
        return metric

    def _attributes(self, pairs: Iterable[_KeyValue] | None) -> Attributes:
        items = _items(pairs)
        return self._one(self._same, repr(items), Attributes(items))

    def _scope(self, told: _Scope | None) -> Scope:
        told = told or _Scope()
        scope = Scope(told.name or "", told.version or "", _items(told.attributes))
        return self._one(self._scopes, repr((scope.name, scope.version, scope.attributes)), scope)

    def _one(self, known: dict[str, Same], key: str, new: Same) -> Same:
        found = known.setdefault(key, new)
        if found is new:
            self.remembered += len(key)
        return found


_SUMS = (Kind.SUM, Kind.HISTOGRAM, Kind.EXPONENTIAL_HISTOGRAM)


def _kind(metric: _Metric) -> tuple[Kind, _Data]:
    """What the metric is; of several the one that comes last among the fields."""
    bodies = (
        (Kind.GAUGE, metric.gauge),
        (Kind.SUM, metric.sum),
        (Kind.HISTOGRAM, metric.histogram),
        (Kind.EXPONENTIAL_HISTOGRAM, metric.exponential_histogram),
        (Kind.SUMMARY, metric.summary),
    )
    there = [(kind, body) for kind, body in bodies if body is not None]
    if len(there) > 1:
        raise Malformed(f"metric {metric.name!r} is a {there[0][0].name} and a {there[1][0].name} at once")
    return there[0] if there else (Kind.NONE, _Data())


def _number(point: _Point) -> float | None:
    if point.as_int is not None:
        return _whole(point.as_int, "asInt", -(1 << 63), (1 << 63) - 1)
    return _real(point.as_double, "asDouble")


def _natural(value: Whole, what: str) -> int:
    return 0 if value is None else _whole(value, what, 0, (1 << 64) - 1)


def _whole(value: int | str, what: str, least: int, most: int) -> int:
    try:
        number = int(value) if not isinstance(value, str) or len(value) <= 20 else None
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        raise Malformed(f"{what} is {str(value)[:40]!r}, which is no whole number of 64 bits")
    return number


def _real(value: Real, what: str) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        raise Malformed(f"{what} is {str(value)[:40]!r}, which is no number") from None


def _items(pairs: Iterable[_KeyValue] | None) -> dict[str, Value]:
    return {pair.key or "": _value(pair.value, 1) for pair in pairs or ()}


def _value(told: _Any | None, depth: int) -> Value:
    if depth > MOST_DEPTH:
        raise Malformed("an attribute is nested too deeply")
    if told is None:
        return None
    if told.string_value is not None:
        return told.string_value
    if told.bool_value is not None:
        return told.bool_value
    if told.int_value is not None:
        return _whole(told.int_value, "intValue", -(1 << 63), (1 << 63) - 1)
    if told.double_value is not None:
        return _real(told.double_value, "doubleValue")
    if told.array_value is not None:
        return tuple(_value(v, depth + 1) for v in told.array_value.values or ())
    if told.kvlist_value is not None:
        pairs = {p.key or "": _value(p.value, depth + 1) for p in told.kvlist_value.values or ()}
        return tuple(sorted(pairs.items()))
    if told.bytes_value is not None:
        try:
            return base64.b64decode(told.bytes_value, validate=True)
        except (binascii.Error, ValueError):
            raise Malformed("bytesValue is not base64") from None
    return None
