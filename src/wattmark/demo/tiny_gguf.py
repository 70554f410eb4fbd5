"""Writes a small Llama of random weights as GGUF: a real engine has a model without a download.

    python -m wattmark.demo.tiny_gguf FILE [WIDTH LAYERS]

Format: ggml-org/ggml, docs/gguf.md, by the package ``gguf``. What such a model says means nothing; what it
costs is real.
"""

from __future__ import annotations

import sys
from typing import Any

VOCABULARY, HEADS = 512, 4
WIDTH, LAYERS = 384, 6
CONTEXT = 8192


def write(path: str, width: int = WIDTH, layers: int = LAYERS) -> None:
    """The file. Tokens: three special ones, the 256 bytes, then pieces of two letters."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_vocab_size(VOCABULARY)
    _add_tokens(writer)
    random = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        weights = (random.standard_normal(shape) * 0.05).astype(np.float32)
        writer.add_tensor(f"{name}.weight", weights)

    add("token_embd", VOCABULARY, width)
    add("output", VOCABULARY, width)
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    for layer in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}", width, width)
        add(f"blk.{layer}.ffn_gate", 2 * width, width)
        add(f"blk.{layer}.ffn_up", 2 * width, width)
        add(f"blk.{layer}.ffn_down", width, 2 * width)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokens(writer: Any) -> None:
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces = [f"\u2581{a}{b}" for a in "abcdefghijklmnopqrstuvwxyz" for b in "aeioustnrlm"]
    tokens += pieces[: VOCABULARY - len(tokens)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (VOCABULARY - 259))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


if __name__ == "__main__":
    write(sys.argv[1], *map(int, sys.argv[2:4]))
