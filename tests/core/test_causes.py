"""A change of carbon is split into causes that add up to it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.decisions import a_facts, joules
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.causes import CAUSES, CarbonChange, carbon_change, effects, log_mean
from wattmark.core.errors import NotComparable
from wattmark.core.facts import WorkDone
from wattmark.core.figure import Missing, exact

POSITIVE = st.floats(min_value=1e-3, max_value=1e6)
ANY = st.one_of(st.just(0.0), POSITIVE)


def change(*args: object, **kwargs: object) -> CarbonChange:
    """A change that exists."""
    found = carbon_change(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(found, CarbonChange)
    return found


def with_grid(grams: float, **changes: object) -> object:
    """Facts on another grid."""
    return a_facts(intensity=Intensity(grams_per_kwh=grams, zone="FRA", source="test").figure(), **changes)


def test_a_change_with_one_cause_is_all_its_own() -> None:
    """1 kWh x 1.2 x 100 g = 120 g; on a grid of 200 g it is 240 g, and all 120 g are the grid's."""
    found = change(a_facts(), with_grid(200.0))
    assert (found.before, found.after) == (pytest.approx(120.0), pytest.approx(240.0))
    assert found.causes["grid"] == pytest.approx(120.0)
    assert [found.causes[c] for c in CAUSES if c != "grid"] == [0.0, 0.0, 0.0, 0.0]


def test_equal_factors_share_equally() -> None:
    """Twice the energy on a grid twice as dirty: 360 g more, half of it each."""
    found = change(a_facts(), with_grid(200.0, energy=7.2e6))
    assert found.causes["grid"] == pytest.approx(180.0)
    assert found.causes["energy"] == pytest.approx(180.0)
    assert found.total == pytest.approx(360.0)


def test_more_work_is_no_worse_model() -> None:
    """Twice the work with twice the energy: the change is the work's."""
    work = {"inferences": WorkDone(unit="inferences", count=2000.0)}
    found = change(a_facts(), a_facts(7.2e6, work=work))
    assert found.causes["work"] == pytest.approx(120.0)
    assert found.causes["energy"] == pytest.approx(0.0)


def test_without_work_its_change_is_inside_energy() -> None:
    """And the split says so."""
    found = change(a_facts(functional_unit=None), a_facts(7.2e6, functional_unit=None))
    assert found.causes["energy"] == pytest.approx(120.0)
    assert any("a change in work is inside" in note for note in found.notes)


def test_embodied_carbon_is_a_cause_of_its_own() -> None:
    """30 g to 50 g of embodied carbon, everything else equal: 20 g."""
    found = change(a_facts(), a_facts(), embodied=(exact(30.0, "gCO2e"), exact(50.0, "gCO2e")))
    assert found.causes["embodied"] == pytest.approx(20.0)
    assert found.total == pytest.approx(20.0)


def test_embodied_on_one_side_only_is_left_out_and_said() -> None:
    """A figure with it is never set beside one without."""
    found = change(a_facts(), a_facts(), embodied=(exact(30.0, "gCO2e"), Missing("embodied")))
    assert found.total == 0.0
    assert any("operational carbon only" in note for note in found.notes)


def test_an_unknown_pue_on_both_sides_stays_at_the_energys_boundary() -> None:
    """100 g, not 100 g x 1.0 in silence: a note says so."""
    unknown = Missing("pue")
    found = change(a_facts(pue=unknown), a_facts(pue=unknown))
    assert found.before == pytest.approx(100.0)
    assert any("PUE is unknown" in note for note in found.notes)


def test_facility_energy_never_meets_the_pue_again() -> None:
    """Energy read at the building's meter is not multiplied."""
    energy = joules(3.6e6, terms={"boundary": "facility"})
    assert change(a_facts(energy=energy), a_facts(energy=energy)).before == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pue": Missing("pue")}, "pue: 1.2 against not stated"),
        ({"pue": Pue(value=1.2, kind="measured").figure()}, "pue_kind"),
        ({"energy": joules(1.0, terms={"boundary": "device"})}, "boundary"),
        ({"functional_unit": "requests"}, "functional_unit"),
    ],
)
def test_unequal_terms_are_refused(changes: dict[str, object], field: str) -> None:
    """With the field named."""
    with pytest.raises(NotComparable, match=field):
        carbon_change(a_facts(), a_facts(**changes))


def test_without_energy_or_grid_there_is_no_split() -> None:
    """What is missing is named, and on which side."""
    assert carbon_change(a_facts(), a_facts(intensity=Missing("grid intensity", "--country"))) == Missing(
        "grid intensity of the second", "--country"
    )
    assert isinstance(carbon_change(a_facts(energy=Missing("energy")), a_facts()), Missing)


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c", "d"]),
        st.tuples(ANY, ANY),
        min_size=1,
        max_size=4,
    )
)
def test_the_parts_add_up_to_the_whole(factors: dict[str, tuple[float, float]]) -> None:
    """For every change, from and to zero too."""
    before = math.prod(a for a, _ in factors.values())
    after = math.prod(b for _, b in factors.values())
    parts = effects(factors)
    scale = max(before, after, 1e-9)
    assert math.fsum(parts.values()) == pytest.approx(after - before, rel=1e-6, abs=1e-7 * scale)


def test_a_factor_that_falls_to_zero_takes_the_whole_change() -> None:
    """Two that do share it."""
    assert effects({"work": (2.0, 3.0), "grid": (5.0, 0.0)}) == {"work": 0.0, "grid": -10.0}
    assert effects({"work": (2.0, 0.0), "grid": (5.0, 0.0)}) == {"work": -5.0, "grid": -5.0}
    assert effects({"work": (0.0, 3.0), "grid": (5.0, 0.0)}) == {"work": 0.0, "grid": 0.0}


@given(POSITIVE, POSITIVE)
def test_the_logarithmic_mean_lies_between_the_other_two(a: float, b: float) -> None:
    """Geometric below it, arithmetic above."""
    assert math.sqrt(a * b) * (1 - 1e-9) <= log_mean(a, b) <= (a + b) / 2 * (1 + 1e-9)
