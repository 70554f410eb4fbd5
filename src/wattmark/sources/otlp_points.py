"""Metrics as OpenTelemetry's protocol carries them, decoded: the points of a metric as columns.

Field numbers, types and meanings: opentelemetry-proto, ``metrics/v1/metrics.proto`` (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

Value = str | bool | int | float | bytes | None | tuple["Value", ...] | tuple[tuple[str, "Value"], ...]
"""Of an attribute; lists and maps are tuples."""

NO_RECORDED_VALUE = 1
"""Bit of a point's flags: there is no value at this moment (DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)."""


class Kind(IntEnum):
    """What a metric's points are; the numbers are the fields of ``Metric`` that hold them."""

    NONE = 0
    GAUGE = 5
    SUM = 7
    HISTOGRAM = 9
    EXPONENTIAL_HISTOGRAM = 10
    SUMMARY = 11
    __hash__ = int.__hash__


class Temporality(IntEnum):
    """Since when a sum counts."""

    UNSPECIFIED = 0
    DELTA = 1
    """Since the point before it."""
    CUMULATIVE = 2
    """Since the series began."""
    __hash__ = int.__hash__


@dataclass(frozen=True, slots=True, eq=False)
class Attributes:
    """Names and values; one object stands for all that were equal, so that it is looked up by identity."""

    items: Mapping[str, Value]


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """The instrumentation that made the points."""

    name: str
    version: str
    attributes: Mapping[str, Value]


@dataclass(slots=True, eq=False)
class Metric:
    """The points of one metric of one resource and scope, as columns of one length."""

    resource: Attributes
    scope: Scope
    name: str
    unit: str
    kind: Kind
    temporality: Temporality
    monotonic: bool
    attributes: list[Attributes] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)
    """Nanoseconds since 1970; 0 where it is not stated."""
    time_ns: list[int] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    """The number; of a histogram or summary its sum. None: not recorded."""
    counts: list[int | None] = field(default_factory=list)
    """Of a histogram or summary: how many were recorded. Empty for numbers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What one message holds."""

    metrics: tuple[Metric, ...]
    foreign: int
    """Points of metrics that nobody wanted."""
    foreign_names: frozenset[str]
