"""Text that must fit a drawing without knowing which font draws it: estimates on the safe side."""

from __future__ import annotations

import unicodedata

_NARROW = frozenset("iIjl.,:;'|!()[]/ ftr")
_BROAD = frozenset("mwMWQ@%—…")


def width_of(text: str, size: float) -> float:
    """How wide a text is at most, in a wide common font (DejaVu Sans), in the unit of ``size``."""
    return size * sum(_em(c) for c in text)


def _em(c: str) -> float:
    if unicodedata.combining(c) or unicodedata.category(c) in ("Cf", "Mn", "Me"):
        return 0.0
    if unicodedata.east_asian_width(c) in ("W", "F") or ord(c) > 0x1F000:
        return 1.0
    if c in _BROAD:
        return 1.0
    if c in _NARROW:
        return 0.41
    return 0.70 if c.isupper() else 0.64


def cut(text: str, size: float, width: float) -> str:
    """The text, or as much of it as fits, with an ellipsis."""
    if width_of(text, size) <= width:
        return text
    kept = ""
    for c in text:
        if width_of(kept + c + "…", size) > width:
            break
        kept += c
    return kept.rstrip() + "…"


def fitted(text: str, sizes: tuple[float, ...], width: float) -> tuple[str, float]:
    """The text in the largest size that fits; cut in the smallest."""
    for size in sizes:
        if width_of(text, size) <= width:
            return text, size
    return cut(text, sizes[-1], width), sizes[-1]


def wrapped(text: str, size: float, width: float, lines: int) -> list[str]:
    """The text on several lines at most; what is left over is cut."""
    made: list[str] = []
    rest = text.split()
    while rest and len(made) < lines:
        line = rest.pop(0)
        while rest and width_of(f"{line} {rest[0]}", size) <= width:
            line += f" {rest.pop(0)}"
        made.append(line)
    if rest:
        made[-1] = f"{made[-1]} {' '.join(rest)}"
    return [cut(line, size, width) for line in made]
