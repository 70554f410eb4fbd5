"""Synthetic sets of pictures, sound and documents: those that are listed, and what they say is true."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from wattmark import tables
from wattmark.bench.query_hash import query_set_sha256
from wattmark.bench.synthetic.corpus import COPY, KEEP, NEAR_COPY, RUBBISH

pytest.importorskip("numpy")
pytest.importorskip("PIL")

PICTURES_AND_SOUND = (
    "image_classification",
    "object_detection",
    "speech_recognition",
    "image_generation",
    "image_captioning",
)
LISTED: Any = tables.toml("bench/synthetic")
LISTED_COUNTS = [
    *((task, count) for task in PICTURES_AND_SOUND for count in (8, 100, 1000)),
    *(("training", 500), ("training", 1000)),
    *(("data_pipeline", 200), ("data_pipeline", 1000)),
]


def synthetic(task: str, count: int, seed: int = 0) -> Any:
    return importlib.import_module(f"wattmark.bench.tasks.{task}").synthetic(count, seed)


@pytest.mark.parametrize(("task", "count"), LISTED_COUNTS)
def test_sets_are_those_that_are_listed(task: str, count: int) -> None:
    """The hash in data/bench/synthetic.toml is the hash of what is made here and now."""
    made = synthetic(task, count, LISTED[task]["seed"])
    assert made.pin.sha256 == LISTED[task][f"sha256_of_{count}"]
    assert made.pin.revision == LISTED[task]["version"]


@pytest.mark.parametrize("task", [*PICTURES_AND_SOUND, "training", "data_pipeline"])
def test_the_pin_is_of_the_queries_and_says_stand_in(task: str) -> None:
    """Name, number and hash are those of the set itself; nobody can take it for a published one."""
    made = synthetic(task, 3)
    assert made.pin.synthetic
    assert made.pin.name == f"synthetic/{task}"
    assert made.pin.rows == len(made.queries)
    assert made.pin.sha256 == query_set_sha256(made.queries)


@pytest.mark.parametrize("task", PICTURES_AND_SOUND)
def test_a_query_depends_on_its_place_and_the_seed_alone(task: str) -> None:
    """The first three of ten are the three of three; another seed asks something else."""
    three = query_set_sha256(synthetic(task, 3).queries)
    assert query_set_sha256(synthetic(task, 10).queries[:3]) == three
    assert query_set_sha256(synthetic(task, 3, seed=1).queries) != three


def test_what_is_to_be_learned_needs_rows_enough() -> None:
    """However few are asked for, there are 500 pictures and 200 documents."""
    assert synthetic("training", 8).pin.rows == 500
    assert synthetic("data_pipeline", 8).pin.rows == 200


def test_pictures_to_detect_are_annotated_with_kinds_and_boxes_inside() -> None:
    """Every box lies within the picture."""
    for query in synthetic("object_detection", 20).queries:
        width, height = query.inputs["image"].size
        for thing in query.reference:
            left, top, right, bottom = thing["box"]
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height


def test_the_corpus_has_three_faults_in_ten_documents() -> None:
    """100 documents: 70 to keep, and 10 each of copies, near copies and rubbish."""
    kinds = [query.reference for query in synthetic("data_pipeline", 200).queries[:100]]
    assert {kind: kinds.count(kind) for kind in (KEEP, COPY, NEAR_COPY, RUBBISH)} == {
        KEEP: 70,
        COPY: 10,
        NEAR_COPY: 10,
        RUBBISH: 10,
    }
