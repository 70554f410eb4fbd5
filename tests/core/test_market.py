"""Matching instruments with a load: examples for the head, and what must hold whatever is matched."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.instruments import YEARS, a_mix, an_instrument, hours
from wattmark.core.errors import RefusedError
from wattmark.core.instruments import ANNUAL, HOUR_US, HOURLY, Instrument, ResidualMix, usable
from wattmark.core.market import Loads, Markets, Matching, match
from wattmark.core.market_factors import BEGINNING, END, Rest, priced, rests

AVERAGE = Rest(
    start_us=BEGINNING, end_us=END, grams_per_kwh=300.0, source="table 2025", average=True, relative_error=0.1
)


def matched(loads: Loads, *instruments: Instrument, matching: str = ANNUAL) -> Matching:
    kept, refused = usable(instruments, matching)
    return match(loads, kept, YEARS, matching, refused)


def grams(found: Matching, instruments: tuple[Instrument, ...], mixes: tuple[ResidualMix, ...]) -> float:
    """Market-based grams of the load of the EU: each stretch times its factor."""
    met = [m for m in found.met if m.market == "EU"]
    pieces = priced(met, instruments, rests(mixes, [AVERAGE], "EU", "direct"), found.matching, "direct")
    total = 0.0
    for one in met:
        inside = [p for p in pieces if one.start_us <= p.start_us and p.end_us <= one.end_us]
        lasted = one.end_us - one.start_us
        mean = math.fsum((p.end_us - p.start_us) / lasted * p.intensity.grams_per_kwh for p in inside)
        total += one.load_kwh * mean
    return total


def test_a_year_as_a_whole_against_its_hours() -> None:
    """2 kWh in each of two hours; a plant makes 1 and 5. Over the year all 4 match, by the hour 1 + 2."""
    plant = an_instrument(hours=hours(1.0, 5.0))
    loads = {"EU": hours(2.0, 2.0)}
    annual, hourly = (matched(loads, plant, matching=m) for m in (ANNUAL, HOURLY))
    assert annual.load_kwh("EU") == hourly.load_kwh("EU", "2026") == 4.0
    assert annual.matched_kwh("EU", [plant]) == 4.0
    assert hourly.matched_kwh("EU", [plant]) == 3.0
    (use,) = annual.uses
    assert (use.offered_kwh, use.used_kwh, use.left_kwh) == (6.0, 4.0, 2.0)
    assert use.reason == "more than the load that it may meet"
    assert grams(annual, (plant,), (a_mix(),)) == 0.0
    assert grams(hourly, (plant,), (a_mix(),)) == 500.0


def test_kinds_meet_the_load_in_the_order_of_the_guidance() -> None:
    """10 kWh: 4 of certificates, 3 of a contract, half of the rest by the supplier, the rest residual.

    4 x 0 + 3 x 20 + 1.5 x 100 + 1.5 x 500 = 960 g.
    """
    told = (
        an_instrument("supplier", kind="supplier", share=0.5, renewable=False, grams_per_kwh=100.0),
        an_instrument("contract", kwh=3.0, grams_per_kwh=20.0),
        an_instrument("lot", kind="certificate", kwh=4.0),
    )
    found = matched({"EU": hours(10.0)}, *told)
    (met,) = found.met
    assert met.shares == pytest.approx({"lot": 0.4, "contract": 0.3, "supplier": 0.15})
    assert met.rest == pytest.approx(0.15)
    assert grams(found, told, (a_mix(),)) == pytest.approx(960.0)
    assert found.matched_kwh("EU", told) == pytest.approx(7.0), "a supplier's rate matches nothing"
    assert {use.id: use.used_kwh for use in found.uses} == pytest.approx(
        {"lot": 4.0, "contract": 3.0, "supplier": 1.5}
    )


def test_certificates_beyond_the_load_leave_nothing_for_contracts() -> None:
    """The first kind fills the load; two lots of one kind share it by what they offer."""
    lots = [an_instrument(n, kind="certificate", kwh=k) for n, k in (("a", 30.0), ("b", 10.0))]
    found = matched({"EU": hours(10.0)}, *lots, an_instrument("ppa", kwh=5.0))
    assert {use.id: use.used_kwh for use in found.uses} == {"a": 7.5, "b": 2.5, "ppa": 0.0}
    assert {use.id: use.left_kwh for use in found.uses} == {"a": 22.5, "b": 7.5, "ppa": 5.0}


def test_what_is_left_over_says_why() -> None:
    """Another market, another year: nothing moves there."""
    loads = {"EU": hours(10.0)}
    abroad = an_instrument("abroad", kwh=5.0, market="US")
    later = an_instrument("later", kwh=5.0, start_us=1000 * HOUR_US, end_us=2000 * HOUR_US)
    tariff = an_instrument("tariff", kind="green_tariff", share=1.0, market="US")
    found = matched(loads, abroad, later, tariff)
    assert found.matched_kwh("EU", [abroad, later]) == 0.0
    reasons = {use.id: use.reason for use in found.uses}
    assert reasons["abroad"] == "there is no load of the reporter's own in the market US"
    assert reasons["later"] == "there is no load in EU in 2027: it meets no other year"
    assert "no load" in reasons["tariff"]
    assert [use.left_kwh for use in found.uses] == [5.0, 5.0, 0.0]


def test_a_contract_holds_in_its_own_time() -> None:
    """A tariff from the second hour on: the year is cut there, in both matchings of a supplier."""
    supplier = an_instrument(
        kind="supplier", share=1.0, renewable=False, grams_per_kwh=50.0, start_us=HOUR_US + HOUR_US // 2
    )
    loads = {"EU": hours(2.0, 4.0)}
    for matching in (ANNUAL, HOURLY):
        found = matched(loads, supplier, matching=matching)
        assert [m.load_kwh for m in found.met if m.shares] == [2.0], "half of the second hour"
        assert grams(found, (supplier,), (a_mix(),)) == 4.0 * 500 + 2.0 * 50


def test_a_contract_that_begins_after_the_last_load_meets_nothing() -> None:
    """There is nothing in its stretch of the year, and no factor for it."""
    late = an_instrument(kind="green_tariff", share=1.0, start_us=500 * HOUR_US)
    (met,) = matched({"EU": hours(10.0)}, late).met
    assert (met.end_us, met.rest) == (500 * HOUR_US, 1.0)


def test_an_average_stands_in_for_its_own_time_only() -> None:
    """A residual mix outside of it is another matter."""
    short = replace(AVERAGE, start_us=0, end_us=10)
    assert rests([a_mix(start_us=20, end_us=30)], [short], "EU", "direct")[0] == short


def test_a_green_tariff_has_no_hours_to_match() -> None:
    """Over the year it covers what it says; by the hour nobody knows."""
    tariff = an_instrument(kind="green_tariff", share=0.5)
    loads = {"EU": hours(10.0)}
    assert matched(loads, tariff).matched_kwh("EU", [tariff]) == 5.0
    hourly = matched(loads, tariff, matching=HOURLY)
    assert hourly.matched_kwh("EU", [tariff]) == 0.0
    assert [one.id for one in hourly.refused] == ["wind"]


def test_hours_without_energy_meet_the_rest() -> None:
    """An hour of 0 kWh is no division by zero, and has a factor all the same."""
    plant = an_instrument(hours=hours(1.0, 1.0))
    for matching in (ANNUAL, HOURLY):
        found = matched({"EU": hours(0.0)}, plant, matching=matching)
        (met,) = found.met
        assert (met.load_kwh, met.rest) == (0.0, 1.0)
    assert matched({"EU": {}}, plant).met == ()


def test_without_a_residual_mix_the_average_stands_in_and_says_so() -> None:
    """5 of 10 kWh at 0 g, the rest at 300 g; where a mix is known for half of the year, it goes first."""
    lot = an_instrument(kind="certificate", kwh=5.0, source="registry")
    found = matched({"EU": hours(10.0)}, lot)
    (piece,) = priced(found.met, [lot], rests([], [AVERAGE], "EU", "direct"), ANNUAL, "direct")
    told = piece.intensity
    assert (told.grams_per_kwh, told.accounting, told.inventory) == (150.0, "market", "scope 2")
    assert told.source == "annual matching of wind (registry); table 2025"
    assert told.figure().terms["matching"] == "annual"
    assert "no residual mix of EU is stated" in told.note
    assert told.relative_error == 0.1
    lifecycle = priced(found.met, [lot], rests([], [AVERAGE], "EU", "lifecycle"), ANNUAL, "lifecycle")
    assert lifecycle[0].intensity.inventory == "product-only", "it holds what is upstream of the plants"
    half = a_mix(500.0, end_us=400 * HOUR_US)
    later = a_mix(700.0, start_us=600 * HOUR_US, end_us=700 * HOUR_US)
    pieces = priced(found.met, [lot], rests([later, half], [AVERAGE], "EU", "direct"), ANNUAL, "direct")
    assert [(p.start_us // HOUR_US, p.intensity.grams_per_kwh) for p in pieces] == [
        (0, 250.0),
        (400, 150.0),
        (600, 350.0),
        (700, 150.0),
    ]
    assert [bool(p.intensity.note) for p in pieces] == [False, True, False, True]


def test_an_error_of_the_load_is_one_of_the_rest_alone() -> None:
    """1 of 2 kWh is met at 0 g: 2 % more load is 4 % more rest. Met in whole or not at all: none is added."""
    half = matched({"EU": hours(2.0)}, an_instrument(kind="certificate", kwh=1.0))
    (piece,) = priced(
        half.met, [an_instrument(kwh=1.0)], rests([a_mix()], [], "EU", "direct"), ANNUAL, "direct", 0.02
    )
    assert math.hypot(piece.intensity.relative_error, 0.02) == pytest.approx(0.04)
    rest = rests([a_mix(relative_error=0.1)], [], "EU", "direct")
    (bare,) = priced(matched({"EU": hours(2.0)}).met, [], rest, ANNUAL, "direct", 0.02)
    assert bare.intensity.relative_error == 0.1
    lot = an_instrument(kind="certificate", kwh=2.0, grams_per_kwh=10.0)
    (full,) = priced(matched({"EU": hours(2.0)}, lot).met, [lot], rest, ANNUAL, "direct", 0.02)
    assert full.intensity.relative_error == 0.0


def test_an_error_of_the_residual_mix_is_one_of_what_it_is_of() -> None:
    """Nine tenths from a supplier at 400 g, a tenth at 500 g known to 10 %: 5 of 410 g."""
    rate = an_instrument(kind="supplier", kwh=None, share=0.9, grams_per_kwh=400.0, renewable=False)
    rest = rests([a_mix(relative_error=0.1)], [], "EU", "direct")
    (piece,) = priced(matched({"EU": hours(2.0)}, rate).met, [rate], rest, ANNUAL, "direct")
    assert piece.intensity.grams_per_kwh == pytest.approx(410.0)
    assert piece.intensity.relative_error == pytest.approx(5.0 / 410.0)


def test_a_rest_without_any_factor_is_left_out_and_never_zero() -> None:
    """Neither mix nor average: no factor, unless instruments fill the load."""
    lot = an_instrument(kind="certificate", kwh=5.0)
    some, all_of_it = matched({"EU": hours(10.0)}, lot), matched({"EU": hours(5.0)}, lot)
    wrong_basis = rests([a_mix(basis="lifecycle"), a_mix(market="US")], [], "EU", "direct")
    assert priced(some.met, [lot], wrong_basis, ANNUAL, "direct") == ()
    (piece,) = priced(all_of_it.met, [lot], (), ANNUAL, "direct")
    assert piece.intensity.grams_per_kwh == 0.0
    nobody = matched({"EU": hours(5.0)})
    (piece,) = priced(nobody.met, [], rests([a_mix()], [], "EU", "direct"), HOURLY, "direct")
    assert (piece.intensity.source, piece.intensity.granularity) == (
        "residual mix of EU: issuing bodies 2026",
        "hour",
    )


def test_places_belong_to_one_market() -> None:
    """Members of the Union share one; what is stated goes first; any other country is its own."""
    markets = Markets({"SE3": "SE3", "lab": "lab market"})
    assert markets.of("FRA", "FRA") == markets.of("DE-1", "DEU") == "EU"
    assert markets.of("SE3", "SWE") == "SE3"
    assert markets.of("FRA", "FRA", "lab") == "lab market"
    assert (markets.of("CAMX", "USA"), markets.of("GBR", "GBR")) == ("US", "GB")
    assert (markets.of("CHE", "CHE"), markets.of("X-1"), markets.of("")) == ("CHE", "X-1", "")


@pytest.mark.parametrize("name", ["Europe", "eu", "FR", "fra", "SE3"])
def test_what_is_no_market_is_refused(name: str) -> None:
    """A slip would otherwise meet no load, in silence."""
    with pytest.raises(RefusedError, match=r"is no market: give EU, GB, US, a country"):
        Markets().check(name)
    Markets({name: name}).check(name)


def test_an_instrument_of_a_part_of_a_market_is_refused() -> None:
    """France is in the EU's market, unless somebody makes it one of its own."""
    with pytest.raises(RefusedError, match="FRA is part of the market EU"):
        Markets().check("FRA")
    Markets({"FRA": "FRA"}).check("FRA")
    Markets().check("EU")
    Markets({"FRA": "FRA"}).check("EU")


