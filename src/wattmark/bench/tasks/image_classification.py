"""Image classification: say what a picture shows. One pass of the model, the label with the highest score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.answering import LocalAnswerer
from wattmark.bench.models.device import torch_module
from wattmark.bench.models.media import Kind, Media, load_media
from wattmark.bench.models.settings import MEDIA_OPTIONS
from wattmark.bench.models.tiny_vision import tiny_classifier
from wattmark.bench.picture_sources import classified, pictures_of
from wattmark.bench.scoring.labels import plain
from wattmark.bench.synthetic.picture_queries import to_classify
from wattmark.bench.synthetic.pictures import LABELS, VERSION
from wattmark.bench.synthetic.texts import synthetic_set
from wattmark.core.bench.pinned import Pinned

TASK = "image_classification"
KIND = Kind(
    classes=("AutoModelForImageClassification",),
    processors=("AutoImageProcessor",),
    tiny=lambda: tiny_classifier(LABELS),
)


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """Batch 1, float32 as AI Energy Score runs it. The model's own processor decides the size of pictures."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        sampling="highest score",
        options=MEDIA_OPTIONS,
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Pictures of one coloured shape each, 24 labels."""
    return synthetic_set(TASK, to_classify, count, seed, version=VERSION)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """ImageNet, Food-101 and Beans in equal parts, or those named."""
    return pictures_of(TASK, classified, names, count, seed)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A classifier of transformers."""
    return _Classifier(load_media(asked, pinned, KIND))


def score(query: Query, answer: Answer) -> float | None:
    """1 where the label is the right one, else 0; None where the model has no such label at all.

    An ImageNet model cannot be wrong about beans. Labels are compared in lower case, with spaces for
    underscores.
    """
    said = answer.output
    if query.reference is None or answer.failed or said is None:
        return None
    if isinstance(said, Mapping):
        return float(plain(said["label"]) == plain(query.reference)) if said["known"] else None
    return float(plain(str(said)) == plain(query.reference))


@dataclass(frozen=True, slots=True)
class _Classifier(LocalAnswerer[Media]):
    def prepare(self, batch: Sequence[Query]) -> Any:
        return self.held.pictures(batch)

    def answered(self, batch: Sequence[Query], prepared: Any, output_tokens: int | None) -> list[Answer]:
        torch = torch_module()
        with torch.inference_mode():
            scores = self.held.model(**prepared).logits.float()
            best = scores.argmax(dim=-1).tolist()
            fine = torch.isfinite(scores).all(dim=-1).tolist()
        self.held.done()
        names = self.held.model.config.id2label
        known = {plain(str(name)) for name in names.values()}
        return [
            Answer(output={"label": names[place], "known": plain(str(query.reference)) in known}, images=1)
            if sound
            else Answer(output=None, failed="scores are not finite: the model overflows in this precision")
            for query, place, sound in zip(batch, best, fine, strict=True)
        ]
