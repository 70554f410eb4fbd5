"""The request line: what it tells, what it refuses, and that nothing is lost on the way there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.serving.line import LineRefused, Started, line_of, request_of, started_of, told
from wattmark.core.serving.request import Request, Service

END: dict[str, Any] = {
    "event": "end",
    "request_id": "r-1",
    "model": "chat",
    "model_version": "v2",
    "tenant": "blue",
    "target": "a",
    "start": 1_790_000_000.123456,
    "first_token": 1_790_000_000.5,
    "end": 1_790_000_002,
    "input_tokens": 100,
    "cached_input_tokens": 60,
    "output_tokens": 20,
    "weight": 3,
    "failed": True,
}
CHAT = Service(model="chat", model_version="v2", tenant="blue", target="a")
WHOLE = Request(
    request_id="r-1",
    service=CHAT,
    start_us=1_790_000_000_123_456,
    first_token_us=1_790_000_000_500_000,
    end_us=1_790_000_002_000_000,
    input_tokens=100,
    cached_input_tokens=60,
    output_tokens=20,
    weight=3,
    failed=True,
)
START: dict[str, Any] = {"event": "start", "request_id": "r-1", "model": "chat", "start": 10}


def test_an_end_tells_all_of_a_request() -> None:
    """Seconds become microseconds; names, counts and the failure are taken as they are."""
    assert request_of(END) == WHOLE
    assert told(END) == WHOLE


def test_an_end_may_tell_nothing_but_its_times() -> None:
    """Null is the same as not told, and what is not told is not known."""
    assert request_of(
        {"start": 1, "end": 2, "output_tokens": None, "model": None, "failed": None}
    ) == Request(service=Service(), start_us=1_000_000, end_us=2_000_000)


def test_a_start_tells_that_a_request_is_in_flight() -> None:
    """It needs an id, by which its end is known for it."""
    assert told(START | {"input_tokens": 5, "weight": 2}) == Started(
        request_id="r-1", service=Service(model="chat"), start_us=10_000_000, input_tokens=5, weight=2
    )
    with pytest.raises(LineRefused, match="request_id") as refused:
        started_of({"event": "start", "start": 10})
    assert refused.value.reason == "missing_field"


@pytest.mark.parametrize(
    "said",
    ["2026-09-21T14:13:20.123456Z", "2026-09-21T15:13:20.123456+01:00", "2026-09-21T14:13:20.123456+00:00"],
)
def test_times_may_be_iso_8601(said: str) -> None:
    """1 790 000 000 s is 2026-09-21 14:13:20 UTC; an offset is counted."""
    assert request_of({"start": said, "end": said}).start_us == 1_790_000_000_123_456


@pytest.mark.parametrize(
    ("said", "field", "reason"),
    [
        ({"prompt": "hello"}, "prompt", "text_field"),
        ({"messages": []}, "messages", "text_field"),
        ({"api_key": "x"}, "api_key", "text_field"),
        ({"latency": 3}, "latency", "unknown_field"),
        ({"x" * 65: 3}, "a field with an odd name", "unknown_field"),
        ({"a\nb": 3}, "a field with an odd name", "unknown_field"),
        ({"event": "middle"}, "event", "impossible_value"),
        ({"start": None}, "start", "missing_field"),
        ({"end": None}, "end", "missing_field"),
        ({"end": 1_789_999_999}, "end", "impossible_value"),
        ({"first_token": 1_790_000_003}, "first_token", "impossible_value"),
        ({"start": "yesterday"}, "start", "impossible_value"),
        ({"start": "2026-09-21T14:13:20"}, "start", "impossible_value"),
        ({"start": "1960-09-21T14:13:20Z"}, "start", "impossible_value"),
        ({"start": 1_790_000_000_123}, "start", "impossible_value"),
        ({"start": -1}, "start", "impossible_value"),
        ({"start": float("nan")}, "start", "impossible_value"),
        ({"start": float("inf")}, "start", "impossible_value"),
        ({"start": True}, "start", "impossible_value"),
        ({"start": [1]}, "start", "impossible_value"),
        ({"input_tokens": -1}, "input_tokens", "impossible_value"),
        ({"output_tokens": 1.5}, "output_tokens", "impossible_value"),
        ({"output_tokens": True}, "output_tokens", "impossible_value"),
        ({"output_tokens": "12"}, "output_tokens", "impossible_value"),
        ({"output_tokens": float("inf")}, "output_tokens", "impossible_value"),
        ({"weight": 10**13}, "weight", "impossible_value"),
        ({"cached_input_tokens": 101}, "cached_input_tokens", "impossible_value"),
        ({"model": 7}, "model", "impossible_value"),
        ({"model": "x" * 257}, "model", "impossible_value"),
        ({"tenant": "line\nbreak"}, "tenant", "impossible_value"),
        ({"tenant": "\ud800"}, "tenant", "impossible_value"),
        ({"tenant": "sk-abc"}, "tenant", "text_field"),
        ({"failed": 1}, "failed", "impossible_value"),
    ],
)
def test_what_a_line_must_not_say_is_refused_with_its_field(
    said: dict[str, Any], field: str, reason: str
) -> None:
    """The refusal names the field and its kind, and never repeats the value."""
    with pytest.raises(LineRefused) as refused:
        told(END | said)
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert "hello" not in str(refused.value)
    assert "sk-abc" not in str(refused.value)


@pytest.mark.parametrize("field", ["end", "first_token", "output_tokens", "failed"])
def test_a_start_tells_nothing_that_only_its_end_can_know(field: str) -> None:
    """No end, no output, no failure."""
    with pytest.raises(LineRefused, match="a line of event 'end' has it"):
        told(START | {field: 11})


def test_each_kind_of_line_is_read_as_what_it_is() -> None:
    """A start is no end, and an end is no start."""
    with pytest.raises(LineRefused, match="here 'end'"):
        request_of(START)
    with pytest.raises(LineRefused, match="here 'start'"):
        started_of({"start": 1, "request_id": "r"})


def test_counts_may_come_as_whole_floats() -> None:
    """Tables with holes write 20.0 for 20."""
    assert request_of({"start": 1, "end": 2, "output_tokens": 20.0}).output_tokens == 20


def test_what_is_not_known_is_not_written() -> None:
    """A bare request makes a short line."""
    bare = Request(service=Service(), start_us=1_000_000, end_us=2_000_000)
    assert line_of(bare) == {"event": "end", "start": 1.0, "end": 2.0}
    assert line_of(WHOLE) == END


names = st.text("abcXYZ019-_./:é ", max_size=12).filter(lambda s: not s.startswith("sk-"))
counts = st.none() | st.integers(0, 10**12)
services = st.builds(Service, model=names, model_version=names, tenant=names, target=names)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    start, first, end = sorted(draw(st.lists(st.integers(0, 4_102_444_800_000_000), min_size=3, max_size=3)))
    given = draw(counts)
    return Request(
        request_id=draw(names),
        service=draw(services),
        start_us=start,
        first_token_us=draw(st.sampled_from([None, first])),
        end_us=end,
        input_tokens=given,
        cached_input_tokens=draw(st.integers(0, 10**12 if given is None else given)),
        output_tokens=draw(counts),
        weight=draw(counts),
        failed=draw(st.booleans()),
    )


@given(requests())
def test_a_request_survives_its_line(request: Request) -> None:
    """Written as JSON and read again it is the same, to the microsecond."""
    assert told(json.loads(json.dumps(line_of(request)))) == request


@given(st.builds(Started, request_id=names.filter(bool), service=services, start_us=st.integers(0, 10**15)))
def test_a_start_survives_its_line(started: Started) -> None:
    """Written as JSON and read again it is the same."""
    assert told(json.loads(json.dumps(line_of(started)))) == started
