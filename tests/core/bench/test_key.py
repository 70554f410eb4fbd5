"""Unequal keys are never ranked together, and say in what they differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.bench.benchmarks import a_benchmark
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.key import UNKNOWN, differing, require_same_key
from wattmark.core.errors import NotComparable

KEY = result_of(a_benchmark()).key


def test_equal_keys_are_comparable_and_have_one_id() -> None:
    require_same_key(KEY, replace(KEY))
    assert replace(KEY).id == KEY.id
    assert len(KEY.id) == 12
    assert differing(KEY, KEY) == []


def test_a_crossing_is_refused_with_the_fields() -> None:
    other = replace(KEY, batch_policy="batch 8", precision="int8")
    assert other.id != KEY.id
    with pytest.raises(NotComparable) as refused:
        require_same_key(KEY, other)
    assert "batch_policy" in str(refused.value)
    assert "precision" in str(refused.value)


def test_unknown_equals_nothing_itself_included() -> None:
    unknown = replace(KEY, device_class=UNKNOWN)
    assert differing(unknown, unknown) == [("device_class", UNKNOWN, UNKNOWN)]
