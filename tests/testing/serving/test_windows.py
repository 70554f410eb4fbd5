"""The simulated node: it conserves energy, keeps its seed, and changes what it is told to change."""

from __future__ import annotations

from statistics import fmean

import pytest

pytest.importorskip("numpy")

from wattmark.core.errors import UsageError
from wattmark.core.known import Grade
from wattmark.core.serving.request import Rule
from wattmark.core.serving.window import ServingWindow
from wattmark.testing.serving.plan import Change, Device, Kind, Model, Plan, Traffic
from wattmark.testing.serving.windows import windows

STEADY = Traffic(daily=0.0, weekend=1.0, bursts_per_day=0.0, wander=0.0)


def a_plan(*changes: Change, minutes: int = 600, **more: object) -> Plan:
    """One model under steady traffic on one device that is metered without noise."""
    fields: dict[str, object] = {"models": (Model(traffic=(STEADY,)),), "noise": 0.0, "cpu": None}
    return Plan(**{**fields, "changes": changes, "minutes": minutes, **more})  # type: ignore[arg-type]


def joules_per_token(found: list[ServingWindow]) -> float:
    """Attributed energy over output tokens of all these windows."""
    joules = sum(share.requests_joules for w in found for share in w.shares)
    return joules / sum(work.output_tokens or 0.0 for w in found for work in w.works)


def split(plan: Plan, at: int) -> tuple[list[ServingWindow], list[ServingWindow]]:
    """The windows before and from a minute on."""
    edge = plan.start_us + at * 60_000_000
    found = list(windows(plan))
    return [w for w in found if w.start_us < edge], [w for w in found if w.start_us >= edge]


def test_one_seed_gives_the_same_windows_and_another_gives_others() -> None:
    """Whoever repeats a simulation sees what was seen before."""
    plan = Plan(minutes=30, seed=5)
    assert list(windows(plan)) == list(windows(plan))
    assert list(windows(plan)) != list(windows(Plan(minutes=30, seed=6)))


def test_a_minute_follows_the_other_and_every_one_conserves_energy() -> None:
    """The windows check conservation themselves; several models on one device and on two pass it."""
    models = (
        Model(name="a", devices=("gpu-0", "gpu-1"), reserved=0.5, traffic=(Traffic(), Traffic(tenant="b"))),
        Model(name="b", devices=("gpu-1",), reserved=0.7),
    )
    plan = Plan(models=models, devices=(Device(), Device(name="gpu-1")), minutes=120)
    found = list(windows(plan))
    assert [w.start_us for w in found] == [plan.start_us + i * 60_000_000 for i in range(120)]
    assert {s.tenant for w in found for s in w.services} == {"all", "b"}
    assert all(d.energy_joules > 0 for w in found for d in w.devices)


def test_a_release_that_costs_a_tenth_more_does_so() -> None:
    """10 % more per token from the minute of the release on, and the release is named."""
    before, after = split(a_plan(Change(at=300, kind=Kind.ENERGY, factor=1.1, version="1.1")), 300)
    assert joules_per_token(after) / joules_per_token(before) == pytest.approx(1.1, rel=0.03)
    assert {s.model_version for w in before for s in w.services} == {"1.0"}
    assert {s.model_version for w in after for s in w.services} == {"1.1"}


def test_more_traffic_makes_a_token_cheaper() -> None:
    """A fuller batch shares the fixed power among more tokens; nothing about the model has changed."""
    before, after = split(a_plan(Change(at=300, kind=Kind.TRAFFIC, factor=2.0)), 300)
    assert fmean(w.works[0].requests for w in after) / fmean(w.works[0].requests for w in before) == (
        pytest.approx(2.0, rel=0.05)
    )
    assert joules_per_token(after) < 0.8 * joules_per_token(before)


def test_longer_inputs_cost_more_per_output_token() -> None:
    """Reading costs too, and it is charged to what is written."""
    before, after = split(a_plan(Change(at=300, kind=Kind.INPUT_TOKENS, factor=3.0)), 300)
    assert joules_per_token(after) > 1.1 * joules_per_token(before)


def test_a_batch_limit_that_is_too_small_lets_requests_wait_and_fail() -> None:
    """Two at a time cannot write what three hundred requests a minute ask for."""
    before, after = split(a_plan(Change(at=300, kind=Kind.BATCH_LIMIT, factor=2.0)), 300)
    assert sum(w.works[0].failed for w in after[-100:]) > 10 * sum(w.works[0].failed for w in before[-100:])
    assert joules_per_token(after) > 1.3 * joules_per_token(before)


def test_a_model_that_moves_is_charged_on_its_new_device() -> None:
    """From then on the old device is idle, and reserved by nobody."""
    devices = (Device(), Device(name="gpu-1", speed=2.0))
    plan = a_plan(Change(at=300, kind=Kind.HARDWARE, device="gpu-1"), devices=devices)
    before, after = split(plan, 300)
    assert {s.device_id for w in before for s in w.shares} == {"gpu-0"}
    assert {s.device_id for w in after for s in w.shares} == {"gpu-1"}
    assert all(w.devices[0].unallocated_joules == w.devices[0].energy_joules for w in after)


def test_a_gap_is_not_observed_and_a_restart_has_no_windows() -> None:
    """Ten minutes without readings hold no energy; ten minutes without an agent are not there at all."""
    plan = a_plan(
        Change(at=100, kind=Kind.GAP, device="gpu-0", minutes=10),
        Change(at=200, kind=Kind.RESTART, minutes=10),
    )
    found = {(w.start_us - plan.start_us) // 60_000_000: w for w in windows(plan)}
    assert all(
        found[m].devices[0].observed_seconds == found[m].devices[0].energy_joules == 0.0
        for m in range(100, 110)
    )
    assert set(range(600)) - set(found) == set(range(200, 210))
    assert found[199].devices[0].observed_seconds == found[210].devices[0].observed_seconds == 30.0


def test_a_stuck_sensor_reads_the_same_whatever_happens() -> None:
    """One value for half an hour."""
    plan = a_plan(Change(at=100, kind=Kind.STUCK, device="gpu-0", minutes=30), noise=1.0)
    stuck = list(windows(plan))[100:130]
    assert len({w.devices[0].energy_joules for w in stuck}) == 1


def test_another_way_of_measuring_and_another_rule_are_told() -> None:
    """The grade falls with the method, and the rule is part of the window."""
    plan = a_plan(
        Change(at=100, kind=Kind.METHOD, device="gpu-0", factor=1.2), Change(at=200, kind=Kind.RULE)
    )
    found = list(windows(plan))
    assert [found[i].devices[0].grade for i in (99, 100)] == [Grade.B, Grade.D]
    assert [found[i].rule for i in (199, 200)] == [Rule.TOKENS, Rule.ENGINE]


def test_a_device_that_nobody_described_is_refused() -> None:
    """A typing error is told with the name."""
    with pytest.raises(UsageError, match="gpu-7"):
        Plan(models=(Model(devices=("gpu-7",)),))
