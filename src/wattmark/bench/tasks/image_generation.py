"""Image generation: draw what a text describes. Steps, size and guidance are pinned, and the noise too."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.answering import LocalAnswerer
from wattmark.bench.models.device import torch_module
from wattmark.bench.models.diffusion import Drawer, load_drawer
from wattmark.bench.prompt_sources import prompts_of
from wattmark.bench.scoring.clip import ClipScorer
from wattmark.bench.scoring.colours import adherence
from wattmark.bench.synthetic.picture_queries import to_draw
from wattmark.bench.synthetic.pictures import VERSION
from wattmark.bench.synthetic.texts import synthetic_set
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import UsageError

TASK = "image_generation"
NO_JUDGE = "none"
"""``clip``: folder or id of a CLIP model that judges pictures of published prompts, beside what is rated."""
PUBLISHED = {"steps": "30", "height": "512", "width": "512", "guidance": "7.5", "clip": NO_JUDGE}
"""30 steps as AI Energy Score runs it (default of optimum-benchmark); the size of Stable Diffusion."""
SYNTHETIC = {"steps": "10", "height": "256", "width": "256", "guidance": "7.5", "clip": NO_JUDGE}
"""Smaller, so that a machine without a GPU gets to an end."""


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """Batch 1, float32. ``--pin steps=4`` and its like change what is fixed here, and with it the key."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        sampling="noise from the seed and the query's place",
        options=SYNTHETIC if queries.pin.synthetic else PUBLISHED,
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Prompts such as ``a red square on white``."""
    return synthetic_set(TASK, to_draw, count, seed, version=VERSION)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """Captions of COCO, prompts of DiffusionDB and captions of Nouns in equal parts, or those named."""
    return prompts_of(TASK, names, count, seed)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A text-to-image pipeline of diffusers."""
    judge = Path(
        pinned.options.get("clip", NO_JUDGE)
    ).name  # where it lies on this machine is nobody's matter
    shown = replace(pinned, options={**pinned.options, "clip": judge})
    return _Artist(load_drawer(asked, pinned), _Fixed.of(pinned), shown)


def score(query: Query, answer: Answer) -> float | None:
    """How much the picture of a synthetic prompt has the colours asked for (bench/scoring/colours.py).

    None for any other prompt: without a CLIP model nothing is made up (:func:`scorer`).
    """
    if answer.failed or answer.output is None or not isinstance(query.reference, dict):
        return None
    return adherence(answer.output, query.reference["colour"], query.reference["background"])


def scorer(asked: ModelAsked) -> Callable[[Query, Answer], float | None]:
    """``score``, or with ``--pin clip=MODEL`` the CLIP score for prompts that no colours are known of."""
    chosen = asked.settings.get("clip", NO_JUDGE)
    if chosen == NO_JUDGE:
        return score
    judge = ClipScorer(chosen)

    def judged(query: Query, answer: Answer) -> float | None:
        if answer.failed or answer.output is None or isinstance(query.reference, dict):
            return score(query, answer)
        return judge.score(answer.output, query.inputs["prompt"])

    return judged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixed:
    steps: int
    height: int
    width: int
    guidance: float

    @classmethod
    def of(cls, pinned: Pinned) -> _Fixed:
        """What is pinned, as numbers. Raises UsageError that names what is none."""
        said = {**PUBLISHED, **pinned.options}
        try:
            return cls(
                steps=_at_least(1, "steps", said),
                height=_at_least(8, "height", said),
                width=_at_least(8, "width", said),
                guidance=float(said["guidance"]),
            )
        except ValueError:
            raise UsageError(f"--pin guidance={said['guidance']}: is no number") from None


def _at_least(least: int, name: str, said: dict[str, str]) -> int:
    if not said[name].isdigit() or int(said[name]) < least:
        raise UsageError(f"--pin {name}={said[name]}: is a whole number from {least} on")
    return int(said[name])


@dataclass(frozen=True, slots=True)
class _Artist(LocalAnswerer[Drawer]):
    fixed: _Fixed
    pinned: Pinned

    def prepare(self, batch: Sequence[Query]) -> Any:
        """Prompts, and a source of noise for each that depends on the seed and its place alone."""
        generator = torch_module().Generator
        noise = [
            generator(device="cpu").manual_seed((self.pinned.seed << 32) + query.index) for query in batch
        ]
        return [query.inputs["prompt"] for query in batch], noise

    def answered(self, batch: Sequence[Query], prepared: Any, output_tokens: int | None) -> list[Answer]:
        prompts, noise = prepared
        with torch_module().inference_mode():
            drawn = self.held.pipeline(prompt=prompts, generator=noise, output_type="pil", **self._pins())
        self.held.done()
        return [Answer(output=image, images=1) for image in drawn.images]

    def _pins(self) -> dict[str, Any]:
        """As far as the pipeline takes them: some are distilled to do without guidance."""
        takes = inspect.signature(type(self.held.pipeline).__call__).parameters
        said = {
            "num_inference_steps": self.fixed.steps,
            "height": self.fixed.height,
            "width": self.fixed.width,
            "guidance_scale": self.fixed.guidance,
        }
        return {name: value for name, value in said.items() if name in takes}