amounts = st.floats(0.0, 100.0, allow_subnormal=False)
kinds = st.sampled_from(["certificate", "ppa", "green_tariff"])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, dict[int, float]], tuple[Instrument, ...]]:
    """Up to six hours of load in two markets, and up to four instruments of every form."""
    loads = {market: hours(*draw(st.lists(amounts, min_size=1, max_size=6))) for market in ("EU", "US")}
    told = []
    for n in range(draw(st.integers(0, 4))):
        form = draw(st.sampled_from(["kwh", "flat", "hours", "supplier"]))
        common = {"market": draw(st.sampled_from(["EU", "US"])), "grams_per_kwh": draw(amounts)}
        name = f"i{n}"
        if form == "supplier":
            share = draw(st.floats(0.0, 0.25))
            told.append(an_instrument(name, kind="supplier", renewable=False, share=share, **common))
        elif form == "hours":
            made = hours(*draw(st.lists(amounts, min_size=1, max_size=6)))
            told.append(an_instrument(name, kind=draw(kinds), hours=made, **common))
        else:
            kwh = draw(amounts) * (1000.0 if form == "flat" else 1.0)
            told.append(an_instrument(name, kind=draw(kinds), kwh=kwh, flat=form == "flat", **common))
    return loads, tuple(told)


