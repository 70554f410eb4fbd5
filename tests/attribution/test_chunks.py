"""The sweep, in one go and in chunks, against the exact integral."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="wattmark[attribute] is not installed")

from tests.attribution.exact_power import a_series
from tests.core.serving.exact import integral, learned
from tests.core.serving.serving_cases import DEVICES, LENGTH_US, PLACEMENTS, all_pieces, some_requests
from wattmark.attribution.chunks import Chunks
from wattmark.attribution.columns import of
from wattmark.attribution.result import Attribution, RequestEnergies, in_order
from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Phase, Placement, Request, Rule
from wattmark.core.serving.weights import Weighing

RULES = st.sampled_from([Rule.TOKENS, Rule.EQUAL, Rule.WEIGHT])


def attributed(
    requests: Sequence[Request],
    pieces: Mapping[str, Sequence[Piece]],
    *args: Any,
    size: int = 100,
    **said: Any,
) -> tuple[RequestEnergies | None, Attribution]:
    """The requests in chunks of so many each."""
    power = [a_series(each, device) for device, each in pieces.items()]
    chunks = Chunks(power, *args, since_us=0, until_us=LENGTH_US, block=1, **said)
    parts = [chunks.add(of(requests[i : i + size])) for i in range(0, len(requests), size)]
    last, made = chunks.finish()
    given_back = [part for part in (*parts, last) if part is not None]
    return (in_order(given_back) if given_back else None), made


@given(some_requests(), all_pieces(), st.sampled_from(PLACEMENTS), RULES, st.integers(1, 12))
def test_agrees_with_the_exact_integral(
    requests: list[Request],
    pieces: Mapping[str, list[Piece]],
    placements: Sequence[Placement],
    rule: Rule,
    size: int,
) -> None:
    """In chunks of any size, with requests that do not tell their tokens: joules, phases, time, idle."""
    weighing = Weighing(rule)
    exact = integral(requests, pieces, placements, weighing)
    means = learned(requests, weighing)
    mine, made = attributed(
        requests, pieces, placements, size=size, weighing=weighing, means=means, slack_us=LENGTH_US
    )
    scale = float(sum(exact.total.values())) or 1.0
    near = {"rel": 1e-9, "abs": 1e-12 * scale}
    for i in range(len(requests)):
        assert mine is not None
        assert mine.joules[i] == pytest.approx(float(exact.joules[i]), **near)
        assert mine.prefill_joules[i] == pytest.approx(float(exact.by_phase[i, Phase.PREFILL]), **near)
        assert mine.decode_joules[i] == pytest.approx(float(exact.by_phase[i, Phase.DECODE]), **near)
    for use in made.window.devices:
        assert use.idle_joules == pytest.approx(float(exact.idle[use.device_id]), **near)
        assert use.energy_joules == pytest.approx(float(exact.total[use.device_id]), **near)
    assert made.conservation_error <= 1e-9
    failed = math.fsum(s.failed_joules for s in made.window.shares)
    lost = sum(float(exact.joules[i]) for i, r in enumerate(requests) if r.failed)
    assert failed == pytest.approx(lost, **near)
    assert sum(w.requests + w.failed for w in made.window.works) == len(requests)
