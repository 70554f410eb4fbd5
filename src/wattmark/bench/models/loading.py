"""Loads a text model and its tokenizer: from a folder, the hub, or made on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattmark.bench.asking import ModelAsked
from wattmark.bench.models.device import device_of, dtype_of, memory_back, placed, seeded
from wattmark.bench.models.facts import RANDOM, TINY, facts_of, shipped_version
from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.made import Family, config_of, tiny_config
from wattmark.bench.models.settings import TEXT_OPTIONS, attention_asked, refuse_unknown
from wattmark.bench.models.shipped import fetched
from wattmark.bench.models.weights import folder_sha256, made_sha256
from wattmark.bench.models.words_tokenizer import NAME as WORDS
from wattmark.bench.models.words_tokenizer import words_tokenizer
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.errors import UsageError


@dataclass(slots=True, kw_only=True)
class Loaded:
    """A model that is ready to be asked."""

    model: Any
    tokenizer: Any
    device: Any
    """Where inputs go."""
    facts: ModelFacts
    folder: Path | None = None
    """Where it was loaded from, on this machine."""

    def release(self) -> None:
        """Give the model's memory back."""
        self.model = None
        memory_back()


def load_text_model(asked: ModelAsked, pinned: Pinned, families: tuple[Family, ...]) -> Loaded:
    """The model as the first of the families that its architecture can be.

    Raises MissingExtra, or UsageError that names what is wrong. PyTorch's random numbers outside stay as they
    were; random weights come from the pinned seed.
    """
    transformers_library()
    refuse_unknown(asked, pinned, tuple(TEXT_OPTIONS))
    asked = replace(asked, settings=_chosen(asked, pinned))
    device = device_of(asked.device)
    dtype = dtype_of(pinned.dtype, device)
    if asked.model == TINY or asked.model.startswith(RANDOM):
        return _made(asked, pinned, families, device, dtype)
    return _shipped(asked, pinned, families, device, dtype)


def _chosen(asked: ModelAsked, pinned: Pinned) -> dict[str, str]:
    """What differs from the defaults."""
    said = {**pinned.options, **asked.settings}
    return {name: said[name] for name, default in TEXT_OPTIONS.items() if said.get(name, default) != default}


def _made(asked: ModelAsked, pinned: Pinned, families: tuple[Family, ...], device: Any, dtype: Any) -> Loaded:
    transformers = transformers_library()
    framed = not {Family.CAUSAL, Family.SEQ2SEQ} & set(families)
    name = asked.model.removeprefix(RANDOM)
    tokenizer, tokenizer_name = _tokenizer(asked, name, framed=framed)
    ids = {f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("pad", "bos", "eos")}
    if asked.model == TINY:
        config = tiny_config(families[0], len(tokenizer), ids)
    else:
        config = config_of(name, asked.revision, code=asked.model)
        _fit(config, tokenizer, ids, asked.model)
    family = _family(config, families, asked.model)
    loader: Any = getattr(transformers, family)
    with seeded(pinned.seed):
        model = loader.from_config(config, **attention_asked(asked))
    model = placed(model, device, dtype).eval()
    facts = facts_of(
        asked,
        [model],
        device,
        sha256=made_sha256([model], {"config": config.to_diff_dict(), "tokenizer": tokenizer_name}),
        version=f"seed {pinned.seed}, tokenizer {tokenizer_name}",
        random=True,
    )
    return Loaded(model=model, tokenizer=tokenizer, device=device, facts=_with_limit(facts, model, tokenizer))


def _shipped(
    asked: ModelAsked, pinned: Pinned, families: tuple[Family, ...], device: Any, dtype: Any
) -> Loaded:
    from safetensors import SafetensorError

    transformers = transformers_library()
    where = fetched(asked.model, asked.revision)
    place = str(where.folder)
    tokenizer, _ = _tokenizer(asked, place, framed=False)
    config = config_of(place, "", code=asked.model)
    family = _family(config, families, asked.model)
    more = {"device_map": asked.settings["device_map"]} if "device_map" in asked.settings else {}
    loader: Any = getattr(transformers, family)
    try:
        with seeded(pinned.seed):
            model, said = loader.from_pretrained(
                place,
                dtype=dtype,
                output_loading_info=True,
                local_files_only=True,
                **more,
                **attention_asked(asked),
            )
    except (OSError, ValueError, ImportError, RuntimeError, SafetensorError) as error:
        why = str(error).strip()[:400]
        if "ignore_mismatched_sizes" in why:  # what it says then names an option of the library only
            why = "its weights have other shapes than its config.json says"
        raise UsageError(f"{asked.model}: cannot be loaded as {family}: {why}") from None
    model = (model if more else placed(model, device)).eval()
    new = [key for key in said.get("missing_keys", ()) if family is not Family.ENCODER or "pooler" not in key]
    facts = facts_of(
        asked,
        [model],
        _spread(model) if more else device,
        sha256=folder_sha256(where.folder),
        version=shipped_version(where.revision, new),
        random=bool(new),
    )
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        device=model.device if more else device,
        facts=_with_limit(facts, model, tokenizer),
        folder=where.folder,
    )


