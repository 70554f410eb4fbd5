"""Text models: made on the spot or from a folder, on which device, how precise, and what tells them apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wattmark.bench.asking import ModelAsked
from wattmark.bench.models.classes import model_class
from wattmark.bench.models.device import device_of, dtype_of, seeded
from wattmark.bench.models.loading import Loaded, input_limit, load_text_model
from wattmark.bench.models.made import KNOWN, Family, known_config
from wattmark.bench.models.weights import folder_sha256, quantisation_of
from wattmark.bench.models.words_tokenizer import words_tokenizer
from wattmark.core.bench.pinned import DatasetPin, ModelFacts, Pinned
from wattmark.core.errors import UsageError

torch = pytest.importorskip("torch", reason="needs torch (extra bench)")
pytest.importorskip("transformers", reason="needs transformers (extra bench)")
pytestmark = pytest.mark.slow

WRITING = (Family.CAUSAL, Family.SEQ2SEQ)


def pinned(**changes: Any) -> Pinned:
    pin = DatasetPin(name="none", revision="", sha256="", rows=1, synthetic=True)
    return Pinned(**{"task": "text_generation", "dataset": pin, "queries": 1, "seed": 0, **changes})


def tiny(families: tuple[Family, ...] = WRITING, **changes: Any) -> Loaded:
    return load_text_model(ModelAsked(model="tiny", device="cpu"), pinned(**changes), families)


def saved(folder: Path, loaded: Loaded) -> Path:
    loaded.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", list(Family))
def test_tiny_models_of_every_family(family: Family) -> None:
    """About a hundred thousand parameters, random weights, and says so."""
    facts = tiny((family,)).facts
    assert 100_000 < (facts.parameters or 0) < 300_000
    assert facts.random_weights
    assert (facts.dtype, facts.device, facts.quantisation) == ("float32", "cpu", "none")
    assert facts.served_by.startswith("transformers ")


def test_weights_come_from_the_seed_alone() -> None:
    """The same seed gives the same hash, another seed another; PyTorch's own numbers go on undisturbed."""
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, again, other = (tiny(seed=seed).facts.sha256 for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(torch.rand(3), expected)


def test_the_hash_of_made_weights_knows_their_precision() -> None:
    """They were made for this run: half of their bits gone is another model."""
    assert tiny(dtype="bfloat16").facts.sha256 != tiny().facts.sha256


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("distilgpt2", 81_912_576), ("openai-community/gpt2", 124_439_808)],
)
def test_known_architectures_have_their_published_sizes(name: str, parameters: int) -> None:
    """82 M and 124 M parameters, as the model cards say; the weights stay unmade (meta device)."""
    from transformers import GPT2LMHeadModel

    with torch.device("meta"):
        model = GPT2LMHeadModel(known_config(name))
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_the_gpt2_family_grows() -> None:
    """Each of the five is larger than the one before."""
    sizes = [config.n_layer * config.n_embd**2 for config in map(known_config, KNOWN) if config]
    assert sizes == sorted(sizes)
    assert len(sizes) == 5


def test_a_folder_gives_the_same_model_back(tmp_path: Path) -> None:
    """Saved and loaded: the same logits, named by the last part of its path, not random."""
    made = tiny()
    folder = saved(tmp_path / "little", made)
    loaded = load_text_model(ModelAsked(model=str(folder), device="cpu"), pinned(), WRITING)
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(loaded.model(ids).logits, made.model(ids).logits)
    assert loaded.facts.id == "little"
    assert not loaded.facts.random_weights
    assert str(tmp_path) not in repr(loaded.facts)
    assert loaded.facts.sha256 == folder_sha256(folder)


def test_the_hash_of_a_folder_is_of_what_was_shipped(tmp_path: Path) -> None:
    """Another precision is the same model; one byte of its settings is another; a README is neither."""
    folder = saved(tmp_path / "little", tiny())
    asked = ModelAsked(model=str(folder), device="cpu")
    whole, half = (load_text_model(asked, pinned(dtype=d), WRITING).facts for d in ("float32", "bfloat16"))
    assert whole.sha256 == half.sha256
    assert (whole.dtype, half.dtype) == ("float32", "bfloat16")
    (folder / "README.md").write_text("hello")
    assert folder_sha256(folder) == whole.sha256
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert folder_sha256(folder) != whole.sha256


def test_a_head_that_was_not_shipped_counts_as_random(tmp_path: Path) -> None:
    """An encoder loaded as a classifier works, but its classes mean nothing: the facts say so."""
    folder = saved(tmp_path / "encoder", tiny((Family.ENCODER,)))
    asked = ModelAsked(model=str(folder), device="cpu")
    facts = load_text_model(asked, pinned(), (Family.CLASSIFICATION,)).facts
    assert facts.random_weights
    assert "made at random" in facts.version
    assert not load_text_model(asked, pinned(), (Family.ENCODER,)).facts.random_weights


def test_random_weights_for_an_architecture_in_a_folder(tmp_path: Path) -> None:
    """random:FOLDER takes the settings and leaves the weights."""
    folder = saved(tmp_path / "little", tiny(seed=3))
    facts = load_text_model(ModelAsked(model=f"random:{folder}", device="cpu"), pinned(), WRITING).facts
    assert facts.random_weights
    assert facts.architecture == "LlamaForCausalLM"
    assert str(tmp_path) not in repr(facts)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (ModelAsked(model="./nowhere"), "no folder here, and no id"),
        (ModelAsked(model="random:./nowhere"), "no configuration there"),
        (ModelAsked(model="tiny", device="gpu"), "there is auto, cpu, cuda"),
        (ModelAsked(model="tiny", device="cuda:99"), "--device cuda:99"),
        (
            ModelAsked(model="tiny", settings={"colour": "red"}),
            "colour: a model of this task has the settings",
        ),
    ],
)
def test_says_what_is_wrong(asked: ModelAsked, problem: str) -> None:
    """Bad input is a UsageError that names it."""
    with pytest.raises(UsageError, match=problem):
        load_text_model(asked, pinned(), WRITING)


