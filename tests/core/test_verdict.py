"""The gate: three rulings, failing closed, and never improved by looking less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from tests.builders import HOST, a_row, a_run
from tests.core.decisions import ENERGY, QUALITY, SMALL_CATALOG, a_facts, joules
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import UsageError
from wattmark.core.facts import WorkDone
from wattmark.core.figure import Figure, Missing, NotReached, Undefined, exact
from wattmark.core.given import Given
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.level import Level
from wattmark.core.governance.scope import Scope
from wattmark.core.known import Grade
from wattmark.core.kpis import CATALOG, Better, Kpi
from wattmark.core.policy import Aggregation, IfLacking, Limit, OnUndecided, Policy
from wattmark.core.repeats import Repeat, repeats_of
from wattmark.core.rubric import Factors
from wattmark.core.run import Dataset, EnergyRow, Hardware, Place, Quality, Run, Subject, Window, Work
from wattmark.core.verdict import INSIDE, Finding, Ruling, Verdict, at_stage, gate


def one(energy: float | Figure | Missing = 3.6e6, **changes: Any) -> Repeat:
    """A complete observation of 1 kWh by a meter of 5 %."""
    facts = a_facts(energy, **changes)
    return Repeat(facts=facts, least=facts, most=facts, hosts=("h",))


def judged(
    limit: Limit,
    *candidate: Repeat,
    against: tuple[Repeat, ...] = (),
    catalog: dict[str, Kpi] | None = None,
    factors: Factors = Factors.BASELINE,
) -> Finding:
    """The finding on one limit."""
    policy = Policy(limits=(limit,), factors=factors)
    return gate(policy, candidate or (one(),), catalog or SMALL_CATALOG, against).findings[0]


def test_an_absolute_limit_is_passed_broken_or_undecided() -> None:
    """1 kWh +- 5 %: passes at most 1.06, breaks at most 0.95, and 1.0 is undecided."""
    assert judged(Limit(kpi="energy", max=1.06)).ruling is Ruling.PASS
    assert judged(Limit(kpi="energy", max=0.95)).ruling is Ruling.VIOLATION
    found = judged(Limit(kpi="energy", max=1.0))
    assert found.ruling is Ruling.UNDECIDED
    assert not found.tolerated
    assert "noise between repeats" in found.reason


def test_what_is_shown_of_repeats_has_their_noise() -> None:
    """Three runs of 0.5, 1 and 2 kWh: their middle is 1 kWh, and +- 5 % of the meter is not all there is."""
    runs = tuple(one(3.6e6 * times) for times in (0.5, 1.0, 2.0))
    found = judged(Limit(kpi="energy", max_increase=0.5), *runs, against=runs)
    for shown in (found.value, found.baseline):
        assert isinstance(shown, Figure)
        assert shown.value == pytest.approx(1.0)
        low, high = shown.interval
        assert low < 0.5
        assert high > 2.0


def test_a_lower_limit_works_the_other_way_round() -> None:
    """At least 0.9 kWh passes, at least 1.1 is broken."""
    assert judged(Limit(kpi="energy", min=0.9)).ruling is Ruling.PASS
    assert judged(Limit(kpi="energy", min=1.1)).ruling is Ruling.VIOLATION


def test_a_shared_meter_cancels_against_a_baseline_and_not_against_a_limit() -> None:
    """3 % more than the baseline by the same meter of 5 %: within 4 % for sure; a limit of 1.04 is not."""
    more = one(3.6e6 * 1.03)
    assert judged(Limit(kpi="energy", max_increase=0.04), more, against=(one(),)).ruling is Ruling.PASS
    assert judged(Limit(kpi="energy", max_increase=0.02), more, against=(one(),)).ruling is Ruling.VIOLATION
    assert judged(Limit(kpi="energy", max=1.04), more).ruling is Ruling.UNDECIDED


def test_repeats_bring_their_noise() -> None:
    """Three repeats of +-10 % around 2 % more cannot show 5 %; the finding says how many runs would."""
    base = tuple(one(3.6e6 * f) for f in (0.9, 1.0, 1.1))
    candidate = tuple(one(3.6e6 * f * 1.02) for f in (0.9, 1.0, 1.1))
    found = judged(Limit(kpi="energy", max_increase=0.05), *candidate, against=base)
    assert found.ruling is Ruling.UNDECIDED
    assert found.runs_needed is not None
    assert found.runs_needed > 3
    assert found.repeats == (3, 3)


def test_an_undecided_level_says_how_many_runs_would_decide() -> None:
    """Three repeats of +-10 %: more would show a limit 10 % away, none one that is within the meter's 5 %."""
    repeats = tuple(one(3.6e6 * f) for f in (0.9, 1.0, 1.1))
    found = judged(Limit(kpi="energy", max=1.1), *repeats)
    assert found.ruling is Ruling.UNDECIDED
    assert found.runs_needed is not None
    assert 3 < found.runs_needed < 100
    assert judged(Limit(kpi="energy", max=1.01), *repeats).runs_needed is None
    assert judged(Limit(kpi="energy", max=1.01)).runs_needed is None


