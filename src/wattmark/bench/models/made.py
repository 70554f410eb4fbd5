"""Models that are made on the spot with random weights: tiny ones, and those of a known architecture."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from wattmark.bench.models.libraries import transformers_library
from wattmark.core.errors import UsageError


class Family(StrEnum):
    """What a model does with texts: which Auto class of transformers it is loaded by."""

    CAUSAL = "AutoModelForCausalLM"
    SEQ2SEQ = "AutoModelForSeq2SeqLM"
    QUESTION_ANSWERING = "AutoModelForQuestionAnswering"
    CLASSIFICATION = "AutoModelForSequenceClassification"
    ENCODER = "AutoModel"


_GPT2: Mapping[str, Mapping[str, int]] = {
    # n_layer, n_head, n_embd as in each model's config.json on the Hugging Face hub
    # (huggingface.co/distilbert/distilgpt2 and huggingface.co/openai-community/gpt2*, 2019).
    "distilgpt2": {"n_layer": 6, "n_head": 12, "n_embd": 768},
    "gpt2": {"n_layer": 12, "n_head": 12, "n_embd": 768},
    "gpt2-medium": {"n_layer": 24, "n_head": 16, "n_embd": 1024},
    "gpt2-large": {"n_layer": 36, "n_head": 20, "n_embd": 1280},
    "gpt2-xl": {"n_layer": 48, "n_head": 25, "n_embd": 1600},
}
KNOWN = tuple(_GPT2)
"""Architectures that need no file: ``random:gpt2`` is GPT-2 with random weights."""


def known_config(name: str) -> Any | None:
    """The configuration of one of KNOWN, with or without its owner (``openai-community/gpt2``); else None."""
    sizes = _GPT2.get(name.rpartition("/")[2])
    return None if sizes is None else transformers_library().GPT2Config(**sizes)


def config_of(name: str, revision: str, *, code: str) -> Any:
    """The configuration whose architecture ``random:NAME`` has. Raises UsageError where there is none."""
    known = known_config(name)
    if known is not None:
        return known
    try:
        auto = transformers_library().AutoConfig
        return auto.from_pretrained(name, revision=revision or None, trust_remote_code=False)
    except (OSError, ValueError) as error:
        if (Path(name) / "config.json").is_file():
            raise UsageError(f"{code}: its config.json cannot be used: {_first_line(error)}") from None
        what = "a folder with config.json" if Path(name).exists() else "a folder, or an id on the hub"
        raise UsageError(
            f"{code}: no configuration there ({_first_line(error)}): "
            f"give {what}, or one of {', '.join(KNOWN)}"
        ) from None


def tiny_config(family: Family, tokens: int, ids: Mapping[str, int]) -> Any:
    """A configuration of about a hundred thousand parameters; ``ids`` are those of the special tokens."""
    transformers = transformers_library()
    if family is Family.CAUSAL:
        return transformers.LlamaConfig(
            vocab_size=tokens,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            **ids,
        )
    if family is Family.SEQ2SEQ:
        config = transformers.T5Config(
            vocab_size=tokens,
            d_model=64,
            d_kv=16,
            d_ff=128,
            num_layers=2,
            num_heads=4,
            pad_token_id=ids["pad_token_id"],
            eos_token_id=ids["eos_token_id"],
        )
        config.decoder_start_token_id = ids["pad_token_id"]
        return config
    return transformers.BertConfig(
        vocab_size=tokens,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=1024,
        pad_token_id=ids["pad_token_id"],
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
