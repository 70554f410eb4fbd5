"""The harness, in simulated time: phases, repeats, failures, interruption, resuming."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.bench.answering import Counting, a_job
from wattmark.bench.asking import Answer, Query
from wattmark.bench.bundle.encoding import canonical
from wattmark.bench.bundle.store import EvidenceStore
from wattmark.bench.harness import run_benchmark
from wattmark.bench.job import Stage, Watch
from wattmark.bench.keeping import Forgetful, Store
from wattmark.bench.simulated import DEVICES, Draw, simulated_world
from wattmark.bench.world import World
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence, Phase, PhaseName
from wattmark.core.bench.profile import PROFILES
from wattmark.core.bench.validity import Status
from wattmark.core.errors import EvidenceError, MissingExtra, UsageError

QUIET = tuple(replace(d, noise_milliwatts=0) for d in DEVICES)
P = PhaseName


def run(
    model: Counting, profile: str = "standard", *, world: World | None = None, **asked: object
) -> Evidence:
    """A benchmark of that model in simulated time."""
    found = world or simulated_world(1, draws=QUIET, marked=False)
    return run_benchmark(a_job(model, profile, **asked), found, Forgetful())  # type: ignore[arg-type]


def names(evidence: Evidence) -> list[tuple[PhaseName, int | None]]:
    """Phases and repeats, in order."""
    return [(p.name, p.repeat) for p in evidence.phases]


def measured(evidence: Evidence) -> list[Phase]:
    """The repeats."""
    return [p for p in evidence.phases if p.name is P.MEASURE]


def seconds(phase: Phase) -> float:
    return (phase.end_us - phase.start_us) / 1e6


def test_phases_are_apart_and_in_order() -> None:
    """Three repeats with a rest between two; only repeats are rated."""
    evidence = run(Counting())
    assert names(evidence) == [
        (P.LOAD_DATASET, None),
        (P.LOAD_MODEL, None),
        (P.IDLE_BEFORE, None),
        (P.WARM_UP, None),
        (P.MEASURE, 0),
        (P.COOL_DOWN, 1),
        (P.MEASURE, 1),
        (P.COOL_DOWN, 2),
        (P.MEASURE, 2),
        (P.IDLE_AFTER, None),
    ]
    assert [p.name for p in evidence.phases if p.rated] == [P.MEASURE] * 3
    ends = [p.end_us for p in evidence.phases]
    assert all(p.start_us >= end for p, end in zip(evidence.phases[1:], ends, strict=False))


def test_a_standard_run_in_simulated_time_is_valid() -> None:
    """Everything that the rules ask for is there; 4 queries of 40.1 ms at 510 W."""
    result = result_of(run(Counting()))
    assert (result.validity.status, result.validity.reasons) == (Status.VALID, ())
    assert result.energy is not None
    # 20 ms, 10 tokens of 2 ms, 2.5 input tokens of 0.05 ms: 40.1 ms at (400 + 110) W, and some noise of time
    assert result.energy.value == pytest.approx(0.0401 * 510, rel=0.02)
    assert result.quality is not None
    assert result.quality.value == 1.0


def test_meters_are_looked_at_at_both_edges_of_every_phase() -> None:
    """In simulated time a look takes none, so that there is one at each edge exactly."""
    evidence = run(Counting())
    for looks in evidence.looks:
        moments = set(looks.at_us)
        for phase in evidence.phases:
            assert {phase.start_us, phase.end_us} <= moments


def test_meters_are_looked_at_ten_times_a_second() -> None:
    """No two looks are further apart than the period."""
    evidence = run(Counting())
    assert evidence.period_us == 100_000
    at = evidence.looks[0].at_us
    assert max(b - a for a, b in pairwise(at)) <= 100_000


def test_a_repeat_fills_its_window_with_whole_sets() -> None:
    """At least 60 s, less than a set longer; every query is asked equally often."""
    evidence = run(Counting())
    for phase in measured(evidence):
        asked = [q.index for q in evidence.queries if q.repeat == phase.repeat]
        assert 60 <= seconds(phase) < 60.5
        assert {asked.count(n) for n in range(4)} == {len(asked) // 4}


def test_batches_never_cross_a_set() -> None:
    """Five queries, two at a time: 2, 2, 1, and again."""
    model = Counting()
    evidence = run(model, "quick", count=5, batch_size=2)
    assert model.batches[1:4] == [2, 2, 1]  # after a warm-up of 2
    pairs = [q for q in evidence.queries if q.repeat == 0][:2]
    assert (pairs[0].start_us, pairs[0].end_us) == (pairs[1].start_us, pairs[1].end_us)


def test_warm_up_asks_at_least_ten_queries_outside_of_the_window() -> None:
    """They are recorded as repeat -1 and lie in a phase of their own."""
    evidence = run(Counting())
    warm = [q for q in evidence.queries if q.repeat == -1]
    phase = next(p for p in evidence.phases if p.name is P.WARM_UP)
    assert len(warm) >= 10
    assert all(phase.start_us <= q.start_us and q.end_us <= phase.end_us for q in warm)


def test_warm_up_ends_when_power_is_steady() -> None:
    """The first stretch of 10 s is even: no need to go on."""
    warm = next(p for p in run(Counting()).phases if p.name is P.WARM_UP)
    assert 10 <= seconds(warm) < 13


def test_warm_up_ends_after_a_minute_where_power_never_gets_steady() -> None:
    """Noise of +-100 % of the power: it is said, and the repeats tell the rest."""
    wild = tuple(
        replace(d, noise_milliwatts=d.idle_milliwatts, busy_milliwatts=d.idle_milliwatts) for d in DEVICES
    )
    evidence = run(Counting(), world=simulated_world(1, draws=wild))
    warm = next(p for p in evidence.phases if p.name is P.WARM_UP)
    assert 60 <= seconds(warm) < 62
    assert "power was not steady after a warm-up of 60 s" in evidence.notes


def test_more_queries_than_a_bundle_holds_are_refused_after_the_warm_up() -> None:
    """25 queries a second for ten times 20,000 s would be five million."""
    job = a_job(Counting(), "certified")
    job = replace(job, profile=replace(job.profile, window_seconds=20_000.0))
    with pytest.raises(UsageError, match=r"10 repeats of 20000 s would ask .* 2,500,000 at most: take a"):
        run_benchmark(job, simulated_world(1, draws=QUIET, marked=False), Forgetful())


def test_a_try_does_not_wait_for_steady_power() -> None:
    """Profile quick: two queries."""
    assert len([q for q in run(Counting(), "quick").queries if q.repeat == -1]) == 2


def test_repeats_go_on_until_their_interval_is_narrow() -> None:
    """Power differs from repeat to repeat by a few per cent: more than three are needed, and it says why."""
    world = simulated_world(3, draws=QUIET, marked=False)
    meter = world.meters.meters[0]
    powers = [400_000, 416_000, 384_000, 410_000, 390_000, 405_000, 395_000, 400_000, 412_000, 388_000]

    def watch(stage: Stage) -> None:
        if stage.phase is P.MEASURE and stage.repeat is not None:
            gpu, cpu = QUIET
            drawn: Draw = replace(gpu, busy_milliwatts=powers[stage.repeat % len(powers)])
            meter._draws = (drawn, cpu)  # type: ignore[attr-defined]

    evidence = run_benchmark(a_job(Counting()), world, Forgetful(), Watch(progress=watch))
    assert len(measured(evidence)) > 3
    assert any("repeats: the 95 % interval" in note for note in evidence.notes)


def test_no_repeat_begins_after_the_budget_is_spent() -> None:
    """Ten repeats of 60 s are asked for; after 100 s no more begin."""
    profile = replace(PROFILES["standard"], min_repeats=10, budget_seconds=100)
    evidence = run_benchmark(a_job(Counting(), profile), simulated_world(1, draws=QUIET), Forgetful())
    assert len(measured(evidence)) == 2


def test_only_the_first_set_of_a_repeat_is_scored() -> None:
    """Scores and hashes are made after the window, of answers that are in memory: one set's."""
    evidence = run(Counting())
    first = [q for q in evidence.queries if q.repeat == 0 and q.turn == 0]
    later = [q for q in evidence.queries if q.repeat == 0 and q.turn > 0]
    assert [q.score for q in first] == [1.0] * 4
    assert len({q.output_sha256 for q in first}) == 4
    assert later
    assert {(q.score, q.output_sha256) for q in later} == {(None, None)}