def test_a_fall_is_judged_where_higher_is_better() -> None:
    """Quality of 0.9 against 0.95 falls by 5.3 %."""
    before = one(quality=exact(0.95, "1", quality="accuracy"))
    assert judged(Limit(kpi="quality", max_decrease=0.06), against=(before,)).ruling is Ruling.PASS
    assert judged(Limit(kpi="quality", max_decrease=0.05), against=(before,)).ruling is Ruling.VIOLATION


def test_leniency_is_for_undecided_limits_of_whole_measurements() -> None:
    """`warn` and `pass` let an interval on the limit through, and nothing else."""
    for how in (OnUndecided.WARN, OnUndecided.PASS):
        limit = Limit(kpi="energy", max=1.0, on_undecided=how)
        assert judged(limit).tolerated
        assert not judged(limit, one(joules(3.6e6, coverage=0.9))).tolerated
        assert not judged(limit, one(joules(3.6e6, grades={Grade.D: 1.0}))).tolerated
        assert not judged(limit, one(Missing("energy"))).tolerated


def test_leniency_never_covers_a_possible_violation_in_a_gap() -> None:
    """Estimated 1.0, at most 1.2 and then surely beyond: undecided, and not let through."""
    low, high = a_facts(3.6e6), a_facts(3.6e6 * 1.2)
    repeat = Repeat(facts=low, least=low, most=high, hosts=("h",))
    found = judged(Limit(kpi="energy", max=1.1, on_undecided=OnUndecided.PASS), repeat)
    assert found.ruling is Ruling.UNDECIDED
    assert not found.tolerated
    assert found.reason


def test_whatever_is_undecided_says_why() -> None:
    """Two runs that do not differ, 1 kWh +- 5 %: more of them would not decide, and the limit lies inside."""
    found = judged(Limit(kpi="energy", max=1.0), one(), one())
    assert found.ruling is Ruling.UNDECIDED
    assert found.reason == INSIDE


@pytest.mark.parametrize(
    ("repeat", "words"),
    [
        (one(Missing("energy")), "missing: energy"),
        (one(joules(3.6e6, coverage=0.94)), "only 94.0% of the time was observed, 95% is needed"),
        (one(joules(3.6e6, grades={Grade.D: 1.0})), "evidence is of grade D, grade C or better"),
        (replace(one(), unread=("gpu (G)",)), "no energy was read of gpu"),
        (replace(one(), simulated=True), "simulated: nothing was measured"),
        (replace(one(), bounded=False), "the most the device draws is not known"),
    ],
)
def test_evidence_that_cannot_carry_a_ruling_is_not_enough(repeat: Repeat, words: str) -> None:
    """Even where the value is far within the limit."""
    found = judged(Limit(kpi="energy", max=100.0), repeat)
    assert found.ruling is Ruling.UNDECIDED
    assert words in found.reason


def test_a_limit_may_ask_for_repeats() -> None:
    """Of the candidate, and of the baseline where it needs one."""
    limit = Limit(kpi="energy", max_increase=0.5, repeats=2)
    assert "1 of the 2 repeats" in judged(limit, one(), against=(one(), one())).reason
    assert "baseline: 1 of the 2 repeats" in judged(limit, one(), one(), against=(one(),)).reason
    assert judged(limit, one(), one(), against=(one(), one())).ruling is Ruling.PASS
    assert judged(Limit(kpi="energy", max=2.0, repeats=2), one(), one()).ruling is Ruling.PASS


def test_the_baselines_evidence_counts_too() -> None:
    """A relative limit needs both sides."""
    lacking = one(Missing("energy"))
    found = judged(Limit(kpi="energy", max_increase=0.5), against=(lacking,))
    assert "baseline: missing: energy" in found.reason


def test_a_baseline_without_some_of_its_ranks_is_not_enough() -> None:
    """What the missing ranks did is not known: without it the baseline would look worse per unit."""
    half = replace(one(), ranks=0.5)
    limit = Limit(kpi="energy", max_increase=0.5, coverage=0.1)
    assert judged(limit, one(), against=(one(),)).ruling is Ruling.PASS
    assert "ranks left no evidence" in judged(limit, one(), against=(half,)).reason
    assert judged(limit, half, against=(one(),)).ruling is Ruling.PASS


