"""Every rule of validity: what breaks it, what it says, and that nothing is said of what is sound."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.core.bench.benchmarks import (
    GPU,
    STANDARD,
    Plot,
    S,
    a_benchmark,
    a_gpu,
    a_sensor,
    counter,
    failing,
    measured,
    phases_of,
    sensor,
    with_queries,
)
from tests.core.bench.test_derive import a_cpu, a_node, with_devices
from wattmark.core import bench as core_bench
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import DeviceLooks, Evidence, PhaseName, QueryRecord, StateLook
from wattmark.core.bench.pinned import DatasetPin, ModelFacts
from wattmark.core.bench.profile import PROFILES
from wattmark.core.bench.reasons import CATALOG
from wattmark.core.bench.validity import Status
from wattmark.core.known import Grade, Method
from wattmark.core.units import Power


def reasons(evidence: Evidence) -> dict[str, str]:
    """Code and text of everything said against it."""
    return {r.code: r.text for r in result_of(evidence).validity.reasons}


def changed(**changes: Any) -> Evidence:
    return a_benchmark(**changes)


def with_states(change: Callable[[StateLook], StateLook]) -> Evidence:
    """The sound benchmark with every look at states changed."""
    evidence = a_benchmark()
    return replace(evidence, states=tuple(change(s) for s in evidence.states))


def in_repeats(evidence: Evidence, at_us: int) -> bool:
    return any(p.start_us <= at_us <= p.end_us for p in measured(evidence))


# --- nothing against it -----------------------------------------------------------------------------


@pytest.mark.parametrize("device", [a_gpu(), a_sensor()])
def test_a_sound_benchmark_is_valid(device: Any) -> None:
    """Three minutes on one GPU, by a counter or a sensor."""
    result = result_of(a_benchmark(device=device))
    assert result.validity.reasons == ()
    assert result.validity.status is Status.VALID


def test_a_certified_benchmark_is_valid() -> None:
    """Ten repeats of ten minutes."""
    plot = Plot(repeats=10, seconds=600.0)
    assert reasons(a_benchmark(plot, profile=PROFILES["certified"])) == {}


def test_profile_aies_is_valid_on_its_own_hardware() -> None:
    """1,000 queries in thirds, batch 1, float16, ten runs on an H100."""
    assert reasons(aies()) == {}


def aies(**pinned: Any) -> Evidence:
    """As AI Energy Score runs text generation."""
    plot = Plot(repeats=10, seconds=60.0, queries=1000)
    parts = (("wikitext", 334), ("oscar", 333), ("ultrachat", 333))
    dataset = DatasetPin(
        name="ai energy score", revision="1", sha256="d" * 64, rows=1000, synthetic=False, parts=parts
    )
    return a_benchmark(plot, profile=PROFILES["aies"], pinned={"dataset": dataset, **pinned})


# --- one rule after the other -----------------------------------------------------------------------


def test_quick_is_never_rated() -> None:
    found = reasons(changed(profile=PROFILES["quick"]))
    assert found == {"quick": "profile quick is for tries and continuous integration: never rated"}


def test_simulated_is_never_rated() -> None:
    assert list(reasons(changed(simulated=True))) == ["simulated"]


def test_energy_must_be_known() -> None:
    """In every repeat: of a device without a limit nothing can be put into a gap."""
    device = a_gpu(max_power=Power(float("inf")))
    found = reasons(changed(device=device, looks=()))
    assert found["no_energy"].startswith("repeat 3: missing: energy of GPU-1")
    assert found["device_unread"] == "GPU-1 was never read during a rated phase"


def test_work_without_energy_cannot_be() -> None:
    """A counter that stands still is broken."""
    found = reasons(changed(plot=Plot(watts=(0.0,), idle_watts=0.0)))
    assert found["energy_not_positive"] == "repeat 3 used 0 J"
    assert found["too_few_ticks"] == "repeat 3: GPU-1 moved 0 times of 100"


@pytest.mark.parametrize(
    ("grade", "method", "how"),
    [(Grade.D, Method.MODELLED, "D (modelled)"), (Grade.E, Method.DECLARED, "E (declared)")],
)
def test_an_estimate_earns_nothing(grade: Grade, method: Method, how: str) -> None:
    """Whatever else is sound; a model has no ticks and no window of its own."""
    found = reasons(changed(plot=Plot(seconds=60.0), device=a_gpu(grade=grade, method=method)))
    assert found == {"estimated": f"the energy is of grade {how}; A to C is asked for"}


def test_a_node_that_was_never_read_is_named() -> None:
    """Its parts stand for it, and the result is invalid."""
    evidence = with_devices(Plot(), (a_node(), 400.0), (a_gpu(part_of="node:h"), 100.0))
    silent = failing(evidence.looks[0], range(len(evidence.looks[0].at_us)))
    found = reasons(replace(evidence, looks=(silent, evidence.looks[1])))
    assert found["device_unread"] == "node:h was never read during a rated phase"
    assert found["coverage_low"] == "repeat 3: 0.00% observed of 99%"


def test_every_repeat_answers_something() -> None:
    found = reasons(with_queries(a_benchmark(), lambda q: replace(q, failed="out of memory")))
    assert found["no_work"] == "repeat 3 answered 0 of 20 queries"
    assert found["queries_failed"] == "60 of 60 queries failed, e.g.: out of memory"
    assert found["warm_up_short"] == "0 warm-up queries of 10"


def test_no_repeat_is_no_work() -> None:
    evidence = a_benchmark()
    phases = tuple(p for p in evidence.phases if p.name is not PhaseName.MEASURE)
    found = reasons(replace(evidence, phases=phases))
    assert found["no_work"] == "no repeat was begun"
    assert found["too_few_repeats"] == "0 repeats of 3 came to their end"


def test_one_failed_query_is_one_too_many() -> None:
    one = with_queries(
        a_benchmark(), lambda q: replace(q, failed="timeout") if (q.repeat, q.index) == (1, 7) else q
    )
    assert reasons(one) == {
        "queries_failed": "1 of 60 queries failed, e.g.: timeout",
        "first_repeat_differs": "the first two repeats differ by 5.3%; 5% is asked for",  # 20 to 19 answers
    }


def test_a_crashed_repeat_invalidates() -> None:
    evidence = a_benchmark(Plot(repeats=4))
    crashed = measured(evidence)[1]
    phases = tuple(replace(p, failed="killed") if p is crashed else p for p in evidence.phases)
    queries = tuple(q for q in evidence.queries if q.repeat != 1 or q.index < 5)
    found = reasons(replace(evidence, phases=phases, queries=queries))
    assert found == {"repeat_failed": "repeat 2 failed: killed"}


def test_a_repeat_that_was_killed_at_once_misses_no_energy() -> None:
    """It has no length: nothing was used in it, and the others keep their boundary and their mean."""
    evidence = a_benchmark(Plot(repeats=4))
    crashed = measured(evidence)[1]
    phases = tuple(
        replace(p, failed="killed", end_us=p.start_us) if p is crashed else p for p in evidence.phases
    )
    queries = tuple(q for q in evidence.queries if q.repeat != 1)
    result = result_of(replace(evidence, phases=phases, queries=queries))
    assert [r.code for r in result.validity.reasons] == ["repeat_failed"]
    assert result.energy is not None


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        (lambda q: q.index != 3, "repeat 3 asked 19 of 20 queries, 1 times each"),
        (lambda q: (q.index, q.turn) != (3, 1), "repeat 3 asked 20 of 20 queries, 1 to 2 times each"),
    ],
)
def test_a_repeat_asks_the_whole_set(kept: Callable[[QueryRecord], bool], text: str) -> None:
    evidence = a_benchmark(Plot(turns=1 if "19" in text else 2))
    found = reasons(replace(evidence, queries=tuple(q for q in evidence.queries if kept(q))))
    assert found["workload_incomplete"] == text


def test_what_decides_the_work_is_pinned() -> None:
    nothing = DatasetPin(name="mine", revision="", sha256="", rows=0, synthetic=False)
    pinned = {"dataset": nothing, "batch_size": 0, "dtype": "", "task": "juggling"}
    assert reasons(changed(pinned=pinned))["not_pinned"] == (
        "not fixed: the hash of the dataset, the number of queries, the batch, the dtype, "
        "a task that is known"
    )


def test_fixed_tokens_are_kept() -> None:
    found = reasons(with_queries(a_benchmark(), lambda q: replace(q, output_tokens=7) if q.index == 0 else q))
    assert found == {"tokens_differ": "3 of 60 answers have another number of tokens than 10, e.g. 7"}


def test_fixed_tokens_are_told() -> None:
    found = reasons(with_queries(a_benchmark(), lambda q: replace(q, output_tokens=None)))
    assert found == {
        "tokens_unknown": "60 of 60 answers do not tell their number of tokens; 10 are asked for"
    }
    assert reasons(with_queries(changed(pinned={"output_tokens": None}), lambda q: q)) == {}


@pytest.mark.parametrize(
    ("device", "seconds", "text"),
    [
        (a_gpu(), 59.0, "repeat 3 took 59 s of 60 s"),
        (a_sensor(), 59.0, "repeat 3 took 59 s of 60 s"),
    ],
)
def test_a_repeat_lasts_as_long_as_its_profile_asks(device: Any, seconds: float, text: str) -> None:
    assert reasons(changed(plot=Plot(seconds=seconds), device=device)) == {"window_too_short": text}


@pytest.mark.parametrize(("device", "least"), [(a_gpu(), 5.0), (a_sensor(), 60.0)])
def test_a_meter_asks_for_a_window_of_its_own(device: Any, least: float) -> None:
    """A profile without one (aies): 5 s for counters, 60 s for sensors."""
    free = replace(STANDARD, id="free", window_seconds=0.0)
    short = reasons(changed(plot=Plot(seconds=least - 0.1), device=device, profile=free))
    assert short["window_too_short"] == f"repeat 3 took {least - 0.1:.3g} s of {least:g} s"
    enough = reasons(changed(plot=Plot(seconds=10 * least), device=device, profile=free))
    assert enough == {}


def test_a_sensor_gives_sixty_samples() -> None:
    """One each 2 s in a minute are 30, and one at each edge."""
    plot = Plot()
    looks = sensor(GPU, [(p.end_us, w) for p, w in phases_of(plot)], 2 * S)
    found = reasons(changed(device=a_sensor(), looks=(looks,), period_us=2 * S))
    assert found == {"too_few_samples": "repeat 3: GPU-1 gave 32 samples of 60"}


def test_a_counter_moves_a_hundred_times() -> None:
    """Looked at once a second in a minute: 60."""
    looks = counter(GPU, [(p.end_us, w) for p, w in phases_of(Plot())], S)
    found = reasons(changed(looks=(looks,), period_us=S))
    assert found == {"too_few_ticks": "repeat 3: GPU-1 moved 60 times of 100"}


def test_a_gap_in_sampled_power() -> None:
    """Half a second of a minute is 0.8 %: seen enough, and yet a hole."""
    evidence = changed(device=a_sensor())
    begin = evidence.looks[0].at_us.index(measured(evidence)[0].start_us)
    looks = failing(evidence.looks[0], range(begin + 10, begin + 14), "driver busy")
    found = reasons(replace(evidence, looks=(looks,)))
    assert found["gap_too_long"] == (
        "repeat 1: GPU-1 was not observed for 0.5 s (driver busy); "
        "up to two periods (0.2 s) between looks is asked for"
    )
    assert "coverage_low" not in found
    longer = failing(looks, range(begin + 10, begin + 30))
    assert reasons(replace(evidence, looks=(longer,)))["coverage_low"] == ("repeat 1: 96.50% observed of 99%")


def test_meters_elsewhere_keep_time() -> None:
    found = reasons(changed(clock_error_us=250_000))
    assert found == {"clocks_apart": "the meters' clock may be off by 0.25 s of 0.2 s"}
    assert reasons(changed(clock_error_us=200_000)) == {}


def test_nine_warm_up_queries_are_too_few() -> None:
    assert reasons(changed(plot=Plot(warm_up=9))) == {"warm_up_short": "9 warm-up queries of 10"}


def test_a_warm_up_comes_before() -> None:
    """What ends after the first repeat began warmed nothing up."""
    evidence = a_benchmark()
    end = measured(evidence)[0].start_us + 1
    late = with_queries(evidence, lambda q: replace(q, end_us=end) if q.repeat < 0 else q)
    assert reasons(late)["warm_up_short"] == "0 warm-up queries of 10"


def wavy(evidence: Evidence, watts: Callable[[int], float]) -> Evidence:
    """Power at each look is what the function says of the second."""
    looks = evidence.looks[0]
    shown = tuple(watts(at // S) for at in looks.at_us)
    return replace(evidence, looks=(replace(looks, watts=shown),))


def test_power_is_even() -> None:
    """90 W and 110 W in turns, each for a second: 10 % around the mean."""
    found = reasons(wavy(changed(device=a_sensor()), lambda s: 90.0 if s % 2 else 110.0))
    assert found["power_not_steady"].startswith("repeat 3: power varied by")
    assert set(found) <= {"power_not_steady", "idle_differs"}
    assert reasons(wavy(changed(device=a_sensor()), lambda s: 97.0 if s % 2 else 103.0)) == {}


def test_power_does_not_drift() -> None:
    """5 % up within a minute: steady enough second by second, and not in equilibrium."""
    evidence = changed(device=a_sensor())
    starts = [p.start_us // S for p in measured(evidence)]

    def rising(second: int) -> float:
        since = [second - s for s in starts if 0 <= second - s <= 60]
        return 100.0 + 5.0 * since[0] / 60 if since else 40.0

    found = reasons(wavy(evidence, rising))
    assert list(found) == ["power_drifts"]
    assert found["power_drifts"] == "repeat 3: power changed by +3.9%; within 2% is asked for"


def test_steadiness_must_be_told() -> None:
    """Two seconds have no three means; without a limit a device may have drawn anything at a failed look."""
    free = replace(STANDARD, id="free", window_seconds=0.0)
    assert "steady_state_unknown" in reasons(changed(plot=Plot(seconds=2.0), profile=free))
    evidence = changed(device=a_sensor(max_power=Power(float("inf"))))
    middle = evidence.looks[0].at_us.index(measured(evidence)[0].start_us) + 300
    found = reasons(replace(evidence, looks=(failing(evidence.looks[0], [middle]),)))
    assert found["steady_state_unknown"] == "repeat 1: how even power was cannot be told"


def test_training_is_not_asked_for_steady_power_or_a_warm_up() -> None:
    """Its attempts are judged by what they differ from each other."""
    evidence = wavy(
        changed(
            device=a_sensor(),
            plot=Plot(queries=1, warm_up=0),
            pinned={"task": "training", "output_tokens": None},
        ),
        lambda s: 50.0 if s % 2 else 150.0,
    )
    assert set(reasons(evidence)) <= {"idle_differs"}


def test_an_attempt_that_did_not_reach_its_target() -> None:
    evidence = changed(plot=Plot(queries=1), pinned={"task": "training", "output_tokens": None})
    failed = with_queries(
        evidence, lambda q: replace(q, failed="accuracy 0.7 of 0.9") if q.repeat == 1 else q
    )
    assert reasons(failed)["target_not_reached"] == (
        "1 of 3 attempts did not reach the target, e.g.: accuracy 0.7 of 0.9"
    )


def test_a_profile_keeps_what_its_name_promises() -> None:
    """Whoever asks for fewer repeats or a shorter window does not get the name's word for it."""
    less = replace(PROFILES["certified"], min_repeats=3, max_repeats=3, window_seconds=60.0)
    found = reasons(changed(plot=Plot(repeats=3), profile=less))
    assert found["too_few_repeats"] == "3 repeats of 10 came to their end"
    assert found["window_too_short"].endswith("of 600 s")
    assert "quick" in reasons(changed(profile=replace(PROFILES["quick"], rated=True)))


