"""From evidence to a result: numbers that can be checked in the head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.bench.benchmarks import (
    Plot,
    S,
    a_benchmark,
    a_gpu,
    a_sensor,
    counter,
    failing,
    measured,
    phases_of,
    queries_of,
    sensor,
    with_queries,
)
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence, Phase, PhaseName
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.profile import PROFILES
from wattmark.core.bench.repeats import joules_per_query
from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.core.bench.validity import Status
from wattmark.core.figure import Figure
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import Device
from wattmark.core.units import Power

SHORT = Plot(seconds=10.0)
NOISE = "repeats:0123456789abcdef"


def energy(evidence: Evidence) -> Figure:
    """The rated energy, which is known."""
    found = result_of(evidence).energy
    assert found is not None
    return found


def a_cpu(**changes: Any) -> Device:
    """A package of 50 W with a counter."""
    fields = {
        "id": "cpu:h/package-0",
        "component": "cpu",
        "source": "rapl",
        "name": "",
        "max_power": Power(200.0),
    }
    return a_gpu(**{**fields, **changes})


def a_node(**changes: Any) -> Device:
    """A reading of the whole machine."""
    fields = {
        "id": "node:h",
        "component": "node",
        "source": "redfish",
        "boundary": Boundary.NODE,
        "grade": Grade.A,
        "method": Method.BMC,
        "name": "",
    }
    return a_gpu(**{**fields, **changes})


def with_devices(plot: Plot, *drawn: tuple[Device, float], **changes: Any) -> Evidence:
    """A benchmark with several devices, each of which draws so much in every phase."""
    end = phases_of(plot)[-1][0].end_us
    looks = tuple(
        counter(d.id, [(end, w)]) if d.reads == "counter" else sensor(d.id, [(end, w)]) for d, w in drawn
    )
    return a_benchmark(plot, devices=tuple(d for d, _ in drawn), looks=looks, **changes)


# --- energy per query -------------------------------------------------------------------------------


def test_energy_per_query_is_power_times_time_over_queries() -> None:
    """100 W for 10 s over 20 queries: 50 J each, 13.9 Wh per 1,000; a counter errs by 5 %."""
    found = energy(a_benchmark(SHORT))
    assert (found.value, found.unit, found.grade, found.coverage) == (50.0, "J/query", Grade.B, 1.0)
    assert found.errors == {"nvml:GPU-1:gain": 2.5, NOISE: 0.0}
    assert found.terms == {
        "boundary": "device (gpu)",
        "scope": "whole",
        "attribution_rule": "whole_device",
    }
    assert wh_per_1000(found).value == pytest.approx(50 / 3.6)


def test_asking_the_set_twice_halves_the_energy_of_a_query() -> None:
    """1000 J over 40 answers."""
    assert energy(a_benchmark(replace(SHORT, turns=2))).value == 25.0


def test_the_mean_of_repeats_with_what_they_differ_by() -> None:
    """45, 50 and 55 J: 50 J, and t(0.975, 2) x s / sqrt(3) of the logarithms, 24.9 %."""
    plot = replace(SHORT, watts=(90.0, 100.0, 110.0))
    result = result_of(a_benchmark(plot))
    assert result.energy is not None
    assert [r.joules_per_query for r in result.repeats] == pytest.approx([45.0, 50.0, 55.0])
    assert result.energy.value == pytest.approx(50.0)
    logs = [math.log(v) for v in (45.0, 50.0, 55.0)]
    mean = sum(logs) / 3
    sd = math.sqrt(sum((v - mean) ** 2 for v in logs) / 2)
    assert result.energy.errors[NOISE] == pytest.approx(50 * 4.302653 * sd / math.sqrt(3), rel=1e-6)
    assert result.repeat_cv == pytest.approx(0.1)


def test_one_repeat_knows_nothing_of_noise() -> None:
    """Its figure says so, and holds the meter's errors alone."""
    found = energy(a_benchmark(replace(SHORT, repeats=1)))
    assert list(found.errors) == ["nvml:GPU-1:gain"]
    assert found.notes == ("one repeat: the noise between repeats is not in the interval",)