def test_grade_d_is_enough_against_a_baseline_on_the_same_host() -> None:
    """And not against one from another machine."""
    weak = one(joules(3.6e6, grades={Grade.D: 1.0}))
    elsewhere = replace(weak, hosts=("other",))
    limit = Limit(kpi="energy", max_increase=0.1)
    assert judged(limit, weak, against=(weak,)).ruling is Ruling.PASS
    assert "grade D" in judged(limit, weak, against=(elsewhere,)).reason
    declared = one(joules(3.6e6, grades={Grade.E: 1.0}))
    assert judged(limit, declared, against=(declared,)).ruling is Ruling.UNDECIDED


def test_an_outcome_not_reached_is_a_violation() -> None:
    """The KPI has no value because the work failed; that is known, not lacking."""
    failed = Kpi(
        id="energy",
        title="E",
        unit="kWh",
        better=Better.LOWER,
        formula="",
        of=lambda f: NotReached("accuracy>=0.95", exact(1.0, "kWh")),
    )
    found = judged(Limit(kpi="energy", max=9.0), catalog={"energy": failed})
    assert found.ruling is Ruling.VIOLATION
    assert "accuracy>=0.95" in found.reason


def test_classes_decide_which_limits_apply() -> None:
    """Listed: judged. Another: not applicable. None stated: not enough evidence."""
    limit = Limit(kpi="energy", max=2.0, workload_class=("classical",))
    assert judged(limit, one(workload_class="classical")).ruling is Ruling.PASS
    assert judged(limit, one(workload_class="llm")).ruling is Ruling.NOT_APPLICABLE
    assert "states none" in judged(limit, one()).reason


def test_a_stage_can_be_judged_alone() -> None:
    """Training of 0.4 kWh within 0.5, although the whole is 1 kWh; an unknown stage is named."""
    parts = {"training": joules(0.4 * 3.6e6), "inference": joules(0.6 * 3.6e6)}
    whole = one(energy_by_stage=parts)
    assert judged(Limit(kpi="energy", max=0.5, stage="training"), whole).ruling is Ruling.PASS
    found = judged(Limit(kpi="energy", max=0.5, stage="tuning"), whole)
    assert "energy of stage 'tuning' (known: training, inference)" in found.reason
    assert "known: none" in str(at_stage(a_facts(), "tuning").energy)


def test_another_methodology_is_not_enough_evidence() -> None:
    """A gate goes on with the other limits and says which field differs."""
    found = judged(Limit(kpi="energy", max_increase=0.1), one(task="cifar"), against=(one(),))
    assert found.ruling is Ruling.UNDECIDED
    assert "task: digits against cifar" in found.reason


def test_one_repeat_of_another_methodology_is_enough_to_refuse() -> None:
    """On either side, whichever repeat it is: a cheap run of something else would lower the mean."""
    limit, other = Limit(kpi="energy", max_increase=0.5), one(dataset=Dataset(sha256="b" * 64))
    for ours, theirs in (((one(), other), (one(), one())), ((one(), one()), (one(), other))):
        found = judged(limit, *ours, against=theirs)
        assert found.ruling is Ruling.UNDECIDED
        assert "dataset" in found.reason


@pytest.mark.parametrize("aggregation", [Aggregation.MEAN, Aggregation.WORST])
def test_repeats_in_two_units_are_not_held_against_one_bound(aggregation: Aggregation) -> None:
    """A gram per token beside a gram per inference: neither the mean nor the worst of them is anything."""
    tokens = {"output_tokens": WorkDone(unit="output_tokens", count=1e6)}
    limit = Limit(kpi="carbon_per_inference_operational", max=1e9, aggregation=aggregation)
    runs = one(), one(work=tokens, functional_unit="output_tokens")
    found = judged(limit, *runs, catalog=dict(CATALOG))
    assert found.ruling is Ruling.UNDECIDED
    assert "unit: gCO2e/inference against gCO2e/output token" in found.reason


def test_the_hours_of_a_baselines_repeats_hide_no_growth() -> None:
    """A first run at 50 g and others at 400 g: a fifth more energy is a fifth more, not a third of it."""
    hours = [Intensity(grams_per_kwh=g, zone="FRA", source="test").figure() for g in (50.0, 400.0, 400.0)]
    before = tuple(one(intensity=hour) for hour in hours)
    after = tuple(one(4.32e6, intensity=hours[1]) for _ in range(3))
    limit = Limit(kpi="carbon_per_inference_operational", max_increase=0.1)
    found = judged(limit, *after, against=before, catalog=dict(CATALOG))
    assert found.ruling is Ruling.VIOLATION
    assert found.estimate == pytest.approx(0.2)
    actual = judged(limit, *after, against=before, catalog=dict(CATALOG), factors=Factors.ACTUAL)
    assert actual.ruling is Ruling.UNDECIDED


