"""Readings and requests go in as they come, windows that add up come out."""

import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.serving.exact import integral
from tests.core.serving.serving_cases import DEVICES, LENGTH_US, PLACEMENTS, all_pieces, some_requests
from wattmark.core.errors import UsageError
from wattmark.core.known import Grade, Method
from wattmark.core.serving.attributing import Attributor, Batch, Device, Settings
from wattmark.core.serving.dividing import Piece
from wattmark.core.serving.request import Phase, Placement, Request, Rule, Service
from wattmark.core.serving.weights import Weighing
from wattmark.core.serving.window import ServingWindow

CHAT, CODE = Service(model="chat"), Service(model="code")
MINUTE = 60_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
START = 1_790_000_040 * SECOND
"""A full minute."""


def a_device(device_id: str = "gpu:0", **said: Any) -> Device:
    told: dict[str, Any] = {"component": "gpu", "source": "nvml", "method": Method.HARDWARE_COUNTER, **said}
    return Device(device_id=device_id, grade=Grade.B, **told)


def an_attributor(placements: Sequence[Placement] = (), **said: Any) -> Attributor:
    return Attributor("host", [a_device()], placements, start_us=START, **said)


def a_request(start: float, end: float, service: Service = CHAT, **said: Any) -> Request:
    """Seconds after the start; 10 output tokens per second of it unless said otherwise."""
    facts: dict[str, Any] = {"input_tokens": 0, "output_tokens": round(10 * (end - start)), **said}
    return Request(
        service=service,
        start_us=START + round(start * SECOND),
        end_us=START + round(end * SECOND),
        **facts,
    )


def burn(attributor: Attributor, start: float, end: float, watts: float = 100.0) -> None:
    """One reading a second."""
    at = start
    while at < end:
        piece = Piece(START + round(at * SECOND), START + round((at + 1) * SECOND), watts)
        attributor.reading("gpu:0", piece)
        at += 1


def shares(window: ServingWindow) -> dict[str, tuple[float, float, float]]:
    """By model: succeeded, failed, idle."""
    return {s.service.model: (s.succeeded_joules, s.failed_joules, s.idle_joules) for s in window.shares}


def now(seconds: float) -> int:
    return START + round(seconds * SECOND)