def is_at_most(a: float, b: float) -> bool:
    return a <= b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


@settings(deadline=None)
@given(worlds())
def test_what_matches_is_within_the_load_and_the_generation(
    world: tuple[Loads, tuple[Instrument, ...]],
) -> None:
    """And by the hour it is never more than over the year."""
    loads, told = world
    for market in loads:
        both = [matched(loads, *told, matching=m).matched_kwh(market, told) for m in (ANNUAL, HOURLY)]
        offered = math.fsum(one.amount or 0.0 for one in told if one.market == market)
        assert is_at_most(both[1], both[0])
        assert is_at_most(both[0], math.fsum(loads[market].values()))
        assert is_at_most(both[0], offered)
    for matching in (ANNUAL, HOURLY):
        for use in matched(loads, *told, matching=matching).uses:
            assert use.offered_kwh is None or is_at_most(use.used_kwh, use.offered_kwh)


@settings(deadline=None)
@given(worlds(), st.sampled_from([ANNUAL, HOURLY]), st.randoms(use_true_random=False))
def test_order_and_splitting_change_nothing(
    world: tuple[Loads, tuple[Instrument, ...]], matching: str, random: object
) -> None:
    """An amount in two lots is the same amount."""
    loads, told = world
    split: list[Instrument] = []
    for one in told:
        if one.share is not None:
            split.append(one)
            continue
        for part, share in (("x", 0.25), ("y", 0.75)):
            made = {at: kwh * share for at, kwh in one.hours.items()}
            kwh = None if one.kwh is None else one.kwh * share
            split.append(replace(one, id=f"{part}{one.id}", kwh=kwh, hours=made))
    mixes = (a_mix(),)
    whole = grams(matched(loads, *told, matching=matching), told, mixes)
    for other in (tuple(reversed(told)), tuple(reversed(split)), tuple(split)):
        found = matched(loads, *other, matching=matching)
        assert math.isclose(grams(found, other, mixes), whole, rel_tol=1e-9, abs_tol=1e-9)
        assert math.isclose(
            found.matched_kwh("EU", other),
            matched(loads, *told, matching=matching).matched_kwh("EU", told),
            rel_tol=1e-9,
            abs_tol=1e-9,
        )


