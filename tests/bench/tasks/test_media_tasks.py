"""Tasks of pictures and sound asked of real models: tiny ones, made on the spot or saved and loaded again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wattmark.bench.asking import ModelAsked
from wattmark.bench.catalog import judge_of, part_of
from wattmark.bench.query_hash import value_sha256
from wattmark.core.bench.task import TASKS
from wattmark.core.errors import UsageError

torch: Any = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")
pytest.importorskip("diffusers")
pytestmark = pytest.mark.slow

MEDIA = (
    "image_classification",
    "object_detection",
    "speech_recognition",
    "image_captioning",
    "image_generation",
)
SMALL = {"steps": "2", "height": "64", "width": "64"}


def pinned_of(task: str, queries: Any, **options: str) -> Any:
    pinned = part_of(TASKS[task]).pinned(queries, 0)
    small = SMALL if task == "image_generation" else {}
    return replace(pinned, options={**pinned.options, **small, **options})


def loaded(
    task: str, model: str = "tiny", *, count: int = 2, dtype: str = "float32", **options: str
) -> tuple[Any, Any]:
    """An answerer and the queries to ask it."""
    part = part_of(TASKS[task])
    queries = part.synthetic(count, 0)
    pinned = replace(pinned_of(task, queries, **options), dtype=dtype)
    return part.load(ModelAsked(model=model, device="cpu", settings=options), pinned), queries.queries


def asked(answerer: Any, queries: Any, **more: Any) -> Any:
    return answerer.answer(queries, answerer.prepare(queries), **more)


@pytest.mark.parametrize("task", MEDIA)
def test_a_tiny_model_answers_every_query_and_is_scored(task: str) -> None:
    """Answers in order, with what they were counted by; scores are plain and not None."""
    answerer, queries = loaded(task)
    answers = asked(answerer, queries)
    assert [answer.failed for answer in answers] == ["", ""]
    for query, answer in zip(queries, answers, strict=True):
        assert part_of(TASKS[task]).score(query, answer) is not None
    facts = answerer.facts
    assert facts.random_weights
    assert facts.device == "cpu"
    assert facts.dtype == "float32"
    assert facts.parameters is not None
    assert 10_000 < facts.parameters < 2_000_000
    answerer.close()


@pytest.mark.parametrize("task", MEDIA)
def test_the_same_seed_makes_the_same_model_and_the_same_answers(task: str) -> None:
    """Hash of the weights and hashes of the answers; random numbers outside are left alone."""
    before = torch.random.get_rng_state()
    both = []
    for _ in range(2):
        answerer, queries = loaded(task, count=1)
        both.append((answerer.facts.sha256, value_sha256(asked(answerer, queries)[0].output)))
    assert both[0] == both[1]
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("task", MEDIA)
def test_a_batch_answers_as_each_alone(task: str) -> None:
    """Two at a time are the two, one after the other."""
    answerer, queries = loaded(task)
    together = [answer.output for answer in asked(answerer, queries)]
    alone = [asked(answerer, [query])[0].output for query in queries]
    if task == "image_generation":  # sums in another order may move a colour by one
        for one, other in zip(together, alone, strict=True):
            near = zip(one.tobytes(), other.tobytes(), strict=True)
            assert max(abs(a - b) for a, b in near) <= 2
    elif task == "object_detection":
        for one, other in zip(together, alone, strict=True):
            assert [row[0] for row in one["found"]] == [row[0] for row in other["found"]]
    else:
        assert together == alone


@pytest.mark.parametrize("task", [task for task in MEDIA if task != "image_generation"])
def test_a_folder_is_loaded_as_it_was_saved(task: str, tmp_path: Path) -> None:
    """The same answers; named by its last part, hashed by its files, its weights not random."""
    if task == "image_captioning" and transformers.__version__.startswith("4."):
        pytest.skip("the processor of BLIP in transformers 4 takes BERT's tokenizer only")
    answerer, queries = loaded(task)
    folder = tmp_path / "my-model"
    answerer.held.model.save_pretrained(folder)
    for processor in answerer.held.processors:
        processor.save_pretrained(folder)
    again, _ = loaded(task, str(folder))
    assert [a.output for a in asked(again, queries)] == [a.output for a in asked(answerer, queries)]
    assert again.facts.id == "my-model"
    assert not again.facts.random_weights
    assert again.facts.parameters == answerer.facts.parameters
    drawn, _ = loaded(task, f"random:{folder}")
    assert drawn.facts.random_weights
    assert drawn.facts.id == "random:my-model"  # no folder of the machine
    assert drawn.facts.architecture == answerer.facts.architecture


def test_a_pipeline_is_loaded_from_its_folder(tmp_path: Path) -> None:
    """The same pictures, pixel for pixel."""
    answerer, queries = loaded("image_generation")
    folder = tmp_path / "my-pipeline"
    answerer.held.pipeline.save_pretrained(folder)
    again, _ = loaded("image_generation", str(folder))
    assert again.facts.id == "my-pipeline"
    assert not again.facts.random_weights
    assert again.facts.architecture == "StableDiffusionPipeline"
    shown = [answer.output.tobytes() for answer in asked(again, queries)]
    assert shown == [answer.output.tobytes() for answer in asked(again, queries)]
    half, _ = loaded("image_generation", str(folder), dtype="float16")
    assert half.facts.dtype == "float16"


def test_noise_depends_on_the_place_of_a_query_alone() -> None:
    """The second query asked first gives the same picture as asked second."""
    answerer, queries = loaded("image_generation")
    second = asked(answerer, [queries[1]])[0].output.tobytes()
    asked(answerer, [queries[0]])
    assert asked(answerer, [queries[1]])[0].output.tobytes() == second
    assert asked(answerer, [queries[0]])[0].output.size == (64, 64)


def test_a_caption_has_as_many_tokens_as_are_pinned() -> None:
    """Ten; one for a pass of prefill."""
    answerer, queries = loaded("image_captioning")
    assert [answer.output_tokens for answer in asked(answerer, queries)] == [10, 10]
    assert [answer.output_tokens for answer in asked(answerer, queries, output_tokens=1)] == [1, 1]


def test_a_speech_model_stops_at_the_pinned_most_and_hears_all() -> None:
    """Random weights hardly ever end by themselves."""
    answerer, queries = loaded("speech_recognition", count=1)
    answer = asked(answerer, queries, output_tokens=5)[0]
    assert answer.output_tokens is not None
    assert 1 <= answer.output_tokens <= 5
    assert answer.audio_seconds == len(queries[0].inputs["audio"]) / 16000


def test_sound_beyond_the_longest_is_cut_off() -> None:
    """One second of the first query."""
    answerer, queries = loaded("speech_recognition", count=1, longest_seconds="1")
    assert asked(answerer, queries, output_tokens=1)[0].audio_seconds == 1.0


def test_a_ctc_model_looks_once(tmp_path: Path) -> None:
    """Wav2Vec2 writes down without generating: no tokens are counted."""
    from wattmark.bench.models.device import seeded
    from wattmark.bench.models.tiny_speech import tiny_wav2vec2

    with seeded(0):
        model, extractor, tokenizer = tiny_wav2vec2()
    for part in (model, extractor, tokenizer):
        part.save_pretrained(tmp_path)
    answerer, queries = loaded("speech_recognition", str(tmp_path))
    answers = asked(answerer, queries)
    assert answerer.facts.architecture == "Wav2Vec2ForCTC"
    assert [(answer.failed, answer.output_tokens) for answer in answers] == [("", None), ("", None)]
    assert all(answer.audio_seconds is not None for answer in answers)


def test_an_encoder_and_a_decoder_put_together_caption(tmp_path: Path) -> None:
    """ViT and GPT-2, each with its own processor."""
    from wattmark.bench.models.device import seeded
    from wattmark.bench.models.tiny_vision import SIDE, tiny_classifier
    from wattmark.bench.models.words_tokenizer import words_tokenizer

    tokenizer = words_tokenizer()
    _, images = tiny_classifier(["a"])
    small = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(hidden_size=32, image_size=SIDE, patch_size=16, **small),
        transformers.GPT2Config(
            vocab_size=len(tokenizer), n_embd=32, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=1
        ),
    )
    config.decoder_start_token_id = config.pad_token_id = tokenizer.pad_token_id
    with seeded(0):
        model = transformers.VisionEncoderDecoderModel(config=config)
    model.generation_config.decoder_start_token_id = tokenizer.pad_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    for part in (model, images, tokenizer):
        part.save_pretrained(tmp_path)
    answerer, queries = loaded("image_captioning", str(tmp_path))
    answers = asked(answerer, queries)
    assert [(answer.failed, answer.output_tokens) for answer in answers] == [("", 10), ("", 10)]


def test_a_detr_without_timm_detects(tmp_path: Path) -> None:
    """A ResNet of transformers as its backbone."""
    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], out_features=["stage2"]
    )
    config = transformers.DetrConfig(
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        backbone_config=backbone,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=5,
        id2label={0: "square", 1: "circle"},
        label2id={"square": 0, "circle": 1},
    )
    transformers.DetrForObjectDetection(config).save_pretrained(tmp_path)
    transformers.DetrImageProcessor(size={"height": 64, "width": 64}).save_pretrained(tmp_path)
    answerer, queries = loaded("object_detection", str(tmp_path), threshold="0")
    answers = asked(answerer, queries)
    assert [len(answer.output["found"]) for answer in answers] == [5, 5]


def test_pictures_of_published_prompts_are_judged_by_clip(tmp_path: Path) -> None:
    """A tiny CLIP with random weights says a number from 0 to 1, twice the same."""
    from wattmark.bench.asking import Answer, Query
    from wattmark.bench.models.words_tokenizer import words_tokenizer
    from wattmark.bench.synthetic.dice import Dice
    from wattmark.bench.synthetic.pictures import picture, scene

    tokenizer = words_tokenizer(framed=True)
    tokenizer.model_max_length = 16
    body = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer), max_position_embeddings=16, eos_token_id=tokenizer.sep_token_id, **body
    )
    vision = transformers.CLIPVisionConfig(image_size=32, patch_size=16, **body)
    config = transformers.CLIPConfig(
        text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=16
    )
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    images = transformers.CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    transformers.CLIPProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(tmp_path)
    asked_for = ModelAsked(model="tiny", settings={"clip": str(tmp_path)})
    score = judge_of(TASKS["image_generation"], asked_for)
    query = Query(index=0, inputs={"prompt": "a house by the sea with many many windows and a red door"})
    answer = Answer(output=picture(scene(Dice("test"))), images=1)
    assert 0 <= score(query, answer) <= 1
    assert score(query, answer) == score(query, answer)
    answerer, _ = loaded("image_generation", clip=str(tmp_path))
    assert answerer.pinned.options["clip"] == tmp_path.name


@pytest.mark.parametrize("task", MEDIA)
def test_what_cannot_be_loaded_is_named(task: str, tmp_path: Path) -> None:
    """An empty folder, a name that is no id, a pin that the task has not."""
    with pytest.raises(UsageError, match="--model"):
        loaded(task, str(tmp_path))
    with pytest.raises(UsageError, match="--model"):
        loaded(task, "no/such/model")
    part = part_of(TASKS[task])
    queries = part.synthetic(1, 0)
    with pytest.raises(UsageError, match="colour"):
        part.load(ModelAsked(model="tiny", settings={"colour": "red"}), part.pinned(queries, 0))


def test_a_model_of_another_task_is_refused(tmp_path: Path) -> None:
    """A ViT detects nothing."""
    answerer, _ = loaded("image_classification")
    answerer.held.model.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="vit is no AutoModelForObjectDetection"):
        loaded("object_detection", str(tmp_path))


def test_a_query_that_fails_is_told_of(tmp_path: Path) -> None:
    """Nothing is raised: a picture that does not fit is a failed query."""
    answerer, queries = loaded("image_classification")
    prepared = answerer.prepare(queries)
    wrong = {"pixel_values": prepared["pixel_values"][..., :32]}
    answers = answerer.answer(queries, wrong)
    assert all(answer.failed and answer.output is None for answer in answers)


@pytest.mark.parametrize("pin", ["steps=0", "width=ten", "guidance=much"])
def test_a_wrong_pin_of_drawing_is_named(pin: str) -> None:
    """Before anything is loaded."""
    name, _, value = pin.partition("=")
    with pytest.raises(UsageError, match=name):
        loaded("image_generation", **{name: value})
