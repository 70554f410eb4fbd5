"""What a model of one's own says of itself, however it was loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wattmark.bench.asking import ModelAsked
from wattmark.bench.models.device import torch_module
from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.weights import parameters_of, quantisation_of
from wattmark.core.bench.pinned import ModelFacts

TINY = "tiny"
"""Asks for a model that is made on the spot."""
RANDOM = "random:"
"""Asks for a known architecture with random weights: ``random:gpt2``, or a folder."""


def facts_of(
    asked: ModelAsked, models: Sequence[Any], device: Any, *, sha256: str, version: str, random: bool
) -> ModelFacts:
    """What the first of the models says of itself, with the parameters of all.

    ``device`` is where it runs, or all devices that it was spread over. Packed weights cannot be counted.
    """
    first = models[0]
    quantised = quantisation_of(first.config)
    return ModelFacts(
        id=name_of(asked.model),
        version=version.strip(),
        sha256=sha256,
        parameters=parameters_of(*models) if quantised == "none" else None,
        architecture=type(first).__name__,
        random_weights=random,
        device=str(device),
        served_by=f"transformers {transformers_library().__version__}, torch {torch_module().__version__}",
        dtype=str(first.dtype).removeprefix("torch."),
        quantisation=quantised,
    )


def shipped_version(revision: str, missing: Sequence[str]) -> str:
    """The commit of a model, and how many of its tensors it does not bring."""
    return revision + (f" with {len(missing)} tensors that it lacks made at random" if missing else "")


def name_of(model: str) -> str:
    """The last part of a path, so that no folder of the machine is told; ids and ``tiny`` stay."""
    kind = RANDOM if model.startswith(RANDOM) else ""
    path = Path(model.removeprefix(kind)).expanduser()
    return f"{kind}{path.resolve().name}" if path.is_dir() else model
