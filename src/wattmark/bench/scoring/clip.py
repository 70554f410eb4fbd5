"""The CLIP score: how near a picture and its prompt are, as a CLIP model sees them.

The cosine of both embeddings, not below 0 (J. Hessel et al., CLIPScore: A Reference-free Evaluation Metric
for Image Captioning, 2021, https://arxiv.org/abs/2104.08718), without the factor 2.5 of the paper, so that 1
is the highest there can be. Scores of different CLIP models are different qualities.
"""

from __future__ import annotations

from typing import Any

from wattmark.bench.asking import ModelAsked
from wattmark.bench.models.device import torch_module
from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.shipped import fetched
from wattmark.core.errors import UsageError


class ClipScorer:
    """A CLIP model, loaded when the first picture is scored. It runs on the CPU, beside what is measured."""

    def __init__(self, model: str) -> None:
        self._place = str(fetched(model, ModelAsked(model=model).revision).folder)
        self._name = model
        self._loaded: tuple[Any, Any] | None = None

    def score(self, image: Any, prompt: str) -> float:
        """From 0 to 1; a prompt that is longer than the model reads is cut off."""
        model, processor = self._ready()
        inputs = processor(
            text=[prompt], images=[image.convert("RGB")], return_tensors="pt", padding=True, truncation=True
        )
        with torch_module().inference_mode():
            seen = model(**inputs)
        near = torch_module().nn.functional.cosine_similarity(seen.image_embeds, seen.text_embeds)
        return max(0.0, float(near[0]))

    def _ready(self) -> tuple[Any, Any]:
        if self._loaded is None:
            library = transformers_library()
            try:
                model = library.CLIPModel.from_pretrained(self._place, local_files_only=True).eval()
                processor = library.CLIPProcessor.from_pretrained(self._place, local_files_only=True)
            except (OSError, ValueError, ImportError, RuntimeError, AttributeError) as error:
                said = " ".join(str(error).split())[:300]
                raise UsageError(f"--set clip={self._name}: cannot be loaded: {said}") from None
            self._loaded = (model, processor)
        return self._loaded
