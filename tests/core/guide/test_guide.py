"""The guide knows every KPI, names a source for every statement, and chooses with reasons."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark import tables
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.guide import Capabilities, Choice, Guide, Pick, Wish, choose, guide_from
from wattmark.core.guide.choose import shares
from wattmark.core.guide.entries import DATA, FREQUENCIES, GOALS, GRANULARITIES, SCOPES
from wattmark.core.guide.needs import TO_GIVE, met
from wattmark.core.known import Grade
from wattmark.core.kpis import CATALOG

DOCUMENTS = ("kpis", "tools", "frameworks", "vanity", "sources")
MODELLED = Capabilities(grades={"cpu": Grade.D, "dram": Grade.D}, utilisation=("cpu_busy_time",))
SERVER = Capabilities(
    grades={"cpu": Grade.B, "gpu": Grade.B, "rest_of_node": Grade.D},
    gpu_present=True,
    utilisation=("nvml_busy_time",),
)


def documents() -> dict[str, Any]:
    """The shipped documents, fresh for each test so that a test may change them."""
    return {name: dict(tables.toml(f"guide/{name}")) for name in DOCUMENTS}


@pytest.fixture(scope="module")
def guide() -> Guide:
    """The shipped guide."""
    return guide_from(**documents())


def pick(choice: Choice, name: str) -> Pick:
    return next(p for p in (*choice.kpis, *choice.tools) if p.id == name)


def test_every_kpi_has_a_full_row_and_no_row_is_of_an_unknown_kpi(guide: Guide) -> None:
    """The guide and the catalog hold the same ids."""
    assert set(guide.kpis) == set(CATALOG)


def test_words_of_the_guide_are_those_that_can_be_asked_for(guide: Guide) -> None:
    """A value that no option can name would never be found."""
    for entry in (*guide.kpis.values(), *guide.tools.values()):
        assert set(entry.goals) == set(GOALS), entry.id
        assert all(0 <= points <= 3 for points in entry.goals.values()), entry.id
        assert set(entry.frequency) <= set(FREQUENCIES), entry.id
        assert set(entry.scope) <= set(SCOPES), entry.id
        assert set(entry.granularity) <= set(GRANULARITIES), entry.id
        assert set(entry.data) <= set(DATA), entry.id


def test_levels_are_one_of_three(guide: Guide) -> None:
    """High, medium or low; easy, medium or hard."""
    for kpi in guide.kpis.values():
        assert {kpi.attribution, kpi.actionability, kpi.integration} <= {"high", "medium", "low"}, kpi.id
        assert kpi.benchmarking in {"easy", "medium", "hard"}, kpi.id


def test_every_need_can_be_judged(guide: Guide) -> None:
    """A need that nobody can meet or measure would be a silent hole."""
    for entry in (*guide.kpis.values(), *guide.tools.values()):
        for need in entry.needs:
            assert met(need, SERVER, None) is not None


def test_every_source_is_used_and_has_an_address(guide: Guide) -> None:
    """No source is carried along for nothing."""
    used = {s for k in guide.kpis.values() for s in k.sources.values()}
    used |= {t.source for t in guide.tools.values()} | {v.source for v in guide.vanities.values()}
    used |= {s for f in guide.frameworks.values() for s in f.sources}
    used |= {s for c in guide.clouds.values() for s in c.sources} | {
        b.source for b in guide.overheads.values()
    }
    assert used == set(guide.sources)
    assert all(s.url.startswith("https://") or s.url == "docs/kpis" for s in guide.sources.values())


def test_a_row_that_lacks_a_field_is_refused_by_name() -> None:
    """The message says which KPI and which field."""
    changed = documents()
    first = dict(changed["kpis"]["kpi"][0])
    del first["limitation"]
    changed["kpis"]["kpi"] = [first]
    with pytest.raises(ConfigError, match="energy_to_solution: lacks limitation"):
        guide_from(**changed)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("cloud", "moon", "no cloud profile 'moon'"),
        ("overhead", "2%", "no overhead band '2%'"),
        ("sources", {}, "no source for formula"),
    ],
)
def test_a_row_that_points_nowhere_is_refused(field: str, value: object, words: str) -> None:
    """Names must resolve, and every statement has a source."""
    changed = documents()
    changed["kpis"]["kpi"] = [{**changed["kpis"]["kpi"][0], field: value}, *changed["kpis"]["kpi"][1:]]
    with pytest.raises(ConfigError, match=words):
        guide_from(**changed)


def test_cost_on_a_server_takes_energy_work_and_utilisation(guide: Guide) -> None:
    """What moves the bill: energy to the outcome, energy per unit, idle hardware."""
    choice = choose(guide, Wish(goal="cost"), SERVER)
    assert {"energy_to_solution", "performance_per_watt", "hardware_utilisation_efficiency"} <= set(
        choice.weights
    )
    assert "peak_flops_per_watt" not in choice.weights


def test_weights_sum_to_one_and_families_are_not_repeated(guide: Guide) -> None:
    """Two KPIs that say the same would count it twice."""
    for goal in GOALS:
        choice = choose(guide, Wish(goal=goal), SERVER)
        assert round(sum(choice.weights.values()), 9) == 1.0
        families = [guide.kpis[name].family for name in choice.weights]
        assert len(families) == len(set(families)) <= 5


def test_every_kpi_that_is_left_out_has_a_reason(guide: Guide) -> None:
    """Nothing disappears silently."""
    for goal in GOALS:
        choice = choose(guide, Wish(goal=goal), MODELLED)
        assert len(choice.kpis) == len(CATALOG)
        assert all(p.against for p in (*choice.kpis, *choice.tools) if not p.chosen)
        assert all(p.why for p in (*choice.kpis, *choice.tools) if p.chosen)


def test_behind_an_api_nothing_is_measured(guide: Guide) -> None:
    """A hosted model shows no meter: energy KPIs are infeasible, an estimator is recommended."""
    choice = choose(guide, Wish(goal="esg", data="api"), SERVER)
    energy = pick(choice, "energy_to_solution")
    assert not energy.feasible
    assert any("hosted API" in reason for reason in energy.against)
    assert pick(choice, "ecologits").chosen


def test_hourly_matching_needs_hourly_data(guide: Guide) -> None:
    """It is infeasible without them and chosen over the annual form with them."""
    without = choose(guide, Wish(goal="esg", scope="portfolio"), SERVER)
    assert not pick(without, "renewable_energy_matching_hourly").feasible
    hourly = Capabilities(grades=SERVER.grades, hourly_grid=True)
    assert pick(
        choose(guide, Wish(goal="esg", scope="portfolio"), hourly), "renewable_energy_matching_hourly"
    ).chosen


def test_a_machine_without_sensors_says_that_figures_are_modelled(guide: Guide) -> None:
    """Grade D is named, and what would cover the whole machine is asked for."""
    choice = choose(guide, Wish(goal="cost"), MODELLED)
    assert any("grade D" in line for line in pick(choice, "energy_to_solution").why)
    assert any("rest_of_node" in line for line in pick(choice, "carbon_to_solution").to_give)


def test_nothing_measurable_makes_energy_infeasible(guide: Guide) -> None:
    """No component at all: the reason points at doctor."""
    choice = choose(guide, Wish(goal="research"), Capabilities())
    assert any("doctor" in line for line in pick(choice, "energy_to_solution").against)


@pytest.mark.parametrize(
    ("here", "words"),
    [
        (Capabilities(gpu_present=True), "cannot be read"),
        (Capabilities(), "no GPU here"),
    ],
)
def test_a_gpu_tool_says_why_it_cannot_work(guide: Guide, here: Capabilities, words: str) -> None:
    """A GPU that is there and silent is another matter than no GPU."""
    assert any(words in line for line in pick(choose(guide, Wish(goal="cost"), here), "zeus").against)


@pytest.mark.parametrize(
    ("data", "facility", "feasible"),
    [("cloud", True, False), ("on-prem", False, False), ("on-prem", True, True)],
)
def test_pue_is_for_those_who_read_the_sites_meter(
    guide: Guide, data: str, facility: bool, feasible: bool
) -> None:
    """A tenant of a cloud declares the provider's PUE and cannot measure it."""
    here = Capabilities(grades=SERVER.grades, facility=facility)
    assert pick(choose(guide, Wish(goal="regulatory", data=data), here), "pue").feasible is feasible


