"""An answerer that writes texts, greedily, with as many tokens as are pinned."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from wattmark.bench.asking import Answer, Query
from wattmark.bench.models.answering import failures_told
from wattmark.bench.models.device import synchronise, torch_module
from wattmark.bench.models.inputs import Prepared, fitted, limit_of, prepared_texts
from wattmark.bench.models.libraries import transformers_library
from wattmark.bench.models.loading import Loaded
from wattmark.core.bench.pinned import ModelFacts, Pinned

MOST_TOKENS = 256
"""Where no number of output tokens is pinned at all."""

OUTPUT_TOKENS = 10
"""As AI Energy Score has it: min_new_tokens = max_new_tokens = 10 (optimum-benchmark, energy_star, 2025)."""

MAX_INPUT_TOKENS = 1000
"""So that models whose window is 1,024 tokens do the same work as others."""


@dataclass(slots=True, kw_only=True)
class WritingAnswerer:
    """Writes an answer to each text. Batches are padded on the left; padding counts as no token."""

    loaded: Loaded
    pinned: Pinned
    facts: ModelFacts
    frame: Callable[[str], str] | None = None
    """What is put around a text, e.g. a chat template; the text is cut where both are too long."""
    framed: bool = True
    """False where the prompt holds the special tokens already (chat templates)."""
    keep_special: bool = False
    """Whether special tokens stay in the output: some models mark what they think by them."""
    wrong: Callable[[str], str] | None = None
    """What is wrong with an output, so that the query counts as failed; empty where nothing is."""
    clock: Callable[[], float] = time.perf_counter

    def prepare(self, batch: Sequence[Query]) -> Prepared:
        """Tokens of a batch, on the device."""
        limit = limit_of(self.loaded, self.pinned.max_input_tokens, self._kept_free())
        texts = [str(query.inputs["text"]) for query in batch]
        if self.frame is None:
            return prepared_texts(self.loaded, texts, limit, side="left", framed=self.framed)
        fit = [fitted(self.loaded, text, self.frame, limit, framed=self.framed) for text in texts]
        found = prepared_texts(self.loaded, [text for text, _ in fit], None, side="left", framed=self.framed)
        return replace(found, truncated=tuple(cut for _, cut in fit))

    def answer(
        self, batch: Sequence[Query], prepared: Prepared, *, output_tokens: int | None = None
    ) -> list[Answer]:
        """The texts, without special tokens, with the number of tokens up to the end of each."""
        return failures_told(batch, lambda: self._written(batch, prepared, output_tokens))

    def close(self) -> None:
        """Give the model's memory back."""
        self.loaded.release()

    def _written(self, batch: Sequence[Query], prepared: Prepared, asked: int | None) -> list[Answer]:
        torch = torch_module()
        settings = self._settings(asked, prepared.tensors["input_ids"].shape[1])
        # transformers 4 fills what it takes for unset with the model's own settings again
        self.loaded.model.generation_config = settings
        first = _FirstToken(self.loaded.device, self.clock)
        started = self.clock()
        with torch.inference_mode():
            ids = self.loaded.model.generate(
                **prepared.tensors,
                generation_config=settings,
                stopping_criteria=transformers_library().StoppingCriteriaList([first]),
            )
        new = ids if self._pairs() else ids[:, prepared.tensors["input_ids"].shape[1] :]
        rows = new.tolist()
        synchronise(self.loaded.device)
        rows = [row[1:] for row in rows] if self._pairs() else rows  # the decoder's start is not generated
        ends = _ends(settings, self.loaded.tokenizer)
        counts = [_until_end(row, ends) for row in rows]
        texts = [
            self.loaded.tokenizer.decode(row[:count], skip_special_tokens=not self.keep_special)
            for row, count in zip(rows, counts, strict=True)
        ]
        return [
            Answer(
                output=text,
                failed=self.wrong(text) if self.wrong is not None else "",
                input_tokens=prepared.input_tokens[place],
                truncated_tokens=prepared.truncated[place],
                output_tokens=count,
                first_output_seconds=None if first.at is None else first.at - started,
            )
            for place, (text, count) in enumerate(zip(texts, counts, strict=True))
        ]

    def _settings(self, asked: int | None, read: int) -> Any:
        """The model's own settings of generation, without all that would make it stray from the pins."""
        settings = deepcopy(self.loaded.model.generation_config)
        fixed = asked if asked is not None else self.pinned.output_tokens
        for name, value in _GREEDY.items():
            setattr(settings, name, value)
        settings.max_new_tokens = fixed if fixed is not None else self._most(read)
        settings.min_new_tokens = fixed
        settings.pad_token_id = self.loaded.tokenizer.pad_token_id
        if settings.eos_token_id is None:
            settings.eos_token_id = self.loaded.tokenizer.eos_token_id
        return settings

    def _kept_free(self) -> int:
        """Tokens of the window that are left to the output; half of it at most where none are fixed."""
        if self._pairs():
            return 0
        if self.pinned.output_tokens is not None:
            return self.pinned.output_tokens
        window = self.facts.max_input_tokens
        most = self.pinned.max_output_tokens or MOST_TOKENS
        return most if window is None else min(most, window // 2)

    def _most(self, read: int) -> int:
        """New tokens after an input of so many: what is pinned, or less where the window is full before."""
        most = self.pinned.max_output_tokens or MOST_TOKENS
        window = self.facts.max_input_tokens
        return most if window is None or self._pairs() else max(1, min(most, window - read))

    def _pairs(self) -> bool:
        return bool(self.loaded.model.config.is_encoder_decoder)


_GREEDY: dict[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "num_return_sequences": 1,
    "temperature": None,
    "top_p": None,
    "top_k": None,
    "min_p": None,
    "max_length": None,
    "min_length": 0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "length_penalty": 1.0,
    "early_stopping": False,
    "use_cache": True,
    "return_dict_in_generate": False,
    "forced_eos_token_id": None,
}


class _FirstToken:
    """Looked at after each token: notes when the first one was there. Never stops anything."""

    def __init__(self, device: Any, clock: Callable[[], float]) -> None:
        self._device = device
        self._clock = clock
        self.at: float | None = None

    def __call__(self, input_ids: Any, scores: Any, **_more: Any) -> Any:
        if self.at is None:
            synchronise(self._device)
            self.at = self._clock()
        torch = torch_module()
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _ends(settings: Any, tokenizer: Any) -> set[int]:
    said = settings.eos_token_id if settings.eos_token_id is not None else tokenizer.eos_token_id
    return set() if said is None else set(said) if isinstance(said, list | tuple) else {int(said)}


def _until_end(row: list[int], ends: set[int]) -> int:
    """Tokens up to and with the first that ends the text; what follows in a batch is padding."""
    return next((place + 1 for place, token in enumerate(row) if token in ends), len(row))
