"""An energy budget: read from a text, spent, projected."""

from __future__ import annotations

import pytest

from wattmark.core.errors import UsageError
from wattmark.measure.budget import Budget, parse_budget, state_of


@pytest.mark.parametrize(
    ("text", "joules"),
    [
        ("5kWh", 1.8e7),
        ("800 Wh", 2.88e6),
        ("2MJ", 2e6),
        (" 1e3 j ", 1000.0),
        (".5 kJ", 500.0),
        ("1MWh", 3.6e9),
    ],
)
def test_a_budget_is_read(text: str, joules: float) -> None:
    """Watt-hours and joules with their prefixes."""
    assert parse_budget(text) == Budget(joules)


@pytest.mark.parametrize("text", ["5", "kWh", "5 km", "-5kWh", "5 kWh per day", ""])
def test_what_is_no_energy_shows_the_form(text: str) -> None:
    """A number without a unit is no energy either."""
    with pytest.raises(UsageError, match="write for example 5kWh"):
        parse_budget(text)


def test_an_empty_budget_is_refused() -> None:
    """Nothing may be used: then do not run."""
    with pytest.raises(UsageError, match="more than nothing"):
        parse_budget("0 Wh")


def test_a_breach_warns_or_stops() -> None:
    """There is no third way."""
    assert parse_budget("1J", "stop").on_breach == "stop"
    with pytest.raises(UsageError, match="either warn or stop"):
        parse_budget("1J", "explode")


def test_a_budget_is_projected_by_progress() -> None:
    """60 J after a quarter of the work make 240 J."""
    state = state_of(Budget(200.0), 60.0, 0.25)
    assert (state.projected_joules, state.will_breach, state.breached) == (240.0, True, False)


@pytest.mark.parametrize("progress", [None, 0.0])
def test_without_progress_nothing_is_projected(progress: float | None) -> None:
    """Nothing divided by nothing is not known."""
    state = state_of(Budget(200.0), 201.0, progress)
    assert (state.projected_joules, state.will_breach, state.breached) == (None, False, True)


def test_a_budget_beyond_all_reason_is_refused() -> None:
    """1e999 is infinite, and nothing would ever breach it."""
    with pytest.raises(UsageError, match="less than the world uses"):
        parse_budget("1e999kWh")
