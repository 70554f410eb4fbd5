"""Devices of several kinds carry together what each of them carries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.assets import an_asset, gpus
from tests.core.kpis.builders import of, some_facts
from wattmark.core.facts import Embodied
from wattmark.core.figure import Missing
from wattmark.core.reserved import embodied_of, of_asset

KPI = "embodied_carbon_amortisation"


def grams(told: Embodied | Missing) -> float:
    """What the KPI makes of it."""
    answer = of(KPI, some_facts(embodied=told))
    return float(answer.value)


def test_a_server_and_its_gpus_add_up() -> None:
    """10 h of 10 g and 20 device-hours of 1 g: 120 g."""
    told = embodied_of([of_asset(an_asset(), 10), of_asset(gpus(), 20)])
    assert isinstance(told, Embodied)
    assert grams(told) == pytest.approx(120)
    assert told.relative_error == pytest.approx(0.5)


def test_utilised_devices_add_up_by_their_hours_in_use() -> None:
    """At half use 20 g an hour, at a quarter 40 g: 5 h of each are 300 g."""
    half = an_asset(mode="utilised", utilisation=0.5)
    quarter = an_asset(name="b", mode="utilised", utilisation=0.25)
    told = embodied_of([of_asset(half, 5), of_asset(quarter, 5)])
    assert isinstance(told, Embodied)
    assert told.mode == "utilised"
    assert grams(told) == pytest.approx(300)


def test_the_two_modes_are_never_added() -> None:
    """One device reserved, one utilised."""
    both = [of_asset(an_asset(), 5), of_asset(an_asset(mode="utilised", utilisation=0.5), 5)]
    assert "one mode" in str(embodied_of(both))


def test_all_hours_of_all_devices_carry_everything() -> None:
    """Four GPUs for their whole life: 400 g, and not a gram more."""
    assert grams(embodied_of([of_asset(gpus(), 400)])) == pytest.approx(400)


def test_more_hours_than_a_life_has_are_said_to_be_so() -> None:
    """60 h in use where half of 100 h were expected."""
    told = of_asset(an_asset(mode="utilised", utilisation=0.5), 60)
    assert "60 h in use, and its life has 50" in told.notes[0]
    assert grams(embodied_of([told])) == pytest.approx(1000), "all of it, and not a gram more"
    assert not of_asset(an_asset(mode="utilised", utilisation=0.5), 50).notes


def test_what_is_used_up_carries_nothing_and_says_so() -> None:
    """Zero grams is a figure here: the device's making is carried already."""
    told = embodied_of([of_asset(an_asset(), 0.0, ["server-1 is used up"])])
    answer = of(KPI, some_facts(embodied=told))
    assert answer.value == 0
    assert "server-1 is used up" in answer.notes


def test_what_is_used_up_is_told_beside_what_is_not() -> None:
    """The server's 50 g, and why its old GPUs carry nothing."""
    told = embodied_of([of_asset(an_asset(), 5), of_asset(gpus(), 0.0, ["gpus is used up"])])
    assert grams(told) == pytest.approx(50)
    assert isinstance(told, Embodied)
    assert told.notes == ("gpus is used up",)


def test_hours_whose_carbon_is_not_known_make_the_whole_unknown() -> None:
    """A sum that leaves a machine out would be too low."""
    lacking = Missing("embodied carbon of machine h2", "add it")
    told = embodied_of([of_asset(an_asset(), 5), replace(of_asset(an_asset(), 5), missing=lacking)])
    assert told == lacking


def test_nothing_stated_and_nothing_in_use_are_missing() -> None:
    """Never zero for unknown."""
    assert str(embodied_of(None)).startswith("missing: embodied carbon")
    assert str(embodied_of([])).startswith("missing: reserved hours")


def test_devices_of_no_grams_carry_none() -> None:
    """A cut-off second life without refurbishing: nothing in use carries anything."""
    free = an_asset(refurbished="cut-off")
    assert grams(embodied_of([of_asset(free, 5), of_asset(gpus(), 20)])) == pytest.approx(20)
    assert grams(embodied_of([of_asset(free, 5)])) == 0
    nothing = an_asset(reserved_share=0.0)
    assert grams(embodied_of([of_asset(nothing, 5)])) == 0
