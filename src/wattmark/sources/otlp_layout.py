"""Metrics that come again and again, byte for byte, but for their times and values.

An exporter writes the metrics of a resource the same way each time. What one of them looked like says where
the numbers of the next one are: one call takes them all out, and the bytes between them are compared with
what they were. A block that differs anywhere else is walked field by field, as ever.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.protobuf_wire import fields
from wattmark.sources.otlp_points import Kind, Metric

MOST_NUMBERS = 10_000
STARTED = 3
FORMS = ((27, ((0, 0x11), (9, 0x19), (18, 0)), 3), (18, ((0, 0x19), (9, 0)), 2))
"""How encoders begin a point: its length, tags at their places (0: the value's) and how many numbers it has.
With a start time, or without."""
VALUES = {0x21: "d", 0x31: "q"}


@dataclass(frozen=True, slots=True)
class _Shape:
    """One metric of a block: all that is the same each time, and which of the block's numbers are its own."""

    metric: Metric
    first: int
    past: int
    step: int


class Layout:
    """How the metrics of one resource are written."""

    __slots__ = ("_fixed", "_shapes", "_unpack")

    def __init__(self, block: bytes, numbers: Sequence[tuple[int, str]], shapes: Sequence[_Shape]) -> None:
        form, at = ["<"], 0
        for place, kind in numbers:
            form.append(f"{place - at}s{kind}")
            at = place + 8
        form.append(f"{len(block) - at}s")
        self._unpack = struct.Struct("".join(form)).unpack_from
        self._fixed = self._unpack(block)[0::2]
        self._shapes = tuple(shapes)

    def read(self, data: bytes, start: int) -> list[Metric] | None:
        """The metrics of the block that starts here; None when it is another one. It must be as long."""
        found = self._unpack(data, start)
        if found[0::2] != self._fixed:
            return None
        numbers = found[1::2]
        metrics = []
        for shape in self._shapes:
            m, first, past, step = shape.metric, shape.first, shape.past, shape.step
            starts = list(numbers[first:past:step]) if step == STARTED else m.start_ns
            times = list(numbers[first + step - 2 : past : step])
            values = list(numbers[first + step - 1 : past : step])
            told = m.resource, m.scope, m.name, m.unit, m.kind, m.temporality, m.monotonic
            metrics.append(Metric(*told, m.attributes, starts, times, values))
        return metrics


def layout_of(block: bytes, metrics: Sequence[Metric]) -> Layout | None:
    """The layout of a block that holds just these metrics; None when it is not one of the usual form."""
    numbers: list[tuple[int, str]] = []
    shapes: list[_Shape] = []
    rest = iter(metrics)
    for _, a, z in _inside(block, 0, len(block), 0x12):
        for _, b, y in _inside(block, a, z, 0x12):
            first = len(numbers)
            steps = _numbers(block, b, y, numbers)
            metric = next(rest, None)
            usual = len(steps) == 1 and 0 not in steps and len(numbers) <= MOST_NUMBERS
            if metric is None or not usual or None in metric.values:
                return None
            shapes.append(_Shape(metric, first, len(numbers), steps.pop()))
    if next(rest, None) is not None or not numbers:
        return None
    layout = Layout(block, numbers, shapes)
    return layout if repr(layout.read(block, 0)) == repr(list(metrics)) else None


def _inside(data: bytes, start: int, end: int, wanted: int) -> list[tuple[int, int, int]]:
    return [field for field in fields(data, start, end) if field[0] == wanted]


def _numbers(block: bytes, start: int, end: int, numbers: list[tuple[int, str]]) -> set[int]:
    """Add the places of a metric's numbers; gives how many its points have, 0 for an unusual one."""
    steps: set[int] = set()
    for tag, a, z in fields(block, start, end):
        if tag not in (Kind.GAUGE << 3 | 2, Kind.SUM << 3 | 2):
            continue
        for _, b, y in _inside(block, a, z, 0x0A):
            for length, tags, step in FORMS:
                if y - b >= length and all(block[b + place] == mark or not mark for place, mark in tags):
                    value = VALUES.get(block[b + tags[-1][0]])
                    numbers += [(b + place + 1, "Q" if mark else value or "") for place, mark in tags]
                    steps.add(step if value else 0)
                    break
            else:
                steps.add(0)
    return steps