def test_overhead_above_the_limit_is_left_out(guide: Guide) -> None:
    """1 % leaves out FLOP counting and profiling counters."""
    choice = choose(guide, Wish(goal="research", max_overhead=0.01), SERVER)
    assert any("5-10%" in line for line in pick(choice, "flops_per_watt").against)
    assert any("3-5%" in line for line in pick(choice, "dcgm_exporter").against)


def test_a_framework_brings_in_its_kpis_and_says_what_it_asks(guide: Guide) -> None:
    """The AI Act asks for energy of training; its notes are told."""
    choice = choose(guide, Wish(goal="regulatory", frameworks=("eu-ai-act",)), SERVER)
    assert "energy_to_solution" in choice.weights
    assert any("energy consumption of the model" in line for line in choice.frameworks)


def test_vanity_figures_never_stand_alone(guide: Guide) -> None:
    """Where only PUE and annual matching would fit, they are not made a rubric."""
    here = Capabilities(facility=True)
    choice = choose(guide, Wish(goal="regulatory", granularity=("site",)), here)
    assert choice.weights == {}
    assert any("stands alone" in line for line in pick(choice, "pue").against)


def test_a_framework_that_asks_for_a_vanity_figure_gets_it_with_the_warning(guide: Guide) -> None:
    """The EU scheme wants PUE; the reader is told what it hides."""
    here = Capabilities(facility=True)
    choice = choose(guide, Wish(goal="regulatory", granularity=("site",), frameworks=("eed",)), here)
    assert "pue" in choice.weights
    assert "pue_alone" in {w.id for w in choice.warnings}


