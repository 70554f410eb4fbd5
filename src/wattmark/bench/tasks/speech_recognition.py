"""Automatic speech recognition: write down what is said.

Sequence models (Whisper) write greedily until they end, at most :data:`MAX_TOKENS` tokens; CTC models
(Wav2Vec2, HuBERT) look once. Sound beyond :data:`LONGEST` seconds is cut off, since Whisper hears no
more at once; ``audio_seconds`` counts what was heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.answering import LocalAnswerer
from wattmark.bench.models.device import torch_module
from wattmark.bench.models.media import Kind, Media, load_media
from wattmark.bench.models.settings import MEDIA_OPTIONS
from wattmark.bench.models.steps import Steps, ends_of, new_tokens
from wattmark.bench.models.tiny_speech import tiny_whisper
from wattmark.bench.scoring.word_errors import word_errors
from wattmark.bench.sound_sources import resampled, sounds_of
from wattmark.bench.synthetic.picture_queries import to_write_down
from wattmark.bench.synthetic.sounds import VERSION
from wattmark.bench.synthetic.texts import synthetic_set
from wattmark.core.bench.pinned import Pinned

TASK = "speech_recognition"
KIND = Kind(
    classes=("AutoModelForSpeechSeq2Seq", "AutoModelForCTC"),
    processors=("AutoFeatureExtractor", "AutoTokenizer"),
    tiny=tiny_whisper,
)
MAX_TOKENS = 224
"""Half of Whisper's text context, its own default (openai/whisper, decoding.py, sample_len, 2022)."""
LONGEST = 30
"""Seconds."""


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """Batch 1, float32, greedy; English where a model wants to be told the language."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        max_output_tokens=MAX_TOKENS,
        options={**MEDIA_OPTIONS, "language": "en", "longest_seconds": str(LONGEST)},
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Made-up words of tones, which models that know speech make nothing of."""
    return synthetic_set(TASK, to_write_down, count, seed, version=VERSION)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """LibriSpeech, Common Voice and People's Speech in equal parts, or those named."""
    return sounds_of(TASK, names, count, seed)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A Whisper-like or a CTC model of transformers."""
    return _Writer(load_media(asked, pinned, KIND), pinned)


def score(query: Query, answer: Answer) -> list[int] | None:
    """Word errors and words of the reference (bench/scoring/word_errors.py); None without a word in it."""
    if query.reference is None or answer.failed or answer.output is None:
        return None
    found = word_errors(str(query.reference), str(answer.output))
    return None if found is None else list(found)


@dataclass(frozen=True, slots=True)
class _Writer(LocalAnswerer[Media]):
    pinned: Pinned

    def prepare(self, batch: Sequence[Query]) -> Any:
        extractor = self.held.processors[0]
        rate = extractor.sampling_rate
        longest = int(self.pinned.options.get("longest_seconds", LONGEST)) * rate
        sounds = [
            resampled(query.inputs["audio"], query.inputs["sampling_rate"], rate)[:longest] for query in batch
        ]
        more = {} if self._generates else {"padding": True}
        inputs = extractor(sounds, sampling_rate=rate, return_tensors="pt", **more)
        return self.held.placed(inputs), [len(sound) / rate for sound in sounds]

    def answered(self, batch: Sequence[Query], prepared: Any, output_tokens: int | None) -> list[Answer]:
        inputs, seconds = prepared
        tokenizer = self.held.processors[1]
        with torch_module().inference_mode():
            rows, counts = self._written(inputs, output_tokens)
        self.held.done()
        return [
            Answer(
                output=tokenizer.decode(row, skip_special_tokens=True).strip(),
                output_tokens=count,
                audio_seconds=heard,
            )
            for row, count, heard in zip(rows, counts, seconds, strict=True)
        ]

    @property
    def _generates(self) -> bool:
        return bool(self.held.model.can_generate())

    def _written(self, inputs: Any, limit: int | None) -> tuple[list[list[int]], list[int | None]]:
        """Ids and number of new tokens of each; a CTC model makes none."""
        model, steps = self.held.model, Steps()
        if not self._generates:
            rows = model(**inputs).logits.argmax(dim=-1).tolist()
            return rows, [None] * len(rows)
        told: dict[str, Any] = {}
        if getattr(model.generation_config, "is_multilingual", False):
            told = {"language": self.pinned.options.get("language", "en"), "task": "transcribe"}
        most = limit or self.pinned.max_output_tokens or MAX_TOKENS
        room = getattr(model.config, "max_target_positions", most + 8) - 8  # Whisper's own signs come first
        made = model.generate(
            **inputs,
            max_new_tokens=min(most, room),
            do_sample=False,
            num_beams=1,
            logits_processor=[steps],
            **told,
        )
        rows = made.tolist()
        return rows, [new_tokens(row, steps.taken, ends_of(model)) for row in rows]
