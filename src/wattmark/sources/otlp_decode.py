"""OTLP metrics from their protobuf bytes: one walk over the wire, each distinct attribute block decoded once.

A request of a thousand points names the same few hundred sets of attributes again and again. Points are
therefore cut at their fields, and the bytes that hold attributes are looked up in a cache keyed by the bytes
themselves. Everything is checked against the bounds of the message that it stands in.

Wire format: protobuf.dev/programming-guides/encoding. Repeated single messages merge, the last of a oneof
wins and unknown fields are passed over, as the format demands.
"""

from __future__ import annotations

import struct
from collections.abc import Container

from wattmark.protobuf_wire import BYTES, fields, length, one_field, span, text
from wattmark.sources.otlp_attributes import listed, resource_from, scope_from
from wattmark.sources.otlp_layout import Layout, layout_of
from wattmark.sources.otlp_points import (
    NO_RECORDED_VALUE,
    Attributes,
    Kind,
    Metric,
    Request,
    Scope,
    Temporality,
)

MOST_LEARNT = 4
"""So often a layout is learnt anew for blocks of one resource and length."""

_u64 = struct.Struct("<Q").unpack_from
_i64 = struct.Struct("<q").unpack_from
_f64 = struct.Struct("<d").unpack_from
# A number's point as encoders write it: start 0x11, time 0x19, then as_double 0x21 or as_int 0x31.
_started_double = struct.Struct("<xQxQxd").unpack_from
_started_int = struct.Struct("<xQxQxq").unpack_from
_double = struct.Struct("<xQxd").unpack_from
_int = struct.Struct("<xQxq").unpack_from


