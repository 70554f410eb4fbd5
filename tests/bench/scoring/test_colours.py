"""Whether a picture has the colours that were asked for."""

from __future__ import annotations

import pytest

from wattmark.bench.scoring.colours import adherence, nearest_shares
from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.pictures import SIDE, Scene, Shape, picture, scene

pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")


def test_a_picture_of_the_two_colours_has_all_that_was_asked_for() -> None:
    """A red square of 48 x 48 on white: a quarter and three quarters."""
    image = picture(Scene("white", (Shape("square", "red", 0, 0, SIDE // 2),)))
    shares = nearest_shares(image)
    assert (shares["red"], shares["white"]) == (0.25, 0.75)
    assert adherence(image, "red", "white") == 1.0


def test_a_picture_without_the_shape_has_nothing() -> None:
    """All white, where red on white was asked for."""
    assert adherence(Image.new("RGB", (8, 8), "white"), "red", "white") == 0.0


def test_half_of_what_is_enough_halves_it() -> None:
    """1 of 40 pixels is red, 2.5 %: half of the 5 % that are enough."""
    image = Image.new("RGB", (40, 1), (255, 255, 255))
    image.putpixel((0, 0), (220, 30, 30))
    assert adherence(image, "red", "white") == pytest.approx(0.5)


def test_another_colour_beside_them_counts_against_it() -> None:
    """A fifth red, three fifths white, a fifth blue: 0.8."""
    image = Image.new("RGB", (5, 1), (255, 255, 255))
    image.putpixel((0, 0), (220, 30, 30))
    image.putpixel((1, 0), (30, 60, 210))
    assert adherence(image, "red", "white") == pytest.approx(0.8)


def test_every_synthetic_picture_shows_what_its_prompt_says() -> None:
    """Adherence is 1, or what the share of a small shape makes of it."""
    for place in range(20):
        shown = scene(Dice(f"test/{place}"))
        shape = shown.shapes[0]
        image = picture(shown)
        share = nearest_shares(image)[shape.colour]
        assert adherence(image, shape.colour, shown.background) == pytest.approx(min(1.0, share / 0.05))