def test_a_profile_that_nobody_knows_promises_its_own_numbers() -> None:
    own = replace(PROFILES["standard"], id="later", min_repeats=5)
    assert reasons(changed(plot=Plot(repeats=4), profile=own)) == {
        "too_few_repeats": "4 repeats of 5 came to their end"
    }


@pytest.mark.parametrize(("profile", "least"), [("standard", 3), ("certified", 10), ("aies", 10)])
def test_repeats_are_enough(profile: str, least: int) -> None:
    found = reasons(changed(plot=Plot(repeats=2), profile=PROFILES[profile]))
    assert found["too_few_repeats"] == f"2 repeats of {least} came to their end"


@pytest.mark.parametrize(
    ("watts", "codes"),
    [
        ((100.0, 104.0, 100.0), []),
        ((100.0, 104.0, 112.0), ["repeats_vary"]),
        ((100.0, 104.0, 125.0), ["repeats_vary_much"]),
        ((100.0, 106.0, 103.0), ["first_repeat_differs"]),
    ],
)
def test_repeats_agree(watts: tuple[float, ...], codes: list[str]) -> None:
    """5 % between them is sound, 10 % provisional; the first two are as close as MLPerf's two runs."""
    assert list(reasons(changed(plot=Plot(watts=watts)))) == codes


