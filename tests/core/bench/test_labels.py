"""What the runs of benchmarks say of the conditions they were made under."""

from __future__ import annotations

from dataclasses import replace

from tests.core.bench.benchmarks import Plot, a_benchmark
from wattmark.core.bench.as_run import runs_of
from wattmark.core.bench.labels import also_differs, is_simulated, terms_of
from wattmark.core.run import Run

SHORT = Plot(repeats=2, seconds=60.0)


def runs(**pinned: object) -> tuple[Run, ...]:
    """The repeats of a benchmark, pinned like that."""
    return runs_of(a_benchmark(SHORT, pinned=pinned))


def labelled(run: Run, **labels: str) -> Run:
    """With other labels of a benchmark."""
    told = {f"wattmark.bench.{name}": text for name, text in labels.items()}
    return replace(run, subject=replace(run.subject, labels={**run.subject.labels, **told}))


def test_the_terms_are_those_of_the_work_and_of_how_it_is_counted() -> None:
    """Neither the hardware nor the precision: a better one is what a comparison may be about."""
    assert terms_of(runs()) == {
        "benchmark batch_policy": "batch 1",
        "benchmark boundary": "device (gpu)",
        "benchmark protocol": "wattmark-1",
        "benchmark tokens": "in<=512 out=10",
    }
    bare = [replace(run, subject=replace(run.subject, labels={})) for run in runs()]
    assert terms_of(bare) == {}


def test_runs_of_one_solution_may_differ_in_a_term() -> None:
    """Then the term is both, and equal to neither alone."""
    both = (*runs(), *runs(batch_size=8))
    assert terms_of(both)["benchmark batch_policy"] == "batch 1 + batch 8"


def test_simulated_runs_are_known() -> None:
    """Each by itself."""
    assert [is_simulated(r) for r in runs_of(a_benchmark(SHORT, simulated=True))] == [True, True]
    assert not any(map(is_simulated, runs()))


def test_what_else_differs_is_said() -> None:
    """What nobody knows may differ; two runs that are no benchmarks differ in nothing of the kind."""
    (one, two) = runs()
    assert also_differs([one], [two]) == []
    assert also_differs([one], [labelled(two, precision="int8")]) == ["precision differs: float16 / int8"]
    unknown = labelled(one, precision="unknown")
    assert also_differs([unknown], [unknown]) == ["precision is not known: it may differ"]
    plain = replace(one, subject=replace(one.subject, labels={}))
    assert also_differs([plain], [plain]) == []
    assert "precision differs: float16 / unknown" in also_differs([one], [plain])


def test_each_repeat_says_which_it_is() -> None:
    """From 0."""
    assert [r.subject.labels["wattmark.bench.repeat"] for r in runs()] == ["0", "1"]
