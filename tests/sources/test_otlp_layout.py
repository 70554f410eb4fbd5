"""Blocks that come again but for their numbers are read at once, and no other ones."""

from __future__ import annotations

from itertools import pairwise

import pytest
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m

from tests.sources.otlp_messages import GPU, counter, gauge, histogram, number, request
from wattmark.sources.otlp_decode import Decoder
from wattmark.sources.otlp_layout import layout_of
from wattmark.sources.otlp_points import Metric


def block(*metrics: m.Metric) -> bytes:
    """The metrics of one resource, as they stand in a request."""
    return request(*metrics).resource_metrics[0].SerializeToString()


def seen(*metrics: m.Metric) -> tuple[bytes, list[Metric]]:
    """A block, and what the decoder finds in it."""
    return block(*metrics), list(Decoder().decode(request(*metrics).SerializeToString()).metrics)


def test_the_numbers_of_the_next_block_are_where_those_of_the_last_one_were() -> None:
    """With and without a start time, doubles and whole numbers, several metrics."""
    layout = layout_of(
        *seen(
            counter("hw.energy", [number(1.0, 1), number(2.0, 1, {**GPU, "hw.id": "b"})]),
            gauge("hw.power", [number(5, 1, start=None)]),
        )
    )
    assert layout is not None
    later = [
        counter("hw.energy", [number(3.5, 61, start=9), number(4.5, 62, {**GPU, "hw.id": "b"})]),
        gauge("hw.power", [number(-7, 63, start=None)]),
    ]
    data, metrics = seen(*later)
    found = layout.read(b"...." + data, 4)
    assert repr(found) == repr(metrics)
    assert found is not None
    assert found[0].attributes is layout.read(data, 0)[0].attributes  # type: ignore[index]


@pytest.mark.parametrize(
    "other",
    [
        counter("hw.energy", [number(1.0, 1, {**GPU, "hw.id": "GPU-aaab"})]),
        counter("hw.energy", [number(1, 1)]),
        counter("hw.emergy", [number(1.0, 1)]),
        counter("hw.energy", [number(1.0, 1)], temporality=1),
        counter("hw.energy", [number(1.0, 1)], "W"),
    ],
)
def test_a_block_that_differs_in_anything_else_is_another_one(other: m.Metric) -> None:
    """Another device, kind of number, name, temporality or unit, of the same length."""
    layout = layout_of(*seen(counter("hw.energy", [number(1.0, 1)])))
    assert layout is not None
    data = block(other)
    assert len(data) == len(block(counter("hw.energy", [number(1.0, 1)])))
    assert layout.read(data, 0) is None


@pytest.mark.parametrize(
    "metrics",
    [
        (),
        (counter("hw.energy", []),),
        (m.Metric(name="nothing"),),
        (counter("hw.energy", [number(None, 1)]),),
        (counter("hw.energy", [number(1.0, 1), number(2.0, 2, start=None)]),),
        (counter("hw.energy", [number(1.0, 1)]), histogram("h", 1, 1.0, 1, {})),
        (counter("hw.energy", [m.NumberDataPoint(time_unix_nano=1, start_time_unix_nano=1)]),),
        (gauge("hw.power", [m.NumberDataPoint(as_double=1.0)]),),
    ],
)
def test_what_is_not_written_in_the_usual_form_has_no_layout(metrics: tuple[m.Metric, ...]) -> None:
    """It is walked field by field."""
    assert layout_of(*seen(*metrics)) is None


def test_metrics_that_are_not_those_of_the_block_give_no_layout() -> None:
    """Whoever is wrong about a block does not get to remember it."""
    data, metrics = seen(counter("hw.energy", [number(1.0, 1)]))
    assert layout_of(data, []) is None
    assert layout_of(data, metrics * 2) is None
    assert layout_of(data, seen(counter("hw.energy", [number(2.0, 1)]))[1]) is None


def test_a_block_that_is_never_the_same_is_not_learnt_for_ever() -> None:
    """Its layout would cost more than it gives; it is read right all the same."""
    decoder = Decoder()
    sizes = []
    for index in range(12):
        device = {**GPU, "hw.id": f"GPU-{index:04d}"}
        data = request(counter("hw.energy", [number(1.0, 1, device)])).SerializeToString()
        (metric,) = decoder.decode(data).metrics
        assert metric.attributes[0].items["hw.id"] == device["hw.id"]
        sizes.append(decoder.remembered)
    growth = [b - a for a, b in pairwise(sizes)]
    assert growth[-1] < max(growth)
