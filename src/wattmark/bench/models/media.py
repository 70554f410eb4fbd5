"""Loads a model of pictures or sound, with what prepares its inputs: from a folder, the hub, or made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from wattmark.bench.asking import ModelAsked, Query
from wattmark.bench.models.device import device_of, dtype_of, memory_back, placed, seeded, synchronise
from wattmark.bench.models.facts import RANDOM, TINY, facts_of, shipped_version
from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.settings import MEDIA_OPTIONS, attention_asked, refuse_unknown
from wattmark.bench.models.shipped import fetched
from wattmark.bench.models.weights import folder_sha256, made_sha256
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a task wants of a model."""

    classes: tuple[str, ...]
    """Auto classes of transformers, by preference; a name that this version lacks is passed over."""
    processors: tuple[str, ...]
    """Auto classes of what prepares inputs and reads outputs, e.g. ``AutoImageProcessor``."""
    tiny: Callable[[], Sequence[Any]]
    """A model and its processors, made on the spot."""


@dataclass(slots=True, kw_only=True)
class Media:
    """A model that is ready to be asked."""

    model: Any
    processors: tuple[Any, ...]
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

    def pictures(self, batch: Sequence[Query]) -> dict[str, Any]:
        """The pictures of a batch as the model takes them."""
        images = [query.inputs["image"].convert("RGB") for query in batch]
        return self.placed(self.processors[0](images=images, return_tensors="pt"))

    def done(self) -> None:
        """Wait until the device has done its work."""
        synchronise(self.device)

    def release(self) -> None:
        """Give the model's memory back."""
        self.model = None
        memory_back()


def load_media(asked: ModelAsked, pinned: Pinned, kind: Kind) -> Media:
    """The model, its processors, and where they run.

    Raises MissingExtra, or UsageError that names what is wrong. Random weights come from the pinned seed;
    PyTorch's random numbers outside stay as they were.
    """
    transformers_library()
    refuse_unknown(asked, pinned, tuple(MEDIA_OPTIONS))
    device = device_of(asked.device)
    dtype = dtype_of(pinned.dtype, device)
    if asked.model == TINY:
        with seeded(pinned.seed):
            model, *processors = kind.tiny()
        return _made(asked, pinned, model, processors, device, dtype)
    if asked.model.startswith(RANDOM):
        return _drawn(asked, pinned, kind, device, dtype)
    return _shipped(asked, pinned, kind, device, dtype)


def _made(
    asked: ModelAsked, pinned: Pinned, model: Any, processors: Sequence[Any], device: Any, dtype: Any
) -> Media:
    model = placed(model, device, dtype).eval()
    facts = facts_of(
        asked,
        [model],
        device,
        sha256=made_sha256([model], model.config.to_diff_dict()),
        version=f"seed {pinned.seed}",
        random=True,
    )
    return Media(model=model, processors=tuple(processors), device=device, facts=facts)


def _drawn(asked: ModelAsked, pinned: Pinned, kind: Kind, device: Any, dtype: Any) -> Media:
    """The architecture of a configuration, with the processors that lie beside it and random weights."""
    library = transformers_library()
    place = asked.model.removeprefix(RANDOM)
    config = _told(asked, lambda: library.AutoConfig.from_pretrained(place, **_pin(asked)))
    loader = _class_for(config, kind, asked)
    with seeded(pinned.seed):
        model = _told(asked, lambda: loader.from_config(config, **attention_asked(asked)))
    return _made(asked, pinned, model, _processors(asked, kind, place, config), device, dtype)


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
                place, dtype=dtype, output_loading_info=True, local_files_only=True, **attention_asked(asked)
            ),
        )
    new = sorted(said.get("missing_keys", ()))
    model = placed(model, device).eval()
    facts = facts_of(
        asked,
        [model],
        device,
        sha256=folder_sha256(where.folder),
        version=shipped_version(where.revision, new),
        random=bool(new),
    )
    return Media(
        model=model, processors=tuple(_processors(asked, kind, place, config)), device=device, facts=facts
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


def _processors(asked: ModelAsked, kind: Kind, place: str, config: Any) -> list[Any]:
    """Encoder and decoder put together bring no processor of both: each is loaded for itself."""
    library = transformers_library()
    names = kind.processors
    if config.model_type == "vision-encoder-decoder":
        names = ("AutoImageProcessor", "AutoTokenizer")
    pin = _pin(asked) if asked.model.startswith(RANDOM) else {"local_files_only": True}
    return [_told(asked, partial(getattr(library, name).from_pretrained, place, **pin)) for name in names]


def _pin(asked: ModelAsked) -> dict[str, Any]:
    return {"revision": asked.revision or None, "trust_remote_code": False}


def _told(asked: ModelAsked, load: Callable[[], Any]) -> Any:
    """What is loaded; every way in which transformers says that it cannot is told with the model's name."""
    try:
        return load()
    except (OSError, ValueError, TypeError, ImportError, RuntimeError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split())[:400]
        raise UsageError(f"--model {asked.model}: cannot be loaded: {said}") from None
