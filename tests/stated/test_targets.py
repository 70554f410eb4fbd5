"""Targets and rules of portfolios as people state them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import ConfigError
from wattmark.core.frozen import PortfolioRules
from wattmark.core.targets import ENERGY_UNITS, Target
from wattmark.fields import Fields, parse_toml
from wattmark.stated.targets import portfolio_rules, targets


def stated(text: str) -> tuple[Target, ...]:
    """Targets from a text."""
    return targets(Fields("ledger.toml", "", parse_toml(text, "ledger.toml")).tables("target"))


def one(lines: str) -> Target:
    """The one target of a text without its head."""
    (found,) = stated(f"[[target]]\n{lines}")
    return found


LIMIT = 'name = "a"\nwhat = "energy"\nperiod = "2026"\nlimit = 2.0\nunit = "kWh"\n'
REDUCTION = 'name = "a"\nwhat = "energy"\nperiod = "2027"\nreduction = 0.2\nbaseline = "fy2025"\n'


def test_a_limit_is_kept_in_joules_or_grams() -> None:
    """2 kWh are 7.2 MJ, 3 tonnes three million grams, and per unit it is per unit."""
    assert one(LIMIT).limit == 7.2e6
    tonnes = one(LIMIT.replace("energy", "scope31").replace("2.0", "3").replace("kWh", "tCO2e"))
    assert tonnes.limit == 3e6
    ratio = LIMIT.replace("energy", "carbon_per_unit").replace("kWh", "kgCO2e/inference")
    assert one(ratio + 'functional_unit = "inferences"').limit == 2000.0


@given(st.floats(0.0, 1e12), st.sampled_from(list(ENERGY_UNITS)))
def test_every_unit_is_converted(amount: float, unit: str) -> None:
    """The amount times the size of its unit."""
    text = f'name = "a"\nwhat = "energy"\nperiod = "2026"\nlimit = {amount!r}\nunit = "{unit}"\n'
    assert one(text).limit == amount * ENERGY_UNITS[unit]


def test_a_reduction_names_its_baseline() -> None:
    """With everything else that can be said."""
    more = (
        'path = "linear"\ncoverage = 0.8\nevidence_every = "week"\nwhere = { team = "a", site = ["b", "c"] }'
    )
    told = one(REDUCTION + more)
    assert told == Target(
        name="a",
        what="energy",
        period="2027",
        reduction=0.2,
        baseline="fy2025",
        path="linear",
        where={"team": ("a",), "site": ("b", "c")},
        coverage=0.8,
        every="week",
    )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (LIMIT.replace('what = "energy"\n', ""), r"\[\[target\]\] 1 what: is missing"),
        (LIMIT.replace("energy", "power"), "must be one of energy"),
        (LIMIT.replace("2026", "26"), "no year and no quarter"),
        (LIMIT.replace('period = "2026"\n', ""), "period: is missing"),
        (LIMIT + "reduction = 0.1\n", "give one of the two"),
        (LIMIT.replace("limit = 2.0\n", ""), "is of a `limit`"),
        (LIMIT.replace("limit = 2.0\n", "").replace('unit = "kWh"\n', ""), "give one of the two"),
        (LIMIT.replace('unit = "kWh"\n', ""), "unit: is missing: give one of J, kWh"),
        (LIMIT.replace("kWh", "tCO2e"), "must be one of J, kWh"),
        (LIMIT + 'baseline = "b"\n', "go together"),
        (REDUCTION.replace('baseline = "fy2025"\n', ""), "go together"),
        (REDUCTION.replace("0.2", "1.2"), "must be from 0 to 1"),
        (LIMIT + 'path = "linear"\n', "linear leads from a baseline"),
        (REDUCTION.replace("2027", "2027-Q1") + 'path = "linear"\n', "and a year"),
        (LIMIT + 'functional_unit = "inferences"\n', "says nothing of energy"),
        (LIMIT.replace("energy", "energy_per_unit"), "say what carbon or energy is per"),
        (LIMIT + "where = { team = [] }\n", r"where\.team: holds no value"),
        (LIMIT + "where = { team = 3 }\n", "must be a list of strings"),
        (LIMIT + 'evidence_every = "hour"\n', "must be one of day, week, month"),
        (LIMIT + "limt = 1\n", "did you mean 'limit'"),
    ],
)
def test_a_slip_of_the_pen_names_its_place(lines: str, problem: str) -> None:
    """Never left out in silence."""
    with pytest.raises(ConfigError, match=problem):
        one(lines)


def test_two_targets_have_two_names() -> None:
    """`wattmark targets NAME` must find one."""
    with pytest.raises(ConfigError, match=r"\[\[target\]\] 2 name: 'a' is the name of another"):
        stated(f"[[target]]\n{LIMIT}[[target]]\n{LIMIT}")


def test_rules_have_defaults() -> None:
    """Energy stands for Scope 3.1, and 5 % are significant."""
    assert portfolio_rules(Fields("f", "[portfolio]", {})) == PortfolioRules(primary="energy", threshold=0.05)
    said = Fields("f", "[portfolio]", {"scope31": "statements", "threshold": 0.1})
    assert portfolio_rules(said) == PortfolioRules(primary="statements", threshold=0.1)
    with pytest.raises(ConfigError, match="must be one of energy, statements"):
        portfolio_rules(Fields("f", "[portfolio]", {"scope31": "both"}))