def test_rests_between_repeats() -> None:
    found = reasons(changed(plot=Plot(rest=4.0)))
    assert found == {"cool_down_short": "4 s between two repeats; 5 s are asked for"}


def test_idle_power_is_measured() -> None:
    assert reasons(changed(plot=Plot(idle=29.0))) == {
        "idle_not_measured": "idle_before took 29 s of 30 s; idle_after took 29 s of 30 s"
    }
    evidence = a_benchmark()
    without = tuple(p for p in evidence.phases if p.name is not PhaseName.IDLE_AFTER)
    assert reasons(replace(evidence, phases=without)) == {"idle_not_measured": "no idle_after phase"}


def test_idle_power_is_observed() -> None:
    """All looks of the first second failed: 96.7 % of 30 s."""
    evidence = changed(device=a_sensor())
    begin = evidence.looks[0].at_us.index(2 * S)
    found = reasons(replace(evidence, looks=(failing(evidence.looks[0], range(begin + 1, begin + 10)),)))
    assert found["idle_not_measured"] == "idle_before was observed for 96.7% of 99%"
    assert "idle_differs" in found


def test_idle_power_is_the_same_after() -> None:
    """40 W and 50 W; a device that draws nothing is the same, too."""
    plot = Plot()
    edges = [(p.end_us, 50.0 if p.name is PhaseName.IDLE_AFTER else w) for p, w in phases_of(plot)]
    found = reasons(changed(looks=(counter(GPU, edges),)))
    assert found == {"idle_differs": "idle power was 40 W before and 50 W after; 10% is asked for"}
    assert reasons(changed(plot=Plot(idle_watts=0.0))) == {}
    from_nothing = [(p.end_us, 0.0 if p.name is PhaseName.IDLE_BEFORE else w) for p, w in phases_of(plot)]
    assert list(reasons(changed(looks=(counter(GPU, from_nothing),)))) == ["idle_differs"]


