"""Loads what draws pictures from prompts: a pipeline of diffusers, which is its model class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattmark.bench.asking import ModelAsked
from wattmark.bench.models.device import (
    device_of,
    dtype_of,
    memory_back,
    placed,
    seeded,
    synchronise,
    torch_module,
)
from wattmark.bench.models.facts import RANDOM, TINY, facts_of
from wattmark.bench.models.libraries import diffusers_library, transformers_library
from wattmark.bench.models.settings import refuse_unknown
from wattmark.bench.models.tiny_diffusion import tiny_stable_diffusion
from wattmark.bench.models.weights import folder_sha256, made_sha256
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.errors import UsageError

INDEX = "model_index.json"


@dataclass(slots=True, kw_only=True)
class Drawer:
    """A pipeline that is ready to draw."""

    pipeline: Any
    device: Any
    facts: ModelFacts

    def done(self) -> None:
        """Wait until the device has done its work."""
        synchronise(self.device)

    def release(self) -> None:
        """Give the model's memory back."""
        self.pipeline = None
        memory_back()


def load_drawer(asked: ModelAsked, pinned: Pinned) -> Drawer:
    """The pipeline and where it runs, its own progress bar off.

    Raises MissingExtra, or UsageError that names what is wrong.
    """
    transformers_library()
    diffusers_library()
    refuse_unknown(asked, pinned, ())
    device = device_of(asked.device)
    dtype = dtype_of(pinned.dtype, device)
    if asked.model.startswith(RANDOM):
        raise UsageError(f"--model {asked.model}: pipelines are drawn at random as `tiny` only")
    if asked.model == TINY:
        with seeded(pinned.seed):
            pipeline = tiny_stable_diffusion()
        pipeline = placed(pipeline, device, dtype)
        settings_of = {
            name: part.config for name, part in pipeline.components.items() if hasattr(part, "config")
        }
        sha256, version = made_sha256(_models(pipeline), _plain(settings_of)), f"seed {pinned.seed}"
    else:
        folder = _folder(asked)
        pipeline = placed(_from_folder(asked, folder, dtype), device)
        sha256 = folder_sha256(folder)
        version = "" if Path(asked.model).expanduser().is_dir() else folder.name
    pipeline.set_progress_bar_config(disable=True)
    facts = _facts(asked, pipeline, device, sha256, version)
    return Drawer(pipeline=pipeline, device=device, facts=facts)


def _facts(asked: ModelAsked, pipeline: Any, device: Any, sha256: str, version: str) -> ModelFacts:
    """Of the denoising network, with the parameters of all networks; named by the pipeline."""
    networks = _models(pipeline)
    denoiser = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    ordered = [denoiser, *(n for n in networks if n is not denoiser)] if denoiser is not None else networks
    facts = facts_of(asked, ordered, device, sha256=sha256, version=version, random=asked.model == TINY)
    library = diffusers_library()
    return replace(
        facts,
        architecture=type(pipeline).__name__,
        served_by=f"diffusers {library.__version__}, {facts.served_by}",
    )


def _models(pipeline: Any) -> list[Any]:
    """The networks of a pipeline, by the names of their places."""
    module = torch_module().nn.Module
    return [part for _, part in sorted(pipeline.components.items()) if isinstance(part, module)]


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without the versions of libraries and the names of folders."""
    return {
        name: {
            key: str(value)
            for key, value in (config.to_dict() if hasattr(config, "to_dict") else dict(config)).items()
            if not key.startswith("_") and key != "transformers_version"
        }
        for name, config in settings.items()
    }


def _folder(asked: ModelAsked) -> Path:
    """A folder, or a snapshot of an id on the hub (or of its cache)."""
    folder = Path(asked.model).expanduser()
    if folder.is_dir():
        if not (folder / INDEX).is_file():
            raise UsageError(
                f"--model {asked.model}: the folder has no {INDEX}, as pipelines of diffusers have"
            )
        return folder
    try:
        return Path(
            diffusers_library().DiffusionPipeline.download(asked.model, revision=asked.revision or None)
        )
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())[:300]
        raise UsageError(f"--model {asked.model}: is no folder here, and cannot be fetched: {said}") from None


def _from_folder(asked: ModelAsked, folder: Path, dtype: Any) -> Any:
    library = diffusers_library()
    # Version 0.42 renamed it; earlier ones would put the new name aside without a word.
    name = "dtype" if tuple(map(int, library.__version__.split(".")[:2])) >= (0, 42) else "torch_dtype"
    more = {} if dtype == "auto" else {name: dtype}
    try:
        return library.DiffusionPipeline.from_pretrained(str(folder), local_files_only=True, **more)
    except (OSError, ValueError, TypeError, ImportError, RuntimeError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split())[:300]
        raise UsageError(f"--model {asked.model}: cannot be loaded: {said}") from None
