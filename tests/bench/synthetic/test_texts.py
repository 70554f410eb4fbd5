"""Synthetic texts are the same everywhere, and what they ask has the answer that they say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark import tables
from wattmark.bench import catalog
from wattmark.bench.query_hash import query_set_sha256
from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.words import NOUN_TWINS, QUALITY_TWINS, vocabulary
from wattmark.core.bench.task import TASKS

TEXT_TASKS = (
    "text_generation",
    "reasoning",
    "summarization",
    "question_answering",
    "text_classification",
    "sentence_similarity",
)
LISTED: Any = tables.toml("bench/synthetic")


def synthetic(task: str, count: int, seed: int = 0) -> Any:
    return catalog.part_of(TASKS[task]).synthetic(count, seed)


@pytest.mark.parametrize("task", TEXT_TASKS)
@pytest.mark.parametrize("count", [8, 100, 1000])
def test_sets_are_those_that_are_listed(task: str, count: int) -> None:
    """The hash in data/bench/synthetic.toml is the hash of what is made here and now."""
    made = synthetic(task, count, LISTED[task]["seed"])
    assert made.pin.sha256 == LISTED[task][f"sha256_of_{count}"]
    assert made.pin.revision == LISTED[task]["version"]


@pytest.mark.parametrize("task", TEXT_TASKS)
def test_the_pin_is_of_the_queries_and_says_stand_in(task: str) -> None:
    """Name, number and hash are those of the set itself; nobody can take it for a published one."""
    made = synthetic(task, 3)
    assert made.pin.synthetic
    assert made.pin.name == f"synthetic/{task}"
    assert (made.pin.rows, len(made.queries)) == (3, 3)
    assert made.pin.sha256 == query_set_sha256(made.queries)


@pytest.mark.parametrize("task", TEXT_TASKS)
def test_a_query_depends_on_its_place_and_the_seed_alone(task: str) -> None:
    """The first three of ten are the three of three; another seed asks something else."""
    assert synthetic(task, 10).queries[:3] == synthetic(task, 3).queries
    assert synthetic(task, 3, seed=1).queries != synthetic(task, 3).queries


def test_lengths_are_near_those_of_the_published_sets() -> None:
    """Words of 1,000 queries: within a fifth of AI Energy Score's mean tokens (369, 384, 157) and 23 + 23."""
    for task, tokens in (("text_generation", 369), ("summarization", 384), ("text_classification", 157)):
        words = [len(query.inputs["text"].split()) for query in synthetic(task, 1000).queries]
        assert sum(words) / 1000 == pytest.approx(tokens, rel=0.2)


def test_sums_come_out() -> None:
    """Boxes times each, less what is given away, plus what is bought."""
    for query in synthetic("reasoning", 50).queries:
        boxes, each, gives, buys = map(int, re.findall(r"\d+", query.inputs["text"]))
        assert query.reference == str(boxes * each - gives + buys)


def test_answers_stand_in_their_texts() -> None:
    """An extractive question has its answer word for word in the context."""
    for query in synthetic("question_answering", 50).queries:
        assert all(gold in query.inputs["context"] for gold in query.reference)


def test_reviews_hold_no_word_of_the_other_kind() -> None:
    """A positive review blames nothing, and there are both kinds."""
    from wattmark.bench.synthetic.words import BLAME, PRAISE

    seen = set()
    for query in synthetic("text_classification", 50).queries:
        label = query.reference["label"]
        other = BLAME if label == "positive" else PRAISE
        assert not set(re.findall(r"\w+", query.inputs["text"].lower())) & set(other)
        seen.add(label)
    assert seen == {"negative", "positive"}


def test_pairs_share_as_many_words_as_they_say() -> None:
    """Counting twins between two sentences gives the reference, 0 to 5."""
    twin_of = {word: pair for pair in (*NOUN_TWINS, *QUALITY_TWINS) for word in pair}
    for query in synthetic("sentence_similarity", 60).queries:
        words = [re.findall(r"\w+", query.inputs[side].lower()) for side in ("first", "second")]
        same = sum(a != b and twin_of.get(a) == twin_of.get(b, 0) for a, b in zip(*words, strict=True))
        assert same == query.reference


def test_our_words_cover_our_texts() -> None:
    """All words of all texts are in the vocabulary, but for numbers: models with our tokenizer see words."""
    known = set(vocabulary())
    for task in TEXT_TASKS:
        for query in synthetic(task, 30).queries:
            for text in query.inputs.values():
                unknown = {w for w in re.findall(r"[a-z]+", text.lower()) if w not in known}
                assert not unknown, task


@given(st.text(max_size=5), st.integers(1, 1000))
def test_dice_stay_below_their_limit(name: str, limit: int) -> None:
    """A number from 0 to limit - 1, and the same for the same name."""
    drawn = [Dice(name).below(limit) for _ in range(2)]
    assert 0 <= drawn[0] < limit
    assert drawn[0] == drawn[1]


def test_dice_are_fair() -> None:
    """6,000 throws of a die of six: each side 1,000 times, give or take 150 (five standard deviations)."""
    dice = Dice("fair")
    thrown = [dice.between(1, 6) for _ in range(6000)]
    assert all(abs(thrown.count(side) - 1000) < 150 for side in range(1, 7))


def test_some_of_many_are_all_different() -> None:
    """Ten drawn from ten are the ten."""
    assert sorted(Dice("x").some_of(range(10), 10)) == list(range(10))
