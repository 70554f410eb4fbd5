"""A tiny Stable Diffusion with random weights, put together from its components on the spot."""

from __future__ import annotations

from typing import Any

from wattmark.bench.models.libraries import diffusers_library, transformers_library
from wattmark.bench.models.words_tokenizer import words_tokenizer

_WIDTH = 32
_TOKENS = 77


def tiny_stable_diffusion() -> Any:
    """A StableDiffusionPipeline of about 1.4 million parameters for pictures of 64 x 64."""
    library, parts = transformers_library(), diffusers_library()
    tokenizer = words_tokenizer(framed=True)
    tokenizer.model_max_length = _TOKENS
    text = library.CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=_TOKENS,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
        projection_dim=_WIDTH,
    )
    return parts.StableDiffusionPipeline(
        vae=parts.AutoencoderKL(
            in_channels=3,
            out_channels=3,
            latent_channels=4,
            block_out_channels=(_WIDTH,) * 4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            norm_num_groups=8,
            sample_size=64,
        ),
        text_encoder=library.CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=parts.UNet2DConditionModel(
            sample_size=8,
            in_channels=4,
            out_channels=4,
            layers_per_block=1,
            block_out_channels=(_WIDTH, 2 * _WIDTH),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=_WIDTH,
            attention_head_dim=8,
            norm_num_groups=8,
        ),
        # What the pipeline would otherwise set for itself, with a warning.
        scheduler=parts.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
