"""Reasoning: think about a question, then answer it. The answer may end before the limit of tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.classes import model_class
from wattmark.bench.models.generating import MAX_INPUT_TOKENS, WritingAnswerer
from wattmark.bench.models.loading import load_text_model
from wattmark.bench.models.made import Family
from wattmark.bench.models.settings import TEXT_OPTIONS
from wattmark.bench.published import published_set
from wattmark.bench.scoring.final_answer import exact_match, thought_aloud
from wattmark.bench.synthetic.texts import synthetic_set, to_reason_about
from wattmark.bench.text_rows import text_query
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import UsageError

TASK = "reasoning"

MAX_OUTPUT_TOKENS = 256
"""AI Energy Score allows 8,192 (its reasoning_helpers.py, 2025): profile ``aies``."""

ON, OFF, AS_SHIPPED = "on", "off", "as shipped"
"""Whether the model is told to think. ``as shipped`` tells it nothing."""

_SWITCH = "enable_thinking"
"""What chat templates call the switch (Qwen3, SmolLM3, Granite 4 and others)."""


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """At most 256 new tokens after at most 1,000; reasoning as the model was shipped."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        max_input_tokens=MAX_INPUT_TOKENS,
        max_output_tokens=MAX_OUTPUT_TOKENS,
        options={**TEXT_OPTIONS, "reasoning": AS_SHIPPED},
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Sums in words, with one number as the answer."""
    return synthetic_set(TASK, to_reason_about, count, seed)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """Texts without an answer that could be checked, or questions with one (``gsm8k``)."""
    return published_set(TASK, names, count, seed, text_query)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A language model; by its chat template where it has one. Raises UsageError where the state of reasoning
    that is asked for cannot be set: a model that thinks anyway is never called one that does not."""
    loaded = load_text_model(asked, pinned, (Family.CAUSAL, Family.SEQ2SEQ))
    wanted = asked.settings.get("reasoning") or pinned.options.get("reasoning", AS_SHIPPED)
    frame, state = _frame(loaded.tokenizer, wanted, asked.model)
    return WritingAnswerer(
        loaded=loaded,
        pinned=pinned,
        facts=replace(model_class(loaded.facts), reasoning=state),
        frame=frame,
        framed=frame is None,
        keep_special=frame is not None,
        wrong=_thought_though_off if state == OFF else None,
    )


def score(query: Query, answer: Answer) -> float | None:
    """1 where the final answer is exactly right, else 0; None where nobody knows the answer."""
    if query.reference is None or answer.failed or answer.output is None:
        return None
    return exact_match(str(query.reference), str(answer.output))


def _thought_though_off(text: str) -> str:
    return "reasoning is off, and the model thought aloud" if thought_aloud(text) else ""


def _frame(tokenizer: Any, wanted: str, model: str) -> tuple[Callable[[str], str] | None, str]:
    """The chat template with its switch set, and the state that this is; None where there is no template."""
    if wanted not in (ON, OFF, AS_SHIPPED):
        raise UsageError(f"reasoning={wanted}: there is {ON}, {OFF} and {AS_SHIPPED!r}")
    if not getattr(tokenizer, "chat_template", None):
        if wanted == ON:
            raise UsageError(
                f"{model}: has no chat template that could tell it to think; leave reasoning out"
            )
        return None, AS_SHIPPED if wanted == AS_SHIPPED else OFF
    if wanted == AS_SHIPPED:
        return _template(tokenizer, {}), AS_SHIPPED
    on, off = (_template(tokenizer, {_SWITCH: value}) for value in (True, False))
    if on("x") == off("x"):
        raise UsageError(
            f"{model}: its chat template has no switch {_SWITCH}, so that reasoning cannot be turned "
            f"{wanted}; leave reasoning out"
        )
    return (on, ON) if wanted == ON else (off, OFF)


def _template(tokenizer: Any, switch: Mapping[str, bool]) -> Callable[[str], str]:
    def framed(text: str) -> str:
        said = [{"role": "user", "content": text}]
        return str(tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True, **switch))

    return framed
