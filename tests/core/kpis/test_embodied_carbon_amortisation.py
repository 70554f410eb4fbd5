"""Embodied Carbon Amortisation: shares of one device that add up to the whole device."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.kpis.builders import EMBODIED, of, some_facts
from wattmark.core.figure import Missing, Undefined, differing_terms, total

KPI = "embodied_carbon_amortisation"
UTILISED = replace(EMBODIED, mode="utilised", reserved_hours=None, utilisation=0.5, utilised_hours=10.0)
"""1 kg over 100 h at half use: 50 h in use, 10 of them for this work."""


def test_ten_of_a_hundred_hours_reserved_carry_a_tenth() -> None:
    """1000 g x 10 / 100 = 100 g."""
    answer = of(KPI, some_facts(embodied=EMBODIED))
    assert (answer.value, answer.unit) == (pytest.approx(100), "gCO2e")
    assert answer.terms == {"inventory": "product-only", "embodied_mode": "reserved"}


def test_a_quarter_of_the_machine_carries_a_quarter() -> None:
    """100 g x 1 of 4 GPUs."""
    quarter = replace(EMBODIED, reserved_share=0.25)
    assert of(KPI, some_facts(embodied=quarter)).value == pytest.approx(25)


def test_ten_of_fifty_hours_in_use_carry_a_fifth() -> None:
    """1000 g / (100 h x 0.5) x 10 h = 200 g."""
    answer = of(KPI, some_facts(embodied=UTILISED))
    assert answer.value == pytest.approx(200)
    assert answer.terms["embodied_mode"] == "utilised"


def test_the_two_modes_are_never_compared() -> None:
    """Reserved time and time in use are two ways of sharing out."""
    differing = differing_terms(*(of(KPI, some_facts(embodied=e)) for e in (EMBODIED, UTILISED)))
    assert differing == [("embodied_mode", "reserved", "utilised")]


@given(
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=6),
    grams=st.floats(1, 1e9),
    lifespan=st.floats(1, 1e5),
    utilisation=st.floats(0.01, 1),
)
def test_all_utilised_hours_together_carry_the_whole_device(
    cuts: list[float], grams: float, lifespan: float, utilisation: float
) -> None:
    """However the hours in use are cut up among works, their shares add up to TE."""
    in_use = lifespan * utilisation
    edges = [0.0, *sorted(cuts), 1.0]
    parts = [
        of(
            KPI,
            some_facts(
                embodied=replace(
                    UTILISED,
                    total_grams=grams,
                    lifespan_hours=lifespan,
                    utilisation=utilisation,
                    utilised_hours=(b - a) * in_use,
                )
            ),
        )
        for a, b in pairwise(edges)
    ]
    assert total(parts).value == pytest.approx(grams)


@given(st.integers(1, 8), st.floats(1, 1e9))
def test_a_machine_reserved_for_its_whole_life_carries_the_whole_device(parts: int, grams: float) -> None:
    """Equal shares of the machine over the whole lifespan add up to TE."""
    share = replace(
        EMBODIED, total_grams=grams, reserved_hours=EMBODIED.lifespan_hours, reserved_share=1 / parts
    )
    answers = [of(KPI, some_facts(embodied=share)) for _ in range(parts)]
    assert total(answers).value == pytest.approx(grams)


def test_what_is_known_about_the_hardware_limits_what_is_known_about_the_share() -> None:
    """30 % in, 30 % out, and shares of one device err together."""
    one = of(KPI, some_facts(embodied=EMBODIED))
    assert one.relative == pytest.approx(0.30)
    assert total([one, one]).relative == pytest.approx(0.30)


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        (Missing("embodied carbon"), "embodied carbon"),
        (replace(EMBODIED, reserved_hours=None), "reserved hours"),
        (replace(UTILISED, utilisation=None), "expected utilisation"),
        (replace(UTILISED, utilised_hours=None), "utilised hours"),
    ],
)
def test_what_is_not_given_is_missing(given_: Any, field: str) -> None:
    """Never guessed."""
    answer = of(KPI, some_facts(embodied=given_))
    assert isinstance(answer, Missing)
    assert answer.field == field


@pytest.mark.parametrize(
    "wrong",
    [
        replace(EMBODIED, total_grams=-1.0),
        replace(EMBODIED, lifespan_hours=0.0),
        replace(EMBODIED, mode="both"),
        replace(EMBODIED, reserved_share=1.5),
        replace(EMBODIED, reserved_hours=101.0),
        replace(UTILISED, utilisation=0.0),
        replace(UTILISED, utilisation=1.1),
        replace(UTILISED, utilised_hours=51.0),
    ],
)
def test_what_cannot_be_is_undefined(wrong: Any) -> None:
    """More hours than the life has, more than the whole machine, both modes at once."""
    assert isinstance(of(KPI, some_facts(embodied=wrong)), Undefined)
