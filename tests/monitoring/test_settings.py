"""``[monitor]``: read strictly, and every threshold says why it is so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import ConfigError
from wattmark.monitoring.rule import duration
from wattmark.monitoring.settings import BURNS, RuleSettings, seconds, settings_of, stated


def read(**table: Any) -> RuleSettings:
    return settings_of(table, "wattmark.toml")


def test_what_is_not_stated_is_as_it_comes() -> None:
    """An empty table is the defaults."""
    assert read() == RuleSettings()


def test_times_are_written_as_people_say_them() -> None:
    """A text with units, or seconds."""
    settings = read(window="5m", baseline="1d12h", hold=120)
    assert (settings.window, settings.baseline, settings.hold) == (300.0, 129600.0, 120.0)


def test_budgets_are_grams_by_model() -> None:
    """A star is all of them together."""
    assert read(budgets=["llama-8b=50000", "*=4e5"]).budgets == {"llama-8b": 50000.0, "*": 400000.0}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"windows": "5m"}, "[monitor] windows: unknown key; known: interval, window"),
        ({"window": "5 minutes"}, "[monitor] window: must be a time such as 10m or 1h30m, or seconds, not"),
        ({"window": "0s"}, "[monitor] window: must be from 1 to"),
        ({"window": True}, "[monitor] window: must be a time"),
        ({"deviations": "3"}, "[monitor] deviations: must be a number, not '3'"),
        ({"least_effect": -1}, "[monitor] least_effect: must be from 0.001 to 10, not -1"),
        ({"least_effect": float("nan")}, "[monitor] least_effect: must be from"),
        ({"runbooks": ""}, "[monitor] runbooks: must be a text"),
        ({"budgets": "llama=5"}, "[monitor] budgets: must be a list of MODEL=GRAMS"),
        ({"budgets": ["llama"]}, "'llama': must be MODEL=GRAMS with grams above 0"),
        ({"budgets": ["llama=0"]}, "must be MODEL=GRAMS with grams above 0"),
        ({"budgets": ["llama=1e999"]}, "must be MODEL=GRAMS with grams above 0"),
        ({"budgets": ["llama=1..2"]}, "must be MODEL=GRAMS with grams above 0"),
        ({"budgets": ["a=1", "a=2"]}, "'a' has two budgets"),
        ({"burns": []}, "[monitor] burns: unknown key"),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, Any], says: str) -> None:
    """File, key, and what would be right."""
    with pytest.raises(ConfigError) as caught:
        settings_of(table, "wattmark.toml")
    assert str(caught.value).startswith("wattmark.toml: [monitor] ")
    assert says in str(caught.value)


def test_every_threshold_says_why() -> None:
    """A default without a reason is a guess."""
    assert all(len(f.metadata["why"]) > 20 for f in stated())


def test_burn_rates_are_those_of_the_workbook() -> None:
    """2 % of thirty days in an hour is 14.4 times too fast, 5 % in six hours 6 times."""
    month = 30 * 86400
    assert [round(burn.rate(month), 9) for burn in BURNS] == [14.4, 6.0, 1.2]


def test_scaled_time_leaves_the_rest_as_it_is() -> None:
    """A minute becomes a second; burn rates and thresholds stay."""
    fast = RuleSettings().scaled(1 / 60)
    assert (fast.interval, fast.window, fast.least_effect) == (1.0, 10.0, 0.05)
    assert [b.rate(fast.budget_period) for b in fast.burns] == pytest.approx([14.4, 6.0, 1.2])


@given(st.integers(1, 400 * 86400))
def test_what_is_written_is_read_again(length: int) -> None:
    """Durations survive the way to a rule file and back."""
    assert seconds(duration(length)) == length


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_is_none(text: str) -> None:
    """Nothing else happens."""
    found = seconds(text)
    assert found is None or found >= 0