def test_throttling_invalidates() -> None:
    evidence = a_benchmark()
    at = measured(evidence)[1].start_us + 3 * S
    slowed = with_states(lambda s: replace(s, throttled=("thermal",)) if s.at_us == at else s)
    assert reasons(slowed) == {"throttled": "GPU-1 was slowed down at 1 of 183 looks (thermal)"}


def test_throttling_outside_of_repeats_does_not_matter() -> None:
    evidence = a_benchmark()
    slowed = with_states(lambda s: s if in_repeats(evidence, s.at_us) else replace(s, throttled=("thermal",)))
    assert reasons(slowed) == {}


def test_what_cannot_tell_of_throttling_is_no_pass() -> None:
    text = {"throttling_unknown": "GPU-1 could not tell in every repeat whether it was slowed down"}
    assert reasons(with_states(lambda s: replace(s, throttle_known=False))) == text
    assert reasons(changed(states=())) == text
    evidence = a_benchmark()
    first = measured(evidence)[0]
    gone = tuple(s for s in evidence.states if not first.start_us <= s.at_us <= first.end_us)
    assert reasons(replace(evidence, states=gone)) == text


def test_a_node_is_asked_by_its_processors() -> None:
    """CPU states come under the machine's name; every processor inside must tell."""
    parts = [(a_gpu(part_of="node:h"), 100.0), (a_cpu(part_of="node:h"), 50.0)]
    evidence = with_devices(Plot(), (a_node(), 400.0), *parts)
    assert list(reasons(evidence)) == ["throttling_unknown"]
    cpu = tuple(replace(s, device_id="cpu:h", power_limit_watts=None) for s in evidence.states)
    assert reasons(replace(evidence, states=(*evidence.states, *cpu))) == {}