class TestAWindow:
    """One minute of 100 W: 6000 J."""

    def test_adds_up(self) -> None:
        """Chat alone for 20 s, both for 10 s by 10 and 30 tokens/s, 30 s idle and reserved by half."""
        attributor = an_attributor(
            [
                Placement(model="chat", devices=("gpu:0",), reserved=0.5),
                Placement(model="code", devices=("gpu:0",), reserved=0.0),
            ]
        )
        burn(attributor, 0, 60)
        attributor.ended(a_request(0, 30, cached_input_tokens=0))
        attributor.ended(a_request(20, 30, CODE, output_tokens=300, failed=True))
        (window,) = attributor.advance(now(70)).windows
        assert (window.start_us, window.end_us, window.rule) == (now(0), now(60), Rule.TOKENS)
        assert shares(window) == {
            "chat": pytest.approx((2250, 0, 1500)),
            "code": pytest.approx((0, 750, 0)),
        }
        (use,) = window.devices
        assert (use.energy_joules, use.observed_seconds) == pytest.approx((6000, 60))
        assert (use.idle_joules, use.unallocated_joules) == pytest.approx((3000, 1500))
        assert (use.busy_seconds, use.busy_signal) == (30, "requests_active")
        assert window.notes == ()

    def test_says_what_was_done(self) -> None:
        """A request counts where it ends; its seconds count where they pass."""
        attributor = an_attributor()
        burn(attributor, 0, 120)
        attributor.ended(a_request(50, 90, input_tokens=7, cached_input_tokens=3))
        attributor.ended(a_request(0, 10, failed=True, input_tokens=None, output_tokens=None))
        first, second = attributor.advance(now(130)).windows
        (work,) = first.works
        assert (work.requests, work.failed, work.output_tokens, work.request_seconds) == (0, 1, 0, 20)
        (work,) = second.works
        assert (work.requests, work.failed, work.request_seconds) == (1, 0, 30)
        assert (work.input_tokens, work.cached_input_tokens, work.output_tokens) == (7, 3, 400)

    def test_does_not_know_tokens_that_one_success_keeps_to_itself(self) -> None:
        """A sum with a hole is not known, in whatever order they end."""
        attributor = an_attributor()
        attributor.ended(a_request(0, 10, input_tokens=None, output_tokens=None))
        attributor.ended(a_request(0, 20))
        (work,) = attributor.advance(now(100)).windows[0].works
        assert (work.input_tokens, work.cached_input_tokens, work.output_tokens) == (None, None, None)

    def test_keeps_reading_and_writing_apart(self) -> None:
        """2 s of reading, 8 s of writing, and one of which it is not known."""
        attributor = an_attributor()
        burn(attributor, 0, 60)
        attributor.ended(a_request(0, 10, first_token_us=now(2), input_tokens=5))
        attributor.ended(a_request(20, 25))
        batch = attributor.advance(now(70))
        (share,) = batch.windows[0].shares
        assert (share.prefill_joules, share.decode_joules) == pytest.approx((200, 800))
        assert share.requests_joules == pytest.approx(1500)
        assert [(r.joules, r.prefill_joules, r.decode_joules) for r in batch.requests] == [
            pytest.approx((1000, 200, 800)),
            pytest.approx((500, 0, 0)),
        ]

    def test_says_how_far_another_rule_moves_a_share(self) -> None:
        """10 against 30 tokens/s for 10 s: 250 and 750 J by tokens, 500 J each otherwise."""
        attributor = an_attributor()
        burn(attributor, 0, 60)
        attributor.ended(a_request(0, 10))
        attributor.ended(a_request(0, 10, CODE, output_tokens=300))
        (window,) = attributor.advance(now(70)).windows
        assert [s.rule_error_joules for s in window.shares] == pytest.approx([250, 250])

    def test_shows_a_gap_as_a_gap(self) -> None:
        """Nothing was read in the last 40 s: 2000 J of 20 s, and the request knows its share."""
        attributor = an_attributor()
        burn(attributor, 0, 20)
        attributor.ended(a_request(10, 30))
        batch = attributor.advance(now(100))
        (use,) = batch.windows[0].devices
        assert (use.energy_joules, use.observed_seconds) == pytest.approx((2000, 20))
        (request,) = batch.requests
        assert (request.joules, request.observed_share) == pytest.approx((1000, 0.5))

    def test_tells_a_device_s_own_busy_time(self) -> None:
        """Half of each second by its own signal."""
        device = a_device(busy_signal="nvml_busy_time")
        attributor = Attributor("host", [device], start_us=START)
        attributor.reading("gpu:0", Piece(now(0), now(60), 1.0, busy_us=30 * SECOND))
        (use,) = attributor.advance(now(70)).windows[0].devices
        assert (use.busy_seconds, use.busy_signal) == (30, "nvml_busy_time")


