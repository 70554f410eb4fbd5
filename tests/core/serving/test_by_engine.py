"""Models that are told by their engines' counters alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.known import Grade, Method
from wattmark.core.serving.attributing import Attributor, Device
from wattmark.core.serving.by_engine import Telling, corrected, tellings
from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.engine import Counted, EngineDelta, EngineReading, Load, difference
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import ServingWindow, Share, Work

SECOND = 1_000_000
MINUTE = 60 * SECOND
A, B = Service(model="a", target="vllm"), Service(model="b", target="vllm")


def look(at: int, running: float | None = None, **counted: float) -> EngineReading:
    """A look at an engine with model a."""
    return EngineReading(
        target="vllm",
        engine="vllm",
        at_us=at,
        counted={"a": Counted(**counted)},
        load={"a": Load(running=running)} if running is not None else {},
    )


def telling(
    service: Service, start: int, end: int, running: float | None = None, **counted: float
) -> Telling:
    """What an engine did between two looks."""
    return Telling(service=service, start_us=start, end_us=end, counted=Counted(**counted), running=running)


def window(told: list[Telling], joules: float = 600.0) -> ServingWindow:
    """A minute of a GPU, divided among what stands for engines."""
    gpu = Device(
        device_id="gpu", component="gpu", source="nvml", method=Method.HARDWARE_COUNTER, grade=Grade.B
    )
    attributor = Attributor("h", [gpu], start_us=0)
    attributor.reading("gpu", Piece(0, MINUTE, joules))
    for one in told:
        attributor.ended(one.as_request())
    (made,) = attributor.finish(MINUTE).windows
    return corrected(made, told, Rule.ENGINE)


def test_two_looks_tell_what_an_engine_did() -> None:
    """100 tokens more, and 2 then 4 requests running: 3 on average."""
    before, after = look(0, 2.0, output_tokens=50.0), look(5, 4.0, output_tokens=150.0)
    delta = difference(before, after)
    assert isinstance(delta, EngineDelta)
    (one,) = tellings(delta, before, after, {"a": A})
    assert (one.counted.output_tokens, one.running, one.start_us, one.end_us) == (100.0, 3.0, 0, 5)
    assert one.active
    assert tellings(delta, before, after, {}) == ()


def test_an_engine_that_tells_no_load_leaves_it_unknown() -> None:
    """No running requests are told: not known, rather than none."""
    before, after = look(0, output_tokens=1.0), look(5, output_tokens=1.0)
    delta = difference(before, after)
    assert isinstance(delta, EngineDelta)
    (one,) = tellings(delta, before, after, {"a": A})
    assert one.running is None
    assert not one.active


def test_a_model_works_when_requests_run_though_no_token_moved() -> None:
    """A long prompt is being read: its time is no idleness."""
    assert telling(A, 0, 5, running=1.0, output_tokens=0.0).active
    assert not telling(A, 0, 5, running=0.0, output_tokens=0.0).active


def test_cached_tokens_that_run_ahead_of_the_input_are_cut() -> None:
    """Counters are not read in one instant: no more was cached than was given."""
    assert telling(A, 0, 5, input_tokens=3.0, cached_input_tokens=5.0).as_request().cached_input_tokens == 3
    assert telling(A, 0, 5, cached_input_tokens=5.0).as_request().cached_input_tokens == 0


def test_a_device_is_divided_by_what_engines_counted() -> None:
    """a wrote 300 tokens and b 100 in one half minute: 225 and 75 of its 300 J; the other half is idle."""
    half = MINUTE // 2
    made = window(
        [
            telling(A, 0, half, input_tokens=0.0, output_tokens=300.0, requests=6.0, running=2.0),
            telling(B, 0, half, input_tokens=0.0, output_tokens=100.0, requests=1.0, failed=1.0),
        ]
    )
    charged = {share.service: share.requests_joules for share in made.shares}
    assert charged[A] == pytest.approx(225.0, abs=1e-3)
    assert charged[B] == pytest.approx(75.0, abs=1e-3)
    assert made.devices[0].idle_joules == pytest.approx(300.0)
    assert made.rule is Rule.ENGINE
    works = {work.service: work for work in made.works}
    assert (works[A].requests, works[A].failed, works[A].output_tokens) == (6.0, 0.0, 300.0)
    assert (works[B].requests, works[B].failed) == (1.0, 1.0)
    assert (works[A].untold, works[B].untold) == (("failed", "failed_joules"), ("failed_joules",))
    assert works[A].request_seconds == pytest.approx(60.0)
    assert works[B].request_seconds is None


@pytest.mark.parametrize(
    ("counted", "untold"),
    [
        ({"requests": 1.0, "failed": 0.0}, ()),
        ({"requests": 1.0, "failed": 1.0}, ("failed_joules",)),
        ({"requests": 1.0}, ("failed", "failed_joules")),
        ({}, ("requests", "failed", "failed_joules")),
    ],
)
def test_what_an_engine_does_not_count_is_said(counted: dict[str, float], untold: tuple[str, ...]) -> None:
    """Where nothing failed, nothing was used by failed requests; else counters do not say how much."""
    (work,) = window([telling(A, 0, MINUTE, output_tokens=10.0, **counted)]).works
    assert work.untold == untold


def test_what_a_cache_spared_is_known_where_the_engine_counts_it() -> None:
    """An engine that counts none leaves it unknown."""
    amounts = {"requests": 1.0, "failed": 0.0, "input_tokens": 9.0, "output_tokens": 1.0}
    (untold,) = window([telling(A, 0, MINUTE, **amounts)]).works
    (told,) = window([telling(A, 0, MINUTE, **amounts, cached_input_tokens=4.0)]).works
    assert (untold.cached_input_tokens, told.cached_input_tokens) == (None, 4.0)


def test_beside_requests_the_window_says_that_counters_stand_for_some() -> None:
    """A model that is told by request and one by counter: the rule stays, and a note says it."""
    made = window([telling(A, 0, MINUTE, output_tokens=10.0)])
    other = Service(model="c")
    share = Share(service=other, device_id="gpu", succeeded_joules=0.5 * 600.0)
    halved = tuple(replace(s, succeeded_joules=300.0) for s in made.shares)
    mixed = replace(made, rule=Rule.TOKENS, shares=(*halved, share), works=(*made.works, Work(service=other)))
    told = corrected(mixed, [telling(A, 0, MINUTE, output_tokens=10.0)], Rule.TOKENS)
    assert told.rule is Rule.TOKENS
    assert told.notes[-1].startswith("models whose requests are not told")


def test_a_window_without_counters_stays_as_it_is() -> None:
    """Nothing was told by counter in it; a node that is known by counters has their rule all the same."""
    made = replace(window([]), rule=Rule.TOKENS)
    later = [telling(A, MINUTE, 2 * MINUTE, output_tokens=1.0)]
    assert corrected(made, later, Rule.TOKENS) is made
    assert corrected(made, later, Rule.ENGINE) == replace(made, rule=Rule.ENGINE)


def test_a_request_is_over_when_it_is_counted_or_nothing_runs() -> None:
    """From then on somebody could have told of it."""

    def over(running: float | None, **grown: float) -> bool:
        before, after = look(0, running, **dict.fromkeys(grown, 0.0)), look(5, running, **grown)
        delta = difference(before, after)
        assert isinstance(delta, EngineDelta)
        (one,) = tellings(delta, before, after, {"a": A})
        return one.over

    assert over(3.0, requests=1.0)
    assert over(3.0, failed=1.0)
    assert over(0.0, requests=0.0, output_tokens=9.0)
    assert not over(3.0, requests=0.0, output_tokens=9.0)
    assert not over(None, requests=0.0, output_tokens=9.0)
    assert over(None, output_tokens=9.0)


def test_what_ends_in_the_next_window_counts_there() -> None:
    """A telling over the edge: its energy is in both windows, its work in the second."""
    made = window([telling(A, 50 * SECOND, 70 * SECOND, output_tokens=10.0, requests=2.0)])
    assert sum(work.requests for work in made.works) == 0.0
    assert made.rule is Rule.ENGINE


@given(
    st.lists(
        st.tuples(
            st.sampled_from((A, B)),
            st.integers(0, MINUTE - 1),
            st.integers(1, MINUTE),
            st.floats(0.0, 1e6) | st.none(),
            st.floats(0.0, 1e6) | st.none(),
        ),
        max_size=8,
    ),
    st.floats(0.0, 1e6),
)
def test_counters_conserve_energy(
    told: list[tuple[Service, int, int, float | None, float | None]], joules: float
) -> None:
    """Whatever engines count: shares and what is unallocated are the device."""
    made = window(
        [
            Telling(
                service=service,
                start_us=start,
                end_us=min(MINUTE, start + length),
                counted=Counted(input_tokens=given_tokens, output_tokens=written),
            )
            for service, start, length, given_tokens, written in told
        ],
        joules,
    )
    parts = math.fsum(share.service_joules for share in made.shares) + made.devices[0].unallocated_joules
    assert math.isclose(parts, joules, rel_tol=1e-9, abs_tol=1e-6)