def test_a_gpu_without_its_node_is_warned_of(guide: Guide) -> None:
    """The general warning becomes a statement about this machine."""
    here = Capabilities(grades={"gpu": Grade.B}, gpu_present=True)
    warned = {w.id: w.why for w in choose(guide, Wish(goal="cost"), here).warnings}
    assert warned["gpu_only_total"].startswith("here the GPU can be read")


@pytest.mark.parametrize(
    "wish",
    [
        Wish(goal="fame"),
        Wish(goal="cost", frequency="hourly"),
        Wish(goal="cost", scope="world"),
        Wish(goal="cost", granularity=("atom",)),
        Wish(goal="cost", data="paper"),
        Wish(goal="cost", frameworks=("csr",)),
    ],
)
def test_a_word_that_is_not_known_is_answered_with_those_that_are(guide: Guide, wish: Wish) -> None:
    """The message lists the choices."""
    with pytest.raises(UsageError, match="choose from"):
        choose(guide, wish, SERVER)


def test_frequency_and_granularity_keep_out_what_does_not_fit(guide: Guide) -> None:
    """Energy to solution is known when the solution is there, and not per request."""
    choice = choose(guide, Wish(goal="cost", frequency="realtime", granularity=("request",)), SERVER)
    against = pick(choice, "energy_to_solution").against
    assert any("batch only" in line for line in against)
    assert any("granularity is" in line for line in against)


@given(st.dictionaries(st.text(min_size=1), st.integers(min_value=1, max_value=9), max_size=7))
def test_shares_are_whole_per_cents_that_sum_to_one(points: dict[str, int]) -> None:
    """Largest remainder: no weight is lost to rounding, more points never weigh less."""
    weights = shares(points)
    assert sum(round(w * 100) for w in weights.values()) == (100 if points else 0)
    for a, points_of_a in points.items():
        for b, points_of_b in points.items():
            assert points_of_a <= points_of_b or weights[a] >= weights[b]


def test_what_can_be_given_says_how() -> None:
    """Each need that a person meets comes with a step."""
    assert all(TO_GIVE.values())
