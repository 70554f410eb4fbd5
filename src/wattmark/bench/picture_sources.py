"""Queries of published datasets of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wattmark.bench.asking import Query, QuerySet
from wattmark.bench.media_rows import media_rows, picture_in
from wattmark.bench.published import Make, published_set
from wattmark.bench.published_table import Chosen
from wattmark.core.errors import UsageError


def pictures_of(task: str, make: Make, names: Sequence[str], count: int, seed: int) -> QuerySet:
    """So many queries of the datasets named; raises UsageError naming what is missing."""
    return published_set(task, names, count, seed, make, ready=media_rows)


def classified(index: int, chosen: Chosen) -> Query:
    """A picture and its label, where there is one."""
    label = chosen.values.get("label")
    return Query(
        index=index,
        inputs={"image": picture_in(chosen)},
        reference=None if label is None else str(label),
        part=chosen.part,
    )


def detected(index: int, chosen: Chosen) -> Query:
    """A picture and what is in it, where that is known.

    ``objects`` is either columns ``bbox`` (left, top, right, bottom) and ``category``, as in
    detection-datasets/coco, or a list of x, y, w, h and names, as in Visual Genome.
    """
    objects = chosen.values.get("objects")
    gold = None if objects is None else tuple(_things(objects, chosen.part))
    return Query(index=index, inputs={"image": picture_in(chosen)}, reference=gold, part=chosen.part)


def captioned(index: int, chosen: Chosen) -> Query:
    """A picture and its captions, where there are any."""
    return Query(
        index=index,
        inputs={"image": picture_in(chosen)},
        reference=captions_in(chosen) or None,
        part=chosen.part,
    )


def captions_in(chosen: Chosen) -> tuple[str, ...]:
    """One caption or several; blank ones are none."""
    said = chosen.values.get("captions")
    every = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    return tuple(each.strip() for each in every if isinstance(each, str) and each.strip())


def _things(objects: Any, part: str) -> Iterator[dict[str, Any]]:
    try:
        if isinstance(objects, Mapping):
            for name, box in zip(objects["category"], objects["bbox"], strict=True):
                left, top, right, bottom = map(float, box)
                yield {"label": str(name), "box": (left, top, right, bottom)}
            return
        for thing in objects:
            left, top = float(thing["x"]), float(thing["y"])
            box = (left, top, left + float(thing["w"]), top + float(thing["h"]))
            yield {"label": str(thing["names"][0]), "box": box}
    except (KeyError, IndexError, TypeError, ValueError):
        raise UsageError(
            f"--dataset {part}: a row's objects are neither bbox and category nor x, y, w, h and names"
        ) from None
