"""Accelerators are shared out by busy time, and their utilisation is followed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.known import Grade, Method
from wattmark.core.readings import Device, Gap, ProcessUse, Reading
from wattmark.core.units import Power
from wattmark.measure.busy import SIGNAL, Busyness

GPU = Device(
    id="GPU-1",
    component="gpu",
    source="scripted",
    method=Method.HARDWARE_COUNTER,
    grade=Grade.B,
    max_power=Power(500.0),
    relative_error=0.05,
)


class ScriptedGpu:
    """A GPU meter whose answers are given."""

    name = "scripted"

    def __init__(self, uses: Sequence[ProcessUse | Gap], busy: float | Gap = 0.5) -> None:
        self._uses = list(uses)
        self._busy = busy
        self.asked_since: list[int] = []
        self.asked_for: list[Collection[int]] = []

    @property
    def devices(self) -> Sequence[Device]:
        return (GPU,)

    def read(self) -> Mapping[str, Reading]:
        return {GPU.id: Gap("not asked here")}

    def close(self) -> None:
        return None

    def utilisation(self) -> Mapping[str, float | Gap]:
        return {GPU.id: self._busy}

    def process_utilisation(self, pids: Collection[int], since_us: int) -> Mapping[str, ProcessUse | Gap]:
        self.asked_since.append(since_us)
        self.asked_for.append(pids)
        return {GPU.id: self._uses.pop(0)}


def _busyness(meter: ScriptedGpu) -> Busyness:
    return Busyness([meter], lambda: [42], lambda: 1_000)


def test_our_share_is_our_mean_share_of_time() -> None:
    """Busy 60 % and 20 % of two equal seconds with us, 10 % with others: 40 %, 10 %, idle 50 %."""
    meter = ScriptedGpu([ProcessUse(0.9, 0.0, 10), ProcessUse(0.6, 0.1, 20), ProcessUse(0.2, 0.1, 30)])
    busyness = _busyness(meter)
    for now in (0.0, 1.0, 2.0):
        busyness.ask(now)
    shares = busyness.peek(GPU.id)
    assert shares is not None
    assert (shares.own, shares.others, shares.idle) == pytest.approx((0.4, 0.1, 0.5))


def test_each_question_goes_on_from_the_last_answer() -> None:
    """Samples are asked for since the newest one seen, for the measured processes."""
    meter = ScriptedGpu([ProcessUse(0, 0, 2_000), ProcessUse(0, 0, 3_000)])
    busyness = _busyness(meter)
    busyness.ask(0.0)
    busyness.ask(1.0)
    assert meter.asked_since == [1_000, 2_000]
    assert meter.asked_for == [[42], [42]]


def test_a_second_question_within_half_a_second_is_not_asked() -> None:
    """Windows in quick succession do not ask the driver each time."""
    meter = ScriptedGpu([ProcessUse(0, 0, 1)])
    busyness = _busyness(meter)
    busyness.ask(0.0)
    busyness.ask(0.4)
    assert len(meter.asked_since) == 1


def test_where_it_cannot_be_told_there_is_no_share() -> None:
    """A MIG device gives a gap: no share, not a share of zero."""
    busyness = _busyness(ScriptedGpu([Gap("not supported with MIG")], busy=Gap("neither")))
    busyness.ask(0.0)
    assert busyness.peek(GPU.id) is None
    assert busyness.utilisation("gpu", [GPU.id]) is None


def test_a_cut_starts_anew_and_a_short_piece_keeps_the_last() -> None:
    """After a cut the old seconds are gone; before the next answer the last shares stand."""
    meter = ScriptedGpu([ProcessUse(0, 0, 1), ProcessUse(1.0, 0, 2), ProcessUse(0.0, 0, 3)])
    busyness = _busyness(meter)
    busyness.ask(0.0)
    busyness.ask(1.0)
    first = busyness.peek(GPU.id)
    busyness.cut()
    assert busyness.peek(GPU.id) == first
    busyness.ask(2.0)
    second = busyness.peek(GPU.id)
    assert second is not None
    assert second.own == 0.0


def test_a_meter_that_breaks_gives_no_share() -> None:
    """A third party's meter that raises neither breaks the program nor leaves an old share."""
    busyness = _busyness(ScriptedGpu([ProcessUse(0.5, 0, 1)]))
    busyness.ask(0.0)
    busyness.ask(1.0)  # the script is at its end: IndexError
    assert busyness.peek(GPU.id) is None


def test_utilisation_names_busy_time_and_keeps_five_minute_windows() -> None:
    """Ten minutes at 50 % are a mean of 0.5 and two windows, less the one that is not complete."""
    meter = ScriptedGpu([ProcessUse(0, 0, 1)] * 700)
    busyness = _busyness(meter)
    for second in range(605):
        busyness.ask(float(second))
    found = busyness.utilisation("gpu", [GPU.id])
    assert found is not None
    assert found.signal == SIGNAL
    assert found.mean == pytest.approx(0.5)
    assert found.windows_300s == pytest.approx((0.5, 0.5))


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=2, max_size=20))
def test_shares_always_add_up_to_the_device(uses: list[tuple[float, float]]) -> None:
    """Whatever the driver says, also more than 100 %: own + others + idle = 1 and none is negative."""
    busyness = _busyness(ScriptedGpu([ProcessUse(own, others, 1) for own, others in uses]))
    for second in range(len(uses)):
        busyness.ask(float(second))
    shares = busyness.peek(GPU.id)
    assert shares is not None
    assert shares.own + shares.others + shares.idle == pytest.approx(1.0)
    assert min(shares.own, shares.others, shares.idle) >= -1e-12
