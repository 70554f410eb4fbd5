"""A frozen inventory: what is kept, what is compared with it, and how far it has moved."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, Missing
from wattmark.core.frozen import (
    Drift,
    Frozen,
    FrozenLine,
    Held,
    differences,
    drifts,
    frozen_line,
    held_against,
)
from wattmark.core.known import Grade
from wattmark.core.portfolio import Asked, Inventory, Line, UsedFactor

TERMS = {"accounting": "location", "basis": "direct", "inventory": "scope 2", "boundary": "facility"}
FACTOR = UsedFactor(
    kind="intensity", value=30.0, source="table", zone="FRA", year=2025, accounting="location", basis="direct"
)


def grams(value: float, error: float = 0.0, **changes: Any) -> Line:
    """Scope 2, location-based."""
    errors = {"table": error} if error else {}
    figure = Figure(value, "gCO2e", errors=errors, grades={Grade.B: 1.0}, terms=TERMS)
    return Line(**{"id": "scope2_location", "figure": figure, **changes})


def inventory(*lines: Line, **changes: Any) -> Inventory:
    """Of node boundary."""
    return Inventory(**{"asked": Asked(), "lines": lines, "factors": (FACTOR,), **changes})


def frozen(*lines: Line, **changes: Any) -> Frozen:
    """The year 2025."""
    fields: dict[str, Any] = {
        "name": "fy2025",
        "frozen_at": "2026-01-02T00:00:00Z",
        "ledger_version": 3,
        "period": "2025",
        "first": date(2025, 1, 1),
        "after": date(2026, 1, 1),
        "asked": Asked(),
        "lines": tuple(frozen_line(line) for line in lines),
        "factors": (FACTOR,),
        "tables": {"ember": "a" * 64},
    }
    return Frozen(**{**fields, **changes})


def test_a_line_keeps_what_is_known_of_it() -> None:
    """Value, interval, grade, terms; and its figure can be used again."""
    kept = frozen_line(grams(100.0, 10.0, share=0.9))
    assert (kept.value, kept.low, kept.high, kept.grade, kept.share) == (100.0, 90.0, 110.0, "B", 0.9)
    assert kept.title == "Scope 2, location-based"
    figure = kept.figure
    assert isinstance(figure, Figure)
    assert figure.interval == (90.0, 110.0)
    exact = frozen_line(grams(100.0)).figure
    assert isinstance(exact, Figure)
    assert exact.half_width == 0.0


def test_an_endless_interval_is_kept_as_none() -> None:
    """JSON has no infinity."""
    figure = Figure(1.0, "gCO2e", ends=(-math.inf, math.inf))
    kept = frozen_line(Line(id="scope31", figure=figure))
    assert (kept.low, kept.high, kept.grade) == (None, None, None)


def test_what_was_missing_stays_missing() -> None:
    """With its reason; so does a line that was not known then."""
    kept = frozen(Line(id="scope32", figure=Missing("purchases", "list them")))
    assert kept.line("scope32").figure == Missing("purchases", "list them")
    assert kept.line("scope33").figure == Missing("scope33 in the baseline 'fy2025'")
    assert FrozenLine(id="later").title == "later"


def test_a_reduction_finds_its_line() -> None:
    """Energy and ratios of energy from one line, carbon per unit from the one inventory there is."""
    energy = Line(id="energy", figure=Figure(1000.0, "J", ends=(900.0, 1100.0)))
    kept = frozen(energy, grams(50.0), work={"inferences": 10.0})
    assert kept.base("energy").figure == kept.line("energy").figure
    per = kept.base("energy_per_unit", "inferences").figure
    assert isinstance(per, Figure)
    assert per.value == pytest.approx(100.0)
    assert per.unit == "J/inference"
    carbon = kept.base("carbon_per_unit", "inferences").figure
    assert isinstance(carbon, Figure)
    assert carbon.value == pytest.approx(5.0)
    assert isinstance(kept.base("carbon_per_unit", "images").figure, Missing)
    assert kept.base("scope2_location").days == 365
    cloud = grams(70.0, id="scope31")
    assert frozen(cloud).counted("carbon_per_unit").id == "scope31"
    both = frozen(grams(50.0), cloud, work={"inferences": 1.0}).base("carbon_per_unit", "inferences")
    assert isinstance(both.figure, Missing)


def test_a_figure_beside_its_baseline() -> None:
    """90 against 100 is a tenth less; 6 % and 8 % of error make 10 % of the ratio."""
    told = held_against(grams(90.0, 5.4), Asked(), 365, frozen(grams(100.0, 8.0)))
    assert isinstance(told, Held)
    assert (told.then, told.per_day) == (100.0, False)
    assert told.change == pytest.approx(-0.1)
    assert (told.low, told.high) == pytest.approx((-0.19, -0.01))


def test_a_part_of_a_year_is_compared_per_day() -> None:
    """73 of 365 days: a fifth; a leap year is a year."""
    told = held_against(grams(18.0), Asked(), 73, frozen(grams(100.0)))
    assert isinstance(told, Held)
    assert (told.then, told.per_day) == (20.0, True)
    assert told.change == pytest.approx(-0.1)
    leap = held_against(grams(100.0), Asked(), 366, frozen(grams(100.0)))
    assert isinstance(leap, Held)
    assert leap.change == 0.0


def test_hardware_is_not_spread_over_days() -> None:
    """What was bought in a part of a year is held against no part of another one."""
    bought = grams(50.0, id="scope32")
    part = held_against(bought, Asked(), 73, frozen(grams(100.0, id="scope32")))
    assert isinstance(part, Missing)
    whole = held_against(bought, Asked(), 365, frozen(grams(100.0, id="scope32")))
    assert isinstance(whole, Held)


def test_without_a_figure_on_both_sides_there_is_no_change() -> None:
    """What is missing is said; nothing is a share of nothing."""
    lacking = Line(id="scope2_location", figure=Missing("factors"))
    assert held_against(lacking, Asked(), 365, frozen(grams(100.0))) == Missing("factors")
    there = held_against(grams(90.0), Asked(), 365, frozen(lacking))
    assert isinstance(there, Missing)
    assert there.hint == "factors"
    assert isinstance(held_against(grams(90.0), Asked(), 365, frozen(grams(0.0))), Missing)


def test_another_method_is_refused() -> None:
    """The differing fields are named."""
    with pytest.raises(NotComparable, match="asked_boundary"):
        held_against(grams(90.0), Asked(boundary="device"), 365, frozen(grams(100.0)))


def test_the_same_again_has_no_differences() -> None:
    """To 1e-9: the order of a sum is no difference."""
    kept = frozen(grams(100.0))
    assert differences(kept, inventory(grams(100.0 * (1 + 1e-12))), kept.tables) == []


def test_every_difference_is_named() -> None:
    """A figure, a factor, a table, and what came or went."""
    kept = frozen(grams(100.0), Line(id="scope31", figure=Missing("cloud")))
    other = replace(FACTOR, value=31.0)
    new = replace(FACTOR, zone="DEU")
    again = inventory(grams(103.0), Line(id="scope31", figure=Figure(5.0, "gCO2e")), factors=(other, new))
    found = {d.what: (d.then, d.now) for d in differences(kept, again, {"own": "b" * 64})}
    assert found == {
        "Scope 2, location-based": ("100 gCO2e", "103 gCO2e"),
        "Scope 3.1, cloud and APIs, from energy": ("missing: cloud", "5 gCO2e"),
        "factor FRA location direct table 2025": ("30", "31"),
        "factor DEU location direct table 2025": ("not used", "30"),
        "table ember": ("a" * 16, "absent"),
        "table own": ("absent", "b" * 16),
    }


def moved(then: float, middle: float, now: float, threshold: float = 0.05) -> Drift:
    """A figure when it was frozen, with today's factors, and with today's evidence too."""
    (found,) = drifts(frozen(grams(then)), inventory(grams(middle)), inventory(grams(now)), threshold)
    return found


def test_a_change_is_told_apart_by_cause() -> None:
    """2 % by factors, 1 % by evidence: not significant at 5 %, and at 2 % it is."""
    told = moved(100.0, 102.0, 103.0)
    assert told.change == pytest.approx(0.03)
    assert told.by_factors == pytest.approx(0.02)
    assert told.by_evidence == pytest.approx(0.01)
    assert not told.significant
    assert moved(100.0, 102.0, 103.0, 0.02).significant
    assert told.title == "Scope 2, location-based"


def test_changes_that_cancel_are_two_changes() -> None:
    """10 % up by factors and down again by evidence."""
    told = moved(100.0, 110.0, 100.0)
    assert told.change == 0.0
    assert told.significant


def test_a_figure_that_came_or_went_is_significant() -> None:
    """There is no share of it; a line that never had one is left out."""
    nothing = Line(id="scope2_location", figure=Missing("factors"))
    (went,) = drifts(frozen(grams(1.0)), inventory(grams(1.0)), inventory(nothing))
    assert went.change == math.inf
    assert went.significant
    assert drifts(frozen(nothing), inventory(nothing), inventory(nothing)) == []
    (grew,) = drifts(frozen(grams(0.0)), inventory(grams(0.0)), inventory(grams(2.0)))
    assert grew.change == math.inf
    assert Drift(line="x", then=None, now=None, unit="J").change == 0.0