def test_a_dirtier_grid_breaks_a_relative_limit_only_on_request() -> None:
    """Factors are held at the baseline's by default."""
    limit = Limit(kpi="carbon_per_inference_operational", max_increase=0.1)
    dirty = one(intensity=Intensity(grams_per_kwh=900.0, zone="FRA", source="test").figure())
    assert judged(limit, dirty, against=(one(),), catalog=dict(CATALOG)).ruling is Ruling.PASS
    actual = judged(limit, dirty, against=(one(),), catalog=dict(CATALOG), factors=Factors.ACTUAL)
    assert actual.ruling is Ruling.VIOLATION


def test_a_ratio_to_nothing_is_not_enough_evidence() -> None:
    """A baseline of zero cannot be grown from."""
    found = judged(Limit(kpi="energy", max_increase=0.1), against=(one(joules(0.0)),))
    assert "zero or negative" in found.reason


def test_an_end_of_a_gap_without_a_figure_is_not_enough_evidence() -> None:
    """Whatever a KPI cannot say at one end of the gaps, a gate does not pass."""
    repeat = replace(one(), most=a_facts(Missing("energy")))
    assert "missing: energy" in judged(Limit(kpi="energy", max=100.0), repeat).reason


def gappy(factor: float, low: float = 0.99, high: float = 1.01) -> Repeat:
    """An observation with ends a little below and above its estimate."""
    energy = 3.6e6 * factor
    return Repeat(
        facts=a_facts(energy), least=a_facts(energy * low), most=a_facts(energy * high), hosts=("h",)
    )


def test_gaps_widen_the_noise_of_repeats() -> None:
    """Repeats that agree because of their gaps do not look better than they can have been."""
    whole = tuple(one(3.6e6 * f) for f in (0.999, 1.0, 1.001))
    holed = tuple(gappy(f) for f in (0.999, 1.0, 1.001))
    limit = Limit(kpi="energy", max_increase=0.04)
    assert judged(limit, *whole, against=whole).ruling is Ruling.PASS
    assert judged(limit, *holed, against=whole).ruling is Ruling.UNDECIDED
    absolute = Limit(kpi="energy", max=1.07)
    assert judged(absolute, *whole).ruling is Ruling.PASS
    assert judged(absolute, *holed).ruling is Ruling.UNDECIDED


def test_gaps_widen_pairs_and_single_runs_too() -> None:
    """Paired runs by both sides' gaps; single runs through the ends alone."""
    names = ("a", "b", "c")
    whole = tuple(replace(one(), block=b) for b in names)
    holed = tuple(replace(gappy(1.0), block=b) for b in names)
    limit = Limit(kpi="energy", max_increase=0.04)
    assert judged(limit, *whole, against=whole).ruling is Ruling.PASS
    assert judged(limit, *holed, against=whole).ruling is Ruling.UNDECIDED
    assert judged(limit, gappy(1.0), against=(one(),)).ruling is Ruling.PASS
    assert judged(limit, gappy(1.0, 0.9, 1.2), against=(one(),)).ruling is Ruling.UNDECIDED
    assert judged(limit, whole[0], whole[1], against=(one(),)).ruling is Ruling.PASS
    assert judged(limit, holed[0], whole[1], against=(one(),)).ruling is Ruling.UNDECIDED


def test_an_end_at_zero_hides_any_noise() -> None:
    """One such run passes by its ends. Two may have taken 0.1 and 1 kWh: seen so, they are undecided."""
    ends = [a_facts(joules(energy)) for energy in (0.0, 0.0, 3.6e6)]
    dark = Repeat(facts=ends[0], least=ends[1], most=ends[2])
    limit = Limit(kpi="energy", max=1.2)
    assert judged(limit, dark).ruling is Ruling.PASS
    assert judged(limit, one(0.36e6), one(3.6e6)).ruling is Ruling.UNDECIDED
    assert judged(limit, dark, dark).ruling is Ruling.UNDECIDED


def test_the_exit_code_takes_the_worst() -> None:
    """A violation beats lacking evidence, which beats a pass; nothing judged is lacking evidence."""

    def code(*rulings: Ruling | str) -> int:
        limit = Limit(kpi="energy", max=1.0)
        findings = [
            Finding(limit=limit, ruling=Ruling.UNDECIDED, tolerated=True)
            if r == "tolerated"
            else Finding(limit=limit, ruling=Ruling(r))
            for r in rulings
        ]
        return Verdict(findings=tuple(findings)).exit_code

    assert code(Ruling.PASS, Ruling.NOT_APPLICABLE, "tolerated") == 0
    assert code(Ruling.PASS, Ruling.UNDECIDED, Ruling.VIOLATION) == 1
    assert code(Ruling.PASS, Ruling.UNDECIDED) == 3
    assert code(Ruling.NOT_APPLICABLE) == 3