def test_a_refresh_of_the_sensor_counts_once_for_each_repeat() -> None:
    """Every 0.1 s at 100 W: 10 J per window, 0.5 J per query, 0.5 / sqrt(3) in the mean of three."""
    found = energy(a_benchmark(SHORT, device=a_gpu(update_seconds=0.1)))
    refresh = [e for name, e in found.errors.items() if "refresh" in name]
    assert refresh == pytest.approx([0.5 / 3] * 3)
    assert math.hypot(*refresh) == pytest.approx(0.5 / math.sqrt(3))


def test_edges_between_looks_widen_the_interval() -> None:
    """Phases begin and end 50 ms after a look: 0.05 s at 100 W, twice in quadrature."""
    evidence = a_benchmark(SHORT)
    moved = [replace(p, start_us=p.start_us + S // 20, end_us=p.end_us + S // 20) for p in evidence.phases]
    found = energy(replace(evidence, phases=tuple(moved), queries=queries_of(moved, SHORT)))
    edges = [e for name, e in found.errors.items() if "refresh" in name]
    watts = (9.95 * 100 + 0.05 * 40) / 10
    assert edges == pytest.approx([math.hypot(0.05, 0.05) * watts / 20 / 3] * 3)


def test_a_gap_is_estimated_at_grade_d_with_worst_case_bounds() -> None:
    """Half of the first repeat unseen: 500 J seen, 500 J estimated, up to 1050 W possible there."""
    evidence = a_benchmark(SHORT, device=a_sensor())
    first = measured(evidence)[0]
    lost = [
        i for i, at in enumerate(evidence.looks[0].at_us) if first.start_us < at <= first.start_us + 5 * S
    ]
    found = energy(replace(evidence, looks=(failing(evidence.looks[0], lost),)))
    assert found.value == pytest.approx(50.0, rel=0.02)
    assert found.grades[Grade.D] > 0
    assert found.coverage == pytest.approx(0.49)  # of the repeat that was observed least
    assert found.interval[1] > found.value * 1.5


def test_failed_queries_keep_their_energy() -> None:
    """Half of them failed: 1000 J over 10 answers."""
    half = with_queries(a_benchmark(SHORT), lambda q: replace(q, failed="timeout" if q.index % 2 else ""))
    result = result_of(half)
    assert result.energy is not None
    assert (result.energy.value, result.throughput) == (100.0, 1.0)
    assert {r.code for r in result.validity.reasons} >= {"queries_failed"}


def test_a_repeat_that_crashed_counts_as_an_attempt() -> None:
    """It is in no mean, and the result is invalid."""
    evidence = a_benchmark(replace(SHORT, repeats=4))
    crashed = measured(evidence)[3]
    phases = tuple(replace(p, failed="out of memory") if p is crashed else p for p in evidence.phases)
    result = result_of(replace(evidence, phases=phases))
    assert [r.repeat for r in result.repeats] == [0, 1, 2]
    assert ("repeat_failed", "repeat 4 failed: out of memory") in [
        (r.code, r.text) for r in result.validity.reasons
    ]
    assert joules_per_query(replace(evidence, phases=phases)) == (50.0, 50.0, 50.0)


def test_a_repeat_without_an_answer_has_no_energy_per_query() -> None:
    """Nothing to divide by is not zero."""
    failed = with_queries(a_benchmark(SHORT), lambda q: replace(q, failed="no"))
    result = result_of(failed)
    assert (result.energy, result.repeats, result.throughput, result.latency) == (None, (), 0.0, None)
    assert (result.per_output, result.idle.net_joules_per_query, result.quality) == (None, None, None)
    assert result.repeat_cv is None


def test_nothing_observed_is_no_energy() -> None:
    """No meter at all: everything else is told."""
    result = result_of(a_benchmark(SHORT, devices=(), looks=()))
    assert (result.energy, result.gpu_energy, result.phases_joules) == (None, None, {})
    assert result.key.boundary == result.key.evidence == "unknown"
    assert result.latency is not None
    assert "no_energy" in {r.code for r in result.validity.reasons}


# --- boundaries -------------------------------------------------------------------------------------


def test_two_gpus_add_up() -> None:
    """100 W and 60 W for 10 s: 80 J per query at the boundary of devices."""
    result = result_of(with_devices(SHORT, (a_gpu(), 100.0), (a_gpu(id="GPU-2"), 60.0)))
    assert result.energy is not None
    assert result.gpu_energy is not None
    assert (result.energy.value, result.gpu_energy.value) == (80.0, 80.0)
    assert result.energy.half_width == pytest.approx(math.hypot(2.5, 1.5))
    assert (result.hardware, result.key.boundary) == ("2 x NVIDIA H100 80GB HBM3", "device (gpu)")


def test_the_cpu_counts_beside_the_gpu() -> None:
    """100 W and 50 W; the GPU by itself is what AI Energy Score rates."""
    result = result_of(with_devices(SHORT, (a_gpu(), 100.0), (a_cpu(), 50.0)))
    assert result.energy is not None
    assert result.gpu_energy is not None
    assert (result.energy.value, result.gpu_energy.value) == (75.0, 50.0)
    assert result.key.boundary == "device (cpu+gpu)"
    assert result.gpu_energy.terms["boundary"] == "device (gpu)"


def test_a_node_meter_holds_its_devices() -> None:
    """400 W at the node with 100 W and 50 W in it: 200 J per query, once; the GPU is known by itself."""
    parts = [(a_gpu(part_of="node:h"), 100.0), (a_cpu(part_of="node:h"), 50.0)]
    result = result_of(with_devices(SHORT, (a_node(), 400.0), *parts))
    assert result.energy is not None
    assert result.gpu_energy is not None
    assert (result.energy.value, result.energy.grade) == (200.0, Grade.A)
    assert result.gpu_energy.value == 50.0
    assert result.key.boundary == "node"
    assert result.origin.method == "redfish (bmc)"


def test_profile_aies_rates_the_gpu_alone() -> None:
    """Whatever else was read; idle power too is the GPU's."""
    drawn = [(a_node(), 400.0), (a_gpu(part_of="node:h"), 100.0)]
    result = result_of(with_devices(SHORT, *drawn, profile=PROFILES["aies"]))
    assert result.energy is not None
    assert (result.energy.value, result.key.boundary) == (50.0, "device (gpu)")
    assert result.idle.before_watts == 100.0
    assert result.phases_joules["measure"] == pytest.approx(3000.0)
    assert result.key.protocol == "aies-2025-12"


def test_profile_aies_without_a_gpu_has_no_energy() -> None:
    """A CPU is no GPU: nothing is put in its place."""
    result = result_of(with_devices(SHORT, (a_cpu(), 50.0), profile=PROFILES["aies"]))
    assert result.energy is None
    assert result.idle.before_watts is None
    assert next(r.text for r in result.validity.reasons if r.code == "no_energy").startswith(
        "missing: energy of a gpu"
    )


def test_repeats_of_different_boundaries_have_no_mean() -> None:
    """The node was read in the first repeat only: nothing is rated."""
    evidence = with_devices(SHORT, (a_node(), 400.0), (a_gpu(part_of="node:h"), 100.0))
    end = measured(evidence)[0].end_us
    lost = [i for i, at in enumerate(evidence.looks[0].at_us) if at > end]
    result = result_of(replace(evidence, looks=(failing(evidence.looks[0], lost), evidence.looks[1])))
    assert result.energy is None
    codes = {r.code for r in result.validity.reasons}
    assert codes >= {"no_energy", "device_unread"}


# --- what else is told ------------------------------------------------------------------------------


def test_energy_per_output_unit() -> None:
    """Ten tokens per answer: 5 J each; unknown for one answer is unknown."""
    evidence = a_benchmark(SHORT)
    found = result_of(evidence).per_output
    assert found is not None
    assert (found.value, found.unit) == (5.0, "J/output token")
    one = with_queries(evidence, lambda q: replace(q, output_tokens=None) if q.index == 3 else q)
    assert result_of(one).per_output is None
    assert result_of(one).output_tokens_per_query is None
    none = with_queries(evidence, lambda q: replace(q, output_tokens=0))
    assert result_of(none).per_output is None
    unitless = a_benchmark(SHORT, pinned={"task": "text_classification"})
    assert (result_of(unitless).per_output, result_of(unitless).output_unit) == (None, None)


def test_idle_power_is_told_and_net_is_information() -> None:
    """40 W idle over 0.5 s per query: 50 - 20 = 30 J net; the rated 50 J are gross."""
    result = result_of(a_benchmark(SHORT))
    assert (result.idle.before_watts, result.idle.after_watts) == (40.0, 40.0)
    assert result.idle.net_joules_per_query == pytest.approx(30.0)
    assert result.energy is not None
    assert result.energy.value == 50.0


def test_idle_power_that_was_not_measured_is_not_known() -> None:
    """Nothing stands in for it."""
    evidence = a_benchmark(SHORT)
    busy = tuple(p for p in evidence.phases if p.name not in (PhaseName.IDLE_BEFORE, PhaseName.IDLE_AFTER))
    idle = result_of(replace(evidence, phases=busy)).idle
    assert (idle.before_watts, idle.after_watts, idle.net_joules_per_query) == (None, None, None)


def test_each_phase_has_its_energy() -> None:
    """Loading 2 s at 50 W, idle 30 s at 40 W, ten seconds of warm-up at 100 W, three repeats of 1000 J."""
    assert result_of(a_benchmark(SHORT)).phases_joules == pytest.approx(
        {
            "load_model": 100.0,
            "idle_before": 1200.0,
            "warm_up": 1000.0,
            "cool_down": 600.0,
            "measure": 3000.0,
            "idle_after": 1200.0,
        }
    )


def test_throughput_latency_and_tokens() -> None:
    """20 queries in 10 s one after the other: two a second, half a second each."""
    result = result_of(a_benchmark(SHORT))
    assert result.latency is not None
    assert (result.throughput, result.latency.mean, result.latency.p95) == (2.0, 0.5, 0.5)
    assert (result.input_tokens_per_query, result.output_tokens_per_query) == (100.0, 10.0)


def test_a_result_says_what_it_is_of() -> None:
    """Id, date, cohort, profile, origin and the bundle it is kept in."""
    result = result_of(a_benchmark(SHORT), bundle_sha256="b" * 64)
    assert (result.id, result.date, result.cohort) == ("0123456789abcdef", "2026-11-01", "2026-11")
    assert (result.profile, result.task, result.bundle_sha256) == ("standard", "text_generation", "b" * 64)
    assert (result.origin.tool, result.origin.version) == ("wattmark", "0.6.0")
    assert result.origin.method == "nvml (hardware counter)"
    assert (result.quality is not None and result.quality.name) == "rouge_l"


def test_a_quality_may_have_another_name() -> None:
    """Options say which quality a task's own data has."""
    result = result_of(a_benchmark(SHORT, pinned={"options": {"quality": "accuracy"}}))
    assert result.quality is not None
    assert result.quality.name == "accuracy"


def test_notes_tell_what_a_reader_must_know() -> None:
    """Random weights, a stand-in, a short model, a cache, and answers that are not the same each time."""
    model = ModelFacts(id="tiny", random_weights=True, max_input_tokens=128)
    evidence = a_benchmark(SHORT, model=model, notes=("3 inputs were cut off",))
    stand_in = replace(evidence.pinned.dataset, synthetic=True)
    evidence = replace(evidence, pinned=replace(evidence.pinned, dataset=stand_in))
    changed = with_queries(
        evidence,
        lambda q: replace(
            q,
            cached_input_tokens=1,
            output_sha256=f"{q.repeat}" if q.index == 0 else q.output_sha256,
        ),
    )
    assert result_of(changed).notes == (
        "3 inputs were cut off",
        "the weights are random: the energy means something, the quality does not",
        "the queries are a synthetic stand-in",
        "inputs end at 128 tokens, the model's own limit, where 512 are asked for: less work per query",
        "a server had 60 input tokens in its cache from before",
        "1 of 20 queries were answered differently by different repeats, though decoding is greedy",
    )


def test_answers_may_differ_where_they_are_drawn() -> None:
    """Sampling, failed answers and answers without a hash say nothing."""
    evidence = a_benchmark(SHORT, pinned={"sampling": "temperature 0.7"})
    assert result_of(with_queries(evidence, lambda q: replace(q, output_sha256=str(q.repeat)))).notes == ()
    silent = with_queries(a_benchmark(SHORT), lambda q: replace(q, output_sha256=None))
    assert result_of(silent).notes == ()


def test_a_pass_of_its_own_is_no_second_answer() -> None:
    """Queries of a rated pass before (preprocessing) are not counted; its energy is."""
    evidence = a_benchmark(SHORT)
    first = measured(evidence)[0]
    before = Phase(
        name=PhaseName.PREPROCESS,
        repeat=0,
        rated=True,
        start_us=first.start_us - 5 * S,
        end_us=first.start_us,
    )
    extra = replace(evidence.queries[10], start_us=before.start_us, end_us=before.end_us)
    result = result_of(
        replace(evidence, phases=(*evidence.phases, before), queries=(*evidence.queries, extra))
    )
    assert [r.joules_per_query for r in result.repeats] == [60.0, 50.0, 50.0]
    assert result.repeats[0].seconds == 15.0


def test_a_task_that_is_not_known_has_no_quality() -> None:
    """Nothing is guessed."""
    result = result_of(a_benchmark(SHORT, pinned={"task": "juggling"}))
    assert (result.quality, result.output_unit) == (None, None)
    assert result.validity.status is Status.INVALID


def test_no_repeat_at_all() -> None:
    """A benchmark that ended before the first one."""
    evidence = a_benchmark(SHORT)
    phases = tuple(p for p in evidence.phases if p.name is not PhaseName.MEASURE)
    result = result_of(replace(evidence, phases=phases))
    assert (result.energy, result.repeats, result.throughput) == (None, (), None)
    assert "no_work" in {r.code for r in result.validity.reasons}


# --- invariants -------------------------------------------------------------------------------------

repeats_watts = st.lists(st.integers(10, 400).map(float), min_size=1, max_size=4)


def scaled(evidence: Evidence, factor: float) -> Evidence:
    """The same benchmark on hardware that draws so many times as much."""
    devices = tuple(replace(d, max_power=d.max_power * factor) for d in evidence.devices)
    looks = tuple(
        replace(
            said,
            energy_uj=tuple(None if e is None else round(e * factor) for e in said.energy_uj),
            watts=tuple(None if w is None else w * factor for w in said.watts),
        )
        for said in evidence.looks
    )
    return replace(evidence, devices=devices, looks=looks)


@given(repeats_watts, st.sampled_from([0.5, 2.0, 10.0]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_power_times_k_is_energy_times_k(watts: Sequence[float], factor: float, counted: bool) -> None:
    """Every energy scales; nothing relative changes."""
    plot = replace(SHORT, watts=tuple(watts), repeats=len(watts))
    evidence = a_benchmark(plot, device=a_gpu() if counted else a_sensor())
    one, other = result_of(evidence), result_of(scaled(evidence, factor))
    assert one.energy is not None
    assert other.energy is not None
    assert other.energy.value == pytest.approx(one.energy.value * factor, rel=1e-6)
    assert other.energy.relative == pytest.approx(one.energy.relative, rel=1e-6)
    if one.repeat_cv is not None:
        assert other.repeat_cv == pytest.approx(one.repeat_cv, abs=1e-6)
    assert {k: v * factor for k, v in one.phases_joules.items()} == pytest.approx(dict(other.phases_joules))
    assert {r.code for r in one.validity.reasons} == {r.code for r in other.validity.reasons}


def without_floats(result: Result) -> Result:
    """What does not depend on the order of a sum."""
    return replace(result, latency=None)


@given(repeats_watts, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_records_changes_nothing(watts: Sequence[float], random: Any) -> None:
    """Queries, states and phases in any order."""
    evidence = a_benchmark(replace(SHORT, watts=tuple(watts), repeats=len(watts)))
    queries, states, phases = (list(evidence.queries), list(evidence.states), list(evidence.phases))
    for records in (queries, states, phases):
        random.shuffle(records)
    shuffled = replace(evidence, queries=tuple(queries), states=tuple(states), phases=tuple(phases))
    assert without_floats(result_of(shuffled)) == without_floats(result_of(evidence))


@given(repeats_watts)
@settings(max_examples=25, deadline=None)
def test_phases_add_up_to_what_the_counter_showed(watts: Sequence[float]) -> None:
    """Phases follow each other, so that together they are the whole."""
    evidence = a_benchmark(replace(SHORT, watts=tuple(watts), repeats=len(watts)))
    last = evidence.looks[0].energy_uj[-1]
    assert last is not None
    assert sum(result_of(evidence).phases_joules.values()) == pytest.approx(last / 1e6)


def test_the_same_evidence_gives_the_same_result() -> None:
    """To the last bit, twice."""
    evidence = a_benchmark(replace(SHORT, watts=(99.0, 101.0, 100.0)))
    assert result_of(evidence) == result_of(evidence)
    assert queries_of(evidence.phases, SHORT) == evidence.queries
