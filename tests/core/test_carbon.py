"""From energy to carbon: PUE once and only at the node, intensity with its kind, product views openly."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.carbon import (
    Intensity,
    Pue,
    energy_for_carbon,
    entering,
    facility_energy,
    operational_carbon,
    product_view,
    upstream_of,
)
from wattmark.core.errors import NotComparable, RefusedError
from wattmark.core.figure import Figure, Missing, total

KWH = 3.6e6


def energy(boundary: str | None = "node", value: float = KWH) -> Figure:
    """1 kWh, known to 5 %."""
    terms = {"boundary": boundary} if boundary else {}
    return Figure(value, "J", errors={"gain": value * 0.05}, terms=terms)


def intensity(**changes: Any) -> Intensity:
    """100 g/kWh of a made-up zone."""
    return Intensity(**{"grams_per_kwh": 100.0, "zone": "XX", "source": "table", **changes})


def test_one_kilowatt_hour_at_100_grams_is_100_grams() -> None:
    """Activity times factor."""
    carbon = operational_carbon(energy(), intensity().figure())
    assert (carbon.value, carbon.unit) == (pytest.approx(100), "gCO2e")


def test_carbon_carries_the_kind_of_its_intensity_and_the_boundary_of_its_energy() -> None:
    """Nothing that a comparison needs is lost on the way."""
    carbon = operational_carbon(energy("device"), intensity(accounting="market", basis="direct").figure())
    assert carbon.terms == {
        "boundary": "device",
        "accounting": "market",
        "basis": "direct",
        "inventory": "scope 2",
    }


def test_location_and_market_carbon_are_never_joined() -> None:
    """A figure that is one cannot meet a factor that is the other."""
    carbon = operational_carbon(energy(), intensity().figure())
    with pytest.raises(NotComparable, match="accounting"):
        carbon.times(intensity(accounting="market").figure(), "g")


def test_an_intensity_names_its_table_as_the_source_of_its_error() -> None:
    """10 % of 100 g/kWh, common to every figure made from the same table and zone."""
    figure = intensity(relative_error=0.1, year=2024).figure()
    assert figure.errors == {"intensity:table:XX": 10.0}
    assert figure.sources == ("table 2024 (XX, year)",)
    assert intensity(year=2024, source="table of 2024").figure().sources == ("table of 2024 (XX, year)",)


def test_an_intensity_says_what_its_source_estimated() -> None:
    """The note of the table and the estimated share stand beside the value."""
    figure = intensity(note="world average", estimated_share=0.25).figure()
    assert figure.notes == ("world average", "25% of the intensity data is estimated by its source")
    assert intensity().figure().notes == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"accounting": "adjusted"},
        {"basis": "net"},
        {"inventory": "scope 4"},
        {"grams_per_kwh": -1.0},
        {"grams_per_kwh": math.nan},
    ],
)
def test_an_impossible_intensity_is_refused(wrong: dict[str, Any]) -> None:
    """An unknown kind or a value that cannot be would mislead every figure after it."""
    with pytest.raises(RefusedError, match="give"):
        intensity(**wrong).figure()


@pytest.mark.parametrize("value", [0.99, 0.0, -1.0, math.nan, math.inf])
def test_a_pue_below_one_is_refused(value: float) -> None:
    """A facility cannot use less than the machines in it."""
    with pytest.raises(RefusedError, match="impossible"):
        Pue(value=value).figure()


def test_a_pue_of_one_passes_and_one_above_two_is_remarked_on() -> None:
    """2.0 is still quiet, 2.5 asks for a second look."""
    assert Pue(value=1.0).figure().notes == ()
    assert Pue(value=1.0).figure().sources == ("PUE 1 (declared)",)
    assert Pue(value=1.0, source="them").figure().sources == ("PUE 1 (declared: them)",)
    assert Pue(value=2.0).figure().notes == ()
    assert Pue(value=2.5).figure().notes == ("a PUE of 2.5 is unusually high",)


def test_the_pues_of_two_sites_are_two_sources_of_error() -> None:
    """Their errors do not cancel when the sites are compared."""
    one, other = (Pue(value=v, relative_error=0.1).figure() for v in (1.2, 1.4))
    assert one.over(other, "1").relative == pytest.approx(math.hypot(0.1, 0.1))


def test_facility_energy_is_node_energy_times_pue() -> None:
    """1 kWh at PUE 1.5 is 1.5 kWh, now at facility boundary."""
    facility = facility_energy(energy(), Pue(value=1.5).figure())
    assert facility.value == pytest.approx(1.5 * KWH)
    assert facility.terms == {"boundary": "facility", "pue_kind": "declared"}


@pytest.mark.parametrize("boundary", ["device", "facility", None])
def test_pue_never_multiplies_anything_but_node_energy(boundary: str | None) -> None:
    """Device energy leaves out the rest of the machine; facility energy holds the PUE already."""
    with pytest.raises(RefusedError, match="node energy only"):
        facility_energy(energy(boundary), Pue(value=1.5).figure())


def test_pue_is_never_applied_twice() -> None:
    """The result of the first time is refused the second time."""
    pue = Pue(value=1.5).figure()
    with pytest.raises(RefusedError):
        facility_energy(facility_energy(energy(), pue), pue)


def test_a_pue_below_one_is_refused_however_it_got_here() -> None:
    """Also when a figure was made without the Pue type."""
    with pytest.raises(RefusedError, match="impossible"):
        facility_energy(energy(), Figure(0.9, "1"))


def test_an_unknown_pue_leaves_node_energy_at_node_boundary_and_says_so() -> None:
    """Never x 1.0 in silence."""
    widest = energy_for_carbon(energy(), Missing("pue"))
    assert isinstance(widest, Figure)
    assert (widest.value, widest.terms["boundary"]) == (KWH, "node")
    assert "PUE is unknown" in widest.notes[0]


def test_device_energy_stays_device_energy_and_says_so() -> None:
    """A known PUE changes nothing about it."""
    widest = energy_for_carbon(energy("device"), Pue(value=1.5).figure())
    assert isinstance(widest, Figure)
    assert (widest.value, widest.terms["boundary"]) == (KWH, "device")
    assert "device energy only" in widest.notes[0]


def test_facility_energy_is_taken_as_it_is() -> None:
    """A cloud export holds the PUE already."""
    assert energy_for_carbon(energy("facility"), Pue(value=1.5).figure()) == energy("facility")


def test_node_energy_with_a_pue_becomes_facility_energy() -> None:
    """The ordinary case."""
    widest = energy_for_carbon(energy(), Pue(value=1.5).figure())
    assert isinstance(widest, Figure)
    assert widest.terms["boundary"] == "facility"


def test_energy_without_a_boundary_gives_no_carbon() -> None:
    """What it counts has to be said first."""
    answer = energy_for_carbon(energy(None), Missing("pue"))
    assert isinstance(answer, Missing)
    assert answer.field == "boundary of the energy"


def test_a_product_view_adds_embodied_carbon_in_the_open() -> None:
    """100 g and 50 g are 150 g that enter no company inventory."""
    embodied = Figure(50, "gCO2e", terms={"inventory": "product-only", "embodied_mode": "reserved"})
    whole = product_view(operational_carbon(energy(), intensity().figure()), embodied)
    assert whole.value == pytest.approx(150)
    assert whole.terms["inventory"] == "product-only"
    assert whole.terms["embodied_mode"] == "reserved"
    assert "operational carbon (scope 2) plus amortised embodied carbon" in whole.notes[-1]


def test_operational_and_embodied_carbon_do_not_add_by_themselves() -> None:
    """Without the product view the terms refuse it."""
    embodied = Figure(50, "gCO2e", terms={"inventory": "product-only"})
    with pytest.raises(NotComparable, match="inventory"):
        total([operational_carbon(energy(), intensity().figure()), embodied])


@given(st.floats(1e-3, 1e9), st.floats(1.0, 3.0), st.floats(0, 2000))
def test_carbon_is_energy_times_pue_times_intensity(joules: float, pue: float, grams: float) -> None:
    """Whatever the three numbers are, each counts once."""
    facility = facility_energy(energy(value=joules), Pue(value=pue).figure())
    carbon = operational_carbon(facility, intensity(grams_per_kwh=grams).figure())
    assert carbon.value == pytest.approx(joules / KWH * pue * grams)


def test_an_intensity_says_its_data_quality() -> None:
    """Beside the figure; one that is not graded says nothing."""
    graded = Intensity(grams_per_kwh=50.0, zone="FR", source="provider", data_quality="B")
    assert "data quality of the intensity: B" in graded.figure().notes
    assert Intensity(grams_per_kwh=50.0, zone="FR", source="table").figure().notes == ()


def test_a_lifecycle_figure_enters_no_scope_2() -> None:
    """It holds what is upstream of the plant; a direct one and a cloud's stay what they are."""
    terms = [("lifecycle", "scope 2"), ("direct", "scope 2"), ("lifecycle", "scope 3.1")]
    told = [Intensity(grams_per_kwh=1.0, zone="FRA", source="t", basis=b, inventory=i) for b, i in terms]
    assert [entering(one).inventory for one in told] == ["product-only", "scope 2", "scope 3.1"]


def test_a_lifecycle_figure_is_split_into_the_plant_and_what_is_upstream() -> None:
    """100 g over the life cycle less 60 g at the plant are 40 g of Scope 3.3; both errors are in it."""
    whole = Intensity(grams_per_kwh=100.0, zone="FRA", source="one", year=2024, relative_error=0.03, note="n")
    direct = Intensity(grams_per_kwh=60.0, zone="FRA", source="other", basis="direct", relative_error=0.0)
    found = upstream_of(whole, direct)
    assert (found.grams_per_kwh, found.inventory) == (40.0, "scope 3.3")
    assert found.relative_error == pytest.approx(3.0 / 40.0)
    assert found.source == "one 2024 less other"
    assert found.note == "n; upstream of generation: a difference of two sources"
    bare = upstream_of(replace(whole, note=""), direct)
    assert bare.note == "upstream of generation: a difference of two sources"
    with pytest.raises(RefusedError, match="is not above"):
        upstream_of(replace(whole, grams_per_kwh=60.0), direct)
