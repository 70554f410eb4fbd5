"""Plain English sentences, passages and facts about places that are nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.bench.synthetic import words
from wattmark.bench.synthetic.dice import Dice

VERSION = "prose-1"
"""Raised with any change that alters a text."""


def sentence(dice: Dice) -> str:
    """One sentence, with a full stop."""
    first = _clause(dice)
    shape = dice.below(4)
    if shape == 0:
        said = f"{dice.one_of(words.OPENINGS)} {first}"
    elif shape == 1:
        said = f"{first} {dice.one_of(words.LINKS)} {_clause(dice)}"
    elif shape == 2:
        said = f"{dice.one_of(words.TIMES)}, {first}"
    else:
        said = f"{first} {dice.one_of(words.HOW)}"
    return f"{said[0].upper()}{said[1:]}."


def passage(dice: Dice, least_words: int) -> str:
    """Sentences until there are so many words."""
    said: list[str] = []
    count = 0
    while count < least_words:
        said.append(sentence(dice))
        count += said[-1].count(" ") + 1
    return " ".join(said)


def town(dice: Dice) -> str:
    """The name of a town, e.g. ``Belford``."""
    return f"{dice.one_of(words.FRONTS)}{dice.one_of(words.BACKS)}"


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence, a question that it answers, and the answer as it stands in the sentence."""

    sentence: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Landmark:
    """A thing to tell of: what it is called and what is true of it."""

    name: str
    year: int
    facts: tuple[Fact, ...]


def landmark(dice: Dice) -> Landmark:
    """e.g. the mill of Belford, with five facts."""
    name = f"the {dice.one_of(words.PLACES)} of {town(dice)}"
    year, builders, high, visitors, price = (
        dice.between(1700, 1990),
        dice.one_of(words.ROLES),
        dice.between(5, 95),
        dice.between(2, 80) * 1000,
        dice.between(3, 40),
    )
    opening = dice.one_of(words.TIMES)
    start = f"{name[0].upper()}{name[1:]}"
    facts = (
        Fact(f"{start} was built in {year}.", f"When was {name} built?", str(year)),
        Fact(f"It was designed by a {builders}.", f"Who designed {name}?", f"a {builders}"),
        Fact(f"{start} is {high} metres high.", f"How high is {name}?", f"{high} metres"),
        Fact(
            f"Each year {visitors} people come to see it.",
            f"How many people come to see {name} each year?",
            str(visitors),
        ),
        Fact(f"It opened {opening}, and a ticket costs {price}.", f"When did {name} open?", opening),
    )
    return Landmark(name, year, facts)


def _clause(dice: Dice) -> str:
    who = f"the {_thing(dice, words.ROLES)}"
    what = f"{dice.one_of(words.DEEDS)} the {_thing(dice, words.THINGS)}"
    where = f" near the {dice.one_of(words.PLACES)}" if dice.below(2) else ""
    return f"{who} {what}{where}"


def _thing(dice: Dice, nouns: tuple[str, ...]) -> str:
    quality = f"{dice.one_of(words.QUALITIES)} " if dice.below(3) else ""
    return f"{quality}{dice.one_of(nouns)}"
