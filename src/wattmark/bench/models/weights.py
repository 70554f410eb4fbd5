"""What tells a model from any other: a hash of its weights and settings, and how many parameters it has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

VERSION = "wattmark-model-1"
"""Raised when what is hashed changes."""

PIECE = 1 << 22
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")
SETTINGS = (".json", ".txt", ".model", ".jinja", ".vocab", ".merges")


def folder_sha256(folder: Path) -> str:
    """The hash of a model as it was shipped: names and contents of weights and settings, sorted by name.

    The precision that it is loaded in does not change it. Raises OSError where a file cannot be read.
    """
    digest = hashlib.sha256(f"{VERSION} folder\n".encode())
    for name, file in sorted(_of_model(folder)):
        digest.update(f"{len(name.encode())}:{name} {file.stat().st_size}\n".encode())
        with file.open("rb") as content:
            while piece := content.read(PIECE):
                digest.update(piece)
    return digest.hexdigest()


def _of_model(folder: Path) -> Iterable[tuple[str, Path]]:
    """Where weights are there as safetensors too, only those count."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    safe = any(name.endswith(".safetensors") for name in found)
    weights = WEIGHTS[:1] if safe else WEIGHTS
    return [(name, path) for name, path in found.items() if path.suffix in (*weights, *SETTINGS)]


def made_sha256(models: Iterable[Any], settings: Any) -> str:
    """The hash of models that were made on the spot: every tensor as it runs, and the settings as JSON."""
    torch = _torch()
    digest = hashlib.sha256(f"{VERSION} made\n".encode())
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    for model in models:
        for name, tensor in sorted(model.state_dict().items()):
            digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
            flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(memoryview(flat.numpy()))
    return digest.hexdigest()


def parameters_of(*models: Any) -> int:
    """How many parameters there are; those that are used in two places count once."""
    return sum(each.numel() for each in {id(p): p for model in models for p in model.parameters()}.values())


def quantisation_of(config: Any) -> str:
    """How the weights were quantised before they were shipped, e.g. ``gptq, 4 bits``; else ``none``."""
    said = getattr(config, "quantization_config", None)
    if said is None:
        return "none"
    found = said if isinstance(said, dict) else said.to_dict()
    method = str(getattr(found.get("quant_method"), "value", found.get("quant_method", "quantised")))
    bits = found.get("bits")
    if bits is None:
        bits = 4 if found.get("load_in_4bit") else 8 if found.get("load_in_8bit") else None
    return method if bits is None else f"{method}, {bits} bits"


def _torch() -> Any:
    import torch

    return torch