def test_a_wall_meter_alone_is_told_of_by_everything() -> None:
    """No processor has a meter of its own: any look at a state speaks of the machine."""
    evidence = with_devices(Plot(), (a_node(), 400.0))
    assert reasons(evidence) == {}
    assert list(reasons(replace(evidence, states=()))) == ["throttling_unknown"]


@pytest.mark.parametrize("celsius", [19.0, 96.0])
def test_temperatures_are_usual(celsius: float) -> None:
    found = reasons(with_states(lambda s: replace(s, celsius=celsius)))
    assert found == {
        "temperature_out_of_range": f"GPU-1 was at {celsius:g} degrees Celsius; 20 to 95 is asked for"
    }
    assert reasons(with_states(lambda s: replace(s, celsius=None))) == {}


def test_a_cap_is_not_changed_meanwhile() -> None:
    evidence = a_benchmark()
    middle = measured(evidence)[1].start_us
    found = reasons(with_states(lambda s: replace(s, power_limit_watts=300.0 if s.at_us < middle else 400.0)))
    assert found == {"power_limit_changed": "the limit of GPU-1 was from 300 to 400 W"}


def test_the_cpu_is_nobody_elses() -> None:
    """Where its energy is rated; beside a GPU that is rated alone, others do not matter."""
    busy = with_states(lambda s: replace(s, others_cpu_share=0.2))
    assert reasons(busy) == {}
    cpu = a_cpu(name="Xeon")
    on_cpu = changed(device=cpu, model=ModelFacts(id="m", device="cpu"))
    shared = replace(on_cpu, states=tuple(replace(s, others_cpu_share=0.2) for s in on_cpu.states))
    assert reasons(shared) == {
        "machine_shared": "other programs used 20% of the busy CPU time; 10% at most is asked for"
    }
    assert reasons(on_cpu) == {}
    hidden = replace(shared, states=tuple(_untold(s) if s.at_us % 2 else s for s in shared.states))
    assert list(reasons(hidden)) == ["machine_shared"]


