"""An inventory: lives that carry exactly what making the devices emitted, and purchases that stand apart."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.assets import START, an_asset, gpus
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.figure import total
from wattmark.core.inventory import (
    CUT_OFF,
    HOUR_US,
    LEASED,
    REMAINING,
    bought,
    checked,
    findings,
    of_host,
    purchases,
    share_of,
)


def test_an_hour_carries_its_part_of_the_life() -> None:
    """1000 g over 100 h are 10 g an hour; at half use, 20 g for each hour in use."""
    assert an_asset().grams_per_hour == pytest.approx(10)
    assert an_asset(mode="utilised", utilisation=0.5).grams_per_hour == pytest.approx(20)


@given(cuts=st.lists(st.floats(0, 1), max_size=6), grams=st.floats(1, 1e9), used=st.floats(0.01, 1))
def test_all_hours_of_a_life_together_carry_the_device(cuts: list[float], grams: float, used: float) -> None:
    """However they are cut up, in both modes."""
    edges = [0.0, *sorted(cuts), 1.0]
    for asset in (
        an_asset(total_grams=grams),
        an_asset(total_grams=grams, mode="utilised", utilisation=used),
    ):
        parts = [share_of(asset, (b - a) * asset.in_use_hours) for a, b in pairwise(edges)]
        assert total(parts).value == pytest.approx(grams)


@given(first=st.floats(1, 1e5), second=st.floats(1, 1e5))
def test_two_lives_together_carry_what_one_device_emitted(first: float, second: float) -> None:
    """Of what remains, the second life carries its hours' part, the first the rest."""
    again = an_asset(refurbished=REMAINING, previous_hours=first, lifespan_hours=second)
    before = 1000.0 * first / (first + second)
    assert again.carried_grams + before == pytest.approx(1000)


def test_a_cut_off_second_life_carries_the_mending_alone() -> None:
    """The first life carried the making; 50 g of refurbishing are added under either rule."""
    assert an_asset(refurbished=CUT_OFF, added_grams=50).carried_grams == 50
    half = an_asset(refurbished=REMAINING, previous_hours=100, added_grams=50)
    assert half.carried_grams == pytest.approx(550)


def test_nothing_is_carried_outside_its_life() -> None:
    """It began ten hours ago and lasts a hundred; taken out earlier, it ends earlier."""
    asset = an_asset()
    assert asset.hours_between(START - 20 * HOUR_US, START) == 10
    assert asset.hours_between(START + 89 * HOUR_US, START + 200 * HOUR_US) == 1
    assert asset.hours_between(START + 90 * HOUR_US, START + 91 * HOUR_US) == 0
    assert an_asset(until_us=START).hours_between(START - HOUR_US, START + HOUR_US) == 1


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({}, "name each once"),
        ({"name": "b"}, r"devices.csv:9: chassis of one machine stands in 'server-1' \(devices.csv:2\)"),
        ({"name": "b", "contains": frozenset({"gpu"})}, "one machine at the same time"),
        ({"name": "b", "component": "cpu", "contains": frozenset({"cpu"})}, "cpu of one machine stands in"),
    ],
)
def test_what_would_be_counted_twice_is_refused(second: dict[str, Any], message: str) -> None:
    """With both places."""
    with pytest.raises(UsageError, match=message):
        checked([an_asset(), an_asset(**{"place": "devices.csv:9", **second})])


def test_one_device_stands_in_one_line_at_a_time() -> None:
    """By its id, wherever it is; one after the other is a device that moved on."""
    one = gpus(name="a", device_id="GPU-1", quantity=1.0)
    with pytest.raises(UsageError, match="end one where the other begins"):
        checked([one, gpus(name="b", device_id="GPU-1", hosts=frozenset({"other"}))])
    later = gpus(name="b", device_id="GPU-1", start_us=one.end_us)
    assert len(checked([one, later])) == 2


def test_lines_of_other_machines_and_other_parts_stand_side_by_side() -> None:
    """A server, its GPUs, and another server."""
    lines = (an_asset(), gpus(), an_asset(name="server-2", hosts=frozenset({"other"})))
    assert checked(lines) == lines
    assert of_host(lines, ["h" * 16, "its name"]) == lines[:2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"lifespan_hours": 10.0}, ["used up"]),
        ({"until_us": START + 40 * HOUR_US}, ["0.5 kg are carried by nobody"]),
        ({"until_us": START + 95 * HOUR_US}, ["in service beyond its lifespan"]),
        ({"until_us": START + 90 * HOUR_US}, []),
        ({"start_us": START + HOUR_US}, ["not in service yet"]),
        ({"ownership": LEASED}, ["its owner counts its making"]),
    ],
)
def test_findings_say_what_deserves_a_look(changes: dict[str, Any], words: list[str]) -> None:
    """Half of 1 kg is left when half of the life is."""
    found = [said for _, said in findings([an_asset(**changes)], START)]
    assert len(found) == len(words)
    for said, word in zip(found, words, strict=True):
        assert word in said


def test_purchases_count_whole_in_their_year_by_site() -> None:
    """Four GPUs of 100 g and a server of 1 kg in Paris, one in Lyon; what is leased is its owner's."""
    lines = [
        an_asset(site="paris"),
        gpus(site="paris"),
        an_asset(name="l", site="lyon"),
        an_asset(name="rented", ownership=LEASED),
        an_asset(name="older", purchased_us=0),
    ]
    found = purchases(lines, START - 365 * 24 * HOUR_US, START)
    assert {site: figure.value for site, figure in found.items()} == {"lyon": 1000, "paris": 1400}
    assert found["paris"].relative == pytest.approx(0.5)


def test_purchases_and_shares_are_never_added() -> None:
    """Scope 3.2 whole, and product-only amortised: two views of the same grams."""
    with pytest.raises(NotComparable, match="inventory"):
        total([bought(an_asset()), share_of(an_asset(), 1.0)])
