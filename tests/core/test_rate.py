"""Rates per kWh: at which meter, over which hours, and what a mean of them is of."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import RefusedError
from wattmark.core.figure import Figure, Missing
from wattmark.core.hourly import Slice
from wattmark.core.rate import MetRate, Rate, RateCourse, RatePoint, amount_of, energy_at, met, together

PRICE = Rate(kind="price", per_kwh=0.25, unit="EUR", name="flat", source="contract")
KWH = 3.6e6
HOUR = 3_600_000_000


def course(*prices: float) -> RateCourse:
    """An hour of each price, from 0 on."""
    points = tuple(RatePoint(n * HOUR, (n + 1) * HOUR, price) for n, price in enumerate(prices))
    return RateCourse(rate=PRICE, points=points)


def mean(slices: list[Slice], of: RateCourse) -> float:
    found = met(slices, of)
    assert isinstance(found, MetRate)
    return found.rate.per_kwh


def node(joules: float = KWH, boundary: str = "node") -> Figure:
    return Figure(value=joules, unit="J", errors={"meter": 0.1 * joules}, terms={"boundary": boundary})


def test_an_amount_is_energy_times_rate() -> None:
    """2 kWh at 0.25 EUR are 0.50 EUR, and both errors stand in it."""
    figure = amount_of(node(2 * KWH), replace(PRICE, relative_error=0.2))
    assert figure.value == pytest.approx(0.5)
    assert figure.unit == "EUR"
    assert figure.errors == pytest.approx({"meter": 0.05, "price:contract:flat": 0.1})
    assert figure.sources == ("flat (contract)",)


def test_what_is_no_rate_is_refused() -> None:
    """Not a number, and a meter that nobody has."""
    with pytest.raises(RefusedError, match="is impossible"):
        replace(PRICE, per_kwh=math.inf).figure()
    with pytest.raises(RefusedError, match="is no meter"):
        replace(PRICE, meter="roof").figure()


def test_remarks_and_names_of_a_rate_stay_with_it() -> None:
    """A source that is the name is said once."""
    told = replace(PRICE, name="contract", note="without VAT").figure()
    assert told.sources == ("contract",)
    assert told.notes == ("without VAT",)


def test_the_facilitys_meter_takes_the_pue_and_the_machines_does_not() -> None:
    """1 kWh x 1.5, and 1 kWh."""
    pue = Figure(value=1.5, unit="1")
    facility, machines = energy_at(node(), pue, "facility"), energy_at(node(), pue, "it")
    assert isinstance(facility, Figure)
    assert isinstance(machines, Figure)
    assert facility.value == pytest.approx(1.5 * KWH)
    assert machines.value == KWH
    assert machines.notes == ()


def test_devices_alone_say_so_at_either_meter() -> None:
    """No PUE multiplies them."""
    for meter in ("facility", "it"):
        found = energy_at(node(boundary="device"), Figure(value=1.5, unit="1"), meter)
        assert isinstance(found, Figure)
        assert found.value == KWH
        assert "device energy only" in found.notes[0]


def test_energy_of_the_facility_has_no_way_back_to_the_machines() -> None:
    """Litres per kWh of machines do not fit it."""
    assert isinstance(energy_at(node(boundary="facility"), Missing("pue"), "it"), Missing)


def test_energy_meets_the_rates_of_its_own_hours() -> None:
    """3 kWh at 0.10 and 1 kWh at 0.50 are 0.80: 0.20 on average."""
    slices = [Slice(0, HOUR, 3 * KWH), Slice(HOUR, 2 * HOUR, KWH)]
    assert mean(slices, course(0.10, 0.50)) == pytest.approx(0.20)


def test_a_slice_over_an_edge_is_level() -> None:
    """Half an hour of each."""
    assert mean([Slice(HOUR // 2, HOUR + HOUR // 2, KWH)], course(0.10, 0.50)) == pytest.approx(0.30)


def test_one_price_is_exact() -> None:
    """No rounding of sums."""
    assert mean([Slice(0, 3 * HOUR, 0.1)], course(0.1, 0.1, 0.1)) == 0.1


def test_what_no_price_covers_is_told() -> None:
    """Half of the time has none."""
    found = met([Slice(0, 2 * HOUR, KWH)], course(0.10))
    assert isinstance(found, MetRate)
    assert found.known_share == pytest.approx(0.5)
    assert isinstance(met([Slice(5 * HOUR, 6 * HOUR, KWH)], course(0.10)), Missing)
    assert isinstance(met([], course(0.10)), Missing)


def test_what_holds_at_a_moment() -> None:
    """The end of a stretch is no longer in it."""
    two = course(0.1, 0.5)
    point = two.at(HOUR)
    assert point is not None
    assert point.per_kwh == 0.5
    assert two.at(2 * HOUR) is None


def test_a_mean_of_rates_names_all_of_them() -> None:
    """The longest, the largest error, every source; two currencies make none."""
    other = replace(PRICE, name="new", source="contract 2", relative_error=0.3)
    both = together([(1.0, PRICE), (2.0, other)])
    assert both is not None
    assert (both.name, both.source, both.relative_error) == ("new + flat", "contract 2 + contract", 0.3)
    assert together([(1.0, PRICE), (1.0, replace(PRICE, unit="USD"))]) is None
    assert PRICE.family == replace(PRICE, per_kwh=9.0).family


prices = st.lists(st.floats(-0.5, 1.0), min_size=1, max_size=6)
energies = st.lists(st.floats(0.001, 1e3), min_size=1, max_size=6)


@given(prices, energies, st.floats(0.01, 0.99))
def test_splitting_a_slice_at_any_moment_changes_nothing(
    told: list[float], used: list[float], at: float
) -> None:
    """Power within a slice is level, so its parts meet what the whole met."""
    hours = min(len(told), len(used))
    whole = [Slice(n * HOUR, (n + 1) * HOUR, used[n]) for n in range(hours)]
    cut = round(HOUR * at)
    parts = [
        piece
        for s in whole
        for piece in (
            Slice(s.start_us, s.start_us + cut, s.joules * cut / HOUR),
            Slice(s.start_us + cut, s.end_us, s.joules * (HOUR - cut) / HOUR),
        )
    ]
    assert mean(parts, course(*told)) == pytest.approx(mean(whole, course(*told)), abs=1e-12)


@given(st.permutations(range(6)))
def test_the_order_of_slices_changes_nothing(order: list[int]) -> None:
    """A sum has none."""
    told = [0.1, -0.2, 0.3, 0.05, 0.9, 0.0]
    slices = [Slice(n * HOUR, (n + 1) * HOUR, float(n + 1)) for n in range(len(told))]
    shuffled = [slices[n] for n in order]
    assert mean(shuffled, course(*told)) == pytest.approx(mean(slices, course(*told)), abs=1e-12)


@given(prices)
def test_a_mean_lies_between_the_ends(told: list[float]) -> None:
    """Negative prices too."""
    slices = [Slice(n * HOUR, (n + 1) * HOUR, float(n + 1)) for n in range(len(told))]
    assert min(told) - 1e-12 <= mean(slices, course(*told)) <= max(told) + 1e-12
