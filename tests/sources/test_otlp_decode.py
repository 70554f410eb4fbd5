"""Both decoders agree with OpenTelemetry's own parser, and whatever is not OTLP is refused in words."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m

from tests.sources.otlp_messages import NODE, T0, Request, as_json, counter, gauge, number, request, requests
from wattmark.protobuf_wire import Malformed, length
from wattmark.sources.otlp_decode import Decoder
from wattmark.sources.otlp_json import JsonDecoder
from wattmark.sources.otlp_points import Kind, Metric, Temporality

KINDS = {
    None: Kind.NONE,
    "gauge": Kind.GAUGE,
    "sum": Kind.SUM,
    "histogram": Kind.HISTOGRAM,
    "exponential_histogram": Kind.EXPONENTIAL_HISTOGRAM,
    "summary": Kind.SUMMARY,
}
Seen = list[tuple[Any, ...]]


def value_of(value: AnyValue) -> Any:
    """An attribute as the reference parser has it, in our words."""
    match value.WhichOneof("value"):
        case None | "string_value_strindex":
            return None
        case "array_value":
            return tuple(value_of(v) for v in value.array_value.values)
        case "kvlist_value":
            return tuple(sorted({p.key: value_of(p.value) for p in value.kvlist_value.values}.items()))
        case name:
            return getattr(value, name)


def attributes_of(pairs: Any) -> dict[str, Any]:
    """A list of attributes; of two with one key the later one stands."""
    return {p.key: value_of(p.value) for p in pairs}


def by_reference(message: Request) -> Seen:
    """What the reference parser found, point by point."""
    return [
        (
            attributes_of(outer.resource.attributes),
            (inner.scope.name, inner.scope.version, attributes_of(inner.scope.attributes)),
            (metric.name, metric.unit, KINDS[metric.WhichOneof("data")]),
            points_of(metric),
        )
        for outer in message.resource_metrics
        for inner in outer.scope_metrics
        for metric in inner.metrics
    ]


def points_of(metric: m.Metric) -> Any:
    """The points of a metric and what holds for them all."""
    name = metric.WhichOneof("data")
    if name is None:
        return (Temporality.UNSPECIFIED, False, [])
    data: Any = getattr(metric, name)
    temporality = getattr(data, "aggregation_temporality", 0)
    told = Temporality(temporality) if temporality in (1, 2) else Temporality.UNSPECIFIED
    found = []
    for p in data.data_points:
        recorded = not p.flags & 1
        head = (attributes_of(p.attributes), p.start_time_unix_nano, p.time_unix_nano)
        if name in ("gauge", "sum"):
            which = p.WhichOneof("value")
            found.append((*head, getattr(p, which) if which and recorded else None))
        else:
            total = p.sum if name == "summary" or p.HasField("sum") else None
            found.append((*head, total if recorded else None, p.count if recorded else None))
    return (told, getattr(data, "is_monotonic", False), found)


def by_us(metrics: tuple[Metric, ...]) -> Seen:
    """What our decoder found, in the same shape."""
    found: Seen = []
    for metric in metrics:
        columns: list[Any] = [
            [a.items for a in metric.attributes], metric.start_ns, metric.time_ns, metric.values
        ]  # fmt: skip
        if metric.kind not in (Kind.GAUGE, Kind.SUM):
            columns.append(metric.counts)
        scope = (metric.scope.name, metric.scope.version, metric.scope.attributes)
        points = list(zip(*columns, strict=True))
        told = (metric.name, metric.unit, metric.kind)
        found.append((metric.resource.items, scope, told, (metric.temporality, metric.monotonic, points)))
    return found


def same(ours: Seen, theirs: Seen) -> bool:
    """Equal, where a number that is none equals itself."""
    return repr(ours) == repr(theirs)


@given(requests())
def test_any_message_is_read_as_the_reference_parser_reads_it(message: Request) -> None:
    """Protobuf: every kind of metric, value and attribute; later looks, from what is remembered, too."""
    decoder = Decoder()
    data = message.SerializeToString()
    for _ in range(3):
        assert same(by_us(decoder.decode(data).metrics), by_reference(message))


@given(requests())
def test_any_message_is_read_from_json_too(message: Request) -> None:
    """The JSON form that the reference writes of a message holds the same."""
    assert same(by_us(JsonDecoder().decode(as_json(message)).metrics), by_reference(message))


@st.composite
def fleets(draw: st.DrawFn) -> Request:
    """What agents send: machines whose devices have numbers, with or without a start time."""
    message = Request()
    for host in range(draw(st.integers(1, 3))):
        start = draw(st.sampled_from([None, 0.0]))
        whole = draw(st.booleans())
        looks = [
            number(device if whole else float(device), 1.0, {"hw.id": f"GPU-{device}"}, start)
            for device in range(draw(st.integers(0, 4)))
        ]
        kinds = [counter("hw.energy", looks), gauge("hw.power", looks)]
        some = request(*draw(st.permutations(kinds)), resource={"host.name": f"node{host}"})
        message.resource_metrics.extend(some.resource_metrics)
    return message


@given(fleets(), st.data())
def test_messages_that_differ_in_numbers_only_are_read_alike(message: Request, data: st.DataObject) -> None:
    """A layout is learnt from the second one; what does not fit it is walked, and may be learnt in turn."""
    decoder = Decoder()
    for _ in range(data.draw(st.integers(4, 7))):
        assert same(by_us(decoder.decode(message.SerializeToString()).metrics), by_reference(message))
        for outer in message.resource_metrics:
            for metric in outer.scope_metrics[0].metrics:
                points = (
                    metric.sum.data_points if metric.WhichOneof("data") == "sum" else metric.gauge.data_points
                )
                for point in points:
                    vary(point, data)


def vary(point: m.NumberDataPoint, data: st.DataObject) -> None:
    """Another moment and value; now and then something else, of the same length or not."""
    point.time_unix_nano = data.draw(st.integers(1, (1 << 64) - 1))
    if point.start_time_unix_nano:
        point.start_time_unix_nano = data.draw(st.integers(1, (1 << 64) - 1))
    match data.draw(st.integers(0, 9)):
        case 0:
            point.attributes[0].value.string_value = data.draw(st.sampled_from(["GPU-x", "GPU-longer"]))
        case 1:
            point.flags = 1
        case 2:
            point.as_int = data.draw(st.integers(-(1 << 63), (1 << 63) - 1))
        case _ if point.WhichOneof("value") == "as_double":
            point.as_double = data.draw(st.floats())


@given(requests(), st.data())
def test_a_message_cut_short_is_read_alike_or_refused(message: Request, data: st.DataObject) -> None:
    """A cut between two fields leaves a message; any other is an error that says where."""
    whole = message.SerializeToString()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    agree_or_refuse(cut)


@given(requests(), st.data())
def test_a_message_with_other_bytes_in_it_is_read_alike_or_refused(
    message: Request, data: st.DataObject
) -> None:
    """Bytes changed, doubled or put in: what the reference takes we take, and only Malformed is raised."""
    spoilt = bytearray(message.SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(spoilt)))
        spoilt[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    agree_or_refuse(bytes(spoilt))


@given(st.binary(max_size=60))
def test_garbage_is_read_alike_or_refused(data: bytes) -> None:
    """Whatever it is."""
    agree_or_refuse(data)


@given(requests(), requests())
def test_messages_written_one_after_the_other_are_one(first: Request, second: Request) -> None:
    """As protobuf has it: repeated fields go on, single ones merge."""
    agree_or_refuse(first.SerializeToString() + second.SerializeToString())


def agree_or_refuse(data: bytes) -> None:
    """What the reference parser takes, we take and see alike. What it refuses we may take when the fault lies
    in a part that we pass over."""
    decoder = Decoder()
    try:
        ours = by_us(decoder.decode(data).metrics)
    except Malformed:
        with pytest.raises(DecodeError):
            Request.FromString(data)
        return
    try:
        theirs = by_reference(Request.FromString(data))
    except DecodeError:
        return
    assert same(ours, theirs)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_text_that_is_no_otlp_json_is_refused(data: bytes) -> None:
    """Nothing but Malformed is raised."""
    with contextlib.suppress(Malformed):
        assert JsonDecoder().decode(data).metrics == ()


POINT = '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[%s]}}]}]}]}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"resourceMetrics": 3}', "Expected `array | null`"),
        ('{"resourceSpans": []}', "holds traces or logs"),
        (POINT % '{"timeUnixNano":"x"}', "timeUnixNano is 'x', which is no whole number"),
        (POINT % '{"timeUnixNano":"-1"}', "timeUnixNano is '-1'"),
        (POINT % '{"asInt":"9223372036854775808"}', "asInt"),
        (POINT % f'{{"asInt":"{"9" * 5000}"}}', "asInt"),
        (POINT % '{"asDouble":"watt"}', "asDouble is 'watt', which is no number"),
        (POINT % '{"attributes":[{"key":"k","value":{"bytesValue":"!"}}]}', "not base64"),
    ],
)
def test_json_of_another_shape_is_refused(text: str, reason: str) -> None:
    """With the place where it differs."""
    with pytest.raises(Malformed, match=reason):
        JsonDecoder().decode(text.encode())


def test_a_metric_of_two_kinds_is_refused_in_json() -> None:
    """JSON has no order that would say which one is meant."""
    text = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"n","gauge":{},"sum":{}}]}]}]}'
    with pytest.raises(Malformed, match="'n' is a GAUGE and a SUM at once"):
        JsonDecoder().decode(text)


def test_numbers_may_stand_as_numbers_and_not_a_number_as_a_word() -> None:
    """Senders write 64-bit integers as strings or numbers, and NaN as protobuf's JSON does."""
    body = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[%s]}}]}]}]}'
    points = b'{"asInt":7,"timeUnixNano":5},{"asInt":"7"},{"asDouble":"NaN"},{"asDouble":"-Infinity"}'
    (metric,) = JsonDecoder().decode(body % points).metrics
    assert repr(metric.values) == "[7, 7, nan, -inf]"
    assert metric.time_ns == [5, 0, 0, 0]


