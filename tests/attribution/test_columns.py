"""Requests as columns and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.attribution import columns
from wattmark.attribution.columns import RequestColumns
from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Request, Service

SMALL, LARGE = Service(model="small"), Service(model="large", tenant="shop")
TOKENS = st.none() | st.integers(0, 10_000)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Any request that may be."""
    start, until_first, rest = (draw(st.integers(0, 10**9)) for _ in range(3))
    inputs = draw(TOKENS)
    return Request(
        request_id=draw(st.sampled_from(["", "a", "b-2"])),
        service=draw(st.sampled_from([SMALL, LARGE, Service()])),
        start_us=start,
        first_token_us=draw(st.sampled_from([None, start + until_first])),
        end_us=start + until_first + rest,
        input_tokens=inputs,
        cached_input_tokens=draw(st.integers(0, inputs or 0)) if inputs is not None else 0,
        output_tokens=draw(TOKENS),
        weight=draw(TOKENS),
        failed=draw(st.booleans()),
    )


@given(st.lists(requests()))
def test_requests_become_columns_and_come_back_the_same(listed: list[Request]) -> None:
    """Nothing is lost or made up on the way, a number that is not known least of all."""
    assert list(columns.of(listed).requests()) == listed


@given(st.lists(requests()), st.lists(requests()))
def test_joining_columns_is_joining_requests(one: list[Request], other: list[Request]) -> None:
    """Services are numbered anew; ids stay when both have them."""
    both = columns.joined([columns.of(one), columns.of(other)])
    bare = list(both.requests())
    assert [(r.service, r.start_us, r.input_tokens) for r in bare] == [
        (r.service, r.start_us, r.input_tokens) for r in one + other
    ]


def test_a_slice_keeps_the_rows_that_requests_came_from() -> None:
    """The second request of rows 5, 7, 9 is the one of row 7, also after slicing."""
    made = _columns(start_us=[30, 20, 10], end_us=[30, 20, 10], row=[5, 7, 9])
    assert made[1:].row_of(0) == 7
    assert list(made[made.start_us > 10].row) == [5, 7]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"end_us": [9, 5]}, "row 7 must not end before it starts"),
        ({"first_token_us": [-1, 30]}, "row 7 has its first token before its start or after its end"),
        ({"input_tokens": [0, -2]}, "row 7 has input_tokens below 0"),
        ({"cached_input_tokens": [0, 3], "input_tokens": [-1, 2]}, "row 7 has more cached input tokens"),
        ({"cached_input_tokens": [0, -1]}, "row 7 has cached_input_tokens below 0"),
        ({"service": [0, 1]}, "row 7 names no service"),
        ({"weight": [1]}, "the column weight has 1 rows, and start_us has 2"),
    ],
)
def test_what_no_request_may_be_is_refused_with_its_row(wrong: dict[str, list[int]], says: str) -> None:
    """Row 7 is the second one."""
    with pytest.raises(UsageError, match=says):
        _columns(**{"start_us": [1, 6], "end_us": [9, 9], "row": [5, 7]} | wrong)


def test_cached_tokens_may_be_known_where_the_input_is_not() -> None:
    """As in a request: the input that is not known may be any."""
    assert _columns(start_us=[1], end_us=[2], cached_input_tokens=[3]).cached_input_tokens[0] == 3


def test_no_requests_are_columns_too() -> None:
    """Nothing joined with nothing is nothing."""
    assert len(columns.joined([])) == 0
    assert len(columns.of([])) == 0


def _columns(**given: list[int]) -> RequestColumns:
    length = len(given["start_us"])
    whole = {
        name: np.array(given.get(name, [-1] * length), np.int64)
        for name in ("start_us", "first_token_us", "end_us", "input_tokens", "output_tokens", "weight")
    }
    return RequestColumns(
        **whole,
        cached_input_tokens=np.array(given.get("cached_input_tokens", [0] * length), np.int64),
        failed=np.zeros(length, np.bool_),
        service=np.array(given.get("service", [0] * length), np.int32),
        services=(SMALL,),
        row=np.array(given.get("row", []), np.int64),
    )
