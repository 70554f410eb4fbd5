"""What a request probably cost, from a live document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.serving.estimated import (
    NO_FIGURES,
    NO_REQUESTS,
    UNKNOWN,
    Rate,
    Rates,
    Spent,
    attributes_of,
    carbon_text,
    energy_text,
    estimate,
    rates_of,
)


def known(value: float, **terms: str) -> dict[str, Any]:
    return {"status": "known", "value": value, "grade": "B", "terms": terms}


MISSING: dict[str, Any] = {"status": "missing", "field": "readings", "hint": ""}


def a_model(**said: Any) -> dict[str, Any]:
    """100 J: 20 for 100 new input tokens of 150, 80 for 40 output tokens; half a request at a time."""
    energy = known(100.0, boundary="device", attribution_rule="request_tokens")
    carbon = known(2.0, accounting="location", basis="lifecycle", boundary="facility")
    return {
        "model": "chat",
        "input_tokens": 150,
        "cached_input_tokens": 50,
        "output_tokens": 40,
        "mean_batch": 0.5,
        "energy": {"attributed": energy},
        "prefill_energy": known(20.0),
        "decode_energy": known(80.0),
        "joules_per_request": {"attributed": known(20.0)},
        "grams_per_inference": {"attributed": carbon},
        **said,
    }


def rates(**said: Any) -> Rates:
    return rates_of({"seconds": 60, "models": [a_model(**said)]})


def spent(
    of: Rates, read: int | None = 10, written: int | None = 4, seconds: float = 1.5, cached: int = 0
) -> Spent:
    return estimate(
        of, "chat", input_tokens=read, cached_input_tokens=cached, output_tokens=written, seconds=seconds
    )


def test_tokens_cost_what_their_phase_cost_lately() -> None:
    """10 new input tokens at 0.2 J and 4 output tokens at 2 J are 10 J; at 0.1 g/J that is 1 g."""
    told = spent(rates())
    assert (told.joules, told.grams, told.by) == (10.0, 1.0, "tokens")
    assert energy_text(told) == (
        "10;unit=J;known=estimated;by=tokens;window=60;boundary=device;grade=B;rule=request_tokens"
    )
    assert (
        carbon_text(told)
        == "1;unit=g;known=estimated;by=tokens;window=60;accounting=location;basis=lifecycle"
    )


def test_cached_tokens_cost_nothing() -> None:
    """A cache spared the engine 10 of 20 input tokens."""
    assert spent(rates(), read=20, cached=10).joules == 10.0


def test_without_phases_all_tokens_cost_the_same() -> None:
    """100 J over 140 tokens, 14 of them: 10 J. So too where the phases leave much of the energy out."""
    assert spent(rates(prefill_energy=MISSING)).joules == pytest.approx(10.0)
    assert spent(rates(prefill_energy=known(1.0))).joules == pytest.approx(10.0)


def test_a_side_that_nobody_used_lately_has_no_rate_of_its_own() -> None:
    """No output token lately: one that comes costs what any token did, 100 J over 100."""
    lately = rates(output_tokens=0, prefill_energy=known(100.0), decode_energy=known(0.0))
    assert spent(lately).joules == pytest.approx(14.0)
    assert spent(lately, written=0).joules == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("said", "read", "written"),
    [({}, None, 4), ({}, 10, None), ({"input_tokens": None}, 10, 4), ({"output_tokens": None}, 10, 4)],
)
def test_without_tokens_time_is_counted(said: dict[str, Any], read: int | None, written: int | None) -> None:
    """Half a request at a time for 60 s are 30 s of requests: 100 J over 30 s, for 1.5 s 5 J."""
    told = spent(rates(**said), read, written)
    assert told.joules == pytest.approx(5.0)
    assert told.by == "time"


@pytest.mark.parametrize("batch", [None, 0.0])
def test_without_anything_to_divide_by_it_is_missing(batch: float | None) -> None:
    """No tokens and no time lately: missing, never 0."""
    none = rates(mean_batch=batch, input_tokens=0, cached_input_tokens=None, output_tokens=0)
    told = spent(none)
    assert (told.joules, told.reason) == (None, NO_REQUESTS)
    assert energy_text(told) == "known=missing;reason=no_requests_lately"
    assert carbon_text(told) == "known=missing;reason=no_requests_lately"


def test_a_model_without_energy_has_no_rate() -> None:
    """Nor has a model that is not there; an agent that was never asked says so."""
    assert rates(energy={"attributed": MISSING}).reason == NO_FIGURES
    assert spent(rates(energy={"attributed": MISSING})).reason == NO_FIGURES
    assert spent(rates(model="other")).reason == NO_FIGURES
    assert spent(UNKNOWN).reason == "no_agent"


def test_the_first_of_two_rules_holds() -> None:
    """A document shows the newest rule's figures first."""
    first, second = a_model(), a_model(energy={"attributed": known(1.0)})
    assert rates_of({"seconds": 60, "models": [first, second]}).of_model["chat"].joules == 100.0


@pytest.mark.parametrize(
    "said",
    [
        {"grams_per_inference": {"attributed": MISSING}},
        {"joules_per_request": {"attributed": MISSING}},
        {"joules_per_request": {"attributed": known(0.0)}},
    ],
)
def test_carbon_may_be_missing_where_energy_is_known(said: dict[str, Any]) -> None:
    """The header and the span say so."""
    told = spent(rates(**said))
    assert told.joules == 10.0
    assert carbon_text(told) == "known=missing;reason=no_carbon_figures"
    attributes = attributes_of(told, "r-1")
    assert attributes["wattmark.carbon.known"] == "missing"
    assert "wattmark.carbon.grams" not in attributes


def test_a_span_says_the_same() -> None:
    """Everything under wattmark, missing or estimated."""
    assert attributes_of(Spent(reason="stale"), "r-1") == {
        "wattmark.request.id": "r-1",
        "wattmark.energy.known": "missing",
        "wattmark.energy.reason": "stale",
    }
    told = attributes_of(spent(rates()), "r-1")
    assert told["wattmark.energy.joules"] == 10.0
    assert told["wattmark.carbon.basis"] == "lifecycle"


def test_small_amounts_keep_their_digits() -> None:
    """Three significant ones; a plain number that any reader takes."""
    assert energy_text(Spent(joules=0.000123456, by="time", window_seconds=60)).startswith("0.000123;unit=J")


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_all_requests_of_a_window_cost_what_the_window_cost(read: int, written: int) -> None:
    """Two requests that share all tokens between them share all joules."""
    rate = Rate(
        joules=100,
        window_seconds=60,
        input_tokens=10**6,
        output_tokens=10**6,
        prefill_joules=30,
        decode_joules=70,
    )
    both = Rates(of_model={"chat": rate})
    one, other = spent(both, read, written), spent(both, 10**6 - read, 10**6 - written)
    assert (one.joules or 0.0) + (other.joules or 0.0) == pytest.approx(100.0)
