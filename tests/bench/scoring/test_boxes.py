"""Detections held against gold boxes: by hand, and beside pycocotools."""

from __future__ import annotations

import contextlib
import io
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.scoring.boxes import Detection, Gold, held_against, overlap
from wattmark.core.bench.quality import average_precision


def test_half_of_a_box_overlaps_by_half() -> None:
    """10 x 10 and its left half: 50 of 100."""
    assert overlap((0, 0, 10, 10), (0, 0, 5, 10)) == 0.5
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0.0
    assert overlap((0, 0, 10, 10), (0, 0, 0, 10)) == 0.0


def test_a_box_found_twice_is_one_hit_and_one_miss() -> None:
    """The more confident of the two takes it."""
    gold = [Gold("cat", (0, 0, 10, 10))]
    found = [Detection("cat", 0.4, (0, 0, 10, 10)), Detection("cat", 0.9, (0, 0, 10, 9))]
    assert held_against(gold, found) == {
        "gold": {"cat": 1},
        "found": [["cat", 0.9, True], ["cat", 0.4, False]],
    }


def test_another_class_in_the_right_place_is_a_miss() -> None:
    """A dog where a cat is."""
    assert held_against([Gold("cat", (0, 0, 10, 10))], [Detection("dog", 0.9, (0, 0, 10, 10))]) == {
        "gold": {"cat": 1},
        "found": [["dog", 0.9, False]],
    }


def test_each_takes_the_box_that_it_overlaps_most() -> None:
    """Two cats side by side; the second detection goes to the one that is left."""
    gold = [Gold("cat", (0, 0, 10, 10)), Gold("cat", (2, 0, 12, 10))]
    found = [Detection("cat", 0.9, (2, 0, 12, 10)), Detection("cat", 0.8, (1, 0, 11, 10))]
    assert [row[2] for row in held_against(gold, found)["found"]] == [True, True]


def test_no_more_than_a_hundred_of_a_class_count() -> None:
    """101 detections of nothing, and one of another class."""
    found = [Detection("cat", 0.9, (0, 0, 1, 1))] * 101 + [Detection("dog", 0.5, (0, 0, 1, 1))]
    rows = held_against([], found)["found"]
    assert [label for label, _, _ in rows].count("cat") == 100
    assert [label for label, _, _ in rows].count("dog") == 1


_corner = st.integers(0, 6)
_side = st.integers(2, 6)
_label = st.sampled_from(["cat", "dog"])
_box = st.builds(
    lambda x, y, w, h: (float(x), float(y), float(x + w), float(y + h)), _corner, _corner, _side, _side
)
_gold = st.builds(Gold, _label, _box)
_found = st.builds(
    lambda label, percent, box: Detection(label, percent / 100, box), _label, st.integers(1, 99), _box
)


@given(
    pictures=st.lists(
        st.tuples(st.lists(_gold, max_size=4), st.lists(_found, max_size=6)), min_size=1, max_size=3
    )
)
def test_pycocotools_finds_the_same_hits(pictures: list[tuple[list[Gold], list[Detection]]]) -> None:
    """Matches of COCOeval at IoU 0.5, picture by picture and class by class."""
    pytest.importorskip("pycocotools")
    for place, (gold, found) in enumerate(pictures):
        ours = [(label, confidence, hit) for label, confidence, hit in held_against(gold, found)["found"]]
        assert sorted(ours) == sorted(_coco_hits(gold, found)), place


@given(
    pictures=st.lists(
        st.tuples(st.lists(_gold, max_size=4), st.lists(_found, max_size=6)), min_size=1, max_size=4
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_area_is_that_of_pycocotools_but_for_its_grid(
    pictures: list[tuple[list[Gold], list[Detection]]], order: random.Random
) -> None:
    """COCO looks at 101 recalls, we at every change: less than 0.02 apart, whatever was found."""
    pytest.importorskip("pycocotools")
    steps = order.sample(range(1, 1000), sum(len(found) for _, found in pictures))
    apart = [
        (gold, [replace(one, confidence=steps.pop() / 1000) for one in found]) for gold, found in pictures
    ]
    ours = average_precision([held_against(gold, found) for gold, found in apart])
    evaluation = coco_evaluation(apart)
    if ours is None or evaluation is None:
        assert ours is None or ours[0] == 0.0
        return
    precision = evaluation.eval["precision"][0, :, :, 0, -1]
    classes = [precision[:, place].mean() for place in range(2) if precision[0, place] > -1]
    assert abs(ours[0] - sum(classes) / len(classes)) < 0.02


def _coco_hits(gold: list[Gold], found: list[Detection]) -> list[tuple[str, float, bool]]:
    evaluation = coco_evaluation([(gold, found)])
    if evaluation is None:
        return []
    hits = []
    for one in evaluation.evalImgs:
        if one is None:
            continue
        name = {1: "cat", 2: "dog"}[one["category_id"]]
        for score, match in zip(one["dtScores"], one["dtMatches"][0], strict=True):
            hits.append((name, score, bool(match)))
    return hits


def coco_evaluation(pictures: list[tuple[list[Gold], list[Detection]]]) -> Any:
    """COCOeval at IoU 0.5 over pictures of cats (1) and dogs (2), evaluated; None without any detection."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    numbers = {"cat": 1, "dog": 2}
    rows, results = [], []
    for place, (gold, found) in enumerate(pictures, 1):
        for thing in gold:
            rows.append(_row(len(rows) + 1, place, numbers[thing.label], thing.box))
        for one in found:
            results.append(_row(0, place, numbers[one.label], one.box) | {"score": one.confidence})
    if not results:
        return None
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": place, "width": 20, "height": 20} for place in range(1, len(pictures) + 1)],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": rows,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.iouThrs = evaluation.params.iouThrs[:1]
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _row(number: int, picture: int, category: int, box: tuple[float, float, float, float]) -> dict[str, Any]:
    left, top, right, bottom = box
    return {
        "id": number,
        "image_id": picture,
        "category_id": category,
        "bbox": [left, top, right - left, bottom - top],
        "area": (right - left) * (bottom - top),
        "iscrowd": 0,
    }