def _spread(model: Any) -> str:
    """The devices that a model was spread over, e.g. ``cuda:0+cuda:1``."""
    places = {str(place) for place in getattr(model, "hf_device_map", {}).values()} or {str(model.device)}
    return "+".join(sorted(f"cuda:{place}" if place.isdigit() else place for place in places))


def _with_limit(facts: ModelFacts, model: Any, tokenizer: Any) -> ModelFacts:
    return replace(facts, max_input_tokens=input_limit(model.config, tokenizer))


def input_limit(config: Any, tokenizer: Any) -> int | None:
    """How many tokens the model can look at; None where neither it nor its tokenizer has a limit."""
    text = config.get_text_config()
    found = [getattr(text, name, None) for name in ("max_position_embeddings", "n_positions", "seq_length")]
    limits = [limit for limit in found if isinstance(limit, int) and 0 < limit < 10**9]
    if text.model_type in ("roberta", "xlm-roberta", "camembert", "longformer", "mpnet"):
        limits = [limit - 2 for limit in limits]  # their positions begin after the padding id
    of_tokenizer = getattr(tokenizer, "model_max_length", None)
    if isinstance(of_tokenizer, int) and of_tokenizer < 10**9:  # a huge number stands for no limit
        limits.append(of_tokenizer)
    return min(limits) if limits else None


def _family(config: Any, families: tuple[Family, ...], code: str) -> Family:
    """Generating families are told apart by the configuration; the others by what transformers knows."""
    transformers = transformers_library()
    pairs = bool(getattr(config, "is_encoder_decoder", False))
    for family in families:
        if family in (Family.CAUSAL, Family.SEQ2SEQ) and pairs != (family is Family.SEQ2SEQ):
            continue
        mapping: Any = getattr(transformers, family)._model_mapping
        if type(config) in mapping:
            return family
    raise UsageError(f"{code}: a {config.model_type} is no {' or '.join(families)} of transformers")


def _tokenizer(asked: ModelAsked, place: str, *, framed: bool) -> tuple[Any, str]:
    """The tokenizer asked for, else the model's own, else (made models) that of our own words."""
    chosen = asked.settings.get("tokenizer", "")
    made = asked.model == TINY or asked.model.startswith(RANDOM)
    if not chosen and made and not (Path(place) / "tokenizer_config.json").is_file():
        return words_tokenizer(framed=framed), WORDS
    try:
        found = transformers_library().AutoTokenizer.from_pretrained(
            chosen or place, use_fast=True, trust_remote_code=False
        )
    except Exception as error:  # noqa: BLE001 - files of a stranger: the library raises KeyError, and plain
        # Exception, for what it cannot read
        raise UsageError(
            f"{chosen or asked.model}: its tokenizer cannot be loaded "
            f"({type(error).__name__}: {str(error).strip()[:300]}); --pin tokenizer=FOLDER names another"
        ) from None
    if len(found) <= len(found.all_special_ids):  # transformers 5 makes an empty one where there are no files
        raise UsageError(
            f"{chosen or asked.model}: has no tokenizer: save it beside the model "
            "(tokenizer.save_pretrained), or name another with --pin tokenizer=FOLDER"
        )
    if found.pad_token_id is None:
        found.pad_token = found.eos_token or found.unk_token
    return found, Path(chosen).name or "its own"


def _fit(config: Any, tokenizer: Any, ids: Mapping[str, int], code: str) -> None:
    """Special ids of the tokenizer, and room for its tokens."""
    text = config.get_text_config()
    if len(tokenizer) > text.vocab_size:
        raise UsageError(f"{code}: has {text.vocab_size} tokens, its tokenizer {len(tokenizer)}")
    for name, value in ids.items():
        setattr(text, name, value)
