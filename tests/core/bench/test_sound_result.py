"""What no result may say."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.core.stars.results import INVALID, a_result, a_row, joules, quality
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.result import Latency, RepeatFigure
from wattmark.core.bench.sound_result import first_fault
from wattmark.core.bench.validity import Status
from wattmark.core.known import Grade

FIGURE = joules(3.6)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"id": " "}, "$.id"),
        ({"task": ""}, "$.task"),
        ({"model": ModelFacts(id="")}, "$.model.id"),
        ({"energy": replace(FIGURE, value=0.0)}, "$.energy.value"),
        ({"gpu_energy": replace(FIGURE, value=-1.0)}, "$.gpu_energy.value"),
        ({"per_output": replace(FIGURE, value=math.nan)}, "$.per_output.value"),
        ({"energy": replace(FIGURE, errors={"x": math.inf})}, "$.energy.errors.x"),
        ({"energy": replace(FIGURE, grades={Grade.B: -1.0})}, "$.energy.grades.B"),
        ({"energy": replace(FIGURE, coverage=1.5)}, "$.energy.coverage"),
        ({"energy": replace(FIGURE, ends=(4.0, 5.0))}, "$.energy.ends"),
        ({"quality": quality(math.nan)}, "$.quality.value"),
        ({"latency": Latency(mean=-1.0, p50=0.1, p95=0.1)}, "$.latency.mean"),
        (
            {"repeats": (RepeatFigure(repeat=0, joules_per_query=0.0, queries=1, seconds=1.0),)},
            "$.repeats[0]",
        ),
        ({"validity": replace(INVALID, status=Status.VALID)}, "$.validity.status"),
        ({"stated": {"gpu_wh_per_1000": "nan"}}, "$.stated.gpu_wh_per_1000"),
        ({"stated": {"gpu_wh_per_1000": "1e999999"}}, "$.stated.gpu_wh_per_1000"),
        ({"stated": {"gpu_wh_per_1000": "2"}}, "$.stated.gpu_wh_per_1000"),
        ({"stated": {"published_stars": "6"}}, "$.stated.published_stars"),
    ],
)
def test_a_fault_is_named_with_its_place(changes: dict[str, Any], place: str) -> None:
    """The first one that is found."""
    fault = first_fault(a_result(**changes))
    assert fault is not None
    assert fault[0] == place


def test_sound_results_pass() -> None:
    """With everything, and with next to nothing."""
    whole = a_result(
        quality=quality(0.5, 0.4, 0.6),
        latency=Latency(mean=0.1, p50=0.1, p95=0.2),
        repeats=(RepeatFigure(repeat=0, joules_per_query=3.6, queries=1, seconds=1.0),),
        energy=replace(FIGURE, ends=(3.0, 4.0)),
    )
    for result in (
        whole,
        a_row("a", "1.5", stars=3),
        a_result(energy=None, gpu_energy=None, validity=INVALID),
    ):
        assert first_fault(result) is None


def test_digits_without_a_figure_are_a_fault() -> None:
    """What is stated in Wh must be the energy of the GPUs."""
    assert first_fault(a_row("a", "1.5", gpu_energy=None)) is not None