def test_a_gate_without_limits_is_a_mistake() -> None:
    """It would pass anything."""
    with pytest.raises(UsageError, match="holds no limit"):
        gate(Policy(limits=()), [one()], SMALL_CATALOG)


def test_without_a_baseline_a_relative_limit_says_what_its_policy_says() -> None:
    """Not enough evidence by default, and let through only where the limit says so."""
    found = judged(Limit(kpi="energy", max_increase=0.1))
    assert (found.ruling, found.tolerated) == (Ruling.UNDECIDED, False)
    assert "no baseline: give --baseline" in found.reason
    for how in (IfLacking.WARN, IfLacking.PASS):
        found = judged(Limit(kpi="energy", max_increase=0.1, if_no_baseline=how))
        assert (found.ruling, found.tolerated, found.leniency) == (Ruling.UNDECIDED, True, how.value)


def test_what_a_kpi_does_not_define_is_not_enough_evidence() -> None:
    """Undefined is no pass."""
    undefined = replace(QUALITY, of=lambda f: Undefined("no work"))
    assert "no work" in judged(Limit(kpi="quality", min=0.0), catalog={"quality": undefined}).reason


def tagged(**tags: str) -> Repeat:
    """An observation of 1 kWh with these tags."""
    return replace(one(), tags=(tags,))


def test_a_scope_decides_which_runs_a_limit_is_for() -> None:
    """Fits: judged. Another: not applicable. Not stated: not enough evidence, and the tag is named."""
    limit = Limit(kpi="energy", max=2.0, scope=Scope({"team": ("vision-*", "speech")}))
    assert judged(limit, tagged(team="vision-eu")).ruling is Ruling.PASS
    assert judged(limit, tagged(team="speech")).ruling is Ruling.PASS
    elsewhere = judged(limit, tagged(team="language"))
    assert (elsewhere.ruling, elsewhere.reason) == (Ruling.NOT_APPLICABLE, "for team vision-* or speech")
    for unstated in (tagged(model="m"), one()):
        found = judged(limit, unstated)
        assert found.ruling is Ruling.UNDECIDED
        assert "a run does not state its team: tag it" in found.reason


def test_a_run_of_another_class_leads_no_limit_astray() -> None:
    """A solution is of all classes that its runs state, not of its first run's; a blank is none."""
    limit = Limit(kpi="energy", max=0.5, workload_class=("llm",))
    mixed = replace(
        one(workload_class="classical"), tags=({"workload_class": "classical"}, {"workload_class": "llm"})
    )
    assert judged(limit, mixed).ruling is Ruling.VIOLATION
    part = replace(one(workload_class="llm"), tags=({"workload_class": "llm"}, {"model": "m"}))
    assert judged(limit, part).ruling is Ruling.VIOLATION
    assert judged(limit, replace(mixed, tags=mixed.tags[:1])).ruling is Ruling.NOT_APPLICABLE
    for blank in ("", " "):
        assert "a run states none" in judged(limit, one(workload_class=blank)).reason


def test_one_run_of_the_scope_is_enough_for_the_limit_to_apply() -> None:
    """Runs of several teams are judged together; the limit is not evaded by adding one of another."""
    limit = Limit(kpi="energy", max=0.5, scope=Scope({"team": ("a",)}))
    assert judged(limit, tagged(team="a"), tagged(team="b")).ruling is Ruling.VIOLATION
    assert judged(limit, tagged(team="b"), tagged(model="m")).ruling is Ruling.UNDECIDED


def test_a_limit_that_is_off_is_not_judged() -> None:
    """Nor does one that only warns change the verdict."""
    assert judged(Limit(kpi="energy", max=0.1, level=Level.OFF)).reason == "switched off"
    strict = Limit(kpi="energy", max=2.0)
    for level, max_ in ((Level.WARN, 0.1), (Level.WARN, 1.0), (Level.OFF, 0.1)):
        other = Limit(kpi="energy", max=max_, level=level)
        assert gate(Policy(limits=(strict, other)), [one()], SMALL_CATALOG).exit_code == 0
    assert gate(Policy(limits=(other,)), [one()], SMALL_CATALOG).exit_code == 3


def test_a_tolerance_widens_an_absolute_bound() -> None:
    """0.94 kWh is beyond 1 kWh less 5 % and within it with 20 % more room, on either side."""
    assert judged(Limit(kpi="energy", max=0.9)).ruling is Ruling.VIOLATION
    assert judged(Limit(kpi="energy", max=0.9, tolerance=0.2)).ruling is Ruling.PASS
    assert judged(Limit(kpi="energy", min=1.1)).ruling is Ruling.VIOLATION
    assert judged(Limit(kpi="energy", min=1.1, tolerance=0.2)).ruling is Ruling.PASS


