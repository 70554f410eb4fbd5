"""Pictures of coloured shapes, drawn by whole numbers: the same bytes on every machine.

A scene holds one to four shapes on a plain background, none over another. From a scene come the pixels, the
label of its first shape, the boxes of all of them and a caption. Coordinates are pixels, from the upper left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import isqrt
from typing import Any

from wattmark.bench.synthetic.dice import Dice
from wattmark.core.errors import MissingExtra

VERSION = "pictures-1"
"""Raised when anything here changes a pixel or a word."""

SIDE = 96
"""Width and height of a picture, in pixels."""

SHAPES = ("square", "circle", "triangle", "cross")
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "green": (20, 150, 50),
    "blue": (30, 60, 210),
    "yellow": (240, 210, 20),
    "purple": (130, 40, 160),
    "black": (15, 15, 15),
}
"""Colours of shapes (sRGB)."""
BACKGROUNDS: dict[str, tuple[int, int, int]] = {"white": (255, 255, 255), "grey": (170, 170, 170)}
"""Colours of backgrounds (sRGB)."""
LABELS = tuple(f"{colour} {shape}" for colour, shape in product(COLOURS, SHAPES))
"""What a shape may be called; the place of a name is its class."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape and the box around it."""

    kind: str
    colour: str
    left: int
    top: int
    size: int
    """Width and height of its box."""

    @property
    def label(self) -> str:
        """e.g. ``red square``."""
        return f"{self.colour} {self.kind}"

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom; the last two are just outside."""
        return (self.left, self.top, self.left + self.size, self.top + self.size)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows."""

    background: str
    shapes: tuple[Shape, ...]

    @property
    def caption(self) -> str:
        """e.g. ``a red square and a blue circle on white``."""
        return f"{_listed([f'a {shape.label}' for shape in self.shapes])} on {self.background}"

    @property
    def plain_caption(self) -> str:
        """Another way to say it, e.g. ``there is a red square, and it is on a white background``."""
        pronoun = "it is" if len(self.shapes) == 1 else "they are"
        verb = "is" if len(self.shapes) == 1 else "are"
        named = _listed([f"a {shape.label}" for shape in self.shapes])
        return f"there {verb} {named}, and {pronoun} on a {self.background} background"

    def pixels(self, side: int = SIDE) -> bytes:
        """Red, green and blue of each pixel, row by row."""
        rows = [bytearray(bytes(BACKGROUNDS[self.background]) * side) for _ in range(side)]
        for shape in self.shapes:
            colour = bytes(COLOURS[shape.colour])
            for line in range(shape.size):
                for start, end in _spans(shape.kind, shape.size, line):
                    left = shape.left + start
                    rows[shape.top + line][3 * left : 3 * (left + end - start)] = colour * (end - start)
        return b"".join(rows)


def scene(dice: Dice, *, most: int = 1) -> Scene:
    """A scene with up to ``most`` shapes (1 to 4), in different quarters, so that none lies over another."""
    half = SIDE // 2
    quarters = dice.some_of((0, 1, 2, 3), dice.between(1, most))
    shapes = []
    for quarter in quarters:
        size = dice.between(20, half - 5)
        shapes.append(
            Shape(
                kind=dice.one_of(SHAPES),
                colour=dice.one_of(tuple(COLOURS)),
                left=(quarter % 2) * half + dice.below(half - size),
                top=(quarter // 2) * half + dice.below(half - size),
                size=size,
            )
        )
    return Scene(dice.one_of(tuple(BACKGROUNDS)), tuple(shapes))


def picture(shown: Scene, side: int = SIDE) -> Any:
    """The scene as a PIL image. Raises MissingExtra where Pillow is absent."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra("pictures", "bench") from None
    return Image.frombytes("RGB", (side, side), shown.pixels(side))


def _spans(kind: str, size: int, line: int) -> list[tuple[int, int]]:
    """Which pixels of one line of a shape's box are covered, as [start, end)."""
    if kind == "circle":
        # Twice the distance from the centre, so that everything stays whole.
        off = 2 * line + 1 - size
        half = isqrt(size * size - off * off)
        return [((size - half) // 2, size - (size - half) // 2)]
    if kind == "triangle":
        half = (line + 1) // 2
        middle = size // 2
        return [(max(0, middle - half), min(size, middle + half + 1))]
    if kind == "cross":
        arm = size // 3
        upright = arm <= line < size - arm
        return [(0, size)] if upright else [(arm, size - arm)]
    return [(0, size)]


def _listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
