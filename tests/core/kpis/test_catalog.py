"""What holds for every KPI of the catalog."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.kpis.builders import KWH, full_facts, joules, of, some_facts
from wattmark.core.facts import Facts, Operations
from wattmark.core.figure import Figure, Missing, NotReached, Undefined, require_same_terms
from wattmark.core.kpis import CATALOG, Better

IDS = list(CATALOG)
PER_ENERGY = {
    # KPI -> the power of energy with which it goes, all else equal
    "energy_to_solution": 1,
    "carbon_to_solution": 1,
    "carbon_per_inference_operational": 1,
    "performance_per_watt": -1,
    "flops_per_watt": -1,
    "model_efficiency_ratio": -1,
    "model_efficiency_ratio_project": -1,
    "inference_watts_per_query": 1,
}


def scaled_facts(factor: float, **changes: Any) -> Facts:
    """Full facts whose every energy is so many times larger."""
    stages = {"training": joules(8 * KWH * factor), "inference": joules(2 * KWH * factor)}
    return full_facts(energy=joules(10 * KWH * factor), energy_by_stage=stages, **changes)


def test_every_id_names_its_own_kpi_and_every_title_is_its_own() -> None:
    """Nothing is registered twice or under a wrong name."""
    assert all(kpi.id == name for name, kpi in CATALOG.items())
    assert len({kpi.title for kpi in CATALOG.values()}) == len(CATALOG)
    assert all(kpi.formula and kpi.version >= 1 for kpi in CATALOG.values())
    assert all(kpi.better in Better for kpi in CATALOG.values())


@pytest.mark.parametrize("kpi_id", IDS)
def test_a_kpi_has_a_figure_when_everything_is_known(kpi_id: str) -> None:
    """Full facts leave no refusal."""
    assert isinstance(of(kpi_id, full_facts()), Figure)


@pytest.mark.parametrize("kpi_id", IDS)
def test_a_figure_has_the_unit_that_the_catalog_promises(kpi_id: str) -> None:
    """``unit`` stands for the functional unit, here one inference."""
    promised = CATALOG[kpi_id].unit.split("/")
    spoken = ["inference" if part == "unit" else part for part in promised]
    assert of(kpi_id, full_facts()).unit == "/".join(spoken)


@pytest.mark.parametrize("kpi_id", IDS)
def test_a_kpi_that_knows_nothing_is_missing_and_says_what(kpi_id: str) -> None:
    """Never 0 for unknown."""
    answer = of(kpi_id, Facts(energy=Missing("energy")))
    assert isinstance(answer, Missing)
    assert answer.field


@pytest.mark.parametrize("kpi_id", IDS)
def test_a_kpi_never_divides_by_zero(kpi_id: str) -> None:
    """No work and no energy give a reason, not an exception and not an infinity."""
    nothing = {unit: type(w)(unit=unit, count=0.0, precision="fp32") for unit, w in full_facts().work.items()}
    stages = {"training": joules(0.0), "inference": joules(0.0)}
    answer = of(kpi_id, full_facts(energy=joules(0.0), energy_by_stage=stages, work=nothing))
    if isinstance(answer, Figure):
        assert abs(answer.value) < float("inf")
    else:
        assert isinstance(answer, Missing | Undefined | NotReached)


@pytest.mark.parametrize("kpi_id", IDS)
def test_the_same_facts_give_the_same_answer(kpi_id: str) -> None:
    """KPIs are pure: no clock, no memory."""
    assert of(kpi_id, full_facts()) == of(kpi_id, full_facts())


@pytest.mark.parametrize("kpi_id", IDS)
def test_two_answers_made_on_the_same_terms_may_be_compared(kpi_id: str) -> None:
    """A baseline of the same kind is never refused."""
    require_same_terms(of(kpi_id, scaled_facts(1)), of(kpi_id, scaled_facts(2)))


@pytest.mark.parametrize("kpi_id", PER_ENERGY)
@given(factor=st.floats(min_value=1e-3, max_value=1e3))
def test_k_times_the_energy_gives_k_times_the_kpi_or_its_kth_part(kpi_id: str, factor: float) -> None:
    """Nothing but energy changes, so the KPI follows it, up or down."""
    before, after = of(kpi_id, scaled_facts(1)), of(kpi_id, scaled_facts(factor))
    assert after.value == pytest.approx(before.value * factor ** PER_ENERGY[kpi_id])


@pytest.mark.parametrize("kpi_id", PER_ENERGY)
def test_a_shared_meters_gain_cancels_between_two_runs_and_not_against_a_limit(kpi_id: str) -> None:
    """Both runs were read by one meter known to 5 %: their ratio is exact, each alone keeps its 5 %."""
    one, other = of(kpi_id, scaled_facts(1)), of(kpi_id, scaled_facts(2))
    assert one.over(other, "1").relative == pytest.approx(0, abs=1e-9)
    assert one.relative == pytest.approx(0.05)


@pytest.mark.parametrize("kpi_id", IDS)
@pytest.mark.parametrize(
    "changes",
    [
        {"renewables": None},
        {"operations": Operations()},
        {"utilisation": ()},
        {"dataset": None},
        {"peak": None},
    ],
)
def test_taking_something_away_never_changes_a_figure_it_does_not_feed(
    kpi_id: str, changes: dict[str, Any]
) -> None:
    """A KPI either stays as it was or says what is missing now; it never fills in."""
    answer = of(kpi_id, full_facts(**changes))
    assert isinstance(answer, Missing) or answer == of(kpi_id, full_facts())


def test_renewables_never_lower_location_based_carbon_or_the_sci() -> None:
    """Full matching leaves every carbon figure where it was."""
    for kpi_id in ("carbon_per_inference_operational", "carbon_to_solution", "software_carbon_intensity"):
        assert of(kpi_id, full_facts()) == of(kpi_id, full_facts(renewables=None))


@pytest.mark.parametrize("kpi_id", ["carbon_to_solution", "carbon_per_inference_operational"])
@pytest.mark.parametrize("term", ["accounting", "basis", "inventory", "boundary"])
def test_a_carbon_figure_states_every_term_of_its_kind(kpi_id: str, term: str) -> None:
    """Two carbon figures can be told apart by each of them."""
    assert term in of(kpi_id, full_facts()).terms


def test_the_grade_of_the_energy_reaches_the_kpi() -> None:
    """B in, B out."""
    assert of("carbon_per_inference_operational", some_facts()).grade == "B"