def test_a_unit_is_held_against_what_was_counted() -> None:
    """A limit per inference says nothing of figures per image."""
    limit = Limit(kpi="carbon_per_inference_operational", max=1e9, unit="gCO2e/image")
    found = judged(limit, catalog=dict(CATALOG))
    assert found.reason == "the limit is in gCO2e/image, and the figure in gCO2e/inference"
    right = replace(limit, unit="gCO2e/inference")
    assert judged(right, catalog=dict(CATALOG)).ruling is Ruling.PASS


def test_a_statistic_is_another_formula_of_the_same_kpi() -> None:
    """The mean in place of the tenth percentile."""
    low = replace(QUALITY, statistics={"p10": QUALITY.of, "mean": lambda f: exact(0.5, "1")})
    catalog = {"quality": low}
    assert judged(Limit(kpi="quality", min=0.8), catalog=catalog).ruling is Ruling.PASS
    assert judged(Limit(kpi="quality", min=0.8, statistic="mean"), catalog=catalog).ruling is Ruling.VIOLATION


def missing(field: str) -> dict[str, Kpi]:
    """A KPI that lacks something."""
    return {"energy": replace(ENERGY, of=lambda f: Missing(field))}


def test_what_nobody_stated_may_be_let_through() -> None:
    """Where the limit says so; the finding still has no figure."""
    lacking = missing("lifetime inferences")
    assert not judged(Limit(kpi="energy", max=1.0), catalog=lacking).tolerated
    for how in (IfLacking.WARN, IfLacking.PASS):
        found = judged(Limit(kpi="energy", max=1.0, if_missing=how), catalog=lacking)
        assert (found.ruling, found.tolerated, found.leniency) == (Ruling.UNDECIDED, True, how.value)
        assert found.reason == "missing: lifetime inferences"


@pytest.mark.parametrize("field", ["energy of the inference stage", "utilisation over an hour"])
def test_readings_that_are_lacking_are_never_let_through(field: str) -> None:
    """They may have been lost."""
    limit = Limit(kpi="energy", max=1.0, if_missing=IfLacking.PASS)
    assert not judged(limit, catalog=missing(field)).tolerated


def test_nor_is_what_is_missing_beside_hardware_that_was_not_read() -> None:
    """With another device read the KPI might not be missing."""
    limit = Limit(kpi="energy", max=1.0, if_missing=IfLacking.PASS)
    lacking = missing("work")
    assert not judged(limit, replace(one(), unread=("gpu (G)",)), catalog=lacking).tolerated
    assert not judged(limit, one(Missing("energy")), catalog=lacking).tolerated


def test_a_relative_finding_says_what_could_have_been_seen() -> None:
    """Six runs of 1 % show 2 to 3 %; single runs show nothing that is known."""
    runs = tuple(one(3.6e6 * f) for f in (0.99, 1.0, 1.01))
    found = judged(Limit(kpi="energy", max_increase=0.0), *runs, against=runs)
    assert found.detectable == pytest.approx(0.031, abs=5e-3)
    found = judged(Limit(kpi="energy", max_increase=0.5), *runs, against=runs)
    assert found.detectable == pytest.approx(1.5 * 1.031 - 1.0, abs=5e-3)  # what would lie beyond 50 %
    assert found.estimate == pytest.approx(0.0)
    assert judged(Limit(kpi="energy", max_increase=0.5), against=(one(),)).detectable is None


def test_runs_that_are_there_are_not_asked_for_again() -> None:
    """Ten runs whose gaps leave it open: no number of runs that is no more than ten is told."""
    holed = tuple(gappy(1.0, 0.9, 1.2) for _ in range(10))
    found = judged(Limit(kpi="energy", max=1.1), *holed)
    assert found.ruling is Ruling.UNDECIDED
    assert found.runs_needed is None


def test_budgets_alone_make_a_policy() -> None:
    """There is nothing to find in the runs, and no mistake."""
    budget = Budget(id="b", limit=1.0, unit="kWh", period="run")
    assert gate(Policy(limits=(), budgets=(budget,)), [one()], SMALL_CATALOG).findings == ()


# --- Taking readings away can never improve a verdict -------------------------------------------

SECONDS = 10
DEVICES = {
    "cpu": (0.05, 4.0, 40.0, Grade.B),
    "rest_of_node": (0.5, 10.0, 30.0, Grade.D),
    "gpu": (0.1, 20.0, 200.0, Grade.C),
}
"""Component -> gain error, idle power, most power, grade."""

Powers = dict[str, list[float]]
GIVEN = Given(
    pue=Pue(value=1.2, relative_error=0.05),
    intensity=Intensity(grams_per_kwh=100.0, zone="FRA", source="test", relative_error=0.1),
)
PLACE = Place(hardware=(Hardware(component="cpu", name="C"), Hardware(component="gpu", name="G")))


