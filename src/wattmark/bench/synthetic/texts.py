"""Synthetic queries of the six text tasks. A query depends on the seed and its place alone, not on the count.

Lengths are near those of the published sets (AI Energy Score, index.md, November 2025: the mean tokens of an
input are 369 for text generation, 384 for summarisation, 157 for classification, 23 for a pair of sentences).
"""

from __future__ import annotations

from collections.abc import Callable

from wattmark.bench.asking import Query, QuerySet
from wattmark.bench.query_hash import query_set_sha256
from wattmark.bench.synthetic import words
from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.prose import VERSION, landmark, passage
from wattmark.core.bench.pinned import DatasetPin


def synthetic_set(
    task: str, query: Callable[[int, Dice], Query], count: int, seed: int, *, version: str = VERSION
) -> QuerySet:
    """So many queries, each made from a name of its own, with their pin."""
    queries = tuple(query(i, Dice(f"{task}/{version}/{seed}/{i}")) for i in range(count))
    return QuerySet(pin=synthetic_pin(task, version, queries), queries=queries)


def synthetic_pin(task: str, version: str, queries: tuple[Query, ...]) -> DatasetPin:
    """The pin of a stand-in: named so that it is never taken for the dataset that it stands in for."""
    return DatasetPin(
        name=f"synthetic/{task}",
        revision=version,
        sha256=query_set_sha256(queries),
        rows=len(queries),
        synthetic=True,
    )


def to_go_on_with(index: int, dice: Dice) -> Query:
    """The beginning of a text (80 to 580 words); the reference is how it goes on, a dozen words."""
    asked = dice.between(80, 580)
    said = passage(dice, asked + 12).split(" ")
    return Query(
        index=index,
        inputs={"text": " ".join(said[:asked])},
        reference=" ".join(said[asked : asked + 12]),
        part="",
    )


def to_reason_about(index: int, dice: Dice) -> Query:
    """A sum in words; the reference is the number."""
    who, goods = dice.one_of(words.ROLES), dice.one_of(words.GOODS)
    boxes, each, gives, buys = (
        dice.between(3, 20),
        dice.between(4, 30),
        dice.between(1, 10),
        dice.between(2, 60),
    )
    question = (
        f"A {who} has {boxes} boxes with {each} {goods} each. The {who} gives away {gives} {goods}, "
        f"and then buys {buys} more. How many {goods} does the {who} have now?"
    )
    return Query(index=index, inputs={"text": question}, reference=str(boxes * each - gives + buys))


def to_sum_up(index: int, dice: Dice) -> Query:
    """A text that tells five facts of one landmark among other things; the reference names two of them."""
    told = landmark(dice)
    parts = [passage(dice, dice.between(30, 90)) for _ in told.facts]
    text = " ".join(f"{fact.sentence} {other}" for fact, other in zip(told.facts, parts, strict=True))
    reference = (
        f"{told.name[0].upper()}{told.name[1:]} was built in {told.year}: {told.facts[2].answer} high."
    )
    return Query(index=index, inputs={"text": text}, reference=reference)


def to_find_in_text(index: int, dice: Dice) -> Query:
    """A question, and a text of about 150 words that answers it once."""
    told = landmark(dice)
    asked = dice.one_of(told.facts)
    context = " ".join(f"{fact.sentence} {passage(dice, 12)}" for fact in told.facts)
    return Query(
        index=index,
        inputs={"question": asked.question, "context": context},
        reference=[asked.answer],
    )


def to_classify(index: int, dice: Dice) -> Query:
    """A review of 40 to 240 words whose judging words are all of one kind."""
    label = ("negative", "positive")[dice.below(2)]
    judging = words.PRAISE if label == "positive" else words.BLAME
    offer = dice.one_of(words.OFFERS)
    wanted = dice.between(40, 240)
    said = f"The {offer} was {dice.one_of(judging)}."
    while said.count(" ") + 1 < wanted:
        said += f" {passage(dice, 8)} The {offer} was {dice.one_of(judging)} and {dice.one_of(judging)}."
    return Query(
        index=index,
        inputs={"text": said},
        reference={"label": label, "labels": ["negative", "positive"]},
    )


def to_compare(index: int, dice: Dice) -> Query:
    """Two sentences; 0 to 5 says how many of their five content words mean the same."""
    nouns = dice.some_of(words.NOUN_TWINS, 6)
    qualities = dice.some_of(words.QUALITY_TWINS, 4)
    pairs = [qualities[0], nouns[0], qualities[1], nouns[1], nouns[2]]
    others = [qualities[2], nouns[3], qualities[3], nouns[4], nouns[5]]
    same = dice.below(6)
    alike = dice.some_of(range(5), same)
    second = [pairs[i][1] if i in alike else others[i][0] for i in range(5)]
    frame = "The {} {} was near the {} {}, not far from the {}."
    return Query(
        index=index,
        inputs={"first": frame.format(*(pair[0] for pair in pairs)), "second": frame.format(*second)},
        reference=float(same),
    )
