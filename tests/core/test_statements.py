"""Statements of providers: units, terms, versions, and what may never be added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row, a_run
from wattmark.core.errors import NotComparable, RefusedError
from wattmark.core.run import (
    Dataset,
    NotSeen,
    OutcomeGoal,
    Overhead,
    Quality,
    Run,
    SampleFile,
    Series,
    Statement,
    Window,
    Work,
)
from wattmark.core.statements import (
    GRAMS,
    LITRES,
    Restated,
    accounting_of,
    added,
    amount,
    grams,
    litres,
    only_states,
    parts_checks,
    restated,
    seq_of,
    stated_at,
    terms_of,
    version_order,
    wholes,
)

ALL = ("scope 1", "scope 2", "scope 3")


def carbon(value: float, *scopes: str, unit: str = "kgCO2e", **changes: Any) -> Statement:
    """Emissions over these scopes of May 2026."""
    fields = {"accounting": None, "period": "2026-05", "boundary": "facility", **changes}
    return Statement(quantity="emissions", value=value, unit=unit, scopes=scopes, **fields)


def a_statement_run(*statements: Statement, **changes: Any) -> Run:
    """A run that holds nothing but statements."""
    return a_run(**{"energies": (), "statements": statements or (carbon(1, *ALL),), **changes})


LBM = carbon(6, *ALL, accounting="location")
MBM = carbon(4, *ALL, accounting="market")
ONE = carbon(1, "scope 1")
TWO_LBM = carbon(3, "scope 2", accounting="location")
TWO_MBM = carbon(1, "scope 2", accounting="market")
THREE = carbon(2, "scope 3")
EVERYTHING = (LBM, MBM, ONE, TWO_LBM, TWO_MBM, THREE)


@pytest.mark.parametrize(("unit", "expected"), [("gCO2e", 2.5), ("kgCO2e", 2500.0), ("tCO2e", 2.5e6)])
def test_emissions_are_grams(unit: str, expected: float) -> None:
    """2.5 t are 2 500 000 g."""
    assert grams(carbon(2.5, unit=unit)) == expected
    assert amount(carbon(2.5, unit=unit)) == expected


@given(st.floats(0, 1e12), st.sampled_from([*GRAMS]))
def test_grams_keep_the_unit_s_size(value: float, unit: str) -> None:
    """Grams over the unit's size are the value again."""
    assert grams(carbon(value, unit=unit)) / GRAMS[unit] == pytest.approx(value)


def test_water_is_litres() -> None:
    """A cubic metre holds 1000 litres."""
    water = Statement(quantity="water", value=1.5, unit="m3")
    assert litres(water) == amount(water) == 1500.0
    assert litres(replace(water, unit="L")) == 1.5
    assert set(LITRES) == {"L", "m3"}


def test_money_stays_as_it_is() -> None:
    """A currency is its own unit."""
    bill = Statement(quantity="cost", value=12.5, unit="EUR")
    assert amount(bill) == 12.5
    assert (terms_of(bill).unit, terms_of(bill).accounting) == ("EUR", "")


def test_a_unit_that_is_not_known_is_refused() -> None:
    """Megatonnes and metric tonnes both shorten to MT: nobody guesses."""
    with pytest.raises(RefusedError, match="'MTCO2e' is no unit of emissions that is known: gCO2e"):
        grams(carbon(1, unit="MTCO2e"))
    with pytest.raises(RefusedError, match="no unit of water"):
        litres(Statement(quantity="water", value=1, unit="gal"))


def test_one_quantity_is_not_another() -> None:
    """Water has no grams."""
    with pytest.raises(RefusedError, match="a statement of water is no emissions"):
        grams(Statement(quantity="water", value=1, unit="L"))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (LBM, "location"),
        (MBM, "market"),
        (ONE, "either"),
        (THREE, "either"),
        (carbon(1, *ALL), "not stated"),
        (carbon(1), "not stated"),
        (Statement(quantity="water", value=1, unit="L"), ""),
    ],
)
def test_only_scope_2_has_two_methods(statement: Statement, expected: str) -> None:
    """Without it a figure belongs to either; with it and without a word nobody knows."""
    assert accounting_of(statement) == expected


