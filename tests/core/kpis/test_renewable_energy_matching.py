"""Renewable Energy Matching: within one market zone, over the period or by the hour."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.kpis.builders import of, some_facts
from wattmark.core.facts import MatchedShares, Renewables
from wattmark.core.figure import Missing, Undefined, differing_terms
from wattmark.core.kpis import CATALOG

ANNUAL = "renewable_energy_matching_annual"
HOURLY = "renewable_energy_matching_hourly"
DAY_AND_NIGHT = Renewables(load_kwh={"A": (2.0, 2.0)}, generation_kwh={"A": (4.0, 0.0)})
"""4 kWh of sun by day for a load that runs day and night."""

series = st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 100)), min_size=1, max_size=24)


def test_sun_by_day_covers_the_year_and_half_of_the_hours() -> None:
    """min(4, 4) / 4 = 1; (min(4, 2) + min(0, 2)) / 4 = 0.5."""
    facts = some_facts(renewables=DAY_AND_NIGHT)
    assert of(ANNUAL, facts).value == 1.0
    assert of(HOURLY, facts).value == 0.5


def test_shares_that_a_ledger_worked_out_are_taken_as_they_are() -> None:
    """Each form has its own; a load that no instrument may meet is missing, not zero."""
    told = MatchedShares(annual=1.0 + 1e-12, hourly=0.75, notes=("2 kWh are bought by others",))
    facts = some_facts(renewables=told)
    assert of(ANNUAL, facts).value == 1.0
    assert of(HOURLY, facts).value == 0.75
    assert of(HOURLY, facts).terms == {"matching": "hourly", "accounting": "market"}
    assert "2 kWh are bought by others" in of(ANNUAL, facts).notes
    nothing = MatchedShares(annual=Missing("load"), hourly=Missing("load"))
    for kpi in (ANNUAL, HOURLY):
        assert CATALOG[kpi].answer(some_facts(renewables=nothing)) == Missing("load")


def test_annual_and_hourly_are_never_compared() -> None:
    """The matching is a term."""
    facts = some_facts(renewables=DAY_AND_NIGHT)
    assert differing_terms(of(ANNUAL, facts), of(HOURLY, facts)) == [("matching", "annual", "hourly")]


def test_generation_in_one_zone_never_matches_load_in_another() -> None:
    """10 kWh of wind in A and a load in A and B of 2 kWh each: half."""
    facts = some_facts(
        renewables=Renewables(load_kwh={"A": (2.0,), "B": (2.0,)}, generation_kwh={"A": (10.0,), "B": (0.0,)})
    )
    assert of(ANNUAL, facts).value == 0.5
    assert of(HOURLY, facts).value == 0.5


def test_generation_where_there_is_no_load_matches_nothing_and_is_said() -> None:
    """Certificates of a zone without load."""
    facts = some_facts(
        renewables=Renewables(load_kwh={"A": (2.0,)}, generation_kwh={"A": (1.0,), "C": (9.0,)})
    )
    answer = of(ANNUAL, facts)
    assert answer.value == 0.5
    assert any("C matches nothing" in note for note in answer.notes)


@pytest.mark.parametrize("kpi", [ANNUAL, HOURLY])
def test_a_zone_of_which_the_generation_is_unknown_is_missing_not_zero(kpi: str) -> None:
    """Zero has to be said."""
    facts = some_facts(renewables=Renewables(load_kwh={"A": (2.0,)}, generation_kwh={}))
    assert of(kpi, facts) == Missing("renewable generation in A", "give 0 where there is none")


@pytest.mark.parametrize("kpi", [ANNUAL, HOURLY])
def test_without_data_it_is_missing(kpi: str) -> None:
    """Nothing given, nothing claimed."""
    assert of(kpi, some_facts()).field == "load and renewable generation by zone"


def test_hourly_matching_needs_hours() -> None:
    """Months will not do, and a month is enough for the annual form."""
    monthly = some_facts(
        renewables=Renewables(load_kwh={"A": (2.0,)}, generation_kwh={"A": (1.0,)}, interval="month")
    )
    assert of(HOURLY, monthly).field == "load and generation by the hour"
    assert of(ANNUAL, monthly).value == 0.5


def test_hourly_matching_needs_the_same_hours_on_both_sides() -> None:
    """Two hours of load, one of generation."""
    uneven = some_facts(renewables=Renewables(load_kwh={"A": (2.0, 2.0)}, generation_kwh={"A": (1.0,)}))
    assert of(HOURLY, uneven).field == "generation for the same hours as the load in A"


@pytest.mark.parametrize("kpi", [ANNUAL, HOURLY])
@pytest.mark.parametrize("generation", [-1.0, math.nan, math.inf])
def test_negative_generation_or_none_at_all_is_undefined(kpi: str, generation: float) -> None:
    """Nor may the load be negative, without end, or zero as a whole: inf over inf once was 100 %."""
    bad = Renewables(load_kwh={"A": (2.0,)}, generation_kwh={"A": (generation,)})
    assert isinstance(of(kpi, some_facts(renewables=bad)), Undefined)
    turned = Renewables(load_kwh={"A": (generation,)}, generation_kwh={"A": (2.0,)})
    assert isinstance(of(kpi, some_facts(renewables=turned)), Undefined)
    nothing = Renewables(load_kwh={"A": (0.0,)}, generation_kwh={"A": (2.0,)})
    assert isinstance(of(kpi, some_facts(renewables=nothing)), Undefined)


def test_less_than_a_year_is_said() -> None:
    """Two hours are no year; 8760 are."""
    assert "covers 2 h, less than a year" in of(ANNUAL, some_facts(renewables=DAY_AND_NIGHT)).notes
    year = Renewables(load_kwh={"A": (1.0,) * 8760}, generation_kwh={"A": (1.0,) * 8760})
    assert len(of(HOURLY, some_facts(renewables=year)).notes) == 1


@given(series)
def test_hourly_matching_is_never_above_annual_matching(hours: list[tuple[float, float]]) -> None:
    """Looking closer never flatters; both lie between 0 and 1."""
    load, generation = zip(*hours, strict=True)
    facts = some_facts(renewables=Renewables(load_kwh={"A": load}, generation_kwh={"A": generation}))
    hourly, annual = of(HOURLY, facts).value, of(ANNUAL, facts).value
    assert 0 <= hourly <= annual + 1e-12
    assert annual <= 1
