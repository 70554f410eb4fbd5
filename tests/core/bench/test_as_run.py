"""Evidence as run files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.bench.benchmarks import GPU, Plot, S, a_benchmark, a_gpu, a_sensor, measured, with_queries
from tests.core.bench.test_derive import a_cpu, with_devices
from wattmark.core.bench.as_run import run_of, runs_of
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence, Phase, PhaseName
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.compare import Effect, effect_of
from wattmark.core.figure import Figure
from wattmark.core.given import Given
from wattmark.core.repeats import repeats_of
from wattmark.core.run import Hardware, Overhead, Quality, Run, Status, Work
from wattmark.core.sound import first_fault
from wattmark.core.totals import facts_of

SHORT = Plot(seconds=10.0)


def joules(*runs: Run) -> float:
    found = facts_of(runs, Given()).energy
    assert isinstance(found, Figure)
    return found.value


def test_the_whole_benchmark_is_one_sound_run() -> None:
    """Everything from the first moment to the last: 7100 J in 117 s."""
    run = run_of(a_benchmark(SHORT))
    assert first_fault(run) is None
    assert (run.started_at, run.duration_seconds, run.status) == (
        "2026-11-01T12:00:00.000000Z",
        117.0,
        Status.CLOSED,
    )
    assert joules(run) == pytest.approx(100 + 1200 + 1000 + 600 + 3000 + 1200)


def test_each_phase_is_a_window() -> None:
    """What is rated is inference; the rest is the benchmark's own."""
    run = run_of(a_benchmark(SHORT))
    assert [(w.name, w.stage) for w in run.windows] == [
        ("load_model", "benchmark"),
        ("idle_before", "benchmark"),
        ("warm_up", "benchmark"),
        ("cool_down 0", "benchmark"),
        ("measure 0", "inference"),
        ("cool_down 1", "benchmark"),
        ("measure 1", "inference"),
        ("cool_down 2", "benchmark"),
        ("measure 2", "inference"),
        ("idle_after", "benchmark"),
    ]
    stages = facts_of([run], Given()).energy_by_stage
    assert {name: f.value for name, f in stages.items()} == pytest.approx(
        {"benchmark": 4100.0, "inference": 3000.0}
    )


@pytest.mark.parametrize(("task", "stage"), [("training", "training"), ("data_pipeline", "data_preparation")])
def test_other_tasks_have_other_stages(task: str, stage: str) -> None:
    """Training is not inference; a task that nobody knows is taken for it."""
    evidence = a_benchmark(SHORT, pinned={"task": task})
    assert run_of(evidence).subject.stage == stage
    assert run_of(a_benchmark(SHORT, pinned={"task": "juggling"})).subject.stage == "inference"


def test_work_is_counted_in_its_windows() -> None:
    """Warm-up answers are inferences too; failed ones are told apart."""
    evidence = with_queries(a_benchmark(SHORT), lambda q: replace(q, failed="no") if q.index == 3 else q)
    work = run_of(evidence).work
    inferences = [(w.window, w.count, w.failed) for w in work if w.unit == "inferences"]
    assert inferences == [(3, 9, 1), (5, 19, 1), (7, 19, 1), (9, 19, 1)]
    tokens = [(w.window, w.count) for w in work if w.unit == "output_tokens"]
    assert tokens == [(3, 90.0), (5, 190.0), (7, 190.0), (9, 190.0)]
    assert {w.unit for w in work} == {"inferences", "input_tokens", "output_tokens"}


def test_what_was_not_asked_is_no_work() -> None:
    """A phase without queries has none, and neither has one whose answers all failed."""
    evidence = a_benchmark(SHORT)
    assert run_of(replace(evidence, queries=())).work == ()
    failed = run_of(with_queries(evidence, lambda q: replace(q, failed="no"))).work
    assert {w.unit for w in failed} == {"inferences"}


def test_the_same_evidence_is_the_same_record() -> None:
    """And another benchmark is another one."""
    evidence = a_benchmark(SHORT)
    assert run_of(evidence) == run_of(evidence)
    ids = [r.record_id for e in (evidence, replace(evidence, id="other")) for r in (run_of(e), *runs_of(e))]
    assert len(ids) == len(set(ids)) == 8


def test_labels_say_what_benchmark_it_is() -> None:
    """As importers of other benchmarks write them."""
    labels = run_of(a_benchmark(SHORT)).subject.labels
    assert labels == {
        "wattmark.bench.task": "text_generation",
        "wattmark.bench.origin": "wattmark 0.6.0",
        "wattmark.bench.published": "false",
        "wattmark.bench.device_class": "1 x NVIDIA H100 80GB HBM3",
        "wattmark.bench.boundary": "device (gpu)",
        "wattmark.bench.power_limit": "default",
        "wattmark.bench.batch_policy": "batch 1",
        "wattmark.bench.precision": "float16",
        "wattmark.bench.protocol": "wattmark-1",
        "wattmark.bench.profile": "standard",
        "wattmark.bench.dataset": "d" * 64,
        "wattmark.bench.tokens": "in<=512 out=10",
        "wattmark.bench.model_class": "A",
        "wattmark.bench.cohort": "2026-11",
        "wattmark.bench.evidence": "0123456789abcdef",
    }
    marked = run_of(a_benchmark(SHORT, simulated=True)).subject.labels
    assert marked["wattmark.bench.simulated"] == "true"


