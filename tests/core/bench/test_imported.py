"""Runs of other benchmarks as results: what they state, and a reason for all that nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench.bundle.samples import evidence
from tests.builders import a_row, a_run
from wattmark.core.bench.as_run import run_of
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.imported import result_of_run
from wattmark.core.bench.result import Result
from wattmark.core.bench.validity import Status
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import GapSpan, NotSeen, Quality, Run, Subject, Window, Work


def benchmark(labels: dict[str, str] | None = None, **changes: Any) -> Run:
    """90 J of one package in 10 s, for nine queries."""
    told = {"task": "text_classification", **(labels or {})}
    fields: dict[str, Any] = {
        "subject": Subject(
            model="example/tiny", labels={f"wattmark.bench.{k}": v for k, v in told.items()} | {"own": "kept"}
        ),
        "work": (Work(unit="inferences", count=9.0),),
    }
    return a_run(**{**fields, **changes})


def result(run: Run) -> Result:
    found = result_of_run(run)
    assert found is not None
    return found


def codes(found: Result) -> set[str]:
    return {reason.code for reason in found.validity.reasons}


def test_a_run_without_the_label_is_no_benchmark() -> None:
    """Whatever it did."""
    assert result_of_run(a_run()) is None


def test_energy_is_per_query_at_its_boundary() -> None:
    """90 J for nine queries in 10 s: 10 J each, 0.9 a second, of the processor alone."""
    found = result(benchmark())
    assert found.energy is not None
    assert (found.energy.value, found.energy.unit, found.energy.grade) == (10.0, "J/query", Grade.B)
    assert (found.key.boundary, found.key.evidence) == ("device (cpu)", "measured")
    assert (found.throughput, found.gpu_energy, found.per_output) == (0.9, None, None)
    assert (found.id, found.cohort, found.date) == (a_run().record_id, "2026-11", "2026-11-01")


def test_what_nobody_tells_is_unknown_and_a_reason() -> None:
    """Never assumed: every field of the key, every rule that cannot be checked."""
    found = result(benchmark())
    key = found.key
    assert {
        key.dataset,
        key.tokens,
        key.device_class,
        key.batch_policy,
        key.precision,
        key.protocol,
        key.power_limit,
    } == {"unknown"}
    assert codes(found) == {
        *("no_evidence", "not_pinned", "quality_unknown", "warm_up_short", "too_few_repeats"),
        *("idle_not_measured", "steady_state_unknown", "throttling_unknown"),
    }
    assert found.validity.status is Status.INVALID
    assert (found.origin.tool, found.origin.published) == ("unknown", False)


def test_labels_fill_the_key() -> None:
    """Text as it is told; origin is tool and version."""
    told = {
        "dataset": "published: wikitext",
        "tokens": "out=10",
        "device_class": "1 x GPU",
        "batch_policy": "batch 1",
        "precision": "float16",
        "protocol": "theirs-1",
        "origin": "their tool 1.2",
        "method": "NVML",
        "source": "a paper",
        "cohort": "Dec 25",
        "warm_up": "10",
        "model_class": "A",
        "profile": "theirs",
    }
    found = result(benchmark(told))
    for name in ("dataset", "tokens", "device_class", "batch_policy", "precision", "protocol"):
        assert getattr(found.key, name) == told[name]
    assert (found.origin.tool, found.origin.version) == ("their tool", "1.2")
    assert (found.origin.method, found.origin.source) == ("NVML", "a paper")
    assert (found.cohort, found.profile, found.model.model_class) == ("Dec 25", "theirs", "A")
    assert not codes(found) & {"not_pinned", "warm_up_short"}
    assert result(benchmark({"origin": "mlperf"})).origin.tool == "mlperf"


def test_few_warm_ups_are_told_with_their_number() -> None:
    """Two of ten."""
    texts = [r.text for r in result(benchmark({"warm_up": "2"})).validity.reasons]
    assert "2 warm-up queries; 10 are asked for" in texts


def test_published_figures_are_not_checked() -> None:
    """Declared, grade E: estimated, and without evidence."""
    row = a_row(method=Method.DECLARED, grade=Grade.E)
    found = result(benchmark({"published": "true"}, energies=(row,)))
    assert found.origin.published
    assert found.key.evidence == "estimated"
    assert {"estimated", "no_evidence"} <= codes(found)


def test_without_energy_or_work_there_is_no_figure() -> None:
    """No energy, no queries, energy of 0: None, and the reason."""
    assert "no_energy" in codes(result(benchmark(energies=())))
    assert result(benchmark(energies=())).key.evidence == "unknown"
    gap = GapSpan(t0_seconds=0.0, duration_seconds=10.0, reason="not read")
    silent = result(benchmark(energies=(a_row(energy_joules=0.0, observed_seconds=0.0, gaps=(gap,)),)))
    assert silent.energy is None or silent.energy.value > 0
    idle = result(benchmark(work=()))
    assert (idle.energy, idle.throughput, idle.gpu_energy) == (None, None, None)
    assert "no_work" in codes(idle)


def test_failures_random_weights_and_simulation_are_told() -> None:
    """What was done beside what failed; a run that ended with an error."""
    work = (Work(unit="requests", count=8.0, failed=2.0),)
    told = {"random_weights": "true", "simulated": "true"}
    found = result(benchmark(told, work=work, failed=True))
    assert {"queries_failed", "repeat_failed", "random_weights", "simulated"} <= codes(found)
    assert "2 of 10 queries failed" in {r.text for r in found.validity.reasons}
    assert found.energy is not None
    assert found.energy.value == pytest.approx(90 / 8)


def test_outputs_and_tokens_are_per_query() -> None:
    """Nine answers of 10 tokens each: 1 J a token."""
    told = Subject(model="x", labels={"wattmark.bench.task": "text_generation"})
    work = (
        Work(unit="inferences", count=9.0),
        Work(unit="output_tokens", count=90.0),
        Work(unit="input_tokens", count=18.0),
    )
    found = result(benchmark(subject=told, work=work))
    assert found.per_output is not None
    assert (found.per_output.value, found.per_output.unit) == (1.0, "J/output token")
    assert (found.input_tokens_per_query, found.output_tokens_per_query) == (2.0, 10.0)
    assert result(benchmark(subject=told)).per_output is None


def test_a_task_that_we_have_not_keeps_its_name() -> None:
    """It has no unit of output and no quality of its own; the first that is told is taken."""
    quality = (Quality(name="sharpness", value=0.5, higher_is_better=False),)
    found = result(benchmark({"task": "text-to-video"}, quality=quality))
    assert (found.task, found.output_unit) == ("text-to-video", None)
    assert found.quality is not None
    assert (found.quality.name, found.quality.higher_is_better) == ("sharpness", False)


def test_the_quality_of_the_task_goes_before_others() -> None:
    """Accuracy, for classification."""
    found = result(benchmark(quality=(Quality(name="f1", value=0.1), Quality(name="accuracy", value=0.9))))
    assert found.quality is not None
    assert (found.quality.name, found.quality.value) == ("accuracy", 0.9)


def test_windows_of_the_benchmark_itself_are_not_rated() -> None:
    """Loading took 60 J, answering 30 J in 2 s, twice: only answering counts, and nothing is a gap."""
    windows = (
        Window(id=1, name="load", stage="benchmark", t0_seconds=0.0, duration_seconds=6.0),
        Window(id=2, name="measure", stage="inference", t0_seconds=6.0, duration_seconds=2.0),
        Window(id=3, name="measure", stage="inference", t0_seconds=8.0, duration_seconds=2.0),
        Window(id=4, name="inner", parent=3, stage="inference", t0_seconds=8.0, duration_seconds=1.0),
    )
    gap = GapSpan(t0_seconds=0.0, duration_seconds=0.5, reason="late")
    rows = (
        a_row(energy_joules=60.0, duration_seconds=6.0, observed_seconds=5.5, gaps=(gap,)),
        a_row(energy_joules=30.0, t0_seconds=6.0, duration_seconds=2.0, observed_seconds=2.0),
        a_row(energy_joules=30.0, t0_seconds=8.0, duration_seconds=2.0, observed_seconds=2.0),
    )
    work = (
        Work(unit="inferences", count=5.0, window=1),
        Work(unit="inferences", count=4.0, window=2),
        Work(unit="inferences", count=2.0, window=3),
    )
    found = result(benchmark(windows=windows, energies=rows, work=work))
    assert found.energy is not None
    assert (found.energy.value, found.energy.coverage) == (10.0, 1.0)
    assert found.throughput == pytest.approx(1.5)
    assert found.phases_joules["measure"] == 60.0
    assert found.phases_joules["load"] > 60.0  # half a second of it was not seen, and is estimated


def test_gpus_alone_are_told_beside_the_whole() -> None:
    """40 J of a GPU and 50 J of a processor, at the device."""
    rows = (
        a_row(energy_joules=50.0),
        a_row(device_id="GPU-1", component="gpu", energy_joules=40.0),
    )
    found = result(benchmark(energies=rows))
    assert found.energy is not None
    assert found.gpu_energy is not None
    assert [found.energy.value, found.gpu_energy.value] == pytest.approx([10.0, 40 / 9])
    assert found.key.boundary == "device (cpu+gpu)"
    assert found.gpu_energy.terms["boundary"] == "device (gpu)"


def test_a_reading_at_the_plug_is_the_nodes() -> None:
    """Grade A, boundary node; what was not seen is noted."""
    row = a_row(
        device_id=f"node:{a_run().host.id}",
        component="node",
        boundary=Boundary.NODE,
        method=Method.WALL_METER,
        grade=Grade.A,
    )
    found = result(
        benchmark(energies=(row,), not_seen=(NotSeen(what="cooling", reason="nobody looked"),), notes=("so",))
    )
    assert (found.key.boundary, found.notes) == ("node", ("so", "not seen: cooling (nobody looked)"))


def test_a_run_file_of_our_own_states_what_its_bundle_does() -> None:
    """The same energy per query and phase; but a run file is no evidence, and stays invalid."""
    known = evidence()
    ours, stated = result_of(known), result(run_of(known))
    assert ours.energy is not None
    assert stated.energy is not None
    assert stated.energy.value == pytest.approx(ours.energy.value)
    assert stated.phases_joules["idle_before"] == pytest.approx(ours.phases_joules["idle_before"])
    assert stated.id == ours.id
    assert {"no_evidence", "simulated"} <= codes(stated)
    assert stated.key.dataset == ours.key.dataset


def test_a_run_that_states_no_length_has_no_throughput() -> None:
    """A moment is no rate."""
    row = a_row(duration_seconds=0.0, observed_seconds=0.0)
    assert result(benchmark(duration_seconds=0.0, energies=(row,))).throughput is None
