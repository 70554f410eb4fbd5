"""Scores of answers about pictures and sound, and what cannot be scored."""

from __future__ import annotations

from typing import Any

import pytest

from wattmark.bench.asking import Answer, ModelAsked, Query
from wattmark.bench.tasks import (
    image_captioning,
    image_classification,
    image_generation,
    object_detection,
    speech_recognition,
)

NOTHING = Answer(output=None, failed="out of memory")
PARTS: Any = (
    image_captioning,
    image_classification,
    image_generation,
    object_detection,
    speech_recognition,
)


def asked(reference: Any, **inputs: Any) -> Query:
    return Query(index=0, inputs=inputs, reference=reference)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.TASK)
def test_a_failed_answer_and_a_query_without_reference_have_no_score(part: Any) -> None:
    """Nothing is made up where nothing can be told."""
    assert part.score(asked({"colour": "red", "background": "white"}), NOTHING) is None
    assert part.score(asked(None), Answer(output="something")) is None


def test_labels_are_compared_without_case_and_underscores() -> None:
    """``apple_pie`` and ``Apple pie`` are one; a tart is none."""
    query = asked("apple_pie")
    assert image_classification.score(query, Answer(output={"label": "Apple pie", "known": True})) == 1.0
    assert image_classification.score(query, Answer(output={"label": "tart", "known": True})) == 0.0
    assert image_classification.score(query, Answer(output="apple pie")) == 1.0


def test_a_model_without_the_label_is_not_wrong() -> None:
    """A model of animals cannot be wrong about beans."""
    assert (
        image_classification.score(asked("bean rust"), Answer(output={"label": "tench", "known": False}))
        is None
    )


def test_boxes_go_to_average_precision() -> None:
    """One of two squares found, and a circle where there is none."""
    query = asked(({"label": "square", "box": (0, 0, 10, 10)}, {"label": "square", "box": (50, 50, 60, 60)}))
    found = [["square", 0.9, [0, 0, 10, 9]], ["circle", 0.8, [50, 50, 60, 60]]]
    expected = {"gold": {"square": 2}, "found": [["square", 0.9, True], ["circle", 0.8, False]]}
    assert object_detection.score(query, Answer(output={"found": found, "known": True})) == expected
    assert object_detection.score(query, Answer(output=found)) == expected
    assert object_detection.score(query, Answer(output={"found": found, "known": False})) is None


def test_an_empty_picture_is_a_chance_to_see_things() -> None:
    """Nothing is there, and something was found: that counts."""
    score = object_detection.score(
        asked(()), Answer(output={"found": [["square", 0.5, [0, 0, 1, 1]]], "known": True})
    )
    assert score == {"gold": {}, "found": [["square", 0.5, False]]}


def test_words_are_counted_against_what_was_said() -> None:
    """Two of three words right."""
    pytest.importorskip("jiwer")
    assert speech_recognition.score(asked("bado ki mesa"), Answer(output="Bado, mesa")) == [1, 3]


def test_the_nearest_caption_counts() -> None:
    """The second caption word for word."""
    pytest.importorskip("rouge_score")
    query = asked(("a red square on white", "there is a red square"))
    assert image_captioning.score(query, Answer(output="there is a red square")) == 1.0


def test_a_picture_of_a_published_prompt_has_no_score_without_a_judge() -> None:
    """No colours are known of it, and no CLIP model was named."""
    image = pytest.importorskip("PIL.Image").new("RGB", (4, 4), "white")
    query = asked(None, prompt="a house by the sea")
    assert image_generation.score(query, Answer(output=image)) is None
    assert image_generation.scorer(ModelAsked(model="tiny")) is image_generation.score


def test_a_white_picture_is_no_red_square() -> None:
    """Half of what was asked for is nothing."""
    pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image").new("RGB", (4, 4), "white")
    query = asked({"colour": "red", "background": "white"}, prompt="a red square on white")
    assert image_generation.score(query, Answer(output=image)) == 0.0
