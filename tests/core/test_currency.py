"""Currencies, and prices that are a slip of the pen."""

from __future__ import annotations

import pytest

from wattmark.core.currency import checked_currency, checked_price, checked_prices
from wattmark.core.errors import UsageError


def test_codes_of_iso_4217_are_known() -> None:
    """Those in use, and two that old bills name."""
    assert [checked_currency(code) for code in ("EUR", "USD", "JPY", "XCG", "BGN")]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("eur", "write EUR"),
        ("ct", "give the price in whole units"),
        ("EURO", "did you mean EUR"),
        ("?", "give one such as EUR or USD"),
    ],
)
def test_what_is_no_currency_says_what_to_write(said: str, answer: str) -> None:
    """Hundredths, small letters, names and nonsense."""
    with pytest.raises(UsageError, match=answer):
        checked_currency(said)


def test_cents_and_prices_per_mwh_are_asked_back() -> None:
    """0.30 EUR is a price, 30 EUR is not; 30 yen are."""
    assert checked_price(0.30, "EUR") == 0.30
    assert checked_price(-0.05, "EUR") == -0.05
    assert checked_price(30.0, "JPY") == 30.0
    for price in (30.0, -30.0, float("nan")):
        with pytest.raises(UsageError, match="is it in hundredths, or per MWh"):
            checked_price(price, "EUR")


def test_a_market_may_spike_and_fall_below_zero() -> None:
    """One hour of 4 EUR is a market; all hours of 4 EUR are another unit."""
    checked_prices([], "EUR")
    checked_prices([0.08, 4.0, -0.5], "EUR")
    checked_prices([8.0, 9.0, 9.5], "SEK")
    checked_prices([0.0, 0.0, 0.0], "EUR")
    with pytest.raises(UsageError, match="half of the prices are beyond"):
        checked_prices([0.08, 4.0, 4.0], "EUR")
    with pytest.raises(UsageError, match="is beyond any market"):
        checked_prices([84.0, 0.1, 0.1], "EUR")
    with pytest.raises(UsageError, match="is the column per kWh"):
        checked_prices([0.00008, 0.0001, -0.00002], "EUR")
