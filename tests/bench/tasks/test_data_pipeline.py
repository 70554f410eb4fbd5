"""The built-in pipeline over the synthetic corpus."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wattmark.bench.asking import ModelAsked
from wattmark.bench.tasks import data_pipeline
from wattmark.core.errors import UsageError

TINY = ModelAsked(model="tiny")


def started(**options: str) -> Any:
    data = data_pipeline.synthetic(0, 0)
    pinned = data_pipeline.pinned(data, 0)
    pinned = replace(pinned, options={**pinned.options, **options})
    return data_pipeline.start(TINY, pinned, data)


def test_every_check_passes_whatever_the_seed() -> None:
    """70 % of 200 documents stay; five checks of five."""
    told: list[float] = []
    done = started().run(3, told.append)
    assert (done.quality, done.reached, told) == (1.0, True, [1.0])


def test_a_document_too_many_fails_two_checks() -> None:
    """One copy left in: it has to go, and its text is there twice."""
    passed = data_pipeline.checks(
        [0, 1], {0}, ["a b", "A  B"], [[0, 1, 2], [3, 4, 5]], ["a", " ", "b", "A", "  ", "B"]
    )
    assert [name for name, fine in passed.items() if not fine] == [
        "nothing left that has to go",
        "no text twice",
    ]


def test_a_lost_document_fails_one() -> None:
    """What was to be kept is gone."""
    passed = data_pipeline.checks([0], {0, 1}, ["a"], [[0]], ["a"])
    assert [name for name, fine in passed.items() if not fine] == ["nothing lost"]


def test_what_is_not_built_in_is_refused_with_what_to_do() -> None:
    """Another model, published data, another quality."""
    data = data_pipeline.synthetic(0, 0)
    with pytest.raises(UsageError, match="--callable"):
        data_pipeline.start(ModelAsked(model="spark"), data_pipeline.pinned(data, 0), data)
    with pytest.raises(UsageError, match="--callable"):
        data_pipeline.published(("c4",), 10, 0)
    with pytest.raises(UsageError, match="checks_passed"):
        started(target="loss<=1")