class TestWaiting:
    """A minute is divided once everything about it is known."""

    def test_for_what_is_told_a_little_later(self) -> None:
        """Ten seconds after the minute, and for every device."""
        attributor = an_attributor()
        burn(attributor, 0, 60)
        assert attributor.advance(now(69)) == Batch()
        assert len(attributor.advance(now(70)).windows) == 1
        assert attributor.divided_us == now(60)

    def test_for_a_request_in_flight(self) -> None:
        """Its tokens are known at its end only: two minutes become due at once."""
        attributor = an_attributor()
        burn(attributor, 0, 180)
        attributor.started("a", CHAT, now(30))
        attributor.started("a", CHAT, now(35))
        assert (attributor.in_flight, attributor.advance(now(130))) == (1, Batch())
        attributor.ended(a_request(30, 140, request_id="a"))
        assert (attributor.in_flight, attributor.waiting) == (0, 1)
        batch = attributor.advance(now(140))
        assert [shares(w)["chat"] for w in batch.windows] == [
            pytest.approx((3000, 0, 3000)),
            pytest.approx((6000, 0, 0)),
        ]
        assert batch.requests == ()
        (request,) = attributor.advance(now(190)).requests
        assert request.joules == pytest.approx(11000)

    def test_not_for_ever_for_a_silent_device(self) -> None:
        """After half a minute its time is a gap; what it tells later is in no window, and that is said."""
        attributor = an_attributor()
        burn(attributor, 0, 50)
        assert attributor.advance(now(80)) == Batch()
        (window,) = attributor.advance(now(90)).windows
        assert window.devices[0].observed_seconds == 50
        attributor.reading("gpu:0", Piece(now(50), now(70), 2000.0))
        attributor.reading("gpu:0", Piece(now(70), now(120), 5000.0))
        (window,) = attributor.advance(now(130)).windows
        assert window.devices[0].energy_joules == pytest.approx(6000)
        assert window.notes == ("1 x readings of gpu:0 came too late and are in no window",)

    def test_not_for_what_comes_a_minute_too_late(self) -> None:
        """A reading of a minute that is divided is in no window, and that is said."""
        attributor = an_attributor()
        attributor.advance(now(90))
        burn(attributor, 0, 2)
        (window,) = attributor.finish(now(120)).windows
        assert window.devices[0].energy_joules == 0
        assert window.notes == ("2 x readings of gpu:0 came too late and are in no window",)

    def test_not_for_ever_for_a_long_request(self) -> None:
        """After 15 minutes it is divided by the mean of its service, and its end sets nothing right."""
        attributor = an_attributor()
        burn(attributor, 0, 1200)
        attributor.started("a", CHAT, now(0))
        attributor.ended(a_request(0, 60))
        assert attributor.advance(now(959)) == Batch()
        (window,) = attributor.advance(now(960)).windows
        assert shares(window)["chat"][0] == pytest.approx(6000)
        assert window.notes == ("1 x requests in flight for long were divided by the mean of their service",)
        attributor.ended(a_request(0, 1000, request_id="a", output_tokens=30_000))
        windows = attributor.advance(now(1210)).windows
        assert sum(w.devices[0].idle_joules for w in windows) == pytest.approx(20_000)
        assert [w.notes for w in windows] == [()] * 19

    def test_divides_equally_what_weighs_as_much_as_the_mean(self) -> None:
        """One in flight beside one of 10 tokens/s: half each."""
        attributor = an_attributor()
        burn(attributor, 0, 60)
        attributor.started("a", CODE, now(0))
        attributor.ended(a_request(0, 60))
        (window,) = attributor.finish(now(60)).windows
        assert shares(window) == {
            "chat": pytest.approx((3000, 0, 0)),
            "code": pytest.approx((3000, 0, 0)),
        }

    def test_gives_a_request_up_whose_end_is_lost(self) -> None:
        """After four hours it has failed."""
        attributor = an_attributor()
        attributor.started("a", CHAT, now(0))
        assert len(attributor.advance(now(4 * 3600)).windows) == 225
        batch = attributor.advance(now(4 * 3600 + 61))
        assert attributor.in_flight == 0
        assert batch.windows[0].notes[0].startswith("1 x requests were taken to have failed")
        assert batch.windows[0].works[0].failed == 1
        assert batch.requests[0].late_us == 0

    def test_remembers_no_more_than_it_may(self) -> None:
        """A flood of starts stays bounded, and is said."""
        attributor = an_attributor(settings=Settings(most_in_flight=1))
        for name in ("", "a", "b"):
            attributor.started(name, CHAT, now(0))
        assert attributor.in_flight == 1
        (window,) = attributor.finish(now(60)).windows
        assert "1 x requests in flight were not waited for: too many" in window.notes


class TestTooLate:
    """What comes behind the watermark counts as work and moves no energy."""

    def test_a_request_is_counted_and_its_energy_stays(self) -> None:
        """Told after its minute: counted in the next one, with no joules, and said so."""
        attributor = an_attributor()
        burn(attributor, 0, 120)
        attributor.advance(now(70))
        attributor.ended(a_request(10, 20))
        batch = attributor.advance(now(130))
        (window,) = batch.windows
        assert (window.works[0].requests, window.devices[0].idle_joules) == pytest.approx((1, 6000))
        assert window.notes[0].startswith("1 x requests were told too late")
        (request,) = batch.requests
        assert (request.joules, request.late_us, request.observed_share) == (0, 10 * SECOND, None)

    def test_a_request_half_too_late_is_charged_for_the_rest(self) -> None:
        """From 50 to 70 s, told after the first minute: 10 s of 100 W."""
        attributor = an_attributor()
        burn(attributor, 0, 120)
        attributor.advance(now(70))
        attributor.ended(a_request(50, 70))
        (request,) = attributor.advance(now(130)).requests
        assert (request.joules, request.late_us) == pytest.approx((1000, 10 * SECOND))

    def test_a_start_that_comes_late_stops_nothing(self) -> None:
        """What is divided stays divided, the minute after it waits."""
        attributor = an_attributor()
        burn(attributor, 0, 130)
        attributor.advance(now(70))
        attributor.started("a", CHAT, now(30))
        assert attributor.advance(now(130)) == Batch()
        attributor.ended(a_request(30, 130, request_id="a"))
        (window,) = attributor.advance(now(140)).windows
        assert shares(window)["chat"][0] == pytest.approx(6000)


