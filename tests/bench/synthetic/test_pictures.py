"""Scenes: the same everywhere, and what is said of them is what is drawn."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.pictures import (
    BACKGROUNDS,
    COLOURS,
    LABELS,
    SIDE,
    Scene,
    Shape,
    picture,
    scene,
)


def test_the_same_count_and_seed_draw_the_same_bytes_everywhere() -> None:
    """The hash of 20 pictures with up to four shapes is written down here."""
    digest = hashlib.sha256()
    for shown in scenes(20, 7, most=4):
        digest.update(shown.caption.encode() + shown.pixels())
    assert digest.hexdigest() == "944d6613b6664159155093191ae73d24207262b6feff867cb2b19bbf5788b695"


def test_another_seed_draws_something_else() -> None:
    """Seeds 0 and 1 differ in their first picture."""
    assert scenes(1, 0)[0].pixels() != scenes(1, 1)[0].pixels()


def test_captions_name_every_shape_and_the_background() -> None:
    """Two shapes on grey, said in two ways."""
    shown = Scene("grey", (Shape("square", "red", 0, 0, 10), Shape("circle", "blue", 60, 60, 20)))
    assert shown.caption == "a red square and a blue circle on grey"
    assert shown.plain_caption == (
        "there are a red square and a blue circle, and they are on a grey background"
    )


def test_a_square_fills_its_box() -> None:
    """10 x 10 red pixels, everything else white."""
    shown = Scene("white", (Shape("square", "red", 4, 8, 10),))
    assert _count(shown.pixels(), COLOURS["red"]) == 100
    assert _count(shown.pixels(), BACKGROUNDS["white"]) == SIDE * SIDE - 100
    assert shown.shapes[0].box == (4, 8, 14, 18)


@given(seed=st.integers(0, 10_000))
def test_every_shape_touches_all_sides_of_its_box_and_stays_inside(seed: int) -> None:
    """Boxes are as tight as they can be, or detections could not be held against them."""
    for shown in scenes(2, seed, most=4):
        for shape in shown.shapes:
            pixels = Scene(shown.background, (shape,)).pixels()
            xs, ys = _extent(pixels, COLOURS[shape.colour])
            left, top, right, bottom = shape.box
            assert (min(ys), max(ys) + 1) == (top, bottom)
            assert min(xs) >= left
            assert max(xs) + 1 <= right
            assert min(xs) - left <= 1
            assert right - max(xs) - 1 <= 1


@given(seed=st.integers(0, 10_000))
def test_no_shape_lies_over_another(seed: int) -> None:
    """As many pixels of all colours together as of each shape alone."""
    shown = scenes(1, seed, most=4)[0]
    background = BACKGROUNDS[shown.background]
    alone = sum(
        SIDE * SIDE - _count(Scene(shown.background, (s,)).pixels(), background) for s in shown.shapes
    )
    assert SIDE * SIDE - _count(shown.pixels(), background) == alone


def test_labels_are_every_colour_of_every_shape() -> None:
    """6 colours x 4 shapes."""
    assert len(set(LABELS)) == 24
    assert {shape.label for shown in scenes(500, 0) for shape in shown.shapes} == set(LABELS)


def test_a_picture_holds_the_pixels() -> None:
    """What Pillow shows is what was drawn."""
    pytest.importorskip("PIL")
    shown = scenes(1, 0)[0]
    image = picture(shown)
    assert (image.mode, image.size, image.tobytes()) == ("RGB", (SIDE, SIDE), shown.pixels())


def _count(pixels: bytes, colour: tuple[int, int, int]) -> int:
    wanted = bytes(colour)
    return sum(pixels[at : at + 3] == wanted for at in range(0, len(pixels), 3))


def _extent(pixels: bytes, colour: tuple[int, int, int]) -> tuple[list[int], list[int]]:
    wanted = bytes(colour)
    found = [at // 3 for at in range(0, len(pixels), 3) if pixels[at : at + 3] == wanted]
    return [at % SIDE for at in found], [at // SIDE for at in found]


def scenes(count: int, seed: int, *, most: int = 1) -> list[Scene]:
    """So many scenes, each of a name of its own."""
    return [scene(Dice(f"test/{seed}/{place}"), most=most) for place in range(count)]