def test_parts_add_up_to_a_total() -> None:
    """1 + 3 + 2 kg are 6000 g, location-based because its Scope 2 is."""
    total = added([("r", ONE), ("r", TWO_LBM), ("r", THREE)])
    assert total.value == 6000.0
    assert (total.terms.accounting, total.terms.scopes, total.count) == ("location", ALL, 3)


def test_records_with_the_same_scopes_add_up() -> None:
    """Two accounts of 6 kg are 12 000 g; which versions of the model are in it stays known, in order."""
    ten, nine = (replace(LBM, provider_model_version=v) for v in ("v10.0.0", "v9.0.0"))
    total = added([("a", ten), ("b", nine)])
    assert total.value == 12000.0
    assert total.versions == ("v9.0.0", "v10.0.0")
    assert total.terms == terms_of(LBM)


def test_scopes_1_and_3_stay_either() -> None:
    """Nothing of them is location- or market-based."""
    assert added([("r", ONE), ("r", THREE)]).terms.accounting == "either"


@pytest.mark.parametrize("other", [ONE, LBM, replace(LBM, scopes=())])
def test_a_total_is_not_added_to_its_parts(other: Statement) -> None:
    """Nor a total to itself, nor to one that does not say what is in it."""
    other = replace(other, accounting="location")
    with pytest.raises(RefusedError, match="of r would be counted twice"):
        added([("r", LBM), ("r", other)])
    with pytest.raises(RefusedError, match="of r would be counted twice"):
        added([("r", other), ("r", LBM)])


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (MBM, "accounting: location against market"),
        (carbon(1, *ALL), "accounting: location against not stated"),
        (replace(LBM, scopes=("scope 1", "scope 2")), "scopes: scope 1, scope 2, scope 3 against"),
        (replace(LBM, boundary=None), "boundary: facility against not stated"),
        (Statement(quantity="water", value=1, unit="L"), "quantity: emissions against water"),
    ],
)
def test_what_is_on_other_terms_is_not_added(other: Statement, name: str) -> None:
    """Location- and market-based, two sets of scopes, what says no method: each with its reason."""
    with pytest.raises(NotComparable, match=name):
        added([("a", LBM), ("b", other)])


def test_two_currencies_are_not_added() -> None:
    """Nobody converts money."""
    euro, dollar = (Statement(quantity="cost", value=1, unit=u) for u in ("EUR", "USD"))
    with pytest.raises(NotComparable, match="unit: EUR against USD"):
        added([("a", euro), ("b", dollar)])
    assert added([("a", euro), ("b", euro)]).value == 2.0


def test_nothing_has_no_sum() -> None:
    """It is not 0."""
    with pytest.raises(RefusedError, match="nothing to add"):
        added([])


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_a_sum_does_not_depend_on_the_order(values: list[float]) -> None:
    """Whatever the order of records, the sum is the same to the last bit."""
    found = [(f"r{n}", carbon(v, *ALL, accounting="market")) for n, v in enumerate(values)]
    assert added(found).value == added(found[::-1]).value


def test_the_wholes_are_what_no_other_holds() -> None:
    """Of six figures of AWS the two totals stay."""
    assert wholes(EVERYTHING) == [LBM, MBM]
    assert wholes([ONE, TWO_LBM]) == [ONE, TWO_LBM]


def test_a_market_based_part_is_in_no_location_based_total() -> None:
    """It stands by itself there."""
    assert wholes([LBM, TWO_MBM]) == [LBM, TWO_MBM]
    assert wholes([LBM, Statement(quantity="water", value=1, unit="L")])[1].quantity == "water"


