"""Requests and readings as hypothesis draws them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Placement, Request, Service

DEVICES = ("gpu:0", "gpu:1")
MODELS = ("chat", "code")
LENGTH_US = 400
"""All that is drawn happens in so many microseconds."""
PLACEMENTS: Sequence[Sequence[Placement]] = (
    (),
    (
        Placement(model="chat", devices=DEVICES, reserved=0.5),
        Placement(model="code", devices=DEVICES[:1], reserved=0.25),
    ),
    (Placement(model="chat", devices=DEVICES[:1]),),
    (Placement(devices=DEVICES),),
)


ENERGIES = st.just(0.0) | st.floats(1e-9, 1e6)
"""Joules of a reading: none at all, or at least what a counter could tell."""


@st.composite
def a_request(draw: st.DrawFn, known: bool = False) -> Request:
    """One request; with ``known`` it tells all that any rule wants."""
    start = draw(st.integers(0, LENGTH_US))
    end = draw(st.integers(start, LENGTH_US))
    tokens = st.integers(0, 5000) if known else st.none() | st.integers(0, 5000)
    given = draw(tokens)
    return Request(
        service=Service(model=draw(st.sampled_from(MODELS)), tenant=draw(st.sampled_from(("", "a")))),
        start_us=start,
        first_token_us=draw(st.none() | st.integers(start, end)),
        end_us=end,
        input_tokens=given,
        cached_input_tokens=draw(st.integers(0, given or 0)),
        output_tokens=draw(tokens),
        weight=draw(st.integers(0, 9) if known else st.none() | st.integers(0, 9)),
        failed=draw(st.booleans()),
    )


@st.composite
def some_pieces(draw: st.DrawFn) -> list[Piece]:
    """Readings of one device in order: some missing, some failed, some of nothing at all."""
    edges = sorted(draw(st.sets(st.integers(0, LENGTH_US), min_size=2, max_size=12)))
    pieces = []
    for begin, end in itertools.pairwise(edges):
        fate = draw(st.sampled_from(("read", "read", "read", "failed", "missing")))
        if fate == "read":
            pieces.append(Piece(begin, end, draw(ENERGIES)))
        elif fate == "failed":
            pieces.append(Piece(begin, end, 0.0, observed=False))
    return pieces


def some_requests(known: bool = False, most: int = 12) -> st.SearchStrategy[list[Request]]:
    """Requests with ids of their own."""
    return st.lists(a_request(known), max_size=most).map(
        lambda drawn: [_named(request, i) for i, request in enumerate(drawn)]
    )


def all_pieces() -> st.SearchStrategy[Mapping[str, list[Piece]]]:
    """Readings of all devices."""
    return st.fixed_dictionaries({device: some_pieces() for device in DEVICES})


def _named(request: Request, i: int) -> Request:
    told: dict[str, Any] = {name: getattr(request, name) for name in request.__slots__}
    return Request(**{**told, "request_id": f"r{i}"})
