"""KEDA's external scaler, over a real gRPC connection."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from tests.core.serving.test_scaling import a_node
from wattmark.core.errors import UsageError
from wattmark.server.fleet import Seen
from wattmark.server.keda import messages, scaler_server, trigger_of

SEEN = Seen((a_node("a", 0.5), a_node("b", 0.8)), {}, at=0.0)
METADATA = {"metric": "wattmark-busy-devices", "model": "chat", "target": "0.65", "scalerAddress": "x:1"}


class Keda:
    """A client that calls as KEDA does."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def call(self, rpc: str, asked: str, answered: str, **fields: Any) -> Any:
        made = self._channel.unary_unary(
            f"/externalscaler.ExternalScaler/{rpc}",
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=messages()[answered].FromString,
        )
        return made(messages()[asked](**fields), timeout=60)

    def stream(self, **fields: Any) -> Any:
        made = self._channel.unary_stream(
            "/externalscaler.ExternalScaler/StreamIsActive",
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=messages()["IsActiveResponse"].FromString,
        )
        return made(messages()["ScaledObjectRef"](**fields), timeout=60)


@pytest.fixture
def said() -> list[Seen]:
    """What the agents say; a test may change it."""
    return [SEEN]


@pytest.fixture
def keda(said: list[Seen]) -> Iterator[Keda]:
    server, port = scaler_server(lambda: said[0], "127.0.0.1:0", 0.05)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Keda(channel)
    server.stop(None).wait()


def metric(keda: Keda, **metadata: str) -> Any:
    scaled = messages()["ScaledObjectRef"](name="chat", namespace="prod", scalerMetadata=METADATA | metadata)
    return keda.call(
        "GetMetrics",
        "GetMetricsRequest",
        "GetMetricsResponse",
        scaledObjectRef=scaled,
        metricName="wattmark-busy-devices",
    )


def test_metric_and_target(keda: Keda) -> None:
    """1.3 busy devices in all, 0.65 of them a replica: two replicas."""
    (value,) = metric(keda).metricValues
    assert (value.metricName, value.metricValueFloat) == ("wattmark-busy-devices", pytest.approx(1.3))
    spec = keda.call(
        "GetMetricSpec",
        "ScaledObjectRef",
        "GetMetricSpecResponse",
        name="chat",
        scalerMetadata=METADATA,
    )
    assert spec.metricSpecs[0].targetSizeFloat == 0.65


def test_active_while_there_is_work(keda: Keda, said: list[Seen]) -> None:
    """Requests in engines, or finished in the window; without either, KEDA may go down to none."""

    def active() -> bool:
        answer = keda.call(
            "IsActive", "ScaledObjectRef", "IsActiveResponse", name="chat", scalerMetadata=METADATA
        )
        return bool(answer.result)

    assert active()
    quiet = a_node(in_engines=0.0)
    said[0] = Seen((quiet,), {}, at=0.0)
    assert active()
    from dataclasses import replace

    said[0] = Seen((replace(quiet, models=(replace(quiet.models[0], requests=0.0),)),), {}, at=0.0)
    assert not active()


def test_activity_is_streamed(keda: Keda) -> None:
    """Told anew at every look, until KEDA hangs up."""
    stream = keda.stream(name="chat", scalerMetadata=METADATA)
    assert [next(stream).result, next(stream).result] == [True, True]
    stream.cancel()


def test_what_is_missing_is_unavailable_and_no_zero(keda: Keda, said: list[Seen]) -> None:
    """KEDA keeps the replicas, or takes the fallback that the ScaledObject states."""
    said[0] = Seen((a_node(),), {"http://b:1": "does not answer"}, at=0.0)
    with pytest.raises(grpc.RpcError) as refused:
        metric(keda)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "http://b:1: does not answer" in refused.value.details()


def test_a_trigger_that_makes_no_sense_is_told_so(keda: Keda) -> None:
    """INVALID_ARGUMENT with the key, in the events of the ScaledObject."""
    with pytest.raises(grpc.RpcError) as refused:
        metric(keda, target="many")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "metadata.target" in refused.value.details()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": ""}, "metadata.target"),
        ({"target": "-1"}, "metadata.target"),
        ({"target": "inf"}, "metadata.target"),
        ({"metric": "watts"}, "there is no metric"),
        ({"modle": "chat"}, "metadata.modle"),
    ],
)
def test_metadata_that_is_none(change: dict[str, str], said: str) -> None:
    """Each fault names its key."""
    with pytest.raises(UsageError, match=said):
        trigger_of(METADATA | change)


def test_the_wire_is_that_of_the_published_protocol() -> None:
    """Field 1 a string, field 3 a double, as externalscaler.proto numbers them."""
    value = messages()["MetricValue"](metricName="m", metricValueFloat=1.0)
    assert value.SerializeToString() == b"\x0a\x01m\x19\x00\x00\x00\x00\x00\x00\xf0\x3f"
    scaled = messages()["ScaledObjectRef"](scalerMetadata={"k": "v"})
    assert scaled.SerializeToString() == b"\x1a\x06\x0a\x01k\x12\x01v"


def test_an_address_that_is_taken_or_none() -> None:
    """The error names it."""
    server, port = scaler_server(lambda: SEEN, "127.0.0.1:0")
    with pytest.raises(UsageError, match=str(port)):
        scaler_server(lambda: SEEN, f"127.0.0.1:{port}")
    server.stop(None).wait()
