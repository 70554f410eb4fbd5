"""Writing answers: as many tokens as pinned, greedily, counted without padding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wattmark.bench.asking import ModelAsked, Query
from wattmark.bench.models.generating import WritingAnswerer
from wattmark.bench.models.inputs import fitted
from wattmark.bench.models.loading import load_text_model
from wattmark.bench.models.made import Family
from wattmark.core.bench.pinned import DatasetPin, Pinned

torch = pytest.importorskip("torch", reason="needs torch (extra bench)")
pytest.importorskip("transformers", reason="needs transformers (extra bench)")
pytestmark = pytest.mark.slow

WRITING = (Family.CAUSAL, Family.SEQ2SEQ)
PIN = DatasetPin(name="none", revision="", sha256="", rows=1, synthetic=True)
PINNED = Pinned(task="text_generation", dataset=PIN, queries=1, seed=0, max_input_tokens=50, output_tokens=6)
TEXTS = ("the small boat", "a very old doctor near the harbour of the island", "the " * 70)
QUERIES = tuple(Query(index=i, inputs={"text": text}) for i, text in enumerate(TEXTS))


def answerer(pinned: Pinned = PINNED, families: tuple[Family, ...] = WRITING, **more: Any) -> WritingAnswerer:
    loaded = load_text_model(ModelAsked(model="tiny", device="cpu"), pinned, families)
    return WritingAnswerer(loaded=loaded, pinned=pinned, facts=loaded.facts, **more)


def asked(model: WritingAnswerer, *queries: Query, **more: Any) -> Any:
    return model.answer(queries, model.prepare(queries), **more)


@pytest.mark.parametrize("families", [WRITING, (Family.SEQ2SEQ,)])
def test_counts_what_went_in_and_came_out(families: tuple[Family, ...]) -> None:
    """3, 10 and 70 words, of which 50 are asked and 20 cut off; 6 new tokens each."""
    answers = asked(answerer(families=families), *QUERIES)
    assert [a.input_tokens for a in answers] == [3, 10, 50]
    assert [a.truncated_tokens for a in answers] == [0, 0, 20]
    assert [a.output_tokens for a in answers] == [6, 6, 6]
    assert not any(a.failed for a in answers)


def test_a_batch_answers_as_each_alone() -> None:
    """Padding on the left changes nothing: the same words come out."""
    model = answerer()
    together = [a.output for a in asked(model, *QUERIES)]
    assert together == [asked(model, query)[0].output for query in QUERIES]


def test_one_token_can_be_asked_for() -> None:
    """The pass that tells prefill apart."""
    assert [a.output_tokens for a in asked(answerer(), *QUERIES, output_tokens=1)] == [1, 1, 1]


def test_the_model_cannot_end_a_fixed_answer() -> None:
    """A model that would end at once (the end is its likeliest token) still writes 6 tokens."""
    model = answerer()
    _always(model, model.loaded.tokenizer.eos_token_id)
    assert asked(model, QUERIES[0])[0].output_tokens == 6


def test_an_answer_may_end_early_where_none_is_fixed() -> None:
    """The same model with at most 6 tokens ends after 1, and what is padded in its batch is not counted."""
    model = answerer(replace(PINNED, output_tokens=None, max_output_tokens=6))
    _always(model, model.loaded.tokenizer.eos_token_id)
    assert [a.output_tokens for a in asked(model, *QUERIES[:2])] == [1, 1]


def test_the_window_of_the_model_is_never_overrun() -> None:
    """2,048 tokens: at most 4,000 new ones after 1,500 become 548; half of it is left to them at least."""
    pinned = replace(PINNED, max_input_tokens=None, output_tokens=None, max_output_tokens=4000)
    model = answerer(pinned)
    long = Query(index=0, inputs={"text": "the " * 3000})
    assert model.prepare([long]).input_tokens == (1024,)
    settings = model._settings(None, 1500)
    assert settings.max_new_tokens == 548


def test_the_first_token_has_its_time() -> None:
    """By a clock that goes one second at each look: start at 0, first token at 1."""
    ticks = iter(range(100))
    model = answerer(clock=lambda: float(next(ticks)))
    assert asked(model, QUERIES[0])[0].first_output_seconds == 1.0


def test_settings_of_the_model_do_not_stray_from_the_pins() -> None:
    """Sampling, beams and penalties that were shipped with a model are put aside."""
    model = answerer()
    plain = asked(model, QUERIES[1])[0].output
    shipped = model.loaded.model.generation_config
    shipped.do_sample, shipped.num_beams, shipped.temperature = True, 3, 9.0
    shipped.repetition_penalty, shipped.no_repeat_ngram_size = 5.0, 2
    assert asked(model, QUERIES[1])[0].output == plain


def test_a_query_that_fails_is_told() -> None:
    """A model that raises gives answers that say why; nothing is raised, no path is told."""
    model = answerer()
    prepared = model.prepare(QUERIES[:2])
    prepared.tensors["input_ids"] += 10_000_000
    answers = model.answer(QUERIES[:2], prepared)
    assert len(answers) == 2
    assert all(a.output is None and a.failed.startswith("IndexError") for a in answers)


def test_text_is_cut_inside_its_frame() -> None:
    """Ten tokens: two of the frame stay, eight of the text do."""
    loaded = answerer().loaded
    framed, cut = fitted(loaded, "the " * 30, lambda text: f"question {text} answer", 10, framed=True)
    assert framed.split() == ["question", *["the"] * 8, "answer"]
    assert cut == 22


def test_what_is_wrong_with_an_output_makes_it_fail() -> None:
    """A check of the task decides; the tokens still count."""
    answer = asked(answerer(wrong=lambda text: "not so"), QUERIES[0])[0]
    assert (answer.failed, answer.output_tokens) == ("not so", 6)


def test_closing_gives_the_model_back() -> None:
    """After the end there is no model left to hold memory."""
    model = answerer()
    model.close()
    assert model.loaded.model is None


def _always(model: WritingAnswerer, token: int) -> None:
    """Make one token the likeliest everywhere."""

    class Biased(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, head: Any) -> None:
            super().__init__()
            self.head = head

        def forward(self, states: Any) -> Any:
            logits = self.head(states)
            logits[..., token] += 1000.0
            return logits

    model.loaded.model.lm_head = Biased(model.loaded.model.lm_head)
