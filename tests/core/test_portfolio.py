"""The lines of an inventory: what is added, what stands apart, and what says that it is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.ledger_parts import FRANCE, KWH, POLAND, a_group, a_part, how
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import NotComparable
from wattmark.core.facts import WorkDone
from wattmark.core.figure import Figure, Missing
from wattmark.core.parts import Part
from wattmark.core.portfolio import FROM_STATEMENTS, TITLES, Asked, Line, added, require_comparable
from wattmark.core.portfolio_lines import (
    NO_CLOUD,
    NO_MARKET,
    NO_SCOPE2,
    NO_UPSTREAM,
    Evidence,
    inventory_of,
    line_of,
    upstream_of,
)
from wattmark.core.portfolio_totals import Totals
from wattmark.core.rollup import Reserved, Total, total_of

DIRECT = replace(FRANCE, basis="direct", grams_per_kwh=30.0)
CLOUD = Intensity(grams_per_kwh=400.0, zone="us-east-1", source="table", year=2025, inventory="scope 3.1")
BOUGHT = replace(DIRECT, accounting="market", grams_per_kwh=480.0, zone="market EU")
PUE = Pue(value=1.5, source="building")


def of(*parts: Part) -> Total:
    """The total of these parts."""
    return total_of(a_group(*parts))


def totals(
    location: tuple[Part, ...], lifecycle: tuple[Part, ...], market: tuple[Part, ...] | None = None
) -> Totals:
    """One stretch of time with three kinds of factors."""
    return Totals(
        location=of(*location), lifecycle=of(*lifecycle), market=None if market is None else of(*market)
    )


def both() -> Totals:
    """2 kWh of an own site and 1 kWh of a cloud."""
    return totals(
        (a_part(2.0, DIRECT), a_part(1.0, replace(CLOUD, basis="direct"), known=how("k2"))),
        (a_part(2.0, FRANCE), a_part(1.0, CLOUD, known=how("k2"))),
        (a_part(2.0, BOUGHT), a_part(1.0, known=how("k2"))),
    )


def value(line: Line) -> float:
    """The figure of a line that has one."""
    assert isinstance(line.figure, Figure)
    return line.figure.value


def test_each_line_counts_what_belongs_to_it() -> None:
    """2 kWh x 30 g, 2 kWh x 480 g by what was bought, 1 kWh of the cloud x 400 g, 2 kWh x (36 - 30) g."""
    told = both()
    upstream, share = upstream_of([told])
    found = inventory_of(Asked(), Evidence(totals=told, upstream=upstream, upstream_share=share))
    assert value(found.line("energy")) == 3 * 3.6e6
    assert value(found.line("scope2_location")) == pytest.approx(60.0)
    assert value(found.line("scope2_market")) == pytest.approx(960.0)
    assert value(found.line("scope31")) == pytest.approx(400.0)
    assert value(found.line("scope33")) == pytest.approx(12.0)
    assert value(found.line("electricity_lifecycle")) == pytest.approx(72.0)
    assert all(found.line(name).complete for name in ("scope2_location", "scope2_market", "scope31"))
    assert [line.id for line in found.lines] == list(TITLES)
    assert all(line.title == TITLES[line.id] for line in found.lines)


def test_a_lifecycle_figure_of_own_electricity_enters_no_inventory() -> None:
    """It holds Scope 2 and 3.3 unsplit, so it is a product view."""
    line = line_of_unsplit(both())
    assert isinstance(line.figure, Figure)
    assert line.figure.terms["inventory"] == "product-only"


def line_of_unsplit(told: Totals) -> Line:
    """The line of what is not split."""
    return inventory_of(Asked(), Evidence(totals=told)).line("electricity_lifecycle")


def test_lifecycle_factors_alone_make_no_scope_2() -> None:
    """Without a direct factor Scope 2 is missing, and says that a lifecycle one is none."""
    told = totals((a_part(1.0),), (a_part(1.0, FRANCE),))
    assert line_of("scope2_location", told).figure == NO_SCOPE2
    assert value(line_of_unsplit(told)) == pytest.approx(36.0)


def test_market_based_is_never_filled_up_with_location() -> None:
    """Nothing stated, or nothing met: missing; and without bought electricity there is nothing to meet."""
    own = totals((a_part(1.0, DIRECT),), (a_part(1.0, FRANCE),))
    assert line_of("scope2_market", own).figure == NO_MARKET
    unmet = replace(own, market=of(a_part(1.0)))
    assert line_of("scope2_market", unmet).figure == NO_MARKET
    cloud = totals((a_part(1.0),), (a_part(1.0, CLOUD),))
    assert line_of("scope2_market", cloud).figure == NO_SCOPE2


def test_what_met_no_factor_lowers_the_coverage_of_every_line_it_may_belong_to() -> None:
    """1 of 4 kWh of own and unknown energy met nothing: three quarters of Scope 2, and none of the cloud."""
    told = totals((a_part(3.0, DIRECT), a_part(1.0)), (a_part(3.0, FRANCE), a_part(1.0)))
    line = line_of("scope2_location", told)
    assert line.share == 0.75
    assert line.coverage == 0.75
    assert not line.complete
    assert isinstance(line.figure, Figure)
    assert "of 75.0% of the energy" in line.figure.notes[-1]
    assert line_of("scope31", told).figure == NO_CLOUD
    assert line_of("scope31", told).coverage == 0.0


def test_two_bases_are_not_one_line() -> None:
    """Grams of direct and lifecycle factors are never added."""
    mixed = totals((a_part(1.0, DIRECT), a_part(1.0, POLAND)), (a_part(2.0, FRANCE),))
    figure = line_of("scope2_location", mixed).figure
    assert isinstance(figure, Missing)
    assert figure.field == "carbon on one basis"
    unsplit = totals((a_part(2.0, DIRECT),), (a_part(1.0, DIRECT), a_part(1.0, POLAND)))
    assert isinstance(line_of_unsplit(unsplit).figure, Missing)


def test_no_other_line_comes_from_totals() -> None:
    """Statements and purchases have their own sources."""
    with pytest.raises(KeyError):
        line_of("scope32", both())


def test_gaps_and_estimated_intensities_are_the_estimated_share() -> None:
    """1 of 2 kWh is a gap; of the other one the source estimated 40 %: 1.4 of 2."""
    part = a_part(
        1.0, replace(DIRECT, estimated_share=0.4), gap_uj=KWH, gap_us=1, gap_least_uj=0, gap_most_uj=2 * KWH
    )
    told = totals((part,), (part,))
    assert line_of("scope2_location", told).estimated == pytest.approx(0.7)
    assert line_of("energy", told).estimated == pytest.approx(0.5)


def test_a_place_whose_tables_do_not_fit_has_no_upstream_part() -> None:
    """Direct above lifecycle, or one of them unknown: left out, and the share says so."""
    fits = totals((a_part(1.0, DIRECT),), (a_part(1.0, FRANCE),))
    odd = totals((a_part(3.0, replace(DIRECT, grams_per_kwh=50.0)),), (a_part(3.0, FRANCE),))
    half = totals((a_part(1.0),), (a_part(1.0, FRANCE),))
    figure, share = upstream_of([fits, odd, half])
    assert isinstance(figure, Figure)
    assert figure.value == pytest.approx(6.0)
    assert figure.terms["inventory"] == "scope 3.3"
    assert share == pytest.approx(0.2)
    assert upstream_of([odd]) == (NO_UPSTREAM, 0.0)
    assert upstream_of([]) == (NO_UPSTREAM, 0.0)


def test_one_of_two_estimates_stands_for_the_cloud() -> None:
    """The other one is shown beside it."""
    stated = Figure(350.0, "gCO2e", terms={"inventory": "scope 3.1"})
    evidence = Evidence(totals=both(), stated=stated)
    ours = inventory_of(Asked(), evidence)
    theirs = inventory_of(Asked(primary=FROM_STATEMENTS), evidence)
    assert [ours.line(n).primary for n in ("scope31", "scope31_stated")] == [True, False]
    assert [theirs.line(n).primary for n in ("scope31", "scope31_stated")] == [False, True]


def test_the_factors_are_those_that_were_met() -> None:
    """The cloud by its lifecycle factor, own sites by all three; each PUE once."""
    pue = totals(
        (a_part(2.0, DIRECT, PUE), a_part(1.0, replace(CLOUD, basis="direct"))),
        (a_part(2.0, FRANCE, PUE), a_part(1.0, CLOUD)),
        (a_part(2.0, BOUGHT, PUE),),
    )
    found = inventory_of(Asked(), Evidence(totals=pue)).factors
    told = {(f.zone, f.accounting, f.basis): (f.value, f.kwh) for f in found if f.kind == "intensity"}
    assert told == {
        ("FRA", "location", "direct"): (30.0, 2.0),
        ("FRA", "location", "lifecycle"): (36.0, 2.0),
        ("market EU", "market", "direct"): (480.0, 2.0),
        ("us-east-1", "location", "lifecycle"): (400.0, 1.0),
    }
    (building,) = [f for f in found if f.kind == "pue"]
    assert (building.value, building.source, building.kwh) == (1.5, "building", 2.0)
    nothing = totals((a_part(0.0, DIRECT, Pue(value=1.2)),), (a_part(0.0, FRANCE),))
    values = {f.kind: f.value for f in inventory_of(Asked(), Evidence(totals=nothing)).factors}
    assert values == {"intensity": 36.0, "pue": 1.2}


def test_amortised_hardware_is_told_or_missing() -> None:
    """100 kg over 1000 h, 10 h of it: 1 kg; an impossible statement says why."""
    told = Reserved(name="gpu", total_grams=1e5, lifespan_hours=1000.0, hours=10.0)
    with_hardware = total_of(a_group(a_part(1.0), reserved=(told,)))
    line = inventory_of(
        Asked(), Evidence(totals=Totals(location=with_hardware, lifecycle=with_hardware))
    ).line("embodied_amortised")
    assert value(line) == pytest.approx(1000.0)
    without = inventory_of(Asked(), Evidence(totals=both())).line("embodied_amortised")
    assert isinstance(without.figure, Missing)
    twice = replace(told, reserved_share=2.0, hours=900.0)
    odd = total_of(a_group(a_part(1.0), reserved=(twice,)))
    line = inventory_of(Asked(), Evidence(totals=Totals(location=odd, lifecycle=odd))).line(
        "embodied_amortised"
    )
    assert isinstance(line.figure, Missing)
    assert "must lie within the lifespan" in line.figure.hint


def test_days_without_evidence_are_found() -> None:
    """Nothing of them is in any figure."""
    found = inventory_of(Asked(), Evidence(totals=both(), days=10, days_seen=7), ["another"])
    assert found.days_seen == 7
    assert "no evidence in 3 of 10 days" in found.findings[0]
    assert found.findings[1] == "another"


def test_work_is_told_by_unit() -> None:
    """For what carbon is per."""
    done = total_of(a_group(a_part(1.0), work=(WorkDone(unit="inferences", count=5.0),)))
    found = inventory_of(Asked(), Evidence(totals=Totals(location=done, lifecycle=done)))
    assert found.work == {"inferences": 5.0}


def test_terms_tell_two_inventories_apart() -> None:
    """Another boundary, another question, another fingerprint."""
    evidence = Evidence(totals=both())
    plain = inventory_of(Asked(), evidence).terms
    assert plain.terms["scope2_location:basis"] == "direct"
    other = inventory_of(Asked(where={"team": ("b", "a")}), evidence).terms
    assert other.terms["where"] == "team=a,b"
    assert plain.fingerprint != other.fingerprint


def test_a_line_is_held_only_against_its_like() -> None:
    """Equal terms pass; another boundary or accounting is refused, and named."""
    line = line_of("scope2_location", both())
    assert isinstance(line.figure, Figure)
    there = Asked().methodology()
    require_comparable(line, line.figure.terms, Asked(), there)
    require_comparable(Line(id="scope32", figure=Missing("x")), {}, Asked(), there)
    with pytest.raises(NotComparable, match="accounting: location against market"):
        require_comparable(line, {**line.figure.terms, "accounting": "market"}, Asked(), there)
    with pytest.raises(NotComparable, match="asked_boundary: facility against node"):
        require_comparable(line, line.figure.terms, Asked(boundary="facility"), there)


def test_a_sum_names_every_boundary_in_it() -> None:
    """Node and facility add up to both; grams of two inventories never do."""
    node = Figure(1.0, "J", terms={"boundary": "node"})
    facility = Figure(2.0, "J", terms={"boundary": "facility"})
    assert added([node, facility]).terms["boundary"] == "facility+node"
    assert added([node, node]).terms["boundary"] == "node"
    with pytest.raises(NotComparable):
        added([Figure(1.0, "gCO2e", terms={"inventory": i}) for i in ("scope 2", "scope 3.1")])


@given(st.lists(st.floats(0.001, 1000.0), min_size=1, max_size=6), st.integers(0, 5))
def test_parts_add_up_to_their_line(kwh: list[float], clouds: int) -> None:
    """However energy is cut into groups: the lines of the groups make the line of the whole."""
    parts = [a_part(k, CLOUD if i < clouds else FRANCE, known=how(f"k{i}")) for i, k in enumerate(kwh)]
    direct = [
        a_part(k, replace(CLOUD, basis="direct") if i < clouds else DIRECT, known=how(f"k{i}"))
        for i, k in enumerate(kwh)
    ]
    whole = totals(tuple(direct), tuple(parts))
    groups = [totals((d,), (p,)) for d, p in zip(direct, parts, strict=True)]
    for name in ("energy", "scope2_location", "scope31"):
        figure = line_of(name, whole).figure
        each = [line_of(name, group).figure for group in groups]
        found = [f for f in each if isinstance(f, Figure)]
        if isinstance(figure, Missing):
            assert not found
        else:
            assert added(found).value == pytest.approx(figure.value)
