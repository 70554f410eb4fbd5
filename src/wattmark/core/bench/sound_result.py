"""What types alone cannot say of a result: which numbers can be, and that its reasons make its verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isclose, isfinite

from wattmark.core.bench.result import Result
from wattmark.core.bench.validity import validity_of
from wattmark.core.figure import Figure

MOST = 1e30
"""No figure of a result comes near it."""
SAME = 1e-9
"""Relative difference that writing a number and reading it again may make."""
Fault = tuple[str, str]
"""Place in the document and what is wrong there."""


def first_fault(result: Result) -> Fault | None:
    """The first thing that cannot be; None for a sound result."""
    return next(_faults(result), None)


def _faults(result: Result) -> Iterator[Fault]:
    for name, text in (("id", result.id), ("task", result.task), ("model.id", result.model.id)):
        if not text.strip():
            yield f"$.{name}", "is empty"
    for name, figure in (
        ("energy", result.energy),
        ("per_output", result.per_output),
        ("gpu_energy", result.gpu_energy),
        ("spent", result.spent),
    ):
        if figure is not None:
            yield from _figure(f"$.{name}", figure)
    yield from _numbers(result)
    yield from _stated(result)
    if result.validity.status is not validity_of(result.validity.reasons).status:
        yield (
            "$.validity.status",
            f"is {result.validity.status}, and its reasons make it "
            f"{validity_of(result.validity.reasons).status}",
        )


def _figure(place: str, figure: Figure) -> Iterator[Fault]:
    if not 0.0 < figure.value <= MOST:
        yield f"{place}.value", f"{figure.value:g} is no energy: what could not be read is left out, never 0"
    for name, error in figure.errors.items():
        if not (isfinite(error) and abs(error) <= MOST):
            yield f"{place}.errors.{name}", f"{error:g} is no half width"
    for grade, amount in figure.grades.items():
        if not 0.0 <= amount <= MOST:
            yield f"{place}.grades.{grade}", f"{amount:g} is no amount of energy"
    if not 0.0 <= figure.coverage <= 1.0:
        yield f"{place}.coverage", f"{figure.coverage:g} is no share"
    if figure.ends is not None and not figure.ends[0] <= figure.value <= figure.ends[1]:
        yield f"{place}.ends", "do not enclose the value"


def _stated(result: Result) -> Iterator[Fault]:
    """Stars are recomputed from the digits, so these must say what the figure says."""
    written = result.stated.get("gpu_wh_per_1000")
    if written is not None:
        place = "$.stated.gpu_wh_per_1000"
        if not re.fullmatch(r"\d{1,30}(\.\d{1,40})?", written, re.ASCII):
            yield place, f"{written[:40]!r} is no number of watt-hours"
        elif result.gpu_energy is None or not isclose(
            float(written) * 3.6, result.gpu_energy.value, rel_tol=SAME
        ):
            yield place, f"{written} Wh per 1,000 queries are not what `gpu_energy` states"
    stars = result.stated.get("published_stars")
    if stars is not None and stars not in ("1", "2", "3", "4", "5"):
        yield "$.stated.published_stars", f"{stars[:40]!r} is no number of stars from 1 to 5"


def _numbers(result: Result) -> Iterator[Fault]:
    if result.quality is not None:
        quality = result.quality
        for name, number in (("value", quality.value), ("low", quality.low), ("high", quality.high)):
            if number is not None and not abs(number) <= MOST:
                yield f"$.quality.{name}", f"{number:g} is no quality"
    if result.latency is not None:
        for name, seconds in (
            ("mean", result.latency.mean),
            ("p50", result.latency.p50),
            ("p95", result.latency.p95),
            ("first_output_p50", result.latency.first_output_p50),
        ):
            if seconds is not None and not 0.0 <= seconds <= MOST:
                yield f"$.latency.{name}", f"{seconds:g} is no time"
    for index, repeat in enumerate(result.repeats):
        if not (0.0 < repeat.joules_per_query <= MOST and repeat.queries > 0):
            yield f"$.repeats[{index}]", "needs queries and their energy"
