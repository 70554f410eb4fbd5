"""Whether a picture has the colours that were asked for: a measure that needs no other model.

Every pixel counts for the nearest of the named colours (:data:`COLOURS` and :data:`BACKGROUNDS` of
``bench/synthetic/pictures.py``; squared distance in sRGB, of equally near ones the first). With f the share
of pixels nearest to the colour of the shape and b the share nearest to the background's,

    adherence = (f + b) x min(1, f / 0.05) x min(1, b / 0.05),

so 1 where the picture holds nothing but the two colours with at least 5 % of each, and 0 where either is
absent. Whether the shape is the one asked for is not looked at. The formula is ours.
"""

from __future__ import annotations

from typing import Any

from wattmark.bench.synthetic.pictures import BACKGROUNDS, COLOURS
from wattmark.core.errors import MissingExtra

ENOUGH = 0.05
"""Share of the picture from which on a colour counts as there."""

_NAMED = {**COLOURS, **BACKGROUNDS}


def adherence(image: Any, colour: str, background: str) -> float:
    """How much a PIL image has the two colours, 0 to 1. Raises MissingExtra where numpy is absent."""
    shares = nearest_shares(image)
    front, back = shares[colour], shares[background]
    return (front + back) * min(1.0, front / ENOUGH) * min(1.0, back / ENOUGH)


def nearest_shares(image: Any) -> dict[str, float]:
    """Share of pixels that are nearest to each of the named colours; they add up to 1."""
    try:
        import numpy as np
    except ImportError:
        raise MissingExtra("pictures", "bench") from None
    pixels = np.asarray(image.convert("RGB"), dtype=np.int32).reshape(-1, 3)
    away = np.stack(
        [((pixels - np.array(named, dtype=np.int32)) ** 2).sum(axis=1) for named in _NAMED.values()]
    )
    counts = np.bincount(away.argmin(axis=0), minlength=len(_NAMED))
    return {name: int(count) / len(pixels) for name, count in zip(_NAMED, counts, strict=True)}
