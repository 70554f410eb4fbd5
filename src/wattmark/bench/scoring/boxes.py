"""Detections held against gold boxes, as COCO and Pascal VOC do it.

T.-Y. Lin et al., Microsoft COCO: Common Objects in Context, 2014, https://arxiv.org/abs/1405.0312; the code
that everybody follows is pycocotools' COCOeval. Boxes are left, top, right, bottom, in pixels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Box = tuple[float, float, float, float]

OVERLAP = 0.5
"""Least intersection over union of a hit: AP50."""
MOST_PER_CLASS = 100
"""Detections of a class in one picture that count, the most confident ones (COCOeval's maxDets)."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Something that a model found."""

    label: str
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class Gold:
    """Something that is there."""

    label: str
    box: Box


def held_against(gold: Sequence[Gold], found: Sequence[Detection]) -> dict[str, Any]:
    """What average precision needs of one picture, as plain JSON.

    ``gold``: how many boxes of each class there are; ``found``: class, confidence and whether it is a hit, of
    each detection. From the most confident on, each takes the free gold box of its class that it overlaps
    most, if by :data:`OVERLAP`; a gold box is taken once, so that a second detection of it is a miss.
    """
    taken: set[int] = set()
    rows: list[list[Any]] = []
    for detection in _counted(found):
        best = _best(gold, detection, taken)
        if best is not None:
            taken.add(best)
        rows.append([detection.label, detection.confidence, best is not None])
    return {"gold": dict(sorted(Counter(thing.label for thing in gold).items())), "found": rows}


def overlap(a: Box, b: Box) -> float:
    """Intersection over union; 0 where either is empty."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _counted(found: Sequence[Detection]) -> list[Detection]:
    """From the most confident on, equal ones in their order, no more of a class than count."""
    kept: Counter[str] = Counter()
    rows = []
    for detection in sorted(found, key=lambda d: -d.confidence):
        kept[detection.label] += 1
        if kept[detection.label] <= MOST_PER_CLASS:
            rows.append(detection)
    return rows


def _best(gold: Sequence[Gold], detection: Detection, taken: set[int]) -> int | None:
    """The free gold box of its class that a detection overlaps most; of equal ones the last, as COCOeval."""
    best, most = None, OVERLAP
    for place, thing in enumerate(gold):
        if place in taken or thing.label != detection.label:
            continue
        shared = overlap(thing.box, detection.box)
        if shared >= most:
            best, most = place, shared
    return best
