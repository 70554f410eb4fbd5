"""Training: energy until a target quality is reached. Every attempt counts, those too that never get there.

``--model tiny`` trains a small convolutional network to tell the shapes of synthetic pictures apart. Anything
else is trained by a function of one's own (``--callable module:function``, bench/attempting.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wattmark.bench.asking import Attempt, Attempted, ModelAsked, Query, QuerySet
from wattmark.bench.attempting import ended
from wattmark.bench.goal import Goal
from wattmark.bench.models.device import (
    device_of,
    dtype_of,
    memory_back,
    seeded,
    synchronise,
    torch_module,
)
from wattmark.bench.models.facts import TINY
from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.picture_queries import to_classify
from wattmark.bench.synthetic.pictures import SHAPES, SIDE, VERSION
from wattmark.bench.synthetic.texts import synthetic_set
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.errors import MissingExtra, UsageError

TASK = "training"
LEAST_ROWS = 500
"""Of which a fifth is held out; with fewer nothing can be learned."""
_POOL = 4
"""Pictures are made smaller by so much, each pixel the mean of 4 x 4."""


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """Accuracy 0.9 on the held-out fifth, AdamW, at most 60 passes over the data."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=1,
        seed=seed,
        sampling="none",
        options={
            "quality": "accuracy",
            "target": "accuracy>=0.9",
            "most_epochs": "60",
            "rows_per_step": "32",
            "learning_rate": "0.003",
        },
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Pictures of one shape each, and its kind; never fewer than 500."""

    def to_learn(index: int, dice: Dice) -> Query:
        query = to_classify(index, dice)
        return Query(index=index, inputs=query.inputs, reference=query.reference.rpartition(" ")[2])

    return synthetic_set(TASK, to_learn, max(count, LEAST_ROWS), seed, version=VERSION)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """There is none: raises UsageError that says what to do instead."""
    raise UsageError(f"--dataset {', '.join(names)}: what --callable trains loads its own data")


def start(asked: ModelAsked, pinned: Pinned, queries: QuerySet) -> Attempt:
    """The built-in network with its data. Raises UsageError for any other."""
    if asked.model != TINY:
        raise UsageError(f"--model {asked.model}: built in is `tiny`; train others with --callable")
    return TinyTraining(asked, pinned, queries)


class TinyTraining:
    """A network of 15,236 parameters that learns the shape on a picture."""

    def __init__(self, asked: ModelAsked, pinned: Pinned, queries: QuerySet) -> None:
        self._goal = Goal.pinned(pinned.options)
        if self._goal.quality != "accuracy" or not self._goal.at_least:
            raise UsageError(f"--target {self._goal}: the built-in network is judged by accuracy>=NUMBER")
        self._device = device_of(asked.device)
        # Nothing was shipped whose precision `auto` could be.
        self._dtype = dtype_of(pinned.dtype.replace("auto", "float32"), self._device)
        self._epochs = _positive(pinned, "most_epochs")
        self._rows = _positive(pinned, "rows_per_step")
        self._rate = _rate(pinned)
        self._pictures, self._kinds = _tensors(queries, self._device, self._dtype)

    @property
    def facts(self) -> ModelFacts:
        """The network; each attempt begins with weights of its own."""
        torch = torch_module()
        network = _network(torch)
        return ModelFacts(
            id=TINY,
            version="shapes-1",
            parameters=sum(p.numel() for p in network.parameters()),
            architecture="convolutional network, 3 layers",
            device=str(self._device),
            served_by=f"torch {torch.__version__}",
            dtype=str(self._dtype).removeprefix("torch."),
            quantisation="none",
        )

    def run(self, seed: int, tell: Callable[[float], None]) -> Attempted:
        """From random weights to the target; looked at after each pass over the data."""
        torch = torch_module()
        with seeded(seed):
            network = _network(torch).to(self._device, self._dtype)
            optimiser = torch.optim.AdamW(network.parameters(), lr=self._rate)
            quality = None
            for _ in range(self._epochs):
                self._learn(network, optimiser)
                quality = self._accuracy(network)
                tell(quality)
                if self._goal.met(quality):
                    break
        return ended(self._goal, quality, f"{self._epochs} passes over the data")

    def close(self) -> None:
        """Give the data's memory back."""
        self._pictures = self._kinds = None
        memory_back()

    @property
    def _held_out(self) -> int:
        """Where the last fifth begins."""
        return len(self._kinds) - len(self._kinds) // 5

    def _learn(self, network: Any, optimiser: Any) -> None:
        """One pass over the data, in an order drawn anew."""
        torch = torch_module()
        order = torch.randperm(self._held_out).to(self._device)
        for begin in range(0, self._held_out, self._rows):
            rows = order[begin : begin + self._rows]
            loss = torch.nn.functional.cross_entropy(network(self._pictures[rows]), self._kinds[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        synchronise(self._device)

    def _accuracy(self, network: Any) -> float:
        torch = torch_module()
        with torch.inference_mode():
            said = network(self._pictures[self._held_out :]).argmax(dim=1)
        right = int((said == self._kinds[self._held_out :]).sum())
        return right / len(said)


def _network(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(1)),
        *(nn.Flatten(), nn.Linear(32, len(SHAPES))),
    )


def _tensors(queries: QuerySet, device: Any, dtype: Any) -> tuple[Any, Any]:
    """Pictures of 24 x 24, channels first, from 0 to 1; and the number of each kind."""
    torch = torch_module()
    try:
        import numpy as np
    except ImportError:
        raise MissingExtra("training", "bench") from None
    pixels = np.stack([np.asarray(query.inputs["image"], dtype=np.float32) for query in queries.queries])
    small = SIDE // _POOL
    means = pixels.reshape(-1, small, _POOL, small, _POOL, 3).mean(axis=(2, 4)) / 255
    pictures = torch.from_numpy(means.transpose(0, 3, 1, 2).copy())
    kinds = torch.tensor([SHAPES.index(query.reference) for query in queries.queries])
    return pictures.to(device, dtype), kinds.to(device)


def _positive(pinned: Pinned, name: str) -> int:
    said = pinned.options.get(name, "")
    if not said.isdigit() or int(said) < 1:
        raise UsageError(f"--pin {name}={said}: is a whole number from 1 on")
    return int(said)


def _rate(pinned: Pinned) -> float:
    said = pinned.options.get("learning_rate", "")
    try:
        rate = float(said)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 10:
        raise UsageError(f"--pin learning_rate={said}: is a number above 0 and below 10")
    return rate