def test_failed_queries_are_recorded_and_make_it_invalid() -> None:
    """Query 2 fails each time it is asked; its energy counts, it has no score."""
    evidence = run(Counting(failed={2: "status 500"}))
    failed = {q.index for q in evidence.queries if q.failed}
    assert failed == {2}
    assert all(q.score is None for q in evidence.queries if q.failed)
    assert "queries_failed" in {r.code for r in result_of(evidence).validity.reasons}


def breaking(after: int, error: BaseException) -> Counting:
    """A model that raises at its so-many-th batch."""
    count = 0

    def before(batch: Sequence[Query]) -> None:
        nonlocal count
        count += 1
        if count > after:
            raise error

    return Counting(before=before)


def test_a_model_that_breaks_ends_its_repeat_and_keeps_what_was_measured() -> None:
    """The repeat is failed with the reason, without paths; there is no other one; idle is still measured."""
    model = breaking(3000, RuntimeError("out of memory\nin /home/somebody"))
    evidence = run(model)
    last = measured(evidence)[-1]
    assert last.failed == "RuntimeError: out of memory"
    assert evidence.phases[-1].name is P.IDLE_AFTER
    assert any(q.repeat == last.repeat for q in evidence.queries)
    assert "repeat_failed" in {r.code for r in result_of(evidence).validity.reasons}
    assert model.closed


