"""Image captioning: describe a picture. Ten new tokens, not one less, so that no model saves by brevity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.answering import LocalAnswerer
from wattmark.bench.models.device import torch_module
from wattmark.bench.models.media import Kind, Media, load_media
from wattmark.bench.models.settings import MEDIA_OPTIONS
from wattmark.bench.models.steps import Steps, ends_of, new_tokens
from wattmark.bench.models.tiny_vision import tiny_captioner
from wattmark.bench.picture_sources import captioned, pictures_of
from wattmark.bench.scoring.overlap import rouge_l
from wattmark.bench.synthetic.picture_queries import to_caption
from wattmark.bench.synthetic.pictures import VERSION
from wattmark.bench.synthetic.texts import synthetic_set
from wattmark.core.bench.pinned import Pinned

TASK = "image_captioning"
KIND = Kind(
    # AutoModelForVision2Seq is the name of transformers 4 for what version 5 has under the first name only.
    classes=("AutoModelForImageTextToText", "AutoModelForVision2Seq"),
    processors=("AutoProcessor",),
    tiny=tiny_captioner,
)
PROMPT = "Describe the picture in one sentence."
"""What models are asked that talk; those that only caption are asked nothing."""
OUTPUT_TOKENS = 10
"""As AI Energy Score generates texts (optimum-benchmark, energy_star/*.yaml)."""


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """Batch 1, float32, greedy, ten new tokens."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        output_tokens=OUTPUT_TOKENS,
        options={**MEDIA_OPTIONS, "prompt": PROMPT},
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Pictures of one to four coloured shapes, with two captions each."""
    return synthetic_set(TASK, to_caption, count, seed, version=VERSION)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """COCO captions and the New Yorker's contest, or what is named."""
    return pictures_of(TASK, captioned, names, count, seed)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A model of transformers that makes text of pictures."""
    return _Captioner(load_media(asked, pinned, KIND), pinned)


def score(query: Query, answer: Answer) -> float | None:
    """ROUGE-L (F) with the reference that is nearest; None without a reference."""
    if not query.reference or answer.failed or answer.output is None:
        return None
    return max(rouge_l(reference, str(answer.output)) for reference in query.reference)


@dataclass(frozen=True, slots=True)
class _Captioner(LocalAnswerer[Media]):
    pinned: Pinned

    @property
    def _tokenizer(self) -> Any:
        last = self.held.processors[-1]
        return getattr(last, "tokenizer", last)

    def prepare(self, batch: Sequence[Query]) -> Any:
        processor = self.held.processors[0]
        if not getattr(processor, "chat_template", None):
            return self.held.pictures(batch)
        images = [query.inputs["image"].convert("RGB") for query in batch]
        said = self.pinned.options.get("prompt", PROMPT)
        asked = [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": said}]},
        ]
        text = processor.apply_chat_template(asked, add_generation_prompt=True)
        prepared = processor(
            images=[[image] for image in images],
            text=[text] * len(images),
            padding=True,
            return_tensors="pt",
        )
        return self.held.placed(prepared)

    def answered(self, batch: Sequence[Query], prepared: Any, output_tokens: int | None) -> list[Answer]:
        model, steps = self.held.model, Steps()
        many = output_tokens or self.pinned.output_tokens or OUTPUT_TOKENS
        with torch_module().inference_mode():
            made = model.generate(
                **prepared,
                max_new_tokens=many,
                min_new_tokens=many,
                do_sample=False,
                num_beams=1,
                logits_processor=[steps],
            )
        self.held.done()
        asked = prepared["input_ids"].shape[1] if "input_ids" in prepared else 0
        rows = made.tolist()
        return [
            Answer(
                output=self._tokenizer.decode(row[-steps.taken :], skip_special_tokens=True).strip(),
                input_tokens=asked or None,
                output_tokens=new_tokens(row, steps.taken, ends_of(model)),
                images=1,
            )
            for row in rows
        ]
