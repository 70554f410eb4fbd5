"""Readings that stand in for devices: which of two tools' figures of one component counts."""

from __future__ import annotations

import pytest

from wattmark.core.standins import Standing, holds, outer_by_name, stands_in

RAPL = Standing("B", False, "rapl", "cpu:h/package-0")
MODEL = Standing("D", True, "model", "cpu:h/model")
TRACKER = Standing("D", True, "codecarbon", "cpu:h/unnamed")
NODE_MODEL = Standing("D", True, "model", "node:h/model")


@pytest.mark.parametrize(
    ("device_id", "anonymous"),
    [
        ("gpu:h/unnamed", True),
        ("gpu:h/unnamed-1", True),
        ("gpu:h/nvml-0", True),
        ("gpu:h/0000:00:02.0", False),
        ("GPU-5c2f", False),
        ("unnamed", False),
    ],
)
def test_what_names_no_device_stands_in_for_some(device_id: str, anonymous: bool) -> None:
    """So does whatever was modelled."""
    assert stands_in(device_id, modelled=False) is anonymous
    assert stands_in(device_id, modelled=True)


def test_the_better_reading_of_a_component_stands_where_another_would_count_it_again() -> None:
    """A counter before a model; of two models, one of them and always the same one."""
    assert holds(RAPL, "cpu", False, MODEL, "cpu")
    assert not holds(MODEL, "cpu", False, RAPL, "cpu")
    assert holds(TRACKER, "cpu", False, MODEL, "cpu") is not holds(MODEL, "cpu", False, TRACKER, "cpu")
    named, anonymous = RAPL, Standing("B", True, "codecarbon", "cpu:h/unnamed")
    assert holds(named, "cpu", False, anonymous, "cpu")
    assert not holds(anonymous, "cpu", False, named, "cpu")


def test_what_one_tool_gives_is_meant_to_be_added_up() -> None:
    """Two sockets of one model, a named device beside another, another component: nothing holds anything."""
    assert not holds(MODEL, "cpu", False, MODEL._replace(device_id="cpu:h/model-1"), "cpu")
    assert not holds(RAPL, "cpu", False, RAPL._replace(source="scaphandre", device_id="x"), "cpu")
    assert not holds(RAPL, "cpu", False, MODEL, "dram")
    assert not holds(RAPL, "cpu", False, MODEL._replace(device_id=RAPL.device_id), "cpu")


def test_a_model_of_the_machine_has_its_processors_in_it_and_no_gpu() -> None:
    """Whoever else read the CPU: it would count twice; of a GPU the model knows nothing."""
    assert holds(NODE_MODEL, "node", True, RAPL, "cpu")
    assert holds(NODE_MODEL, "node", True, MODEL._replace(source="stated"), "rest_of_node")
    assert not holds(NODE_MODEL, "node", True, Standing("B", False, "nvml", "GPU-1"), "gpu")
    assert not holds(NODE_MODEL, "node", True, MODEL, "cpu")


def test_all_packages_in_one_figure_lie_around_each() -> None:
    """Kepler counts them together, RAPL one by one."""
    assert outer_by_name("cpu:h/package-0") == "cpu:h/package"
    assert outer_by_name("dram:h/package-1-die-0") == "dram:h/package"
    assert outer_by_name("cpu:h/package") is None
    assert outer_by_name("cpu:h/package-all") is None
    assert outer_by_name("GPU-1") is None
