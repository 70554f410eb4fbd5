"""The CLIP score: how near a picture and its prompt are, as a CLIP model sees them.

The cosine of both embeddings, not below 0 (J. Hessel et al., CLIPScore: A Reference-free Evaluation Metric
for Image Captioning, 2021, https://arxiv.org/abs/2104.08718), without the factor 2.5 of the paper, so that 1
is the highest there can be. Scores of different CLIP models are different qualities.
"""

from __future__ import annotations

from typing import Any

from wattmark.bench.models.device import torch_module
from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.shipped import fetched
from wattmark.core.errors import UsageError


class ClipScorer:
    """A CLIP model on the CPU, beside what is measured; loaded at once, before anything is rated."""

    def __init__(self, name: str) -> None:
        """Raises UsageError where there is no such model, MissingExtra where transformers is absent."""
        library = transformers_library()
        try:
            place = str(fetched(name, "").folder)
            self._model = library.CLIPModel.from_pretrained(place, local_files_only=True).eval()
            self._processor = library.CLIPProcessor.from_pretrained(place, local_files_only=True)
        except (UsageError, OSError, ValueError, ImportError, RuntimeError, AttributeError) as error:
            said = " ".join(str(error).removeprefix(f"--model {name}: ").split())[:300]
            raise UsageError(f"--pin clip={name}: cannot be loaded: {said}") from None

    def score(self, image: Any, prompt: str) -> float:
        """From 0 to 1; a prompt that is longer than the model reads is cut off."""
        torch = torch_module()
        inputs = self._processor(
            text=[prompt], images=[image.convert("RGB")], return_tensors="pt", padding=True, truncation=True
        )
        inputs.pop("token_type_ids", None)  # some tokenizers give them; CLIP has none
        with torch.inference_mode():
            seen = self._model(**inputs)
        near = torch.nn.functional.cosine_similarity(seen.image_embeds, seen.text_embeds)
        return max(0.0, float(near[0]))
