"""The sweep, in one go and in chunks, against the exact integral."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attribution.exact_power import a_series, sampled
from tests.core.serving.exact import integral, learned
from tests.core.serving.serving_cases import DEVICES, LENGTH_US, PLACEMENTS, all_pieces, some_requests
from wattmark.attribution.chunks import Chunks
from wattmark.attribution.columns import of
from wattmark.attribution.power.series import PowerSeries
from wattmark.attribution.result import Attribution, RequestEnergies, in_order
from wattmark.core.errors import UsageError
from wattmark.core.known import Grade, Method
from wattmark.core.serving.attributing import Attributor, Device, Settings
from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Phase, Placement, Request, Rule, Service, placed
from wattmark.core.serving.weights import Weighing

SECOND = 1_000_000
RULES = st.sampled_from([Rule.TOKENS, Rule.EQUAL, Rule.WEIGHT])


def a_device(device_id: str) -> Device:
    return Device(
        device_id=device_id, component="gpu", source="nvml", method=Method.HARDWARE_COUNTER, grade=Grade.B
    )


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
    near: dict[str, Any] = {"rel": 1e-9, "abs": 1e-12 * scale}
    for i in range(len(requests)):
        assert mine is not None
        assert mine.joules[i] == pytest.approx(float(exact.joules[i]), **near)
        assert mine.prefill_joules[i] == pytest.approx(float(exact.by_phase[i, Phase.PREFILL]), **near)
        assert mine.decode_joules[i] == pytest.approx(float(exact.by_phase[i, Phase.DECODE]), **near)
    for use in made.window.devices:
        assert use.idle_joules == pytest.approx(float(exact.idle[use.device_id]), **near)
        assert use.energy_joules == pytest.approx(float(exact.total[use.device_id]), **near)
    if mine is not None:
        homes = [_homes(r, placements) for r in requests]
        for i, request in enumerate(requests):
            passed = (request.end_us - request.start_us) * homes[i]
            share = exact.observed_us[i] / passed if passed else math.nan
            assert mine.observed_share[i] == pytest.approx(share, nan_ok=True)
    assert made.conservation_error <= 1e-9
    failed = math.fsum(s.failed_joules for s in made.window.shares)
    lost = sum(float(exact.joules[i]) for i, r in enumerate(requests) if r.failed)
    assert failed == pytest.approx(lost, **near)
    assert sum(w.requests + w.failed for w in made.window.works) == len(requests)


def _homes(request: Request, placements: Sequence[Placement]) -> int:
    """On how many devices it runs."""
    placement = placed(request.service, placements)
    return len(DEVICES) if not placements else len(placement.devices) if placement else 0


@given(some_requests(known=True), all_pieces(), st.sampled_from(PLACEMENTS), RULES, st.integers(1, 500))
def test_agrees_with_the_attributor_of_a_node(
    requests: list[Request],
    pieces: Mapping[str, list[Piece]],
    placements: Sequence[Placement],
    rule: Rule,
    window_us: int,
) -> None:
    """The sweep over a log and the minutes of an agent are the same joules, shares and works."""
    weighing = Weighing(rule)
    _, made = attributed(requests, pieces, placements, weighing=weighing)
    node = Attributor(
        "host", [a_device(d) for d in DEVICES], placements, start_us=0, weighing=weighing,
        settings=Settings(window_us=window_us),
    )  # fmt: skip
    for device, each in pieces.items():
        for piece in each:
            node.reading(device, piece)
    for request in requests:
        node.ended(request)
    windows = node.finish(LENGTH_US + 1).windows
    near: dict[str, Any] = {
        "rel": 1e-9,
        "abs": 1e-12 * (sum(p.joules for each in pieces.values() for p in each) or 1.0),
    }
    for share in made.window.shares:
        mine = [
            s for w in windows for s in w.shares
            if (s.service, s.device_id) == (share.service, share.device_id)
        ]  # fmt: skip
        for name in ("succeeded_joules", "failed_joules", "prefill_joules", "decode_joules"):
            assert sum(getattr(s, name) for s in mine) == pytest.approx(getattr(share, name), **near)
    works = {w.service: w for w in made.window.works}
    for service, work in works.items():
        for name in ("requests", "failed", "request_seconds"):
            minutes = [getattr(w, name) for window in windows for w in window.works if w.service == service]
            assert sum(minutes) == pytest.approx(getattr(work, name), rel=1e-9)


def some(n: int = 4, **said: Any) -> list[Request]:
    """One second each, one after the other, of 10 output tokens."""
    facts: dict[str, Any] = {"service": Service(model="chat"), "input_tokens": 0, "output_tokens": 10, **said}
    return [Request(start_us=i * SECOND, end_us=(i + 1) * SECOND, **facts) for i in range(n)]


def ten_watts(seconds: int = 10) -> PowerSeries:
    return a_series([Piece(0, seconds * SECOND, 10.0 * seconds)])


def test_without_bounds_it_goes_from_the_first_start_to_the_last_end() -> None:
    """4 s of 10 W; what was used before and after is of a time that the log does not tell of."""
    chunks = Chunks([ten_watts()])
    assert chunks.add(of(some())) is None
    done, made = chunks.finish()
    assert done is not None
    assert list(done.joules) == pytest.approx([10.0] * 4)
    assert (made.window.start_us, made.window.end_us) == (0, 4 * SECOND)
    assert made.window.devices[0].idle_joules == 0


def test_bounds_cut_requests_and_take_in_idle_time() -> None:
    """From 0.5 s to 6 s: half of the first request, 2 s of nothing; the model alone there reserves it."""
    chunks = Chunks([ten_watts()], since_us=SECOND // 2, until_us=6 * SECOND)
    chunks.add(of(some()))
    done, made = chunks.finish()
    assert done is not None
    assert list(done.joules) == pytest.approx([5, 10, 10, 10])
    (share,) = made.window.shares
    assert (share.succeeded_joules, share.idle_joules) == pytest.approx((35, 20))
    assert made.window.works[0].requests == 4


def test_a_request_that_ends_after_the_end_is_charged_and_not_counted() -> None:
    """It counts where it ends, and no request is counted twice in two stretches of one log."""
    chunks = Chunks([ten_watts()], since_us=0, until_us=3 * SECOND + SECOND // 2)
    chunks.add(of(some()))
    _, made = chunks.finish()
    assert made.window.works[0].requests == 3
    assert made.window.shares[0].succeeded_joules == pytest.approx(35)


def test_a_request_too_late_in_the_log_counts_and_moves_no_energy() -> None:
    """Without slack, the first second is divided when its request comes: 10 J stay idle."""
    chunks = Chunks([ten_watts()], since_us=0, slack_us=0, block=1)
    first, *others = some()
    for request in (*others, first):
        chunks.add(of([request]))
    done, made = chunks.finish()
    assert done is not None
    assert (done.joules[-1], done.late_us[-1]) == (0, SECOND)
    assert np.isnan(done.observed_share[-1])
    assert (made.late, made.window.works[0].requests) == (1, 4)
    assert made.window.devices[0].idle_joules == pytest.approx(10)
    assert "1 requests came too late" in made.window.notes[0]


def test_logs_side_by_side_wait_for_one_another() -> None:
    """Told that another log was read until 1 s only, nothing later is divided."""
    chunks = Chunks([ten_watts()], since_us=0, slack_us=0, block=1)
    first, *others = some()
    assert chunks.add(of(others), latest_us=0) is None
    assert chunks.add(of([first])) is not None
    assert chunks.finish()[1].late == 0


def test_tokens_that_are_not_told_are_not_known_and_said() -> None:
    """Two successes without tokens weigh as the mean of the others; their sum has a hole."""
    chunks = Chunks([ten_watts()])
    chunks.add(of([*some(2), *some(2, output_tokens=None)]))
    _, made = chunks.finish()
    assert made.estimated == {Service(model="chat"): 2}
    assert made.window.works[0].output_tokens is None
    assert made.window.works[0].input_tokens == 0
    assert made.window.notes[0].startswith("2 requests do not tell what they weigh")


def test_a_failure_without_tokens_hides_nobody_elses() -> None:
    """It has energy and no work."""
    chunks = Chunks([ten_watts()])
    chunks.add(of([*some(2), *some(1, output_tokens=None, input_tokens=None, failed=True)]))
    _, made = chunks.finish()
    work = made.window.works[0]
    assert (work.requests, work.failed, work.output_tokens) == (2, 1, 20)


def test_sampled_power_says_how_far_its_other_reading_is() -> None:
    """0, 100, 0 W: 50 J a second on the line; held until the next sample 0 and 100 J: 50 J apart in each."""
    power = sampled([0, SECOND, 2 * SECOND], [0.0, 100.0, 0.0])
    chunks = Chunks([power])
    chunks.add(of([*some(1), *some(2, service=Service(model="code"))[1:]]))
    _, made = chunks.finish()
    assert {s.model: e for (s, _), e in made.reading_errors.items()} == pytest.approx(
        {"chat": 50, "code": 50}
    )
    assert made.window.devices[0].errors["sampling:gpu:0"] == pytest.approx(1.0)
    assert made.window.devices[0].errors["power:gpu:0:gain"] == 0.1


def test_the_other_rules_say_how_far_they_move_a_service() -> None:
    """10 against 30 tokens/s at once: 2.5 and 7.5 J by tokens, 5 each otherwise; not asked, not told."""
    both = [*some(1), *some(1, service=Service(model="code"), output_tokens=30)]
    for uncertain, moved in ((True, [2.5, 2.5]), (False, [0, 0])):
        chunks = Chunks([ten_watts()], uncertain=uncertain)
        chunks.add(of(both))
        _, made = chunks.finish()
        assert [s.rule_error_joules for s in made.window.shares] == pytest.approx(moved)


def test_models_without_a_place_use_nothing_and_are_named() -> None:
    """The device is idle, as far as anybody can tell; what it is reserved for is charged."""
    chunks = Chunks([ten_watts()], [Placement(model="code", devices=("gpu:0",), reserved=0.5)])
    chunks.add(of(some()))
    done, made = chunks.finish()
    assert done is not None
    assert list(done.joules) == [0, 0, 0, 0]
    (use,) = made.window.devices
    assert (use.idle_joules, use.unallocated_joules) == pytest.approx((40, 20))
    assert made.window.notes == ("chat: no device is known to run it; state a placement",)


def test_a_gap_is_said_and_holds_no_energy() -> None:
    """Power ends 1 s before the requests do."""
    chunks = Chunks([ten_watts(3)])
    chunks.add(of(some()))
    done, made = chunks.finish()
    assert done is not None
    assert list(done.joules) == pytest.approx([10, 10, 10, 0])
    assert list(done.observed_share) == [1, 1, 1, 0]
    assert made.window.devices[0].observed_seconds == 3
    assert made.window.notes == ("gpu:0: not observed for 1 s, which hold no energy here",)


def test_nothing_to_divide_is_an_error() -> None:
    """No request, and requests that took no time."""
    with pytest.raises(UsageError, match="no time to divide"):
        Chunks([ten_watts()]).finish()
    chunks = Chunks([ten_watts()])
    chunks.add(of([Request(service=Service(), start_us=5, end_us=5)]))
    with pytest.raises(UsageError, match="no time to divide"):
        chunks.finish()


def test_devices_must_not_hold_one_another() -> None:
    """Their energies are added up."""
    gpu, node = ten_watts(), a_series([Piece(0, 5, 1.0)], "node:h")
    inside = a_series([Piece(0, 5, 1.0)], "gpu:1", part_of="node:h")
    with pytest.raises(UsageError, match="no power is given"):
        Chunks([])
    with pytest.raises(UsageError, match="gpu:0 is told twice"):
        Chunks([gpu, gpu])
    with pytest.raises(UsageError, match="node:h already contains gpu:1"):
        Chunks([gpu, node, inside])