def test_a_value_that_was_not_recorded_is_none() -> None:
    """The flag says so, whatever number stands beside it."""
    point = number(5.0, 1)
    point.flags = 1
    data = request(counter("hw.energy", [point, number(6.0, 2)])).SerializeToString()
    (metric,) = Decoder().decode(data).metrics
    assert metric.values == [None, 6.0]


def test_whole_numbers_are_signed() -> None:
    """as_int is sfixed64."""
    (metric,) = (
        Decoder()
        .decode(request(gauge("g", [number(-5, 1), number(-1, 2, start=None)])).SerializeToString())
        .metrics
    )
    assert metric.values == [-5, -1]


def test_equal_attributes_are_one_object() -> None:
    """So that whoever comes after looks a series up by identity."""
    message = request(counter("hw.energy", [number(1.0, 1), number(2.0, 2)]))
    for decoder, data in ((Decoder(), message.SerializeToString()), (JsonDecoder(), as_json(message))):
        (one,), (two,) = decoder.decode(data).metrics, decoder.decode(data).metrics
        assert one.attributes[0] is one.attributes[1] is two.attributes[0]
        assert one.resource is two.resource
        assert one.scope is two.scope


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_points_of_metrics_that_nobody_wants_are_counted(form: str) -> None:
    """And named, not decoded."""
    message = request(gauge("system.cpu.load", [number(1.0, 1), number(1.0, 2)]), counter("hw.energy", []))
    wanted = {"hw.energy"}
    decoder: Any = Decoder(wanted) if form == "protobuf" else JsonDecoder(wanted)
    found = decoder.decode(message.SerializeToString() if form == "protobuf" else as_json(message))
    assert (found.foreign, found.foreign_names) == (2, {"system.cpu.load"})
    assert [x.name for x in found.metrics] == ["hw.energy"]


def test_an_attribute_nested_too_deeply_is_refused() -> None:
    """In both forms; a stack is not endless."""
    data = b""
    for tag in (0x0A, 0x2A) * 150 + (0x12, 0x0A, 0x0A, 0x0A):  # values of arrays, down to a request
        data = bytes([tag]) + length(len(data)) + data
    with pytest.raises(DecodeError):
        Request.FromString(data)
    with pytest.raises(Malformed, match="nested too deeply"):
        Decoder().decode(data)
    text = '{"arrayValue":{"values":[' * 2000 + "]}}" * 2000
    body = '{"resourceMetrics":[{"resource":{"attributes":[{"key":"k","value":%s}]}}]}' % text  # noqa: UP031
    with pytest.raises(Malformed):
        JsonDecoder().decode(body.encode())


def test_the_resource_and_the_moment_are_there() -> None:
    """A look at one message by hand."""
    (metric,) = Decoder().decode(request(counter("hw.energy", [number(2.5, 60)])).SerializeToString()).metrics
    assert metric.resource.items == NODE
    assert (metric.start_ns, metric.time_ns) == ([T0], [T0 + 60 * 10**9])
    assert (metric.temporality, metric.monotonic, metric.values) == (Temporality.CUMULATIVE, True, [2.5])
