"""Energy to a target: attempts as queries."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.answering import a_job, a_set
from wattmark.bench.asking import Attempted, QuerySet
from wattmark.bench.attempts import Attempts, one_query, reached
from wattmark.bench.harness import run_benchmark
from wattmark.bench.job import Job
from wattmark.bench.keeping import Forgetful
from wattmark.bench.simulated import simulated_world
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.pinned import ModelFacts, Pinned
from wattmark.core.bench.profile import PROFILES


class Training:
    """Reaches 0.9, or fails with some seeds."""

    def __init__(self, hopeless: frozenset[int] = frozenset()) -> None:
        self.seeds: list[int] = []
        self._hopeless = hopeless
        self.closed = False

    @property
    def facts(self) -> ModelFacts:
        return ModelFacts(id="net")

    def run(self, seed: int, tell: Callable[[float], None]) -> Attempted:
        self.seeds.append(seed)
        tell(0.5)
        if seed in self._hopeless:
            return Attempted(quality=0.7, reached=False, why_not="accuracy 0.7 of 0.9")
        return Attempted(quality=0.9, reached=True)

    def close(self) -> None:
        self.closed = True


def a_training(training: Training) -> Job:
    """A benchmark of it."""

    def pinned(queries: QuerySet) -> Pinned:
        return Pinned(task="training", dataset=queries.pin, queries=1, seed=4)

    return Job(
        profile=PROFILES["quick"],
        queries=lambda: one_query(a_set()),
        pinned=pinned,
        load=lambda pinned, queries: Attempts(training, 4),
        score=reached,
        steady=False,
    )


def test_each_attempt_has_a_seed_of_its_own() -> None:
    """Two to warm up and three repeats, from the pinned seed on; the data's pin is kept."""
    training = Training()
    evidence = run_benchmark(a_training(training), simulated_world(1), Forgetful())
    assert training.seeds == [4, 5, 6, 7, 8]
    assert [q.score for q in evidence.queries if q.repeat >= 0] == [0.9] * 3
    assert evidence.pinned.dataset.rows == 4
    assert training.closed


def test_a_target_that_is_not_reached_is_a_failed_query_with_its_energy() -> None:
    """Energy to solution is not defined then, and it says so."""
    evidence = run_benchmark(a_training(Training(frozenset({7}))), simulated_world(1), Forgetful())
    failed = [q.failed for q in evidence.queries if q.failed]
    assert failed == ["the target was not reached: accuracy 0.7 of 0.9"]
    assert {"target_not_reached", "queries_failed"} & {r.code for r in result_of(evidence).validity.reasons}


def test_a_job_of_the_other_kind_is_untouched() -> None:
    """A model that answers waits for steady power."""
    assert a_job(Training()).steady
    assert not a_training(Training()).steady