def _untold(state: StateLook) -> StateLook:
    return replace(state, others_cpu_share=None)


def test_looks_that_do_not_tell_of_others_count_against_it() -> None:
    """Others took 8 % at each look, of which a tenth is lost: it may have been 17 %."""
    cpu = a_cpu(name="Xeon")
    on_cpu = changed(device=cpu, model=ModelFacts(id="m", device="cpu"))
    told = replace(on_cpu, states=tuple(replace(s, others_cpu_share=0.08) for s in on_cpu.states))
    assert reasons(told) == {}
    lost = replace(told, states=tuple(_untold(s) if s.at_us % (10 * S) == 0 else s for s in told.states))
    assert reasons(lost) == {
        "machine_shared": "other programs used 17% of the busy CPU time; 10% at most is asked for"
    }


@pytest.mark.parametrize(
    ("place", "counted"),
    [
        ("cpu", False),
        ("cpu+cuda:0", False),
        ("cuda:0+disk", False),
        ("cuda:0+cuda:1", False),
        ("cuda:0", True),
        ("mps", True),
        ("", True),
        ("an endpoint", True),
    ],
)
def test_what_worked_is_rated(place: str, counted: bool) -> None:
    """A GPU that idles while the CPU works, or its neighbour, tells nothing of the model."""
    found = reasons(changed(model=ModelFacts(id="m", device=place)))
    assert found.keys() == (set() if counted else {"processor_not_counted"})


def test_a_node_and_a_module_hold_the_cpu() -> None:
    """Whatever the model ran on, their energy has it in it."""
    spread = ModelFacts(id="m", device="cpu+cuda:0")
    assert reasons(with_devices(Plot(), (a_node(), 400.0), model=spread)) == {}
    assert reasons(changed(device=a_gpu(component="module"), model=spread)) == {}
    alone = reasons(with_devices(Plot(), (a_cpu(), 50.0)))["processor_not_counted"]
    assert alone == "the model ran on cuda:0, and the energy of fewer GPUs is rated (cpu)"


def test_states_are_looked_at_all_the_time() -> None:
    """Ten seconds without a look hide what happened in them."""
    evidence = a_benchmark()
    start = measured(evidence)[1].start_us
    for seconds, codes in ((9, set()), (11, {"throttling_unknown"})):
        kept = tuple(s for s in evidence.states if not start + S < s.at_us < start + (1 + seconds) * S)
        assert reasons(replace(evidence, states=kept)).keys() == codes


def test_temperatures_are_told_each_time() -> None:
    """A look that did not tell may have been a hot one; a device that never tells is asked for none."""
    evidence = a_benchmark()
    at = measured(evidence)[0].start_us
    once = tuple(replace(s, celsius=None) if at <= s.at_us <= at + S else s for s in evidence.states)
    assert reasons(replace(evidence, states=once)) == {
        "temperature_unknown": f"{GPU} did not tell its temperature at 2 looks in repeats"
    }
    assert reasons(with_states(lambda s: replace(s, celsius=None))) == {}


def concurrent(in_flight: int, full_seconds: float | None) -> Evidence:
    """Concurrency 4: queries of four workers, fewer where some do nothing."""
    evidence = changed(plot=Plot(queries=20), pinned={"concurrency": 4})
    phases = tuple(
        replace(p, full_start_us=p.start_us, full_end_us=p.start_us + round(full_seconds * S))
        if p.name is PhaseName.MEASURE and full_seconds is not None
        else p
        for p in evidence.phases
    )
    longer = with_queries(evidence, lambda q: replace(q, end_us=q.start_us + in_flight * 3 * S))
    warm = with_queries(longer, lambda q: replace(q, end_us=q.start_us + S) if q.repeat < 0 else q)
    return replace(warm, phases=phases)


