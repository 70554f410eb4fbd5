"""What an engine did between two looks, and what cannot be known of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.readings import Gap
from wattmark.core.serving.engine import (
    COUNTERS,
    GAUGES,
    Counted,
    EngineDelta,
    EngineReading,
    Load,
    Quantity,
    difference,
)

COUNTS = st.integers(0, 1 << 50)


def a_look(at_seconds: float, **counted: float | None) -> EngineReading:
    return EngineReading(
        target="http://127.0.0.1:8000",
        engine="vllm",
        at_us=round(at_seconds * 1e6),
        counted={"chat": Counted(**counted)},
    )


def between(before: EngineReading, after: EngineReading) -> EngineDelta:
    found = difference(before, after)
    assert isinstance(found, EngineDelta)
    return found


def test_what_was_counted_between_two_looks() -> None:
    """10 requests and then 25, 60 s later: 15 requests in 60 s."""
    found = between(a_look(100, requests=10.0, failed=1.0), a_look(160, requests=25.0, failed=1.0))
    assert found.counted == {"chat": Counted(requests=15.0, failed=0.0)}
    assert found.seconds == 60.0
    assert found.gaps == {}


def test_what_an_engine_does_not_tell_is_no_zero() -> None:
    """Output tokens that one of the looks lacks are not known."""
    found = between(a_look(1, requests=1.0, output_tokens=None), a_look(2, requests=1.0, output_tokens=7.0))
    assert found.counted["chat"].output_tokens is None
    assert found.counted["chat"].flop is None


def test_a_model_that_is_new_began_at_nothing() -> None:
    """Engines make a series with the first request: all that it holds came between the looks."""
    found = between(replace(a_look(1), counted={}), a_look(2, requests=3.0))
    assert found.counted == {"chat": Counted(requests=3.0)}


def test_a_counter_that_ran_backwards_is_a_gap_of_its_model_alone() -> None:
    """One model was loaded anew; the other goes on."""
    before, after = a_look(1, requests=9.0), a_look(2, requests=2.0)
    before = replace(before, counted={**before.counted, "code": Counted(requests=1.0)})
    after = replace(after, counted={**after.counted, "code": Counted(requests=2.0)})
    found = between(before, after)
    assert found.counted == {"code": Counted(requests=1.0)}
    assert found.gaps["chat"] == Gap("the engine began to count anew: requests went from 9 to 2")


def test_a_model_that_is_gone_is_a_gap() -> None:
    """What it did before it was unloaded is not known."""
    found = between(a_look(1, requests=9.0), replace(a_look(2), counted={}))
    assert found.gaps == {"chat": Gap("the engine tells of this model no more")}


@pytest.mark.parametrize(("later_us", "known"), [(0, True), (2_000_000, True), (2_000_001, False)])
def test_an_engine_that_was_started_anew_is_a_gap(later_us: int, known: bool) -> None:
    """Although its counters are already higher: what the first one did at last is not known."""
    before = replace(a_look(10, requests=1.0), started_us=5_000_000)
    after = replace(a_look(20, requests=5.0), started_us=5_000_000 + later_us)
    assert isinstance(difference(before, after), EngineDelta) is known


def test_a_start_that_only_one_look_tells_says_nothing() -> None:
    """The counters alone must tell."""
    before = replace(a_look(10, requests=1.0), started_us=5_000_000)
    assert between(before, a_look(20, requests=5.0)).counted["chat"].requests == 4.0


def test_a_look_that_failed_is_a_gap_on_either_side() -> None:
    """With its own reason."""
    failed, good = Gap("no answer within 1 s"), a_look(2, requests=1.0)
    assert difference(failed, good) is failed
    assert difference(good, failed) is failed


def test_looks_at_different_engines_or_out_of_order_are_gaps() -> None:
    """Their difference would mean nothing."""
    good = a_look(2, requests=1.0)
    other = difference(good, replace(a_look(3, requests=1.0), engine="sglang"))
    assert other == Gap("vllm at http://127.0.0.1:8000 is not sglang at http://127.0.0.1:8000")
    assert difference(good, good) == Gap("the looks are out of order")


def test_quantities_are_named_as_the_fields_that_hold_them() -> None:
    """Every quantity is a counter or a gauge, and a field of the type that holds such."""
    counted, load = Counted(requests=1.0), Load(running=2.0)
    assert [counted.of(q) for q in COUNTERS] == [1.0] + [None] * 7
    assert [load.of(q) for q in GAUGES] == [2.0, None, None]
    assert {*COUNTERS, *GAUGES} == set(Quantity)


def test_an_engine_tells_of_the_models_that_it_counts_or_has_loaded() -> None:
    """In a fixed order, each once."""
    reading = replace(a_look(1), load={"chat": Load(), "any": Load()})
    assert reading.models == ("any", "chat")


@given(st.lists(COUNTS, min_size=3, max_size=3).map(sorted))
def test_differences_of_looks_that_follow_add_up(counts: list[int]) -> None:
    """What happened from the first look to the third is what happened on the two ways between them."""
    first, second, third = (a_look(1 + n, output_tokens=float(c)) for n, c in enumerate(counts))
    parts = [between(*pair).counted["chat"].output_tokens for pair in ((first, second), (second, third))]
    assert sum(p for p in parts if p is not None) == between(first, third).counted["chat"].output_tokens
