"""Two groups of runs side by side."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tests.core.decisions import ENERGY, QUALITY, a_facts, joules
from wattmark.core.carbon import Intensity
from wattmark.core.causes import CarbonChange
from wattmark.core.compare import Outcome
from wattmark.core.errors import NotComparable
from wattmark.core.facts import Embodied, Facts, WorkDone
from wattmark.core.figure import Figure, Missing, NotReached, exact
from wattmark.core.groups import causes_of, compare_groups, middle
from wattmark.core.kpis import CATALOG, Better, Kpi
from wattmark.core.repeats import Repeat
from wattmark.core.rubric import Factors

EMBODIED = CATALOG["embodied_carbon_amortisation"]
CARBON = CATALOG["carbon_per_inference_operational"]


def repeats(*energies: float | Missing, **changes: Any) -> list[Repeat]:
    """One repeat per energy."""
    found = [a_facts(e, **changes) for e in energies]
    return [Repeat(facts=f, least=f, most=f) for f in found]


def test_a_kpi_gets_its_effect_and_outcome() -> None:
    """Half the energy, the same meter: better for sure, and within any limit."""
    (energy,) = compare_groups(repeats(3.6e6, 3.6e6), repeats(1.8e6, 1.8e6), [ENERGY])
    assert energy.outcome is Outcome.PASS
    assert energy.effect is not None
    assert energy.effect.ratio == pytest.approx(0.5)
    assert energy.runs_needed is None
    assert isinstance(energy.candidate, Figure)
    assert energy.candidate.value == pytest.approx(0.5)


def test_an_undecided_effect_says_how_many_runs_would_decide() -> None:
    """Noise of 3 % around 2 %, against 5 %."""
    base = repeats(*[3.6e6 * math.exp(v) for v in (-0.03, 0.0, 0.03)])
    other = repeats(*[3.6e6 * 1.02 * math.exp(v) for v in (-0.03, 0.0, 0.03)])
    (energy,) = compare_groups(base, other, [ENERGY], limit=0.05)
    assert energy.outcome is Outcome.UNDECIDED
    assert energy.runs_needed == 18


def holed(*energies: tuple[float, float, float]) -> list[Repeat]:
    """One repeat per estimate with the least and the most that it can have been."""
    return [Repeat(facts=a_facts(e), least=a_facts(low), most=a_facts(high)) for e, low, high in energies]


def test_noise_that_gaps_may_hide_is_in_the_interval() -> None:
    """Three repeats whose estimates are alike, and which may have lain 20 % apart."""
    base = repeats(3.6e6, 3.6e6, 3.6e6)
    (whole,) = compare_groups(base, repeats(3.6e6, 3.6e6, 3.6e6), [ENERGY])
    (hidden,) = compare_groups(base, holed(*[(3.6e6, 3.24e6, 3.96e6)] * 3), [ENERGY])
    assert whole.effect is not None
    assert hidden.effect is not None
    assert whole.effect.interval == pytest.approx((1.0, 1.0))
    low, high = hidden.effect.interval
    assert low < 0.8
    assert high > 1.2
    assert hidden.outcome is Outcome.UNDECIDED


def test_a_repeat_that_may_have_used_nothing_hides_any_noise() -> None:
    """No limit is kept for sure, and no change is too large to be overlooked; nothing overflows."""
    (found,) = compare_groups(repeats(3.6e6, 3.6e6), holed(*[(1.8e6, 0.0, 3.6e6)] * 2), [ENERGY])
    assert found.outcome is Outcome.UNDECIDED
    assert found.effect is not None
    assert found.effect.smallest_detectable is not None
    assert found.effect.smallest_detectable > 1e100


def test_an_end_of_gaps_without_a_figure_leaves_it_undecided() -> None:
    """What cannot be said at an end of the gaps cannot be said."""
    one = Repeat(facts=a_facts(1.8e6), least=a_facts(Missing("energy")), most=a_facts(3.6e6))
    (found,) = compare_groups(repeats(3.6e6, 3.6e6), [one, one], [ENERGY])
    assert (found.effect, found.outcome, found.reason) == (None, Outcome.UNDECIDED, "missing: energy")


def test_a_bootstrap_has_a_fresh_seed_for_each_kpi() -> None:
    """The order of KPIs does not change their intervals."""
    source = random.Random(1)
    base = repeats(*[3.6e6 * source.uniform(0.9, 1.1) for _ in range(20)])
    other = repeats(*[3.6e6 * source.uniform(0.9, 1.1) for _ in range(20)])

    def intervals(*kpis: Kpi) -> dict[str, tuple[float, float]]:
        found = compare_groups(base, other, kpis, pick=lambda: random.Random(5))
        return {c.kpi: c.effect.interval for c in found if c.effect}

    assert intervals(ENERGY, CARBON) == intervals(CARBON, ENERGY)


def test_what_has_no_figure_says_why() -> None:
    """Missing on one side: undecided. An outcome that only the candidate missed: regressed."""
    (quality,) = compare_groups(repeats(3.6e6), repeats(3.6e6, quality=Missing("quality")), [QUALITY])
    assert (quality.outcome, quality.effect, quality.reason) == (
        Outcome.UNDECIDED,
        None,
        "missing: quality",
    )
    solved = Kpi(
        id="solved",
        title="",
        unit="J",
        better=Better.LOWER,
        formula="",
        of=lambda f: exact(1.0, "J") if f.reached else NotReached("accuracy>=0.95", exact(1.0, "J")),
    )
    (missed,) = compare_groups(repeats(1.0, reached=True), repeats(1.0, reached=False), [solved])
    assert missed.outcome is Outcome.REGRESSED
    (both,) = compare_groups(repeats(1.0, reached=False), repeats(1.0, reached=False), [solved])
    assert both.outcome is Outcome.UNDECIDED


def test_figures_on_other_terms_and_zeros_are_told() -> None:
    """A KPI that refuses or has no ratio does not stop the others."""

    def by_stage(facts: Facts) -> Figure:
        return exact(1.0, "J", stage=str(facts.reached))

    refusing = Kpi(id="r", title="", unit="J", better=Better.LOWER, formula="", of=by_stage)
    found = compare_groups(repeats(1.0, reached=True), repeats(1.0, reached=False), [refusing, ENERGY])
    assert "stage: True against False" in found[0].reason
    assert found[1].effect is not None
    (zero,) = compare_groups(repeats(3.6e6), repeats(0.0), [ENERGY])
    assert "zero or negative" in zero.reason


def test_another_methodology_is_refused_whole() -> None:
    """Two tasks are not compared, whatever the KPI."""
    with pytest.raises(NotComparable, match="groups of runs may not be compared: task"):
        compare_groups(repeats(1.0), repeats(1.0, task="cifar"), [ENERGY])


def test_factors_are_the_baselines_unless_asked_otherwise() -> None:
    """Ten times the grid is no change of the model, and is one under actual factors."""
    dirty = Intensity(grams_per_kwh=1000.0, zone="FRA", source="test").figure()
    args = (repeats(3.6e6), repeats(3.6e6, intensity=dirty), [CARBON])
    (held,) = compare_groups(*args)
    (actual,) = compare_groups(*args, factors=Factors.ACTUAL)
    assert held.effect is not None
    assert actual.effect is not None
    assert (held.effect.ratio, actual.effect.ratio) == (pytest.approx(1.0), pytest.approx(10.0))


def test_the_hours_of_a_baselines_own_repeats_are_no_change_either() -> None:
    """The first repeat met a grid of 400 g and the others one of 100 g: the same energy is no change."""
    grids = [Intensity(grams_per_kwh=g, zone="FRA", source="test").figure() for g in (400.0, 100.0, 100.0)]
    before = [one for grid in grids for one in repeats(3.6e6, intensity=grid)]
    after = [*repeats(3.6e6), *repeats(3.6e6), *repeats(3.6e6)]
    (held,) = compare_groups(before, after, [CARBON])
    assert held.effect is not None
    assert held.effect.ratio == pytest.approx(1.0)
    assert list(held.effect.interval) == pytest.approx([1.0, 1.0])


def test_the_causes_of_a_change_of_carbon() -> None:
    """Twice the energy: 120 g more, all of it energy; embodied is there when both sides know it."""
    found = causes_of(repeats(3.6e6), repeats(7.2e6), EMBODIED)
    assert isinstance(found, CarbonChange)
    assert found.causes["energy"] == pytest.approx(120.0)
    hardware = Embodied(total_grams=100.0, lifespan_hours=10.0, reserved_hours=1.0)
    more = Embodied(total_grams=100.0, lifespan_hours=10.0, reserved_hours=2.0)
    with_hardware = causes_of(repeats(3.6e6, embodied=hardware), repeats(3.6e6, embodied=more), EMBODIED)
    assert isinstance(with_hardware, CarbonChange)
    assert with_hardware.causes["embodied"] == pytest.approx(10.0)


def test_causes_are_told_of_the_middle_of_all_repeats() -> None:
    """Grids of 100, 200 and 400 g have a middle of 200 g: beside 100 g the grid alone doubles the carbon."""
    grids = [Intensity(grams_per_kwh=g, zone="FRA", source="test").figure() for g in (100.0, 200.0, 400.0)]
    after = [one for grid in grids for one in repeats(3.6e6, intensity=grid)]
    clean = Intensity(grams_per_kwh=100.0, zone="FRA", source="test").figure()
    found = causes_of(repeats(3.6e6, intensity=clean), after, EMBODIED)
    assert isinstance(found, CarbonChange)
    assert found.after == pytest.approx(2 * found.before)
    assert found.causes["grid"] == pytest.approx(found.total)


def test_the_middle_of_repeats() -> None:
    """Geometric means of energy and of work; one repeat, or one without energy, is taken as it is."""
    one = a_facts(1e6, work={"inferences": WorkDone(unit="inferences", count=100.0)})
    two = a_facts(4e6, work={"inferences": WorkDone(unit="inferences", count=400.0)})
    found = middle([one, two])
    assert isinstance(found.energy, Figure)
    assert found.energy.value == pytest.approx(2e6)
    assert found.work["inferences"].count == pytest.approx(200.0)
    assert middle([one]) is one
    assert middle([one, a_facts(Missing("energy"))]) is one
    assert middle([one, a_facts(joules(1e6), work={})]).work == one.work