def test_requests_in_flight() -> None:
    assert reasons(concurrent(4, 40.0)) == {}
    assert reasons(concurrent(3, 40.0)) == {
        "concurrency_not_reached": "repeat 3: 3 requests in flight on average of 4"
    }
    assert reasons(concurrent(4, 20.0)) == {"full_load_short": "repeat 3: all 4 in flight for 20 s of 30 s"}
    assert reasons(concurrent(4, None)) == {"full_load_short": "repeat 3: never were all 4 in flight"}
    open_loop = changed(pinned={"concurrency": 4, "rate_per_second": 2.0})
    assert reasons(open_loop) == {}


def test_answers_are_not_cut_off() -> None:
    evidence = changed(pinned={"output_tokens": None, "max_output_tokens": 64})
    cut = with_queries(evidence, lambda q: replace(q, output_tokens=64 if q.index < 6 else 30))
    assert reasons(cut) == {
        "length_limit_hit": "18 of 60 answers reached the limit of 64 tokens; fewer than 30% is asked for"
    }
    fewer = with_queries(evidence, lambda q: replace(q, output_tokens=64 if q.index < 5 else 30))
    assert reasons(fewer) == {}


def test_reasoning_is_seen() -> None:
    """Ten tokens are what a model writes with reasoning off."""
    asked = {"task": "reasoning", "output_tokens": None, "max_output_tokens": 8192}
    evidence = changed(pinned=asked)
    assert reasons(evidence) == {
        "reasoning_not_seen": "10 output tokens per query; reasoning takes 30 and more"
    }
    assert reasons(with_queries(evidence, lambda q: replace(q, output_tokens=500))) == {}
    assert reasons(with_queries(evidence, lambda q: replace(q, output_tokens=None))) == {}
    off = changed(pinned=asked, model=ModelFacts(id="m", device="cuda:0", reasoning="off"))
    assert reasons(off) == {"reasoning_not_seen": "the model was told not to reason"}


def test_quality_is_from_the_same_run() -> None:
    found = reasons(with_queries(a_benchmark(), lambda q: replace(q, score=None)))
    assert found == {"quality_unknown": "no answer has a score, so rouge_l is not known"}
    assert reasons(with_queries(aies(), lambda q: replace(q, score=None))) == {}  # it rates energy alone


def test_answers_that_are_all_alike_have_scores_and_no_rank() -> None:
    """Each pair is as near as the others, so nothing can be put in order."""
    pairs = changed(pinned={"task": "sentence_similarity", "output_tokens": None})
    found = reasons(with_queries(pairs, lambda q: replace(q, score=[0.5, float(q.index)])))
    assert found["quality_unknown"].startswith("the scores do not tell it: all answers are alike")


@pytest.mark.parametrize(
    ("task", "score", "quality"),
    [("text_generation", 0.0, "rouge_l is 0"), ("speech_recognition", [5, 5], "word_error_rate is 1")],
)
def test_answers_are_worth_something(task: str, score: Any, quality: str) -> None:
    """Whoever says nothing has no wrong word, and not one right."""
    evidence = changed(pinned={"task": task, "output_tokens": None})
    said = f"{quality}: no answer at all would do as well"
    assert reasons(with_queries(evidence, lambda q: replace(q, score=score))) == {"quality_nil": said}


def test_every_repeat_answers_as_well_as_the_first() -> None:
    """20 of 20 right in the first, so at least 84 % may be (Wilson); 15 of 20 in the last are fewer."""

    def last(query: QueryRecord, wrong: int, score: float | None) -> QueryRecord:
        return replace(query, score=score) if query.repeat == 2 and query.index < wrong else query

    evidence = a_benchmark()
    assert reasons(with_queries(evidence, lambda q: last(q, 3, 0.0))) == {}
    assert reasons(with_queries(evidence, lambda q: last(q, 5, 0.0))) == {
        "quality_differs": "repeat 3: rouge_l 0.75, 1 in the first"
    }
    assert reasons(with_queries(evidence, lambda q: last(q, 1, None))) == {
        "quality_differs": "repeat 3: 19 answers were scored, 20 in the first"
    }
    assert reasons(with_queries(evidence, lambda q: last(q, 20, None))) == {
        "quality_differs": "repeat 3: 0 answers were scored, 20 in the first"
    }


def test_attempts_at_a_target_may_come_to_different_qualities() -> None:
    """Each reached it: a loss of 0 in the first, less than nothing in the last."""
    evidence = changed(pinned={"task": "training", "output_tokens": None})
    assert reasons(with_queries(evidence, lambda q: replace(q, score=-float(q.repeat)))) == {}