def test_parts_are_held_against_their_total() -> None:
    """6 = 1 + 3 + 2, and 4 = 1 + 1 + 2."""
    checks = parts_checks(EVERYTHING)
    assert [c.total for c in checks] == [LBM, MBM]
    assert all(c.agrees and c.difference == 0 for c in checks)


def test_a_difference_is_told() -> None:
    """7 kg beside parts of 6 kg: 1000 g more."""
    (check,) = parts_checks([replace(LBM, value=7), ONE, TWO_LBM, THREE])
    assert check.difference == 1000.0
    assert not check.agrees


def test_a_part_that_is_not_stated_is_named() -> None:
    """The parts are then fewer than the total, whatever they say."""
    (check,) = parts_checks([LBM, ONE, TWO_LBM])
    assert check.lacking == ("scope 3",)
    assert not check.agrees


def test_a_total_alone_is_held_against_nothing() -> None:
    """There are no parts."""
    assert parts_checks([LBM]) == []


@pytest.mark.parametrize(
    ("older", "newer"),
    [("v2.9.0", "v3.0.0"), ("9", "10"), (None, "v1"), ("v3.0.0", "v3.0.1"), ("v3.1.9", "v3.2.0")],
)
def test_versions_have_an_order(older: str | None, newer: str) -> None:
    """As numbers, not as text."""
    assert version_order(older) < version_order(newer)


@given(st.integers(0, 2_000_000_000), st.integers(0, 2_000_000_000), st.integers(0, 899), st.integers(0, 899))
def test_the_model_goes_before_the_time(first: int, second: int, old: int, new: int) -> None:
    """A newer model wins however late the older one was stated; within one model the later one does."""
    before, after = seq_of(f"v{old}.0.0", first * 1_000_000), seq_of(f"v{new}.0.0", second * 1_000_000)
    assert (before < after) is ((old, first) < (new, second))
    assert stated_at(before) == first
    assert after < 2**63


def test_a_huge_version_still_fits() -> None:
    """64 bits hold every seq."""
    assert seq_of("v999999999.99999.99999", 10**18) < 2**63
    assert seq_of("1.0", -5) == seq_of("1", 0)


def test_a_run_of_statements_is_no_attempt() -> None:
    """It holds nothing that was run."""
    assert only_states(a_statement_run())


@pytest.mark.parametrize(
    "changes",
    [
        {"statements": ()},
        {"energies": (a_row(),)},
        {"work": (Work(unit="requests", count=1),)},
        {"quality": (Quality(name="accuracy", value=1),)},
        {"windows": (Window(id=1, name="w", t0_seconds=0, duration_seconds=1),)},
        {"series": (Series(device_id="d", component="cpu", t_seconds=(), energy_joules=()),)},
        {"samples": (SampleFile(path="p", sha256="s"),)},
        {"not_seen": (NotSeen(what="energy", reason="no sensor"),)},
        {"outcome": OutcomeGoal(condition="c", reached=True)},
        {"dataset": Dataset()},
        {"solution_id": "s"},
        {"overhead": Overhead(cpu_seconds=1)},
        {"exit_code": 0},
    ],
)
def test_a_run_that_holds_anything_else_is_one(changes: dict[str, Any]) -> None:
    """A run of CodeCarbon states emissions too, and was a run."""
    run = a_run(**{"energies": (), "statements": (LBM,), **changes})
    assert not only_states(run)


def test_a_restatement_names_old_and_new() -> None:
    """6 kg became 5 kg; what stayed is not named; what came and went is."""
    old = a_statement_run(LBM, ONE, TWO_LBM)
    new = a_statement_run(replace(LBM, value=5), ONE, TWO_MBM)
    found = restated(old, new)
    assert [(one.old and one.old.value, one.new and one.new.value) for one in found] == [
        (6, 5),
        (3, None),
        (None, 1),
    ]
    assert [one.change for one in found] == [-1000.0, None, None]
    assert isinstance(found[0], Restated)
    assert restated(old, old) == []