def test_a_model_that_breaks_in_the_warm_up_ends_everything() -> None:
    """Nothing is rated: the error says when."""
    model = breaking(0, RuntimeError("no such operator"))
    with pytest.raises(EvidenceError, match="failed in the warm-up: RuntimeError: no such operator"):
        run(model)
    assert model.closed


def test_a_model_that_answers_nothing_ends_in_the_warm_up() -> None:
    """An hour of failures would tell nothing more."""
    with pytest.raises(EvidenceError, match="answered no query of the warm-up: refused"):
        run(Counting(failed=dict.fromkeys(range(4), "refused")))


def test_profile_aies_has_passes_of_their_own() -> None:
    """Preprocessing and prefill with one new token, once, before ten repeats of one set each."""
    model = Counting()
    evidence = run(model, "aies")
    assert names(evidence)[4:7] == [(P.PREPROCESS, None), (P.PREFILL, None), (P.MEASURE, 0)]
    assert len(measured(evidence)) == 10
    assert model.asked_tokens.count(1) == 4
    assert len([q for q in evidence.queries if q.repeat >= 0]) == 40


def test_it_ends_in_order_when_it_is_told_to() -> None:
    """Stopped in the second repeat: that one is failed, the first one is kept, nothing follows."""
    world = simulated_world(1, draws=QUIET)
    stopped = Watch(stopped=lambda: world.clock() > 120)
    evidence = run_benchmark(a_job(Counting()), world, Forgetful(), stopped)
    assert [p.failed for p in measured(evidence)] == ["", "interrupted"]
    assert evidence.phases[-1].repeat == 1
    assert any(q.repeat == 1 for q in evidence.queries)