@pytest.mark.parametrize(("last", "sound"), [([1, 10], True), ([3, 10], False)])
def test_a_later_repeat_makes_no_more_errors(last: list[int], sound: bool) -> None:
    """One error in ten words of each query: no spread, so the interval is that one rate."""
    evidence = changed(pinned={"task": "speech_recognition", "output_tokens": None})
    told = with_queries(evidence, lambda q: replace(q, score=last if q.repeat == 2 else [1, 10]))
    assert reasons(told).keys() == (set() if sound else {"quality_differs"})


@pytest.mark.parametrize(("hit", "sound"), [(19, True), (18, False)])
def test_a_quality_without_an_interval_may_fall_by_a_twentieth(hit: int, sound: bool) -> None:
    """Of 20 boxes 20 are found, and in the last repeat 19 or 18."""

    def found(query: QueryRecord) -> QueryRecord:
        hits = query.repeat < 2 or query.index < hit
        return replace(query, score={"gold": {"cat": 1}, "found": [["cat", 1.0, True]] if hits else []})

    evidence = changed(pinned={"task": "object_detection", "output_tokens": None})
    assert reasons(with_queries(evidence, found)).keys() == (set() if sound else {"quality_differs"})


@pytest.mark.parametrize(("share", "codes"), [(0.49, {"answers_kept"}), (0.51, set())])
def test_a_query_asked_again_is_answered_again(share: float, codes: set[str]) -> None:
    """Ten queries that the warm-up did not ask take 1 s at first, and a share of it ever after."""

    def took(query: QueryRecord) -> QueryRecord:
        first = query.repeat == 0
        return replace(query, end_us=query.start_us + round(S * (1.0 if first else share)))

    assert reasons(with_queries(a_benchmark(), took)).keys() == codes
    few = with_queries(a_benchmark(Plot(queries=14)), took)
    assert reasons(few).keys() == set()  # ten of them were asked in the warm-up, four say little


def test_random_weights_are_no_model() -> None:
    found = reasons(changed(model=ModelFacts(id="tiny", device="cuda:0", random_weights=True)))
    assert list(found) == ["random_weights"]


def test_profile_aies_is_its_own_workload() -> None:
    stand_in = DatasetPin(name="s", revision="1", sha256="d" * 64, rows=20, synthetic=True)
    evidence = changed(
        plot=Plot(repeats=10),
        profile=PROFILES["aies"],
        pinned={"dataset": stand_in, "batch_size": 8, "dtype": "float32"},
    )
    assert reasons(evidence) == {
        "aies_workload_differs": "20 queries of 1000; 0 datasets; equal thirds of 3 are asked for; "
        "the queries are a synthetic stand-in; not at batch 1; float32; float16 is asked for"
    }
    assert reasons(aies(task="text_classification", dtype="float32", output_tokens=None)) == {}


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("NVIDIA H100 80GB HBM3", True),
        ("NVIDIA H100 PCIe", True),
        ("NVIDIA H100 NVL", False),
        ("NVIDIA A100 80GB PCIe", False),
        ("", False),
    ],
)
def test_profile_aies_is_its_own_hardware(name: str, fits: bool) -> None:
    evidence = aies()
    other = replace(evidence, devices=(replace(evidence.devices[0], name=name),))
    shown = name or "a GPU without a name"
    expected = {} if fits else {"hardware_differs": f"ran on {shown}; one NVIDIA H100 80GB is asked for"}
    assert reasons(other) == expected


def test_profile_aies_without_a_gpu() -> None:
    found = reasons(with_devices(Plot(), (a_cpu(), 50.0), profile=PROFILES["aies"]))
    assert found["hardware_differs"] == "ran on no GPU; one NVIDIA H100 80GB is asked for"


# --- the catalogue ----------------------------------------------------------------------------------


def test_every_code_is_given_and_every_given_code_is_known() -> None:
    """A code that nothing can give is no rule."""
    sources = [file.read_text(encoding="utf-8") for file in Path(core_bench.__path__[0]).glob("*.py")]
    given = {code for text in sources for code in re.findall(r'because\(\s*"(\w+)"', text)}
    assert given == set(CATALOG)


def test_a_device_that_was_looked_at_by_nobody_is_told_once() -> None:
    """Reasons are not repeated for a device that counts."""
    evidence = changed(looks=(DeviceLooks(device_id=GPU, at_us=()),))
    found = [r.code for r in result_of(evidence).validity.reasons]
    assert found.count("device_unread") == 1
