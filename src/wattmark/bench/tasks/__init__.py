"""The tasks of the benchmark, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Every file is what the protocol says: the type checker holds them to it, and nothing is imported.
    from wattmark.bench.asking import AttemptPart, TaskPart
    from wattmark.bench.tasks import (
        data_pipeline,
        image_captioning,
        image_classification,
        image_generation,
        object_detection,
        question_answering,
        reasoning,
        sentence_similarity,
        speech_recognition,
        summarization,
        text_classification,
        text_generation,
        training,
    )

    _INFERENCE: tuple[TaskPart, ...] = (
        text_generation,
        reasoning,
        summarization,
        question_answering,
        text_classification,
        sentence_similarity,
        image_classification,
        object_detection,
        speech_recognition,
        image_generation,
        image_captioning,
    )
    _ATTEMPTS: tuple[AttemptPart, ...] = (training, data_pipeline)