def run_of(powers: Powers, record_id: str, start: float) -> Run:
    """A run whose devices draw these watts in successive seconds, all of it observed."""
    rows: list[EnergyRow] = []
    for component, watts in powers.items():
        gain, idle, most, grade = DEVICES[component]
        rows += [
            a_row(
                device_id=f"{component}:0",
                component=component,
                t0_seconds=float(i),
                duration_seconds=1.0,
                observed_seconds=1.0,
                energy_joules=w,
                grade=grade,
                idle_watts=idle,
                max_watts=most,
                errors={f"{component}:gain": gain},
            )
            for i, w in enumerate(watts)
        ]
    return a_run(
        record_id=record_id,
        started_monotonic_seconds=start,
        duration_seconds=float(SECONDS),
        energies=tuple(rows),
        windows=(
            Window(id=1, name="train", stage="training", t0_seconds=0.0, duration_seconds=5.0),
            Window(id=2, name="serve", stage="inference", t0_seconds=5.0, duration_seconds=5.0),
        ),
        work=(Work(unit="inferences", count=1000.0),),
        quality=(Quality(name="accuracy", value=0.9),),
        subject=Subject(task="digits"),
        place=PLACE,
        host=HOST,
    )


def with_less(run: Run, removed: set[tuple[str, int]], cut: dict[tuple[str, int], float]) -> Run:
    """The same run with rows left out, and others observed for a part of their time only.

    What a cut row still saw is at the row's own mean or below, as a meter that missed a peak would.
    """
    rows: list[EnergyRow] = []
    for row in run.energies:
        key = (row.component, int(row.t0_seconds))
        if key in removed:
            continue
        seen = cut.get(key, 1.0)
        idle = row.idle_watts or 0.0
        # The part not seen ran at full power if it could: what was seen is what is left of the energy.
        hidden = min((row.max_watts or 0.0) * (1 - seen), row.energy_joules - idle * seen)
        rows.append(replace(row, observed_seconds=seen, energy_joules=row.energy_joules - hidden))
    return replace(run, energies=tuple(rows))


KEYS = st.tuples(st.sampled_from(sorted(DEVICES)), st.integers(min_value=0, max_value=SECONDS - 1))


@st.composite
def powers(draw: st.DrawFn) -> Powers:
    """Watts of each device in each second, between idle and the most it can draw."""
    return {
        name: draw(st.lists(st.floats(min_value=idle, max_value=most), min_size=SECONDS, max_size=SECONDS))
        for name, (_, idle, most, _) in DEVICES.items()
    }


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    """A limit of any kind near the values that the runs have, with the weakest demands on evidence."""
    demands: dict[str, Any] = {
        "grade": Grade.D,
        "coverage": draw(st.sampled_from([0.01, 0.5, 0.95])),
        "on_undecided": draw(st.sampled_from(list(OnUndecided))),
        "if_missing": draw(st.sampled_from(list(IfLacking))),
        "if_no_baseline": draw(st.sampled_from(list(IfLacking))),
        "level": draw(st.sampled_from([Level.ERROR, Level.ERROR, Level.WARN])),
        "aggregation": draw(st.sampled_from(list(Aggregation))),
    }
    roomy = draw(st.sampled_from([0.0, 0.1]))
    near = draw(st.floats(min_value=0.5, max_value=2.0))
    kind = draw(st.sampled_from(["energy", "stage", "carbon", "power", "rise", "fall", "ratio", "lifetime"]))
    match kind:
        case "energy":
            return Limit(kpi="energy", max=near * 5e-4, tolerance=roomy, **demands)
        case "stage":
            return Limit(kpi="energy", max=near * 2.5e-4, stage="inference", **demands)
        case "carbon":
            return Limit(kpi="carbon_per_inference_operational", max=near * 3e-5, **demands)
        case "power":
            return Limit(kpi="performance_per_watt", min=near * 0.5, tolerance=roomy, **demands)
        case "ratio":
            return Limit(kpi="inference_watts_per_query", max=near * 900.0, **demands)
        case "lifetime":
            return Limit(kpi="model_efficiency_ratio", min=near, **demands)
        case "rise":
            return Limit(kpi="energy", max_increase=near - 0.5, **demands)
        case _:
            return Limit(kpi="performance_per_watt", max_decrease=0.4 * near, **demands)


