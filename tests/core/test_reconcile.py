"""core.reconcile: our carbon beside a provider's, and the way from one to the other."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import RefusedError
from wattmark.core.figure import Figure
from wattmark.core.reconcile import REST, Beside, Ours, Spot, Stated, Verdict, reconciled
from wattmark.core.run import Statement

MAY = Spot(provider="aws", region="us-east-1", month="2026-05")
KWH = 3.6e6
ALL = ("scope 1", "scope 2", "scope 3")


def carbon(grams: float, error: float = 0.0, **terms: str) -> Figure:
    """Location-based operational carbon."""
    return Figure(
        value=grams,
        unit="gCO2e",
        errors={"intensity": error},
        terms={"accounting": "location", "basis": "lifecycle", "inventory": "scope 3.1"} | terms,
    )


def ours(grams: float | None = 400.0, **changes: Any) -> Ours:
    """1 kWh at the facility, all measured: 400 g."""
    fields: dict[str, Any] = {
        "spot": MAY,
        "energy_joules": KWH,
        "boundary": "facility",
        "by_grade": {"B": KWH},
        "carbon": None if grams is None else carbon(grams, error=10.0),
    }
    return Ours(**{**fields, **changes})


def said(value: float, *scopes: str, accounting: str | None = "location", **changes: Any) -> Statement:
    """A statement in grams."""
    fields = {"quantity": "emissions", "unit": "gCO2e", "provider_model_version": "v3.0.0"} | changes
    return Statement(value=value, accounting=accounting, scopes=scopes, **fields)  # type: ignore[arg-type]


def stated(*statements: Statement, service: str = "AmazonEC2", **changes: Any) -> Stated:
    """What the provider says of May."""
    return Stated(**{"spot": MAY, "service": service, "statements": statements, **changes})


EC2 = stated(
    said(600, *ALL),
    said(500, *ALL, accounting="market"),
    said(20, "scope 1", accounting=None),
    said(430, "scope 2"),
    said(330, "scope 2", accounting="market"),
    said(150, "scope 3"),
)
S3 = stated(
    said(90, *ALL),
    said(10, "scope 1", accounting=None),
    said(50, "scope 2"),
    said(30, "scope 3"),
    service="AmazonS3",
)


def the_row(*sides: Ours | Stated) -> Beside:
    """The only row of both sides."""
    mine = [side for side in sides if isinstance(side, Ours)]
    theirs = [side for side in sides if isinstance(side, Stated)]
    (row,) = reconciled(mine, theirs).rows
    return row


def steps(row: Beside) -> dict[str, float]:
    """What lies between, in grams."""
    return {step.what: step.grams for step in row.steps}


def test_the_difference_is_told_part_by_part() -> None:
    """690 g of theirs are our 400, 30 of Scope 1, 180 of Scope 3, 50 of S3, and 30 that are left."""
    row = the_row(ours(), EC2, S3)
    assert steps(row) == {
        "Scope 1 of the provider": 30.0,
        "Scope 3 of the provider": 180.0,
        "Scope 2 of other services": 50.0,
        REST: 30.0,
    }
    assert row.theirs is not None
    assert (row.theirs.location, row.theirs.market) == (690.0, None)
    assert row.theirs.services == ("AmazonEC2", "AmazonS3")
    assert row.verdict is Verdict.DIFFER
    assert "were not measured" in row.steps[-1].why


def test_their_grams_over_our_energy_tell_whether_factors_differ() -> None:
    """430 g of Scope 2 for the 1 kWh that we saw: 430 g/kWh beside our own 400."""
    assert the_row(ours(), EC2).implied == 430.0
    assert the_row(ours(energy_joules=0.0), EC2).implied is None


def test_a_remainder_within_our_interval_is_agreement() -> None:
    """430 against 425 +- 10; 30 more than that is a difference, 21 are within 5 % of theirs."""
    assert the_row(ours(425.0), EC2).verdict is Verdict.AGREE
    assert the_row(ours(409.0), EC2).verdict is Verdict.AGREE
    less = the_row(ours(500.0), EC2)
    assert less.verdict is Verdict.DIFFER
    assert "allots to others" in less.steps[-1].why


def test_what_only_one_side_knows_stands_alone() -> None:
    """Never as a zero of the other."""
    row = the_row(EC2)
    assert (row.verdict, row.ours, row.steps) == (Verdict.NOT_MEASURED, None, ())
    row = the_row(ours())
    assert (row.verdict, row.theirs, row.steps) == (Verdict.NOT_STATED, None, ())


def test_figures_on_other_terms_are_refused_with_the_reason() -> None:
    """No accounting, market alone, totals of different scopes, no carbon of ours, a market-based one."""

    def why(*sides: Ours | Stated) -> str:
        row = the_row(*sides)
        assert row.verdict is Verdict.NOT_COMPARABLE
        return row.notes[0]

    assert "does not say by which method" in why(ours(), stated(said(9, *ALL, accounting=None)))
    assert "no location-based total" in why(ours(), stated(said(9, *ALL, accounting="market")))
    older = stated(said(9, "scope 1", "scope 2"), account="other")
    assert "of equal scopes" in why(ours(), EC2, older)
    assert "no carbon: no factor" in why(ours(None, missing="no factor"), EC2)
    market = ours(carbon=carbon(400.0, accounting="market"))
    assert "ours is market-based" in why(market, EC2)


def test_an_older_export_of_scopes_1_and_2_is_compared_as_it_is() -> None:
    """Its total has no Scope 3: nothing is taken off for it."""
    row = the_row(ours(), stated(said(450, "scope 1", "scope 2"), service=""))
    assert steps(row) == {REST: 50.0}
    assert "not told apart" in row.steps[0].why
    assert "Scope 3" not in row.steps[0].why
    assert row.implied is None


def test_a_total_whose_scope_3_is_not_told_apart_says_so() -> None:
    """It is in the remainder then."""
    row = the_row(ours(), stated(said(450, *ALL)))
    assert "its Scope 3 is not stated by itself and is in here" in row.steps[0].why


def test_scopes_without_a_total_make_one() -> None:
    """Google's 10 + 20 + 30 g are 60 by location; Scope 3 of one accounting is not that of the other."""
    parts = stated(
        said(10, "scope 1", accounting=None), said(20, "scope 2"), said(30, "scope 3", accounting=None)
    )
    row = the_row(ours(20.0), parts)
    assert row.theirs is not None
    assert row.theirs.location == 60.0
    assert steps(row)[REST] == 0.0
    alone = the_row(ours(20.0), stated(said(30, "scope 3")))
    assert alone.verdict is Verdict.NOT_COMPARABLE