def test_refuses_a_model_of_another_kind(tmp_path: Path) -> None:
    """A model with encoder and decoder is no causal one; a folder without settings is no model."""
    folder = saved(tmp_path / "t5", tiny((Family.SEQ2SEQ,)))
    with pytest.raises(UsageError, match="no AutoModelForCausalLM"):
        load_text_model(ModelAsked(model=str(folder), device="cpu"), pinned(), (Family.CAUSAL,))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no config\.json"):
        load_text_model(ModelAsked(model=str(tmp_path / "empty")), pinned(), WRITING)


def test_weights_that_are_broken_are_told(tmp_path: Path) -> None:
    """A truncated file of weights is an error that names the model."""
    folder = saved(tmp_path / "little", tiny())
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(UsageError, match="little: cannot be loaded"):
        load_text_model(ModelAsked(model=str(folder), device="cpu"), pinned(), WRITING)


def test_a_folder_without_a_tokenizer_is_told(tmp_path: Path) -> None:
    """transformers 5 makes an empty tokenizer there, and every question would be of no token."""
    tiny().model.save_pretrained(tmp_path / "bare")
    with pytest.raises(UsageError, match=r"bare: (has no tokenizer: save it|its tokenizer cannot)"):
        load_text_model(ModelAsked(model=str(tmp_path / "bare"), device="cpu"), pinned(), WRITING)


def test_a_tokenizer_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The library raises KeyError for it, which is no defect of ours."""
    folder = saved(tmp_path / "garbled", tiny())
    (folder / "tokenizer.json").write_text('{"x": 1}')
    with pytest.raises(UsageError, match=r"garbled: its tokenizer cannot be loaded .*--pin tokenizer="):
        load_text_model(ModelAsked(model=str(folder), device="cpu"), pinned(), WRITING)


def test_weights_of_other_shapes_are_told(tmp_path: Path) -> None:
    """A config.json of another model beside the weights: no option of the library is named instead."""
    folder = saved(tmp_path / "mixed", tiny())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 64}))
    with pytest.raises(UsageError, match=r"mixed: .*its weights have other shapes than its config.json says"):
        load_text_model(ModelAsked(model=str(folder), device="cpu"), pinned(), WRITING)


def test_a_configuration_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """There is one: nobody is asked for a folder with config.json."""
    folder = saved(tmp_path / "odd", tiny())
    (folder / "config.json").write_text('{"model_type": "nosuch"}')
    with pytest.raises(UsageError, match=r"odd: (its config.json cannot be used|its tokenizer cannot)"):
        load_text_model(ModelAsked(model=str(folder), device="cpu"), pinned(), WRITING)


def test_unknown_precision_is_refused() -> None:
    """Names are PyTorch's; nothing is changed silently."""
    with pytest.raises(UsageError, match="--dtype int3"):
        dtype_of("int3", device_of("cpu"))


def test_seeded_weights_do_not_depend_on_what_came_before() -> None:
    """The same numbers inside, whatever was drawn outside."""
    drawn = []
    for before in (0, 5):
        torch.rand(before)
        with seeded(11):
            drawn.append(torch.rand(2))
    assert torch.equal(drawn[0], drawn[1])


def test_limits_of_models() -> None:
    """Llama's window is told by its settings; T5 has none; RoBERTa's positions begin after the padding."""
    from transformers import LlamaConfig, RobertaConfig, T5Config

    class Endless:
        model_max_length = 10**30

    assert input_limit(LlamaConfig(max_position_embeddings=77), Endless()) == 77
    assert input_limit(T5Config(), Endless()) is None
    assert input_limit(RobertaConfig(max_position_embeddings=514), Endless()) == 512


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (None, "none"),
        ({"quant_method": "gptq", "bits": 4}, "gptq, 4 bits"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes, 8 bits"),
        ({"quant_method": "fp8"}, "fp8"),
    ],
)
def test_quantisation_is_told_as_shipped(settings: dict[str, Any] | None, said: str) -> None:
    """Method and bits, from the model's own settings."""

    class Config:
        quantization_config = settings

    assert quantisation_of(Config()) == said


@pytest.mark.parametrize(
    ("billions", "name"), [(0.1, "A"), (20, "A"), (20.1, "B"), (66, "B"), (70, "C"), (None, None)]
)
def test_classes_go_by_parameters(billions: float | None, name: str | None) -> None:
    """Up to 20 and 66 thousand million; unknown stays unknown."""
    count = None if billions is None else round(billions * 1e9)
    assert model_class(ModelFacts(id="x", parameters=count)).model_class == name


def test_our_tokenizer_knows_words_letters_and_pairs() -> None:
    """One token a word of ours, letters of any other, special tokens around a pair, and back to text."""
    tokenizer = words_tokenizer(framed=True)
    ids = tokenizer("The Doctor", "xyz")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == [
        "[CLS]",
        "the",
        "doctor",
        "[SEP]",
        "x",
        "##y",
        "##z",
        "[SEP]",
    ]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the doctor xyz"
