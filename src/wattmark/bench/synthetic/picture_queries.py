"""Synthetic queries of the picture and sound tasks."""

from __future__ import annotations

from wattmark.bench.asking import Query
from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.pictures import picture, scene
from wattmark.bench.synthetic.sounds import SAMPLING_RATE, float_samples, utterance

MOST_SHAPES = 4
"""In pictures for detection and captions."""


def to_classify(index: int, dice: Dice) -> Query:
    """A picture of one shape; the reference is its label, e.g. ``red square``."""
    shown = scene(dice)
    return Query(index=index, inputs={"image": picture(shown)}, reference=shown.shapes[0].label)


def to_detect(index: int, dice: Dice) -> Query:
    """A picture of one to four shapes; the reference is each one's kind and box."""
    shown = scene(dice, most=MOST_SHAPES)
    gold = tuple({"label": shape.kind, "box": shape.box} for shape in shown.shapes)
    return Query(index=index, inputs={"image": picture(shown)}, reference=gold)


def to_caption(index: int, dice: Dice) -> Query:
    """A picture of one to four shapes; the reference is two captions."""
    shown = scene(dice, most=MOST_SHAPES)
    return Query(
        index=index, inputs={"image": picture(shown)}, reference=(shown.caption, shown.plain_caption)
    )


def to_draw(index: int, dice: Dice) -> Query:
    """A prompt such as ``a red square on white``; the reference is its colour and its background."""
    shown = scene(dice)
    return Query(
        index=index,
        inputs={"prompt": shown.caption},
        reference={"colour": shown.shapes[0].colour, "background": shown.background},
    )


def to_write_down(index: int, dice: Dice) -> Query:
    """Made-up speech; the reference is its transcript."""
    said = utterance(dice)
    return Query(
        index=index,
        inputs={"audio": float_samples(said), "sampling_rate": SAMPLING_RATE},
        reference=said.transcript,
    )