@settings(deadline=None)
@given(worlds(), st.sampled_from([ANNUAL, HOURLY]), amounts)
def test_market_based_carbon_lies_between_its_factors(
    world: tuple[Loads, tuple[Instrument, ...]], matching: str, residual: float
) -> None:
    """Neither below the cleanest nor above the dirtiest; and a residual mix moves no kilowatt-hour."""
    loads, told = world
    found = matched(loads, *told, matching=matching)
    kwh = found.load_kwh("EU")
    factors = [residual, *(one.grams_per_kwh for one in told if one.market == "EU")]
    carbon = grams(found, told, (a_mix(residual),))
    assert is_at_most(min(factors) * kwh, carbon)
    assert is_at_most(carbon, max(factors) * kwh)


@settings(deadline=None)
@given(worlds(), st.sampled_from([ANNUAL, HOURLY]))
def test_the_load_is_all_there_once(world: tuple[Loads, tuple[Instrument, ...]], matching: str) -> None:
    """Every kilowatt-hour of every market stands in one stretch."""
    loads, told = world
    found = matched(loads, *told, matching=matching)
    for market, load in loads.items():
        assert math.isclose(found.load_kwh(market), math.fsum(load.values()), rel_tol=1e-9, abs_tol=1e-12)
    assert all(-1e-9 <= one.rest <= 1.0 for one in found.met)