def test_water_and_cost_are_no_carbon() -> None:
    """A record may state them too."""
    water = Statement(quantity="water", value=5.0, unit="m3")
    row = the_row(ours(430.0), stated(*EC2.statements, water))
    assert row.verdict is Verdict.AGREE
    with pytest.raises(RefusedError, match="no unit of emissions"):
        the_row(ours(), stated(said(1, *ALL, unit="lb")))


def test_what_the_reader_must_know_is_said() -> None:
    """Bills, a narrower boundary, energy without a factor, restatements, several models at once."""
    newer = stated(*[said(1, *ALL, provider_model_version="v3.1.0")], restated=2, account="b")
    mine = ours(boundary="node", by_grade={"B": KWH / 4, "E": KWH * 3 / 4}, missing="a zone without factor")
    text = " ".join(the_row(mine, EC2, newer).notes)
    assert "75% of our energy there comes from bills" in text
    assert "ours is at node boundary" in text
    assert "a zone without factor" in text
    assert "stated anew 2 times" in text
    assert "v3.0.0, v3.1.0" in text
    assert ours(by_grade={}).billed_share == 0.0


def test_upstream_carbon_on_both_sides_is_told() -> None:
    """A lifecycle figure of ours holds what their Scope 3 holds too; a direct one does not."""
    assert any("lifecycle basis" in note for note in the_row(ours(), EC2).notes)
    direct = ours(carbon=carbon(400.0, basis="direct"))
    assert not any("lifecycle basis" in note for note in the_row(direct, EC2).notes)


def test_services_that_nobody_knows_are_not_called_others() -> None:
    """Without a known one nothing tells which of them run on machines that are measured."""
    row = the_row(ours(), stated(*EC2.statements, service="something"))
    assert steps(row)[REST] == 30.0
    assert "of something none is known to be compute" in row.steps[-1].why
    assert row.implied == 430.0


def test_services_that_count_as_measured_can_be_said() -> None:
    """Where S3 is measured too, it is no step."""
    (row,) = reconciled([ours()], [EC2, S3], {"aws": ("AmazonEC2", "AmazonS3")}).rows
    assert "Scope 2 of other services" not in steps(row)
    assert row.implied == 480.0


def test_parts_of_one_region_are_added() -> None:
    """An availability zone beside its region: 800 g of 2 kWh; grams on other terms are not added."""
    node = ours(boundary="node", by_grade={"B": KWH / 2, "D": KWH / 2})
    (row,) = reconciled([ours(), node], []).rows
    assert row.ours is not None
    assert row.ours.carbon is not None
    assert (row.ours.energy_joules, row.ours.carbon.value, row.ours.boundary) == (2 * KWH, 800.0, "mixed")
    assert row.ours.by_grade == {"B": 1.5 * KWH, "D": 0.5 * KWH}
    direct = ours(carbon=carbon(1.0, basis="direct"))
    row = the_row(ours(), direct, EC2)
    assert "basis: lifecycle against direct" in row.notes[0]
    row = the_row(ours(), ours(None, missing="no factor"), EC2)
    assert "no carbon: no factor" in row.notes[0]


def test_months_and_regions_stand_in_their_order() -> None:
    """And the share that has a name is told over all of them: 30 + 180 + 50 of 290 g."""
    june = Spot(provider="aws", region="us-east-1", month="2026-06")
    told = reconciled([ours(), ours(spot=june)], [EC2, S3])
    assert [row.spot for row in told.rows] == [MAY, june]
    assert told.explained_share == pytest.approx(260 / 290)
    assert reconciled([], []).explained_share is None


GRAMS = st.floats(min_value=0, max_value=1e9)


@given(GRAMS, GRAMS, GRAMS, GRAMS, GRAMS)
def test_ours_and_all_steps_make_theirs(
    mine: float, scope_1: float, compute: float, other: float, scope_3: float
) -> None:
    """Whatever the figures are, nothing between the two sides goes missing."""
    first = stated(
        said(scope_1, "scope 1", accounting=None), said(compute, "scope 2"), said(scope_3, "scope 3")
    )
    second = stated(
        said(0, "scope 1", accounting=None), said(other, "scope 2"), said(0, "scope 3"), service="AmazonS3"
    )
    row = the_row(ours(mine), first, second)
    assert row.theirs is not None
    whole = math.fsum([mine, *steps(row).values()])
    assert whole == pytest.approx(row.theirs.location, rel=1e-9, abs=1e-6)
