"""Budgets of a policy that Prometheus can watch, and why it cannot watch the others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.governance.budget import Budget
from wattmark.core.governance.scope import Scope
from wattmark.monitoring.policy_budgets import LENGTHS, watched
from wattmark.monitoring.settings import RuleSettings


def budget(**changes: Any) -> Budget:
    """3 kg a month of one model."""
    fields = {"id": "b", "limit": 3.0, "unit": "kgCO2e", "period": "month", "scope": Scope({"model": ("m",)})}
    return Budget(**{**fields, **changes})


def test_a_budget_of_one_model_or_of_all_is_watched() -> None:
    """A month is thirty days, as in the rules; a year's is a twelfth or so of it."""
    some = [
        budget(),
        budget(scope=Scope(), limit=36.5, period="year"),
        budget(scope=Scope({"model": ("*",)})),
    ]
    found, notes = watched(some, RuleSettings())
    assert found == {"m": pytest.approx(3000.0), "*": pytest.approx(3000.0)}
    assert notes == []


def test_of_two_the_smaller_holds() -> None:
    """Whoever wrote them: both must be kept."""
    assert watched([budget(limit=5.0), budget()], RuleSettings())[0] == {"m": pytest.approx(3000.0)}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"unit": "kWh"}, "of energy"),
        ({"accounting": "market"}, "market-based, and the rules are location-based"),
        ({"period": "2027-Q1"}, "does not roll"),
        ({"period": "run"}, "does not roll"),
        ({"by": ("model",)}, "kept by model: write one for each model"),
        ({"scope": Scope({"team": ("a",)})}, "agents tell carbon by model"),
        ({"scope": Scope({"model": ("m-*",)})}, "one model by name"),
        ({"scope": Scope({"model": ("m", "n")})}, "one model by name"),
    ],
)
def test_what_cannot_be_watched_is_told(changes: dict[str, Any], why: str) -> None:
    """Instead of being left out in silence."""
    found, (note,) = watched([budget(**changes)], RuleSettings())
    assert found == {}
    assert note.startswith("budget b is not watched by Prometheus: ")
    assert why in note


@given(st.sampled_from(sorted(LENGTHS)), st.floats(1e-3, 1e6))
def test_the_rate_that_is_planned_stays_the_same(period: str, kilograms: float) -> None:
    """Grams per second of the budget are those of the rules."""
    found, _ = watched([budget(period=period, limit=kilograms)], RuleSettings())
    assert found["m"] / RuleSettings().budget_period == pytest.approx(kilograms * 1e3 / LENGTHS[period])
