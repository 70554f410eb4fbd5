"""Tiny speech models with random weights, made on the spot."""

from __future__ import annotations

from typing import Any

from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.words_tokenizer import words_tokenizer

_WIDTH = 32


def tiny_whisper() -> tuple[Any, Any, Any]:
    """A Whisper, its feature extractor and its tokenizer."""
    library = transformers_library()
    tokenizer = words_tokenizer()
    config = library.WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=_WIDTH,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=2 * _WIDTH,
        decoder_ffn_dim=2 * _WIDTH,
        max_target_positions=448,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.bos_token_id,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    return library.WhisperForConditionalGeneration(config), library.WhisperFeatureExtractor(), tokenizer


def tiny_wav2vec2() -> tuple[Any, Any, Any]:
    """A Wav2Vec2 with a CTC head over letters, its feature extractor and its tokenizer."""
    library = transformers_library()
    tokenizer = words_tokenizer()
    config = library.Wav2Vec2Config(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * _WIDTH,
        conv_dim=(_WIDTH,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return library.Wav2Vec2ForCTC(config), library.Wav2Vec2FeatureExtractor(), tokenizer