class TestPlaces:
    """Models run where they are placed."""

    def test_a_model_without_a_place_is_said(self) -> None:
        """Its work counts, no energy is made up for it."""
        attributor = an_attributor([Placement(model="chat", devices=("gpu:0",))])
        burn(attributor, 0, 60)
        attributor.ended(a_request(0, 10, CODE))
        attributor.ended(a_request(0, 10, Service()))
        (window,) = attributor.advance(now(70)).windows
        assert shares(window) == {"chat": pytest.approx((0, 0, 6000))}
        assert window.works[1].requests == 1
        assert window.notes == (
            "code: no device is known to run it; state a placement",
            "requests of an unknown model: no device is known to run it; state a placement",
        )

    def test_a_model_on_two_devices_uses_both(self) -> None:
        """Tensor parallel: each is shared on its own."""
        attributor = an_attributor()
        attributor.know(a_device("gpu:1"))
        attributor.reading("gpu:0", Piece(now(0), now(60), 600.0))
        attributor.reading("gpu:1", Piece(now(0), now(60), 1200.0))
        attributor.ended(a_request(0, 30))
        batch = attributor.advance(now(70))
        assert batch.requests[0].joules == pytest.approx(900)
        assert batch.requests[0].observed_share == 1
        assert [d.idle_joules for d in batch.windows[0].devices] == pytest.approx([300, 600])

    def test_may_change(self) -> None:
        """From the next window on."""
        attributor = an_attributor()
        attributor.place([Placement(model="code", devices=("gpu:0",))])
        burn(attributor, 0, 60)
        (window,) = attributor.advance(now(70)).windows
        assert shares(window) == {"code": pytest.approx((0, 0, 6000))}
        with pytest.raises(UsageError, match="reserve 200%"):
            attributor.place([Placement(devices=("gpu:0",))] * 2)


def test_readings_must_make_sense() -> None:
    """Of a device that is known, in order, without overlap."""
    attributor = an_attributor()
    with pytest.raises(UsageError, match=r"no device 'gpu:9' is known; here are: gpu:0"):
        attributor.reading("gpu:9", Piece(now(0), now(1), 1.0))
    attributor.reading("gpu:0", Piece(now(0), now(2), 1.0))
    with pytest.raises(UsageError, match="overlaps the one before it"):
        attributor.reading("gpu:0", Piece(now(1), now(3), 1.0))


@pytest.mark.parametrize("wrong", [{"window_us": 0}, {"horizon_us": 0}, {"lateness_us": -1}])
def test_settings_must_make_sense(wrong: dict[str, int]) -> None:
    """Nothing is waited for backwards."""
    with pytest.raises(UsageError):
        Settings(**wrong)


def test_the_rule_is_the_one_asked_for() -> None:
    """Declared weights 1 and 3 over the same 10 s."""
    attributor = an_attributor(weighing=Weighing(Rule.WEIGHT))
    burn(attributor, 0, 60)
    attributor.ended(a_request(0, 10, weight=1))
    attributor.ended(a_request(0, 10, CODE, weight=3))
    (window,) = attributor.finish(now(60)).windows
    assert attributor.rule is window.rule is Rule.WEIGHT
    assert [s.succeeded_joules for s in window.shares] == pytest.approx([250, 750])


def test_the_end_waits_for_nothing() -> None:
    """40 s in, and an hour without a word before: a short window."""
    attributor = an_attributor()
    burn(attributor, 0, 40)
    (window,) = attributor.finish(now(40)).windows
    assert (window.seconds, window.devices[0].unallocated_joules) == pytest.approx((40, 4000))
    assert attributor.finish(now(40)) == Batch()


