"""A rubric is refused unless its weights sum to 1 and its KPIs exist."""

from __future__ import annotations

import pytest

from tests.core.decisions import SMALL_CATALOG
from wattmark.core.errors import UsageError
from wattmark.core.rubric import Rubric, Weighted, check_rubric


def a_rubric(*weights: tuple[str, float]) -> Rubric:
    """A rubric of these KPIs."""
    return Rubric(id="r", version="1", kpis=tuple(Weighted(kpi=k, weight=w) for k, w in weights))


def test_a_good_rubric_is_silent() -> None:
    """Weights of 0.1 x 10 sum to 1 within rounding."""
    rubric = a_rubric(("energy", 0.7), ("quality", 0.1 + 0.2))
    check_rubric(rubric, SMALL_CATALOG)
    assert rubric.label == "r 1"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((), "names no KPI"),
        ((("energy", 0.5), ("quality", 0.4)), "sum to 0.9"),
        ((("energy", 0.5), ("energy", 0.5)), "named twice"),
        ((("enery", 1.0),), "unknown KPI 'enery'; known: energy, quality"),
        ((("energy", 1.0), ("quality", 0.0)), "weight of 'quality' is 0"),
        ((("energy", -0.5), ("quality", 1.5)), "weight of 'energy' is -0.5"),
    ],
)
def test_a_wrong_rubric_says_what_is_wrong(weights: tuple[tuple[str, float], ...], message: str) -> None:
    """Never renormalised, never guessed."""
    with pytest.raises(UsageError, match=message):
        check_rubric(a_rubric(*weights), SMALL_CATALOG)
