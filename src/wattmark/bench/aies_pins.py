"""The workload as AI Energy Score publishes it, for the profile ``aies``."""

from __future__ import annotations

from dataclasses import replace

from wattmark.core.bench.pinned import Pinned

_HALF = ("text_generation", "reasoning")
_MOST_THOUGHTS = 8192


def aies_pinned(pinned: Pinned) -> Pinned:
    """The same queries with the precision, batch and limits of AI Energy Score.

    Float16 for text generation and reasoning, else float32; batch 1; inputs cut at the model's own window
    only; at most 8,192 tokens of reasoning (its index.md, November 2025, and reasoning_helpers.py; cutting as
    in optimum-benchmark, energy_star, 2025, ``truncation: True``).
    """
    return replace(
        pinned,
        dtype="float16" if pinned.task in _HALF else "float32",
        batch_size=1,
        concurrency=1,
        max_input_tokens=None,
        max_output_tokens=_MOST_THOUGHTS if pinned.task == "reasoning" else pinned.max_output_tokens,
    )
