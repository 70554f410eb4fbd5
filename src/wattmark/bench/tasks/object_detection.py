"""Object detection: find the things in a picture, each with a class, a confidence and a box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.answering import LocalAnswerer
from wattmark.bench.models.device import torch_module
from wattmark.bench.models.media import Kind, Media, load_media
from wattmark.bench.models.settings import MEDIA_OPTIONS
from wattmark.bench.models.tiny_vision import tiny_detector
from wattmark.bench.picture_sources import detected, pictures_of
from wattmark.bench.scoring.boxes import Box, Detection, Gold, held_against
from wattmark.bench.scoring.labels import plain
from wattmark.bench.synthetic.picture_queries import to_detect
from wattmark.bench.synthetic.pictures import SHAPES, VERSION
from wattmark.bench.synthetic.texts import synthetic_set
from wattmark.core.bench.pinned import Pinned

TASK = "object_detection"
KIND = Kind(
    classes=("AutoModelForObjectDetection",),
    processors=("AutoImageProcessor",),
    tiny=lambda: tiny_detector(SHAPES),
)
THRESHOLD = "0.05"
"""Detections of less confidence are left out: they hardly move AP50, and a picture has a hundred."""


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """Batch 1, float32. The model's own processor decides the size of pictures."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        sampling="none",
        options={**MEDIA_OPTIONS, "threshold": THRESHOLD},
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Pictures of one to four shapes of four kinds."""
    return synthetic_set(TASK, to_detect, count, seed, version=VERSION)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """COCO 2017, or what is named."""
    return pictures_of(TASK, detected, names, count, seed)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A detector of transformers."""
    return _Detector(load_media(asked, pinned, KIND), float(pinned.options.get("threshold", THRESHOLD)))


def score(query: Query, answer: Answer) -> Any:
    """Gold boxes and detections as average precision needs them (bench/scoring/boxes.py).

    None where the picture has no reference, or nothing of what it shows is among the model's classes. Where
    the model knows some of the classes only, the others count as not found.
    """
    if query.reference is None or answer.failed or answer.output is None:
        return None
    said = answer.output
    found = said["found"] if isinstance(said, Mapping) else said
    if isinstance(said, Mapping) and not said["known"]:
        return None
    return held_against(
        [Gold(plain(thing["label"]), _box(thing["box"])) for thing in query.reference],
        [Detection(plain(label), confidence, _box(box)) for label, confidence, box in found],
    )


@dataclass(frozen=True, slots=True)
class _Detector(LocalAnswerer[Media]):
    threshold: float

    def prepare(self, batch: Sequence[Query]) -> Any:
        return self.held.pictures(batch)

    def answered(self, batch: Sequence[Query], prepared: Any, output_tokens: int | None) -> list[Answer]:
        sizes = [query.inputs["image"].size[::-1] for query in batch]
        with torch_module().inference_mode():
            outputs = self.held.model(**prepared)
            found = self.held.processors[0].post_process_object_detection(
                outputs, threshold=self.threshold, target_sizes=sizes
            )
        self.held.done()
        names = self.held.model.config.id2label
        known = {plain(str(name)) for name in names.values()}
        return [
            Answer(output={"found": _rows(one, names), "known": _knows(query, known)}, images=1)
            for query, one in zip(batch, found, strict=True)
        ]


def _rows(found: Mapping[str, Any], names: Mapping[int, str]) -> list[list[Any]]:
    """Class, confidence and box of each detection, in whole ten-thousandths and hundredths of a pixel."""
    rows = zip(found["labels"].tolist(), found["scores"].tolist(), found["boxes"].tolist(), strict=True)
    return [
        [names[label], round(confidence, 4), [round(edge, 2) for edge in box]]
        for label, confidence, box in rows
    ]


def _box(edges: Sequence[float]) -> Box:
    left, top, right, bottom = map(float, edges)
    return (left, top, right, bottom)


def _knows(query: Query, known: set[str]) -> bool:
    """Whether any of what is to be found is among the model's classes; nothing to be found is known too."""
    wanted = query.reference or ()
    return not wanted or any(plain(thing["label"]) in known for thing in wanted)