@given(
    some_requests(known=True),
    all_pieces(),
    st.sampled_from(PLACEMENTS),
    st.sampled_from([Rule.TOKENS, Rule.EQUAL, Rule.WEIGHT]),
    st.integers(1, 500),
    st.randoms(use_true_random=False),
)
def test_agrees_with_the_exact_integral(
    requests: list[Request],
    pieces: Mapping[str, list[Piece]],
    placements: Sequence[Placement],
    rule: Rule,
    window_us: int,
    mixed: random.Random,
) -> None:
    """Told in any order, with or without their starts, in windows of any length: joules, phases, idle."""
    exact = integral(requests, pieces, placements, Weighing(rule))
    attributor = Attributor(
        "host",
        [a_device(device) for device in DEVICES],
        placements,
        start_us=0,
        weighing=Weighing(rule),
        settings=Settings(window_us=window_us, lateness_us=LENGTH_US, patience_us=LENGTH_US),
    )
    windows, done = _told_in_any_order(attributor, requests, pieces, mixed)
    _agree(requests, exact, windows, done)


def _told_in_any_order(
    attributor: Attributor,
    requests: Sequence[Request],
    pieces: Mapping[str, Sequence[Piece]],
    mixed: random.Random,
) -> tuple[list[ServingWindow], dict[str, Any]]:
    """As time goes by: some starts when they happen, ends when they happen, readings when they end."""
    events: list[tuple[int, int, Any]] = []
    for request in requests:
        if mixed.random() < 0.5:
            events.append((request.start_us, 0, request))
        events.append((request.end_us, 1, request))
    events += [(p.end_us, 2, (device, p)) for device, each in pieces.items() for p in each]
    mixed.shuffle(events)
    batches = []
    for at, kind, what in sorted(events, key=lambda event: event[:2]):
        if kind == 0:
            attributor.started(what.request_id, what.service, what.start_us)
        elif kind == 1:
            attributor.ended(what)
        else:
            attributor.reading(*what)
        batches.append(attributor.advance(at))
    batches.append(attributor.finish(2 * LENGTH_US))
    return [w for b in batches for w in b.windows], {
        r.request.request_id: r for b in batches for r in b.requests if r.request
    }


def _agree(
    requests: Sequence[Request], exact: Any, windows: Sequence[ServingWindow], done: Mapping[str, Any]
) -> None:
    scale = float(sum(exact.total.values())) or 1.0

    def near(exactly: Fraction) -> Any:
        return pytest.approx(float(exactly), rel=1e-9, abs=1e-12 * scale)

    assert len(done) == len(requests)
    for i, request in enumerate(requests):
        mine = done[request.request_id]
        assert mine.joules == near(exact.joules[i])
        assert mine.prefill_joules == near(exact.by_phase[i, Phase.PREFILL])
        assert mine.decode_joules == near(exact.by_phase[i, Phase.DECODE])
        assert (mine.late_us, mine.cut_us, mine.estimated) == (0, 0, False)
        if mine.observed_share is not None:
            assert mine._observed_us == exact.observed_us[i]
    idle: dict[str, float] = defaultdict(float)
    failed = math.fsum(s.failed_joules for w in windows for s in w.shares)
    for window in windows:
        for use in window.devices:
            idle[use.device_id] += use.idle_joules
    for device in DEVICES:
        assert idle[device] == near(exact.idle[device])
    lost = sum((exact.joules[i] for i, r in enumerate(requests) if r.failed), Fraction())
    assert failed == near(lost)
    assert sum(w.requests + w.failed for window in windows for w in window.works) == len(requests)


def test_waits_for_what_is_not_settled() -> None:
    """Nobody knows yet whether counters stand for a request from second 30 on: no longer than the horizon."""
    attributor = an_attributor(settings=Settings(horizon_us=300 * SECOND))
    burn(attributor, 0, 400)
    assert not attributor.advance(now(200), now(30)).windows
    attributor.started("r", CHAT, now(70))
    assert len(attributor.advance(now(200), now(130)).windows) == 1
    assert len(attributor.advance(now(400), now(70)).windows) == 1 - 1
    assert len(attributor.advance(now(431), now(70)).windows) == 1
