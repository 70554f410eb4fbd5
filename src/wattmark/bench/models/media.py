"""Loads a model of pictures or sound, with what prepares its inputs: from a folder, the hub, or made here."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wattmark.bench.asking import ModelAsked
from wattmark.bench.models.device import device_of, dtype_of, seeded, synchronise, torch_module
from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.shipped import fetched
from wattmark.bench.models.weights import folder_sha256, made_sha256, parameters_of, quantisation_of
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.errors import UsageError

TINY = "tiny"
RANDOM = "random:"
MEDIA_OPTIONS: Mapping[str, str] = {"attention": "default"}
"""What else is pinned of a model: the implementation of attention (sdpa, eager, flash_attention_2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a task wants of a model."""

    classes: tuple[str, ...]
    """Auto classes of transformers, by preference; a name that this version lacks is passed over."""
    helpers: tuple[str, ...]
    """Auto classes of what prepares inputs and reads outputs, e.g. ``AutoImageProcessor``."""
    tiny: Callable[[], Sequence[Any]]
    """A model and its helpers, made on the spot."""


@dataclass(slots=True, kw_only=True)
class Media:
    """A model that is ready to be asked."""

    model: Any
    helpers: tuple[Any, ...]
    device: Any
    facts: ModelFacts

    def placed(self, inputs: Any) -> dict[str, Any]:
        """Inputs on the device; numbers with a fraction in the precision of the model."""
        return {
            name: value.to(self.device, self.model.dtype)
            if value.is_floating_point()
            else value.to(self.device)
            for name, value in inputs.items()
        }

    def done(self) -> None:
        """Wait until the device has done its work."""
        synchronise(self.device)

    def release(self) -> None:
        """Give the model's memory back."""
        self.model = None
        memory_back()


def load_media(asked: ModelAsked, pinned: Pinned, kind: Kind) -> Media:
    """The model, its helpers, and where they run.

    Raises MissingExtra, or UsageError that names what is wrong. Random weights come from the pinned seed;
    PyTorch's random numbers outside stay as they were.
    """
    transformers_library()
    refuse_unknown(asked, pinned, tuple(MEDIA_OPTIONS))
    device = device_of(asked.device)
    dtype = dtype_of(pinned.dtype, device)
    if asked.model == TINY:
        with seeded(pinned.seed):
            model, *helpers = kind.tiny()
        return _made(asked, pinned, model, helpers, device, dtype)
    if asked.model.startswith(RANDOM):
        return _drawn(asked, pinned, kind, device, dtype)
    return _shipped(asked, pinned, kind, device, dtype)


def memory_back() -> None:
    """Give memory back that nothing points at any more, that of a GPU too."""
    gc.collect()
    torch = torch_module()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def refuse_unknown(asked: ModelAsked, pinned: Pinned, known: Sequence[str]) -> None:
    """Raise UsageError for a setting that nothing would look at; pins of the task are no such."""
    unknown = sorted(asked.settings.keys() - pinned.options.keys() - set(known))
    if unknown:
        raise UsageError(f"{unknown[0]}: a model of this task has the settings {', '.join(known) or 'none'}")


def name_of(asked: ModelAsked) -> str:
    """What a model is called in results: the last part of a folder's path, else as it was asked for."""
    path = Path(asked.model).expanduser()
    return path.resolve().name if path.is_dir() else asked.model


def _made(
    asked: ModelAsked, pinned: Pinned, model: Any, helpers: Sequence[Any], device: Any, dtype: Any
) -> Media:
    model = _placed(model, device, dtype)
    facts = facts_of(
        asked,
        [model],
        device,
        sha256=made_sha256([model], model.config.to_diff_dict()),
        version=f"seed {pinned.seed}",
        random=True,
    )
    return Media(model=model, helpers=tuple(helpers), device=device, facts=facts)


def _drawn(asked: ModelAsked, pinned: Pinned, kind: Kind, device: Any, dtype: Any) -> Media:
    """The architecture of a configuration, with the helpers that lie beside it and random weights."""
    library = transformers_library()
    place = asked.model.removeprefix(RANDOM)
    config = _told(asked, lambda: library.AutoConfig.from_pretrained(place, **_pin(asked)))
    loader = _class_for(config, kind, asked)
    with seeded(pinned.seed):
        model = _told(asked, lambda: loader.from_config(config, **_attention(asked)))
    return _made(asked, pinned, model, _helpers(asked, kind, place, config), device, dtype)


def _shipped(asked: ModelAsked, pinned: Pinned, kind: Kind, device: Any, dtype: Any) -> Media:
    library = transformers_library()
    where = fetched(asked.model, asked.revision)
    place = str(where.folder)
    config = _told(asked, lambda: library.AutoConfig.from_pretrained(place))
    loader = _class_for(config, kind, asked)
    with seeded(pinned.seed):
        model, said = _told(
            asked,
            lambda: loader.from_pretrained(
                place, dtype=dtype, output_loading_info=True, local_files_only=True, **_attention(asked)
            ),
        )
    new = sorted(said.get("missing_keys", ()))
    model = _placed(model, device, None)
    facts = facts_of(
        asked,
        [model],
        device,
        sha256=folder_sha256(where.folder),
        version=where.revision + (f" with {len(new)} tensors that it lacks made at random" if new else ""),
        random=bool(new),
    )
    return Media(model=model, helpers=tuple(_helpers(asked, kind, place, config)), device=device, facts=facts)


def facts_of(
    asked: ModelAsked, models: Sequence[Any], device: Any, *, sha256: str, version: str, random: bool
) -> ModelFacts:
    """What the first of the models says of itself, with the parameters of all."""
    first = models[0]
    return ModelFacts(
        id=name_of(asked),
        version=version.strip(),
        sha256=sha256,
        parameters=parameters_of(*models),
        architecture=type(first).__name__,
        random_weights=random,
        device=str(device),
        served_by=f"transformers {transformers_library().__version__}, torch {torch_module().__version__}",
        dtype=str(first.dtype).removeprefix("torch."),
        quantisation=quantisation_of(first.config),
    )


def _class_for(config: Any, kind: Kind, asked: ModelAsked) -> Any:
    """The first class that knows the architecture."""
    library = transformers_library()
    for name in kind.classes:
        loader = getattr(library, name, None)
        if loader is not None and type(config) in loader._model_mapping:
            return loader
    raise UsageError(
        f"{asked.model}: a {config.model_type} is no {' or '.join(kind.classes)} of transformers"
    )


def _helpers(asked: ModelAsked, kind: Kind, place: str, config: Any) -> list[Any]:
    """Encoder and decoder put together bring no processor of both: each is loaded for itself."""
    library = transformers_library()
    names = kind.helpers
    if config.model_type == "vision-encoder-decoder":
        names = ("AutoImageProcessor", "AutoTokenizer")
    pin = _pin(asked) if asked.model.startswith(RANDOM) else {"local_files_only": True}
    return [_told(asked, partial(getattr(library, name).from_pretrained, place, **pin)) for name in names]


def _pin(asked: ModelAsked) -> dict[str, Any]:
    return {"revision": asked.revision or None, "trust_remote_code": False}


def _attention(asked: ModelAsked) -> dict[str, str]:
    chosen = asked.settings.get("attention", MEDIA_OPTIONS["attention"])
    return {} if chosen == MEDIA_OPTIONS["attention"] else {"attn_implementation": chosen}


def _told(asked: ModelAsked, load: Callable[[], Any]) -> Any:
    """What is loaded; every way in which transformers says that it cannot is told with the model's name."""
    try:
        return load()
    except (OSError, ValueError, TypeError, ImportError, RuntimeError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split())[:400]
        raise UsageError(f"--model {asked.model}: cannot be loaded: {said}") from None


def _placed(model: Any, device: Any, dtype: Any) -> Any:
    try:
        moved = model.to(device) if dtype in (None, "auto") else model.to(device=device, dtype=dtype)
    except RuntimeError as error:  # out of memory is one
        raise UsageError(f"the model does not fit on {device}: {str(error).strip()[:200]}") from None
    return moved.eval()
