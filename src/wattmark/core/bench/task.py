"""The tasks of the benchmark: what one query is, what it puts out, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Scoring(StrEnum):
    """How the scores of queries become one quality. Each is a function of what the query records hold."""

    MEAN = "mean"
    """Each query has a number; their mean."""
    RATIO = "ratio"
    """Each query has [part, whole]; the sum of parts over the sum of wholes (word error rate)."""
    SPEARMAN = "spearman"
    """Each query has [predicted, gold]; the rank correlation over all of them."""
    AVERAGE_PRECISION = "average_precision"
    """Each query has its gold boxes per class and its detections; mean average precision over classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task, as everybody who rates it must understand it."""

    id: str
    """As it is written on the command line and in results, e.g. ``text_generation``."""
    title: str
    """As AI Energy Score writes it, e.g. ``text generation``."""
    what: str
    """One sentence: what a query asks for."""
    output_unit: str | None = None
    """What is counted of an answer beside the query itself: output_tokens, images, audio_seconds."""
    quality: str
    """Name of the quality, e.g. ``accuracy``."""
    higher_is_better: bool = True
    scoring: Scoring = Scoring.MEAN
    classes: bool = False
    """Whether models are rated within classes A, B and C (text generation and reasoning only)."""
    inference: bool = True
    """False for training and data pipelines: energy until a target quality is reached, no steady state."""


_ALL = (
    Task(
        id="text_generation",
        title="text generation",
        what="go on with a text",
        output_unit="output_tokens",
        quality="rouge_l",
        classes=True,
    ),
    Task(
        id="reasoning",
        title="reasoning",
        what="think about a question, then answer it",
        output_unit="output_tokens",
        quality="exact_match",
        classes=True,
    ),
    Task(
        id="summarization",
        title="summarization",
        what="put a text into few words",
        output_unit="output_tokens",
        quality="rouge_l",
    ),
    Task(
        id="question_answering",
        title="extractive question answering",
        what="find the answer to a question in a text",
        quality="f1",
    ),
    Task(
        id="text_classification",
        title="text classification",
        what="say which class a text belongs to",
        quality="accuracy",
    ),
    Task(
        id="sentence_similarity",
        title="sentence similarity",
        what="say how much two sentences mean the same",
        quality="spearman",
        scoring=Scoring.SPEARMAN,
    ),
    Task(
        id="image_classification",
        title="image classification",
        what="say what a picture shows",
        output_unit="images",
        quality="accuracy",
    ),
    Task(
        id="object_detection",
        title="object detection",
        what="find the things in a picture",
        output_unit="images",
        quality="average_precision_50",
        scoring=Scoring.AVERAGE_PRECISION,
    ),
    Task(
        id="speech_recognition",
        title="automatic speech recognition",
        what="write down what is said",
        output_unit="audio_seconds",
        quality="word_error_rate",
        higher_is_better=False,
        scoring=Scoring.RATIO,
    ),
    Task(
        id="image_generation",
        title="image generation",
        what="draw what a text describes",
        output_unit="images",
        quality="prompt_adherence",
    ),
    Task(
        id="image_captioning",
        title="image captioning",
        what="describe a picture",
        output_unit="output_tokens",
        quality="rouge_l",
    ),
    Task(
        id="training",
        title="training",
        what="train until the target quality is reached",
        quality="target_quality",
        inference=False,
    ),
    Task(
        id="data_pipeline",
        title="data pipeline",
        what="prepare a dataset until its checks pass",
        quality="target_quality",
        inference=False,
    ),
)

TASKS: Mapping[str, Task] = {task.id: task for task in _ALL}
"""Every task by its id. The eleven with ``inference`` are those of AI Energy Score (its documentation,
index.md, November 2025), under its titles; the last two are ours."""


def task_named(name: str) -> Task | None:
    """The task of an id or a title, however it is written: ``Text Generation``, ``text-generation``."""
    plain = name.strip().lower().replace("-", " ").replace("_", " ")
    spellings = {"summarisation": "summarization", "asr": "automatic speech recognition"}
    plain = spellings.get(plain, plain)
    for task in _ALL:
        if plain in (task.title, task.id.replace("_", " ")):
            return task
    return None
