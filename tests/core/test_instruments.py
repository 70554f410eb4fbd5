"""What an instrument must state, and what may not be claimed twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.instruments import an_instrument, hours
from wattmark.core.errors import RefusedError
from wattmark.core.instruments import (
    ANNUAL,
    HOUR_US,
    HOURLY,
    check_instrument,
    check_instruments,
    usable,
)

HALF = 500 * HOUR_US


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "offset", "kwh": 1.0}, "no kind"),
        ({"kwh": 1.0, "basis": "green"}, "no basis"),
        ({}, "in one way"),
        ({"kwh": 1.0, "hours": hours(1.0)}, "in one way"),
        ({"share": 0.5}, "covers an amount"),
        ({"kind": "supplier", "kwh": 5.0}, "share of the load"),
        ({"kind": "supplier", "share": 1.0}, "green_tariff"),
        ({"kwh": 1.0, "end_us": 0}, "ends before"),
        ({"kwh": -1.0}, "cannot be"),
        ({"kwh": float("nan")}, "cannot be"),
        ({"kind": "green_tariff", "share": 1.5}, "cannot be"),
        ({"hours": hours(1.0, first=1000)}, "outside of its own time"),
    ],
)
def test_an_instrument_that_can_be_none_says_what_to_change(changes: dict[str, Any], told: str) -> None:
    """Each slip has its own sentence."""
    with pytest.raises(RefusedError, match=told):
        check_instrument(an_instrument(**changes))


def test_nothing_is_claimed_twice() -> None:
    """Neither an id, nor a retirement, nor a certificate in two bundles."""
    one = an_instrument("a", kwh=1.0, reference="GO 1-9", bundles=("c",))
    check_instruments([one, an_instrument("b", kwh=1.0)])
    for twin, told in (
        (an_instrument("a", kwh=2.0), "the id"),
        (an_instrument("b", kwh=2.0, reference="GO 1-9"), "the reference"),
        (an_instrument("b", kwh=2.0, bundles=("c",)), "bundled certificate"),
    ):
        with pytest.raises(RefusedError, match=f"{told}.*stands in two instruments"):
            check_instruments([one, twin])


def test_contracts_cover_no_more_than_the_load() -> None:
    """60 % and 60 % at once are 120 %; one after the other, or in two markets, they are not."""
    first = an_instrument("a", kind="green_tariff", share=0.6, end_us=HALF)
    check_instruments([first, an_instrument("b", kind="green_tariff", share=0.6, start_us=HALF)])
    check_instruments([first, an_instrument("b", kind="green_tariff", share=0.6, market="US")])
    with pytest.raises(RefusedError, match="cover 120%"):
        check_instruments([first, an_instrument("b", kind="green_tariff", share=0.6)])


def test_generation_between_two_moments() -> None:
    """By its hours where they are known, else in proportion to time: half of 10 kWh in half of the time."""
    lot = an_instrument(kind="certificate", kwh=10.0)
    assert lot.amount == 10.0
    assert lot.delivered(0, HALF) == 5.0
    assert lot.delivered(1000 * HOUR_US, 2000 * HOUR_US) == 0.0
    assert not lot.timed
    assert lot.delivered_in_hour(0) == 0.0
    plant = an_instrument(hours=hours(1.0, 2.0))
    assert plant.amount == 3.0
    assert plant.delivered(HOUR_US, HALF) == 2.0
    assert (plant.delivered_in_hour(HOUR_US), plant.delivered_in_hour(HALF)) == (2.0, 0.0)
    flat = an_instrument(kwh=1000.0, flat=True)
    assert flat.timed
    assert flat.delivered_in_hour(7 * HOUR_US) == 1.0
    tariff = an_instrument(kind="green_tariff", share=1.0)
    assert tariff.amount is None
    assert tariff.delivered(0, HALF) == 0.0


def test_who_may_meet_a_load_and_why_others_may_not() -> None:
    """Sold, bundled, of another basis, without hours; a supplier's rate needs none."""
    told = [
        an_instrument("e-flat", kwh=1.0, flat=True),
        an_instrument("d-lot", kwh=1.0, kind="certificate"),
        an_instrument("c-sold", kwh=1.0, sold=True),
        an_instrument("b-bundled", kwh=1.0, kind="certificate"),
        an_instrument("a-ppa", hours=hours(1.0), bundles=("b-bundled",), basis="lifecycle"),
        an_instrument("f-supplier", kind="supplier", share=1.0, renewable=False),
    ]
    kept, refused = usable(told, ANNUAL)
    assert [one.id for one in kept] == ["a-ppa", "d-lot", "e-flat", "f-supplier"]
    reasons = {one.id: one.reason for one in refused}
    assert "comes with a-ppa" in reasons["b-bundled"]
    assert "were sold" in reasons["c-sold"]
    kept, refused = usable(told, HOURLY, "direct")
    assert [one.id for one in kept] == ["e-flat", "f-supplier"]
    reasons = {one.id: one.reason for one in refused}
    assert "lifecycle basis, and direct was asked for" in reasons["a-ppa"]
    assert "its hours are not known" in reasons["d-lot"]
    assert usable(reversed(told), HOURLY, "direct") == (kept, refused)
