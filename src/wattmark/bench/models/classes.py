"""The classes A, B and C that text generation and reasoning are rated in."""

from __future__ import annotations

from dataclasses import replace

from wattmark.core.bench.pinned import ModelFacts

_MOST = (("A", 20_000_000_000), ("B", 66_000_000_000))
"""Most parameters of a class: one consumer GPU, one cloud GPU; more is C, several GPUs (AI Energy Score,
index.md, "Text Generation" classes, 2025)."""


def model_class(facts: ModelFacts) -> ModelFacts:
    """The facts with the class by the number of parameters; unchanged where that is not known."""
    if facts.parameters is None:
        return facts
    count = facts.parameters
    found = next((name for name, most in _MOST if count <= most), "C")
    return replace(facts, model_class=found)
