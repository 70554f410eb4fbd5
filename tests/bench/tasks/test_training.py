"""The built-in training: a small network that learns to tell shapes apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wattmark.bench.asking import ModelAsked
from wattmark.bench.tasks import training
from wattmark.core.errors import UsageError


def started(**options: str) -> Any:
    pytest.importorskip("torch")
    data = training.synthetic(0, 0)
    pinned = training.pinned(data, 0)
    pinned = replace(pinned, options={**pinned.options, **options})
    return training.start(ModelAsked(model="tiny", device="cpu"), pinned, data)


@pytest.mark.slow
def test_the_target_is_reached_by_learning() -> None:
    """It begins near chance (a quarter), and ends with the first look at 0.6 or more."""
    told: list[float] = []
    done = started(target="accuracy>=0.6").run(1, told.append)
    assert done.reached
    assert done.quality == told[-1]
    assert all(quality < 0.6 for quality in told[:-1])
    assert told[0] < 0.5


@pytest.mark.slow
def test_an_attempt_with_the_same_seed_goes_the_same_way() -> None:
    """And PyTorch's random numbers outside go on as if nothing had been."""
    torch = pytest.importorskip("torch")
    ways: list[list[float]] = [[], []]
    before = torch.random.get_rng_state()
    for told in ways:
        started(target="accuracy>=0.4").run(2, told.append)
    assert ways[0] == ways[1]
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.slow
def test_giving_up_says_how_far_it_came() -> None:
    """One pass is not enough."""
    done = started(most_epochs="1").run(0, lambda quality: None)
    assert not done.reached
    assert done.why_not.endswith("wanted accuracy>=0.9 after 1 passes over the data")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pin", "value"),
    [("most_epochs", "0"), ("rows_per_step", "x"), ("learning_rate", "nan"), ("target", "loss<=1")],
)
def test_a_wrong_pin_is_named(pin: str, value: str) -> None:
    """Before anything is trained."""
    with pytest.raises(UsageError, match="accuracy" if pin == "target" else pin):
        started(**{pin: value})


def test_what_is_not_built_in_is_refused_with_what_to_do() -> None:
    """Another model, published data."""
    pytest.importorskip("PIL")
    data = training.synthetic(0, 0)
    with pytest.raises(UsageError, match="--callable"):
        training.start(ModelAsked(model="bert"), training.pinned(data, 0), data)
    with pytest.raises(UsageError, match="--callable"):
        training.published(("mnist",), 10, 0)
