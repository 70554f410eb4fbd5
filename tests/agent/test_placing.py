"""Which models run on which devices, as settings say it and engines tell it."""

from __future__ import annotations

import pytest

from tests.core.serving.test_disjoint import device
from wattmark.agent.placing import Expected, all_here, chosen, placements_for
from wattmark.core.errors import UsageError
from wattmark.core.serving.disjoint import disjoint
from wattmark.core.serving.request import Placement

PARTS = disjoint([device("cpu:h/package-0", "cpu"), device("GPU-1", "gpu"), device("GPU-2", "gpu")])
GPUS = ("GPU-1", "GPU-2")


@pytest.mark.parametrize(
    ("patterns", "devices"),
    [
        ((), ("cpu:h/package-0", "GPU-1", "GPU-2")),
        (("gpu",), GPUS),
        (("GPU-*",), GPUS),
        (("GPU-2",), ("GPU-2",)),
        (("cpu", "GPU-1"), ("cpu:h/package-0", "GPU-1")),
        (("GPU-9",), ()),
    ],
)
def test_devices_are_meant_by_id_component_or_pattern(
    patterns: tuple[str, ...], devices: tuple[str, ...]
) -> None:
    """None at all means every device; what is not there means none."""
    assert chosen(patterns, PARTS) == devices


def test_one_engine_without_devices_states_nothing() -> None:
    """Then all that runs, runs on all."""
    assert placements_for([], {}, PARTS) == ()
    assert placements_for([Expected(target="a")], {"a": {"m"}}, PARTS) == ()


def test_engines_on_one_device_reserve_equal_parts_of_it() -> None:
    """Two on GPU-1, so a half each; one of them keeps a half of GPU-2 too, for it states one part only."""
    both = [Expected(target="a", devices=("GPU-1",)), Expected(target="b", devices=("gpu",))]
    assert placements_for(both, {}, PARTS) == (
        Placement(target="a", devices=("GPU-1",), reserved=0.5),
        Placement(target="b", devices=GPUS, reserved=0.5),
    )


def test_models_of_an_engine_divide_its_part() -> None:
    """Two models that it tells of: a quarter each of what it reserves; a stated model stands for them."""
    told = [Expected(target="a", devices=("gpu",), reserved=0.5)]
    assert placements_for(told, {"a": {"n", "m"}}, PARTS) == (
        Placement(model="m", devices=GPUS, reserved=0.25),
        Placement(model="n", devices=GPUS, reserved=0.25),
    )
    stated = [Expected(target="a", model="alias", devices=("gpu",), reserved=0.5)]
    assert placements_for(stated, {"a": {"/path"}}, PARTS) == (
        Placement(model="alias", devices=GPUS, reserved=0.5),
    )


def test_one_engine_on_some_devices_is_placed() -> None:
    """By its target, until it tells a model: it reserves them whole."""
    found = placements_for([Expected(target="a", devices=("GPU-1",))], {}, PARTS)
    assert found == (Placement(target="a", devices=("GPU-1",), reserved=1.0),)


def test_a_device_that_is_not_here_is_refused_at_the_start() -> None:
    """The engine, what it names and what there is; what any device fits is taken."""
    all_here([Expected(target="a", devices=("gpu", "GPU-1")), Expected(target="b")], PARTS)
    with pytest.raises(
        UsageError, match=r"a: devices: 'GPU-9' is none of this node's: cpu:h/package-0, GPU-1"
    ):
        all_here([Expected(target="a", devices=("gpu", "GPU-9"))], PARTS)