def test_a_run_tells_what_was_run() -> None:
    """Model, dataset, quality, hardware, what measuring cost, and versions."""
    model = ModelFacts(id="openai-community/gpt2", version="abc")
    run = run_of(a_benchmark(SHORT, model=model, overhead=Overhead(cpu_seconds=1.5), notes=("hot day",)))
    assert (run.subject.model, run.subject.model_version) == ("openai-community/gpt2", "abc")
    assert run.dataset is not None
    assert (run.dataset.name, run.dataset.rows, run.dataset.sha256) == ("wikitext", 20, "d" * 64)
    assert run.quality == (Quality(name="rouge_l", value=1.0),)
    assert run.place.hardware == (Hardware(component="gpu", name="NVIDIA H100 80GB HBM3"),)
    assert run.overhead == Overhead(cpu_seconds=1.5)
    assert (run.environment, run.notes) == ({"wattmark": "0.6.0"}, ("hot day",))


def test_no_score_is_no_quality() -> None:
    evidence = with_queries(a_benchmark(SHORT), lambda q: replace(q, score=None))
    assert run_of(evidence).quality == ()


def test_evidence_without_a_phase_is_an_empty_run() -> None:
    """It ended before anything began."""
    run = run_of(a_benchmark(SHORT, phases=(), queries=()))
    assert (run.duration_seconds, run.energies, run.windows) == (0.0, (), ())
    assert first_fault(run) is None
    assert runs_of(a_benchmark(SHORT, phases=())) == ()


def test_a_failed_phase_makes_a_failed_run() -> None:
    """Its energy counts all the same."""
    evidence = a_benchmark(SHORT)
    crashed = measured(evidence)[2]
    phases = tuple(replace(p, failed="killed") if p is crashed else p for p in evidence.phases)
    broken = replace(evidence, phases=phases)
    assert run_of(broken).failed
    assert [r.failed for r in runs_of(broken)] == [False, False, True]


def test_repeats_are_runs_of_their_own() -> None:
    """1000 J and 20 answers each; together they are the rated energy."""
    evidence = a_benchmark(SHORT)
    runs = runs_of(evidence)
    assert [first_fault(r) for r in runs] == [None] * 3
    assert [joules(r) for r in runs] == [1000.0] * 3
    assert [r.duration_seconds for r in runs] == [10.0] * 3
    assert runs[0].work[0] == Work(unit="inferences", count=20)
    assert [r.started_at for r in runs] == [
        "2026-11-01T12:00:47.000000Z",
        "2026-11-01T12:01:02.000000Z",
        "2026-11-01T12:01:17.000000Z",
    ]
    result = result_of(evidence)
    assert result.energy is not None
    assert joules(*runs) / 60 == pytest.approx(result.energy.value)


def test_repeats_of_several_phases_share_a_solution() -> None:
    """Preprocessing and answering are one repeat; only the answers are work."""
    evidence = a_benchmark(SHORT)
    first = measured(evidence)[0]
    before = Phase(
        name=PhaseName.PREPROCESS,
        repeat=0,
        rated=True,
        start_us=first.start_us - 5 * S,
        end_us=first.start_us,
    )
    runs = runs_of(replace(evidence, phases=(*evidence.phases, before)))
    assert len(runs) == 4
    assert runs[0].solution_id == runs[1].solution_id is not None
    assert [len(r.work) for r in runs] == [0, 3, 3, 3]
    assert len(repeats_of(runs, Given())) == 3


def test_two_benchmarks_can_be_compared_by_their_repeats() -> None:
    """20 % less energy per inference, with the noise of three repeats on each side."""
    base = runs_of(a_benchmark(replace(SHORT, watts=(99.0, 100.0, 101.0))))
    better = runs_of(a_benchmark(replace(SHORT, watts=(79.0, 80.0, 81.0)), id="b"))
    sides = [[r.facts.energy for r in repeats_of(runs, Given())] for runs in (base, better)]
    figures = [[f for f in side if isinstance(f, Figure)] for side in sides]
    effect = effect_of(figures[0], figures[1])
    assert isinstance(effect, Effect)
    assert effect.method == "welch"
    assert effect.ratio == pytest.approx(0.8, abs=1e-4)


def test_every_device_has_a_row_in_every_stretch() -> None:
    """Also one that nobody could read: a gap, never a zero that passes for a measurement."""
    evidence = with_devices(SHORT, (a_gpu(), 100.0), (a_cpu(), 50.0))
    silent = replace(evidence, looks=evidence.looks[:1])
    run = run_of(silent)
    rows = [r for r in run.energies if r.component == "cpu"]
    assert len(rows) == len(run.windows)
    assert {(r.energy_joules, r.observed_seconds, r.gaps[0].reason) for r in rows} == {
        (0.0, 0.0, "never looked at")
    }


@given(st.integers(0, 200_000), st.sampled_from(["counter", "power"]))
@settings(max_examples=20, deadline=None)
def test_windows_add_up_wherever_their_edges_lie(late_us: int, reads: str) -> None:
    """The run's energy is what the meter showed, to a microjoule for each row."""
    device = a_gpu() if reads == "counter" else a_sensor()
    evidence: Evidence = a_benchmark(SHORT, device=device)
    first = evidence.phases[0].start_us
    end = max(p.end_us for p in evidence.phases)
    moved = tuple(
        replace(
            p,
            start_us=p.start_us if p.start_us == first else p.start_us + late_us,
            end_us=p.end_us if p.end_us == end else p.end_us + late_us,
        )
        for p in evidence.phases
    )
    one, other = run_of(evidence), run_of(replace(evidence, phases=moved))
    assert sum(r.energy_joules for r in other.energies) == pytest.approx(
        sum(r.energy_joules for r in one.energies), abs=1e-4
    )
    assert {r.device_id for r in other.energies} == {GPU}
