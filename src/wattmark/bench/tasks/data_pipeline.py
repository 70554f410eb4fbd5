"""Data pipeline: energy until a dataset is prepared and its checks pass. Every attempt counts.

``--model tiny`` runs the built-in pipeline (bench/preparing.py) over a synthetic corpus with known faults.
Any other pipeline is a function of one's own (``--callable module:function``, bench/attempting.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from platform import python_version

from wattmark.bench.asking import Attempt, Attempted, ModelAsked, QuerySet
from wattmark.bench.attempting import ended
from wattmark.bench.goal import Goal
from wattmark.bench.preparing import alike, in_tokens, kept
from wattmark.bench.synthetic.corpus import KEEP, VERSION, to_prepare
from wattmark.bench.synthetic.texts import synthetic_set
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.errors import UsageError

TASK = "data_pipeline"
LEAST_ROWS = 200


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """All checks have to pass."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=1,
        seed=seed,
        dtype="none",
        sampling="none",
        options={"quality": "checks_passed", "target": "checks_passed>=1"},
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Documents of which three in ten are copies, near copies or rubbish; never fewer than 200."""
    return synthetic_set(TASK, to_prepare(seed), max(count, LEAST_ROWS), seed, version=VERSION)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """There is none: raises UsageError that says what to do instead."""
    raise UsageError(f"--dataset {', '.join(names)}: what --callable prepares loads its own data")


def start(asked: ModelAsked, pinned: Pinned, queries: QuerySet) -> Attempt:
    """The built-in pipeline over the corpus. Raises UsageError for any other."""
    if asked.model != "tiny":
        raise UsageError(f"--model {asked.model}: built in is `tiny`; run others with --callable")
    return TinyPipeline(pinned, queries)


class TinyPipeline:
    """Copies and rubbish out, tokens made, then five checks of what came out."""

    def __init__(self, pinned: Pinned, queries: QuerySet) -> None:
        self._goal = Goal.pinned(pinned.options)
        if self._goal.quality != "checks_passed" or not self._goal.at_least:
            raise UsageError(
                f"--target {self._goal}: the built-in pipeline is judged by checks_passed>=NUMBER"
            )
        self._texts = [query.inputs["text"] for query in queries.queries]
        self._wanted = {query.index for query in queries.queries if query.reference == KEEP}

    @property
    def facts(self) -> ModelFacts:
        """The pipeline, which runs in Python alone."""
        return ModelFacts(
            id="tiny",
            version="preparing-1",
            architecture="filter, copies, near copies, tokens",
            device="cpu",
            served_by=f"Python {python_version()}",
        )

    def run(self, seed: int, tell: Callable[[float], None]) -> Attempted:
        """Prepare the whole corpus once and check it; the seed draws the hashes of MinHash."""
        places = kept(self._texts, seed)
        texts = [self._texts[place] for place in places]
        rows, tokens = in_tokens(texts)
        passed = checks(places, self._wanted, texts, rows, tokens)
        quality = sum(passed.values()) / len(passed)
        tell(quality)
        failed = ", ".join(name for name, fine in passed.items() if not fine)
        return ended(self._goal, quality, f"one pass, failed: {failed}" if failed else "one pass")

    def close(self) -> None:
        """Nothing is kept."""


def checks(
    places: Sequence[int],
    wanted: set[int],
    texts: Sequence[str],
    rows: Sequence[Sequence[int]],
    tokens: Sequence[str],
) -> dict[str, bool]:
    """What must be true of a prepared corpus, by name."""
    return {
        "nothing lost": wanted <= set(places),
        "nothing left that has to go": set(places) <= wanted,
        "no text twice": len({alike(text) for text in texts}) == len(texts),
        "tokens are the text": all(
            "".join(tokens[number] for number in row) == text for row, text in zip(rows, texts, strict=True)
        ),
        "every token once": len(set(tokens)) == len(tokens),
    }