def test_it_ends_in_order_while_it_rests() -> None:
    """Stopped while idle is measured: that phase is failed."""
    world = simulated_world(1, draws=QUIET)
    evidence = run_benchmark(a_job(Counting()), world, Forgetful(), Watch(stopped=lambda: world.clock() > 10))
    assert [(p.name, p.failed) for p in evidence.phases[2:]] == [(P.IDLE_BEFORE, "interrupted")]


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    """A benchmark that was killed in its second repeat."""
    folder = tmp_path / "b.wattmark"
    with closing(EvidenceStore.open(folder)) as store, pytest.raises(Killed):
        run_benchmark(a_job(breaking(2400, Killed())), simulated_world(1, draws=QUIET, marked=False), store)
    return folder


def resumed(folder: Path, model: Counting, **asked: object) -> Evidence:
    """The same benchmark, gone on with."""
    world = simulated_world(1, draws=QUIET, marked=False)
    with EvidenceStore.resume(folder) as store:
        earlier = store.so_far()
        assert earlier is not None
        return run_benchmark(a_job(model, **asked), world, store, earlier=earlier)  # type: ignore[arg-type]


def test_a_benchmark_goes_on_after_a_kill(cut_off: Path) -> None:
    """Repeat 0 is kept, repeat 1 stays as a failed one with its energy, 2 and 3 are new; all else again."""
    evidence = resumed(cut_off, Counting())
    assert [(p.repeat, bool(p.failed)) for p in measured(evidence)] == [
        (0, False),
        (1, True),
        (2, False),
        (3, False),
    ]
    count = [p.name for p in evidence.phases].count
    assert (count(P.LOAD_MODEL), count(P.IDLE_BEFORE), count(P.WARM_UP), count(P.IDLE_AFTER)) == (2, 2, 2, 1)
    cut = measured(evidence)[1]
    assert any(cut.start_us < at < cut.end_us for at in evidence.looks[0].at_us)
    assert any(note.startswith("resumed at ") for note in evidence.notes)
    starts = [p.start_us for p in evidence.phases]
    assert starts == sorted(starts)


def test_looks_go_on_in_time_after_a_kill(cut_off: Path) -> None:
    """The moments of every device rise through the resumption."""
    for looks in resumed(cut_off, Counting()).looks:
        assert list(looks.at_us) == sorted(looks.at_us)
        assert len(looks.at_us) == len(looks.energy_uj)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"batch_size": 2}, "pinned.batch_size was 1 and is 2"),
        ({"count": 5}, "pinned.dataset.rows was 4 and is 5"),
        ({"profile": "certified"}, "profile.id was standard and is certified"),
    ],
)
def test_another_benchmark_is_not_resumed(cut_off: Path, changes: dict[str, object], named: str) -> None:
    """What differs is named."""
    with pytest.raises(UsageError, match=named):
        resumed(cut_off, Counting(), **changes)


def test_another_model_is_not_resumed(cut_off: Path) -> None:
    """Its weights have another hash."""
    with pytest.raises(UsageError, match=r"model\.sha256 was 0000.* and is 1111"):
        resumed(cut_off, Counting(sha256="1" * 64))


def test_what_was_kept_on_disk_is_what_is_given(tmp_path: Path) -> None:
    """The store's evidence and the returned one are one."""
    with EvidenceStore.open(tmp_path / "b.wattmark") as store:
        evidence = run_benchmark(a_job(Counting()), simulated_world(1), store)
        assert canonical(store.finish()) == canonical(evidence)


def test_a_full_disk_ends_the_benchmark() -> None:
    """What cannot be kept is not measured any further."""

    class Full(Forgetful):
        def queries(self, records: object) -> None:
            raise EvidenceError("b.wattmark", "cannot be written: no space left on device")

    store: Store = Full()
    with pytest.raises(EvidenceError, match="no space left"):
        run_benchmark(a_job(Counting()), simulated_world(1), store)


