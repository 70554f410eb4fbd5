"""Money and water of a ledger's group: parts meet their rate at its meter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from tests.core.ledger_parts import KWH, a_group, a_part
from wattmark.core.carbon import Pue
from wattmark.core.parts import Part, RateMet
from wattmark.core.rate import Rate
from wattmark.core.rollup import Total, total_of
from wattmark.core.rollup_rates import amounts_of, kinds_of

EUR = Rate(kind="price", per_kwh=0.25, unit="EUR", name="flat", source="contract", relative_error=0.1)
USD = replace(EUR, unit="USD", name="dollars")
SITE = Rate(kind="water site usage", per_kwh=2.0, unit="L", meter="it", name="lab", source="meters")
PUE = Pue(value=1.5)


def priced(part: Part, *rates: Rate) -> Part:
    """A part whose energy met these rates."""
    return replace(
        part,
        rates=tuple(RateMet(r, part.used_uj * r.per_kwh, part.by_pue * r.per_kwh) for r in rates),
    )


def rolled(*parts: Part) -> Total:
    return total_of(a_group(*parts))


def test_the_facilitys_meter_takes_the_pue_and_the_machines_does_not() -> None:
    """2 kWh x 1.5 x 0.25 EUR, and 2 kWh x 2 L."""
    told = rolled(priced(a_part(2.0, pue=PUE), EUR, SITE))
    cost = told.cost.by_unit["EUR"]
    assert cost.value == pytest.approx(0.75)
    assert set(cost.errors) == {"rapl:k1:gain", "pue:declared:1.5", "price:contract:flat"}
    assert told.water["water site usage"].by_unit["L"].value == pytest.approx(4.0)


def test_without_a_pue_the_node_is_paid_for_and_says_so() -> None:
    """2 kWh x 0.25 EUR."""
    cost = rolled(priced(a_part(2.0), EUR)).cost.by_unit["EUR"]
    assert cost.value == pytest.approx(0.5)
    assert any("the PUE is unknown" in note for note in cost.notes)


def test_devices_and_facilities_meet_no_pue() -> None:
    """1 kWh each at 0.25 EUR: the boundary names both."""
    told = rolled(priced(a_part(pue=PUE, reach=0), EUR), priced(a_part(pue=PUE, reach=2), EUR))
    assert told.cost.by_unit["EUR"].value == pytest.approx(0.5)
    assert told.cost.by_unit["EUR"].terms["boundary"] == "device+facility"


def test_currencies_are_never_added() -> None:
    """They stand beside each other, in order."""
    told = rolled(priced(a_part(1.0), USD), priced(a_part(2.0), EUR))
    assert list(told.cost.by_unit) == ["EUR", "USD"]
    assert [f.value for f in told.cost.by_unit.values()] == pytest.approx([0.5, 0.25])


def test_what_met_no_rate_is_counted_and_said() -> None:
    """3 kWh are in no amount."""
    told = rolled(priced(a_part(1.0), EUR), a_part(3.0))
    assert told.cost.without_uj == 3 * KWH
    assert "3 kWh without a tariff are not in it" in told.cost.by_unit["EUR"].notes
    assert told.water == {}


def test_litres_per_kwh_of_machines_do_not_fit_a_facilitys_meter() -> None:
    """Its energy holds cooling already; there is no way back."""
    told = rolled(priced(a_part(1.0, reach=2), SITE), priced(a_part(1.0), SITE))
    found = told.water["water site usage"]
    assert found.by_unit["L"].value == pytest.approx(2.0)
    assert found.without_uj == KWH
    assert any("without a figure of water site usage" in note for note in found.by_unit["L"].notes)


def test_the_kinds_that_were_met_are_named() -> None:
    """Each once."""
    group = a_group(priced(a_part(), EUR, SITE), priced(a_part(), EUR))
    assert kinds_of(group) == ("price", "water site usage")
    assert amounts_of(a_group()).by_unit == {}


def test_what_a_price_includes_may_differ_and_is_named() -> None:
    """A sum of both says both."""
    whole = replace(EUR, terms=(("price_includes", "energy+taxes"),))
    bare = replace(EUR, terms=(("price_includes", "energy"),))
    cost = rolled(priced(a_part(), whole), priced(a_part(), bare)).cost.by_unit["EUR"]
    assert cost.terms["price_includes"] == "energy+energy+taxes"


@examples(
    st.lists(
        st.tuples(st.floats(0.001, 1e3), st.floats(-0.5, 1.0), st.sampled_from([EUR, USD])),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 7),
)
def test_parts_add_up_to_the_whole_in_each_currency(met: list[tuple[float, float, Rate]], at: int) -> None:
    """Cut anywhere, negative prices and all."""
    parts = [priced(a_part(kwh), replace(rate, per_kwh=price)) for kwh, price, rate in met]
    whole, left, right = (rolled(*some).cost.by_unit for some in (parts, parts[:at], parts[at:]))
    for unit, figure in whole.items():
        added = sum(side[unit].value for side in (left, right) if unit in side)
        assert figure.value == pytest.approx(added, abs=1e-9)
