"""A corpus with known faults: documents to keep, copies of them, and rubbish."""

from __future__ import annotations

from collections.abc import Callable

from wattmark.bench.asking import Query
from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.prose import passage

VERSION = "corpus-1"
KEEP, COPY, NEAR_COPY, RUBBISH = "keep", "copy", "near copy", "rubbish"
FAULTS = {2: COPY, 5: NEAR_COPY, 8: RUBBISH}
"""By the last digit of a document's place: three of ten have a fault."""


def to_prepare(seed: int) -> Callable[[int, Dice], Query]:
    """Makes a document of its place; copies are of one that came before, so they need the seed itself."""

    def document(index: int, dice: Dice) -> Query:
        fault = FAULTS.get(index % 10, KEEP)
        if fault == RUBBISH:
            text = _rubbish(dice)
        elif fault == KEEP:
            text = _original(seed, index)
        else:
            text = _original(seed, _kept_before(index, dice))
            text = f"  {text.upper()} " if fault == COPY else _altered(text, dice)
        return Query(index=index, inputs={"text": text}, reference=fault)

    return document


def _original(seed: int, index: int) -> str:
    return passage(Dice(f"data_pipeline/{VERSION}/{seed}/original/{index}"), 40)


def _kept_before(index: int, dice: Dice) -> int:
    return dice.one_of([place for place in range(index) if place % 10 not in FAULTS])


def _altered(text: str, dice: Dice) -> str:
    """One word less."""
    words = text.split(" ")
    words.pop(dice.below(len(words)))
    return " ".join(words)


def _rubbish(dice: Dice) -> str:
    """Too short, or hardly a letter in it."""
    if dice.below(2):
        return " ".join("0123456789#%*/"[dice.below(14)] * dice.between(1, 6) for _ in range(60))
    return passage(dice, 3).partition(" ")[0]