def test_devices_that_the_model_does_not_use_are_left_out() -> None:
    """The model runs on the CPU: the GPU's looks and states go, from the beginning."""
    world = replace(
        simulated_world(1), used=lambda facts, devices: [d for d in devices if d.component == "cpu"]
    )
    evidence = run(Counting(), "quick", world=world)
    assert [d.component for d in evidence.devices] == ["cpu"]
    assert {looks.device_id for looks in evidence.looks} == {"cpu:simulated/package-0"}
    assert {s.device_id for s in evidence.states} == {"cpu:simulated/package-0"}
    assert "1 devices on which the model does not run are left out" in evidence.notes


def test_many_in_flight_tells_when_the_load_was_full() -> None:
    """Two at a time: the span in which both were asked is kept."""
    evidence = run(Counting(), "quick", concurrency=2)
    assert all(q.failed == "" for q in evidence.queries)
    assert len([q for q in evidence.queries if q.repeat == 0]) == 4


def test_progress_tells_phase_repeat_and_time_left() -> None:
    """Time left falls to nothing; shares lie between 0 and 1."""
    stages: list[Stage] = []
    run_benchmark(a_job(Counting()), simulated_world(1), Forgetful(), Watch(progress=stages.append))
    left = [s.left_seconds for s in stages if s.phase is P.MEASURE and s.repeat == 2]
    assert left[0] is not None
    assert left[0] > 80
    assert stages[-1].left_seconds == pytest.approx(0, abs=1)
    assert all(s.share is None or 0 <= s.share <= 1 for s in stages)


def test_what_looking_costs_is_recorded() -> None:
    """Nothing in simulated time, and as many looks as there are."""
    evidence = run(Counting())
    assert evidence.overhead is not None
    assert evidence.overhead.cpu_seconds == 0
    assert evidence.overhead.reads == len(evidence.looks[0].at_us)


@pytest.mark.parametrize(
    ("score", "kind"),
    [
        (lambda query, answer: float(object()), "TypeError"),  # type: ignore[arg-type]
        (lambda query, answer: float("nan"), "ValueError"),
        (lambda query, answer: [1.0, 10.0**400], "OverflowError"),
        (lambda query, answer: {"found": object()}, "TypeError"),
    ],
)
def test_an_output_that_cannot_be_scored_is_a_failed_query(score: Any, kind: str) -> None:
    """The benchmark goes on with the others: nothing that was measured is lost by one odd output."""

    def odd_once(query: Query, answer: Answer) -> Any:
        return score(query, answer) if query.index == 2 else 1.0

    job = replace(a_job(Counting(), "quick"), score=odd_once)
    evidence = run_benchmark(job, simulated_world(1, draws=QUIET, marked=False), Forgetful())
    failed = [q for q in evidence.queries if q.failed]
    assert {(q.index, q.score, q.output_sha256) for q in failed} == {(2, None, None)}
    assert {q.failed for q in failed} == {f"the output (a int) cannot be scored: {kind}"}
    assert canonical(evidence) == canonical(canonical(evidence))


def test_where_nothing_can_be_scored_the_warm_up_says_so() -> None:
    """Before an hour is spent."""

    def never(query: Query, answer: Answer) -> Any:
        raise KeyError("found")

    job = replace(a_job(Counting()), score=never)
    with pytest.raises(EvidenceError, match="cannot be scored: KeyError"):
        run_benchmark(job, simulated_world(1, draws=QUIET, marked=False), Forgetful())


def test_what_is_missing_here_is_no_fault_of_an_output() -> None:
    """A library that scores need: said as it is."""

    def missing(query: Query, answer: Answer) -> Any:
        raise MissingExtra("ROUGE-L", "bench")

    job = replace(a_job(Counting()), score=missing)
    with pytest.raises(MissingExtra):
        run_benchmark(job, simulated_world(1, draws=QUIET, marked=False), Forgetful())
