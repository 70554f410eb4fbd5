"""Tiny vision models with random weights, made on the spot: nothing is fetched, nothing is kept.

They show that a task runs, and what it costs at least; of quality they know nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.words_tokenizer import words_tokenizer

SIDE = 64
"""Pictures are brought to this width and height, in pixels."""
PATCH = 16
_WIDTH = 32
_SQUARE = {"height": SIDE, "width": SIDE}
_BODY = {
    "hidden_size": _WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 2 * _WIDTH,
}


def tiny_classifier(labels: Sequence[str]) -> tuple[Any, Any]:
    """A ViT and its image processor."""
    library = transformers_library()
    config = library.ViTConfig(image_size=SIDE, patch_size=PATCH, **_named(labels), **_BODY)
    return library.ViTForImageClassification(config), library.ViTImageProcessor(size=_SQUARE)


def tiny_detector(labels: Sequence[str]) -> tuple[Any, Any]:
    """A YOLOS with ten detection tokens and its image processor."""
    library = transformers_library()
    config = library.YolosConfig(
        image_size=[SIDE, SIDE],
        patch_size=PATCH,
        num_detection_tokens=10,
        use_mid_position_embeddings=False,
        **_named(labels),
        **_BODY,
    )
    return library.YolosForObjectDetection(config), library.YolosImageProcessor(size=_SQUARE)


def tiny_captioner() -> tuple[Any, Any, Any]:
    """A BLIP, its image processor and its tokenizer."""
    library = transformers_library()
    tokenizer = words_tokenizer()
    text = library.BlipTextConfig(
        vocab_size=len(tokenizer),
        encoder_hidden_size=_WIDTH,
        projection_dim=_WIDTH,
        max_position_embeddings=64,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        sep_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **_BODY,
    )
    vision = library.BlipVisionConfig(image_size=SIDE, patch_size=PATCH, projection_dim=_WIDTH, **_BODY)
    model = library.BlipForConditionalGeneration(
        library.BlipConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=_WIDTH)
    )
    images = library.BlipImageProcessor(size=_SQUARE)
    return model, images, tokenizer


def _named(labels: Sequence[str]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: place for place, label in enumerate(labels)},
    }
