"""The metrics for KEDA, as an external scaler over gRPC.

Protocol: kedacore/keda, pkg/scalers/externalscaler/externalscaler.proto (package ``externalscaler``). A
metric that is missing is answered with UNAVAILABLE and the reason: KEDA then keeps the replicas, or takes the
fallback that the ScaledObject states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.figure import Missing
from wattmark.core.serving.scaling import Told, metric_named
from wattmark.server.fleet import Seen, answer

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    raise MissingExtra("a scaler for KEDA", "keda") from None

PACKAGE = "externalscaler"
KEYS = (
    "scalerAddress",
    "metric",
    "model",
    "component",
    "target",
    "tlsCertFile",
    "caCert",
    "enableTLS",
    "unsafeSsl",
)
"""Of a trigger's metadata: ours, and those that KEDA itself takes and passes on."""
_STRING, _DOUBLE, _INT64, _BOOL, _MESSAGE = 9, 1, 3, 8, 11
_FIELDS: Mapping[str, tuple[tuple[str, int, int, str, bool], ...]] = {
    # message -> (field, number, type, message it holds, repeated)
    "ScaledObjectRef": (
        ("name", 1, _STRING, "", False),
        ("namespace", 2, _STRING, "", False),
        ("scalerMetadata", 3, _MESSAGE, "ScaledObjectRef.ScalerMetadataEntry", True),
    ),
    "IsActiveResponse": (("result", 1, _BOOL, "", False),),
    "GetMetricSpecResponse": (("metricSpecs", 1, _MESSAGE, "MetricSpec", True),),
    "MetricSpec": (
        ("metricName", 1, _STRING, "", False),
        ("targetSize", 2, _INT64, "", False),
        ("targetSizeFloat", 3, _DOUBLE, "", False),
    ),
    "GetMetricsRequest": (
        ("scaledObjectRef", 1, _MESSAGE, "ScaledObjectRef", False),
        ("metricName", 2, _STRING, "", False),
    ),
    "GetMetricsResponse": (("metricValues", 1, _MESSAGE, "MetricValue", True),),
    "MetricValue": (
        ("metricName", 1, _STRING, "", False),
        ("metricValue", 2, _INT64, "", False),
        ("metricValueFloat", 3, _DOUBLE, "", False),
    ),
}


@cache
def messages() -> Mapping[str, Any]:
    """The classes of the protocol's messages, by name."""
    file = descriptor_pb2.FileDescriptorProto(name="wattmark_externalscaler.proto", package=PACKAGE)
    file.syntax = "proto3"
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, number, kind, held, repeated in fields:
            added = message.field.add(name=field, number=number, type=kind, label=3 if repeated else 1)
            if held:
                added.type_name = f".{PACKAGE}.{held}"
    entry = file.message_type[0].nested_type.add(name="ScalerMetadataEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_STRING, label=1)
    entry.field.add(name="value", number=2, type=_STRING, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in _FIELDS
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What a ScaledObject's trigger asks for."""

    metric: str
    model: str
    component: str
    target: float


def trigger_of(metadata: Mapping[str, str]) -> Trigger:
    """The metadata of a trigger, checked. Raises UsageError, naming the key."""
    unknown = sorted(set(metadata) - set(KEYS))
    if unknown:
        raise UsageError(f"metadata.{unknown[0]} has no meaning here; known: {', '.join(KEYS)}")
    try:
        target = float(metadata.get("target", "nan"))
    except ValueError:
        target = math.nan
    if not 0 < target < math.inf:
        raise UsageError("metadata.target: the value to keep per replica, a number above 0")
    metric = metadata.get("metric", "")
    metric_named(metric)
    return Trigger(
        metric=metric,
        model=metadata.get("model", ""),
        component=metadata.get("component", ""),
        target=target,
    )


class Scaler:
    """The four calls. ``look`` gives what the agents said last."""

    def __init__(self, look: Callable[[], Seen], every_seconds: float = 15.0) -> None:
        self._look = look
        self._every = every_seconds

    def is_active(self, request: Any, context: Any) -> Any:
        """Whether there is any work: below that KEDA may go down to no replica."""
        return messages()["IsActiveResponse"](result=self._active(request.scalerMetadata, context))

    def stream_is_active(self, request: Any, context: Any) -> Iterator[Any]:
        """The same, told anew at every look."""
        import threading

        gone = threading.Event()
        context.add_callback(gone.set)
        while context.is_active():
            yield self.is_active(request, context)
            gone.wait(self._every)

    def metric_spec(self, request: Any, context: Any) -> Any:
        """The metric that the trigger asks for, and its target."""
        trigger = _checked(request.scalerMetadata, context)
        spec = messages()["MetricSpec"](
            metricName=trigger.metric,
            targetSizeFloat=trigger.target,
            targetSize=max(1, round(trigger.target)),
        )
        return messages()["GetMetricSpecResponse"](metricSpecs=[spec])

    def metrics(self, request: Any, context: Any) -> Any:
        """The value now."""
        trigger = _checked(request.scaledObjectRef.scalerMetadata, context)
        told = self._answer(trigger.metric, trigger, context)
        value = messages()["MetricValue"](
            metricName=request.metricName or trigger.metric,
            metricValueFloat=told.value,
            metricValue=round(told.value),
        )
        return messages()["GetMetricsResponse"](metricValues=[value])

    def _active(self, metadata: Mapping[str, str], context: Any) -> bool:
        trigger = _checked(metadata, context)
        held = answer(self._look(), "wattmark-requests-in-engines", trigger.model, trigger.component)
        if isinstance(held, Told) and held.value > 0:
            return True
        return self._answer("wattmark-requests-per-second", trigger, context).value > 0

    def _answer(self, metric: str, trigger: Trigger, context: Any) -> Told:
        told = answer(self._look(), metric, trigger.model, trigger.component)
        if isinstance(told, Missing):
            _refuse(context, grpc.StatusCode.UNAVAILABLE, f"{metric}: {told}")
        return told


def _checked(metadata: Mapping[str, str], context: Any) -> Trigger:
    try:
        return trigger_of(metadata)
    except UsageError as error:
        _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))


def _refuse(context: Any, code: Any, said: str) -> NoReturn:
    context.abort(code, said)
    raise AssertionError("abort does not return")


def scaler_server(look: Callable[[], Seen], address: str, every_seconds: float = 15.0) -> tuple[Any, int]:
    """A server bound to ``address``, not started yet, and its port. Raises UsageError when it cannot be."""
    scaler = Scaler(look, every_seconds)
    named = messages()
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    calls = {
        "IsActive": (unary, scaler.is_active, "ScaledObjectRef"),
        "StreamIsActive": (stream, scaler.stream_is_active, "ScaledObjectRef"),
        "GetMetricSpec": (unary, scaler.metric_spec, "ScaledObjectRef"),
        "GetMetrics": (unary, scaler.metrics, "GetMetricsRequest"),
    }
    handlers = {
        name: made(call, request_deserializer=named[asked].FromString, response_serializer=_serialised)
        for name, (made, call, asked) in calls.items()
    }
    server = grpc.server(ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),))
    service = grpc.method_handlers_generic_handler(f"{PACKAGE}.ExternalScaler", handlers)
    server.add_generic_rpc_handlers((service,))
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise UsageError(f"cannot listen at {address}: {error}") from None
    return server, port


def _serialised(message: Any) -> bytes:
    return bytes(message.SerializeToString())
