"""Finds a model that somebody shipped: a folder, or a snapshot from the Hugging Face hub (or its cache)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from wattmark.core.errors import MissingExtra, UsageError

_SETTINGS = ("*.json", "*.txt", "*.model", "*.jinja", "*.vocab", "*.merges", "1_Pooling/config.json")
_SKIPPED = ("onnx/*", "openvino/*", "original/*", "coreml/*", "consolidated*", "flax_*", "tf_*", "rust_*")


@dataclass(frozen=True, slots=True)
class Shipped:
    """Where a model lies on this machine."""

    folder: Path
    revision: str
    """Commit on the hub; empty for a folder."""


def refuse_absent(model: str) -> None:
    """Raise UsageError for a path at which there is no folder, before anything else takes its time."""
    if re.match(r"(\.{0,2}/|~)", model) and not Path(model).expanduser().is_dir():
        raise UsageError(f"--model {model}: there is no such folder")


def fetched(model: str, revision: str) -> Shipped:
    """The folder of a model: itself, or the snapshot of an id on the hub, fetched where it is not here yet.

    With ``HF_HUB_OFFLINE=1`` only the cache is looked at. Raises UsageError that names what is missing.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UsageError(f"--model {model}: the folder has no config.json")
        return Shipped(folder, "")
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", model):
        raise UsageError(f"--model {model}: is no folder here, and no id on the hub")
    return _from_hub(model, revision)


def _from_hub(model: str, revision: str) -> Shipped:
    """Settings first, then weights: safetensors where there are any, so that nothing is fetched twice."""
    settings = _snapshot(model, revision, _SETTINGS)
    folder = _snapshot(model, settings.name, ("*.safetensors",))
    if not list(folder.glob("*.safetensors")):
        folder = _snapshot(model, settings.name, ("*.bin",))
    if not list(folder.glob("*.safetensors")) and not list(folder.glob("*.bin")):
        raise UsageError(f"--model {model}: has no weights that transformers loads (safetensors, bin)")
    return Shipped(folder, folder.name)


def _snapshot(model: str, revision: str, patterns: tuple[str, ...]) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            HFValidationError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )
    except ImportError:
        raise MissingExtra("models from the hub", "bench") from None
    try:
        return Path(
            snapshot_download(
                model,
                revision=revision or None,
                allow_patterns=list(patterns),
                ignore_patterns=list(_SKIPPED),
            )
        )
    except GatedRepoError:
        why = "its owner wants you to agree first: do so on its page, then `hf auth login`"
    except RevisionNotFoundError:
        why = f"the hub has no revision {revision} of it"
    except RepositoryNotFoundError:
        why = "the hub has no model of this name (or it is private: `hf auth login`)"
    except LocalEntryNotFoundError:
        why = (
            "is not in the cache of the hub, and the hub is out of reach (or HF_HUB_OFFLINE is set): "
            "give a folder, or fetch it where there is a network with `hf download`"
        )
    except (HFValidationError, HfHubHTTPError, OSError) as error:
        why = str(error).strip().partition("\n")[0][:200]
    raise UsageError(f"--model {model}: {why}")