@pytest.mark.slow
@for_all(
    st.lists(powers(), min_size=1, max_size=3) | st.lists(powers(), min_size=6, max_size=6),
    st.lists(powers(), min_size=1, max_size=3) | st.lists(powers(), min_size=6, max_size=6),
    limits(),
    st.sets(KEYS, max_size=6),
    st.dictionaries(KEYS, st.floats(min_value=0.0, max_value=1.0), max_size=6),
    st.integers(min_value=0, max_value=2),
    st.booleans(),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_taking_readings_away_never_improves_a_verdict(
    candidate: list[Powers],
    baseline: list[Powers],
    limit: Limit,
    removed: set[tuple[str, int]],
    cut: dict[tuple[str, int], float],
    which: int,
    from_baseline: bool,
) -> None:
    """Rows left out, rows half seen, one device silent, on either side: what failed does not pass.

    A device is never silenced where the run does not list it as hardware: nothing could know of it.
    """
    for name in DEVICES:
        gone = {key for key in removed if key[0] == name}
        assume(name != "rest_of_node" or len(gone) < SECONDS)
    ours = [run_of(p, f"c{i}", 1000.0 * (i + 1)) for i, p in enumerate(candidate)]
    theirs = [run_of(p, f"b{i}", 1e6 + 1000.0 * i) for i, p in enumerate(baseline)]
    catalog = {**CATALOG, "energy": ENERGY}
    policy = Policy(limits=(limit,))

    def verdict(candidates: list[Run], baselines: list[Run]) -> Verdict:
        return gate(policy, repeats_of(candidates, GIVEN), catalog, repeats_of(baselines, GIVEN))

    before = verdict(ours, theirs)
    side = theirs if from_baseline else ours
    index = which % len(side)
    less = [with_less(r, removed, cut) if i == index else r for i, r in enumerate(side)]
    after = verdict(ours if from_baseline else less, less if from_baseline else theirs)
    if before.exit_code != 0:
        assert after.exit_code != 0, (before, after)
    (was,), (is_now,) = before.findings, after.findings
    if was.ruling is not Ruling.PASS and not was.tolerated:
        assert is_now.ruling is not Ruling.PASS, (was, is_now)
        assert not is_now.tolerated, (was, is_now)


def test_a_silent_device_that_the_run_lists_is_noticed() -> None:
    """Without any row of the GPU the total is smaller, and the gate says what it lacks."""
    run = run_of({name: [idle] * SECONDS for name, (_, idle, _, _) in DEVICES.items()}, "r", 0.0)
    silent = replace(run, energies=tuple(r for r in run.energies if r.component != "gpu"))
    limit = Limit(kpi="energy", max=1.0, grade=Grade.D)
    assert judged(limit, *repeats_of([run], GIVEN)).ruling is Ruling.PASS
    assert "no energy was read of gpu (G)" in judged(limit, *repeats_of([silent], GIVEN)).reason


def test_work_done_is_untouched_by_a_stage() -> None:
    """Only the energy is narrowed."""
    facts = at_stage(a_facts(energy_by_stage={"training": joules(1.0)}), "training")
    assert facts.work == {"inferences": WorkDone(unit="inferences", count=1000.0)}


def test_a_limit_on_a_stage_divides_its_energy_by_what_it_did_itself() -> None:
    """100 J of training for 50 samples are 0.5 per joule, whatever 950 more an evaluation looked at."""
    samples = {n: WorkDone(unit="samples", count=n) for n in (50.0, 950.0, 1000.0)}
    facts = a_facts(
        energy_by_stage={"training": joules(100.0), "evaluation": joules(10.0)},
        work={"samples": samples[1000.0], "outcomes": WorkDone(unit="outcomes", count=1.0)},
        work_by_stage={"training": {"samples": samples[50.0]}, "evaluation": {"samples": samples[950.0]}},
        functional_unit="samples",
    )
    told = CATALOG["performance_per_watt"].answer(at_stage(facts, "training"))
    assert isinstance(told, Figure)
    assert told.value == pytest.approx(0.5)
    assert at_stage(facts, "training").work["outcomes"].count == 1.0


def test_a_limit_on_serving_leaves_out_what_was_done_in_no_stage_where_serving_tells_its_own() -> None:
    """10 J for 100 inferences, beside 900 outside any stage; these are what it served where it tells none."""
    served, loose = (WorkDone(unit="inferences", count=n) for n in (100.0, 900.0))
    facts = a_facts(
        energy_by_stage={"inference": joules(10.0), "unstaged": joules(90.0)},
        work_by_stage={"inference": {"inferences": served}, "unstaged": {"inferences": loose}},
    )
    kpi = CATALOG["inference_watts_per_query"]
    own = kpi.answer(at_stage(facts, "inference"))
    other = kpi.answer(
        at_stage(replace(facts, work_by_stage={"unstaged": {"inferences": loose}}), "inference")
    )
    assert isinstance(own, Figure)
    assert isinstance(other, Figure)
    assert own.value == pytest.approx(100.0)
    assert other.value == pytest.approx(10.0 / 0.9)