class Decoder:
    """Decodes requests, and remembers the attributes that it has seen. Not for several threads at once.

    ``remembered`` is how many bytes of them it holds: whoever takes requests from others begins anew in time.
    """

    def __init__(self, wanted: Container[str] | None = None) -> None:
        self.remembered = 0
        self._wanted = wanted
        self._resources: dict[bytes, Attributes] = {}
        self._attributes: dict[bytes, Attributes] = {}
        self._scopes: dict[bytes, Scope] = {}
        self._layouts: dict[tuple[bytes, int], Layout] = {}
        self._seen: dict[tuple[bytes, int], int] = {}
        self._tails: dict[bytes, tuple[Attributes, bool]] = {}

    def decode(self, data: bytes) -> Request:
        """The metrics of an ExportMetricsServiceRequest or MetricsData. Raises Malformed.

        Points of metrics that are not wanted are counted, not decoded.
        """
        found: list[Metric] = []
        foreign = _Foreign()
        for tag, start, end in fields(data, 0, len(data)):
            if tag == 0x0A:
                self._block(data, start, end, found, foreign)
        return Request(tuple(found), foreign.points, frozenset(foreign.names))

    def _block(self, data: bytes, start: int, end: int, found: list[Metric], foreign: _Foreign) -> None:
        """The metrics of one resource: by the layout that they had before, else field by field."""
        key = None
        if start < end and data[start] == 0x0A:
            first, past = span(data, start + 1, end)
            key = data[first:past], end - start
            layout = self._layouts.get(key)
            metrics = layout.read(data, start) if layout else None
            if metrics is not None:
                found += metrics
                return
        before, foreign_before = len(found), foreign.points
        self._resource(data, start, end, found, foreign)
        if key is not None and foreign.points == foreign_before:
            self._learn(key, data[start:end], found[before:])

    def _learn(self, key: tuple[bytes, int], block: bytes, metrics: list[Metric]) -> None:
        """Keep the layout of a block that comes again; of one that is never the same twice, not for long."""
        seen = self._seen[key] = self._seen.get(key, 0) + 1
        if seen == 1:
            self.remembered += len(key[0])
        elif seen <= MOST_LEARNT and (layout := layout_of(block, metrics)) is not None:
            self._layouts[key] = layout
            self.remembered += len(block)

    def _resource(self, data: bytes, pos: int, end: int, found: list[Metric], foreign: _Foreign) -> None:
        resource = b""
        scopes: list[tuple[int, int]] = []
        while pos < end:
            tag = data[pos]
            if tag in (0x0A, 0x12):
                first, pos = span(data, pos + 1, end)
                if tag == 0x12:
                    scopes.append((first, pos))
                else:
                    resource += data[first:pos]
            else:
                pos = one_field(data, pos, end)[3]
        known = self._resources.get(resource)
        if known is None:
            known = self._resources[resource] = Attributes(resource_from(resource))
            self.remembered += len(resource)
        for first, past in scopes:
            self._scope(data, first, past, known, found, foreign)

    def _scope(
        self, data: bytes, pos: int, end: int, resource: Attributes, found: list[Metric], foreign: _Foreign
    ) -> None:
        scope = b""
        metrics: list[tuple[int, int]] = []
        while pos < end:
            tag = data[pos]
            if tag in (0x0A, 0x12):
                first, pos = span(data, pos + 1, end)
                if tag == 0x12:
                    metrics.append((first, pos))
                else:
                    scope += data[first:pos]
            else:
                pos = one_field(data, pos, end)[3]
        known = self._scopes.get(scope)
        if known is None:
            known = self._scopes[scope] = scope_from(scope)
            self.remembered += len(scope)
        for first, past in metrics:
            self._metric(data, first, past, resource, known, found, foreign)

    def _metric(
        self,
        data: bytes,
        pos: int,
        end: int,
        resource: Attributes,
        scope: Scope,
        found: list[Metric],
        foreign: _Foreign,
    ) -> None:
        name = unit = ""
        kind, body, first, past = Kind.NONE, data, 0, 0
        while pos < end:
            tag = data[pos]
            if tag & 7 != BYTES or not 8 <= tag < 128:
                pos = one_field(data, pos, end)[3]
                continue
            a, pos = span(data, pos + 1, end)
            if tag == 0x0A:
                name = text(data, a, pos)
            elif tag == 0x1A:
                unit = text(data, a, pos)
            elif tag in _KINDS:
                if kind is _KINDS[tag]:  # a message that is there twice is one message, merged
                    body = body[first:past] + data[a:pos]
                    first, past = 0, len(body)
                else:
                    kind, body, first, past = _KINDS[tag], data, a, pos
        if self._wanted is not None and name not in self._wanted:
            foreign.add(name, sum(tag == 0x0A for tag, _, _ in fields(body, first, past)))
            return
        metric = Metric(resource, scope, name, unit, kind, Temporality.UNSPECIFIED, False)
        found.append(metric)
        if kind is Kind.GAUGE or kind is Kind.SUM:
            self._numbers(body, first, past, metric)
        elif kind is not Kind.NONE:
            self._histograms(body, first, past, metric)

    def _numbers(self, data: bytes, pos: int, end: int, metric: Metric) -> None:
        """Data points of a gauge or a sum, and the sum's own fields. This is the loop that must be quick."""
        tails, attributes, values = self._tails, metric.attributes, metric.values
        starts, times = metric.start_ns, metric.time_ns
        value: float | None
        while pos < end:
            if data[pos] != 0x0A:
                pos = self._own(data, pos, end, metric)
                continue
            first = pos + 2
            if first <= end and data[pos + 1] < 128 and first + data[pos + 1] <= end:
                past = first + data[pos + 1]
            else:
                first, past = span(data, pos + 1, end)
            pos = past
            start = tail = 0
            # Encoders write fields in the order of their numbers; whatever comes otherwise is walked below.
            if first + 27 <= past and data[first] == 0x11 and data[first + 9] == 0x19:
                kind = data[first + 18]
                if kind == 0x21:
                    start, time, value = _started_double(data, first)
                    tail = first + 27
                elif kind == 0x31:
                    start, time, value = _started_int(data, first)
                    tail = first + 27
            elif first + 18 <= past and data[first] == 0x19:
                kind = data[first + 9]
                if kind == 0x21:
                    time, value = _double(data, first)
                    tail = first + 18
                elif kind == 0x31:
                    time, value = _int(data, first)
                    tail = first + 18
            if tail:
                known = tails.get(data[tail:past])
                if known is not None:
                    attributes.append(known[0])
                    starts.append(start)
                    times.append(time)
                    values.append(value if known[1] else None)
                    continue
            self._number(data, first, past, tail, metric)

    def _number(self, data: bytes, start: int, end: int, tail: int, metric: Metric) -> None:
        """One data point, field by field; what follows ``tail`` is kept when it is attributes and flags."""
        begun = time = flags = 0
        value: float | None = None
        block = b""
        simple = tail > 0
        for tag, a, z in fields(data, start, end):
            if tag == 0x3A:
                block += length(z - a) + data[a:z]
            elif tag == 0x11:
                begun = _u64(data, a)[0]
            elif tag == 0x19:
                time = _u64(data, a)[0]
            elif tag == 0x21:
                value = _f64(data, a)[0]
            elif tag == 0x31:
                value = _i64(data, a)[0]
            elif tag == 0x40:
                flags = a
            simple = simple and (a < tail or tag in (0x3A, 0x40))
        known = self._attributes_of(block)
        recorded = not flags & NO_RECORDED_VALUE
        if simple:
            self._tails[data[tail:end]] = known, recorded
            self.remembered += end - tail
        metric.attributes.append(known)
        metric.start_ns.append(begun)
        metric.time_ns.append(time)
        metric.values.append(value if recorded else None)

    def _own(self, data: bytes, pos: int, end: int, metric: Metric) -> int:
        """A field of the sum or histogram itself; gives the position behind it."""
        if pos + 2 <= end and data[pos] in (0x10, 0x18) and data[pos + 1] < 128:
            tag, a, pos = data[pos], data[pos + 1], pos + 2
        else:
            tag, a, _, pos = one_field(data, pos, end)
        if tag == 0x10:
            metric.temporality = _TEMPORALITIES.get(a, Temporality.UNSPECIFIED)
        elif tag == 0x18 and metric.kind is Kind.SUM:
            metric.monotonic = bool(a)
        return pos

    def _histograms(self, data: bytes, pos: int, end: int, metric: Metric) -> None:
        """Data points of a histogram or summary: their count and sum; buckets are passed over."""
        attributes_tag, flags_tag, optional = _LAYOUT[metric.kind]
        while pos < end:
            if data[pos] != 0x0A:
                pos = self._own(data, pos, end, metric)
                continue
            first, pos = span(data, pos + 1, end)
            begun = time = flags = count = 0
            total: float | None = None if optional else 0.0
            block = b""
            for tag, a, z in fields(data, first, pos):
                if tag == attributes_tag:
                    block += length(z - a) + data[a:z]
                elif tag == 0x11:
                    begun = _u64(data, a)[0]
                elif tag == 0x19:
                    time = _u64(data, a)[0]
                elif tag == 0x21:
                    count = _u64(data, a)[0]
                elif tag == 0x29:
                    total = _f64(data, a)[0]
                elif tag == flags_tag:
                    flags = a
            recorded = not flags & NO_RECORDED_VALUE
            metric.attributes.append(self._attributes_of(block))
            metric.start_ns.append(begun)
            metric.time_ns.append(time)
            metric.values.append(total if recorded else None)
            metric.counts.append(count if recorded else None)

    def _attributes_of(self, block: bytes) -> Attributes:
        """The attributes of a point, each with its length before it."""
        known = self._attributes.get(block)
        if known is None:
            known = self._attributes[block] = Attributes(listed(block))
            self.remembered += len(block)
        return known


class _Foreign:
    """Points of metrics that nobody wanted."""

    __slots__ = ("names", "points")

    def __init__(self) -> None:
        self.points = 0
        self.names: set[str] = set()

    def add(self, name: str, points: int) -> None:
        self.points += points
        self.names.add(name)


_TEMPORALITIES: dict[int, Temporality] = {int(t): t for t in Temporality}
_KINDS = {kind << 3 | BYTES: kind for kind in Kind if kind}
_LAYOUT = {
    Kind.HISTOGRAM: (0x4A, 0x50, True),
    Kind.EXPONENTIAL_HISTOGRAM: (0x0A, 0x50, True),
    Kind.SUMMARY: (0x3A, 0x40, False),
}
"""Tags of a point's attributes and flags, and whether its sum may be missing (proto3 ``optional``)."""
